//! The plan: everything that depends on the Q axis only.

use super::absolute::Absolute;
use super::f_grid::{FGrid, averaged};
use super::low_r_fit::{LowRFit, LowRFree};
use super::multiple::TwiceScattered;
use super::pdfgetx3::PdfGetX3;
use super::resample::{Resample, Resampled};
use super::scatter::{Fitted, Scatter};
use super::{Normalization, StructureError, StructureFactor, StructureSettings};
use crate::integrate::Pattern;
use crate::scattering::Composition;

/// From I(Q) to S(Q) for patterns on one Q axis.
#[derive(Debug, Clone)]
pub struct StructurePlan {
    pub(super) resample: Resample,
    pub(super) grid: FGrid,
    recipe: Recipe,
}

#[derive(Debug, Clone)]
enum Recipe {
    Absolute(Absolute),
    PdfGetX3(PdfGetX3),
}

impl StructurePlan {
    /// `q`: the points of the patterns in Å⁻¹, rising. Points that are not equally spaced are interpolated.
    ///
    /// # Errors
    /// Settings that do not fit the axis; composition, energy or Q outside the tables.
    pub fn new(
        settings: &StructureSettings,
        composition: &Composition,
        q: &[f64],
    ) -> Result<StructurePlan, StructureError> {
        Ok(match settings {
            StructureSettings::Absolute(settings) => {
                let (absolute, resample, grid) = Absolute::plan(settings, composition, q)?;
                StructurePlan { resample, grid, recipe: Recipe::Absolute(absolute) }
            }
            StructureSettings::PdfGetX3(settings) => {
                let (pdfgetx3, resample, grid) = PdfGetX3::plan(settings, composition, q)?;
                StructurePlan { resample, grid, recipe: Recipe::PdfGetX3(pdfgetx3) }
            }
        })
    }

    /// This plan with another way to the scale; the polynomial, which is what takes long, stays. `None` where there are too few points
    /// for it, or in the PDFgetX3 mode.
    pub(crate) fn with_normalization(&self, normalization: Normalization) -> Option<StructurePlan> {
        let mut plan = self.clone();
        match &mut plan.recipe {
            Recipe::Absolute(absolute) => absolute.set_normalization(normalization).ok()?,
            Recipe::PdfGetX3(_) => return None,
        }
        Some(plan)
    }

    /// Where F is given, and the linear way to it.
    pub fn f_grid(&self) -> &FGrid {
        &self.grid
    }

    /// What is scattered twice in the sample; `None` where its shape is not known.
    pub fn twice_scattered(&self) -> Option<TwiceScattered> {
        match &self.recipe {
            Recipe::Absolute(absolute) => absolute.twice(),
            Recipe::PdfGetX3(_) => None,
        }
    }

    /// Q and I of a pattern on the m points that S is made on.
    ///
    /// # Errors
    /// A pattern of another length, or with holes that are too wide.
    pub fn resampled(&self, pattern: &Pattern) -> Result<(Vec<f64>, Vec<f64>), StructureError> {
        Ok((self.resample.q.clone(), self.resample.take(pattern)?.intensity))
    }

    /// Density, background scale or both from G = −4πρ0r for r < `r_max`, together with scale and constant \[E15a\]; `background` is
    /// what was subtracted in the pattern, on its points.
    ///
    /// # Errors
    /// As [`StructurePlan::apply`]; a relative scale; unknowns that the data do not tell apart.
    pub fn fit_low_r(
        &self,
        pattern: &Pattern,
        background: Option<&[f64]>,
        free: LowRFree,
        r_max: f64,
    ) -> Result<LowRFit, StructureError> {
        let Recipe::Absolute(absolute) = &self.recipe else {
            let (found, expected) = ("pdfgetx3".to_owned(), "absolute: a relative scale has no density");
            return Err(StructureError::Setting { name: "the mode", found, expected });
        };
        let subtracted = background.map_or_else(|| vec![0.0; pattern.radial.len()], <[f64]>::to_vec);
        let subtracted = Pattern { intensity: subtracted, ..pattern.clone() };
        let (measured, subtracted) = (self.resample.take(pattern)?, self.resample.take(&subtracted)?);
        absolute.fit_low_r(&measured, &subtracted.intensity, free, r_max)
    }

    /// S(Q) and F(Q) of one pattern. Up to five empty bins in a row are bridged by a straight line.
    ///
    /// # Errors
    /// A pattern of another length, with wider holes, or one that does not follow the scattering of free atoms.
    pub fn apply(&self, pattern: &Pattern) -> Result<StructureFactor, StructureError> {
        self.of(self.resample.take(pattern)?)
    }

    /// As [`StructurePlan::apply`], with I averaged once more over what a pixel covers: it differs from it by what the first
    /// such average, that of the detector, has done, to first order.
    ///
    /// # Errors
    /// As [`StructurePlan::apply`].
    pub fn apply_blurred(&self, pattern: &Pattern) -> Result<StructureFactor, StructureError> {
        let mut measured = self.resample.take(pattern)?;
        measured.intensity = averaged(&measured.intensity, &measured.footprint);
        self.of(measured)
    }

    fn of(&self, measured: Resampled) -> Result<StructureFactor, StructureError> {
        let normalized = match &self.recipe {
            Recipe::Absolute(absolute) => absolute.normalize(&measured)?,
            Recipe::PdfGetX3(pdfgetx3) => pdfgetx3.normalize(&measured)?,
        };
        let times_q = |values: Vec<f64>| -> Vec<f64> {
            values.iter().zip(&self.resample.q).map(|(value, q)| value * q).collect()
        };
        let measured_f = times_q(normalized.excess);
        let uncorrected_f = self.grid.extend(&measured_f);
        let f = self.grid.complete(&measured_f);
        let measured_sigma = times_q(normalized.sigma);
        let (f_sigma, final_sigma) = self.grid.complete_sigma(&measured_sigma);
        let variance: Vec<f64> = measured_sigma.iter().map(|sigma| sigma * sigma).collect();
        let of_f = |of_s: Fitted| Fitted {
            gradient: of_s.gradient.iter().zip(&self.resample.q).map(|(gradient, q)| gradient / q).collect(),
            response: times_q(of_s.response),
        };
        let fitted = normalized.fitted.into_iter().map(of_f).collect();
        let scatter = Scatter::new(fitted, &variance, &self.grid);
        let q = self.grid.q.clone();
        let s = f.iter().zip(&q).map(|(f, q)| 1.0 + f / q).collect();
        let vectors: Vec<&[f64]> = scatter.vectors().collect();
        let with_scale =
            |i: usize| final_sigma[i].powi(2) + scatter.added_variance(|vector| vectors[vector][i]);
        let sigma = (0..q.len()).map(|i| with_scale(i).max(0.0).sqrt() / q[i]).collect();
        let (scale, constant) = (normalized.scale, normalized.constant);
        let footprint = measured.footprint;
        Ok(StructureFactor {
            q,
            s,
            sigma,
            f,
            uncorrected_f,
            level: normalized.level,
            f_sigma,
            footprint,
            scatter,
            scale,
            constant,
        })
    }
}
