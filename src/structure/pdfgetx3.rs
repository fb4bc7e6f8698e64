//! The algorithm of PDFgetX3 (P. Juhás, T. Davis, C. L. Farrow and S. J. L. Billinge, J. Appl. Cryst. 46, 560 (2013)).
//!
//! Its scale is relative: no Compton scattering is subtracted and the intensity is scaled to ⟨f²⟩ over the whole range,
//! so that heights and areas are too small (0.68 of the truth on exact data of a glass, 0.16 on CeO2).

use std::f64::consts::PI;

use super::f_grid::{FGrid, RadialRule};
use super::polynomial::{Projection, dot};
use super::resample::{Resample, Resampled, kept_points};
use super::scatter::Fitted;
use super::{PdfGetX3Settings, StructureError};
use crate::scattering::{Composition, FreeAtoms};

/// Part of a step by which a computed index may miss a whole number.
const ROUNDING: f64 = 1e-6;

/// What is known of a pattern before it is measured.
#[derive(Debug, Clone)]
pub(super) struct PdfGetX3 {
    /// ⟨f⟩², m points.
    mean_f_squared: Vec<f64>,
    /// t = ⟨f²⟩/⟨f⟩², m points.
    ratio: Vec<f64>,
}

impl PdfGetX3 {
    /// Q_j = jΔQ with ΔQ the mean step of the points in [qmin, qmaxinst]; polynomial of degree
    /// rpoly·(Q_last − Q_first)/π over all of it; transformed up to qmax.
    ///
    /// # Errors
    /// Settings that do not fit the axis, an element outside the tables.
    pub(super) fn plan(
        settings: &PdfGetX3Settings,
        composition: &Composition,
        axis: &[f64],
    ) -> Result<(PdfGetX3, Resample, FGrid), StructureError> {
        let PdfGetX3Settings { qmin, qmax, qmaxinst, rpoly } = *settings;
        let wrong = |name, found: f64, expected| {
            Err(StructureError::Setting { name, found: found.to_string(), expected })
        };
        if !(qmin >= 0.0 && qmin.is_finite()) {
            return wrong("qmin", qmin, "0 Å⁻¹ or more");
        }
        if !(qmax > qmin && qmax.is_finite()) {
            return wrong("qmax", qmax, "more than qmin");
        }
        if !(qmaxinst >= qmax && qmaxinst.is_finite()) {
            return wrong("qmaxinst", qmaxinst, "qmax or more");
        }
        if !(rpoly > 0.0 && rpoly.is_finite()) {
            return wrong("rpoly", rpoly, "a positive length in Å");
        }
        let kept = kept_points(axis, qmin, qmaxinst)?;
        let (first, last) = (axis[kept.start], axis[kept.end - 1]);
        let step = (last - first) / (kept.len() - 1) as f64;
        let start = (qmin / step - ROUNDING).ceil().max(1.0) as usize;
        let end = (last / step + ROUNDING).floor() as usize;
        let q: Vec<f64> = (start..=end).map(|j| j as f64 * step).collect();
        let atoms = FreeAtoms::without_dispersion(composition, &q)?;
        let ratio = atoms.mean_square_f.iter().zip(&atoms.mean_f_squared).map(|(a, b)| a / b).collect();
        let degree = rpoly * (q[q.len() - 1] - q[0]) / PI;
        let polynomial = Projection::new(&q, degree, &vec![0.0; q.len()], None)?;
        let width = q.iter().map(|q| if *q <= qmax + ROUNDING * step { step } else { 0.0 }).collect();
        let resample = Resample::onto(axis, kept, q.clone(), step);
        let grid = FGrid {
            q,
            width,
            q_max: qmax,
            rule: RadialRule::FourierGrid { q_step: step },
            polynomial: Some(polynomial),
            extension: None,
        };
        Ok((PdfGetX3 { mean_f_squared: atoms.mean_f_squared, ratio }, resample, grid))
    }

    /// y = I/⟨f⟩², a = Σyt/Σy², S − 1 = ay − t.
    ///
    /// # Errors
    /// An intensity that is zero everywhere.
    pub(super) fn normalize(
        &self,
        measured: &Resampled,
    ) -> Result<super::absolute::Normalized, StructureError> {
        let y: Vec<f64> = measured.intensity.iter().zip(&self.mean_f_squared).map(|(i, f)| i / f).collect();
        let square = dot(&y, &y);
        let scale = dot(&y, &self.ratio) / square;
        if !scale.is_finite() {
            return Err(StructureError::Normalization { q_min: 0.0, found: 1.0 / scale });
        }
        let excess = y.iter().zip(&self.ratio).map(|(y, t)| scale * y - t).collect();
        let sigma =
            measured.sigma.iter().zip(&self.mean_f_squared).map(|(s, f)| scale.abs() * s / f).collect();
        // ∂a/∂y = (t − 2ay)/Σy², and y carries a into S − 1.
        let gradient =
            y.iter().zip(&self.ratio).map(|(y, t)| (t - 2.0 * scale * y) / (square * scale)).collect();
        let fitted = vec![Fitted { response: y, gradient }];
        Ok(super::absolute::Normalized {
            excess,
            sigma,
            fitted,
            scale,
            constant: 0.0,
            level: self.ratio.clone(),
        })
    }
}
