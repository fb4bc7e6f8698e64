//! The native engine: eight frames at once against one pass over the matrix, sums in f64.

mod kernel;
mod load;

use std::sync::Arc;

use rayon::prelude::*;

use super::{Engine, EngineError, EngineInfo, EngineKind, check_pixels};
use crate::frame::Frame;
use crate::integrate::{Accumulators, IntegrationPlan};
use kernel::{BandSums, accumulate};
use load::{Lane, SignalPath};

/// Frames that go through the matrix together.
const LANES: usize = 8;

/// Most pieces of the detector that are summed on their own and then added in order.
const MOST_BANDS: usize = 16;

/// Memory that the sums of all bands of a group of frames may take.
const BAND_BYTES: usize = 256 << 20;

/// Memory that the counts of a batch may take, at 4 bytes each. Many threads do not need more: they share the bands of
/// a few groups as well as they share many groups.
const BATCH_BYTES: usize = 1 << 30;

/// What the threads share out among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Groups of frames, each summed by one thread.
    Groups,
    /// The bands of one group after the other.
    Bands,
}

/// Integrates on the processor.
///
/// The detector is cut into bands of pixels that depend on the plan alone. Each band is summed in pixel order, the
/// bands are added in order, and every frame has its own lane of arithmetic: so the bits of the answer depend
/// neither on the threads nor on the frames that are integrated with it.
#[derive(Debug)]
pub struct CpuEngine {
    plan: Arc<IntegrationPlan>,
    info: EngineInfo,
    path: SignalPath,
    /// Whether every share is a whole pixel: then Σ w²·c and Σ w·c are one sum.
    whole_pixels: bool,
    /// Σ w·norm of each bin without excluded pixels.
    norm: Vec<f64>,
    /// Pixels in each bin.
    pixels: Vec<u32>,
    /// First pixel of each band, and the end.
    bands: Vec<usize>,
}

/// What the native engine says of itself.
pub(super) fn info() -> EngineInfo {
    let threads = rayon::current_num_threads();
    EngineInfo {
        kind: EngineKind::Cpu,
        device: std::env::consts::ARCH.to_owned(),
        detail: format!("portable f64, {LANES} frames at once, {threads} threads"),
    }
}

impl CpuEngine {
    /// An engine for `plan`.
    pub fn new(plan: Arc<IntegrationPlan>) -> CpuEngine {
        let bytes = plan.accumulator_len() * LANES * 2 * size_of::<f64>();
        let count = (BAND_BYTES / bytes.max(1)).clamp(1, MOST_BANDS);
        let total = plan.shape.pixels();
        CpuEngine {
            info: info(),
            path: SignalPath::of(&plan.signal),
            whole_pixels: plan.matrix.weights.iter().all(|weight| *weight == 1.0),
            norm: plan.norm_sum(),
            pixels: plan.pixel_count(),
            bands: (0..=count).map(|band| total * band / count).collect(),
            plan,
        }
    }

    fn lane<'f>(&self, frame: &'f Frame) -> Result<Lane<'f>, EngineError> {
        check_pixels(frame, &self.plan)?;
        let tau_per_exposure = self.plan.signal.tau_per_exposure(frame.header.exposure_s);
        Ok(Lane { counts: &frame.counts, tau_per_exposure: tau_per_exposure.ok_or(EngineError::NoExposure)? })
    }

    /// The kernel for a group: one lane for a single frame, and only one sum where the variance is the signal.
    fn group(&self, frames: &[Lane<'_>], sharing: Sharing) -> Vec<Accumulators> {
        let one_sum = self.whole_pixels && self.path == SignalPath::Counts;
        match (frames.len(), one_sum) {
            (1, true) => self.reduce::<1, 1>(frames, sharing),
            (1, false) => self.reduce::<1, 2>(frames, sharing),
            (_, true) => self.reduce::<LANES, 1>(frames, sharing),
            (_, false) => self.reduce::<LANES, 2>(frames, sharing),
        }
    }

    /// Sums all bands of up to `L` frames, in the same order whatever the threads share.
    fn reduce<const L: usize, const S: usize>(
        &self,
        frames: &[Lane<'_>],
        sharing: Sharing,
    ) -> Vec<Accumulators> {
        let sum = |band: usize| {
            let pixels = self.bands[band]..self.bands[band + 1];
            accumulate::<L, S>(&self.plan, self.path, frames, pixels)
        };
        let bands = self.bands.len() - 1;
        let mut total = BandSums::<L, S>::zero(self.plan.accumulator_len());
        match sharing {
            Sharing::Groups => (0..bands).for_each(|band| total.add(&sum(band))),
            Sharing::Bands => {
                let parts: Vec<BandSums<L, S>> = (0..bands).into_par_iter().map(sum).collect();
                parts.iter().for_each(|part| total.add(part));
            }
        }
        (0..frames.len()).map(|lane| self.finish(&total, lane)).collect()
    }

    /// The sums of one frame, its norm without the pixels that this frame excludes.
    fn finish<const L: usize, const S: usize>(&self, sums: &BandSums<L, S>, lane: usize) -> Accumulators {
        let excluded = &sums.excluded[lane];
        let mut norm = self.norm.clone();
        if !excluded.is_empty() {
            let mut left = self.pixels.clone();
            for &pixel in excluded {
                for (bin, weight) in self.plan.entries(pixel as usize) {
                    norm[bin] -= weight * self.plan.norm[pixel as usize];
                    left[bin] -= 1;
                }
            }
            // What rounding leaves of an emptied bin is not a norm.
            for (norm, _) in norm.iter_mut().zip(&left).filter(|(_, left)| **left == 0) {
                *norm = 0.0;
            }
        }
        Accumulators {
            signal: sums.sums.iter().map(|bin| bin[0][lane]).collect(),
            variance: sums.sums.iter().map(|bin| bin[S - 1][lane]).collect(),
            norm,
            excluded_pixels: excluded.len() as u64,
        }
    }
}

/// Frames that this engine likes to get at once.
pub fn batch_frames(pixels: usize) -> usize {
    LANES * groups_in_a_batch(pixels, rayon::current_num_threads())
}

/// As many groups as threads, as far as memory goes; at least one.
fn groups_in_a_batch(pixels: usize, threads: usize) -> usize {
    let group_bytes = LANES * pixels * size_of::<u32>();
    (BATCH_BYTES / group_bytes.max(1)).clamp(1, threads.max(1))
}

impl Engine for CpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        batch_frames(self.plan.shape.pixels())
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        let lanes = frames.iter().map(|frame| self.lane(frame)).collect::<Result<Vec<_>, _>>()?;
        let groups: Vec<&[Lane<'_>]> = lanes.chunks(LANES).collect();
        let answers: Vec<Vec<Accumulators>> = if groups.len() < rayon::current_num_threads() {
            groups.iter().map(|group| self.group(group, Sharing::Bands)).collect()
        } else {
            groups.par_iter().map(|group| self.group(group, Sharing::Groups)).collect()
        };
        Ok(answers.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_the_threads_busy_within_its_memory() {
        let pilatus_2m = 1679 * 1475;
        assert_eq!(groups_in_a_batch(pilatus_2m, 2), 2);
        // 8 frames are 79 MB, of which 1 GiB holds 13.
        assert_eq!(groups_in_a_batch(pilatus_2m, 128), 13);
        assert_eq!(groups_in_a_batch(1 << 28, 128), 1);
        assert_eq!(groups_in_a_batch(0, 3), 3);
    }
}
