//! Where the beam meets the detector, and which radial range the detector covers.

use std::f64::consts::PI;

use super::place::sin_squared_theta;
use super::{Geometry, GeometryError, Parallax};
use crate::frame::Shape;
use crate::units::RadialUnit;

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

    /// Smallest and largest radial value on the array: Å⁻¹, degrees or Å.
    ///
    /// 2θ on a plane has no minimum and no maximum but where the beam's axis crosses it, so the border's pixel corners
    /// and that point decide.
    ///
    /// # Errors
    /// d has no upper limit because the beam hits the array.
    pub fn radial_range(&self, unit: RadialUnit) -> Result<[f64; 2], GeometryError> {
        let Shape { rows, columns } = self.detector.shape;
        let sides = (0..=rows).flat_map(|row| [(row, 0), (row, columns)]);
        let ends = (0..=columns).flat_map(|column| [(0, column), (rows, column)]);
        let border =
            sides.chain(ends).map(|(row, column)| sin_squared_theta(self.ray(row as f64, column as f64)));
        let [row, column] = self.axis_px();
        let is_hit = (0.0..rows as f64).contains(&row) && (0.0..columns as f64).contains(&column);
        let on_axis = is_hit.then(|| if self.along_beam_m() > 0.0 { 0.0 } else { 1.0 });
        let sin_theta = border
            .chain(on_axis)
            .fold([1.0, 0.0], |[low, high]: [f64; 2], value| [low.min(value), high.max(value)])
            .map(|sin_squared| sin_squared.min(1.0).sqrt());
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

    /// Pixel coordinate [row, column] at which rays along the beam's line, forward or backward, are counted: the point p of
    /// \[E1\] with t1 = t2 = 0, which is p1 = L tan(rot2)/cos(rot1), p2 = −L tan(rot1), moved outwards by \[E6\].
    pub(crate) fn axis_px(&self) -> [f64; 2] {
        let poni = &self.poni;
        let p1 = poni.distance_m * poni.rot2_rad.tan() / poni.rot1_rad.cos();
        let p2 = -poni.distance_m * poni.rot1_rad.tan();
        let outwards = |parallax: &Parallax| parallax.outwards(p1 * p1 + p2 * p2, poni.distance_m);
        let counted = self.parallax.as_ref().map_or(1.0, outwards);
        self.detector.pixel([poni.poni1_m + counted * p1, poni.poni2_m + counted * p2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::geometry::{Detector, Orientation, Poni};

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
        Geometry { poni, detector, parallax: None }
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
        // The beam on the array, beyond one side of it, and beyond a corner.
        for (poni1_m, poni2_m) in [(0.002, 0.0035), (0.004, -0.003), (-0.003, 0.009)] {
            let mut geometry = geometry(Orientation::TopRight);
            (geometry.poni.poni1_m, geometry.poni.poni2_m) = (poni1_m, poni2_m);
            let mut expected = [f64::INFINITY, 0.0f64];
            for row in 0..=40 {
                for column in 0..=60 {
                    let q = geometry.momentum_transfer(f64::from(row), f64::from(column));
                    expected = [expected[0].min(q), expected[1].max(q)];
                }
            }
            let [low, high] = geometry.radial_range(RadialUnit::QInvAngstrom).unwrap();
            assert!((high / expected[1] - 1.0).abs() < 1e-12, "rounding only");
            let d = geometry.radial_range(RadialUnit::DAngstrom);
            if poni2_m == 0.0035 {
                assert_eq!(low, 0.0, "the beam hits the array at {:?}", geometry.beam_centre_px());
                assert!(matches!(d, Err(GeometryError::UnboundedD)));
            } else {
                assert!((low / expected[0] - 1.0).abs() < 1e-12, "rounding only");
                let [shortest, longest] = d.unwrap();
                assert!((shortest * high / (2.0 * PI) - 1.0).abs() < 1e-12, "d is 2π/Q");
                assert!((longest * low / (2.0 * PI) - 1.0).abs() < 1e-12, "d is 2π/Q");
            }
        }
    }

    #[test]
    fn a_detector_behind_the_sample_has_no_beam_centre_and_reaches_180_degrees() {
        let mut geometry = geometry(Orientation::BottomRight);
        geometry.poni.rot1_rad = PI;
        assert_eq!(geometry.beam_centre_px(), None);
        geometry.poni.rot2_rad = 0.0;
        let [_, high] = geometry.radial_range(RadialUnit::TwoThetaDeg).unwrap();
        // asin near 1 turns a rounding of 1e-16 into 1e-8 rad.
        assert!((high - 180.0).abs() < 1e-5, "{high}");
    }
}
