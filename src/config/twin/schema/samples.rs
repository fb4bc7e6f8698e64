//! What is in the beam in a twin file.

use serde::{Deserialize, Serialize};

use super::StructureBlock;
use crate::config::schema::{OffOr, Switch};

/// What is in the beam beside the sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct SurroundingsBlock {
    #[serde(default)]
    pub(in crate::config::twin) frames: Option<u64>,
    #[serde(default)]
    pub(in crate::config::twin) composition: Option<String>,
    /// Atoms of it in the beam for one atom of a sample.
    pub(in crate::config::twin) atoms_per_sample_atom: f64,
    /// Scattering of slits and windows at Q = 0.
    #[serde(default)]
    pub(in crate::config::twin) halo_electron_units: Option<f64>,
    /// Q at which the halo has fallen to 1/e.
    #[serde(default)]
    pub(in crate::config::twin) halo_decay_inv_angstrom: Option<f64>,
    #[serde(default)]
    pub(in crate::config::twin) container: Option<OffOr<ContainerBlock>>,
}

/// One sample or calibrant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct TwinSampleBlock {
    pub(in crate::config::twin) name: String,
    #[serde(default)]
    pub(in crate::config::twin) frames: Option<u64>,
    pub(in crate::config::twin) structure: StructureBlock,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) composition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) density_atoms_per_cubic_angstrom: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) density_g_cm3: Option<f64>,
    #[serde(default)]
    pub(in crate::config::twin) counts_per_electron_unit_s: Option<f64>,
    #[serde(default)]
    pub(in crate::config::twin) background: Option<Switch>,
    #[serde(default)]
    pub(in crate::config::twin) fluorescence_electron_units: Option<f64>,
    #[serde(default)]
    pub(in crate::config::twin) anisotropy: Option<OffOr<AnisotropyBlock>>,
    #[serde(default)]
    pub(in crate::config::twin) bragg_spots: Option<OffOr<BraggSpotsBlock>>,
}

/// `{crystal: Ni, count: 12, counts_per_s: 800, fwhm_px: 1.5}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct BraggSpotsBlock {
    /// A name, or the path of a .yaml file.
    pub(in crate::config::twin) crystal: String,
    pub(in crate::config::twin) count: u64,
    /// Of each spot.
    pub(in crate::config::twin) counts_per_s: f64,
    #[serde(default)]
    pub(in crate::config::twin) fwhm_px: Option<f64>,
}

/// `{composition: Si O2, atoms_per_sample_atom: 0.3, s_of_q: silica.txt}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::twin) struct ContainerBlock {
    pub(in crate::config::twin) composition: String,
    /// Atoms of it in the beam for one atom of a sample.
    pub(in crate::config::twin) atoms_per_sample_atom: f64,
    /// A file of two columns; absent: free atoms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) s_of_q: Option<String>,
}

/// `{strain: 0.003, poisson_ratio: 0.36, load_axis_deg: 90, s2_of_q: s2.txt}`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config::twin) struct AnisotropyBlock {
    /// ε along the load axis.
    pub(in crate::config::twin) strain: Option<f64>,
    /// ν.
    pub(in crate::config::twin) poisson_ratio: Option<f64>,
    /// χ of the load axis.
    pub(in crate::config::twin) load_axis_deg: Option<f64>,
    /// A file of two columns, Q and S_2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config::twin) s2_of_q: Option<String>,
}
