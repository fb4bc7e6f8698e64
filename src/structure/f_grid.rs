//! The points of F(Q), and how a measured F becomes the one that is transformed: extension to Q = 0, then polynomial.

use nalgebra::DMatrix;

use super::StructureFactor;
use super::polynomial::{Projection, dot};

/// How G is had at a value of r.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RadialRule {
    /// The sum over Q at that r.
    Exact,
    /// Linear interpolation between multiples of 2π/(N ΔQ), N the smallest power of two that makes it no larger than
    /// the r step: what a zero-padded FFT gives (PDFgetX3).
    FourierGrid {
        /// ΔQ.
        q_step: f64,
    },
}

/// The n points of F: those of the extension below Qmin (none if F = 0 there), then the m measured ones.
///
/// The way from the measured F, whose points are independent, to the n points is linear but for a constant.
#[derive(Debug, Clone)]
pub struct FGrid {
    pub(super) q: Vec<f64>,
    pub(super) width: Vec<f64>,
    pub(super) q_max: f64,
    pub(super) rule: RadialRule,
    pub(super) polynomial: Option<Projection>,
    pub(super) extension: Option<Extension>,
}

impl FGrid {
    /// Q in Å⁻¹, n points.
    pub fn q(&self) -> &[f64] {
        &self.q
    }

    /// What each point stands for in an integral over Q, n points in Å⁻¹; 0 = not transformed.
    pub fn width(&self) -> &[f64] {
        &self.width
    }

    /// Upper end of the integral, where windows end.
    pub fn q_max(&self) -> f64 {
        self.q_max
    }

    /// How G is had at a value of r.
    pub fn rule(&self) -> RadialRule {
        self.rule
    }

    /// Number of points below the measured ones.
    pub fn extension_len(&self) -> usize {
        self.extension.as_ref().map_or(0, |extension| extension.q.len())
    }

    /// F on the n points from F on the m measured ones.
    ///
    /// The polynomial is fitted from Q = 0 on: on exact data of a glass it then takes five times less of F than one
    /// that is fitted from Qmin on.
    pub(super) fn complete(&self, measured: &[f64]) -> Vec<f64> {
        let mut f = self.extend(measured);
        if let Some(polynomial) = &self.polynomial {
            polynomial.subtract(&mut f);
        }
        f
    }

    /// Change of F on the n points with that of F on the m measured ones.
    pub(super) fn complete_change(&self, measured: &[f64]) -> Vec<f64> {
        let mut f = self.extend(measured);
        if let Some(polynomial) = &self.polynomial {
            polynomial.subtract_change(&mut f);
        }
        f
    }

    /// σ of F on the n points from those of the m measured ones: without the polynomial, and with it.
    pub(super) fn complete_sigma(&self, measured: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut sigma = self.extension.as_ref().map_or_else(Vec::new, |e| e.sigma(measured));
        sigma.extend_from_slice(measured);
        let Some(polynomial) = &self.polynomial else { return (sigma.clone(), sigma) };
        // With e the extended F: var(e − Σ w u v·e) = var e − 2 Σ w u cov(e, v·e) + Σ Σ w w′ u u′ cov(v·e, v′·e).
        let variance: Vec<f64> = measured.iter().map(|sigma| sigma * sigma).collect();
        let mut result: Vec<f64> = sigma.iter().map(|sigma| sigma * sigma).collect();
        let by_measured: Vec<Vec<f64>> =
            polynomial.columns().map(|(_, v, _)| self.extend_adjoint(v)).collect();
        for ((u, _, w), gradient) in polynomial.columns().zip(&by_measured) {
            let weighted: Vec<f64> = gradient.iter().zip(&variance).map(|(g, v)| g * v).collect();
            let along_u: f64 = -2.0 * w;
            let covariance = self.extend(&weighted);
            result.iter_mut().zip(u).zip(covariance).for_each(|((r, u), c)| *r += along_u * u * c);
            for ((other, _, other_w), other_gradient) in polynomial.columns().zip(&by_measured) {
                let both = w * other_w * dot(&weighted, other_gradient);
                result.iter_mut().zip(u).zip(other).for_each(|((r, u), o)| *r += both * u * o);
            }
        }
        let with_polynomial = result.iter().map(|variance| variance.max(0.0).sqrt()).collect();
        (sigma, with_polynomial)
    }

    /// F on the n points before polynomial and iteration.
    pub(super) fn extend(&self, measured: &[f64]) -> Vec<f64> {
        let mut f = self.extension.as_ref().map_or_else(Vec::new, |e| e.values(measured));
        f.extend_from_slice(measured);
        f
    }

