//! PNG in greyscale, for masks that were drawn or exported.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::source::{MAX_IMAGE_BYTES, Source, find};
use super::{Counts, Frame, FrameError, FrameHeader, Shape};

/// First bytes of the file.
pub(super) const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Deflate packs at most 1032 : 1; a pixel may have one bit and become a byte.
const MAX_GROWTH: u64 = 8 * 1032;

/// The image; fewer than 8 bits are spread over 0 … 255.
pub(super) fn decode(source: &Source<'_>) -> Result<Frame, FrameError> {
    let shape = shape(source)?;
    source.check_growth(shape.pixels() as u64, MAX_GROWTH)?;
    // Its end is looked for because the decoder does without it.
    if find(&source.bytes[source.bytes.len().saturating_sub(64)..], b"IEND\xae\x42\x60\x82").is_none() {
        return Err(source.malformed(source.len(), "the end of the file", "the last chunk of a PNG (IEND)"));
    }
    let mut reader = ImageReader::with_format(Cursor::new(source.bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_IMAGE_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| {
        source.malformed(0, format!("a PNG that does not decode ({error})"), "a readable image")
    })?;
    let counts = if let Some(image) = image.as_luma8() {
        image.iter().map(|&value| u16::from(value)).collect()
    } else if let Some(image) = image.as_luma16() {
        image.to_vec()
    } else {
        let found = format!("a PNG of colour type {:?}", image.color());
        return Err(source.unsupported(found, "save it as greyscale without transparency"));
    };
    Ok(Frame { shape, counts: Counts::U16(counts.into()), header: FrameHeader::default() })
}

/// Shape from the first chunk.
pub(super) fn shape(source: &Source<'_>) -> Result<Shape, FrameError> {
    let columns = u32::from_be_bytes(source.array(16, "PNG width")?);
    let rows = u32::from_be_bytes(source.array(20, "PNG height")?);
    Ok(source.shape(16, u64::from(rows), u64::from(columns), 2)?.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::DynamicImage;

    use super::*;

    fn png(image: DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
        decode(&Source::new(Path::new("x.png"), bytes))
    }

    #[test]
    fn grey_is_read_and_colour_refused() {
        let bytes = png(image::GrayImage::from_raw(3, 2, vec![0, 1, 255, 0, 7, 0]).unwrap().into());
        let frame = read(&bytes).unwrap();
        assert_eq!(frame.shape, Shape { rows: 2, columns: 3 });
        assert_eq!(frame.counts, Counts::U16(vec![0, 1, 255, 0, 7, 0].into()));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let colour = png(image::RgbImage::new(2, 2).into());
        assert!(matches!(read(&colour), Err(FrameError::Unsupported { .. })));
    }

    #[test]
    fn a_size_that_the_file_cannot_hold_is_refused() {
        let mut bytes = png(image::GrayImage::new(3, 2).into());
        bytes[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
        assert!(matches!(read(&bytes), Err(FrameError::TooLarge { .. })));
    }
}
