//! Counts as they travel to the card: their type, their bytes, and which of them are valid in a frame.

use crate::correct::{Dark, DeadTime, DeadTimeModel, SignalModel};
use crate::engine::EngineError;
use crate::engine::layout::{self, FrameParams};
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

/// The counts in memory, in their own type.
pub(super) fn bytes(counts: &Counts) -> &[u8] {
    each_type!(counts, values => bytemuck::cast_slice(values))
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
pub(super) fn dark(dark: &Dark, pixels: usize) -> Vec<layout::Dark> {
    let none = layout::Dark { counts: 0.0, variance: -1.0 };
    let mut all: Vec<_> = dark
        .counts
        .iter()
        .zip(&dark.variance)
        .take(pixels)
        .map(|(&counts, &variance)| {
            let known = counts.is_finite() && variance.is_finite();
            if known { layout::Dark { counts, variance } } else { none }
        })
        .collect();
    all.resize(pixels, none);
    all
}

/// What the correct shader needs to know of one frame.
///
/// # Errors
/// Dead time is corrected and the frame has no exposure.
pub(super) fn frame_params(frame: &Frame, model: &SignalModel) -> Result<FrameParams, EngineError> {
    let lost_per_count = model.tau_per_exposure(frame.header.exposure_s).ok_or(EngineError::NoExposure)?;
    // The dark frame plays no part in whether a count is valid; it is looked at pixel by pixel.
    let model =
        SignalModel { dark: None, dead_time: model.dead_time, saturated_counts: model.saturated_counts };
    let last_valid =
        last_valid(&frame.counts, |count| model.signal_and_variance(count, 0, lost_per_count).is_some());
    Ok(FrameParams {
        used: u32::from(last_valid.is_some()),
        last_valid: last_valid.unwrap_or(0),
        lost_per_count: lost_per_count as f32,
        unused: 0,
    })
}

/// The largest count that is valid, as the shader compares it: counts are valid up to a limit (saturation, or the
/// largest rate that the detector can record), and for positive numbers bit patterns order as the numbers do.
///
/// `None` where not even 0 is valid.
fn last_valid(counts: &Counts, valid: impl Fn(f64) -> bool) -> Option<u32> {
    let largest = match counts {
        Counts::U16(_) => u16::MAX.into(),
        Counts::I16(_) => i16::MAX as u32,
        Counts::U32(_) => u32::MAX,
        Counts::I32(_) => i32::MAX as u32,
        Counts::F32(_) => f32::MAX.to_bits(),
    };
    let count = |key: u32| match counts {
        Counts::F32(_) => f64::from(f32::from_bits(key)),
        Counts::U16(_) | Counts::I16(_) | Counts::U32(_) | Counts::I32(_) => f64::from(key),
    };
    if valid(count(largest)) {
        return Some(largest);
    }
    // Halving: `good` is valid, `bad` is not.
    let (mut good, mut bad) = (0, largest);
    if !valid(count(good)) {
        return None;
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if valid(count(middle)) { good = middle } else { bad = middle }
    }
    Some(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_valid_count_is_just_below_the_limit() {
        let all = [Counts::U16(vec![]), Counts::I16(vec![]), Counts::U32(vec![]), Counts::I32(vec![])];
        let last = |limit: f64| all.each_ref().map(|counts| last_valid(counts, |count| count < limit));
        assert_eq!(last(100.0), [Some(99); 4]);
        assert_eq!(last(100.5), [Some(100); 4]);
        assert_eq!(last(f64::INFINITY), [Some(65_535), Some(32_767), Some(u32::MAX), Some(i32::MAX as u32)]);
        assert_eq!(last(0.5), [Some(0); 4]);
        assert_eq!(last(0.0), [None; 4]);
    }

    #[test]
    fn the_last_valid_number_is_the_neighbour_below_the_limit() {
        let counts = Counts::F32(vec![]);
        let last = |limit| last_valid(&counts, |count| count < limit).map(f32::from_bits);
        assert_eq!(last(1000.0), Some(1000.0_f32.next_down()));
        // A limit between two single-precision numbers.
        assert_eq!(last(1000.0 + 1e-9), Some(1000.0));
        assert_eq!(last(1000.0 - 1e-9), Some(1000.0_f32.next_down()));
        assert_eq!(last(f64::INFINITY), Some(f32::MAX));
    }

    #[test]
    fn a_pixel_without_a_dark_value_is_marked() {
        let given = Dark { counts: vec![1.0, f32::NAN, 3.0], variance: vec![0.5, 0.5, f32::INFINITY] };
        let variances: Vec<f32> = dark(&given, 4).iter().map(|d| d.variance).collect();
        assert_eq!(variances, [0.5, -1.0, -1.0, -1.0]);
    }
}
