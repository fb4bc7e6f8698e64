//! The peaks of one analysis, measured again on the curves of another.

use super::plan::PeakPlan;
use super::search::highest;
use super::shape::{Sampled, Shape, coordination_number};
use super::{Curve, Measured, Peak, PeakSearch, PeakTable};

/// Numbers of one peak, as in [`Peak`]; NaN where there is none.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PeakNumbers {
    /// In Å⁻¹ or Å.
    pub position: f64,
    /// S or G (Å⁻²).
    pub height: f64,
    /// In Å⁻¹ or Å.
    pub fwhm: f64,
    /// In Å⁻¹.
    pub area: f64,
    /// Pure number.
    pub asymmetry: f64,
    /// Atoms in the shell.
    pub coordination_number: f64,
}

/// One curve of another analysis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtherCurve<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) y: &'a [f64],
    pub(crate) sigma: &'a [f64],
}

impl PeakNumbers {
    /// What the table says.
    pub fn of(peak: &Peak) -> PeakNumbers {
        PeakNumbers {
            position: peak.position.value,
            height: peak.height.value,
            fwhm: peak.fwhm.value,
            area: peak.area.value,
            asymmetry: peak.asymmetry.value,
            coordination_number: peak.coordination_number.unwrap_or(Measured::MISSING).value,
        }
    }

    /// `f` of each number of the two.
    pub(crate) fn with(self, other: PeakNumbers, f: impl Fn(f64, f64) -> f64) -> PeakNumbers {
        PeakNumbers {
            position: f(self.position, other.position),
            height: f(self.height, other.height),
            fwhm: f(self.fwhm, other.fwhm),
            area: f(self.area, other.area),
            asymmetry: f(self.asymmetry, other.asymmetry),
            coordination_number: f(self.coordination_number, other.coordination_number),
        }
    }
}

impl PeakPlan {
    /// The numbers of `known` on other curves, in its order: each peak is the highest point within half of its width (a quarter of
    /// `ripple` where it has none) of where it was.
    pub(crate) fn again(
        &self,
        known: &PeakTable,
        s_of_q: OtherCurve<'_>,
        g_of_r: OtherCurve<'_>,
        ripple: f64,
    ) -> Vec<PeakNumbers> {
        let number = |peak: &Peak| {
            let (curve, base) = match peak.curve {
                Curve::StructureFactor => (s_of_q, 1.0),
                Curve::Pdf => (g_of_r, 0.0),
            };
            let curve = Sampled { x: curve.x, y: curve.y, sigma: curve.sigma, base };
            let width = if peak.fwhm.value.is_finite() { peak.fwhm.value } else { 0.5 * ripple };
            let (low, high) = (peak.position.value - 0.5 * width, peak.position.value + 0.5 * width);
            let range = curve.x.partition_point(|x| *x < low)..curve.x.partition_point(|x| *x <= high);
            let top = if peak.position.value.is_finite() { highest(curve.y, range) } else { None };
            let window = self.window(peak);
            let shape = top.and_then(|top| curve.measure(top, window.unwrap_or([low, high])));
            let count = peak.coordination_number.and_then(|_| {
                let limits = self
                    .settings
                    .coordination_number
                    .as_ref()
                    .and_then(|shell| shell.limits_angstrom)
                    .or(window);
                coordination_number(&curve, self.density?, top, limits)
            });
            let Some(Shape { position, height, fwhm, area, asymmetry }) = shape else { return MISSING };
            PeakNumbers {
                position: position.value,
                height: height.value,
                fwhm: fwhm.map_or(f64::NAN, |fwhm| fwhm.value),
                area: area.map_or(f64::NAN, |area| area.value),
                asymmetry: asymmetry.map_or(f64::NAN, |asymmetry| asymmetry.value),
                coordination_number: count.map_or(f64::NAN, |count| count.value),
            }
        };
        known.peaks.iter().map(number).collect()
    }

    /// The window that the peak was looked for in; `None` where it was found without.
    fn window(&self, peak: &Peak) -> Option<[f64; 2]> {
        let search = match peak.curve {
            Curve::StructureFactor => &self.settings.s_of_q,
            Curve::Pdf => &self.settings.g_of_r,
        };
        match search {
            PeakSearch::First(_) => None,
            PeakSearch::Windows(windows) => {
                windows.iter().find(|(name, _)| *name == peak.name).map(|(_, window)| *window)
            }
        }
    }
}

const MISSING: PeakNumbers = PeakNumbers {
    position: f64::NAN,
    height: f64::NAN,
    fwhm: f64::NAN,
    area: f64::NAN,
    asymmetry: f64::NAN,
    coordination_number: f64::NAN,
};
