//! Structures in a twin file.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::schema::{Written, read};

/// One of four kinds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config::twin) struct StructureBlock {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) glass: Option<GlassBlock>,
    /// A name, or the path of a .yaml file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) crystal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) atoms: Option<AtomsBlock>,
    /// A file of two columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) s_of_q: Option<String>,
}

/// `as-cast`, `aged`, or keys that go before those of the preset.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub(in crate::config::twin) struct GlassBlock(pub(in crate::config::twin) GlassKeys);

/// Hard spheres, broadened, and shells.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config::twin) struct GlassKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) preset: Option<GlassWord>,
    pub(in crate::config::twin) sigma_angstrom: Option<f64>,
    pub(in crate::config::twin) broadening_angstrom: Option<f64>,
    pub(in crate::config::twin) shells: Option<Vec<ShellBlock>>,
}

/// Glasses that come with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config::twin) enum GlassWord {
    /// Zr-based, as cast.
    AsCast,
    /// The same, relaxed.
    Aged,
}

/// `{delta_n: 0.9, r_angstrom: 2.72, s_angstrom: 0.11}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct ShellBlock {
    pub(in crate::config::twin) delta_n: f64,
    pub(in crate::config::twin) r_angstrom: f64,
    pub(in crate::config::twin) s_angstrom: f64,
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
pub(in crate::config::twin) struct AtomsBlock {
    /// Extended XYZ or a LAMMPS text dump.
    pub(in crate::config::twin) file: String,
    #[serde(default)]
    pub(in crate::config::twin) frames: Option<FramesChoice>,
    /// Elements of the LAMMPS types 1, 2 …
    #[serde(default)]
    pub(in crate::config::twin) type_elements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) r_max_angstrom: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) dr_angstrom: Option<f64>,
    #[serde(default)]
    pub(in crate::config::twin) window: Option<RWindowWord>,
}

/// Which frames of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config::twin) enum FramesChoice {
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
pub(in crate::config::twin) enum RWindowWord {
    None,
    Lorch,
}
