//! From S_0(Q) and S_2(Q) to g_0(r) and g_2(r) \[E12\].

use std::f64::consts::PI;

use rayon::prelude::*;

use super::Harmonics;
use super::plan::{AnisotropyPlan, Sectors};
use crate::structure::averaged;

/// The expansion of g(r) = ρ(r)/ρ0 against r, n points each; times ρ0 in Å⁻³ where the density is not given.
#[derive(Debug, Clone, PartialEq)]
pub struct RadialHarmonics {
    /// r in Å, from above 0 on.
    pub r: Vec<f64>,
    /// g_0 − 1.
    pub g0_less_1: Vec<f64>,
    /// Its σ.
    pub g0_sigma: Vec<f64>,
    /// g_2.
    pub g2: Vec<f64>,
    /// Its σ.
    pub g2_sigma: Vec<f64>,
    /// g_2 of an affine strain as large as the one found, through the same Q range and window.
    pub g2_affine: Vec<f64>,
    /// Whether ρ0 is in it.
    pub per_density: bool,
}

/// sin x/x, and (3/x³ − 1/x) sin x − 3 cos x/x², the spherical Bessel functions j0 and j2. Below 0.3 their series, whose next terms are
/// below 1e-10.
pub(super) fn j0_and_j2(x: f64) -> [f64; 2] {
    if x < 0.3 {
        let y = x * x;
        let j0 = 1.0 - y / 6.0 * (1.0 - y / 20.0 * (1.0 - y / 42.0 * (1.0 - y / 72.0)));
        let j2 = y / 15.0 * (1.0 - y / 14.0 * (1.0 - y / 36.0 * (1.0 - y / 66.0)));
        return [j0, j2];
    }
    let (sin, cos) = x.sin_cos();
    [sin / x, (3.0 / (x * x) - 1.0) * sin / x - 3.0 * cos / (x * x)]
}

impl RadialHarmonics {
    /// ρ0(g_0 − 1) = (1/2π²)∫(S_0 − 1) j0 Q² dQ, ρ0 g_2 = −(1/2π²)∫S_2 j2 Q² dQ, through the window of the run and up to its Qmax. Points
    /// that are missing count as S_0 = 1, S_2 = 0.
    pub(super) fn of(plan: &AnisotropyPlan, sectors: &Sectors<'_>, harmonics: &Harmonics) -> RadialHarmonics {
        let q = &harmonics.q;
        let step = (q[q.len() - 1] - q[0]) / (q.len() - 1) as f64;
        let density = plan.density.unwrap_or(1.0);
        let weight: Vec<f64> = q
            .iter()
            .map(|q| q * q * step * plan.transform.window.weight(*q, plan.q_max) / (2.0 * PI * PI * density))
            .map(|weight| if weight.is_finite() { weight } else { 0.0 })
            .collect();
        let there = |values: &[f64], less: f64| -> Vec<f64> {
            values.iter().map(|value| if value.is_finite() { value - less } else { 0.0 }).collect()
        };
        let (s0, s2) = (there(&harmonics.s0, 1.0), there(&harmonics.s2, 0.0));
        let s2_affine = there(&harmonics.s2_affine, 0.0);
        let (s0_sigma, s2_sigma) = (there(&harmonics.s0_sigma, 0.0), there(&harmonics.s2_sigma, 0.0));
        let row = |r: f64| {
            let (of_0, of_2): (Vec<f64>, Vec<f64>) = q
                .iter()
                .zip(&weight)
                .map(|(q, weight)| {
                    let [j0, j2] = j0_and_j2(q * r);
                    (weight * j0, -weight * j2)
                })
                .unzip();
            let sum = |by: &[f64], s: &[f64]| by.iter().zip(s).map(|(by, s)| by * s).sum::<f64>();
            let spread = |by: &[f64], sigma: &[f64]| {
                let by = averaged(by, sectors.footprint);
                by.iter().zip(sigma).map(|(by, sigma)| (by * sigma).powi(2)).sum::<f64>().sqrt()
            };
            [
                sum(&of_0, &s0),
                spread(&of_0, &s0_sigma),
                sum(&of_2, &s2),
                spread(&of_2, &s2_sigma),
                sum(&of_2, &s2_affine),
            ]
        };
        let r: Vec<f64> = plan.transform.r.values().into_iter().filter(|r| *r > 0.0).collect();
        let rows: Vec<[f64; 5]> = r.par_iter().map(|r| row(*r)).collect();
        let column = |index: usize| rows.iter().map(|row| row[index]).collect();
        RadialHarmonics {
            g0_less_1: column(0),
            g0_sigma: column(1),
            g2: column(2),
            g2_sigma: column(3),
            g2_affine: column(4),
            r,
            per_density: plan.density.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_functions_meet_their_recurrence_and_series() {
        for x in [1e-3, 0.1, 0.299_999, 0.300_001, 1.0, 7.7, 300.0f64] {
            let [j0, j2] = j0_and_j2(x);
            let j1 = if x < 0.3 {
                x / 3.0
                    * (1.0
                        - x * x / 10.0 * (1.0 - x * x / 28.0 * (1.0 - x * x / 54.0 * (1.0 - x * x / 88.0))))
            } else {
                x.sin() / (x * x) - x.cos() / x
            };
            assert!((j2 - (3.0 / x * j1 - j0)).abs() < 1e-11 / x.min(1.0), "{x}: {j2}");
        }
    }
}
