//! The plan's matrix turned round for a gather: by bin instead of by pixel, cut into pieces that fit a binding.

use std::ops::Range;

use crate::engine::layout::{Entry, LANES, NO_PIXEL};
use crate::integrate::PixelMatrix;

/// Up to so many entries a bin is one lane's, above it a workgroup's. The plan alone decides, so that the bits of the sums
/// are the same on every card.
const SMALL: usize = 64;

/// Who sums a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lanes {
    /// A workgroup, its entries in a row.
    Workgroup,
    /// A lane; the entries of the 64 bins of a workgroup are interleaved and padded with [`NO_PIXEL`].
    One,
}

/// The entries of a strip of the detector by bin; those of a bin in the order of pixels, which count from the strip's first.
#[derive(Debug, PartialEq)]
pub(super) struct BinMatrix {
    /// Bins + 1 offsets.
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

/// Bins whose entries go into one binding.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) lanes: Lanes,
    /// Their indices, counted over all regions.
    pub(super) bins: Vec<u32>,
    /// First entry of each bin, or of each 64 bins, and the end.
    pub(super) starts: Vec<u32>,
    pub(super) entries: Vec<Entry>,
}

/// Most that a piece may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) entries: usize,
    pub(super) bins: usize,
}

/// A bin that alone has more entries than a binding holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge {
    pub(super) bin: usize,
    pub(super) entries: usize,
}

impl BinMatrix {
    /// Transposes by counting, so that the order is that of the pixels whatever the machine.
    pub(super) fn of(matrix: &PixelMatrix, bins: usize, pixels: &Range<usize>) -> BinMatrix {
        let of_strip = matrix.starts[pixels.start] as usize..matrix.starts[pixels.end] as usize;
        let mut entries = vec![Entry { pixel: 0, weight: 0.0 }; of_strip.len()];
        let starts =
            matrix.by_bin(bins, pixels, |place, pixel, weight| entries[place] = Entry { pixel, weight });
        BinMatrix { starts, entries }
    }

    fn of_bin(&self, bin: u32) -> &[Entry] {
        let bin = bin as usize;
        &self.entries[self.starts[bin] as usize..self.starts[bin + 1] as usize]
    }

    /// All bins for workgroups.
    ///
    /// # Errors
    /// A bin that no piece can hold.
    pub(super) fn for_workgroups(&self, limits: Limits) -> Result<Vec<Piece>, TooLarge> {
        self.rows(&self.bins(), limits)
    }

    /// Large bins for workgroups, small ones for lanes.
    ///
    /// # Errors
    /// A bin that no piece can hold.
    pub(super) fn by_size(&self, limits: Limits) -> Result<Vec<Piece>, TooLarge> {
        let (small, large): (Vec<u32>, Vec<u32>) =
            self.bins().iter().partition(|bin| self.of_bin(**bin).len() <= SMALL);
        let mut pieces = if large.is_empty() { Vec::new() } else { self.rows(&large, limits)? };
        pieces.append(&mut self.slices(&small, limits));
        Ok(pieces)
    }

    fn bins(&self) -> Vec<u32> {
        (0..self.starts.len() as u32 - 1).collect()
    }

    fn rows(&self, bins: &[u32], limits: Limits) -> Result<Vec<Piece>, TooLarge> {
        let new = || Piece { lanes: Lanes::Workgroup, bins: vec![], starts: vec![0], entries: vec![] };
        let mut pieces = Vec::new();
        let mut piece = new();
        for &bin in bins {
            let entries = self.of_bin(bin);
            if entries.len() > limits.entries {
                return Err(TooLarge { bin: bin as usize, entries: entries.len() });
            }
            let full =
                piece.entries.len() + entries.len() > limits.entries || piece.bins.len() >= limits.bins;
            if full && !piece.bins.is_empty() {
                pieces.push(std::mem::replace(&mut piece, new()));
            }
            piece.bins.push(bin);
            piece.entries.extend_from_slice(entries);
            piece.starts.push(piece.entries.len() as u32);
        }
        pieces.push(piece);
        Ok(pieces)
    }

