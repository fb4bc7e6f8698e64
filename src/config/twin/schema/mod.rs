//! The twin file word for word. Blocks of the same name are those of the run file.

mod instrument;
mod samples;
mod structure;

use serde::{Deserialize, Serialize};

use crate::config::schema::{
    BeamBlock, DetectorBlock, GeometryBlock, IntegrationBlock, OffOr, PdfBlock, PeaksBlock, SectorBlock,
    Switch,
};
pub(super) use instrument::*;
pub(super) use samples::*;
pub(super) use structure::*;

/// A whole twin file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TwinFile {
    /// Output folder.
    pub(super) output: Option<String>,
    /// Of all that is drawn.
    pub(super) seed: Option<u64>,
    pub(super) beam: BeamBlock,
    pub(super) detector: Option<DetectorBlock>,
    pub(super) geometry: Option<GeometryBlock>,
    /// A pixel is averaged over n × n points.
    pub(super) oversampling: Option<u64>,
    pub(super) format: Option<FormatWord>,
    pub(super) beam_stop: Option<OffOr<BeamStopBlock>>,
    pub(super) dead_pixels: Option<u64>,
    pub(super) hot_pixels: Option<OffOr<HotPixelsBlock>>,
    pub(super) flat: Option<OffOr<FlatBlock>>,
    /// Whether photons are stopped in the depth of the sensor.
    pub(super) parallax: Option<Switch>,
    /// Air between sample and detector along the beam.
    pub(super) air_path_mm: Option<OffOr<f64>>,
    pub(super) zingers: Option<OffOr<ZingersBlock>>,
    /// Frames without beam.
    pub(super) dark_frames: Option<u64>,
    pub(super) counting: CountingBlock,
    pub(super) background: Option<OffOr<SurroundingsBlock>>,
    pub(super) samples: Vec<TwinSampleBlock>,
    pub(super) integration: IntegrationBlock,
    pub(super) sectors: Vec<SectorBlock>,
    pub(super) pdf: Option<OffOr<PdfBlock>>,
    pub(super) peaks: Option<PeaksBlock>,
}

/// File formats of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FormatWord {
    /// Pilatus TIFF.
    Tiff,
    /// All frames of a sample in one TIFF file.
    TiffStack,
    /// mini-CBF.
    Cbf,
}
