//! Frames as the detector wrote them, and masks: one reader per file format.

mod error;
mod buffer;
mod source;
mod samples;
mod counts;
mod header;
mod format;
mod load;
mod file;
mod gzip;
mod tiff;
mod cbf;
mod edf;
mod hdf5;
mod npy;
mod fit2d;
mod png;
mod mask;

use std::path::PathBuf;

pub use buffer::Pixels;
pub use cbf::write_cbf;
pub(crate) use counts::{Count, each_type};
pub use error::FrameError;
pub use file::{FileRecord, FrameFile, LoadedFrame, read};
pub use load::{decode, image_count, is_read_in_place, peek_shape, read_array, split_dataset};
pub use tiff::{TiffWriter, write_tiff};

/// Number of pixels along the slow axis (rows) and the fast axis (columns).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Slow axis.
    pub rows: usize,
    /// Fast axis.
    pub columns: usize,
}

impl Shape {
    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.rows * self.columns
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.rows, self.columns)
    }
}

/// Raw counts in row order, in the type that the file had (narrower and wider types are converted without loss
/// where one of these holds them).
#[derive(Debug, Clone, PartialEq)]
pub enum Counts {
    /// Unsigned 16 bit.
    U16(Pixels<u16>),
    /// Signed 16 bit.
    I16(Pixels<i16>),
    /// Unsigned 32 bit.
    U32(Pixels<u32>),
    /// Signed 32 bit: Pilatus, −1 in gaps, −2 on dead pixels.
    I32(Pixels<i32>),
    /// Single precision; NaN is an excluded pixel.
    F32(Pixels<f32>),
}

/// What a file's header says of the measurement; `None` where it is silent. Headers hold placeholders: the run file
/// goes before them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrameHeader {
    /// Detector name and serial number as written.
    pub detector: Option<String>,
    /// Exposure time.
    pub exposure_s: Option<f64>,
    /// Counts above this were saturated when the detector wrote them.
    pub count_cutoff: Option<f64>,
    /// Pixel size (slow, fast).
    pub pixel_m: Option<[f64; 2]>,
    /// Wavelength.
    pub wavelength_angstrom: Option<f64>,
    /// Sample to detector.
    pub distance_m: Option<f64>,
    /// Beam centre (row, column) in pixels.
    pub beam_centre_px: Option<[f64; 2]>,
    /// Incident-beam monitor counts.
    pub monitor: Option<f64>,
    /// When the exposure began, as written.
    pub timestamp: Option<String>,
    /// What else was read of the sample and its surroundings: temperature, positions.
    pub readings: Vec<Reading>,
}

/// A number that was recorded with a frame.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reading {
    /// As the file calls it.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// As the file has it; may be empty.
    pub unit: String,
}

/// One detector image with its header.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Rows × columns.
    pub shape: Shape,
    /// Counts in row order; row 0 is the first row in the file.
    pub counts: Counts,
    /// What the file says of the measurement.
    pub header: FrameHeader,
}

/// Where a frame is: a file, in HDF5 with its dataset (`file.h5::/entry/data/data`), and in a file of several images the number of
/// the image (from 0).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct FrameAddress {
    /// The file, and a dataset behind `::` where one is named ([`split_dataset`]).
    pub path: PathBuf,
    /// Image in the file, from 0.
    pub image: usize,
}

/// Pixels that are left out of every integration: `true` = bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Rows × columns.
    pub shape: Shape,
    /// Row order; `true` = left out.
    pub bad: Vec<bool>,
}
