//! Where the beam meets the detector, and which radial range the detector covers.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::{Geometry, GeometryError, Orientation};
use crate::integrate::RadialUnit;

impl Geometry {
    /// From the sample to the detector's plane along the beam, in m: L/(cos rot1 · cos rot2).
    ///
    /// `None` where the beam never meets the plane in front of the sample.
    pub fn sample_to_detector_along_beam_m(&self) -> Option<f64> {
        let along = self.along_beam_m();
        (along.is_finite() && along > 0.0).then_some(along)
    }

    /// Pixel coordinate (column, row) at which the direct beam meets the detector's plane, also outside the array.
    ///
    /// `None` where the beam never meets the plane in front of the sample.
    pub fn beam_centre_px(&self) -> Option<[f64; 2]> {
        self.sample_to_detector_along_beam_m()?;
        let [row, column] = self.axis_px();
        Some([column, row])
    }

    /// Smallest and largest radial value on the pixels that `bad` (row order, `true` = left out) leaves, of all pixels
    /// where it is `None`: Å⁻¹, degrees or Å.
    ///
    /// The corners of the pixels and, on a pixel that is left, the direct beam itself count.
    ///
    /// # Errors
    /// No pixel is left; the mask has another size; d has no upper limit because the beam hits a pixel that is left.
    pub fn radial_range(&self, unit: RadialUnit, bad: Option<&[bool]>) -> Result<[f64; 2], GeometryError> {
        let shape = self.detector.shape;
        if let Some(bad) = bad.filter(|bad| bad.len() != shape.pixels()) {
            return Err(GeometryError::MaskSize {
                detector: self.detector.name.clone(),
                found: bad.len(),
                expected: shape.pixels(),
            });
        }
        let is_left = |row: usize, column: usize| bad.is_none_or(|bad| !bad[row * shape.columns + column]);
        // The laboratory vector is linear in the pixel coordinate.
        let at = |row: f64, column: f64| self.lab(self.detector_point(row, column));
        let origin = at(0.0, 0.0);
        let difference = |to: [f64; 3]| [to[0] - origin[0], to[1] - origin[1], to[2] - origin[2]];
        let (rows, columns) = (shape.rows as f64, shape.columns as f64);
        let per_row = difference(at(rows, 0.0)).map(|t| t / rows);
        let per_column = difference(at(0.0, columns)).map(|t| t / columns);
        // 1 − cos 2θ = 2 sin²θ, without cancellation near the beam; grows with 2θ.
        let versine = |row: usize, column: usize| {
            let (row, column) = (row as f64, column as f64);
            let [t1, t2, t3]: [f64; 3] =
                std::array::from_fn(|i| origin[i] + row * per_row[i] + column * per_column[i]);
            let (across, length) = (t1 * t1 + t2 * t2, (t1 * t1 + t2 * t2 + t3 * t3).sqrt());
            if t3 > 0.0 { across / (length * (length + t3)) } else { 1.0 - t3 / length }
        };
        let join = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        let empty = [f64::INFINITY, f64::NEG_INFINITY];
        let mut range = (0..shape.rows)
            .into_par_iter()
            .map(|row| {
                (0..shape.columns).filter(|&column| is_left(row, column)).fold(empty, |range, column| {
                    [(0, 0), (0, 1), (1, 0), (1, 1)].iter().fold(range, |range, (down, right)| {
                        let value = versine(row + down, column + right);
                        join(range, [value, value])
                    })
                })
            })
            .reduce(|| empty, join);
        let [row, column] = self.axis_px();
        if (0.0..rows).contains(&row)
            && (0.0..columns).contains(&column)
            && is_left(row as usize, column as usize)
        {
            let value = if self.along_beam_m() > 0.0 { 0.0 } else { 2.0 };
            range = join(range, [value, value]);
        }
        if range[0] > range[1] {
            return Err(GeometryError::NothingLeft);
        }
        let sin_theta = range.map(|value| (0.5 * value).sqrt().min(1.0));
        let q = sin_theta.map(|sin| 4.0 * PI * sin / self.poni.wavelength_angstrom);
        match unit {
            RadialUnit::QInvAngstrom => Ok(q),
            RadialUnit::TwoThetaDeg => Ok(sin_theta.map(|sin| 2.0 * sin.asin().to_degrees())),
            RadialUnit::DAngstrom if q[0] > 0.0 => Ok([2.0 * PI / q[1], 2.0 * PI / q[0]]),
            RadialUnit::DAngstrom => Err(GeometryError::UnboundedD),
        }
    }

    /// Signed way along the beam's line from the sample to the detector's plane, m.
    fn along_beam_m(&self) -> f64 {
        self.poni.distance_m / (self.poni.rot1_rad.cos() * self.poni.rot2_rad.cos())
    }

