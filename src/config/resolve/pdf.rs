//! Settings of S(Q) and G(r).

use std::f64::consts::PI;

use super::{Check, peaks, structure};
use crate::config::schema::{OffOr, PdfBlock, PdfMode, PeaksBlock, RunFile, Switch, UnitWord, WindowWord};
use crate::config::{IntegrationSettings, PdfSettings};
use crate::geometry::{Geometry, GeometryError};
use crate::grid::{Bins, Points};
use crate::integrate::RadialUnit;
use crate::pdf::{Covariance, MOST_COVARIANT_POINTS, TransformSettings, Window};
use crate::scattering::Composition;
use crate::structure::{Form, StructureSettings};
use crate::systematic::SystematicSettings;

/// Lowest Qmin and highest Qmax that are chosen for the user, Å⁻¹: below, the beam stop; beyond, most often noise.
const DEFAULT_Q: [f64; 2] = [0.5, 25.0];
/// σ of the background's scale where none is given: monitors and exposures are good to about that.
const DEFAULT_BACKGROUND_PERCENT: f64 = 1.0;
const MOST_POINTS: f64 = 1e6;
const Q_RANGE: &str = "pdf.q_range_inv_angstrom";

/// What the analysis has to know of the patterns that it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// From where to where in Q there are data, Å⁻¹.
    pub q_range: [f64; 2],
    /// Where the axis ends, Å⁻¹; the detector may end before.
    pub axis_end: f64,
    /// Distance of neighbouring points, Å⁻¹.
    pub step: f64,
    /// λ of the beam in Å, where it is known.
    pub wavelength_angstrom: Option<f64>,
}

impl Coverage {
    /// Of patterns with these bins of Q.
    ///
    /// # Errors
    /// A placement without a range of Q.
    pub fn of(geometry: &Geometry, bins: Bins) -> Result<Coverage, GeometryError> {
        let [first, last] = geometry.radial_range(RadialUnit::QInvAngstrom)?;
        Ok(Coverage {
            q_range: [bins.lower.max(first), bins.upper.min(last)],
            axis_end: bins.upper,
            step: bins.width(),
            wavelength_angstrom: Some(geometry.poni.wavelength_angstrom),
        })
    }
}

/// What follows the integration; `None` where `pdf: off`, or with problems.
pub(in crate::config) fn pdf(
    file: &mut RunFile,
    geometry: Option<&Geometry>,
    integration: Option<&IntegrationSettings>,
    check: &mut Check<'_>,
) -> Option<PdfSettings> {
    let is_off = matches!(file.pdf, Some(OffOr::Off));
    let coverage = if is_off { None } else { coverage(file, geometry, integration, check) };
    analysis(file, coverage, check)
}

fn coverage(
    file: &RunFile,
    geometry: Option<&Geometry>,
    integration: Option<&IntegrationSettings>,
    check: &mut Check<'_>,
) -> Option<Coverage> {
    if file.integration.unit != Some(UnitWord::QInvAngstrom) {
        let message = "S(Q) and G(r) are made from I(Q), and the radial axis is another";
        let mend = "write `unit: q_inv_angstrom`, or `pdf: off` to integrate only";
        check.problems.push("integration.unit", message, mend);
        return None;
    }
    match Coverage::of(geometry?, integration?.bins) {
        Ok(coverage) => Some(coverage),
        Err(error) => {
            check.problems.push(Q_RANGE, error.to_string(), "");
            None
        }
    }
}

