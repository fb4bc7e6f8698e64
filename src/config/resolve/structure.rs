//! Settings of the way from I(Q) to S(Q).

use super::Check;
use super::pdf::Coverage;
use crate::config::schema::{
    FluorescenceWord, FormWord, LowQWord, LowRWord, NormalizationWord, OffOr, PdfBlock, PdfMode,
};
use crate::low_r::LowRFitSettings;
use crate::structure::{
    AbsoluteSettings, Fluorescence, Form, Iteration, LowQ, LowRFree, Normalization, PdfGetX3Settings,
    Polynomial,
};
use crate::units::energy_kev;

/// r limit of the polynomial in Å.
const DEFAULT_R_POLY: f64 = 1.0;

pub(super) fn keys_of_the_other_mode(mode: PdfMode, block: &PdfBlock, check: &mut Check<'_>) {
    let absolute_only = [
        ("density_atoms_per_cubic_angstrom", block.density_atoms_per_cubic_angstrom.is_some()),
        ("density_g_cm3", block.density_g_cm3.is_some()),
        ("normalization_q_min_inv_angstrom", block.normalization_q_min_inv_angstrom.is_some()),
        ("normalization", block.normalization.is_some()),
        ("structure_factor", block.structure_factor.is_some()),
        ("low_r_iterations", block.low_r_iterations.is_some()),
        ("fit_low_r", block.fit_low_r.is_some()),
        ("fluorescence", block.fluorescence.is_some()),
        ("r_hole_angstrom", block.r_hole_angstrom.is_some()),
        ("low_q", block.low_q.is_some()),
        ("systematic", block.systematic.is_some()),
        ("background_scale_sigma_percent", block.background_scale_sigma_percent.is_some()),
    ];
    let pdfgetx3_only = [("qmaxinst_inv_angstrom", block.qmaxinst_inv_angstrom.is_some())];
    let (unused, name): (&[_], _) = match mode {
        PdfMode::Absolute => (&pdfgetx3_only, "absolute"),
        PdfMode::PdfGetX3 => (&absolute_only, "pdfgetx3"),
    };
    for (key, _) in unused.iter().filter(|(_, is_given)| *is_given) {
        let message = format!("the mode `{name}` has no such setting");
        check.problems.push(&format!("pdf.{key}"), message, "remove it, or change `mode`");
    }
}

/// From this Qmax in Å⁻¹ on, scale and constant can be told apart (docs/decisions/0005).
const FAR_Q: f64 = 15.0;

pub(super) fn absolute(
    block: &mut PdfBlock,
    density: Option<f64>,
    q_range: Option<[f64; 2]>,
    coverage: Option<Coverage>,
    check: &mut Check<'_>,
) -> Option<AbsoluteSettings> {
    let polynomial = match *block.r_poly_angstrom.get_or_insert(OffOr::On(DEFAULT_R_POLY)) {
        OffOr::Off => None,
        OffOr::On(r_poly) => {
            // Tests against the exact glass: the best of 1.2 to 2.2 Å for r_poly = 1 (docs/decisions/0004).
            let r_hole = *block.r_hole_angstrom.get_or_insert(2.0 * r_poly);
            let is_good = check.positive("pdf.r_poly_angstrom", r_poly);
            if check.positive("pdf.r_hole_angstrom", r_hole) && is_good && r_poly > r_hole {
                let message =
                    format!("r_poly {r_poly} Å is above r_hole {r_hole} Å, where the first atoms may be");
                check.problems.push(
                    "pdf.r_poly_angstrom",
                    message,
                    "keep it below the shortest distance of atoms",
                );
            }
            Some(Polynomial { r_poly_angstrom: r_poly, r_hole_angstrom: r_hole })
        }
    };
    let low_q = match *block.low_q.get_or_insert(LowQWord::Quartic) {
        LowQWord::Quartic => LowQ::Quartic,
        LowQWord::Parabola => LowQ::Parabola,
        LowQWord::Constant => LowQ::Constant,
        LowQWord::Zero => LowQ::Zero,
    };
    let form = match *block.structure_factor.get_or_insert(FormWord::FaberZiman) {
        FormWord::FaberZiman => Form::FaberZiman,
        FormWord::AshcroftLangreth => Form::AshcroftLangreth,
        FormWord::Gsas2 => Form::Gsas2,
    };
    // Where atoms may begin, for the ways that know a distance: the polynomial's, or its default.
    let r_max_angstrom = match (block.r_hole_angstrom, polynomial) {
        (Some(r_hole), _) => r_hole,
        (None, Some(polynomial)) => polynomial.r_hole_angstrom,
        (None, None) => *block.r_hole_angstrom.insert(2.0 * DEFAULT_R_POLY),
    };
    let count = *block.low_r_iterations.get_or_insert(0);
    let iteration =
        (count > 0).then(|| Iteration { r_max_angstrom, count: u32::try_from(count).unwrap_or(u32::MAX) });
    let [q_min, q_max] = q_range?;
    let word = *block.normalization.get_or_insert(NormalizationWord::HighQ);
    let (normalization, fluorescence) = normalization(word, block, [q_min, q_max], r_max_angstrom, check);
    if density.is_none() {
        let uses =
            [("normalization", word != NormalizationWord::HighQ), ("low_r_iterations", iteration.is_some())];
        for (key, _) in uses.into_iter().filter(|(_, used)| *used) {
            let message = "this way needs the density of the sample";
            let mend = "write `pdf: {density_g_cm3: …}` or `pdf: {density_atoms_per_cubic_angstrom: …}`";
            check.problems.push(&format!("pdf.{key}"), message, mend);
        }
    }
    let Some(wavelength) = coverage?.wavelength_angstrom else {
        let message = "electron units need the energy: for Compton scattering, f′ and f″";
        check.problems.push("beam", message, "write `beam: {energy_kev: …}`, or `pdf: {mode: pdfgetx3}`");
        return None;
    };
    Some(AbsoluteSettings {
        energy_kev: energy_kev(wavelength),
        density_per_cubic_angstrom: density,
        q_range: [q_min, q_max],
        normalization,
        form,
        fluorescence,
        polynomial,
        iteration,
        low_q,
        multiple_scattering: None,
    })
}

