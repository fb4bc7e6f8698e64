//! Rays from the sample to the detector, written with vectors from \[E1\]–\[E3\] and \[E5\]: no code of the way back is used.

use crate::frame::Shape;
use crate::geometry::{Geometry, Orientation, Poni};

/// Absorption of the sensor \[E5\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorAbsorption {
    /// Linear attenuation coefficient at the beam's energy.
    pub mu_per_m: f64,
    /// Thickness.
    pub thickness_m: f64,
}

/// Air between sample and detector, bounded by planes across the beam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AirPath {
    /// Linear attenuation coefficient at the beam's energy.
    pub mu_per_m: f64,
    /// Length along the beam.
    pub length_m: f64,
}

impl AirPath {
    /// What is left of a ray relative to the direct beam, which goes the shorter way.
    pub fn transmission(self, ray: &Ray) -> f64 {
        let along = ray.vector_m[2] / ray.length_m;
        (self.mu_per_m * (self.length_m - self.length_m / along)).exp()
    }
}

/// A ray from the sample to a point of the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Laboratory frame, m: along the slow axis of an unrotated detector, along its fast axis, along the beam.
    pub vector_m: [f64; 3],
    /// Length, m.
    pub length_m: f64,
    /// Cosine of the incidence to the detector's normal.
    pub cos_incidence: f64,
}

impl Ray {
    /// Q = |k_out − k_in| in Å⁻¹ for |k| = 2π/λ: k√(2(1 − cos 2θ)), without its cancellation at small angles.
    pub fn q(&self, wavelength_angstrom: f64) -> f64 {
        let [up, across, along] = self.vector_m;
        let one_minus_cos = (up * up + across * across) / (self.length_m * (self.length_m + along));
        2.0 * std::f64::consts::PI / wavelength_angstrom * (2.0 * one_minus_cos).sqrt()
    }

    /// Azimuth, rad: 0 along the fast axis, π/2 along the slow axis.
    pub fn chi_rad(&self) -> f64 {
        self.vector_m[0].atan2(self.vector_m[1])
    }

    /// Cosine of the angle between Q = k_out − k_in and an axis that is perpendicular to the beam, at the azimuth
    /// `axis_rad`; the beam's own direction, where Q = 0, counts as perpendicular.
    pub fn cos_to_axis(&self, axis_rad: f64) -> f64 {
        let [up, across, along] = self.vector_m;
        let (sin, cos) = axis_rad.sin_cos();
        // |Q|² of rays of length 1 times L²: 2L(L − t3), without its cancellation at small angles.
        let q_squared = 2.0 * self.length_m * (up * up + across * across) / (self.length_m + along);
        if q_squared > 0.0 { (up * sin + across * cos) / q_squared.sqrt() } else { 0.0 }
    }

    /// Solid angle of a pixel relative to one at normal incidence: area projected (cos α) at 1/(L/cos α)² \[E2\].
    pub fn solid_angle(&self) -> f64 {
        self.cos_incidence.powi(3)
    }

    /// A dipole radiates as 1 − (n·e)² about its axis e; the beam has (1 + f)/2 of its intensity with e along the
    /// fast axis and the rest along the slow one. The same as \[E3\].
    pub fn polarization(&self, factor: f64) -> f64 {
        let up = self.vector_m[0] / self.length_m;
        let across = self.vector_m[1] / self.length_m;
        0.5 * (1.0 + factor) * (1.0 - across * across) + 0.5 * (1.0 - factor) * (1.0 - up * up)
    }

    /// Share of photons stopped on the slanted path, relative to the straight one \[E5\].
    pub fn efficiency(&self, sensor: SensorAbsorption) -> f64 {
        let depth = sensor.mu_per_m * sensor.thickness_m;
        (-depth / self.cos_incidence).exp_m1() / (-depth).exp_m1()
    }
}

/// Places points of the array in the laboratory: the position is linear in row and column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    origin: [f64; 3],
    per_row: [f64; 3],
    per_column: [f64; 3],
    normal: [f64; 3],
    distance_m: f64,
}

