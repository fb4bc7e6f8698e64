//! Draws crests together on rings of which nothing is known but that each has one 2θ.
//!
//! Seen from about the right place, the 2θ of crests form heaps, one for each ring. The fit moves the beam's point and the
//! tilt until the heaps are narrow: Σ ρ(2θ − mean of its heap). All arcs of a ring pull at once, which edges, seen one by
//! one, do not. The distance is held: it is one with the tilt and the rings' radii to first order.

use nalgebra::{SMatrix, SVector};

use super::placement::{Placement, two_theta, two_theta_slope};
use crate::geometry::LabFrame;

/// Whether the tilt is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tilt {
    /// It is what it is.
    Held,
    /// With the beam's point.
    Free,
}

/// A round: which share of the crests, from the beam outwards, and the half width of heaps, pixels.
pub(super) type Round = (f64, f64);
/// From a placement that is some tens of pixels off: near the beam rings are farther apart, and a tilt moves them less.
pub(super) const FAR: &[Round] = &[
    (0.3, 8.0),
    (0.3, 5.0),
    (0.3, 3.0),
    (0.3, 2.0),
    (0.6, 4.0),
    (0.6, 2.5),
    (1.0, 3.0),
    (1.0, 2.0),
    (1.0, 1.5),
    (1.0, 1.2),
];
/// From one that is a few pixels off.
pub(super) const NEAR: &[Round] = &[(1.0, 2.0), (1.0, 1.5), (1.0, 1.2)];
/// Bins of a pixel's length for heaps, and how many of them a frame may have.
const BINS_PER_PX: f64 = 2.0;
const MOST_BINS: usize = 16_384;
/// Crests that make a heap.
const FEWEST: usize = 4;
/// The start is right within this: pixels, rad.
const START_PX: f64 = 40.0;
const START_TILT: f64 = 0.15;
/// Steps of the derivatives, pixels and rad.
const STEP_PX: f64 = 1e-3;
const STEP_RAD: f64 = 1e-6;

type Four = SVector<f64, 4>;

/// The placement in which crests lie closest together, near `start`, at its distance.
pub(super) fn gathered(
    start: &Placement,
    tilt: Tilt,
    crests: &[[f64; 2]],
    pixel_m: f64,
    rounds: &[Round],
) -> Placement {
    let mut sorted: Vec<(f64, [f64; 2])> =
        radii_px(start, crests, pixel_m).into_iter().zip(crests.iter().copied()).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let sorted: Vec<[f64; 2]> = sorted.into_iter().map(|(_, crest)| crest).collect();
    rounds.iter().fold(*start, |here, (share, half_px)| {
        let crests = &sorted[..(share * sorted.len() as f64) as usize];
        let near = Gathering { start, tilt, crests, pixel_m, half_px: *half_px };
        near.step(&here).unwrap_or(here)
    })
}

struct Gathering<'a> {
    start: &'a Placement,
    tilt: Tilt,
    crests: &'a [[f64; 2]],
    pixel_m: f64,
    half_px: f64,
}

impl Gathering<'_> {
    fn placed(&self, from: &Placement, by: [f64; 4]) -> Placement {
        Placement {
            centre_m: [0, 1].map(|k| from.centre_m[k] + by[k] * self.pixel_m),
            rot1_rad: from.rot1_rad + by[2],
            rot2_rad: from.rot2_rad + by[3],
            ..*from
        }
    }

    /// One step of Gauss and Newton.
    fn step(&self, here: &Placement) -> Option<Placement> {
        let radii = |placement: &Placement| radii_px(placement, self.crests, self.pixel_m);
        let now = radii(here);
        let heap_of = heaps(&now, self.half_px)?;
        let scales = |placement: &Placement| scales(placement, self.crests);
        let scale = scales(here);
        let steps = [STEP_PX, STEP_PX, STEP_RAD, STEP_RAD];
        let moved: Vec<(Vec<f64>, Vec<f64>)> = (0..4)
            .map(|k| {
                let mut by = [0.0; 4];
                by[k] = steps[k];
                let there = self.placed(here, by);
                (radii(&there), scales(&there))
            })
            .collect();
        let slope = |i: usize| Four::from_fn(|k, _| (moved[k].0[i] - now[i]) / steps[k]);
        // Of the logarithm of the scale.
        let wider = |i: usize| Four::from_fn(|k, _| (moved[k].1[i] / scale[i] - 1.0) / steps[k]);
        let count = heap_of.iter().flatten().max().map_or(0, |last| last + 1);
        let mut tops = vec![(0.0, 0.0, Four::zeros()); count];
        // Twice, so that what is not of the heap does not count in its mean.
        let mut weights = vec![1.0; now.len()];
        for _ in 0..2 {
            tops.fill((0.0, 0.0, Four::zeros()));
            for (i, heap) in heap_of.iter().enumerate() {
                let Some(heap) = heap else { continue };
                let (weight, sum, slopes) = &mut tops[*heap];
                *weight += weights[i];
                *sum += weights[i] * now[i];
                *slopes += weights[i] * slope(i);
            }
            for (i, heap) in heap_of.iter().enumerate() {
                let Some(heap) = heap else { continue };
                let (weight, sum, _) = tops[*heap];
                let off = (now[i] - sum / weight) / (0.5 * self.half_px * scale[i]);
                weights[i] = 1.0 / (1.0 + off * off);
            }
        }
        let mut matrix = SMatrix::<f64, 4, 4>::zeros();
        let mut gradient = Four::zeros();
        for (i, heap) in heap_of.iter().enumerate() {
            let Some(heap) = heap else { continue };
            let (weight, sum, slopes) = tops[*heap];
            let off = now[i] - sum / weight;
            let row = (slope(i) - slopes / weight - off * wider(i)) / scale[i];
            matrix.ger(weights[i], &row, &row, 1.0);
            gradient.axpy(weights[i] * off / scale[i], &row, 1.0);
        }
        let [slow, fast] = [0, 1].map(|k| (here.centre_m[k] - self.start.centre_m[k]) / self.pixel_m);
        let drawn = [
            (slow, START_PX),
            (fast, START_PX),
            (here.rot1_rad - self.start.rot1_rad, START_TILT),
            (here.rot2_rad - self.start.rot2_rad, START_TILT),
        ];
        for (k, (off, sigma)) in drawn.into_iter().enumerate() {
            matrix[(k, k)] += sigma.powi(-2);
            gradient[k] += off * sigma.powi(-2);
        }
        if self.tilt == Tilt::Held {
            for k in 2..4 {
                matrix.row_mut(k).fill(0.0);
                matrix.column_mut(k).fill(0.0);
                matrix[(k, k)] = 1.0;
                gradient[k] = 0.0;
            }
        }
        let step = matrix.cholesky()?.solve(&gradient);
        Some(self.placed(here, [-step[0], -step[1], -step[2], -step[3]]))
    }
}

