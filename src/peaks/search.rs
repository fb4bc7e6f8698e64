//! Which maxima of a curve are peaks.

use std::ops::Range;

use super::shape::Sampled;

/// Share of the largest prominence below which a maximum is no peak.
const LEAST_SHARE: f64 = 0.05;
/// Standard deviations that a peak stands out of the noise.
const LEAST_SIGMA: f64 = 7.0;

/// The highest point strictly inside the points of `range`; `None` where an end is as high.
pub(super) fn highest(y: &[f64], range: Range<usize>) -> Option<usize> {
    let best = range.clone().max_by(|a, b| y[*a].total_cmp(&y[*b]))?;
    (best > range.start && best + 1 < range.end && y[best].is_finite()).then_some(best)
}

/// The first `count` peaks above the base line.
///
/// The curve is first averaged over `ripple` (the period 2π/Qmax of termination ripples, which that average takes out;
/// 0 = not averaged). A maximum of the average is a peak where it stands out of its surroundings (height over the
/// higher one of the lowest points towards a higher maximum or the end on each side) by 7σ and by 5 % of the largest such
/// prominence. The point returned is the highest of the curve itself within half a ripple.
pub(super) fn first(curve: &Sampled<'_>, count: usize, ripple: f64, range: Range<usize>) -> Vec<usize> {
    let x = &curve.x[range.clone()];
    if x.len() < 3 {
        return Vec::new();
    }
    let step = (x[x.len() - 1] - x[0]) / (x.len() - 1) as f64;
    let half = (0.5 * ripple / step).round() as usize;
    let smooth = average(&curve.y[range.clone()], half);
    let tops: Vec<(usize, f64)> = (1..smooth.len() - 1)
        .filter(|&i| smooth[i] > smooth[i - 1] && smooth[i] >= smooth[i + 1] && smooth[i] > curve.base)
        .map(|i| (i, prominence(&smooth, i)))
        .collect();
    let largest = tops.iter().fold(0.0_f64, |a, top| a.max(top.1));
    let mut found: Vec<usize> = Vec::new();
    for (top, prominence) in tops {
        let noise = LEAST_SIGMA * curve.sigma[range.start + top];
        if prominence < noise.max(LEAST_SHARE * largest) {
            continue;
        }
        let near = (range.start + top).saturating_sub(half.max(1)).max(range.start);
        let end = (range.start + top + half.max(1) + 1).min(range.end);
        let best = (near..end).max_by(|a, b| curve.y[*a].total_cmp(&curve.y[*b]));
        if let Some(best) = best.filter(|best| found.last() != Some(best)) {
            found.push(best);
        }
        if found.len() == count {
            break;
        }
    }
    found
}

/// Mean of 2·half + 1 points, fewer at the ends.
fn average(y: &[f64], half: usize) -> Vec<f64> {
    (0..y.len())
        .map(|i| {
            let part = &y[i.saturating_sub(half)..(i + half + 1).min(y.len())];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect()
}

fn prominence(y: &[f64], top: usize) -> f64 {
    let lowest = |side: &mut dyn Iterator<Item = usize>| {
        side.map(|i| y[i]).take_while(|v| *v <= y[top]).fold(y[top], f64::min)
    };
    let left = lowest(&mut (0..top).rev());
    let right = lowest(&mut (top + 1..y.len()));
    y[top] - left.max(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ripples_and_noise_are_no_peaks() {
        // Two Gaussians with ripples of period 0.3 and 8 % of the height around the first, and a small wiggle as noise.
        let x: Vec<f64> = (0..1000).map(|i| 0.01 * f64::from(i)).collect();
        let gauss = |x: f64, at: f64, width: f64| (-0.5 * ((x - at) / width).powi(2)).exp();
        let y: Vec<f64> = x
            .iter()
            .map(|x| {
                let ripple =
                    0.16 * (2.0 * std::f64::consts::PI * (x - 2.7) / 0.3).cos() / (1.0 + (x - 2.7).abs());
                2.0 * gauss(*x, 2.7, 0.2) + 0.5 * gauss(*x, 4.8, 0.3) + ripple + 0.002 * (300.0 * x).sin()
                    - 0.1
            })
            .collect();
        let sigma = vec![0.002; x.len()];
        let curve = Sampled { x: &x, y: &y, sigma: &sigma, base: 0.0 };
        let found: Vec<f64> = first(&curve, 4, 0.3, 100..1000).iter().map(|i| x[*i]).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[0] - 2.7).abs() < 0.02 && (found[1] - 4.8).abs() < 0.15, "{found:?}");
    }

    #[test]
    fn a_slope_has_no_highest_point_inside() {
        let y: Vec<f64> = (0..20).map(f64::from).collect();
        assert_eq!(highest(&y, 3..15), None);
        assert_eq!(highest(&[0.0, 1.0, 3.0, 2.0, 5.0], 0..4), Some(2));
    }
}
