//! The frames of one sample against each other: drift, and frames that are unlike the others.

use std::collections::HashMap;

use super::binned::{Binned, ChiSquared, FEWEST_BINS};
use super::component::first_component;
use super::frame_curves::FrameCurves;
use super::metrics::{Key, Numbers};
use crate::peaks::Measured;
use crate::stats::{Line, deviation_by_median, median, weighted_line};

/// Where a frame stands among the others of its sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As the others.
    Alike,
    /// χ² is far above that of the others.
    Unlike,
    /// It lacks the counts to be compared: less than a tenth of the others' light, or too many empty bins.
    Dark,
}

/// What became of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameDrift {
    /// Its name.
    pub frame: String,
    /// Its place in the sample, from 0.
    pub place: usize,
    /// Its I is larger than that of the others by this part.
    pub scale: f64,
    /// Against the median of all frames, or, of fewer than five, the mean of the others; infinite for a dark one.
    pub against_others: ChiSquared,
    /// Against the first frame that is not dark; `None` for it, and for dark ones.
    pub against_first: Option<ChiSquared>,
    /// How much of the first principal component it has; 0 for outliers.
    pub component: f64,
    /// Where it stands among the others.
    pub standing: Standing,
}

impl FrameDrift {
    /// Whether it is unlike the others.
    pub fn is_outlier(&self) -> bool {
        match self.standing {
            Standing::Alike => false,
            Standing::Unlike | Standing::Dark => true,
        }
    }
}

/// The frames of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// In their order.
    pub frames: Vec<FrameDrift>,
    /// Part of all scatter that one curve, more or less of it, makes.
    pub component_share: f64,
    /// What counting alone gives that part, at most.
    pub component_share_of_noise: f64,
}

impl Drift {
    /// A number of the frames of `sample` against their places, outliers left out.
    pub fn line(&self, numbers: &Numbers, sample: &str, key: &Key) -> Option<Line> {
        let readings = numbers.get(sample, key)?;
        let by_name: HashMap<&str, Measured> =
            readings.frames.iter().map(|(name, measured)| (name.as_str(), *measured)).collect();
        let points: Vec<[f64; 3]> = self
            .frames
            .iter()
            .filter(|frame| !frame.is_outlier())
            .filter_map(|frame| {
                let measured = by_name.get(frame.frame.as_str())?;
                Some([frame.place as f64, measured.value, measured.sigma])
            })
            .collect();
        let column = |index: usize| points.iter().map(|point| point[index]).collect::<Vec<f64>>();
        weighted_line(&column(0), &column(1), &column(2))
    }

    /// Names of the frames that are unlike the others.
    pub fn outliers(&self) -> impl Iterator<Item = &FrameDrift> {
        self.frames.iter().filter(|frame| frame.is_outlier())
    }
}

/// The fewest frames that say anything.
pub const FEWEST_FRAMES: usize = 3;
/// With fewer frames than this a median is no better than a mean.
const FEWEST_FOR_MEDIAN: usize = 5;
/// χ²/ν of an outlier is above the median of all by so many standard deviations, of chance or of the frames, whichever is larger.
const OUTLIER_SIGMAS: f64 = 6.0;

/// `None` for fewer than three frames, fewer than two with light, or too few bins.
pub fn drift(frames: &FrameCurves) -> Option<Drift> {
    if frames.len() < FEWEST_FRAMES || frames.bins() < FEWEST_BINS {
        return None;
    }
    let light = frames.light();
    let lit = frames.lit(&light);
    let &first = lit.first().filter(|_| lit.len() > 1)?;
    let first_curve = frames.binned(first);
    let others = Others::of(frames, &lit, &light);
    let of_middle = median(&light);
    let mut all: Vec<FrameDrift> =
        (0..frames.len()).map(|index| dark(frames, index, light[index] / of_middle)).collect();
    let mut residuals: Vec<Vec<f32>> = Vec::with_capacity(lit.len());
    let mut alike = Vec::with_capacity(lit.len());
    for index in lit {
        let curve = frames.binned(index);
        let (other, unit) = others.but(&curve);
        let Some(residual) = curve.less(&other, unit) else { continue };
        let against_first = if index == first {
            None
        } else {
            curve.less(&first_curve, light[index] / light[first]).map(|residual| residual.chi2())
        };
        all[index] = FrameDrift {
            scale: unit * (1.0 + residual.scale) / others.light() - 1.0,
            against_others: residual.chi2(),
            against_first,
            standing: Standing::Alike,
            ..all[index].clone()
        };
        residuals.push(residual.value.iter().map(|value| *value as f32).collect());
        alike.push(index);
    }
    mark_outliers(&mut all, &alike);
    let kept = |place: &usize| all[alike[*place]].standing == Standing::Alike;
    let kept: Vec<usize> = (0..alike.len()).filter(kept).collect();
    let rows: Vec<Vec<f32>> = kept.iter().map(|place| std::mem::take(&mut residuals[*place])).collect();
    let (scores, component_share, component_share_of_noise) = first_component(rows);
    for (place, score) in kept.iter().zip(scores) {
        all[alike[*place]].component = score;
    }
    Some(Drift { frames: all, component_share, component_share_of_noise })
}

