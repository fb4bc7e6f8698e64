//! Bragg spots of a few grains of a crystal in the sample: single reflections at the positions of its rings.

use std::f64::consts::TAU;

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::noise::mix;
use super::rays::{Placement, reach};
use super::{Crystal, SimulateError};
use crate::frame::Shape;
use crate::geometry::Geometry;
use crate::units::two_theta_rad;

/// Apart from what else is drawn with the seed.
const STREAM: u64 = 0x7370_6f74;

/// Most draws for one spot: grains whose reflections miss the detector are not seen.
const MOST_DRAWS: usize = 1000;

/// A spot ends this many standard deviations from its middle.
const REACH_SIGMA: f64 = 5.0;

/// Points along each side of a pixel that a spot is averaged over.
const POINTS: usize = 4;

/// Grains of a crystal.
#[derive(Debug, Clone, PartialEq)]
pub struct Inclusion {
    /// Of what.
    pub crystal: Crystal,
    /// Number of spots on the detector.
    pub spots: u32,
    /// Counts of each spot in a second.
    pub counts_per_s: f64,
    /// Full width at half maximum in pixels.
    pub fwhm_px: f64,
}

/// One spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Its reflection.
    pub hkl: [i32; 3],
    /// Q in Å⁻¹.
    pub q: f64,
    /// Azimuth χ.
    pub chi_rad: f64,
    /// Pixel coordinate; the centre of the first pixel is (0.5, 0.5).
    pub row: f64,
    /// Pixel coordinate.
    pub column: f64,
    /// All counts of it in one frame.
    pub counts: f64,
    /// Standard deviation in pixels.
    pub sigma_px: f64,
}

impl Inclusion {
    /// The spots on the detector: reflections drawn by the area of their rings, azimuths evenly; the same for the same seed.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn spots_on(
        &self,
        geometry: &Geometry,
        energy_kev: f64,
        exposure_s: f64,
        seed: u64,
    ) -> Result<Vec<Spot>, SimulateError> {
        let rings = self.crystal.rings(energy_kev, reach(geometry).0)?;
        let Ok(choice) = WeightedIndex::new(rings.iter().map(|ring| ring.area)) else {
            return Ok(Vec::new());
        };
        let placement = Placement::new(geometry);
        let Shape { rows, columns } = geometry.detector.shape;
        let mut rng = Pcg64Mcg::seed_from_u64(mix(seed ^ STREAM));
        let draw = |_| {
            (0..MOST_DRAWS).find_map(|_| {
                let ring = &rings[choice.sample(&mut rng)];
                let chi_rad = rng.random_range(0.0..TAU);
                let two_theta = two_theta_rad(ring.q, geometry.poni.wavelength_angstrom);
                let (sin, cos) = two_theta.sin_cos();
                let [row, column] = placement.pixel_of([sin * chi_rad.sin(), sin * chi_rad.cos(), cos])?;
                let inside = (0.0..rows as f64).contains(&row) && (0.0..columns as f64).contains(&column);
                inside.then_some(Spot {
                    hkl: ring.hkl,
                    q: ring.q,
                    chi_rad,
                    row,
                    column,
                    counts: self.counts_per_s * exposure_s,
                    sigma_px: self.fwhm_px / (8.0 * 2f64.ln()).sqrt(),
                })
            })
        };
        Ok((0..self.spots).filter_map(draw).collect())
    }
}

impl Spot {
    /// Adds the spot to pixels in row order; `is_lit` tells which pixels can see it. What falls on others is lost.
    pub(super) fn add_to(&self, pixels: &mut [f64], shape: Shape, is_lit: impl Fn(usize, usize) -> bool) {
        let around = |middle: f64, count: usize| {
            let half = REACH_SIGMA * self.sigma_px + 1.0;
            (middle - half).max(0.0) as usize..((middle + half).max(0.0) as usize + 1).min(count)
        };
        let density = 1.0 / (TAU * self.sigma_px * self.sigma_px);
        let offset =
            |i: usize, point: usize, middle: f64| i as f64 + (point as f64 + 0.5) / POINTS as f64 - middle;
        for row in around(self.row, shape.rows) {
            for column in around(self.column, shape.columns).filter(|column| is_lit(row, *column)) {
                let mut sum = 0.0;
                for i in 0..POINTS {
                    for j in 0..POINTS {
                        let (y, x) = (offset(row, i, self.row), offset(column, j, self.column));
                        sum += (-0.5 * (x * x + y * y) / (self.sigma_px * self.sigma_px)).exp();
                    }
                }
                pixels[row * shape.columns + column] +=
                    self.counts * density * sum / (POINTS * POINTS) as f64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Detector, Poni};

    fn geometry() -> Geometry {
        let poni = Poni {
            distance_m: 0.25,
            poni1_m: 0.05,
            poni2_m: 0.04,
            rot1_rad: 0.2,
            rot2_rad: -0.1,
            rot3_rad: 0.3,
            wavelength_angstrom: 0.1107,
        };
        Geometry { poni, detector: Detector::named("Pilatus CdTe 300K").unwrap(), parallax: None }
    }

    #[test]
    fn spots_lie_on_the_rings_and_hold_their_counts() {
        let crystal = Crystal::named("Ni").unwrap();
        let inclusion = Inclusion { crystal, spots: 40, counts_per_s: 100.0, fwhm_px: 1.5 };
        let geometry = geometry();
        let spots = inclusion.spots_on(&geometry, 112.0, 60.0, 5).unwrap();
        assert_eq!(spots.len(), 40);
        let placement = Placement::new(&geometry);
        for spot in &spots {
            let ray = placement.ray(spot.row, spot.column);
            // Rounding of two ways through the geometry.
            assert!((ray.q(0.1107) - spot.q).abs() < 1e-10 * spot.q, "{spot:?}");
            assert!((ray.chi_rad() - spot.chi_rad).sin().abs() < 1e-10, "{spot:?}");
        }
        assert_eq!(spots, inclusion.spots_on(&geometry, 112.0, 60.0, 5).unwrap());
        assert_ne!(spots, inclusion.spots_on(&geometry, 112.0, 60.0, 6).unwrap());
        // In the middle of an array nothing is lost: 16 points in a pixel of 1.6 σ integrate a Gaussian to 1e-6.
        let shape = Shape { rows: 40, columns: 50 };
        let mut pixels = vec![0.0; shape.pixels()];
        Spot { row: 20.3, column: 24.7, ..spots[0] }.add_to(&mut pixels, shape, |_, _| true);
        assert!((pixels.iter().sum::<f64>() / 6000.0 - 1.0).abs() < 2e-6);
        let mut hidden = vec![0.0; shape.pixels()];
        Spot { row: 20.3, column: 24.7, ..spots[0] }.add_to(&mut hidden, shape, |row, _| row < 20);
        assert!(hidden[20 * 50..].iter().all(|c| *c == 0.0) && hidden[19 * 50 + 24] > 0.0);
    }
}
