//! The camera of simulated calibrations, in the tests and in the campaigns.

use halor::geometry::Geometry;
use halor::simulate::{Camera, Exposures, Parallax, noise};

/// A detector without faults, rays stopping at its face, exposed for a second.
pub(crate) fn camera(geometry: &Geometry) -> Camera {
    Camera {
        geometry: geometry.clone(),
        polarization: 0.99,
        sensor: None,
        oversampling: 3,
        constant_counts: 0.0,
        beam_stop: None,
        dead_pixels: 0,
        hot_pixels: None,
        flat: None,
        saturated_counts: noise::COUNTER_FULL,
        seed: 3,
        exposure_s: 1.0,
        parallax: Parallax::Ignored,
        exposures: Exposures::default(),
        air: None,
    }
}
