//! The placement in parameters that a fit can tell apart: where the beam meets the plane, and how far from the sample.
//!
//! poni1, poni2 and the rotations of \[E1\] are nearly degenerate at small tilt; the beam's point and the distance along
//! the beam are not. With D = L/(cos rot1 cos rot2), from p(t1 = t2 = 0) of \[E1\]:
//!
//! ```text
//! L = D cos rot1 cos rot2,  poni1 = c1 − D sin rot2,  poni2 = c2 + D cos rot2 sin rot1.
//! ```

use crate::geometry::{Direction, LabFrame, Parallax, Poni};

/// A detector plane in the beam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    /// Where the beam meets the plane (slow, fast), m.
    pub(super) centre_m: [f64; 2],
    /// From the sample to there, m.
    pub(super) along_m: f64,
    pub(super) rot1_rad: f64,
    pub(super) rot2_rad: f64,
    pub(super) rot3_rad: f64,
    /// Where rays stop in the sensor; `None` = at its face.
    pub(super) parallax: Option<Parallax>,
}

impl Placement {
    pub(super) fn of(poni: &Poni) -> Placement {
        let along_m = poni.distance_m / (poni.rot1_rad.cos() * poni.rot2_rad.cos());
        let centre_m = [
            poni.poni1_m + along_m * poni.rot2_rad.sin(),
            poni.poni2_m - along_m * poni.rot2_rad.cos() * poni.rot1_rad.sin(),
        ];
        Placement {
            centre_m,
            along_m,
            rot1_rad: poni.rot1_rad,
            rot2_rad: poni.rot2_rad,
            rot3_rad: poni.rot3_rad,
            parallax: None,
        }
    }

    pub(super) fn poni(&self, wavelength_angstrom: f64) -> Poni {
        let (s1, c1) = self.rot1_rad.sin_cos();
        let (s2, c2) = self.rot2_rad.sin_cos();
        Poni {
            distance_m: self.along_m * c1 * c2,
            poni1_m: self.centre_m[0] - self.along_m * s2,
            poni2_m: self.centre_m[1] + self.along_m * c2 * s1,
            rot1_rad: self.rot1_rad,
            rot2_rad: self.rot2_rad,
            rot3_rad: self.rot3_rad,
            wavelength_angstrom,
        }
    }

    /// How far the beam's point has moved, or a ring whose radius is the distance of the beam's point from the origin.
    pub(super) fn apart_m(&self, other: &Placement) -> f64 {
        let [slow, fast] = [0, 1].map(|k| self.centre_m[k] - other.centre_m[k]);
        let radius = self.centre_m[0].hypot(self.centre_m[1]);
        slow.hypot(fast).max(radius * (self.along_m / other.along_m - 1.0).abs())
    }

    /// Rotation and shift for many points.
    pub(super) fn lab_frame(&self) -> LabFrame {
        // The wavelength moves no ray.
        self.poni(1.0).lab_frame(self.parallax)
    }
}

/// 2θ in rad of what a point of the detector plane counts.
#[inline]
pub(super) fn two_theta(frame: &LabFrame, point: [f64; 2]) -> f64 {
    let [t1, t2, t3] = frame.ray(point);
    (t1 * t1 + t2 * t2).sqrt().atan2(t3)
}

/// 2θ and χ of what a point of the detector plane counts \[E1\], \[E6\].
pub(super) fn direction(frame: &LabFrame, point: [f64; 2]) -> Direction {
    let [t1, t2, t3] = frame.ray(point);
    Direction { two_theta_rad: (t1 * t1 + t2 * t2).sqrt().atan2(t3), chi_rad: t1.atan2(t2) }
}

/// Derivative of cos 2θ with respect to the point (slow, fast), 1/m; parallax is not in it, which changes it by 1e-3.
///
/// With p from the sample to the point in the detector's axes and b the beam's direction there (the third row of the
/// rotation), cos 2θ = b·p/|p|, and its derivative is (b_k|p|² − (b·p)p_k)/|p|³.
#[inline]
pub(super) fn cos_two_theta_slope(frame: &LabFrame, point: [f64; 2]) -> [f64; 2] {
    let p = frame.own(point);
    let b = frame.rows[2];
    let along = b[0] * p[0] + b[1] * p[1] + b[2] * p[2];
    let squared = p[0] * p[0] + p[1] * p[1] + p[2] * p[2];
    let cubed = squared * squared.sqrt();
    [(b[0] * squared - along * p[0]) / cubed, (b[1] * squared - along * p[1]) / cubed]
}

/// ∂2θ/∂(slow, fast) in rad/m.
pub(super) fn two_theta_slope(frame: &LabFrame, point: [f64; 2]) -> [f64; 2] {
    let sin = two_theta(frame, point).sin().max(1e-9);
    cos_two_theta_slope(frame, point).map(|slope| -slope / sin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parametrisations_are_one_plane() {
        let poni = Poni {
            distance_m: 0.31,
            poni1_m: 0.07,
            poni2_m: -0.02,
            rot1_rad: 0.4,
            rot2_rad: -0.3,
            rot3_rad: 0.2,
            wavelength_angstrom: 0.11,
        };
        let placement = Placement::of(&poni);
        let back = placement.poni(0.11);
        // A few roundings of numbers below 1.
        for (a, b) in
            [(poni.distance_m, back.distance_m), (poni.poni1_m, back.poni1_m), (poni.poni2_m, back.poni2_m)]
        {
            assert!((a - b).abs() < 1e-15);
        }
        let frame = placement.lab_frame();
        let sensor = Parallax { mu_per_m: 1500.0, thickness_m: 1e-3 };
        let thick = Placement { parallax: Some(sensor), ..placement }.lab_frame();
        let counted = [0.113, 0.041];
        let back = thick.meets(direction(&thick, counted)).unwrap();
        // What three steps leave of the equation of [E6], see `Parallax::inwards`.
        assert!((back[0] - counted[0]).hypot(back[1] - counted[1]) < 1e-11, "{back:?}");
        assert!(two_theta(&thick, counted) < two_theta(&frame, counted) - 1e-4, "counted further out");
        assert!(two_theta(&frame, placement.centre_m) < 1e-15, "the beam meets the plane at its centre");
        let point = [0.113, 0.041];
        let met = frame.meets(direction(&frame, point)).unwrap();
        assert!((met[0] - point[0]).abs() < 1e-15 && (met[1] - point[1]).abs() < 1e-15);
        // A central difference over 2e-6 m of a function that changes over 0.1 m is good to 1e-9 relative.
        let slope = two_theta_slope(&frame, point);
        for axis in 0..2 {
            let mut shifted = [point, point];
            shifted[0][axis] += 1e-6;
            shifted[1][axis] -= 1e-6;
            let difference = (two_theta(&frame, shifted[0]) - two_theta(&frame, shifted[1])) / 2e-6;
            assert!((difference / slope[axis] - 1.0).abs() < 1e-6, "{difference} {slope:?}");
        }
    }
}
