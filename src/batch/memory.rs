//! The memory of a run, estimated before its first frame.

use super::prepare::Prepared;
use crate::config::Config;
use crate::engine::EngineKind;
use crate::engine::cpu::engine_bytes;
use crate::engine::gpu::staging_bytes;

/// Batches of frames that are in memory beside those that are integrated: one that is read, one that waits.
const AHEAD: usize = 2;

/// The program itself.
const PROGRAM: usize = 32 << 20;

/// What a run holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// Plans, sums of samples.
    fixed: usize,
    /// For each frame of a batch.
    per_frame: usize,
}

impl Memory {
    /// With these engines.
    pub(super) fn of(config: &Config, prepared: &Prepared, engines: &[EngineKind]) -> Memory {
        let plan = &prepared.plans.integration;
        let pixels = plan.shape.pixels();
        let matrix = 8 * plan.matrix.bins.len() + 4 * pixels + engine_bytes(plan);
        let norm_and_flat = 12 * pixels;
        let transform = prepared.plans.reduction.as_ref().map_or(0, |plan| plan.transform.bytes());
        let sums = 24 * plan.accumulator_len();
        let at_once: usize = engines.iter().map(|kind| kind.calls_at_once()).sum();
        let cards = engines.iter().filter(|kind| **kind == EngineKind::Gpu).count();
        Memory {
            fixed: PROGRAM
                + matrix
                + norm_and_flat
                + transform
                + sums * config.samples.len()
                + cards * staging_bytes(plan),
            // Pilatus counts.
            per_frame: (AHEAD + at_once) * (4 * pixels + sums),
        }
    }

    /// Bytes with batches of `frames`.
    pub(super) fn bytes(&self, frames: usize) -> usize {
        self.fixed + self.per_frame * frames
    }

    /// Most frames of a batch within `limit` bytes, and at least one.
    pub(super) fn frames_within(&self, limit: u64) -> usize {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        (limit.saturating_sub(self.fixed) / self.per_frame).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_the_limit_and_is_never_empty() {
        let memory = Memory { fixed: 1000, per_frame: 30 };
        for (limit, frames) in [(0, 1), (1000, 1), (1060, 2), (1089, 2), (1090, 3)] {
            assert_eq!(memory.frames_within(limit), frames, "{limit}");
            assert!(frames == 1 || memory.bytes(frames) as u64 <= limit);
        }
    }
}
