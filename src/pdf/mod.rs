//! From F(Q) to G(r): a product with a sine matrix that is built once, in f64.

mod covariance;
mod error;
mod once;
mod plan;
mod product;
mod window;

pub use covariance::{Covariance, MOST_COVARIANT_POINTS};
pub use error::TransformError;
pub(crate) use once::transform_once;
pub use plan::TransformPlan;

/// G(r) = 4πr(ρ(r) − ρ0) \[E11\].
#[derive(Debug, Clone, PartialEq)]
pub struct Pdf {
    /// r in Å, n points.
    pub r: Vec<f64>,
    /// G in Å⁻², n points.
    pub g: Vec<f64>,
    /// Standard uncertainty of G from counting, n points.
    pub sigma: Vec<f64>,
}

/// Weight W(Q) of the transform, x = πQ/Qmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// W = 1.
    None,
    /// sin x/x (Lorch 1969).
    Lorch,
    /// 3(sin x − x cos x)/x³ (Soper & Barney 2011).
    SoperBarney,
    /// cos(x/2).
    Cosine,
}

/// How F(Q) becomes G(r).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformSettings {
    /// W(Q).
    pub window: Window,
    /// The r axis in Å.
    pub r: crate::grid::Points,
}
