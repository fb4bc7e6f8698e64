//! The twin file word for word. Blocks of the same name are those of the run file.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::schema::{
    BeamBlock, DetectorBlock, GeometryBlock, IntegrationBlock, OffOr, PdfBlock, PeaksBlock, SectorBlock,
    Switch, Written, read,
};

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
    /// mini-CBF.
    Cbf,
}

/// `{centre_px: automatic, radius_px: 12, arm: {towards_deg: 90, width_px: 6}}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BeamStopBlock {
    #[serde(default)]
    pub(super) centre_px: Option<Centre>,
    pub(super) radius_px: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arm: Option<ArmBlock>,
}

/// A pixel position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Centre {
    /// Where the beam meets the detector.
    Automatic,
    /// [column, row].
    At([f64; 2]),
}

impl Written for Centre {
    const EXPECTED: &'static str = "`automatic` or [column, row]";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        match word {
            "automatic" => Ok(Centre::Automatic),
            _ => Err(E::unknown_variant(word, &["automatic"])),
        }
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let values = Vec::<f64>::deserialize(SeqAccessDeserializer::new(list))?;
        let count = values.len();
        values.try_into().map(Centre::At).map_err(|_| A::Error::invalid_length(count, &Self::EXPECTED))
    }
}

impl<'de> Deserialize<'de> for Centre {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for Centre {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Centre::Automatic => serializer.serialize_str("automatic"),
            Centre::At(centre) => centre.serialize(serializer),
        }
    }
}

/// The arm that holds the beam stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArmBlock {
    /// 0 along the columns as their numbers rise, 90 along the rows.
    pub(super) towards_deg: f64,
    pub(super) width_px: f64,
}

/// `{count: 30, counts_per_s: 500, masked: off}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HotPixelsBlock {
    pub(super) count: u64,
    pub(super) counts_per_s: f64,
    #[serde(default)]
    pub(super) masked: Option<Switch>,
}

/// `{module_spread: 0.02, pixel_spread: 0.01}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlatBlock {
    pub(super) module_spread: f64,
    pub(super) pixel_spread: f64,
}

/// From intensity to counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CountingBlock {
    pub(super) exposure_s: Option<f64>,
    /// Counts per second in a pixel at normal incidence for one electron unit per atom.
    pub(super) counts_per_electron_unit_s: Option<f64>,
    /// Counts per pixel and frame that no beam makes.
    pub(super) constant_counts: Option<f64>,
    /// Where the counter ends.
    pub(super) saturated_counts: Option<u64>,
}

/// What is in the beam beside the sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SurroundingsBlock {
    #[serde(default)]
    pub(super) frames: Option<u64>,
    #[serde(default)]
    pub(super) composition: Option<String>,
    /// Atoms of it in the beam for one atom of a sample.
    pub(super) atoms_per_sample_atom: f64,
    /// Scattering of slits and windows at Q = 0.
    #[serde(default)]
    pub(super) halo_electron_units: Option<f64>,
    /// Q at which the halo has fallen to 1/e.
    #[serde(default)]
    pub(super) halo_decay_inv_angstrom: Option<f64>,
}

/// One sample or calibrant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TwinSampleBlock {
    pub(super) name: String,
    #[serde(default)]
    pub(super) frames: Option<u64>,
    pub(super) structure: StructureBlock,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) composition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) density_atoms_per_cubic_angstrom: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) density_g_cm3: Option<f64>,
    #[serde(default)]
    pub(super) counts_per_electron_unit_s: Option<f64>,
    #[serde(default)]
    pub(super) background: Option<Switch>,
    #[serde(default)]
    pub(super) fluorescence_electron_units: Option<f64>,
    #[serde(default)]
    pub(super) anisotropy: Option<OffOr<AnisotropyBlock>>,
}

/// `{strain: 0.003, poisson_ratio: 0.36, load_axis_deg: 90, s2_of_q: s2.txt}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AnisotropyBlock {
    /// ε along the load axis.
    pub(super) strain: Option<f64>,
    /// ν.
    pub(super) poisson_ratio: Option<f64>,
    /// χ of the load axis.
    pub(super) load_axis_deg: Option<f64>,
    /// A file of two columns, Q and S_2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s2_of_q: Option<String>,
}

/// One of four kinds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StructureBlock {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) glass: Option<GlassBlock>,
    /// A name, or the path of a .yaml file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crystal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) atoms: Option<AtomsBlock>,
    /// A file of two columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) s_of_q: Option<String>,
}

/// `as-cast`, `aged`, or keys that go before those of the preset.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub(super) struct GlassBlock(pub(super) GlassKeys);

/// Hard spheres, broadened, and shells.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GlassKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<GlassWord>,
    pub(super) sigma_angstrom: Option<f64>,
    pub(super) broadening_angstrom: Option<f64>,
    pub(super) shells: Option<Vec<ShellBlock>>,
}

/// Glasses that come with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GlassWord {
    /// Zr-based, as cast.
    AsCast,
    /// The same, relaxed.
    Aged,
}

/// `{delta_n: 0.9, r_angstrom: 2.72, s_angstrom: 0.11}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellBlock {
    pub(super) delta_n: f64,
    pub(super) r_angstrom: f64,
    pub(super) s_angstrom: f64,
}

impl Written for GlassBlock {
    const EXPECTED: &'static str = "`as-cast`, `aged` or a block of keys";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        let preset = match word {
            "as-cast" => GlassWord::AsCast,
            "aged" => GlassWord::Aged,
            _ => return Err(E::unknown_variant(word, &["as-cast", "aged"])),
        };
        Ok(GlassBlock(GlassKeys { preset: Some(preset), ..GlassKeys::default() }))
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        GlassKeys::deserialize(MapAccessDeserializer::new(block)).map(GlassBlock)
    }
}

impl<'de> Deserialize<'de> for GlassBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// Atoms in a periodic box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtomsBlock {
    /// Extended XYZ or a LAMMPS text dump.
    pub(super) file: String,
    #[serde(default)]
    pub(super) frames: Option<FramesChoice>,
    /// Elements of the LAMMPS types 1, 2 …
    #[serde(default)]
    pub(super) type_elements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) r_max_angstrom: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dr_angstrom: Option<f64>,
    #[serde(default)]
    pub(super) window: Option<RWindowWord>,
}

/// Which frames of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FramesChoice {
    Last,
    All,
    Index(u64),
}

impl Written for FramesChoice {
    const EXPECTED: &'static str = "`last`, `all` or the number of a frame, the first being 0";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        match word {
            "last" => Ok(FramesChoice::Last),
            "all" => Ok(FramesChoice::All),
            _ => Err(E::unknown_variant(word, &["last", "all"])),
        }
    }

    fn whole<E: Error>(number: i64) -> Result<Self, E> {
        u64::try_from(number)
            .map(FramesChoice::Index)
            .map_err(|_| E::invalid_type(Unexpected::Signed(number), &Self::EXPECTED))
    }
}

impl<'de> Deserialize<'de> for FramesChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for FramesChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            FramesChoice::Last => serializer.serialize_str("last"),
            FramesChoice::All => serializer.serialize_str("all"),
            FramesChoice::Index(index) => serializer.serialize_u64(*index),
        }
    }
}

/// Weight of g(r) − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RWindowWord {
    None,
    Lorch,
}
