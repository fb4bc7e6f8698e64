//! The sums of one band of pixels: for each matrix entry the weight meets all lanes at once.
//!
//! The loops over lanes have a constant length, so that the compiler turns them into vector instructions of the set that it
//! compiles them for. Each frame has its own lane of products and sums, rounded one by one.

use std::ops::Range;

use super::load::{Block, Group, SignalPath, load};
use super::stream::{Band, Stream};
use crate::frame::Count;
use crate::simd::{LANES, Row, Vectors, Work};

/// Sums of a group of frames over a band of the detector: for each bin of the band Σ w·signal and, where S = 2,
/// Σ w²·variance.
pub(super) struct BandSums<const S: usize> {
    pub(super) sums: Vec<[Row; S]>,
    /// Pixels inside the plan that a frame excludes, ascending.
    pub(super) excluded: [Vec<u32>; LANES],
}

/// The sums of a group of frames over a band of the detector.
pub(super) struct Accumulate<'a, T, const S: usize> {
    pub(super) group: &'a Group<'a, T>,
    pub(super) stream: &'a Stream,
    pub(super) band: &'a Band,
}

impl<T: Count, const S: usize> Work for Accumulate<'_, T, S> {
    type Output = BandSums<S>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> BandSums<S> {
        let mut sums = vec![[Row::ZERO; S]; self.band.bins.len()];
        let mut block = Block::ZERO;
        let path = SignalPath::of(self.group.model);
        for index in self.band.blocks.clone() {
            let entries = self.stream.entries(index);
            if !entries.is_empty() {
                load(vectors, self.group, self.stream.filled(index), index, &mut block);
                add_block(self.stream, path, entries, &block, &mut sums);
            }
        }
        BandSums { sums, excluded: block.excluded }
    }
}

#[inline(always)]
fn add_block<const S: usize>(
    stream: &Stream,
    path: SignalPath<'_>,
    entries: Range<usize>,
    block: &Block,
    sums: &mut [[Row; S]],
) {
    let places = stream.places(entries.clone());
    let variance_is_signal = matches!(path, SignalPath::Counts);
    if stream.has_whole_pixels() {
        for place in places {
            let (slot, sum) = (place.slot(), &mut sums[place.bin()]);
            sum[0].add(&block.signal[slot].0);
            if S == 2 {
                sum[1].add(&block.variance[slot].0);
            }
        }
        return;
    }
    let weighted =
        places.iter().zip(stream.weights(entries)).map(|(place, weight)| (place, f64::from(*weight)));
    if variance_is_signal {
        for (place, weight) in weighted {
            let sum = &mut sums[place.bin()];
            let share = block.signal[place.slot()].0.map(|count| weight * count);
            sum[0].add(&share);
            if S == 2 {
                sum[1].add(&share.map(|share| weight * share));
            }
        }
    } else {
        for (place, weight) in weighted {
            let (slot, sum) = (place.slot(), &mut sums[place.bin()]);
            sum[0].add(&block.signal[slot].0.map(|signal| weight * signal));
            if S == 2 {
                sum[1].add(&block.variance[slot].0.map(|variance| weight * weight * variance));
            }
        }
    }
}
