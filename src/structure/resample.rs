//! The part of a pattern's Q axis that is used, as equally spaced points without holes.

use std::ops::Range;

use super::StructureError;
use crate::integrate::Pattern;

/// Empty bins in a row that are bridged by a straight line.
const BRIDGED_BINS: usize = 5;

/// From a pattern's points to m equally spaced points of Q.
#[derive(Debug, Clone)]
pub(super) struct Resample {
    /// Points of the whole axis.
    axis_len: usize,
    /// The points that are used.
    kept: Range<usize>,
    /// Their Q.
    kept_q: Vec<f64>,
    /// The grid.
    pub(super) q: Vec<f64>,
    /// Its step.
    pub(super) step: f64,
    /// For each grid point: the kept point below it, and the share of the one above.
    nodes: Vec<(usize, f64)>,
}

/// I, σ, the points that one pixel covers, and the I of an unpolarized constant, on the grid.
pub(super) struct Resampled {
    pub(super) footprint: Vec<f64>,
    pub(super) intensity: Vec<f64>,
    pub(super) sigma: Vec<f64>,
    pub(super) unpolarized: Vec<f64>,
}

/// Checks that the axis rises, and finds the points in [low, high].
pub(super) fn kept_points(axis: &[f64], low: f64, high: f64) -> Result<Range<usize>, StructureError> {
    let wrong = (0..axis.len()).find(|&i| !axis[i].is_finite() || (i > 0 && axis[i] <= axis[i - 1]));
    if let Some(index) = wrong {
        return Err(StructureError::Axis { index, found: axis[index] });
    }
    let start = axis.partition_point(|q| *q < low);
    let end = axis.partition_point(|q| *q <= high);
    if end < start + 16 {
        return Err(StructureError::TooFewPoints {
            what: "the Q range",
            found: end.saturating_sub(start),
            expected: 16,
        });
    }
    Ok(start..end)
}

impl Resample {
    /// The kept points themselves where they are equally spaced, else as many that are.
    pub(super) fn even(axis: &[f64], kept: Range<usize>) -> Resample {
        let points = &axis[kept.clone()];
        let (first, last) = (points[0], points[points.len() - 1]);
        let step = (last - first) / (points.len() - 1) as f64;
        let even = |i: usize| first + step * i as f64;
        let uniform = points.iter().enumerate().all(|(i, q)| (q - even(i)).abs() < 1e-3 * step);
        let q = if uniform { points.to_vec() } else { (0..points.len()).map(even).collect() };
        Resample::onto(axis, kept, q, step)
    }

    /// Any grid; below the first kept point its value is held.
    pub(super) fn onto(axis: &[f64], kept: Range<usize>, q: Vec<f64>, step: f64) -> Resample {
        let kept_q = axis[kept.clone()].to_vec();
        let nodes = q
            .iter()
            .map(|&q| {
                let upper = kept_q.partition_point(|known| *known <= q).clamp(1, kept_q.len() - 1);
                let share = (q - kept_q[upper - 1]) / (kept_q[upper] - kept_q[upper - 1]);
                (upper - 1, share.clamp(0.0, 1.0))
            })
            .collect();
        Resample { axis_len: axis.len(), kept, kept_q, q, step, nodes }
    }

    /// Linear interpolation of I. σ is interpolated too and scaled by the root of the ratio of steps, so that the
    /// variance of a sum over neighbouring points stays what it was; the grid points then count as independent.
    ///
    /// # Errors
    /// Another axis, or empty bins that cannot be bridged.
    pub(super) fn take(&self, pattern: &Pattern) -> Result<Resampled, StructureError> {
        let (intensity, sigma) = self.kept(pattern)?;
        self.bridged(pattern, intensity, sigma)
    }

    /// As [`Resample::take`], but empty bins, of however many, stay NaN.
    ///
    /// # Errors
    /// Another axis.
    pub(super) fn take_with_holes(&self, pattern: &Pattern) -> Result<Resampled, StructureError> {
        let (intensity, sigma) = self.kept(pattern)?;
        Ok(self.spread_out(pattern, &intensity, &sigma))
    }

    /// I and σ of the kept points.
    fn kept(&self, pattern: &Pattern) -> Result<(Vec<f64>, Vec<f64>), StructureError> {
        let values =
            [&pattern.intensity, &pattern.sigma, &pattern.sigma_as_independent, &pattern.unpolarized];
        let lengths = values.map(Vec::len);
        let found = lengths.into_iter().min().unwrap_or(0);
        if found != self.axis_len || pattern.radial.len() != self.axis_len {
            return Err(StructureError::Length { found, expected: self.axis_len });
        }
        let of = |values: &[f64]| values[self.kept.clone()].to_vec();
        Ok((of(&pattern.intensity), of(&pattern.sigma_as_independent)))
    }

    fn bridged(
        &self,
        pattern: &Pattern,
        mut intensity: Vec<f64>,
        mut sigma: Vec<f64>,
    ) -> Result<Resampled, StructureError> {
        self.bridge(&mut intensity, &mut sigma)?;
        Ok(self.spread_out(pattern, &intensity, &sigma))
    }

