//! The placement from a calibrant's frame: `geometry: {calibrate: {frame: …, calibrant: …}}`.

use std::path::PathBuf;

use super::Check;
use crate::batch::static_mask;
use crate::config::schema::{CalibrateKeys, GeometryKeys, RunFile, Switch};
use crate::config::{CalibrantFrame, MaskSettings};
use crate::frame::{Frame, FrameAddress, Mask, read};
use crate::geometry::calibrate::{Calibrant, Displacements, Request, WavelengthFit, calibrate};
use crate::geometry::{Detector, Displacement, Geometry, Parallax, PoniFile};

/// Files that a calibration reads, as they are written.
pub(super) fn files(block: &CalibrateKeys, check: &mut Check<'_>) -> Vec<PathBuf> {
    let written = std::iter::once(&block.frame).chain(&block.other_frames).chain(&block.guess);
    let mut files: Vec<PathBuf> = written.map(|path| check.absolute(&mut path.clone())).collect();
    files.extend(Some(check.folder.join(&block.calibrant)).filter(|path| path.is_file()));
    files
}

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
    const FRAME: &str = "geometry.calibrate.frame";
    const OTHERS: &str = "geometry.calibrate.other_frames";
    let mut block = keys.calibrate.take()?;
    let given = [keys.distance_m, keys.distance_mm, keys.poni1_m, keys.poni2_m, keys.rot1_rad, keys.rot2_rad];
    if given.iter().any(Option::is_some) || keys.beam_centre_px.is_some() {
        let mend = "keep `calibrate`, with `guess` or `distance_mm` in it, or the numbers";
        check.problems.push(KEY, "the placement is given as numbers as well", mend);
        return None;
    }
    let path = check.input_file(FRAME, &mut block.frame)?;
    let mut others = Vec::new();
    for (index, other) in block.other_frames.iter_mut().enumerate() {
        others.push(check.input_file(&format!("{KEY}.other_frames[{index}]"), other)?);
    }
    if block.fit_wavelength == Some(Switch::On) && others.is_empty() {
        let mend = "name frames at other distances in `other_frames`";
        check.problems.push(
            &format!("{KEY}.fit_wavelength"),
            "on one frame wavelength and distance are degenerate",
            mend,
        );
        return None;
    }
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
    let mut frames = Vec::new();
    for path in std::iter::once(path).chain(others) {
        match read(&FrameAddress { path, image: 0 }) {
            Ok(loaded) => frames.push(loaded.frame),
            Err(error) => return told(if frames.is_empty() { FRAME } else { OTHERS }, &error),
        }
    }
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
    let pairs: Vec<(&Frame, &Mask)> = frames.iter().map(|frame| (frame, &mask)).collect();
    let found = calibrate(&Request {
        wavelength: match block.fit_wavelength {
            Some(Switch::On) => WavelengthFit::Fitted,
            Some(Switch::Off) | None => WavelengthFit::Held,
        },
        // Of the frame that the geometry is for.
        guesses: &[poni],
        nominal_distances_m: &[block.distance_mm.map(|mm| mm / 1e3)],
        tilts: block.tilts.unwrap_or_default(),
        parallax,
        displacements: Displacements {
            smooth: block.distortion == Some(Switch::On),
            modules: block.modules == Some(Switch::On),
        },
        ..Request::new(&pairs, &detector, wavelength_angstrom, std::slice::from_ref(&calibrant))
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
