//! Absorption in a cylinder across the beam \[E7a\]: the integral over its illuminated part, and a table of it.

use std::f64::consts::{FRAC_PI_2, PI};

use rayon::prelude::*;

use crate::quadrature::gauss_legendre;

/// Points of the Gauss rule along each direction; with the ends drawn together it is good to 1e-11 for μR ≤ 10.
const POINTS: usize = 48;

/// Largest steps of the table, in rad and in ln k, the latter for μR ≤ 2 and in inverse proportion above: ln A bends with μR·k.
/// Six points along each then give A to 1e-7 for μR ≤ 10.
const ANGLE_STEP: f64 = 0.004;
const LN_STEP: f64 = 0.04;

/// Rays within a degree of the axis lose all they have; the table ends there.
const LONGEST: f64 = 64.0;

/// Points that an interpolation takes along each direction.
const NEAR: usize = 6;

/// A cylinder of radius 1 and the part of it that the beam lights: |x| ≤ `half_width`, x across axis and beam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bathed {
    /// μR.
    pub(super) mu_radius: f64,
    /// Half of the beam's width over R, 0 < w ≤ 1.
    pub(super) half_width: f64,
}

impl Bathed {
    /// A = mean of exp[−μ(l_in + k·l_out)] over the lit part, for rays whose projection on the plane across the axis is turned
    /// by `angle` from the beam, at each k = `longer` = way over its projection.
    ///
    /// With x = sin t and the beam along z, l_in = z + cos t and l_out = √(cos²t − z² + b²) − b, b = x sin φ + z cos φ. The outgoing
    /// way has a kink at the rim where the ray is a tangent, x = ±cos φ: the integral over t is cut there. Drawing the points
    /// together by y → (3y − y³)/2, twice, takes away the square roots at all ends.
    pub(super) fn transmission(&self, angle: f64, longer: &[f64]) -> Vec<f64> {
        let edge = self.half_width.asin();
        let tangent = (FRAC_PI_2 - angle).abs();
        let cuts = if tangent < edge { vec![-edge, -tangent, tangent, edge] } else { vec![-edge, edge] };
        let points = drawn_to_the_ends();
        let (sin, cos) = angle.sin_cos();
        let mut sums = vec![0.0; longer.len()];
        let mut area = 0.0;
        for ends in cuts.windows(2) {
            let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
            for (u, weight_u) in &points {
                let (x, rim) = (middle + half * u).sin_cos();
                for (v, weight_v) in &points {
                    let z = rim * v;
                    let weight = half * weight_u * rim * rim * weight_v;
                    let b = x * sin + z * cos;
                    let rest = (rim - z) * (rim + z);
                    let root = (rest + b * b).sqrt();
                    let out = if b > 0.0 { rest / (root + b) } else { root - b };
                    area += weight;
                    for (sum, k) in sums.iter_mut().zip(longer) {
                        *sum += weight * (-self.mu_radius * (z + rim + k * out)).exp();
                    }
                }
            }
        }
        sums.into_iter().map(|sum| sum / area).collect()
    }
}

/// Nodes and weights on [−1, 1].
pub(super) fn drawn_to_the_ends() -> Vec<(f64, f64)> {
    let draw = |(y, weight): (f64, f64)| (0.5 * y * (3.0 - y * y), 1.5 * weight * (1.0 - y * y));
    gauss_legendre(POINTS).into_iter().map(|node| draw(draw(node))).collect()
}

/// Equal steps over [lower, upper].
#[derive(Debug, Clone, Copy)]
struct Steps {
    lower: f64,
    step: f64,
    count: usize,
}

impl Steps {
    fn new(lower: f64, upper: f64, largest: f64) -> Steps {
        let intervals = (((upper - lower) / largest).ceil() as usize).max(NEAR - 1);
        // A range without width still has points that differ.
        let step = ((upper - lower) / intervals as f64).max(1e-9);
        Steps { lower, step, count: intervals + 1 }
    }

    fn at(&self, index: usize) -> f64 {
        self.lower + index as f64 * self.step
    }

    /// First of the points to take, and Lagrange's weights of them.
    fn weights(&self, value: f64) -> (usize, [f64; NEAR]) {
        let place = (value - self.lower) / self.step;
        let first = (place.floor() as usize).saturating_sub(NEAR / 2 - 1).min(self.count - NEAR);
        let x = place - first as f64;
        // Π (i − j) over j ≠ i.
        const BELOW: [f64; NEAR] = [-120.0, 24.0, -12.0, 12.0, -24.0, 120.0];
        let weight =
            |i: usize| (0..NEAR).filter(|j| *j != i).map(|j| x - j as f64).product::<f64>() / BELOW[i];
        (first, std::array::from_fn(weight))
    }
}

