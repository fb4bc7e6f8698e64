//! What is needed to say how sure a number is: distributions, correlation, least squares.

mod correlation;
mod distributions;
mod least_squares;
mod line;

pub use correlation::{Correlation, pearson, spearman};
pub use distributions::{
    Spread, chi_squared_exceeds, normal_beyond, normal_quantile, probability_in_words, student_beyond,
};
pub use least_squares::{LeastSquares, least_squares};
pub use line::{Line, weighted_line};

/// Median of the finite values; NaN where there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]),
    }
}
