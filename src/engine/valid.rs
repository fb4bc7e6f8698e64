//! Which counts are valid in a frame, decided on integers, exactly, in both engines.

use crate::correct::SignalModel;
use crate::frame::Counts;

/// The largest count that is valid, as a 32-bit word that compares like the count: counts are valid up to a limit
/// (saturation, or the largest rate that the detector can record), and for positive numbers bit patterns order as the
/// numbers do. The dark frame plays no part.
///
/// `None` where not even 0 is valid.
pub(super) fn last_valid(counts: &Counts, model: &SignalModel, tau_per_exposure: f64) -> Option<u32> {
    let model =
        SignalModel { dark: None, dead_time: model.dead_time, saturated_counts: model.saturated_counts };
    largest_where(counts, |count| model.signal_and_variance(count, 0, tau_per_exposure).is_some())
}

fn largest_where(counts: &Counts, valid: impl Fn(f64) -> bool) -> Option<u32> {
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
        let all = [
            Counts::U16(vec![].into()),
            Counts::I16(vec![].into()),
            Counts::U32(vec![].into()),
            Counts::I32(vec![].into()),
        ];
        let last = |limit: f64| all.each_ref().map(|counts| largest_where(counts, |count| count < limit));
        assert_eq!(last(100.0), [Some(99); 4]);
        assert_eq!(last(100.5), [Some(100); 4]);
        assert_eq!(last(f64::INFINITY), [Some(65_535), Some(32_767), Some(u32::MAX), Some(i32::MAX as u32)]);
        assert_eq!(last(0.5), [Some(0); 4]);
        assert_eq!(last(0.0), [None; 4]);
    }

    #[test]
    fn the_last_valid_number_is_the_neighbour_below_the_limit() {
        let counts = Counts::F32(vec![].into());
        let last = |limit| largest_where(&counts, |count| count < limit).map(f32::from_bits);
        assert_eq!(last(1000.0), Some(1000.0_f32.next_down()));
        // A limit between two single-precision numbers.
        assert_eq!(last(1000.0 + 1e-9), Some(1000.0));
        assert_eq!(last(1000.0 - 1e-9), Some(1000.0_f32.next_down()));
        assert_eq!(last(f64::INFINITY), Some(f32::MAX));
    }
}
