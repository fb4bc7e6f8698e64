//! mini-CBF: Pilatus header lines, MIME-like fields, then byte-offset data (imgCIF dictionary 1.5).

mod byte_offset;
mod md5;
mod write;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use byte_offset::Packed;
use bytemuck::Pod;

use super::buffer::Pixels;
use super::source::{Source, find, printable};
use super::{Counts, Frame, FrameError, Shape, header};
pub(super) use md5::{Digest, digests};
pub use write::write_cbf;

/// The first bytes of a file.
pub(super) const MAGIC: &[u8] = b"###CBF";
/// Stands directly before the data.
const MARKER: [u8; 4] = [0x0c, 0x1a, 0x04, 0xd5];
/// Begins the fields that describe the data.
const SECTION: &[u8] = b"--CIF-BINARY-FORMAT-SECTION--";

/// The number type that the header declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    U16,
    I16,
    U32,
    I32,
}

impl Element {
    /// As it stands in X-Binary-Element-Type.
    fn name(self) -> &'static str {
        match self {
            Element::U16 => "unsigned 16-bit integer",
            Element::I16 => "signed 16-bit integer",
            Element::U32 => "unsigned 32-bit integer",
            Element::I32 => "signed 32-bit integer",
        }
    }
}

/// What the header says of the data.
#[derive(Debug)]
struct Layout<'a> {
    shape: Shape,
    element: Element,
    /// Where the data begin.
    data_at: u64,
    data_bytes: u64,
    md5: Option<&'a str>,
}

/// The image of the file.
pub(super) fn decode(source: &Source<'_>) -> Result<Frame, FrameError> {
    let layout = layout(source)?;
    let data = source.slice(layout.data_at, layout.data_bytes, "byte-offset data")?;
    if let Some(expected) = layout.md5 {
        let found = base64(&source.md5.unwrap_or_else(|| digests(&[data])[0]));
        if found != expected {
            let (path, expected) = (source.path.to_path_buf(), expected.to_owned());
            return Err(FrameError::Checksum { path, found, expected });
        }
    }
    let pixels = layout.shape.pixels();
    // A pixel takes at least one byte, so no more is allocated than a few times the file.
    if pixels as u64 > layout.data_bytes {
        let found = format!("{} bytes of data", layout.data_bytes);
        return Err(source.malformed(
            layout.data_at,
            found,
            format!("at least one for each of {pixels} pixels"),
        ));
    }
    let counts = match layout.element {
        Element::U16 => Counts::U16(unpacked(source, &layout, data)?),
        Element::I16 => Counts::I16(unpacked(source, &layout, data)?),
        Element::U32 => Counts::U32(unpacked(source, &layout, data)?),
        Element::I32 => Counts::I32(unpacked(source, &layout, data)?),
    };
    Ok(Frame { shape: layout.shape, counts, header: header::parse(&source.bytes[..layout.data_at as usize]) })
}

fn unpacked<T: Packed + Pod>(
    source: &Source<'_>,
    layout: &Layout<'_>,
    data: &[u8],
) -> Result<Pixels<T>, FrameError> {
    let pixels = layout.shape.pixels();
    let memory =
        |error| FrameError::Io { path: source.path.to_path_buf(), source: std::io::Error::other(error) };
    Pixels::filled(pixels, memory, |values| {
        byte_offset::decode(data, values).map_err(|fault| {
            let expected = format!("{pixels} pixels of type {}", layout.element.name());
            source.malformed(layout.data_at + fault.at as u64, fault.found, expected)
        })
    })
}

/// The data of a CBF whose header has a checksum of them.
pub(super) fn checked_data<'a>(source: &Source<'a>) -> Option<&'a [u8]> {
    if !source.bytes.starts_with(MAGIC) {
        return None;
    }
    let layout = layout(source).ok().filter(|layout| layout.md5.is_some())?;
    source.slice(layout.data_at, layout.data_bytes, "byte-offset data").ok()
}

/// Shape from the header alone.
pub(super) fn shape(source: &Source<'_>) -> Result<Shape, FrameError> {
    Ok(layout(source)?.shape)
}

fn layout<'a>(source: &Source<'a>) -> Result<Layout<'a>, FrameError> {
    let marker = find(source.bytes, &MARKER).ok_or_else(|| {
        source.malformed(source.len(), "no binary section", "the bytes 0C 1A 04 D5 before the data")
    })?;
    let head = &source.bytes[..marker];
    let section = find(head, SECTION).ok_or_else(|| {
        source.malformed(0, "no binary section", "the line --CIF-BINARY-FORMAT-SECTION-- before the data")
    })?;
    let fields = Fields { source: *source, at: section as u64, bytes: &head[section..] };

    if find(fields.bytes, b"x-CBF_BYTE_OFFSET").is_none() {
        return Err(source.unsupported(
            "a CBF that is not packed by byte offset (x-CBF_BYTE_OFFSET)",
            "convert it to a byte-offset CBF or to TIFF",
        ));
    }
    let kind = fields.text("X-Binary-Element-Type")?.unwrap_or_default().trim_matches('"');
    let element = [Element::U16, Element::I16, Element::U32, Element::I32]
        .into_iter()
        .find(|element| element.name() == kind)
        .ok_or_else(|| {
            source.unsupported(
                format!("CBF elements of type `{kind}`"),
                "write signed or unsigned 16-bit or 32-bit integers",
            )
        })?;
    let columns = fields.required("X-Binary-Size-Fastest-Dimension")?;
    let rows = fields.required("X-Binary-Size-Second-Dimension")?;
    if fields.number("X-Binary-Size-Third-Dimension")?.unwrap_or(1) > 1 {
        return Err(source.unsupported("a CBF of several images", "write one file for each image"));
    }
    let (shape, _) = source.shape(fields.at, rows, columns, 4)?;
    let elements = fields.number("X-Binary-Number-of-Elements")?.unwrap_or(shape.pixels() as u64);
    if elements != shape.pixels() as u64 {
        let found = format!("X-Binary-Number-of-Elements {elements}");
        return Err(source.malformed(fields.at, found, format!("{} for {shape} pixels", shape.pixels())));
    }
    Ok(Layout {
        shape,
        element,
        data_at: (marker + MARKER.len()) as u64,
        data_bytes: fields.required("X-Binary-Size")?,
        md5: fields.text("Content-MD5")?,
    })
}

/// The `name: value` lines of the binary section.
struct Fields<'a> {
    source: Source<'a>,
    at: u64,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> Result<Option<&'a str>, FrameError> {
        for line in self.bytes.split(|&byte| byte == b'\n') {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let (key, value) = line.split_at(colon);
            if key.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
                let value = value[1..].trim_ascii();
                let text = std::str::from_utf8(value)
                    .map_err(|_| self.source.malformed(self.at, printable(value), "text"))?;
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn number(&self, name: &str) -> Result<Option<u64>, FrameError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let malformed = |_| self.source.malformed(self.at, format!("{name}: {text}"), "a whole number");
        text.parse().map(Some).map_err(malformed)
    }

    fn required(&self, name: &str) -> Result<u64, FrameError> {
        self.number(name)?
            .ok_or_else(|| self.source.malformed(self.at, format!("no {name}"), "this line in the section"))
    }
}

/// A digest as Content-MD5 of RFC 1864 has it: in base64.
fn base64(digest: &Digest) -> String {
    STANDARD.encode(digest)
}
