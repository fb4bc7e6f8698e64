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
    /// e, pixels.
    pub(super) extra_px: f64,
    /// τ, pixels.
    pub(super) ring_px: f64,
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
    /// With e.
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
        let mut sigma: Vec<f64> = self.model.points.iter().map(|(_, p)| p.sigma_px.max(1e-4)).collect();
        let mut kept = vec![true; count];
        let mut parameters = self.model.start();
        let mut extra_px = 0.0;
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
            extra_px = self.extra_scatter(&off, &kept);
            sigma = self.model.points.iter().map(|(_, p)| p.sigma_px.max(1e-4).hypot(extra_px)).collect();
            kept = self.accepted(&off, &sigma);
        }
        let off = self.model.offsets(&parameters);
        let ring_px = self.ring_scatter(&off, &sigma, &kept);
        let covariance = self.covariance(&parameters, &sigma, &kept, ring_px)?;
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
            extra_px,
            ring_px,
        })
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

    /// What has to be added to the σ of points for residuals of their size, by the median, which strays do not move.
    fn extra_scatter(&self, off: &[f64], kept: &[bool]) -> f64 {
        let scale = |extra: f64| {
            let points = off.iter().zip(&self.model.points).zip(kept).filter(|(_, kept)| **kept);
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

    /// τ after DerSimonian & Laird, Controlled Clin. Trials 7 (1986) 177: what the means of rings scatter beyond their own
    /// σ; 0 where that is no more than chance allows.
    fn ring_scatter(&self, off: &[f64], sigma: &[f64], kept: &[bool]) -> f64 {
        let rings = self.model.rings();
        let means: Vec<(f64, f64)> = rings
            .iter()
            .map(|ring| ring.iter().copied().filter(|i| kept[*i]).collect::<Vec<_>>())
            .filter(|ring| !ring.is_empty())
            .map(|ring| weighted_mean(&ring, off, sigma))
            .collect();
        // The distance takes one of them away for each frame.
        let degrees = means.len() as f64 - self.model.frame_count() as f64;
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
        let steps = self.model.steps();
        let n = p.len();
        let states: Vec<[State; 2]> = (0..n)
            .map(|k| {
                [1.0, -1.0].map(|sign| {
                    let mut moved = p.to_vec();
                    moved[k] += sign * steps[k];
                    self.model.state(&moved)
                })
            })
            .collect();
        let row = |i: usize| {
            DVector::from_fn(n, |k, _| {
                if steps[k] == 0.0 {
                    return 0.0;
                }
                let [up, down] = &states[k];
                (self.model.offset(up, i) - self.model.offset(down, i)) / (2.0 * steps[k])
            })
        };
        let mut normal = DMatrix::zeros(n, n);
        let mut spread = DMatrix::zeros(n, n);
        for ring in self.model.rings() {
            let mut whole = DVector::zeros(n);
            for i in ring.into_iter().filter(|i| kept[*i]) {
                let row = row(i);
                let weight = sigma[i].powi(-2);
                normal.ger(weight, &row, &row, 1.0);
                whole.axpy(weight, &row, 1.0);
            }
            spread.ger(ring_px * ring_px, &whole, &whole, 1.0);
        }
        for (k, (_, prior)) in self.model.prior().iter().enumerate() {
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
