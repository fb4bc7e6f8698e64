//! Speed of the integration kernels.

fn main() {}
