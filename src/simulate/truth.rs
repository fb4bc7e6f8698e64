//! What a perfect analysis of a simulated sample would find.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::crystal::CrystalPdf;
use super::glass::GlassPdf;
use super::peak_shape::{PeakShape, find_peaks, peak_shape, shell_ends};
use super::quadrature::{SineSum, integrate, nodes, pdf_of};
use super::twin::{Analysis, Twin, TwinSample};
use super::{Anisotropy, Matter, RadialTable, SimulateError};
use crate::integrate::Azimuth;
use crate::pdf::Window;
use crate::peaks::{Curve, PeakSearch};

/// One true number.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRow {
    /// Name of the sample.
    pub sample: String,
    /// `ring` or a sector.
    pub region: String,
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
    /// Of a table, which ends at S = 1.
    Table(SineSum),
}

impl UntruncatedPdf {
    /// G in Å⁻² at r in Å.
    pub fn at(&self, r: f64) -> f64 {
        match self {
            UntruncatedPdf::Glass(pdf) => pdf.at(r),
            UntruncatedPdf::Crystal(pdf) => pdf.at(r),
            UntruncatedPdf::Table(pdf) => pdf.at(r),
        }
    }
}

/// Largest r in Å of the curves.
pub(super) const R_END: f64 = 30.0;

/// Points per Å of the walk from a peak to the ends of its shell, and how far it goes in Å.
const SHELL_STEP: f64 = 0.01;
const SHELL_REACH: f64 = 3.0;

/// Where peaks of G(r) are searched from, in Å: below is error in any measurement.
const FIRST_R: f64 = 1.0;

impl Twin {
    /// S(Q) and G(r) of a sample in a part of the azimuth.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors; a crystal with too many pairs of atoms.
    pub fn curves(
        &self,
        sample: &TwinSample,
        analysis: &Analysis,
        azimuth: Azimuth,
    ) -> Result<TrueCurves, SimulateError> {
        let curves = match &sample.anisotropy {
            None => self.isotropic_curves(&sample.matter, analysis),
            Some(anisotropy) => self.oriented_curves(&sample.matter, anisotropy, analysis, azimuth),
        };
        self.of_sample(sample, curves)
    }

    fn isotropic_curves(&self, matter: &Matter, analysis: &Analysis) -> Result<TrueCurves, SimulateError> {
        let energy = self.energy_kev();
        let untruncated = match matter {
            Matter::Glass { glass, .. } => Some(UntruncatedPdf::Glass(glass.pdf())),
            Matter::Crystal(crystal) => Some(UntruncatedPdf::Crystal(crystal.pdf(R_END)?)),
            Matter::Table { s, .. } => {
                Some(UntruncatedPdf::Table(matter.pdf_through(energy, s.highest_q(), Window::None)?))
            }
            Matter::Atoms(_) => None,
        };
        Ok(TrueCurves {
            s_of_q: matter.s_table(energy, analysis.q_range[1])?,
            seen: matter.pdf_through(energy, analysis.q_range[1], analysis.window)?,
            untruncated,
            density: matter.density(),
        })
    }

    fn oriented_curves(
        &self,
        matter: &Matter,
        anisotropy: &Anisotropy,
        analysis: &Analysis,
        azimuth: Azimuth,
    ) -> Result<TrueCurves, SimulateError> {
        let (q_max, window) = (analysis.q_range[1], analysis.window);
        let s0 = matter.s_table(self.energy_kev(), q_max * anisotropy.largest_stretch())?;
        let wavelength = self.geometry().poni.wavelength_angstrom;
        let mean: Vec<f64> = RadialTable::grid(q_max)
            .into_par_iter()
            .map(|q| anisotropy.mean_s_of_q(&s0, q, wavelength, azimuth))
            .collect();
        let s_of_q = RadialTable::from_values(mean);
        let nodes = nodes(0.0, q_max, matter.panel());
        let s: Vec<f64> = nodes.iter().map(|(q, _)| s_of_q.at(*q)).collect();
        let seen = pdf_of(&nodes, &s, q_max, window);
        Ok(TrueCurves { s_of_q, seen, untruncated: None, density: matter.density() })
    }
}

