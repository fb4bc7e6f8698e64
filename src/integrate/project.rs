//! Pixel coordinate → (radial axis, χ), without trigonometry per pixel but for the azimuth.

use std::f64::consts::{PI, TAU};

use super::RadialUnit;
use crate::geometry::displacement::Grid;
use crate::geometry::{Displacement, Geometry, Parallax, sin_squared_theta};

/// A point of the detector in the plane where pixels are split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Polar {
    /// On the plan's radial axis.
    pub(super) radial: f64,
    /// χ in [−π, π] \[E1\].
    pub(super) chi: f64,
}

/// `angle` moved by whole turns into [−π, π), for an angle that is within one turn of it.
pub(super) fn wrap(angle: f64) -> f64 {
    if angle >= PI {
        angle - TAU
    } else if angle < -PI {
        angle + TAU
    } else {
        angle
    }
}

/// The map of \[E1\] for one geometry. (t1, t2, t3) is linear in the pixel coordinate, so three vectors hold it; displaced
/// pixels have another coordinate, and parallax pulls the ray towards the normal.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    origin: [f64; 3],
    along_row: [f64; 3],
    along_column: [f64; 3],
    displacement: Option<(Displacement, Grid)>,
    parallax: Option<Inwards>,
    unit: RadialUnit,
    /// 4π/λ in Å⁻¹.
    q_back: f64,
    /// Where the beam's axis crosses the detector plane, (row, column) in pixels; χ has no value there.
    pole: [f64; 2],
}

/// \[E6\]: the ray that is counted at t = R·p meets the sensor's face at k·t + (1 − k)·R·(0, 0, L).
#[derive(Debug, Clone)]
struct Inwards {
    parallax: Parallax,
    distance_m: f64,
    /// R·(0, 0, L).
    normal: [f64; 3],
}

impl Inwards {
    fn ray(&self, counted: [f64; 3]) -> [f64; 3] {
        let distance2 = self.distance_m * self.distance_m;
        let length2: f64 = counted.iter().map(|t| t * t).sum();
        let k = self.parallax.inwards((length2 - distance2).max(0.0), self.distance_m);
        std::array::from_fn(|i| k * counted[i] + (1.0 - k) * self.normal[i])
    }
}

impl Projection {
    pub(super) fn new(geometry: &Geometry, unit: RadialUnit) -> Self {
        let at = |row: f64, column: f64| geometry.lab(geometry.detector.grid_point(row, column));
        let shape = geometry.detector.shape;
        let (rows, columns) = (shape.rows as f64, shape.columns as f64);
        let origin = at(0.0, 0.0);
        // The far corner rather than the next pixel: the difference then keeps all its digits.
        let step = |far: [f64; 3], count: f64| std::array::from_fn(|i| (far[i] - origin[i]) / count);
        let along_row: [f64; 3] = step(at(rows, 0.0), rows);
        let along_column: [f64; 3] = step(at(0.0, columns), columns);
        let q_back = 4.0 * PI / geometry.poni.wavelength_angstrom;
        // Not finite where the plane is parallel to the beam, and then no pixel is near.
        let poni = &geometry.poni;
        let parallax = geometry.parallax.map(|parallax| Inwards {
            parallax,
            distance_m: poni.distance_m,
            normal: geometry.lab([poni.poni1_m, poni.poni2_m]),
        });
        let displacement =
            geometry.detector.displacement.clone().map(|moved| (moved, geometry.detector.grid()));
        let pole = geometry.axis_px();
        Projection { origin, along_row, along_column, displacement, parallax, unit, q_back, pole }
    }

    /// The point at a continuous pixel coordinate (centre of the first pixel: 0.5, 0.5).
    #[inline]
    pub(super) fn at(&self, row: f64, column: f64) -> Polar {
        let moved = self.displacement.as_ref().map(|(moved, grid)| moved.at(grid, row, column));
        let (row, column) = moved.map_or((row, column), |[down, across]| (row + down, column + across));
        let t = |i: usize| self.origin[i] + row * self.along_row[i] + column * self.along_column[i];
        let counted = [t(0), t(1), t(2)];
        let ray = self.parallax.as_ref().map_or(counted, |inwards| inwards.ray(counted));
        let radial = match self.unit {
            RadialUnit::QInvAngstrom => self.q(ray),
            RadialUnit::TwoThetaDeg => (ray[0] * ray[0] + ray[1] * ray[1]).sqrt().atan2(ray[2]).to_degrees(),
            RadialUnit::DAngstrom => TAU / self.q(ray),
        };
        Polar { radial, chi: ray[0].atan2(ray[1]) }
    }

    #[inline]
    fn q(&self, ray: [f64; 3]) -> f64 {
        self.q_back * sin_squared_theta(ray).sqrt()
    }

