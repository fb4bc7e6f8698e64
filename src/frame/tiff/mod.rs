//! TIFF: native Pilatus files, areaDetector files, masks and flat fields of other programs.
//!
//! Uncompressed strips are read here, straight from the file's bytes; tiles and compressed images go through the
//! crate `tiff`.

mod directory;
mod packed;
mod write;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::format::Images;
use super::samples::{self, ByteOrder, SampleType};
use super::source::{Source, find};
use super::{Frame, FrameError, FrameHeader, Shape, header};
use directory::Directory;
pub use write::{TiffWriter, write_tiff};

/// Tags, TIFF 6.0 section 8.
mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const LENGTH: u16 = 257;
    pub(super) const BITS_PER_SAMPLE: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const DESCRIPTION: u16 = 270;
    pub(super) const MODEL: u16 = 272;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_BYTES: u16 = 279;
    pub(super) const DATE_TIME: u16 = 306;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
}

/// How the pixels are laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    /// Uncompressed, in bands of whole rows.
    Strips,
    /// Uncompressed tiles.
    Tiles,
    /// LZW, deflate or PackBits, in strips or tiles.
    Compressed,
}

/// What the tags say of one image.
#[derive(Debug, Clone, Copy)]
struct Layout {
    shape: Shape,
    kind: SampleType,
    order: ByteOrder,
    storage: Storage,
    /// Pixels × bytes of a pixel.
    bytes: u64,
    /// 0 = white, which the crate would invert.
    white_is_zero: bool,
}

/// Image `image` of the file.
pub(super) fn decode(source: &Source<'_>, image: usize) -> Result<Frame, FrameError> {
    let directory = directory::directory(source, image)?;
    let layout = layout(source, &directory)?;
    let counts = match layout.storage {
        Storage::Strips => {
            samples::counts(source, &strips(source, &directory, &layout)?, layout.kind, layout.order)?
        }
        Storage::Tiles | Storage::Compressed => packed::counts(source, image, &layout)?,
    };
    Ok(Frame { shape: layout.shape, counts, header: frame_header(source, &directory)? })
}

/// Shape of image `image`, from the tags alone.
pub(super) fn shape(source: &Source<'_>, image: usize) -> Result<Shape, FrameError> {
    Ok(layout(source, &directory::directory(source, image)?)?.shape)
}

/// The images, by their directories.
pub(super) fn images(source: &Source<'_>) -> Result<Images, FrameError> {
    directory::images(source)
}

