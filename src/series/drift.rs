//! The frames of one sample against each other: drift, and frames that are unlike the others.

use super::binned::{Binned, ChiSquared};
use super::metrics::{Key, Numbers};
use crate::stats::{Line, median, weighted_line};

/// One frame of a sample.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FrameCurve {
    /// Its name, as in the names of its files.
    pub frame: String,
    /// Its place in the sample, from 0.
    pub place: usize,
    /// I of the ring as measured: the background is the same for all frames of a sample.
    pub curve: Binned,
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
    /// Against the median of all frames, or, of fewer than five, the mean of the others.
    pub against_others: ChiSquared,
    /// Against the first frame; `None` for it.
    pub against_first: Option<ChiSquared>,
    /// How much of the first principal component it has.
    pub component: f64,
    /// Whether it is unlike the others.
    pub outlier: bool,
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
        let points: Vec<[f64; 3]> = self
            .frames
            .iter()
            .filter(|frame| !frame.outlier)
            .filter_map(|frame| {
                let (_, measured) = readings.frames.iter().find(|(name, _)| *name == frame.frame)?;
                Some([frame.place as f64, measured.value, measured.sigma])
            })
            .collect();
        let column = |index: usize| points.iter().map(|point| point[index]).collect::<Vec<f64>>();
        weighted_line(&column(0), &column(1), &column(2))
    }

    /// Names of the frames that are unlike the others.
    pub fn outliers(&self) -> impl Iterator<Item = &FrameDrift> {
        self.frames.iter().filter(|frame| frame.outlier)
    }
}

/// The fewest frames that say anything.
pub const FEWEST_FRAMES: usize = 3;
/// With fewer frames than this a median is no better than a mean.
const FEWEST_FOR_MEDIAN: usize = 5;
/// χ²/ν of an outlier is above the median of all by so many standard deviations, of chance or of the frames, whichever is larger.
const OUTLIER_SIGMAS: f64 = 6.0;
/// Standard deviation over median absolute deviation of the normal distribution.
const BY_MAD: f64 = 1.4826;
/// What a median of n frames adds to the variance of one of them less it, times n: π/2 of its own, less twice what it has in common with
/// the frame, which is in it.
const MEDIAN_VARIANCE: f64 = std::f64::consts::FRAC_PI_2 - 2.0;
/// Steps of the power iteration.
const STEPS: usize = 60;

/// `None` for fewer than three frames, or frames of different bins.
pub fn drift(frames: &[FrameCurve]) -> Option<Drift> {
    let (first, count) = (frames.first()?, frames.len());
    if count < FEWEST_FRAMES || frames.iter().any(|frame| frame.curve.x.len() != first.curve.x.len()) {
        return None;
    }
    let middle = (count >= FEWEST_FOR_MEDIAN).then(|| median_curve(frames));
    let sums = sums(frames);
    let mut residuals: Vec<Vec<f64>> = Vec::with_capacity(count);
    let mut all = Vec::with_capacity(count);
    for (index, frame) in frames.iter().enumerate() {
        let others = middle.clone().unwrap_or_else(|| without(&sums, frame, count));
        let residual = frame.curve.less(&others, 1.0)?;
        let against_first =
            if index == 0 { None } else { frame.curve.less(&first.curve, 1.0).map(|r| r.chi2()) };
        all.push(FrameDrift {
            frame: frame.frame.clone(),
            place: frame.place,
            scale: residual.scale,
            against_others: residual.chi2(),
            against_first,
            component: 0.0,
            outlier: false,
        });
        residuals.push(residual.value);
    }
    mark_outliers(&mut all);
    let kept: Vec<usize> = (0..count).filter(|index| !all[*index].outlier).collect();
    let rows: Vec<&[f64]> = kept.iter().map(|index| residuals[*index].as_slice()).collect();
    let (scores, component_share, component_share_of_noise) = first_component(&rows);
    for (index, score) in kept.iter().zip(scores) {
        all[*index].component = score;
    }
    Some(Drift { frames: all, component_share, component_share_of_noise })
}

/// Marks frames whose χ²/ν is far above that of the others. With fewer than four frames there is no telling which is unlike.
fn mark_outliers(frames: &mut [FrameDrift]) {
    if frames.len() <= FEWEST_FRAMES {
        return;
    }
    let reduced: Vec<f64> = frames.iter().map(|frame| frame.against_others.reduced()).collect();
    let middle = median(&reduced);
    let deviation =
        BY_MAD * median(&reduced.iter().map(|value| (value - middle).abs()).collect::<Vec<f64>>());
    for (frame, value) in frames.iter_mut().zip(reduced) {
        let chance = middle * (2.0 / frame.against_others.freedom as f64).sqrt();
        frame.outlier = value > middle + OUTLIER_SIGMAS * deviation.max(chance);
    }
}

fn median_curve(frames: &[FrameCurve]) -> Binned {
    let first = &frames[0].curve;
    let at = |k: usize, of: fn(&Binned) -> &[f64]| {
        median(&frames.iter().map(|frame| of(&frame.curve)[k]).collect::<Vec<f64>>())
    };
    let points = 0..first.x.len();
    let value = points.clone().map(|k| at(k, |curve| &curve.value)).collect();
    let per_frame = MEDIAN_VARIANCE / frames.len() as f64;
    let variance = points.map(|k| per_frame * at(k, |curve| &curve.variance)).collect();
    Binned { value, variance, ..first.clone() }
}

