//! Blocks of the comparison: anisotropy and series.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::Switch;

/// `{azimuth_bins: 36, fold: on, load_axis_deg: 90}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnisotropyBlock {
    /// Sectors of a whole turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azimuth_bins: Option<u64>,
    /// With the opposite side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<Switch>,
    /// χ of the load axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_axis_deg: Option<f64>,
    /// Where shifts are taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q_range_inv_angstrom: Option<[f64; 2]>,
    /// The sample that the mean strain is against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// `{reference: as-cast, outliers: flag}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesBlock {
    /// The sample that the others are compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Of verdicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_percent: Option<f64>,
    /// What becomes of frames that are unlike the others of their sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<OutliersWord>,
}

/// `{r_range_angstrom: [2.0, 3.9], most: 3}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubPeaksBlock {
    /// From before the first atoms to the minimum behind the first peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_range_angstrom: Option<[f64; 2]>,
    /// The most Gaussians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// What they may look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<SubPeakShapeWord>,
}

/// Names of what they may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubPeakShapeWord {
    /// Gaussians.
    Gaussian,
    /// Gaussians, and skewed ones beside them.
    GaussianOrSkewed,
}

/// Names of what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutliersWord {
    /// They are not looked for.
    Keep,
    /// They are named.
    Flag,
    /// They are named and not in the sample's sum.
    LeaveOut,
}
