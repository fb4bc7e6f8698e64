//! Sums over all pixels of a bin: eight frames at once against one pass over the matrix.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::kernel::{Accumulate, BandSums};
use super::load::{Group, SignalPath, groups};
use super::stream::{Band, Stream};
use crate::engine::EngineError;
use crate::frame::{Count, Frame, each_type};
use crate::integrate::{Accumulators, IntegrationPlan};
use crate::simd::{InstructionSet, LANES};

/// Pieces of the detector that are summed on their own and then added in order: at least so many, so that threads can share
/// one group of frames.
const LEAST_BANDS: usize = 16;

/// And at most so many.
const MOST_BANDS: usize = 256;

/// What the sums of a band shall take where there are many bins: they then stay in a second-level cache.
const BAND_BYTES: usize = 1 << 20;

/// Bins whose sums go to the frames at once: they stay in the cache while each frame takes its own.
const BINS_AT_ONCE: usize = 512;

/// Bands of one group that a thread has in memory at once.
const BANDS_OF_A_THREAD: usize = 4;

/// Memory beside the matrix: norm and pixels of each bin, and the sums of the bands that threads have at once.
pub(super) fn bytes(plan: &IntegrationPlan) -> usize {
    let of_all = plan.accumulator_len() * LANES * 2 * size_of::<f64>();
    let of_bands = of_all / bands_of(of_all) * BANDS_OF_A_THREAD * rayon::current_num_threads();
    12 * plan.accumulator_len() + of_bands.min(2 * of_all)
}

/// Number of bands where the sums of all bins take so many bytes.
fn bands_of(bytes: usize) -> usize {
    (bytes / BAND_BYTES).clamp(LEAST_BANDS, MOST_BANDS)
}

/// What the threads share out among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Groups of frames, each summed by one thread.
    Groups,
    /// The bands of one group after the other.
    Bands,
}

/// A plan's matrix in the order of the pixels, and what is summed once for all frames.
///
/// The detector is cut into bands of pixels that depend on the plan alone. Each band is summed in an order that the plan
/// decides, the bands are added in order, and every frame has its own lane of arithmetic: so the bits of the answer depend
/// neither on the threads, nor on the frames that are integrated with it, nor on the instruction set.
#[derive(Debug)]
pub(super) struct Sums {
    instructions: InstructionSet,
    stream: Stream,
    /// Σ w·norm of each bin without excluded pixels.
    norm: Vec<f64>,
    /// Pixels in each bin.
    pixels: Vec<u32>,
    spare: Spare,
}

/// Lists of the plan's length that were given back.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<f64>>>);

/// More are not kept: three lists for each frame of four groups.
const MOST_SPARE: usize = 3 * 4 * LANES;

/// Shorter ones the allocator keeps by itself.
const LEAST_SPARE: usize = 1 << 14;

impl Spare {
    fn give(&self, list: Vec<f64>) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() >= LEAST_SPARE && lists.len() < MOST_SPARE {
            lists.push(list);
        }
    }

    fn take(&self) -> Option<Vec<f64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn zeros(&self, length: usize) -> Vec<f64> {
        match self.take() {
            Some(mut list) => {
                list.fill(0.0);
                list
            }
            None => vec![0.0; length],
        }
    }

    fn copy(&self, of: &[f64]) -> Vec<f64> {
        match self.take() {
            Some(mut list) => {
                list.copy_from_slice(of);
                list
            }
            None => of.to_vec(),
        }
    }
}

impl Sums {
    pub(super) fn new(plan: &IntegrationPlan, instructions: InstructionSet) -> Sums {
        let bytes = plan.accumulator_len() * LANES * 2 * size_of::<f64>();
        let bands = bands_of(bytes);
        let sums = || rayon::join(|| plan.norm_sum(), || plan.pixel_count());
        let (stream, (norm, pixels)) = rayon::join(|| Stream::new(plan, bands), sums);
        Sums { instructions, stream, norm, pixels, spare: Spare::default() }
    }

    /// Keeps the memory of sums of this plan.
    pub(super) fn take_back(&self, sums: Accumulators) {
        for list in [sums.signal, sums.variance, sums.norm] {
            if list.len() == self.norm.len() {
                self.spare.give(list);
            }
        }
    }

    /// Memory of the matrix that is read for each group of frames.
    pub(super) fn matrix_bytes(&self) -> usize {
        self.stream.bytes()
    }

