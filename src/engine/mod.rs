//! Engines apply an integration plan to frames: `cpu` natively, `gpu` with wgpu compute shaders. Same answer.

pub mod cpu;
pub mod crew;
pub mod gpu;
pub mod select;
mod layout;
mod valid;

use crate::frame::Frame;
use crate::integrate::{Accumulators, IntegrationPlan};

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Native.
    Cpu,
    /// Compute shaders.
    Gpu,
}

impl EngineKind {
    /// How many threads should call [`Engine::integrate`] at once to keep it busy: a card is given the next frames while it
    /// works.
    pub fn calls_at_once(self) -> usize {
        match self {
            EngineKind::Cpu => 1,
            EngineKind::Gpu => gpu::CALLS_AT_ONCE,
        }
    }
}

impl std::fmt::Display for EngineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            EngineKind::Cpu => "cpu",
            EngineKind::Gpu => "gpu",
        })
    }
}

/// What integrated the frames; stands in `run.json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EngineInfo {
    /// Which of the two.
    pub kind: EngineKind,
    /// Adapter or processor.
    pub device: String,
    /// Graphics API and driver, or the instruction set.
    pub detail: String,
}

/// Work of a card: how long by its own clock, and the bytes that it had to move, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct DeviceWork {
    /// Seconds.
    pub seconds: f64,
    /// Bytes read and written.
    pub bytes: f64,
}

/// What a card did for its frames so far. The stages of one pass follow each other; those of the next overlap with the host's
/// work only.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct DeviceTimes {
    /// Frames.
    pub frames: u64,
    /// Counts from the staging buffer to where shaders read them; `None` where the driver times no copies.
    pub upload: Option<DeviceWork>,
    /// Counts → signal and variance.
    pub correct: DeviceWork,
    /// Sums per bin.
    pub integrate: DeviceWork,
    /// Sums to where the host reads them; `None` as for the upload.
    pub readback: Option<DeviceWork>,
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

    /// What its card did so far; `None` without a card, or without a clock on it.
    fn device_times(&self) -> Option<DeviceTimes> {
        None
    }

    /// One set of sums per frame, in order. Every frame has the plan's shape and, where the plan corrects dead time,
    /// an exposure.
    ///
    /// # Errors
    /// Device loss, lack of memory, or a frame that does not fit the plan.
    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError>;

    /// Takes sums back that are not needed any more, to use their memory again: that of a cake is large, and new memory has to
    /// be cleared page by page.
    fn take_back(&self, _sums: Accumulators) {}
}

/// Whether a frame has the pixels of the plan, each with its count.
fn check_pixels(frame: &Frame, plan: &IntegrationPlan) -> Result<(), EngineError> {
    if frame.shape != plan.shape {
        return Err(EngineError::Shape { found: frame.shape, expected: plan.shape });
    }
    let found = frame.counts.len();
    if found != frame.shape.pixels() {
        return Err(EngineError::CountsLength { shape: frame.shape, found });
    }
    Ok(())
}

impl EngineError {
    /// Whether the device failed, so that another engine can do the same frames.
    pub fn is_of_the_device(&self) -> bool {
        match self {
            EngineError::OutOfGpuMemory { .. }
            | EngineError::DeviceLost { .. }
            | EngineError::Driver { .. } => true,
            EngineError::Shape { .. }
            | EngineError::CountsLength { .. }
            | EngineError::NoExposure
            | EngineError::NoGpu { .. }
            | EngineError::NoAdapter { .. }
            | EngineError::OpenAdapter { .. }
            | EngineError::FrameTooLarge { .. }
            | EngineError::BinTooLarge { .. } => false,
        }
    }
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
    /// No GPU.
    #[error(
        "no GPU was found (adapters: {seen}); on Linux install the Vulkan loader and the card's driver \
         (libvulkan1 with mesa-vulkan-drivers, or the vendor's driver), or set `engine: cpu`. \
         A software driver is used only by name: --engine llvmpipe"
    )]
    NoGpu {
        /// Adapters that are there.
        seen: String,
    },
    /// No adapter of that name.
    #[error(
        "no graphics adapter has `{wanted}` in its name; adapters: {seen}. `engine` is auto, gpu, cpu or such a name"
    )]
    NoAdapter {
        /// Part of a name.
        wanted: String,
        /// Adapters that are there.
        seen: String,
    },
    /// An adapter could not be opened.
    #[error("graphics adapter {adapter} cannot be opened: {reason}; update its driver or set `engine: cpu`")]
    OpenAdapter {
        /// Its name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// Rings are to be filtered, and four frames do not fit one binding.
    #[error(
        "to filter rings takes {needed} bytes for four frames of {shape} pixels (rows × columns), {adapter} can bind \
         {limit}; set `engine: cpu`"
    )]
    FrameTooLarge {
        /// Adapter.
        adapter: String,
        /// The plan's.
        shape: crate::frame::Shape,
        /// Bytes.
        needed: u64,
        /// Bytes.
        limit: u64,
    },
    /// The weights of one bin do not fit one binding.
    #[error(
        "bin {bin} has {entries} weights, {adapter} can bind {limit}; use more bins or set `engine: cpu`"
    )]
    BinTooLarge {
        /// Adapter.
        adapter: String,
        /// Counted over all regions.
        bin: usize,
        /// Weights.
        entries: u64,
        /// Weights.
        limit: u64,
    },
    /// The card's memory is full.
    #[error("{adapter} is out of memory ({what}); close other programs that use it or set `engine: cpu`")]
    OutOfGpuMemory {
        /// Adapter.
        adapter: String,
        /// What was being done.
        what: &'static str,
    },
    /// The card gave up, was reset or was removed.
    #[error(
        "{adapter} was lost: {reason}; its driver was reset or the card removed; run again or set `engine: cpu`"
    )]
    DeviceLost {
        /// Adapter.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The driver refused work.
    #[error("{adapter} failed ({what}): {reason}; update its driver or set `engine: cpu`, and report it")]
    Driver {
        /// Adapter.
        adapter: String,
        /// What was being done.
        what: &'static str,
        /// What the driver says.
        reason: String,
    },
}
