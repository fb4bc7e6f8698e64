//! Bins whose pixels are filtered: all pixels of a bin are needed at once, so that the matrix is turned round. Eight frames at once.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::load::{Block, Group, SignalPath, groups, load};
use super::stream::{BLOCK, TILE};
use crate::engine::EngineError;
use crate::frame::{Count, Frame, each_type};
use crate::integrate::{Accumulators, Bin, EXCLUDED, IntegrationPlan, Pixel, Space, Sums};
use crate::simd::{InstructionSet, LANES, Row, Vectors, Work};

/// Pixels that one thread converts in a row.
const PIXELS_AT_ONCE: usize = 128 * BLOCK;

/// Bins that one thread takes in a row.
const BINS_AT_ONCE: usize = 8;

/// A plan's matrix by bin, entries of a bin in the order of pixels.
#[derive(Debug)]
pub(super) struct Rings {
    instructions: InstructionSet,
    /// First entry of each bin, and the end.
    starts: Vec<u32>,
    pixels: Vec<u32>,
    shares: Vec<f32>,
    /// Bit i of tile t: pixel 8t + i has entries.
    filled: Vec<u8>,
    /// Memory of the group before.
    spare: Mutex<Vec<Values>>,
}

/// The pixels of a group of frames, a lane for each.
#[derive(Debug, Default)]
struct Values {
    /// signal/norm; [`EXCLUDED`] in the lane of a frame that excludes the pixel. Anything for a pixel without entries.
    values: Vec<Row>,
    /// Variance of the signal; empty where it is the signal.
    variances: Vec<Row>,
}

impl Rings {
    pub(super) fn new(plan: &IntegrationPlan, instructions: InstructionSet) -> Rings {
        let (matrix, all) = (&plan.matrix, 0..plan.shape.pixels());
        let entries = matrix.bins.len();
        let (mut pixels, mut shares) = (vec![0; entries], vec![0.0; entries]);
        let mut filled = vec![0; all.end.div_ceil(TILE)];
        let starts = matrix.by_bin(plan.accumulator_len(), &all, |place, pixel, weight| {
            (pixels[place], shares[place]) = (pixel, weight);
            filled[pixel as usize / TILE] |= 1 << (pixel as usize % TILE);
        });
        Rings { instructions, starts, pixels, shares, filled, spare: Mutex::default() }
    }

    /// Memory of the matrix in this order.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.starts.as_slice())
            + size_of_val(self.pixels.as_slice())
            + size_of_val(self.shares.as_slice())
    }

    /// The filtered sums of each frame. Every bin is one thread's and every frame has its lane, so that the bits depend neither on the
    /// threads nor on the frames beside it.
    pub(super) fn integrate(
        &self,
        plan: &IntegrationPlan,
        frames: &[Frame],
    ) -> Result<Vec<Accumulators>, EngineError> {
        let of_group =
            |group: &[Frame]| each_type!(&group[0].counts, first => self.group(plan, first, group));
        let all: Vec<Vec<Accumulators>> =
            groups(frames).into_iter().map(of_group).collect::<Result<_, _>>()?;
        Ok(all.into_iter().flatten().collect())
    }

    fn group<T: Count>(
        &self,
        plan: &IntegrationPlan,
        first: &[T],
        frames: &[Frame],
    ) -> Result<Vec<Accumulators>, EngineError> {
        let group = Group::new(&plan.signal, first, frames)?;
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = spare().pop().unwrap_or_default();
        let excluded = self.convert(plan, &group, &mut values);
        let bins = plan.accumulator_len();
        let filtered: Vec<Vec<[Sums; LANES]>> = (0..bins.div_ceil(BINS_AT_ONCE))
            .into_par_iter()
            .map_init(Scratch::default, |scratch, chunk| {
                let bins = chunk * BINS_AT_ONCE..bins.min((chunk + 1) * BINS_AT_ONCE);
                let (rings, values, frames) = (self, &values, frames.len());
                self.instructions.run(FilterBins { rings, plan, values, frames, bins, scratch })
            })
            .collect();
        spare().push(values);
        let of_frame = |lane: usize| {
            let each = |number: fn(&Sums) -> f64| {
                filtered.iter().flatten().map(|sums| number(&sums[lane])).collect()
            };
            Accumulators {
                signal: each(|sums| sums.signal),
                variance: each(|sums| sums.variance),
                norm: each(|sums| sums.norm),
                excluded_pixels: excluded[lane],
            }
        };
        Ok((0..frames.len()).map(of_frame).collect())
    }

    /// Fills the values of all pixels with entries; how many of these each frame excludes.
    fn convert<T: Count>(
        &self,
        plan: &IntegrationPlan,
        group: &Group<'_, T>,
        into: &mut Values,
    ) -> [u64; LANES] {
        let pixels = plan.shape.pixels();
        into.values.resize(pixels, Row::ZERO);
        let convert = |(chunk, values, variances)| {
            let first = chunk * PIXELS_AT_ONCE / BLOCK;
            self.instructions.run(Convert { group, plan, filled: &self.filled, first, values, variances })
        };
        let add = |a: [u64; LANES], b: [u64; LANES]| std::array::from_fn(|lane| a[lane] + b[lane]);
        let values = into.values.par_chunks_mut(PIXELS_AT_ONCE).enumerate();
        match SignalPath::of(&plan.signal) {
            SignalPath::Counts => {
                values.map(|(chunk, values)| convert((chunk, values, None))).reduce(|| [0; LANES], add)
            }
            SignalPath::Dark(_) | SignalPath::DeadTime => {
                into.variances.resize(pixels, Row::ZERO);
                let both = values.zip(into.variances.par_chunks_mut(PIXELS_AT_ONCE));
                both.map(|((chunk, values), variances)| convert((chunk, values, Some(variances))))
                    .reduce(|| [0; LANES], add)
            }
        }
    }
}

