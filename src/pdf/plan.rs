//! The transform's matrices.

use std::f64::consts::PI;

use super::covariance::footprint_factor;
use super::product::products;
use super::{Pdf, TransformError, TransformSettings};
use crate::structure::{FGrid, RadialRule, StructureFactor};

/// Numbers in one matrix: 1 GiB of f64.
const LARGEST_MATRIX: usize = 1 << 27;

/// Patterns that are transformed in one pass over the matrices: with what belongs to their σ they stay in the cache.
const AT_ONCE: usize = 64;

/// From F(Q) to G(r) for one Q grid and one r axis.
#[derive(Debug, Clone)]
pub struct TransformPlan {
    grid: FGrid,
    r: Vec<f64>,
    /// K: G_r = Σ K_rQ F_Q, one row of n points per r.
    sine: Vec<f64>,
    /// (2/π)·ΔQ·W(Q) at the m measured points.
    envelope: Vec<f64>,
    /// T²: Σ T_rQ² σ_F² over the m measured points is σ_G² with the scale known; T = K with polynomial and extension.
    spread: Vec<f32>,
}

impl TransformPlan {
    /// K_rQ = (2/π)·ΔQ·W(Q)·sin Qr \[E11\].
    ///
    /// # Errors
    /// An r axis that cannot be meant or that needs too much memory.
    pub fn new(settings: &TransformSettings, grid: &FGrid) -> Result<TransformPlan, TransformError> {
        let points = settings.r;
        let valid = points.start >= 0.0 && points.step > 0.0 && points.at(points.count).is_finite();
        if !valid || points.count < 2 {
            return Err(TransformError::Axis { start: points.start, step: points.step, count: points.count });
        }
        let columns = grid.q().len();
        if points.count.checked_mul(columns).is_none_or(|size| size > LARGEST_MATRIX) {
            let (r_points, q_points) = (points.count, columns);
            return Err(TransformError::TooLarge { r_points, q_points, limit: LARGEST_MATRIX });
        }
        let r = points.values();
        let weights: Vec<f64> = grid
            .q()
            .iter()
            .zip(grid.width())
            .map(|(q, width)| 2.0 / PI * width * settings.window.weight(*q, grid.q_max()))
            .collect();
        let mut sine = Vec::with_capacity(r.len() * columns);
        let mut spread = Vec::with_capacity(r.len() * columns);
        for &r in &r {
            let start = sine.len();
            match grid.rule() {
                RadialRule::Exact => {
                    sine.extend(grid.q().iter().zip(&weights).map(|(q, w)| w * (q * r).sin()));
                }
                RadialRule::FourierGrid { q_step } => {
                    let r_step = fourier_step(q_step, points.step);
                    let below = (r / r_step).floor();
                    let (r0, r1, share) = (below * r_step, (below + 1.0) * r_step, r / r_step - below);
                    sine.extend(
                        grid.q()
                            .iter()
                            .zip(&weights)
                            .map(|(q, w)| w * ((1.0 - share) * (q * r0).sin() + share * (q * r1).sin())),
                    );
                }
            }
            spread.extend(grid.adjoint(&sine[start..]).iter().map(|t| (t * t) as f32));
        }
        let envelope = weights[grid.extension_len()..].to_vec();
        Ok(TransformPlan { grid: grid.clone(), r, sine, envelope, spread })
    }

    /// r in Å.
    pub fn r(&self) -> &[f64] {
        &self.r
    }

    /// Memory of the matrices.
    pub fn bytes(&self) -> usize {
        size_of_val(self.sine.as_slice()) + size_of_val(self.spread.as_slice())
    }

    /// The points of F.
    pub fn f_grid(&self) -> &FGrid {
        &self.grid
    }

    /// Row of K for the r of this index: what each F contributes to G there.
    pub fn row(&self, index: usize) -> &[f64] {
        let columns = self.grid.q().len();
        &self.sine[index * columns..(index + 1) * columns]
    }