/// S(Q), G(r) and peaks of patterns with the given coverage; `None` where `pdf: off`, or with problems.
pub(in crate::config) fn analysis(
    file: &mut RunFile,
    coverage: Option<Coverage>,
    check: &mut Check<'_>,
) -> Option<PdfSettings> {
    let composition = file.composition.as_deref().map(|text| match Composition::parse(text) {
        Ok(composition) => Some(composition),
        Err(error) => {
            check.problems.push("composition", error.to_string(), "");
            None
        }
    });
    let block = match file.pdf.get_or_insert_with(|| OffOr::On(PdfBlock::default())) {
        OffOr::Off => {
            if file.peaks.is_some() {
                check.problems.warn("peaks", "peaks are not measured: `pdf` is off");
            }
            return None;
        }
        OffOr::On(block) => block,
    };
    if composition.is_none() {
        let message = "S(Q) needs the composition of the samples";
        let mend =
            "write for example `composition: Zr62 Cu15.5 Ni12.5 Al10`, or `pdf: off` to integrate only";
        check.problems.push("composition", message, mend);
    }
    let composition = composition.flatten();
    let mode = *block.mode.get_or_insert(PdfMode::Absolute);
    structure::keys_of_the_other_mode(mode, block, check);
    let density = density(block, composition.as_ref(), check);
    let r = r_axis(block, coverage, check);
    let q_range = q_range(block, mode, coverage, check);
    let window = match *block.window.get_or_insert(match mode {
        PdfMode::Absolute => WindowWord::Lorch,
        PdfMode::PdfGetX3 => WindowWord::None,
    }) {
        WindowWord::None => Window::None,
        WindowWord::Lorch => Window::Lorch,
        WindowWord::SoperBarney => Window::SoperBarney,
        WindowWord::Cosine => Window::Cosine,
    };
    let structure = match mode {
        PdfMode::Absolute => {
            structure::absolute(block, density, q_range, coverage, check).map(StructureSettings::Absolute)
        }
        PdfMode::PdfGetX3 => {
            structure::pdfgetx3(block, q_range, coverage, check).map(StructureSettings::PdfGetX3)
        }
    };
    let systematic = systematic(block, mode, check);
    let covariance = covariance(block, r, check);
    let low_r_fit = structure::low_r_fit(mode, block, check);
    let has_density = block.density_atoms_per_cubic_angstrom.is_some() || block.density_g_cm3.is_some();
    let written = file.peaks.get_or_insert_with(PeaksBlock::default);
    let r_range = r.map(|r| [r.start, r.at(r.count - 1)]);
    let peaks = peaks::peaks(written, mode, has_density, q_range, r_range, check);
    let other_form = match &structure {
        Some(StructureSettings::Absolute(absolute)) => absolute.form != Form::FaberZiman,
        Some(StructureSettings::PdfGetX3(_)) | None => false,
    };
    if other_form && peaks.coordination_number.is_some() {
        let message = "only Faber–Ziman's S(Q) counts atoms";
        let mend = "write `structure_factor: faber_ziman`, or `coordination_number: off`";
        check.problems.push("peaks.coordination_number", message, mend);
    }
    Some(PdfSettings {
        composition: composition?,
        structure: structure?,
        transform: TransformSettings { window, r: r? },
        peaks,
        systematic,
        covariance,
        low_r_fit,
    })
}

/// What of the choices of the analysis goes into σ_syst; nothing on a relative scale.
fn systematic(block: &mut PdfBlock, mode: PdfMode, check: &mut Check<'_>) -> Option<SystematicSettings> {
    if mode == PdfMode::PdfGetX3 || *block.systematic.get_or_insert(Switch::On) == Switch::Off {
        return None;
    }
    let key = "pdf.background_scale_sigma_percent";
    let percent = *block.background_scale_sigma_percent.get_or_insert(DEFAULT_BACKGROUND_PERCENT);
    check.not_negative(key, percent).then_some(SystematicSettings { background_scale_sigma: 0.01 * percent })
}

fn covariance(block: &mut PdfBlock, r: Option<Points>, check: &mut Check<'_>) -> Covariance {
    match *block.covariance.get_or_insert(Switch::Off) {
        Switch::Off => Covariance::Diagonal,
        Switch::On => {
            if let Some(r) = r.filter(|r| r.count > MOST_COVARIANT_POINTS) {
                let message = format!(
                    "the covariance of {} points of r would be a file of {:.1} GiB",
                    r.count,
                    8.0 * (r.count as f64 / 32768.0).powi(2)
                );
                let mend = format!(
                    "have at most {MOST_COVARIANT_POINTS} of them by `r_step_angstrom` or `r_range_angstrom`"
                );
                check.problems.push("pdf.covariance", message, &mend);
            }
            Covariance::Full
        }
    }
}