/// ln A on a grid of the angle and ln k.
#[derive(Debug, Clone)]
pub(super) struct CylinderTable {
    /// Pieces of the angle, ascending: A has a kink where the tangent rays touch the rim at the beam's edge.
    pieces: Vec<(Steps, Vec<f64>)>,
    ln_longer: Steps,
}

impl CylinderTable {
    /// For angles and ways up to `reach`.
    pub(super) fn new(bathed: Bathed, reach: [f64; 2]) -> CylinderTable {
        CylinderTable::of(bathed, reach, &|angle, longer| bathed.transmission(angle, longer))
    }

    /// Of what `transmission` gives at an angle for many k, where it bends as that of `bathed` does.
    pub(super) fn of(
        bathed: Bathed,
        reach: [f64; 2],
        transmission: &(dyn Fn(f64, &[f64]) -> Vec<f64> + Sync),
    ) -> CylinderTable {
        let [largest_angle, longest] = reach;
        let ln_step = LN_STEP / (0.5 * bathed.mu_radius).max(1.0);
        let ln_longer = Steps::new(0.0, longest.min(LONGEST).ln(), ln_step);
        let longer: Vec<f64> = (0..ln_longer.count).map(|i| ln_longer.at(i).exp()).collect();
        let kink = bathed.half_width.acos();
        let inside = |angle: &f64| *angle > 1e-6 && *angle < largest_angle;
        let mut ends = vec![0.0];
        ends.extend([kink, PI - kink].iter().filter(|angle| inside(angle)));
        ends.push(largest_angle);
        let pieces = ends
            .windows(2)
            .map(|ends| {
                let angles = Steps::new(ends[0], ends[1], ANGLE_STEP);
                let rows = (0..angles.count).into_par_iter();
                let ln_a = rows.flat_map_iter(|i| transmission(angles.at(i), &longer)).map(f64::ln);
                (angles, ln_a.collect())
            })
            .collect();
        CylinderTable { pieces, ln_longer }
    }

    /// A at [angle, k], both within the reach.
    pub(super) fn transmission(&self, [angle, longer]: [f64; 2]) -> f64 {
        let after = self.pieces.partition_point(|(angles, _)| angles.lower <= angle);
        let (angles, ln_a) = &self.pieces[after.saturating_sub(1)];
        let (row, of_rows) = angles.weights(angle);
        let (column, of_columns) = self.ln_longer.weights(longer.min(LONGEST).ln());
        let line = |i: usize| -> f64 {
            let start = (row + i) * self.ln_longer.count + column;
            ln_a[start..start + NEAR].iter().zip(&of_columns).map(|(value, weight)| value * weight).sum()
        };
        of_rows.iter().enumerate().map(|(i, weight)| weight * line(i)).sum::<f64>().exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mu_radius: f64, half_width: f64, angle: f64, longer: f64) -> f64 {
        Bathed { mu_radius, half_width }.transmission(angle, &[longer])[0]
    }

    /// The mean over a square grid in the plane, ways from the distances to the rim.
    fn squares(mu_radius: f64, half_width: f64, angle: f64, longer: f64) -> f64 {
        const SIDE: usize = 1000;
        let place = |i: usize| (2.0 * i as f64 + 1.0) / SIDE as f64 - 1.0;
        let (mut sum, mut count) = (0.0, 0);
        for x in (0..SIDE).map(place).filter(|x| x.abs() <= half_width) {
            for z in (0..SIDE).map(place).filter(|z| x * x + z * z < 1.0) {
                // |p + s·n| = 1 along n = −beam, and along n = (sin, cos).
                let to_rim = |n: [f64; 2]| {
                    let b = x * n[0] + z * n[1];
                    -b + (b * b + 1.0 - x * x - z * z).sqrt()
                };
                let way = to_rim([0.0, -1.0]) + longer * to_rim([angle.sin(), angle.cos()]);
                sum += (-mu_radius * way).exp();
                count += 1;
            }
        }
        sum / f64::from(count)
    }

