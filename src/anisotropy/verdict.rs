//! What was found, in words.

use super::Strain;
use crate::stats::{normal_quantile, probability_in_words};

/// No anisotropy with a limit, or how large it is and where it points; or that nothing can be said.
pub(super) fn verdict(strain: &Strain, confidence: f64) -> String {
    let percent = 100.0 * confidence;
    let amplitude = strain.amplitude;
    let scatter = if strain.scatter > 1.0 {
        format!("; σ are {:.1} times those of counting, as the sectors scatter", strain.scatter)
    } else {
        String::new()
    };
    if strain.p.is_nan() {
        return "undetermined: the sectors give no σ of the strain".to_owned();
    }
    if strain.p > 1.0 - confidence {
        // One side of the normal distribution: what exceeds the limit in so many cases.
        let one_sided = normal_quantile(2.0 * confidence - 1.0);
        let limit = amplitude.value + one_sided * amplitude.sigma;
        return format!("no anisotropy: |ε| < {} at {percent:.0} %{scatter}", rounded_up(limit));
    }
    format!(
        "anisotropic: the direction χ = {:.1}° ± {:.1}° is longer than that across it by {:.2e} ± {:.1e} ({:.0}σ, {}){scatter}",
        strain.axis_deg.value,
        strain.axis_deg.sigma,
        2.0 * amplitude.value,
        2.0 * amplitude.sigma,
        amplitude.value / amplitude.sigma,
        probability_in_words(strain.p)
    )
}

/// One digit, never below the value, as in 3e-5.
fn rounded_up(value: f64) -> String {
    let power = value.log10().floor();
    let digit = (value / 10f64.powf(power) - 1e-9).ceil();
    format!("{:.0e}", digit * 10f64.powf(power))
}

#[cfg(test)]
mod tests {
    use super::{rounded_up, verdict};
    use crate::anisotropy::Strain;
    use crate::peaks::Measured;

    #[test]
    fn what_is_not_known_is_not_anisotropic() {
        let none = Measured { value: 0.0, sigma: 0.0 };
        let strain = |amplitude: Measured, p: f64| Strain {
            mean: none,
            reference: None,
            e11: none,
            e22: none,
            g12: none,
            difference: none,
            covariance: 0.0,
            along_less_across: none,
            shear_about_axis: none,
            amplitude,
            axis_deg: none,
            p,
            chi2: 0.0,
            freedom: 1,
            scatter: 1.0,
        };
        assert!(verdict(&strain(Measured::MISSING, f64::NAN), 0.95).starts_with("undetermined"));
        let small = Measured { value: 1e-5, sigma: 1e-5 };
        assert!(verdict(&strain(small, 0.6), 0.95).starts_with("no anisotropy: |ε| < 3e-5"));
        assert!(verdict(&strain(small, 0.01), 0.95).starts_with("anisotropic"));
    }

    #[test]
    fn limits_are_rounded_up() {
        assert_eq!(rounded_up(2.31e-5), "3e-5");
        assert_eq!(rounded_up(3e-5), "3e-5");
        assert_eq!(rounded_up(9.7e-4), "1e-3");
    }
}