    pub(super) fn integrate(
        &self,
        plan: &IntegrationPlan,
        frames: &[Frame],
    ) -> Result<Vec<Accumulators>, EngineError> {
        let groups = groups(frames);
        let sum = |group: &&[Frame], sharing| each_type!(&group[0].counts, first => self.group(plan, first, group, sharing));
        let answers: Vec<Vec<Accumulators>> = if groups.len() < rayon::current_num_threads() {
            groups.iter().map(|group| sum(group, Sharing::Bands)).collect::<Result<_, _>>()?
        } else {
            groups.par_iter().map(|group| sum(group, Sharing::Groups)).collect::<Result<_, _>>()?
        };
        Ok(answers.into_iter().flatten().collect())
    }

    /// Sums up to [`LANES`] frames of the number type of the first, whose counts are `first`.
    fn group<T: Count>(
        &self,
        plan: &IntegrationPlan,
        first: &[T],
        frames: &[Frame],
        sharing: Sharing,
    ) -> Result<Vec<Accumulators>, EngineError> {
        let group = Group::new(&plan.signal, first, frames)?;
        let one_sum =
            self.stream.has_whole_pixels() && matches!(SignalPath::of(&plan.signal), SignalPath::Counts);
        Ok(if one_sum {
            self.reduce::<T, 1>(plan, &group, frames.len(), sharing)
        } else {
            self.reduce::<T, 2>(plan, &group, frames.len(), sharing)
        })
    }

    /// Sums all bands of a group, in the same order whatever the threads share.
    fn reduce<T: Count, const S: usize>(
        &self,
        plan: &IntegrationPlan,
        group: &Group<'_, T>,
        frames: usize,
        sharing: Sharing,
    ) -> Vec<Accumulators> {
        let sum = |band| self.instructions.run(Accumulate::<T, S> { group, stream: &self.stream, band });
        let bands = self.stream.bands();
        let mut total = Totals::zero(|| self.spare.zeros(plan.accumulator_len()), frames, S);
        match sharing {
            Sharing::Groups => bands.iter().for_each(|band| total.add(band, &sum(band))),
            Sharing::Bands => {
                for bands in bands.chunks(BANDS_OF_A_THREAD * rayon::current_num_threads()) {
                    let parts: Vec<BandSums<S>> = bands.par_iter().map(sum).collect();
                    bands.iter().zip(&parts).for_each(|(band, part)| total.add(band, part));
                }
            }
        }
        total.frames.into_iter().map(|frame| self.finish(plan, frame)).collect()
    }

    /// The sums of one frame, its norm without the pixels that this frame excludes.
    fn finish(&self, plan: &IntegrationPlan, frame: Total) -> Accumulators {
        let Total { signal, variance, excluded } = frame;
        let mut norm = self.spare.copy(&self.norm);
        if !excluded.is_empty() {
            let mut left = self.pixels.clone();
            for &pixel in &excluded {
                for (bin, weight) in plan.entries(pixel as usize) {
                    norm[bin] -= weight * plan.norm[pixel as usize];
                    left[bin] -= 1;
                }
            }
            // What rounding leaves of an emptied bin is not a norm.
            for (norm, _) in norm.iter_mut().zip(&left).filter(|(_, left)| **left == 0) {
                *norm = 0.0;
            }
        }
        Accumulators {
            variance: variance.unwrap_or_else(|| self.spare.copy(&signal)),
            signal,
            norm,
            excluded_pixels: excluded.len() as u64,
        }
    }
}

/// Sums of the frames of a group over the bands so far.
struct Totals {
    frames: Vec<Total>,
}

/// Those of one frame.
struct Total {
    signal: Vec<f64>,
    /// `None` where it is the signal.
    variance: Option<Vec<f64>>,
    /// Pixels inside the plan that the frame excludes, ascending.
    excluded: Vec<u32>,
}

impl Totals {
    /// `sums` is the number of sums of a bin.
    fn zero(zeros: impl Fn() -> Vec<f64>, frames: usize, sums: usize) -> Totals {
        let total = || Total { signal: zeros(), variance: (sums == 2).then(&zeros), excluded: Vec::new() };
        Totals { frames: (0..frames).map(|_| total()).collect() }
    }

    /// Adds the sums of the next band.
    fn add<const S: usize>(&mut self, band: &Band, next: &BandSums<S>) {
        for (bins, sums) in band.bins.chunks(BINS_AT_ONCE).zip(next.sums.chunks(BINS_AT_ONCE)) {
            for (lane, frame) in self.frames.iter_mut().enumerate() {
                for (bin, sum) in bins.iter().zip(sums) {
                    frame.signal[*bin as usize] += sum[0].0[lane];
                }
                if let Some(variance) = &mut frame.variance {
                    for (bin, sum) in bins.iter().zip(sums) {
                        variance[*bin as usize] += sum[S - 1].0[lane];
                    }
                }
            }
        }
        for (frame, excluded) in self.frames.iter_mut().zip(&next.excluded) {
            frame.excluded.extend_from_slice(excluded);
        }
    }
}
