//! The radial axis and the sectors.

use std::f64::consts::PI;

use super::Check;
use super::filter::filter;
use crate::config::schema::{NormalizeWord, OffOr, RunFile, SectorBlock, SplittingWord, Switch, UnitWord};
use crate::config::{IntegrationSettings, NormalizeBy};
use crate::geometry::Geometry;
use crate::grid::Bins;
use crate::integrate::{Azimuth, Fold, RadialUnit, Region, Splitting};
use crate::units::two_theta_rad;

const MOST_BINS: u64 = 1_000_000;
/// More than these are not chosen for the user.
const MOST_DEFAULT_BINS: f64 = 3000.0;

/// Radial axis, splitting, normalization; `None` where the axis cannot be known.
pub(in crate::config) fn integration(
    file: &mut RunFile,
    geometry: Option<&Geometry>,
    check: &mut Check<'_>,
) -> Option<IntegrationSettings> {
    let block = &mut file.integration;
    let unit = match *block.unit.get_or_insert(UnitWord::QInvAngstrom) {
        UnitWord::QInvAngstrom => RadialUnit::QInvAngstrom,
        UnitWord::TwoThetaDeg => RadialUnit::TwoThetaDeg,
        UnitWord::DAngstrom => RadialUnit::DAngstrom,
    };
    let splitting = match *block.splitting.get_or_insert(SplittingWord::Full) {
        SplittingWord::None => Splitting::None,
        SplittingWord::BoundingBox => Splitting::BoundingBox,
        SplittingWord::Full => Splitting::Full,
    };
    let filter = filter(block.filter.get_or_insert(OffOr::Off), check);
    if let Some(exposure) = block.exposure_s {
        check.positive("integration.exposure_s", exposure);
    }
    if let Some(bins) = block.bins.filter(|bins| !(1..=MOST_BINS).contains(bins)) {
        let message = format!("found {bins}, expected 1 to {MOST_BINS} bins");
        check.problems.push("integration.bins", message, "");
    }
    let written = block.range;
    if written.is_some_and(|range| !check.range("integration.range", range)) {
        return None;
    }
    let geometry = geometry?;
    let range = match written {
        Some(range) if !is_scattered("integration.range", unit, range, geometry, check) => return None,
        Some(range) => range,
        None => match geometry.radial_range(unit) {
            Ok(range) => range,
            Err(error) => {
                check.problems.push("integration.range", error.to_string(), "");
                return None;
            }
        },
    };
    let [lower, upper] = *block.range.insert(range);
    let bins = *block.bins.get_or_insert_with(|| default_bins(unit, range, geometry));
    let count = usize::try_from(bins).ok()?;
    Some(IntegrationSettings {
        unit,
        bins: Bins { lower, upper, count },
        splitting,
        filter,
        normalize_by: match block.normalize_by.unwrap_or(NormalizeWord::None) {
            NormalizeWord::None => NormalizeBy::None,
            NormalizeWord::Exposure => NormalizeBy::Exposure,
            NormalizeWord::Monitor => NormalizeBy::Monitor,
        },
        exposure_s: block.exposure_s,
    })
}

/// Frames of the sample and of the background have to be comparable before one is subtracted from the other.
pub(super) fn comparable(file: &mut RunFile, has_background: bool, check: &mut Check<'_>) {
    if has_background && file.integration.normalize_by.is_none() {
        check.problems.push(
            "integration.normalize_by",
            "a background is subtracted, and nothing says what makes its frames comparable with the samples'",
            "write `normalize_by: exposure`, `monitor`, or `none` where all frames were exposed alike",
        );
    }
    file.integration.normalize_by.get_or_insert(NormalizeWord::None);
}

/// Whether the range can be reached by scattering at this wavelength: Q ≤ 4π/λ, 2θ ≤ 180°, d ≥ λ/2.
pub(super) fn is_scattered(
    key: &str,
    unit: RadialUnit,
    [lower, upper]: [f64; 2],
    geometry: &Geometry,
    check: &mut Check<'_>,
) -> bool {
    let wavelength = geometry.poni.wavelength_angstrom;
    let message = match unit {
        RadialUnit::QInvAngstrom if upper > 4.0 * PI / wavelength => {
            let limit = 4.0 * PI / wavelength;
            format!(
                "Q ends at {upper} Å⁻¹; at λ = {wavelength} Å nothing scatters beyond 4π/λ = {limit:.3} Å⁻¹"
            )
        }
        RadialUnit::TwoThetaDeg if upper > 180.0 => format!("2θ ends at {upper}°, expected at most 180°"),
        RadialUnit::DAngstrom if lower < 0.5 * wavelength => {
            format!(
                "d begins at {lower} Å; at λ = {wavelength} Å it is at least λ/2 = {:.4} Å",
                0.5 * wavelength
            )
        }
        RadialUnit::QInvAngstrom | RadialUnit::TwoThetaDeg | RadialUnit::DAngstrom => {
            warn_of_empty_bins(key, unit, [lower, upper], geometry, check);
            return true;
        }
    };
    check.problems.push(key, message, "");
    false
}