/// A frame that cannot be compared, infinitely unlike; its light is relative to that of the frame in the middle.
fn dark(frames: &FrameCurves, index: usize, light: f64) -> FrameDrift {
    let (frame, place) = frames.named(index);
    FrameDrift {
        frame: frame.to_owned(),
        place,
        scale: light - 1.0,
        against_others: ChiSquared::new(f64::INFINITY, frames.bins()),
        against_first: None,
        component: 0.0,
        standing: Standing::Dark,
    }
}

/// Marks frames whose χ²/ν is far above that of the others. With fewer than four frames there is no telling which is unlike.
fn mark_outliers(frames: &mut [FrameDrift], compared: &[usize]) {
    if compared.len() <= FEWEST_FRAMES {
        return;
    }
    let reduced: Vec<f64> = compared.iter().map(|index| frames[*index].against_others.reduced()).collect();
    let middle = median(&reduced);
    let deviation = deviation_by_median(&reduced, middle);
    for (&index, value) in compared.iter().zip(reduced) {
        let chance = middle * (2.0 / frames[index].against_others.freedom as f64).sqrt();
        if value > middle + OUTLIER_SIGMAS * deviation.max(chance) {
            frames[index].standing = Standing::Unlike;
        }
    }
}

/// What a frame is compared with.
enum Others {
    /// The median of all frames, each scaled to the mean 1; the variance is that of the harmonic mean of their σ.
    Median { middle: Binned, light: f64, count: usize },
    /// The sum of all frames, and of their variances, and in how many of them each bin is filled: the mean of the others is what is left.
    Sum { all: Binned, filled: Vec<f64> },
}

impl Others {
    fn of(frames: &FrameCurves, lit: &[usize], light: &[f64]) -> Others {
        let (count, like) = (lit.len(), frames.binned(lit[0]));
        let bins = 0..like.x.len();
        if count < FEWEST_FOR_MEDIAN {
            let sum = |of: &dyn Fn(usize) -> f64| {
                lit.iter().map(|index| of(*index)).filter(|v| v.is_finite()).sum()
            };
            let value = bins.clone().map(|k| sum(&|index| frames.value(index, k))).collect();
            let variance = bins.clone().map(|k| sum(&|index| frames.variance(index, k))).collect();
            let is_filled =
                |index: usize, k: usize| if frames.value(index, k).is_finite() { 1.0 } else { 0.0 };
            let filled = bins.map(|k| sum(&|index| is_filled(index, k))).collect();
            return Others::Sum { all: Binned { value, variance, ..like }, filled };
        }
        let middle = |k: usize| {
            median(&lit.iter().map(|index| frames.value(*index, k) / light[*index]).collect::<Vec<f64>>())
        };
        let harmonic = |k: usize| {
            let weights = lit.iter().map(|index| light[*index] / frames.variance(*index, k).sqrt());
            let (sum, there) =
                weights.filter(|w| w.is_finite()).fold((0.0, 0.0), |(s, n), w| (s + w, n + 1.0));
            (there / sum).powi(2)
        };
        let (value, variance) = (bins.clone().map(middle).collect(), bins.map(harmonic).collect());
        Others::Median { middle: Binned { value, variance, ..like }, light: median(light), count }
    }

    /// What the scale of a frame has as unit.
    fn light(&self) -> f64 {
        match self {
            Others::Median { light, .. } => *light,
            Others::Sum { .. } => 1.0,
        }
    }

