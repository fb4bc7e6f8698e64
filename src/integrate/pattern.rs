//! From the sums to I ± σ \[E4\], and the difference of two patterns.

use rayon::prelude::*;

use super::{Accumulators, IntegrationPlan, Pattern};
use crate::engine::gpu::SAME_INTENSITY;

/// Bins that one thread adds.
const PIECE: usize = 1 << 14;

/// Two points of an axis are one where they differ by less than this part of the spacing.
const SAME_POINT: f64 = 1e-6;

/// Why sums or patterns do not go together.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PatternError {
    /// Sums of two different plans.
    #[error(
        "sums over {found} bins cannot be added to sums over {expected}; integrate all frames with one plan"
    )]
    Bins {
        /// Length of what is added.
        found: usize,
        /// Length of what it is added to.
        expected: usize,
    },
    /// Patterns with different axes.
    #[error(
        "the pattern to subtract has {found}, the other {expected}; integrate sample and background alike"
    )]
    Axis {
        /// The axis of what is subtracted.
        found: String,
        /// The axis of what it is subtracted from.
        expected: String,
    },
}

/// Engines' norms of one frame differ by less, relative, with room.
const SAME_NORM: f64 = 5.0 * SAME_INTENSITY;

impl Accumulators {
    /// The sums of the first `bins`, counted over regions and then cells of the cake.
    pub(crate) fn first(&self, bins: usize) -> Accumulators {
        let first = |sums: &[f64]| sums[..sums.len().min(bins)].to_vec();
        Accumulators {
            signal: first(&self.signal),
            variance: first(&self.variance),
            norm: first(&self.norm),
            excluded_pixels: self.excluded_pixels,
        }
    }

    /// Adds the sums of other frames: I is then that of all frames together. Empty sums are the zero.
    ///
    /// # Errors
    /// Sums of another number of bins.
    pub fn add(&mut self, other: &Accumulators) -> Result<(), PatternError> {
        if self.norm.is_empty() {
            *self = other.clone();
            return Ok(());
        }
        let expected = self.norm.len();
        for found in [other.signal.len(), other.variance.len(), other.norm.len()] {
            if found != expected {
                return Err(PatternError::Bins { found, expected });
            }
        }
        for (sums, more) in [
            (&mut self.signal, &other.signal),
            (&mut self.variance, &other.variance),
            (&mut self.norm, &other.norm),
        ] {
            // The cells of a cake are worth a thread's while.
            sums.par_chunks_mut(PIECE).zip(more.par_chunks(PIECE)).for_each(|(sums, more)| {
                sums.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
            });
        }
        self.excluded_pixels += other.excluded_pixels;
        Ok(())
    }

    /// Takes the sums of a frame out again that was added before. A bin that only it had is empty then.
    ///
    /// # Errors
    /// Sums of another number of bins.
    pub fn remove(&mut self, other: &Accumulators) -> Result<(), PatternError> {
        let (found, expected) = (other.norm.len(), self.norm.len());
        if found != expected {
            return Err(PatternError::Bins { found, expected });
        }
        for k in 0..expected {
            self.norm[k] -= other.norm[k];
            self.signal[k] -= other.signal[k];
            self.variance[k] = (self.variance[k] - other.variance[k]).max(0.0);
            // What rounding, or another engine, leaves of a bin that only `other` had is no exposure.
            if self.norm[k] <= SAME_NORM * other.norm[k] {
                [self.norm[k], self.signal[k], self.variance[k]] = [0.0; 3];
            }
        }
        self.excluded_pixels -= other.excluded_pixels.min(self.excluded_pixels);
        Ok(())
    }

    /// Multiplies the norm by what the frame is measured in: exposure or monitor \[E4\].
    pub fn scale_norm(&mut self, factor: f64) {
        for norm in &mut self.norm {
            *norm *= factor;
        }
    }

    /// I = Σ w·signal/Σ w·norm and σ = √(Σ w²·variance)/Σ w·norm of one region \[E4\]; NaN where Σ w·norm is 0.
    ///
    /// # Panics
    /// `region` is not one of the plan's, or the sums are another plan's.
    pub fn pattern(&self, plan: &IntegrationPlan, region: usize) -> Pattern {
        let range = region * plan.bins.count..(region + 1) * plan.bins.count;
        let norm = &self.norm[range.clone()];
        let ratio = |value: f64, norm: f64| if norm == 0.0 { f64::NAN } else { value / norm };
        let signal = self.signal[range.clone()].iter();
        let variance = self.variance[range.clone()].iter();
        let sigma: Vec<f64> =
            variance.zip(norm).map(|(variance, norm)| ratio(variance.sqrt(), *norm)).collect();
        let shared = sigma.iter().zip(&plan.sharing[range.clone()]);
        Pattern {
            unit: plan.unit,
            radial: plan.bins.centres(),
            intensity: signal.zip(norm).map(|(signal, norm)| ratio(*signal, *norm)).collect(),
            sigma_as_independent: shared.map(|(sigma, sharing)| sigma * sharing.sqrt()).collect(),
            sigma,
            unpolarized: plan.unpolarized[range].to_vec(),
        }
    }
}

