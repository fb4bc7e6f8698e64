//! Absorption in the sample \[E7\], \[E7a\], \[E7b\]: what is left of rays in each direction, relative to the beam's direction.

use rayon::prelude::*;

use super::container::{Capillary, CapillaryTable, Container, PaalmanPings, windows};
use super::cylinder::{Bathed, CylinderTable};
use crate::geometry::Geometry;

/// A sample that attenuates the beam and what it scatters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleAbsorption {
    /// Total attenuation coefficient at the beam's energy.
    pub mu_per_m: f64,
    /// What the rays go through.
    pub shape: SampleShape,
    /// What holds it, where that is the background.
    pub container: Option<Container>,
}

/// How the sample stands in the beam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleShape {
    /// A plate across the beam, wider than all rays in it \[E7\].
    Slab {
        /// Along the beam.
        thickness_m: f64,
    },
    /// A rod or a filled capillary across the beam, longer than all rays in it \[E7a\].
    Cylinder {
        /// Twice its radius.
        diameter_m: f64,
        /// χ of its axis.
        axis_rad: f64,
        /// Width of the beam across the axis; the beam goes through the middle.
        beam_m: f64,
    },
}

impl SampleAbsorption {
    /// A(0), in a container A_s,sc(0): what is left of rays along the beam, the mean over the illuminated sample; dimensionless.
    pub fn transmission(&self) -> f64 {
        match (self.shape, self.container) {
            (SampleShape::Slab { thickness_m }, None) => (-self.mu_per_m * thickness_m).exp(),
            (SampleShape::Slab { thickness_m }, Some(container)) => {
                self.between_windows(thickness_m, container, 1.0).sample
            }
            (SampleShape::Cylinder { diameter_m, beam_m, .. }, None) => {
                self.bathed(diameter_m, beam_m).transmission(0.0, &[1.0])[0]
            }
            (SampleShape::Cylinder { diameter_m, beam_m, .. }, Some(container)) => {
                self.capillary(diameter_m, beam_m, container).factors(0.0, &[1.0])[0].sample
            }
        }
    }

    /// A/A(0) at the centre of each pixel, row order; relative error below 1e-7 for μR ≤ 10, in a capillary 5e-5 for μR ≤ 3, then
    /// rounded to single precision.
    ///
    /// `flat` is multiplied in where there is one: a pixel's answer to a photon that left its place in the sample.
    pub fn times_flat(&self, geometry: &Geometry, flat: Option<&[f32]>) -> Vec<f32> {
        let times = |(pixel, factor): (usize, f64)| match flat {
            Some(flat) => flat.get(pixel).map_or(f32::NAN, |flat| (f64::from(*flat) * factor) as f32),
            None => factor as f32,
        };
        let forward = self.transmission();
        let factors = match (self.shape, self.container) {
            (SampleShape::Slab { thickness_m }, None) => {
                let depth = self.mu_per_m * thickness_m;
                of_pixels(geometry, |ray| slab(depth, ray))
            }
            (SampleShape::Cylinder { diameter_m, axis_rad, beam_m }, None) => {
                let table = CylinderTable::new(self.bathed(diameter_m, beam_m), reach(geometry, axis_rad));
                of_pixels(geometry, |ray| table.transmission(in_plane(ray, axis_rad)) / forward)
            }
            (SampleShape::Slab { .. } | SampleShape::Cylinder { .. }, Some(container)) => {
                self.in_container(geometry, container, |factors| factors.sample / forward)
            }
        };
        factors.into_par_iter().enumerate().map(times).collect()
    }

    /// A_c,sc/A_c,c at the centre of each pixel, row order: what the sample leaves of the light of the container that holds it, over
    /// that of the empty container; `None` without a container.
    pub fn container_behind_sample(&self, geometry: &Geometry) -> Option<Vec<f64>> {
        Some(self.in_container(geometry, self.container?, |factors| {
            if factors.empty > 0.0 { factors.container / factors.empty } else { 0.0 }
        }))
    }

    fn in_container(
        &self,
        geometry: &Geometry,
        container: Container,
        of: impl Fn(PaalmanPings) -> f64 + Sync,
    ) -> Vec<f64> {
        match self.shape {
            SampleShape::Slab { thickness_m } => of_pixels(geometry, |[t1, t2, t3]| {
                let cos = t3 / (t1 * t1 + t2 * t2 + t3 * t3).sqrt();
                of(self.between_windows(thickness_m, container, cos))
            }),
            SampleShape::Cylinder { diameter_m, axis_rad, beam_m } => {
                let capillary = self.capillary(diameter_m, beam_m, container);
                let table = CapillaryTable::new(capillary, reach(geometry, axis_rad));
                of_pixels(geometry, |ray| of(table.at(in_plane(ray, axis_rad))))
            }
        }
    }

    fn between_windows(&self, thickness_m: f64, container: Container, cos: f64) -> PaalmanPings {
        windows(self.mu_per_m * thickness_m, container.mu_per_m * container.wall_m, cos)
    }

    fn bathed(&self, diameter_m: f64, beam_m: f64) -> Bathed {
        Bathed { mu_radius: 0.5 * self.mu_per_m * diameter_m, half_width: (beam_m / diameter_m).min(1.0) }
    }

    fn capillary(&self, diameter_m: f64, beam_m: f64, container: Container) -> Capillary {
        let outer = 1.0 + 2.0 * container.wall_m / diameter_m;
        Capillary {
            mu_radius: 0.5 * self.mu_per_m * diameter_m,
            wall_mu_radius: 0.5 * container.mu_per_m * diameter_m,
            outer,
            half_width: (beam_m / diameter_m).min(outer),
        }
    }
}

