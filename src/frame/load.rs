//! From a path to a frame: the file is read once, its format told by its contents.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::buffer::Buffer;
use super::source::{Source, printable};
use super::{Frame, FrameError, Shape, cbf, edf, fit2d, gzip, npy, png, tiff};

/// No file is larger than this.
const MAX_FILE_BYTES: u64 = 16 << 30;
/// What is read to tell a file's format, and to find its shape in most files.
const HEAD_BYTES: u64 = 64 << 10;

/// What is read at once: it is hashed while it is in the second-level cache.
const PIECE_BYTES: usize = 256 << 10;

/// Formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Tiff,
    Cbf,
    Edf,
    Npy,
    Fit2d,
    Png,
    Gzip,
}

/// The frame in a file's `bytes`; `path` is for messages only.
///
/// # Errors
/// As [`read`].
pub fn decode(bytes: &[u8], path: &Path, image: usize) -> Result<Frame, FrameError> {
    decode_source(&Source::new(path, bytes), image)
}

pub(super) fn decode_source(source: &Source<'_>, image: usize) -> Result<Frame, FrameError> {
    with_format(source, |source, format| match format {
        Format::Tiff => tiff::decode(source, image),
        Format::Edf => edf::decode(source, image),
        Format::Cbf => single(source, image).and_then(|()| cbf::decode(source)),
        Format::Npy => single(source, image).and_then(|()| npy::decode(source)),
        Format::Fit2d => single(source, image).and_then(|()| fit2d::decode(source)),
        Format::Png => single(source, image).and_then(|()| png::decode(source)),
        Format::Gzip => Err(source.unsupported("gzip inside gzip", "unpack it once")),
    })
}

