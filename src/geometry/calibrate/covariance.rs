//! The covariance of a fit, with what the rings of each frame scatter as wholes:
//!
//! ```text
//! cov = N⁻¹ JᵀW V W J N⁻¹,  N = JᵀWJ,  W = 1/(σ² + e²),  V = W⁻¹ + τ²·(1 for two points of one ring and frame).
//! ```
//!
//! τ is found from the means m of a frame's rings by the method of moments. With w and s the sums of W and of W times the
//! derivatives over the points of a ring, the fit leaves of them
//!
//! ```text
//! E Σ w m² = Σ (1 − sᵀN⁻¹s/w) + τ² Σ (w − 2 sᵀN⁻¹s + sᵀN⁻¹ (Σ s sᵀ) N⁻¹s/w),
//! ```
//!
//! the first sum being their degrees of freedom. (DerSimonian & Laird, Controlled Clin. Trials 7 (1986) 177, where the fit is a
//! mean; what the rings of other frames scatter into these through parameters that they share is left out.)

use nalgebra::{DMatrix, DVector};

use super::model::{Model, State};

/// What a fit leaves open.
pub(super) struct Spread {
    /// Of the parameters, in their order.
    pub(super) covariance: DMatrix<f64>,
    /// τ of each frame, pixels.
    pub(super) rings_px: Vec<f64>,
}

/// A ring of one frame as a whole.
struct Whole {
    frame: usize,
    /// w.
    weight: f64,
    /// w·m.
    off: f64,
    /// s.
    slopes: DVector<f64>,
}

/// At the minimum, for points with these σ; `None` where the points do not determine the parameters.
pub(super) fn spread(model: &Model<'_>, at: &[f64], sigma: &[f64], kept: &[bool]) -> Option<Spread> {
    let steps = model.steps();
    let n = at.len();
    let states: Vec<[State; 2]> = (0..n)
        .map(|k| {
            [1.0, -1.0].map(|sign| {
                let mut moved = at.to_vec();
                moved[k] += sign * steps[k];
                model.state(&moved)
            })
        })
        .collect();
    let slope = |i: usize, k: usize| {
        let [up, down] = &states[k];
        if steps[k] == 0.0 { 0.0 } else { (model.offset(up, i) - model.offset(down, i)) / (2.0 * steps[k]) }
    };
    let off = model.offsets(at);
    let mut normal = DMatrix::zeros(n, n);
    let mut wholes = Vec::new();
    for ring in model.rings() {
        let frame = model.points[ring[0]].0;
        let mut whole = Whole { frame, weight: 0.0, off: 0.0, slopes: DVector::zeros(n) };
        for i in ring.into_iter().filter(|i| kept[*i]) {
            let row = DVector::from_fn(n, |k, _| slope(i, k));
            let weight = sigma[i].powi(-2);
            normal.ger(weight, &row, &row, 1.0);
            whole.weight += weight;
            whole.off += weight * off[i];
            whole.slopes.axpy(weight, &row, 1.0);
        }
        if whole.weight > 0.0 {
            wholes.push(whole);
        }
    }
    for (k, (_, prior)) in model.prior().iter().enumerate() {
        normal[(k, k)] += prior.powi(-2);
        if steps[k] == 0.0 {
            normal[(k, k)] = 1.0;
        }
    }
    let inverse = normal.clone().cholesky()?.inverse();
    let of_frame = |frame: usize| wholes.iter().filter(|ring| ring.frame == frame).collect::<Vec<_>>();
    let rings_px: Vec<f64> =
        (0..model.frame_count()).map(|frame| ring_scatter(&of_frame(frame), &inverse)).collect();
    let mut spread = normal;
    for ring in &wholes {
        spread.ger(rings_px[ring.frame].powi(2), &ring.slopes, &ring.slopes, 1.0);
    }
    let mut covariance = &inverse * spread * &inverse;
    for k in (0..n).filter(|k| steps[*k] == 0.0) {
        covariance[(k, k)] = 0.0;
    }
    Some(Spread { covariance, rings_px })
}

/// τ of the rings of one frame, pixels; 0 where their means scatter no more than chance allows.
fn ring_scatter(rings: &[&Whole], inverse: &DMatrix<f64>) -> f64 {
    let n = inverse.nrows();
    let mut squares = DMatrix::zeros(n, n);
    rings.iter().for_each(|ring| squares.ger(1.0, &ring.slopes, &ring.slopes, 1.0));
    let taken = inverse * squares * inverse;
    let (mut sum, mut degrees, mut of_tau) = (0.0, 0.0, 0.0);
    for Whole { weight, off, slopes, .. } in rings.iter().copied() {
        let fitted = slopes.dot(&(inverse * slopes));
        sum += off * off / weight;
        degrees += 1.0 - fitted / weight;
        of_tau += weight - 2.0 * fitted + slopes.dot(&(&taken * slopes)) / weight;
    }
    // Nothing is left where the parameters take all of it.
    if degrees < 1.0 || sum < degrees + 3.0 * (2.0 * degrees).sqrt() {
        return 0.0;
    }
    ((sum - degrees) / of_tau).sqrt()
}
