//! Beam, detector and placement: from the run file and the .poni file; the run file goes first.

use super::calibration::calibrated;
use super::sample::parallax;
use super::{Check, written_in};
use crate::config::MaskSettings;
use crate::config::schema::{DetectorBlock, GeometryKeys, PixelSize, RunFile, SensorBlock};
use crate::frame::{FrameAddress, Shape, peek_shape};
use crate::geometry::{Detector, Displacement, Geometry, Orientation, Poni, PoniFile, Sensor};
use crate::units::{energy_kev, wavelength_angstrom};

/// Energies that differ by more are not the same beam.
const SAME_ENERGY: f64 = 1e-3;
/// Photon energies that X-ray optics deliver; outside, most likely the unit is wrong.
const ENERGIES_KEV: [f64; 2] = [1.0, 1000.0];

/// The placed detector; `None` where there are problems. What the .poni file says is written into `file`.
pub(in crate::config) fn geometry(
    file: &mut RunFile,
    first_frame: Option<&FrameAddress>,
    mask: &MaskSettings,
    check: &mut Check<'_>,
) -> Option<Geometry> {
    let wavelength = wavelength(file, check);
    let Some(block) = &mut file.geometry else {
        let mend =
            "write `geometry: ceo2.poni`, or `geometry: {distance_mm: …, beam_centre_px: [column, row]}`";
        check.problems.push("geometry", "nothing says where the detector is", mend);
        return None;
    };
    let keys = &mut block.0;
    let poni_file = if keys.poni.is_some() {
        let poni_file = poni_file(keys, check);
        if poni_file.is_none() && file.detector.as_ref().is_some_and(names_a_detector) {
            // Its mistakes are told with the others.
            detector(&mut file.detector, None, first_frame, check);
        }
        Some(poni_file?)
    } else {
        None
    };
    let detector = detector(&mut file.detector, poni_file.as_ref(), first_frame, check)
        .and_then(|detector| displaced(keys, detector, check));
    let Some(poni_file) = poni_file else {
        let detector = detector?;
        let wavelength = wavelength.ok()?.or_else(|| {
            let mend = "write `beam: {energy_kev: …}`";
            check.problems.push("beam", "nothing says the energy of the beam", mend);
            None
        })?;
        if keys.calibrate.is_some() {
            let parallax = parallax(file, &detector, wavelength, check)?;
            let keys = &mut file.geometry.as_mut()?.0;
            let geometry = calibrated(keys, detector, wavelength, parallax, mask, check)?;
            if geometry.poni.wavelength_angstrom != wavelength {
                file.beam.energy_kev = None;
                file.beam.wavelength_angstrom = Some(geometry.poni.wavelength_angstrom);
            }
            return Some(geometry);
        }
        return inline(keys, detector, wavelength, check);
    };
    let wavelength = wavelength.ok()?;
    if let (Some(run), Some(poni)) = (wavelength, poni_file.wavelength_angstrom)
        && (run / poni - 1.0).abs() > SAME_ENERGY
    {
        let message = format!(
            "the {0} has {1:.4} keV, the .poni file {2:.4} keV; the {0}'s is used",
            check.kind.noun,
            energy_kev(run),
            energy_kev(poni)
        );
        let key = if file.beam.energy_kev.is_some() { "beam.energy_kev" } else { "beam.wavelength_angstrom" };
        check.problems.warn(key, &message);
    }
    match poni_file.poni(wavelength) {
        Ok(poni) => {
            if wavelength.is_none() {
                file.beam.wavelength_angstrom = Some(poni.wavelength_angstrom);
            }
            Some(Geometry { poni, detector: detector?, parallax: None })
        }
        Err(error) => {
            check.problems.push("beam", error.to_string(), "");
            None
        }
    }
}

