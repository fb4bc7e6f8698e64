//! Expected counts of every pixel.
//!
//! counts = ⟨table(Q)·P·Ω·η/η0⟩ over the pixel's area + constant, with \[E1\], \[E2\], \[E3\], \[E5\]. The sensor is thin
//! (no parallax) and the sample a point that absorbs nothing.

use rand::seq::index::sample;
use rayon::prelude::*;

use super::noise::mix;
use super::rays::{Placement, SensorAbsorption, reach};
use super::{RadialTable, SimulateError};
use crate::frame::Shape;
use crate::geometry::{Detector, Geometry};

/// Disc that the beam stop hides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeamStop {
    /// (column, row); the centre of the first pixel is (0.5, 0.5).
    pub centre_px: [f64; 2],
    /// Radius.
    pub radius_px: f64,
}

/// What turns a radial intensity into an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Detector and placement.
    pub geometry: Geometry,
    /// f of \[E3\].
    pub polarization: f64,
    /// Efficiency at oblique incidence; `None` = 1 everywhere.
    pub sensor: Option<SensorAbsorption>,
    /// A pixel is averaged over n × n points.
    pub oversampling: usize,
    /// Counts that do not come from the sample: added to every pixel, not multiplied by P, Ω, η.
    pub constant_counts: f64,
    /// Shadow that keeps only the constant.
    pub beam_stop: Option<BeamStop>,
    /// How many pixels are dead.
    pub dead_pixels: usize,
    /// Which are dead.
    pub dead_seed: u64,
    /// Exposure time written into headers.
    pub exposure_s: f64,
}

/// Expected counts in row order; −1 in gaps, −2 on dead pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct IdealImage {
    /// Rows × columns.
    pub shape: Shape,
    /// Expected counts, row order.
    pub expected: Vec<f64>,
    /// Detector name for headers.
    pub detector: String,
    /// Pixel size (slow, fast).
    pub pixel_m: [f64; 2],
    /// Exposure time.
    pub exposure_s: f64,
}

/// Expected counts of each pixel; `counts` is what a pixel with P = Ω = η = 1 would get at Q.
///
/// # Errors
/// The table ends below the largest Q of the detector, or no oversampling point is asked for.
pub fn ideal_image(camera: &Camera, counts: &RadialTable) -> Result<IdealImage, SimulateError> {
    let (needed, _) = reach(&camera.geometry);
    if counts.q_max() < needed {
        return Err(SimulateError::TableTooShort { found: counts.q_max(), needed });
    }
    if camera.oversampling == 0 {
        return Err(SimulateError::NoSamples);
    }
    let detector = &camera.geometry.detector;
    let shape = detector.shape;
    let placement = Placement::new(&camera.geometry);
    let mut expected = vec![0.0; shape.pixels()];
    expected.par_chunks_mut(shape.columns.max(1)).enumerate().for_each(|(row, line)| {
        for (column, pixel) in line.iter_mut().enumerate() {
            *pixel = if is_gap(detector, row, column) {
                -1.0
            } else if camera.beam_stop.is_some_and(|stop| stop.hides(row, column)) {
                camera.constant_counts
            } else {
                pixel_mean(camera, &placement, counts, row, column) + camera.constant_counts
            };
        }
    });
    for pixel in dead_pixels(camera) {
        if expected[pixel] >= 0.0 {
            expected[pixel] = -2.0;
        }
    }
    Ok(IdealImage {
        shape,
        expected,
        detector: detector.name.clone(),
        pixel_m: detector.pixel_m,
        exposure_s: camera.exposure_s,
    })
}

/// Mean over the n × n points of one pixel.
fn pixel_mean(
    camera: &Camera,
    placement: &Placement,
    counts: &RadialTable,
    row: usize,
    column: usize,
) -> f64 {
    let n = camera.oversampling;
    let wavelength = camera.geometry.poni.wavelength_angstrom;
    let mut sum = 0.0;
    for i in 0..n {
        let y = row as f64 + (i as f64 + 0.5) / n as f64;
        for j in 0..n {
            let ray = placement.ray(y, column as f64 + (j as f64 + 0.5) / n as f64);
            let efficiency = camera.sensor.map_or(1.0, |sensor| ray.efficiency(sensor));
            sum += counts.at(ray.q(wavelength))
                * ray.polarization(camera.polarization)
                * ray.solid_angle()
                * efficiency;
        }
    }
    sum / (n * n) as f64
}

impl BeamStop {
    /// Whether the centre of a pixel lies in the shadow.
    pub fn hides(&self, row: usize, column: usize) -> bool {
        let [x, y] = [column as f64 + 0.5 - self.centre_px[0], row as f64 + 0.5 - self.centre_px[1]];
        x.hypot(y) <= self.radius_px
    }
}

/// Modules repeat with the gap between them, and a module of two crystals has a seam in the middle of its row.
fn is_gap(detector: &Detector, row: usize, column: usize) -> bool {
    detector.module.is_some_and(|module| {
        let across = column % (module.columns + detector.gap[1]);
        row % (module.rows + detector.gap[0]) >= module.rows
            || across >= module.columns
            || (2 * across + 1).abs_diff(module.columns) < detector.seam
    })
}

