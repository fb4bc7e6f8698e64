//! Partial pair distributions g_ij(r) of atoms in a periodic box.

use std::f64::consts::PI;

use super::cells::count_pairs;
use super::{AtomBox, AtomsProblem};
use crate::scattering::Composition;

/// Numbers in all histograms together: 64 MB in each thread.
const MOST_BINS: usize = 1 << 23;

/// Distances over which pairs are counted: whole bins of width `dr`, as many as come nearest to `r_max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairRange {
    /// Largest distance in Å. It may exceed half the box, beyond which the images of the box show
    /// ([`AtomBox::meaningful_r`]).
    pub r_max_angstrom: f64,
    /// Width of a bin in Å.
    pub dr_angstrom: f64,
}

impl PairRange {
    /// Bins of 0.01 Å up to where the box is meaningful, and no farther than 60 Å.
    pub fn of(atoms: &AtomBox) -> Self {
        Self { r_max_angstrom: atoms.meaningful_r().min(60.0), dr_angstrom: 0.01 }
    }
}

/// g_ij(r): the density of atoms j at a distance r from an atom i, relative to their mean density.
///
/// Counts of all pairs, with all images, are divided by N_i N_j V_k/V, V_k the volume of the shell of bin k. An atom does
/// not count itself, so that g_ii of independent atoms is 1 − 1/N_i within half the box, and not 1: a box of N atoms
/// knows its own number. In S(Q) this is −(4/3)πr_max³ρ0/N at Q = 0 and within π/r_max of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PairDistributions {
    composition: Composition,
    density: f64,
    dr: f64,
    bins: usize,
    meaningful_r: f64,
    /// For i ≤ j, in the order 00, 01 … 11, 12 …
    partials: Vec<Partial>,
}

/// One g_ij with i ≤ j.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partial {
    pub(super) elements: [usize; 2],
    pub(super) g: Vec<f64>,
}

impl PairDistributions {
    /// From one frame or the average over several: ρ0 is the mean of their densities, and ρ0(g − 1) the mean of theirs.
    ///
    /// # Errors
    /// No frame, a range without bins or with too many, frames of different atoms, or a box that is so thin, or a range
    /// so long, that counting would not end.
    pub fn new(frames: &[AtomBox], range: PairRange) -> Result<Self, AtomsProblem> {
        let first = frames.first().ok_or(AtomsProblem::NoAtoms { of: String::new() })?;
        let (r_max, dr) = (range.r_max_angstrom, range.dr_angstrom);
        let elements = first.elements.len();
        let pairs: Vec<[usize; 2]> = (0..elements).flat_map(|i| (i..elements).map(move |j| [i, j])).collect();
        let mut kinds = vec![vec![0; elements]; elements];
        for (kind, &[i, j]) in pairs.iter().enumerate() {
            (kinds[i][j], kinds[j][i]) = (kind, kind);
        }
        let most = MOST_BINS / pairs.len();
        let bins = (r_max / dr).round();
        if !(r_max > 0.0 && dr > 0.0 && bins >= 2.0 && bins <= most as f64) {
            return Err(AtomsProblem::Range { r_max, dr, most });
        }
        let bins = bins as usize;
        let mut counts = vec![0u64; bins * pairs.len()];
        let mut inverse_volumes = 0.0;
        for (index, frame) in frames.iter().enumerate() {
            let order = order_of(frame, first, index)?;
            let kinds: Vec<Vec<usize>> =
                order.iter().map(|&i| order.iter().map(|&j| kinds[i][j]).collect()).collect();
            count_pairs(frame, bins, dr, &kinds, &mut counts)?;
            inverse_volumes += 1.0 / frame.lattice.volume();
        }
        let atoms = first.counts();
        let partials = pairs.iter().zip(counts.chunks_exact(bins)).map(|(&[i, j], counts)| {
            // A pair i, j is seen once from i; a pair of two i from both.
            let seen = if i == j { 2.0 } else { 1.0 };
            let expected = atoms[i] as f64 * atoms[j] as f64 * inverse_volumes;
            let g = (0..bins).map(|k| seen * counts[k] as f64 / (expected * shell(k, dr)));
            Partial { elements: [i, j], g: g.collect() }
        });
        Ok(Self {
            composition: first.composition(),
            density: first.species.len() as f64 * inverse_volumes / frames.len() as f64,
            dr,
            bins,
            meaningful_r: frames.iter().map(AtomBox::meaningful_r).fold(f64::INFINITY, f64::min),
            partials: partials.collect(),
        })
    }

    /// Elements and fractions, in the order of the indices i and j.
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// ρ0 in atoms/Å³.
    pub fn density(&self) -> f64 {
        self.density
    }

    /// Upper edge of the last bin in Å.
    pub fn r_max(&self) -> f64 {
        self.bins as f64 * self.dr
    }

    /// Width of a bin in Å.
    pub fn dr(&self) -> f64 {
        self.dr
    }

    /// Up to where in Å g(r) is that of the material and not of the repeated box.
    pub fn meaningful_r(&self) -> f64 {
        self.meaningful_r
    }

    /// Middles of the bins in Å.
    pub fn r(&self) -> Vec<f64> {
        (0..self.bins).map(|k| (k as f64 + 0.5) * self.dr).collect()
    }

    /// Volumes of the shells of all bins, Å³.
    pub(super) fn shells(&self) -> Vec<f64> {
        (0..self.bins).map(|k| shell(k, self.dr)).collect()
    }

    pub(super) fn partials(&self) -> &[Partial] {
        &self.partials
    }

    /// g_ij at [`PairDistributions::r`], i and j in either order; `None` for an index that no element has.
    pub fn g(&self, i: usize, j: usize) -> Option<&[f64]> {
        let wanted = [i.min(j), i.max(j)];
        self.partials.iter().find(|partial| partial.elements == wanted).map(|partial| &partial.g[..])
    }

    /// Number of atoms j around an atom i between two distances in Å, moved to the nearest edges of bins; the neighbours
    /// in whole bins are counted exactly. `None` for an index that no element has.
    pub fn neighbours(&self, i: usize, j: usize, lower: f64, upper: f64) -> Option<f64> {
        let g = self.g(i, j)?;
        let edge = |r: f64| ((r / self.dr).round().max(0.0) as usize).min(self.bins);
        let (from, to) = (edge(lower), edge(upper).max(edge(lower)));
        let density = self.density * self.composition.elements[j].1;
        Some((from..to).map(|k| density * g[k] * shell(k, self.dr)).sum())
    }
}

/// Volume of the shell of bin k, 4/3·π dr³[(k + 1)³ − k³].
fn shell(k: usize, dr: f64) -> f64 {
    let k = k as f64;
    4.0 / 3.0 * PI * dr.powi(3) * (3.0 * k * (k + 1.0) + 1.0)
}

/// For each element of a frame its index in the first frame, which has as many atoms of each.
fn order_of(frame: &AtomBox, first: &AtomBox, index: usize) -> Result<Vec<usize>, AtomsProblem> {
    let listed = |atoms: &AtomBox| {
        let mut counted: Vec<(String, usize)> = atoms.elements.iter().cloned().zip(atoms.counts()).collect();
        counted.sort();
        counted.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
    };
    let (found, expected) = (listed(frame), listed(first));
    let order: Option<Vec<usize>> =
        frame.elements.iter().map(|name| first.elements.iter().position(|known| known == name)).collect();
    match order {
        Some(order) if found == expected => Ok(order),
        Some(_) | None => Err(AtomsProblem::Unlike { index, found, expected }),
    }
}