impl Placement {
    /// Turns the detector's axes by rot1 about axis 1, then rot2 about axis 2, then rot3 about the beam \[E1\].
    pub fn new(geometry: &Geometry) -> Self {
        let Geometry { poni, detector, .. } = geometry;
        let [slow, fast] = detector.pixel_m;
        let (height, width) = (detector.shape.rows as f64 * slow, detector.shape.columns as f64 * fast);
        let (row0, row_step, column0, column_step) = match detector.orientation {
            Orientation::TopLeft => (height, -slow, width, -fast),
            Orientation::TopRight => (height, -slow, 0.0, fast),
            Orientation::BottomRight => (0.0, slow, 0.0, fast),
            Orientation::BottomLeft => (0.0, slow, width, -fast),
        };
        Self {
            origin: turn([row0 - poni.poni1_m, column0 - poni.poni2_m, poni.distance_m], poni),
            per_row: turn([row_step, 0.0, 0.0], poni),
            per_column: turn([0.0, column_step, 0.0], poni),
            normal: turn([0.0, 0.0, 1.0], poni),
            distance_m: poni.distance_m,
        }
    }

    /// The ray to a pixel coordinate; the centre of the first pixel is (0.5, 0.5).
    pub fn ray(&self, row: f64, column: f64) -> Ray {
        let vector_m: [f64; 3] =
            std::array::from_fn(|i| self.origin[i] + row * self.per_row[i] + column * self.per_column[i]);
        let length_m = vector_m.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ray { vector_m, length_m, cos_incidence: self.distance_m / length_m }
    }

    /// The ray to the point below the end of a ray, so deep in a sensor that has its front at the detector's distance.
    pub fn below(&self, front: &Ray, depth_m: f64) -> Ray {
        let vector_m: [f64; 3] = std::array::from_fn(|i| front.vector_m[i] + depth_m * self.normal[i]);
        let length_m = vector_m.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ray { vector_m, length_m, cos_incidence: (self.distance_m + depth_m) / length_m }
    }

