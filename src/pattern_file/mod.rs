//! Patterns that other programs integrated: text of two or three columns, with the radial axis and the wavelength of its header.
//!
//! Read: Fit2D and pyFAI `.chi`, `.xy`, `.xye`, `.dat`, `.qchi`, GSAS `.fxye`, the outputs of PDFgetX3 and of this program, and any
//! other text whose lines of numbers follow each other.

mod axis;
mod difference;
mod error;
mod read;
mod scatter;
mod source;

use std::cmp::Ordering;
use std::path::PathBuf;

pub use axis::Axis;
pub use difference::difference;
pub use error::PatternFileError;
pub use source::{PatternSource, ReadPattern};

use crate::integrate::{Pattern, RadialUnit};
use crate::units::momentum_transfer;

/// What a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternFile {
    /// The file.
    pub path: PathBuf,
    /// What its header says of the first column.
    pub axis: Option<Axis>,
    /// λ in Å, where the header has it.
    pub wavelength_angstrom: Option<f64>,
    /// First column, n points.
    pub x: Vec<f64>,
    /// Intensity, n points.
    pub intensity: Vec<f64>,
    /// Standard uncertainties, n points, where there is a third column.
    pub sigma: Option<Vec<f64>>,
    /// I of an unpolarized constant per unit \[E4b\]: the fourth column of this program's `.iq` files.
    pub unpolarized: Option<Vec<f64>>,
    /// σ of sums over points \[E4a\]: the fifth column of those files.
    pub sigma_as_independent: Option<Vec<f64>>,
}

impl PatternFile {
    /// I(Q). Angles need λ, and are counted from `two_theta_zero_deg`. Without a column of σ, it is that of the scatter of
    /// neighbouring points.
    ///
    /// # Errors
    /// Angles without a wavelength.
    pub fn pattern(
        &self,
        axis: Axis,
        wavelength_angstrom: Option<f64>,
        two_theta_zero_deg: f64,
    ) -> Result<Pattern, PatternFileError> {
        let from_angle = |in_deg: f64| -> Result<Vec<f64>, PatternFileError> {
            let Some(wavelength) = wavelength_angstrom else {
                return Err(PatternFileError::Wavelength(self.path.clone()));
            };
            let angle = |x: &f64| x * in_deg - two_theta_zero_deg;
            if let Some(two_theta_deg) = self.x.iter().map(angle).find(|angle| angle.abs() > 180.0) {
                return Err(PatternFileError::Angle { path: self.path.clone(), two_theta_deg });
            }
            let q = |x: &f64| momentum_transfer(angle(x).to_radians(), wavelength);
            Ok(self.x.iter().map(q).collect())
        };
        if let Some(index) =
            self.x.windows(2).position(|pair| pair[1].partial_cmp(&pair[0]) != Some(Ordering::Greater))
        {
            let (path, point) = (self.path.clone(), index + 2);
            return Err(PatternFileError::Falls { path, point, x: [self.x[index], self.x[index + 1]] });
        }
        let radial = match axis {
            Axis::QInvAngstrom => self.x.clone(),
            Axis::QInvNm => self.x.iter().map(|q| 0.1 * q).collect(),
            Axis::TwoThetaDeg => from_angle(1.0)?,
            Axis::TwoThetaRad => from_angle(1f64.to_degrees())?,
        };
        let sigma = self.sigma.clone().unwrap_or_else(|| scatter::sigma(&self.intensity));
        Ok(Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial,
            intensity: self.intensity.clone(),
            sigma_as_independent: self.sigma_as_independent.clone().unwrap_or_else(|| sigma.clone()),
            unpolarized: self.unpolarized.clone().unwrap_or_else(|| vec![1.0; sigma.len()]),
            sigma,
        })
    }
}
