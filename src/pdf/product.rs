//! A matrix times many vectors at once: the matrix is read once for all of them, and its elements meet eight vectors
//! in one instruction.

use rayon::prelude::*;

use crate::simd::{InstructionSet, LANES, Row, Vectors, Work};

/// Rows of the matrix that go through the vectors together: so many sums of eight stay in registers.
const TILE: usize = 4;

/// M·x for every vector x, one list of the matrix's rows for each.
///
/// `matrix` has rows of `columns` elements, as long as the vectors. Each sum is taken in the order of the columns and rounded
/// at each step: its bits do not depend on the other vectors.
pub(super) fn products<M>(matrix: &[M], columns: usize, vectors: &[&[f64]]) -> Vec<Vec<f64>>
where
    M: Copy + Into<f64> + Sync,
{
    let rows = matrix.len().checked_div(columns).unwrap_or(0);
    let lane = |group: &[&[f64]], lane: usize, column: usize| group.get(lane).map_or(0.0, |x| x[column]);
    let packed: Vec<Row> = vectors
        .par_chunks(LANES)
        .flat_map_iter(|group| {
            (0..columns).map(move |column| Row(std::array::from_fn(|index| lane(group, index, column))))
        })
        .collect();
    let set = InstructionSet::best();
    let tiles: Vec<Vec<[Row; TILE]>> = (0..rows.div_ceil(TILE))
        .into_par_iter()
        .map(|tile| {
            let row = |index: usize| (tile * TILE + index).min(rows - 1);
            let rows = std::array::from_fn(|index| &matrix[row(index) * columns..][..columns]);
            set.run(Tile { rows, vectors: &packed })
        })
        .collect();
    let of_vector = |vector: usize| {
        let (group, lane) = (vector / LANES, vector % LANES);
        tiles.iter().flat_map(move |tile| tile[group].map(|sum| sum.0[lane])).take(rows).collect()
    };
    (0..vectors.len()).into_par_iter().map(of_vector).collect()
}

/// Some rows of the matrix times all vectors.
struct Tile<'a, M> {
    rows: [&'a [M]; TILE],
    /// One row of eight numbers for each column; eight vectors after the other.
    vectors: &'a [Row],
}

impl<M: Copy + Into<f64>> Work for Tile<'_, M> {
    type Output = Vec<[Row; TILE]>;

    #[inline(always)]
    fn run<V: Vectors>(self, _vectors: V) -> Vec<[Row; TILE]> {
        let columns = self.rows[0].len();
        let rows = self.rows.map(|row| &row[..columns]);
        let mut sums = Vec::with_capacity(self.vectors.len() / columns.max(1));
        for group in self.vectors.chunks_exact(columns.max(1)) {
            let mut tile = [Row::ZERO; TILE];
            for column in 0..columns {
                let x = &group[column].0;
                for (sum, row) in tile.iter_mut().zip(rows) {
                    let element: f64 = row[column].into();
                    sum.add(&x.map(|x| element * x));
                }
            }
            sums.push(tile);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any number of rows, columns and vectors, alone or in company, against the definition.
    #[test]
    fn products_are_sums_in_order() {
        let number = |i: usize| ((i * 7919) % 1013) as f64 / 7.0 - 70.0;
        for (rows, columns, count) in [(1, 1, 1), (3, 5, 2), (4, 7, 8), (9, 30, 9), (13, 17, 33), (5, 0, 2)] {
            let matrix: Vec<f32> = (0..rows * columns).map(|i| number(i) as f32).collect();
            let vectors: Vec<Vec<f64>> =
                (0..count).map(|v| (0..columns).map(|i| number(31 * v + i)).collect()).collect();
            let all: Vec<&[f64]> = vectors.iter().map(Vec::as_slice).collect();
            let found = products(&matrix, columns, &all);
            assert_eq!(found.len(), count);
            for (vector, found) in all.iter().zip(&found) {
                let dot =
                    |row: &[f32]| row.iter().zip(*vector).fold(0.0, |sum, (m, x)| sum + f64::from(*m) * x);
                let expected: Vec<f64> = matrix.chunks(columns.max(1)).map(dot).collect();
                assert_eq!(*found, expected);
                assert_eq!(products(&matrix, columns, &[vector]), [expected]);
            }
        }
    }
}
