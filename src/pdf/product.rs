//! A matrix times many vectors at once: its elements meet eight vectors in one instruction, and a block of it meets all
//! vectors while it is in the cache.

use rayon::prelude::*;

use crate::simd::{InstructionSet, LANES, Row, Vectors, Work};

/// Rows of the matrix that go through the vectors together: so many sums of eight stay in registers, or twice as many where
/// there are registers for two groups of vectors.
const TILE: usize = 4;

/// Rows of the matrix that one thread takes: the vectors are read once for so many.
const BLOCK_ROWS: usize = 8 * TILE;

/// Columns that are summed before the next ones: these rows of the matrix take 64 kB, and two groups of vectors 32 kB.
const BLOCK_COLUMNS: usize = 256;

/// M·x for every vector x, one list of the matrix's rows for each.
///
/// `matrix` has rows of `columns` elements, as long as the vectors. Each sum is taken in the order of the columns: its bits do
/// not depend on the other vectors, nor on the threads. Where the processor has fused instructions a step is rounded once, else
/// twice: between such processors the last bits differ (docs/decisions/0014).
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

/// The sums of the rows of a tile.
type Sums = [Row; TILE];

impl<M: Copy + Into<f64>> Work for Block<'_, M> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Vec<Row> {
        let count = self.rows.len() / self.columns;
        let tiles = count.div_ceil(TILE);
        let groups: Vec<&[Row]> = self.vectors.chunks_exact(self.columns).collect();
        let mut all = vec![Row::ZERO; groups.len() * tiles * TILE];
        let mut packed: Vec<[f64; TILE]> = Vec::with_capacity(tiles * BLOCK_COLUMNS);
        for from in (0..self.columns).step_by(BLOCK_COLUMNS) {
            let to = self.columns.min(from + BLOCK_COLUMNS);
            packed.clear();
            for tile in 0..tiles {
                // Where the last tile has no more rows, it takes the last one again.
                let starts: [usize; TILE] =
                    std::array::from_fn(|row| (tile * TILE + row).min(count - 1) * self.columns);
                packed.extend((from..to).map(|column| starts.map(|start| self.rows[start + column].into())));
            }
            let panels = packed.chunks_exact(to - from);
            let at_once = if V::MANY_REGISTERS { 2 } else { 1 };
            for (groups, sums) in groups.chunks(at_once).zip(all.chunks_mut(at_once * tiles * TILE)) {
                if let ([a, b], true) = (groups, V::MANY_REGISTERS) {
                    let (of_a, of_b) = sums.split_at_mut(tiles * TILE);
                    let sums = of_a.as_chunks_mut::<TILE>().0.iter_mut().zip(of_b.as_chunks_mut::<TILE>().0);
                    for (panel, (of_a, of_b)) in panels.clone().zip(sums) {
                        add_two(vectors, panel, [&a[from..to], &b[from..to]], of_a, of_b);
                    }
                } else if let [group] = groups {
                    for (panel, sums) in panels.clone().zip(sums.as_chunks_mut::<TILE>().0) {
                        add_one(vectors, panel, &group[from..to], sums);
                    }
                }
            }
        }
        all
    }
}

/// Adds what some columns give for eight vectors. Each sum by name, so that it stays in a register.
#[inline(always)]
fn add_one<V: Vectors>(v: V, panel: &[[f64; TILE]], vectors: &[Row], sums: &mut Sums) {
    let [mut a, mut b, mut c, mut d] = *sums;
    for (m, x) in panel.iter().zip(vectors) {
        a = v.multiply_add(m[0], x, a);
        b = v.multiply_add(m[1], x, b);
        c = v.multiply_add(m[2], x, c);
        d = v.multiply_add(m[3], x, d);
    }
    *sums = [a, b, c, d];
}

/// The same for twice eight vectors.
#[inline(always)]
fn add_two<V: Vectors>(
    v: V,
    panel: &[[f64; TILE]],
    vectors: [&[Row]; 2],
    first: &mut Sums,
    second: &mut Sums,
) {
    let [mut a, mut b, mut c, mut d] = *first;
    let [mut e, mut f, mut g, mut h] = *second;
    for ((m, x), y) in panel.iter().zip(vectors[0]).zip(vectors[1]) {
        a = v.multiply_add(m[0], x, a);
        b = v.multiply_add(m[1], x, b);
        c = v.multiply_add(m[2], x, c);
        d = v.multiply_add(m[3], x, d);
        e = v.multiply_add(m[0], y, e);
        f = v.multiply_add(m[1], y, f);
        g = v.multiply_add(m[2], y, g);
        h = v.multiply_add(m[3], y, h);
    }
    *first = [a, b, c, d];
    *second = [e, f, g, h];
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
                assert_eq!(found.len(), expected.len());
                // Products of up to 70² that are rounded once or twice, in the same order.
                let allowed = 2.0 * f64::EPSILON * (columns * columns) as f64 * 4900.0;
                assert!(
                    found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= allowed),
                    "{rows} {columns}"
                );
                assert_eq!(products(&matrix, columns, &[vector]), std::slice::from_ref(found));
            }
        }
    }
}
