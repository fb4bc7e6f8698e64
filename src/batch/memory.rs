//! The memory of a run, estimated before its first frame.

use std::path::Path;

use super::journal::FRAMES;
use super::nexus::bins_of_frames;
use super::prepare::Prepared;
use crate::config::{CakesOf, Config};
use crate::engine::EngineKind;
use crate::engine::cpu::engine_bytes;
use crate::engine::gpu::staging_bytes;
use crate::frame::{FrameAddress, is_read_in_place};
use crate::output::PeakRow;

/// Batches of frames that are in memory beside those that are integrated: one that is read, one that waits.
const AHEAD: usize = 2;

/// The program itself.
const PROGRAM: usize = 32 << 20;

/// Columns of a pattern, and of what S(Q) and the scatter of F add for each of its points.
const PATTERN: usize = 5;
const STRUCTURE: usize = 12;

/// What is kept of each frame until the end: its record and its pattern in wide bins, with which it is held against the others; and about
/// so many rows of peaks.
const FRAME: usize = 5 << 10;
const ROWS: usize = 7;

/// Bytes of a pattern's point as text: in a frame's files, in all of them.
const TEXT: usize = 200;

/// What a run holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// Plans, sums and patterns of samples and backgrounds, files of several images, what is kept of all frames.
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
        let of_bins = 24 * plan.accumulator_len();
        let transform = prepared.plans.reduction.as_ref().map_or(0, |plan| plan.transform.bytes());
        let sums = 24 * plan.accumulator_len();
        // Measured and subtracted, and their files before they are written.
        let points = plan.bins.count * config.regions.len();
        let patterns = (2 * 8 * PATTERN + TEXT) * points;
        let reduced = config.pdf.as_ref().map_or(0, |pdf| {
            8 * STRUCTURE * plan.bins.count + (8 * STRUCTURE + TEXT) * pdf.transform.r.count
        });
        let cells = config.cake.map_or(0, |cake| cake.axes.cells());
        // Intensity, σ and norm, twice, and the file.
        let cake = (6 * 8 + 20) * cells;
        let of_frames = match config.cake.map(|cake| cake.of) {
            Some(CakesOf::SamplesAndFrames) => cake,
            Some(CakesOf::Samples) | None => 0,
        };
        let samples = config.samples.len();
        let rows = config.pdf.as_ref().map_or(0, |_| ROWS * size_of::<PeakRow>());
        let frames: usize = config.samples.iter().map(|sample| sample.frames.len()).sum();
        // All samples are reduced at the end, each thread with one cake at a time.
        let of_samples = samples * (sums + patterns + reduced * config.regions.len())
            + cake * rayon::current_num_threads();
        // No more backgrounds than samples, and seldom more than one.
        let background = sums + 8 * PATTERN * points + 24 * cells;
        // The piece of the journal that is open, with the sums of its frames where a NeXus file wants them.
        let of_frame =
            config.exports.nexus.as_ref().map_or(0, |_| bins_of_frames(config).min(plan.accumulator_len()));
        let piece = sums + FRAMES * 24 * of_frame;
        let at_once: usize = engines.iter().map(|kind| kind.calls_at_once()).sum();
        let cards = engines.iter().filter(|kind| **kind == EngineKind::Gpu).count();
        Memory {
            fixed: PROGRAM
                + matrix
                + norm_and_flat
                + of_bins
                + transform
                + of_samples
                + frames * (FRAME + rows)
                + background
                + piece
                + cards * staging_bytes(plan)
                + largest_stack(config),
            // Pilatus counts, in one batch with their packed files. The sums of a batch more wait to be used again, or are filtered.
            per_frame: (AHEAD + at_once + 1) * (4 * pixels + sums) + patterns + reduced + of_frames,
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

/// The largest file of several images: it is in memory as a whole while its frames are.
fn largest_stack(config: &Config) -> usize {
    let lists = config.samples.iter().flat_map(|sample| {
        std::iter::once(&sample.frames).chain(sample.background.iter().map(|background| &background.frames))
    });
    let stacks = lists.flat_map(|frames| frames.chunk_by(same_file)).filter(|images| images.len() > 1);
    let stacks = stacks.filter(|images| !is_read_in_place(&images[0].path));
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let largest = stacks.map(|images| bytes(&images[0].path)).max().unwrap_or(0);
    usize::try_from(largest).unwrap_or(usize::MAX / 4)
}

fn same_file(a: &FrameAddress, b: &FrameAddress) -> bool {
    a.path == b.path
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