    /// G(r) with its σ from counting.
    ///
    /// # Errors
    /// F on other points than the plan's.
    pub fn apply(&self, structure: &StructureFactor) -> Result<Pdf, TransformError> {
        let mut only = self.apply_all(std::slice::from_ref(&structure))?;
        Ok(only.remove(0))
    }

    /// G(r) of many patterns, as [`TransformPlan::apply`] gives it for each, from a few passes over the matrices.
    ///
    /// # Errors
    /// F on other points than the plan's, in any of them.
    pub fn apply_all(&self, structures: &[&StructureFactor]) -> Result<Vec<Pdf>, TransformError> {
        let expected = self.grid.q().len();
        let found = |structure: &&StructureFactor| structure.f.len().min(structure.f_sigma.len());
        if let Some(found) = structures.iter().map(found).find(|found| *found != expected) {
            return Err(TransformError::Length { found, expected });
        }
        Ok(structures.chunks(AT_ONCE).flat_map(|some| self.apply_some(some)).collect())
    }

    /// F of the plan's points → G.
    fn apply_some(&self, structures: &[&StructureFactor]) -> Vec<Pdf> {
        let columns = self.grid.q().len();
        let below = self.grid.extension_len();
        let variance = |structure: &&StructureFactor| -> Vec<f64> {
            structure.f_sigma[below..].iter().map(|sigma| sigma * sigma).collect()
        };
        let variances: Vec<Vec<f64>> = structures.iter().map(variance).collect();
        let variances: Vec<&[f64]> = variances.iter().map(Vec::as_slice).collect();
        let mut vectors: Vec<&[f64]> = structures.iter().map(|structure| structure.f.as_slice()).collect();
        // Places of the products that a pattern's scatter needs. A fitted constant changes F alike in all patterns.
        let mut of_scatter: Vec<Vec<usize>> = Vec::with_capacity(structures.len());
        for structure in structures {
            let places = structure.scatter.vectors().enumerate().map(|(index, vector)| {
                let of_first = of_scatter.first().and_then(|places| places.get(index).copied());
                of_first.filter(|place| vectors[*place] == vector).unwrap_or_else(|| {
                    vectors.push(vector);
                    vectors.len() - 1
                })
            });
            let places = places.collect();
            of_scatter.push(places);
        }
        let spreads = products(&self.spread, columns - below, &variances);
        let mut sums = products(&self.sine, columns, &vectors);
        let pdf = |index: usize| {
            let scatter = &structures[index].scatter;
            let added = |r: usize| scatter.added_variance(|vector| sums[of_scatter[index][vector]][r]);
            let share = |k: usize| self.envelope[k] * self.envelope[k] * variances[index][k];
            let (step, footprint) = (self.grid.width()[below], &structures[index].footprint);
            let factor = footprint_factor(&self.r, step, footprint, share);
            let within = |r: usize| factor.as_ref().map_or(1.0, |factor| factor[r]);
            let sigma = |(r, spread): (usize, &f64)| (spread * within(r) + added(r)).max(0.0).sqrt();
            spreads[index].iter().enumerate().map(sigma).collect()
        };
        let sigmas: Vec<Vec<f64>> = (0..structures.len()).map(pdf).collect();
        sums.truncate(structures.len());
        sums.into_iter().zip(sigmas).map(|(g, sigma)| Pdf { r: self.r.clone(), g, sigma }).collect()
    }

    /// σ of Σ w_r G(r) for weights of the r points from `start` on: the r points are correlated, the F points are not but for
    /// the scale and constant that they share.
    pub fn uncertainty(&self, start: usize, weights: &[f64], structure: &StructureFactor) -> f64 {
        let mut gradient = vec![0.0; self.grid.q().len()];
        for (offset, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            gradient.iter_mut().zip(self.row(start + offset)).for_each(|(g, k)| *g += weight * k);
        }
        self.grid.uncertainty(&gradient, structure)
    }
}

/// 2π/(N ΔQ) for the smallest power of two N that makes it no larger than `r_step`.
fn fourier_step(q_step: f64, r_step: f64) -> f64 {
    let mut step = 2.0 * PI / q_step;
    while step > r_step {
        step *= 0.5;
    }
    step
}
