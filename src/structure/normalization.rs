//! The scale a = 1/α and the constant b of I = a·T + b·c, T = ⟨f²⟩ + I_inc·KN, as sums over the points of I.
//!
//! In each way I with its noise and oscillations stands on the left side of a least-squares fit, so that a is linear in I and is
//! not attenuated (docs/decisions/0005).

use std::f64::consts::PI;

use super::polynomial::dot;
use super::{Fluorescence, Normalization};
use crate::pdf::Window;

/// Points of r at which the low-r condition is held: Q_max·R is below 100, and sin Qr has then 3 points on a half-wave.
pub(super) const R_POINTS: usize = 100;

/// What is known of a pattern before it is measured; m points each.
#[derive(Debug, Clone)]
pub(super) struct Theory {
    /// Q in Å⁻¹.
    pub(super) q: Vec<f64>,
    /// Their distance.
    pub(super) step: f64,
    /// T = ⟨f²⟩ + I_inc·KN.
    pub(super) free: Vec<f64>,
    /// |⟨f⟩|².
    pub(super) mean_f_squared: Vec<f64>,
    /// ρ0 in atoms per Å³; 0 where it is not known.
    pub(super) density: f64,
}

impl Theory {
    /// What each point of I contributes to a and to b; `constant` is c.
    pub(super) fn weights(
        &self,
        normalization: Normalization,
        fluorescence: Fluorescence,
        constant: &[f64],
    ) -> [Vec<f64>; 2] {
        match normalization {
            Normalization::HighQ { q_min } => self.high_q(q_min, fluorescence, constant),
            Normalization::KroghMoe => [self.krogh_moe(), vec![0.0; self.q.len()]],
            Normalization::LowR { r_max_angstrom } => self.low_r(r_max_angstrom, fluorescence, constant),
        }
    }

    /// First point of the window of [`Normalization::HighQ`].
    pub(super) fn window_start(&self, q_min: f64) -> usize {
        self.q.partition_point(|q| *q < q_min)
    }

    fn high_q(&self, q_min: f64, fluorescence: Fluorescence, constant: &[f64]) -> [Vec<f64>; 2] {
        let start = self.window_start(q_min);
        let weights = window_weights(&self.q[start..]);
        let [to_a, to_b] = fit(&self.free[start..], &constant[start..], &weights, fluorescence);
        [to_a, to_b].map(|part| vec![0.0; start].into_iter().chain(part).collect())
    }

    /// ∫Q²(S − 1)·W dQ = −2π²ρ0, the slope of G at r = 0 \[E14\]; S = 0 below the first point.
    fn krogh_moe(&self) -> Vec<f64> {
        let q_max = self.q[self.q.len() - 1] + 0.5 * self.step;
        let q_min = self.q[0] - 0.5 * self.step;
        let by_i = |(q, f): (&f64, &f64)| self.step * q * q * Window::Lorch.weight(*q, q_max) / f;
        let by_i: Vec<f64> = self.q.iter().zip(&self.mean_f_squared).map(by_i).collect();
        let sum = dot(&by_i, &self.free) - 2.0 * PI * PI * self.density + q_min.max(0.0).powi(3) / 3.0;
        by_i.iter().map(|by| by / sum).collect()
    }

    /// G + 4πρ0r = 0 for 0 < r < R in the least-squares sense, G through a Lorch window \[E15\]; S = 0 below the first point.
    fn low_r(&self, r_max: f64, fluorescence: Fluorescence, constant: &[f64]) -> [Vec<f64>; 2] {
        let condition = self.low_r_condition(r_max);
        let rows = &condition.rows;
        let transformed = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| dot(row, values)).collect() };
        let target = condition.target(&transformed(&self.free), self.density);
        let flat = vec![1.0; R_POINTS];
        let by_r = fit(&target, &transformed(constant), &flat, fluorescence);
        by_r.map(|by_r| {
            (0..self.q.len()).map(|j| rows.iter().zip(&by_r).map(|(row, by)| row[j] * by).sum()).collect()
        })
    }

    /// The transform to the points of r below `r_max`.
    pub(super) fn low_r_condition(&self, r_max: f64) -> LowRCondition {
        let q_max = self.q[self.q.len() - 1] + 0.5 * self.step;
        let q_min = (self.q[0] - 0.5 * self.step).max(0.0);
        let r: Vec<f64> = (1..=R_POINTS).map(|k| r_max * k as f64 / R_POINTS as f64).collect();
        let factor: Vec<f64> = self
            .q
            .iter()
            .zip(&self.mean_f_squared)
            .map(|(q, f)| 2.0 / PI * self.step * q * Window::Lorch.weight(*q, q_max) / f)
            .collect();
        let row =
            |r: f64| -> Vec<f64> { self.q.iter().zip(&factor).map(|(q, by)| by * (q * r).sin()).collect() };
        let rows: Vec<Vec<f64>> = r.iter().map(|r| row(*r)).collect();
        let below = |r: &f64| {
            let x = q_min * r;
            -2.0 / PI * (x.sin() - x * x.cos()) / (r * r)
        };
        LowRCondition { below: r.iter().map(below).collect(), r, rows }
    }
}

