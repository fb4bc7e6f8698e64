//! Whether an input is still what was read: by its size and time, and where these do not tell, by its content.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::frame::{FileRecord, FrameAddress, FrameFile, is_read_in_place, split_dataset};

/// A file that is younger than this when it is read may be written again without a new time: some file systems count seconds,
/// and clocks of servers differ.
const YOUNG: Duration = Duration::from_secs(3);

/// Size and time of a file before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::batch) struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified_ns: u128,
}

impl Stamp {
    /// `None` where only the content tells, since the file is too young.
    pub(in crate::batch) fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(split_dataset(path).0).ok()?;
        let modified = metadata.modified().ok()?;
        let old = SystemTime::now().duration_since(modified).is_ok_and(|age| age >= YOUNG);
        let modified_ns = modified.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        old.then_some(Stamp { bytes: metadata.len(), modified_ns })
    }

    /// Whether a frame that was read from so many bytes was read from all of this file. Images of HDF5 are not: they are in a part of
    /// it, or in files that it links to, and only their content tells.
    pub(in crate::batch) fn is_of_all(self, bytes: Option<u64>) -> bool {
        bytes == Some(self.bytes)
    }
}

/// Contents of frame files, each looked at once.
#[derive(Debug, Default)]
pub(in crate::batch) struct Contents(Mutex<HashMap<PathBuf, Arc<OnceLock<Content>>>>);

/// What a file holds now.
#[derive(Debug, Clone, PartialEq)]
enum Content {
    /// The hash of the whole file is that of each of its images.
    Whole(FileRecord),
    /// Each image has a hash of its own.
    ImageByImage,
    /// It cannot be read.
    Gone,
}

impl Contents {
    /// What is stored of a frame now; `None` where it cannot be read. `open` is the file of images that was looked at last.
    pub(in crate::batch) fn of(
        &self,
        address: &FrameAddress,
        open: &mut Option<FrameFile>,
    ) -> Option<FileRecord> {
        let cell = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(address.path.clone()).or_default())
        };
        let content = cell.get_or_init(|| {
            if is_read_in_place(&address.path) {
                Content::ImageByImage
            } else {
                FileRecord::read(&address.path).map_or(Content::Gone, Content::Whole)
            }
        });
        match content {
            Content::Whole(record) => Some(*record),
            Content::ImageByImage => {
                let known = open.take().filter(|file| file.path() == address.path);
                let file = known.map_or_else(|| FrameFile::read(&address.path), Ok).ok()?;
                open.insert(file).image(address.image).ok().map(|loaded| loaded.file)
            }
            Content::Gone => None,
        }
    }
}
