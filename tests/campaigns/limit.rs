//! How well a frame can be known at all: the bound of Cramér and Rao for its counts, everything but the placement known.

use halor::geometry::{Geometry, Poni};
use nalgebra::{DMatrix, DVector};

use crate::random::draw;

/// Steps of the derivatives: relative to the distance, in pixels, rad.
const STEP: f64 = 1e-4;
const STEP_PX: f64 = 0.05;
const STEP_RAD: f64 = 1e-4;

/// Prints the bound for the frames of these random numbers; of spotty ones without their spots.
pub(crate) fn run(seeds: &[u64]) {
    for seed in seeds {
        let case = draw(*seed);
        let poni = case.geometry.poni;
        let pixel = case.geometry.detector.pixel_m[0];
        let steps = [STEP * poni.distance_m, STEP_PX * pixel, STEP_PX * pixel, STEP_RAD, STEP_RAD];
        let moved = |k: usize, by: f64| {
            let mut poni: Poni = poni;
            let parameters = [
                &mut poni.distance_m,
                &mut poni.poni1_m,
                &mut poni.poni2_m,
                &mut poni.rot1_rad,
                &mut poni.rot2_rad,
            ];
            *parameters[k] += by;
            poni
        };
        let here = case.expected_from(poni);
        let slopes: Vec<Vec<f64>> = (0..5)
            .map(|k| {
                let [up, down] = [steps[k], -steps[k]].map(|by| case.expected_from(moved(k, by)));
                up.iter().zip(&down).map(|(up, down)| (up - down) / (2.0 * steps[k])).collect()
            })
            .collect();
        // Σ ∂μ/∂p ∂μ/∂q / μ for Poisson counts of mean μ.
        let information = DMatrix::from_fn(5, 5, |k, l| {
            let pixels = here.iter().zip(slopes[k].iter().zip(&slopes[l]));
            pixels.filter(|(mean, _)| **mean > 0.0).map(|(mean, (a, b))| a * b / mean).sum()
        });
        let Some(covariance) = information.try_inverse() else {
            println!("{seed}: {}\n     nothing is known", case.summary());
            continue;
        };
        let words = |poni: Poni| {
            let geometry = Geometry { poni, ..case.geometry.clone() };
            let [column, row] = geometry.beam_centre_px().unwrap();
            let along = geometry.sample_to_detector_along_beam_m().unwrap();
            [along, column, row, poni.rot1_rad, poni.rot2_rad]
        };
        let along = words(poni)[0];
        let sigma = |quantity: usize| {
            let slope = DVector::from_fn(5, |k, _| {
                let [up, down] = [steps[k], -steps[k]].map(|by| words(moved(k, by))[quantity]);
                (up - down) / (2.0 * steps[k])
            });
            slope.dot(&(&covariance * &slope)).sqrt()
        };
        println!(
            "{seed}: {}\n     at best ± {:.1e} of the distance, column ± {:.3}, row ± {:.3}, rot1 ± {:.1e}, rot2 ± {:.1e} rad",
            case.summary(),
            sigma(0) / along,
            sigma(1),
            sigma(2),
            sigma(3),
            sigma(4)
        );
    }
}