/// Counts → signal/norm and variance of some blocks.
struct Convert<'a, T> {
    group: &'a Group<'a, T>,
    plan: &'a IntegrationPlan,
    filled: &'a [u8],
    /// The first block.
    first: usize,
    values: &'a mut [Row],
    variances: Option<&'a mut [Row]>,
}

impl<T: Count> Work for Convert<'_, T> {
    type Output = [u64; LANES];

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> [u64; LANES] {
        let Convert { group, plan, filled, first, values, mut variances } = self;
        let mut block = Block::ZERO;
        for (index, values) in values.chunks_mut(BLOCK).enumerate() {
            let pixel = (first + index) * BLOCK;
            let tiles = filled.len().min((pixel + BLOCK) / TILE);
            load(vectors, group, &filled[pixel / TILE..tiles], first + index, &mut block);
            for ((value, signal), norm) in values.iter_mut().zip(&block.signal).zip(&plan.norm[pixel..]) {
                *value = Row(signal.0.map(|signal| signal / norm));
            }
            if let Some(variances) = &mut variances {
                let into = &mut variances[index * BLOCK..];
                into.iter_mut().zip(&block.variance).for_each(|(variance, own)| *variance = *own);
            }
            for (lane, excluded) in block.excluded.iter().enumerate() {
                // Those of the blocks before come first.
                for excluded in excluded.iter().rev().take_while(|excluded| **excluded as usize >= pixel) {
                    values[*excluded as usize - pixel].0[lane] = EXCLUDED;
                }
            }
        }
        block.excluded.map(|excluded| excluded.len() as u64)
    }
}

/// The pixels of one bin, side by side.
#[derive(Default)]
struct Scratch {
    pixels: Vec<Pixel>,
    values: Vec<Row>,
    variances: Vec<Row>,
    space: Space,
}

/// The filtered sums of some bins.
struct FilterBins<'a> {
    rings: &'a Rings,
    plan: &'a IntegrationPlan,
    values: &'a Values,
    frames: usize,
    bins: std::ops::Range<usize>,
    scratch: &'a mut Scratch,
}

impl Work for FilterBins<'_> {
    type Output = Vec<[Sums; LANES]>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Vec<[Sums; LANES]> {
        let FilterBins { rings, plan, values, frames, bins, scratch } = self;
        let mut all = Vec::with_capacity(bins.len());
        for bin in bins {
            let entries = rings.starts[bin] as usize..rings.starts[bin + 1] as usize;
            let of_bin = &rings.pixels[entries.clone()];
            let Scratch { pixels, values: own, variances, space } = &mut *scratch;
            pixels.clear();
            pixels.extend(
                of_bin.iter().zip(&rings.shares[entries]).map(|(pixel, share)| Pixel {
                    share: f64::from(*share),
                    norm: plan.norm[*pixel as usize],
                }),
            );
            own.clear();
            own.extend(of_bin.iter().map(|pixel| values.values[*pixel as usize]));
            variances.clear();
            if !values.variances.is_empty() {
                variances.extend(of_bin.iter().map(|pixel| values.variances[*pixel as usize]));
            }
            let variances = (!values.variances.is_empty()).then_some(variances.as_slice());
            let bin = Bin { pixels, values: own, variances, frames };
            all.push(plan.filter.sums(vectors, &bin, space));
        }
        all
    }
}

/// Memory of an engine that filters, beside the plan's own: the matrix by bin and the values of eight frames.
pub(super) fn bytes(plan: &IntegrationPlan) -> usize {
    let rows = match SignalPath::of(&plan.signal) {
        SignalPath::Counts => 1,
        SignalPath::Dark(_) | SignalPath::DeadTime => 2,
    };
    8 * plan.matrix.bins.len() + 4 * plan.accumulator_len() + rows * size_of::<Row>() * plan.shape.pixels()
}
