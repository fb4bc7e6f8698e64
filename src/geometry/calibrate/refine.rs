//! From ring points to the placement with its covariance: robust least squares in 2θ.
//!
//! The residual of a point is 2θ of its place less 2θ of its ring, in pixels across the ring. Points that are far off are
//! left out, rings that are off as a whole too. What points scatter beyond their own σ is added to it; what rings scatter
//! as a whole, beyond their points, enters the covariance:
//!
//! ```text
//! cov = N⁻¹ JᵀW V W J N⁻¹,  N = JᵀWJ,  W = 1/(σ² + e²),  V = W⁻¹ + τ²·(1 for two points of one ring and frame).
//! ```

use nalgebra::{DMatrix, DVector};

use super::ladder::Ladder;
use super::placement::{Placement, two_theta, two_theta_slope};
use super::points::RingPoint;
use super::solve::{Loss, Problem};
use crate::geometry::LabFrame;

/// Where the parameters stand: wavelength, two rotations, then three for each frame.
pub(super) const LN_WAVELENGTH: usize = 0;
pub(super) const ROT1: usize = 1;
pub(super) const ROT2: usize = 2;
/// Centre slow and fast in units of the distance, ln of the distance.
pub(super) const FRAME: usize = 3;

/// A residual beyond this many standard deviations is no measurement of the ring.
const OUTLIER: f64 = 4.5;
/// A ring is off as a whole where the mean of its points is, by this many of its standard deviations.
const RING_OUTLIER: f64 = 6.0;
/// … and by more than this, pixels: sharp frames have ring means good to a thousandth of a pixel.
const RING_OFF_PX: f64 = 0.3;
/// Steps of the derivatives: rad, or relative to the distance.
const STEP: f64 = 1e-7;

/// Points of one frame.
#[derive(Debug, Clone)]
pub(super) struct FramePoints {
    pub(super) start: Placement,
    pub(super) points: Vec<RingPoint>,
}

/// What is fitted and what is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Freedom {
    /// Of the wavelength, as a factor.
    pub(super) wavelength: Hold,
    /// Of the rotations, rad.
    pub(super) tilt: Hold,
}

/// What is known of a parameter before the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hold {
    /// Nothing: the points determine it.
    Free,
    /// It is the start's.
    Held,
    /// It is the start's within this standard deviation.
    Within(f64),
}

/// A refined geometry.
#[derive(Debug, Clone)]
pub(super) struct Refined {
    pub(super) placements: Vec<Placement>,
    /// λ over the one that the fit began with.
    pub(super) wavelength_factor: f64,
    /// Of the parameters, in their order.
    pub(super) covariance: DMatrix<f64>,
    /// One for each point, frame after frame.
    pub(super) residuals: Vec<Residual>,
    /// e, pixels.
    pub(super) extra_px: f64,
    /// τ, pixels.
    pub(super) ring_px: f64,
}

/// What is left at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Residual {
    pub(super) frame: usize,
    pub(super) ring: usize,
    /// Observed less expected, pixels across the ring.
    pub(super) off_px: f64,
    pub(super) pixel_rad: f64,
    /// With e.
    pub(super) sigma_px: f64,
    pub(super) kept: bool,
}

/// One geometry: the frames' rotations and shifts, and the rings for the wavelength.
struct Model {
    frames: Vec<LabFrame>,
    ladder: Ladder,
}

/// The least-squares fit of points of several frames.
pub(super) struct Fit<'a> {
    ladder: &'a Ladder,
    frames: &'a [FramePoints],
    freedom: Freedom,
    /// Frame and point of each residual.
    points: Vec<(usize, RingPoint)>,
    /// How far the peak that was fitted stays behind the mean of its ring, pixels.
    lags_px: Vec<f64>,
}

impl<'a> Fit<'a> {
    pub(super) fn new(ladder: &'a Ladder, frames: &'a [FramePoints], freedom: Freedom) -> Self {
        let points = frames.iter().enumerate();
        let points = points.flat_map(|(k, frame)| frame.points.iter().map(move |point| (k, *point)));
        let points: Vec<(usize, RingPoint)> = points.collect();
        let lags_px = points.iter().map(|(k, point)| lag_px(&frames[*k].start, point)).collect();
        Self { ladder, frames, freedom, points, lags_px }
    }

