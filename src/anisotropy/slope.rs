//! The derivative of a noisy curve.

use nalgebra::DMatrix;

/// Half of the width in Å⁻¹ that a slope is taken over. S of atoms within 10 Å, which is what its first peaks are made of, keeps its
/// slope to 1e-4; bins of 0.01 Å⁻¹ average their noise.
const HALF_WIDTH: f64 = 0.12;
/// The polynomial's degree, and the fewest points to each side for it.
const DEGREE: usize = 6;
const FEWEST: usize = 4;

/// dy/dx at equally spaced points by local polynomials (Savitzky & Golay, Anal. Chem. 36 (1964) 1627); NaN at the ends, and where a
/// point within the width is missing.
pub(super) fn slope(x: &[f64], y: &[f64]) -> Vec<f64> {
    if x.len() < 2 * FEWEST + 1 {
        return vec![f64::NAN; x.len()];
    }
    let step = (x[x.len() - 1] - x[0]) / (x.len() - 1) as f64;
    let half = ((HALF_WIDTH / step).round() as usize).max(FEWEST);
    let design = DMatrix::from_fn(2 * half + 1, DEGREE + 1, |row, power| {
        ((row as f64 - half as f64) / half as f64).powi(power as i32)
    });
    // The normal matrix of a polynomial with as many points is never singular.
    let Some(inverse) = design.tr_mul(&design).cholesky().map(|factor| factor.inverse()) else {
        return vec![f64::NAN; x.len()];
    };
    let weights: Vec<f64> =
        (inverse * design.transpose()).row(1).iter().map(|w| w / (half as f64 * step)).collect();
    (0..x.len())
        .map(|k| {
            if k < half || k + half >= x.len() {
                return f64::NAN;
            }
            y[k - half..=k + half].iter().zip(&weights).map(|(y, w)| y * w).sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_what_atoms_within_ten_angstrom_scatter() {
        let q: Vec<f64> = (0..400).map(|k| 1.0 + 0.0109 * f64::from(k)).collect();
        for r in [2.7, 5.0, 10.0] {
            let s: Vec<f64> = q.iter().map(|q| (q * r).sin()).collect();
            for (k, found) in slope(&q, &s).iter().enumerate().filter(|(_, found)| found.is_finite()) {
                assert!((found - r * (q[k] * r).cos()).abs() < 2e-4 * r, "{r} {k}");
            }
        }
        let mut holed = q.clone();
        holed[200] = f64::NAN;
        assert!(slope(&q, &holed)[195].is_nan() && slope(&q, &holed)[150].is_finite());
    }
}
