//! The block `integration.filter`: `median`, `sigma_clip`, `trimmed_mean`, or one of the latter two with its keys.

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess};
use serde::{Deserialize, Serialize};

use super::written::{Written, read};

/// What is done about pixels that do not belong to their ring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterKeys {
    /// Pixels far from the mean are left out.
    SigmaClip(SigmaClipBlock),
    /// The median.
    Median,
    /// The mean of the middle.
    TrimmedMean(TrimmedMeanBlock),
}

/// `{threshold: 5, iterations: 5, error_model: poisson}`
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SigmaClipBlock {
    /// In standard deviations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// What a standard deviation is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_model: Option<ErrorModelWord>,
}

/// `{quantiles: [0.1, 0.9]}`
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrimmedMeanBlock {
    /// Lower and upper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<[f64; 2]>,
}

/// Names of the two standard deviations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorModelWord {
    /// Of counting.
    Poisson,
    /// Along the ring.
    Azimuthal,
}

/// The keys of a block, one of which must be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterBlock {
    sigma_clip: Option<SigmaClipBlock>,
    trimmed_mean: Option<TrimmedMeanBlock>,
}

const NAMES: &[&str] = &["sigma_clip", "median", "trimmed_mean"];

impl Written for FilterKeys {
    const EXPECTED: &'static str = "`off`, `median`, `sigma_clip`, `trimmed_mean`, `{sigma_clip: {threshold: …, iterations: …, error_model: …}}` \
                                    or `{trimmed_mean: {quantiles: [0.1, 0.9]}}`";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        match word {
            "median" => Ok(FilterKeys::Median),
            "sigma_clip" => Ok(FilterKeys::SigmaClip(SigmaClipBlock::default())),
            "trimmed_mean" => Ok(FilterKeys::TrimmedMean(TrimmedMeanBlock::default())),
            _ => Err(E::unknown_variant(word, NAMES)),
        }
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        let FilterBlock { sigma_clip, trimmed_mean } =
            FilterBlock::deserialize(MapAccessDeserializer::new(block))?;
        match (sigma_clip, trimmed_mean) {
            (Some(clip), None) => Ok(FilterKeys::SigmaClip(clip)),
            (None, Some(trimmed)) => Ok(FilterKeys::TrimmedMean(trimmed)),
            (Some(_), Some(_)) | (None, None) => Err(A::Error::custom("expected one filter")),
        }
    }
}

impl<'de> Deserialize<'de> for FilterKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}
