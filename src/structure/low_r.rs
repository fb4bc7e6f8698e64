//! The iteration on what G has at distances without atoms, summed up as one projection.

use std::f64::consts::PI;

use nalgebra::{DMatrix, SymmetricEigen};

use super::polynomial::Projection;
use crate::quadrature::gauss_legendre;

/// Points of r: the rule is exact to rounding for products of two sin Qr while Q·R is below its number.
pub(super) const NODES: usize = 96;
/// Functions of Q with a smaller part at r < R than this have nothing to be corrected.
const LEAST_PART: f64 = 1e-10;

impl Projection {
    /// `count` times F ← F − ∫_0^R [G(r) + 4πρ0r] sin Qr dr, with G of \[E11\] without a window, on points `q` that stand for
    /// cells of these widths \[E16\] (Kaplow, Strong & Averbach 1965; Eggert et al. 2002 multiply the correction of S by S).
    ///
    /// With r_k, w_k a quadrature of 0 … R and A_ik = √(2w_k/π) sin q_i r_k the integral is A·AᵀW·F, W the widths. Let M = AᵀWA =
    /// VΛVᵀ: n steps are F − A·V·p(Λ)·(VᵀAᵀW·F − Vᵀh) with p(λ) = [1 − (1 − λ)ⁿ]/λ and A·h the hole's transform.
    pub(super) fn low_r(q: &[f64], width: &[f64], density: f64, radius: f64, count: u32) -> Projection {
        let nodes = nodes(radius);
        let a = DMatrix::from_fn(q.len(), NODES, |i, k| {
            let (r, weight) = nodes[k];
            (2.0 * weight / PI).sqrt() * (q[i] * r).sin()
        });
        let mut weighted = a.clone();
        weighted.row_iter_mut().zip(width).for_each(|(mut row, width)| row *= *width);
        let eigen = SymmetricEigen::new(a.transpose() * &weighted);
        let (u, v) = (&a * &eigen.eigenvectors, &weighted * &eigen.eigenvectors);
        let mut projection = Projection::default();
        for (k, &part) in eigen.eigenvalues.iter().enumerate().filter(|(_, part)| **part > LEAST_PART) {
            let hole = |(node, along): (&(f64, f64), &f64)| {
                let (r, weight) = node;
                along * (0.5 * PI * weight).sqrt() * -4.0 * PI * density * r
            };
            projection.columns.push(u.column(k).iter().copied().collect());
            projection.filtered.push(v.column(k).iter().copied().collect());
            projection.weights.push((1.0 - (1.0 - part).powi(count.min(i32::MAX as u32) as i32)) / part);
            projection.offsets.push(nodes.iter().zip(eigen.eigenvectors.column(k).iter()).map(hole).sum());
        }
        projection
    }
}

/// Points and weights of a quadrature of \[0, R\].
fn nodes(radius: f64) -> Vec<(f64, f64)> {
    let half = 0.5 * radius;
    gauss_legendre(NODES).into_iter().map(|(x, weight)| (half * (1.0 + x), half * weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::polynomial::hole;

    /// The steps one by one, with integrals on 4000 points of r.
    #[test]
    fn the_sum_of_the_steps_is_the_steps() {
        let q: Vec<f64> = (0..300).map(|i| 0.06 * (f64::from(i) + 0.5)).collect();
        let width = vec![0.06; q.len()];
        let (density, radius) = (0.05, 1.8);
        let start: Vec<f64> = q.iter().map(|q| (2.5 * q).sin() / 2.5 - 0.3 * (0.2 * q).sin()).collect();
        let mut stepwise = start.clone();
        for _ in 0..3 {
            let before = stepwise.clone();
            let step = radius / 4000.0;
            for r in (0..4000).map(|k| (f64::from(k) + 0.5) * step) {
                let sines: Vec<f64> = q.iter().map(|q| (q * r).sin()).collect();
                let g: f64 = 2.0 / PI * 0.06 * before.iter().zip(&sines).map(|(f, s)| f * s).sum::<f64>();
                let error = step * (g + 4.0 * PI * density * r);
                stepwise.iter_mut().zip(&sines).for_each(|(f, s)| *f -= error * s);
            }
        }
        let mut summed = start;
        Projection::low_r(&q, &width, density, radius, 3).subtract(&mut summed);
        for (a, b) in summed.iter().zip(&stepwise) {
            // The midpoint rule on 4000 points: (18·1.8/4000)²/24 = 3e-6 of numbers of order 1.
            assert!((a - b).abs() < 2e-5, "{a} {b}");
        }
        // The hole itself is left as it is by any number of steps, but for what the end of Q takes of it.
        let exact: Vec<f64> = q.iter().map(|q| hole(*q, density, radius)).collect();
        let mut kept = exact.clone();
        Projection::low_r(&q, &width, density, radius, 1).subtract(&mut kept);
        let change = kept.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(change < 0.1, "{change}");
    }
}
