//! `pdf.fit_low_r`: density and background scale from what G has below the first atoms.

use halor::low_r::{LowRFitSettings, LowRFound, Subtracted};

use super::asked::{Analysed, Asked};

/// Fits to an analysis and does it again with the density and the background scale that come out, which go into `asked`; gives it with
/// key and value of what was fitted.
pub(super) fn settle(
    asked: &mut Asked<'_>,
    fit: LowRFitSettings,
    overrides: &[String],
    nominal: &Analysed,
) -> anyhow::Result<(Analysed, Vec<(String, String)>)> {
    let Analysed { read, analysis, plan, .. } = nominal;
    let scale = asked.background_scale;
    let subtracted = read.background.as_deref().map(|intensity| Subtracted { intensity, scale });
    let found = LowRFound::new(fit, &read.pattern, subtracted, &plan.structure)?;
    let warnings = found.warnings(analysis.settings.density(), Some(scale));
    let mut overrides = overrides.to_vec();
    overrides.push("pdf.fit_low_r=off".to_owned());
    if let Some(density) = found.density_atoms_per_cubic_angstrom {
        overrides.push("pdf.density_g_cm3=null".to_owned());
        overrides.push(format!("pdf.density_atoms_per_cubic_angstrom={:?}", density.value));
    }
    asked.background_scale = found.background_scale.map_or(scale, |scale| scale.value);
    let mut analysed = asked.analyse(&overrides)?;
    analysed.read.warnings.extend(warnings);
    Ok((analysed, found.notes().into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}
