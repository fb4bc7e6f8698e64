//! Why a sample's anisotropy cannot be had.

use crate::structure::StructureError;

/// What stands against it.
#[derive(Debug, thiserror::Error)]
pub enum AnisotropyError {
    /// S of a sector.
    #[error("S(Q) of a sector: {0}")]
    Structure(#[from] StructureError),
    /// Sectors of another run.
    #[error("{found} sectors, the plan has {expected}")]
    Sectors {
        /// How many came.
        found: usize,
        /// How many were planned.
        expected: usize,
    },
    /// Too much of the ring is masked.
    #[error(
        "only {found} of {all} sectors have enough of the ring between Q = {low} and {high} Å⁻¹, which leaves the strain open; use wider sectors \
         (`anisotropy.azimuth_bins`), fold them, or choose another `anisotropy.q_range_inv_angstrom`"
    )]
    Coverage {
        /// Sectors with a strain.
        found: usize,
        /// All.
        all: usize,
        /// Q range.
        low: f64,
        /// Q range.
        high: f64,
    },
}
