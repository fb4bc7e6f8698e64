//! What a skewed Gaussian is to a sine transform.

use std::f64::consts::PI;

/// The largest skewness that is looked for. A skew normal distribution has 0.995 at most, where it is cut in half: δ is 0.988 at 0.9 and 1
/// there, so that what is between cannot be told apart.
pub(super) const MOST_SKEWNESS: f64 = 0.9;

/// A skew normal distribution (Azzalini, Scand. J. Stat. 12 (1985) 171) of a standard deviation and skewness about the mean 0: density
/// 2φ(z)Φ(αz)/ω at ξ + ωz, δ = α/√(1 + α²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SkewNormal {
    /// ξ: where it would be without the skew.
    location: f64,
    /// ω.
    scale: f64,
    /// δ.
    delta: f64,
}

impl SkewNormal {
    /// |δ| from γ = ½(4 − π)(δ√(2/π))³/(1 − 2δ²/π)^{3/2}.
    pub(super) fn new(standard_deviation: f64, skewness: f64) -> SkewNormal {
        let part = skewness.abs().powf(2.0 / 3.0);
        let delta =
            (0.5 * PI * part / (part + (0.5 * (4.0 - PI)).powf(2.0 / 3.0))).sqrt() * skewness.signum();
        let scale = standard_deviation / (1.0 - 2.0 * delta * delta / PI).sqrt();
        SkewNormal { location: -scale * delta * (2.0 / PI).sqrt(), scale, delta }
    }

    /// ∫ p(x) sin(Q(r + x)) dx: of the characteristic function e^{iQξ − Q²ω²/2}(1 + i·erfi(δωQ/√2)), with erfi(x) = (2/√π)e^{x²}D(x), D being
    /// Dawson's integral.
    pub(super) fn sine(&self, q: f64, r: f64) -> f64 {
        let SkewNormal { location, scale, delta } = *self;
        let (sin, cos) = (q * (r + location)).sin_cos();
        let width = 0.5 * (q * scale).powi(2);
        let skew = 2.0 / PI.sqrt() * dawson(delta * q * scale / 2f64.sqrt());
        sin * (-width).exp() + cos * skew * (-width * (1.0 - delta * delta)).exp()
    }
}

/// Dawson's integral e^{−x²}∫_0^x e^{t²}dt, by sampling (Rybicki, Comput. Phys. 3 (1989) 85): the error is e^{−(π/2h)²}, 1e-17 for this h.
fn dawson(x: f64) -> f64 {
    const H: f64 = 0.25;
    /// e^{−(nH)²} is below 1e-17 beyond.
    const TERMS: i32 = 26;
    let middle = 2 * (0.5 * x / H).round() as i32;
    let rest = x - f64::from(middle) * H;
    let term = |n: i32| {
        let down = |n: i32| (-(rest - f64::from(n) * H).powi(2)).exp() / f64::from(middle + n);
        down(n) + down(-n)
    };
    (1..TERMS).step_by(2).map(term).sum::<f64>() / PI.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz & Stegun (1964), table 7.5, and the ends x and 1/2x.
    #[test]
    fn dawsons_integral_is_that_of_the_table() {
        for (x, expected) in
            [(0.5, 0.424_436_383_5), (1.0, 0.538_079_506_9), (2.0, 0.301_340_388_9), (-1.0, -0.538_079_506_9)]
        {
            assert!((dawson(x) - expected).abs() < 1e-9, "{x}: {}", dawson(x));
        }
        assert!((dawson(1e-3) - 1e-3).abs() < 1e-8 && (dawson(50.0) * 100.0 - 1.0).abs() < 1e-3);
        assert_eq!(dawson(0.0), 0.0);
    }

    /// Against the integral over the density by the midpoint rule.
    #[test]
    fn the_sine_transform_is_that_of_the_density() {
        for (width, skewness) in [(0.12, 0.0), (0.12, 0.5), (0.2, -0.8)] {
            let skew = SkewNormal::new(width, skewness);
            let alpha = skew.delta / (1.0 - skew.delta * skew.delta).sqrt();
            let cumulative = |z: f64| 0.5 * (1.0 + statrs::function::erf::erf(z / 2f64.sqrt()));
            let density = |x: f64| {
                let z = (x - skew.location) / skew.scale;
                2.0 * (-0.5 * z * z).exp() / (2.0 * PI).sqrt() * cumulative(alpha * z) / skew.scale
            };
            let step = 1e-3;
            let over = |f: &dyn Fn(f64) -> f64| -> f64 {
                (-2000..2000).map(|k| (f64::from(k) + 0.5) * step).map(|x| density(x) * f(x) * step).sum()
            };
            assert!(over(&|x| x).abs() < 1e-6, "{skewness}");
            assert!((over(&|x| x * x) / (width * width) - 1.0).abs() < 1e-5, "{skewness}");
            assert!((over(&|x| x.powi(3)) / width.powi(3) - skewness).abs() < 1e-4, "{skewness}");
            for q in [0.5, 5.0, 20.0] {
                let expected = over(&|x| (q * (2.7 + x)).sin());
                assert!((skew.sine(q, 2.7) - expected).abs() < 1e-6, "{skewness} {q}");
            }
        }
    }
}