    /// The entries of 64 bins take at most 32 KiB, which every binding holds.
    fn slices(&self, bins: &[u32], limits: Limits) -> Vec<Piece> {
        let new = || Piece { lanes: Lanes::One, bins: vec![], starts: vec![0], entries: vec![] };
        let mut pieces = Vec::new();
        let mut piece = new();
        for slice in bins.chunks(LANES) {
            let longest = slice.iter().map(|bin| self.of_bin(*bin).len()).max().unwrap_or(0);
            let first = piece.entries.len();
            let full =
                first + longest * LANES > limits.entries || piece.bins.len() + slice.len() > limits.bins;
            if full && !piece.bins.is_empty() {
                pieces.push(std::mem::replace(&mut piece, new()));
            }
            let first = piece.entries.len();
            piece.entries.resize(first + longest * LANES, Entry { pixel: NO_PIXEL, weight: 0.0 });
            for (lane, bin) in slice.iter().enumerate() {
                for (row, entry) in self.of_bin(*bin).iter().enumerate() {
                    piece.entries[first + row * LANES + lane] = *entry;
                }
            }
            piece.bins.extend_from_slice(slice);
            piece.starts.push(piece.entries.len() as u32);
        }
        if !piece.bins.is_empty() {
            pieces.push(piece);
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> PixelMatrix {
        PixelMatrix {
            starts: vec![0, 2, 2, 3, 6],
            bins: vec![0, 1, 1, 0, 1, 3],
            weights: vec![0.25, 0.75, 1.0, 0.3, 0.2, 0.5],
        }
    }

    fn entry(pixel: u32, weight: f32) -> Entry {
        Entry { pixel, weight }
    }

    #[test]
    fn rows_keep_every_weight_and_the_order_of_pixels() {
        let rows =
            BinMatrix::of(&example(), 4, &(0..4)).for_workgroups(Limits { entries: 9, bins: 9 }).unwrap();
        let entries =
            vec![entry(0, 0.25), entry(3, 0.3), entry(0, 0.75), entry(2, 1.0), entry(3, 0.2), entry(3, 0.5)];
        let piece =
            Piece { lanes: Lanes::Workgroup, bins: vec![0, 1, 2, 3], starts: vec![0, 2, 5, 5, 6], entries };
        assert_eq!(rows, [piece]);
        // A strip counts its pixels from its own first.
        let strip =
            BinMatrix::of(&example(), 4, &(2..4)).for_workgroups(Limits { entries: 9, bins: 9 }).unwrap();
        assert_eq!(strip[0].entries, [entry(1, 0.3), entry(0, 1.0), entry(1, 0.2), entry(1, 0.5)]);
        assert_eq!(strip[0].starts, [0, 1, 3, 3, 4]);
    }

    #[test]
    fn pieces_tile_the_bins_within_both_limits() {
        let matrix = BinMatrix::of(&example(), 4, &(0..4));
        let bins = |entries, bins| -> Vec<Vec<u32>> {
            let pieces = matrix.for_workgroups(Limits { entries, bins }).unwrap();
            pieces.into_iter().map(|piece| piece.bins).collect()
        };
        assert_eq!(bins(100, 100), [vec![0, 1, 2, 3]]);
        assert_eq!(bins(3, 100), [vec![0], vec![1, 2], vec![3]]);
        assert_eq!(bins(100, 3), [vec![0, 1, 2], vec![3]]);
        let refused = matrix.for_workgroups(Limits { entries: 2, bins: 9 });
        assert_eq!(refused.unwrap_err(), TooLarge { bin: 1, entries: 3 });
    }

    #[test]
    fn small_bins_are_interleaved_and_large_ones_are_not() {
        // Bin b has b entries, of the pixels 0 … b − 1: bins up to 64 are small.
        let bins = 70_u32;
        let of_pixel = |pixel: u32| pixel + 1..bins;
        let mut matrix = PixelMatrix { starts: vec![0], bins: vec![], weights: vec![] };
        for pixel in 0..bins {
            matrix.bins.extend(of_pixel(pixel));
            matrix.weights.extend(of_pixel(pixel).map(|bin| (bin * 100 + pixel) as f32));
            matrix.starts.push(matrix.bins.len() as u32);
        }
        let all = BinMatrix::of(&matrix, bins as usize, &(0..bins as usize));
        let pieces = all.by_size(Limits { entries: 1 << 20, bins: 1 << 20 }).unwrap();
        assert_eq!(pieces.len(), 2);
        assert_eq!((pieces[0].lanes, &pieces[0].bins), (Lanes::Workgroup, &(65..70).collect::<Vec<_>>()));
        let small = &pieces[1];
        assert_eq!((small.lanes, &small.bins), (Lanes::One, &(0..65).collect::<Vec<_>>()));
        // 63 rows of the first 64 bins, then 64 rows with one bin.
        assert_eq!(small.starts, [0, 63 * 64, 63 * 64 + 64 * 64]);
        for bin in 0..64_u32 {
            for row in 0..63_u32 {
                let expected =
                    if row < bin { entry(row, (bin * 100 + row) as f32) } else { entry(NO_PIXEL, 0.0) };
                assert_eq!(small.entries[(row * 64 + bin) as usize], expected);
            }
        }
        assert_eq!(small.entries[63 * 64 + 5 * 64], entry(5, 6405.0));
        let split = all.by_size(Limits { entries: 64 * 64, bins: 1 << 20 }).unwrap();
        assert_eq!(split.iter().map(|piece| piece.bins.len()).collect::<Vec<_>>(), [5, 64, 1]);
    }
}