/// 2L tan θ of each crest, pixels: near the beam its distance from there.
pub(super) fn radii_px(placement: &Placement, crests: &[[f64; 2]], pixel_m: f64) -> Vec<f64> {
    let frame: LabFrame = placement.lab_frame();
    let scale = 2.0 * placement.along_m / pixel_m;
    let radius = |point: &[f64; 2]| {
        let [t1, t2, t3] = frame.ray(*point);
        let across = t1 * t1 + t2 * t2;
        scale * across.sqrt() / (t3 + (across + t3 * t3).sqrt())
    };
    crests.iter().map(radius).collect()
}

/// How much 2L tan θ grows in a pixel at each crest; a heap is no narrower for being seen in a smaller scale.
fn scales(placement: &Placement, crests: &[[f64; 2]]) -> Vec<f64> {
    let frame = placement.lab_frame();
    let scale = |point: &[f64; 2]| {
        let [slow, fast] = two_theta_slope(&frame, *point);
        let half = 0.5 * two_theta(&frame, *point);
        // d tan θ = dθ/cos²θ.
        placement.along_m * slow.hypot(fast) / half.cos().powi(2)
    };
    crests.iter().map(scale).collect()
}

/// The heap of each crest: maxima of their density, smoothed over `half_px` to either side, and what is nearer to them than to
/// the next.
fn heaps(radii: &[f64], half_px: f64) -> Option<Vec<Option<usize>>> {
    let low = radii.iter().copied().fold(f64::INFINITY, f64::min);
    let high = radii.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bins = ((high - low) * BINS_PER_PX) as usize + 1;
    if !(high - low).is_finite() || bins > MOST_BINS {
        return None;
    }
    let bin = |radius: f64| (((radius - low) * BINS_PER_PX) as usize).min(bins - 1);
    let mut counts = vec![0.0; bins];
    radii.iter().for_each(|radius| counts[bin(*radius)] += 1.0);
    let reach = (half_px * BINS_PER_PX).round().max(1.0) as usize;
    // Twice over a box is over a triangle.
    let density = smoothed(&smoothed(&counts, reach.div_ceil(2)), reach.div_ceil(2));
    let tops: Vec<usize> = (0..bins)
        .filter(|i| {
            density[*i] > 0.0
                && (i.saturating_sub(reach)..*i).all(|j| density[j] < density[*i])
                && (i + 1..(i + reach + 1).min(bins)).all(|j| density[j] <= density[*i])
        })
        .collect();
    let mut of_bin = vec![None; bins];
    for (heap, top) in tops.iter().enumerate() {
        let (first, last) = (top.saturating_sub(2 * reach), (top + 2 * reach + 1).min(bins));
        let before = heap.checked_sub(1).map_or(first, |before| usize::midpoint(tops[before], *top) + 1);
        let after = tops.get(heap + 1).map_or(last, |after| usize::midpoint(*top, *after) + 1);
        of_bin[first.max(before)..last.min(after)].fill(Some(heap));
    }
    let mut members = vec![0; tops.len()];
    let found: Vec<Option<usize>> = radii.iter().map(|radius| of_bin[bin(*radius)]).collect();
    found.iter().flatten().for_each(|heap| members[*heap] += 1);
    Some(found.into_iter().map(|heap| heap.filter(|heap| members[*heap] >= FEWEST)).collect())
}

/// Mean over `reach` bins to either side.
fn smoothed(values: &[f64], reach: usize) -> Vec<f64> {
    let mut sums = vec![0.0; values.len() + 1];
    for (i, value) in values.iter().enumerate() {
        sums[i + 1] = sums[i] + value;
    }
    (0..values.len())
        .map(|i| {
            let (first, last) = (i.saturating_sub(reach), (i + reach + 1).min(values.len()));
            (sums[last] - sums[first]) / (2 * reach + 1) as f64
        })
        .collect()
}
