//! Pictures of a series.

mod calibration;
mod comparison;
mod picture;
mod tune;

pub use calibration::calibration_svg;
pub use comparison::comparison_svg;
pub use picture::{PictureError, SampleCurves, series_svg};
pub use tune::tune_svg;
