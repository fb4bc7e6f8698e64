//! What a run computes before its first frame: static mask, dark, flat, the plans.

use std::path::PathBuf;
use std::sync::Arc;

use crate::anisotropy::AnisotropyPlan;
use crate::config::{Config, MaskSettings, MaskShape};
use crate::correct::{Dark, SignalModel, pixel_norm, unusable};
use crate::frame::{self, FrameError, Mask, Shape};
use crate::geometry::Detector;
use crate::integrate::{IntegrationPlan, Pattern, PlanError, PlanSpec};
use crate::pipeline::Plans;
use crate::reduce::{ReductionPlan, ReductionPlanError};

/// Plans and what they were made of.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The plans.
    pub plans: Plans,
    /// Pixels that are left out of every frame.
    pub masked_pixels: usize,
    /// What the sample leaves of the light of its container in each bin of each region, A_c,sc/A_c,c \[E7b\]; `None` without one.
    pub container_behind_sample: Option<Vec<f64>>,
}

impl Prepared {
    /// The background as it is in the sample's frames: weakened where it is that of a container.
    pub fn behind_sample(&self, background: &Pattern, region: usize) -> Pattern {
        let Some(factors) = &self.container_behind_sample else { return background.clone() };
        let factors = &factors[region * background.radial.len()..];
        let times =
            |values: &[f64]| values.iter().zip(factors).map(|(value, factor)| value * factor).collect();
        Pattern {
            intensity: times(&background.intensity),
            sigma: times(&background.sigma),
            sigma_as_independent: times(&background.sigma_as_independent),
            ..background.clone()
        }
    }
}

