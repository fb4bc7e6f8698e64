//! Which ring is which: the rings of the calibrant in 2θ, and how well crests lie on them.

use super::placement::{Placement, two_theta, two_theta_slope};
use super::solve::{Loss, Problem};
use crate::geometry::LabFrame;
use crate::units::two_theta_rad;

/// Standard deviations, in pixels, of crests about their rings while a placement closes in.
pub(super) const CLOSING_PX: [f64; 4] = [2.5, 1.5, 1.0, 0.7];
/// Share of crests that are noise, spots or edges.
pub(super) const STRAY: f64 = 0.2;
/// The calibrant's rings for one wavelength.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ladder {
    /// 2θ in rad, in order.
    pub(super) two_theta: Vec<f64>,
}

/// Which ring is nearest, for many rays by tan θ: where in the list it stands is looked up first.
pub(super) struct Nearest {
    /// tan θ of each ring.
    tangents: Vec<f64>,
    /// Number of rings below the lower end of each step.
    below: Vec<usize>,
    steps_per_unit: f64,
}

/// Steps of the table, for each ring.
const STEPS: usize = 16;

impl Nearest {
    pub(super) fn ring(&self, tangent: f64) -> usize {
        let step = ((tangent * self.steps_per_unit) as usize).min(self.below.len() - 1);
        let mut after = self.below[step];
        while self.tangents.get(after).is_some_and(|ring| *ring < tangent) {
            after += 1;
        }
        closer(&self.tangents, after, tangent)
    }

    /// 2θ of a ray less that of a ring, rad, for the few degrees of a window: 2 atan x, whose next term is 2x⁷/7, 1e-11 at 3°.
    pub(super) fn beyond(&self, ring: usize, tangent: f64) -> f64 {
        let of_ring = self.tangents[ring];
        let x = (tangent - of_ring) / (1.0 + tangent * of_ring);
        let squared = x * x;
        2.0 * x * (1.0 - squared * (1.0 / 3.0 - squared / 5.0))
    }
}

/// Of the ring `after` an angle and the one before it the nearer one.
fn closer(rings: &[f64], after: usize, two_theta: f64) -> usize {
    match (after.checked_sub(1), rings.get(after)) {
        (Some(before), Some(next)) if next - two_theta > two_theta - rings[before] => before,
        (Some(before), None) => before,
        (Some(_) | None, Some(_)) => after,
        (None, None) => 0,
    }
}

/// A placement and how well the crests lie on rings in it: mean log-likelihood of a crest against an even spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guess {
    pub(super) placement: Placement,
    pub(super) gain: f64,
}

impl Ladder {
    /// From Q in Å⁻¹; rings beyond back-scattering are left out.
    pub(super) fn new(rings_q: &[f64], wavelength_angstrom: f64) -> Ladder {
        let two_theta = rings_q.iter().map(|q| two_theta_rad(*q, wavelength_angstrom));
        Ladder { two_theta: two_theta.filter(|t| t.is_finite()).collect() }
    }

    /// The rings for a wavelength that is `factor` times as long: sin θ is in proportion to it.
    pub(super) fn at_wavelength(&self, factor: f64) -> Ladder {
        let ring = |two_theta: &f64| 2.0 * ((0.5 * two_theta).sin() * factor).min(1.0).asin();
        Ladder { two_theta: self.two_theta.iter().map(ring).collect() }
    }

    /// Number of the ring that is nearest.
    pub(super) fn nearest(&self, two_theta: f64) -> usize {
        closer(&self.two_theta, self.two_theta.partition_point(|ring| *ring < two_theta), two_theta)
    }

    /// The same for many rays.
    pub(super) fn table(&self) -> Nearest {
        let tangents: Vec<f64> = self.two_theta.iter().map(|two_theta| (0.5 * two_theta).tan()).collect();
        let steps = STEPS * tangents.len().max(1);
        let steps_per_unit = steps as f64 / tangents.last().copied().unwrap_or(1.0);
        let edge = |step: usize| step as f64 / steps_per_unit;
        let below = (0..steps).map(|step| tangents.partition_point(|ring| *ring < edge(step))).collect();
        Nearest { tangents, below, steps_per_unit }
    }

