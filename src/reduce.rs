//! The plan of a run from I(Q) to the peak table: normalisation, transform, peak search.

use crate::config::PdfSettings;
use crate::output::{Table, weights_csv};
use crate::pdf::{TransformError, TransformPlan};
use crate::peaks::{PeakError, PeakPlan};
use crate::quality::QualityPlan;
use crate::scattering::{ScatteringError, partial_weights};
use crate::structure::{StructureError, StructurePlan, StructureSettings};
use crate::systematic::SystematicPlan;

/// All that depends on the Q axis only, made once for a run.
#[derive(Debug, Clone)]
pub struct ReductionPlan {
    /// I(Q) → S(Q), F(Q).
    pub structure: StructurePlan,
    /// F(Q) → G(r).
    pub transform: TransformPlan,
    /// S(Q), G(r) → peaks.
    pub peaks: PeakPlan,
    /// S(Q), G(r) → figures of quality.
    pub quality: QualityPlan,
    /// The same done otherwise; `None` = it is not asked for.
    pub systematic: Option<SystematicPlan>,
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
        let peaks = PeakPlan::new(&settings.peaks, settings.density(), &transform)?;
        let quality = QualityPlan::new(settings, structure.f_grid());
        let systematic = match (&settings.structure, settings.systematic) {
            (StructureSettings::Absolute(absolute), Some(systematic)) => {
                let (transform, composition) = (&settings.transform, &settings.composition);
                Some(SystematicPlan::new(systematic, &structure, absolute, transform, composition, q))
            }
            (StructureSettings::PdfGetX3(_), _) | (_, None) => None,
        };
        Ok(ReductionPlan { structure, transform, peaks, quality, systematic })
    }

    /// The partial weights on the points of F, as a table; `None` where the mode has none.
    ///
    /// # Errors
    /// What the tables do not hold.
    pub fn weights(&self, settings: &PdfSettings) -> Result<Option<Table>, ScatteringError> {
        let Some(energy_kev) = settings.energy_kev() else { return Ok(None) };
        let q = self.structure.f_grid().q();
        Ok(Some(weights_csv(q, &partial_weights(&settings.composition, energy_kev, q)?)))
    }
}
