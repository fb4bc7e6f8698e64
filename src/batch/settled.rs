//! Samples whose density or background scale is fitted at low r: each goes on with a plan of its own.

use crate::config::PdfSettings;
use crate::integrate::RING;
use crate::low_r::{LowRFound, Subtracted};
use crate::pipeline::{BackgroundPattern, Patterns, Plans, StageError};
use crate::reduce::{ReductionPlan, ReductionPlanError};

use super::reduction::Subject;

/// Why a sample's fit or the plan with its density cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SettleError {
    #[error("fit at low r: {0}")]
    Stage(#[from] StageError),
    #[error("with the density found at low r: {0}")]
    Plan(#[from] ReductionPlanError),
}

/// What was found for a sample, and what it goes on with.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) found: LowRFound,
    pub(super) settings: PdfSettings,
    /// With the density found; `None` = that of the run.
    pub(super) plan: Option<ReductionPlan>,
    pub(super) background_scale: Option<f64>,
    pub(super) warnings: Vec<String>,
}

/// Fits to the ring of a sample's sum, and puts the scale found into the patterns of all regions; `None` where nothing is to be fitted.
pub(super) fn settle(
    subject: &Subject<'_>,
    patterns: &mut [Patterns],
    settings: &PdfSettings,
    plans: &Plans,
) -> Result<Option<Settled>, SettleError> {
    let (Some(asked), Some(plan)) = (settings.low_r_fit, &plans.reduction) else { return Ok(None) };
    let regions = &plans.integration.regions;
    let Some(ring) = regions.iter().position(|region| region.name == RING) else { return Ok(None) };
    let subtracted = subject.background.map(|background| {
        let all = patterns[ring].measured.intensity.iter().zip(&patterns[ring].subtracted.intensity);
        (all.map(|(all, rest)| all - rest).collect::<Vec<f64>>(), background.scale)
    });
    let background = subtracted.as_ref().map(|(intensity, scale)| Subtracted { intensity, scale: *scale });
    let found = LowRFound::new(asked, &patterns[ring].subtracted, background, &plan.structure)
        .map_err(StageError::from)?;
    let background_scale = found.background_scale.map(|scale| scale.value);
    if let (Some(scale), Some(BackgroundPattern { patterns: backgrounds, .. })) =
        (background_scale, subject.background)
    {
        for (patterns, background) in patterns.iter_mut().zip(backgrounds.iter()) {
            patterns.subtracted = patterns.measured.subtract(background, scale).map_err(StageError::from)?;
        }
    }
    let taken_on = found.taken_on(settings);
    let own_plan = match found.density_atoms_per_cubic_angstrom {
        Some(_) => Some(ReductionPlan::new(&taken_on, &plans.integration.bins.centres())?),
        None => None,
    };
    let warnings = found.warnings(settings.density(), subject.background.map(|background| background.scale));
    Ok(Some(Settled { found, settings: taken_on, plan: own_plan, background_scale, warnings }))
}
