//! The matrix as the kernel reads it: blocks of pixels, the entries of a block in a row.

use std::ops::Range;

use rayon::prelude::*;

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

    /// The bin, counted among those of its band.
    #[inline(always)]
    pub(super) fn bin(self) -> usize {
        (self.0 & ((1 << SLOT_SHIFT) - 1)) as usize
    }
}

/// Blocks that are summed on their own, and the bins that their pixels have shares in.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) blocks: Range<usize>,
    /// The plan's index of each bin, ascending.
    pub(super) bins: Vec<u32>,
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
    bands: Vec<Band>,
}

/// The part of a [`Stream`] that is one band's.
struct Part {
    /// Entries of each block.
    lengths: Vec<u32>,
    places: Vec<Place>,
    weights: Vec<f32>,
    filled: Vec<u8>,
    band: Band,
}

impl Stream {
    /// The matrix of `plan`, cut into `bands`.
    pub(super) fn new(plan: &IntegrationPlan, bands: usize) -> Stream {
        let blocks = plan.shape.pixels().div_ceil(BLOCK);
        let whole = plan.matrix.weights.iter().all(|weight| *weight == 1.0);
        let part = |band: usize| part(plan, blocks * band / bands..blocks * (band + 1) / bands, whole);
        let parts: Vec<Part> = (0..bands).into_par_iter().map(part).collect();
        let entries = plan.matrix.bins.len();
        let mut stream = Stream {
            starts: vec![0],
            places: Vec::with_capacity(entries),
            weights: Vec::with_capacity(if whole { 0 } else { entries }),
            filled: Vec::with_capacity(blocks * (BLOCK / TILE)),
            bands: Vec::with_capacity(bands),
        };
        let mut end = 0;
        for part in parts {
            stream.starts.extend(part.lengths.iter().map(|length| {
                end += length;
                end
            }));
            stream.places.extend_from_slice(&part.places);
            stream.weights.extend_from_slice(&part.weights);
            stream.filled.extend_from_slice(&part.filled);
            stream.bands.push(part.band);
        }
        stream
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.places.as_slice()) + size_of_val(self.weights.as_slice()) + self.filled.len()
    }

    pub(super) fn bands(&self) -> &[Band] {
        &self.bands
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

fn part(plan: &IntegrationPlan, blocks: Range<usize>, whole: bool) -> Part {
    let pixels = plan.shape.pixels();
    let matrix = &plan.matrix;
    let these = (blocks.start * BLOCK).min(pixels)..(blocks.end * BLOCK).min(pixels);
    let entries = matrix.starts[these.start] as usize..matrix.starts[these.end] as usize;
    // Which bins there are, and then the place of each among them.
    let mut local = vec![0_u32; plan.accumulator_len()];
    matrix.bins[entries.clone()].iter().for_each(|bin| local[*bin as usize] = 1);
    let mut bins = Vec::new();
    for (bin, place) in (0_u32..).zip(&mut local).filter(|(_, there)| **there == 1) {
        *place = bins.len() as u32;
        bins.push(bin);
    }
    let mut part = Part {
        lengths: Vec::with_capacity(blocks.len()),
        places: Vec::with_capacity(entries.len()),
        weights: Vec::with_capacity(if whole { 0 } else { entries.len() }),
        filled: vec![0; these.len().div_ceil(TILE)],
        band: Band { blocks: blocks.clone(), bins },
    };
    for block in blocks {
        let before = part.places.len();
        let here = BLOCK.min(pixels - block * BLOCK);
        for slot in (0..STRIDE).flat_map(|first| (first..here).step_by(STRIDE)) {
            let pixel = block * BLOCK + slot;
            let entries = matrix.starts[pixel] as usize..matrix.starts[pixel + 1] as usize;
            let in_part = pixel - these.start;
            part.filled[in_part / TILE] |= u8::from(!entries.is_empty()) << (in_part % TILE);
            let place = |bin: &u32| Place((slot as u32) << SLOT_SHIFT | local[*bin as usize]);
            part.places.extend(matrix.bins[entries.clone()].iter().map(place));
            if !whole {
                part.weights.extend_from_slice(&matrix.weights[entries]);
            }
        }
        part.lengths.push((part.places.len() - before) as u32);
    }
    part
}

/// Memory of the matrix in this order.
pub(super) fn bytes(plan: &IntegrationPlan) -> usize {
    8 * plan.matrix.bins.len()
}
