//! Corrections for ways that are long: absorption in the sample, parallax in the sensor.

use super::Check;
use crate::config::schema::{
    AbsorptionBlock, AbsorptionShapeWord, MultipleScatteringWord, OffOr, RunFile, Switch,
};
use crate::config::{CorrectionSettings, PdfSettings};
use crate::correct::{Container, SampleAbsorption, SampleShape, attenuation_per_m, sensor_parallax};
use crate::geometry::{Detector, Parallax};
use crate::scattering::Composition;
use crate::structure::{MultipleScattering, StructureSettings, Treatment};
use crate::units::energy_kev;

const KEY: &str = "corrections.absorption";

/// What the sample absorbs; `None` where it is off or there are problems.
pub(super) fn absorption(
    file: &mut RunFile,
    energy_kev: f64,
    check: &mut Check<'_>,
) -> Option<SampleAbsorption> {
    let composition = file.composition.as_deref();
    match file.corrections.absorption.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => sample_absorption(KEY, block, composition, energy_kev, check),
    }
}

/// What a block at `key` means; `None` where there are problems.
pub(in crate::config) fn sample_absorption(
    key: &str,
    block: &mut AbsorptionBlock,
    composition: Option<&str>,
    energy_kev: f64,
    check: &mut Check<'_>,
) -> Option<SampleAbsorption> {
    let shape = shape(key, block, check);
    let mu_per_m = coefficient(key, block, composition, energy_kev, check);
    let container = container(key, block, energy_kev, check);
    Some(SampleAbsorption { mu_per_m: mu_per_m?, shape: shape?, container: container? })
}

fn shape(at: &str, block: &mut AbsorptionBlock, check: &mut Check<'_>) -> Option<SampleShape> {
    let (name, foreign): (_, &[_]) = match block.shape {
        AbsorptionShapeWord::Slab => (
            "slab",
            &[
                ("diameter_mm", block.diameter_mm.is_some()),
                ("axis_deg", block.axis_deg.is_some()),
                ("beam_mm", block.beam_mm.is_some()),
            ],
        ),
        AbsorptionShapeWord::Cylinder => ("cylinder", &[("thickness_mm", block.thickness_mm.is_some())]),
    };
    for (key, _) in foreign.iter().filter(|(_, is_given)| *is_given) {
        let message = format!("a {name} has no such length or angle");
        check.problems.push(&format!("{at}.{key}"), message, "remove it, or change `shape`");
    }
    let mut length = |key: &str, written: Option<f64>| match written {
        Some(length_mm) => check.positive(&format!("{at}.{key}"), length_mm).then_some(length_mm),
        None => {
            let message = format!("the `{key}` of the {name} is missing");
            check.problems.push(at, message, format!("write `{key}: …`"));
            None
        }
    };
    match block.shape {
        AbsorptionShapeWord::Slab => {
            let thickness_mm = length("thickness_mm", block.thickness_mm)?;
            Some(SampleShape::Slab { thickness_m: thickness_mm / 1e3 })
        }
        AbsorptionShapeWord::Cylinder => {
            let diameter_mm = length("diameter_mm", block.diameter_mm)?;
            let beam_mm = length("beam_mm", Some(*block.beam_mm.get_or_insert(diameter_mm)))?;
            let axis_deg = *block.axis_deg.get_or_insert(90.0);
            Some(SampleShape::Cylinder {
                diameter_m: diameter_mm / 1e3,
                axis_rad: axis_deg.to_radians(),
                beam_m: beam_mm / 1e3,
            })
        }
    }
}

/// What holds the sample; an outer `None` where there are problems.
fn container(
    at: &str,
    block: &AbsorptionBlock,
    energy_kev: f64,
    check: &mut Check<'_>,
) -> Option<Option<Container>> {
    let Some(container) = &block.container else { return Some(None) };
    let at = format!("{at}.container");
    let good = check.positive(&format!("{at}.wall_mm"), container.wall_mm);
    let mu_per_m = match (&container.material, container.density_g_cm3, container.mu_inv_cm) {
        (None, None, Some(mu_inv_cm)) => {
            check.positive(&format!("{at}.mu_inv_cm"), mu_inv_cm).then_some(100.0 * mu_inv_cm)
        }
        (Some(material), Some(density), None) => {
            if !check.positive(&format!("{at}.density_g_cm3"), density) {
                return None;
            }
            match attenuation_per_m(material, density, energy_kev) {
                Ok(mu_per_m) => Some(mu_per_m),
                Err(error) => {
                    check.problems.push(&format!("{at}.material"), error.to_string(), "");
                    None
                }
            }
        }
        _ => {
            let message = "the container's attenuation is needed, in one way";
            check.problems.push(
                &at,
                message,
                "write `material: …` and `density_g_cm3: …`, or `mu_inv_cm: …`",
            );
            None
        }
    };
    good.then_some(Some(Container { mu_per_m: mu_per_m?, wall_m: container.wall_mm / 1e3 }))
}

