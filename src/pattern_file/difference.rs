//! Sample less background, each on its own points.

use super::PatternFileError;
use crate::integrate::Pattern;

/// I = I_sample − scale·I_background on the sample's points, as far as both have data.
///
/// The background is interpolated on straight lines between its points; σ of a value between two independent points is
/// √((1 − t)²σ₁² + t²σ₂²). What is lost is a line's distance from the curve, h²/8 of the second derivative for points h apart. For
/// sums over many points each interpolated one counts with the variance that keeps that of the sum: σ√(h/ΔQ), with ΔQ the
/// distance of the sample's points, and no less than σ.
///
/// # Errors
/// No point in common.
pub fn difference(sample: &Pattern, background: &Pattern, scale: f64) -> Result<Pattern, PatternFileError> {
    let there = on(&sample.radial, background);
    let ends = |pattern: &Pattern| match pattern.radial.as_slice() {
        [first, .., last] => [*first, *last],
        [only] => [*only; 2],
        [] => [f64::NAN; 2],
    };
    let apart = || {
        let ([from, to], [low, high]) = (ends(background), ends(sample));
        PatternFileError::Apart(from, to, low, high)
    };
    let difference = sample.subtract(&there, scale).map_err(|_| apart())?;
    let has_data = |value: &f64| value.is_finite();
    let first = difference.intensity.iter().position(has_data).ok_or_else(apart)?;
    let last = difference.intensity.iter().rposition(has_data).ok_or_else(apart)?;
    let cut = |values: &[f64]| values[first..=last].to_vec();
    Ok(Pattern {
        unit: difference.unit,
        radial: cut(&difference.radial),
        intensity: cut(&difference.intensity),
        sigma: cut(&difference.sigma),
        sigma_as_independent: cut(&difference.sigma_as_independent),
        unpolarized: cut(&difference.unpolarized),
    })
}

/// `pattern` on other points; NaN outside its own.
fn on(radial: &[f64], pattern: &Pattern) -> Pattern {
    let known = &pattern.radial;
    let spacing = |i: usize| {
        let (left, right) = (i.saturating_sub(1), (i + 1).min(radial.len() - 1));
        (radial[right] - radial[left]) / (right - left).max(1) as f64
    };
    let points = radial.iter().enumerate().map(|(i, &q)| {
        let upper = known.partition_point(|point| *point < q);
        match (upper.checked_sub(1), known.get(upper)) {
            (_, Some(point)) if *point == q => (upper, upper, 0.0, 1.0),
            (Some(lower), Some(point)) => {
                let step = point - known[lower];
                (lower, upper, (q - known[lower]) / step, (step / spacing(i)).sqrt())
            }
            (None, _) | (_, None) => (0, 0, f64::NAN, 1.0),
        }
    });
    let mut there = Pattern {
        unit: pattern.unit,
        radial: radial.to_vec(),
        intensity: Vec::new(),
        sigma: Vec::new(),
        sigma_as_independent: Vec::new(),
        unpolarized: vec![1.0; radial.len()],
    };
    for (lower, upper, t, widening) in points {
        let on_line = |values: &[f64]| (1.0 - t) * values[lower] + t * values[upper];
        let sigma = &pattern.sigma;
        let of_point =
            if t == 0.0 { sigma[lower] } else { ((1.0 - t) * sigma[lower]).hypot(t * sigma[upper]) };
        there.intensity.push(if t == 0.0 { pattern.intensity[lower] } else { on_line(&pattern.intensity) });
        there.sigma.push(of_point);
        // A finer background gives each point values of its own: they are independent then.
        there.sigma_as_independent.push((widening * on_line(&pattern.sigma_as_independent)).max(of_point));
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::RadialUnit;

    fn pattern(radial: Vec<f64>, intensity: Vec<f64>, sigma: f64) -> Pattern {
        let sigma = vec![sigma; radial.len()];
        Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial,
            intensity,
            sigma_as_independent: sigma.clone(),
            unpolarized: vec![1.0; sigma.len()],
            sigma,
        }
    }

    #[test]
    fn unequal_grids_are_met_by_q_and_not_by_index() {
        let line = |q: &f64| 3.0 + 2.0 * q;
        let fine: Vec<f64> = (0..200).map(|i| 0.5 + 0.1 * f64::from(i)).collect();
        let coarse: Vec<f64> = (0..40).map(|i| 1.03 + 0.4 * f64::from(i)).collect();
        let sample = pattern(fine.clone(), fine.iter().map(|q| 10.0 + 0.5 * line(q)).collect(), 0.0);
        let background = pattern(coarse.clone(), coarse.iter().map(line).collect(), 0.2);
        let found = difference(&sample, &background, 0.5).unwrap();
        // Only where both have data: 1.03 to 16.63.
        assert!(found.radial[0] > 1.03 && found.radial[0] < 1.14);
        assert!((found.radial[found.radial.len() - 1] - 16.6).abs() < 0.06);
        assert!(found.intensity.iter().all(|i| (i - 10.0).abs() < 1e-12));
        // Half of σ = 0.2 at a point, 1/√2 of it in the middle between two.
        assert!(found.sigma.iter().all(|sigma| (0.0706..=0.1001).contains(sigma)));
        // The variance of a sum: 4 sample points for each of the background's, each with σ√4.
        assert!(found.sigma_as_independent.iter().all(|sigma| (sigma - 0.2).abs() < 1e-9));
        // Points of a background four times finer are independent, with σ = 0.2 on a point.
        let finer: Vec<f64> = (0..900).map(|i| 0.4 + 0.025 * f64::from(i)).collect();
        let found = difference(&sample, &pattern(finer, vec![1.0; 900], 0.2), 1.0).unwrap();
        let larger = |(a, b): (&f64, &f64)| *a >= *b && *a > 0.14;
        assert!(found.sigma_as_independent.iter().zip(&found.sigma).all(larger));
        let far = pattern(vec![30.0, 31.0], vec![1.0, 1.0], 0.1);
        assert!(difference(&sample, &far, 1.0).unwrap_err().to_string().contains("no points in common"));
    }

    #[test]
    fn equal_grids_are_subtracted_as_they_are() {
        let q = vec![1.0, 2.0, 3.0];
        let sample = pattern(q.clone(), vec![5.0, 6.0, 7.0], 3.0);
        let found = difference(&sample, &pattern(q, vec![1.0, 1.0, 2.0], 4.0), 1.0).unwrap();
        assert_eq!((found.intensity, found.sigma), (vec![4.0, 5.0, 5.0], vec![5.0; 3]));
    }
}
