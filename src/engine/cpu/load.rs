//! Counts of several frames → signal and variance side by side, one lane for each frame.

use std::ops::Range;

use super::kernel::BLOCK;
use crate::correct::SignalModel;
use crate::frame::{Counts, each_type};
use crate::integrate::IntegrationPlan;

/// How much there is to do between counts and signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalPath {
    /// Signal = variance = counts.
    Counts,
    /// Dead time or dark.
    Corrected,
}

impl SignalPath {
    pub(super) fn of(model: &SignalModel) -> Self {
        if model.dark.is_none() && model.dead_time.is_none() {
            SignalPath::Counts
        } else {
            SignalPath::Corrected
        }
    }
}

/// One frame of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane<'f> {
    /// Row order, as many as the plan has pixels.
    pub(super) counts: &'f Counts,
    /// Dead time in units of the frame's exposure.
    pub(super) tau_per_exposure: f64,
}

/// Values of consecutive pixels of `L` frames. An excluded pixel has signal and variance 0.
pub(super) struct Block<const L: usize> {
    pub(super) signal: [[f64; L]; BLOCK],
    /// Filled on [`SignalPath::Corrected`] only; else it is the signal.
    pub(super) variance: [[f64; L]; BLOCK],
    /// Bit k of a pixel: lane k excludes it.
    pub(super) excluded: [u8; BLOCK],
    pub(super) any_excluded: bool,
}

impl<const L: usize> Block<L> {
    pub(super) fn new() -> Self {
        let zero = [[0.0; L]; BLOCK];
        Block { signal: zero, variance: zero, excluded: [0; BLOCK], any_excluded: false }
    }
}

/// Fills `block` with the pixels of `range`, at most [`BLOCK`] of them.
pub(super) fn load<const L: usize>(
    plan: &IntegrationPlan,
    path: SignalPath,
    frames: &[Lane<'_>],
    range: Range<usize>,
    block: &mut Block<L>,
) {
    block.excluded = [0; BLOCK];
    block.any_excluded = false;
    for (lane, frame) in frames.iter().enumerate() {
        each_type!(frame.counts, counts => fill(&counts[range.clone()], lane, range.start, plan, path, frame, block));
    }
}

/// Fills one lane with `counts`, the first of which is pixel `first`.
fn fill<T: Copy + Into<f64>, const L: usize>(
    counts: &[T],
    lane: usize,
    first: usize,
    plan: &IntegrationPlan,
    path: SignalPath,
    frame: &Lane<'_>,
    block: &mut Block<L>,
) {
    match path {
        SignalPath::Counts => {
            let limit = plan.signal.saturated_counts.unwrap_or(f64::INFINITY);
            // Written so that NaN, too, is not counted.
            let counted = |count: f64| count >= 0.0 && count < limit && count < f64::INFINITY;
            if counts.iter().fold(true, |all, count| all & counted((*count).into())) {
                for (out, count) in block.signal.iter_mut().zip(counts) {
                    out[lane] = (*count).into();
                }
                return;
            }
            block.any_excluded = true;
            let out = block.signal.iter_mut().zip(&mut block.excluded);
            for ((out, excluded), count) in out.zip(counts) {
                let count: f64 = (*count).into();
                let keep = counted(count);
                out[lane] = if keep { count } else { 0.0 };
                *excluded |= u8::from(!keep) << lane;
            }
        }
        SignalPath::Corrected => {
            for (i, count) in counts.iter().enumerate() {
                match plan.signal.signal_and_variance((*count).into(), first + i, frame.tau_per_exposure) {
                    Some((signal, variance)) => {
                        (block.signal[i][lane], block.variance[i][lane]) = (signal, variance);
                    }
                    None => {
                        (block.signal[i][lane], block.variance[i][lane]) = (0.0, 0.0);
                        block.excluded[i] |= 1 << lane;
                        block.any_excluded = true;
                    }
                }
            }
        }
    }
}