/// `factor` of the ray to the centre of each pixel, row order.
fn of_pixels(geometry: &Geometry, factor: impl Fn([f64; 3]) -> f64 + Sync) -> Vec<f64> {
    let pixels = geometry.detector.shape.pixels();
    (0..pixels).into_par_iter().map(|pixel| factor(ray(geometry, pixel))).collect()
}

fn ray(geometry: &Geometry, pixel: usize) -> [f64; 3] {
    let columns = geometry.detector.shape.columns.max(1);
    let (row, column) = (pixel / columns, pixel % columns);
    geometry.lab(geometry.detector_point(row as f64 + 0.5, column as f64 + 0.5))
}

/// The largest of each of [`in_plane`] on the detector.
fn reach(geometry: &Geometry, axis_rad: f64) -> [f64; 2] {
    (0..geometry.detector.shape.pixels())
        .into_par_iter()
        .map(|pixel| in_plane(ray(geometry, pixel), axis_rad))
        .reduce(|| [0.0, 1.0], |a, b| [a[0].max(b[0]), a[1].max(b[1])])
}

/// A/A(0) of a slab of the depth μt \[E7\]: (1 − e⁻ˣ)/x with x = μt(1/cos 2θ − 1) forward. Backward rays leave by the face that
/// the beam came in by: e^{μt}(1 − e⁻ˣ)/x with x = μt(1 + 1/|cos 2θ|). Along the slab nothing comes out.
fn slab(depth: f64, [t1, t2, t3]: [f64; 3]) -> f64 {
    let across2 = t1 * t1 + t2 * t2;
    let length = (across2 + t3 * t3).sqrt();
    let mean = |x: f64| if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x };
    if t3 > 0.0 {
        // 1/cos 2θ − 1 without its cancellation.
        mean(depth * across2 / (t3 * (length + t3)))
    } else if t3 < 0.0 {
        depth.exp() * mean(depth * (1.0 - length / t3))
    } else {
        0.0
    }
}

/// Angle in [0, π] between the beam and the ray's projection on the plane across the axis, and |t| over the projection's length.
fn in_plane([t1, t2, t3]: [f64; 3], axis_rad: f64) -> [f64; 2] {
    let (sin, cos) = axis_rad.sin_cos();
    let across = t2 * sin - t1 * cos;
    let length = (t1 * t1 + t2 * t2 + t3 * t3).sqrt();
    [across.abs().atan2(t3), length / across.hypot(t3)]
}

impl std::fmt::Display for SampleAbsorption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mu, transmission) = (self.mu_per_m / 100.0, self.transmission());
        match self.shape {
            SampleShape::Slab { thickness_m } => {
                write!(f, "sample absorption (slab of {:.4} mm", 1e3 * thickness_m)?
            }
            SampleShape::Cylinder { diameter_m, axis_rad, beam_m } => write!(
                f,
                "sample absorption (cylinder of {:.4} mm, axis at {:.1} deg, beam {:.4} mm",
                1e3 * diameter_m,
                axis_rad.to_degrees(),
                1e3 * beam_m
            )?,
        }
        if let Some(Container { mu_per_m, wall_m }) = self.container {
            write!(
                f,
                ", in a container with walls of {:.4} mm, mu {:.4} 1/cm",
                1e3 * wall_m,
                mu_per_m / 100.0
            )?;
        }
        write!(f, ", mu {mu:.4} 1/cm, transmission {transmission:.5})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_is_the_mean_over_its_depth() {
        const LAYERS: usize = 20_000;
        for depth in [0.0, 1e-9, 0.3, 5.0] {
            for degrees in [0.0f64, 1e-4, 20.0, 70.0, 110.0, 180.0] {
                let angle = degrees.to_radians();
                let out = |z: f64| if angle.cos() > 0.0 { (1.0 - z) / angle.cos() } else { -z / angle.cos() };
                let layers = (0..LAYERS).map(|i| (i as f64 + 0.5) / LAYERS as f64);
                let sum: f64 = layers.map(|z| (-depth * (z + out(z))).exp()).sum();
                let expected = sum / LAYERS as f64 / (-depth).exp();
                let found = slab(depth, [0.0, angle.sin(), angle.cos()]);
                // The midpoint rule: (5·(1 + 3)/20000)²/24 = 4e-8 at the steepest.
                assert!(
                    (found / expected - 1.0).abs() < 1e-7,
                    "{depth} {degrees}: {found}, expected {expected}"
                );
            }
        }
        assert_eq!(slab(1.0, [1.0, 0.0, 0.0]), 0.0);
    }

    #[test]
    fn a_ray_towards_the_axis_of_a_cylinder_is_longer_but_not_turned() {
        let ray = [0.3, 0.4, 1.2];
        let [angle, longer] = in_plane(ray, 90f64.to_radians());
        // |t| = 1.3; without t1 1.265; rounding only.
        assert!((angle - (0.4f64 / 1.2).atan()).abs() < 1e-15);
        assert!((longer - 1.3 / 1.6f64.sqrt()).abs() < 1e-15);
        let [angle, longer] = in_plane(ray, 0.0);
        assert!((angle - 0.25f64.atan()).abs() < 1e-15 && (longer - 1.3 / 1.53f64.sqrt()).abs() < 1e-15);
    }
}
