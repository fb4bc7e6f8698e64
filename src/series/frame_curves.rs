//! The frames of one sample, kept in little room: ten thousand frames of 150 bins take 12 MB.

use serde::{Deserialize, Serialize};

use super::binned::{Binned, Grouping, pixel_width};
use crate::integrate::{IntegrationPlan, Pattern};
use crate::stats::median;

/// The bins in which the frames of a run are compared: they follow from its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameBins {
    grouping: Grouping,
    x: Vec<f64>,
    /// What a constant without polarization makes, as in [`Pattern`].
    unpolarized: Vec<f64>,
    /// Width of a pixel over that of a bin.
    overlap: f64,
}

/// I of each frame of a sample in bins that all of them share, as measured: the background is the same for all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameCurves {
    bins: FrameBins,
    frames: Vec<FrameCurve>,
}

/// I of one frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameCurve {
    frame: String,
    place: usize,
    /// I and its variance in each bin; single precision is 1e-7 of I, noise 1e-4 at the least.
    value: Vec<f32>,
    variance: Vec<f32>,
}

/// A frame with fewer of its bins filled than this part of what frames have, or with less light, is not compared.
const LEAST_BINS: f64 = 0.9;
const LEAST_LIGHT: f64 = 0.1;

impl FrameBins {
    /// For the full ring of a plan, its first region, over a range of the radial axis.
    pub fn new(plan: &IntegrationPlan, range: [f64; 2]) -> FrameBins {
        let ring = 0..plan.bins.count;
        FrameBins::of(&plan.bins.centres(), &plan.sharing[ring.clone()], &plan.unpolarized[ring], range)
    }

    /// `sharing` as in [`IntegrationPlan`]; 1 says nothing, no pixel being there or none being split.
    pub(super) fn of(radial: &[f64], sharing: &[f64], unpolarized: &[f64], range: [f64; 2]) -> FrameBins {
        let split: Vec<f64> = sharing.iter().copied().filter(|shared| *shared > 1.0).collect();
        let pixel_points = pixel_width(if split.is_empty() { 1.0 } else { median(&split) });
        let grouping = Grouping::new(radial, range, pixel_points);
        FrameBins {
            x: grouping.means(|k| radial[k]),
            unpolarized: grouping.means(|k| unpolarized[k]),
            overlap: grouping.overlap(pixel_points),
            grouping,
        }
    }

    /// The frame of this name, as in the names of its files, and place in the sample, from 0.
    pub fn curve(&self, frame: &str, place: usize, pattern: &Pattern) -> FrameCurve {
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        FrameCurve {
            frame: frame.to_owned(),
            place,
            value: single(self.grouping.means(|k| pattern.intensity[k])),
            variance: single(self.grouping.variances(pattern)),
        }
    }
}

impl FrameCurves {
    /// Of no frame yet.
    pub fn new(bins: FrameBins) -> FrameCurves {
        FrameCurves { bins, frames: Vec::new() }
    }

    /// Adds a frame with these bins.
    pub fn push(&mut self, curve: FrameCurve) {
        self.frames.push(curve);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Name and place of a frame.
    pub(super) fn named(&self, index: usize) -> (&str, usize) {
        (&self.frames[index].frame, self.frames[index].place)
    }

    /// Bins of each.
    pub(super) fn bins(&self) -> usize {
        self.bins.x.len()
    }

    /// One frame in double precision.
    pub(super) fn binned(&self, index: usize) -> Binned {
        let FrameCurve { value, variance, .. } = &self.frames[index];
        let double = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        Binned {
            x: self.bins.x.clone(),
            value: double(value),
            variance: double(variance),
            unpolarized: self.bins.unpolarized.clone(),
            overlap: self.bins.overlap,
        }
    }

    /// I of a frame in a bin.
    pub(super) fn value(&self, index: usize, bin: usize) -> f64 {
        f64::from(self.frames[index].value[bin])
    }

    /// Its variance.
    pub(super) fn variance(&self, index: usize, bin: usize) -> f64 {
        f64::from(self.frames[index].variance[bin])
    }

    /// Mean of I over the bins of each frame.
    pub(super) fn light(&self) -> Vec<f64> {
        self.frames.iter().map(FrameCurve::light).collect()
    }

    /// The frames that can be compared, by their light.
    pub(super) fn lit(&self, light: &[f64]) -> Vec<usize> {
        let filled: Vec<f64> = self.frames.iter().map(|frame| frame.filled() as f64).collect();
        let [least_light, least_bins] = [LEAST_LIGHT * median(light), LEAST_BINS * median(&filled)];
        (0..self.len())
            .filter(|index| {
                light[*index] >= least_light && filled[*index] >= least_bins && filled[*index] > 0.0
            })
            .collect()
    }
}

impl FrameCurve {
    fn filled(&self) -> usize {
        self.value.iter().zip(&self.variance).filter(|(value, v)| value.is_finite() && **v > 0.0).count()
    }

    /// Mean of I; 0 where no bin has any.
    fn light(&self) -> f64 {
        let there = || self.value.iter().map(|value| f64::from(*value)).filter(|value| value.is_finite());
        there().sum::<f64>() / there().count().max(1) as f64
    }
}
