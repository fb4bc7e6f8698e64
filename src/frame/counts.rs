//! Counts of every number type, handled alike.

use super::Counts;

/// A number type that counts come in.
trait Count: Copy {
    /// The value; exact for every type.
    fn to_f64(self) -> f64;

    /// Whether the detector says that this is no measurement: negative (gap, dead pixel) or not finite.
    fn is_flagged(self) -> bool;
}

macro_rules! count {
    ($type:ty, $value:ident => $flagged:expr) => {
        impl Count for $type {
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn is_flagged(self) -> bool {
                let $value = self;
                $flagged
            }
        }
    };
}

count!(u16, _value => false);
count!(i16, value => value < 0);
count!(u32, _value => false);
count!(i32, value => value < 0);
count!(f32, value => !value.is_finite() || value < 0.0);

/// `each_type!(counts, values => expression)`: the expression, compiled for each number type, with `values` bound
/// to the vector.
macro_rules! each_type {
    ($counts:expr, $values:ident => $body:expr) => {
        match $counts {
            $crate::frame::Counts::U16($values) => $body,
            $crate::frame::Counts::I16($values) => $body,
            $crate::frame::Counts::U32($values) => $body,
            $crate::frame::Counts::I32($values) => $body,
            $crate::frame::Counts::F32($values) => $body,
        }
    };
}
pub(crate) use each_type;

impl Counts {
    /// Number of pixels.
    pub fn len(&self) -> usize {
        each_type!(self, values => values.len())
    }

    /// Whether there is no pixel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest count that is not flagged; `None` where all are.
    pub fn largest(&self) -> Option<f64> {
        each_type!(self, values => largest(values))
    }

    /// All pixels as f64, exact.
    pub fn to_f64(&self) -> Vec<f64> {
        each_type!(self, values => values.iter().map(|value| value.to_f64()).collect())
    }

    /// All pixels as f32: whole counts are exact up to 2²⁴.
    pub fn to_f32(&self) -> Vec<f32> {
        each_type!(self, values => values.iter().map(|value| value.to_f64() as f32).collect())
    }

    /// Which pixels are not zero; NaN is not zero.
    pub(super) fn nonzero(&self) -> Vec<bool> {
        each_type!(self, values => values.iter().map(|value| value.to_f64() != 0.0).collect())
    }
}

fn largest<T: Count>(values: &[T]) -> Option<f64> {
    const NONE: f64 = f64::NEG_INFINITY;
    // Several maxima beside each other, which a vector unit takes at once: every frame is looked through.
    let mut largest = [NONE; 8];
    for values in values.chunks(largest.len()) {
        for (largest, value) in largest.iter_mut().zip(values) {
            let value = if value.is_flagged() { NONE } else { value.to_f64() };
            *largest = if value > *largest { value } else { *largest };
        }
    }
    largest.into_iter().reduce(f64::max).filter(|largest| *largest > NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_and_not_finite_are_flagged() {
        let counts = [0.0, -0.0, 5.5, -1.0, f32::NAN, f32::INFINITY];
        assert_eq!(counts.map(Count::is_flagged), [false, false, false, true, true, true]);
        assert_eq!([-2, -1, 0, i32::MAX].map(Count::is_flagged), [true, true, false, false]);
    }

    #[test]
    fn the_largest_count_is_found_wherever_it_is() {
        for place in 0..19 {
            let mut counts: Vec<i32> = (0..19).map(|i| i - 3).collect();
            counts[place] = i32::MAX;
            assert_eq!(Counts::I32(counts.into()).largest(), Some(2_147_483_647.0), "{place}");
        }
        assert_eq!(Counts::F32(vec![-1.0, 0.25, f32::INFINITY, f32::NAN].into()).largest(), Some(0.25));
        assert_eq!(Counts::I32(vec![-2; 11].into()).largest(), None);
        assert_eq!(Counts::U16(vec![].into()).largest(), None);
    }
}