    fn extend_adjoint(&self, gradient: &[f64]) -> Vec<f64> {
        let (below, measured) = gradient.split_at(self.extension_len());
        let mut measured = measured.to_vec();
        if let Some(extension) = &self.extension {
            extension.adjoint(below, &mut measured);
        }
        measured
    }

    /// Gradient with respect to the m measured F of a number whose gradient with respect to the n final F is given.
    pub fn adjoint(&self, gradient: &[f64]) -> Vec<f64> {
        let mut gradient = gradient.to_vec();
        if let Some(polynomial) = &self.polynomial {
            polynomial.adjoint(&mut gradient);
        }
        self.extend_adjoint(&gradient)
    }

    /// σ of a number whose gradient with respect to F (n points) is given: σ_p² = Σ_Q ⟨∂p/∂e⟩_Q² σ_F², e the errors of
    /// the measured points with the scale known, and ⟨⟩ the mean over the points that one pixel covers \[E4c\].
    pub fn uncertainty(&self, gradient: &[f64], structure: &StructureFactor) -> f64 {
        let scattered = self.scattered(gradient.to_vec(), structure);
        dot(&scattered, &scattered).sqrt()
    }

    /// ⟨∂p/∂e⟩_Q σ_F of that number on the m measured points: the covariance of two numbers is the product of theirs.
    pub(crate) fn scattered(&self, gradient: Vec<f64>, structure: &StructureFactor) -> Vec<f64> {
        let measured_sigma = &structure.f_sigma[self.extension_len()..];
        let mut gradient = self.adjoint(&gradient);
        structure.scatter.adjoint(&mut gradient);
        let gradient = averaged(&gradient, &structure.footprint);
        gradient.iter().zip(measured_sigma).map(|(g, s)| g * s).collect()
    }
}

/// Mean of `values` over as many neighbours as `width` says at each point, parts of points included; fewer at the ends.
pub(crate) fn averaged(values: &[f64], width: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    sums.extend(values.iter().scan(0.0, |sum, value| {
        *sum += value;
        Some(*sum)
    }));
    let last = values.len() as f64;
    // The integral of the staircase from 0 to x.
    let integral = |x: f64| {
        let cell = (x as usize).min(values.len() - 1);
        sums[cell] + (x - cell as f64) * values[cell]
    };
    width
        .iter()
        .enumerate()
        .map(|(i, width)| {
            let middle = i as f64 + 0.5;
            let half = (0.5 * width).min(middle).min(last - middle);
            (integral(middle + half) - integral(middle - half)) / (2.0 * half)
        })
        .collect()
}

/// S − 1 = a + bQ² + … below Qmin, by least squares of the first p measured points.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    /// Points below Qmin.
    q: Vec<f64>,
    /// The p points that are fitted.
    fitted_q: Vec<f64>,
    /// Powers of u at the points below, u = Q² less its mean over the fitted points.
    powers: Vec<Vec<f64>>,
    /// The coefficient of each from the p values of S − 1.
    solve: Vec<Vec<f64>>,
}

impl Extension {
    /// With so many powers of Q²: 1 is the mean of the points, 2 a parabola.
    pub(super) fn even_powers(q: Vec<f64>, fitted_q: &[f64], count: usize) -> Extension {
        let p = fitted_q.len();
        let mean = fitted_q.iter().map(|q| q * q).sum::<f64>() / p as f64;
        let power = |q: f64, k: usize| (q * q - mean).powi(k as i32);
        let design = DMatrix::from_fn(p, count, |j, k| power(fitted_q[j], k));
        // More points than powers, all of them different: QR has full rank.
        let (orthogonal, triangle) = design.qr().unpack();
        let solved = triangle.solve_upper_triangular(&orthogonal.transpose());
        let solve = solved.unwrap_or_else(|| DMatrix::zeros(count, p));
        Extension {
            powers: (0..count).map(|k| q.iter().map(|q| power(*q, k)).collect()).collect(),
            solve: (0..count).map(|k| solve.row(k).iter().copied().collect()).collect(),
            fitted_q: fitted_q.to_vec(),
            q,
        }
    }

    /// What each fitted value of S − 1 contributes to that at point `i` below.
    fn share(&self, i: usize, j: usize) -> f64 {
        self.powers.iter().zip(&self.solve).map(|(power, solve)| power[i] * solve[j]).sum()
    }