impl Pattern {
    /// self − scale · other; σ = √(σ² + scale²·σ_other²). A point that either does not have is NaN.
    ///
    /// # Errors
    /// The patterns have different axes.
    pub fn subtract(&self, other: &Pattern, scale: f64) -> Result<Pattern, PatternError> {
        let spacing = match self.radial.as_slice() {
            [first, .., last] => (last - first).abs() / (self.radial.len() - 1) as f64,
            [only] => only.abs(),
            [] => 0.0,
        };
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= SAME_POINT * spacing;
        if self.unit != other.unit
            || self.radial.len() != other.radial.len()
            || !self.radial.iter().zip(&other.radial).all(same)
        {
            return Err(PatternError::Axis { found: other.axis(), expected: self.axis() });
        }
        let intensity = self.intensity.iter().zip(&other.intensity).map(|(a, b)| a - scale * b).collect();
        let both = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a.hypot(scale * b)).collect();
        Ok(Pattern {
            unit: self.unit,
            radial: self.radial.clone(),
            intensity,
            sigma: both(&self.sigma, &other.sigma),
            sigma_as_independent: both(&self.sigma_as_independent, &other.sigma_as_independent),
            unpolarized: self.unpolarized.clone(),
        })
    }

    fn axis(&self) -> String {
        let ends = match self.radial.as_slice() {
            [first, .., last] => format!("from {first} to {last}"),
            [only] => format!("at {only}"),
            [] => String::new(),
        };
        format!("{} points of {:?} {ends}", self.radial.len(), self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::RadialUnit;

    fn pattern(radial: &[f64], intensity: &[f64], sigma: &[f64]) -> Pattern {
        Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial: radial.to_vec(),
            intensity: intensity.to_vec(),
            sigma: sigma.to_vec(),
            sigma_as_independent: sigma.iter().map(|s| 2.0 * s).collect(),
            unpolarized: vec![1.0; sigma.len()],
        }
    }

    #[test]
    fn subtraction_adds_variances_and_keeps_gaps() {
        let sample = pattern(&[1.0, 2.0, 3.0], &[5.0, f64::NAN, 7.0], &[3.0, f64::NAN, 1.0]);
        let background = pattern(&[1.0, 2.0, 3.0], &[1.0, 1.0, f64::NAN], &[8.0, 1.0, f64::NAN]);
        let difference = sample.subtract(&background, 0.5).unwrap();
        assert_eq!(difference.intensity[0], 4.5);
        assert_eq!(difference.sigma[0], 5.0);
        assert!(difference.intensity[1].is_nan() && difference.sigma[1].is_nan());
        assert!(difference.intensity[2].is_nan() && difference.sigma[2].is_nan());
    }

    #[test]
    fn other_axes_are_refused() {
        let sample = pattern(&[1.0, 2.0], &[0.0; 2], &[0.0; 2]);
        assert!(sample.subtract(&pattern(&[1.0, 2.1], &[0.0; 2], &[0.0; 2]), 1.0).is_err());
        assert!(sample.subtract(&pattern(&[1.0], &[0.0], &[0.0]), 1.0).is_err());
        let other_unit = Pattern { unit: RadialUnit::TwoThetaDeg, ..sample.clone() };
        assert!(sample.subtract(&other_unit, 1.0).is_err());
    }

    #[test]
    fn sums_of_frames_add() {
        let one = Accumulators {
            signal: vec![3.0, 0.0],
            variance: vec![3.0, 0.0],
            norm: vec![1.5, 0.0],
            excluded_pixels: 2,
        };
        let mut total = Accumulators::default();
        total.add(&one).unwrap();
        total.add(&one).unwrap();
        assert_eq!((total.signal[0], total.norm[0], total.excluded_pixels), (6.0, 3.0, 4));
        total.remove(&one).unwrap();
        assert_eq!(total, one);
        total.scale_norm(2.0);
        assert_eq!(total.norm, [3.0, 0.0]);
        let short = Accumulators { norm: vec![1.0], ..Accumulators::default() };
        assert_eq!(total.add(&short), Err(PatternError::Bins { found: 0, expected: 2 }));
    }
}
