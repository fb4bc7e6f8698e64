//! The samples of a series against each other: what changed, whether that is more than chance, and what it goes with.

mod binned;
mod change;
mod component;
mod conditions;
mod difference;
mod drift;
mod frame_curves;
mod metrics;
mod trend;

pub use binned::{Binned, ChiSquared, Residual};
pub use change::{Basis, Change, Verdict, changes};
pub use conditions::{Condition, Conditions, FrameNote, ReadingColumn};
pub use difference::{CurveDifference, chi2_of_g, chi2_of_patterns};
pub use drift::{Drift, FEWEST_FRAMES, FrameDrift, Standing, drift};
pub use frame_curves::{FrameBins, FrameCurve, FrameCurves};
pub use metrics::{Key, Metric, Numbers, Readings};
pub use trend::{Trend, trends};

/// What is compared with what.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesSettings {
    /// The sample that the others are compared with; `None` for a single sample.
    pub reference: Option<String>,
    /// Of verdicts, such as 0.95.
    pub confidence: f64,
    /// What becomes of frames that are unlike the others of their sample.
    pub outliers: Outliers,
}

/// What becomes of frames that are unlike the others of their sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outliers {
    /// They are not looked for.
    Keep,
    /// They are named.
    Flag,
    /// They are named and not in the sample's sum.
    LeaveOut,
}
