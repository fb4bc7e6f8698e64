//! The native engine: sums in f64, or rings that are filtered, eight frames at once.

mod kernel;
mod load;
mod rings;
mod stream;
mod sums;

use std::sync::Arc;

use super::{Engine, EngineError, EngineInfo, EngineKind, check_pixels};
use crate::frame::Frame;
use crate::integrate::{Accumulators, Filter, IntegrationPlan};
use crate::simd::{InstructionSet, LANES};
use rings::Rings;
use sums::Sums;

/// Memory that the counts of a batch may take, at 4 bytes each. Many threads do not need more: they share the bands of
/// a few groups as well as they share many groups.
const BATCH_BYTES: usize = 1 << 30;

/// Integrates on the processor.
#[derive(Debug)]
pub struct CpuEngine {
    plan: Arc<IntegrationPlan>,
    info: EngineInfo,
    way: Way,
}

/// What the plan's filter needs.
#[derive(Debug)]
enum Way {
    /// All pixels of a bin are added.
    Sums(Sums),
    /// They are looked at first.
    Rings(Rings),
}

/// What the native engine says of itself.
pub(super) fn info(filter: Filter) -> EngineInfo {
    info_with(InstructionSet::best(), filter)
}

fn info_with(instructions: InstructionSet, filter: Filter) -> EngineInfo {
    EngineInfo {
        kind: EngineKind::Cpu,
        device: std::env::consts::ARCH.to_owned(),
        detail: match filter {
            Filter::Off => format!("{instructions}, f64, {LANES} frames at once"),
            Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => {
                format!("{instructions}, rings filtered, f64, {LANES} frames at once")
            }
        },
    }
}

impl CpuEngine {
    /// An engine for `plan`, with the fastest instructions of this processor.
    pub fn new(plan: Arc<IntegrationPlan>) -> CpuEngine {
        CpuEngine::with(plan, InstructionSet::best())
    }

    /// An engine that uses these instructions.
    pub fn with(plan: Arc<IntegrationPlan>, instructions: InstructionSet) -> CpuEngine {
        let way = match plan.filter {
            Filter::Off => Way::Sums(Sums::new(&plan, instructions)),
            Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => {
                Way::Rings(Rings::new(&plan, instructions))
            }
        };
        CpuEngine { info: info_with(instructions, plan.filter), way, plan }
    }

    /// Memory of the matrix that is read for each group of frames.
    pub fn matrix_bytes(&self) -> usize {
        match &self.way {
            Way::Sums(sums) => sums.matrix_bytes(),
            Way::Rings(rings) => rings.bytes(),
        }
    }
}

/// Memory of an engine for `plan`, beside the plan's own.
pub fn engine_bytes(plan: &IntegrationPlan) -> usize {
    match plan.filter {
        Filter::Off => stream::bytes(plan) + sums::bytes(plan),
        Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => rings::bytes(plan),
    }
}

/// Frames that this engine likes to get at once.
pub fn batch_frames(pixels: usize, filter: Filter) -> usize {
    LANES * groups_in_a_batch(pixels, filter, rayon::current_num_threads())
}

/// As many groups as threads, as far as memory goes; at least one. Filtered groups go one after the other, each through all threads: of
/// them as many as give each thread a frame to read and to reduce.
fn groups_in_a_batch(pixels: usize, filter: Filter, threads: usize) -> usize {
    let wanted = match filter {
        Filter::Off => threads,
        Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => threads.div_ceil(LANES),
    };
    let group_bytes = LANES * pixels * size_of::<u32>();
    (BATCH_BYTES / group_bytes.max(1)).clamp(1, wanted.max(1))
}

impl Engine for CpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        batch_frames(self.plan.shape.pixels(), self.plan.filter)
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        frames.iter().try_for_each(|frame| check_pixels(frame, &self.plan))?;
        match &self.way {
            Way::Sums(sums) => sums.integrate(&self.plan, frames),
            Way::Rings(rings) => rings.integrate(&self.plan, frames),
        }
    }

    fn take_back(&self, sums: Accumulators) {
        match &self.way {
            Way::Sums(way) => way.take_back(sums),
            Way::Rings(_) => drop(sums),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_the_threads_busy_within_its_memory() {
        let pilatus_2m = 1679 * 1475;
        assert_eq!(groups_in_a_batch(pilatus_2m, Filter::Off, 2), 2);
        // 8 frames are 79 MB, of which 1 GiB holds 13.
        assert_eq!(groups_in_a_batch(pilatus_2m, Filter::Off, 128), 13);
        assert_eq!(groups_in_a_batch(1 << 28, Filter::Off, 128), 1);
        assert_eq!(groups_in_a_batch(0, Filter::Off, 3), 3);
        assert_eq!(
            [2, 8, 9, 64].map(|threads| groups_in_a_batch(pilatus_2m, Filter::Median, threads)),
            [1, 1, 2, 8]
        );
        assert_eq!(groups_in_a_batch(pilatus_2m, Filter::Median, 0), 1);
    }
}