/// μ in 1/m, as it is written or from density and composition.
fn coefficient(
    at: &str,
    block: &AbsorptionBlock,
    composition: Option<&str>,
    energy_kev: f64,
    check: &mut Check<'_>,
) -> Option<f64> {
    match (block.density_g_cm3, block.mu_inv_cm) {
        (None, Some(mu_inv_cm)) => {
            check.positive(&format!("{at}.mu_inv_cm"), mu_inv_cm).then_some(100.0 * mu_inv_cm)
        }
        (Some(density), None) => {
            if !check.positive(&format!("{at}.density_g_cm3"), density) {
                return None;
            }
            let Some(text) = composition else {
                let message =
                    "an attenuation coefficient from the density needs the composition of the samples";
                check.problems.push(
                    &format!("{at}.density_g_cm3"),
                    message,
                    "write `composition: …`, or `mu_inv_cm` here",
                );
                return None;
            };
            // What is wrong with a composition is reported with S(Q), which reads it whether it is made or not.
            let composition = Composition::parse(text).ok()?;
            let formula: String =
                composition.elements.iter().map(|(symbol, share)| format!("{symbol}{share:.9}")).collect();
            match attenuation_per_m(&formula, density, energy_kev) {
                Ok(mu_per_m) => Some(mu_per_m),
                Err(error) => {
                    check.problems.push(&format!("{at}.density_g_cm3"), error.to_string(), "");
                    None
                }
            }
        }
        (None, None) => {
            let message = "nothing says how strongly the sample absorbs";
            check.problems.push(at, message, "write `density_g_cm3: …` or `mu_inv_cm: …`");
            None
        }
        (Some(_), Some(_)) => {
            let message = "both density_g_cm3 and mu_inv_cm are given";
            check.problems.push(&format!("{at}.mu_inv_cm"), message, "keep one of them");
            None
        }
    }
}

/// What is scattered twice goes into the settings of S(Q), where the sample's shape and density are known.
pub(super) fn multiple_scattering(
    file: &mut RunFile,
    corrections: Option<&CorrectionSettings>,
    pdf: Option<&mut PdfSettings>,
    check: &mut Check<'_>,
) {
    const KEY: &str = "corrections.multiple_scattering";
    let block = file.corrections.absorption.as_ref().and_then(OffOr::on);
    let mass_density = block.and_then(|block| block.density_g_cm3);
    let default = if block.is_some() { OffOr::On(MultipleScatteringWord::Estimate) } else { OffOr::Off };
    let (word, treatment) = match *file.corrections.multiple_scattering.get_or_insert(default) {
        OffOr::Off => return,
        OffOr::On(MultipleScatteringWord::Estimate) => ("estimate", Treatment::Estimate),
        OffOr::On(MultipleScatteringWord::Subtract) => ("subtract", Treatment::Subtract),
    };
    let asked = treatment == Treatment::Subtract;
    let mut missing = |what: &str, mend: &str| {
        if asked {
            check.problems.push(KEY, format!("`{word}` needs {what}"), mend);
        }
    };
    let Some(sample) = corrections.and_then(|corrections| corrections.absorption) else {
        return missing("the sample's shape", "write `corrections: {absorption: …}`, or `off`");
    };
    let Some(pdf) = pdf else { return missing("S(Q)", "remove `pdf: off`, or write `off`") };
    let StructureSettings::Absolute(absolute) = &mut pdf.structure else {
        return missing("electron units", "write `pdf: {mode: absolute}`, or `off`");
    };
    let by_mass = || pdf.composition.number_density(mass_density?).ok();
    match absolute.density_per_cubic_angstrom.or_else(by_mass) {
        Some(density_per_cubic_angstrom) => {
            absolute.multiple_scattering =
                Some(MultipleScattering { sample, density_per_cubic_angstrom, treatment });
        }
        None => missing("the density of the sample", "write `pdf: {density_g_cm3: …}`, or `off`"),
    }
}

/// Where rays stop in the sensor, if that is asked for; an outer `None` where it cannot be known.
pub(super) fn parallax(
    file: &mut RunFile,
    detector: &Detector,
    wavelength_angstrom: f64,
    check: &mut Check<'_>,
) -> Option<Option<Parallax>> {
    const KEY: &str = "corrections.parallax";
    match (*file.corrections.parallax.get_or_insert(Switch::Off), &detector.sensor) {
        (Switch::Off, _) => Some(None),
        (Switch::On, Some(sensor)) => match sensor_parallax(sensor, energy_kev(wavelength_angstrom)) {
            Ok(parallax) => Some(Some(parallax)),
            Err(error) => {
                check.problems.push(KEY, error.to_string(), "");
                None
            }
        },
        (Switch::On, None) => {
            let message = format!("the sensor of the detector `{}` is not known", detector.name);
            let mend = "give `detector: {sensor: {material: …, density_g_cm3: …, thickness_mm: …}}`, or `parallax: off`";
            check.problems.push(KEY, message, mend);
            None
        }
    }
}
