//! Why there is no S(Q).

use crate::scattering::ScatteringError;

/// Settings that do not fit the pattern's Q axis, or a pattern that cannot be normalised.
#[derive(Debug, thiserror::Error)]
pub enum StructureError {
    /// Composition, energy or Q outside the tables.
    #[error(transparent)]
    Scattering(#[from] ScatteringError),
    /// A number in the settings that cannot be meant.
    #[error("{name} is {found}; expected {expected}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// What was given.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The Q axis does not rise.
    #[error("the Q axis must rise from point to point and be finite; point {index} is {found} Å⁻¹")]
    Axis {
        /// First point that is wrong.
        index: usize,
        /// Its Q.
        found: f64,
    },
    /// The Q axis is shorter than the range asked for.
    #[error(
        "S(Q) is wanted from {low} to {high} Å⁻¹, the patterns run from {first:.3} to {last:.3} Å⁻¹; set the Q range inside them"
    )]
    Range {
        /// Lower end wanted.
        low: f64,
        /// Upper end wanted.
        high: f64,
        /// First point of the axis.
        first: f64,
        /// Last point of the axis.
        last: f64,
    },
    /// Too few points for what is fitted to them.
    #[error(
        "{what} has {found} points of Q, at least {expected} are needed; widen the Q range or use more bins"
    )]
    TooFewPoints {
        /// Which part of the axis.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// The pattern is not on the plan's axis.
    #[error("the pattern has {found} points, the plan was made for {expected}")]
    Length {
        /// The pattern's.
        found: usize,
        /// The plan's.
        expected: usize,
    },
    /// Bins without pixels.
    #[error(
        "no intensity between Q = {low:.3} and {high:.3} Å⁻¹ ({bins} bins); at most {bridged} empty bins in a row inside the Q range are bridged: narrow the Q range, use fewer bins or mend the mask"
    )]
    Empty {
        /// First empty bin.
        low: f64,
        /// Last empty bin.
        high: f64,
        /// How many in a row.
        bins: usize,
        /// How many are bridged.
        bridged: usize,
    },
    /// The scale is no positive number.
    #[error(
        "the intensity above Q = {q_min:.2} Å⁻¹ does not follow the scattering of free atoms: one electron unit is {found:.3e} units of I; check composition, energy and background"
    )]
    Normalization {
        /// Lower end of the window.
        q_min: f64,
        /// 1/α.
        found: f64,
    },
}
