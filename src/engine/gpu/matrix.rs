//! The plan's matrix turned round for a gather: by bin instead of by pixel, cut into pieces that fit a binding.

use crate::engine::layout::{Entry, HOME};
use crate::integrate::PixelMatrix;

/// The matrix of a plan by bin (compressed sparse rows, one row per bin); entries of a bin in the order of pixels.
#[derive(Debug, PartialEq)]
pub(super) struct BinMatrix {
    /// Bins + 1 offsets.
    pub(super) starts: Vec<u32>,
    /// Pixel and weight; HOME marks the first entry of each pixel.
    pub(super) entries: Vec<Entry>,
}

impl BinMatrix {
    /// Transposes by counting, so that the order is that of the pixels whatever the machine.
    pub(super) fn from_pixels(matrix: &PixelMatrix, bins: usize) -> BinMatrix {
        let mut starts = vec![0_u32; bins + 1];
        for &bin in &matrix.bins {
            starts[bin as usize + 1] += 1;
        }
        for bin in 0..bins {
            starts[bin + 1] += starts[bin];
        }
        let mut next = starts.clone();
        let mut entries = vec![Entry { pixel: 0, weight: 0.0 }; matrix.bins.len()];
        for (pixel, range) in (0_u32..).zip(matrix.starts.windows(2)) {
            for i in range[0]..range[1] {
                let slot = &mut next[matrix.bins[i as usize] as usize];
                let home = if i == range[0] { HOME } else { 0 };
                entries[*slot as usize] = Entry { pixel: pixel | home, weight: matrix.weights[i as usize] };
                *slot += 1;
            }
        }
        BinMatrix { starts, entries }
    }

    fn bins(&self) -> usize {
        self.starts.len() - 1
    }

    /// Consecutive ranges of bins, each of at most `max_entries` entries and `max_bins` bins.
    ///
    /// `Err` names the first bin that alone has more entries, and how many.
    pub(super) fn chunks(
        &self,
        max_entries: u64,
        max_bins: usize,
    ) -> Result<Vec<std::ops::Range<usize>>, (usize, u64)> {
        let mut chunks = Vec::new();
        let mut first = 0;
        for bin in 0..self.bins() {
            let end = u64::from(self.starts[bin + 1]);
            let alone = end - u64::from(self.starts[bin]);
            if alone > max_entries {
                return Err((bin, alone));
            }
            if end - u64::from(self.starts[first]) > max_entries || bin - first == max_bins.max(1) {
                chunks.push(first..bin);
                first = bin;
            }
        }
        chunks.push(first..self.bins());
        Ok(chunks)
    }

    /// Offsets of a range of bins, counted from its own first entry.
    pub(super) fn chunk_starts(&self, bins: &std::ops::Range<usize>) -> Vec<u32> {
        let first = self.starts[bins.start];
        self.starts[bins.start..=bins.end].iter().map(|start| start - first).collect()
    }

    /// Entries of a range of bins.
    pub(super) fn chunk_entries(&self, bins: &std::ops::Range<usize>) -> &[Entry] {
        &self.entries[self.starts[bins.start] as usize..self.starts[bins.end] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels 0 … 3: two bins, none, one, three; bin 2 stays empty.
    fn example() -> BinMatrix {
        let matrix = PixelMatrix {
            starts: vec![0, 2, 2, 3, 6],
            bins: vec![0, 1, 1, 3, 0, 1],
            weights: vec![0.25, 0.75, 1.0, 0.5, 0.3, 0.2],
        };
        BinMatrix::from_pixels(&matrix, 4)
    }

    #[test]
    fn transposition_keeps_every_weight_and_the_order_of_pixels() {
        let matrix = example();
        assert_eq!(matrix.starts, [0, 2, 5, 5, 6]);
        let entry = |pixel, weight| Entry { pixel, weight };
        let expected = [
            entry(HOME, 0.25),
            entry(3, 0.3),
            entry(0, 0.75),
            entry(2 | HOME, 1.0),
            entry(3, 0.2),
            entry(3 | HOME, 0.5),
        ];
        assert_eq!(matrix.entries, expected);
    }

    #[test]
    fn chunks_tile_the_bins_within_both_limits() {
        let matrix = example();
        assert_eq!(matrix.chunks(100, 100).unwrap(), vec![0..4; 1]);
        assert_eq!(matrix.chunks(3, 100).unwrap(), [0..1, 1..3, 3..4]);
        assert_eq!(matrix.chunks(100, 3).unwrap(), [0..3, 3..4]);
        assert_eq!(matrix.chunks(2, 100).unwrap_err(), (1, 3));
        assert_eq!(matrix.chunk_starts(&(1..3)), [0, 3, 3]);
        assert_eq!(matrix.chunk_entries(&(3..4)), &matrix.entries[5..]);
    }
}