/// Number of images in a file: directories of a TIFF, blocks of an EDF, else 1.
///
/// Where a file of several images is damaged, those before the damage count and one more, which says what is wrong when it
/// is read: no image is lost without a word.
///
/// # Errors
/// As [`read`], but the images are not decoded; none can be reached.
pub fn image_count(path: &Path) -> Result<usize, FrameError> {
    let of_head = with_head(path, |source, format| match images(source, format)? {
        Images { damage: Some(error), .. } => Err(error),
        Images { reached, damage: None } => Ok((format, reached)),
    });
    match of_head {
        // Where the head ends with an image of an EDF, nothing in it says whether another follows.
        Ok((Format::Edf, _)) | Err(FrameError::Truncated { .. } | FrameError::Malformed { .. }) => {}
        Ok((_, reached)) => return Ok(reached),
        Err(error) => return Err(error),
    }
    with_format(&Source::new(path, &read_file(path)?), |source, format| match images(source, format)? {
        Images { reached: 0, damage: Some(error) } => Err(error),
        Images { reached, damage: Some(_) } => Ok(reached + 1),
        Images { reached, damage: None } => Ok(reached),
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

fn images(source: &Source<'_>, format: Format) -> Result<Images, FrameError> {
    match format {
        Format::Tiff => tiff::images(source),
        Format::Edf => Ok(edf::images(source)),
        Format::Cbf | Format::Npy | Format::Fit2d | Format::Png => Ok(Images { reached: 1, damage: None }),
        Format::Gzip => Err(source.unsupported("gzip inside gzip", "unpack it once")),
    }
}

/// Shape of a file's first image, from the head of the file where that suffices. The data are not looked at.
///
/// # Errors
/// As [`read`], but the images are not decoded.
pub fn peek_shape(path: &Path) -> Result<Shape, FrameError> {
    with_head(path, |source, format| match format {
        Format::Tiff => tiff::shape(source, 0),
        Format::Edf => edf::shape(source, 0),
        Format::Cbf => cbf::shape(source),
        Format::Npy => npy::shape(source),
        Format::Fit2d => fit2d::shape(source),
        Format::Png => png::shape(source),
        Format::Gzip => Err(source.unsupported("gzip inside gzip", "unpack it once")),
    })
}

/// The first image of a file as numbers in row order, for flat fields: any frame format or NPY.
///
/// # Errors
/// As [`read`].
pub fn read_array(path: &Path) -> Result<(Shape, Vec<f32>), FrameError> {
    let frame = decode(&read_file(path)?, path, 0)?;
    Ok((frame.shape, frame.counts.to_f32()))
}

/// All bytes of a frame file.
pub(super) fn read_file(path: &Path) -> Result<Buffer, FrameError> {
    read_pieces(path, |_| ())
}

/// The same; `look` sees each piece while it is in the cache.
pub(super) fn read_pieces(path: &Path, mut look: impl FnMut(&[u8])) -> Result<Buffer, FrameError> {
    let (mut file, head, length) = open(path)?;
    let io = |source| FrameError::Io { path: path.to_path_buf(), source };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Buffer::new(length).map_err(|error| io(std::io::Error::other(error)))?;
    bytes[..head.len()].copy_from_slice(&head);
    look(&head);
    // A file that grows while it is read ends at the length that it had; one that shrinks, at its new one.
    let mut read = head.len();
    while read < length {
        let end = length.min(read + PIECE_BYTES);
        match file.read(&mut bytes[read..end]) {
            Ok(0) => break,
            Ok(more) => {
                look(&bytes[read..read + more]);
                read += more;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// The file, its first bytes, which begin a format that is read, and its length.
fn open(path: &Path) -> Result<(File, Vec<u8>, u64), FrameError> {
    let io = |source| FrameError::Io { path: path.to_path_buf(), source };
    // Looked at before it is opened: to open a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(FrameError::NotAFile { path: path.to_path_buf() });
    }
    let length = metadata.len();
    if length > MAX_FILE_BYTES {
        let path = path.to_path_buf();
        return Err(FrameError::TooLarge { path, what: "the file", bytes: length, limit: MAX_FILE_BYTES });
    }
    let mut file = File::open(path).map_err(io)?;
    let mut head = Vec::with_capacity(length.min(HEAD_BYTES) as usize);
    Read::by_ref(&mut file).take(length.min(HEAD_BYTES)).read_to_end(&mut head).map_err(io)?;
    format_of(&Source::new(path, &head))?;
    Ok((file, head, length))
}

/// `look` at the head of the file; if that is not enough, at all of it.
fn with_head<T>(
    path: &Path,
    look: impl Fn(&Source<'_>, Format) -> Result<T, FrameError>,
) -> Result<T, FrameError> {
    let (_, head, length) = open(path)?;
    let result = with_format(&Source::new(path, &head), &look);
    let cut = matches!(result, Err(FrameError::Truncated { .. } | FrameError::Malformed { .. }));
    if cut && length > head.len() as u64 {
        return with_format(&Source::new(path, &read_file(path)?), look);
    }
    result
}

/// `then` with the unpacked contents and their format.
fn with_format<T>(
    source: &Source<'_>,
    then: impl Fn(&Source<'_>, Format) -> Result<T, FrameError>,
) -> Result<T, FrameError> {
    match format_of(source)? {
        Format::Gzip => {
            let bytes = gzip::unpack(source)?;
            let unpacked = Source::new(source.path, &bytes);
            then(&unpacked, format_of(&unpacked)?)
        }
        format @ (Format::Tiff | Format::Cbf | Format::Edf | Format::Npy | Format::Fit2d | Format::Png) => {
            then(source, format)
        }
    }
}

/// The format that the first bytes begin.
fn format_of(source: &Source<'_>) -> Result<Format, FrameError> {
    let bytes = source.bytes;
    if bytes.is_empty() {
        return Err(FrameError::Empty { path: source.path.to_path_buf() });
    }
    let formats: [(&[u8], Format); 9] = [
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        (b"II+\0", Format::Tiff),
        (b"MM\0+", Format::Tiff),
        (cbf::MAGIC, Format::Cbf),
        (npy::MAGIC, Format::Npy),
        (fit2d::MAGIC, Format::Fit2d),
        (png::MAGIC, Format::Png),
        (&gzip::MAGIC, Format::Gzip),
    ];
    if let Some((_, format)) = formats.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Ok(*format);
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Err(source.unsupported("HDF5 is not read yet", "convert the frames to TIFF or CBF"));
    }
    if bytes.starts_with(b"BZh") {
        return Err(source.unsupported("bzip2 is not read", "unpack it, or pack it with gzip"));
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"{") {
        return Ok(Format::Edf);
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

#[cfg(test)]
mod tests {
    use ::tiff::encoder::{TiffEncoder, colortype};

    use super::*;
    use crate::frame::{FrameAddress, FrameFile, read};

    fn error(bytes: &[u8]) -> FrameError {
        decode(bytes, Path::new("frame_0001.tif"), 0).unwrap_err()
    }

    #[test]
    fn what_is_no_frame_says_so() {
        assert!(matches!(error(b""), FrameError::Empty { .. }));
        assert!(matches!(error(b"# Pixel_size 172e-6 m"), FrameError::Unrecognised { .. }));
        assert!(matches!(error(b"II"), FrameError::Unrecognised { .. }));
        assert!(error(b"\n<!DOCTYPE html><html>").to_string().contains("web page"));
        assert!(error(b"<HTML><body>").to_string().contains("web page"));
        assert!(error(b"\x89HDF\r\n\x1a\nrest").to_string().contains("HDF5 is not read yet"));
        assert!(error(b"BZh91AY").to_string().contains("bzip2"));
        assert!(matches!(error(b"{\"json\": true}"), FrameError::Malformed { .. }));
        for magic in
            [b"II*\0".as_slice(), b"MM\0+", b"###CBF", npy::MAGIC, fit2d::MAGIC, png::MAGIC, &gzip::MAGIC]
        {
            let error = error(magic);
            let text = error.to_string();
            assert!(text.starts_with("frame_0001.tif: "), "{text}");
            assert!(matches!(error, FrameError::Truncated { .. } | FrameError::Malformed { .. }), "{text}");
        }
    }

    #[test]
    fn an_image_that_ends_with_the_head_is_not_the_last() {
        let header =
            "{\nByteOrder = LowByteFirst ;\nDataType = UnsignedByte ;\nDim_1 = 256 ;\nDim_2 = 254 ;\n";
        let mut image = header.as_bytes().to_vec();
        image.resize(510, b' ');
        image.extend(b"}\n");
        image.resize(HEAD_BYTES as usize, 7);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.edf");
        std::fs::write(&path, [image.clone(), image].concat()).unwrap();
        assert_eq!(image_count(&path).unwrap(), 2);
    }

    #[test]
    fn a_stack_that_is_cut_keeps_its_good_images_and_says_so() {
        let mut pages = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut pages).unwrap();
        for page in 0..5 {
            encoder.write_image::<colortype::Gray16>(300, 200, &[page; 60_000]).unwrap();
        }
        let whole = pages.into_inner();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.tif");
        // Inside the data of the fourth image, whose directory stands after them.
        std::fs::write(&path, &whole[..whole.len() * 7 / 10]).unwrap();
        assert_eq!(image_count(&path).unwrap(), 4);
        let file = FrameFile::read(&path).unwrap();
        assert!((0..3).all(|image| file.image(image).is_ok()));
        let reason = file.image(3).unwrap_err().to_string();
        assert!(reason.contains("cut short"), "{reason}");
    }

    #[test]
    fn folders_and_missing_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no_such.tif");
        assert!(matches!(peek_shape(folder.path()), Err(FrameError::NotAFile { .. })));
        let error = read(&FrameAddress { path: missing, image: 0 }).unwrap_err();
        assert!(error.to_string().contains("no_such.tif"), "{error}");
    }
}
