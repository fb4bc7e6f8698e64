//! From ring points to the placement with its covariance: robust least squares in 2θ.
//!
//! The residual of a point is 2θ of its place less 2θ of its ring, in pixels across the ring. Points that are far off are
//! left out, rings that are off as a whole too. What the points of a frame scatter beyond their own σ is added to it.

use nalgebra::DMatrix;

use super::covariance::{Spread, spread};
use super::ladder::Ladder;
use super::model::{FramePoints, Freedom, LN_WAVELENGTH, Model, Places, State};
use super::placement::Placement;
use super::solve::{Loss, Problem};
use crate::geometry::Detector;
use crate::geometry::displacement::Field;

/// A residual beyond this many standard deviations is no measurement of the ring.
const OUTLIER: f64 = 4.5;
/// A ring is off as a whole where the mean of its points is, by this many of its standard deviations.
const RING_OUTLIER: f64 = 6.0;
/// … and by more than this, pixels: sharp frames have ring means good to a thousandth of a pixel.
const RING_OFF_PX: f64 = 0.3;
/// A refined geometry.
#[derive(Debug, Clone)]
pub(super) struct Refined {
    pub(super) placements: Vec<Placement>,
    /// λ over the one that the fit began with.
    pub(super) wavelength_factor: f64,
    /// Which parameter is which.
    pub(super) places: Places,
    /// Of the parameters, in their order.
    pub(super) covariance: DMatrix<f64>,
    /// Displacements that were fitted, pixels.
    pub(super) displaced_px: Vec<f64>,
    /// One for each point, frame after frame.
    pub(super) residuals: Vec<Residual>,
    /// Of each frame.
    pub(super) scatter: Vec<Scatter>,
}

/// What one frame scatters beyond counting statistics, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scatter {
    /// e: of points.
    pub(super) points_px: f64,
    /// τ: of rings as wholes.
    pub(super) rings_px: f64,
}

impl Scatter {
    /// Of both.
    pub(super) fn px(self) -> f64 {
        self.points_px.hypot(self.rings_px)
    }
}

impl Refined {
    /// Standard deviation of a parameter.
    pub(super) fn sigma(&self, parameter: usize) -> f64 {
        self.covariance[(parameter, parameter)].max(0.0).sqrt()
    }
}

/// What is left at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Residual {
    pub(super) frame: usize,
    pub(super) ring: usize,
    /// Observed less expected, pixels across the ring.
    pub(super) off_px: f64,
    pub(super) pixel_rad: f64,
    /// With e of its frame.
    pub(super) sigma_px: f64,
    pub(super) kept: bool,
}

/// Sums of (residual/σ)² of the places that two fits both keep.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Squares {
    pub(super) places: usize,
    pub(super) first: f64,
    pub(super) second: f64,
}

impl Squares {
    /// With one σ for both, of what each has.
    pub(super) fn of(first: &[Residual], second: &[Residual], sigma: fn(f64, f64) -> f64) -> Squares {
        let mut squares = Squares::default();
        for (a, b) in first.iter().zip(second).filter(|(a, b)| a.kept && b.kept) {
            let sigma_px = sigma(a.sigma_px, b.sigma_px);
            squares.places += 1;
            squares.first += (a.off_px / sigma_px).powi(2);
            squares.second += (b.off_px / sigma_px).powi(2);
        }
        squares
    }
}

/// The least-squares fit of points of several frames.
pub(super) struct Fit<'a> {
    model: Model<'a>,
}

impl<'a> Fit<'a> {
    pub(super) fn new(ladder: &'a Ladder, frames: &'a [FramePoints], freedom: Freedom) -> Self {
        Self { model: Model::new(ladder, frames, freedom) }
    }

    /// With displacements of the detector's pixels.
    pub(super) fn with_fields(self, fields: &'a [Field], detector: &Detector) -> Self {
        Self { model: self.model.with_fields(fields, detector) }
    }

