//! Frame files: read and hashed once for all of their images, many at a time; HDF5 image by image where it lies.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use super::buffer::Buffer;
use super::format::decode_source;
use super::hdf5::Stack;
use super::load::{Place, place, split_dataset};
use super::source::Source;
use super::{Frame, FrameAddress, FrameError, cbf};
use crate::simd::LANES;

/// A frame and the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedFrame {
    /// The frame.
    pub frame: Frame,
    /// The file.
    pub file: FileRecord,
}

/// Which bytes a frame was read from: the file as stored, packed if it is packed; of an HDF5 file the chunk of the image as
/// stored, or its numbers where it is not one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileRecord {
    /// Size.
    pub bytes: u64,
    /// XXH3-128 of the contents.
    pub xxh3_128: u128,
}

/// A frame file from which images are taken: read and hashed once for all of them, or open where it is HDF5.
pub struct FrameFile {
    path: PathBuf,
    contents: Contents,
}

enum Contents {
    /// In memory, as stored.
    Bytes {
        bytes: Arc<Buffer>,
        record: FileRecord,
        /// Of a CBF's data, where it was computed together with those of other files.
        md5: Option<cbf::Digest>,
    },
    /// In the file.
    Stack(Box<Stack>),
}

impl FrameFile {
    /// Reads and hashes a file, or opens it where it is HDF5 (then `path` may end with `::/DATASET`).
    ///
    /// # Errors
    /// [`FrameError`]: the file cannot be read, begins no known format, or lacks the dataset.
    pub fn read(path: &Path) -> Result<FrameFile, FrameError> {
        let contents = match place(path)? {
            Place::Plain(opened) => {
                let mut hash = Xxh3::new();
                let bytes = Arc::new(opened.read(|piece| hash.update(piece))?);
                let record = FileRecord { bytes: bytes.len() as u64, xxh3_128: hash.digest128() };
                Contents::Bytes { bytes, record, md5: None }
            }
            Place::Stack { file, dataset } => Contents::Stack(Box::new(Stack::open(path, file, dataset)?)),
        };
        Ok(FrameFile { path: path.to_path_buf(), contents })
    }

    /// As [`FrameFile::read`], of many files on all threads. Checksums of CBFs are computed for several files at once, which
    /// takes a tenth of the time; they are compared when the image is decoded.
    pub fn read_all(paths: &[&Path]) -> Vec<Result<FrameFile, FrameError>> {
        let mut files: Vec<Result<FrameFile, FrameError>> =
            paths.par_iter().map(|path| FrameFile::read(path)).collect();
        let of_lanes = |files: &mut [Result<FrameFile, FrameError>]| {
            let there: Vec<(usize, &[u8])> = files
                .iter()
                .enumerate()
                .filter_map(|(index, file)| Some((index, cbf::checked_data(&file.as_ref().ok()?.source()?)?)))
                .collect();
            let messages: Vec<&[u8]> = there.iter().map(|(_, data)| *data).collect();
            let digests = cbf::digests(&messages);
            let places: Vec<usize> = there.iter().map(|(index, _)| *index).collect();
            for (index, digest) in places.into_iter().zip(digests) {
                if let Ok(FrameFile { contents: Contents::Bytes { md5, .. }, .. }) = &mut files[index] {
                    *md5 = Some(digest);
                }
            }
        };
        files.par_chunks_mut(LANES).for_each(of_lanes);
        files
    }

    /// Its bytes; `None` of a file that is read where it lies.
    fn source(&self) -> Option<Source<'_>> {
        match &self.contents {
            Contents::Bytes { bytes, md5, .. } => {
                Some(Source { path: &self.path, bytes, memory: Some(bytes), md5: *md5 })
            }
            Contents::Stack(_) => None,
        }
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One of its images, from 0.
    ///
    /// # Errors
    /// [`FrameError`]: the file is damaged or lacks the image.
    pub fn image(&self, image: usize) -> Result<LoadedFrame, FrameError> {
        match &self.contents {
            Contents::Bytes { bytes, record, md5 } => {
                let source = Source { path: &self.path, bytes, memory: Some(bytes), md5: *md5 };
                Ok(LoadedFrame { frame: decode_source(&source, image)?, file: *record })
            }
            Contents::Stack(stack) => stack.image(image),
        }
    }
}

impl FileRecord {
    /// Of the file at `path`, without the dataset that may stand behind it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> std::io::Result<FileRecord> {
        let mut file = File::open(split_dataset(path).0)?;
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let mut piece = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(FileRecord { bytes, xxh3_128: hash.digest128() }),
                Ok(length) => {
                    hash.update(&piece[..length]);
                    bytes += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Of a file with these contents.
    pub fn of(bytes: &[u8]) -> FileRecord {
        FileRecord { bytes: bytes.len() as u64, xxh3_128: xxhash_rust::xxh3::xxh3_128(bytes) }
    }
}

/// Reads a frame and hashes its file.
///
/// # Errors
/// [`FrameError`]: the file cannot be read, is no frame, is damaged, or lacks the image.
pub fn read(address: &FrameAddress) -> Result<LoadedFrame, FrameError> {
    FrameFile::read(&address.path)?.image(address.image)
}
