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

/// Exactly `pixels` values from all of `data`.
pub(super) fn decode<T: TryFrom<i64>>(data: &[u8], pixels: usize) -> Result<Vec<T>, Fault> {
    let mut values = Vec::with_capacity(pixels);
    let mut value = 0i64;
    let mut at = 0;
    for pixel in 0..pixels {
        // Nearly all differences of a measured frame take one byte.
        let (delta, length) = match data.get(at) {
            Some(&byte) if byte != 0x80 => (i64::from(byte as i8), 1),
            _ => escaped(data.get(at + 1..).unwrap_or_default())
                .ok_or_else(|| Fault { at, found: format!("the end of the data in pixel {pixel}") })?,
        };
        let next = value.checked_add(delta);
        let fits = next.and_then(|next| Some((next, T::try_from(next).ok()?)));
        let Some((next, count)) = fits else {
            return Err(Fault { at, found: format!("{value} + {delta} in pixel {pixel}, beyond the type") });
        };
        value = next;
        values.push(count);
        at += length;
    }
    if at != data.len() {
        return Err(Fault { at, found: format!("{} bytes after the last pixel", data.len() - at) });
    }
    Ok(values)
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

    #[test]
    fn escapes_are_those_of_the_definition() {
        let data = [
            5, 0xff, // 5, 4
            0x80, 0x80, 0xff, // −128 needs 16 bits: −124
            0x80, 0x00, 0x80, 0x00, 0x80, 0xff, 0xff, // −32768 needs 32 bits: −32892
            0x80, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80, 0xff, 0xff, 0xff, 0xff,
        ];
        let expected = vec![5i64, 4, -124, -32892, -32892 - (1 << 31)];
        assert_eq!(decode::<i64>(&data, 5).unwrap(), expected);
        assert_eq!(encode(expected.into_iter()), data);
        for cut in 0..data.len() {
            assert!(decode::<i64>(&data[..cut], 5).is_err(), "cut at {cut}");
        }
        assert_eq!(decode::<i64>(&data, 4).unwrap_err().at, 12);
        assert_eq!(decode::<i32>(&data, 5).unwrap_err().at, 12);
        assert!(decode::<u16>(&data, 5).is_err());
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

    proptest! {
        #[test]
        fn what_is_packed_comes_back(values in prop::collection::vec(value(), 0..300)) {
            let data = encode(values.iter().map(|&v| i64::from(v)));
            prop_assert_eq!(decode::<i32>(&data, values.len()).unwrap(), values);
        }

        #[test]
        fn any_bytes_give_values_or_a_fault(data in prop::collection::vec(any::<u8>(), 0..200), pixels in 0..100usize) {
            if let Ok(values) = decode::<i32>(&data, pixels) {
                prop_assert_eq!(values.len(), pixels);
            }
        }
    }
}