/// The detector with its pixels where `displacement_px` has them.
fn displaced(keys: &GeometryKeys, mut detector: Detector, check: &mut Check<'_>) -> Option<Detector> {
    let Some(named) = &keys.displacement_px else { return Some(detector) };
    match Displacement::new(named, &detector) {
        Ok(displacement) => {
            detector.displacement = Some(displacement);
            Some(detector)
        }
        Err(error) => {
            check.problems.push("geometry.displacement_px", error.to_string(), "");
            None
        }
    }
}

/// The run file's wavelength; `Ok(None)` where it has none, `Err` where it has no good one.
pub(in crate::config) fn wavelength(file: &RunFile, check: &mut Check<'_>) -> Result<Option<f64>, ()> {
    let (key, value, energy) = match (file.beam.energy_kev, file.beam.wavelength_angstrom) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let message = "both energy_kev and wavelength_angstrom are given";
            check.problems.push("beam.wavelength_angstrom", message, "keep one of them");
            return Err(());
        }
        (Some(value), None) => ("beam.energy_kev", value, value),
        (None, Some(value)) => ("beam.wavelength_angstrom", value, energy_kev(value)),
    };
    if !check.positive(key, value) {
        return Err(());
    }
    if !(ENERGIES_KEV[0]..=ENERGIES_KEV[1]).contains(&energy) {
        let message =
            format!("a beam of {energy:.4} keV, expected {} to {} keV", ENERGIES_KEV[0], ENERGIES_KEV[1]);
        check.problems.push(key, message, "energy_kev is in keV, wavelength_angstrom in Å");
        return Err(());
    }
    Ok(Some(file.beam.wavelength_angstrom.unwrap_or_else(|| wavelength_angstrom(energy))))
}

fn poni_file(keys: &mut GeometryKeys, check: &mut Check<'_>) -> Option<PoniFile> {
    let others = [
        ("distance_m", keys.distance_m.is_some()),
        ("distance_mm", keys.distance_mm.is_some()),
        ("poni1_m", keys.poni1_m.is_some()),
        ("poni2_m", keys.poni2_m.is_some()),
        ("rot1_rad", keys.rot1_rad.is_some()),
        ("rot2_rad", keys.rot2_rad.is_some()),
        ("rot3_rad", keys.rot3_rad.is_some()),
        ("beam_centre_px", keys.beam_centre_px.is_some()),
        ("calibrate", keys.calibrate.is_some()),
    ];
    for (name, _) in others.iter().filter(|(_, is_given)| *is_given) {
        let message = "a .poni file is named as well";
        check.problems.push(&format!("geometry.{name}"), message, "keep the .poni file or the numbers");
    }
    let path = check.input_file("geometry.poni", keys.poni.as_mut()?)?;
    match PoniFile::read(&path) {
        Ok(poni) => Some(poni),
        Err(error) => {
            check.problems.push("geometry.poni", error.to_string(), "");
            None
        }
    }
}

/// Whether the run file itself says which detector it is.
fn names_a_detector(block: &DetectorBlock) -> bool {
    block.name.is_some() || block.pixel_um.is_some() || block.shape.is_some()
}

