//! The placement from a calibrant's frame: `geometry: {calibrate: {frame: …, calibrant: …}}`.

use super::Check;
use crate::batch::static_mask;
use crate::config::schema::{GeometryKeys, RunFile, Switch};
use crate::config::{CalibrantFrame, MaskSettings};
use crate::frame::{FrameAddress, read};
use crate::geometry::calibrate::{Calibrant, Displacements, Request, calibrate};
use crate::geometry::{Detector, Displacement, Geometry, Parallax, PoniFile};

/// A calibrant by name, or by a file that is relative to the run file.
fn named(key: &str, written: &str, check: &mut Check<'_>) -> Option<Calibrant> {
    let beside = check.folder.join(written);
    let name = if beside.is_file() { beside.to_string_lossy().into_owned() } else { written.to_owned() };
    match Calibrant::find(&name) {
        Ok(calibrant) => Some(calibrant),
        Err(error) => {
            check.problems.push(key, error.to_string(), "");
            None
        }
    }
}

/// The frame that `halor check` tests the placement with.
pub(super) fn tested_with(file: &mut RunFile, check: &mut Check<'_>) -> Option<CalibrantFrame> {
    let keys = file.geometry.as_mut()?.0.calibrant.as_mut()?;
    let path = check.input_file("geometry.calibrant.frame", &mut keys.frame);
    let calibrant = named("geometry.calibrant.name", &keys.name, check);
    Some(CalibrantFrame { frame: FrameAddress { path: path?, image: 0 }, calibrant: calibrant? })
}

/// Calibrates, and writes what was found into `keys` in place of the block; remarks become warnings.
pub(super) fn calibrated(
    keys: &mut GeometryKeys,
    detector: Detector,
    wavelength_angstrom: f64,
    parallax: Option<Parallax>,
    mask: &MaskSettings,
    check: &mut Check<'_>,
) -> Option<Geometry> {
    const KEY: &str = "geometry.calibrate";
    let mut block = keys.calibrate.take()?;
    let given = [keys.distance_m, keys.distance_mm, keys.poni1_m, keys.poni2_m, keys.rot1_rad, keys.rot2_rad];
    if given.iter().any(Option::is_some) || keys.beam_centre_px.is_some() {
        let mend = "keep `calibrate`, with `guess` or `distance_mm` in it, or the numbers";
        check.problems.push(KEY, "the placement is given as numbers as well", mend);
        return None;
    }
    let path = check.input_file(&format!("{KEY}.frame"), &mut block.frame)?;
    let guess = match &mut block.guess {
        Some(written) => Some(check.input_file(&format!("{KEY}.guess"), written)?),
        None => None,
    };
    if let Some(mm) = block.distance_mm
        && !check.positive(&format!("{KEY}.distance_mm"), mm)
    {
        return None;
    }
    let calibrant = named(&format!("{KEY}.calibrant"), &block.calibrant, check)?;
    let mut told = |key: &str, error: &dyn std::fmt::Display| {
        check.problems.push(key, error.to_string(), "");
        None
    };
    let frame = match read(&FrameAddress { path, image: 0 }) {
        Ok(loaded) => loaded.frame,
        Err(error) => return told(&format!("{KEY}.frame"), &error),
    };
    let poni =
        guess.map(|path| PoniFile::read(&path).and_then(|guess| guess.poni(Some(wavelength_angstrom))));
    let poni = match poni.transpose() {
        Ok(poni) => poni,
        Err(error) => return told(&format!("{KEY}.guess"), &error),
    };
    let mask = match static_mask(mask, &detector) {
        Ok(mask) => mask,
        Err(error) => return told("mask", &error),
    };
    let found = calibrate(&Request {
        guess: poni.as_ref(),
        nominal_distance_m: block.distance_mm.map(|mm| mm / 1e3),
        parallax,
        displacements: Displacements {
            smooth: block.distortion == Some(Switch::On),
            modules: block.modules == Some(Switch::On),
        },
        ..Request::new(&[(&frame, &mask)], &detector, wavelength_angstrom, std::slice::from_ref(&calibrant))
    });
    let found = match found {
        Ok(found) => found,
        Err(error) => return told(KEY, &error),
    };
    found.remarks.iter().for_each(|remark| check.problems.warn(KEY, &remark.text));
    let frame = found.frames.into_iter().next()?;
    let geometry = frame.geometry.clone();
    check.calibrated = Some(frame);
    let poni = &geometry.poni;
    keys.distance_m = Some(poni.distance_m);
    (keys.poni1_m, keys.poni2_m) = (Some(poni.poni1_m), Some(poni.poni2_m));
    (keys.rot1_rad, keys.rot2_rad, keys.rot3_rad) =
        (Some(poni.rot1_rad), Some(poni.rot2_rad), Some(poni.rot3_rad));
    keys.displacement_px = geometry.detector.displacement.as_ref().map(Displacement::named);
    Some(geometry)
}
