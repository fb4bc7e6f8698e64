//! Why there is no calibration.

use crate::frame::Shape;

/// A calibration that failed says so; none of these leaves a geometry behind.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// No calibrant of this name.
    #[error(
        "no calibrant is called `{name}`, and no file either; known are {known}; a file has `name` and `cell` or `d_angstrom`"
    )]
    UnknownCalibrant {
        /// As given.
        name: String,
        /// Those that come along.
        known: String,
    },
    /// A calibrant's file is none.
    #[error("calibrant {origin}: {reason}")]
    CalibrantFile {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The cell is too large for the detector's range.
    #[error(
        "calibrant {name} has too many reflections up to Q = {q_max:.1} Å⁻¹; use one with a smaller cell"
    )]
    TooManyRings {
        /// The calibrant.
        name: String,
        /// Largest Q.
        q_max: f64,
    },
    /// The frame is not the detector's.
    #[error(
        "the calibrant's frame is {found} pixels (rows × columns), the detector has {expected}; name the detector that wrote it"
    )]
    Shape {
        /// Of the frame.
        found: Shape,
        /// Of the detector.
        expected: Shape,
    },
    /// The image shows nothing with a direction.
    #[error(
        "no rings are seen: {seen} of {blocks} patches of the frame have an edge that runs one way; is it the calibrant's frame, exposed long enough?"
    )]
    NoRings {
        /// Patches with a direction.
        seen: usize,
        /// Patches that could have one.
        blocks: usize,
    },
    /// Rings, but fewer than it takes.
    #[error("{found} rings of {calibrant} are seen, {needed} are needed; move the detector, or give --guess")]
    TooFewRings {
        /// Names of the calibrants.
        calibrant: String,
        /// Rings.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// What is seen are not the calibrant's rings.
    #[error(
        "the frame does not fit {calibrant} at {energy_kev:.4} keV: {reason}; check calibrant, energy, detector and mask, or give --guess"
    )]
    NoMatch {
        /// Names of the calibrants.
        calibrant: String,
        /// The beam.
        energy_kev: f64,
        /// In numbers.
        reason: String,
    },
    /// The fit leaves a parameter open that nothing can do without.
    #[error(
        "the rings do not determine the {parameter}: ± {sigma} {unit}; more rings or a longer arc of them are needed"
    )]
    Undetermined {
        /// Which.
        parameter: &'static str,
        /// Its standard deviation.
        sigma: f64,
        /// Of σ.
        unit: &'static str,
    },
}
