//! One sample against another.

use super::CompareError;
use super::saved::{SavedCurve, SavedSample};
use crate::integrate::{Pattern, RadialUnit};
use crate::peaks::Measured;
use crate::series::{ChiSquared, CurveDifference, chi2_of_patterns};
use crate::stats::normal_beyond;

/// What two samples have and do not have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// First sample.
    pub a: String,
    /// Second sample.
    pub b: String,
    /// S of both on the points of the first within the range of both, and S_a − S_b.
    pub s: CurvePair,
    /// As `s`, for G in Å⁻².
    pub g: CurvePair,
    /// Of I after scale and constant have been fitted; `None` where the two have other points.
    pub chi2_of_i: Option<ChiSquared>,
    /// Peaks that both have.
    pub peaks: Vec<PeakDifference>,
}

/// Two curves and their difference.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvePair {
    /// First.
    pub a: Vec<f64>,
    /// Second.
    pub b: Vec<f64>,
    /// First less second; its x is that of all.
    pub difference: CurveDifference,
    /// Mean of (difference/σ)² over the points; where nothing differs 1 for G, and less for S where a pixel covers several bins, as its σ
    /// is that for sums over them. It has no p: S has a scale and a polynomial that all points
    /// share, G the noise of each F at all points, and the saved curves do not say how much.
    pub mean_square: f64,
}

/// One number of one peak.
#[derive(Debug, Clone, PartialEq)]
pub struct PeakDifference {
    /// Peak and number, unit included.
    pub name: String,
    /// In the first.
    pub a: Measured,
    /// In the second.
    pub b: Measured,
    /// First less second, σ from both counts.
    pub difference: Measured,
    /// Probability of such a difference by chance.
    pub p: f64,
}

/// Two axes are one where points differ by less than this part of their spacing.
const SAME_POINT: f64 = 1e-3;

/// Compares two samples.
///
/// # Errors
/// Curves without a range in common.
pub fn compare(a: &SavedSample, b: &SavedSample) -> Result<Comparison, CompareError> {
    let peaks = a.peaks.iter().filter_map(|(name, of_a)| {
        let (_, of_b) = b.peaks.iter().find(|(other, _)| other == name)?;
        let difference = Measured { value: of_a.value - of_b.value, sigma: of_a.sigma.hypot(of_b.sigma) };
        let p = normal_beyond(difference.value / difference.sigma);
        Some(PeakDifference { name: name.clone(), a: *of_a, b: *of_b, difference, p })
    });
    Ok(Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        s: pair(&a.sq, &b.sq, 2)?,
        g: pair(&a.gr, &b.gr, 3)?,
        chi2_of_i: of_patterns(a, b),
        peaks: peaks.collect(),
    })
}

/// `sigma` is its column.
fn pair(a: &SavedCurve, b: &SavedCurve, sigma: usize) -> Result<CurvePair, CompareError> {
    let nothing = || CompareError::Range { a: a.path.clone(), b: b.path.clone() };
    if a.columns() <= sigma || b.columns() <= sigma {
        return Err(nothing());
    }
    let (x_a, x_b) = (a.column(0), b.column(0));
    let (y_a, y_b, sigma_a, sigma_b) = (a.column(1), b.column(1), a.column(sigma), b.column(sigma));
    let step = (x_a[x_a.len() - 1] - x_a[0]) / (x_a.len() - 1) as f64;
    let (mut x, mut columns) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new(), Vec::new()]);
    for k in 0..x_a.len() {
        let Some((lower, share)) = place(&x_b, x_a[k], SAME_POINT * step) else { continue };
        let between = |values: &[f64]| {
            if share == 0.0 {
                values[lower]
            } else {
                values[lower] * (1.0 - share) + values[lower + 1] * share
            }
        };
        x.push(x_a[k]);
        for (column, value) in columns.iter_mut().zip([y_a[k], between(&y_b), sigma_a[k], between(&sigma_b)])
        {
            column.push(value);
        }
    }
    let [of_a, of_b, sigma_a, sigma_b] = columns;
    if x.len() < 2 {
        return Err(nothing());
    }
    let difference = CurveDifference::of(&x, [&of_a, &of_b], [&sigma_a, &sigma_b]).ok_or_else(nothing)?;
    let squares =
        difference.value.iter().zip(&difference.sigma).map(|(value, sigma)| (value / sigma).powi(2));
    let there: Vec<f64> = squares.filter(|square| square.is_finite()).collect();
    let mean_square = there.iter().sum::<f64>() / there.len() as f64;
    Ok(CurvePair { a: of_a, b: of_b, difference, mean_square })
}

/// The point at or below `x` and the share of the next; 0 for a point that is the same within `margin`.
fn place(points: &[f64], x: f64, margin: f64) -> Option<(usize, f64)> {
    let upper = points.partition_point(|point| *point <= x + margin);
    let lower = upper.checked_sub(1)?;
    if (points[lower] - x).abs() <= margin {
        return Some((lower, 0.0));
    }
    let next = points.get(upper)?;
    Some((lower, (x - points[lower]) / (next - points[lower])))
}

/// χ² of the two .iq, over the range of S.
fn of_patterns(a: &SavedSample, b: &SavedSample) -> Option<ChiSquared> {
    let (of_a, of_b) = (pattern(&a.iq)?, pattern(&b.iq)?);
    let step = (of_a.radial.last()? - of_a.radial.first()?) / (of_a.radial.len() - 1) as f64;
    let same = of_a.radial.len() == of_b.radial.len()
        && of_a.radial.iter().zip(&of_b.radial).all(|(a, b)| (a - b).abs() <= SAME_POINT * step);
    if !same {
        return None;
    }
    let scale = |sample: &SavedSample| sample.sq.number("electron_units_per_intensity");
    let unit = match (scale(a), scale(b)) {
        (Some(of_a), Some(of_b)) => of_b / of_a,
        (None, _) | (_, None) => 1.0,
    };
    let range = |sample: &SavedSample| {
        [sample.sq.number("qmin").unwrap_or(0.0), sample.sq.number("qmax").unwrap_or(f64::INFINITY)]
    };
    let ([low_a, high_a], [low_b, high_b]) = (range(a), range(b));
    chi2_of_patterns([&of_a, &of_b], unit, [low_a.max(low_b), high_a.min(high_b)], &[]).map(|(all, _)| all)
}

fn pattern(iq: &SavedCurve) -> Option<Pattern> {
    (iq.columns() >= 5).then(|| Pattern {
        unit: RadialUnit::QInvAngstrom,
        radial: iq.column(0),
        intensity: iq.column(1),
        sigma: iq.column(2),
        unpolarized: iq.column(3),
        sigma_as_independent: iq.column(4),
    })
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn points_are_found_or_lie_between_two() {
        let points = [1.0, 2.0, 4.0];
        assert_eq!(place(&points, 2.0 + 1e-9, 1e-6), Some((1, 0.0)));
        assert_eq!(place(&points, 2.0 - 1e-9, 1e-6), Some((1, 0.0)));
        assert_eq!(place(&points, 3.0, 1e-6), Some((1, 0.5)));
        assert_eq!(place(&points, 4.0, 1e-6), Some((2, 0.0)));
        assert_eq!(place(&points, 0.5, 1e-6), None);
        assert_eq!(place(&points, 4.5, 1e-6), None);
    }
}
