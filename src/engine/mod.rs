//! Engines apply an integration plan to frames: `cpu` natively, `gpu` with wgpu compute shaders. Same answer.

pub mod cpu;

use crate::frame::Frame;
use crate::integrate::Accumulators;

/// What integrated the frames; stands in `run.json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct EngineInfo {
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// Adapter or processor.
    pub device: String,
    /// Graphics API and driver, or the instruction set.
    pub detail: String,
}

/// Applies one plan to frames.
///
/// An engine is made for a plan. The answer does not depend on how frames are grouped into batches, nor on the number
/// of threads, and is the same bits each time.
pub trait Engine: Send + Sync {
    /// What it runs on.
    fn info(&self) -> &EngineInfo;

    /// How many frames it likes to get at once.
    fn batch_size(&self) -> usize;

    /// One set of sums per frame, in order. Every frame has the plan's shape and, where the plan corrects dead time,
    /// an exposure.
    ///
    /// # Errors
    /// Device loss, lack of memory, or a frame that does not fit the plan.
    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError>;
}

/// Why an engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The frame is not the plan's.
    #[error(
        "frame is {found} pixels (rows × columns), the plan is for {expected}; set `detector` in the run file"
    )]
    Shape {
        /// The frame's.
        found: crate::frame::Shape,
        /// The plan's.
        expected: crate::frame::Shape,
    },
    /// The frame contradicts itself.
    #[error(
        "frame of {shape} pixels (rows × columns) holds {found} counts; the file is damaged, read it again"
    )]
    CountsLength {
        /// What the frame says.
        shape: crate::frame::Shape,
        /// Number of counts.
        found: usize,
    },
    /// Dead time is to be corrected and the frame has no exposure.
    #[error(
        "dead time is corrected by rate, and the frame's header has no exposure; set `exposure_s` in the run file"
    )]
    NoExposure,
}
