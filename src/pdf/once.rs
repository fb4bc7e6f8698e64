//! G(r) of a few F(Q), each on points of its own, without a matrix.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::TransformSettings;
use crate::structure::FGrid;

/// Values of r that are reached by turning (cos Qr, sin Qr) step by step, before it is evaluated anew: each turn loses 1e-16.
const TURNS: usize = 128;

/// G on the r axis of `settings` from F on the n points of `grid` \[E11\], with the window of another Qmax.
///
/// Within 1e-13 of the largest |G| of what a [`TransformPlan`](super::TransformPlan) gives. For grids with the rule
/// [`RadialRule::Exact`](crate::structure::RadialRule::Exact).
pub(crate) fn transform_once(
    settings: &TransformSettings,
    window_q_max: f64,
    grid: &FGrid,
    f: &[f64],
) -> Vec<f64> {
    let q = grid.q();
    let weight = |q: f64| if q < window_q_max { settings.window.weight(q, window_q_max) } else { 0.0 };
    let weighted: Vec<f64> =
        q.iter().zip(grid.width()).zip(f).map(|((q, width), f)| 2.0 / PI * width * weight(*q) * f).collect();
    let turns: Vec<(f64, f64)> = q.iter().map(|q| (q * settings.r.step).sin_cos()).collect();
    let r: Vec<f64> = settings.r.values();
    let some = |r: &[f64]| {
        let mut sines: Vec<f64> = q.iter().map(|q| (q * r[0]).sin()).collect();
        let mut cosines: Vec<f64> = q.iter().map(|q| (q * r[0]).cos()).collect();
        let at = |_: &f64| {
            let mut sum = 0.0;
            let state = sines.iter_mut().zip(&mut cosines);
            for (((sine, cosine), (turn_sine, turn_cosine)), f) in state.zip(&turns).zip(&weighted) {
                sum += f * *sine;
                let next = *sine * turn_cosine + *cosine * turn_sine;
                *cosine = *cosine * turn_cosine - *sine * turn_sine;
                *sine = next;
            }
            sum
        };
        r.iter().map(at).collect::<Vec<f64>>()
    };
    r.par_chunks(TURNS).flat_map_iter(some).collect()
}
