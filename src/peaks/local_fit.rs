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
    let count = range.len();
    if count <= degree {
        return None;
    }
    let (middle, half) =
        (0.5 * (x[range.start] + x[range.end - 1]), 0.5 * (x[range.end - 1] - x[range.start]));
    let scaled = |i: usize| (x[i] - middle) / half;
    let design =
        DMatrix::from_fn(count, degree + 1, |row, power| scaled(range.start + row).powi(power as i32));
    // Row k of `solve` gives coefficient k from the points.
    let solve = design.tr_mul(&design).cholesky()?.solve(&design.transpose());
    let coefficients: DVector<f64> = &solve * DVector::from_column_slice(&y[range.clone()]);
    let derivative = |u: f64, order: usize| -> f64 {
        (order..=degree)
            .map(|k| {
                let factor: f64 = (0..order).map(|j| (k - j) as f64).product();
                factor * coefficients[k] * u.powi((k - order) as i32)
            })
            .sum()
    };
    let mut u = scaled(near);
    for _ in 0..50 {
        let curvature = derivative(u, 2);
        if curvature >= 0.0 {
            return None;
        }
        let step = derivative(u, 1) / curvature;
        u -= step.clamp(-0.5, 0.5);
        if u.abs() > 1.0 || !u.is_finite() {
            return None;
        }
        if step.abs() < 1e-12 {
            break;
        }
    }
    let curvature = derivative(u, 2);
    let mut position = vec![0.0; x.len()];
    let mut height = vec![0.0; x.len()];
    for (column, i) in range.enumerate() {
        for k in 0..=degree {
            let influence = solve[(k, column)];
            height[i] += influence * u.powi(k as i32);
            if k > 0 {
                position[i] -= half * influence * k as f64 * u.powi(k as i32 - 1) / curvature;
            }
        }
    }
    Some(Maximum {
        position: Estimate { value: middle + half * u, gradient: position },
        height: Estimate { value: derivative(u, 0), gradient: height },
    })
}

/// Where a straight line through the points of `range` reaches `level`, and the derivative with respect to the level.
pub(super) fn crossing(x: &[f64], y: &[f64], range: Range<usize>, level: f64) -> Option<(Estimate, f64)> {
    let count = range.len() as f64;
    let mean_x = x[range.clone()].iter().sum::<f64>() / count;
    let mean_y = y[range.clone()].iter().sum::<f64>() / count;
    let spread: f64 = x[range.clone()].iter().map(|x| (x - mean_x).powi(2)).sum();
    let slope = range.clone().map(|i| (x[i] - mean_x) * y[i]).sum::<f64>() / spread;
    let offset = (level - mean_y) / slope;
    if !offset.is_finite() || offset.abs() > x[range.end - 1] - x[range.start] {
        return None;
    }
    let mut gradient = vec![0.0; x.len()];
    for i in range {
        gradient[i] = -(1.0 / count + offset * (x[i] - mean_x) / spread) / slope;
    }
    Some((Estimate { value: mean_x + offset, gradient }, 1.0 / slope))
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
        gradient_is_right(&y, &|y| crossing(&x, y, 24..32, 2.95).unwrap().0);
        let (here, slope) = crossing(&x, &y, 24..32, 2.95).unwrap();
        let there = crossing(&x, &y, 24..32, 2.951).unwrap().0;
        assert!(((there.value - here.value) / 0.001 - slope).abs() < 1e-9);
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
