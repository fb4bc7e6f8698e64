//! Where directions leave the centre open: the centre of an upright detector around which crests lie on the sharpest rings,
//! whichever rings they are.
//!
//! An arc whose centre is off by δ is smeared over its half opening φ by δ(1 − cos φ). Directions of edges see that arc by arc; the
//! mean over the azimuth sees all arcs at once.

use super::placement::{Placement, two_theta, two_theta_slope};

/// A direction in which the centre may move (slow, fast), m: one standard deviation long.
pub(super) type Axis = [f64; 2];

/// As far as this the directions are doubted, in standard deviations: on short arcs they are not independent.
const DOUBTS: f64 = 4.0;
/// Steps along the most open axis, pixels: arcs of 60° are smeared by half a pixel for each.
const STRIDE_PX: f64 = 4.0;
/// The finest step of the search, in standard deviations.
const FINEST: f64 = 0.01;
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

/// The sharpest placement within the doubts along `axes`, of which the first is the more open one.
pub(super) fn sharpened(start: &Placement, axes: &[Axis; 2], crests: &[[f64; 2]], pixel_m: f64) -> Placement {
    let contrast = |steps: [f64; 2]| contrast(&start.moved(axes, steps), crests, pixel_m);
    let stride = STRIDE_PX * pixel_m / axes[0][0].hypot(axes[0][1]);
    let reach = (DOUBTS / stride) as i32;
    let along = (-reach..=reach).map(|k| [f64::from(k) * stride, 0.0]);
    let best = along.map(|steps| (contrast(steps), steps)).max_by(|a, b| a.0.total_cmp(&b.0));
    let (mut highest, mut here) = best.unwrap_or_default();
    // To either side along each axis, closer and closer.
    let mut step = 1.0;
    while step > FINEST {
        let before = highest;
        for [open, other] in [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step]] {
            let next = [here[0] + open, here[1] + other].map(|s: f64| s.clamp(-DOUBTS, DOUBTS));
            let found = contrast(next);
            if found > highest {
                (highest, here) = (found, next);
            }
        }
        if highest <= before {
            step *= 0.5;
        }
    }
    start.moved(axes, here)
}

/// Σ n² over bins of two pixels, over that of [`COARSE`] pixels: the more, the sharper the rings.
fn contrast(placement: &Placement, crests: &[[f64; 2]], pixel_m: f64) -> f64 {
    let frame = placement.lab_frame();
    let angles: Vec<f64> = crests.iter().map(|point| two_theta(&frame, *point)).collect();
    let Some(middle) = crests.get(crests.len() / 2) else { return 0.0 };
    let [slow, fast] = two_theta_slope(&frame, *middle);
    let bin = pixel_m * slow.hypot(fast);
    let low = angles.iter().copied().fold(f64::INFINITY, f64::min);
    let high = angles.iter().copied().fold(0.0, f64::max);
    let mut counts = vec![0.0_f64; (((high - low) / bin) as usize).min(MOST_BINS) + 1];
    let last = counts.len() - 1;
    angles.iter().for_each(|angle| counts[(((angle - low) / bin) as usize).min(last)] += 1.0);
    let squares =
        |width: usize| counts.windows(width).map(|all| all.iter().sum::<f64>().powi(2)).sum::<f64>();
    squares(2) / squares(COARSE).max(1.0)
}
