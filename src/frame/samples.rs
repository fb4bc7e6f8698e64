//! Raw samples of every number type and byte order to [`Counts`].

use bytemuck::Pod;

use super::buffer::Pixels;
use super::source::Source;
use super::{Counts, FrameError};

/// Which end of a number comes first in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// How one pixel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleType {
    /// Unsigned 8 bit, read as unsigned 16 bit.
    U8,
    /// Signed 8 bit, read as signed 16 bit.
    I8,
    /// Unsigned 16 bit.
    U16,
    /// Signed 16 bit.
    I16,
    /// Unsigned 32 bit.
    U32,
    /// Signed 32 bit.
    I32,
    /// Unsigned 64 bit, read as unsigned 32 bit if all values fit.
    U64,
    /// Signed 64 bit, read as signed or else unsigned 32 bit if all values fit.
    I64,
    /// Single precision.
    F32,
    /// Double precision, read as single precision.
    F64,
}

impl SampleType {
    /// Bytes of one pixel.
    pub(super) fn bytes(self) -> usize {
        match self {
            SampleType::U8 | SampleType::I8 => 1,
            SampleType::U16 | SampleType::I16 => 2,
            SampleType::U32 | SampleType::I32 | SampleType::F32 => 4,
            SampleType::U64 | SampleType::I64 | SampleType::F64 => 8,
        }
    }
}

/// All whole samples of `raw`. `source` names the file in messages.
pub(super) fn counts(
    source: &Source<'_>,
    raw: &[u8],
    kind: SampleType,
    order: ByteOrder,
) -> Result<Counts, FrameError> {
    use ByteOrder::{Big, Little};
    Ok(match (kind, order) {
        (SampleType::U8, Little | Big) => Counts::U16(raw.iter().map(|&byte| u16::from(byte)).collect()),
        (SampleType::I8, Little | Big) => {
            Counts::I16(raw.iter().map(|&byte| i16::from(byte as i8)).collect())
        }
        (SampleType::U16, Little) => Counts::U16(little(source, raw, u16::from_le_bytes)),
        (SampleType::U16, Big) => Counts::U16(collect(raw, u16::from_be_bytes).into()),
        (SampleType::I16, Little) => Counts::I16(little(source, raw, i16::from_le_bytes)),
        (SampleType::I16, Big) => Counts::I16(collect(raw, i16::from_be_bytes).into()),
        (SampleType::U32, Little) => Counts::U32(little(source, raw, u32::from_le_bytes)),
        (SampleType::U32, Big) => Counts::U32(collect(raw, u32::from_be_bytes).into()),
        (SampleType::I32, Little) => Counts::I32(little(source, raw, i32::from_le_bytes)),
        (SampleType::I32, Big) => Counts::I32(collect(raw, i32::from_be_bytes).into()),
        (SampleType::F32, Little) => Counts::F32(little(source, raw, f32::from_le_bytes)),
        (SampleType::F32, Big) => Counts::F32(collect(raw, f32::from_be_bytes).into()),
        (SampleType::U64, Little) => narrow_u64(source, &collect(raw, u64::from_le_bytes))?,
        (SampleType::U64, Big) => narrow_u64(source, &collect(raw, u64::from_be_bytes))?,
        (SampleType::I64, Little) => narrow_i64(source, &collect(raw, i64::from_le_bytes))?,
        (SampleType::I64, Big) => narrow_i64(source, &collect(raw, i64::from_be_bytes))?,
        (SampleType::F64, Little) => narrow_f64(source, &collect(raw, f64::from_le_bytes))?,
        (SampleType::F64, Big) => narrow_f64(source, &collect(raw, f64::from_be_bytes))?,
    })
}

/// Numbers that have the byte order of most processors: where they stand, if they can be used there.
fn little<T: Pod, const N: usize>(source: &Source<'_>, raw: &[u8], from: impl Fn([u8; N]) -> T) -> Pixels<T> {
    let here = source.memory.filter(|_| cfg!(target_endian = "little"));
    here.and_then(|memory| Pixels::inside(memory, raw)).unwrap_or_else(|| collect(raw, from).into())
}

