//! What can be seen of a file without trusting it: size, times, which file it is; and whether its own header says that it is whole.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::frame::{FrameError, FrameFile, image_count, is_read_in_place, peek_shape, split_dataset};

/// What tells one state of a file from another. Two equal ones are the same bytes, as far as the file system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sight {
    /// Bytes.
    pub bytes: u64,
    /// Last change of its contents.
    pub modified: Option<SystemTime>,
    /// Device and number of the file, where the system has them: a renamed file keeps them.
    pub identity: Option<(u64, u64)>,
    /// Of HDF5: a master file stays as it is while images come into the files that it links to.
    pub images: Option<usize>,
}

/// Ends of the names of files that may link to others.
const HDF5: [&str; 4] = ["h5", "hdf5", "nxs", "cxi"];

impl Sight {
    /// Of the file at `path`, links followed; `None` where there is none.
    pub fn of(path: &Path) -> Option<Sight> {
        let (file, dataset) = split_dataset(path);
        let metadata = std::fs::metadata(file).ok().filter(Metadata::is_file)?;
        let is_hdf5 = |extension: &str| HDF5.iter().any(|hdf5| extension.eq_ignore_ascii_case(hdf5));
        let may_link = dataset.is_some() || file.extension().and_then(OsStr::to_str).is_some_and(is_hdf5);
        Some(Sight {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            identity: identity(&metadata),
            images: may_link.then(|| image_count(path).ok()).flatten(),
        })
    }

    /// How long ago it was last changed, by this machine's clock.
    pub fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(self.modified?).ok()
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// What a file's own header says of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// All that the header promises is there.
    Whole,
    /// It ends before that: why.
    Cut(String),
    /// The format does not tell, or it is no frame.
    Unknown,
}

impl Completeness {
    /// Of the file at `path`: its first image is decoded, with its checksum where it has one.
    ///
    /// A stack that is read in place (HDF5) grows while it is written, and is never whole by its header.
    pub fn of(path: &Path) -> Completeness {
        if is_read_in_place(path) {
            return match peek_shape(path) {
                Ok(_) => Completeness::Unknown,
                Err(error) => Completeness::Cut(error.to_string()),
            };
        }
        match FrameFile::read(path).and_then(|file| file.image(0).map(drop)) {
            Ok(()) => Completeness::Whole,
            Err(error) => match error {
                FrameError::Truncated { .. }
                | FrameError::Empty { .. }
                | FrameError::Malformed { .. }
                | FrameError::Checksum { .. } => Completeness::Cut(error.to_string()),
                // Another reason will not go away with more bytes: the run names it.
                FrameError::Io { .. }
                | FrameError::NotAFile { .. }
                | FrameError::Unrecognised { .. }
                | FrameError::Unsupported { .. }
                | FrameError::TooLarge { .. }
                | FrameError::NoSuchImage { .. }
                | FrameError::Hdf5 { .. }
                | FrameError::WhichDataset { .. }
                | FrameError::Value { .. }
                | FrameError::MaskShape { .. }
                | FrameError::NotWritable { .. }
                | FrameError::Write { .. } => Completeness::Unknown,
            },
        }
    }
}
