//! Pictures of a series, and the page that shows all of it.

mod cake;
mod calibration;
mod comparison;
mod detector_image;
mod frame;
mod html;
mod picture;
mod tune;

pub use cake::cake_svg;
pub use calibration::calibration_svg;
pub use comparison::comparison_svg;
pub use frame::{FrameView, frame_svg};
pub use html::{REPORT_FILE, ReportError, write_report};
pub use picture::{PictureError, SampleCurves, series_svg};
pub use tune::tune_svg;

/// Text for HTML, inside an attribute too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
