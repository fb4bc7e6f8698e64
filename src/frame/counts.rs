//! Counts of every number type, handled alike.

use super::Counts;
use crate::simd::{InstructionSet, Vectors, Work};

/// A number type that counts come in. Engines handle it as 32-bit words: those of valid counts compare like the counts, those
/// of flagged pixels are larger or not valid.
pub(crate) trait Count: Copy + Send + Sync {
    /// Less than every count that is not flagged, or the least there is.
    const LEAST: Self;

    /// The counts, if they are of this type.
    fn of(counts: &Counts) -> Option<&[Self]>;

    /// The word of this count.
    fn word(self) -> u32;

    /// The count that a word stands for; exact.
    fn value(word: u32) -> f64;

    /// Whether the detector says that this is no measurement: negative (gap, dead pixel) or not finite.
    fn is_flagged(self) -> bool;

    /// The larger of two; a number that is not finite is never larger.
    fn larger(self, other: Self) -> Self;
}

macro_rules! count {
    ($type:ty, $variant:ident, least $least:expr, $count:ident => $word:expr, $bits:ident => $value:expr) => {
        impl Count for $type {
            const LEAST: Self = $least;
            fn of(counts: &Counts) -> Option<&[Self]> {
                if let Counts::$variant(counts) = counts { Some(counts) } else { None }
            }
            #[inline(always)]
            fn word(self) -> u32 {
                let $count = self;
                $word
            }
            #[inline(always)]
            fn value($bits: u32) -> f64 {
                f64::from($value)
            }
            fn is_flagged(self) -> bool {
                let value = f64::from(self);
                !value.is_finite() || value < 0.0
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                if other > self && f64::from(other) < f64::INFINITY { other } else { self }
            }
        }
    };
}

count!(u16, U16, least 0, count => u32::from(count), word => word as u16);
count!(i16, I16, least -1, count => i32::from(count) as u32, word => word as i32);
count!(u32, U32, least 0, count => count, word => word);
count!(i32, I32, least -1, count => count as u32, word => word as i32);
count!(f32, F32, least -1.0, count => count.to_bits(), word => f32::from_bits(word));

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
        each_type!(self, values => InstructionSet::best().run(Largest(values)))
    }

    /// All pixels as f64, exact.
    pub fn to_f64(&self) -> Vec<f64> {
        each_type!(self, values => values.iter().map(|value| f64::from(*value)).collect())
    }

    /// All pixels as f32: whole counts are exact up to 2²⁴.
    pub fn to_f32(&self) -> Vec<f32> {
        each_type!(self, values => values.iter().map(|value| f64::from(*value) as f32).collect())
    }

    /// Which pixels are not zero; NaN is not zero.
    pub(super) fn nonzero(&self) -> Vec<bool> {
        each_type!(self, values => values.iter().map(|value| f64::from(*value) != 0.0).collect())
    }
}

/// Every frame is looked through.
struct Largest<'a, T>(&'a [T]);

impl<T: Count> Work for Largest<'_, T> {
    type Output = Option<f64>;

    #[inline(always)]
    fn run<V: Vectors>(self, _: V) -> Option<f64> {
        // Several maxima beside each other, which a vector unit takes at once.
        let mut largest = [T::LEAST; 64];
        let (rows, rest) = self.0.as_chunks::<64>();
        for row in rows {
            for (largest, value) in largest.iter_mut().zip(row) {
                *largest = largest.larger(*value);
            }
        }
        let all = largest.into_iter().chain(rest.iter().copied()).fold(T::LEAST, T::larger);
        (!self.0.is_empty() && !all.is_flagged()).then(|| T::value(all.word()))
    }
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