    /// Minimises, leaves out what does not fit, and estimates the covariance.
    pub(super) fn solve(&self) -> Option<Refined> {
        let count = self.points.len();
        let mut sigma: Vec<f64> = self.points.iter().map(|(_, p)| p.sigma_px.max(1e-4)).collect();
        let mut kept = vec![true; count];
        let mut parameters = self.start();
        let mut extra_px = 0.0;
        for round in 0..6 {
            let loss = if round < 2 { Loss::Cauchy } else { Loss::Squares };
            // A first fit with σ as they are would follow the few sharpest points.
            let floor = if round == 0 { 0.1 } else { 0.0 };
            let chosen: Vec<usize> = (0..count).filter(|i| kept[*i]).collect();
            if chosen.len() < self.free() + 3 {
                return None;
            }
            let minimum = self.with_problem(&chosen, &sigma, floor, loss, |p| p.minimise(&parameters, 40));
            parameters = minimum.parameters;
            let off = self.offsets(&parameters);
            extra_px = self.extra_scatter(&off, &kept);
            sigma = self.points.iter().map(|(_, p)| p.sigma_px.max(1e-4).hypot(extra_px)).collect();
            kept = self.accepted(&off, &sigma);
        }
        let off = self.offsets(&parameters);
        let ring_px = self.ring_scatter(&off, &sigma, &kept);
        let covariance = self.covariance(&parameters, &sigma, &kept, ring_px)?;
        let residuals = (0..count)
            .map(|i| Residual {
                frame: self.points[i].0,
                ring: self.points[i].1.ring,
                off_px: off[i],
                pixel_rad: self.points[i].1.pixel_rad,
                sigma_px: sigma[i],
                kept: kept[i],
            })
            .collect();
        Some(Refined {
            placements: (0..self.frames.len()).map(|k| self.placement(&parameters, k)).collect(),
            wavelength_factor: parameters[LN_WAVELENGTH].exp(),
            covariance,
            residuals,
            extra_px,
            ring_px,
        })
    }

    /// Number of parameters that the points have to determine.
    pub(super) fn free(&self) -> usize {
        let tilt = if self.freedom.tilt == Hold::Free { 2 } else { 0 };
        let wavelength = usize::from(self.freedom.wavelength == Hold::Free);
        tilt + wavelength + 3 * self.frames.len()
    }

    fn start(&self) -> Vec<f64> {
        let first = &self.frames[0].start;
        let mut start = vec![0.0, first.rot1_rad, first.rot2_rad];
        for frame in self.frames {
            let along = frame.start.along_m;
            start.extend([frame.start.centre_m[0] / along, frame.start.centre_m[1] / along, 0.0]);
        }
        start
    }

    fn placement(&self, p: &[f64], frame: usize) -> Placement {
        let along = self.frames[frame].start.along_m;
        let own = &p[FRAME + 3 * frame..];
        Placement {
            centre_m: [own[0] * along, own[1] * along],
            along_m: along * own[2].exp(),
            rot1_rad: p[ROT1],
            rot2_rad: p[ROT2],
            ..self.frames[frame].start
        }
    }

    fn model(&self, p: &[f64]) -> Model {
        let frames = (0..self.frames.len()).map(|k| self.placement(p, k).lab_frame()).collect();
        Model { frames, ladder: self.ladder.at_wavelength(p[LN_WAVELENGTH].exp()) }
    }

    /// 2θ found less 2θ expected, pixels.
    fn offset(&self, model: &Model, i: usize) -> f64 {
        let (frame, point) = &self.points[i];
        let expected = model.ladder.two_theta[point.ring];
        (two_theta(&model.frames[*frame], point.place) - expected) / point.pixel_rad + self.lags_px[i]
    }

    fn offsets(&self, p: &[f64]) -> Vec<f64> {
        let model = self.model(p);
        (0..self.points.len()).map(|i| self.offset(&model, i)).collect()
    }

    fn steps(&self) -> Vec<f64> {
        let mut steps = vec![STEP; FRAME + 3 * self.frames.len()];
        let holds = [self.freedom.wavelength, self.freedom.tilt, self.freedom.tilt];
        for (step, hold) in steps.iter_mut().zip(holds) {
            if hold == Hold::Held {
                *step = 0.0;
            }
        }
        steps
    }

    fn prior(&self) -> Vec<(f64, f64)> {
        let start = self.start();
        let holds = [self.freedom.wavelength, self.freedom.tilt, self.freedom.tilt];
        let mut prior: Vec<(f64, f64)> = start.iter().map(|at| (*at, f64::INFINITY)).collect();
        for (prior, hold) in prior.iter_mut().zip(holds) {
            if let Hold::Within(sigma) = hold {
                prior.1 = sigma;
            }
        }
        prior
    }