/// Mean of a number of each pixel over the bins of a plan, weighted as intensities are.
fn over_bins(plan: &IntegrationPlan, of_pixels: &[f64]) -> Vec<f64> {
    let (mut sum, mut weights) = (vec![0.0; plan.accumulator_len()], vec![0.0; plan.accumulator_len()]);
    for (pixel, norm) in plan.norm.iter().enumerate() {
        for (bin, weight) in plan.entries(pixel) {
            sum[bin] += weight * norm * of_pixels[pixel];
            weights[bin] += weight * norm;
        }
    }
    sum.iter().zip(&weights).map(|(sum, weight)| if *weight > 0.0 { sum / weight } else { 1.0 }).collect()
}

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A mask, dark or flat file.
    #[error(transparent)]
    File(#[from] FrameError),
    /// A mask, dark or flat of another size.
    #[error("{path}: {what} is {found} pixels (rows × columns), the detector has {expected}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Mask, dark or flat.
        what: &'static str,
        /// Its size.
        found: Shape,
        /// The detector's.
        expected: Shape,
    },
    /// Nothing is left to integrate.
    #[error(
        "the masks leave no pixel of the detector `{0}`; a mask file may mark good pixels instead of bad ones"
    )]
    AllMasked(String),
    /// No pixel that is not masked has a norm.
    #[error(
        "flat field and corrections leave no pixel of the detector `{0}` with a positive norm; look at the flat field"
    )]
    NoNorm(String),
    /// The integration plan.
    #[error("integration: {0}")]
    Plan(#[from] PlanError),
    /// S(Q), G(r) or peaks.
    #[error("pdf: {0}")]
    Reduction(#[from] ReductionPlanError),
}

/// Builds the plans of a run.
///
/// # Errors
/// A mask, dark or flat that cannot be read or does not fit; settings that contradict the geometry.
pub fn prepare(config: &Config) -> Result<Prepared, PrepareError> {
    let shape = config.geometry.detector.shape;
    let flat = match (&config.corrections.absorption, flat(config, shape)?) {
        (Some(absorption), flat) => Some(absorption.times_flat(&config.geometry, flat.as_deref())),
        (None, flat) => flat,
    };
    let mut mask = static_mask(&config.mask, &config.geometry.detector)?;
    let detector = || config.geometry.detector.name.clone();
    if mask.count_bad() == shape.pixels() {
        return Err(PrepareError::AllMasked(detector()));
    }
    let norm = pixel_norm(&config.geometry, &config.corrections.factors, flat.as_deref());
    mask.join(&Mask { shape, bad: unusable(&norm) })?;
    let masked_pixels = mask.count_bad();
    if masked_pixels == shape.pixels() {
        return Err(PrepareError::NoNorm(detector()));
    }
    let signal = SignalModel {
        dark: dark(config, shape)?,
        dead_time: config.corrections.dead_time,
        saturated_counts: config.corrections.saturated_counts,
    };
    let integration = Arc::new(IntegrationPlan::build(PlanSpec {
        geometry: config.geometry.clone(),
        unit: config.integration.unit,
        bins: config.integration.bins,
        regions: config.all_regions(),
        splitting: config.integration.splitting,
        filter: config.integration.filter,
        mask: &mask,
        corrections: config.corrections.factors.clone(),
        flat,
        signal,
        norm,
    })?);
    let reduction = match &config.pdf {
        Some(settings) => Some(ReductionPlan::new(settings, &integration.bins.centres())?),
        None => None,
    };
    let anisotropy = anisotropy_plan(config, reduction.as_ref());
    let ratio = config.corrections.absorption.and_then(|it| it.container_behind_sample(&config.geometry));
    let container_behind_sample = ratio.map(|ratio| over_bins(&integration, &ratio));
    Ok(Prepared {
        plans: Plans { integration, reduction, anisotropy },
        masked_pixels,
        container_behind_sample,
    })
}

fn anisotropy_plan(config: &Config, reduction: Option<&ReductionPlan>) -> Option<AnisotropyPlan> {
    let (settings, pdf, reduction) = (config.anisotropy.as_ref()?, config.pdf.as_ref()?, reduction?);
    Some(AnisotropyPlan::new(
        settings.clone(),
        config.geometry.poni.wavelength_angstrom,
        pdf.density(),
        pdf.transform,
        reduction.structure.f_grid().q_max(),
        config.series.confidence,
    ))
}

/// Gaps, mask files and shapes, joined.
pub(crate) fn static_mask(settings: &MaskSettings, detector: &Detector) -> Result<Mask, PrepareError> {
    let shape = detector.shape;
    let mut mask = Mask { shape, bad: detector.gap_mask() };
    for path in &settings.files {
        let other = Mask::read(path)?;
        if other.shape != shape {
            return Err(PrepareError::Shape {
                path: path.clone(),
                what: "mask",
                found: other.shape,
                expected: shape,
            });
        }
        mask.join(&other)?;
    }
    for area in &settings.shapes {
        match area {
            MaskShape::Circle { centre_px, radius_px } => mask.add_circle(*centre_px, *radius_px),
            MaskShape::Polygon { corners_px } => mask.add_polygon(corners_px),
        }
    }
    Ok(mask)
}

fn flat(config: &Config, shape: Shape) -> Result<Option<Vec<f32>>, PrepareError> {
    let Some(path) = &config.corrections.flat else { return Ok(None) };
    let (found, values) = frame::read_array(path)?;
    if found != shape {
        return Err(PrepareError::Shape { path: path.clone(), what: "flat field", found, expected: shape });
    }
    Ok(Some(values))
}

/// The mean of the dark frames, and its variance by counting: Σc/n².
///
/// A pixel that is flagged in some dark frames is averaged over the others; one flagged in all has dark 0, since the
/// detector flags it in the sample's frames too.
fn dark(config: &Config, shape: Shape) -> Result<Option<Dark>, PrepareError> {
    if config.corrections.dark.is_empty() {
        return Ok(None);
    }
    let mut sum = vec![0.0f64; shape.pixels()];
    let mut frames = vec![0u32; shape.pixels()];
    for address in &config.corrections.dark {
        let loaded = frame::read(address)?;
        if loaded.frame.shape != shape {
            return Err(PrepareError::Shape {
                path: address.path.clone(),
                what: "dark frame",
                found: loaded.frame.shape,
                expected: shape,
            });
        }
        for (pixel, count) in loaded.frame.counts.to_f64().into_iter().enumerate() {
            if count.is_finite() && count >= 0.0 {
                sum[pixel] += count;
                frames[pixel] += 1;
            }
        }
    }
    let mean = |power: i32| {
        sum.iter().zip(&frames).map(|(s, n)| (s / f64::from((*n).max(1)).powi(power)) as f32).collect()
    };
    Ok(Some(Dark { counts: mean(1), variance: mean(2) }))
}
