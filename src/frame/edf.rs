//! EDF, the ESRF data format: blocks of an ASCII header `{ key = value ; … }` and raw data.

use super::format::Images;
use super::samples::{self, ByteOrder, SampleType};
use super::source::{Source, find, printable};
use super::{Frame, FrameError, FrameHeader, Shape, header};

/// A header is no longer than this.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// One block with an image.
struct Block {
    /// Where its header begins.
    at: u64,
    /// `key = value` in the order of the file.
    keys: Vec<(String, String)>,
    data_at: u64,
}

/// What a block says of its image.
struct Layout {
    shape: Shape,
    kind: SampleType,
    order: ByteOrder,
    bytes: u64,
}

/// Image `image` of the file.
pub(super) fn decode(source: &Source<'_>, image: usize) -> Result<Frame, FrameError> {
    let block = image_block(source, image)?;
    let layout = block.layout(source)?;
    let data = source.slice(block.data_at, layout.bytes, "EDF data")?;
    let counts = samples::counts(source, data, layout.kind, layout.order)?;
    Ok(Frame { shape: layout.shape, counts, header: block.frame_header() })
}

/// Shape of image `image`.
pub(super) fn shape(source: &Source<'_>, image: usize) -> Result<Shape, FrameError> {
    Ok(image_block(source, image)?.layout(source)?.shape)
}

/// The images, each with its data.
pub(super) fn images(source: &Source<'_>) -> Images {
    let mut at = 0;
    Images::count(|| {
        let Some((block, end)) = next_image(source, at)? else { return Ok(false) };
        source.slice(block.data_at, end - block.data_at, "EDF data")?;
        at = end;
        Ok(true)
    })
}

fn image_block(source: &Source<'_>, image: usize) -> Result<Block, FrameError> {
    let mut at = 0;
    let mut count = 0;
    while let Some((block, end)) = next_image(source, at)? {
        if count == image {
            return Ok(block);
        }
        (at, count) = (end, count + 1);
    }
    Err(source.no_such_image(image, count))
}

/// The next block at or after `at` that holds an image, and where its data end. Blocks of general keys and of errors
/// are passed over.
fn next_image(source: &Source<'_>, mut at: u64) -> Result<Option<(Block, u64)>, FrameError> {
    loop {
        let rest = source.slice(at, source.len().saturating_sub(at), "EDF block")?;
        let Some(blank) = rest.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0) else {
            return Ok(None);
        };
        at += blank as u64;
        let block = read_block(source, at)?;
        let id = block.text(&["EDF_DataBlockID"]).unwrap_or_default().to_ascii_lowercase();
        let end = block.data_at.saturating_add(block.data_bytes(source)?);
        if !(id.ends_with(".general") || id.contains(".error")) {
            return Ok(Some((block, end)));
        }
        at = end;
    }
}

