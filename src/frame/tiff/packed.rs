//! Tiled and compressed images, by the crate `tiff`.

use std::io::Cursor;

use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::{Layout, Storage};
use crate::frame::samples::{narrow_f64, narrow_i64, narrow_u64};
use crate::frame::source::Source;
use crate::frame::{Counts, FrameError};

/// Neither LZW (about 1400), deflate (1032) nor PackBits (64) packs more tightly than this.
const MAX_GROWTH: u64 = 2000;

/// All pixels of image `image`.
pub(super) fn counts(source: &Source<'_>, image: usize, layout: &Layout) -> Result<Counts, FrameError> {
    if layout.white_is_zero {
        return Err(source.unsupported(
            "a tiled or compressed image in which zero is white",
            "save it uncompressed, or with photometric interpretation 1",
        ));
    }
    match layout.storage {
        Storage::Compressed => source.check_growth(layout.bytes, MAX_GROWTH)?,
        Storage::Strips | Storage::Tiles => {
            source.slice(0, layout.bytes, "image data in tiles")?;
        }
    }
    let found = decode(source.bytes, image, layout).map_err(|error| {
        let found = format!("compressed or tiled TIFF data do not decode ({error})");
        source.unsupported(found, "copy the file again; if that does not help, save it uncompressed")
    })?;
    let counts = match found {
        DecodingResult::U8(values) => Counts::U16(values.into_iter().map(u16::from).collect()),
        DecodingResult::I8(values) => Counts::I16(values.into_iter().map(i16::from).collect()),
        DecodingResult::U16(values) => Counts::U16(values.into()),
        DecodingResult::I16(values) => Counts::I16(values.into()),
        DecodingResult::U32(values) => Counts::U32(values.into()),
        DecodingResult::I32(values) => Counts::I32(values.into()),
        DecodingResult::U64(values) => narrow_u64(source, &values)?,
        DecodingResult::I64(values) => narrow_i64(source, &values)?,
        DecodingResult::F32(values) => Counts::F32(values.into()),
        DecodingResult::F64(values) => narrow_f64(source, &values)?,
        DecodingResult::F16(_) => {
            return Err(source.unsupported("half-precision samples", "save it in single precision"));
        }
    };
    if counts.len() != layout.shape.pixels() {
        let expected = format!("{} pixels", layout.shape.pixels());
        return Err(source.malformed(0, format!("{} pixels", counts.len()), expected));
    }
    Ok(counts)
}

fn decode(bytes: &[u8], image: usize, layout: &Layout) -> Result<DecodingResult, TiffError> {
    let mut limits = Limits::default();
    // Both fit: `Source::shape` limits them.
    limits.decoding_buffer_size = layout.bytes as usize;
    limits.intermediate_buffer_size = bytes.len().max(layout.bytes as usize);
    let mut decoder = Decoder::new(Cursor::new(bytes))?.with_limits(limits);
    decoder.seek_to_image(image)?;
    decoder.read_image()
}
