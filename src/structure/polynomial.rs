//! The ad-hoc polynomial Σ a_n Q^n, n = 1…k, of least squares \[E10\], as a projection.

use super::StructureError;
use std::f64::consts::PI;

/// Degrees above this fit noise and peaks, whatever r_poly.
const HIGHEST_DEGREE: f64 = 60.0;

/// Subtracts from F the polynomial that fits F − target best.
///
/// The degree n is no whole number: P = (⌈n⌉ − n)·P_⌊n⌋ + (n − ⌊n⌋)·P_⌈n⌉ (Juhás et al. 2013). With orthonormal columns
/// u_1 … u_⌈n⌉ that span Q … Q^⌈n⌉ one after the other this is Σ w_i u_i u_iᵀ, w = 1 but for the last: n − ⌊n⌋.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    columns: Vec<Vec<f64>>,
    weights: Vec<f64>,
    target: Vec<f64>,
}

impl Projection {
    /// `target` (F_hole, or zeros) stands on the same points as `q`.
    ///
    /// # Errors
    /// A degree that is no positive number or too high for the points.
    pub(super) fn new(q: &[f64], degree: f64, target: Vec<f64>) -> Result<Projection, StructureError> {
        if !(degree > 0.0 && degree <= HIGHEST_DEGREE && degree < 0.25 * q.len() as f64) {
            return Err(StructureError::Setting {
                name: "degree of the polynomial, r_poly·Q/π,",
                found: format!("{degree:.2}"),
                expected: "more than 0, at most 60 and a quarter of the number of Q points; change r_poly",
            });
        }
        let scale = q.iter().fold(0.0_f64, |a, q| a.max(q.abs()));
        let count = degree.ceil() as usize;
        let mut columns: Vec<Vec<f64>> = Vec::with_capacity(count);
        for n in 0..count {
            // Q·T_n(2Q/Qmax − 1) spans with its forerunners the same as Q^(n+1), without loss of digits.
            let mut column: Vec<f64> = q
                .iter()
                .map(|q| q * (n as f64 * (2.0 * q / scale - 1.0).clamp(-1.0, 1.0).acos()).cos())
                .collect();
            for _ in 0..2 {
                for known in &columns {
                    let overlap = dot(known, &column);
                    column.iter_mut().zip(known).for_each(|(c, k)| *c -= overlap * k);
                }
            }
            let norm = dot(&column, &column).sqrt();
            column.iter_mut().for_each(|c| *c /= norm);
            columns.push(column);
        }
        let mut weights = vec![1.0; count];
        if let Some(last) = weights.last_mut().filter(|_| degree.fract() > 0.0) {
            *last = degree.fract();
        }
        Ok(Projection { columns, weights, target })
    }

    /// u_i and w_i.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.columns.iter().map(Vec::as_slice).zip(self.weights.iter().copied())
    }

    /// F ← F − P.
    pub(super) fn subtract(&self, f: &mut [f64]) {
        let error: Vec<f64> = f.iter().zip(&self.target).map(|(f, t)| f - t).collect();
        self.remove(&error, f);
    }

    /// The gradient of a number that depends on the corrected F, with respect to the uncorrected one.
    pub(super) fn adjoint(&self, gradient: &mut [f64]) {
        let copy = gradient.to_vec();
        self.remove(&copy, gradient);
    }

    fn remove(&self, from: &[f64], result: &mut [f64]) {
        for (column, weight) in self.columns.iter().zip(&self.weights) {
            let part = weight * dot(column, from);
            result.iter_mut().zip(column).for_each(|(r, c)| *r -= part * c);
        }
    }
}

/// F of G = −4πρ0 r below R and 0 above: −4πρ0[sin QR − QR cos QR]/Q² \[E10\].
pub(super) fn hole(q: f64, density: f64, radius: f64) -> f64 {
    let x = q * radius;
    // sin x − x cos x = x³/3 − x⁵/30 + …: below 1e-3 the difference has lost its digits.
    let shape = if x < 1e-3 { x * x * x / 3.0 } else { x.sin() - x * x.cos() };
    -4.0 * PI * density * shape / (q * q)
}

/// Σ a_i b_i in eight running sums, which the compiler can keep in vector registers.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (blocks_a, rest_a) = a.as_chunks::<8>();
    let (blocks_b, rest_b) = b.as_chunks::<8>();
    for (a, b) in blocks_a.iter().zip(blocks_b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_removes_polynomials_and_only_part_of_the_last_degree() {
        let q: Vec<f64> = (0..1500).map(|i| 0.7 + 0.014 * f64::from(i)).collect();
        let power = |n: i32, q: f64| (q / 20.0).powi(n);
        for degree in [7.0, 12.0] {
            let projection = Projection::new(&q, degree, vec![0.0; q.len()]).unwrap();
            let mut f: Vec<f64> = q.iter().map(|&q| power(1, q) - 3.0 * power(degree as i32, q)).collect();
            projection.subtract(&mut f);
            assert!(f.iter().all(|f| f.abs() < 1e-11), "degree {degree}");
        }
        // At n = 6.25 a quarter of what only degree 7 can fit goes.
        let f: Vec<f64> = q.iter().map(|q| (q * q).sin()).collect();
        let corrected = |degree: f64| {
            let mut f = f.clone();
            Projection::new(&q, degree, vec![0.0; q.len()]).unwrap().subtract(&mut f);
            f
        };
        let (low, mixed, high) = (corrected(6.0), corrected(6.25), corrected(7.0));
        for i in 0..q.len() {
            assert!((mixed[i] - 0.75 * low[i] - 0.25 * high[i]).abs() < 1e-12);
        }
        assert!(Projection::new(&q, 61.0, vec![]).is_err() && Projection::new(&q, f64::NAN, vec![]).is_err());
    }

    #[test]
    fn the_hole_is_the_transform_of_its_straight_line() {
        // ∫0^R −4πρ0 r sin Qr dr by the midpoint rule with 20000 steps: error below 1e-8.
        let (density, radius) = (0.05, 1.8);
        for q in [1e-5, 0.3, 2.0, 17.0] {
            let step = radius / 20000.0;
            let sum: f64 = (0..20000)
                .map(|i| (f64::from(i) + 0.5) * step)
                .map(|r| -4.0 * PI * density * r * (q * r).sin() * step)
                .sum();
            assert!((hole(q, density, radius) - sum).abs() < 1e-7, "Q = {q}");
        }
    }
}