    /// Minimises, leaves out what does not fit, and estimates the covariance.
    pub(super) fn solve(&self) -> Option<Refined> {
        let count = self.model.points.len();
        let mut extra_px = vec![0.0; self.model.frame_count()];
        let mut sigma = self.sigma(&extra_px);
        let mut kept = vec![true; count];
        let mut parameters = self.model.start();
        for round in 0..6 {
            let loss = if round < 2 { Loss::Cauchy } else { Loss::Squares };
            // A first fit with σ as they are would follow the few sharpest points.
            let floor = if round == 0 { 0.1 } else { 0.0 };
            let chosen: Vec<usize> = (0..count).filter(|i| kept[*i]).collect();
            if chosen.len() < self.model.free() + 3 {
                return None;
            }
            let minimum = self.with_problem(&chosen, &sigma, floor, loss, |p| p.minimise(&parameters, 40));
            parameters = minimum.parameters;
            let off = self.model.offsets(&parameters);
            extra_px = (0..extra_px.len()).map(|frame| self.extra_scatter(frame, &off, &kept)).collect();
            sigma = self.sigma(&extra_px);
            kept = self.accepted(&off, &sigma);
        }
        let off = self.model.offsets(&parameters);
        let Spread { covariance, rings_px } = spread(&self.model, &parameters, &sigma, &kept)?;
        let scatter = extra_px.into_iter().zip(rings_px);
        let scatter = scatter.map(|(points_px, rings_px)| Scatter { points_px, rings_px }).collect();
        let residuals = (0..count)
            .map(|i| Residual {
                frame: self.model.points[i].0,
                ring: self.model.points[i].1.ring,
                off_px: off[i],
                pixel_rad: self.model.points[i].1.pixel_rad,
                sigma_px: sigma[i],
                kept: kept[i],
            })
            .collect();
        Some(Refined {
            placements: (0..self.model.frame_count()).map(|k| self.model.placement(&parameters, k)).collect(),
            wavelength_factor: parameters[LN_WAVELENGTH].exp(),
            displaced_px: parameters[self.model.places.fields()..].to_vec(),
            places: self.model.places,
            covariance,
            residuals,
            scatter,
        })
    }

    /// Of each point, with what its frame scatters.
    fn sigma(&self, extra_px: &[f64]) -> Vec<f64> {
        let points = self.model.points.iter();
        points.map(|(frame, point)| least(point.sigma_px).hypot(extra_px[*frame])).collect()
    }

    fn with_problem<T>(
        &self,
        chosen: &[usize],
        sigma: &[f64],
        floor: f64,
        loss: Loss,
        then: impl FnOnce(&Problem<'_, State>) -> T,
    ) -> T {
        let state = |p: &[f64]| self.model.state(p);
        let residual =
            |state: &State, k: usize| self.model.offset(state, chosen[k]) / sigma[chosen[k]].hypot(floor);
        let (steps, prior) = (self.model.steps(), self.model.prior());
        then(&Problem {
            model: &state,
            residual: &residual,
            count: chosen.len(),
            steps: &steps,
            prior: &prior,
            loss,
        })
    }

    /// What has to be added to the σ of a frame's points for residuals of their size, by the median, which strays do not move.
    fn extra_scatter(&self, frame: usize, off: &[f64], kept: &[bool]) -> f64 {
        let points = off.iter().zip(&self.model.points).zip(kept);
        let of_it = points.filter(|((_, (of, _)), kept)| **kept && *of == frame);
        let of_it: Vec<(f64, f64)> = of_it.map(|((off, (_, p)), _)| (off.abs(), least(p.sigma_px))).collect();
        let scale = |extra: f64| {
            let mut scaled: Vec<f64> = of_it.iter().map(|(off, sigma)| off / sigma.hypot(extra)).collect();
            // The median of |x| of a normal distribution is 0.6745.
            median(&mut scaled) / 0.6745
        };
        if scale(0.0) <= 1.0 {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 10.0);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if scale(middle) > 1.0 { low = middle } else { high = middle }
        }
        high
    }

