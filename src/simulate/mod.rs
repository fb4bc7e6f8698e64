//! The digital twin: structure → I(Q) → frames, written as a forward model from the equations.
