//! The detector and its counting in a twin file.

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::schema::{Switch, Written, read};

/// `{centre_px: automatic, radius_px: 12, arm: {towards_deg: 90, width_px: 6}}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct BeamStopBlock {
    #[serde(default)]
    pub(in crate::config::twin) centre_px: Option<Centre>,
    pub(in crate::config::twin) radius_px: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) arm: Option<ArmBlock>,
}

/// A pixel position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::config::twin) enum Centre {
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
pub(in crate::config::twin) struct ArmBlock {
    /// 0 along the columns as their numbers rise, 90 along the rows.
    pub(in crate::config::twin) towards_deg: f64,
    pub(in crate::config::twin) width_px: f64,
}

/// `{count: 30, counts_per_s: 500, masked: off}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct HotPixelsBlock {
    pub(in crate::config::twin) count: u64,
    pub(in crate::config::twin) counts_per_s: f64,
    #[serde(default)]
    pub(in crate::config::twin) masked: Option<Switch>,
}

/// `{module_spread: 0.02, pixel_spread: 0.01}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct FlatBlock {
    pub(in crate::config::twin) module_spread: f64,
    pub(in crate::config::twin) pixel_spread: f64,
}

/// `{per_frame: 30, counts: [1000, 100000]}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct ZingersBlock {
    /// Mean number of hits.
    pub(in crate::config::twin) per_frame: f64,
    /// Least and most counts of one.
    pub(in crate::config::twin) counts: [f64; 2],
}

/// From intensity to counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config::twin) struct CountingBlock {
    pub(in crate::config::twin) exposure_s: Option<f64>,
    /// Counts per second in a pixel at normal incidence for one electron unit per atom.
    pub(in crate::config::twin) counts_per_electron_unit_s: Option<f64>,
    /// Counts per pixel and frame that no beam makes.
    pub(in crate::config::twin) constant_counts: Option<f64>,
    /// Standard deviation of the flux from frame to frame, relative to 1.
    pub(in crate::config::twin) beam_spread: Option<f64>,
    /// Absent: no monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) monitor_counts_per_s: Option<f64>,
    /// Where the counter ends.
    pub(in crate::config::twin) saturated_counts: Option<u64>,
    /// Poisson draws, or the expected counts themselves.
    pub(in crate::config::twin) noise: Option<Switch>,
}