/// What is fitted to G below r_hole, whose default is there already.
pub(super) fn low_r_fit(
    mode: PdfMode,
    block: &mut PdfBlock,
    check: &mut Check<'_>,
) -> Option<LowRFitSettings> {
    match mode {
        PdfMode::PdfGetX3 => return None,
        PdfMode::Absolute => {}
    }
    let free = match *block.fit_low_r.get_or_insert(OffOr::Off) {
        OffOr::Off => return None,
        OffOr::On(LowRWord::Density) => LowRFree::Density,
        OffOr::On(LowRWord::Background) => LowRFree::Background,
        OffOr::On(LowRWord::Both) => LowRFree::DensityAndBackground,
    };
    let has_density = block.density_atoms_per_cubic_angstrom.is_some() || block.density_g_cm3.is_some();
    if free == LowRFree::Background && !has_density {
        let message = "the background's scale alone is fitted to a density that is known";
        check.problems.push("pdf.fit_low_r", message, "give the density, or write `both`");
    }
    Some(LowRFitSettings { free, r_max_angstrom: block.r_hole_angstrom.unwrap_or(2.0 * DEFAULT_R_POLY) })
}

/// The way to the scale, with or without a constant.
fn normalization(
    word: NormalizationWord,
    block: &mut PdfBlock,
    [q_min, q_max]: [f64; 2],
    r_max_angstrom: f64,
    check: &mut Check<'_>,
) -> (Normalization, Fluorescence) {
    let reaches_far = q_max >= FAR_Q;
    let default = match word {
        NormalizationWord::HighQ if reaches_far => FluorescenceWord::Fit,
        NormalizationWord::HighQ | NormalizationWord::KroghMoe | NormalizationWord::LowR => {
            FluorescenceWord::None
        }
    };
    let fluorescence = match *block.fluorescence.get_or_insert(default) {
        FluorescenceWord::Fit => Fluorescence::Fit,
        FluorescenceWord::None => Fluorescence::None,
    };
    if word != NormalizationWord::HighQ && block.normalization_q_min_inv_angstrom.is_some() {
        let message = "only the normalisation `high_q` has a window";
        check.problems.push("pdf.normalization_q_min_inv_angstrom", message, "remove it");
    }
    let way = match word {
        NormalizationWord::HighQ => {
            let default = if reaches_far { 10.0_f64.max(q_min) } else { q_min.max(0.6 * q_max) };
            let from = *block.normalization_q_min_inv_angstrom.get_or_insert(default);
            if !(from >= q_min && from < q_max) {
                let message =
                    format!("found {from} Å⁻¹, expected a value from Qmin {q_min} to below Qmax {q_max}");
                check.problems.push("pdf.normalization_q_min_inv_angstrom", message, "");
            }
            Normalization::HighQ { q_min: from }
        }
        NormalizationWord::KroghMoe => {
            if fluorescence == Fluorescence::Fit {
                let message = "`krogh_moe` is one condition, from which scale and constant cannot both come";
                check.problems.push("pdf.fluorescence", message, "write `none`, or another `normalization`");
            }
            Normalization::KroghMoe
        }
        NormalizationWord::LowR => Normalization::LowR { r_max_angstrom },
    };
    (way, fluorescence)
}

pub(super) fn pdfgetx3(
    block: &mut PdfBlock,
    q_range: Option<[f64; 2]>,
    coverage: Option<Coverage>,
    check: &mut Check<'_>,
) -> Option<PdfGetX3Settings> {
    let rpoly = match *block.r_poly_angstrom.get_or_insert(OffOr::On(0.9)) {
        OffOr::On(r_poly) if check.positive("pdf.r_poly_angstrom", r_poly) => r_poly,
        OffOr::On(_) => return None,
        OffOr::Off => {
            let message = "the mode `pdfgetx3` has no F(Q) without its polynomial";
            check.problems.push("pdf.r_poly_angstrom", message, "write a number, or `mode: absolute`");
            return None;
        }
    };
    let [qmin, qmax] = q_range?;
    let qmaxinst = *block.qmaxinst_inv_angstrom.get_or_insert(coverage?.axis_end.max(qmax));
    if qmaxinst < qmax {
        let message = format!("found {qmaxinst} Å⁻¹, expected at least the end of the Q range, {qmax} Å⁻¹");
        check.problems.push("pdf.qmaxinst_inv_angstrom", message, "");
    }
    Some(PdfGetX3Settings { qmin, qmax, qmaxinst, rpoly })
}
