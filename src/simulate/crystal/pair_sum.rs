//! G(r) from the distances of all pairs of atoms.
//!
//! Two atoms that move independently about points a distance d apart, each with the mean square displacements U_i and U_j
//! along every direction, scatter sin(Qd)/(Qd)·e^{−Q²σ²/2} together, σ² = U_i + U_j. Its transform \[E11\] is exact:
//!
//! ```text
//! G(r) = (1/n) Σ_i Σ_j o_i o_j Z_i Z_j/⟨Z⟩² · [N(r − d_ij) − N(r + d_ij)]/d_ij − 4πρ0 r,
//! ```
//!
//! N the Gaussian of area 1 and standard deviation σ, i over the cell, j over the crystal without the atoms on the site of i.
//! In R(r) = rG + 4πρ0 r² each Gaussian has the factor r/d: the mean distance of moving atoms is larger than d by σ²/d.

use std::f64::consts::PI;

use super::cell::{combine, dot};
use super::{Crystal, CrystalError};
use crate::scattering::atomic_number;

/// Pairs that are listed at most.
const MOST_PAIRS: f64 = 5e6;
/// Pairs that may be looked at for one that is listed.
const LOOKED_AT: f64 = 200.0;
/// Standard deviations after which a peak has ended: e^{−40}.
const PEAK_END: f64 = 9.0;
/// Distances that differ by less are one; in Å.
const SAME_DISTANCE: f64 = 1e-9;

/// All pairs with one distance and one width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shell {
    distance: f64,
    sigma: f64,
    /// Σ o_i o_j Z_i Z_j/(n⟨Z⟩²): neighbours of an average atom, weighted.
    weight: f64,
}

/// All pairs of atoms of two elements with one distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// In Å.
    pub distance: f64,
    /// For each element the first atom of the cell that is of it.
    pub atoms: [usize; 2],
    /// Σ o_i o_j Z_i Z_j/(n⟨Z⟩²): neighbours of an average atom, weighted.
    pub weight: f64,
}

/// G(r) of a crystal for the infinite Q range, weights at Q = 0.
#[derive(Debug, Clone, PartialEq)]
pub struct CrystalPdf {
    /// In order of distance.
    shells: Vec<Shell>,
    widest: f64,
    density: f64,
}

impl Crystal {
    /// G(r) from pairs, with the weights of atomic numbers, exact up to `r_max` in Å.
    ///
    /// # Errors
    /// A range with too many pairs.
    pub fn pdf(&self, r_max: f64) -> Result<CrystalPdf, CrystalError> {
        let largest_u = self.atoms.iter().map(|atom| atom.u_iso_angstrom2).fold(0.0, f64::max);
        let widest = (2.0 * largest_u).sqrt();
        let reach = r_max + PEAK_END * widest;
        let limits = self.limits(reach)?;
        let mut shells = Vec::new();
        self.each_pair(limits, reach, |i, j, distance, weight| {
            let sigma = (self.atoms[i].u_iso_angstrom2 + self.atoms[j].u_iso_angstrom2).sqrt();
            shells.push(Shell { distance, sigma, weight });
        });
        shells.sort_unstable_by(|a, b| a.sigma.total_cmp(&b.sigma).then(a.distance.total_cmp(&b.distance)));
        shells.dedup_by(|next, kept| {
            let same = next.sigma == kept.sigma && next.distance - kept.distance < SAME_DISTANCE;
            if same {
                kept.weight += next.weight;
            }
            same
        });
        shells.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(CrystalPdf { shells, widest, density: self.density() })
    }

    /// Pairs closer than `r_max` in Å, those of one distance and the same elements together, in order of distance.
    ///
    /// # Errors
    /// A range with too many pairs.
    pub fn pairs(&self, r_max: f64) -> Result<Vec<Pair>, CrystalError> {
        let elements: Vec<usize> = self
            .atoms
            .iter()
            .map(|atom| self.atoms.iter().position(|first| first.element == atom.element).unwrap_or(0))
            .collect();
        let mut pairs = Vec::new();
        self.each_pair(self.limits(r_max)?, r_max, |i, j, distance, weight| {
            let (a, b) = (elements[i].min(elements[j]), elements[i].max(elements[j]));
            pairs.push(Pair { distance, atoms: [a, b], weight });
        });
        pairs.sort_unstable_by(|a, b| a.atoms.cmp(&b.atoms).then(a.distance.total_cmp(&b.distance)));
        pairs.dedup_by(|next, kept| {
            let same = next.atoms == kept.atoms && next.distance - kept.distance < SAME_DISTANCE;
            if same {
                kept.weight += next.weight;
            }
            same
        });
        pairs.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(pairs)
    }

    /// How many cells in each direction hold all pairs closer than `reach`.
    fn limits(&self, reach: f64) -> Result<[i32; 3], CrystalError> {
        let pairs = self.atoms.len().pow(2) as f64 * 4.0 / 3.0 * PI * reach.powi(3) / self.cell.volume();
        // a*·r = 2πu, so that |u| ≤ |r||a*|/2π; one cell more for the positions inside.
        let limits =
            self.cell.reciprocal().map(|axis| (reach * dot(axis, axis).sqrt() / (2.0 * PI)).ceil() + 1.0);
        let cells: f64 = limits.iter().map(|n| 2.0 * n + 1.0).product();
        // Pairs that are looked at: those in the box around the sphere.
        let looked_at = self.atoms.len().pow(2) as f64 * cells / LOOKED_AT;
        if !(reach >= 0.0 && pairs <= MOST_PAIRS && looked_at <= MOST_PAIRS) {
            let name = self.name.clone();
            let found = pairs.max(looked_at);
            return Err(CrystalError::Pairs { name, r_max: reach, found, limit: MOST_PAIRS });
        }
        Ok(limits.map(|n| n as i32))
    }

