//! The place of a ring in a radial profile: a Gaussian seen through square pixels, on a straight background.
//!
//! Lengths are in pixels across the ring. A square pixel of side 1 in any direction has the projected variance 1/12, that of
//! a box of width 1, so that the profile is
//!
//! ```text
//! y(u) = A·[Φ((u − μ + ½)/s) − Φ((u − μ − ½)/s)] + b0 + b1·u,
//! ```
//!
//! Φ the normal distribution. At 0° and 90° to the rows this is exact; between, the box stands for a trapezoid of the same
//! variance, and the fit stays symmetric about μ.

use std::f64::consts::PI;

use nalgebra::{Matrix5, Vector5};

/// Pixels of one wedge at nearly one distance from the ring.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Bin {
    /// Number of pixels.
    pub(super) pixels: f64,
    /// Sum of their u.
    pub(super) u: f64,
    /// Sum of their counts.
    pub(super) counts: f64,
}

/// A fitted peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Peak {
    /// μ, pixels.
    pub(super) shift: f64,
    /// Its standard deviation.
    pub(super) sigma: f64,
    /// s, pixels.
    pub(super) width: f64,
    /// A over its standard deviation.
    pub(super) significance: f64,
}

/// Whether the width is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Width {
    /// It is.
    Free,
    /// It is this, pixels.
    Known(f64),
}

/// Widths that a free fit starts from, pixels.
const WIDTHS: [f64; 3] = [0.4, 0.9, 2.0];
/// Spacing of the first places, pixels.
const STEP: f64 = 0.5;
/// A narrower peak cannot be told from one this narrow.
const NARROWEST: f64 = 0.12;
/// Bins that a fit of five parameters needs.
const FEWEST_BINS: usize = 9;
/// Expected counts of a bin below which the variance is not taken.
const LEAST_COUNTS: f64 = 0.5;

/// One point of the profile: u, counts per pixel, number of pixels.
type Sample = [f64; 3];

/// Fits one peak within ± `window` pixels; `None` where there is none.
pub(super) fn fit(bins: &[Bin], width: Width, window: f64) -> Option<Peak> {
    let samples: Vec<Sample> = bins
        .iter()
        .filter(|bin| bin.pixels > 0.0)
        .map(|bin| [bin.u / bin.pixels, bin.counts / bin.pixels, bin.pixels])
        .filter(|[u, ..]| u.abs() <= window)
        .collect();
    if samples.len() < FEWEST_BINS {
        return None;
    }
    let widths = match &width {
        Width::Free => &WIDTHS[..],
        Width::Known(s) => std::slice::from_ref(s),
    };
    let reach = (window - 1.0).max(0.5);
    let steps = (reach / STEP) as i32;
    let places = (-steps..=steps).flat_map(|k| widths.iter().map(move |s| (f64::from(k) * STEP, *s)));
    let mean = samples.iter().map(|s| s[1] * s[2]).sum::<f64>() / samples.iter().map(|s| s[2]).sum::<f64>();
    let start = places
        .filter_map(|(shift, s)| linear(&samples, shift, s, mean))
        .filter(|(p, _)| p[1] > 0.0)
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    descend(&samples, start.0, width, window)
}

/// Parameters [μ, A, b0, b1, s] with the best A, b0, b1 for these μ and s, and χ²; the variance is that of the mean.
fn linear(samples: &[Sample], shift: f64, width: f64, mean: f64) -> Option<(Vector5<f64>, f64)> {
    let mut matrix = nalgebra::Matrix3::zeros();
    let mut vector = nalgebra::Vector3::zeros();
    let mut squares = 0.0;
    for [u, y, n] in samples {
        let row = nalgebra::Vector3::new(shape(u - shift, width)[0], 1.0, *u);
        let weight = n / mean.max(LEAST_COUNTS);
        matrix += weight * row * row.transpose();
        vector += weight * *y * row;
        squares += weight * y * y;
    }
    let solution = matrix.cholesky()?.solve(&vector);
    let chi_squared = squares - vector.dot(&solution);
    Some((Vector5::new(shift, solution[0], solution[1], solution[2], width), chi_squared))
}

