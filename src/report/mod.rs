//! Pictures of a series.

mod cake;
mod calibration;
mod picture;
mod tune;

pub use cake::cake_svg;
pub use calibration::calibration_svg;
pub use picture::{PictureError, SampleCurves, series_svg};
pub use tune::tune_svg;
