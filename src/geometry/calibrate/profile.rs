//! The mean over the azimuth against 2θ, its peaks, and which of them are the calibrant's rings.

use rayon::prelude::*;

use super::image::Image;
use super::ladder::Ladder;
use super::placement::two_theta;
use crate::geometry::{Detector, LabFrame};

/// Bins of the profile.
const BINS: usize = 3000;
/// Pixels that a bin needs to count.
const FEWEST_PIXELS: f64 = 20.0;
/// A peak rises above its surroundings by this many standard deviations; one that is expected needs fewer.
const SIGNIFICANT: f64 = 8.0;
const EXPECTED: f64 = 4.5;
/// Peaks weaker than this share of the strongest are not asked where they come from.
const FAINT: f64 = 0.01;
/// Where the surroundings of a peak are looked for, in its full widths.
const BESIDE: [f64; 3] = [0.75, 1.0, 1.5];
/// Rings closer than this, in full widths, make one peak.
const ONE_PEAK: f64 = 1.2;
/// Rings that are expected to be seen: the first of those on the detector.
const FIRST_RINGS: usize = 8;

/// Mean counts against 2θ.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    low: f64,
    step: f64,
    /// Mean counts and number of pixels.
    bins: Vec<[f64; 2]>,
}

/// How the peaks of a profile and the rings of a calibrant answer to each other.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Peaks that stand out.
    pub peaks: usize,
    /// Share of their heights that lies on rings.
    pub explained: f64,
    /// The first rings on the detector, and how many of them are peaks.
    pub expected: usize,
    /// Those.
    pub seen: usize,
}

impl Profile {
    pub(super) fn new(image: &Image, detector: &Detector, frame: &LabFrame) -> Profile {
        let columns = image.shape.columns;
        let angles: Vec<f32> = (0..image.counts.len())
            .into_par_iter()
            .map(|i| {
                let point = detector.point((i / columns) as f64 + 0.5, (i % columns) as f64 + 0.5);
                two_theta(frame, point) as f32
            })
            .collect();
        let range = angles.par_iter().map(|a| [*a, *a]);
        let [low, high] =
            range.reduce(|| [f32::INFINITY, 0.0], |a, b| [a[0].min(b[0]), a[1].max(b[1])]).map(f64::from);
        let step = (high - low).max(f64::MIN_POSITIVE) / BINS as f64;
        let mut bins = vec![[0.0; 2]; BINS];
        for i in (0..angles.len()).filter(|i| image.good[*i]) {
            let bin = (((f64::from(angles[i]) - low) / step) as usize).min(BINS - 1);
            bins[bin][0] += f64::from(image.counts[i]);
            bins[bin][1] += 1.0;
        }
        bins.iter_mut().for_each(|bin| bin[0] /= bin[1].max(1.0));
        Profile { low, step, bins }
    }

    /// 2θ, height above the surroundings and its standard deviations, of each peak; `fwhm` is that of the rings, rad.
    fn peaks(&self, fwhm: f64) -> Vec<[f64; 3]> {
        let reach = ((fwhm / self.step).round() as usize).max(1);
        let mean = |range: std::ops::Range<usize>| {
            let (mut sum, mut pixels) = (0.0, 0.0);
            for bin in &self.bins[range] {
                sum += bin[0] * bin[1];
                pixels += bin[1];
            }
            (pixels >= FEWEST_PIXELS).then(|| (sum / pixels, pixels))
        };
        // The middle third of a peak against the lowest of what is around one full width beside it: farther out there may be the
        // next one, nearer its own flank.
        let half = (reach / 3).max(1);
        let rise = |i: usize| {
            let (top, top_pixels) = mean(i - half..i + half + 1)?;
            let beside = |sign: isize| {
                let at = BESIDE.map(|d| i.saturating_add_signed(sign * (d * reach as f64).round() as isize));
                let means = at.into_iter().filter_map(|at| mean(at - half..at + half + 1));
                means.min_by(|a, b| a.0.total_cmp(&b.0))
            };
            let (left, left_pixels) = beside(-1)?;
            let (right, right_pixels) = beside(1)?;
            let height = top - 0.5 * (left + right);
            let variance = top.max(0.1) / top_pixels
                + 0.25 * (left.max(0.1) / left_pixels + right.max(0.1) / right_pixels);
            Some((height, height / variance.sqrt()))
        };
        let rises: Vec<Option<(f64, f64)>> = (0..BINS)
            .map(|i| if (2 * reach..BINS - 2 * reach - 1).contains(&i) { rise(i) } else { None })
            .collect();
        let height = |i: usize| rises[i].map_or(f64::NEG_INFINITY, |(height, _)| height);
        (reach..BINS.saturating_sub(reach))
            .filter(|i| rises[*i].is_some_and(|(height, sure)| height > 0.0 && sure > EXPECTED))
            .filter(|i| (i - reach..=i + reach).all(|j| height(j) <= height(*i)))
            .map(|i| {
                [self.low + (i as f64 + 0.5) * self.step, height(i), rises[i].map_or(0.0, |(_, sure)| sure)]
            })
            .collect()
    }

    /// Compares with the rings; `fwhm` is theirs, rad.
    pub(super) fn agreement(&self, ladder: &Ladder, fwhm: f64) -> Agreement {
        let mut peaks = self.peaks(fwhm);
        let strongest = peaks.iter().map(|peak| peak[1]).fold(0.0, f64::max);
        peaks.retain(|[_, height, _]| *height > FAINT * strongest);
        let near = 0.5 * fwhm.max(3.0 * self.step);
        let is_ring = |at: f64| (ladder.two_theta[ladder.nearest(at)] - at).abs() < near;
        let rings: Vec<f64> =
            ladder.two_theta.iter().copied().filter(|ring| self.covers(*ring, fwhm)).collect();
        let (mut expected, mut seen) = (0, 0);
        for rings in rings.chunk_by(|a, b| b - a < ONE_PEAK * fwhm).take(FIRST_RINGS) {
            let (first, last) = (rings[0] - near, rings[rings.len() - 1] + near);
            expected += 1;
            seen += usize::from(peaks.iter().any(|[at, ..]| (first..last).contains(at)));
        }
        // Beyond the first rings they lie so close that a peak is on one by chance.
        let last = ladder.two_theta.iter().filter(|ring| self.covers(**ring, fwhm)).nth(2 * FIRST_RINGS);
        peaks.retain(|[at, _, sure]| *sure > SIGNIFICANT && last.is_none_or(|last| at <= last));
        let all: f64 = peaks.iter().map(|peak| peak[1]).sum();
        let on_rings: f64 = peaks.iter().filter(|[at, ..]| is_ring(*at)).map(|peak| peak[1]).sum();
        Agreement {
            peaks: peaks.len(),
            explained: if all > 0.0 { on_rings / all } else { 0.0 },
            expected,
            seen,
        }
    }

    /// Whether there are pixels at the ring and beside it.
    fn covers(&self, ring: f64, fwhm: f64) -> bool {
        [-1.5, 0.0, 1.5].into_iter().all(|k| {
            let x = (ring + k * fwhm - self.low) / self.step;
            x >= 0.0 && self.bins.get(x as usize).is_some_and(|bin| bin[1] >= FEWEST_PIXELS)
        })
    }
}
