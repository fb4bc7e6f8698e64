//! Counts as they travel to the card: their type, their bytes, and which of them are valid in a frame.

use std::ops::Range;

use crate::correct::{Dark, DeadTime, DeadTimeModel, SignalModel};
use crate::engine::EngineError;
use crate::engine::layout::{self, FrameParams};
use crate::engine::valid::last_valid;
use crate::frame::{Counts, Frame, each_type};

/// Type number of the correct shader.
pub(super) fn type_number(counts: &Counts) -> u32 {
    match counts {
        Counts::U16(_) => layout::COUNTS_U16,
        Counts::I16(_) => layout::COUNTS_I16,
        Counts::U32(_) => layout::COUNTS_U32,
        Counts::I32(_) => layout::COUNTS_I32,
        Counts::F32(_) => layout::COUNTS_F32,
    }
}

/// The counts of some pixels in memory, in their own type.
pub(super) fn bytes<'a>(counts: &'a Counts, pixels: &Range<usize>) -> &'a [u8] {
    each_type!(counts, values => bytemuck::cast_slice(&values[pixels.clone()]))
}

/// Number of the dead-time model in the correct shader.
pub(super) fn dead_time_number(dead_time: Option<DeadTime>) -> u32 {
    match dead_time.map(|d| d.model) {
        None => layout::DEAD_TIME_NONE,
        Some(DeadTimeModel::NonParalyzable) => layout::DEAD_TIME_NON_PARALYZABLE,
        Some(DeadTimeModel::Paralyzable) => layout::DEAD_TIME_PARALYZABLE,
    }
}

/// The dark frame as the correct shader reads it: a pixel without a finite dark value has the variance −1.
pub(super) fn dark(dark: &Dark, pixels: &Range<usize>) -> Vec<layout::Dark> {
    let none = layout::Dark { counts: 0.0, variance: -1.0 };
    let mut all: Vec<_> = dark
        .counts
        .iter()
        .zip(&dark.variance)
        .skip(pixels.start)
        .take(pixels.len())
        .map(|(&counts, &variance)| {
            let known = counts.is_finite() && variance.is_finite();
            if known { layout::Dark { counts, variance } } else { none }
        })
        .collect();
    all.resize(pixels.len(), none);
    all
}

/// What the correct shader needs to know of one frame.
///
/// # Errors
/// Dead time is corrected and the frame has no exposure.
pub(super) fn frame_params(frame: &Frame, model: &SignalModel) -> Result<FrameParams, EngineError> {
    let lost_per_count = model.tau_per_exposure(frame.header.exposure_s).ok_or(EngineError::NoExposure)?;
    let last_valid = last_valid(&frame.counts, model, lost_per_count);
    Ok(FrameParams {
        used: u32::from(last_valid.is_some()),
        last_valid: last_valid.unwrap_or(0),
        lost_per_count: lost_per_count as f32,
        unused: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_without_a_dark_value_is_marked() {
        let given = Dark { counts: vec![1.0, f32::NAN, 3.0], variance: vec![0.5, 0.5, f32::INFINITY] };
        let variances: Vec<f32> = dark(&given, &(0..4)).iter().map(|d| d.variance).collect();
        assert_eq!(variances, [0.5, -1.0, -1.0, -1.0]);
    }
}
