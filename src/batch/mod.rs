//! A whole run: read ∥ integrate ∥ reduce and write, and the ledger of what became of each frame.

mod anisotropy;
mod check;
mod comparison;
mod drift;
mod error;
mod files;
mod frame_picture;
mod header;
mod inputs;
mod intake;
mod links;
mod memory;
mod moved;
mod nexus;
mod ordered;
mod prepare;
mod queue;
mod reduction;
mod run;
mod series;
mod sums;
mod settled;

pub use check::{FrameCount, RunPlan, check, frame_count};
pub use error::RunError;
pub use files::{PlannedOutputs, planned_outputs};
pub(crate) use prepare::static_mask;
pub use prepare::{PrepareError, Prepared, prepare};
pub use run::{Progress, RunOptions, RunResult, run, run_with};