    /// Pixel coordinate [row, column] at which the beam's line, forward or backward, meets the plane: the point p of
    /// [E1] with t1 = t2 = 0, which is p1 = L tan(rot2)/cos(rot1), p2 = −L tan(rot1).
    fn axis_px(&self) -> [f64; 2] {
        let poni = &self.poni;
        let p1 = poni.distance_m * poni.rot2_rad.tan() / poni.rot1_rad.cos();
        let p2 = -poni.distance_m * poni.rot1_rad.tan();
        let row = (poni.poni1_m + p1) / self.detector.pixel_m[0];
        let column = (poni.poni2_m + p2) / self.detector.pixel_m[1];
        let flipped_row = self.detector.shape.rows as f64 - row;
        let flipped_column = self.detector.shape.columns as f64 - column;
        match self.detector.orientation {
            Orientation::TopLeft => [flipped_row, flipped_column],
            Orientation::TopRight => [flipped_row, column],
            Orientation::BottomRight => [row, column],
            Orientation::BottomLeft => [row, flipped_column],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::geometry::{Detector, Poni};

    fn geometry(orientation: Orientation) -> Geometry {
        let mut detector = Detector::generic(Shape { rows: 40, columns: 60 }, [2e-4, 1e-4]).unwrap();
        detector.orientation = orientation;
        let poni = Poni {
            distance_m: 0.1,
            poni1_m: 0.002,
            poni2_m: 0.0035,
            rot1_rad: 0.01,
            rot2_rad: -0.01,
            rot3_rad: 0.7,
            wavelength_angstrom: 0.2,
        };
        Geometry { poni, detector }
    }

    #[test]
    fn the_beam_centre_is_where_two_theta_vanishes() {
        for orientation in
            [Orientation::TopLeft, Orientation::TopRight, Orientation::BottomRight, Orientation::BottomLeft]
        {
            let geometry = geometry(orientation);
            let [column, row] = geometry.beam_centre_px().unwrap();
            // Rounding of a point of 4e-3 m at 0.1 m is below 1e-16 / 0.1 rad times a few operations.
            assert!(geometry.direction(row, column).two_theta_rad < 1e-14, "{orientation:?}");
            let [.., t3] = geometry.lab(geometry.detector_point(row, column));
            assert!((t3 - geometry.sample_to_detector_along_beam_m().unwrap()).abs() < 1e-15);
        }
    }

    #[test]
    fn the_range_is_that_of_all_corners() {
        let geometry = geometry(Orientation::TopRight);
        let mut expected = [f64::INFINITY, 0.0f64];
        for row in 0..=40 {
            for column in 0..=60 {
                let q = geometry.momentum_transfer(f64::from(row), f64::from(column));
                expected = [expected[0].min(q), expected[1].max(q)];
            }
        }
        let [low, high] = geometry.radial_range(RadialUnit::QInvAngstrom, None).unwrap();
        assert_eq!(low, 0.0, "the beam hits the array at {:?}", geometry.beam_centre_px());
        assert!((high / expected[1] - 1.0).abs() < 1e-12, "rounding only");
        assert!(matches!(geometry.radial_range(RadialUnit::DAngstrom, None), Err(GeometryError::UnboundedD)));

        // With the pixel of the beam left out the corners decide, and d is the reciprocal of Q.
        let [column, row] = geometry.beam_centre_px().unwrap();
        let mut bad = vec![false; 40 * 60];
        bad[row as usize * 60 + column as usize] = true;
        let q = geometry.radial_range(RadialUnit::QInvAngstrom, Some(&bad)).unwrap();
        assert!((q[0] / expected[0] - 1.0).abs() < 1e-9, "rounding only, near the beam");
        let d = geometry.radial_range(RadialUnit::DAngstrom, Some(&bad)).unwrap();
        assert!(
            (d[0] * q[1] / (2.0 * PI) - 1.0).abs() < 1e-12 && (d[1] * q[0] / (2.0 * PI) - 1.0).abs() < 1e-12
        );

        assert!(geometry.radial_range(RadialUnit::QInvAngstrom, Some(&[true; 40 * 60])).is_err());
        assert!(geometry.radial_range(RadialUnit::QInvAngstrom, Some(&[false; 7])).is_err());
    }

    #[test]
    fn a_detector_behind_the_sample_has_no_beam_centre_and_reaches_180_degrees() {
        let mut geometry = geometry(Orientation::BottomRight);
        geometry.poni.rot1_rad = PI;
        assert_eq!(geometry.beam_centre_px(), None);
        geometry.poni.rot2_rad = 0.0;
        let [_, high] = geometry.radial_range(RadialUnit::TwoThetaDeg, None).unwrap();
        // asin near 1 turns a rounding of 1e-16 into 1e-8 rad.
        assert!((high - 180.0).abs() < 1e-5, "{high}");
    }
}
