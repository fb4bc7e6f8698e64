//! What counting makes of all points of G together.

use rayon::prelude::*;

use super::TransformPlan;
use super::product::products;
use crate::structure::StructureFactor;

/// Whether cov(G(r), G(r′)) is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covariance {
    /// Only its diagonal, as σ.
    Diagonal,
    /// All of it.
    Full,
}

/// The most points of r of which all pairs are taken: half a GiB.
pub const MOST_COVARIANT_POINTS: usize = 8192;

/// Places in r at which [`footprint_factor`] is evaluated: sin²x/x² bends by 2/3 at most, and x = r·N·ΔQ/2 stays below 5, so that
/// straight lines between them are within 5e-4.
const KNOTS: usize = 65;

impl TransformPlan {
    /// cov(G_i, G_j) in Å⁻⁴ of the plan's n values of r, n × n in row order: Σ_k ⟨∂G_i/∂e⟩_k ⟨∂G_j/∂e⟩_k σ_k², e the errors of the
    /// measured points with the scale known, the fitted scale and constant moving with them \[E11a\], and ⟨⟩ the mean over what a
    /// pixel covers \[E4c\].
    pub fn covariance(&self, structure: &StructureFactor) -> Vec<f64> {
        self.covariance_at(&(0..self.r().len()).collect::<Vec<usize>>(), structure)
    }

    /// [`TransformPlan::covariance`] of some of the values of r, by their indices.
    pub fn covariance_at(&self, indices: &[usize], structure: &StructureFactor) -> Vec<f64> {
        let grid = self.f_grid();
        let rows: Vec<Vec<f64>> =
            indices.par_iter().map(|index| grid.scattered(self.row(*index).to_vec(), structure)).collect();
        let vectors: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let columns = vectors.first().map_or(0, |row| row.len());
        products(&rows.concat(), columns, &vectors).concat()
    }
}

/// By how much σ² of G at each r is smaller than with independent points: all bins of a pixel move together, and sin Qr turns
/// within it. With N_k the bins that a pixel covers at Q_k, of the width ΔQ, the mean of the gradient over them \[E4c\] is that at
/// their middle times sin x/x, x = r·N_k·ΔQ/2; the factor is the mean of its square with the weights `share` (ΔQ·W·σ_F)².
/// `None` where no pixel covers more than one bin.
pub(super) fn footprint_factor(
    r: &[f64],
    step: f64,
    footprint: &[f64],
    share: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    if footprint.iter().all(|bins| *bins <= 1.0) {
        return None;
    }
    let shares: Vec<f64> = (0..footprint.len()).map(share).collect();
    let total: f64 = shares.iter().sum();
    let (first, last) = (r[0], r[r.len() - 1]);
    let interval = (last - first) / (KNOTS - 1) as f64;
    let knot = |index: usize| {
        let r = first + index as f64 * interval;
        let squared = |bins: f64| {
            let x = 0.5 * r * bins * step;
            // 1 − x²/3: below 1e-4 rounding is larger than what follows.
            if x < 1e-4 { 1.0 - x * x / 3.0 } else { (x.sin() / x).powi(2) }
        };
        // One bin is what the curve is given on: its own width is no loss.
        let sum: f64 = footprint
            .iter()
            .zip(&shares)
            .map(|(bins, share)| share * if *bins > 1.0 { squared(*bins) } else { 1.0 })
            .sum();
        if total > 0.0 { sum / total } else { 1.0 }
    };
    let knots: Vec<f64> = (0..KNOTS).map(knot).collect();
    let between = |r: &f64| {
        let place = (r - first) / interval;
        let lower = (place as usize).min(KNOTS - 2);
        let part = place - lower as f64;
        knots[lower] * (1.0 - part) + knots[lower + 1] * part
    };
    Some(r.iter().map(between).collect())
}
