//! The peaks of a curve that is known everywhere: position, height, width, area, and which maxima are peaks.

use super::quadrature::integrate;

/// Shape of the highest maximum in a window, above a base line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeakShape {
    /// Where the maximum is.
    pub position: f64,
    /// Value there, the base line not subtracted.
    pub height: f64,
    /// Full width at half of the height above the base line.
    pub fwhm: f64,
    /// Area above the base line between the crossings on both sides.
    pub area: f64,
}

/// Share of the largest prominence below which a maximum is no peak.
const LEAST_SHARE: f64 = 0.05;
/// Points of the search in one ripple, and at least in a unit of the axis.
const POINTS_PER_RIPPLE: f64 = 16.0;
const POINTS_PER_UNIT: f64 = 100.0;

/// Finds the highest maximum of `f` in a window and measures it above `base`; `None` where the highest point is an end
/// of the window or lies below the base line, or the curve does not come down to it within three windows' width.
pub fn peak_shape(f: impl Fn(f64) -> f64, [low, high]: [f64; 2], base: f64) -> Option<PeakShape> {
    let steps = 500;
    let step = (high - low) / f64::from(steps);
    let (top, _) =
        (0..=steps).map(|i| (i, f(low + step * f64::from(i)))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    if top == 0 || top == steps {
        return None;
    }
    let middle = low + step * f64::from(top);
    let position = maximum(&f, middle - step, middle + step);
    let height = f(position);
    if height <= base {
        return None;
    }
    let crossing = |level: f64, direction: f64| {
        let mut inside = position;
        for _ in 0..3 * steps {
            let outside = inside + direction * step;
            if f(outside) < level {
                return Some(bisect(&f, inside, outside, level));
            }
            inside = outside;
        }
        None
    };
    let half = base + 0.5 * (height - base);
    let fwhm = crossing(half, 1.0)? - crossing(half, -1.0)?;
    let (left, right) = (crossing(base, -1.0)?, crossing(base, 1.0)?);
    // Panels of a tenth of the width with ten points each.
    let area = integrate(left, right, 0.1 * fwhm, |x| f(x) - base);
    Some(PeakShape { position, height, fwhm, area })
}

/// Golden-section search for a maximum; it finds the position to √eps of the width of the peak.
fn maximum(f: &impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..60 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if f(a) < f(b) {
            low = a;
        } else {
            high = b;
        }
    }
    0.5 * (low + high)
}

/// Where `f` crosses `level` between a point above it and one below it.
fn bisect(f: &impl Fn(f64) -> f64, mut above: f64, mut below: f64, level: f64) -> f64 {
    for _ in 0..50 {
        let middle = 0.5 * (above + below);
        if f(middle) < level {
            below = middle;
        } else {
            above = middle;
        }
    }
    0.5 * (above + below)
}

