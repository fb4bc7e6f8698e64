//! Pictures of a series.

mod picture;

pub use picture::{PictureError, SampleCurves, series_svg};
