//! Gamma and beta functions: series and continued fractions as in Abramowitz & Stegun (1964), 6.5 and 26.5.

/// Terms or steps after which a sum that has not settled is taken as it is; all that are asked for settle in fewer than 300.
const MOST_STEPS: usize = 10_000;
/// What stands for 0 in Lentz's continued fraction.
const TINY: f64 = 1e-300;

/// ln Γ(x) for x > 0 by Stirling's series, after x has been raised above 16: within 1e-14.
pub(super) fn ln_gamma(x: f64) -> f64 {
    let mut shift = 0.0;
    let mut x = x;
    while x < 16.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0
        - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse * (1.0 / 1680.0 - inverse / 1188.0))))
        / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

/// Q(a, x) = Γ(a, x)/Γ(a): A&S 6.5.29 below a + 1, 6.5.31 above.
pub(super) fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..MOST_STEPS {
            term *= x / (a + n as f64);
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut fraction = d;
    for n in 1..MOST_STEPS {
        let n = n as f64;
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / not_zero(numerator * d + b);
        c = not_zero(b + numerator / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

/// I_x(a, b), the regularized incomplete beta function: A&S 26.5.8.
pub(super) fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let (mut c, mut d) = (1.0, 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for n in 1..MOST_STEPS {
        let n = n as f64;
        let even = n * (b - n) * x / ((a + 2.0 * n - 1.0) * (a + 2.0 * n));
        let odd = -(a + n) * (a + b + n) * x / ((a + 2.0 * n) * (a + 2.0 * n + 1.0));
        let mut step = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / not_zero(1.0 + numerator * d);
            c = not_zero(1.0 + numerator / c);
            step = d * c;
            fraction *= step;
        }
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

fn not_zero(value: f64) -> f64 {
    if value.abs() < TINY { TINY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_their_closed_values() {
        for (x, factorial) in [(1.0, 1.0f64), (5.0, 24.0), (11.0, 3_628_800.0)] {
            assert!((ln_gamma(x) - factorial.ln()).abs() < 1e-13, "{x}");
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
        // Q(1, x) = e^−x, Q(2, x) = (1 + x) e^−x; both ways through the function.
        for x in [0.1, 0.9, 1.9, 3.5, 30.0f64] {
            assert!((gamma_q(1.0, x) - (-x).exp()).abs() < 1e-13);
            assert!((gamma_q(2.0, x) - (1.0 + x) * (-x).exp()).abs() < 1e-13);
        }
        // I_x(1, b) = 1 − (1 − x)^b, I_x(2, 2) = 3x² − 2x³.
        for x in [0.05, 0.5, 0.93f64] {
            assert!((beta(1.0, 3.5, x) - (1.0 - (1.0 - x).powf(3.5))).abs() < 1e-13);
            assert!((beta(2.0, 2.0, x) - (3.0 * x * x - 2.0 * x.powi(3))).abs() < 1e-13);
        }
    }
}
