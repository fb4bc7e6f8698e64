//! A flat field that differs from module to module and from pixel to pixel.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use super::noise::mix;
use crate::geometry::Detector;

/// Sensitivities below this belong to dead pixels.
const LEAST: f64 = 0.1;
/// Apart from what else is drawn with the seed.
const STREAM: u64 = 0x666c_6174;

/// How much the sensitivity of pixels differs; both are standard deviations relative to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlatField {
    /// Of the modules.
    pub module_spread: f64,
    /// Of the pixels in a module.
    pub pixel_spread: f64,
}

impl FlatField {
    /// Sensitivity of each pixel, row order, at least 0.1; the same for the same seed.
    pub fn factors(self, detector: &Detector, seed: u64) -> Vec<f64> {
        let columns = detector.shape.columns.max(1);
        let key = mix(seed ^ STREAM);
        let mut factors = vec![1.0; detector.shape.pixels()];
        factors.par_chunks_mut(columns).enumerate().for_each(|(row, line)| {
            let mut of_row = Pcg64Mcg::seed_from_u64(mix(key ^ row as u64));
            for (column, factor) in line.iter_mut().enumerate() {
                let mut of_module = Pcg64Mcg::seed_from_u64(mix(!key ^ module(detector, row, column)));
                let (module, pixel): (f64, f64) =
                    (StandardNormal.sample(&mut of_module), StandardNormal.sample(&mut of_row));
                *factor =
                    ((1.0 + self.module_spread * module) * (1.0 + self.pixel_spread * pixel)).max(LEAST);
            }
        });
        factors
    }
}

/// A number for each module; a detector without modules is one.
fn module(detector: &Detector, row: usize, column: usize) -> u64 {
    detector.module.map_or(0, |module| {
        let (down, across) =
            (row / (module.rows + detector.gap[0]), column / (module.columns + detector.gap[1]));
        (down as u64) << 32 | across as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_step_and_pixels_scatter() {
        let detector = Detector::named("Pilatus CdTe 300K").unwrap();
        let flat = FlatField { module_spread: 0.05, pixel_spread: 0.01 };
        let factors = flat.factors(&detector, 3);
        let module = detector.module.unwrap();
        let mean_and_width = |first_row: usize| {
            let rows = first_row..first_row + module.rows;
            let values: Vec<f64> =
                rows.flat_map(|row| factors[row * 487..(row + 1) * 487].to_vec()).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|v| (v / mean - 1.0).powi(2)).sum::<f64>() / values.len() as f64;
            (mean, square.sqrt())
        };
        let all: Vec<(f64, f64)> =
            (0..3).map(|i| mean_and_width(i * (module.rows + detector.gap[0]))).collect();
        for (mean, width) in &all {
            // 95,000 pixels: the width of 1 % is known to 1/√190,000, the mean stays within four of its 5 %.
            assert!((width / 0.01 - 1.0).abs() < 0.012 && (mean - 1.0).abs() < 0.2, "{all:?}");
        }
        // Steps of modules stand far out of 0.01/√95,000.
        assert!((all[0].0 - all[1].0).abs() > 1e-3 && (all[1].0 - all[2].0).abs() > 1e-3, "{all:?}");
        assert_eq!(factors, flat.factors(&detector, 3));
        assert_ne!(factors, flat.factors(&detector, 4));
    }
}
