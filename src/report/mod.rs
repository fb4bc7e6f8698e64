//! Pictures of a series.

mod calibration;
mod picture;

pub use calibration::calibration_svg;
pub use picture::{PictureError, SampleCurves, series_svg};