/// What \[E15\] is made of.
pub(super) struct LowRCondition {
    /// The points of r.
    pub(super) r: Vec<f64>,
    /// G of one unit of I at each Q: (2/π)ΔQ·Q·W/|⟨f⟩|²·sin Qr, a row for each r.
    pub(super) rows: Vec<Vec<f64>>,
    /// ∫_0^Qmin −Q sin Qr dQ of a S that is 0 there, which the measured part has not got.
    pub(super) below: Vec<f64>,
}

impl LowRCondition {
    /// What multiplies a in \[E15\], from the transform of T.
    pub(super) fn target(&self, of_free: &[f64], density: f64) -> Vec<f64> {
        let of_rest = self.r.iter().zip(&self.below).map(|(r, below)| 4.0 * PI * density * r + below);
        of_free.iter().zip(of_rest).map(|(free, rest)| free - rest).collect()
    }
}

/// What each y contributes to a and b of y = a·x + b·c; b = 0 without fluorescence.
fn fit(x: &[f64], c: &[f64], weights: &[f64], fluorescence: Fluorescence) -> [Vec<f64>; 2] {
    match fluorescence {
        Fluorescence::None => [proportional(x, weights), vec![0.0; x.len()]],
        Fluorescence::Fit => two_terms(x, c, weights),
    }
}

/// Q⁴ sin²(π(Q − Q_n)/(Q_max − Q_n)): the oscillations of S about 1 average out where the window ends softly, and leave a part of
/// themselves in the scale where it ends abruptly.
fn window_weights(q: &[f64]) -> Vec<f64> {
    let (first, last) = (q[0], q[q.len() - 1]);
    q.iter().map(|q| q.powi(4) * (PI * (q - first) / (last - first)).sin().powi(2)).collect()
}

/// What each y contributes to a of y = a·x by weighted least squares.
fn proportional(x: &[f64], weights: &[f64]) -> Vec<f64> {
    let square: f64 = x.iter().zip(weights).map(|(x, w)| w * x * x).sum();
    x.iter().zip(weights).map(|(x, w)| w * x / square).collect()
}

/// What each y contributes to a and b of y = a·x + b·c by weighted least squares.
fn two_terms(x: &[f64], c: &[f64], weights: &[f64]) -> [Vec<f64>; 2] {
    // x without its part along c.
    let along: f64 = dot(&proportional(c, weights), x);
    let rest: Vec<f64> = x.iter().zip(c).map(|(x, c)| x - along * c).collect();
    let to_a = proportional(&rest, weights);
    let to_b = proportional(c, weights).iter().zip(&to_a).map(|(b, a)| b - along * a).collect();
    [to_a, to_b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_returns_what_was_put_in() {
        let x: Vec<f64> = (0..50).map(|i| 300.0 / (1.0 + f64::from(i))).collect();
        let c: Vec<f64> = (0..50).map(|i| 1.0 + 0.003 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().zip(&c).map(|(x, c)| 0.25 * x + 4.0 * c).collect();
        let weights: Vec<f64> = (0..50).map(|i| 1.0 + f64::from(i)).collect();
        let [to_a, to_b] = two_terms(&x, &c, &weights);
        assert!((dot(&to_a, &y) - 0.25).abs() < 1e-13 && (dot(&to_b, &y) - 4.0).abs() < 1e-12);
        let doubled: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
        assert!((dot(&proportional(&x, &weights), &doubled) - 2.0).abs() < 1e-14);
    }
}