/// Sum of the frames, and of their variances.
fn sums(frames: &[FrameCurve]) -> Binned {
    let first = &frames[0].curve;
    let sum = |k: usize, of: fn(&Binned) -> &[f64]| frames.iter().map(|frame| of(&frame.curve)[k]).sum();
    let points = 0..first.x.len();
    Binned {
        value: points.clone().map(|k| sum(k, |curve| &curve.value)).collect(),
        variance: points.map(|k| sum(k, |curve| &curve.variance)).collect(),
        ..first.clone()
    }
}

/// Mean of the others.
fn without(sums: &Binned, frame: &FrameCurve, count: usize) -> Binned {
    let others = (count - 1) as f64;
    let less = |sum: &[f64], own: &[f64], per: f64| sum.iter().zip(own).map(|(s, o)| (s - o) / per).collect();
    Binned {
        value: less(&sums.value, &frame.curve.value, others),
        variance: less(&sums.variance, &frame.curve.variance, others * others),
        ..sums.clone()
    }
}

/// Scores of the first principal component of the rows about their mean, the part of their squares that it holds, and the part that noise
/// of unit variance gives it at most: (√n + √m)²/nm for n rows of m numbers (Marchenko & Pastur 1967).
fn first_component(rows: &[&[f64]]) -> (Vec<f64>, f64, f64) {
    let Some(first) = rows.first() else { return (Vec::new(), f64::NAN, f64::NAN) };
    let there: Vec<usize> = (0..first.len()).filter(|k| rows.iter().all(|row| row[*k].is_finite())).collect();
    let (n, m) = (rows.len() as f64, there.len() as f64);
    let mean: Vec<f64> = there.iter().map(|k| rows.iter().map(|row| row[*k]).sum::<f64>() / n).collect();
    let centred: Vec<Vec<f64>> =
        rows.iter().map(|row| there.iter().zip(&mean).map(|(k, mean)| row[*k] - mean).collect()).collect();
    let total: f64 = centred.iter().flatten().map(|value| value * value).sum();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    // The row that differs most is the best guess.
    let Some(mut direction) = centred.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b))).cloned() else {
        return (Vec::new(), f64::NAN, f64::NAN);
    };
    let mut scores = vec![0.0; rows.len()];
    for _ in 0..STEPS {
        let length = dot(&direction, &direction).sqrt();
        if length == 0.0 {
            break;
        }
        direction.iter_mut().for_each(|value| *value /= length);
        scores = centred.iter().map(|row| dot(row, &direction)).collect();
        direction = vec![0.0; direction.len()];
        for (row, score) in centred.iter().zip(&scores) {
            direction.iter_mut().zip(row).for_each(|(sum, value)| *sum += score * value);
        }
    }
    let share = scores.iter().map(|score| score * score).sum::<f64>() / total;
    (scores, share, (n.sqrt() + m.sqrt()).powi(2) / (n * m))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::{Pattern, RadialUnit};
    use rand::{RngExt, SeedableRng};

    /// Frames of 300 points with noise of unit variance on 100; `change` is added to the frame of this place at this point.
    fn frames(count: usize, change: impl Fn(usize, usize) -> f64) -> Vec<FrameCurve> {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(11);
        (0..count)
            .map(|place| {
                let noise =
                    |rng: &mut rand_pcg::Pcg64Mcg| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
                let pattern = Pattern {
                    unit: RadialUnit::QInvAngstrom,
                    radial: (0..300).map(f64::from).collect(),
                    intensity: (0..300)
                        .map(|k| 100.0 + 20.0 * (0.1 * k as f64).sin() + noise(&mut rng) + change(place, k))
                        .collect(),
                    sigma: vec![1.0; 300],
                    sigma_as_independent: vec![1.0; 300],
                    unpolarized: vec![1.0; 300],
                };
                let curve = Binned::of(&pattern, [0.0, 300.0]);
                FrameCurve { frame: format!("f{place}"), place, curve }
            })
            .collect()
    }

    fn bump(k: usize) -> f64 {
        (-0.5 * ((k as f64 - 150.0) / 10.0).powi(2)).exp()
    }

    #[test]
    fn frames_of_one_thing_have_no_outlier_and_no_component() {
        for count in [4, 12, 40] {
            let found = drift(&frames(count, |_, _| 0.0)).unwrap();
            assert!(found.frames.iter().all(|frame| !frame.outlier));
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
                drift(&frames(count, |place, k| if place == 2 { 5.0 * bump(k) } else { 0.0 })).unwrap();
            let named: Vec<usize> = found.frames.iter().filter(|f| f.outlier).map(|f| f.place).collect();
            assert_eq!(named, [2], "{count}");
        }
    }

    #[test]
    fn a_drift_is_the_first_component_and_no_outlier() {
        let found = drift(&frames(30, |place, k| 0.2 * place as f64 * bump(k))).unwrap();
        assert!(found.frames.iter().all(|frame| !frame.outlier));
        assert!(found.component_share > 2.0 * found.component_share_of_noise);
        let [first, last] = [&found.frames[0], &found.frames[29]];
        assert!(first.component * last.component < 0.0);
        assert!(last.against_first.unwrap().p < 1e-6);
    }

    /// A beam that is 3 % weaker is a scale and no change.
    #[test]
    fn a_weaker_beam_is_no_outlier() {
        let found = drift(&frames(10, |place, k| {
            if place == 4 { -0.03 * (100.0 + 20.0 * (0.1 * k as f64).sin()) } else { 0.0 }
        }))
        .unwrap();
        assert!(found.frames.iter().all(|frame| !frame.outlier));
        assert!((found.frames[4].scale + 0.03).abs() < 0.01, "{}", found.frames[4].scale);
    }
}
