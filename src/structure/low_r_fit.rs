//! Density and background scale from G = −4πρ0r below the first atoms, together with the scale \[E15a\].

use std::f64::consts::PI;

use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use super::normalization::{R_POINTS, Theory};
use super::polynomial::dot;
use super::{Fluorescence, StructureError};

/// What is free beside the scale and, where it is fitted, the constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LowRFree {
    /// ρ0.
    Density,
    /// The background's scale.
    Background,
    /// Both.
    DensityAndBackground,
}

/// A fitted number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FittedNumber {
    /// Best value.
    pub value: f64,
    /// Standard uncertainty from counting.
    pub sigma: f64,
}

/// What the low-r condition says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowRFit {
    /// ρ0 in atoms per Å³, where it was free.
    pub density: Option<FittedNumber>,
    /// By what the background's scale is to be multiplied, where it was free.
    pub background_factor: Option<FittedNumber>,
    /// ∫_0^R (G + 4πρ0r)² dr in Å⁻³ that is left, G through a Lorch window.
    pub chi2_inv_angstrom3: f64,
}

/// The columns of the least-squares problem: what one unit of each unknown makes of K[QI/|⟨f⟩|²].
enum Unknown {
    Scale,
    Constant,
    Density,
    Background,
}

impl Theory {
    /// K[QI/|⟨f⟩|²] = a(K[QT/|⟨f⟩|²] + K_0[Q]) − 4πr·(aρ0) + b·K[Qc/|⟨f⟩|²] + δ·K[QB/|⟨f⟩|²] at the points of r of \[E15\], with
    /// B what was subtracted: the scale to take is 1 + δ of the one used. Linear in all, without weights.
    ///
    /// # Errors
    /// Unknowns that the data do not tell apart, or a scale that is not positive.
    pub(super) fn fit_low_r(
        &self,
        free: LowRFree,
        r_max: f64,
        fluorescence: Fluorescence,
        [intensity, sigma, constant]: [&[f64]; 3],
        background: &[f64],
    ) -> Result<LowRFit, StructureError> {
        let mut unknowns = vec![Unknown::Scale];
        if fluorescence == Fluorescence::Fit {
            unknowns.push(Unknown::Constant);
        }
        let (density_free, background_free) = match free {
            LowRFree::Density => (true, false),
            LowRFree::Background => (false, true),
            LowRFree::DensityAndBackground => (true, true),
        };
        unknowns.extend(density_free.then_some(Unknown::Density));
        unknowns.extend(background_free.then_some(Unknown::Background));
        let condition = self.low_r_condition(r_max);
        let (r, rows) = (&condition.r, &condition.rows);
        let transformed = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| dot(row, values)).collect() };
        let slope: Vec<f64> = r.iter().map(|r| 4.0 * PI * r).collect();
        let column = |unknown: &Unknown| -> Vec<f64> {
            match unknown {
                Unknown::Scale if density_free => {
                    transformed(&self.free).iter().zip(&condition.below).map(|(free, b)| free - b).collect()
                }
                Unknown::Scale => condition.target(&transformed(&self.free), self.density),
                Unknown::Constant => transformed(constant),
                Unknown::Density => slope.iter().map(|slope| -slope).collect(),
                Unknown::Background => transformed(background),
            }
        };
        let columns: Vec<Vec<f64>> = unknowns.iter().map(column).collect();
        // Columns of one length, so that what is small is not taken for what is not there.
        let norms: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
        let design = DMatrix::from_fn(R_POINTS, columns.len(), |k, j| columns[j][k] / norms[j]);
        let normal = design.tr_mul(&design);
        let failed = |found| StructureError::Normalization { q_min: self.q[0], found };
        let solve = normal.cholesky().ok_or_else(|| failed(f64::NAN))?.solve(&design.transpose());
        let y = DVector::from_vec(transformed(intensity));
        let unit = &solve * &y;
        let rest = &y - &design * &unit;
        // What each point of I contributes to each unknown.
        let by_intensity = |j: usize| -> Vec<f64> {
            let of_point =
                |i: usize| (0..R_POINTS).map(|k| solve[(j, k)] * rows[k][i]).sum::<f64>() / norms[j];
            (0..self.q.len()).map(of_point).collect()
        };
        let spread =
            |gradient: &[f64]| gradient.iter().zip(sigma).map(|(g, s)| (g * s).powi(2)).sum::<f64>().sqrt();
        let scale = unit[0] / norms[0];
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(failed(scale));
        }
        let place = |wanted: fn(&Unknown) -> bool| unknowns.iter().position(wanted);
        let density = place(|u| matches!(u, Unknown::Density)).map(|j| {
            let density = unit[j] / norms[j] / scale;
            let (by_scale, by_product) = (by_intensity(0), by_intensity(j));
            let gradient: Vec<f64> =
                by_product.iter().zip(&by_scale).map(|(p, a)| (p - density * a) / scale).collect();
            FittedNumber { value: density, sigma: spread(&gradient) }
        });
        let background_factor = place(|u| matches!(u, Unknown::Background))
            .map(|j| FittedNumber { value: 1.0 + unit[j] / norms[j], sigma: spread(&by_intensity(j)) });
        let step = r_max / R_POINTS as f64;
        let chi2_inv_angstrom3 = step * rest.norm_squared() / (scale * scale);
        Ok(LowRFit { density, background_factor, chi2_inv_angstrom3 })
    }
}
