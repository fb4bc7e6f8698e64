//! Blocks of the instrument: beam, detector, geometry, mask, corrections.

use schemars::JsonSchema;
use std::collections::BTreeMap;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize, Serializer};

use super::written::{OffOr, Patterns, Switch, Written, read};
use crate::geometry::calibrate::FrameTilts;

/// `{energy_kev: 112, polarization: 0.99}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BeamBlock {
    /// Photon energy; this or the wavelength.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_kev: Option<f64>,
    /// Wavelength.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wavelength_angstrom: Option<f64>,
    /// f of \[E3\]: 1 horizontal, −1 vertical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarization: Option<f64>,
}

/// `{name: Pilatus CdTe 2M, orientation: 3}`, or pixels and shape.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorBlock {
    /// A known detector, or with `pixel_um` and `shape` what to call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 1 to 4 as in .poni files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<u64>,
    /// One number, or [slow, fast].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_um: Option<PixelSize>,
    /// [rows, columns].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<[u64; 2]>,
    /// What the photons are stopped in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<SensorBlock>,
}

/// Pixel size (slow, fast) in µm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PixelSize(pub [f64; 2]);

impl Written for PixelSize {
    const EXPECTED: &'static str = "a number or a list of two numbers [slow, fast]";

    fn number<E: Error>(number: f64) -> Result<Self, E> {
        Ok(PixelSize([number, number]))
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let values = Vec::<f64>::deserialize(SeqAccessDeserializer::new(list))?;
        let count = values.len();
        values.try_into().map(PixelSize).map_err(|_| A::Error::invalid_length(count, &Self::EXPECTED))
    }
}

impl<'de> Deserialize<'de> for PixelSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// `{material: CdTe, density_g_cm3: 5.85, thickness_mm: 1.0}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SensorBlock {
    /// Chemical formula.
    pub material: String,
    /// Density.
    pub density_g_cm3: f64,
    /// Thickness.
    pub thickness_mm: f64,
}

/// `geometry: ceo2.poni`, or a block.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct GeometryBlock(pub GeometryKeys);

/// `{poni: ceo2.poni}`, or a distance with the point of normal incidence or the beam centre.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeometryKeys {
    /// A .poni file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poni: Option<String>,
    /// Sample to detector; this or `distance_mm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
    /// Sample to detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_mm: Option<f64>,
    /// Point of normal incidence along the slow axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poni1_m: Option<f64>,
    /// Point of normal incidence along the fast axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poni2_m: Option<f64>,
    /// First rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rot1_rad: Option<f64>,
    /// Second rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rot2_rad: Option<f64>,
    /// Third rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rot3_rad: Option<f64>,
    /// [column, row] where the beam meets a detector that stands upright to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_centre_px: Option<[f64; 2]>,
    /// Pixels that are off the grid, as a calibration found them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displacement_px: Option<BTreeMap<String, f64>>,
    /// A calibrant's frame that `halor check` tests the placement with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrant: Option<CalibrantKeys>,
    /// Found from the frame of a calibrant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrate: Option<CalibrateKeys>,
}

/// `{frame: ceo2.tif, name: CeO2}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrantKeys {
    /// The calibrant's frame.
    pub frame: String,
    /// Its name, or its file.
    pub name: String,
}

/// `{frame: ceo2.tif, calibrant: CeO2}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrateKeys {
    /// The calibrant's frame.
    pub frame: String,
    /// Its name, or its file.
    pub calibrant: String,
    /// A .poni file to begin with and to compare with.
    #[serde(default)]
    pub guess: Option<String>,
    /// Nominal distance along the beam, to compare with.
    #[serde(default)]
    pub distance_mm: Option<f64>,
    /// Frames of other placements of the detector, which are refined with it.
    #[serde(default)]
    pub other_frames: Vec<String>,
    /// Which frames have one tilt.
    #[serde(default)]
    pub tilts: Option<FrameTilts>,
    /// Whether the wavelength is fitted.
    #[serde(default)]
    pub fit_wavelength: Option<Switch>,
    /// Whether smooth distortion is looked for.
    #[serde(default)]
    pub distortion: Option<Switch>,
    /// Whether moved modules are looked for.
    #[serde(default)]
    pub modules: Option<Switch>,
}

impl Written for GeometryBlock {
    const EXPECTED: &'static str = "the path of a .poni file or a block of keys";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(GeometryBlock(GeometryKeys { poni: Some(word.to_string()), ..GeometryKeys::default() }))
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        GeometryKeys::deserialize(MapAccessDeserializer::new(block)).map(GeometryBlock)
    }
}

