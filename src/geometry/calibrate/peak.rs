//! The place of a ring in a radial profile: a Gaussian seen through square pixels, on a straight background.
//!
//! Lengths are in pixels across the ring. A square pixel of side 1 in any direction has the projected variance 1/12, that of
//! a box of width 1, so that the profile is
//!
//! ```text
//! y(u) = A·[Φ((u − μ + ½)/s) − Φ((u − μ − ½)/s)] + b0 + b1·u,
//! ```
//!
//! Φ the normal distribution. Rings that lie close together are one such profile: each at its known distance from the first with
//! its known share of A, all with one μ and s. At 0° and 90° to the rows this is exact; between, the box stands for a trapezoid of the same
//! variance, and the fit stays symmetric about μ.

use std::f64::consts::PI;

use nalgebra::{SMatrix, SVector};

/// Width of the bins of a profile, pixels: small against any ring.
pub(super) const BIN_PX: f64 = 0.25;

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
/// Spacing of the first places, pixels: half of it is within the standard deviation of any peak with its pixel.
const STEP: f64 = 1.0;
/// A narrower peak cannot be told from one this narrow.
const NARROWEST: f64 = 0.12;
/// Bins that a fit needs beyond its parameters.
const SPARE_BINS: usize = 4;
/// Expected counts of a bin below which the variance is not taken.
const LEAST_COUNTS: f64 = 0.5;

/// One point of the profile: u, counts per pixel, number of pixels.
pub(super) type Sample = [f64; 3];

/// Rings of one profile, and how their width is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    /// Place of each ring, pixels from the one that u counts from, and its share of A.
    pub(super) rings: &'a [[f64; 2]],
    pub(super) width: Width,
    /// Farthest that μ may be from 0, pixels.
    pub(super) reach: f64,
}

/// Where the parameters stand: μ, s, b0, b1, A.
const SHIFT: usize = 0;
const WIDTH: usize = 1;
const BASE: usize = 2;
const SLOPE: usize = 3;
const AREA: usize = 4;
/// All parameters.
type Five = SVector<f64, 5>;

/// Fits the rings of one profile; `None` where there are none.
pub(super) fn fit(bins: &[Bin], lines: Lines<'_>) -> Option<Peak> {
    let samples = samples(bins);
    if samples.len() < AREA + 1 + SPARE_BINS {
        return None;
    }
    let start = start(&in_pairs(&samples), &lines)?;
    descend(&samples, start, &lines)
}

