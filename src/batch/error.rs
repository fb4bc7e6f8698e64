//! Why a run stops as a whole.

use std::path::PathBuf;

use super::journal::JournalError;
use super::prepare::PrepareError;
use crate::engine::EngineError;
use crate::integrate::PatternError;
use crate::output::OutputError;
use crate::report::{PictureError, ReportError};
use crate::scattering::ScatteringError;

/// Why a run stopped as a whole; a bad frame does not stop it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Results of an earlier run are in the way.
    #[error(
        "{count} results are there already, {first} among them; give --force to replace them, or set another `output`"
    )]
    Exists {
        /// How many.
        count: usize,
        /// One of them.
        first: PathBuf,
    },
    /// Shards are missing.
    #[error(
        "{0}\nnothing is merged; do the missing shards again, or `halor run` without --shard, which does the rest here"
    )]
    Incomplete(String),
    /// The journal, or others in the folder.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Sums that do not go together.
    #[error("the journal's sums: {0}")]
    Sums(#[from] PatternError),
    /// Two results would have one name.
    #[error("two results would both be written to {0}; rename a sample, a sector or a frame")]
    Collision(PathBuf),
    /// Results would go where nobody looks for them.
    #[error("{link} is a link to {target}, out of the output folder; remove it, or set another `output`")]
    LinkOut {
        /// In the output folder.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Before the first frame.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A table or the record.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The page.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The weights of pairs of elements.
    #[error(transparent)]
    Weights(#[from] ScatteringError),
    /// The record could not be put into JSON.
    #[error("run.json: {0}")]
    Record(#[from] serde_json::Error),
}
