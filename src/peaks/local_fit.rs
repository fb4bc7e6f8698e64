//! Least-squares fits to a few points of a curve, with the gradient of what comes out.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

/// A number that depends on the points of a curve, and its derivative with respect to each of them.
#[derive(Debug, Clone)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// As long as the curve.
    pub(super) gradient: Vec<f64>,
}

/// A maximum of a fitted polynomial.
pub(super) struct Maximum {
    pub(super) position: Estimate,
    pub(super) height: Estimate,
}

/// The least-squares polynomial through a few points of a curve.
struct Polynomial {
    range: Range<usize>,
    /// x = middle + half·u with u from −1 to 1.
    middle: f64,
    half: f64,
    coefficients: DVector<f64>,
    /// Row k gives coefficient k from the points.
    solve: DMatrix<f64>,
}

impl Polynomial {
    /// `None` for too few points.
    fn fit(x: &[f64], y: &[f64], range: Range<usize>, degree: usize) -> Option<Polynomial> {
        let count = range.len();
        if count <= degree {
            return None;
        }
        let (first, last) = (x[range.start], x[range.end - 1]);
        let (middle, half) = (0.5 * (first + last), 0.5 * (last - first));
        let design = DMatrix::from_fn(count, degree + 1, |row, power| {
            ((x[range.start + row] - middle) / half).powi(power as i32)
        });
        let solve = design.tr_mul(&design).cholesky()?.solve(&design.transpose());
        let coefficients = &solve * DVector::from_column_slice(&y[range.clone()]);
        Some(Polynomial { range, middle, half, coefficients, solve })
    }

    /// Derivative of this order by u; the value for order 0.
    fn derivative(&self, u: f64, order: usize) -> f64 {
        (order..self.coefficients.len())
            .map(|k| {
                let factor: f64 = (0..order).map(|j| (k - j) as f64).product();
                factor * self.coefficients[k] * u.powi((k - order) as i32)
            })
            .sum()
    }

    /// Newton's method for derivative `order` − `level` = 0 from `x`; `None` where it leaves the fitted points or `ends` says so.
    fn root(&self, x: f64, order: usize, level: f64, ends: impl Fn(f64) -> bool) -> Option<f64> {
        let mut u = (x - self.middle) / self.half;
        for _ in 0..50 {
            let slope = self.derivative(u, order + 1);
            if ends(slope) {
                return None;
            }
            let step = (self.derivative(u, order) - level) / slope;
            u -= step.clamp(-0.5, 0.5);
            if u.abs() > 1.0 || !u.is_finite() {
                return None;
            }
            if step.abs() < 1e-12 {
                break;
            }
        }
        Some(u)
    }

    /// Derivative of the polynomial's derivative `order` (0 or 1) at u with respect to each of `len` points.
    fn influence(&self, u: f64, order: usize, len: usize) -> Vec<f64> {
        let powers: Vec<f64> = (0..self.coefficients.len())
            .map(|k| match order {
                0 => u.powi(k as i32),
                _ if k == 0 => 0.0,
                _ => k as f64 * u.powi(k as i32 - 1),
            })
            .collect();
        let mut influence = vec![0.0; len];
        for (column, i) in self.range.clone().enumerate() {
            influence[i] = powers.iter().zip(self.solve.column(column).iter()).map(|(p, s)| p * s).sum();
        }
        influence
    }
}

/// Maximum of the polynomial of this degree through the points of `range`, near point `near`.
///
/// `None` where the polynomial has no maximum inside the range.
pub(super) fn maximum(
    x: &[f64],
    y: &[f64],
    range: Range<usize>,
    near: usize,
    degree: usize,
) -> Option<Maximum> {
    let fit = Polynomial::fit(x, y, range, degree)?;
    let u = fit.root(x[near], 1, 0.0, |curvature| curvature >= 0.0)?;
    let by_slope = -fit.half / fit.derivative(u, 2);
    let position = fit.influence(u, 1, x.len()).into_iter().map(|influence| influence * by_slope).collect();
    Some(Maximum {
        position: Estimate { value: fit.middle + fit.half * u, gradient: position },
        height: Estimate { value: fit.derivative(u, 0), gradient: fit.influence(u, 0, x.len()) },
    })
}