    fn with_problem<T>(
        &self,
        chosen: &[usize],
        sigma: &[f64],
        floor: f64,
        loss: Loss,
        then: impl FnOnce(&Problem<'_, Model>) -> T,
    ) -> T {
        let model = |p: &[f64]| self.model(p);
        let residual =
            |model: &Model, k: usize| self.offset(model, chosen[k]) / sigma[chosen[k]].hypot(floor);
        let (steps, prior) = (self.steps(), self.prior());
        then(&Problem {
            model: &model,
            residual: &residual,
            count: chosen.len(),
            steps: &steps,
            prior: &prior,
            loss,
        })
    }

    /// What has to be added to the σ of points for residuals of their size, by the median, which strays do not move.
    fn extra_scatter(&self, off: &[f64], kept: &[bool]) -> f64 {
        let scale = |extra: f64| {
            let points = off.iter().zip(&self.points).zip(kept).filter(|(_, kept)| **kept);
            let mut scaled: Vec<f64> =
                points.map(|((off, (_, p)), _)| off.abs() / p.sigma_px.max(1e-4).hypot(extra)).collect();
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
        let rings = self.rings();
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

    /// Indices of the points of each ring of each frame.
    fn rings(&self) -> Vec<Vec<usize>> {
        let indices: Vec<usize> = (0..self.points.len()).collect();
        let key = |i: usize| (self.points[i].0, self.points[i].1.ring);
        indices.chunk_by(|a, b| key(*a) == key(*b)).map(<[usize]>::to_vec).collect()
    }

    /// τ after DerSimonian & Laird, Controlled Clin. Trials 7 (1986) 177: what the means of rings scatter beyond their own
    /// σ; 0 where that is no more than chance allows.
    fn ring_scatter(&self, off: &[f64], sigma: &[f64], kept: &[bool]) -> f64 {
        let rings = self.rings();
        let means: Vec<(f64, f64)> = rings
            .iter()
            .map(|ring| ring.iter().copied().filter(|i| kept[*i]).collect::<Vec<_>>())
            .filter(|ring| !ring.is_empty())
            .map(|ring| weighted_mean(&ring, off, sigma))
            .collect();
        // The distance takes one of them away for each frame.
        let degrees = means.len() as f64 - self.frames.len() as f64;
        if degrees < 1.0 {
            return 0.0;
        }
        let sum: f64 = means.iter().map(|(mean, weight)| mean * mean * weight).sum();
        if sum < degrees + 3.0 * (2.0 * degrees).sqrt() {
            return 0.0;
        }
        let weights: f64 = means.iter().map(|(_, weight)| weight).sum();
        let squares: f64 = means.iter().map(|(_, weight)| weight * weight).sum();
        ((sum - degrees) / (weights - squares / weights)).max(0.0).sqrt()
    }

    fn covariance(&self, p: &[f64], sigma: &[f64], kept: &[bool], ring_px: f64) -> Option<DMatrix<f64>> {
        let steps = self.steps();
        let n = p.len();
        let models: Vec<[Model; 2]> = (0..n)
            .map(|k| {
                [1.0, -1.0].map(|sign| {
                    let mut moved = p.to_vec();
                    moved[k] += sign * steps[k];
                    self.model(&moved)
                })
            })
            .collect();
        let row = |i: usize| {
            DVector::from_fn(n, |k, _| {
                if steps[k] == 0.0 {
                    return 0.0;
                }
                let [up, down] = &models[k];
                (self.offset(up, i) - self.offset(down, i)) / (2.0 * steps[k])
            })
        };
        let mut normal = DMatrix::zeros(n, n);
        let mut spread = DMatrix::zeros(n, n);
        for ring in self.rings() {
            let mut whole = DVector::zeros(n);
            for i in ring.into_iter().filter(|i| kept[*i]) {
                let row = row(i);
                let weight = sigma[i].powi(-2);
                normal.ger(weight, &row, &row, 1.0);
                whole.axpy(weight, &row, 1.0);
            }
            spread.ger(ring_px * ring_px, &whole, &whole, 1.0);
        }
        for (k, (_, prior)) in self.prior().iter().enumerate() {
            normal[(k, k)] += prior.powi(-2);
            if steps[k] == 0.0 {
                normal[(k, k)] = 1.0;
            }
        }
        spread += &normal;
        let inverse = normal.cholesky()?.inverse();
        let mut covariance = &inverse * spread * &inverse;
        for k in 0..n {
            if steps[k] == 0.0 {
                covariance[(k, k)] = 0.0;
            }
        }
        Some(covariance)
    }
}

/// How far a fitted peak stays behind the mean of its ring, pixels across the ring: a sensor gives rings a tail.
///
/// A Gaussian of standard deviation w with a third cumulant κ is G·(1 + κ/(6w³)·H3); its projection on the derivative of the
/// Gaussian that is fitted to it is −κ/(4w²).
fn lag_px(start: &Placement, point: &RingPoint) -> f64 {
    let Some(parallax) = start.parallax else { return 0.0 };
    let frame = start.lab_frame();
    let [p1, p2, distance_m] = frame.own(point.place);
    let across_m = p1.hypot(p2);
    let length_m = across_m.hypot(distance_m);
    let [slow, fast] = two_theta_slope(&frame, point.place);
    let slope = slow.hypot(fast);
    let pixel_m = point.pixel_rad / slope;
    // From a metre of the ray to pixels across the ring.
    let share = (p1 * slow + p2 * fast) / (slope * length_m * pixel_m);
    let width_squared = point.width_px * point.width_px + 1.0 / 12.0;
    parallax.path_skew_m3(distance_m / length_m) * share.powi(3) / (4.0 * width_squared)
}

/// Mean with the weights 1/σ², and their sum.
fn weighted_mean(indices: &[usize], off: &[f64], sigma: &[f64]) -> (f64, f64) {
    let weights: f64 = indices.iter().map(|i| sigma[*i].powi(-2)).sum();
    let sum: f64 = indices.iter().map(|i| off[*i] * sigma[*i].powi(-2)).sum();
    if weights > 0.0 { (sum / weights, weights) } else { (0.0, 0.0) }
}

/// The middle value; 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
