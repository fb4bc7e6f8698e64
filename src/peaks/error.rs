//! Why peaks cannot be measured at all; a peak that one pattern lacks is no error.

use super::Curve;

/// Settings that do not fit the curves, found before the first pattern is measured.
#[derive(Debug, thiserror::Error)]
pub enum PeakError {
    /// A window that is empty or outside the curve.
    #[error(
        "window of peak `{name}` of {curve:?} is {low} to {high}; expected two rising numbers between {first:.3} and {last:.3} with at least 5 points between them"
    )]
    Window {
        /// The peak.
        name: String,
        /// Its curve.
        curve: Curve,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// First point of the curve.
        first: f64,
        /// Last point of the curve.
        last: f64,
    },
    /// More peaks than a curve can show.
    #[error("{found} peaks of {curve:?} are asked for, at most {limit} are looked for")]
    Count {
        /// The curve.
        curve: Curve,
        /// How many.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// The coordination number of a peak that is none.
    #[error("the coordination number is asked for of peak `{name}`, the peaks of G(r) are: {known}")]
    UnknownPeak {
        /// Name in the settings.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Curves of another plan.
    #[error("{curve:?} has {found} points, the peaks were planned for {expected}")]
    Length {
        /// The curve.
        curve: Curve,
        /// Its points.
        found: usize,
        /// The plan's.
        expected: usize,
    },
}
