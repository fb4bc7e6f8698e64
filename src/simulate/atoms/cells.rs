//! Pairs of atoms nearer than a distance, over all periodic images, by a list of cells.
//!
//! The box is cut into cells. Every cell meets the cells within reach, where one outside the box is an image of one
//! inside. Taking half of the directions counts each pair once, so that neither a minimum image nor a limit on the
//! reach is needed.

use rayon::prelude::*;

use super::{AtomBox, AtomsProblem};

/// Steps from a cell to another one that may be in reach; so many fit in 100 MB.
const MOST_STEPS: f64 = 4e6;

/// Pairs that are counted in minutes.
const MOST_PAIRS: f64 = 1e11;

/// Atoms sorted into cells.
struct Cells {
    counts: [usize; 3],
    /// Index of each cell's first atom, and the number of atoms.
    first: Vec<usize>,
    position: Vec<[f64; 3]>,
    species: Vec<u8>,
}

/// Adds to `counts[kind][bin]` the pairs of atoms, each once, whose distance lies in a bin of width `dr`. `kind[i][j]`
/// numbers the pairs of species; `counts` has `bins` entries for each kind.
pub(super) fn count_pairs(
    atoms: &AtomBox,
    bins: usize,
    dr: f64,
    kinds: &[Vec<usize>],
    counts: &mut [u64],
) -> Result<(), AtomsProblem> {
    let reach = bins as f64 * dr;
    let found = 0.5 * atoms.species.len() as f64 * atoms.density() * 4.2 * reach.powi(3);
    if found > MOST_PAIRS {
        return Err(AtomsProblem::TooManyPairs { found, most: MOST_PAIRS });
    }
    let cells = Cells::new(atoms, reach);
    let steps = cells.steps(atoms, reach)?;
    let size = counts.len();
    let total = (0..cells.first.len() - 1)
        .into_par_iter()
        .fold(
            || vec![0u64; size],
            |mut local, home| {
                cells.count_from(atoms, home, &steps, [reach, dr], kinds, &mut local);
                local
            },
        )
        .reduce(
            || vec![0u64; size],
            |mut a, b| {
                a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
                a
            },
        );
    counts.iter_mut().zip(&total).for_each(|(sum, n)| *sum += n);
    Ok(())
}

impl Cells {
    /// Cells a third of the reach wide, so that little outside the sphere is looked at, and wide enough for eight atoms.
    fn new(atoms: &AtomBox, reach: f64) -> Self {
        let spacings = atoms.lattice.spacings();
        let mut width = (reach / 3.0).max((8.0 / atoms.density()).cbrt());
        let cut = |width: f64| spacings.map(|spacing| (spacing / width).floor().max(1.0));
        while cut(width).iter().product::<f64>() > (atoms.species.len() + 8) as f64 {
            width *= 1.25;
        }
        let counts = cut(width).map(|n| n as usize);
        let wrapped: Vec<[f64; 3]> = atoms.positions.iter().map(|p| atoms.lattice.wrapped(*p)).collect();
        let cell_of = |inside: &[f64; 3]| {
            let [i, j, k]: [usize; 3] = std::array::from_fn(|axis| {
                ((inside[axis] * counts[axis] as f64) as usize).min(counts[axis] - 1)
            });
            (i * counts[1] + j) * counts[2] + k
        };
        let home: Vec<usize> = wrapped.iter().map(cell_of).collect();
        let mut first = vec![0; counts.iter().product::<usize>() + 1];
        for cell in &home {
            first[cell + 1] += 1;
        }
        for cell in 1..first.len() {
            first[cell] += first[cell - 1];
        }
        let mut order: Vec<usize> = (0..home.len()).collect();
        order.sort_by_key(|&atom| home[atom]);
        Self {
            counts,
            first,
            position: order.iter().map(|&atom| atoms.lattice.point(wrapped[atom])).collect(),
            species: order.iter().map(|&atom| atoms.species[atom]).collect(),
        }
    }

    /// Differences of cell indices that may be in reach: (0, 0, 0), and of each ±pair the one whose first number that is
    /// not 0 is positive.
    fn steps(&self, atoms: &AtomBox, reach: f64) -> Result<Vec<[i64; 3]>, AtomsProblem> {
        let width: [f64; 3] =
            std::array::from_fn(|axis| atoms.lattice.spacings()[axis] / self.counts[axis] as f64);
        let farthest = width.map(|width| (reach / width).ceil());
        let found: f64 = farthest.iter().map(|n| 2.0 * n + 1.0).product();
        if found > MOST_STEPS {
            return Err(AtomsProblem::TooManyPairs { found, most: MOST_STEPS });
        }
        let corner = |u: f64, v: f64, w: f64| {
            let sizes = [u, v, w];
            let point =
                atoms.lattice.point(std::array::from_fn(|axis| sizes[axis] / self.counts[axis] as f64));
            point.iter().map(|x| x * x).sum::<f64>().sqrt()
        };
        let diagonal = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
            .into_iter()
            .map(|[v, w]| corner(1.0, v, w))
            .fold(0.0, f64::max);
        let mut steps = Vec::new();
        let [a, b, c] = farthest.map(|n| n as i64);
        for i in 0..=a {
            for j in -b..=b {
                for k in -c..=c {
                    // Points of two cells are no nearer than their faces, nor than their centres less a diagonal.
                    let apart = |step: i64, axis: usize| ((step.abs() - 1).max(0)) as f64 * width[axis];
                    let faces = apart(i, 0).max(apart(j, 1)).max(apart(k, 2));
                    let centres = corner(i as f64, j as f64, k as f64) - diagonal;
                    if [i, j, k] >= [0, 0, 0] && faces < reach && centres < reach {
                        steps.push([i, j, k]);
                    }
                }
            }
        }
        Ok(steps)
    }

    fn count_from(
        &self,
        atoms: &AtomBox,
        home: usize,
        steps: &[[i64; 3]],
        [reach, dr]: [f64; 2],
        kinds: &[Vec<usize>],
        counts: &mut [u64],
    ) {
        let [_, m, n] = self.counts;
        let here = [home / (m * n), home / n % m, home % n];
        let own = self.first[home]..self.first[home + 1];
        let bins = (reach / dr).round() as usize;
        let (limit, per_dr) = (reach * reach, 1.0 / dr);
        for step in steps {
            let target: [i64; 3] = std::array::from_fn(|axis| here[axis] as i64 + step[axis]);
            let [i, j, k]: [usize; 3] =
                std::array::from_fn(|axis| target[axis].rem_euclid(self.counts[axis] as i64) as usize);
            let shift = atoms
                .lattice
                .point(std::array::from_fn(|axis| target[axis].div_euclid(self.counts[axis] as i64) as f64));
            let cell = (i * m + j) * n + k;
            let others = self.first[cell]..self.first[cell + 1];
            for one in own.clone() {
                let [x, y, z] = self.position[one];
                let (x, y, z) = (x - shift[0], y - shift[1], z - shift[2]);
                let others = if *step == [0, 0, 0] { one + 1..others.end } else { others.clone() };
                let kinds = &kinds[usize::from(self.species[one])];
                for (p, species) in self.position[others.clone()].iter().zip(&self.species[others]) {
                    let (x, y, z) = (p[0] - x, p[1] - y, p[2] - z);
                    let squared = x * x + y * y + z * z;
                    if squared < limit {
                        let bin = ((squared.sqrt() * per_dr) as usize).min(bins - 1);
                        counts[kinds[usize::from(*species)] * bins + bin] += 1;
                    }
                }
            }
        }
    }
}
