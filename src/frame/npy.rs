//! NPY: one array of numpy (NEP 1 and its versions 2 and 3), for masks and flat fields.

use super::buffer::Pixels;
use super::samples::{self, ByteOrder, SampleType};
use super::source::{Source, find, printable};
use super::{Counts, Frame, FrameError, FrameHeader, Shape};

/// First bytes of the file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// How the array lies in the file.
struct Layout {
    shape: Shape,
    kind: SampleType,
    order: ByteOrder,
    /// Columns first.
    fortran: bool,
    data_at: u64,
    bytes: u64,
}

/// The array, which must have two axes (more if the first ones have length 1).
pub(super) fn decode(source: &Source<'_>) -> Result<Frame, FrameError> {
    let Layout { shape, kind, order, fortran, data_at, bytes } = layout(source)?;
    let data = source.slice(data_at, bytes, "NPY data")?;
    let mut counts = samples::counts(source, data, kind, order)?;
    if fortran {
        counts = match counts {
            Counts::U16(values) => Counts::U16(transposed(&values, shape)),
            Counts::I16(values) => Counts::I16(transposed(&values, shape)),
            Counts::U32(values) => Counts::U32(transposed(&values, shape)),
            Counts::I32(values) => Counts::I32(transposed(&values, shape)),
            Counts::F32(values) => Counts::F32(transposed(&values, shape)),
        };
    }
    Ok(Frame { shape, counts, header: FrameHeader::default() })
}

/// Shape from the header alone.
pub(super) fn shape(source: &Source<'_>) -> Result<Shape, FrameError> {
    Ok(layout(source)?.shape)
}

/// Column order to row order.
fn transposed<T: Copy>(values: &[T], shape: Shape) -> Pixels<T> {
    (0..shape.pixels()).map(|i| values[(i % shape.columns) * shape.rows + i / shape.columns]).collect()
}

fn layout(source: &Source<'_>) -> Result<Layout, FrameError> {
    let [major, _minor] = source.array(6, "NPY version")?;
    let (text_at, text_bytes) = match major {
        1 => (10, u64::from(u16::from_le_bytes(source.array(8, "NPY header length")?))),
        2 | 3 => (12, u64::from(u32::from_le_bytes(source.array(8, "NPY header length")?))),
        other => {
            return Err(source.unsupported(format!("NPY version {other}"), "save it with numpy.save"));
        }
    };
    let text = source.slice(text_at, text_bytes, "NPY header")?;
    let malformed = |expected: &str| source.malformed(text_at, printable(text), expected);

    let descr = value(text, b"'descr':").ok_or_else(|| malformed("`'descr':` of an NPY header"))?;
    let descr = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let (descr, _) = descr
        .ok_or_else(|| source.unsupported("a structured NPY array", "save a plain two-dimensional array"))?;
    let fortran = value(text, b"'fortran_order':").ok_or_else(|| malformed("`'fortran_order':`"))?;
    let fortran = match fortran {
        text if text.starts_with("True") => true,
        text if text.starts_with("False") => false,
        _ => return Err(malformed("True or False after `'fortran_order':`")),
    };
    let axes = value(text, b"'shape':").and_then(|text| text.strip_prefix('(')?.split_once(')'));
    let axes = axes.ok_or_else(|| malformed("`'shape': (rows, columns)`"))?.0;
    let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty()).map(str::parse::<u64>);
    let axes: Vec<u64> =
        axes.collect::<Result<_, _>>().map_err(|_| malformed("whole numbers in the shape"))?;
    let (rows, columns) = match axes[..] {
        [ref ones @ .., rows, columns] if ones.iter().all(|&one| one == 1) => (rows, columns),
        _ => {
            return Err(source.unsupported(
                format!("an NPY array of {} axes, lengths {axes:?}", axes.len()),
                "save a two-dimensional array (rows, columns)",
            ));
        }
    };
    let (kind, order) = sample_type(descr).ok_or_else(|| {
        source.unsupported(format!("NPY numbers of type `{descr}`"), "save real numbers or booleans")
    })?;
    let (shape, bytes) = source.shape(text_at, rows, columns, kind.bytes())?;
    Ok(Layout { shape, kind, order, fortran, data_at: text_at + text_bytes, bytes })
}

/// What follows `key` in the header's dictionary.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a str> {
    let rest = &text[find(text, key)? + key.len()..];
    std::str::from_utf8(rest).ok().map(str::trim_start)
}

/// A type string of numpy: byte order, kind, bytes.
fn sample_type(descr: &str) -> Option<(SampleType, ByteOrder)> {
    let order = match descr.as_bytes().first()? {
        b'>' => ByteOrder::Big,
        b'<' | b'|' => ByteOrder::Little,
        _ => return None,
    };
    let kind = match &descr[1..] {
        "b1" | "u1" => SampleType::U8,
        "i1" => SampleType::I8,
        "u2" => SampleType::U16,
        "i2" => SampleType::I16,
        "u4" => SampleType::U32,
        "i4" => SampleType::I32,
        "u8" => SampleType::U64,
        "i8" => SampleType::I64,
        "f4" => SampleType::F32,
        "f8" => SampleType::F64,
        _ => return None,
    };
    Some((kind, order))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
        decode(&Source::new(Path::new("x.npy"), bytes))
    }

    #[test]
    fn row_and_column_order_give_one_array() {
        let rows = npy(
            "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }\n",
            &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6],
        );
        let columns = npy(
            "{'descr': '>i2', 'fortran_order': True, 'shape': (1, 2, 3), }\n",
            &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6],
        );
        let frame = read(&rows).unwrap();
        assert_eq!(frame.shape, Shape { rows: 2, columns: 3 });
        assert_eq!(frame.counts, Counts::I16(vec![1, 2, 3, 4, 5, 6].into()));
        assert_eq!(read(&columns).unwrap(), frame);
        for cut in 0..rows.len() {
            assert!(read(&rows[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn bad_headers_are_errors() {
        for header in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
            "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': 'é', 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': '<f4', 'shape': (1, 2)}",
            "{'descr': '<f4', 'fortran_order': 1, 'shape': (1, 2)}",
            "",
        ] {
            assert!(read(&npy(header, &[0; 64])).is_err(), "{header}");
        }
    }
}
