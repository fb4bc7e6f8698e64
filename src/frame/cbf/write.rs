//! Writes mini-CBF as a Pilatus detector does.

use std::io::Write;

use super::{Element, MARKER, SECTION, base64, byte_offset, digests};
use crate::frame::{Counts, Frame, FrameError, header};

/// Bytes after the data, as the detector writes them.
const PADDING: usize = 4095;

/// Writes `frame` as a mini-CBF, packed by byte offset, with its MD5, in the number type of its counts; the header
/// goes into `_array_data.header_contents`.
///
/// # Errors
/// [`FrameError::NotWritable`] for floating-point counts or a header text of several lines; [`FrameError::Write`].
pub fn write_cbf(mut out: impl Write, frame: &Frame) -> Result<(), FrameError> {
    let refuse = |found: String, mend| FrameError::NotWritable { format: "CBF", found, mend };
    if frame.counts.len() != frame.shape.pixels() || frame.counts.is_empty() {
        let found = format!("{} counts for {} pixels", frame.counts.len(), frame.shape);
        return Err(refuse(found, "give one count for each pixel"));
    }
    let (element, data) = match &frame.counts {
        Counts::U16(values) => (Element::U16, byte_offset::encode(values.iter().map(|&v| i64::from(v)))),
        Counts::I16(values) => (Element::I16, byte_offset::encode(values.iter().map(|&v| i64::from(v)))),
        Counts::U32(values) => (Element::U32, byte_offset::encode(values.iter().map(|&v| i64::from(v)))),
        Counts::I32(values) => (Element::I32, byte_offset::encode(values.iter().map(|&v| i64::from(v)))),
        Counts::F32(_) => {
            return Err(refuse(
                "floating-point counts".to_owned(),
                "byte offset packs whole counts; write TIFF",
            ));
        }
    };
    let lines = header::lines(&frame.header, "CBF")?;
    let Frame { shape, .. } = frame;
    write!(
        out,
        "###CBF: VERSION 1.5, halor\r\n\r\ndata_image\r\n\r\n\
         _array_data.header_convention \"PILATUS_1.2\"\r\n_array_data.header_contents\r\n;\r\n{lines};\r\n\r\n\
         _array_data.data\r\n;\r\n"
    )?;
    out.write_all(SECTION)?;
    write!(
        out,
        "\r\nContent-Type: application/octet-stream;\r\n     conversions=\"x-CBF_BYTE_OFFSET\"\r\n\
         Content-Transfer-Encoding: BINARY\r\nX-Binary-Size: {}\r\nX-Binary-ID: 1\r\n\
         X-Binary-Element-Type: \"{}\"\r\nX-Binary-Element-Byte-Order: LITTLE_ENDIAN\r\nContent-MD5: {}\r\n\
         X-Binary-Number-of-Elements: {}\r\nX-Binary-Size-Fastest-Dimension: {}\r\n\
         X-Binary-Size-Second-Dimension: {}\r\nX-Binary-Size-Padding: {PADDING}\r\n\r\n",
        data.len(),
        element.name(),
        base64(&digests(&[&data])[0]),
        shape.pixels(),
        shape.columns,
        shape.rows,
    )?;
    out.write_all(&MARKER)?;
    out.write_all(&data)?;
    out.write_all(&[0; PADDING])?;
    out.write_all(b"\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n")?;
    out.flush()?;
    Ok(())
}
