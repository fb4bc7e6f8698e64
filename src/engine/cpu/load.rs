//! Counts of several frames → signal and variance side by side, one lane for each frame.

use std::mem::discriminant;

use super::stream::{BLOCK, TILE};
use crate::correct::{Dark, SignalModel};
use crate::engine::EngineError;
use crate::engine::valid::last_valid;
use crate::frame::{Count, Frame};
use crate::simd::{LANES, Row, Tile, Vectors};

/// How much there is to do between counts and signal.
#[derive(Debug, Clone, Copy)]
pub(super) enum SignalPath<'p> {
    /// Signal = variance = counts.
    Counts,
    /// Only the dark frame is subtracted.
    Dark(&'p Dark),
    /// Dead time, with or without a dark frame.
    DeadTime,
}

impl<'p> SignalPath<'p> {
    pub(super) fn of(model: &'p SignalModel) -> Self {
        match (&model.dead_time, &model.dark) {
            (Some(_), _) => SignalPath::DeadTime,
            (None, Some(dark)) => SignalPath::Dark(dark),
            (None, None) => SignalPath::Counts,
        }
    }
}

impl SignalPath<'_> {
    /// Whether the dark frame has a number for each pixel of the tile that begins here.
    #[inline(always)]
    fn knows(self, first: usize) -> bool {
        match self {
            SignalPath::Counts | SignalPath::DeadTime => true,
            SignalPath::Dark(dark) => {
                let of =
                    |numbers: &[f32]| numbers[first..first + TILE].iter().all(|number| number.is_finite());
                of(&dark.counts) && of(&dark.variance)
            }
        }
    }
}

/// Frames of one number type, one for each lane; lanes without a frame repeat the first one.
#[derive(Debug)]
pub(super) struct Group<'f, T> {
    pub(super) model: &'f SignalModel,
    /// Row order, as many as the plan has pixels.
    pub(super) counts: [&'f [T]; LANES],
    /// Dead time in units of the frame's exposure.
    pub(super) tau_per_exposure: [f64; LANES],
    /// What is valid in all of them; `None` where nothing is in one of them.
    pub(super) last_valid: Option<u32>,
}

impl<'f, T: Count> Group<'f, T> {
    /// Up to [`LANES`] frames of the number type of the first, whose counts are `first`.
    pub(super) fn new(
        model: &'f SignalModel,
        first: &'f [T],
        frames: &'f [Frame],
    ) -> Result<Group<'f, T>, EngineError> {
        let lane = |index: usize| frames.get(index).unwrap_or(&frames[0]);
        let mut tau_per_exposure = [0.0; LANES];
        let mut last = Some(u32::MAX);
        for (index, tau) in tau_per_exposure.iter_mut().enumerate() {
            let frame = lane(index);
            *tau = model.tau_per_exposure(frame.header.exposure_s).ok_or(EngineError::NoExposure)?;
            last = last.min(last_valid(&frame.counts, model, *tau));
        }
        let counts = std::array::from_fn(|index| T::of(&lane(index).counts).unwrap_or(first));
        Ok(Group { model, counts, tau_per_exposure, last_valid: last })
    }
}

/// Frames that can go through together: of one number type, [`LANES`] at most.
pub(super) fn groups(frames: &[Frame]) -> Vec<&[Frame]> {
    let same_type = |a: &Frame, b: &Frame| discriminant(&a.counts) == discriminant(&b.counts);
    frames.chunk_by(same_type).flat_map(|run| run.chunks(LANES)).collect()
}

/// Values of the pixels of a block. An excluded pixel has signal and variance 0; one without entries has anything.
pub(super) struct Block {
    pub(super) signal: [Row; BLOCK],
    /// Filled where it is not the counts.
    pub(super) variance: [Row; BLOCK],
    /// Pixels with entries that each frame excludes, of this block and of those before it, ascending.
    pub(super) excluded: [Vec<u32>; LANES],
}

impl Block {
    pub(super) const ZERO: Block = Block {
        signal: [Row::ZERO; BLOCK],
        variance: [Row::ZERO; BLOCK],
        excluded: [const { Vec::new() }; LANES],
    };
}

/// Fills `out` with the pixels of a block; bit i of tile t of `filled` says whether pixel 8t + i has entries.
#[inline(always)]
pub(super) fn load<V: Vectors, T: Count>(
    vectors: V,
    group: &Group<'_, T>,
    filled: &[u8],
    block: usize,
    out: &mut Block,
) {
    let path = SignalPath::of(group.model);
    let end = group.counts[0].len().min((block + 1) * BLOCK);
    let rows = group.counts.map(|counts| counts[block * BLOCK..end].as_chunks::<TILE>().0);
    for (t, &filled) in filled.iter().enumerate() {
        if filled == 0 {
            continue; // Gaps between modules, beam stops.
        }
        let slots = t * TILE..(t + 1) * TILE;
        let words = (t < rows[0].len()).then(|| rows.map(|row| row[t].map(T::word)));
        match (words, path) {
            (Some(words), SignalPath::Counts | SignalPath::Dark(_))
                if all_valid(&words, filled, group.last_valid) && path.knows(block * BLOCK + slots.start) =>
            {
                let counts = vectors.transpose(words);
                let first = block * BLOCK + slots.start;
                for (i, slot) in slots.enumerate() {
                    let counts = counts[i].map(T::value);
                    match path {
                        SignalPath::Dark(dark) => {
                            let (level, variance) = (dark.counts[first + i], dark.variance[first + i]);
                            out.signal[slot] = Row(counts.map(|count| count - f64::from(level)));
                            out.variance[slot] = Row(counts.map(|count| count + f64::from(variance)));
                        }
                        SignalPath::Counts | SignalPath::DeadTime => out.signal[slot] = Row(counts),
                    }
                }
            }
            _ => each_by_itself(group, filled, block, t, out),
        }
    }
}

/// Whether the pixels of a tile that have entries are valid in all lanes. Where it is not sure (−0), it says no.
#[inline(always)]
fn all_valid(words: &Tile, filled: u8, last_valid: Option<u32>) -> bool {
    let Some(last_valid) = last_valid else { return false };
    let mut largest = [0; TILE];
    for lane in words {
        for (largest, word) in largest.iter_mut().zip(lane) {
            *largest = u32::max(*largest, *word);
        }
    }
    let counted = |(i, word): (usize, &u32)| word & u32::from(filled >> i & 1).wrapping_neg();
    largest.iter().enumerate().map(counted).fold(true, |all, word| all & (word <= last_valid))
}

/// A tile with excluded pixels, with dead time, or at the end of the detector.
#[cold]
#[inline(never)]
fn each_by_itself<T: Count>(group: &Group<'_, T>, filled: u8, block: usize, tile: usize, out: &mut Block) {
    for slot in (0..TILE).filter(|i| filled >> i & 1 == 1).map(|i| tile * TILE + i) {
        let pixel = block * BLOCK + slot;
        for (lane, excluded) in out.excluded.iter_mut().enumerate() {
            let count = T::value(group.counts[lane][pixel].word());
            let value = group.model.signal_and_variance(count, pixel, group.tau_per_exposure[lane]);
            if value.is_none() {
                excluded.push(pixel as u32);
            }
            (out.signal[slot].0[lane], out.variance[slot].0[lane]) = value.unwrap_or((0.0, 0.0));
        }
    }
}
