//! Which ring is which: the rings of the calibrant in 2θ, and how well crests lie on them.

use rayon::prelude::*;

use super::centre::Directions;
use super::placement::{Placement, two_theta, two_theta_slope};
use super::sharpen::sharpened;
use super::solve::{Loss, Problem};
use super::strokes::thinned;
use crate::geometry::LabFrame;
use crate::units::two_theta_rad;

/// Distances that are tried along the beam, m, each longer than the one before by a factor: the finer one for arcs far from the beam.
const DISTANCES: [f64; 2] = [0.02, 5.0];
const FACTORS: [f64; 2] = [1.006, 1.002];
/// Where the directions leave the centre open, it is tried at places this far apart, pixels, up to so many on either side.
const OFFSET_PX: f64 = 4.0;
const MOST_OFFSETS: i32 = 12;
/// The same about the sharpest centre, on either side.
const OFFSETS: i32 = 8;
/// … and as far as this, in standard deviations of the directions: on short arcs they are not independent.
const DOUBTS: f64 = 4.0;
/// Standard deviations, in pixels, of crests about their rings: while distances are tried, and while the best close in.
const SCAN_PX: f64 = 2.5;
const CLOSING_PX: [f64; 4] = [2.5, 1.5, 1.0, 0.7];
/// Share of crests that are noise, spots or edges.
const STRAY: f64 = 0.2;
/// Crests that distances are tried with.
const SCAN_CRESTS: usize = 400;
/// Placements that close in, at first and to the end.
const FOLLOWED: [usize; 2] = [60, 8];

/// The calibrant's rings for one wavelength.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ladder {
    /// 2θ in rad, in order.
    pub(super) two_theta: Vec<f64>,
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
        let after = self.two_theta.partition_point(|ring| *ring < two_theta);
        match (after.checked_sub(1), self.two_theta.get(after)) {
            (Some(before), Some(next)) if next - two_theta > two_theta - self.two_theta[before] => before,
            (Some(before), None) => before,
            (Some(_) | None, Some(_)) => after,
            (None, None) => 0,
        }
    }

    /// How far ring `i`'s realm reaches: to the middle between it and its neighbours.
    fn realm(&self, i: usize) -> f64 {
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

    /// The distances that are better than their neighbours.
    fn scan(
        &self,
        at: impl Fn(f64) -> Placement,
        factor: f64,
        crests: &[[f64; 2]],
        pixel_m: f64,
    ) -> Vec<Guess> {
        let count = ((DISTANCES[1] / DISTANCES[0]).ln() / factor.ln()) as i32;
        let one = |i: i32| {
            let placement = at(DISTANCES[0] * factor.powi(i));
            Guess { placement, gain: self.gain(&placement.lab_frame(), crests, SCAN_PX * pixel_m) }
        };
        let scan: Vec<Guess> = (0..count).map(one).collect();
        let is_peak = |w: &&[Guess]| w[1].gain >= w[0].gain && w[1].gain > w[2].gain;
        scan.windows(3).filter(is_peak).map(|w| w[1]).collect()
    }

    /// Tries all distances for each of the placements that the directions allow; the best, best first.
    pub(super) fn guesses(
        &self,
        directions: &Directions,
        starts: &[Placement],
        crests: &[[f64; 2]],
        pixel_m: f64,
    ) -> Vec<Guess> {
        let few = directions.few();
        let some = thinned(crests.to_vec(), SCAN_CRESTS);
        let mut peaks: Vec<Guess> = Vec::new();
        for start in starts {
            let [slow, fast] = directions.doubt_m(start);
            let doubt = slow.hypot(fast);
            // Nowhere to go where the centre is known.
            let steps = ((DOUBTS * doubt / (OFFSET_PX * pixel_m)) as i32).min(MOST_OFFSETS);
            let stride = DOUBTS / f64::from(steps.max(1));
            let scan = |k: i32| {
                let shift = f64::from(k) * stride;
                let at = |along_m: f64| {
                    let mut placement = few.at_distance(start, along_m);
                    if steps > 0 {
                        placement.centre_m[0] += shift * slow;
                        placement.centre_m[1] += shift * fast;
                        placement = few.at_centre(&placement, along_m);
                    }
                    placement
                };
                self.scan(at, FACTORS[0], &some, pixel_m)
            };
            peaks.extend((-steps..=steps).into_par_iter().flat_map_iter(scan).collect::<Vec<_>>());
        }
        let is_open = |start: &&Placement| {
            let [slow, fast] = directions.doubt_m(start);
            DOUBTS * slow.hypot(fast) > OFFSET_PX * pixel_m
        };
        if let Some(start) = starts.first().filter(is_open) {
            let (near, axes) = directions.upright(start);
            let sharp = sharpened(&near, &axes, crests, pixel_m);
            let step = OFFSET_PX * pixel_m / axes[0][0].hypot(axes[0][1]);
            let scan = |k: i32| {
                let offset = sharp.moved(&axes, [f64::from(k) * step, 0.0]);
                self.scan(|along_m| Placement { along_m, ..offset }, FACTORS[1], &some, pixel_m)
            };
            peaks.extend((-OFFSETS..=OFFSETS).into_par_iter().flat_map_iter(scan).collect::<Vec<_>>());
        }
        let best = |mut guesses: Vec<Guess>, most: usize| {
            guesses.sort_by(|a, b| b.gain.total_cmp(&a.gain));
            guesses.truncate(most);
            guesses
        };
        let close = |guesses: Vec<Guess>, crests: &[[f64; 2]], sigmas: &[f64]| -> Vec<Guess> {
            guesses.into_par_iter().map(|g| self.closing_in(&g.placement, crests, pixel_m, sigmas)).collect()
        };
        let (coarse, fine) = CLOSING_PX.split_at(2);
        let closer = best(close(best(peaks, FOLLOWED[0]), &some, coarse), FOLLOWED[1]);
        best(close(closer, crests, fine), FOLLOWED[1])
    }

    /// The placement drawn to the crests from a guess.
    pub(super) fn near(&self, start: &Placement, crests: &[[f64; 2]], pixel_m: f64) -> Placement {
        self.closing_in(start, crests, pixel_m, &CLOSING_PX).placement
    }

    /// Fits the placement to the crests, each drawn to its nearest ring, more and more closely.
    fn closing_in(&self, start: &Placement, crests: &[[f64; 2]], pixel_m: f64, sigmas_px: &[f64]) -> Guess {
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
