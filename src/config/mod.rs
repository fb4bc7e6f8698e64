//! The run file: its schema word for word, then validation to a typed [`Config`].

mod analysis;
mod decode;
mod document;
mod load;
mod parse;
mod problem;
mod resolve;
pub mod schema;
mod set;
mod text;
mod tree;
mod twin;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use analysis::{Analysis, AnalysisFile};
pub use load::{Loaded, files_of, load, load_before_frames};
pub use problem::{ConfigError, Problem, ProblemKind};
pub use resolve::Coverage;
pub(crate) use resolve::machine_memory_bytes;
pub use resolve::numeric_order;
pub use twin::{DemoDetector, LoadedTwin, demo_twin, load_twin};

use crate::anisotropy::AnisotropySettings;
use crate::correct::DeadTime;
use crate::frame::FrameAddress;
use crate::geometry::Geometry;
use crate::geometry::calibrate::{Calibrant, CalibratedFrame};
use crate::grid::Bins;
use crate::integrate::{CakeAxes, Filter, PlanCache, RadialUnit, Region, Splitting};
use crate::low_r::LowRFitSettings;
use crate::pdf::{Covariance, TransformSettings};
use crate::peaks::{PeakSettings, SubPeakSettings};
use crate::scattering::Composition;
use crate::series::SeriesSettings;
use crate::structure::{Form, StructureSettings};
use crate::systematic::SystematicSettings;

/// A validated run: every path resolved against the run file's folder, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The run file.
    pub source: PathBuf,
    /// Output folder.
    pub output: PathBuf,
    /// Results in formats of other programs.
    pub exports: ExportSettings,
    /// Which engine.
    pub engine: EngineChoice,
    /// Memory that the run may take: so many frames are read ahead.
    pub memory_limit_bytes: u64,
    /// Where integration plans are kept from run to run.
    pub plan_cache: PlanCache,
    /// Detector and its placement.
    pub geometry: Geometry,
    /// The .poni file that the placement was read from.
    pub poni_file: Option<PathBuf>,
    /// The files that the placement was found from: a calibrant's frame, and the guess.
    pub calibration_files: Vec<PathBuf>,
    /// The calibration that the run file asked for, of the first of those files.
    pub calibrated: Option<CalibratedFrame>,
    /// What `halor check` tests the placement with.
    pub calibrant: Option<CalibrantFrame>,
    /// What leaves pixels out of all frames.
    pub mask: MaskSettings,
    /// From counts to signal and norm.
    pub corrections: CorrectionSettings,
    /// Radial axis and splitting.
    pub integration: IntegrationSettings,
    /// The full ring, then the sectors.
    pub regions: Vec<Region>,
    /// The map of azimuth and radial axis; `None` = none is made.
    pub cake: Option<CakeSettings>,
    /// The samples, in the order of the run file.
    pub samples: Vec<Sample>,
    /// S(Q), G(r) and peaks; `None` = integrate only.
    pub pdf: Option<PdfSettings>,
    /// The first peak of each sample's G(r) as a sum of Gaussians; `None` = not asked for.
    pub sub_peaks: Option<SubPeakSettings>,
    /// Narrow sectors and what they say; `None` = not asked for.
    pub anisotropy: Option<AnisotropySettings>,
    /// What the samples are compared with.
    pub series: SeriesSettings,
}

impl Config {
    /// The full ring, the sectors that the run file names, then those of the anisotropy.
    pub fn all_regions(&self) -> Vec<Region> {
        let azimuths = self.anisotropy.iter().flat_map(|anisotropy| anisotropy.azimuths.regions());
        self.regions.iter().cloned().chain(azimuths).collect()
    }
}

/// Results in formats of other programs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportSettings {
    /// Name of the NeXus file of the whole run, in the output folder; `None` = none is written.
    pub nexus: Option<String>,
    /// What measured patterns are written as, beside .xye.
    pub patterns: Vec<PatternFormat>,
}

/// Formats of patterns beside .xye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternFormat {
    /// GSAS: 2θ in hundredths of a degree, I, σ.
    Fxye,
    /// Fit2D: radial axis, I.
    Chi,
}

/// A frame of a calibrant.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrantFrame {
    /// The frame.
    pub frame: FrameAddress,
    /// The powder in it.
    pub calibrant: Calibrant,
}

/// Which engine is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineChoice {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// A GPU or failure.
    Gpu,
    /// The native engine.
    Cpu,
    /// Every real GPU, or failure where there is none; they share the frames.
    AllGpus,
    /// The adapter whose name contains this, software drivers included.
    Adapter(String),
    /// Several of the above; they share the frames.
    Several(Vec<EngineChoice>),
}

