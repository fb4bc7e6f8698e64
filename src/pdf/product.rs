//! A matrix times many vectors at once: its elements meet eight vectors in one instruction, and a block of it meets all
//! vectors while it is in the cache.

use rayon::prelude::*;

use crate::simd::{InstructionSet, LANES, Row, Vectors, Work};

/// Rows of the matrix that go through the vectors together: so many sums of eight stay in registers.
const TILE: usize = 4;

/// Rows of the matrix that one thread takes: the vectors, 12 MB for 500 of 3000 numbers, are read once for so many.
const BLOCK_ROWS: usize = 8 * TILE;

/// Columns that are summed before the next rows: with these rows 64 kB of the matrix and 32 kB of eight vectors.
const BLOCK_COLUMNS: usize = 512;

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
    let blocks: Vec<Vec<Row>> = matrix
        .par_chunks((BLOCK_ROWS * columns).max(1))
        .map(|rows| set.run(Block { rows, columns, vectors: &packed }))
        .collect();
    let groups = vectors.len().div_ceil(LANES).max(1);
    let of_group = |(group, vectors): (usize, &[&[f64]])| {
        let mut lists: Vec<Vec<f64>> = vectors.iter().map(|_| Vec::with_capacity(rows)).collect();
        let sums = blocks.iter().flat_map(|block| {
            let rows = block.len() / groups;
            &block[group * rows..(group + 1) * rows]
        });
        for sum in sums.take(rows) {
            lists.iter_mut().zip(&sum.0).for_each(|(list, sum)| list.push(*sum));
        }
        lists
    };
    vectors.par_chunks(LANES).enumerate().flat_map_iter(of_group).collect()
}

/// Some rows of the matrix times all vectors: for each eight vectors the sums of the rows, filled up to whole tiles.
struct Block<'a, M> {
    rows: &'a [M],
    columns: usize,
    /// One row of eight numbers for each column; eight vectors after the other.
    vectors: &'a [Row],
}

impl<M: Copy + Into<f64>> Work for Block<'_, M> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run<V: Vectors>(self, _vectors: V) -> Vec<Row> {
        let count = self.rows.len() / self.columns;
        let tiles = count.div_ceil(TILE);
        let groups = self.vectors.chunks_exact(self.columns);
        let mut all = vec![Row::ZERO; groups.len() * tiles * TILE];
        for (group, sums) in groups.zip(all.chunks_exact_mut(tiles * TILE)) {
            for from in (0..self.columns).step_by(BLOCK_COLUMNS) {
                let to = self.columns.min(from + BLOCK_COLUMNS);
                for (tile, sums) in sums.as_chunks_mut::<TILE>().0.iter_mut().enumerate() {
                    // Where the last tile has no more rows, it takes the last one again.
                    let row = |index: usize| {
                        let start = (tile * TILE + index).min(count - 1) * self.columns;
                        &self.rows[start + from..start + to]
                    };
                    add_tile([row(0), row(1), row(2), row(3)], &group[from..to], sums);
                }
            }
        }
        all
    }
}

/// Adds what some columns give.
#[inline(always)]
fn add_tile<M: Copy + Into<f64>>([a, b, c, d]: [&[M]; TILE], vectors: &[Row], sums: &mut [Row; TILE]) {
    // Each sum by name, so that it stays in a register.
    let [mut sum_a, mut sum_b, mut sum_c, mut sum_d] = *sums;
    for ((((x, a), b), c), d) in vectors.iter().zip(a).zip(b).zip(c).zip(d) {
        sum_a.add_product((*a).into(), x);
        sum_b.add_product((*b).into(), x);
        sum_c.add_product((*c).into(), x);
        sum_d.add_product((*d).into(), x);
    }
    *sums = [sum_a, sum_b, sum_c, sum_d];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any number of rows, columns and vectors, alone or in company, against the definition.
    #[test]
    fn products_are_sums_in_order() {
        let number = |i: usize| ((i * 7919) % 1013) as f64 / 7.0 - 70.0;
        for (rows, columns, count) in
            [(1, 1, 1), (3, 5, 2), (4, 7, 8), (9, 30, 9), (13, 17, 33), (5, 0, 2), (70, 1100, 9)]
        {
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
