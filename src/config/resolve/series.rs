//! What is compared with what.

use super::Check;
use crate::anisotropy::{AnisotropySettings, Azimuths, FEWEST_BINS, MOST_BINS};
use crate::config::schema::{OffOr, OutliersWord, RunFile, SubPeakShapeWord, Switch};
use crate::config::{PdfSettings, Sample};
use crate::integrate::Fold;
use crate::peaks::{SubPeakSettings, SubPeakShape, radius};
use crate::series::{Outliers, SeriesSettings};
use crate::structure::StructureSettings;

const DEFAULT_BINS: u64 = 36;
const DEFAULT_SUB_PEAKS: u64 = 3;
const MOST_SUB_PEAKS: u64 = 6;
const DEFAULT_CONFIDENCE_PERCENT: f64 = 95.0;
/// Where S of a glass has lost what shifts could be seen by, Å⁻¹.
const DEFAULT_Q_MAX: f64 = 12.0;

/// Anisotropy along the azimuth; `None` where it is off, or with problems.
pub(super) fn anisotropy(
    file: &mut RunFile,
    pdf: Option<&PdfSettings>,
    samples: &[Sample],
    check: &mut Check<'_>,
) -> Option<AnisotropySettings> {
    let pdf_is_off = matches!(file.pdf, Some(OffOr::Off));
    let OffOr::On(block) = file.anisotropy.get_or_insert(OffOr::Off) else { return None };
    if pdf_is_off {
        let mend = "remove `pdf: off`, or write `anisotropy: off`";
        check.problems.push("anisotropy", "it is taken from S(Q), and `pdf` is off", mend);
        return None;
    }
    let bins = *block.azimuth_bins.get_or_insert(DEFAULT_BINS);
    let key = "anisotropy.azimuth_bins";
    if !(FEWEST_BINS..=MOST_BINS).contains(&bins) {
        let message = format!("found {bins}, expected {FEWEST_BINS} to {MOST_BINS} sectors of a turn");
        check.problems.push(key, message, "");
        return None;
    }
    let fold = match *block.fold.get_or_insert(Switch::Off) {
        Switch::On => Fold::WithOpposite,
        Switch::Off => Fold::Single,
    };
    if fold == Fold::WithOpposite && (bins % 2 == 1 || bins / 2 < FEWEST_BINS) {
        let message = format!("found {bins}, expected an even number of at least {}", 2 * FEWEST_BINS);
        check.problems.push(key, message, "or write `fold: off`");
        return None;
    }
    let load_axis_deg = *block.load_axis_deg.get_or_insert(0.0);
    if !(-360.0..=360.0).contains(&load_axis_deg) {
        let message = format!("found {load_axis_deg}°, expected −360° to 360°");
        check.problems.push("anisotropy.load_axis_deg", message, "");
    }
    if let Some(name) = &block.reference {
        known("anisotropy.reference", name, samples, check);
    }
    let written = block.q_range_inv_angstrom;
    let key = "anisotropy.q_range_inv_angstrom";
    if written.is_some_and(|range| !check.range(key, range)) {
        return None;
    }
    let available = match &pdf?.structure {
        StructureSettings::Absolute(absolute) => absolute.q_range,
        StructureSettings::PdfGetX3(settings) => [settings.qmin, settings.qmax],
    };
    let [low, high] = written.unwrap_or([available[0], available[1].min(DEFAULT_Q_MAX)]);
    if low < available[0] || high > available[1] {
        let message = format!("[{low}, {high}] goes beyond S(Q), {} to {} Å⁻¹", available[0], available[1]);
        check.problems.push(key, message, "narrow it, or widen `pdf.q_range_inv_angstrom`");
    }
    block.q_range_inv_angstrom = Some([low, high]);
    Some(AnisotropySettings {
        azimuths: Azimuths::new(bins as usize, fold),
        load_axis_deg,
        q_range: [low, high],
        reference: block.reference.clone(),
    })
}

