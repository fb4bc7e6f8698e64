//! Detector corrections: which factors, in which order, and what belongs to the counts.

use super::{Check, sample};
use crate::config::CorrectionSettings;
use crate::config::schema::{BeamBlock, DeadTimeWord, OffOr, RunFile, Switch};
use crate::correct::{Correction, DeadTime, DeadTimeModel, air_path, sensor_efficiency};
use crate::geometry::Geometry;
use crate::units::energy_kev;

/// Corrections with their coefficients at the beam's energy; `None` where the geometry is not known.
pub(super) fn corrections(
    file: &mut RunFile,
    geometry: Option<&Geometry>,
    check: &mut Check<'_>,
) -> Option<CorrectionSettings> {
    if let Some(counts) = file.mask.saturated_counts {
        check.positive("mask.saturated_counts", counts);
    }
    let factor = polarization(&mut file.beam, check);
    let block = &mut file.corrections;
    let dark = match block.dark.get_or_insert(OffOr::Off) {
        OffOr::Off => Vec::new(),
        OffOr::On(patterns) => check.frames("corrections.dark", patterns),
    };
    let flat = match block.flat.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(written) => check.input_file("corrections.flat", written),
    };
    let dead_time = dead_time(block.dead_time_s.get_or_insert(OffOr::Off), check);
    let solid_angle = *block.solid_angle.get_or_insert(Switch::On);
    let is_polarized = *block.polarization.get_or_insert(Switch::On);
    let air_path_mm = block.air_path_mm.get_or_insert(OffOr::Off).on().copied().unwrap_or(0.0);
    let air_is_possible = check.not_negative("corrections.air_path_mm", air_path_mm);

    let geometry = geometry?;
    let energy = energy_kev(geometry.poni.wavelength_angstrom);
    let mut factors = Vec::new();
    if solid_angle == Switch::On {
        factors.push(Correction::SolidAngle);
    }
    if is_polarized == Switch::On {
        factors.push(Correction::Polarization { factor });
    }
    let sensor = &geometry.detector.sensor;
    if sensor.is_none() && block.sensor.is_none() {
        let message = "the sensor of the detector is not known, so its efficiency at oblique incidence is not corrected; \
                       give `detector: {sensor: {material: …, density_g_cm3: …, thickness_mm: …}}`, or `sensor: off`";
        check.problems.warn("corrections.sensor", message);
    }
    let default = if sensor.is_some() { Switch::On } else { Switch::Off };
    match (*block.sensor.get_or_insert(default), sensor) {
        (Switch::Off, _) => {}
        (Switch::On, Some(sensor)) => match sensor_efficiency(sensor, energy) {
            Ok(correction) => factors.push(correction),
            Err(error) => check.problems.push("corrections.sensor", error.to_string(), ""),
        },
        (Switch::On, None) => {
            let message = format!("the sensor of the detector `{}` is not known", geometry.detector.name);
            let mend = "give `detector: {sensor: {material: …, density_g_cm3: …, thickness_mm: …}}`, or `sensor: off`";
            check.problems.push("corrections.sensor", message, mend);
        }
    }
    if air_is_possible && air_path_mm > 0.0 {
        match air_path(air_path_mm / 1e3, energy) {
            Ok(correction) => factors.push(correction),
            Err(error) => check.problems.push("corrections.air_path_mm", error.to_string(), ""),
        }
    }
    let absorption = sample::absorption(file, energy, check);
    let saturated_counts = file.mask.saturated_counts;
    Some(CorrectionSettings { dark, flat, dead_time, saturated_counts, factors, absorption })
}

/// f of \[E3\].
pub(in crate::config) fn polarization(beam: &mut BeamBlock, check: &mut Check<'_>) -> f64 {
    let factor = *beam.polarization.get_or_insert(0.99);
    if !(-1.0..=1.0).contains(&factor) {
        let message = format!("found {factor}, expected a number from −1 (vertical) to 1 (horizontal)");
        check.problems.push("beam.polarization", message, "synchrotron beams have 0.95 to 0.99");
    }
    factor
}

fn dead_time(
    written: &OffOr<crate::config::schema::DeadTimeKeys>,
    check: &mut Check<'_>,
) -> Option<DeadTime> {
    let keys = written.on()?;
    let possible = check.not_negative("corrections.dead_time_s", keys.tau_s);
    (possible && keys.tau_s > 0.0).then_some(DeadTime {
        model: match keys.model {
            DeadTimeWord::NonParalyzable => DeadTimeModel::NonParalyzable,
            DeadTimeWord::Paralyzable => DeadTimeModel::Paralyzable,
        },
        tau_s: keys.tau_s,
    })
}