    /// Onto the grid.
    fn spread_out(&self, pattern: &Pattern, intensity: &[f64], sigma: &[f64]) -> Resampled {
        let between = |values: &[f64], (lower, share): (usize, f64)| {
            if share == 0.0 {
                values[lower]
            } else {
                values[lower] * (1.0 - share) + values[lower + 1] * share
            }
        };
        let spread = |(lower, share)| {
            let local = self.kept_q[lower + 1] - self.kept_q[lower];
            between(sigma, (lower, share)) * (local / self.step).sqrt()
        };
        let shared =
            pattern.sigma_as_independent[self.kept.clone()].iter().zip(&pattern.sigma[self.kept.clone()]);
        let footprint: Vec<f64> = shared
            .map(|(independent, own)| (independent / own).powi(2))
            .map(|points| if points.is_finite() { points.max(1.0) } else { 1.0 })
            .collect();
        Resampled {
            footprint: self.nodes.iter().map(|node| between(&footprint, *node)).collect(),
            intensity: self.nodes.iter().map(|node| between(intensity, *node)).collect(),
            sigma: self.nodes.iter().map(|node| spread(*node)).collect(),
            unpolarized: self
                .nodes
                .iter()
                .map(|node| between(&pattern.unpolarized[self.kept.clone()], *node))
                .collect(),
        }
    }

    fn bridge(&self, intensity: &mut [f64], sigma: &mut [f64]) -> Result<(), StructureError> {
        let empty = |i: usize, intensity: &[f64], sigma: &[f64]| {
            !(intensity[i].is_finite() && sigma[i].is_finite() && sigma[i] >= 0.0)
        };
        let mut at = 0;
        while at < intensity.len() {
            if !empty(at, intensity, sigma) {
                at += 1;
                continue;
            }
            let end = (at..intensity.len()).find(|&i| !empty(i, intensity, sigma));
            let bins = end.unwrap_or(intensity.len()) - at;
            let hole = StructureError::Empty {
                low: self.kept_q[at],
                high: self.kept_q[at + bins - 1],
                bins,
                bridged: BRIDGED_BINS,
            };
            let (Some(right), Some(left)) = (end, at.checked_sub(1)) else { return Err(hole) };
            if bins > BRIDGED_BINS {
                return Err(hole);
            }
            for i in at..right {
                let share = (self.kept_q[i] - self.kept_q[left]) / (self.kept_q[right] - self.kept_q[left]);
                for values in [&mut *intensity, &mut *sigma] {
                    values[i] = values[left] * (1.0 - share) + values[right] * share;
                }
            }
            at = right;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::RadialUnit;

    fn pattern(radial: Vec<f64>, intensity: Vec<f64>) -> Pattern {
        let sigma: Vec<f64> = intensity.iter().map(|i| 0.1 * i).collect();
        Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial,
            intensity,
            sigma_as_independent: sigma.clone(),
            unpolarized: vec![1.0; sigma.len()],
            sigma,
        }
    }

    #[test]
    fn short_holes_are_bridged_and_long_ones_named() {
        let axis: Vec<f64> = (0..40).map(|i| 0.5 + 0.1 * f64::from(i)).collect();
        let resample = Resample::even(&axis, kept_points(&axis, 1.0, 4.0).unwrap());
        let mut line: Vec<f64> = axis.iter().map(|q| 3.0 * q).collect();
        let whole = resample.take(&pattern(axis.clone(), line.clone())).unwrap();
        line[10..15].fill(f64::NAN);
        line[2] = f64::NAN;
        let bridged = resample.take(&pattern(axis.clone(), line.clone())).unwrap();
        for (a, b) in whole.intensity.iter().zip(&bridged.intensity) {
            assert!((a - b).abs() < 1e-12);
        }
        line[15] = f64::NAN;
        let message = resample.take(&pattern(axis.clone(), line)).err().unwrap().to_string();
        assert!(message.contains("between Q = 1.500 and 2.000") && message.contains("6 bins"), "{message}");
        assert!(resample.take(&pattern(axis[1..].to_vec(), axis[1..].to_vec())).is_err());
    }

    #[test]
    fn an_uneven_axis_becomes_even_and_a_falling_one_is_refused() {
        let axis: Vec<f64> = (1..200).map(|i| 0.2 * f64::from(i).sqrt()).collect();
        let resample = Resample::even(&axis, kept_points(&axis, 0.5, 2.5).unwrap());
        let line: Vec<f64> = axis.iter().map(|q| 7.0 - q).collect();
        let taken = resample.take(&pattern(axis.clone(), line)).unwrap();
        for (q, i) in resample.q.iter().zip(&taken.intensity) {
            assert!((i - (7.0 - q)).abs() < 1e-12);
        }
        let falling: Vec<f64> = axis.iter().rev().copied().collect();
        assert!(kept_points(&falling, 0.5, 2.5).is_err());
        assert!(kept_points(&axis, 2.0, 2.1).is_err());
    }
}
