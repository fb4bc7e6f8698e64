//! Integrals of smooth functions by Gauss–Legendre panels, and sums of sines for transforms.

use std::f64::consts::PI;

use crate::pdf::Window;

/// Nodes in (0, 1), rising, and weights of sum 1 of the Gauss–Legendre rule of `count` points: the roots of P_n by Newton's
/// method, and w = 1/((1 − x²)·P_n′²) (Abramowitz & Stegun 1964, 25.4.29 and 22.16.6).
pub(super) fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let root = |i: usize| {
        let mut x = -(PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        // From this start every root up to n = 100 is exact after five steps.
        for _ in 0..6 {
            let (mut before, mut value) = (1.0, x);
            for k in 1..count {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0));
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..count).map(root).collect()
}

/// Nodes and weights of ∫ over [lower, upper] cut into equal panels no wider than `panel`, ten points in each.
pub(super) fn nodes(lower: f64, upper: f64, panel: f64) -> Vec<(f64, f64)> {
    let panels = ((upper - lower) / panel).ceil().max(1.0) as usize;
    let width = (upper - lower) / panels as f64;
    let rule = gauss_legendre(10);
    (0..panels)
        .flat_map(|i| rule.iter().map(move |(x, w)| (lower + width * (i as f64 + x), width * w)))
        .collect()
}

/// ∫ f over [lower, upper] with panels no wider than `panel`.
pub(super) fn integrate(lower: f64, upper: f64, panel: f64, f: impl Fn(f64) -> f64) -> f64 {
    nodes(lower, upper, panel).into_iter().map(|(x, w)| w * f(x)).sum()
}

/// Σ a_j sin(Q_j r): a sine transform as a sum over the nodes of a quadrature.
#[derive(Debug, Clone, PartialEq)]
pub struct SineSum {
    /// (Q_j in Å⁻¹, a_j).
    pub(super) terms: Vec<(f64, f64)>,
}

impl SineSum {
    /// The sum at r in Å.
    pub fn at(&self, r: f64) -> f64 {
        self.terms.iter().map(|&(q, a)| a * (q * r).sin()).sum()
    }
}

/// (2/π)∫_0^Qmax Q(S − 1) W(Q) sin(Qr) dQ \[E11\] from S at the [`nodes`] of [0, Qmax].
pub(super) fn pdf_of(nodes: &[(f64, f64)], s: &[f64], q_max: f64, window: Window) -> SineSum {
    let term = |(&(q, weight), s): (&(f64, f64), &f64)| {
        (q, 2.0 / PI * weight * q * (s - 1.0) * window_weight(window, PI * q / q_max))
    };
    SineSum { terms: nodes.iter().zip(s).map(term).collect() }
}

/// W of [`Window`] at x = πQ/Qmax > 0.
pub(super) fn window_weight(window: Window, x: f64) -> f64 {
    match window {
        Window::None => 1.0,
        Window::Lorch => x.sin() / x,
        // The difference loses 3 eps/x² of its digits; the first node lies above x = 1e-4.
        Window::SoperBarney => 3.0 * (x.sin() - x * x.cos()) / x.powi(3),
        Window::Cosine => (0.5 * x).cos(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_those_of_the_tables() {
        // Abramowitz & Stegun 1964, table 25.4, on [−1, 1]: three and ten points, printed to 15 digits.
        let near = |(x, w): (f64, f64), node: f64, weight: f64| {
            (2.0 * x - 1.0 - node).abs() < 1e-15 && (2.0 * w - weight).abs() < 1e-15
        };
        let three = gauss_legendre(3);
        assert!(near(three[1], 0.0, 8.0 / 9.0) && near(three[2], 0.774_596_669_241_483, 5.0 / 9.0));
        let ten = gauss_legendre(10);
        assert!(near(ten[5], 0.148_874_338_981_631, 0.295_524_224_714_753), "{ten:?}");
        assert!(near(ten[9], 0.973_906_528_517_172, 0.066_671_344_308_688), "{ten:?}");
        assert_eq!(gauss_legendre(1), [(0.5, 1.0)]);
    }

    #[test]
    fn ten_points_are_exact_for_degree_nineteen() {
        // A Gauss rule of n points is exact for polynomials of degree 2n − 1; the rest is rounding of sums near 1.
        for degree in 0..20 {
            let found = integrate(0.0, 1.0, 2.0, |x| x.powi(degree));
            let exact = 1.0 / f64::from(degree + 1);
            assert!((found - exact).abs() < 1e-15, "degree {degree}: {found} {exact}");
        }
        assert!((integrate(0.0, 30.0, 0.5, f64::sin) - (1.0 - 30f64.cos())).abs() < 1e-13);
    }
}
