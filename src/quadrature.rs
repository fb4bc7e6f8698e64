//! The Gauss–Legendre rule.

use std::f64::consts::PI;

/// Nodes on [−1, 1], falling, and weights of the rule of `count` points: the zeros of P_n by Newton's iteration from their asymptotic
/// places, and w = 2/((1 − x²)P_n′²) (Abramowitz & Stegun 1964, 25.4.29). Exact to rounding up to 100 points.
pub(crate) fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let node = |i: usize| {
        let mut x = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..6 {
            let (mut p, mut before) = (1.0, 0.0);
            for degree in 1..=count {
                let degree = degree as f64;
                (p, before) = (((2.0 * degree - 1.0) * x * p - (degree - 1.0) * before) / degree, p);
            }
            slope = n * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..count).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule of n points is exact for polynomials up to the degree 2n − 1.
    #[test]
    fn powers_are_integrated_exactly() {
        for count in [1, 2, 5, 48, 96] {
            let rule = gauss_legendre(count);
            for power in (0..2 * count as i32).step_by(7) {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(power)).sum();
                let exact = if power % 2 == 0 { 2.0 / f64::from(power + 1) } else { 0.0 };
                assert!((sum - exact).abs() < 1e-13, "{count} {power}: {sum} {exact}");
            }
        }
    }
}
