//! How well a frame can be known at all: the bound of Cramér and Rao for its counts, everything but the placement known.

use halor::geometry::{Geometry, Poni};
use nalgebra::{DMatrix, DVector};

use crate::random::{Case, draw};

/// Each parameter is moved to either side until pixels are moved by about so many pixels: a tenth of the sharpest rings' width, with
/// its pixel.
const STEP_PX: f64 = 0.05;

/// Prints the bound for the frames of these random numbers; of spotty ones without their spots.
pub(crate) fn run(seeds: &[u64]) {
    for seed in seeds {
        let case = draw(*seed);
        print!("{seed}: {}\n     ", case.summary());
        match bound(&case) {
            Some([along, column, row, rot1, rot2]) => println!(
                "at best ± {along:.1e} of the distance, column ± {column:.3}, row ± {row:.3}, rot1 ± {rot1:.1e}, rot2 ± {rot2:.1e} rad"
            ),
            None => println!("nothing is known"),
        }
    }
}

/// Standard deviations of the distance along the beam, relative, of the centre's column and row, pixels, and of both rotations, rad.
fn bound(case: &Case) -> Option<[f64; 5]> {
    let truth = case.geometry.poni;
    let shape = case.geometry.detector.shape;
    let step_m = STEP_PX * case.geometry.detector.pixel_m[0];
    // A ring grows with the distance by as much as it is wide.
    let [column, row] = case.centre_px;
    let farthest_px = column.hypot(row).max((shape.columns as f64 - column).hypot(shape.rows as f64 - row));
    let turn_rad = step_m / truth.distance_m;
    let moved = |k: usize, sign: f64| {
        let mut poni = truth;
        match k {
            0 => poni.distance_m *= 1.0 + sign * STEP_PX / farthest_px,
            1 => poni.poni1_m += sign * step_m,
            2 => poni.poni2_m += sign * step_m,
            3 => poni.rot1_rad += sign * turn_rad,
            _ => poni.rot2_rad += sign * turn_rad,
        }
        poni
    };
    // Derivatives with respect to these steps, by central differences.
    let slopes: Vec<Vec<f64>> = (0..5)
        .map(|k| {
            let [up, down] = [1.0, -1.0].map(|sign| case.expected_from(moved(k, sign)));
            up.iter().zip(&down).map(|(up, down)| 0.5 * (up - down)).collect()
        })
        .collect();
    // Σ ∂μ/∂p ∂μ/∂q / μ for Poisson counts of mean μ.
    let here = case.expected_from(truth);
    let information = DMatrix::from_fn(5, 5, |k, l| {
        let pixels = here.iter().zip(slopes[k].iter().zip(&slopes[l]));
        pixels.filter(|(mean, _)| **mean > 0.0).map(|(mean, (a, b))| a * b / mean).sum()
    });
    let covariance = information.cholesky()?.inverse();
    let quantities = |poni: Poni| {
        let geometry = Geometry { poni, ..case.geometry.clone() };
        let along = geometry.sample_to_detector_along_beam_m()?;
        let [column, row] = geometry.beam_centre_px()?;
        Some([along.ln(), column, row, poni.rot1_rad, poni.rot2_rad])
    };
    let ends: Vec<[[f64; 5]; 2]> = (0..5)
        .map(|k| Some([quantities(moved(k, 1.0))?, quantities(moved(k, -1.0))?]))
        .collect::<Option<_>>()?;
    Some(std::array::from_fn(|quantity| {
        let slope = DVector::from_fn(5, |k, _| 0.5 * (ends[k][0][quantity] - ends[k][1][quantity]));
        slope.dot(&(&covariance * &slope)).sqrt()
    }))
}
