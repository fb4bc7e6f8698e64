//! Writes TIFF as a Pilatus detector does: 4 KiB of header, then one uncompressed little-endian strip.

use std::io::Write;

use crate::frame::{Counts, Frame, FrameError, header};

/// Where the data begin.
const DATA_OFFSET: u32 = 4096;
/// Entries of the directory.
const ENTRIES: u16 = 12;
/// Signature, directory and its end.
const TEXT_OFFSET: u32 = 8 + 2 + 12 * ENTRIES as u32 + 4;

/// Writes `frame` as a native Pilatus TIFF: signed 32 bit, for [`Counts::F32`] single precision; the header goes
/// into ImageDescription (its monitor has no place there).
///
/// # Errors
/// [`FrameError::NotWritable`] for counts above 2³¹ − 1, more than 4 GiB, or a header text that does not fit;
/// [`FrameError::Write`].
pub fn write_tiff(mut out: impl Write, frame: &Frame) -> Result<(), FrameError> {
    let refuse = |found: String, mend| FrameError::NotWritable { format: "TIFF", found, mend };
    let (sample_format, data) = data(frame)?;
    let size = |n: usize| u32::try_from(n).map_err(|_| refuse(format!("{n} bytes or pixels"), "write CBF"));
    let (rows, columns) = (size(frame.shape.rows)?, size(frame.shape.columns)?);
    let bytes = size(data.len() + DATA_OFFSET as usize)? - DATA_OFFSET;
    if frame.counts.len() != frame.shape.pixels() || data.is_empty() {
        let found = format!("{} counts for {} pixels", frame.counts.len(), frame.shape);
        return Err(refuse(found, "give one count for each pixel"));
    }

    let mut description = header::lines(&frame.header, "TIFF")?.into_bytes();
    description.push(0);
    let mut model = frame.header.detector.clone().unwrap_or_default().into_bytes();
    model.push(0);
    // Up to four bytes would have to stand inside the entry.
    for text in [&mut description, &mut model] {
        text.resize(text.len().max(5), 0);
    }
    let (description_bytes, model_bytes) = (size(description.len())?, size(model.len())?);
    if u64::from(TEXT_OFFSET) + u64::from(description_bytes) + u64::from(model_bytes) > u64::from(DATA_OFFSET)
    {
        return Err(refuse("header texts that exceed 4 KiB".to_owned(), "shorten the detector's name"));
    }

    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const ASCII: u16 = 2;
    let entries: [(u16, u16, u32, u32); ENTRIES as usize] = [
        (256, LONG, 1, columns),
        (257, LONG, 1, rows),
        (258, SHORT, 1, 32),
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 1),
        (270, ASCII, description_bytes, TEXT_OFFSET),
        (272, ASCII, model_bytes, TEXT_OFFSET + description_bytes),
        (273, LONG, 1, DATA_OFFSET),
        (277, SHORT, 1, 1),
        (278, LONG, 1, rows),
        (279, LONG, 1, bytes),
        (339, SHORT, 1, sample_format),
    ];
    let mut head = b"II*\0\x08\0\0\0".to_vec();
    head.extend(ENTRIES.to_le_bytes());
    for (tag, kind, count, value) in entries {
        head.extend(tag.to_le_bytes());
        head.extend(kind.to_le_bytes());
        head.extend(count.to_le_bytes());
        // A short value stands in the lower bytes: little-endian, so the same four bytes.
        head.extend(value.to_le_bytes());
    }
    head.extend(0u32.to_le_bytes());
    head.extend(description);
    head.extend(model);
    head.resize(DATA_OFFSET as usize, 0);
    out.write_all(&head)?;
    out.write_all(&data)?;
    out.flush()?;
    Ok(())
}

/// TIFF's SampleFormat and the pixels, 4 bytes each.
fn data(frame: &Frame) -> Result<(u32, Vec<u8>), FrameError> {
    const SIGNED: u32 = 2;
    const FLOAT: u32 = 3;
    Ok(match &frame.counts {
        Counts::I32(values) => (SIGNED, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Counts::U16(values) => (SIGNED, values.iter().flat_map(|v| i32::from(*v).to_le_bytes()).collect()),
        Counts::I16(values) => (SIGNED, values.iter().flat_map(|v| i32::from(*v).to_le_bytes()).collect()),
        Counts::F32(values) => (FLOAT, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Counts::U32(values) => {
            let mut data = Vec::with_capacity(values.len().saturating_mul(4));
            for &value in values {
                let value = i32::try_from(value).map_err(|_| FrameError::NotWritable {
                    format: "TIFF",
                    found: format!("a count of {value}"),
                    mend: "counts must be below 2147483648; write CBF",
                })?;
                data.extend(value.to_le_bytes());
            }
            (SIGNED, data)
        }
    })
}
