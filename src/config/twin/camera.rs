//! The instrument of a twin file.

use super::schema::{BeamStopBlock, Centre, TwinFile};
use crate::config::MaskSettings;
use crate::config::resolve::{Check, geometry, polarization};
use crate::config::schema::{OffOr, RunFile, Switch};
use crate::geometry::Geometry;
use crate::simulate::noise::COUNTER_FULL;
use crate::simulate::rays::{AirPath, Placement, SensorAbsorption};
use crate::simulate::{Arm, BeamStop, Camera, Exposures, FlatField, HotPixels, Masking, Parallax, Zingers};
use crate::units::energy_kev;

/// A pixel is averaged over 20 × 20 points at most.
const MOST_POINTS: u64 = 20;

/// Standard deviations relative to 1.
const SPREADS: std::ops::RangeInclusive<f64> = 0.0..=0.3;
/// More hits in a frame are no zingers.
const MOST_ZINGERS: f64 = 1e5;
/// Counters of 32 bits hold it.
const MOST_COUNTS: f64 = 2e9;

/// The camera; `None` where there are problems.
pub(super) fn camera(file: &mut TwinFile, check: &mut Check<'_>) -> Option<Camera> {
    let geometry = placed(file, check);
    let polarization = polarization(&mut file.beam, check);
    let oversampling = *file.oversampling.get_or_insert(3);
    if !(1..=MOST_POINTS).contains(&oversampling) {
        let message =
            format!("found {oversampling}, expected 1 to {MOST_POINTS} points along each side of a pixel");
        check.problems.push("oversampling", message, "");
    }
    let counting = &mut file.counting;
    let exposure_s = *counting.exposure_s.get_or_insert(60.0);
    check.positive("counting.exposure_s", exposure_s);
    let constant_counts = *counting.constant_counts.get_or_insert(0.0);
    check.not_negative("counting.constant_counts", constant_counts);
    let saturated = *counting.saturated_counts.get_or_insert(COUNTER_FULL as u64);
    let saturated_counts = i32::try_from(saturated).ok().filter(|counts| *counts > 0);
    if saturated_counts.is_none() {
        let message = format!("found {saturated}, expected 1 to {}", i32::MAX);
        check.problems.push("counting.saturated_counts", message, "a counter of 20 bits ends at 1048575");
    }
    let exposures = exposures(file, check);
    let hot_pixels = match file.hot_pixels.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => {
            check.positive("hot_pixels.counts_per_s", block.counts_per_s);
            let masking = match *block.masked.get_or_insert(Switch::Off) {
                Switch::On => Masking::Masked,
                Switch::Off => Masking::Unmasked,
            };
            let count = usize::try_from(block.count).unwrap_or(usize::MAX);
            Some(HotPixels { count, counts_per_s: block.counts_per_s, masking })
        }
    };
    let flat = file.flat.get_or_insert(OffOr::Off).on().map(|block| {
        for (key, spread) in
            [("flat.module_spread", block.module_spread), ("flat.pixel_spread", block.pixel_spread)]
        {
            if !SPREADS.contains(&spread) {
                let message = format!("found {spread}, expected 0 to {}", SPREADS.end());
                check.problems.push(key, message, "it is a standard deviation relative to 1");
            }
        }
        FlatField { module_spread: block.module_spread, pixel_spread: block.pixel_spread }
    });
    let dead_pixels = *file.dead_pixels.get_or_insert(0);
    let seed = *file.seed.get_or_insert(1);
    let geometry = geometry?;
    let beam_stop = match file.beam_stop.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => Some(beam_stop(block, &geometry, check)),
    };
    let energy = energy_kev(geometry.poni.wavelength_angstrom);
    let sensor = geometry.detector.sensor.as_ref().map(|sensor| SensorAbsorption::of(sensor, energy));
    let sensor = sensor.transpose().map_err(|error| {
        check.problems.push("detector.sensor", error.to_string(), "");
    });
    let sensor = sensor.ok()?;
    let air_path_mm = file.air_path_mm.get_or_insert(OffOr::Off).on().copied().unwrap_or(0.0);
    let air_is_possible = check.not_negative("air_path_mm", air_path_mm) && air_path_mm > 0.0;
    let air = air_is_possible.then(|| AirPath::of(air_path_mm / 1e3, energy)).transpose().map_err(|error| {
        check.problems.push("air_path_mm", error.to_string(), "");
    });
    let default = if sensor.is_some() { Switch::On } else { Switch::Off };
    let parallax = match (*file.parallax.get_or_insert(default), sensor) {
        (Switch::Off, _) => Parallax::Ignored,
        (Switch::On, Some(sensor)) => Parallax::Modelled(sensor),
        (Switch::On, None) => {
            let message = format!("the sensor of the detector `{}` is not known", geometry.detector.name);
            let mend = "give `detector: {sensor: {material: …, density_g_cm3: …, thickness_mm: …}}`";
            check.problems.push("parallax", message, mend);
            Parallax::Ignored
        }
    };
    Some(Camera {
        geometry,
        polarization,
        sensor,
        parallax,
        oversampling: usize::try_from(oversampling).ok()?,
        constant_counts,
        beam_stop,
        dead_pixels: usize::try_from(dead_pixels).ok()?,
        hot_pixels,
        flat,
        saturated_counts: saturated_counts?,
        seed,
        exposure_s,
        exposures,
        air: air.ok()?,
    })
}

