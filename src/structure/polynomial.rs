//! The ad-hoc polynomial Σ a_n Q^n, n = 1…k, of least squares \[E10\], as a projection.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::StructureError;

/// Degrees above this fit noise and peaks, whatever r_poly.
const HIGHEST_DEGREE: f64 = 60.0;

/// Subtracts from F the polynomial P that fits F − target best, or that makes H·(F − P) − target least with a filter H.
///
/// The degree n is no whole number: P = (⌈n⌉ − n)·P_⌊n⌋ + (n − ⌊n⌋)·P_⌈n⌉ (Juhás et al. 2013). Let u_1 … u_⌈n⌉ span Q … Q^⌈n⌉
/// one after the other such that the H·u_i are orthonormal. Then P = Σ w_i u_i (v_i·F − H·u_i·target) with v_i = HᵀH·u_i
/// and w = 1 but for the last: n − ⌊n⌋.
#[derive(Debug, Clone, Default)]
pub(super) struct Projection {
    /// u_i.
    pub(super) columns: Vec<Vec<f64>>,
    /// v_i.
    pub(super) filtered: Vec<Vec<f64>>,
    /// w_i.
    pub(super) weights: Vec<f64>,
    /// H·u_i·target.
    pub(super) offsets: Vec<f64>,
}

/// What comes from r < R in a function of Q on points that stand for cells of some width:
/// (H·F)(Q) = ∫_0^R G(r) sin Qr dr with G of \[E11\] \[E10a\].
pub(super) struct ShortDistances<'a> {
    /// Widths of the cells, Å⁻¹.
    pub(super) width: &'a [f64],
    /// R in Å.
    pub(super) radius: f64,
}

impl ShortDistances<'_> {
    /// H·f.
    fn apply(&self, q: &[f64], f: &[f64]) -> Vec<f64> {
        let weighted: Vec<f64> = f.iter().zip(self.width).map(|(f, width)| f * width).collect();
        self.sum(q, &weighted)
    }

    /// Hᵀ·f.
    fn apply_transposed(&self, q: &[f64], f: &[f64]) -> Vec<f64> {
        self.sum(q, f).into_iter().zip(self.width).map(|(sum, width)| width * sum).collect()
    }

    /// Σ_j f_j (2/π)∫_0^R sin q_i r sin q_j r dr for each i.
    fn sum(&self, q: &[f64], f: &[f64]) -> Vec<f64> {
        let turned: Vec<(f64, f64)> = q.iter().map(|q| (q * self.radius).sin_cos()).collect();
        let kernel = |i: usize, j: usize| {
            let ((sin_i, cos_i), (sin_j, cos_j)) = (turned[i], turned[j]);
            let (product, other) = (sin_i * cos_j, cos_i * sin_j);
            let difference = if i == j { self.radius } else { (product - other) / (q[i] - q[j]) };
            (difference - (product + other) / (q[i] + q[j])) / PI
        };
        (0..q.len()).into_par_iter().map(|i| (0..q.len()).map(|j| kernel(i, j) * f[j]).sum()).collect()
    }
}

impl Projection {
    /// `target` (F_hole, or zeros) stands on the same points as `q`.
    ///
    /// # Errors
    /// A degree that is no positive number or too high for the points.
    pub(super) fn new(
        q: &[f64],
        degree: f64,
        target: &[f64],
        filter: Option<&ShortDistances<'_>>,
    ) -> Result<Projection, StructureError> {
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
        let mut seen: Vec<Vec<f64>> = Vec::with_capacity(count);
        for n in 0..count {
            // Q·T_n(2Q/Qmax − 1) spans with its forerunners the same as Q^(n+1), without loss of digits.
            let mut column: Vec<f64> = q
                .iter()
                .map(|q| q * (n as f64 * (2.0 * q / scale - 1.0).clamp(-1.0, 1.0).acos()).cos())
                .collect();
            let mut through = filter.map_or_else(|| column.clone(), |filter| filter.apply(q, &column));
            for _ in 0..2 {
                for (known, known_through) in columns.iter().zip(&seen) {
                    let overlap = dot(known_through, &through);
                    add(&mut through, -overlap, known_through);
                    add(&mut column, -overlap, known);
                }
            }
            let norm = dot(&through, &through).sqrt();
            through.iter_mut().chain(&mut column).for_each(|c| *c /= norm);
            columns.push(column);
            seen.push(through);
        }
        let mut weights = vec![1.0; count];
        if let Some(last) = weights.last_mut().filter(|_| degree.fract() > 0.0) {
            *last = degree.fract();
        }
        let offsets = seen.iter().map(|seen| dot(seen, target)).collect();
        let filtered = match filter {
            Some(filter) => seen.iter().map(|seen| filter.apply_transposed(q, seen)).collect(),
            None => seen,
        };
        Ok(Projection { columns, filtered, weights, offsets })
    }

