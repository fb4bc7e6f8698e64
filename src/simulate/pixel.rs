//! Expected counts of one pixel: the mean over its area and over the depth of its sensor \[E13\].

use super::absorption::AbsorptionMap;
use super::image::{Camera, Light, Parallax};
use super::quadrature::gauss_legendre;
use super::rays::{Placement, Ray};

/// Points in the depth of the sensor at normal incidence, and how many more for each pixel that a ray crosses in it.
const DEPTH_POINTS: [f64; 2] = [3.0, 1.0];
/// More are not needed, however thick the sensor.
const MOST_DEPTH_POINTS: usize = 12;

/// A layer of the sensor.
#[derive(Debug, Clone, Copy)]
struct Layer {
    depth_m: f64,
    /// Share of the photons that are stopped in it at normal incidence.
    weight: f64,
    /// μ times its depth.
    absorption: f64,
}

/// What all pixels of an image share.
#[derive(Debug)]
pub(super) struct Pixels<'a> {
    camera: &'a Camera,
    light: &'a Light,
    placement: Placement,
    /// Gauss–Legendre points along a side of a pixel, and their weights.
    across: Vec<(f64, f64)>,
    /// A/A(0) of the sample.
    absorption: Option<AbsorptionMap>,
    /// Rules of 1, 2, 3 … layers; empty where the sensor has no depth.
    layers: Vec<Vec<Layer>>,
}

impl<'a> Pixels<'a> {
    /// Prepares the quadratures.
    pub(super) fn new(camera: &'a Camera, light: &'a Light) -> Self {
        let layers = match camera.parallax {
            Parallax::Ignored => Vec::new(),
            Parallax::Modelled(sensor) => {
                let stopped = -(-sensor.mu_per_m * sensor.thickness_m).exp_m1();
                // u, the share stopped above a depth at normal incidence, is even: dz μ·exp(−μz) = du·stopped.
                let layer = |(u, weight): (f64, f64)| {
                    let absorption = -(-u * stopped).ln_1p();
                    Layer { depth_m: absorption / sensor.mu_per_m, weight, absorption }
                };
                (1..=MOST_DEPTH_POINTS)
                    .map(|count| gauss_legendre(count).into_iter().map(layer).collect())
                    .collect()
            }
        };
        let placement = Placement::new(&camera.geometry);
        let absorption = light.absorption.as_ref().map(|a| AbsorptionMap::new(&camera.geometry, a));
        Self { camera, light, placement, absorption, across: gauss_legendre(camera.oversampling), layers }
    }

    /// Mean over the n × n points of one pixel.
    pub(super) fn mean(&self, row: usize, column: usize) -> f64 {
        let layers = self.layers_for(row, column);
        // It changes by 1e-6 over a pixel.
        let left = self.absorption.as_ref().map_or(1.0, |map| map.at(row as f64 + 0.5, column as f64 + 0.5));
        let mut sum = 0.0;
        for &(y, of_row) in &self.across {
            for &(x, of_column) in &self.across {
                let ray = self.placement.ray(row as f64 + y, column as f64 + x);
                sum += of_row * of_column * self.point(ray, layers, left);
            }
        }
        sum
    }

    /// A rule fine enough for the pixels that a ray crosses in the sensor.
    fn layers_for(&self, row: usize, column: usize) -> &[Layer] {
        let Some(thickest) = self.layers.last().and_then(|layers| layers.last()) else { return &[] };
        let cos = self.placement.ray(row as f64 + 0.5, column as f64 + 0.5).cos_incidence;
        let [slow, fast] = self.camera.geometry.detector.pixel_m;
        let crossed = thickest.depth_m * (1.0 - cos * cos).sqrt() / cos / slow.min(fast);
        let count = (DEPTH_POINTS[0] + DEPTH_POINTS[1] * crossed).round() as usize;
        &self.layers[count.clamp(1, MOST_DEPTH_POINTS) - 1]
    }

    /// Counts at a point of the sensor's front, from all depths below it; `left` is A/A(0) of the sample.
    fn point(&self, front: Ray, layers: &[Layer], left: f64) -> f64 {
        match self.camera.parallax {
            Parallax::Ignored => {
                let efficiency = self.camera.sensor.map_or(1.0, |sensor| front.efficiency(sensor));
                self.intensity(&front, left) * front.solid_angle() * efficiency
            }
            Parallax::Modelled(_) => layers
                .iter()
                .map(|layer| {
                    let ray = self.placement.below(&front, layer.depth_m);
                    let longer = 1.0 / ray.cos_incidence - 1.0;
                    let near = self.camera.geometry.poni.distance_m / ray.length_m;
                    layer.weight
                        * (-layer.absorption * longer).exp()
                        * near
                        * near
                        * self.intensity(&ray, left)
                })
                .sum(),
        }
    }