fn warn_of_empty_bins(
    key: &str,
    unit: RadialUnit,
    [lower, upper]: [f64; 2],
    geometry: &Geometry,
    check: &mut Check<'_>,
) {
    let Ok([first, last]) = geometry.radial_range(unit) else { return };
    if lower >= last || upper <= first {
        let message = format!("the detector covers {first:.3} to {last:.3}, nothing of [{lower}, {upper}]");
        check.problems.push(key, message, "correct the range or the geometry");
    } else if upper > last || lower < first {
        let message = format!(
            "the detector covers {first:.3} to {last:.3}; the bins of [{lower}, {upper}] beyond stay empty"
        );
        check.problems.warn(key, &message);
    }
}

/// Two bins for each pixel along the radius, L(tan 2θ_upper − tan 2θ_lower) long; at least 10, at most 3000.
fn default_bins(unit: RadialUnit, range: [f64; 2], geometry: &Geometry) -> u64 {
    let wavelength = geometry.poni.wavelength_angstrom;
    let two_theta = range.map(|value| match unit {
        RadialUnit::QInvAngstrom => two_theta_rad(value, wavelength),
        RadialUnit::TwoThetaDeg => value.to_radians(),
        RadialUnit::DAngstrom => two_theta_rad(2.0 * PI / value, wavelength),
    });
    // From 85° on the radius on a flat detector runs to infinity.
    let tangent = two_theta.map(|angle| angle.clamp(0.0, 85_f64.to_radians()).tan());
    let [slow, fast] = geometry.detector.pixel_m;
    let pixels = geometry.poni.distance_m * (tangent[1] - tangent[0]).abs() / slow.min(fast);
    (2.0 * pixels).round().clamp(10.0, MOST_DEFAULT_BINS) as u64
}

/// The full ring, then the sectors.
pub(in crate::config) fn regions(file: &mut RunFile, check: &mut Check<'_>) -> Vec<Region> {
    let names: Vec<&str> = file.sectors.iter().map(|sector| sector.name.as_str()).collect();
    check.names("sectors", &names);
    let sectors =
        file.sectors.iter_mut().enumerate().filter_map(|(index, block)| sector(index, block, check));
    let ring = Region { name: "ring".to_string(), azimuth: Azimuth::Ring };
    std::iter::once(ring).chain(sectors).collect()
}

fn sector(index: usize, block: &mut SectorBlock, check: &mut Check<'_>) -> Option<Region> {
    let key = |name: &str| format!("sectors[{index}].{name}");
    if block.name.eq_ignore_ascii_case("ring") {
        let mend = "give the sector another name";
        check.problems.push(&key("name"), "`ring` is the name of the whole ring", mend);
    }
    let (fold, widest) = match *block.fold.get_or_insert(Switch::Off) {
        Switch::On => (Fold::WithOpposite, 180.0),
        Switch::Off => (Fold::Single, 360.0),
    };
    if block.centre_deg.abs() > 360.0 {
        let message = format!("found {}°, expected −360° to 360°", block.centre_deg);
        check.problems.push(&key("centre_deg"), message, "");
    }
    let Some(width_deg) = block.width_deg else {
        let message = format!("the sector `{}` has no width", block.name.escape_debug());
        check.problems.push(
            &key("width_deg"),
            message,
            "write its full width, such as `width_deg: 10` for ±5°",
        );
        return None;
    };
    if !(width_deg > 0.0 && width_deg <= widest) {
        let why = match fold {
            Fold::WithOpposite => " for a sector that is folded with its opposite",
            Fold::Single => "",
        };
        let message = format!("found {width_deg}°, expected above 0° and at most {widest}°{why}");
        check.problems.push(&key("width_deg"), message, "");
    }
    let azimuth = Azimuth::Sector { centre_deg: block.centre_deg, width_deg, fold };
    Some(Region { name: block.name.clone(), azimuth })
}
