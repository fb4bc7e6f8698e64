//! The map of azimuth and radial axis: I ± σ in cells of both \[E4e\].

use std::f64::consts::PI;

use super::{Accumulators, IntegrationPlan, PatternError, RadialUnit};
use crate::grid::Bins;

/// The cells of a cake: its azimuth bins tile the turn from χ = −180°, each has all radial bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CakeAxes {
    /// Bins of a turn.
    pub azimuth_bins: usize,
    /// The radial axis, in the unit of the patterns.
    pub radial: Bins,
}

impl CakeAxes {
    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.azimuth_bins.saturating_mul(self.radial.count)
    }

    /// The bins of χ in degrees.
    pub fn azimuth_deg(&self) -> Bins {
        Bins { lower: -180.0, upper: 180.0, count: self.azimuth_bins }
    }

    /// The same in rad.
    pub(super) fn azimuth_rad(&self) -> Bins {
        Bins { lower: -PI, upper: PI, count: self.azimuth_bins }
    }
}

/// A cake of one frame, sample or background: a row for each azimuth, in each row the radial bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Cake {
    /// Middles of the azimuth bins, χ in degrees, n of them.
    pub azimuth_deg: Vec<f64>,
    /// The radial axis.
    pub unit: RadialUnit,
    /// Middles of the radial bins, m of them.
    pub radial: Vec<f64>,
    /// I, n × m in row order; NaN in a cell without pixels.
    pub intensity: Vec<f64>,
    /// σ of I from counting, n × m; NaN in a cell without pixels.
    pub sigma: Vec<f64>,
    /// Σ w·norm, n × m: the weight of each cell where cells are averaged.
    pub norm: Vec<f64>,
}

impl Accumulators {
    /// I ± σ of the plan's cake \[E4\]; `None` where the plan has none.
    ///
    /// # Panics
    /// The sums are another plan's.
    pub fn cake(&self, plan: &IntegrationPlan) -> Option<Cake> {
        let axes = plan.cake?;
        let first = plan.first_cell();
        let cells = first..first + axes.cells();
        let norm = self.norm[cells.clone()].to_vec();
        let ratio = |value: f64, norm: f64| if norm == 0.0 { f64::NAN } else { value / norm };
        let of = |values: &[f64], root: fn(f64) -> f64| -> Vec<f64> {
            values[cells.clone()].iter().zip(&norm).map(|(value, norm)| ratio(root(*value), *norm)).collect()
        };
        Some(Cake {
            azimuth_deg: axes.azimuth_deg().centres(),
            unit: plan.unit,
            radial: axes.radial.centres(),
            intensity: of(&self.signal, |signal| signal),
            sigma: of(&self.variance, f64::sqrt),
            norm,
        })
    }
}

impl Cake {
    /// self − scale · other; σ = √(σ² + scale²·σ_other²). A cell that either does not have is NaN.
    ///
    /// # Errors
    /// The cakes have different cells.
    pub fn subtract(&self, other: &Cake, scale: f64) -> Result<Cake, PatternError> {
        if (self.unit, &self.azimuth_deg, &self.radial) != (other.unit, &other.azimuth_deg, &other.radial) {
            return Err(PatternError::Axis { found: other.axes(), expected: self.axes() });
        }
        let both = |a: &[f64], b: &[f64], less: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| less(*a, *b)).collect()
        };
        Ok(Cake {
            intensity: both(&self.intensity, &other.intensity, &|a, b| a - scale * b),
            sigma: both(&self.sigma, &other.sigma, &|a, b| a.hypot(scale * b)),
            ..self.clone()
        })
    }

    fn axes(&self) -> String {
        let (first, last) = (self.radial.first().unwrap_or(&0.0), self.radial.last().unwrap_or(&0.0));
        format!(
            "{} azimuths × {} points of {:?} from {first} to {last}",
            self.azimuth_deg.len(),
            self.radial.len(),
            self.unit
        )
    }
}