    /// Whether the beam's axis goes through pixel (row, column) or its border: χ is then undefined on it.
    pub(super) fn pole_is_on(&self, row: usize, column: usize) -> bool {
        // A millionth of a pixel, well above rounding: a corner that lies on the axis counts for all four pixels.
        const MARGIN_PX: f64 = 1e-6;
        let on = |pole: f64, index: usize| {
            pole >= index as f64 - MARGIN_PX && pole <= (index + 1) as f64 + MARGIN_PX
        };
        on(self.pole[0], row) && on(self.pole[1], column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::geometry::{Detector, Orientation, Poni};
    use crate::units::momentum_transfer;

    fn geometry(rot1: f64, rot2: f64) -> Geometry {
        Geometry {
            poni: Poni {
                distance_m: 0.2,
                poni1_m: 0.02,
                poni2_m: 0.02,
                rot1_rad: rot1,
                rot2_rad: rot2,
                rot3_rad: 0.4,
                wavelength_angstrom: 0.11,
            },
            detector: Detector {
                orientation: Orientation::TopRight,
                ..Detector::generic(Shape { rows: 300, columns: 200 }, [172e-6, 150e-6]).unwrap()
            },
            parallax: None,
        }
    }

    fn thick(rot1: f64, rot2: f64) -> Geometry {
        let parallax = Some(Parallax { mu_per_m: 730.0, thickness_m: 1e-3 });
        Geometry { parallax, ..geometry(rot1, rot2) }
    }

    fn displaced() -> Geometry {
        let named = [("module 0 turn".to_owned(), 0.7), ("radial".to_owned(), -1.3)].into_iter().collect();
        let mut geometry = geometry(0.3, -0.2);
        geometry.detector.displacement = Some(Displacement::new(&named, &geometry.detector).unwrap());
        geometry
    }

    /// The linear form is \[E1\] itself. 1e-12 of the pattern's size: rounding of a few products in f64.
    #[test]
    fn projection_is_the_geometry() {
        for geometry in
            [geometry(0.0, 0.0), geometry(0.3, -0.2), geometry(2.0, 0.1), thick(0.3, -0.2), displaced()]
        {
            let q = Projection::new(&geometry, RadialUnit::QInvAngstrom);
            let two_theta = Projection::new(&geometry, RadialUnit::TwoThetaDeg);
            let d = Projection::new(&geometry, RadialUnit::DAngstrom);
            for (row, column) in [(0.0, 0.0), (299.5, 0.5), (150.2, 77.7), (300.0, 200.0)] {
                let direction = geometry.direction(row, column);
                let expected = momentum_transfer(direction.two_theta_rad, geometry.poni.wavelength_angstrom);
                assert!((q.at(row, column).radial - expected).abs() < 1e-12 * q.q_back);
                assert!(
                    (two_theta.at(row, column).radial - direction.two_theta_rad.to_degrees()).abs() < 1e-10
                );
                assert!((d.at(row, column).radial * expected / TAU - 1.0).abs() < 1e-10);
                assert!((q.at(row, column).chi - direction.chi_rad).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn displaced_pixels_look_elsewhere() {
        let (straight, displaced) = (geometry(0.3, -0.2), displaced());
        let moved = |row: f64, column: f64| {
            let (a, b) = (straight.detector.point(row, column), displaced.detector.point(row, column));
            [(b[0] - a[0]) / 172e-6, (b[1] - a[1]) / 150e-6]
        };
        assert_eq!(moved(150.0, 100.0), [0.0, 0.0]);
        let [slow, fast] = moved(0.0, 0.0);
        // The turn goes along the array's edge, the radial part inwards, both by what they are called at a corner.
        assert!((slow.hypot(fast) - 0.7f64.hypot(1.3)).abs() < 1e-9, "{slow} {fast}");
        let back = displaced.detector.pixel(displaced.detector.point(20.0, 30.0));
        // The square of 1.3 pixels over the half diagonal of 180, three times as a cube grows.
        assert!((back[0] - 20.0).hypot(back[1] - 30.0) < 0.03, "{back:?}");
    }

    /// At the pole the ray is along the beam.
    #[test]
    fn pole_is_where_the_beam_hits() {
        for geometry in [geometry(0.05, -0.02), thick(0.05, -0.02)] {
            let projection = Projection::new(&geometry, RadialUnit::QInvAngstrom);
            let [row, column] = projection.pole;
            // 1e-12 rad is 1e-9 of a pixel here.
            assert!(geometry.direction(row, column).two_theta_rad < 1e-12);
            assert!(projection.pole_is_on(row.floor() as usize, column.floor() as usize));
            assert!(!projection.pole_is_on(row.floor() as usize + 2, column.floor() as usize));
        }
    }
}
