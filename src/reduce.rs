//! The plan of a run from I(Q) to the peak table: normalisation, transform, peak search.

use crate::config::PdfSettings;
use crate::pdf::{TransformError, TransformPlan};
use crate::peaks::{PeakError, PeakPlan};
use crate::structure::{StructureError, StructurePlan, StructureSettings};

/// All that depends on the Q axis only, made once for a run.
#[derive(Debug, Clone)]
pub struct ReductionPlan {
    /// I(Q) → S(Q), F(Q).
    pub structure: StructurePlan,
    /// F(Q) → G(r).
    pub transform: TransformPlan,
    /// S(Q), G(r) → peaks.
    pub peaks: PeakPlan,
}

/// Which part of the plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReductionPlanError {
    /// S(Q).
    #[error(transparent)]
    Structure(#[from] StructureError),
    /// G(r).
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// Peaks.
    #[error(transparent)]
    Peaks(#[from] PeakError),
}

impl ReductionPlan {
    /// For patterns on the points `q` in Å⁻¹, rising.
    ///
    /// # Errors
    /// Settings that contradict each other or the Q axis.
    pub fn new(settings: &PdfSettings, q: &[f64]) -> Result<ReductionPlan, ReductionPlanError> {
        let structure = StructurePlan::new(&settings.structure, &settings.composition, q)?;
        let transform = TransformPlan::new(&settings.transform, structure.f_grid())?;
        let density = match &settings.structure {
            StructureSettings::Absolute(absolute) => absolute.density_per_cubic_angstrom,
            StructureSettings::PdfGetX3(_) => None, // Its scale is relative: atoms cannot be counted.
        };
        let peaks = PeakPlan::new(&settings.peaks, density, &transform)?;
        Ok(ReductionPlan { structure, transform, peaks })
    }
}
