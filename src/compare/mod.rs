//! Results of two runs, or of two samples, read from their folders and compared curve by curve.

mod error;
mod pair;
mod saved;

pub use error::CompareError;
pub use pair::{Comparison, CurvePair, PeakDifference, compare};
pub use saved::{SavedSample, find_samples};
