//! What the geometry shader needs, rounded once from f64. Its factors are smooth: displaced pixels have those of their places
//! on the grid.

use std::ops::Range;

use crate::correct::Correction;
use crate::engine::layout::{self, Axis, Factor, GeometryParams};
use crate::geometry::{Geometry, Poni};
use crate::integrate::IntegrationPlan;

/// Placement of the plan's detector, to evaluate a range of its pixels.
pub(super) fn params(plan: &IntegrationPlan, pixels: &Range<usize>) -> GeometryParams {
    GeometryParams {
        rotation: rotation(&plan.geometry),
        slow: axis(&plan.geometry, 0),
        fast: axis(&plan.geometry, 1),
        pixels: pixels.len() as u32,
        columns: plan.shape.columns as u32,
        factors: plan.corrections.len() as u32,
        has_flat: u32::from(plan.flat.is_some()),
        first: pixels.start as u32,
        unused_1: 0,
        unused_2: 0,
        unused_3: 0,
    }
}

/// Rows of the rotation of \[E1\]: its columns are where `Geometry::lab` puts the detector's unit vectors.
fn rotation(geometry: &Geometry) -> [[f32; 4]; 3] {
    let at = |distance_m, point| {
        let poni = Poni { distance_m, poni1_m: 0.0, poni2_m: 0.0, ..geometry.poni };
        Geometry { poni, detector: geometry.detector.clone(), parallax: None }.lab(point)
    };
    let columns = [at(0.0, [1.0, 0.0]), at(0.0, [0.0, 1.0]), at(1.0, [0.0, 0.0])];
    [0, 1, 2].map(|i| [columns[0][i] as f32, columns[1][i] as f32, columns[2][i] as f32, 0.0])
}

/// Axis 0 (slow) or 1 (fast): where the centre of its first pixel lies, in pixels from the point of normal
/// incidence, and in which direction the next one.
fn axis(geometry: &Geometry, axis: usize) -> Axis {
    let Geometry { poni, detector, .. } = geometry;
    let poni_m = [poni.poni1_m, poni.poni2_m][axis];
    let first_m = geometry.detector.grid_point(0.5, 0.5)[axis];
    let second_m = geometry.detector.grid_point(1.5, 1.5)[axis];
    let pixel_m = detector.pixel_m[axis];
    let origin = (first_m - poni_m) / pixel_m;
    let high = origin.round();
    Axis {
        sign: (second_m - first_m).signum() as f32,
        origin_high: high as f32,
        origin_low: (origin - high) as f32,
        step: (pixel_m / poni.distance_m) as f32,
    }
}

/// The corrections with the constants that the shader multiplies by.
pub(super) fn factors(corrections: &[Correction]) -> Vec<Factor> {
    let factor = |kind, a: f64, b: f64| Factor { kind, a: a as f32, b: b as f32, unused: 0 };
    corrections
        .iter()
        .map(|correction| match *correction {
            Correction::SolidAngle => factor(layout::FACTOR_SOLID_ANGLE, 0.0, 0.0),
            Correction::Polarization { factor: f } => {
                factor(layout::FACTOR_POLARIZATION, 0.5 * (1.0 + f), 0.5 * (1.0 - f))
            }
            Correction::SensorEfficiency { mu_per_m, thickness_m } => {
                // So thin a sensor counts by its path, as one without absorption does: the ratio is good to 1e-12.
                let depth = (mu_per_m * thickness_m).max(1e-12);
                factor(layout::FACTOR_SENSOR, depth, -1.0 / (-depth).exp_m1())
            }
            Correction::AirPath { mu_per_m, length_m } => {
                factor(layout::FACTOR_AIR, mu_per_m * length_m, 0.0)
            }
        })
        .collect()
}