    #[test]
    fn the_integral_is_the_sum_over_small_squares() {
        for (mu_radius, half_width, angle, longer) in
            [(0.5, 1.0, 0.4, 1.0), (2.0, 1.0, 2.2, 1.3), (1.0, 0.5, 0.9, 1.1), (3.0, 0.8, 0.2, 2.0)]
        {
            let (found, expected) =
                (at(mu_radius, half_width, angle, longer), squares(mu_radius, half_width, angle, longer));
            // Squares on the rim: 3000 of 785 000 by half on average, with random signs: 1e-4 of the area.
            assert!((found / expected - 1.0).abs() < 3e-4, "{mu_radius} {angle}: {found}, {expected}");
        }
    }

    /// Forward l_in + l_out is the chord 2 cos t: A = (4/π) ∫₀^{π/2} cos²t e^{−2μR cos t} dt. Backward l_out = l_in:
    /// A = (2/π) ∫₀^{π/2} cos t (1 − e^{−4μR cos t})/(2μR) dt. One-dimensional, and smooth and periodic: 400 steps of the
    /// trapezium rule over a full turn are exact to rounding but for the |cos t| of the backward one, 1e-5.
    #[test]
    fn forward_and_backward_are_one_dimensional() {
        const STEPS: usize = 20_000;
        let mean = |f: &dyn Fn(f64) -> f64| {
            let half = 0.5 * PI / STEPS as f64;
            (0..STEPS).map(|i| f(((i as f64 + 0.5) * half).cos())).sum::<f64>() / STEPS as f64
        };
        for mu_radius in [1e-6, 0.1, 1.0, 4.0, 10.0] {
            let forward = mean(&|c| 2.0 * c * c * (-2.0 * mu_radius * c).exp());
            let backward = mean(&|c| c * -(-4.0 * mu_radius * c).exp_m1() / (2.0 * mu_radius));
            // The midpoint rule: (4μR·π/2/20000)²/24 = 4e-7 at 10, 4e-9 at 1.
            let tolerance = 1e-8 + 1e-8 * mu_radius * mu_radius;
            assert!((at(mu_radius, 1.0, 0.0, 1.0) / forward - 1.0).abs() < tolerance, "{mu_radius}");
            assert!((at(mu_radius, 1.0, PI, 1.0) / backward - 1.0).abs() < tolerance, "{mu_radius}");
        }
        // A narrow beam through the middle is a slab of the thickness 2R.
        assert!(
            (at(1.0, 1e-4, 0.0, 1.0) / (-2.0f64).exp() - 1.0).abs() < 1e-8,
            "the chord at the edge is 1e-8 shorter"
        );
    }

    /// Dwiggins, Acta Cryst. A31 (1975) 146, as the polynomials in μR that the SNS
    /// vanadium-rod correction fits to the table at each θ; their fit is good to 1 % for 0.2 ≤ μR ≤ 1.5.
    #[test]
    fn the_table_of_dwiggins() {
        let table = [
            (0.0, [1.0016, 1.6444, 1.6350, 0.2919, 0.5164]),
            (30.0, [0.9970, 1.7768, 0.9518, 1.0192, -0.2001]),
            (60.0, [1.0051, 1.6041, 1.3474, -0.2388, 0.0127]),
            (90.0, [0.9998, 1.6858, 0.9803, -0.3185, 0.0402]),
        ];
        for (theta, coefficients) in table {
            for mu_radius in [0.2f64, 0.5, 1.0, 1.5] {
                let published: f64 = coefficients.iter().rev().fold(0.0, |sum, c| sum * mu_radius + c);
                let found = 1.0 / at(mu_radius, 1.0, 2.0 * f64::to_radians(theta), 1.0);
                assert!((found / published - 1.0).abs() < 0.01, "{theta} {mu_radius}: {found}, {published}");
            }
        }
    }

    #[test]
    fn the_table_is_the_integral() {
        for (mu_radius, half_width, reach) in [
            (1.0, 1.0, [0.7, 1.3]),
            (10.0, 1.0, [1.5, 2.0]),
            (10.0, 0.9, [0.8, 1.5]),
            (3.0, 0.25, [PI, 3.0]),
            (10.0, 0.25, [0.8, 1.5]),
        ] {
            let bathed = Bathed { mu_radius, half_width };
            let table = CylinderTable::new(bathed, reach);
            for i in 0..60 {
                // Steps that fit no grid.
                let angle = reach[0] * (f64::from(i) * 0.618_034).fract();
                let longer = 1.0 + (reach[1] - 1.0) * (f64::from(i) * 0.414_214).fract();
                let exact = bathed.transmission(angle, &[longer])[0];
                let error = table.transmission([angle, longer]) / exact - 1.0;
                // As stated with the steps.
                assert!(error.abs() < 1e-7, "{mu_radius} {half_width} {angle} {longer}: {error:e}");
            }
        }
    }
}
