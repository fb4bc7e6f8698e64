//! From a folder of frames to a commented run file.

mod survey;
mod write;

use std::path::PathBuf;

pub use survey::{Group, Survey, survey};
pub use write::run_file;

/// What the user knows, as far as it was said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// Of the samples.
    pub composition: Option<String>,
    /// A detector by name.
    pub detector: Option<String>,
    /// Photon energy.
    pub energy_kev: Option<f64>,
    /// Sample to detector.
    pub distance_mm: Option<f64>,
    /// (column, row).
    pub beam_centre_px: Option<[f64; 2]>,
    /// Part of the name of the samples that are background.
    pub background: Option<String>,
    /// Number density.
    pub density_atoms_per_cubic_angstrom: Option<f64>,
}

/// Why no run file can be written.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be listed.
    #[error("{path}: {source}; name the folder of the frames")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// There is nothing to process.
    #[error("{0}: no frames here (.tif, .cbf, .edf, .h5, .nxs, also .gz); name the folder that they are in")]
    NoFrames(PathBuf),
    /// Every group is background.
    #[error(
        "`{0}` is in the name of every sample, so that all would be background; name the background more closely"
    )]
    AllBackground(String),
    /// None is.
    #[error("`{wanted}` is in the name of no sample; there are {found}")]
    NoBackground {
        /// What was said.
        wanted: String,
        /// The samples.
        found: String,
    },
}