    /// Pixel coordinate [row, column] that a ray from the sample in this direction meets; `None` where it goes away from the
    /// detector's plane. Cramer's rule for origin + row·a + column·b = s·direction.
    pub fn pixel_of(&self, direction: [f64; 3]) -> Option<[f64; 2]> {
        let (a, b, d) = (self.per_row, self.per_column, direction);
        let o = self.origin.map(|x| -x);
        let cross = |x: [f64; 3], y: [f64; 3]| {
            [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
        };
        let dot = |x: [f64; 3], y: [f64; 3]| x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>();
        // row·a + column·b − s·d = −origin.
        let minus = d.map(|x| -x);
        let determinant = dot(a, cross(b, minus));
        let along = dot(a, cross(b, o)) / determinant;
        let pixel = [dot(o, cross(b, minus)) / determinant, dot(a, cross(o, minus)) / determinant];
        (along > 0.0 && pixel.iter().all(|x| x.is_finite())).then_some(pixel)
    }

    /// Pixel coordinate (column, row) where the unscattered beam meets the detector: the plane's two linear equations
    /// t1 = t2 = 0.
    pub fn beam_centre_px(&self) -> [f64; 2] {
        let (a, b, o) = (self.per_row, self.per_column, self.origin);
        let determinant = a[0] * b[1] - a[1] * b[0];
        [(o[0] * a[1] - o[1] * a[0]) / determinant, (o[1] * b[0] - o[0] * b[1]) / determinant]
    }
}

/// A vector of the detector's frame (slow, fast, beam) in the laboratory.
fn turn(v: [f64; 3], poni: &Poni) -> [f64; 3] {
    let (s, c) = poni.rot1_rad.sin_cos();
    let v = [v[0], c * v[1] + s * v[2], c * v[2] - s * v[1]];
    let (s, c) = poni.rot2_rad.sin_cos();
    let v = [c * v[0] - s * v[2], v[1], c * v[2] + s * v[0]];
    let (s, c) = poni.rot3_rad.sin_cos();
    [c * v[0] - s * v[1], c * v[1] + s * v[0], v[2]]
}

/// Largest Q on the detector, and the largest Q whose whole ring is on it (0 where the beam's centre is not), in Å⁻¹.
///
/// Q grows away from the beam's centre along every line of the plane for tilts well below 2θ, so the extremes lie on
/// the border; the largest is that of both faces of the sensor.
pub fn reach(geometry: &Geometry) -> (f64, f64) {
    let placement = Placement::new(geometry);
    let Shape { rows, columns } = geometry.detector.shape;
    let wavelength = geometry.poni.wavelength_angstrom;
    let thickness_m = geometry.detector.sensor.as_ref().map_or(0.0, |sensor| sensor.thickness_m);
    let at = |row: f64, column: f64| {
        let front = placement.ray(row, column);
        [front.q(wavelength), placement.below(&front, thickness_m).q(wavelength)]
    };
    let steps = 2000;
    let (mut largest, mut ring) = (0.0f64, f64::INFINITY);
    for i in 0..=steps {
        let t = f64::from(i) / f64::from(steps);
        let (row, column) = (t * rows as f64, t * columns as f64);
        let border = [(row, 0.0), (row, columns as f64), (0.0, column), (rows as f64, column)];
        for [front, back] in border.map(|(row, column)| at(row, column)) {
            largest = largest.max(front).max(back);
            ring = ring.min(front);
        }
    }
    let [column, row] = placement.beam_centre_px();
    let inside = (0.0..=rows as f64).contains(&row) && (0.0..=columns as f64).contains(&column);
    (largest, if inside { ring } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Detector;

    fn tilted() -> Geometry {
        Geometry {
            poni: Poni {
                distance_m: 0.3,
                poni1_m: 0.144,
                poni2_m: 0.127,
                rot1_rad: 0.02,
                rot2_rad: -0.013,
                rot3_rad: 0.4,
                wavelength_angstrom: 0.1107,
            },
            detector: Detector::generic(Shape { rows: 1679, columns: 1475 }, [172e-6, 172e-6]).unwrap(),
            parallax: None,
        }
    }

    #[test]
    fn the_beam_meets_its_centre() {
        let placement = Placement::new(&tilted());
        let [column, row] = placement.beam_centre_px();
        let ray = placement.ray(row, column);
        // 1e-9 px of 172 µm seen from 0.3 m.
        assert!(ray.q(0.1107) < 1e-9 && ray.vector_m[2] > 0.0, "{ray:?}");
    }

    #[test]
    fn the_reach_bounds_every_pixel() {
        let geometry = tilted();
        let placement = Placement::new(&geometry);
        let (largest, ring) = reach(&geometry);
        let mut border = f64::INFINITY;
        for row in 0..=1679 {
            for column in (0..=1475).step_by(if row == 0 || row == 1679 { 1 } else { 1475 }) {
                let q = placement.ray(f64::from(row), f64::from(column)).q(0.1107);
                assert!(q <= largest + 1e-12);
                border = border.min(q);
            }
        }
        // The border was sampled at other points: Q is stationary there, so it differs in the second order of 0.5 px.
        assert!((border - ring).abs() < 1e-4, "{border} {ring}");
    }

    #[test]
    fn factors_at_known_directions() {
        let flat = |vector_m: [f64; 3]| {
            let length_m = vector_m.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
            Ray { vector_m, length_m, cos_incidence: vector_m[2] / length_m }
        };
        // At 2θ = 45° along the fast axis a horizontal dipole shows cos²45°, a vertical one all.
        let across = flat([0.0, 1.0, 1.0]);
        assert!((across.polarization(1.0) - 0.5).abs() < 1e-15);
        assert!((across.polarization(-1.0) - 1.0).abs() < 1e-15);
        assert!((across.solid_angle() - 0.5f64.powf(1.5)).abs() < 1e-15);
        // 10 m of air with 0.02 m⁻¹ at 2θ = 60° are twice as long as along the beam.
        let air = AirPath { mu_per_m: 0.02, length_m: 10.0 };
        let sixty = flat([0.0, 3f64.sqrt(), 1.0]);
        assert!((air.transmission(&sixty) - (-0.2f64).exp()).abs() < 1e-15);
        // CdTe, 1 mm, 7.3 cm⁻¹: η/η0 = 1.011, 1.044, 1.070 as tabulated in the physics notes, to three decimals.
        let sensor = SensorAbsorption { mu_per_m: 730.0, thickness_m: 1e-3 };
        for (degrees, expected) in [(10.1f64, 1.011), (20.3, 1.044), (25.5, 1.070)] {
            let found = flat([0.0, degrees.to_radians().tan(), 1.0]).efficiency(sensor);
            assert!((found - expected).abs() < 1e-3, "{degrees}: {found}");
        }
    }
}
