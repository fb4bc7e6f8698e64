//! What makes a plan impossible.

use crate::frame::Shape;

/// Why there is no plan.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PlanError {
    /// The mask is another detector's.
    #[error(
        "mask is {found} pixels (rows × columns), the detector has {expected}; use a mask of this detector"
    )]
    MaskShape {
        /// The mask's.
        found: Shape,
        /// The detector's.
        expected: Shape,
    },
    /// A per-pixel array has the wrong length.
    #[error("{what} has {found} values, the detector has {expected} pixels; use a file of this detector")]
    Length {
        /// Norm, flat field, dark frame …
        what: &'static str,
        /// Its length.
        found: usize,
        /// Pixels of the detector.
        expected: usize,
    },
    /// The radial axis has no bins or no extent.
    #[error(
        "radial range {lower} to {upper} in {count} bins is no axis; give 0 ≤ lower < upper and at least one bin"
    )]
    Axis {
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
        /// Number of bins.
        count: usize,
    },
    /// A sector without width, or not a number.
    #[error(
        "sector `{name}`: centre {centre_deg}° and width {width_deg}° are no sector; give a width above 0°"
    )]
    Sector {
        /// The region's name.
        name: String,
        /// Its centre.
        centre_deg: f64,
        /// Its width.
        width_deg: f64,
    },
    /// The first pattern is not the full ring.
    #[error("the first region is {found}; put the full ring first")]
    FirstRegion {
        /// What stands there.
        found: String,
    },
    /// The result would not fit in memory.
    #[error(
        "{regions} regions of {bins} bins and {cells} cells of a cake are more than {most} together; use fewer bins or sectors"
    )]
    TooManyBins {
        /// Number of regions.
        regions: usize,
        /// Radial bins of each.
        bins: usize,
        /// Azimuth × radial bins of the cake.
        cells: usize,
        /// What is allowed.
        most: usize,
    },
    /// A cake without azimuths.
    #[error("a cake of 0 azimuth bins is no cake; give at least one")]
    NoAzimuths,
    /// The matrix would not fit in memory.
    #[error(
        "splitting the pixels gives more than {most} matrix entries; use fewer bins or sectors, or no splitting"
    )]
    TooManyEntries {
        /// What is allowed.
        most: usize,
    },
}