impl EngineChoice {
    /// From a word of the run file or the command line.
    pub fn named(word: &str) -> EngineChoice {
        match word {
            "auto" => EngineChoice::Auto,
            "gpu" => EngineChoice::Gpu,
            "all" => EngineChoice::AllGpus,
            "cpu" => EngineChoice::Cpu,
            adapter => EngineChoice::Adapter(adapter.to_owned()),
        }
    }
}

/// Static masking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MaskSettings {
    /// Mask files, joined.
    pub files: Vec<PathBuf>,
    /// Shapes in pixels, joined.
    pub shapes: Vec<MaskShape>,
}

/// A masked area in pixel coordinates (column, row); the centre of the first pixel is (0.5, 0.5).
#[derive(Debug, Clone, PartialEq)]
pub enum MaskShape {
    /// A disc: the beam stop.
    Circle {
        /// (column, row).
        centre_px: [f64; 2],
        /// Radius.
        radius_px: f64,
    },
    /// The inside of a closed polygon.
    Polygon {
        /// (column, row) of each corner.
        corners_px: Vec<[f64; 2]>,
    },
}

/// Detector corrections.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectionSettings {
    /// Dark frames, averaged.
    pub dark: Vec<FrameAddress>,
    /// Flat field.
    pub flat: Option<PathBuf>,
    /// Dead time.
    pub dead_time: Option<DeadTime>,
    /// Counts at and above this are left out.
    pub saturated_counts: Option<f64>,
    /// Factors of the norm, in the order of application.
    pub factors: Vec<crate::correct::Correction>,
    /// The sample's own absorption.
    pub absorption: Option<crate::correct::SampleAbsorption>,
}

/// Azimuthal integration.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationSettings {
    /// Radial axis.
    pub unit: RadialUnit,
    /// Its bins; the default range is what the detector covers.
    pub bins: Bins,
    /// Pixel splitting.
    pub splitting: Splitting,
    /// What is done about pixels that do not belong to their ring.
    pub filter: Filter,
    /// What a frame's norm is multiplied by.
    pub normalize_by: NormalizeBy,
    /// Exposure that replaces the header's.
    pub exposure_s: Option<f64>,
}

/// Azimuthal × radial maps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CakeSettings {
    /// Their cells.
    pub axes: CakeAxes,
    /// What gets one.
    pub of: CakesOf,
}

/// What cakes are written of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CakesOf {
    /// Each sample's frames, summed.
    Samples,
    /// Each frame too.
    SamplesAndFrames,
}

/// What makes frames of different exposure comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormalizeBy {
    /// Nothing.
    None,
    /// The exposure time, from the run file or the header.
    Exposure,
    /// The monitor, from the header.
    Monitor,
}

/// One sample of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name, unique in the series.
    pub name: String,
    /// Absolute paths and patterns of its frames' files.
    pub patterns: Vec<String>,
    /// Its frames, in numeric order.
    pub frames: Vec<FrameAddress>,
    /// What is subtracted: the sample's own or the series'.
    pub background: Option<Background>,
    /// Samples of one state are repeats of each other.
    pub state: Option<String>,
    /// Numbers that the series may be compared with.
    pub properties: BTreeMap<String, f64>,
}

/// Container and air, measured without the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    /// Absolute paths and patterns of its frames' files.
    pub patterns: Vec<String>,
    /// Its frames.
    pub frames: Vec<FrameAddress>,
    /// I = I_sample − scale · I_background.
    pub scale: f64,
    /// The run file's key: `background`, or `samples[2].background`.
    pub key: String,
}

/// From I(Q) on.
#[derive(Debug, Clone, PartialEq)]
pub struct PdfSettings {
    /// The sample's composition.
    pub composition: Composition,
    /// How S(Q) is made.
    pub structure: StructureSettings,
    /// How G(r) is made.
    pub transform: TransformSettings,
    /// What is measured.
    pub peaks: PeakSettings,
    /// What corrections are varied for σ_syst; `None` = none are.
    pub systematic: Option<SystematicSettings>,
    /// Whether the covariance of G is written.
    pub covariance: Covariance,
    /// What is fitted to G at low r before the analysis; `None` = nothing.
    pub low_r_fit: Option<LowRFitSettings>,
}

impl PdfSettings {
    /// Photon energy, where the way to S(Q) depends on it.
    pub fn energy_kev(&self) -> Option<f64> {
        match &self.structure {
            StructureSettings::Absolute(absolute) => Some(absolute.energy_kev),
            StructureSettings::PdfGetX3(_) => None,
        }
    }

    /// ρ0 in atoms per Å³ where G counts atoms: on an absolute scale, in Faber–Ziman's S(Q), with a density.
    pub fn density(&self) -> Option<f64> {
        match &self.structure {
            StructureSettings::Absolute(absolute) if absolute.form == Form::FaberZiman => {
                absolute.density_per_cubic_angstrom
            }
            StructureSettings::Absolute(_) | StructureSettings::PdfGetX3(_) => None,
        }
    }
}