fn collect<T, const N: usize>(raw: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|bytes| from(*bytes)).collect()
}

/// Unsigned 64 bit to unsigned 32 bit; a value that does not fit is an error.
pub(super) fn narrow_u64(source: &Source<'_>, values: &[u64]) -> Result<Counts, FrameError> {
    let narrow = |(pixel, &value): (usize, &u64)| {
        u32::try_from(value).map_err(|_| out_of_range(source, pixel, value.to_string(), "0 … 4294967295"))
    };
    Ok(Counts::U32(values.iter().enumerate().map(narrow).collect::<Result<_, _>>()?))
}

/// Signed 64 bit to signed 32 bit, or to unsigned 32 bit where no value is negative.
pub(super) fn narrow_i64(source: &Source<'_>, values: &[i64]) -> Result<Counts, FrameError> {
    if let Ok(narrow) = values.iter().map(|&value| i32::try_from(value)).collect::<Result<_, _>>() {
        return Ok(Counts::I32(narrow));
    }
    let narrow = |(pixel, &value): (usize, &i64)| {
        u32::try_from(value).map_err(|_| {
            let expected = "all in −2147483648 … 2147483647 or all in 0 … 4294967295";
            out_of_range(source, pixel, value.to_string(), expected)
        })
    };
    Ok(Counts::U32(values.iter().enumerate().map(narrow).collect::<Result<_, _>>()?))
}

/// Double to single precision (rounded); a finite value that becomes infinite is an error.
pub(super) fn narrow_f64(source: &Source<'_>, values: &[f64]) -> Result<Counts, FrameError> {
    let narrow = |(pixel, &value): (usize, &f64)| {
        let single = value as f32;
        if value.is_finite() && !single.is_finite() {
            return Err(out_of_range(source, pixel, value.to_string(), "a single-precision number"));
        }
        Ok(single)
    };
    Ok(Counts::F32(values.iter().enumerate().map(narrow).collect::<Result<_, _>>()?))
}

fn out_of_range(source: &Source<'_>, pixel: usize, value: String, expected: &'static str) -> FrameError {
    FrameError::Value { path: source.path.to_path_buf(), pixel, value, expected }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn source() -> Source<'static> {
        Source::new(Path::new("x"), b"")
    }

    #[test]
    fn both_byte_orders_give_the_same_counts() {
        let values = [0i32, 1, -1, -2, i32::MIN, i32::MAX, 695_339];
        let little: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let big: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        assert_eq!(
            counts(&source(), &little, SampleType::I32, ByteOrder::Little).unwrap(),
            Counts::I32(values.to_vec().into())
        );
        assert_eq!(
            counts(&source(), &big, SampleType::I32, ByteOrder::Big).unwrap(),
            Counts::I32(values.to_vec().into())
        );
        assert_eq!(
            counts(&source(), &[0xff, 0x7f], SampleType::I8, ByteOrder::Big).unwrap(),
            Counts::I16(vec![-1, 127].into())
        );
    }

    #[test]
    fn wide_numbers_are_narrowed_only_without_loss_of_range() {
        assert_eq!(narrow_i64(&source(), &[-2, 7]).unwrap(), Counts::I32(vec![-2, 7].into()));
        assert_eq!(
            narrow_i64(&source(), &[3_000_000_000, 7]).unwrap(),
            Counts::U32(vec![3_000_000_000, 7].into())
        );
        assert!(matches!(
            narrow_i64(&source(), &[3_000_000_000, -1]),
            Err(FrameError::Value { pixel: 1, .. })
        ));
        assert!(narrow_u64(&source(), &[1 << 32]).is_err());
        assert!(narrow_f64(&source(), &[1e300]).is_err());
        let Counts::F32(kept) = narrow_f64(&source(), &[f64::NAN, f64::INFINITY, 0.5]).unwrap() else {
            panic!()
        };
        assert!(kept[0].is_nan() && kept[1].is_infinite() && kept[2] == 0.5);
    }
}