/// Row-order indices of dead pixels, gaps included.
fn dead_pixels(camera: &Camera) -> Vec<usize> {
    let pixels = camera.geometry.detector.shape.pixels();
    let mut rng = <rand_pcg::Pcg64Mcg as rand::SeedableRng>::seed_from_u64(mix(camera.dead_seed));
    sample(&mut rng, pixels, camera.dead_pixels.min(pixels)).into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Orientation, Poni};

    fn camera(oversampling: usize) -> Camera {
        let poni = Poni {
            distance_m: 0.1,
            poni1_m: 0.0251,
            poni2_m: 0.0218,
            rot1_rad: 0.01,
            rot2_rad: -0.02,
            rot3_rad: 0.0,
            wavelength_angstrom: 0.1107,
        };
        let detector = Detector {
            shape: Shape { rows: 300, columns: 250 },
            ..Detector::named("Pilatus CdTe 300K").unwrap()
        };
        assert_eq!(detector.orientation, Orientation::BottomRight);
        Camera {
            geometry: Geometry { poni, detector },
            polarization: 0.99,
            sensor: Some(SensorAbsorption { mu_per_m: 730.0, thickness_m: 1e-3 }),
            oversampling,
            constant_counts: 0.0,
            beam_stop: None,
            dead_pixels: 0,
            dead_seed: 1,
            exposure_s: 1.0,
        }
    }

    #[test]
    fn the_image_averages_to_the_intensity_put_in() {
        let camera = camera(4);
        let truth = |q: f64| 200.0 + 100.0 * (2.0 * q).sin();
        let (largest, whole) = reach(&camera.geometry);
        let image = ideal_image(&camera, &RadialTable::from_fn(largest, truth)).unwrap();
        let placement = Placement::new(&camera.geometry);
        // ⟨counts⟩/⟨P·Ω·η⟩ and ⟨Q⟩ over the pixels of a ring of 0.1 Å⁻¹.
        let mut rings = vec![[0.0; 3]; 400];
        for row in 0..300 {
            for column in 0..250 {
                let counts = image.expected[row * 250 + column];
                let ray = placement.ray(row as f64 + 0.5, column as f64 + 0.5);
                let q = ray.q(camera.geometry.poni.wavelength_angstrom);
                if counts >= 0.0 && q < whole {
                    let norm = ray.polarization(0.99)
                        * ray.solid_angle()
                        * camera.sensor.map_or(1.0, |s| ray.efficiency(s));
                    let ring = &mut rings[(q / 0.1) as usize];
                    ring[0] += counts;
                    ring[1] += norm;
                    ring[2] += norm * truth(q);
                }
            }
        }
        let mut seen = 0;
        for [counts, norm, expected] in rings.into_iter().filter(|ring| ring[1] > 50.0) {
            // A pixel spans w = 0.098 Å⁻¹ here; its average of a sine of 2q differs from its middle by (2w)²/24 = 1.6e-3 of
            // the amplitude at most, half of the mean intensity.
            assert!(
                (counts - expected).abs() < 1.7e-3 * 100.0 * norm,
                "{} {}",
                counts / norm,
                expected / norm
            );
            seen += 1;
        }
        assert!(seen > 100, "{seen} rings");
    }

    #[test]
    fn a_flat_intensity_shows_the_factors() {
        let camera = camera(3);
        let (largest, _) = reach(&camera.geometry);
        let image = ideal_image(&camera, &RadialTable::from_fn(largest, |_| 1.0)).unwrap();
        let placement = Placement::new(&camera.geometry);
        for row in 0..300 {
            for column in 0..250 {
                let ray = placement.ray(row as f64 + 0.5, column as f64 + 0.5);
                let factor = ray.polarization(0.99)
                    * ray.solid_angle()
                    * camera.sensor.map_or(1.0, |s| ray.efficiency(s));
                let counts = image.expected[row * 250 + column];
                // The factors bend over L = 0.1 m: the mean over a pixel of 172 µm differs by about (172 µm/L)²/24·10 = 1.2e-6.
                assert!(
                    counts < 0.0 || (counts / factor - 1.0).abs() < 1.2e-6,
                    "{row} {column}: {counts} {factor}"
                );
            }
        }
    }

    #[test]
    fn gaps_dead_pixels_and_shadow_are_marked() {
        let mut camera = camera(1);
        camera.constant_counts = 0.25;
        camera.dead_pixels = 40;
        camera.beam_stop = Some(BeamStop { centre_px: [100.5, 100.5], radius_px: 2.0 });
        let (largest, _) = reach(&camera.geometry);
        let table = RadialTable::from_fn(largest, |_| 10.0);
        let image = ideal_image(&camera, &table).unwrap();
        let count = |flag: f64| image.expected.iter().filter(|&&c| c == flag).count();
        // A disc of radius 2 around a pixel's centre holds 13 pixels, dead ones aside.
        assert!((11..=13).contains(&count(0.25)), "{}", count(0.25));
        assert!((30..=40).contains(&count(-2.0)), "{}", count(-2.0));
        let gaps = camera.geometry.detector.gap_mask();
        let same = image.expected.iter().zip(&gaps).all(|(counts, &gap)| gap == (*counts == -1.0));
        assert!(same && gaps.contains(&true));
        assert_eq!(image, ideal_image(&camera, &table).unwrap());
    }

    #[test]
    fn a_short_table_is_refused() {
        let error = ideal_image(&camera(1), &RadialTable::from_fn(3.0, |_| 1.0)).unwrap_err();
        assert!(error.to_string().contains("extend the table"), "{error}");
        let camera = camera(0);
        let (largest, _) = reach(&camera.geometry);
        assert!(ideal_image(&camera, &RadialTable::from_fn(largest, |_| 1.0)).is_err());
    }
}