/// The first peak as a sum of Gaussians; `None` where it is off, or with problems.
pub(super) fn sub_peaks(
    file: &mut RunFile,
    pdf: Option<&PdfSettings>,
    check: &mut Check<'_>,
) -> Option<SubPeakSettings> {
    let pdf_is_off = matches!(file.pdf, Some(OffOr::Off));
    let OffOr::On(block) = file.sub_peaks.get_or_insert(OffOr::Off) else { return None };
    let counts_atoms = pdf.is_some_and(|pdf| pdf.density().is_some());
    if pdf_is_off || (pdf.is_some() && !counts_atoms) {
        let message = "they are fitted to 4πr²ρ(r), which needs the density and the absolute mode";
        let mend = "write `pdf: {density_g_cm3: …}`, or `sub_peaks: off`";
        check.problems.push("sub_peaks", message, mend);
        return None;
    }
    let most = *block.most.get_or_insert(DEFAULT_SUB_PEAKS);
    if !(1..=MOST_SUB_PEAKS).contains(&most) {
        let message = format!("found {most}, expected 1 to {MOST_SUB_PEAKS} Gaussians");
        check.problems.push("sub_peaks.most", message, "");
    }
    let shape = match *block.shape.get_or_insert(SubPeakShapeWord::Gaussian) {
        SubPeakShapeWord::Gaussian => SubPeakShape::Gaussian,
        SubPeakShapeWord::GaussianOrSkewed => SubPeakShape::GaussianOrSkewed,
    };
    let key = "sub_peaks.r_range_angstrom";
    let Some(r_range) = block.r_range_angstrom else {
        let mend =
            "write from before the first atoms to the minimum behind the first peak, such as `[2.0, 3.9]`";
        check.problems.push(key, "the range of r is not given", mend);
        return None;
    };
    if !check.range(key, r_range) {
        return None;
    }
    let axis = pdf?.transform.r;
    let [start, end] = [axis.start, axis.at(axis.count - 1)];
    if r_range[0] < start || r_range[1] > end {
        let message = format!("[{}, {}] goes beyond G(r), {start} to {end} Å", r_range[0], r_range[1]);
        check.problems.push(key, message, "narrow it, or widen `pdf.r_range_angstrom`");
    }
    let elements = pdf?.composition.elements.iter().map(|(element, _)| element.as_str());
    let unknown: Vec<&str> = elements.filter(|element| radius(element).is_none()).collect();
    if !unknown.is_empty() {
        let message = format!(
            "no radius in metallic glasses is known of {}, where distances begin",
            unknown.join(", ")
        );
        check.problems.push("sub_peaks", message, "write `sub_peaks: off`");
        return None;
    }
    Some(SubPeakSettings { r_range, most: most.min(MOST_SUB_PEAKS) as usize, shape })
}

/// What the samples are compared with, and how sure verdicts are.
pub(super) fn series(file: &mut RunFile, samples: &[Sample], check: &mut Check<'_>) -> SeriesSettings {
    let block = &mut file.series;
    if block.reference.is_none() && samples.len() > 1 {
        block.reference = samples.first().map(|sample| sample.name.clone());
    }
    if let Some(name) = &block.reference {
        known("series.reference", name, samples, check);
    }
    let percent = *block.confidence_percent.get_or_insert(DEFAULT_CONFIDENCE_PERCENT);
    if !(50.0..100.0).contains(&percent) {
        let message = format!("found {percent} %, expected 50 to below 100");
        check.problems.push("series.confidence_percent", message, "");
    }
    SeriesSettings {
        reference: block.reference.clone(),
        confidence: 0.01 * percent,
        outliers: match *block.outliers.get_or_insert(OutliersWord::Flag) {
            OutliersWord::Keep => Outliers::Keep,
            OutliersWord::Flag => Outliers::Flag,
            OutliersWord::LeaveOut => Outliers::LeaveOut,
        },
    }
}

fn known(key: &str, name: &str, samples: &[Sample], check: &mut Check<'_>) {
    if samples.iter().all(|sample| sample.name != name) {
        let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
        let message = format!("`{}` is no sample of the series", name.escape_debug());
        check.problems.push(key, message, format!("the samples are {}", names.join(", ")));
    }
}
