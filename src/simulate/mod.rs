//! The digital twin: structure → I(Q) → frames, written as a forward model from the equations.
//!
//! It shares types and the tables of free atoms with the way back, and nothing else: geometry, factors and transforms
//! are written a second time, so that an error in one of them shows.

mod quadrature;
pub mod radial;
pub mod glass;
pub mod crystal;
pub mod atoms;
pub mod table;
pub mod matter;
pub mod anisotropy;
pub mod rays;
pub mod flat;
pub mod image;
mod pixel;
pub mod exposure;
pub mod noise;
pub mod peak_shape;
pub mod spots;
pub mod truth;
pub mod twin;
mod truth_files;
mod write;

use std::path::PathBuf;

pub use anisotropy::{Anisotropy, Oriented};
pub use atoms::{AtomBox, AtomModel, AtomsError, AtomsProblem};
pub use crystal::{Crystal, CrystalError};
pub use exposure::{Exposures, Zingers};
pub use flat::FlatField;
pub use glass::Glass;
pub use image::{Arm, BeamStop, Camera, HotPixels, IdealImage, Light, Masking, Parallax, ideal_image};
pub use matter::Matter;
pub use radial::RadialTable;
pub use spots::{Inclusion, Spot};
pub use table::{Harmonic, SofQ, TableError, TableProblem};
pub use truth::TruthRow;
pub use twin::{Analysis, BeamPath, Container, FrameFormat, RunFileText, Surroundings, Twin, TwinSample};
pub use write::Written;

use crate::frame::FrameError;
use crate::geometry::GeometryError;
use crate::output::OutputError;
use crate::scattering::ScatteringError;

/// Why a simulation gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The radial intensity ends before the detector does.
    #[error(
        "the intensity is tabulated up to Q = {found:.3} Å⁻¹, the detector reaches {needed:.3} Å⁻¹; extend the table"
    )]
    TableTooShort {
        /// Last Q of the table.
        found: f64,
        /// Largest Q on the detector.
        needed: f64,
    },
    /// No points to average a pixel over.
    #[error("`oversampling` is 0, a pixel needs at least 1 point")]
    NoSamples,
    /// A curve has no maximum where its peak was expected.
    #[error(
        "{curve} of `{sample}` has no peak between {low} and {high}; choose other windows or other parameters"
    )]
    NoPeak {
        /// `S(Q)` or `G(r)`.
        curve: &'static str,
        /// Name of the sample.
        sample: String,
        /// Lower end of the window.
        low: f64,
        /// Upper end of the window.
        high: f64,
    },
    /// The absorption of the sensor or of air is not known.
    #[error("absorption of `{material}`: {reason}")]
    Sensor {
        /// Its formula.
        material: String,
        /// What the table says.
        reason: String,
    },
    /// What concerns one sample.
    #[error("sample `{name}`: {source}")]
    Sample {
        /// Its name.
        name: String,
        /// What is wrong.
        source: Box<SimulateError>,
    },
    /// The folder has something in it.
    #[error("{} is not empty; choose another folder or give --force", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be listed.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// S(Q) that no matter has.
    #[error(
        "S({q:.3} Å⁻¹) = {s:.3} makes the coherent intensity negative; is S(Q) normalised after Faber and Ziman, for this composition? A model of atoms needs a larger r_max or the Lorch window; where it is crystalline, take a crystal instead"
    )]
    NegativeIntensity {
        /// Where, in Å⁻¹.
        q: f64,
        /// Its value.
        s: f64,
    },
    /// A model of atoms.
    #[error(transparent)]
    Atoms(#[from] AtomsError),
    /// A table of S(Q).
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A frame has no file format.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The detector is not known.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The calibrant.
    #[error(transparent)]
    Crystal(#[from] CrystalError),
    /// The tables of free atoms.
    #[error(transparent)]
    Scattering(#[from] ScatteringError),
}
