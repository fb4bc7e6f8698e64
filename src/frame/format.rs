//! The format of a file, told by its contents, and the reader of each.

use super::source::{Source, printable};
use super::{Frame, FrameError, Shape, cbf, edf, fit2d, gzip, hdf5, npy, png, tiff};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Frames that are read from bytes in memory.
    Plain(Plain),
    /// One of these, packed.
    Gzip,
    /// Read where it lies.
    Hdf5,
}

/// Formats that are read from bytes in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Tiff,
    Cbf,
    Edf,
    Npy,
    Fit2d,
    Png,
}

/// One of its images.
pub(super) fn decode_source(source: &Source<'_>, image: usize) -> Result<Frame, FrameError> {
    with_format(source, |source, format| match format {
        Plain::Tiff => tiff::decode(source, image),
        Plain::Edf => edf::decode(source, image),
        Plain::Cbf => single(source, image).and_then(|()| cbf::decode(source)),
        Plain::Npy => single(source, image).and_then(|()| npy::decode(source)),
        Plain::Fit2d => single(source, image).and_then(|()| fit2d::decode(source)),
        Plain::Png => single(source, image).and_then(|()| png::decode(source)),
    })
}

/// The images of a file, up to its end or to where it is damaged.
pub(super) struct Images {
    /// How many there are so far.
    pub(super) reached: usize,
    /// What is wrong after them.
    pub(super) damage: Option<FrameError>,
}

impl Images {
    /// Asks for image after image: `Ok(true)` where there is one, `Ok(false)` at the end.
    pub(super) fn count(mut next: impl FnMut() -> Result<bool, FrameError>) -> Images {
        let mut reached = 0;
        loop {
            match next() {
                Ok(true) => reached += 1,
                Ok(false) => return Images { reached, damage: None },
                Err(error) => return Images { reached, damage: Some(error) },
            }
        }
    }
}

/// Asks for the images of a file.
pub(super) fn images(source: &Source<'_>, format: Plain) -> Result<Images, FrameError> {
    match format {
        Plain::Tiff => tiff::images(source),
        Plain::Edf => Ok(edf::images(source)),
        Plain::Cbf | Plain::Npy | Plain::Fit2d | Plain::Png => Ok(Images { reached: 1, damage: None }),
    }
}

/// Shape of the first image.
pub(super) fn shape(source: &Source<'_>, format: Plain) -> Result<Shape, FrameError> {
    match format {
        Plain::Tiff => tiff::shape(source, 0),
        Plain::Edf => edf::shape(source, 0),
        Plain::Cbf => cbf::shape(source),
        Plain::Npy => npy::shape(source),
        Plain::Fit2d => fit2d::shape(source),
        Plain::Png => png::shape(source),
    }
}

/// `then` with the unpacked contents and their format.
pub(super) fn with_format<T>(
    source: &Source<'_>,
    then: impl Fn(&Source<'_>, Plain) -> Result<T, FrameError>,
) -> Result<T, FrameError> {
    match format_of(source)? {
        Format::Plain(format) => then(source, format),
        Format::Gzip => {
            let bytes = gzip::unpack(source)?;
            let unpacked = Source::new(source.path, &bytes);
            match format_of(&unpacked)? {
                Format::Plain(format) => then(&unpacked, format),
                Format::Gzip => Err(source.unsupported("gzip inside gzip", "unpack it once")),
                Format::Hdf5 => Err(source.unsupported("HDF5 inside gzip", "unpack it")),
            }
        }
        Format::Hdf5 => Err(source.unsupported("HDF5 in memory", "read it by its path")),
    }
}

/// The format that the first bytes begin.
pub(super) fn format_of(source: &Source<'_>) -> Result<Format, FrameError> {
    let bytes = source.bytes;
    if bytes.is_empty() {
        return Err(FrameError::Empty { path: source.path.to_path_buf() });
    }
    let formats: [(&[u8], Format); 10] = [
        (b"II*\0", Format::Plain(Plain::Tiff)),
        (b"MM\0*", Format::Plain(Plain::Tiff)),
        (b"II+\0", Format::Plain(Plain::Tiff)),
        (b"MM\0+", Format::Plain(Plain::Tiff)),
        (cbf::MAGIC, Format::Plain(Plain::Cbf)),
        (npy::MAGIC, Format::Plain(Plain::Npy)),
        (fit2d::MAGIC, Format::Plain(Plain::Fit2d)),
        (png::MAGIC, Format::Plain(Plain::Png)),
        (&gzip::MAGIC, Format::Gzip),
        (hdf5::MAGIC, Format::Hdf5),
    ];
    if let Some((_, format)) = formats.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Ok(*format);
    }
    if bytes.starts_with(b"BZh") {
        return Err(source.unsupported("bzip2 is not read", "unpack it, or pack it with gzip"));
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"{") {
        return Ok(Format::Plain(Plain::Edf));
    }
    let tag = text[..text.len().min(9)].to_ascii_lowercase();
    if tag.starts_with(b"<!doctype") || tag.starts_with(b"<html") {
        let mend = "a download went wrong: log in and fetch the file again";
        return Err(source.unsupported("it is a web page (HTML)", mend));
    }
    Err(FrameError::Unrecognised { path: source.path.to_path_buf(), start: printable(bytes) })
}

/// Refuses every image but the first.
fn single(source: &Source<'_>, image: usize) -> Result<(), FrameError> {
    if image == 0 { Ok(()) } else { Err(source.no_such_image(image, 1)) }
}
