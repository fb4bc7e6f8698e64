//! Sums over all pixels of a bin: eight frames at once against one pass over the matrix.

use std::mem::discriminant;

use rayon::prelude::*;

use super::kernel::{Accumulate, BandSums};
use super::load::{Count, Group, SignalPath};
use super::stream::Stream;
use crate::engine::EngineError;
use crate::engine::valid::last_valid;
use crate::frame::{Frame, each_type};
use crate::integrate::{Accumulators, IntegrationPlan};
use crate::simd::{InstructionSet, LANES};

/// Most pieces of the detector that are summed on their own and then added in order.
const MOST_BANDS: usize = 16;

/// Memory that the sums of all bands of a group of frames may take.
const BAND_BYTES: usize = 256 << 20;

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
    /// First block of each band, and the end.
    bands: Vec<usize>,
}

impl Sums {
    pub(super) fn new(plan: &IntegrationPlan, instructions: InstructionSet) -> Sums {
        let bytes = plan.accumulator_len() * LANES * 2 * size_of::<f64>();
        let count = (BAND_BYTES / bytes.max(1)).clamp(1, MOST_BANDS);
        let sums = || (plan.norm_sum(), plan.pixel_count());
        let (stream, (norm, pixels)) = rayon::join(|| Stream::new(plan), sums);
        Sums {
            instructions,
            norm,
            pixels,
            bands: (0..=count).map(|band| stream.blocks() * band / count).collect(),
            stream,
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
        let same_type = |a: &Frame, b: &Frame| discriminant(&a.counts) == discriminant(&b.counts);
        let groups: Vec<&[Frame]> = frames.chunk_by(same_type).flat_map(|run| run.chunks(LANES)).collect();
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
        let model = &plan.signal;
        let lane = |index: usize| frames.get(index).unwrap_or(&frames[0]);
        let mut tau_per_exposure = [0.0; LANES];
        let mut last = Some(u32::MAX);
        for (index, tau) in tau_per_exposure.iter_mut().enumerate() {
            let frame = lane(index);
            *tau = model.tau_per_exposure(frame.header.exposure_s).ok_or(EngineError::NoExposure)?;
            last = last.min(last_valid(&frame.counts, model, *tau));
        }
        let counts = std::array::from_fn(|index| T::of(&lane(index).counts).unwrap_or(first));
        let group = Group { model, counts, tau_per_exposure, last_valid: last };
        let one_sum = self.stream.has_whole_pixels() && matches!(SignalPath::of(model), SignalPath::Counts);
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
        let sum = |band: usize| {
            self.instructions.run(Accumulate::<T, S> {
                group,
                stream: &self.stream,
                blocks: self.bands[band]..self.bands[band + 1],
                bins: plan.accumulator_len(),
            })
        };
        let bands = self.bands.len() - 1;
        let mut total = BandSums::<S>::zero(plan.accumulator_len());
        match sharing {
            Sharing::Groups => (0..bands).for_each(|band| total.add(&sum(band))),
            Sharing::Bands => {
                let parts: Vec<BandSums<S>> = (0..bands).into_par_iter().map(sum).collect();
                parts.iter().for_each(|part| total.add(part));
            }
        }
        (0..frames).map(|lane| self.finish(plan, &total, lane)).collect()
    }

    /// The sums of one frame, its norm without the pixels that this frame excludes.
    fn finish<const S: usize>(
        &self,
        plan: &IntegrationPlan,
        sums: &BandSums<S>,
        lane: usize,
    ) -> Accumulators {
        let excluded = &sums.excluded[lane];
        let mut norm = self.norm.clone();
        if !excluded.is_empty() {
            let mut left = self.pixels.clone();
            for &pixel in excluded {
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
            signal: sums.sums.iter().map(|bin| bin[0].0[lane]).collect(),
            variance: sums.sums.iter().map(|bin| bin[S - 1].0[lane]).collect(),
            norm,
            excluded_pixels: excluded.len() as u64,
        }
    }
}