/// How frames differ.
fn exposures(file: &mut TwinFile, check: &mut Check<'_>) -> Exposures {
    let flux_spread = *file.counting.beam_spread.get_or_insert(0.0);
    if !SPREADS.contains(&flux_spread) {
        let message = format!("found {flux_spread}, expected 0 to {}", SPREADS.end());
        check.problems.push("counting.beam_spread", message, "it is a standard deviation relative to 1");
    }
    let monitor_counts_per_s = file.counting.monitor_counts_per_s;
    if let Some(rate) = monitor_counts_per_s {
        check.positive("counting.monitor_counts_per_s", rate);
    }
    let zingers = file.zingers.get_or_insert(OffOr::Off).on().map(|block| {
        let [least, most] = block.counts;
        if !(0.0..=MOST_ZINGERS).contains(&block.per_frame) {
            let message = format!("found {}, expected 0 to {MOST_ZINGERS} hits", block.per_frame);
            check.problems.push("zingers.per_frame", message, "a frame of a minute has some ten");
        }
        if !(least >= 1.0 && most >= least && most <= MOST_COUNTS) {
            let message = format!("found [{least}, {most}], expected 1 ≤ least ≤ most ≤ {MOST_COUNTS}");
            check.problems.push("zingers.counts", message, "write for example [1000, 100000]");
        }
        Zingers { per_frame: block.per_frame, counts: block.counts }
    });
    Exposures { flux_spread, monitor_counts_per_s, zingers }
}

/// The placed detector, by the run file's code; the beam has to meet it.
fn placed(file: &mut TwinFile, check: &mut Check<'_>) -> Option<Geometry> {
    let mut run = RunFile {
        beam: file.beam.clone(),
        detector: file.detector.clone(),
        geometry: file.geometry.clone(),
        ..RunFile::default()
    };
    let placed = geometry(&mut run, None, &MaskSettings::default(), check);
    (file.beam, file.detector, file.geometry) = (run.beam, run.detector, run.geometry);
    let placed = placed?;
    if placed.detector.displacement.is_some() {
        let message = "pixels of the simulation lie on the grid";
        check.problems.push("geometry.displacement_px", message, "leave it out");
        return None;
    }
    let shape = placed.detector.shape;
    let [column, row] = Placement::new(&placed).beam_centre_px();
    if !((0.0..=shape.columns as f64).contains(&column) && (0.0..=shape.rows as f64).contains(&row)) {
        let message = format!(
            "the beam would meet column {column:.1} and row {row:.1}, the detector is {shape} pixels (rows × columns)"
        );
        let key = ["geometry.poni1_m", "geometry.beam_centre_px", "geometry.poni"];
        let given = file.geometry.as_ref().map(|block| &block.0);
        let key = match given {
            Some(keys) if keys.poni1_m.is_some() => key[0],
            Some(keys) if keys.beam_centre_px.is_some() => key[1],
            Some(_) | None => key[2],
        };
        check.problems.push(key, message, "poni1_m is along the rows, poni2_m along the columns");
        return None;
    }
    Some(placed)
}

fn beam_stop(block: &mut BeamStopBlock, geometry: &Geometry, check: &mut Check<'_>) -> BeamStop {
    check.positive("beam_stop.radius_px", block.radius_px);
    let centre_px = match *block.centre_px.get_or_insert(Centre::Automatic) {
        Centre::Automatic => Placement::new(geometry).beam_centre_px(),
        Centre::At(centre) => centre,
    };
    let arm = block.arm.as_ref().map(|arm| {
        check.positive("beam_stop.arm.width_px", arm.width_px);
        Arm { towards_rad: arm.towards_deg.to_radians(), width_px: arm.width_px }
    });
    BeamStop { centre_px, radius_px: block.radius_px, arm }
}
