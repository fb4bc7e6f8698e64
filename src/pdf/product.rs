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
    let of_group = |(group, vectors): (usize, &[&[f64]])| {
        let mut lists: Vec<Vec<f64>> = vectors.iter().map(|_| Vec::with_capacity(rows)).collect();
        for sum in tiles.iter().flat_map(|tile| &tile[group]).take(rows) {
            lists.iter_mut().zip(&sum.0).for_each(|(list, sum)| list.push(*sum));
        }
        lists
    };
    vectors.par_chunks(LANES).enumerate().flat_map_iter(of_group).collect()
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
        let [a, b, c, d] = self.rows;
        let columns = a.len().max(1);
        let mut sums = Vec::with_capacity(self.vectors.len() / columns);
        for group in self.vectors.chunks_exact(columns) {
            // Each sum by name, so that it stays in a register.
            let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (Row::ZERO, Row::ZERO, Row::ZERO, Row::ZERO);
            for ((((x, a), b), c), d) in group.iter().zip(a).zip(b).zip(c).zip(d) {
                sum_a.add_product((*a).into(), x);
                sum_b.add_product((*b).into(), x);
                sum_c.add_product((*c).into(), x);
                sum_d.add_product((*d).into(), x);
            }
            sums.push([sum_a, sum_b, sum_c, sum_d]);
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
