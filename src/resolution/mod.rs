//! The resolution of an instrument in Q from G(r) of a calibrant, for those who model G(r) later \[E19\].
//!
//! G of a powder whose cell is known is fitted with the damping e^{−(r·Qdamp)²/2} and the broadening Qbroad of PDFgui, beside scale, cell,
//! mean square displacements and correlated motion. Nothing is deconvoluted.

mod fit;
mod model;

use crate::pdf::Window;
use crate::simulate::{Crystal, CrystalError};

pub use fit::fit;

/// G(r) that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredPdf {
    /// r in Å, n points, rising in equal steps.
    pub r: Vec<f64>,
    /// G in Å⁻² or in any other unit, n points.
    pub g: Vec<f64>,
    /// Where F was cut, Å⁻¹.
    pub q_max: f64,
    /// What it was multiplied by.
    pub window: Window,
}

/// Which r are fitted, Å.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitRange {
    /// From.
    pub from: f64,
    /// To.
    pub to: f64,
}

/// A fitted number; σ from what the fit leaves.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Number {
    /// Best value.
    pub value: f64,
    /// Standard uncertainty.
    pub sigma: f64,
}

/// What a calibrant says of the instrument.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Resolution {
    /// Qdamp: G is damped by e^{−(r·Qdamp)²/2}.
    pub q_damp_inv_angstrom: Number,
    /// Qbroad: σ² of a peak at r is (U_i + U_j)(1 − δ2/r² + Qbroad²r²), as PDFgui has it.
    pub q_broad_inv_angstrom: Number,
    /// Measured over given lengths of the cell.
    pub cell: Number,
    /// Scale of G.
    pub scale: Number,
    /// δ2, correlated motion.
    pub delta2_angstrom2: Number,
    /// Mean square displacement of each element along one axis.
    pub u_iso_angstrom2: Vec<(String, Number)>,
    /// √(Σ(G − model)²/ΣG²).
    pub r_w: f64,
    /// Points that were fitted, π/Qmax apart.
    pub points: usize,
}

/// Why there is no resolution.
#[derive(Debug, thiserror::Error)]
pub enum ResolutionError {
    /// The calibrant.
    #[error(transparent)]
    Crystal(#[from] CrystalError),
    /// G(r) that cannot be fitted.
    #[error("{what} is {found}; expected {expected}")]
    Input {
        /// Which thing.
        what: &'static str,
        /// What was found.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The least-squares problem has no solution.
    #[error("the fit of {0} to G(r) does not settle; is it that calibrant, and is the r axis in Å?")]
    Unsettled(String),
}

impl MeasuredPdf {
    fn check(&self, range: FitRange) -> Result<(), ResolutionError> {
        let wrong = |what, found: String, expected| Err(ResolutionError::Input { what, found, expected });
        let count = self.r.len();
        if self.g.len() != count {
            return wrong("the number of values of G", self.g.len().to_string(), "as many as of r");
        }
        if count < 100 {
            return wrong("the number of points", count.to_string(), "at least 100");
        }
        let step = (self.r[count - 1] - self.r[0]) / (count - 1) as f64;
        let even = |i: usize| (self.r[i] - self.r[0] - step * i as f64).abs() < 1e-3 * step.abs();
        if !(step > 0.0 && (0..count).all(even)) {
            return wrong(
                "the r axis",
                format!("from {} to {}", self.r[0], self.r[count - 1]),
                "equal steps",
            );
        }
        if self.g.iter().all(|g| *g == 0.0) {
            return wrong("G(r)", "0 at all r".to_owned(), "a curve");
        }
        if !self.g.iter().all(|g| g.is_finite()) {
            return wrong("G(r)", "not finite at some r".to_owned(), "numbers");
        }
        if !(self.q_max > 5.0 && self.q_max.is_finite() && step < std::f64::consts::PI / self.q_max) {
            return wrong(
                "Qmax in 1/Å",
                self.q_max.to_string(),
                "more than 5, and below π over the step of r",
            );
        }
        let FitRange { from, to } = range;
        let inside = from > self.r[0] - step && to < self.r[count - 1] + step;
        if !(from > 0.0 && inside && to - from > 5.0) {
            return wrong("the range of r in Å", format!("{from} to {to}"), "5 Å or more, inside the data");
        }
        Ok(())
    }
}

/// Where pairs of this crystal begin and the data end, at most 40 Å.
///
/// # Errors
/// A crystal without pairs that close.
pub fn usual_range(measured: &MeasuredPdf, crystal: &Crystal) -> Result<FitRange, ResolutionError> {
    let last = measured.r.last().copied().unwrap_or(0.0).min(40.0);
    let pairs = crystal.pairs(8.0)?;
    let first = pairs.first().ok_or_else(|| ResolutionError::Input {
        what: "the first pair of atoms",
        found: "none closer than 8 Å".to_owned(),
        expected: "a crystal with neighbours",
    })?;
    let begin = measured.r.first().copied().unwrap_or(0.0);
    Ok(FitRange { from: (0.8 * first.distance).max(begin), to: last })
}
