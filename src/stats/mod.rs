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

/// Standard deviations of normally distributed numbers in one median absolute deviation.
pub const SIGMAS_PER_MAD: f64 = 1.482_602_218_505_602;

/// Standard deviation of normally distributed numbers about `middle`, by their median absolute deviation, which a few others cannot move.
pub fn deviation_by_median(values: &[f64], middle: f64) -> f64 {
    SIGMAS_PER_MAD * median(&values.iter().map(|value| (value - middle).abs()).collect::<Vec<f64>>())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_normal_numbers_are_within_one_median_deviation() {
        assert!((normal_quantile(0.5) * SIGMAS_PER_MAD - 1.0).abs() < 1e-12);
        let numbers: Vec<f64> =
            (-999..1000).map(|k| 5.0 + 2.0 * normal_quantile(f64::from(k) / 1000.0)).collect();
        let middle = median(&numbers);
        assert!((deviation_by_median(&numbers, middle) - 2.0).abs() < 1e-3);
        let with_others: Vec<f64> = numbers.iter().copied().chain([1e6; 20]).collect();
        assert!((deviation_by_median(&with_others, middle) - 2.0).abs() < 0.1);
    }
}