/// The best of all places with a width in the middle, then the best width there and beside it.
fn start(samples: &[Sample], lines: &Lines<'_>) -> Option<Five> {
    let mean = samples.iter().map(|s| s[1] * s[2]).sum::<f64>() / samples.iter().map(|s| s[2]).sum::<f64>();
    let best = |tries: &mut dyn Iterator<Item = (f64, f64)>| {
        tries
            .filter_map(|(shift, s)| linear(samples, lines, shift, s, mean))
            .filter(|(p, _)| p[AREA] > 0.0)
            .min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let steps = ((lines.reach - 1.0).max(0.5) / STEP) as i32;
    let middle = match lines.width {
        Width::Free => WIDTHS[1],
        Width::Known(s) => s,
    };
    let (first, chi_squared) = best(&mut (-steps..=steps).map(|k| (f64::from(k) * STEP, middle)))?;
    let Width::Free = lines.width else { return Some(first) };
    let beside = [-STEP, 0.0, STEP].map(|by| first[SHIFT] + by);
    let others = [WIDTHS[0], WIDTHS[2]];
    let other = best(&mut beside.iter().flat_map(|shift| others.iter().map(move |s| (*shift, *s))));
    other.filter(|(_, other)| *other < chi_squared).map(|(other, _)| other).or(Some(first))
}

/// Two neighbours as one sample: fine enough to begin with.
fn in_pairs(samples: &[Sample]) -> Vec<Sample> {
    let pair = |pair: &[Sample]| {
        let pixels: f64 = pair.iter().map(|s| s[2]).sum();
        let mean = |k: usize| pair.iter().map(|s| s[k] * s[2]).sum::<f64>() / pixels;
        [mean(0), mean(1), pixels]
    };
    samples.chunks(2).map(pair).collect()
}

/// Those bins that have pixels.
pub(super) fn samples(bins: &[Bin]) -> Vec<Sample> {
    let seen = bins.iter().filter(|bin| bin.pixels > 0.0);
    seen.map(|bin| [bin.u / bin.pixels, bin.counts / bin.pixels, bin.pixels]).collect()
}

/// All parameters with the best A, b0, b1 for this μ and s, and χ²; the variance is that of the mean.
fn linear(samples: &[Sample], lines: &Lines<'_>, shift: f64, width: f64, mean: f64) -> Option<(Five, f64)> {
    let mut matrix = SMatrix::<f64, 3, 3>::zeros();
    let mut vector = SVector::<f64, 3>::zeros();
    let mut squares = 0.0;
    for [u, y, n] in samples {
        let row = SVector::<f64, 3>::new(1.0, *u, lines.shape(u - shift, width)[0]);
        let weight = n / mean.max(LEAST_COUNTS);
        matrix.ger(weight, &row, &row, 1.0);
        vector.axpy(weight * y, &row, 1.0);
        squares += weight * y * y;
    }
    let solution = matrix.cholesky()?.solve(&vector);
    let chi_squared = squares - vector.dot(&solution);
    Some((Five::from([shift, width, solution[0], solution[1], solution[2]]), chi_squared))
}

/// Gauss–Newton with damping from there; variances are those of the fitted curve (Poisson).
fn descend(samples: &[Sample], start: Five, lines: &Lines<'_>) -> Option<Peak> {
    let mut here = start;
    let mut damping = 1e-3;
    let mut equations = Equations::new(samples, lines, &here);
    for _ in 0..30 {
        let mut damped = equations.matrix;
        for k in 0..damped.nrows() {
            damped[(k, k)] *= 1.0 + damping;
        }
        let step = damped.cholesky()?.solve(&equations.gradient);
        let mut next = here + step;
        next[WIDTH] = next[WIDTH].clamp(NARROWEST, lines.reach.max(NARROWEST));
        // Compared at one set of variances: those of where we stand.
        let next_cost = equations.chi_squared(samples, lines, &next);
        if next_cost < equations.cost {
            let done = equations.cost - next_cost < 1e-5 * equations.cost && step[SHIFT].abs() < 1e-4;
            here = next;
            equations = Equations::new(samples, lines, &here);
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
    let held = match lines.width {
        Width::Free => 0,
        Width::Known(_) => 1,
    };
    let degrees = (samples.len() + held).checked_sub(here.len()).filter(|d| *d > 0)? as f64;
    let covariance = equations.matrix.cholesky()?.inverse();
    // Spots and other shapes than a Gaussian leave more than counting does.
    let excess = (equations.cost / degrees).max(1.0);
    let sigma = (covariance[(SHIFT, SHIFT)] * excess).sqrt();
    let significance = here[AREA] / (covariance[(AREA, AREA)] * excess).sqrt();
    // A peak that no pixel lies on would be made up; that of a ring beside the window is no peak here.
    let (first, last) = (samples.first()?[0], samples.last()?[0]);
    let inside = lines.rings.iter().filter(|ring| (first..last).contains(&ring[0]));
    let strongest = inside.max_by(|a, b| a[1].total_cmp(&b[1]))?[0];
    let on_top = samples.iter().filter(|[u, ..]| (u - here[SHIFT] - strongest).abs() < 1.0).count();
    let peak = Peak { shift: here[SHIFT], sigma, width: here[WIDTH], significance };
    let good =
        sigma.is_finite() && significance.is_finite() && here[SHIFT].abs() < lines.reach && on_top >= 3;
    good.then_some(peak)
}

/// Normal equations at one set of parameters, with the variances and χ² there.
struct Equations {
    matrix: SMatrix<f64, 5, 5>,
    gradient: Five,
    variances: Vec<f64>,
    cost: f64,
}

impl Equations {
    fn new(samples: &[Sample], lines: &Lines<'_>, p: &Five) -> Equations {
        let mut matrix = SMatrix::<f64, 5, 5>::zeros();
        let mut gradient = Five::zeros();
        let mut variances = Vec::with_capacity(samples.len());
        let mut cost = 0.0;
        for [u, y, n] in samples {
            let [value, slope, width] = lines.shape(u - p[SHIFT], p[WIDTH]);
            let model = p[BASE] + p[SLOPE] * u + p[AREA] * value;
            let by_width = match lines.width {
                Width::Free => p[AREA] * width,
                Width::Known(_) => 0.0,
            };
            let row = Five::from([-p[AREA] * slope, by_width, 1.0, *u, value]);
            let variance = variance(model, *n);
            let weight = n / variance;
            matrix.ger(weight, &row, &row, 1.0);
            gradient.axpy(weight * (y - model), &row, 1.0);
            cost += (y - model).powi(2) * weight;
            variances.push(variance);
        }
        if let Width::Known(_) = lines.width {
            matrix[(WIDTH, WIDTH)] = 1.0;
        }
        Equations { matrix, gradient, variances, cost }
    }

    /// Of other parameters with the variances from here.
    fn chi_squared(&self, samples: &[Sample], lines: &Lines<'_>, p: &Five) -> f64 {
        let one = |([u, y, n], variance): (&Sample, &f64)| {
            let curve = p[AREA] * lines.shape(u - p[SHIFT], p[WIDTH])[0] + p[BASE] + p[SLOPE] * u;
            (y - curve).powi(2) * n / variance
        };
        samples.iter().zip(&self.variances).map(one).sum()
    }
}

impl Lines<'_> {
    /// All rings together at u from where they should be, and the derivatives as in [`shape`].
    fn shape(&self, u: f64, s: f64) -> [f64; 3] {
        let mut sum = [0.0; 3];
        for [offset, share] in self.rings {
            let one = shape(u - offset, s);
            (0..3).for_each(|k| sum[k] += share * one[k]);
        }
        sum
    }
}

/// Variance of one pixel's count for a mean of `model` over n pixels.
pub(super) fn variance(model: f64, n: f64) -> f64 {
    model.max(LEAST_COUNTS / n)
}

/// The box through a Gaussian at x from its middle, its derivative with respect to x, and with respect to s.
pub(super) fn shape(x: f64, s: f64) -> [f64; 3] {
    // Beyond 6 s nothing is left in 1e-9 of the area.
    if x.abs() > 0.5 + 6.0 * s {
        return [0.0; 3];
    }
    let (high, low) = ((x + 0.5) / s, (x - 0.5) / s);
    let ([p_high, n_high], [p_low, n_low]) = (normal(high), normal(low));
    [p_high - p_low, (n_high - n_low) / s, -(high * n_high - low * n_low) / s]
}

/// The normal distribution Φ(z) − ½ within 1.5e-7 (Abramowitz & Stegun, Handbook of Mathematical Functions, 7.1.26, with
/// Φ(z) − ½ = erf(z/√2)/2), and its density: one exponential for both.
fn normal(z: f64) -> [f64; 2] {
    let exponential = (-0.5 * z * z).exp();
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f64::consts::FRAC_1_SQRT_2 * z.abs());
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    [0.5 * (1.0 - polynomial * exponential).copysign(z), exponential / (2.0 * PI).sqrt()]
}
