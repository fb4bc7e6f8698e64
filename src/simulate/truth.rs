//! What a perfect analysis of a simulated sample would find.

use super::SimulateError;
use super::glass::Glass;
use super::quadrature::integrate;
use crate::pdf::Window;
use crate::peaks::Curve;

/// One true number.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRow {
    /// Name of the sample.
    pub sample: String,
    /// The curve that the peak belongs to.
    pub curve: Curve,
    /// q1, q2, r1 …
    pub peak: &'static str,
    /// `position`, `height`, `fwhm`, `area` or `coordination_number`.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit; empty for a pure number.
    pub unit: &'static str,
}

/// Windows in Å⁻¹ of the peaks of S(Q).
pub const S_WINDOWS: [(&str, [f64; 2]); 2] = [("q1", [2.0, 3.6]), ("q2", [4.0, 6.2])];

/// Windows in Å of the peaks of G(r). That of r1 is the shell whose atoms are counted.
pub const G_WINDOWS: [(&str, [f64; 2]); 4] =
    [("r1", [2.0, 3.6]), ("r2", [3.6, 5.6]), ("r3", [5.6, 8.2]), ("r4", [8.2, 10.4])];

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

/// The true peaks of S(Q), and of G(r) as seen through Qmax and window; the coordination number as seen, and as in the
/// infinite Q range (`coordination_number_untruncated`).
///
/// # Errors
/// A window without a maximum.
pub fn peak_truths(
    sample: &str,
    glass: &Glass,
    q_max: f64,
    window: Window,
) -> Result<Vec<TruthRow>, SimulateError> {
    let mut rows = Vec::new();
    for (peak, limits) in S_WINDOWS {
        let shape =
            peak_shape(|q| glass.s_of_q(q), limits, 1.0).ok_or_else(|| no_peak("S(Q)", sample, limits))?;
        push_shape(&mut rows, sample, Curve::StructureFactor, peak, shape);
    }
    let seen = glass.pdf_through(q_max, window);
    for (peak, limits) in G_WINDOWS {
        let shape = peak_shape(|r| seen.at(r), limits, 0.0).ok_or_else(|| no_peak("G(r)", sample, limits))?;
        push_shape(&mut rows, sample, Curve::Pdf, peak, shape);
    }
    let (peak, [lower, upper]) = G_WINDOWS[0];
    for (metric, value) in [
        ("coordination_number", glass.coordination_number_of(|r| seen.at(r), lower, upper)),
        ("coordination_number_untruncated", glass.coordination_number(lower, upper)),
    ] {
        rows.push(TruthRow { sample: sample.to_owned(), curve: Curve::Pdf, peak, metric, value, unit: "" });
    }
    Ok(rows)
}

fn no_peak(curve: &'static str, sample: &str, [low, high]: [f64; 2]) -> SimulateError {
    SimulateError::NoPeak { curve, sample: sample.to_owned(), low, high }
}

fn push_shape(rows: &mut Vec<TruthRow>, sample: &str, curve: Curve, peak: &'static str, shape: PeakShape) {
    let (length, height, area) = match curve {
        Curve::StructureFactor => ("1/angstrom", "", "1/angstrom"),
        Curve::Pdf => ("angstrom", "1/angstrom^2", "1/angstrom"),
    };
    for (metric, value, unit) in [
        ("position", shape.position, length),
        ("height", shape.height, height),
        ("fwhm", shape.fwhm, length),
        ("area", shape.area, area),
    ] {
        rows.push(TruthRow { sample: sample.to_owned(), curve, peak, metric, value, unit });
    }
}

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
    fn the_shell_is_counted_up_to_its_end() {
        let rows = peak_truths("g", &Glass::zr_based(), 22.0, Window::Lorch).unwrap();
        let count = rows.iter().find(|row| row.metric == "coordination_number_untruncated").unwrap();
        // See `glass`: 10.721 is the number up to 3.59 Å, 10.7777 that up to 3.60 Å.
        assert!((count.value - 10.7777).abs() < 5e-5, "{}", count.value);
    }

    #[test]
    fn ageing_sharpens_s_and_raises_g() {
        let rows = |glass: &Glass| peak_truths("g", glass, 22.0, Window::Lorch).unwrap();
        let (before, after) = (rows(&Glass::zr_based()), rows(&Glass::zr_based_aged()));
        let get = |rows: &[TruthRow], peak: &str, metric: &str| {
            rows.iter().find(|row| row.peak == peak && row.metric == metric).unwrap().value
        };
        for peak in ["q1", "r1", "r3", "r4"] {
            assert!(get(&after, peak, "height") > 1.005 * get(&before, peak, "height"), "{peak}");
        }
        assert!(get(&after, "q1", "fwhm") < get(&before, "q1", "fwhm"));
    }
}
