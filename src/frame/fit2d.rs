//! Fit2D masks (.msk): one bit per pixel.

use super::source::Source;
use super::{Counts, Frame, FrameError, FrameHeader, Shape};

/// First bytes of the file: M, A, S, K, each in a 32-bit word.
pub(super) const MAGIC: &[u8] = b"M\0\0\0A\0\0\0S\0\0\0K\0\0\0";
/// The bits follow.
const HEADER_BYTES: u64 = 1024;

/// The mask as an image of 0 and 1 (masked). Rows are padded to 32-bit words, the lowest bit comes first.
pub(super) fn decode(source: &Source<'_>) -> Result<Frame, FrameError> {
    let shape = shape(source)?;
    let row_bytes = 4 * shape.columns.div_ceil(32);
    let bits = source.slice(HEADER_BYTES, (row_bytes * shape.rows) as u64, "bits of the Fit2D mask")?;
    let row =
        |row: &[u8]| (0..shape.columns).map(|c| u16::from((row[c / 8] >> (c % 8)) & 1)).collect::<Vec<_>>();
    let counts = bits.chunks_exact(row_bytes).flat_map(row).collect();
    Ok(Frame { shape, counts: Counts::U16(counts), header: FrameHeader::default() })
}

/// Shape from the header: columns at byte 16, rows at byte 20.
pub(super) fn shape(source: &Source<'_>) -> Result<Shape, FrameError> {
    let columns = i32::from_le_bytes(source.array(16, "columns of the Fit2D mask")?);
    let rows = i32::from_le_bytes(source.array(20, "rows of the Fit2D mask")?);
    // A negative number counts as zero, which is refused.
    let (rows, columns) = (u64::try_from(rows).unwrap_or(0), u64::try_from(columns).unwrap_or(0));
    Ok(source.shape(16, rows, columns, 1)?.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn mask(columns: i32, rows: i32, bits: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(columns.to_le_bytes());
        bytes.extend(rows.to_le_bytes());
        bytes.resize(HEADER_BYTES as usize, 0);
        bytes.extend(bits);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
        decode(&Source::new(Path::new("x.msk"), bytes))
    }

    #[test]
    fn lowest_bit_is_the_first_column() {
        // 34 columns take two words; the padding bits are set and must not matter.
        let bytes =
            mask(34, 2, &[1, 0x80, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0x80, 0xfd, 0xff, 0xff, 0xff]);
        let frame = read(&bytes).unwrap();
        let nonzero = frame.counts.nonzero();
        let set: Vec<usize> = (0..68).filter(|&i| nonzero[i]).collect();
        assert_eq!(set, [0, 15, 33, 34 + 31, 34 + 32]);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (columns, rows) in [(0, 1), (-5, 3), (i32::MAX, i32::MAX), (i32::MIN, 1), (1000, 1000)] {
            assert!(read(&mask(columns, rows, &[0; 64])).is_err(), "{columns} × {rows}");
        }
    }
}
