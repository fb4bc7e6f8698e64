//! Density and background scale from what G has below the first atoms, before an analysis goes on with them \[E15a\].

use serde::Serialize;

use crate::config::PdfSettings;
use crate::integrate::Pattern;
use crate::structure::{FittedNumber, LowRFree, StructureError, StructurePlan, StructureSettings};

/// A density known by weighing is within this part, and so is what the fit finds on good data (docs/physics.md).
const FAR_DENSITY: f64 = 0.05;
/// A background's scale known from monitors, exposures and transmission is within this part.
const FAR_BACKGROUND: f64 = 0.2;
const SLOW_ERROR: &str = "most likely a slow error (absorption, fluorescence, composition, energy) has gone into it: do not use these results without a reason";

/// What is fitted, and up to which r.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowRFitSettings {
    /// What is free.
    pub free: LowRFree,
    /// Where the first atoms may begin.
    pub r_max_angstrom: f64,
}

/// What was subtracted in a pattern.
#[derive(Debug, Clone, Copy)]
pub struct Subtracted<'a> {
    /// scale·I_background on the pattern's points.
    pub intensity: &'a [f64],
    /// The scale.
    pub scale: f64,
}

/// What the low-r condition says of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LowRFound {
    /// ρ0 in atoms per Å³, where it was free.
    pub density_atoms_per_cubic_angstrom: Option<FittedNumber>,
    /// The background's scale, where it was free.
    pub background_scale: Option<FittedNumber>,
    /// What is left, Å⁻³.
    pub chi2_inv_angstrom3: f64,
}

impl LowRFound {
    /// Fits to a pattern whose plan and settings are given.
    ///
    /// # Errors
    /// A background's scale without a background; a relative scale; unknowns that the data do not tell apart.
    pub fn new(
        asked: LowRFitSettings,
        pattern: &Pattern,
        background: Option<Subtracted<'_>>,
        plan: &StructurePlan,
    ) -> Result<LowRFound, StructureError> {
        match (asked.free, background) {
            (LowRFree::Background | LowRFree::DensityAndBackground, None) => {
                return Err(StructureError::Setting {
                    name: "`fit_low_r`",
                    found: "a background's scale, and there is no background".to_owned(),
                    expected: "`density` or `off`, or a background",
                });
            }
            (LowRFree::Density | LowRFree::Background | LowRFree::DensityAndBackground, _) => {}
        }
        let intensity = background.map(|background| background.intensity);
        let fit = plan.fit_low_r(pattern, intensity, asked.free, asked.r_max_angstrom)?;
        let of_scale = |factor: FittedNumber| {
            background.map(|background| FittedNumber {
                value: background.scale * factor.value,
                sigma: background.scale * factor.sigma,
            })
        };
        Ok(LowRFound {
            density_atoms_per_cubic_angstrom: fit.density,
            background_scale: fit.background_factor.and_then(of_scale),
            chi2_inv_angstrom3: fit.chi2_inv_angstrom3,
        })
    }

    /// `settings` with what was found, and nothing more to fit.
    pub fn taken_on(&self, settings: &PdfSettings) -> PdfSettings {
        let mut settings = settings.clone();
        settings.low_r_fit = None;
        match (&mut settings.structure, self.density_atoms_per_cubic_angstrom) {
            (StructureSettings::Absolute(absolute), Some(density)) => {
                absolute.density_per_cubic_angstrom = Some(density.value);
            }
            (StructureSettings::Absolute(_) | StructureSettings::PdfGetX3(_), _) => {}
        }
        settings
    }

    /// Key and value of each number for headers.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let with_sigma = |number: FittedNumber| format!("{:.6} +- {:.6}", number.value, number.sigma);
        let density = self.density_atoms_per_cubic_angstrom.map(with_sigma);
        let scale = self.background_scale.map(with_sigma);
        [
            ("low_r_fit_chi2_inv_angstrom3", Some(format!("{:.6}", self.chi2_inv_angstrom3))),
            ("low_r_fit_density_atoms_per_cubic_angstrom", density),
            ("low_r_fit_bgscale", scale),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    /// Where it is far from what was given.
    pub fn warnings(&self, density: Option<f64>, background_scale: Option<f64>) -> Vec<String> {
        let far = |found: Option<FittedNumber>, given: Option<f64>, part: f64| {
            found.zip(given).filter(|(found, given)| (found.value / given - 1.0).abs() > part)
        };
        let density = far(self.density_atoms_per_cubic_angstrom, density, FAR_DENSITY).map(|(found, given)| {
            format!(
                "fit at low r: the density found, {:.4} atoms/Å³, is far from the {given:.4} given; {SLOW_ERROR}",
                found.value
            )
        });
        let scale = far(self.background_scale, background_scale, FAR_BACKGROUND).map(|(found, given)| {
            format!(
                "fit at low r: the background's scale found, {:.4}, is far from the {given:.4} given; {SLOW_ERROR}",
                found.value
            )
        });
        density.into_iter().chain(scale).collect()
    }
}
