//! Where directions leave the centre open: the centre of an upright detector around which crests lie on the sharpest rings,
//! whichever rings they are.
//!
//! An arc whose centre is off by δ is smeared over its half opening φ by δ(1 − cos φ). Directions of edges see that arc by arc; the
//! mean over the azimuth sees all arcs at once.

use rayon::prelude::*;

use super::gather::{FAR, Tilt, gathered, radii_px};
use super::placement::Placement;

/// A direction in which the centre may move (slow, fast), m: one standard deviation long.
pub(super) type Axis = [f64; 2];

/// As far as this the directions are doubted, in standard deviations: on short arcs they are not independent.
pub(super) const DOUBTS: f64 = 4.0;
/// Steps along the most open axis, pixels, and how many there are to either side at most.
const STRIDE_PX: f64 = 20.0;
const MOST_STEPS: f64 = 50.0;
/// Bins of a pixel that are summed for what rings would be if they were smeared.
const COARSE: usize = 16;
/// Bins of a profile, at most: more than a detector is pixels wide.
const MOST_BINS: usize = 20_000;

impl Placement {
    /// With its centre moved by `steps` of the axes.
    pub(super) fn moved(&self, axes: &[Axis; 2], steps: [f64; 2]) -> Placement {
        let centre_m = [0, 1].map(|k| self.centre_m[k] + steps[0] * axes[0][k] + steps[1] * axes[1][k]);
        Placement { centre_m, ..*self }
    }
}

/// The sharpest upright placement within the doubts along `axes`, of which the first is the more open one.
pub(super) fn sharpened(start: &Placement, axes: &[Axis; 2], crests: &[[f64; 2]], pixel_m: f64) -> Placement {
    let length = axes[0][0].hypot(axes[0][1]) / pixel_m;
    let stride = (STRIDE_PX / length).max(DOUBTS / MOST_STEPS);
    let reach = (DOUBTS / stride) as i32;
    let at = |k: i32| {
        let from = start.moved(axes, [f64::from(k) * stride, 0.0]);
        let here = gathered(&from, Tilt::Held, crests, pixel_m, FAR);
        (contrast(&here, crests, pixel_m), here)
    };
    let all: Vec<(f64, Placement)> = (-reach..=reach).into_par_iter().map(at).collect();
    all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(*start, |(_, here)| here)
}

/// Σ n² over bins of two pixels, over that of [`COARSE`] pixels: the more, the sharper the rings.
pub(super) fn contrast(placement: &Placement, crests: &[[f64; 2]], pixel_m: f64) -> f64 {
    let radii = radii_px(placement, crests, pixel_m);
    let low = radii.iter().copied().fold(f64::INFINITY, f64::min);
    let high = radii.iter().copied().fold(0.0, f64::max);
    let mut counts = vec![0.0_f64; ((high - low) as usize).min(MOST_BINS) + 1];
    // All crests on each other are no rings.
    if counts.len() < COARSE {
        return 0.0;
    }
    let last = counts.len() - 1;
    radii.iter().for_each(|radius| counts[((radius - low) as usize).min(last)] += 1.0);
    let squares =
        |width: usize| counts.windows(width).map(|all| all.iter().sum::<f64>().powi(2)).sum::<f64>();
    squares(2) / squares(COARSE).max(1.0)
}