fn read_block(source: &Source<'_>, at: u64) -> Result<Block, FrameError> {
    let bytes = source.slice(at, source.len().saturating_sub(at), "EDF header")?;
    let bytes = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
    if bytes.first() != Some(&b'{') {
        return Err(source.malformed(at, printable(bytes), "`{` at the start of an EDF header"));
    }
    let close =
        [b"}\n".as_slice(), b"}\r\n"].into_iter().filter_map(|end| Some((find(bytes, end)?, end.len())));
    let Some((close, end_bytes)) = close.min() else {
        return Err(source.malformed(at, "an EDF header without end", "`}` and a line break"));
    };
    let text = String::from_utf8_lossy(&bytes[1..close]);
    let pair = |entry: &str| {
        let (key, value) = entry.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    let keys: Vec<_> = text.split(';').filter_map(pair).collect();
    let mut block = Block { at, keys, data_at: at + (close + end_bytes) as u64 };
    if let Some(size) = block.number(source, &["EDF_HeaderSize"])? {
        let data_at = at.saturating_add(size);
        if data_at < block.data_at {
            let expected = format!("at least {}", block.data_at - at);
            return Err(source.malformed(at, format!("EDF_HeaderSize = {size}"), expected));
        }
        block.data_at = data_at;
    }
    Ok(block)
}

impl Block {
    /// The value of the first of `names` that is there; upper and lower case are the same.
    fn text(&self, names: &[&str]) -> Option<&str> {
        let value = |name: &&str| self.keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        names.iter().find_map(value).map(|(_, value)| value.as_str())
    }

    fn number(&self, source: &Source<'_>, names: &[&str]) -> Result<Option<u64>, FrameError> {
        let Some(text) = self.text(names) else { return Ok(None) };
        let malformed = |_| source.malformed(self.at, format!("{} = {text}", names[0]), "a whole number");
        text.parse().map(Some).map_err(malformed)
    }

    /// A positive number; silence where it is none.
    fn quantity(&self, names: &[&str]) -> Option<f64> {
        header::positive(self.text(names)?.split_whitespace().next()?.parse().ok()?)
    }

    /// Bytes from the data of this block to the next one.
    fn data_bytes(&self, source: &Source<'_>) -> Result<u64, FrameError> {
        let stated = self.number(source, &["EDF_BinarySize", "Size"])?;
        if let (None, Some(bytes)) = (self.text(&["Dim_1"]), stated) {
            return Ok(bytes);
        }
        let needed = self.layout(source)?.bytes;
        match stated {
            Some(bytes) if bytes < needed => Err(source.malformed(
                self.at,
                format!("Size = {bytes}"),
                format!("{needed} for the dimensions"),
            )),
            Some(bytes) => Ok(bytes),
            None => Ok(needed),
        }
    }

    fn layout(&self, source: &Source<'_>) -> Result<Layout, FrameError> {
        let required = |name: &'static str| {
            self.number(source, &[name])?
                .ok_or_else(|| source.malformed(self.at, format!("no {name}"), "it in the EDF header"))
        };
        let columns = required("Dim_1")?;
        let rows = required("Dim_2")?;
        if self.number(source, &["Dim_3"])?.unwrap_or(1) != 1 {
            return Err(
                source.unsupported("an EDF block of three dimensions", "write one block for each image")
            );
        }
        let packing = self.text(&["Compression"]).unwrap_or_default().to_ascii_lowercase();
        if !matches!(packing.as_str(), "" | "none" | "no" | "nocompression") {
            return Err(source.unsupported(format!("EDF compression `{packing}`"), "write it uncompressed"));
        }
        let kind = self.text(&["DataType"]).unwrap_or_default();
        let kind = data_type(kind).ok_or_else(|| {
            source.malformed(self.at, format!("DataType = {kind}"), "an EDF type such as SignedInteger")
        })?;
        let order = self.text(&["ByteOrder"]).unwrap_or_default();
        let order = match order.to_ascii_lowercase().as_str() {
            "lowbytefirst" => ByteOrder::Little,
            "highbytefirst" => ByteOrder::Big,
            // One byte has no order.
            "" if kind.bytes() == 1 => ByteOrder::Little,
            _ => {
                let found = format!("ByteOrder = {order}");
                return Err(source.malformed(self.at, found, "LowByteFirst or HighByteFirst"));
            }
        };
        let (shape, bytes) = source.shape(self.at, rows, columns, kind.bytes())?;
        Ok(Layout { shape, kind, order, bytes })
    }

    /// Exposure, monitor, pixel size and date under the names that beamlines use.
    fn frame_header(&self) -> FrameHeader {
        let slow_and_fast = || Some([self.quantity(&["PSize_2"])?, self.quantity(&["PSize_1"])?]);
        FrameHeader {
            exposure_s: self.quantity(&["ExposureTime", "exposure_time", "count_time", "acq_expo_time"]),
            monitor: self.quantity(&["monitor", "mon"]).or_else(|| self.counter(&["monitor", "mon"])),
            pixel_m: slow_and_fast(),
            timestamp: self.text(&["Date"]).map(str::to_owned),
            ..FrameHeader::default()
        }
    }

    /// A counter of spec: `counter_mne` has the names, `counter_pos` the values in the same order.
    fn counter(&self, names: &[&str]) -> Option<f64> {
        let place = self.text(&["counter_mne"])?.split_whitespace().position(|name| names.contains(&name))?;
        header::positive(self.text(&["counter_pos"])?.split_whitespace().nth(place)?.parse().ok()?)
    }
}

