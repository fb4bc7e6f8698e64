//! Expected counts of every pixel.
//!
//! counts = flat·⟨(I(Q, χ)·P + isotropic)·Ω·η/η0⟩ over the pixel's area + constant, with \[E1\], \[E2\], \[E3\], \[E5\], or with
//! \[E13\] in the place of Ω·η/η0 where the sensor has a depth. The sample is a point that absorbs nothing.

use rand::seq::index::sample;
use rayon::prelude::*;

use super::flat::FlatField;
use super::noise::mix;
use super::pixel::Pixels;
use super::rays::{AirPath, SensorAbsorption, reach};
use super::{Exposures, Oriented, RadialTable, SimulateError, Spot};
use crate::frame::Shape;
use crate::geometry::{Detector, Geometry};

/// Disc that the beam stop hides, and the arm that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeamStop {
    /// (column, row); the centre of the first pixel is (0.5, 0.5).
    pub centre_px: [f64; 2],
    /// Radius.
    pub radius_px: f64,
    /// From the centre to the edge of the detector.
    pub arm: Option<Arm>,
}

/// A strip that begins at the centre of the beam stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// Where it points: 0 along the columns as their numbers rise, π/2 along the rows.
    pub towards_rad: f64,
    /// Full width.
    pub width_px: f64,
}

/// Pixels that count without light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotPixels {
    /// How many.
    pub count: usize,
    /// What each of them counts.
    pub counts_per_s: f64,
    /// Whether the mask knows them.
    pub masking: Masking,
}

/// Whether the written mask leaves pixels out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// It does.
    Masked,
    /// They have to be found.
    Unmasked,
}

/// Where photons are counted that do not come along the sensor's normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Parallax {
    /// Where they meet the front of the sensor.
    Ignored,
    /// Where this sensor stops them.
    Modelled(SensorAbsorption),
}

/// Keeps hot pixels apart from dead ones.
const HOT_STREAM: u64 = 0x686f_7421;

/// What turns a radial intensity into an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Detector and placement.
    pub geometry: Geometry,
    /// f of \[E3\].
    pub polarization: f64,
    /// Efficiency at oblique incidence; `None` = 1 everywhere.
    pub sensor: Option<SensorAbsorption>,
    /// Whether photons are stopped at the front of the sensor or in its depth.
    pub parallax: Parallax,
    /// A pixel is averaged over n × n points.
    pub oversampling: usize,
    /// Counts that do not come from the sample: added to every pixel, not multiplied by P, Ω, η.
    pub constant_counts: f64,
    /// Shadow that keeps only the constant.
    pub beam_stop: Option<BeamStop>,
    /// How many pixels are dead.
    pub dead_pixels: usize,
    /// Pixels that count without light.
    pub hot_pixels: Option<HotPixels>,
    /// Sensitivity of the pixels; `None` = 1 everywhere.
    pub flat: Option<FlatField>,
    /// Counts at which counters stop.
    pub saturated_counts: i32,
    /// Which pixels are dead and hot, and the flat field.
    pub seed: u64,
    /// Exposure time written into headers.
    pub exposure_s: f64,
    /// How frames differ.
    pub exposures: Exposures,
    /// Air between sample and detector; `None` = vacuum.
    pub air: Option<AirPath>,
}

/// Expected counts in row order; −1 in gaps, −2 on dead pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct IdealImage {
    /// Rows × columns.
    pub shape: Shape,
    /// Expected counts at the mean flux, row order.
    pub expected: Vec<f64>,
    /// What the beam makes of them: it follows the flux.
    pub light: Vec<f64>,
    /// Detector name for headers.
    pub detector: String,
    /// Pixel size (slow, fast).
    pub pixel_m: [f64; 2],
    /// Exposure time.
    pub exposure_s: f64,
    /// Counts at which counters stop.
    pub saturated_counts: i32,
    /// How frames differ.
    pub exposures: Exposures,
}

