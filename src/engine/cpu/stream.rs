//! The matrix as the kernel reads it: blocks of pixels, the entries of a block in a row.

use std::ops::Range;

use crate::integrate::{IntegrationPlan, MOST_BINS};

/// Pixels that are converted at once: their values of all lanes stay in the first-level cache.
pub(super) const BLOCK: usize = 128;

/// Pixels whose words are transposed at once.
pub(super) const TILE: usize = 8;

/// Pixels between one entry and the next. Neighbouring pixels share bins, and to add to a sum that has just been stored
/// waits for that store: 1.4 times the time for signal and variance with AVX-512, none with AVX2.
const STRIDE: usize = 8;

/// An entry's pixel within its block stands above its bin.
const SLOT_SHIFT: u32 = 24;

const _: () =
    assert!(MOST_BINS <= 1 << SLOT_SHIFT && BLOCK << SLOT_SHIFT <= 1 << 32 && BLOCK.is_multiple_of(TILE));

/// Where an entry takes from and adds to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(u32);

impl Place {
    /// The pixel, counted from the first of its block.
    #[inline(always)]
    pub(super) fn slot(self) -> usize {
        (self.0 >> SLOT_SHIFT) as usize % BLOCK
    }

    /// The bin, counted over all regions.
    #[inline(always)]
    pub(super) fn bin(self) -> usize {
        (self.0 & ((1 << SLOT_SHIFT) - 1)) as usize
    }
}

/// A plan's matrix in the order of the kernel.
#[derive(Debug)]
pub(super) struct Stream {
    /// First entry of each block, and the end.
    starts: Vec<u32>,
    places: Vec<Place>,
    /// Share of each entry; none where every share is a whole pixel.
    weights: Vec<f32>,
    /// Bit i of tile t: pixel 8t + i has entries.
    filled: Vec<u8>,
}

impl Stream {
    pub(super) fn new(plan: &IntegrationPlan) -> Stream {
        let pixels = plan.shape.pixels();
        let matrix = &plan.matrix;
        let whole = matrix.weights.iter().all(|weight| *weight == 1.0);
        let mut stream = Stream {
            starts: vec![0],
            places: Vec::with_capacity(matrix.bins.len()),
            weights: Vec::with_capacity(if whole { 0 } else { matrix.weights.len() }),
            filled: vec![0; pixels.div_ceil(TILE)],
        };
        for block in 0..pixels.div_ceil(BLOCK) {
            let here = BLOCK.min(pixels - block * BLOCK);
            for slot in (0..STRIDE).flat_map(|first| (first..here).step_by(STRIDE)) {
                let pixel = block * BLOCK + slot;
                let entries = matrix.starts[pixel] as usize..matrix.starts[pixel + 1] as usize;
                stream.filled[pixel / TILE] |= u8::from(!entries.is_empty()) << (pixel % TILE);
                let place = |bin: &u32| Place((slot as u32) << SLOT_SHIFT | bin);
                stream.places.extend(matrix.bins[entries.clone()].iter().map(place));
                if !whole {
                    stream.weights.extend_from_slice(&matrix.weights[entries]);
                }
            }
            stream.starts.push(stream.places.len() as u32);
        }
        stream
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.places.as_slice()) + size_of_val(self.weights.as_slice()) + self.filled.len()
    }

    pub(super) fn blocks(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether every share is a whole pixel: then Σ w²·c and Σ w·c are one sum.
    pub(super) fn has_whole_pixels(&self) -> bool {
        self.weights.is_empty()
    }

    /// Entries of a block.
    #[inline(always)]
    pub(super) fn entries(&self, block: usize) -> Range<usize> {
        self.starts[block] as usize..self.starts[block + 1] as usize
    }

    #[inline(always)]
    pub(super) fn places(&self, entries: Range<usize>) -> &[Place] {
        &self.places[entries]
    }

    #[inline(always)]
    pub(super) fn weights(&self, entries: Range<usize>) -> &[f32] {
        &self.weights[entries]
    }

    /// Which pixels of each tile of a block have entries.
    #[inline(always)]
    pub(super) fn filled(&self, block: usize) -> &[u8] {
        let first = block * (BLOCK / TILE);
        &self.filled[first..self.filled.len().min(first + BLOCK / TILE)]
    }
}

/// Memory of the matrix in this order.
pub(super) fn bytes(plan: &IntegrationPlan) -> usize {
    8 * plan.matrix.bins.len()
}