    fn accepted(&self, off: &[f64], sigma: &[f64]) -> Vec<bool> {
        let near: Vec<bool> =
            off.iter().zip(sigma).map(|(off, sigma)| off.abs() <= OUTLIER * sigma).collect();
        let rings = self.model.rings();
        let mut kept = near.clone();
        for ring in rings {
            let good: Vec<usize> = ring.iter().copied().filter(|i| near[*i]).collect();
            let (mean, weight) = weighted_mean(&good, off, sigma);
            let off_as_a_whole = mean.abs() > RING_OFF_PX && mean.abs() * weight.sqrt() > RING_OUTLIER;
            // A ring that most of its points do not lie on is something else.
            if off_as_a_whole || 3 * good.len() < ring.len() {
                ring.iter().for_each(|i| kept[*i] = false);
            }
        }
        kept
    }
}

/// Mean with the weights 1/σ², and their sum.
fn weighted_mean(indices: &[usize], off: &[f64], sigma: &[f64]) -> (f64, f64) {
    let weights: f64 = indices.iter().map(|i| sigma[*i].powi(-2)).sum();
    let sum: f64 = indices.iter().map(|i| off[*i] * sigma[*i].powi(-2)).sum();
    if weights > 0.0 { (sum / weights, weights) } else { (0.0, 0.0) }
}

/// No place is known better, pixels.
fn least(sigma_px: f64) -> f64 {
    sigma_px.max(1e-4)
}