/// The type names in use; `Long` is 32 bits wide here.
fn data_type(name: &str) -> Option<SampleType> {
    Some(match name.to_ascii_lowercase().as_str() {
        "signedbyte" | "signed8" => SampleType::I8,
        "unsignedbyte" | "unsigned8" => SampleType::U8,
        "signedshort" | "signed16" => SampleType::I16,
        "unsignedshort" | "unsigned16" | "unsignedshortinteger" => SampleType::U16,
        "signedinteger" | "signedlong" | "signed32" => SampleType::I32,
        "unsignedinteger" | "unsignedlong" | "unsigned32" => SampleType::U32,
        "signed64" => SampleType::I64,
        "unsigned64" => SampleType::U64,
        "float" | "floatvalue" | "floatieee32" | "float32" => SampleType::F32,
        "double" | "doublevalue" | "doubleieee64" | "floatieee64" => SampleType::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::frame::Counts;

    fn block(keys: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{{\n{keys}").into_bytes();
        bytes.resize((bytes.len() + 2).next_multiple_of(512) - 2, b' ');
        bytes.extend(b"}\n");
        bytes.extend(data);
        bytes
    }

    fn source(bytes: &[u8]) -> Source<'_> {
        Source::new(Path::new("x.edf"), bytes)
    }

    #[test]
    fn image_n_of_several_blocks() {
        let general = block("EDF_DataBlockID = 0.Image.General ;\nEDF_BinarySize = 4 ;\n", &[0; 4]);
        let keys = "ByteOrder = HighByteFirst ;\nDataType = SignedShort ;\nDim_1 = 3 ;\nDim_2 = 2 ;\n";
        let first = block(keys, &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0xff, 0xfe]);
        let more = "count_time = 2.5 ;\ncounter_mne = sec mon det ;\ncounter_pos = 1 4711 3 ;\n";
        let keys = "ByteOrder = LowByteFirst ;\nDataType = Double ;\nDim_1 = 1 ;\nDim_2 = 2 ;\nSize = 24 ;\n";
        let data: Vec<u8> = [1.5f64, -2.0, 9.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = [general, first, block(&format!("{keys}{more}"), &data), b"\n\n".to_vec()].concat();
        let source = source(&bytes);
        assert_eq!(images(&source).reached, 2);
        let frame = decode(&source, 0).unwrap();
        assert_eq!((frame.shape.rows, frame.shape.columns), (2, 3));
        assert_eq!(frame.counts, Counts::I16(vec![1, 2, 3, 4, 5, -2].into()));
        let frame = decode(&source, 1).unwrap();
        assert_eq!(frame.counts, Counts::F32(vec![1.5, -2.0].into()));
        assert_eq!((frame.header.exposure_s, frame.header.monitor), (Some(2.5), Some(4711.0)));
        assert!(matches!(decode(&source, 2), Err(FrameError::NoSuchImage { count: 2, .. })));
    }

    #[test]
    fn bad_headers_and_cut_data_are_errors() {
        let good = "ByteOrder = LowByteFirst ;\nDataType = Signed32 ;\nDim_1 = 2 ;\nDim_2 = 2 ;\n";
        let bytes = block(good, &[1; 16]);
        assert!(decode(&source(&bytes), 0).is_ok());
        for cut in 0..bytes.len() {
            assert!(decode(&source(&bytes[..cut]), 0).is_err(), "cut at {cut}");
        }
        for (old, new) in [
            ("Dim_1 = 2", "Dim_1 = 3"),
            ("Dim_1 = 2", "Dim_1 = 18446744073709551615"),
            ("Dim_2 = 2", "Dim_2 = 0"),
            ("Dim_2 = 2", "Dim_2 = -2"),
            ("Dim_2 = 2", "Dim_9 = 2"),
            ("Signed32", "QuadrupleValue"),
            ("LowByteFirst", "MiddleByteFirst"),
            ("Dim_1", "Size = 15 ;\nDim_1"),
            ("Dim_1", "Dim_3 = 2 ;\nDim_1"),
            ("Dim_1", "EDF_HeaderSize = 5 ;\nDim_1"),
            ("Dim_1", "EDF_HeaderSize = 18446744073709551615 ;\nDim_1"),
            ("Dim_1", "Compression = GzipCompression ;\nDim_1"),
        ] {
            assert!(decode(&source(&block(&good.replace(old, new), &[1; 16])), 0).is_err(), "{new}");
        }
    }
}