    /// Every pair of an atom of the cell with one elsewhere, closer than `reach`: both atoms, distance, weight.
    fn each_pair(&self, limits: [i32; 3], reach: f64, mut pair: impl FnMut(usize, usize, f64, f64)) {
        let axes = self.cell.axes();
        let electrons: Vec<f64> = self
            .atoms
            .iter()
            .map(|atom| atom.occupancy * atomic_number(&atom.element).unwrap_or(0) as f64)
            .collect();
        let all: f64 = electrons.iter().sum();
        // n⟨Z⟩² with ⟨Z⟩ = Σ o Z/n.
        let norm = all * all / self.atoms_in_cell();
        let mut place_of = vec![0; self.atoms.len()];
        for (number, place) in self.places.iter().enumerate() {
            place.iter().for_each(|&atom| place_of[atom] = number);
        }
        for (i, first) in self.atoms.iter().enumerate() {
            for (j, second) in self.atoms.iter().enumerate() {
                let one_site = place_of[i] == place_of[j];
                let weight = electrons[i] * electrons[j] / norm;
                let step: [f64; 3] = std::array::from_fn(|k| second.position[k] - first.position[k]);
                for u in -limits[0]..=limits[0] {
                    for v in -limits[1]..=limits[1] {
                        for w in -limits[2]..=limits[2] {
                            if one_site && [u, v, w] == [0; 3] {
                                continue;
                            }
                            let shift = [u, v, w].map(f64::from);
                            let between = combine(std::array::from_fn(|k| step[k] + shift[k]), &axes);
                            let distance = dot(between, between).sqrt();
                            if distance < reach {
                                pair(i, j, distance, weight);
                            }
                        }
                    }
                }
            }
        }
    }
}

impl CrystalPdf {
    /// G in Å⁻² at r in Å.
    pub fn at(&self, r: f64) -> f64 {
        let reach = PEAK_END * self.widest;
        let first = self.shells.partition_point(|shell| shell.distance < r - reach);
        let gauss = |x: f64, s: f64| (-0.5 * (x / s).powi(2)).exp() / (s * (2.0 * PI).sqrt());
        let pairs: f64 = self.shells[first..]
            .iter()
            .take_while(|shell| shell.distance <= r + reach)
            .map(|shell| {
                let Shell { distance: d, sigma, weight } = *shell;
                weight / d * (gauss(r - d, sigma) - gauss(r + d, sigma))
            })
            .sum();
        pairs - 4.0 * PI * self.density * r
    }

    /// Distances in Å up to `r_max` with the weighted number of neighbours of an average atom, in order.
    pub fn neighbours(&self, r_max: f64) -> Vec<(f64, f64)> {
        let mut list: Vec<(f64, f64)> = Vec::new();
        for shell in self.shells.iter().take_while(|shell| shell.distance <= r_max) {
            match list.last_mut() {
                Some((distance, count)) if shell.distance - *distance < SAME_DISTANCE => {
                    *count += shell.weight
                }
                Some(_) | None => list.push((shell.distance, shell.weight)),
            }
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_of_the_face_centred_lattice() {
        // a/√2·√k with 12, 6, 24, 12, 24, 8, 48 neighbours (textbook).
        let shells = Crystal::named("Ni").unwrap().pdf(7.0).unwrap().neighbours(6.6);
        let counts = [12.0, 6.0, 24.0, 12.0, 24.0, 8.0, 48.0];
        assert_eq!(shells.len(), counts.len());
        for (k, ((distance, count), expected)) in shells.iter().zip(counts).enumerate() {
            assert!((distance - 3.524 * (0.5 * (k + 1) as f64).sqrt()).abs() < 1e-12);
            assert!((count - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn weights_of_ceria_are_those_of_its_electrons() {
        // Per formula unit: Ce–O at a√3/4, 8 O around Ce and 4 Ce around each of 2 O: 16·58·8/(3·(74/3)²).
        let (distance, weight) = Crystal::named("CeO2").unwrap().pdf(3.0).unwrap().neighbours(2.5)[0];
        assert!((distance - 5.411_65 * 3f64.sqrt() / 4.0).abs() < 1e-12);
        assert!((weight / (16.0 * 58.0 * 8.0 / (3.0 * (74.0f64 / 3.0).powi(2))) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn sites_shared_by_elements_are_no_pairs() {
        // One site of half Cu and half Zn with equal U is an average atom: (Z1 + Z2)²/4 over the same: weights 1.
        let text = "name: X\ncell: {a_angstrom: 3, b_angstrom: 3, c_angstrom: 3, alpha_deg: 90, beta_deg: 90, gamma_deg: 90}\n\
                    atoms:\n  - {element: Cu, position: [0, 0, 0], occupancy: 0.5, u_iso_angstrom2: 0.005}\n\
                    \x20 - {element: Zn, position: [0, 0, 0], occupancy: 0.5, u_iso_angstrom2: 0.005}\n\
                    ring_width: {constant_inv_angstrom: 0.01}\n";
        let pdf = Crystal::parse(text, "test").unwrap().pdf(5.0).unwrap();
        let counts: Vec<f64> = pdf.neighbours(4.9).iter().map(|(_, count)| *count).collect();
        assert_eq!(counts.len(), 2);
        assert!((counts[0] - 6.0).abs() < 1e-12 && (counts[1] - 12.0).abs() < 1e-12);
    }

    #[test]
    fn too_many_pairs_are_refused() {
        let nickel = Crystal::named("Ni").unwrap();
        for r_max in [f64::NAN, f64::INFINITY, -1.0, 1e5] {
            assert!(nickel.pdf(r_max).is_err(), "{r_max}");
        }
    }
}