/// The middle value; 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::geometry::Direction;
    use crate::geometry::calibrate::model::{Hold, Rotations, Tilts};
    use crate::geometry::calibrate::placement::two_theta_slope;
    use crate::geometry::calibrate::points::RingPoint;

    const PIXEL_M: f64 = 172e-6;
    const OF_A_RING: usize = 40;
    const OWN: Freedom = Freedom { wavelength: Hold::Held, tilts: Tilts::Own };

    fn placed(along_m: f64, rot1_rad: f64) -> Placement {
        let upright = [0.05, 0.04];
        Placement { centre_m: upright, along_m, rot1_rad, rot2_rad: 0.0, rot3_rad: 0.0, parallax: None }
    }

    fn ladder(two_theta: &[f64]) -> Ladder {
        Ladder { two_theta: two_theta.to_vec() }
    }

    /// What places are off by beside the σ that they are given, pixels: each for itself, and rings as wholes.
    struct Off {
        points_px: f64,
        rings_px: f64,
    }

    /// Places of a given σ on all rings, as far as `reach` to both sides of χ = 0.
    fn places(
        at: &Placement,
        ladder: &Ladder,
        reach: f64,
        sigma_px: f64,
        off: &Off,
        seed: u64,
    ) -> Vec<RingPoint> {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let frame = at.lab_frame();
        let mut all = Vec::new();
        for (ring, two_theta) in ladder.two_theta.iter().enumerate() {
            let whole = off.rings_px * normal();
            for k in 0..OF_A_RING {
                let chi_rad = reach * ((k as f64 + 0.5) / OF_A_RING as f64 * 2.0 - 1.0);
                let place = frame.meets(Direction { two_theta_rad: *two_theta, chi_rad }).unwrap();
                let [slow, fast] = two_theta_slope(&frame, place);
                let pixel_rad = PIXEL_M * slow.hypot(fast);
                let two_theta_rad = two_theta + pixel_rad * (whole + off.points_px * normal());
                let place = frame.meets(Direction { two_theta_rad, chi_rad }).unwrap();
                all.push(RingPoint { ring, place, pixel_rad, sigma_px, width_px: 0.0 });
            }
        }
        all
    }

    /// A tilt is assumed about one angle, not about wherever the rings have drawn it to: a fit that begins at its own result stays.
    #[test]
    fn an_assumed_tilt_is_not_drawn_away_round_by_round() {
        let ladder = ladder(&[0.1, 0.16, 0.2, 0.26, 0.3]);
        let exact = Off { points_px: 0.0, rings_px: 0.0 };
        let points = places(&placed(0.3, 0.15), &ladder, 0.4, 5.0, &exact, 1);
        let from = |start: Placement| {
            let tilt = Rotations::Assumed([0.02, 0.0]);
            let frame = FramePoints { start, tilt, points: points.clone() };
            Fit::new(&ladder, &[frame], OWN).solve().unwrap().placements[0]
        };
        let first = from(placed(0.3, 0.02));
        // The rings, which leave the tilt open within three degrees, draw it some way to theirs.
        assert!((0.03..0.12).contains(&first.rot1_rad), "{first:?}");
        // A minimum is found to 1e-9 of the cost: 3e-5 of σ, which is about 0.03.
        let again = from(first);
        assert!((again.rot1_rad - first.rot1_rad).abs() < 1e-5, "{first:?} {again:?}");
    }

    /// Two frames with nothing in common are known as well as each for itself, however one of them scatters.
    #[test]
    fn a_frame_that_scatters_leaves_another_its_sigma() {
        let ladder = ladder(&[0.1, 0.16, 0.2, 0.26, 0.3]);
        let all_round = std::f64::consts::PI;
        let frame = |along_m: f64, off: Off, seed: u64| {
            let start = placed(along_m, 0.01);
            FramePoints {
                start,
                tilt: Rotations::Free,
                points: places(&start, &ladder, all_round, 0.02, &off, seed),
            }
        };
        let quiet = frame(0.2, Off { points_px: 0.02, rings_px: 0.0 }, 2);
        let loud = frame(0.3, Off { points_px: 0.3, rings_px: 0.2 }, 3);
        let both = [quiet, loud];
        let together = Fit::new(&ladder, &both, OWN).solve().unwrap();
        for (index, frame) in both.iter().enumerate() {
            let alone = Fit::new(&ladder, std::slice::from_ref(frame), OWN).solve().unwrap();
            let (ours, its) = (together.scatter[index], alone.scatter[0]);
            // The minimum of the sum is found as well as that of each: to much less than σ.
            assert!((ours.points_px - its.points_px).abs() < 1e-4, "{ours:?} {its:?}");
            assert!((ours.rings_px - its.rings_px).abs() < 1e-4, "{ours:?} {its:?}");
            for k in 0..3 {
                let ratio =
                    together.sigma(together.places.own(index) + k) / alone.sigma(alone.places.own(0) + k);
                assert!((ratio - 1.0).abs() < 1e-3, "{index} {k}: {ratio}");
            }
        }
        // 200 places say their scatter within 5 % by their median (7 % of it), five rings theirs within a factor of two or so.
        let [quiet, loud] = [together.scatter[0], together.scatter[1]];
        assert!(quiet.points_px < 0.01 && quiet.rings_px == 0.0, "{quiet:?}");
        assert!((loud.px() / 0.36 - 1.0).abs() < 0.5, "{loud:?}");
    }

    /// τ² is right in the mean, though distance and wavelength take two of four rings' degrees of freedom: within four σ of 400 draws
    /// of χ² with two.
    #[test]
    fn the_scatter_of_rings_counts_what_the_fit_takes() {
        const DRAWS: u64 = 400;
        let ladder = ladder(&[0.15, 0.4, 0.7, 0.9]);
        let off = Off { points_px: 0.02, rings_px: 0.1 };
        let start = placed(0.1, 0.0);
        let squares = (0..DRAWS).map(|seed| {
            let points = places(&start, &ladder, std::f64::consts::PI, off.points_px, &off, 10 + seed);
            let frame = FramePoints { start, tilt: Rotations::Free, points };
            let freedom = Freedom { wavelength: Hold::Free, tilts: Tilts::Own };
            let fit = Fit::new(&ladder, std::slice::from_ref(&frame), freedom);
            let sigma = vec![off.points_px; frame.points.len()];
            let chosen: Vec<usize> = (0..sigma.len()).collect();
            let begin = fit.model.start();
            let minimum = fit.with_problem(&chosen, &sigma, 0.0, Loss::Squares, |p| p.minimise(&begin, 40));
            let spread = spread(&fit.model, &minimum.parameters, &sigma, &vec![true; sigma.len()]).unwrap();
            spread.rings_px[0].powi(2)
        });
        let ratio = squares.sum::<f64>() / DRAWS as f64 / off.rings_px.powi(2);
        assert!((ratio - 1.0).abs() < 4.0 / (DRAWS as f64).sqrt(), "{ratio}");
    }
}
