//! One interface to counts of every number type.

use super::Counts;

mod sealed {
    /// Closes [`super::Count`]: the types are those of [`super::Counts`].
    pub trait Sealed {}
}

/// A number type that counts come in.
pub trait Count: sealed::Sealed + Copy + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    /// The value; exact for every type.
    fn to_f64(self) -> f64;

    /// Whether the detector says that this is no measurement: negative (gap, dead pixel) or not finite.
    fn is_flagged(self) -> bool;
}

macro_rules! count {
    ($type:ty, $value:ident => $flagged:expr) => {
        impl sealed::Sealed for $type {}
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

impl Counts {
    /// Number of pixels.
    pub fn len(&self) -> usize {
        each_type!(self, values => values.len())
    }

    /// Whether there is no pixel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixel `index` (row · columns + column); `None` past the end.
    pub fn get_f64(&self, index: usize) -> Option<f64> {
        each_type!(self, values => values.get(index).map(|value| value.to_f64()))
    }

    /// Whether pixel `index` is flagged ([`Count::is_flagged`]); `None` past the end.
    pub fn is_flagged(&self, index: usize) -> Option<bool> {
        each_type!(self, values => values.get(index).map(|value| value.is_flagged()))
    }

    /// The largest count that is not flagged; `None` where all are.
    pub fn largest(&self) -> Option<f64> {
        each_type!(self, values => {
            let valid = values.iter().filter(|value| !value.is_flagged()).map(|value| value.to_f64());
            valid.reduce(f64::max)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_and_not_finite_are_flagged() {
        let counts = Counts::F32(vec![0.0, -0.0, 5.5, -1.0, f32::NAN, f32::INFINITY]);
        let flags: Vec<_> = (0..6).map(|i| counts.is_flagged(i).unwrap()).collect();
        assert_eq!(flags, [false, false, false, true, true, true]);
        let counts = Counts::I32(vec![-2, -1, 0, i32::MAX]);
        assert_eq!((0..4).filter(|&i| counts.is_flagged(i) == Some(true)).count(), 2);
        assert_eq!(counts.largest(), Some(2_147_483_647.0));
        assert_eq!(Counts::I32(vec![-2, -1]).largest(), None);
        assert_eq!(counts.get_f64(3), Some(2_147_483_647.0));
        assert_eq!(counts.get_f64(4), None);
    }
}
