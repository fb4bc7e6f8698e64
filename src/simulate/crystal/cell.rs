//! The unit cell: its axes, its volume, and the reciprocal lattice.

use std::f64::consts::PI;

use serde::Deserialize;

/// Edges and angles of the conventional cell.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Edge a in Å.
    pub a_angstrom: f64,
    /// Edge b in Å.
    pub b_angstrom: f64,
    /// Edge c in Å.
    pub c_angstrom: f64,
    /// Angle between b and c.
    pub alpha_deg: f64,
    /// Angle between c and a.
    pub beta_deg: f64,
    /// Angle between a and b.
    pub gamma_deg: f64,
}

/// A vector in Cartesian coordinates.
pub(super) type Vector = [f64; 3];

pub(super) fn dot(u: Vector, v: Vector) -> f64 {
    u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
}

fn cross(u: Vector, v: Vector) -> Vector {
    [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
}

/// Σ c_i v_i.
pub(super) fn combine(coefficients: [f64; 3], vectors: &[Vector; 3]) -> Vector {
    std::array::from_fn(|k| (0..3).map(|i| coefficients[i] * vectors[i][k]).sum())
}

impl Cell {
    /// The axes a, b, c in Å; a along x, b in the plane of x and y.
    pub(super) fn axes(&self) -> [Vector; 3] {
        let cosine = |degrees: f64| if degrees == 90.0 { 0.0 } else { degrees.to_radians().cos() };
        let (alpha, beta, gamma) = (cosine(self.alpha_deg), cosine(self.beta_deg), cosine(self.gamma_deg));
        let sine = (1.0 - gamma * gamma).sqrt();
        let along_y = (alpha - beta * gamma) / sine;
        let along_z = (1.0 - beta * beta - along_y * along_y).sqrt();
        [
            [self.a_angstrom, 0.0, 0.0],
            [self.b_angstrom * gamma, self.b_angstrom * sine, 0.0],
            [self.c_angstrom * beta, self.c_angstrom * along_y, self.c_angstrom * along_z],
        ]
    }

    /// a·(b × c) in Å³; not a number where the three angles cannot meet in a corner.
    pub fn volume(&self) -> f64 {
        let [a, b, c] = self.axes();
        dot(a, cross(b, c))
    }

    /// a*, b*, c* in Å⁻¹, with the factor 2π: a·a* = 2π.
    pub(super) fn reciprocal(&self) -> [Vector; 3] {
        let [a, b, c] = self.axes();
        let scale = 2.0 * PI / self.volume();
        [cross(b, c), cross(c, a), cross(a, b)].map(|v| v.map(|x| scale * x))
    }

    /// Q = |h a* + k b* + l c*| of a reflection in Å⁻¹; its lattice spacing is 2π/Q.
    pub fn q(&self, hkl: [i32; 3]) -> f64 {
        let q = combine(hkl.map(f64::from), &self.reciprocal());
        dot(q, q).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRICLINIC: Cell = Cell {
        a_angstrom: 5.3,
        b_angstrom: 7.1,
        c_angstrom: 9.7,
        alpha_deg: 81.0,
        beta_deg: 103.0,
        gamma_deg: 95.5,
    };

    #[test]
    fn a_triclinic_cell_by_the_textbook() {
        // International Tables C, 1.1: V from the cosines alone, and 1/d² = hᵀ S h/V² with the S_ij of the direct cell.
        let (a, b, c) = (TRICLINIC.a_angstrom, TRICLINIC.b_angstrom, TRICLINIC.c_angstrom);
        let [al, be, ga] =
            [TRICLINIC.alpha_deg, TRICLINIC.beta_deg, TRICLINIC.gamma_deg].map(f64::to_radians);
        let (ca, cb, cg) = (al.cos(), be.cos(), ga.cos());
        let volume = a * b * c * (1.0 - ca * ca - cb * cb - cg * cg + 2.0 * ca * cb * cg).sqrt();
        // A dozen operations on numbers of one size.
        assert!((TRICLINIC.volume() / volume - 1.0).abs() < 1e-14);
        for hkl in [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -2, 3], [-4, 1, 7], [2, 2, -5]] {
            let [h, k, l] = hkl.map(f64::from);
            let sum = (b * c * al.sin() * h).powi(2)
                + (a * c * be.sin() * k).powi(2)
                + (a * b * ga.sin() * l).powi(2)
                + 2.0 * a * b * c * c * (ca * cb - cg) * h * k
                + 2.0 * a * a * b * c * (cb * cg - ca) * k * l
                + 2.0 * a * b * b * c * (cg * ca - cb) * h * l;
            let d = volume / sum.sqrt();
            assert!((2.0 * PI / TRICLINIC.q(hkl) / d - 1.0).abs() < 1e-13, "{hkl:?}");
        }
    }

    #[test]
    fn axes_have_their_lengths_and_angles() {
        let [a, b, c] = TRICLINIC.axes();
        let angle = |u, v| (dot(u, v) / (dot(u, u) * dot(v, v)).sqrt()).acos().to_degrees();
        for (found, expected) in [(angle(b, c), 81.0), (angle(c, a), 103.0), (angle(a, b), 95.5)] {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        for (axis, length) in [(a, 5.3), (b, 7.1), (c, 9.7)] {
            assert!((dot(axis, axis).sqrt() - length).abs() < 1e-14);
        }
    }
}