/// ρ0 in atoms per Å³.
fn density(block: &PdfBlock, composition: Option<&Composition>, check: &mut Check<'_>) -> Option<f64> {
    match (block.density_atoms_per_cubic_angstrom, block.density_g_cm3) {
        (None, None) => None,
        (Some(number), None) => {
            check.positive("pdf.density_atoms_per_cubic_angstrom", number).then_some(number)
        }
        (None, Some(mass)) => {
            if !check.positive("pdf.density_g_cm3", mass) {
                return None;
            }
            match composition?.number_density(mass) {
                Ok(number) => Some(number),
                Err(error) => {
                    check.problems.push("pdf.density_g_cm3", error.to_string(), "");
                    None
                }
            }
        }
        (Some(_), Some(_)) => {
            let message = "both density_g_cm3 and density_atoms_per_cubic_angstrom are given";
            check.problems.push("pdf.density_g_cm3", message, "keep one of them");
            None
        }
    }
}

/// Qmin and Qmax, where there are data.
fn q_range(
    block: &mut PdfBlock,
    mode: PdfMode,
    coverage: Option<Coverage>,
    check: &mut Check<'_>,
) -> Option<[f64; 2]> {
    if block.q_range_inv_angstrom.is_some_and(|range| !check.range(Q_RANGE, range)) {
        return None;
    }
    let Coverage { q_range: available, step, .. } = coverage?;
    let Some(range) = block.q_range_inv_angstrom else {
        let range = [available[0].max(DEFAULT_Q[0]), available[1].min(DEFAULT_Q[1])];
        if range[0] >= range[1] {
            let message = format!("the pattern has only Q = {:.3} to {:.3} Å⁻¹", available[0], available[1]);
            check.problems.push(Q_RANGE, message, "correct `integration: {range: …}` or the geometry");
            return None;
        }
        block.q_range_inv_angstrom = Some(range);
        return Some(range);
    };
    // PDFgetX3 holds the first intensity down to Qmin.
    let starts_below = match mode {
        PdfMode::Absolute => range[0] < available[0] - step,
        PdfMode::PdfGetX3 => false,
    };
    // The ends may be written as rounded values of the pattern's ends.
    if starts_below || range[1] > available[1] + step {
        let message = format!(
            "[{}, {}] goes beyond the pattern, which runs from Q = {:.3} to {:.3} Å⁻¹",
            range[0], range[1], available[0], available[1]
        );
        check.problems.push(Q_RANGE, message, "narrow it; in a run file, or widen `integration: {range: …}`");
        return None;
    }
    Some(range)
}

fn r_axis(block: &mut PdfBlock, coverage: Option<Coverage>, check: &mut Check<'_>) -> Option<Points> {
    let range = *block.r_range_angstrom.get_or_insert([0.0, 30.0]);
    let step = *block.r_step_angstrom.get_or_insert(0.01);
    let is_range = check.range("pdf.r_range_angstrom", range);
    if !check.positive("pdf.r_step_angstrom", step) || !is_range {
        return None;
    }
    let [start, end] = range;
    // A last point that rounding moved beyond the end still counts.
    let count = ((end - start) / step + 1e-6).floor() + 1.0;
    if !(2.0..=MOST_POINTS).contains(&count) {
        let message =
            format!("[{start}, {end}] in steps of {step} Å has {count} points, expected 2 to {MOST_POINTS}");
        check.problems.push("pdf.r_step_angstrom", message, "");
        return None;
    }
    if let Some(width) = coverage.map(|coverage| coverage.step)
        && end > PI / width
    {
        let message = format!("bins of {width:.4} Å⁻¹ carry nothing beyond r = π/ΔQ = {:.1} Å", PI / width);
        check.problems.warn("pdf.r_range_angstrom", &message);
    }
    Some(Points { start, step, count: count as usize })
}
