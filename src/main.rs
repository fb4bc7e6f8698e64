//! The `halor` command.

fn main() {}
