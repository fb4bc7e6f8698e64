//! Where each pixel looks: PONI geometry and detectors, pixel → 2θ, χ, Q.

pub mod calibrate;
mod detector;
pub mod displacement;
mod error;
mod parallax;
mod place;
mod poni_file;
mod range;

pub use displacement::Displacement;
pub use error::GeometryError;
pub use parallax::Parallax;
pub(crate) use place::{LabFrame, sin_squared_theta};
pub use poni_file::{PoniFile, read_poni, write_poni};

use crate::frame::Shape;

/// Point of normal incidence and rotations as pyFAI defines them, lengths in m, angles in rad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poni {
    /// Sample to detector plane along its normal.
    pub distance_m: f64,
    /// Point of normal incidence along the slow axis.
    pub poni1_m: f64,
    /// Point of normal incidence along the fast axis.
    pub poni2_m: f64,
    /// First rotation.
    pub rot1_rad: f64,
    /// Second rotation.
    pub rot2_rad: f64,
    /// Third rotation, about the beam.
    pub rot3_rad: f64,
    /// Wavelength.
    pub wavelength_angstrom: f64,
}

/// Which corner of the array lies at the detector's origin (EXIF-like numbers 1–4 of .poni files; 3 is the default).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: both axes reversed.
    TopLeft,
    /// 2: the slow axis reversed.
    TopRight,
    /// 3: as read.
    #[default]
    BottomRight,
    /// 4: the fast axis reversed.
    BottomLeft,
}

/// Sensor of a hybrid pixel detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    /// Chemical formula, such as CdTe or Si.
    pub material: String,
    /// Density.
    pub density_g_cm3: f64,
    /// Thickness.
    pub thickness_m: f64,
}

/// A detector: its pixels, the gaps between its modules, its sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    /// Name as in `calibration/detectors`.
    pub name: String,
    /// Rows × columns.
    pub shape: Shape,
    /// Pixel size (slow, fast).
    pub pixel_m: [f64; 2],
    /// Rows × columns of one module; `None` for a monolithic detector.
    pub module: Option<Shape>,
    /// Insensitive pixels between modules (slow, fast).
    pub gap: [usize; 2],
    /// Insensitive columns in the middle of every module, between its two CdTe crystals; 0 for one crystal.
    pub seam: usize,
    /// Sensor where it is known.
    pub sensor: Option<Sensor>,
    /// How the array lies on the detector.
    pub orientation: Orientation,
    /// Pixels that are off the regular grid; `None` = none is.
    pub displacement: Option<Displacement>,
}

/// A detector placed in the beam.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Placement and wavelength.
    pub poni: Poni,
    /// What is placed.
    pub detector: Detector,
    /// Where rays stop in the sensor; `None` = at its face.
    pub parallax: Option<Parallax>,
}

/// Direction of a scattered ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Direction {
    /// Scattering angle.
    pub two_theta_rad: f64,
    /// Azimuth in (−π, π] as pyFAI has it: atan2(t1, t2) of \[E1\].
    pub chi_rad: f64,
}
