//! The transform's matrices.

use std::f64::consts::PI;

use super::{Pdf, TransformError, TransformSettings};
use crate::structure::{FGrid, RadialRule, StructureFactor, dot};

/// Numbers in one matrix: 1 GiB of f64.
const LARGEST_MATRIX: usize = 1 << 27;

/// From F(Q) to G(r) for one Q grid and one r axis.
#[derive(Debug, Clone)]
pub struct TransformPlan {
    grid: FGrid,
    r: Vec<f64>,
    /// K: G_r = Σ K_rQ F_Q, one row of n points per r.
    sine: Vec<f64>,
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
        Ok(TransformPlan { grid: grid.clone(), r, sine, spread })
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
        let expected = self.grid.q().len();
        let found = structure.f.len().min(structure.f_sigma.len());
        if found != expected {
            return Err(TransformError::Length { found, expected });
        }
        let variance: Vec<f64> =
            structure.f_sigma[self.grid.extension_len()..].iter().map(|sigma| sigma * sigma).collect();
        let g = (0..self.r.len()).map(|index| dot(self.row(index), &structure.f)).collect();
        let with_scale = |(index, spread)| {
            let row = self.row(index);
            dot_f32(spread, &variance) + structure.scatter.added_variance(|of_f| dot(row, of_f))
        };
        let rows = self.spread.chunks_exact(variance.len()).enumerate();
        let sigma = rows.map(|row| with_scale(row).max(0.0).sqrt()).collect();
        Ok(Pdf { r: self.r.clone(), g, sigma })
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

fn dot_f32(a: &[f32], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (blocks_a, rest_a) = a.as_chunks::<8>();
    let (blocks_b, rest_b) = b.as_chunks::<8>();
    for (a, b) in blocks_a.iter().zip(blocks_b) {
        for lane in 0..8 {
            sums[lane] += f64::from(a[lane]) * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(a, b)| f64::from(*a) * b).sum::<f64>()
}
