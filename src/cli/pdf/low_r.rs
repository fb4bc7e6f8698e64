//! `--fit-low-r`: density and background scale from what G has below the first atoms.

use std::path::Path;

use anyhow::{Context, bail};
use halor::config::PdfSettings;
use halor::structure::{LowRFree, StructureSettings};

use super::{Analysed, PdfArgs, analyse};

/// A density known by weighing is within this part, and so is what the fit finds on good data (docs/physics.md).
const FAR_DENSITY: f64 = 0.05;
/// A background's scale known from monitors, exposures and transmission is within this part.
const FAR_BACKGROUND: f64 = 0.2;
const SLOW_ERROR: &str = "most likely a slow error (absorption, fluorescence, composition, energy) has gone into it: do not use these results without a reason";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LowRWord {
    Density,
    Background,
    Both,
}

/// An analysis with what was found for it.
pub(super) struct Settled {
    pub(super) analysed: Analysed,
    pub(super) background_scale: f64,
    /// Key and value of what was fitted.
    pub(super) notes: Vec<(String, String)>,
}

/// Fits to the `nominal` analysis and does it again with the density and the background scale that come out.
pub(super) fn settle(
    args: &PdfArgs,
    path: &Path,
    word: LowRWord,
    background_scale: f64,
    nominal: &Analysed,
) -> anyhow::Result<Settled> {
    let Analysed { read, analysis, plan, .. } = nominal;
    let free = match word {
        LowRWord::Density => LowRFree::Density,
        LowRWord::Background => LowRFree::Background,
        LowRWord::Both => LowRFree::DensityAndBackground,
    };
    match free {
        LowRFree::Background | LowRFree::DensityAndBackground if read.background.is_none() => {
            bail!("--fit-low-r: a background scale needs --background");
        }
        LowRFree::Background if analysis.settings.density().is_none() => {
            bail!("--fit-low-r background needs the density; fit `both`, or give it");
        }
        LowRFree::Density | LowRFree::Background | LowRFree::DensityAndBackground => {}
    }
    let r_hole = r_hole(&analysis.settings).context("--fit-low-r needs the polynomial's r_hole")?;
    let fit = plan.structure.fit_low_r(&read.pattern, read.background.as_deref(), free, r_hole)?;
    let mut notes =
        vec![("low_r_fit_chi2_inv_angstrom3".to_owned(), format!("{:.6}", fit.chi2_inv_angstrom3))];
    let mut overrides = Vec::new();
    let mut warnings = Vec::new();
    if let (Some(found), Some(given)) = (fit.density, analysis.settings.density())
        && (found.value / given - 1.0).abs() > FAR_DENSITY
    {
        warnings.push(format!(
            "--fit-low-r: the density found, {:.4} atoms/Å³, is far from the {given:.4} given; {SLOW_ERROR}",
            found.value
        ));
    }
    if let Some(factor) = fit.background_factor.filter(|factor| (factor.value - 1.0).abs() > FAR_BACKGROUND) {
        let (found, given) = (background_scale * factor.value, background_scale);
        warnings.push(format!(
            "--fit-low-r: the background's scale found, {found:.4}, is far from the {given:.4} given; {SLOW_ERROR}"
        ));
    }
    if let Some(density) = fit.density {
        overrides.push("pdf.density_g_cm3=null".to_owned());
        overrides.push(format!("pdf.density_atoms_per_cubic_angstrom={:?}", density.value));
        let value = format!("{:.6} +- {:.6}", density.value, density.sigma);
        notes.push(("low_r_fit_density_atoms_per_cubic_angstrom".to_owned(), value));
    }
    let background_scale = match fit.background_factor {
        None => background_scale,
        Some(factor) => {
            let (scale, sigma) = (background_scale * factor.value, background_scale * factor.sigma);
            notes.push(("low_r_fit_bgscale".to_owned(), format!("{scale:.6} +- {sigma:.6}")));
            scale
        }
    };
    let mut analysed = analyse(args, path, background_scale, &overrides)?;
    analysed.read.warnings.extend(warnings);
    Ok(Settled { analysed, background_scale, notes })
}

/// Where the first atoms may begin.
fn r_hole(settings: &PdfSettings) -> Option<f64> {
    match &settings.structure {
        StructureSettings::Absolute(absolute) => absolute.polynomial.map(|p| p.r_hole_angstrom),
        StructureSettings::PdfGetX3(_) => None,
    }
}
