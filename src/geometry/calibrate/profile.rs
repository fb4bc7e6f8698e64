//! The mean over the azimuth against 2θ, its peaks, and which of them are the calibrant's rings.

use rayon::prelude::*;

use super::image::Image;
use super::ladder::Ladder;
use super::placement::two_theta;
use super::refine::median;
use crate::geometry::{Detector, LabFrame};

/// Bins of the profile.
const BINS: usize = 3000;
/// Pixels that are summed together.
const PART: usize = 1 << 18;
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
/// Scattering does not fall towards the beam by so much: below this share of the counts beside the first peak is a shadow.
const DARK: f64 = 0.3;
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
    /// Share of them that lies on rings, by number or by height, whichever is less.
    pub explained: f64,
    /// The first rings on the detector that would stand out were they as high as most peaks, and how many of them are peaks.
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
        let part = |part: &[f32], first: usize| {
            let mut bins = vec![[0.0; 2]; BINS];
            for (i, angle) in (first..).zip(part).filter(|(i, _)| image.good[*i]) {
                let bin = (((f64::from(*angle) - low) / step) as usize).min(BINS - 1);
                bins[bin][0] += f64::from(image.counts[i]);
                bins[bin][1] += 1.0;
            }
            bins
        };
        // The same parts, joined in the same order, whatever the number of threads.
        let parts = angles.par_chunks(PART).enumerate().map(|(k, angles)| part(angles, k * PART));
        let parts: Vec<Vec<[f64; 2]>> = parts.collect();
        let sum = |i: usize, k: usize| parts.iter().map(|part| part[i][k]).sum::<f64>();
        let mut bins: Vec<[f64; 2]> = (0..BINS).map(|i| [sum(i, 0), sum(i, 1)]).collect();
        bins.iter_mut().for_each(|bin| bin[0] /= bin[1].max(1.0));
        Profile { low, step, bins }
    }

    /// Height of the profile at a bin above its surroundings, and the standard deviation of that by the counts; rings are `reach` bins
    /// wide at half maximum.
    fn rise(&self, i: usize, reach: usize) -> Option<[f64; 2]> {
        let mean = |range: std::ops::Range<usize>| {
            let (mut sum, mut pixels) = (0.0, 0.0);
            for bin in self.bins.get(range)? {
                sum += bin[0] * bin[1];
                pixels += bin[1];
            }
            (pixels >= FEWEST_PIXELS).then(|| (sum / pixels, pixels))
        };
        // The middle third of a peak against the lowest of what is around one full width beside it: farther out there may be the
        // next one, nearer its own flank.
        let half = (reach / 3).max(1);
        let around = |i: usize| mean(i.checked_sub(half)?..i + half + 1);
        let (top, top_pixels) = around(i)?;
        let beside = |sign: isize| {
            let at = BESIDE.map(|d| i.saturating_add_signed(sign * (d * reach as f64).round() as isize));
            at.into_iter().filter_map(around).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let (left, left_pixels) = beside(-1)?;
        let (right, right_pixels) = beside(1)?;
        let variance =
            top.max(0.1) / top_pixels + 0.25 * (left.max(0.1) / left_pixels + right.max(0.1) / right_pixels);
        Some([top - 0.5 * (left + right), variance.sqrt()])
    }

    /// 2θ, height above the surroundings and its standard deviations, of each peak; `fwhm` is that of the rings, rad.
    fn peaks(&self, fwhm: f64) -> Vec<[f64; 3]> {
        let reach = self.reach(fwhm);
        let rises: Vec<Option<[f64; 2]>> = (0..BINS)
            .map(|i| {
                let inside = (2 * reach..BINS.saturating_sub(2 * reach + 1)).contains(&i);
                if inside { self.rise(i, reach) } else { None }
            })
            .collect();
        let height = |i: usize| rises[i].map_or(f64::NEG_INFINITY, |[height, _]| height);
        let is_top = |i: &usize| (i - reach..=i + reach).all(|j| height(j) <= height(*i));
        let peak = |i: usize| {
            let [height, sigma] = rises[i]?;
            let at = self.low + (i as f64 + 0.5) * self.step;
            (height > EXPECTED * sigma).then_some([at, height, height / sigma])
        };
        (reach..BINS.saturating_sub(reach)).filter(is_top).filter_map(peak).collect()
    }

    /// Full width in bins.
    fn reach(&self, fwhm: f64) -> usize {
        ((fwhm / self.step).round() as usize).max(1)
    }

    /// Compares with the rings; `fwhm` is theirs, rad.
    pub(super) fn agreement(&self, ladder: &Ladder, fwhm: f64) -> Agreement {
        let mut peaks = self.peaks(fwhm);
        let strongest = peaks.iter().map(|peak| peak[1]).fold(0.0, f64::max);
        peaks.retain(|[_, height, _]| *height > FAINT * strongest);
        let near = 0.5 * fwhm.max(3.0 * self.step);
        let is_ring = |at: f64| (ladder.two_theta[ladder.nearest(at)] - at).abs() < near;
        let mut heights: Vec<f64> = peaks.iter().filter(|p| p[2] > SIGNIFICANT).map(|peak| peak[1]).collect();
        let typical = median(&mut heights);
        let shadow = self.shadow(&peaks, fwhm);
        let would_be_seen = |ring: &f64| {
            let i = ((ring - self.low) / self.step).max(0.0) as usize;
            let stands_out = |[_, sigma]: [f64; 2]| typical > SIGNIFICANT * sigma;
            *ring > shadow
                && self.covers(*ring, fwhm)
                && self.rise(i, self.reach(fwhm)).is_some_and(stands_out)
        };
        let rings: Vec<f64> = ladder.two_theta.iter().copied().filter(would_be_seen).collect();
        let (mut expected, mut seen) = (0, 0);
        for rings in rings.chunk_by(|a, b| b - a < ONE_PEAK * fwhm).take(FIRST_RINGS) {
            let (first, last) = (rings[0] - near, rings[rings.len() - 1] + near);
            expected += 1;
            seen += usize::from(peaks.iter().any(|[at, ..]| (first..last).contains(at)));
        }
        // Beyond the first rings they lie so close that a peak is on one by chance.
        let last = ladder.two_theta.iter().filter(|ring| self.covers(**ring, fwhm)).nth(2 * FIRST_RINGS);
        peaks.retain(|[at, _, sure]| *sure > SIGNIFICANT && last.is_none_or(|last| at <= last));
        let share = |weight: fn(&[f64; 3]) -> f64| {
            let all: f64 = peaks.iter().map(weight).sum();
            let on_rings: f64 = peaks.iter().filter(|[at, ..]| is_ring(*at)).map(weight).sum();
            if all > 0.0 { on_rings / all } else { 0.0 }
        };
        let explained = share(|[_, height, _]| *height).min(share(|_| 1.0));
        Agreement { peaks: peaks.len(), explained, expected, seen }
    }

    /// 2θ up to which a beam stop takes the light: farthest inside of the first peak where counts are below [`DARK`] of those beside it.
    fn shadow(&self, peaks: &[[f64; 3]], fwhm: f64) -> f64 {
        let bin = |at: f64| (((at - self.low) / self.step).max(0.0) as usize).min(BINS - 1);
        let Some([first, ..]) = peaks.first() else { return 0.0 };
        let foot = bin(first - fwhm);
        let lit = self.bins[foot][0].min(self.bins[bin(first + fwhm)][0]);
        let dark = |i: &usize| self.bins[*i][1] >= FEWEST_PIXELS && self.bins[*i][0] < DARK * lit;
        (0..foot).rev().find(dark).map_or(0.0, |i| self.low + (i as f64 + 1.0) * self.step + fwhm)
    }

    /// Whether there are pixels at the ring and beside it.
    fn covers(&self, ring: f64, fwhm: f64) -> bool {
        [-1.5, 0.0, 1.5].into_iter().all(|k| {
            let x = (ring + k * fwhm - self.low) / self.step;
            x >= 0.0 && self.bins.get(x as usize).is_some_and(|bin| bin[1] >= FEWEST_PIXELS)
        })
    }
}
