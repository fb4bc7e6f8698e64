//! The whole way from counts to peaks, on one screen: an [`Engine`](crate::engine::Engine) makes the sums of a frame, [`patterns`]
//! makes I(Q) of them, [`reduce`] S(Q), G(r) and the peaks.

use std::sync::Arc;

use rayon::iter::Either;
use rayon::prelude::*;

use crate::anisotropy::AnisotropyPlan;
use crate::integrate::{Accumulators, Cake, IntegrationPlan, Pattern, PatternError};
use crate::pdf::{Pdf, TransformError};
use crate::peaks::{PeakError, PeakTable};
use crate::quality::Quality;
use crate::reduce::ReductionPlan;
use crate::structure::{StructureError, StructureFactor};
use crate::systematic::{Nominal, Systematic};

/// All that is computed once and then applied to every frame.
#[derive(Debug, Clone)]
pub struct Plans {
    /// Counts → I(Q) of every region.
    pub integration: Arc<IntegrationPlan>,
    /// I(Q) → S(Q) → G(r) → peaks; `None` = integrate only.
    pub reduction: Option<ReductionPlan>,
    /// S(Q) along the azimuth; `None` = not asked for.
    pub anisotropy: Option<AnisotropyPlan>,
}

/// What is subtracted: I = I_measured − scale · I_background.
#[derive(Debug, Clone)]
pub struct BackgroundPattern {
    /// One pattern per region of the plan.
    pub patterns: Arc<Vec<Pattern>>,
    /// Its cake, where the plan has one.
    pub cake: Option<Arc<Cake>>,
    /// Factor.
    pub scale: f64,
}

/// The patterns of one region of a frame or of a sample.
#[derive(Debug, Clone)]
pub struct Patterns {
    /// As measured.
    pub measured: Pattern,
    /// Less the background; as measured where there is none.
    pub subtracted: Pattern,
}

/// The cake of a frame or of a sample.
#[derive(Debug, Clone)]
pub struct Cakes {
    /// As measured.
    pub measured: Cake,
    /// Less the background, where there is one.
    pub subtracted: Option<Cake>,
}

/// From I(Q) on.
#[derive(Debug, Clone)]
pub struct Reduced {
    /// S(Q) and F(Q).
    pub structure: StructureFactor,
    /// G(r).
    pub pdf: Pdf,
    /// r1 … r4, areas, coordination number.
    pub peaks: PeakTable,
    /// Whether they can be what they should be.
    pub quality: Quality,
}

/// Which stage failed, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Background.
    #[error("background: {0}")]
    Background(#[from] PatternError),
    /// S(Q).
    #[error("S(Q): {0}")]
    Structure(#[from] StructureError),
    /// G(r).
    #[error("G(r): {0}")]
    Transform(#[from] TransformError),
    /// Peaks.
    #[error("peaks: {0}")]
    Peaks(#[from] PeakError),
}

/// The sums of a frame or sample → I(Q) of one region, with and without the background.
///
/// # Errors
/// A background on another axis.
pub fn patterns(
    sums: &Accumulators,
    region: usize,
    plans: &Plans,
    background: Option<&BackgroundPattern>,
) -> Result<Patterns, StageError> {
    let measured = sums.pattern(&plans.integration, region);
    let subtracted = match background {
        Some(background) => measured.subtract(&background.patterns[region], background.scale)?,
        None => measured.clone(),
    };
    Ok(Patterns { measured, subtracted })
}

/// The sums of a frame or sample → its cake, with and without the background; `None` where the plan has none.
///
/// # Errors
/// A background on other axes.
pub fn cakes(
    sums: &Accumulators,
    plans: &Plans,
    background: Option<&BackgroundPattern>,
) -> Result<Option<Cakes>, StageError> {
    let Some(measured) = sums.cake(&plans.integration) else { return Ok(None) };
    let background = background.and_then(|background| Some((background.cake.as_ref()?, background.scale)));
    let subtracted = background.map(|(cake, scale)| measured.subtract(cake, scale)).transpose()?;
    Ok(Some(Cakes { measured, subtracted }))
}

/// I(Q) → S(Q) → G(r) → peaks.
///
/// # Errors
/// The first stage that fails.
pub fn reduce(pattern: &Pattern, plan: &ReductionPlan) -> Result<Reduced, StageError> {
    reduce_all(&[pattern], plan).remove(0)
}

/// σ of what is `reduced` of a pattern from the choices of the analysis; `None` where the plan varies none. `background` is what was
/// subtracted in the pattern.
///
/// # Errors
/// A variation without S(Q).
pub fn systematic(
    reduced: &Reduced,
    pattern: &Pattern,
    background: Option<&[f64]>,
    plan: &ReductionPlan,
) -> Result<Option<Systematic>, StageError> {
    let Some(variations) = &plan.systematic else { return Ok(None) };
    let nominal = Nominal {
        structure_plan: &plan.structure,
        peak_plan: &plan.peaks,
        pdf: &reduced.pdf,
        peaks: &reduced.peaks,
    };
    Ok(Some(variations.apply(pattern, background, nominal)?))
}

/// I(Q) → S(Q) → G(r) → peaks of many patterns; each gives its results or the first stage that fails.
pub fn reduce_all(patterns: &[&Pattern], plan: &ReductionPlan) -> Vec<Result<Reduced, StageError>> {
    let (structures, failed): (Vec<_>, Vec<_>) =
        patterns.par_iter().enumerate().partition_map(|(i, pattern)| match plan.structure.apply(pattern) {
            Ok(structure) => Either::Left((i, structure)),
            Err(error) => Either::Right((i, Err(StageError::from(error)))),
        });
    let to_transform: Vec<&StructureFactor> = structures.iter().map(|(_, structure)| structure).collect();
    let pdfs = match plan.transform.apply_all(&to_transform) {
        Ok(pdfs) => pdfs,
        Err(error) => return patterns.iter().map(|_| Err(error.clone().into())).collect(),
    };
    let measure = |((i, structure), pdf): ((usize, StructureFactor), Pdf)| {
        let peaks = plan.peaks.measure(&structure, &pdf, &plan.transform);
        let quality = plan.quality.judge(&structure);
        (i, peaks.map_err(StageError::from).map(|peaks| Reduced { structure, pdf, peaks, quality }))
    };
    let mut all: Vec<(usize, Result<Reduced, StageError>)> =
        structures.into_par_iter().zip(pdfs).map(measure).collect();
    all.extend(failed);
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, result)| result).collect()
}