/// Where the polynomial of this degree through the points of `range` reaches `level`, near point `near`, and the derivative
/// with respect to the level.
///
/// `None` where it does not inside the range.
pub(super) fn crossing(
    x: &[f64],
    y: &[f64],
    range: Range<usize>,
    near: usize,
    degree: usize,
    level: f64,
) -> Option<(Estimate, f64)> {
    let fit = Polynomial::fit(x, y, range, degree)?;
    let u = fit.root(x[near], 0, level, |slope| slope == 0.0)?;
    let by_level = fit.half / fit.derivative(u, 1);
    let gradient = fit.influence(u, 0, x.len()).into_iter().map(|influence| -influence * by_level).collect();
    Some((Estimate { value: fit.middle + fit.half * u, gradient }, by_level))
}

/// Weights of ∫ y dx from `low` to `high` for y that is straight between its points.
pub(super) fn integral(x: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut weights = vec![0.0; x.len()];
    for i in 0..x.len() - 1 {
        let (from, to) = (x[i].max(low), x[i + 1].min(high));
        if to > from {
            let share = (0.5 * (from + to) - x[i]) / (x[i + 1] - x[i]);
            weights[i] += (to - from) * (1.0 - share);
            weights[i + 1] += (to - from) * share;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient_is_right(y: &[f64], estimate: &dyn Fn(&[f64]) -> Estimate) {
        let found = estimate(y);
        for i in 0..y.len() {
            let mut shifted = y.to_vec();
            shifted[i] += 1e-6;
            let up = estimate(&shifted).value;
            shifted[i] -= 2e-6;
            let slope = (up - estimate(&shifted).value) / 2e-6;
            assert!((slope - found.gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()), "point {i}");
        }
    }

    #[test]
    fn a_quartic_is_found_exactly_and_gradients_hold() {
        let x: Vec<f64> = (0..40).map(|i| 2.0 + 0.01 * f64::from(i)).collect();
        let top = 2.1873;
        let y: Vec<f64> = x
            .iter()
            .map(|x| x - top)
            .map(|d| 3.0 - 4.0 * d * d + 2.0 * d * d * d + 5.0 * d.powi(4))
            .collect();
        let fit = |y: &[f64]| maximum(&x, y, 5..33, 18, 4).unwrap();
        assert!((fit(&y).position.value - top).abs() < 1e-10);
        assert!((fit(&y).height.value - 3.0).abs() < 1e-10);
        gradient_is_right(&y, &|y| fit(y).position);
        gradient_is_right(&y, &|y| fit(y).height);
        let level = 2.97;
        gradient_is_right(&y, &|y| crossing(&x, y, 22..33, 28, 3, level).unwrap().0);
        let (here, slope) = crossing(&x, &y, 22..33, 28, 3, level).unwrap();
        let there = crossing(&x, &y, 22..33, 28, 3, level + 1e-6).unwrap().0;
        assert!(((there.value - here.value) / 1e-6 - slope).abs() < 1e-4);
        let rising: Vec<f64> = x.clone();
        assert!(maximum(&x, &rising, 5..33, 18, 4).is_none());
    }

    #[test]
    fn integrals_end_between_points() {
        let x: Vec<f64> = (0..11).map(|i| 0.3 * f64::from(i)).collect();
        let weights = integral(&x, 0.47, 2.11);
        let straight: f64 = x.iter().zip(&weights).map(|(x, w)| w * (2.0 + 3.0 * x)).sum();
        let exact = 2.0 * (2.11 - 0.47) + 1.5 * (2.11_f64.powi(2) - 0.47_f64.powi(2));
        assert!((straight - exact).abs() < 1e-12);
    }
}
