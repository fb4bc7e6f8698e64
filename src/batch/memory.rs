//! The memory of a run, estimated before its first frame.

use super::prepare::Prepared;
use crate::config::Config;
use crate::engine::cpu::engine_bytes;

/// Batches of frames that are in memory: one that is read, one that waits, one that is integrated.
const BATCHES: usize = 3;

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
    pub(super) fn of(config: &Config, prepared: &Prepared) -> Memory {
        let plan = &prepared.plans.integration;
        let pixels = plan.shape.pixels();
        let matrix = 8 * plan.matrix.bins.len() + 4 * pixels + engine_bytes(plan);
        let norm_and_flat = 12 * pixels;
        let transform = prepared.plans.reduction.as_ref().map_or(0, |plan| plan.transform.bytes());
        let sums = 24 * plan.accumulator_len();
        Memory {
            fixed: PROGRAM + matrix + norm_and_flat + transform + sums * config.samples.len(),
            // Pilatus counts.
            per_frame: BATCHES * (4 * pixels + sums),
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
