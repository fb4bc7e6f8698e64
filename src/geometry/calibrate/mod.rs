//! The geometry from frames of a calibrant: found without a guess, refined, with uncertainties.
//!
//! The directions of edges give the beam's place and the tilt; the calibrant's rings give the distance; peaks fitted in
//! wedges around each ring give everything to a hundredth of a pixel.

mod calibrant;
mod error;
mod image;
mod placement;
mod solve;
mod model;
mod strokes;
mod gather;
mod sharpen;
mod centre;
mod ladder;
mod scan;
mod find;
mod peak;
mod cake;
mod heights;
mod points;
mod covariance;
mod refine;
mod settle;
mod displace;
mod profile;
mod verdict;
mod joint;
mod remarks;
mod outcome;
mod halo;

pub use calibrant::Calibrant;
pub use displace::{Displaced, DisplacementTest, Displacements};
pub use error::CalibrateError;
pub use halo::HaloShift;
pub use joint::{FrameTilts, TiltTest};
pub use outcome::{CalibratedFrame, Calibration, Origin, PARAMETERS, Parameter, PointResidual, RingResidual};
pub use profile::Agreement;
pub use remarks::{Remark, Severity};

use std::f64::consts::PI;

use crate::frame::{Frame, Mask};
use crate::geometry::{Detector, Parallax, Poni};
use image::Image;
use ladder::Ladder;
use outcome::Context;
use settle::{Start, View};
use verdict::Bench;

/// Largest Q of a list of rings, Å⁻¹: farther out they lie closer together than any detector resolves.
const MOST_Q: f64 = 40.0;

/// What is to be calibrated.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Frames of one detector, each with its mask: each has its own distance and centre.
    pub frames: &'a [(&'a Frame, &'a Mask)],
    /// Which detector.
    pub detector: &'a Detector,
    /// The beam's.
    pub wavelength_angstrom: f64,
    /// Whether it is fitted.
    pub wavelength: WavelengthFit,
    /// All powders in the beam.
    pub calibrants: &'a [Calibrant],
    /// Where to begin with each frame; those beyond its end have none.
    pub guesses: &'a [Option<Poni>],
    /// Nominal distance along the beam of each frame, m, to compare with; those beyond its end have none.
    pub nominal_distances_m: &'a [Option<f64>],
    /// Which frames have one tilt.
    pub tilts: FrameTilts,
    /// Where rays stop in the sensor \[E6\]; `None` = at its face, which is what a .poni file means to other programs.
    pub parallax: Option<Parallax>,
    /// Displacements of pixels that are looked for.
    pub displacements: Displacements,
}

impl<'a> Request<'a> {
    /// Frames from nothing: the wavelength held, no guess, rays that stop at the sensor's face, pixels on their grid.
    pub fn new(
        frames: &'a [(&'a Frame, &'a Mask)],
        detector: &'a Detector,
        wavelength_angstrom: f64,
        calibrants: &'a [Calibrant],
    ) -> Self {
        Self {
            frames,
            detector,
            wavelength_angstrom,
            wavelength: WavelengthFit::Held,
            calibrants,
            guesses: &[],
            nominal_distances_m: &[],
            tilts: FrameTilts::default(),
            parallax: None,
            displacements: Displacements::default(),
        }
    }

    fn guess(&self, frame: usize) -> Option<&'a Poni> {
        self.guesses.get(frame)?.as_ref()
    }

    fn nominal_distance_m(&self, frame: usize) -> Option<f64> {
        *self.nominal_distances_m.get(frame)?
    }
}

/// Whether the wavelength is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WavelengthFit {
    /// It is what it is given as.
    Held,
    /// Where frames at several distances determine it.
    Fitted,
}

/// Finds and refines the geometry of every frame.
///
/// # Errors
/// [`CalibrateError`]: no rings, too few, not those of the calibrants, or not enough of them to say where the detector is.
/// There is no geometry then.
pub fn calibrate(request: &Request<'_>) -> Result<Calibration, CalibrateError> {
    let images = request
        .frames
        .iter()
        .map(|(frame, mask)| Image::new(frame, mask))
        .collect::<Result<Vec<Image>, CalibrateError>>()?;
    let rings_q = rings(request)?;
    let ladder = Ladder::new(&rings_q, request.wavelength_angstrom);
    let view =
        View { images: &images, detector: request.detector, ladder: &ladder, parallax: request.parallax };
    let bench = Bench { request, view };
    let starts: Vec<Start> =
        (0..images.len()).map(|index| bench.found(index)).collect::<Result<_, CalibrateError>>()?;
    let settled = bench.refined(&starts)?;
    let context = Context {
        detector: &settled.detector,
        seen_by: request.detector,
        wavelength_angstrom: request.wavelength_angstrom,
        rings_q: &rings_q,
        wavelength: settled.wavelength,
    };
    let frames: Vec<CalibratedFrame> = (0..images.len())
        .map(|index| outcome::frame(&settled.fit, index, settled.agreements[index], &context))
        .collect();
    let kept: Vec<_> = settled.fit.refined.residuals.iter().filter(|r| r.kept).collect();
    let rms = |value: &dyn Fn(&refine::Residual) -> f64| {
        (kept.iter().map(|r| value(r).powi(2)).sum::<f64>() / kept.len().max(1) as f64).sqrt()
    };
    let open = remarks::Open {
        wavelength: settled.open_wavelength,
        free_wavelength: settled.free_wavelength,
        sensor: settled.sensor,
    };
    let mut calibration = Calibration {
        calibrants: request.calibrants.iter().map(|c| c.name.clone()).collect(),
        rms_px: rms(&|r| r.off_px),
        rms_deg: rms(&|r| (r.off_px * r.pixel_rad).to_degrees()),
        frames,
        tilt_test: settled.tilt_test,
        displaced: settled.displaced,
        displacement_tests: settled.displacement_tests,
        remarks: Vec::new(),
    };
    calibration.remarks = remarks::remarks(request, &calibration, &open);
    Ok(calibration)
}

/// Q of the rings of all calibrants, in order.
fn rings(request: &Request<'_>) -> Result<Vec<f64>, CalibrateError> {
    let q_max = MOST_Q.min(4.0 * PI / request.wavelength_angstrom);
    let mut rings = Vec::new();
    for calibrant in request.calibrants {
        rings.extend(calibrant.rings(q_max)?);
    }
    rings.sort_by(f64::total_cmp);
    rings.dedup_by(|a, b| (*a / *b - 1.0).abs() < 1e-9);
    Ok(rings)
}