/// Light that reaches the detector, in counts of a pixel with P = Ω = η = 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Light {
    /// Scattered at Q, but for what depends on the azimuth.
    pub scattered: RadialTable,
    /// Fluorescence: the same in all directions and not polarized; the sensor is taken as for the beam's energy.
    pub isotropic: f64,
    /// What an anisotropic sample adds.
    pub oriented: Option<Oriented>,
    /// Single reflections, in counts of a pixel as it is.
    pub spots: Vec<Spot>,
}

impl From<RadialTable> for Light {
    fn from(scattered: RadialTable) -> Light {
        Light { scattered, isotropic: 0.0, oriented: None, spots: Vec::new() }
    }
}

/// Expected counts of each pixel.
///
/// # Errors
/// The table ends below the largest Q of the detector, or no oversampling point is asked for.
pub fn ideal_image(camera: &Camera, light: &Light) -> Result<IdealImage, SimulateError> {
    let (needed, _) = reach(&camera.geometry);
    if light.scattered.q_max() < needed {
        return Err(SimulateError::TableTooShort { found: light.scattered.q_max(), needed });
    }
    if camera.oversampling == 0 {
        return Err(SimulateError::NoSamples);
    }
    let detector = &camera.geometry.detector;
    let shape = detector.shape;
    let pixels = Pixels::new(camera, light);
    let mut expected = vec![0.0; shape.pixels()];
    expected.par_chunks_mut(shape.columns.max(1)).enumerate().for_each(|(row, line)| {
        for (column, pixel) in line.iter_mut().enumerate() {
            *pixel = if is_gap(detector, row, column) {
                -1.0
            } else if camera.beam_stop.is_some_and(|stop| stop.hides(row, column)) {
                0.0
            } else {
                pixels.mean(row, column)
            };
        }
    });
    let is_lit = |row: usize, column: usize| {
        !is_gap(detector, row, column) && !camera.beam_stop.is_some_and(|stop| stop.hides(row, column))
    };
    light.spots.iter().for_each(|spot| spot.add_to(&mut expected, shape, is_lit));
    if let Some(flat) = camera.flat {
        let factors = flat.factors(detector, camera.seed);
        expected.iter_mut().zip(factors).filter(|(e, _)| **e >= 0.0).for_each(|(e, factor)| *e *= factor);
    }
    Ok(camera.image(expected, camera.exposures))
}

/// Expected counts without beam: the constant, and hot pixels.
pub fn dark_image(camera: &Camera) -> IdealImage {
    let detector = &camera.geometry.detector;
    let columns = detector.shape.columns.max(1);
    let flags = (0..detector.shape.pixels())
        .map(|i| if is_gap(detector, i / columns, i % columns) { -1.0 } else { 0.0 });
    camera.image(flags.collect(), Exposures::default())
}

impl Camera {
    /// Adds to what light makes (row order, gaps −1) what needs none, and flags dead pixels.
    fn image(&self, light: Vec<f64>, exposures: Exposures) -> IdealImage {
        let detector = &self.geometry.detector;
        let mut expected = light.clone();
        expected.iter_mut().filter(|e| **e >= 0.0).for_each(|e| *e += self.constant_counts);
        if let Some(hot) = self.hot_pixels {
            for pixel in self.hot_pixel_indices() {
                if expected[pixel] >= 0.0 {
                    expected[pixel] += hot.counts_per_s * self.exposure_s;
                }
            }
        }
        for pixel in self.drawn(self.seed, self.dead_pixels) {
            if expected[pixel] >= 0.0 {
                expected[pixel] = -2.0;
            }
        }
        IdealImage {
            shape: detector.shape,
            expected,
            light,
            detector: detector.name.clone(),
            pixel_m: detector.pixel_m,
            exposure_s: self.exposure_s,
            saturated_counts: self.saturated_counts,
            exposures,
        }
    }

    /// Row-order indices of hot pixels, gaps included.
    pub(super) fn hot_pixel_indices(&self) -> Vec<usize> {
        self.hot_pixels.map_or_else(Vec::new, |hot| self.drawn(self.seed ^ HOT_STREAM, hot.count))
    }