fn detector(
    block: &mut Option<DetectorBlock>,
    poni: Option<&PoniFile>,
    first_frame: Option<&FrameAddress>,
    check: &mut Check<'_>,
) -> Option<Detector> {
    let written = block.clone().unwrap_or_default();
    let mut detector = if names_a_detector(&written) {
        let detector = from_run_file(&written, check)?;
        warn_of_other_pixels(&detector, poni, check);
        detector
    } else {
        let Some(poni) = poni else {
            let mend = "write `detector: {name: …}`, or `detector: {pixel_um: …, shape: [rows, columns]}`";
            check.problems.push("detector", "nothing says which detector it is", mend);
            return None;
        };
        from_poni(poni, first_frame, check)?
    };
    detector.orientation = match (written.orientation, poni.map(|poni| poni.orientation)) {
        (Some(number), _) => match Orientation::from_number(number) {
            Some(orientation) => orientation,
            None => {
                let message = format!("found {number}, expected 1, 2, 3 or 4");
                check.problems.push("detector.orientation", message, "3 is the array as read");
                return None;
            }
        },
        (None, Some(Some(orientation))) => orientation,
        (None, Some(None)) => {
            let message = "the .poni file states no orientation and is taken for the array as read (3); \
                           files of some programs are for the flipped array: set `detector: {orientation: 3}` or 2";
            check.problems.warn("geometry.poni", message);
            Orientation::default()
        }
        (None, None) => Orientation::default(),
    };
    if let Some(sensor) = &written.sensor {
        check.positive("detector.sensor.density_g_cm3", sensor.density_g_cm3);
        check.positive("detector.sensor.thickness_mm", sensor.thickness_mm);
        detector.sensor = Some(Sensor {
            material: sensor.material.clone(),
            density_g_cm3: sensor.density_g_cm3,
            thickness_m: sensor.thickness_mm / 1e3,
        });
    }
    *block = Some(as_written(&detector));
    Some(detector)
}

fn from_run_file(block: &DetectorBlock, check: &mut Check<'_>) -> Option<Detector> {
    let pixel_m = block.pixel_um.map(|PixelSize(um)| um.map(|size| size / 1e6));
    let side = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let shape = block.shape.map(|[rows, columns]| Shape { rows: side(rows), columns: side(columns) });
    let (key, made) = match (&block.name, pixel_m, shape) {
        (Some(name), None, _) => ("detector.name", Detector::named(name)),
        (Some(name), Some(pixel_m), _) => {
            ("detector.name", Detector::named(name).and_then(|known| known.with_pixel(pixel_m)))
        }
        (None, Some(pixel_m), Some(shape)) => ("detector", Detector::generic(shape, pixel_m)),
        (None, Some(_), None) | (None, None, _) => {
            let missing = if pixel_m.is_none() { "pixel_um" } else { "shape" };
            let message =
                format!("a detector without a name needs pixel_um and shape; `{missing}` is missing");
            check.problems.push(
                "detector",
                message,
                "write `detector: {pixel_um: 172, shape: [rows, columns]}`",
            );
            return None;
        }
    };
    match made {
        Ok(detector) => {
            if let Some(shape) = shape.filter(|shape| *shape != detector.shape) {
                let message = format!(
                    "`{}` is {} pixels (rows × columns), found {shape}",
                    detector.name, detector.shape
                );
                check.problems.push("detector.shape", message, "leave `shape` out, or `name`");
            }
            Some(detector)
        }
        Err(error) => {
            check.problems.push(key, error.to_string(), "");
            None
        }
    }
}

fn from_poni(poni: &PoniFile, first_frame: Option<&FrameAddress>, check: &mut Check<'_>) -> Option<Detector> {
    let frame_shape = || first_frame.and_then(|frame| peek_shape(&frame.path).ok());
    let made = poni.detector().and_then(|known| match (known, poni.pixel_m) {
        (Some(detector), _) => Ok(Some(detector)),
        // Pixel size without a shape: the shape is the frames'.
        (None, Some(pixel_m)) => frame_shape().map(|shape| Detector::generic(shape, pixel_m)).transpose(),
        (None, None) => Ok(None),
    });
    match made {
        Ok(Some(detector)) => return Some(detector),
        Ok(None) => {
            let noun = check.kind.noun;
            let message = format!("neither the {noun} nor the .poni file says which detector it is");
            let mend = "write `detector: {name: …}`, or `detector: {pixel_um: …, shape: [rows, columns]}`";
            check.problems.push("detector", message, mend);
        }
        Err(error) => check.problems.push("geometry.poni", error.to_string(), ""),
    }
    None
}

