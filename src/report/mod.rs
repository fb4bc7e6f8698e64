//! Pictures of a series.

mod calibration;
mod picture;
mod tune;

pub use calibration::calibration_svg;
pub use picture::{PictureError, SampleCurves, series_svg};
pub use tune::tune_svg;
