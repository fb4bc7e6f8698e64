//! The block of results in formats of other programs.

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};

use super::written::{OffOr, Written, read};

/// `{nexus: "{run}.nxs", patterns: [fxye, chi]}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportsBlock {
    /// The NeXus file of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nexus: Option<OffOr<NexusName>>,
    /// Formats that measured patterns are written in beside .xye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns: Option<Vec<PatternFormatWord>>,
}

/// Name of the NeXus file, as long as that is not `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NexusName {
    /// `on`: named after the run file.
    OfRun,
    /// A name in which `{run}` stands for that of the run file.
    Template(String),
}

impl Written for NexusName {
    const EXPECTED: &'static str = "`on`, `off` or a name such as \"{run}.nxs\"";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(if word == "on" { NexusName::OfRun } else { NexusName::Template(word.to_string()) })
    }

    fn flag<E: Error>(flag: bool) -> Result<Self, E> {
        if flag {
            Ok(NexusName::OfRun)
        } else {
            Err(E::invalid_type(Unexpected::Bool(flag), &Self::EXPECTED))
        }
    }
}

impl<'de> Deserialize<'de> for NexusName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for NexusName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            NexusName::OfRun => "on",
            NexusName::Template(name) => name,
        })
    }
}

/// Names of the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PatternFormatWord {
    /// GSAS.
    Fxye,
    /// Fit2D.
    Chi,
}
