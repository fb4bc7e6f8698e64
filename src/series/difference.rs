//! Two curves, one less the other.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::binned::{Binned, ChiSquared};
use crate::integrate::Pattern;
use crate::pdf::{Pdf, TransformPlan};
use crate::structure::StructureFactor;

/// One curve less another, with σ from the counts of both; n points each.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveDifference {
    /// Q in Å⁻¹ or r in Å.
    pub x: Vec<f64>,
    /// Difference.
    pub value: Vec<f64>,
    /// Its σ at each point.
    pub sigma: Vec<f64>,
}

/// Part of the largest eigenvalue of a covariance below which a direction is not seen.
const UNSEEN: f64 = 1e-6;

impl CurveDifference {
    /// ΔS of two samples on the same points; `None` for other points.
    pub fn of_s(a: &StructureFactor, b: &StructureFactor) -> Option<CurveDifference> {
        CurveDifference::of(&a.q, [&a.s, &b.s], [&a.sigma, &b.sigma])
    }

    /// ΔG in Å⁻² of two samples on the same points; `None` for other points.
    pub fn of_g(a: &Pdf, b: &Pdf) -> Option<CurveDifference> {
        CurveDifference::of(&a.r, [&a.g, &b.g], [&a.sigma, &b.sigma])
    }

    /// The first less the second on the points x; `None` where they are not as many.
    pub fn of(x: &[f64], [a, b]: [&[f64]; 2], [sigma_a, sigma_b]: [&[f64]; 2]) -> Option<CurveDifference> {
        if [a, b, sigma_a, sigma_b].iter().any(|values| values.len() != x.len()) {
            return None;
        }
        Some(CurveDifference {
            x: x.to_vec(),
            value: a.iter().zip(b).map(|(a, b)| a - b).collect(),
            sigma: sigma_a.iter().zip(sigma_b).map(|(a, b)| a.hypot(*b)).collect(),
        })
    }
}

/// χ² of I of two samples in each range of Q (Å⁻¹), after scale and constant have been fitted over the whole of `q_range`: what S says too,
/// but with points that are independent. `unit` is what one unit of the second is in units of the first. `None` for patterns that do not go
/// together.
pub fn chi2_of_patterns(
    [a, b]: [&Pattern; 2],
    unit: f64,
    q_range: [f64; 2],
    ranges: &[[f64; 2]],
) -> Option<(ChiSquared, Vec<ChiSquared>)> {
    let residual = Binned::of(a, q_range).less(&Binned::of(b, q_range), unit)?;
    Some((residual.chi2(), ranges.iter().map(|range| residual.chi2_within(*range)).collect()))
}

/// χ² = ΔᵀC⁻¹Δ of G in a range of r (Å), C the covariance of both samples \[E11c\] at points π/Qmax apart; directions that C does not see
/// are left out. `None` where the range holds no two such points.
pub fn chi2_of_g(
    plan: &TransformPlan,
    [a, b]: [(&StructureFactor, &Pdf); 2],
    [low, high]: [f64; 2],
) -> Option<ChiSquared> {
    let r = plan.r();
    let spacing = std::f64::consts::PI / plan.f_grid().q_max();
    let step = (r[r.len() - 1] - r[0]) / (r.len() - 1) as f64;
    let every = (spacing / step).round().max(1.0) as usize;
    let inside: Vec<usize> = (0..r.len()).filter(|k| (low..=high).contains(&r[*k]) && r[*k] > 0.0).collect();
    let points: Vec<usize> = inside.into_iter().step_by(every).collect();
    if points.len() < 2 {
        return None;
    }
    let [of_a, of_b] = [a.0, b.0].map(|structure| plan.covariance_at(&points, structure));
    let n = points.len();
    let covariance = DMatrix::from_fn(n, n, |i, j| of_a[i * n + j] + of_b[i * n + j]);
    let difference = DVector::from_iterator(n, points.iter().map(|k| a.1.g[*k] - b.1.g[*k]));
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(covariance);
    let largest = eigenvalues.max();
    let along = eigenvectors.tr_mul(&difference);
    let seen = along.iter().zip(eigenvalues.iter()).filter(|(_, variance)| **variance > UNSEEN * largest);
    let (chi2, freedom) = seen.fold((0.0, 0), |(sum, n), (part, v)| (sum + part * part / v, n + 1));
    Some(ChiSquared::new(chi2, freedom))
}