    /// How far ring `i`'s realm reaches: to the middle between it and its neighbours.
    pub(super) fn realm(&self, i: usize) -> f64 {
        let rings = &self.two_theta;
        let below =
            if i > 0 { rings[i] - rings[i - 1] } else { rings.get(1).map_or(rings[0], |r| r - rings[0]) };
        let above = rings.get(i + 1).map_or(below, |next| next - rings[i]);
        0.5 * (below + above)
    }

    /// Mean over crests of ln[stray + (1 − stray)·w·N(Δ; σ)], w the width of the ring's realm, N the normal distribution:
    /// 0 where crests lie anywhere, larger the closer they are to rings that are far apart.
    fn gain(&self, frame: &LabFrame, crests: &[[f64; 2]], sigma_m: f64) -> f64 {
        let one = |point: &[f64; 2]| {
            let found = two_theta(frame, *point);
            let ring = self.nearest(found);
            let [slow, fast] = two_theta_slope(frame, *point);
            let sigma = sigma_m * slow.hypot(fast);
            let off = (found - self.two_theta[ring]) / sigma;
            let density = (-0.5 * off * off).exp() / (sigma * (2.0 * std::f64::consts::PI).sqrt());
            (STRAY + (1.0 - STRAY) * self.realm(ring) * density).ln()
        };
        crests.iter().map(one).sum::<f64>() / crests.len().max(1) as f64
    }

    /// The placement drawn to the crests from a guess.
    pub(super) fn near(&self, start: &Placement, crests: &[[f64; 2]], pixel_m: f64) -> Placement {
        self.closing_in(start, crests, pixel_m, &CLOSING_PX).placement
    }

    /// Fits the placement to the crests, each drawn to its nearest ring, more and more closely.
    pub(super) fn closing_in(
        &self,
        start: &Placement,
        crests: &[[f64; 2]],
        pixel_m: f64,
        sigmas_px: &[f64],
    ) -> Guess {
        let mut here = *start;
        for sigma_px in sigmas_px {
            let frame = here.lab_frame();
            let goals: Vec<(f64, f64)> = crests
                .iter()
                .map(|point| {
                    let ring = self.two_theta[self.nearest(two_theta(&frame, *point))];
                    let [slow, fast] = two_theta_slope(&frame, *point);
                    (ring, sigma_px * pixel_m * slow.hypot(fast))
                })
                .collect();
            let scale = here.along_m;
            let model = |p: &[f64]| placed(p, scale, start.rot3_rad).lab_frame();
            let residual =
                |frame: &LabFrame, i: usize| (two_theta(frame, crests[i]) - goals[i].0) / goals[i].1;
            let parameters =
                [here.centre_m[0] / scale, here.centre_m[1] / scale, 0.0, here.rot1_rad, here.rot2_rad];
            // At first the directions know the tilt better than crests of a few rings do.
            let free = if *sigma_px == CLOSING_PX[0] { 0.05 } else { 0.3 };
            let nowhere = (0.0, f64::INFINITY);
            let prior = [nowhere, nowhere, nowhere, (here.rot1_rad, free), (here.rot2_rad, free)];
            let problem = Problem {
                model: &model,
                residual: &residual,
                count: crests.len(),
                steps: &[1e-6; 5],
                prior: &prior,
                loss: Loss::Cauchy,
            };
            here = placed(&problem.minimise(&parameters, 8).parameters, scale, start.rot3_rad);
        }
        Guess { placement: here, gain: self.gain(&here.lab_frame(), crests, CLOSING_PX[3] * pixel_m) }
    }
}

/// The placement of fit parameters: the centre in units of `scale`, ln of the distance in it, rotations.
fn placed(p: &[f64], scale: f64, rot3_rad: f64) -> Placement {
    Placement {
        centre_m: [p[0] * scale, p[1] * scale],
        along_m: scale * p[2].exp(),
        rot1_rad: p[3],
        rot2_rad: p[4],
        rot3_rad,
        parallax: None,
    }
}
