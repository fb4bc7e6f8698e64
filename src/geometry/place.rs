//! Pixel coordinates → point on the detector → laboratory frame → 2θ, χ, Q \[E1\], \[E2\].

use super::{Direction, Geometry, Orientation, Poni};
use crate::units::momentum_transfer;

impl Geometry {
    /// Point of the detector plane (slow, fast) in metres from the array's origin.
    ///
    /// `row` and `column` are continuous: the first pixel of the array spans 0…1, its centre is 0.5.
    pub fn detector_point(&self, row: f64, column: f64) -> [f64; 2] {
        let [pixel_slow, pixel_fast] = self.detector.pixel_m;
        let flipped_row = self.detector.shape.rows as f64 - row;
        let flipped_column = self.detector.shape.columns as f64 - column;
        let (row, column) = match self.detector.orientation {
            Orientation::TopLeft => (flipped_row, flipped_column),
            Orientation::TopRight => (flipped_row, column),
            Orientation::BottomRight => (row, column),
            Orientation::BottomLeft => (row, flipped_column),
        };
        [row * pixel_slow, column * pixel_fast]
    }

    /// Vector from the sample to a detector point in the laboratory frame, m: (t1, t2, t3) of \[E1\],
    /// t1 up along the slow axis, t2 along the fast axis, t3 along the beam.
    pub fn lab(&self, point: [f64; 2]) -> [f64; 3] {
        let poni = &self.poni;
        let (s1, c1) = poni.rot1_rad.sin_cos();
        let (s2, c2) = poni.rot2_rad.sin_cos();
        let (s3, c3) = poni.rot3_rad.sin_cos();
        let (p1, p2, p3) = (point[0] - poni.poni1_m, point[1] - poni.poni2_m, poni.distance_m);
        [
            p1 * c2 * c3 + p2 * (c3 * s1 * s2 - c1 * s3) - p3 * (c1 * c3 * s2 + s1 * s3),
            p1 * c2 * s3 + p2 * (c1 * c3 + s1 * s2 * s3) - p3 * (-c3 * s1 + c1 * s2 * s3),
            p1 * s2 - p2 * c2 * s1 + p3 * c1 * c2,
        ]
    }

    /// Vector from the sample along the rays that a pixel coordinate counts, m: that of [`Geometry::lab`], to where they
    /// meet the sensor's face \[E6\].
    pub fn ray(&self, row: f64, column: f64) -> [f64; 3] {
        let point = self.detector_point(row, column);
        let Some(parallax) = &self.parallax else { return self.lab(point) };
        let Poni { poni1_m, poni2_m, distance_m, .. } = self.poni;
        let (p1, p2) = (point[0] - poni1_m, point[1] - poni2_m);
        let ratio = parallax.inwards(p1 * p1 + p2 * p2, distance_m);
        self.lab([poni1_m + ratio * p1, poni2_m + ratio * p2])
    }

    /// 2θ and χ of the rays that a pixel coordinate counts \[E1\], \[E6\].
    pub fn direction(&self, row: f64, column: f64) -> Direction {
        let [t1, t2, t3] = self.ray(row, column);
        Direction { two_theta_rad: t1.hypot(t2).atan2(t3), chi_rad: t1.atan2(t2) }
    }

    /// Q in Å⁻¹ at a pixel coordinate.
    pub fn momentum_transfer(&self, row: f64, column: f64) -> f64 {
        momentum_transfer(self.direction(row, column).two_theta_rad, self.poni.wavelength_angstrom)
    }

    /// cos α, α the angle between the ray to a detector point and the detector's normal: L/√(L² + p1² + p2²).
    pub fn cos_incidence(&self, point: [f64; 2]) -> f64 {
        let (p1, p2) = (point[0] - self.poni.poni1_m, point[1] - self.poni.poni2_m);
        let distance = self.poni.distance_m;
        distance / (distance * distance + p1 * p1 + p2 * p2).sqrt()
    }
}

/// sin²θ of a ray in the laboratory frame of any length: (1 − t3/|t|)/2, written so that it does not cancel near the beam.
#[inline]
pub(crate) fn sin_squared_theta([t1, t2, t3]: [f64; 3]) -> f64 {
    let across_squared = t1 * t1 + t2 * t2;
    let length = (across_squared + t3 * t3).sqrt();
    if t3 > 0.0 { across_squared / (2.0 * length * (length + t3)) } else { 0.5 * (1.0 - t3 / length) }
}
