//! The run file word for word. Every key is optional here; what must be there is judged when the meaning is checked.

mod analysis;
mod exports;
mod filter;
mod instrument;
mod json;
mod series;
mod written;

use schemars::JsonSchema;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use analysis::{
    CoordinationNumberKeys, FluorescenceWord, FormWord, IntegrationBlock, LowQWord, LowRWord,
    NormalizationWord, NormalizeWord, PdfBlock, PdfMode, PeakChoice, PeaksBlock, SplittingWord, UnitWord,
    WindowWord,
};
pub use exports::{ExportsBlock, NexusName, PatternFormatWord};
pub use filter::{ErrorModelWord, FilterKeys, SigmaClipBlock, TrimmedMeanBlock};
pub use instrument::{
    AbsorptionBlock, AbsorptionShapeWord, BeamBlock, BeamStop, CalibrateKeys, CorrectionsBlock, DeadTimeKeys,
    DeadTimeWord, DetectorBlock, GeometryBlock, GeometryKeys, MaskBlock, MultipleScatteringWord, PixelSize,
    SensorBlock,
};
pub use json::run_file_schema;
pub use series::{AnisotropyBlock, OutliersWord, SeriesBlock, SubPeakShapeWord, SubPeaksBlock};
pub use written::{EngineNames, OffOr, Patterns, PlanCacheKeys, Switch};
pub(crate) use written::{Written, read};

/// A whole run file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunFile {
    /// Output folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Results in formats of other programs.
    pub exports: ExportsBlock,
    /// auto, gpu, all, cpu, part of an adapter's name, or several of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineNames>,
    /// Memory that a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_gib: Option<f64>,
    /// Whether and where integration plans are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_cache: Option<OffOr<PlanCacheKeys>>,
    /// The X-ray beam.
    pub beam: BeamBlock,
    /// Name, or pixels and shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorBlock>,
    /// Placement of the detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<GeometryBlock>,
    /// Pixels left out of all frames.
    pub mask: MaskBlock,
    /// From counts to signal and norm.
    pub corrections: CorrectionsBlock,
    /// The radial axis.
    pub integration: IntegrationBlock,
    /// Parts of the ring.
    pub sectors: Vec<SectorBlock>,
    /// The map of azimuth and radial axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cake: Option<OffOr<CakeBlock>>,
    /// Subtracted from every sample that names none itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<OffOr<BackgroundBlock>>,
    /// Such as `Zr62 Cu15.5 Ni12.5 Al10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composition: Option<String>,
    /// S(Q) and G(r).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdf: Option<OffOr<PdfBlock>>,
    /// What is measured on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peaks: Option<PeaksBlock>,
    /// The first peak of G(r) as a sum of Gaussians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_peaks: Option<OffOr<SubPeaksBlock>>,
    /// What S(Q) does along the azimuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anisotropy: Option<OffOr<AnisotropyBlock>>,
    /// What is compared with what.
    pub series: SeriesBlock,
    /// The samples of the series.
    pub samples: Vec<SampleBlock>,
}

/// `- {name: X, centre_deg: 0, width_deg: 10, fold: true}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SectorBlock {
    /// Becomes part of file names.
    #[schemars(schema_with = "json::name")]
    pub name: String,
    /// Middle, χ as pyFAI has it.
    pub centre_deg: f64,
    /// Full width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_deg: Option<f64>,
    /// With the opposite side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Switch>,
}

/// `{azimuth_bins: 360, radial_bins: 1000, range: [0.5, 25], frames: off}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CakeBlock {
    /// Bins of a turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azimuth_bins: Option<u64>,
    /// Bins of the radial axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radial_bins: Option<u64>,
    /// Of the patterns' unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// One for each frame too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<Switch>,
}

/// `{frames: data/air_*.tif, scale: 1.0}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackgroundBlock {
    /// Measured without the sample.
    pub frames: Patterns,
    /// I = I_sample − scale · I_background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// `- {name: as-cast, frames: data/as_cast_*.tif}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleBlock {
    /// Becomes part of file names.
    #[schemars(schema_with = "json::name")]
    pub name: String,
    /// Paths or patterns.
    pub frames: Patterns,
    /// Its own, or `off`; absent: the series'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<OffOr<BackgroundBlock>>,
    /// Samples of one state are repeats of each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Numbers that the series may be compared with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, f64>,
}
