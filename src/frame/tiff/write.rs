//! Writes TIFF as a Pilatus detector does: 4 KiB of header, then one uncompressed little-endian strip; several images
//! in one file follow one another in this form.

use std::io::Write;

use crate::frame::{Counts, Frame, FrameError, Shape, header};

/// Little-endian, the first directory after it.
const SIGNATURE: &[u8] = b"II*\0\x08\0\0\0";
/// Where the data begin.
const DATA_OFFSET: u32 = 4096;
/// Entries of the directory.
const ENTRIES: u16 = 12;
/// Signature, directory and its end.
const TEXT_OFFSET: u32 = 8 + 2 + 12 * ENTRIES as u32 + 4;

/// Writes `frame` as a native Pilatus TIFF: signed 32 bit, for [`Counts::F32`] single precision; the header goes
/// into ImageDescription.
///
/// # Errors
/// [`FrameError::NotWritable`] for counts above 2³¹ − 1, more than 4 GiB, or a header text that does not fit;
/// [`FrameError::Write`].
pub fn write_tiff(out: impl Write, frame: &Frame) -> Result<(), FrameError> {
    TiffWriter::new(out, 1).image(frame)
}

/// A TIFF file of several images, written one after the other: nothing of it is held in memory.
#[derive(Debug)]
pub struct TiffWriter<W: Write> {
    out: W,
    /// Where the next image begins.
    at: u32,
    /// Images still to come.
    left: usize,
}

impl<W: Write> TiffWriter<W> {
    /// Begins a file of `count` images.
    pub fn new(out: W, count: usize) -> Self {
        Self { out, at: 0, left: count }
    }

    /// Bytes of a file of `count` images of `shape`; a TIFF file has at most 4 GiB.
    pub fn bytes(shape: Shape, count: u64) -> u64 {
        count.saturating_mul(u64::from(DATA_OFFSET) + 4 * shape.pixels() as u64)
    }

    /// Writes the next image, each as [`write_tiff`] does.
    ///
    /// # Errors
    /// As [`write_tiff`], and [`FrameError::NotWritable`] for more images than were announced.
    pub fn image(&mut self, frame: &Frame) -> Result<(), FrameError> {
        if self.left == 0 {
            let found = "an image more than the file was begun for".to_owned();
            return Err(FrameError::NotWritable { format: "TIFF", found, mend: "give their right number" });
        }
        self.left -= 1;
        self.at = write_image(&mut self.out, frame, self.at, self.left)?;
        Ok(())
    }
}

/// Writes an image that begins at byte `start` and that `left` more will follow; gives where the next one begins.
fn write_image(mut out: impl Write, frame: &Frame, start: u32, left: usize) -> Result<u32, FrameError> {
    let refuse = |found: String, mend| FrameError::NotWritable { format: "TIFF", found, mend };
    let (sample_format, data) = data(frame)?;
    let size = |n: usize| u32::try_from(n).map_err(|_| refuse(format!("{n} bytes or pixels"), "write CBF"));
    let (rows, columns) = (size(frame.shape.rows)?, size(frame.shape.columns)?);
    let end = size(start as usize + DATA_OFFSET as usize + data.len())?;
    let bytes = end - start - DATA_OFFSET;
    let next = if left > 0 { size(end as usize + SIGNATURE.len())? } else { 0 };
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
        (270, ASCII, description_bytes, start + TEXT_OFFSET),
        (272, ASCII, model_bytes, start + TEXT_OFFSET + description_bytes),
        (273, LONG, 1, start + DATA_OFFSET),
        (277, SHORT, 1, 1),
        (278, LONG, 1, rows),
        (279, LONG, 1, bytes),
        (339, SHORT, 1, sample_format),
    ];
    // Where a later image would have the signature, nothing points to.
    let mut head = SIGNATURE.to_vec();
    head.extend(ENTRIES.to_le_bytes());
    for (tag, kind, count, value) in entries {
        head.extend(tag.to_le_bytes());
        head.extend(kind.to_le_bytes());
        head.extend(count.to_le_bytes());
        // A short value stands in the lower bytes: little-endian, so the same four bytes.
        head.extend(value.to_le_bytes());
    }
    head.extend(next.to_le_bytes());
    head.extend(description);
    head.extend(model);
    head.resize(DATA_OFFSET as usize, 0);
    out.write_all(&head)?;
    out.write_all(&data)?;
    out.flush()?;
    Ok(end)
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
            for &value in values.iter() {
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
