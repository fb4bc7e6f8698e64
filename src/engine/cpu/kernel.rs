//! The sums of one band of pixels: for each matrix entry the weight meets all lanes at once.
//!
//! The loops over lanes have a constant length, so that the compiler turns them into vector instructions; a version
//! with explicit ones replaces [`add_block`] alone.

use std::ops::Range;

use super::load::{Block, Lane, SignalPath, load};
use crate::integrate::IntegrationPlan;

/// Pixels that are converted at once: their values of all lanes stay in the first-level cache.
pub(super) const BLOCK: usize = 128;

/// Sums of `L` frames over a part of the detector: for each bin Σ w·signal and, where S = 2, Σ w²·variance.
pub(super) struct BandSums<const L: usize, const S: usize> {
    pub(super) sums: Vec<[[f64; L]; S]>,
    /// Pixels inside the plan that a frame excludes, ascending.
    pub(super) excluded: [Vec<u32>; L],
}

impl<const L: usize, const S: usize> BandSums<L, S> {
    pub(super) fn zero(bins: usize) -> Self {
        BandSums { sums: vec![[[0.0; L]; S]; bins], excluded: std::array::from_fn(|_| Vec::new()) }
    }

    /// Adds the sums of the next band.
    pub(super) fn add(&mut self, next: &BandSums<L, S>) {
        for (sum, more) in self.sums.as_flattened_mut().iter_mut().zip(next.sums.as_flattened()) {
            for (sum, more) in sum.iter_mut().zip(more) {
                *sum += more;
            }
        }
        for (all, more) in self.excluded.iter_mut().zip(&next.excluded) {
            all.extend_from_slice(more);
        }
    }
}

/// Sums up to `L` frames over `pixels`; lanes without a frame stay zero.
pub(super) fn accumulate<const L: usize, const S: usize>(
    plan: &IntegrationPlan,
    path: SignalPath,
    frames: &[Lane<'_>],
    pixels: Range<usize>,
) -> BandSums<L, S> {
    let mut band = BandSums::zero(plan.accumulator_len());
    let mut block = Block::new();
    let mut first = pixels.start;
    while first < pixels.end {
        let range = first..pixels.end.min(first + BLOCK);
        // Whole stretches without entries are gaps between modules and beam stops.
        let starts = &plan.matrix.starts[range.start..=range.end];
        if starts[0] != starts[range.len()] {
            load(plan, path, frames, range.clone(), &mut block);
            note_excluded(&block, starts, first, &mut band.excluded);
            add_block(plan, path, &block, starts, &mut band.sums);
        }
        first = range.end;
    }
    band
}

fn note_excluded<const L: usize>(
    block: &Block<L>,
    starts: &[u32],
    first: usize,
    excluded: &mut [Vec<u32>; L],
) {
    if !block.any_excluded {
        return;
    }
    for (i, (ends, flags)) in starts.windows(2).zip(&block.excluded).enumerate() {
        if *flags != 0 && ends[0] != ends[1] {
            for (lane, list) in excluded.iter_mut().enumerate() {
                if flags & (1 << lane) != 0 {
                    list.push((first + i) as u32);
                }
            }
        }
    }
}

fn add_block<const L: usize, const S: usize>(
    plan: &IntegrationPlan,
    path: SignalPath,
    block: &Block<L>,
    starts: &[u32],
    sums: &mut [[[f64; L]; S]],
) {
    let variances = match path {
        SignalPath::Counts => &block.signal,
        SignalPath::Corrected => &block.variance,
    };
    for (i, ends) in starts.windows(2).enumerate() {
        let range = ends[0] as usize..ends[1] as usize;
        let (signal, variance) = (&block.signal[i], &variances[i]);
        for (bin, weight) in plan.matrix.bins[range.clone()].iter().zip(&plan.matrix.weights[range]) {
            let weight = f64::from(*weight);
            let sum = &mut sums[*bin as usize];
            for lane in 0..L {
                sum[0][lane] += weight * signal[lane];
            }
            if S == 2 {
                let square = weight * weight;
                for lane in 0..L {
                    sum[1][lane] += square * variance[lane];
                }
            }
        }
    }
}