    /// Light along a ray.
    fn intensity(&self, ray: &Ray, left: f64) -> f64 {
        let q = ray.q(self.camera.geometry.poni.wavelength_angstrom);
        let oriented = &self.light.oriented;
        let oriented = oriented.as_ref().map_or(0.0, |o| o.excess(q, ray.cos_to_axis(o.anisotropy.axis_rad)));
        let scattered = self.light.scattered.at(q) + oriented;
        let air = self.camera.air.map_or(1.0, |air| air.transmission(ray));
        let around = self.light.around.as_ref().map_or(0.0, |around| around.at(q));
        let polarized = (scattered * left + around) * ray.polarization(self.camera.polarization);
        (polarized + self.light.isotropic * left) * air
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::geometry::{Detector, Geometry, Poni};
    use crate::simulate::rays::SensorAbsorption;
    use crate::simulate::{Exposures, RadialTable};

    /// 1 mm of CdTe at 112 keV.
    const SENSOR: SensorAbsorption = SensorAbsorption { mu_per_m: 730.0, thickness_m: 1e-3 };

    fn camera(oversampling: usize, parallax: Parallax) -> Camera {
        let poni = Poni {
            distance_m: 0.3,
            poni1_m: 0.0,
            poni2_m: 0.0,
            rot1_rad: 0.1,
            rot2_rad: -0.05,
            rot3_rad: 0.0,
            wavelength_angstrom: 0.1107,
        };
        let detector = Detector::generic(Shape { rows: 1000, columns: 1000 }, [172e-6, 172e-6]).unwrap();
        Camera {
            geometry: Geometry { poni, detector, parallax: None },
            polarization: 0.99,
            sensor: Some(SENSOR),
            parallax,
            oversampling,
            constant_counts: 0.0,
            beam_stop: None,
            dead_pixels: 0,
            hot_pixels: None,
            flat: None,
            saturated_counts: i32::MAX,
            seed: 1,
            exposure_s: 1.0,
            exposures: Exposures::default(),
            air: None,
        }
    }

    fn light(f: impl Fn(f64) -> f64) -> Light {
        RadialTable::from_fn(50.0, f).into()
    }

    #[test]
    fn the_depth_is_integrated_as_its_equation_says() {
        let camera = camera(3, Parallax::Modelled(SENSOR));
        let curve = |q: f64| 200.0 + 100.0 * (2.0 * q).sin();
        let light = light(curve);
        let pixels = Pixels::new(&camera, &light);
        let placement = Placement::new(&camera.geometry);
        let (steps, slices) = (8, 400);
        for (row, column) in [(10, 20), (400, 300), (950, 20), (999, 999)] {
            // Midpoints of [E13]: an error of (0.17 mm/8)² and (1 mm/400)²·μ² over 24, below 1e-6.
            let mut sum = 0.0;
            for i in 0..steps * steps {
                let (y, x) = ((i / steps) as f64 + 0.5, (i % steps) as f64 + 0.5);
                let front = placement.ray(row as f64 + y / steps as f64, column as f64 + x / steps as f64);
                for k in 0..slices {
                    let depth_m = SENSOR.thickness_m * (f64::from(k) + 0.5) / f64::from(slices);
                    let ray = placement.below(&front, depth_m);
                    let path_m = depth_m / ray.cos_incidence;
                    let stopped = SENSOR.mu_per_m * SENSOR.thickness_m / f64::from(slices)
                        * (-SENSOR.mu_per_m * path_m).exp();
                    sum += curve(ray.q(0.1107))
                        * ray.polarization(0.99)
                        * (0.3 / ray.length_m).powi(2)
                        * stopped;
                }
            }
            let expected = sum / (steps * steps) as f64 / -(-SENSOR.mu_per_m * SENSOR.thickness_m).exp_m1();
            let found = pixels.mean(row, column);
            assert!((found / expected - 1.0).abs() < 2e-5, "{row} {column}: {found} {expected}");
        }
    }

    #[test]
    fn a_thin_sensor_has_solid_angle_and_efficiency() {
        let thin = SensorAbsorption { mu_per_m: 730e3, thickness_m: 1e-6 };
        let [deep, front] = [Parallax::Modelled(thin), Parallax::Ignored].map(|parallax| {
            let camera = Camera { sensor: Some(thin), ..camera(1, parallax) };
            let light = light(|_| 1.0);
            [(10, 20), (999, 999)].map(|(row, column)| Pixels::new(&camera, &light).mean(row, column))
        });
        // 1 µm in 0.3 m: 3e-6, thrice in cos³, and as much from the quadrature in depth.
        assert!(
            deep.iter().zip(front).all(|(deep, front)| (deep / front - 1.0).abs() < 1e-5),
            "{deep:?} {front:?}"
        );
    }

    /// Three points along a side and the depth's rule, on rings of the least width that a powder has (standard deviation
    /// 0.01 Å⁻¹, a third of a pixel), where rays cross up to four pixels in the sensor; midpoints would be at 2e-2.
    #[test]
    fn sharp_rings_are_integrated_to_a_few_parts_in_a_thousand() {
        let light = light(|q| (-0.5 * ((q % 1.0 - 0.5) / 0.01).powi(2)).exp());
        for parallax in [Parallax::Ignored, Parallax::Modelled(SENSOR)] {
            let (camera, fine) = (camera(3, parallax), camera(10, parallax));
            let (pixels, mut exact) = (Pixels::new(&camera, &light), Pixels::new(&fine, &light));
            if let Some(finest) = exact.layers.last().cloned() {
                exact.layers = vec![finest; MOST_DEPTH_POINTS];
            }
            let (mut square, mut norm) = (0.0, 0.0);
            // Pixels all over the detector, by strides without a common factor with its size.
            for (row, column) in (0..4000).map(|i| ((i * 7919) % 1000, (i * 104_729) % 997)) {
                let expected = exact.mean(row, column);
                square += (pixels.mean(row, column) - expected).powi(2);
                norm += expected * expected;
            }
            let error = (square / norm).sqrt();
            println!("{parallax:?}: {error:.1e}");
            assert!(error < 2e-3, "{parallax:?}: {error}");
        }
    }
}