    /// The others of a frame, and what its light is in units of theirs.
    ///
    /// The median of n numbers of the standard deviations σ_j is Σ sign(x_j)/2Σf_j off, f_j = 1/(σ_j√2π): with s = n/Σ(1/σ_j) its variance
    /// is (π/2)s²/n, and it has σ_j s/n in common with number j, so that x_j less the median has σ_j² + (π/2)s²/n − 2σ_j s/n.
    fn but(&self, own: &Binned) -> (Binned, f64) {
        match self {
            Others::Median { middle, count, .. } => {
                let (unit, n) = (own.light_over(middle), *count as f64);
                let beside_own = |(of_all, of_own): (&f64, &f64)| {
                    (0.5 * std::f64::consts::PI * of_all - 2.0 * (of_all * of_own).sqrt() / unit) / n
                };
                let variance = middle.variance.iter().zip(&own.variance).map(beside_own).collect();
                (Binned { variance, ..middle.clone() }, unit)
            }
            Others::Sum { all, filled } => {
                let less = |sum: &[f64], own: &[f64], power: i32| -> Vec<f64> {
                    let of_bins = sum.iter().zip(own).zip(filled);
                    of_bins.map(|((sum, own), filled)| (sum - own) / (filled - 1.0).powi(power)).collect()
                };
                let mean = Binned {
                    value: less(&all.value, &own.value, 1),
                    variance: less(&all.variance, &own.variance, 2),
                    ..all.clone()
                };
                let unit = own.light_over(&mean);
                (mean, unit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::{Pattern, RadialUnit};
    use crate::series::FrameBins;
    use rand::{RngExt, SeedableRng};
    use rand_distr::{Distribution, Poisson};

    /// Of 300 points that no pixels share.
    fn no_frames() -> (FrameBins, FrameCurves) {
        let radial: Vec<f64> = (0..300).map(f64::from).collect();
        let bins = FrameBins::of(&radial, &[1.0; 300], &[1.0; 300], [0.0, 300.0]);
        (bins.clone(), FrameCurves::new(bins))
    }

    fn structure(k: usize) -> f64 {
        100.0 + 20.0 * (0.1 * k as f64).sin()
    }

    fn pattern(intensity: Vec<f64>, sigma: Vec<f64>) -> Pattern {
        Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial: (0..300).map(f64::from).collect(),
            intensity,
            sigma_as_independent: sigma.clone(),
            sigma,
            unpolarized: vec![1.0; 300],
        }
    }

    /// Frames of 300 points with noise of unit variance on 100; `change` is added to the frame of this place at this point.
    fn frames(count: usize, change: impl Fn(usize, usize) -> f64) -> FrameCurves {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(11);
        let (bins, mut frames) = no_frames();
        for place in 0..count {
            let noise =
                |rng: &mut rand_pcg::Pcg64Mcg| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
            let intensity = (0..300).map(|k| structure(k) + noise(&mut rng) + change(place, k)).collect();
            let pattern = pattern(intensity, vec![1.0; 300]);
            frames.push(bins.curve(&format!("f{place}"), place, &pattern));
        }
        frames
    }

    /// Counts of 10,000 a point in frames of full light.
    fn counted(light: &[f64]) -> FrameCurves {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(12);
        let (bins, mut frames) = no_frames();
        for (place, light) in light.iter().enumerate() {
            let counts = (0..300).map(|k| match light * 100.0 * structure(k) {
                mean if mean > 0.0 => Poisson::new(mean).unwrap().sample(&mut rng),
                _ => 0.0,
            });
            let counts: Vec<f64> = counts.collect();
            let sigma = counts.iter().map(|c| c.sqrt()).collect();
            frames.push(bins.curve(&format!("f{place}"), place, &pattern(counts, sigma)));
        }
        frames
    }

    /// 1 % of the light, none, and 1e-4 of it, in which bins are empty: they are outliers, and the others are judged as without them.
    #[test]
    fn a_frame_without_light_does_not_hide_the_others() {
        for (dark, place) in [(0.01, 3), (0.0, 0), (1e-4, 9), (1e-4, 0), (0.0, 5)] {
            let mut light = vec![1.0; 10];
            light[place] = dark;
            let found = drift(&counted(&light)).unwrap();
            let named: Vec<usize> = found.outliers().map(|frame| frame.place).collect();
            assert_eq!(named, [place], "{dark}");
            assert!(found.frames[place].standing == Standing::Dark && found.frames[place].scale < -0.98);
            assert!(found.frames[place].against_others.chi2.is_infinite());
            let lit = found.frames.iter().filter(|frame| !frame.is_outlier());
            let mean = lit.map(|frame| frame.against_others.reduced()).sum::<f64>() / 9.0;
            // 148 degrees of freedom of each of nine.
            assert!((mean - 1.0).abs() < 0.12, "{dark}: {mean}");
            assert!(found.component_share < 1.4 * found.component_share_of_noise, "{dark}");
        }
        let three = drift(&counted(&[1.0, 0.0, 1.0])).unwrap();
        assert_eq!(three.outliers().map(|frame| frame.place).collect::<Vec<_>>(), [1]);
        assert!(drift(&counted(&[1.0, 0.0, 0.0])).is_none());
    }

    /// A third of the light is a scale, and its noise is known.
    #[test]
    fn frames_of_unequal_light_have_the_chi_squared_of_noise() {
        let light: Vec<f64> = (0..20).map(|place| 0.3 + 0.1 * f64::from(place % 10)).collect();
        let found = drift(&counted(&light)).unwrap();
        assert_eq!(found.outliers().count(), 0);
        for frame in &found.frames {
            // 148 degrees of freedom: 0.116; the median adds up to 2 %.
            let reduced = frame.against_others.reduced();
            assert!((reduced - 1.0).abs() < 0.45, "{}: {reduced}", frame.place);
        }
        let mean = found.frames.iter().map(|frame| frame.against_others.reduced()).sum::<f64>() / 20.0;
        // 0.116/√20 = 0.026; what a frame has in common with the median is 0.1.
        assert!((mean - 1.0).abs() < 0.08, "{mean}");
    }

    /// Bins that one of four frames lacks are the mean of two others for the rest.
    #[test]
    fn a_hole_in_one_frame_is_none_in_the_others() {
        let found =
            drift(&frames(4, |place, k| if place == 1 && (40..60).contains(&k) { f64::NAN } else { 0.0 }));
        for frame in found.unwrap().frames {
            // 148 degrees of freedom: 0.116.
            let reduced = frame.against_others.reduced();
            assert!((reduced - 1.0).abs() < 0.45, "{}: {reduced}", frame.place);
        }
    }

    fn bump(k: usize) -> f64 {
        (-0.5 * ((k as f64 - 150.0) / 10.0).powi(2)).exp()
    }

    #[test]
    fn frames_of_one_thing_have_no_outlier_and_no_component() {
        for count in [4, 12, 40] {
            let found = drift(&frames(count, |_, _| 0.0)).unwrap();
            assert!(found.outliers().count() == 0);
            let mean = found.frames.iter().map(|f| f.against_others.reduced()).sum::<f64>() / count as f64;
            // 298 degrees of freedom; the frame itself is in the median.
            assert!((mean - 1.0).abs() < 0.1, "{count}: {mean}");
            assert!(found.component_share < 1.3 * found.component_share_of_noise, "{count}");
        }
        assert!(drift(&frames(2, |_, _| 0.0)).is_none());
    }

    #[test]
    fn one_frame_that_is_unlike_is_named() {
        for count in [4, 20] {
            let found =
                drift(&frames(count, |place, k| if place == 2 { 6.0 * bump(k) } else { 0.0 })).unwrap();
            let named: Vec<usize> = found.outliers().map(|frame| frame.place).collect();
            assert_eq!(named, [2], "{count}");
        }
    }

    #[test]
    fn a_drift_is_the_first_component_and_no_outlier() {
        let found = drift(&frames(30, |place, k| 0.2 * place as f64 * bump(k))).unwrap();
        assert!(found.outliers().count() == 0);
        assert!(found.component_share > 2.0 * found.component_share_of_noise);
        let [first, last] = [&found.frames[0], &found.frames[29]];
        assert!(first.component * last.component < 0.0);
        assert!(last.against_first.unwrap().p < 1e-6);
    }

    /// A beam that is 3 % weaker is a scale and no change.
    #[test]
    fn a_weaker_beam_is_no_outlier() {
        let found =
            drift(&frames(10, |place, k| if place == 4 { -0.03 * structure(k) } else { 0.0 })).unwrap();
        assert!(found.outliers().count() == 0);
        assert!((found.frames[4].scale + 0.03).abs() < 0.01, "{}", found.frames[4].scale);
    }
}
