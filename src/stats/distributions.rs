//! Probabilities of the normal, χ² and t distributions.

use statrs::function::beta::checked_beta_reg;
use statrs::function::erf::erf_inv;
use statrs::function::gamma::checked_gamma_ur;

/// What a standard deviation is known from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// It is known: the normal distribution.
    Known,
    /// From so many degrees of freedom: Student's t.
    Estimated(f64),
}

impl Spread {
    /// Probability that a deviation of `z` standard deviations or more, to either side, is chance.
    pub fn beyond(self, z: f64) -> f64 {
        match self {
            Spread::Known => normal_beyond(z),
            Spread::Estimated(freedom) => student_beyond(z, freedom),
        }
    }
}

/// A probability in words: `p = 3.1e-5`, or that it is below what a number holds.
pub fn probability_in_words(p: f64) -> String {
    if p < f64::MIN_POSITIVE { "p < 1e-300".to_owned() } else { format!("p = {p:.1e}") }
}

/// P(|Z| > |z|) of the normal distribution.
pub fn normal_beyond(z: f64) -> f64 {
    chi_squared_exceeds(z * z, 1.0)
}

/// P(|T| > |t|) of Student's distribution with so many degrees of freedom.
pub fn student_beyond(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    // Abramowitz & Stegun (1964), 26.7.1.
    checked_beta_reg(0.5 * freedom, 0.5, freedom / (freedom + t * t)).unwrap_or(f64::NAN)
}

/// P(χ² > `chi2`) with so many degrees of freedom.
pub fn chi_squared_exceeds(chi2: f64, freedom: f64) -> f64 {
    if chi2.is_nan() || freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    // Abramowitz & Stegun (1964), 26.4.19.
    match 0.5 * chi2 {
        x if x <= 0.0 => 1.0,
        x if x.is_infinite() => 0.0,
        x => checked_gamma_ur(0.5 * freedom, x).unwrap_or(f64::NAN),
    }
}

/// z with P(|Z| < z) = `confidence`.
pub fn normal_quantile(confidence: f64) -> f64 {
    std::f64::consts::SQRT_2 * erf_inv(confidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percentage points of Abramowitz & Stegun, tables 26.8 and 26.10.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert!((normal_quantile(0.95) - 1.959_963_985).abs() < 1e-8);
        for (freedom, t) in [(1.0, 12.706), (5.0, 2.571), (30.0, 2.042)] {
            assert!((student_beyond(t, freedom) - 0.05).abs() < 1e-4, "{freedom}");
        }
        for (freedom, chi2) in [(1.0, 3.84146), (10.0, 18.3070), (100.0, 124.342)] {
            assert!((chi_squared_exceeds(chi2, freedom) - 0.05).abs() < 1e-5, "{freedom}");
        }
        // Closed: e^(−x/2) with two degrees of freedom, also where it is small; 1 − 2/π·arctan t with one of t.
        for x in [0.2, 7.0, 60.0, 1200.0f64] {
            assert!((chi_squared_exceeds(x, 2.0) / (-0.5 * x).exp() - 1.0).abs() < 1e-11, "{x}");
        }
        assert!(
            (student_beyond(3.0, 1.0) - (1.0 - 2.0 / std::f64::consts::PI * 3.0f64.atan())).abs() < 1e-13
        );
        assert_eq!(
            [chi_squared_exceeds(0.0, 3.0), chi_squared_exceeds(f64::INFINITY, 3.0), normal_beyond(1e9)],
            [1.0, 0.0, 0.0]
        );
        assert!(normal_beyond(f64::NAN).is_nan() && chi_squared_exceeds(1.0, 0.0).is_nan());
        assert!((student_beyond(1.96, 1e7) - normal_beyond(1.96)).abs() < 1e-6);
    }
}
