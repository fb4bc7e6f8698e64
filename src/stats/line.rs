//! A straight line through points with σ.

use super::{Spread, chi_squared_exceeds};

/// y = value + slope·(x − x̄).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Slope.
    pub slope: f64,
    /// Its σ, from the points' σ, times √(χ²/ν) where the points scatter by more.
    pub slope_sigma: f64,
    /// y at the weighted mean of x.
    pub value: f64,
    /// That mean.
    pub at: f64,
    /// χ² of the points about the line.
    pub chi2: f64,
    /// Degrees of freedom, n − 2.
    pub freedom: usize,
    /// Probability of a slope as far from 0 where there is none.
    pub p: f64,
}

/// Scatter beyond the points' σ counts where chance gives it less often than this.
const BEYOND_CHANCE: f64 = 0.05;

/// Weighted least squares; `None` for fewer than three points, or where x does not vary. Points without σ or value are left out.
///
/// Where χ² says that the points scatter by more than their σ, σ of the slope is what that scatter makes of it, with Student's t of n − 2
/// degrees of freedom.
pub fn weighted_line(x: &[f64], y: &[f64], sigma: &[f64]) -> Option<Line> {
    let points: Vec<[f64; 3]> = (0..x.len())
        .filter(|i| x[*i].is_finite() && y[*i].is_finite() && sigma[*i] > 0.0 && sigma[*i].is_finite())
        .map(|i| [x[i], y[i], sigma[i].powi(-2)])
        .collect();
    if points.len() < 3 {
        return None;
    }
    let weight: f64 = points.iter().map(|[_, _, w]| w).sum();
    let at = points.iter().map(|[x, _, w]| w * x).sum::<f64>() / weight;
    let value = points.iter().map(|[_, y, w]| w * y).sum::<f64>() / weight;
    let xx: f64 = points.iter().map(|[x, _, w]| w * (x - at).powi(2)).sum();
    if xx <= 1e-24 * weight * at * at || xx <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|[x, y, w]| w * (x - at) * (y - value)).sum::<f64>() / xx;
    let chi2 = points.iter().map(|[x, y, w]| w * (y - value - slope * (x - at)).powi(2)).sum();
    let freedom = points.len() - 2;
    let beyond_chance = chi_squared_exceeds(chi2, freedom as f64) < BEYOND_CHANCE;
    let (factor, spread) = if beyond_chance {
        ((chi2 / freedom as f64).sqrt(), Spread::Estimated(freedom as f64))
    } else {
        (1.0, Spread::Known)
    };
    let slope_sigma = factor / xx.sqrt();
    Some(Line { slope, slope_sigma, value, at, chi2, freedom, p: spread.beyond(slope / slope_sigma) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_and_scatter_widens_it() {
        let x = [0.0, 1.0, 2.0, 3.0, 4.0];
        let y = x.map(|x| 2.0 + 0.5 * x);
        let exact = weighted_line(&x, &y, &[0.1; 5]).unwrap();
        assert!((exact.slope - 0.5).abs() < 1e-14 && exact.chi2 < 1e-20);
        // Σ(x − 2)² = 10.
        assert!((exact.slope_sigma - 0.1 / 10f64.sqrt()).abs() < 1e-14);
        let noisy = [2.5, 2.0, 3.5, 3.0, 4.5];
        let line = weighted_line(&x, &noisy, &[0.1; 5]).unwrap();
        let scatter = (line.chi2 / 3.0).sqrt();
        assert!(scatter > 3.0 && (line.slope_sigma - 0.1 * scatter / 10f64.sqrt()).abs() < 1e-14);
        assert!(weighted_line(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0], &[1.0; 4]).is_none());
        assert!(weighted_line(&x, &[f64::NAN, f64::NAN, f64::NAN, 1.0, 2.0], &[1.0; 5]).is_none());
    }
}
