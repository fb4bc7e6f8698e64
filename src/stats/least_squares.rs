//! Linear least squares with σ.

use nalgebra::{DMatrix, DVector};

/// Coefficients of columns, and how well they describe the points.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquares {
    /// One for each column.
    pub values: Vec<f64>,
    /// Their covariance from the points' σ.
    pub covariance: DMatrix<f64>,
    /// Σ (y − Σ c·column)²/σ².
    pub chi2: f64,
    /// Points less columns.
    pub freedom: usize,
}

/// y = Σ c_j column_j with the weights 1/σ²; points where anything is not finite, or σ not above 0, are left out. `None` where fewer
/// points than columns are left, or the columns are not independent.
pub fn least_squares(columns: &[&[f64]], y: &[f64], sigma: &[f64]) -> Option<LeastSquares> {
    let used = |k: &usize| {
        y[*k].is_finite()
            && sigma[*k].is_finite()
            && sigma[*k] > 0.0
            && columns.iter().all(|column| column[*k].is_finite())
    };
    let points: Vec<usize> = (0..y.len()).filter(used).collect();
    if points.len() < columns.len() {
        return None;
    }
    let design = DMatrix::from_fn(points.len(), columns.len(), |row, column| {
        columns[column][points[row]] / sigma[points[row]]
    });
    // Columns of unit length: what the solution can bear does not depend on their units.
    let lengths: Vec<f64> = design.column_iter().map(|column| column.norm()).collect();
    if lengths.contains(&0.0) {
        return None;
    }
    let unit =
        DMatrix::from_fn(points.len(), columns.len(), |row, column| design[(row, column)] / lengths[column]);
    let target = DVector::from_iterator(points.len(), points.iter().map(|k| y[*k] / sigma[*k]));
    let inverse = unit.tr_mul(&unit).cholesky()?.inverse();
    let solved = &inverse * unit.tr_mul(&target);
    let rest = &target - &unit * &solved;
    Some(LeastSquares {
        values: solved.iter().zip(&lengths).map(|(value, length)| value / length).collect(),
        covariance: DMatrix::from_fn(columns.len(), columns.len(), |i, j| {
            inverse[(i, j)] / (lengths[i] * lengths[j])
        }),
        chi2: rest.norm_squared(),
        freedom: points.len() - columns.len(),
    })
}

impl LeastSquares {
    /// σ of the coefficient of this index.
    pub fn sigma(&self, index: usize) -> f64 {
        self.covariance[(index, index)].sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_comes_back_without_the_points_that_are_missing() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|x| 3.0 - 0.2 * x + 0.05 * x * x).collect();
        y[7] = f64::NAN;
        let columns: [Vec<f64>; 3] = [0, 1, 2].map(|power| x.iter().map(|x| x.powi(power)).collect());
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let fit = least_squares(&columns, &y, &[0.5; 20]).unwrap();
        for (found, expected) in fit.values.iter().zip([3.0, -0.2, 0.05]) {
            assert!((found - expected).abs() < 1e-10);
        }
        assert_eq!(fit.freedom, 16);
        assert!(fit.chi2 < 1e-18);
        // One column of ones: σ/√n.
        let mean = least_squares(&columns[..1], &y, &[0.5; 20]).unwrap();
        assert!((mean.sigma(0) - 0.5 / 19f64.sqrt()).abs() < 1e-14);
        assert!(
            least_squares(&[columns[1], columns[1]], &y, &[0.5; 20]).is_none_or(|fit| fit.sigma(0) > 1e3)
        );
    }
}
