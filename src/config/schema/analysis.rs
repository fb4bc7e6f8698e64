//! Blocks of the analysis: integration, pdf, peaks.

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::filter::FilterKeys;
use super::written::{OffOr, Switch, Written, read};

/// The radial axis.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IntegrationBlock {
    /// Which axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitWord>,
    /// [lower, upper] in that unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Number of bins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bins: Option<u64>,
    /// Pixel splitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub splitting: Option<SplittingWord>,
    /// What is done about pixels that do not belong to their ring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<OffOr<FilterKeys>>,
    /// What makes frames comparable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize_by: Option<NormalizeWord>,
    /// Exposure that replaces the header's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_s: Option<f64>,
}

/// Names of the radial axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitWord {
    /// Q.
    QInvAngstrom,
    /// 2θ.
    TwoThetaDeg,
    /// d.
    DAngstrom,
}

/// Names of the ways to split pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplittingWord {
    /// Not at all.
    None,
    /// By the bounding box.
    BoundingBox,
    /// By the area.
    Full,
}

/// Names of the ways to normalize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormalizeWord {
    /// By nothing.
    None,
    /// By the exposure time.
    Exposure,
    /// By the monitor.
    Monitor,
}

/// S(Q) and G(r).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PdfBlock {
    /// absolute or pdfgetx3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<PdfMode>,
    /// Number density; this or the mass density.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density_atoms_per_cubic_angstrom: Option<f64>,
    /// Mass density.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density_g_cm3: Option<f64>,
    /// [Qmin, Qmax].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q_range_inv_angstrom: Option<[f64; 2]>,
    /// Where the scale comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization: Option<NormalizationWord>,
    /// Which S(Q).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure_factor: Option<FormWord>,
    /// Steps at distances without atoms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_r_iterations: Option<u64>,
    /// What is fitted to G at low r.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit_low_r: Option<OffOr<LowRWord>>,
    /// Start of the normalisation window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization_q_min_inv_angstrom: Option<f64>,
    /// Constant beside the scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fluorescence: Option<FluorescenceWord>,
    /// Weight of the transform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowWord>,
    /// r limit of the polynomial, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_poly_angstrom: Option<OffOr<f64>>,
    /// No pair of atoms is closer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_hole_angstrom: Option<f64>,
    /// Between Q = 0 and Qmin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_q: Option<LowQWord>,
    /// Last Q of the polynomial fit of the mode pdfgetx3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qmaxinst_inv_angstrom: Option<f64>,
    /// Whether corrections are varied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systematic: Option<Switch>,
    /// How well the background's scale is known, relative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_scale_sigma_percent: Option<f64>,
    /// Whether the covariance of G is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Switch>,
    /// First and last r.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_range_angstrom: Option<[f64; 2]>,
    /// Distance of neighbouring r.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_step_angstrom: Option<f64>,
}

/// Names of the ways from I(Q) to S(Q).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PdfMode {
    /// Electron units.
    Absolute,
    /// That program's algorithm.
    PdfGetX3,
}

/// Names of the ways to a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormalizationWord {
    /// Least squares at high Q.
    HighQ,
    /// Krogh-Moe and Norman.
    KroghMoe,
    /// Least squares at low r.
    LowR,
}

/// Names of what is fitted at low r.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LowRWord {
    /// ρ0.
    Density,
    /// The background's scale.
    Background,
    /// Both.
    Both,
}

/// Names of the structure factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormWord {
    /// Faber and Ziman's.
    FaberZiman,
    /// Ashcroft and Langreth's.
    AshcroftLangreth,
    /// As GSAS-II has it.
    Gsas2,
}

/// Whether a constant is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FluorescenceWord {
    /// Fitted.
    Fit,
    /// Zero.
    None,
}

/// Names of the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowWord {
    /// W = 1.
    None,
    /// Lorch.
    Lorch,
    /// Soper and Barney.
    SoperBarney,
    /// Cosine.
    Cosine,
}

/// Names of the extensions to Q = 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LowQWord {
    /// a + bQ² + cQ⁴.
    Quartic,
    /// a + bQ².
    Parabola,
    /// a.
    Constant,
    /// F = 0.
    Zero,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeaksBlock {
    /// Of S(Q).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_of_q: Option<PeakChoice>,
    /// Of G(r).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub g_of_r: Option<PeakChoice>,
    /// The shell that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordination_number: Option<OffOr<CoordinationNumberKeys>>,
}

/// How many peaks, or a window for each.
#[derive(Debug, Clone, PartialEq)]
pub enum PeakChoice {
    /// The first n.
    First(u64),
    /// Name and [low, high] of each, in order.
    Windows(Vec<(String, [f64; 2])>),
}

impl Written for PeakChoice {
    const EXPECTED: &'static str = "how many peaks, or windows such as `{r1: [2.2, 3.6]}`";

    fn whole<E: Error>(number: i64) -> Result<Self, E> {
        u64::try_from(number)
            .map(PeakChoice::First)
            .map_err(|_| E::invalid_type(Unexpected::Signed(number), &Self::EXPECTED))
    }

    fn block<'de, A: MapAccess<'de>>(mut block: A) -> Result<Self, A::Error> {
        let mut windows = Vec::new();
        while let Some(window) = block.next_entry()? {
            windows.push(window);
        }
        Ok(PeakChoice::Windows(windows))
    }
}

impl<'de> Deserialize<'de> for PeakChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for PeakChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PeakChoice::First(count) => serializer.serialize_u64(*count),
            PeakChoice::Windows(windows) => {
                let mut map = serializer.serialize_map(Some(windows.len()))?;
                for (name, window) in windows {
                    map.serialize_entry(name, window)?;
                }
                map.end()
            }
        }
    }
}

/// `r1`, or `{peak: r1, limits_angstrom: [2.0, 3.6]}`
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoordinationNumberKeys {
    /// Name of the peak of G(r).
    pub peak: String,
    /// From where to where atoms are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits_angstrom: Option<[f64; 2]>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinationNumberBlock {
    peak: String,
    limits_angstrom: Option<[f64; 2]>,
}

impl Written for CoordinationNumberKeys {
    const EXPECTED: &'static str = "the name of a peak of G(r), or `{peak: r1, limits_angstrom: [2.0, 3.6]}`";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(CoordinationNumberKeys { peak: word.to_string(), limits_angstrom: None })
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        let CoordinationNumberBlock { peak, limits_angstrom } =
            CoordinationNumberBlock::deserialize(MapAccessDeserializer::new(block))?;
        Ok(CoordinationNumberKeys { peak, limits_angstrom })
    }
}

impl<'de> Deserialize<'de> for CoordinationNumberKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}
