//! The frames of one sample, kept in little room: ten thousand frames of 150 bins take 12 MB.

use serde::{Deserialize, Serialize};

use super::binned::{Binned, Grouping, pixel_points};
use crate::integrate::Pattern;
use crate::stats::median;

/// I of each frame of a sample in bins that all of them share, as measured: the background is the same for all frames.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameCurves {
    bins: Option<Bins>,
    frames: Vec<FrameCurve>,
}

/// What all frames share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bins {
    grouping: Grouping,
    x: Vec<f64>,
    /// What a constant without polarization makes, as in [`Pattern`].
    unpolarized: Vec<f64>,
}

/// I of one frame, by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameCurve {
    frame: String,
    place: usize,
    /// Its bins, until it is among others; `None` where it has no light.
    bins: Option<Bins>,
    /// I and its variance in each bin; single precision is 1e-7 of I, noise 1e-4 at the least. Empty where the frame has no light, or
    /// so few counts that its bins are others.
    value: Vec<f32>,
    variance: Vec<f32>,
    /// Points that a pixel is wide.
    pixel_points: f64,
}

/// A frame with fewer of its bins filled than this part of what frames have, or with less light, is not compared.
const LEAST_BINS: f64 = 0.9;
const LEAST_LIGHT: f64 = 0.1;

impl FrameCurves {
    /// Adds a frame of the same plan.
    pub fn push(&mut self, mut curve: FrameCurve) {
        match (&mut self.bins, curve.bins.take()) {
            (Some(bins), Some(own)) if bins.grouping == own.grouping => {
                let missing =
                    bins.unpolarized.iter_mut().zip(own.unpolarized).filter(|(known, _)| known.is_nan());
                missing.for_each(|(known, found)| *known = found);
            }
            (Some(_), _) => (curve.value, curve.variance) = (Vec::new(), Vec::new()),
            (none @ None, own) => *none = own,
        }
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
        self.bins.as_ref().map_or(0, |bins| bins.x.len())
    }

    /// Width of a pixel over that of a bin, from the frame in the middle.
    pub(super) fn overlap(&self) -> f64 {
        let widths: Vec<f64> =
            self.frames.iter().map(|frame| frame.pixel_points).filter(|w| *w > 0.0).collect();
        match &self.bins {
            Some(bins) if !widths.is_empty() => bins.grouping.overlap(median(&widths)),
            Some(_) | None => 0.0,
        }
    }

    /// One frame in double precision, with the overlap of all.
    pub(super) fn binned(&self, index: usize, overlap: f64) -> Binned {
        let Some(bins) = &self.bins else { return Binned::default() };
        let FrameCurve { value, variance, .. } = &self.frames[index];
        let double = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        Binned {
            x: bins.x.clone(),
            value: double(value),
            variance: double(variance),
            unpolarized: bins.unpolarized.clone(),
            overlap,
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
    /// Of the frame of this name, as in the names of its files, and place in the sample, from 0, over a range of the radial axis.
    pub fn new(frame: &str, place: usize, pattern: &Pattern, range: [f64; 2]) -> FrameCurve {
        let pixel_points = pixel_points(pattern);
        let has_light = pattern.sigma.iter().any(|sigma| *sigma > 0.0);
        let bins = has_light.then(|| {
            let grouping = Grouping::new(&pattern.radial, range, pixel_points);
            let x = grouping.means(|k| pattern.radial[k]);
            Bins { unpolarized: grouping.means(|k| pattern.unpolarized[k]), grouping, x }
        });
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        let (value, variance) = bins.as_ref().map_or_else(Default::default, |bins| {
            let value = single(bins.grouping.means(|k| pattern.intensity[k]));
            (value, single(bins.grouping.variances(pattern)))
        });
        FrameCurve { frame: frame.to_owned(), place, bins, value, variance, pixel_points }
    }

    fn filled(&self) -> usize {
        self.value.iter().zip(&self.variance).filter(|(value, v)| value.is_finite() && **v > 0.0).count()
    }

    /// Mean of I; 0 without bins.
    fn light(&self) -> f64 {
        let there = || self.value.iter().map(|value| f64::from(*value)).filter(|value| value.is_finite());
        there().sum::<f64>() / there().count().max(1) as f64
    }
}
