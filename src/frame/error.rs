//! What can be wrong with a frame file.

use std::path::PathBuf;

use super::Shape;

/// Why a frame or a mask could not be read, joined or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The operating system refused.
    #[error("{path}: cannot be read: {source}; check the path and the permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("{path}: not a regular file; give the path of a frame file")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// No bytes.
    #[error("{path}: the file is empty (0 bytes); copy it again from where it was measured")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No known magic bytes.
    #[error(
        "{path}: starts with `{start}`, which begins no frame format; expected TIFF, mini-CBF, EDF, NPY, PNG, \
         a Fit2D mask, or one of these in gzip"
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// Its first bytes, printable.
        start: String,
    },
    /// A known thing that is not read.
    #[error("{path}: {found}; {mend}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What the file is or holds.
        found: String,
        /// What to do.
        mend: &'static str,
    },
    /// The file ends before its contents do.
    #[error(
        "{path}: {what} at byte {offset} needs {expected} bytes, the file has {found} there; it is cut short: \
         copy it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The part that is cut.
        what: String,
        /// Where the part begins.
        offset: u64,
        /// Bytes that it needs.
        expected: u64,
        /// Bytes from there to the end of the file.
        found: u64,
    },
    /// The bytes contradict the format.
    #[error(
        "{path}: byte {offset}: found {found}, expected {expected}; the file is damaged: copy or write it again"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
    /// More memory than a frame can need.
    #[error("{path}: {what} would need {bytes} bytes, the limit is {limit}; check the file, or split it")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is large.
        what: &'static str,
        /// Bytes that it needs (at least).
        bytes: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// The data are not those that were written.
    #[error(
        "{path}: MD5 of the data is {found}, the header says {expected}; the file is damaged: copy it again"
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Of the bytes as they are.
        found: String,
        /// From the header.
        expected: String,
    },
    /// An image number past the end.
    #[error("{path}: image {image} is wanted, the file has {count} (numbered from 0); correct the number")]
    NoSuchImage {
        /// The file.
        path: PathBuf,
        /// Wanted.
        image: usize,
        /// Images in the file.
        count: usize,
    },
    /// An HDF5 file, or what stands at a place in it.
    #[error("{path}: HDF5{}: {reason}; look at the file with h5ls, or copy it again", at(what))]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// Dataset; empty = the file.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Which of the datasets of an HDF5 file is meant cannot be told.
    #[error("{path}: {problem}; write FILE::/DATASET with one of these: {found}")]
    WhichDataset {
        /// The file.
        path: PathBuf,
        /// What cannot be told.
        problem: String,
        /// What is there.
        found: String,
    },
    /// A count that no pixel type of halor holds.
    #[error(
        "{path}: pixel {pixel} (in file order) is {value}, expected {expected}; check how the file was written"
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// Row · columns + column.
        pixel: usize,
        /// Its value.
        value: String,
        /// Which values can be held.
        expected: &'static str,
    },
    /// Masks of two sizes.
    #[error("mask is {found} pixels, expected {expected} (rows × columns); give masks of one detector")]
    MaskShape {
        /// Of the mask that is joined.
        found: Shape,
        /// Of the mask that it is joined to.
        expected: Shape,
    },
    /// A frame that the wanted format cannot hold.
    #[error("frame cannot be written as {format}: {found}; {mend}")]
    NotWritable {
        /// The format.
        format: &'static str,
        /// What is in the way.
        found: String,
        /// What to do.
        mend: &'static str,
    },
    /// The operating system refused to write.
    #[error("frame cannot be written: {source}; check the folder and the space on the disk")]
    Write {
        /// What the system said.
        #[from]
        source: std::io::Error,
    },
}

fn at(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(", {what}") }
}
