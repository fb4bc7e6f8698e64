//! Corrections that need an attenuation coefficient, from the tables of Elam, Ravel & Sieber (2002) in the xraydb crate.
//!
//! The tables take time to load; they are read by the first call only.

use xraydb::{CrossSectionKind, XrayDb, XrayDbError};

use super::Correction;
use crate::geometry::{Parallax, Sensor};

/// Why there is no attenuation coefficient.
#[derive(Debug, thiserror::Error)]
pub enum AttenuationError {
    /// The tables end before this energy.
    #[error(
        "no attenuation coefficient at {energy_kev} keV; the tables reach from {lowest_kev} to {highest_kev} keV"
    )]
    Energy {
        /// What was asked for.
        energy_kev: f64,
        /// First energy of the tables.
        lowest_kev: f64,
        /// Last energy of the tables.
        highest_kev: f64,
    },
    /// A length that cannot be.
    #[error("{what} is {found_m} m; it must be finite and not below 0")]
    Length {
        /// Which length.
        what: &'static str,
        /// Its value.
        found_m: f64,
    },
    /// The material's formula or density is not usable, or the tables are broken.
    #[error("no attenuation coefficient of {material}: {source}; correct the formula or the density")]
    Material {
        /// Formula.
        material: String,
        /// The library's reason.
        source: XrayDbError,
    },
}

/// Dry air near sea level: mass fractions, and density at 20 °C and 1 atm (NIST compound table).
const DRY_AIR: [(&str, f64); 4] = [("C", 0.000_124), ("N", 0.755_268), ("O", 0.231_781), ("Ar", 0.012_827)];
const DRY_AIR_G_CM3: f64 = 1.204_79e-3;

/// η/η0 of \[E5\] for this sensor at the beam's energy.
///
/// μ is the total attenuation coefficient: a photon reaches the depth z with exp(−μz) whatever would remove it, and the
/// share of the removed ones that is counted, about μ_photo/μ, does not depend on the angle and cancels in the ratio.
///
/// # Errors
/// An energy outside the tables, an impossible thickness, a formula or density that cannot be used.
pub fn sensor_efficiency(sensor: &Sensor, energy_kev: f64) -> Result<Correction, AttenuationError> {
    check_length("the sensor's thickness", sensor.thickness_m)?;
    let mu_per_m = attenuation_per_m(&sensor.material, sensor.density_g_cm3, energy_kev)?;
    Ok(Correction::SensorEfficiency { mu_per_m, thickness_m: sensor.thickness_m })
}

/// Where rays stop in this sensor at the beam's energy \[E6\].
///
/// # Errors
/// As [`sensor_efficiency`].
pub fn sensor_parallax(sensor: &Sensor, energy_kev: f64) -> Result<Parallax, AttenuationError> {
    check_length("the sensor's thickness", sensor.thickness_m)?;
    let mu_per_m = attenuation_per_m(&sensor.material, sensor.density_g_cm3, energy_kev)?;
    Ok(Parallax { mu_per_m, thickness_m: sensor.thickness_m })
}

/// Total attenuation coefficient of a material: chemical formula without spaces, and density.
///
/// # Errors
/// An energy outside the tables, a formula or density that cannot be used.
pub fn attenuation_per_m(
    formula: &str,
    density_g_cm3: f64,
    energy_kev: f64,
) -> Result<f64, AttenuationError> {
    let material = |source| AttenuationError::Material { material: formula.to_owned(), source };
    let mu_per_cm = tables(energy_kev, formula)?
        .material_mu_at(formula, density_g_cm3, energy_kev * 1e3, CrossSectionKind::Total)
        .map_err(material)?;
    Ok(100.0 * mu_per_cm)
}

/// Attenuation of the scattered rays by `length_m` of dry air at 20 °C and 1 atm, total attenuation coefficient.
///
/// # Errors
/// An energy outside the tables, an impossible length.
pub fn air_path(length_m: f64, energy_kev: f64) -> Result<Correction, AttenuationError> {
    check_length("the air path", length_m)?;
    let material = |source| AttenuationError::Material { material: "air".to_owned(), source };
    let mu_per_cm = tables(energy_kev, "air")?
        .material_mu_from_mass_fractions(
            &DRY_AIR,
            DRY_AIR_G_CM3,
            &[energy_kev * 1e3],
            CrossSectionKind::Total,
        )
        .map_err(material)?;
    Ok(Correction::AirPath { mu_per_m: 100.0 * mu_per_cm.iter().sum::<f64>(), length_m })
}

/// The tables, if they reach this energy; beyond their ends the library would return the end's value.
fn tables(energy_kev: f64, material: &str) -> Result<XrayDb, AttenuationError> {
    let (lowest_ev, highest_ev) = XrayDb::elam_energy_range();
    let (lowest_kev, highest_kev) = (1e-3 * lowest_ev, 1e-3 * highest_ev);
    if !(lowest_kev..=highest_kev).contains(&energy_kev) {
        return Err(AttenuationError::Energy { energy_kev, lowest_kev, highest_kev });
    }
    XrayDb::try_new().map_err(|source| AttenuationError::Material { material: material.to_owned(), source })
}

fn check_length(what: &'static str, found_m: f64) -> Result<(), AttenuationError> {
    if found_m.is_finite() && found_m >= 0.0 {
        return Ok(());
    }
    Err(AttenuationError::Length { what, found_m })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Detector;

    fn mu_per_cm(correction: Correction) -> f64 {
        match correction {
            Correction::SensorEfficiency { mu_per_m, .. } | Correction::AirPath { mu_per_m, .. } => {
                0.01 * mu_per_m
            }
            Correction::SolidAngle | Correction::Polarization { .. } => f64::NAN,
        }
    }

    #[test]
    fn attenuation_agrees_with_other_tables() {
        let sensor = Detector::named("Pilatus CdTe 2M").unwrap().sensor.unwrap();
        // docs/physics.md has two digits: 7.3 1/cm.
        assert!((mu_per_cm(sensor_efficiency(&sensor, 112.0).unwrap()) - 7.3).abs() < 0.05);
        // NIST (Hubbell & Seltzer) at 100 keV: Si 0.1835 cm²/g, dry air 0.1541 cm²/g, both total. The two compilations
        // agree within 1 %.
        let silicon = Sensor { material: "Si".to_owned(), density_g_cm3: 2.329, thickness_m: 4.5e-4 };
        let mu = mu_per_cm(sensor_efficiency(&silicon, 100.0).unwrap());
        assert!((mu / (0.1835 * 2.329) - 1.0).abs() < 0.01, "{mu}");
        let mu = mu_per_cm(air_path(1.0, 100.0).unwrap());
        assert!((mu / (0.1541 * 1.20479e-3) - 1.0).abs() < 0.01, "{mu}");
    }

    #[test]
    fn what_has_no_coefficient_is_an_error() {
        let sensor = Sensor { material: "Unobtainium".to_owned(), density_g_cm3: 5.0, thickness_m: 1e-3 };
        assert!(sensor_efficiency(&sensor, 60.0).unwrap_err().to_string().contains("Unobtainium"));
        let dense = Sensor { material: "Si".to_owned(), density_g_cm3: -1.0, thickness_m: 1e-3 };
        assert!(sensor_efficiency(&dense, 60.0).is_err());
        for energy_kev in [0.0, 2000.0, f64::NAN] {
            assert!(air_path(1.0, energy_kev).unwrap_err().to_string().contains("keV"));
        }
        assert!(air_path(-1.0, 60.0).is_err());
    }
}
