//! Pixel coordinates → point on the detector → laboratory frame → 2θ, χ, Q \[E1\], \[E2\].

use super::{Detector, Direction, Geometry, Orientation, Parallax, Poni};
use crate::units::momentum_transfer;

/// The rotation of \[E1\], its sines taken once, and where rays stop in the sensor \[E6\].
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabFrame {
    /// Rows give t1, t2, t3 from p = (d1 − poni1, d2 − poni2, L).
    pub(crate) rows: [[f64; 3]; 3],
    poni_m: [f64; 2],
    distance_m: f64,
    parallax: Option<Parallax>,
}

impl Poni {
    /// Rotation and shift for many points; rays stop at the sensor's face, or where `parallax` says.
    pub(crate) fn lab_frame(&self, parallax: Option<Parallax>) -> LabFrame {
        let (s1, c1) = self.rot1_rad.sin_cos();
        let (s2, c2) = self.rot2_rad.sin_cos();
        let (s3, c3) = self.rot3_rad.sin_cos();
        LabFrame {
            rows: [
                [c2 * c3, c3 * s1 * s2 - c1 * s3, -(c1 * c3 * s2 + s1 * s3)],
                [c2 * s3, c1 * c3 + s1 * s2 * s3, -(-c3 * s1 + c1 * s2 * s3)],
                [s2, -c2 * s1, c1 * c2],
            ],
            poni_m: [self.poni1_m, self.poni2_m],
            distance_m: self.distance_m,
            parallax,
        }
    }
}

impl LabFrame {
    /// A point of the detector plane relative to the sample, in the detector's own axes, m: p of \[E1\].
    #[inline]
    pub(crate) fn own(&self, [d1, d2]: [f64; 2]) -> [f64; 3] {
        [d1 - self.poni_m[0], d2 - self.poni_m[1], self.distance_m]
    }

    /// (t1, t2, t3) of \[E1\] for a point of the detector plane, m.
    #[inline]
    pub(crate) fn lab(&self, point: [f64; 2]) -> [f64; 3] {
        let [p1, p2, p3] = self.own(point);
        self.rows.map(|[a, b, c]| p1 * a + p2 * b + p3 * c)
    }

    /// Vector from the sample along the rays that a point of the detector plane counts: that of [`LabFrame::lab`], to where
    /// they meet the sensor's face \[E6\].
    #[inline]
    pub(crate) fn ray(&self, point: [f64; 2]) -> [f64; 3] {
        let Some(parallax) = &self.parallax else { return self.lab(point) };
        let [p1, p2, _] = self.own(point);
        let ratio = parallax.inwards(p1 * p1 + p2 * p2, self.distance_m);
        self.lab([self.poni_m[0] + ratio * p1, self.poni_m[1] + ratio * p2])
    }

    /// Where the ray of this direction is counted on the detector plane, m; `None` where it does not meet it in front of the
    /// sample.
    pub(crate) fn meets(&self, direction: Direction) -> Option<[f64; 2]> {
        let (sin, cos) = direction.two_theta_rad.sin_cos();
        let t = [sin * direction.chi_rad.sin(), sin * direction.chi_rad.cos(), cos];
        let own = |axis: usize| (0..3).map(|row| self.rows[row][axis] * t[row]).sum::<f64>();
        let scale = self.distance_m / own(2);
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let [q1, q2] = [scale * own(0), scale * own(1)];
        let outwards = |parallax: Parallax| parallax.outwards(q1 * q1 + q2 * q2, self.distance_m);
        let ratio = self.parallax.map_or(1.0, outwards);
        Some([self.poni_m[0] + ratio * q1, self.poni_m[1] + ratio * q2])
    }
}

impl Detector {
    /// Point of the detector plane (slow, fast) in metres from the array's origin.
    ///
    /// `row` and `column` are continuous: the first pixel of the array spans 0…1, its centre is 0.5.
    pub fn point(&self, row: f64, column: f64) -> [f64; 2] {
        match &self.displacement {
            None => self.grid_point(row, column),
            Some(displacement) => {
                let [down, across] = displacement.at(&self.grid(), row, column);
                self.grid_point(row + down, column + across)
            }
        }
    }

    /// [`Detector::point`] on the regular grid.
    pub(crate) fn grid_point(&self, row: f64, column: f64) -> [f64; 2] {
        let [row, column] = self.unflipped(row, column);
        [row * self.pixel_m[0], column * self.pixel_m[1]]
    }

    /// Pixel coordinate [row, column] of a point of the detector plane: the inverse of [`Detector::point`], where pixels are
    /// displaced to the square of how much that changes over a displacement.
    pub fn pixel(&self, [slow_m, fast_m]: [f64; 2]) -> [f64; 2] {
        let [row, column] = self.unflipped(slow_m / self.pixel_m[0], fast_m / self.pixel_m[1]);
        let moved = self.displacement.as_ref().map(|moved| moved.at(&self.grid(), row, column));
        let [down, across] = moved.unwrap_or_default();
        [row - down, column - across]
    }

    /// Between the array and the detector's own axes; a flip is its own inverse.
    fn unflipped(&self, row: f64, column: f64) -> [f64; 2] {
        let flipped_row = self.shape.rows as f64 - row;
        let flipped_column = self.shape.columns as f64 - column;
        match self.orientation {
            Orientation::TopLeft => [flipped_row, flipped_column],
            Orientation::TopRight => [flipped_row, column],
            Orientation::BottomRight => [row, column],
            Orientation::BottomLeft => [row, flipped_column],
        }
    }
}

impl Geometry {
    /// Point of the detector plane (slow, fast) in metres from the array's origin, on the regular grid: where corrections are
    /// taken, which a displacement of a pixel changes by less than 1e-3 of what they change over the array.
    pub fn detector_point(&self, row: f64, column: f64) -> [f64; 2] {
        self.detector.grid_point(row, column)
    }

    /// Rotation and shift for many points.
    pub(crate) fn lab_frame(&self) -> LabFrame {
        self.poni.lab_frame(self.parallax)
    }

    /// Vector from the sample to a detector point in the laboratory frame, m: (t1, t2, t3) of \[E1\],
    /// t1 up along the slow axis, t2 along the fast axis, t3 along the beam.
    pub fn lab(&self, point: [f64; 2]) -> [f64; 3] {
        self.lab_frame().lab(point)
    }

    /// Vector from the sample along the rays that a pixel coordinate counts, m: that of [`Geometry::lab`], to where they
    /// meet the sensor's face \[E6\].
    pub fn ray(&self, row: f64, column: f64) -> [f64; 3] {
        self.lab_frame().ray(self.detector.point(row, column))
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
