//! From a path to a frame: which file, which format, how many images, of which shape.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::buffer::Buffer;
use super::file::FrameFile;
use super::format::{Format, Images, Plain, decode_source, format_of, images, shape, with_format};
use super::hdf5::Stack;
use super::source::Source;
use super::{Frame, FrameError, Shape};

/// No file is larger than this.
const MAX_FILE_BYTES: u64 = 16 << 30;
/// What is read to tell a file's format, and to find its shape in most files.
const HEAD_BYTES: u64 = 64 << 10;
/// What is read at once: it is hashed while it is in the second-level cache.
const PIECE_BYTES: usize = 256 << 10;

/// A path as users write it: the file, and after `::` the dataset in it, where one is named.
pub fn split_dataset(path: &Path) -> (&Path, Option<&str>) {
    let split = path.to_str().and_then(|text| text.rsplit_once("::"));
    match split {
        Some((file, dataset)) if !path.exists() => (Path::new(file), Some(dataset)),
        Some(_) | None => (path, None),
    }
}

/// Whether the images of a file are read one by one where they lie, not the file as a whole.
pub fn is_read_in_place(path: &Path) -> bool {
    matches!(place(path), Ok(Place::Stack { .. }))
}

/// How the frames of a path are reached.
pub(super) enum Place<'a> {
    /// The file as a whole.
    Plain(Opened<'a>),
    /// Where they lie.
    Stack { file: &'a Path, dataset: Option<&'a str> },
}

/// A file that begins a format that is read.
pub(super) struct Opened<'a> {
    path: &'a Path,
    /// Behind `head`.
    file: File,
    head: Vec<u8>,
    length: u64,
}

pub(super) fn place(path: &Path) -> Result<Place<'_>, FrameError> {
    let (file, dataset) = split_dataset(path);
    let (opened, format) = Opened::new(file)?;
    match (format, dataset) {
        (Format::Hdf5, dataset) => Ok(Place::Stack { file, dataset }),
        (Format::Plain(_) | Format::Gzip, None) => Ok(Place::Plain(opened)),
        (Format::Plain(_) | Format::Gzip, Some(_)) => Err(Source::new(file, &[])
            .unsupported("only an HDF5 file has datasets, this is none", "leave out what stands after `::`")),
    }
}

/// The frame in a file's `bytes`; `path` is for messages only.
///
/// # Errors
/// As [`super::read`].
pub fn decode(bytes: &[u8], path: &Path, image: usize) -> Result<Frame, FrameError> {
    decode_source(&Source::new(path, bytes), image)
}

/// Number of images in a file: directories of a TIFF, blocks of an EDF, else 1.
///
/// Where a file of several images is damaged, those before the damage count and one more, which says what is wrong when it
/// is read: no image is lost without a word.
///
/// # Errors
/// As [`super::read`], but the images are not decoded; none can be reached.
pub fn image_count(path: &Path) -> Result<usize, FrameError> {
    let opened = match place(path)? {
        Place::Plain(opened) => opened,
        Place::Stack { file, dataset } => return Ok(Stack::open(path, file, dataset)?.count()),
    };
    let of_head = opened.with_head(|source, format| match images(source, format)? {
        Images { damage: Some(error), .. } => Err(error),
        Images { reached, damage: None } => Ok((format, reached)),
    });
    match of_head {
        // Where the head ends with an image of an EDF, nothing in it says whether another follows.
        Ok((Plain::Edf, _)) | Err(FrameError::Truncated { .. } | FrameError::Malformed { .. }) => {}
        Ok((_, reached)) => return Ok(reached),
        Err(error) => return Err(error),
    }
    with_format(&Source::new(path, &opened.read(|_| ())?), |source, format| match images(source, format)? {
        Images { reached: 0, damage: Some(error) } => Err(error),
        Images { reached, damage: Some(_) } => Ok(reached + 1),
        Images { reached, damage: None } => Ok(reached),
    })
}

/// Shape of a file's first image, from the head of the file where that suffices. The data are not looked at.
///
/// # Errors
/// As [`super::read`], but the images are not decoded.
pub fn peek_shape(path: &Path) -> Result<Shape, FrameError> {
    match place(path)? {
        Place::Plain(opened) => opened.at_head_or_whole(shape),
        Place::Stack { file, dataset } => Stack::open(path, file, dataset)?.shape(),
    }
}

/// The first image of a file as numbers in row order, for flat fields: any frame format or NPY.
///
/// # Errors
/// As [`super::read`].
pub fn read_array(path: &Path) -> Result<(Shape, Vec<f32>), FrameError> {
    let frame = FrameFile::read(path)?.image(0)?.frame;
    Ok((frame.shape, frame.counts.to_f32()))
}

impl<'a> Opened<'a> {
    /// The file with its first bytes, and the format that they begin.
    fn new(path: &'a Path) -> Result<(Opened<'a>, Format), FrameError> {
        let io = |source| FrameError::Io { path: path.to_path_buf(), source };
        // Looked at before it is opened: to open a pipe would wait for its writer.
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() {
            return Err(FrameError::NotAFile { path: path.to_path_buf() });
        }
        let length = metadata.len();
        if length > MAX_FILE_BYTES {
            let path = path.to_path_buf();
            return Err(FrameError::TooLarge {
                path,
                what: "the file",
                bytes: length,
                limit: MAX_FILE_BYTES,
            });
        }
        let mut file = File::open(path).map_err(io)?;
        let mut head = Vec::with_capacity(length.min(HEAD_BYTES) as usize);
        Read::by_ref(&mut file).take(length.min(HEAD_BYTES)).read_to_end(&mut head).map_err(io)?;
        let format = format_of(&Source::new(path, &head))?;
        Ok((Opened { path, file, head, length }, format))
    }

    /// All its bytes; `look` sees each piece while it is in the cache.
    pub(super) fn read(mut self, mut look: impl FnMut(&[u8])) -> Result<Buffer, FrameError> {
        let io = |source| FrameError::Io { path: self.path.to_path_buf(), source };
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let mut bytes = Buffer::new(length).map_err(|error| io(std::io::Error::other(error)))?;
        bytes[..self.head.len()].copy_from_slice(&self.head);
        look(&self.head);
        // A file that grows while it is read ends at the length that it had; one that shrinks, at its new one.
        let mut read = self.head.len();
        while read < length {
            let end = length.min(read + PIECE_BYTES);
            match self.file.read(&mut bytes[read..end]) {
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

    /// `look` at the first bytes alone.
    fn with_head<T>(
        &self,
        look: impl Fn(&Source<'_>, Plain) -> Result<T, FrameError>,
    ) -> Result<T, FrameError> {
        with_format(&Source::new(self.path, &self.head), look)
    }

    /// `look` at the first bytes; if that is not enough, at all of them.
    fn at_head_or_whole<T>(
        self,
        look: impl Fn(&Source<'_>, Plain) -> Result<T, FrameError>,
    ) -> Result<T, FrameError> {
        let result = self.with_head(&look);
        let cut = matches!(result, Err(FrameError::Truncated { .. } | FrameError::Malformed { .. }));
        if cut && self.length > self.head.len() as u64 {
            let path = self.path;
            return with_format(&Source::new(path, &self.read(|_| ())?), look);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use ::tiff::encoder::{TiffEncoder, colortype};

    use super::*;
    use crate::frame::{FrameAddress, fit2d, gzip, npy, png, read};

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
        assert!(error(b"\x89HDF\r\n\x1a\nrest").to_string().contains("HDF5"));
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