    fn values(&self, measured: &[f64]) -> Vec<f64> {
        let excess: Vec<f64> = measured.iter().zip(&self.fitted_q).map(|(f, q)| f / q).collect();
        let coefficients: Vec<f64> = self.solve.iter().map(|solve| dot(solve, &excess)).collect();
        let value = |(i, q): (usize, &f64)| {
            q * self.powers.iter().zip(&coefficients).map(|(power, c)| power[i] * c).sum::<f64>()
        };
        self.q.iter().enumerate().map(value).collect()
    }

    fn sigma(&self, measured: &[f64]) -> Vec<f64> {
        let sigma = |(i, q): (usize, &f64)| {
            let of = |j: usize| (self.share(i, j) * measured[j] / self.fitted_q[j]).powi(2);
            q * (0..self.fitted_q.len()).map(of).sum::<f64>().sqrt()
        };
        self.q.iter().enumerate().map(sigma).collect()
    }

    fn adjoint(&self, below: &[f64], measured: &mut [f64]) {
        let weighted: Vec<f64> = self.q.iter().zip(below).map(|(q, g)| q * g).collect();
        let along: Vec<f64> = self.powers.iter().map(|power| dot(power, &weighted)).collect();
        for (j, q) in self.fitted_q.iter().enumerate() {
            measured[j] += self.solve.iter().zip(&along).map(|(solve, a)| solve[j] * a).sum::<f64>() / q;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::polynomial::ShortDistances;

    fn grid() -> FGrid {
        let measured: Vec<f64> = (0..60).map(|i| 0.5 + 0.05 * f64::from(i)).collect();
        let below: Vec<f64> = (0..5).map(|i| 0.05 + 0.09 * f64::from(i)).collect();
        let q: Vec<f64> = below.iter().chain(&measured).copied().collect();
        let target: Vec<f64> = q.iter().map(|q| 0.1 * q.sin()).collect();
        let filter = ShortDistances { width: &[0.05; 65], radius: 2.6 };
        FGrid {
            q: q.clone(),
            width: vec![0.05; 65],
            q_max: 3.5,
            rule: RadialRule::Exact,
            polynomial: Some(Projection::new(&q, 2.4, &target, Some(&filter)).unwrap()),
            extension: Some(Extension::even_powers(below, &measured[..8], 3)),
        }
    }

    #[test]
    fn a_quartic_is_extended_exactly() {
        let mut grid = grid();
        grid.polynomial = None;
        let even = |q: f64| q * (-0.98 + 0.07 * q * q - 0.02 * q.powi(4));
        let f = grid.complete(&grid.q[5..].iter().map(|q| even(*q)).collect::<Vec<f64>>());
        for (q, f) in grid.q.iter().zip(&f) {
            assert!((f - even(*q)).abs() < 1e-12);
        }
    }

    #[test]
    fn means_over_parts_of_points() {
        let values = [1.0, 2.0, 6.0, 2.0, 1.0];
        assert_eq!(averaged(&values, &[1.0; 5]), values);
        // Half of each neighbour; at the ends there is one point only.
        assert_eq!(averaged(&values, &[2.0; 5]), [1.0, 2.75, 4.0, 2.75, 1.0]);
    }

    #[test]
    fn the_adjoint_is_the_gradient() {
        let grid = grid();
        let measured: Vec<f64> = (0..60).map(|i| (f64::from(i) * 0.7).cos()).collect();
        let weights: Vec<f64> = (0..65).map(|i| (f64::from(i) * 1.3).sin()).collect();
        let number = |f: &[f64]| dot(&grid.complete(f), &weights);
        let at = number(&measured);
        for (j, slope) in grid.adjoint(&weights).iter().enumerate() {
            let mut shifted = measured.clone();
            shifted[j] += 1.0;
            assert!((number(&shifted) - at - slope).abs() < 1e-12, "point {j}");
        }
    }

    #[test]
    fn the_sigma_of_each_point_is_that_of_its_gradient() {
        let grid = grid();
        let measured: Vec<f64> = (0..60).map(|i| 0.1 + 0.01 * f64::from(i)).collect();
        let (_, with_polynomial) = grid.complete_sigma(&measured);
        for i in 0..65 {
            let mut one = vec![0.0; 65];
            one[i] = 1.0;
            let gradient = grid.adjoint(&one);
            let exact = gradient.iter().zip(&measured).map(|(g, s)| (g * s).powi(2)).sum::<f64>().sqrt();
            assert!(
                (with_polynomial[i] - exact).abs() < 1e-12,
                "point {i}: {} and {exact}",
                with_polynomial[i]
            );
        }
    }
}