/// Gauss–Newton with damping from there; variances are those of the fitted curve (Poisson).
fn descend(samples: &[Sample], start: Vector5<f64>, width: Width, window: f64) -> Option<Peak> {
    let mut here = start;
    let mut damping = 1e-3;
    let mut cost = chi_squared(samples, &here, &here);
    for _ in 0..30 {
        let (matrix, gradient) = normal_equations(samples, &here, width);
        let mut damped = matrix;
        for k in 0..5 {
            damped[(k, k)] *= 1.0 + damping;
        }
        let step = damped.cholesky()?.solve(&gradient);
        let mut next = here + step;
        next[4] = next[4].clamp(NARROWEST, window);
        // Compared at one set of variances: those of where we stand.
        let next_cost = chi_squared(samples, &next, &here);
        if next_cost < cost {
            let done = cost - next_cost < 1e-5 * cost && step[0].abs() < 1e-4;
            here = next;
            cost = chi_squared(samples, &here, &here);
            damping *= 0.1;
            if done {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e4 {
                break;
            }
        }
    }
    let free = match width {
        Width::Free => 5,
        Width::Known(_) => 4,
    };
    let degrees = samples.len().checked_sub(free).filter(|d| *d > 0)? as f64;
    let (matrix, _) = normal_equations(samples, &here, width);
    let covariance = matrix.try_inverse()?;
    // Spots and other shapes than a Gaussian leave more than counting does.
    let excess = (cost / degrees).max(1.0);
    let sigma = (covariance[(0, 0)] * excess).sqrt();
    let significance = here[1] / (covariance[(1, 1)] * excess).sqrt();
    let peak = Peak { shift: here[0], sigma, width: here[4], significance };
    let good = sigma.is_finite() && significance.is_finite() && here[0].abs() < window;
    good.then_some(peak)
}

fn normal_equations(samples: &[Sample], p: &Vector5<f64>, width: Width) -> (Matrix5<f64>, Vector5<f64>) {
    let mut matrix = Matrix5::zeros();
    let mut gradient = Vector5::zeros();
    for [u, y, n] in samples {
        let [value, slope, by_width] = shape(u - p[0], p[4]);
        let by_width = match width {
            Width::Free => p[1] * by_width,
            Width::Known(_) => 0.0,
        };
        let model = p[1] * value + p[2] + p[3] * u;
        let row = Vector5::new(-p[1] * slope, value, 1.0, *u, by_width);
        let weight = n / variance(model, *n);
        matrix += weight * row * row.transpose();
        gradient += weight * (y - model) * row;
    }
    if let Width::Known(_) = width {
        matrix[(4, 4)] = 1.0;
    }
    (matrix, gradient)
}

fn chi_squared(samples: &[Sample], p: &Vector5<f64>, at: &Vector5<f64>) -> f64 {
    let curve = |p: &Vector5<f64>, u: f64| p[1] * shape(u - p[0], p[4])[0] + p[2] + p[3] * u;
    samples.iter().map(|[u, y, n]| (y - curve(p, *u)).powi(2) * n / variance(curve(at, *u), *n)).sum()
}

/// Variance of one pixel's count for a mean of `model` over n pixels.
fn variance(model: f64, n: f64) -> f64 {
    model.max(LEAST_COUNTS / n)
}

/// The box through a Gaussian at x from its middle, its derivative with respect to x, and with respect to s.
fn shape(x: f64, s: f64) -> [f64; 3] {
    let (high, low) = ((x + 0.5) / s, (x - 0.5) / s);
    let normal = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    let (n_high, n_low) = (normal(high), normal(low));
    [
        0.5 * (erf(high * std::f64::consts::FRAC_1_SQRT_2) - erf(low * std::f64::consts::FRAC_1_SQRT_2)),
        (n_high - n_low) / s,
        -(high * n_high - low * n_low) / s,
    ]
}

/// The error function within 1.5e-7 (Abramowitz & Stegun, Handbook of Mathematical Functions, 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (1.0 - polynomial * (-x * x).exp()).copysign(x)
}