fn layout(source: &Source<'_>, directory: &Directory<'_>) -> Result<Layout, FrameError> {
    let columns = directory.required(tag::WIDTH, "ImageWidth")?;
    let rows = directory.required(tag::LENGTH, "ImageLength")?;
    let samples = directory.number(tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    // 0 and 1 are grey; without the tag one sample per pixel is taken as grey.
    let photometric = directory.number(tag::PHOTOMETRIC)?.unwrap_or(1);
    if samples != 1 || photometric > 1 {
        return Err(source.unsupported(
            format!("a colour image ({samples} samples per pixel, photometric interpretation {photometric})"),
            "save the frame or mask as greyscale",
        ));
    }
    let kind = sample_type(source, directory)?;
    let (shape, bytes) = source.shape(directory.at(tag::WIDTH), rows, columns, kind.bytes())?;
    let compressed = match directory.number(tag::COMPRESSION)?.unwrap_or(1) {
        1 => false,
        // LZW, deflate (two codes), PackBits.
        5 | 8 | 32946 | 32773 => true,
        other => {
            return Err(source.unsupported(
                format!("TIFF compression {other}"),
                "save it uncompressed or with LZW, deflate or PackBits",
            ));
        }
    };
    let storage = match (compressed, directory.number(tag::TILE_WIDTH)?) {
        (true, _) => Storage::Compressed,
        (false, Some(_)) => Storage::Tiles,
        (false, None) => Storage::Strips,
    };
    Ok(Layout { shape, kind, order: directory.order(), storage, bytes, white_is_zero: photometric == 0 })
}

fn sample_type(source: &Source<'_>, directory: &Directory<'_>) -> Result<SampleType, FrameError> {
    let bits = directory.number(tag::BITS_PER_SAMPLE)?.unwrap_or(1);
    // 1 unsigned, 2 two's complement, 3 IEEE floating point.
    let format = directory.number(tag::SAMPLE_FORMAT)?.unwrap_or(1);
    Ok(match (format, bits) {
        (1, 8) => SampleType::U8,
        (2, 8) => SampleType::I8,
        (1, 16) => SampleType::U16,
        (2, 16) => SampleType::I16,
        (1, 32) => SampleType::U32,
        (2, 32) => SampleType::I32,
        (3, 32) => SampleType::F32,
        (1, 64) => SampleType::U64,
        (2, 64) => SampleType::I64,
        (3, 64) => SampleType::F64,
        (format, bits) => {
            return Err(source.unsupported(
                format!("TIFF samples of {bits} bits in sample format {format}"),
                "save it with 8, 16, 32 or 64 bits, unsigned (1), signed (2) or floating point (3, 32 or 64 bits)",
            ));
        }
    })
}

/// The bytes of all rows in order: a view of the file where the strips follow one another.
fn strips<'a>(
    source: &Source<'a>,
    directory: &Directory<'_>,
    layout: &Layout,
) -> Result<Cow<'a, [u8]>, FrameError> {
    let offsets = directory.numbers(tag::STRIP_OFFSETS)?.unwrap_or_default();
    let rows = layout.shape.rows as u64;
    let rows_per_strip = directory.number(tag::ROWS_PER_STRIP)?.unwrap_or(rows).min(rows);
    if rows_per_strip == 0 || offsets.len() as u64 != rows.div_ceil(rows_per_strip) {
        let found = format!("{} strips of {rows_per_strip} rows for {rows} rows", offsets.len());
        return Err(source.malformed(directory.at(tag::STRIP_OFFSETS), found, "strips that tile the image"));
    }
    let row_bytes = layout.bytes / rows;
    let needed = |strip: usize| rows_per_strip.min(rows - strip as u64 * rows_per_strip) * row_bytes;
    if let Some(lengths) = directory.numbers(tag::STRIP_BYTES)? {
        let short = lengths.iter().enumerate().find(|&(i, &length)| i < offsets.len() && length < needed(i));
        if let Some((strip, length)) = short {
            let found = format!("strip {strip} of {length} bytes");
            let expected = format!("{} bytes", needed(strip));
            return Err(source.malformed(directory.at(tag::STRIP_BYTES), found, expected));
        }
    }
    let contiguous =
        offsets.windows(2).all(|pair| pair[0].checked_add(rows_per_strip * row_bytes) == Some(pair[1]));
    if contiguous {
        return Ok(Cow::Borrowed(source.slice(offsets[0], layout.bytes, "image data")?));
    }
    // Strips may overlap in a file made to deceive; together they are never more than the file.
    source.slice(0, layout.bytes, "image data in strips")?;
    let mut joined = Vec::with_capacity(layout.bytes as usize);
    for (strip, &offset) in offsets.iter().enumerate() {
        joined.extend_from_slice(source.slice(offset, needed(strip), "image strip")?);
    }
    Ok(Cow::Owned(joined))
}

/// The `#` lines of ImageDescription or of the padding before the data, with Model and DateTime.
fn frame_header(source: &Source<'_>, directory: &Directory<'_>) -> Result<FrameHeader, FrameError> {
    let text = match directory.text(tag::DESCRIPTION)? {
        Some(text) if text.contains(&b'#') => text,
        Some(_) | None => padding_text(source),
    };
    let mut header = header::parse(text);
    let known = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).trim().to_owned();
        (!text.is_empty() && text != "Unknown").then_some(text)
    };
    if header.detector.is_none() {
        header.detector = directory.text(tag::MODEL)?.and_then(known);
    }
    if header.timestamp.is_none() {
        header.timestamp = directory.text(tag::DATE_TIME)?.and_then(known);
    }
    Ok(header)
}

/// The text in the first 4096 bytes of a native file, which stand before its data.
fn padding_text<'a>(source: &Source<'a>) -> &'a [u8] {
    let head = &source.bytes[..source.bytes.len().min(4096)];
    let start = find(head, b"# Pixel_size").or_else(|| find(head, b"# Exposure_time"));
    start.and_then(|at| head[at..].split(|&byte| byte == 0).next()).unwrap_or_default()
}