/// Windows of the first `count` peaks of `f` above `base` in [low, high], each between the lowest points beside it.
///
/// As in the analysis of a measurement, the curve is averaged over `ripple` (the period 2π/Qmax of termination ripples; 0 = not
/// averaged), and a maximum of the average counts where it stands out of its surroundings by 5 % of the largest prominence.
pub fn find_peaks(
    f: impl Fn(f64) -> f64,
    [low, high]: [f64; 2],
    base: f64,
    ripple: f64,
    count: usize,
) -> Vec<[f64; 2]> {
    let step = if ripple > 0.0 { ripple / POINTS_PER_RIPPLE } else { 1.0 / POINTS_PER_UNIT };
    let points = ((high - low) / step) as usize + 1;
    let raw: Vec<f64> = (0..points).map(|i| f(low + step * i as f64)).collect();
    let half = if ripple > 0.0 { (0.5 * POINTS_PER_RIPPLE) as usize } else { 0 };
    let smooth: Vec<f64> = (0..points)
        .map(|i| {
            let part = &raw[i.saturating_sub(half)..(i + half + 1).min(points)];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect();
    let tops: Vec<(usize, f64)> = (1..points.saturating_sub(1))
        .filter(|&i| smooth[i] > smooth[i - 1] && smooth[i] >= smooth[i + 1] && smooth[i] > base)
        .map(|i| (i, prominence(&smooth, i)))
        .collect();
    let largest = tops.iter().fold(0.0_f64, |largest, top| largest.max(top.1));
    let kept: Vec<usize> =
        tops.iter().filter(|top| top.1 >= LEAST_SHARE * largest).map(|top| top.0).collect();
    let lowest = |from: usize, to: usize| {
        let index = (from..=to).min_by(|a, b| smooth[*a].total_cmp(&smooth[*b])).unwrap_or(from);
        low + step * index as f64
    };
    kept.iter()
        .take(count)
        .enumerate()
        .map(|(i, &top)| {
            let before = if i == 0 { 0 } else { kept[i - 1] };
            let after = kept.get(i + 1).copied().unwrap_or(points - 1);
            [lowest(before, top), lowest(top, after)]
        })
        .collect()
}

/// Height of a maximum over the higher one of the lowest points towards a higher maximum or the end on each side.
fn prominence(y: &[f64], top: usize) -> f64 {
    let lowest = |side: &mut dyn Iterator<Item = usize>| {
        side.map(|i| y[i]).take_while(|v| *v <= y[top]).fold(y[top], f64::min)
    };
    let left = lowest(&mut (0..top).rev());
    let right = lowest(&mut (top + 1..y.len()));
    y[top] - left.max(right)
}

/// Where a shell ends on both sides of the maximum of `radial` near `position`: the first minimum, or where it reaches 0, in
/// steps of `step`, the minimum refined; `None` where there is neither within `reach`.
pub fn shell_ends(radial: impl Fn(f64) -> f64, position: f64, step: f64, reach: f64) -> Option<[f64; 2]> {
    let end = |direction: f64| {
        let steps = (reach / step) as usize;
        let at = |i: usize| position + direction * step * i as f64;
        // The top of r·G + 4πρ0 r² lies further out than that of G.
        let first = (0..steps).find(|i| radial(at(i + 1)) < radial(at(*i)))?;
        for i in first + 1..steps {
            if radial(at(i)) <= 0.0 {
                return Some(bisect(&radial, at(i - 1), at(i), 0.0));
            }
            if radial(at(i + 1)) > radial(at(i)) {
                let (a, b) = (at(i - 1).min(at(i + 1)), at(i - 1).max(at(i + 1)));
                return Some(maximum(&|r| -radial(r), a, b));
            }
        }
        None
    };
    Some([end(-1.0)?, end(1.0)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_measured_exactly() {
        // 1 + 2 − 8(x − 3.1)²: zeros at ±0.5, half height at ±0.5/√2, area 4/3·0.5·2.
        let shape = peak_shape(|x| 3.0 - 8.0 * (x - 3.1) * (x - 3.1), [2.0, 4.0], 1.0).unwrap();
        assert!((shape.position - 3.1).abs() < 1e-7);
        assert!((shape.height - 3.0).abs() < 1e-13);
        assert!((shape.fwhm - 1.0 / 2f64.sqrt()).abs() < 1e-12);
        assert!((shape.area - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_slope_is_no_peak() {
        assert!(peak_shape(|x| x, [0.0, 1.0], -1.0).is_none());
        assert!(peak_shape(|x| -(x - 0.5).powi(2) - 1.0, [0.0, 1.0], 0.0).is_none());
    }

    #[test]
    fn maxima_are_found_between_their_minima_and_ripples_are_none() {
        let gauss = |x: f64, at: f64, width: f64| (-0.5 * ((x - at) / width).powi(2)).exp();
        let curve = |x: f64| {
            let ripple = 0.1 * (2.0 * std::f64::consts::PI * (x - 2.7) / 0.3).cos() / (1.0 + (x - 2.7).abs());
            2.0 * gauss(x, 2.7, 0.2) + 0.5 * gauss(x, 4.8, 0.3) + 0.3 * gauss(x, 7.1, 0.3) + ripple - 0.1
        };
        let found = find_peaks(curve, [1.0, 10.0], 0.0, 0.3, 2);
        assert_eq!(found.len(), 2, "{found:?}");
        for ([low, high], at) in found.into_iter().zip([2.7, 4.8]) {
            assert!(low < at && at < high && high - low < 3.5, "{low} {high}");
        }
        assert!(find_peaks(|x| x, [0.0, 1.0], 0.0, 0.0, 3).is_empty());
    }

    #[test]
    fn a_shell_ends_at_its_minimum_or_at_zero() {
        // sin²: zeros of the slope at 0 and π; a parabola 1 − (x − 2)²: zero at 1 and 3.
        let [low, high] = shell_ends(|x| 0.1 + x.sin().powi(2), 1.5, 0.01, 4.0).unwrap();
        assert!(low.abs() < 1e-6 && (high - std::f64::consts::PI).abs() < 1e-6, "{low} {high}");
        let [low, high] = shell_ends(|x| 1.0 - (x - 2.0f64).powi(2), 1.9, 0.01, 4.0).unwrap();
        assert!((low - 1.0).abs() < 1e-9 && (high - 3.0).abs() < 1e-9, "{low} {high}");
        assert!(shell_ends(|x| 1.0 + x, 1.0, 0.01, 2.0).is_none());
    }
}