impl TrueCurves {
    /// The true peaks of S(Q), and of G(r) as seen through Qmax and window, in the windows of the analysis or where a search
    /// finds them; the coordination number as seen, and as in the infinite Q range (`coordination_number_untruncated`).
    ///
    /// # Errors
    /// A window of the analysis without a maximum.
    pub fn peaks(
        &self,
        sample: &str,
        region: &str,
        analysis: &Analysis,
    ) -> Result<Vec<TruthRow>, SimulateError> {
        let no_peak = |curve, [low, high]: [f64; 2]| SimulateError::NoPeak {
            curve,
            sample: sample.to_owned(),
            low,
            high,
        };
        let mut rows = Vec::new();
        let mut push = |curve, peak: &str, metric, value, unit| {
            let (sample, region, peak) = (sample.to_owned(), region.to_owned(), peak.to_owned());
            rows.push(TruthRow { sample, region, curve, peak, metric, value, unit });
        };
        let s = |q: f64| self.s_of_q.at(q);
        for (name, limits) in
            windows(&analysis.peaks.s_of_q, 'q', |count| find_peaks(s, analysis.q_range, 1.0, 0.0, count))
        {
            let shape = peak_shape(s, limits, 1.0).ok_or_else(|| no_peak("S(Q)", limits))?;
            push_shape(&mut push, Curve::StructureFactor, &name, shape);
        }
        let g = |r: f64| self.seen.at(r);
        let ripple = 2.0 * PI / analysis.q_range[1];
        let g_windows =
            windows(&analysis.peaks.g_of_r, 'r', |count| find_peaks(g, [FIRST_R, R_END], 0.0, ripple, count));
        for (name, limits) in &g_windows {
            let shape = peak_shape(g, *limits, 0.0).ok_or_else(|| no_peak("G(r)", *limits))?;
            push_shape(&mut push, Curve::Pdf, name, shape);
            let Some(counted) = analysis.peaks.coordination_number.as_ref().filter(|n| n.peak == *name)
            else {
                continue;
            };
            let radial = |r: f64, g: f64| r * g + 4.0 * PI * self.density * r * r;
            let between = counted.limits_angstrom.or(match &analysis.peaks.g_of_r {
                PeakSearch::Windows(_) => Some(*limits),
                PeakSearch::First(_) => {
                    shell_ends(|r| radial(r, g(r)), shape.position, SHELL_STEP, SHELL_REACH)
                }
            });
            let Some([lower, upper]) = between else { continue };
            // Panels of 0.05 Å: the narrowest feature is a Gaussian of 0.1 Å.
            let count = |g: &dyn Fn(f64) -> f64| integrate(lower, upper, 0.05, |r| radial(r, g(r)));
            push(Curve::Pdf, name, "coordination_number", count(&g), "");
            if let Some(exact) = &self.untruncated {
                push(Curve::Pdf, name, "coordination_number_untruncated", count(&|r| exact.at(r)), "");
            }
        }
        Ok(rows)
    }
}

/// Names and windows of the peaks asked for, numbered where a search finds them.
fn windows(
    search: &PeakSearch,
    letter: char,
    find: impl FnOnce(usize) -> Vec<[f64; 2]>,
) -> Vec<(String, [f64; 2])> {
    match search {
        PeakSearch::First(count) => {
            (1..).map(|number| format!("{letter}{number}")).zip(find(*count)).collect()
        }
        PeakSearch::Windows(windows) => windows.clone(),
    }
}

fn push_shape(
    push: &mut impl FnMut(Curve, &str, &'static str, f64, &'static str),
    curve: Curve,
    peak: &str,
    shape: PeakShape,
) {
    let (length, height, area) = match curve {
        Curve::StructureFactor => ("1/angstrom", "", "1/angstrom"),
        Curve::Pdf => ("angstrom", "1/angstrom^2", "1/angstrom"),
    };
    push(curve, peak, "position", shape.position, length);
    push(curve, peak, "height", shape.height, height);
    push(curve, peak, "fwhm", shape.fwhm, length);
    push(curve, peak, "area", shape.area, area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peaks::{CoordinationNumber, PeakSettings};
    use crate::simulate::Glass;

    fn rows(glass: &Glass) -> Vec<TruthRow> {
        let window = |name: &str, limits| (name.to_owned(), limits);
        let g_of_r = vec![window("r1", [2.0, 3.6]), window("r3", [5.6, 8.2]), window("r4", [8.2, 10.4])];
        let analysis = Analysis {
            q_range: [0.7, 22.0],
            window: Window::Lorch,
            peaks: PeakSettings {
                s_of_q: PeakSearch::Windows(vec![window("q1", [2.0, 3.6])]),
                g_of_r: PeakSearch::Windows(g_of_r),
                coordination_number: Some(CoordinationNumber {
                    peak: "r1".to_owned(),
                    limits_angstrom: None,
                }),
            },
            regions: Vec::new(),
        };
        let s = RadialTable::from_fn(22.0, |q| glass.s_of_q(q));
        let seen = glass.pdf_through(22.0, Window::Lorch);
        let untruncated = Some(UntruncatedPdf::Glass(glass.pdf()));
        let curves = TrueCurves { s_of_q: s, seen, untruncated, density: glass.density };
        curves.peaks("g", "ring", &analysis).unwrap()
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
