//! Frame files in memory, read and hashed once for all of their images, many at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use super::buffer::Buffer;
use super::load::{decode_source, read_pieces};
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

/// Which bytes a frame was read from: the file as stored, packed if it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileRecord {
    /// Size.
    pub bytes: u64,
    /// XXH3-128 of the contents.
    pub xxh3_128: u128,
}

/// A frame file in memory, as stored: read and hashed once for all of its images.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameFile {
    path: PathBuf,
    bytes: Arc<Buffer>,
    record: FileRecord,
    /// Of a CBF's data, where it was computed together with those of other files.
    md5: Option<cbf::Digest>,
}

impl FrameFile {
    /// Reads and hashes a file; nothing but its first bytes is looked at.
    ///
    /// # Errors
    /// [`FrameError`]: the file cannot be read or begins no known format.
    pub fn read(path: &Path) -> Result<FrameFile, FrameError> {
        let mut hash = Xxh3::new();
        let bytes = Arc::new(read_pieces(path, |piece| hash.update(piece))?);
        let record = FileRecord { bytes: bytes.len() as u64, xxh3_128: hash.digest128() };
        Ok(FrameFile { path: path.to_path_buf(), bytes, record, md5: None })
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
                .filter_map(|(index, file)| Some((index, cbf::checked_data(&file.as_ref().ok()?.source())?)))
                .collect();
            let messages: Vec<&[u8]> = there.iter().map(|(_, data)| *data).collect();
            let digests = cbf::digests(&messages);
            let places: Vec<usize> = there.iter().map(|(index, _)| *index).collect();
            for (index, digest) in places.into_iter().zip(digests) {
                if let Ok(file) = &mut files[index] {
                    file.md5 = Some(digest);
                }
            }
        };
        files.par_chunks_mut(LANES).for_each(of_lanes);
        files
    }

    fn source(&self) -> Source<'_> {
        Source { path: &self.path, bytes: &self.bytes, memory: Some(&self.bytes), md5: self.md5 }
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
        Ok(LoadedFrame { frame: decode_source(&self.source(), image)?, file: self.record })
    }
}

impl FileRecord {
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
