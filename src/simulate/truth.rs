//! What a perfect analysis of a simulated sample would find.

use super::crystal::CrystalPdf;
use super::glass::GlassPdf;
use super::quadrature::{SineSum, integrate};
use super::twin::{Analysis, Twin, TwinSample};
use super::{Matter, RadialTable, SimulateError};
use crate::peaks::{Curve, PeakSearch};

/// One true number.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRow {
    /// Name of the sample.
    pub sample: String,
    /// The curve that the peak belongs to.
    pub curve: Curve,
    /// q1, q2, r1 …
    pub peak: String,
    /// `position`, `height`, `fwhm`, `area` or `coordination_number`.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit; empty for a pure number.
    pub unit: &'static str,
}

/// S(Q) and G(r) of a sample as a perfect analysis would find them.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueCurves {
    /// S(Q) up to Qmax.
    pub s_of_q: RadialTable,
    /// G(r) through Qmax and window.
    pub seen: SineSum,
    /// G(r) of the infinite Q range, where it is known in closed form.
    pub untruncated: Option<UntruncatedPdf>,
    /// ρ0 in atoms/Å³.
    pub density: f64,
}

/// G(r) without end of Q.
#[derive(Debug, Clone, PartialEq)]
pub enum UntruncatedPdf {
    /// Of hard spheres and shells.
    Glass(GlassPdf),
    /// A sum over pairs of atoms.
    Crystal(CrystalPdf),
}

impl UntruncatedPdf {
    /// G in Å⁻² at r in Å.
    pub fn at(&self, r: f64) -> f64 {
        match self {
            UntruncatedPdf::Glass(pdf) => pdf.at(r),
            UntruncatedPdf::Crystal(pdf) => pdf.at(r),
        }
    }
}

/// Largest r in Å of the curves.
pub(super) const R_END: f64 = 30.0;

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

impl Twin {
    /// S(Q) and G(r) of a sample.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors; a crystal with too many pairs of atoms.
    pub fn curves(&self, sample: &TwinSample, analysis: &Analysis) -> Result<TrueCurves, SimulateError> {
        let (energy, matter) = (self.energy_kev(), &sample.matter);
        let s = matter.s_of_q(energy, &RadialTable::grid(analysis.q_max));
        let s_of_q = RadialTable::from_values(self.of_sample(sample, s)?);
        let seen = self.of_sample(sample, matter.pdf_through(energy, analysis.q_max, analysis.window))?;
        let untruncated = match matter {
            Matter::Glass { glass, .. } => Some(UntruncatedPdf::Glass(glass.pdf())),
            Matter::Crystal(crystal) => Some(UntruncatedPdf::Crystal(crystal.pdf(R_END)?)),
            Matter::Atoms(_) | Matter::Table { .. } => None,
        };
        Ok(TrueCurves { s_of_q, seen, untruncated, density: matter.density() })
    }
}

impl TrueCurves {
    /// The true peaks of S(Q), and of G(r) as seen through Qmax and window, in the windows of the analysis; the
    /// coordination number as seen, and as in the infinite Q range (`coordination_number_untruncated`).
    ///
    /// # Errors
    /// A window without a maximum.
    pub fn peaks(&self, sample: &str, analysis: &Analysis) -> Result<Vec<TruthRow>, SimulateError> {
        let mut rows = Vec::new();
        for (peak, limits) in windows(&analysis.peaks.s_of_q) {
            let shape = peak_shape(|q| self.s_of_q.at(q), *limits, 1.0)
                .ok_or_else(|| no_peak("S(Q)", sample, *limits))?;
            push_shape(&mut rows, sample, Curve::StructureFactor, peak, shape);
        }
        let g_windows = windows(&analysis.peaks.g_of_r);
        for (peak, limits) in g_windows {
            let shape = peak_shape(|r| self.seen.at(r), *limits, 0.0)
                .ok_or_else(|| no_peak("G(r)", sample, *limits))?;
            push_shape(&mut rows, sample, Curve::Pdf, peak, shape);
        }
        let Some(counted) = &analysis.peaks.coordination_number else { return Ok(rows) };
        let window = g_windows.iter().find(|(name, _)| *name == counted.peak).map(|(_, limits)| *limits);
        let Some([lower, upper]) = counted.limits_angstrom.or(window) else { return Ok(rows) };
        // Panels of 0.05 Å: the narrowest feature is a Gaussian of 0.1 Å.
        let count = |g: &dyn Fn(f64) -> f64| {
            integrate(lower, upper, 0.05, |r| r * g(r) + 4.0 * std::f64::consts::PI * self.density * r * r)
        };
        let mut push = |metric, value| {
            let (sample, peak) = (sample.to_owned(), counted.peak.clone());
            rows.push(TruthRow { sample, curve: Curve::Pdf, peak, metric, value, unit: "" });
        };
        push("coordination_number", count(&|r| self.seen.at(r)));
        if let Some(exact) = &self.untruncated {
            push("coordination_number_untruncated", count(&|r| exact.at(r)));
        }
        Ok(rows)
    }
}

/// Peaks that have windows; those that a search would find have no truth.
fn windows(search: &PeakSearch) -> &[(String, [f64; 2])] {
    match search {
        PeakSearch::First(_) => &[],
        PeakSearch::Windows(windows) => windows,
    }
}

fn no_peak(curve: &'static str, sample: &str, [low, high]: [f64; 2]) -> SimulateError {
    SimulateError::NoPeak { curve, sample: sample.to_owned(), low, high }
}

fn push_shape(rows: &mut Vec<TruthRow>, sample: &str, curve: Curve, peak: &str, shape: PeakShape) {
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
        let (sample, peak) = (sample.to_owned(), peak.to_owned());
        rows.push(TruthRow { sample, curve, peak, metric, value, unit });
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
    use crate::pdf::Window;
    use crate::peaks::{CoordinationNumber, PeakSettings};
    use crate::simulate::Glass;

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

    fn rows(glass: &Glass) -> Vec<TruthRow> {
        let window = |name: &str, limits| (name.to_owned(), limits);
        let g_of_r = vec![window("r1", [2.0, 3.6]), window("r3", [5.6, 8.2]), window("r4", [8.2, 10.4])];
        let analysis = Analysis {
            q_max: 22.0,
            window: Window::Lorch,
            peaks: PeakSettings {
                s_of_q: PeakSearch::Windows(vec![window("q1", [2.0, 3.6])]),
                g_of_r: PeakSearch::Windows(g_of_r),
                coordination_number: Some(CoordinationNumber {
                    peak: "r1".to_owned(),
                    limits_angstrom: None,
                }),
            },
        };
        let s = RadialTable::from_fn(22.0, |q| glass.s_of_q(q));
        let seen = glass.pdf_through(22.0, Window::Lorch);
        let untruncated = Some(UntruncatedPdf::Glass(glass.pdf()));
        let curves = TrueCurves { s_of_q: s, seen, untruncated, density: glass.density };
        curves.peaks("g", &analysis).unwrap()
    }

    #[test]
    fn the_shell_is_counted_up_to_its_end() {
        let rows = rows(&Glass::zr_based());
        let count = rows.iter().find(|row| row.metric == "coordination_number_untruncated").unwrap();
        // See `glass`: 10.721 is the number up to 3.59 Å, 10.7777 that up to 3.60 Å.
        assert!((count.value - 10.7777).abs() < 5e-5, "{}", count.value);
    }

    #[test]
    fn ageing_sharpens_s_and_raises_g() {
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