impl<'de> Deserialize<'de> for GeometryBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// Static mask.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskBlock {
    /// Mask files, joined.
    pub files: Vec<String>,
    /// A disc around the beam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_stop: Option<BeamStop>,
    /// More discs.
    pub circles_px: Vec<BeamStop>,
    /// Corners [column, row] of closed polygons.
    pub polygons_px: Vec<Vec<[f64; 2]>>,
    /// Counts at and above this are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturated_counts: Option<f64>,
}

/// `{centre_px: [737.2, 840.1], radius_px: 22}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeamStop {
    /// [column, row].
    pub centre_px: [f64; 2],
    /// Radius.
    pub radius_px: f64,
}

/// Detector corrections.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CorrectionsBlock {
    /// Dark frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dark: Option<OffOr<Patterns>>,
    /// Flat field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flat: Option<OffOr<String>>,
    /// A number of seconds, or `{model: …, tau_s: …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_time_s: Option<OffOr<DeadTimeKeys>>,
    /// \[E2\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solid_angle: Option<Switch>,
    /// \[E3\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarization: Option<Switch>,
    /// \[E5\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensor: Option<Switch>,
    /// Air between sample and detector along the beam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub air_path_mm: Option<OffOr<f64>>,
    /// The sample's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absorption: Option<OffOr<AbsorptionBlock>>,
    /// What is scattered twice in the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiple_scattering: Option<OffOr<MultipleScatteringWord>>,
    /// \[E6\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallax: Option<Switch>,
}

/// `{shape: slab, thickness_mm: 1.0, density_g_cm3: 6.7}` or
/// `{shape: cylinder, diameter_mm: 2.0, mu_inv_cm: 4.2, axis_deg: 90, beam_mm: 0.5}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsorptionBlock {
    /// Which of the keys below belong to it.
    pub shape: AbsorptionShapeWord,
    /// Of a slab, along the beam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thickness_mm: Option<f64>,
    /// Of a cylinder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diameter_mm: Option<f64>,
    /// χ of a cylinder's axis, which stands across the beam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis_deg: Option<f64>,
    /// Width of the beam across a cylinder's axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beam_mm: Option<f64>,
    /// Mass density, with the composition; this or the coefficient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density_g_cm3: Option<f64>,
    /// Attenuation coefficient at the beam's energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mu_inv_cm: Option<f64>,
    /// What holds the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerBlock>,
}

/// `{wall_mm: 0.01, material: SiO2, density_g_cm3: 2.2}` or `{wall_mm: 0.01, mu_inv_cm: 0.4}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerBlock {
    /// Of each window or of the capillary.
    pub wall_mm: f64,
    /// Formula, with the mass density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<String>,
    /// Mass density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density_g_cm3: Option<f64>,
    /// Attenuation coefficient at the beam's energy; this or the material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mu_inv_cm: Option<f64>,
}

/// What is done about what is scattered twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MultipleScatteringWord {
    /// It is told how much it is.
    Estimate,
    /// It is subtracted.
    Subtract,
}

/// Names of the shapes of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbsorptionShapeWord {
    /// Across the beam.
    Slab,
    /// Its axis across the beam.
    Cylinder,
}

/// How the detector is blind after a photon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeadTimeKeys {
    /// How counts are lost.
    pub model: DeadTimeWord,
    /// τ.
    pub tau_s: f64,
}

/// `{model: paralyzable, tau_s: 1.2e-7}`
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadTimeBlock {
    model: DeadTimeWord,
    tau_s: f64,
}

/// Names of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadTimeWord {
    /// Photons in the dead time are not noticed.
    NonParalyzable,
    /// They prolong it.
    Paralyzable,
}

impl Written for DeadTimeKeys {
    const EXPECTED: &'static str =
        "a number of seconds or `{model: non_paralyzable | paralyzable, tau_s: …}`";

    fn number<E: Error>(tau_s: f64) -> Result<Self, E> {
        Ok(DeadTimeKeys { model: DeadTimeWord::NonParalyzable, tau_s })
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        let DeadTimeBlock { model, tau_s } = DeadTimeBlock::deserialize(MapAccessDeserializer::new(block))?;
        Ok(DeadTimeKeys { model, tau_s })
    }
}

impl<'de> Deserialize<'de> for DeadTimeKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for DeadTimeKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DeadTimeBlock { model: self.model, tau_s: self.tau_s }.serialize(serializer)
    }
}