    /// `count` different pixels, row-order indices.
    fn drawn(&self, seed: u64, count: usize) -> Vec<usize> {
        let pixels = self.geometry.detector.shape.pixels();
        let mut rng = <rand_pcg::Pcg64Mcg as rand::SeedableRng>::seed_from_u64(mix(seed));
        sample(&mut rng, pixels, count.min(pixels)).into_vec()
    }
}

impl BeamStop {
    /// Whether the centre of a pixel lies in the shadow.
    pub fn hides(&self, row: usize, column: usize) -> bool {
        let [x, y] = [column as f64 + 0.5 - self.centre_px[0], row as f64 + 0.5 - self.centre_px[1]];
        let on_arm = self.arm.is_some_and(|arm| {
            let (sin, cos) = arm.towards_rad.sin_cos();
            x * cos + y * sin >= 0.0 && (y * cos - x * sin).abs() <= 0.5 * arm.width_px
        });
        on_arm || x.hypot(y) <= self.radius_px
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Orientation, Poni};
    use crate::simulate::rays::Placement;

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
            geometry: Geometry { poni, detector, parallax: None },
            polarization: 0.99,
            sensor: Some(SensorAbsorption { mu_per_m: 730.0, thickness_m: 1e-3 }),
            parallax: Parallax::Ignored,
            oversampling,
            constant_counts: 0.0,
            beam_stop: None,
            dead_pixels: 0,
            hot_pixels: None,
            flat: None,
            saturated_counts: crate::simulate::noise::COUNTER_FULL,
            seed: 1,
            exposure_s: 1.0,
            exposures: Exposures::default(),
            air: None,
        }
    }

    fn scattered(end: f64, f: impl Fn(f64) -> f64) -> Light {
        RadialTable::from_fn(end, f).into()
    }

    #[test]
    fn the_image_averages_to_the_intensity_put_in() {
        let camera = camera(4);
        let truth = |q: f64| 200.0 + 100.0 * (2.0 * q).sin();
        let (largest, whole) = reach(&camera.geometry);
        let image = ideal_image(&camera, &scattered(largest, truth)).unwrap();
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
        for (i, [counts, norm, expected]) in rings.into_iter().enumerate().filter(|(_, ring)| ring[1] > 50.0)
        {
            // A pixel spans w = 0.098 Å⁻¹ here; its average differs from its middle by w²/24 times I″ + I′/Q, which is 100 times
            // 4 + 2/Q at most; a twentieth more for the fourth order.
            let bend = 100.0 * (4.0 + 2.0 / (0.1 * (i as f64 + 0.5)));
            assert!(
                (counts - expected).abs() < 1.05 * 0.098f64.powi(2) / 24.0 * bend * norm,
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
        let image = ideal_image(&camera, &scattered(largest, |_| 1.0)).unwrap();
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
        camera.beam_stop = Some(BeamStop { centre_px: [100.5, 100.5], radius_px: 2.0, arm: None });
        let (largest, _) = reach(&camera.geometry);
        let light = scattered(largest, |_| 10.0);
        let image = ideal_image(&camera, &light).unwrap();
        let count = |flag: f64| image.expected.iter().filter(|&&c| c == flag).count();
        // A disc of radius 2 around a pixel's centre holds 13 pixels, dead ones aside.
        assert!((11..=13).contains(&count(0.25)), "{}", count(0.25));
        assert!((30..=40).contains(&count(-2.0)), "{}", count(-2.0));
        let gaps = camera.geometry.detector.gap_mask();
        let same = image.expected.iter().zip(&gaps).all(|(counts, &gap)| gap == (*counts == -1.0));
        assert!(same && gaps.contains(&true));
        assert_eq!(image, ideal_image(&camera, &light).unwrap());
    }

    #[test]
    fn a_short_table_is_refused() {
        let error = ideal_image(&camera(1), &scattered(3.0, |_| 1.0)).unwrap_err();
        assert!(error.to_string().contains("extend the table"), "{error}");
        let camera = camera(0);
        let (largest, _) = reach(&camera.geometry);
        assert!(ideal_image(&camera, &scattered(largest, |_| 1.0)).is_err());
    }
}