    /// This one, and `next` on what it leaves: v·(F − Σ w_i u_i (v_i·F − o_i)) − o is again a product with F less a number.
    pub(super) fn then(mut self, next: Projection) -> Projection {
        let first = self.columns.len();
        for ((u, mut v), (w, mut offset)) in
            next.columns.into_iter().zip(next.filtered).zip(next.weights.into_iter().zip(next.offsets))
        {
            let overlaps: Vec<f64> = self.columns[..first]
                .iter()
                .zip(&self.weights)
                .map(|(known, w)| w * dot(&v, known))
                .collect();
            for (i, overlap) in overlaps.into_iter().enumerate() {
                add(&mut v, -overlap, &self.filtered[i]);
                offset -= overlap * self.offsets[i];
            }
            self.columns.push(u);
            self.filtered.push(v);
            self.weights.push(w);
            self.offsets.push(offset);
        }
        self
    }

    /// u_i, v_i and w_i.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&[f64], &[f64], f64)> {
        let pairs = self.columns.iter().zip(&self.filtered);
        pairs.zip(&self.weights).map(|((u, v), w)| (u.as_slice(), v.as_slice(), *w))
    }

    /// F ← F − P.
    pub(super) fn subtract(&self, f: &mut [f64]) {
        let before = f.to_vec();
        for ((u, v, w), offset) in self.columns().zip(&self.offsets) {
            add(f, -w * (dot(v, &before) - offset), u);
        }
    }

    /// What becomes of a change of F.
    pub(super) fn subtract_change(&self, change: &mut [f64]) {
        let before = change.to_vec();
        for (u, v, w) in self.columns() {
            add(change, -w * dot(v, &before), u);
        }
    }

    /// The gradient of a number that depends on the corrected F, with respect to the uncorrected one.
    pub(super) fn adjoint(&self, gradient: &mut [f64]) {
        let before = gradient.to_vec();
        for (u, v, w) in self.columns() {
            add(gradient, -w * dot(u, &before), v);
        }
    }
}

/// y ← y + factor·x.
fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
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
            let projection = Projection::new(&q, degree, &vec![0.0; q.len()], None).unwrap();
            let mut f: Vec<f64> = q.iter().map(|&q| power(1, q) - 3.0 * power(degree as i32, q)).collect();
            projection.subtract(&mut f);
            assert!(f.iter().all(|f| f.abs() < 1e-11), "degree {degree}");
        }
        // At n = 6.25 a quarter of what only degree 7 can fit goes.
        let f: Vec<f64> = q.iter().map(|q| (q * q).sin()).collect();
        let corrected = |degree: f64| {
            let mut f = f.clone();
            Projection::new(&q, degree, &vec![0.0; q.len()], None).unwrap().subtract(&mut f);
            f
        };
        let (low, mixed, high) = (corrected(6.0), corrected(6.25), corrected(7.0));
        for i in 0..q.len() {
            assert!((mixed[i] - 0.75 * low[i] - 0.25 * high[i]).abs() < 1e-12);
        }
        assert!(
            Projection::new(&q, 61.0, &[], None).is_err()
                && Projection::new(&q, f64::NAN, &[], None).is_err()
        );
    }

    /// Slow errors go, and distances beyond R stay: with the filter a Gaussian shell at 2.7 Å loses a fifth of what it loses
    /// without, by the ripples that Qmax gives it at r < R.
    #[test]
    fn the_filter_spares_what_lies_beyond_it() {
        let q: Vec<f64> = (0..1500).map(|i| 0.014 * (f64::from(i) + 0.5)).collect();
        let width = vec![0.014; q.len()];
        let shell: Vec<f64> =
            q.iter().map(|q| (2.7 * q).sin() / 2.7 * (-0.5 * (0.11 * q).powi(2)).exp()).collect();
        let nothing = vec![0.0; q.len()];
        let filter = ShortDistances { width: &width, radius: 2.0 };
        let plain = Projection::new(&q, 6.7, &nothing, None).unwrap();
        let filtered = Projection::new(&q, 6.7, &nothing, Some(&filter)).unwrap();
        let lost = |projection: &Projection| {
            let mut f = shell.clone();
            projection.subtract(&mut f);
            f.iter().zip(&shell).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        assert!(lost(&filtered) < 0.25 * lost(&plain), "{} {}", lost(&filtered), lost(&plain));
        // A polynomial goes whole, although its ends at Q = 0 and Qmax give it a part at r > R.
        let slow: Vec<f64> = q.iter().map(|q| 0.3 * q - 0.02 * q * q).collect();
        let mut left = slow.clone();
        filtered.subtract(&mut left);
        let norm = |f: &[f64]| dot(f, f).sqrt();
        assert!(norm(&left) < 1e-9 * norm(&slow), "{} {}", norm(&left), norm(&slow));
    }

    #[test]
    fn two_after_each_other_are_one() {
        let q: Vec<f64> = (0..80).map(|i| 0.1 * (f64::from(i) + 0.5)).collect();
        let target: Vec<f64> = q.iter().map(|q| q.cos()).collect();
        let first = Projection::new(&q, 2.4, &target, None).unwrap();
        let second = Projection::new(&q, 5.0, &vec![0.1; q.len()], None).unwrap();
        let mut stepwise: Vec<f64> = q.iter().map(|q| (q * q).sin()).collect();
        let mut at_once = stepwise.clone();
        first.subtract(&mut stepwise);
        second.subtract(&mut stepwise);
        first.then(second).subtract(&mut at_once);
        assert!(stepwise.iter().zip(&at_once).all(|(a, b)| (a - b).abs() < 1e-12));
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