fn warn_of_other_pixels(detector: &Detector, poni: Option<&PoniFile>, check: &mut Check<'_>) {
    let Some(found) = poni.and_then(|poni| poni.pixel_m) else { return };
    let differs = |axis: usize| (found[axis] / detector.pixel_m[axis] - 1.0).abs() > 1e-3;
    if differs(0) || differs(1) {
        let um = |size: [f64; 2]| format!("{:.3} × {:.3} µm", size[0] * 1e6, size[1] * 1e6);
        let message = format!(
            "the {0}'s detector has pixels of {1}, the .poni file {2}; the {0}'s are used",
            check.kind.noun,
            um(detector.pixel_m),
            um(found)
        );
        check.problems.warn("detector", &message);
    }
}

/// The block that gives this detector back.
fn as_written(detector: &Detector) -> DetectorBlock {
    let is_known = Detector::named(&detector.name).is_ok();
    let shape = [detector.shape.rows as u64, detector.shape.columns as u64];
    DetectorBlock {
        name: is_known.then(|| detector.name.clone()),
        orientation: Some(u64::from(detector.orientation.number())),
        pixel_um: Some(PixelSize(detector.pixel_m.map(|size| written_in(size, 1e6)))),
        shape: Some(shape),
        sensor: detector.sensor.as_ref().map(|sensor| SensorBlock {
            material: sensor.material.clone(),
            density_g_cm3: sensor.density_g_cm3,
            thickness_mm: written_in(sensor.thickness_m, 1e3),
        }),
    }
}

fn inline(
    keys: &mut GeometryKeys,
    detector: Detector,
    wavelength_angstrom: f64,
    check: &mut Check<'_>,
) -> Option<Geometry> {
    let (key, distance_m) = match (keys.distance_m, keys.distance_mm) {
        (Some(metres), None) => ("geometry.distance_m", metres),
        (None, Some(mm)) => ("geometry.distance_mm", mm / 1e3),
        (found, _) => {
            let message = if found.is_some() {
                "both distance_m and distance_mm are given"
            } else {
                "there is no distance"
            };
            check.problems.push(
                "geometry",
                message,
                "write `distance_mm: …`, from the sample to the detector",
            );
            return None;
        }
    };
    let is_possible = check.positive(key, distance_m);
    let poni = |poni1_m: f64, poni2_m: f64, [rot1_rad, rot2_rad, rot3_rad]: [f64; 3]| Poni {
        distance_m,
        poni1_m,
        poni2_m,
        rot1_rad,
        rot2_rad,
        rot3_rad,
        wavelength_angstrom,
    };
    let rotations = [keys.rot1_rad, keys.rot2_rad, keys.rot3_rad];
    let poni = match (keys.beam_centre_px, keys.poni1_m, keys.poni2_m) {
        (None, Some(poni1_m), Some(poni2_m)) => {
            let [rot1, rot2, rot3] = [&mut keys.rot1_rad, &mut keys.rot2_rad, &mut keys.rot3_rad];
            let rotations = [rot1, rot2, rot3].map(|rotation| *rotation.get_or_insert(0.0));
            poni(poni1_m, poni2_m, rotations)
        }
        (Some([column, row]), None, None) if rotations.iter().all(Option::is_none) => {
            // An upright detector: the beam meets it at the point of normal incidence.
            let upright =
                Geometry { poni: poni(0.0, 0.0, [0.0; 3]), detector: detector.clone(), parallax: None };
            let [poni1_m, poni2_m] = upright.detector_point(row, column);
            poni(poni1_m, poni2_m, [0.0; 3])
        }
        (None, _, _) => {
            let message = "nothing says where the beam meets the detector";
            check.problems.push(
                "geometry",
                message,
                "write `beam_centre_px: [column, row]`, or poni1_m and poni2_m",
            );
            return None;
        }
        (Some(_), _, _) => {
            let message =
                "beam_centre_px is for an upright detector; poni1_m, poni2_m or a rotation is given as well";
            let mend = "write poni1_m, poni2_m and the rotations, or the beam centre alone";
            check.problems.push("geometry.beam_centre_px", message, mend);
            return None;
        }
    };
    is_possible.then_some(Geometry { poni, detector, parallax: None })
}
