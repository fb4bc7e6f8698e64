//! A calibration as JSON: parameters with σ, covariance, what is left at each ring and place, remarks.

use serde_json::{Value, json};

use crate::geometry::calibrate::{CalibratedFrame, Calibration, PARAMETERS};
use crate::units::energy_kev;

/// The whole calibration.
pub fn calibration_json(calibration: &Calibration) -> Value {
    json!({
        "program": format!("halor {}", env!("CARGO_PKG_VERSION")),
        "calibrants": calibration.calibrants,
        "rms_px": calibration.rms_px,
        "rms_two_theta_deg": calibration.rms_deg,
        "tilt_test": calibration.tilt_test,
        "displacement_px": calibration.displaced,
        "displacement_tests": calibration.displacement_tests,
        "remarks": calibration.remarks,
        "frames": calibration.frames.iter().map(frame).collect::<Vec<_>>(),
    })
}

fn frame(frame: &CalibratedFrame) -> Value {
    json!({
        "detector": frame.geometry.detector.name,
        "energy_kev": energy_kev(frame.geometry.poni.wavelength_angstrom),
        "rot3_rad": frame.geometry.poni.rot3_rad,
        "beam_centre_px": {"column": frame.centre_px[0], "row": frame.centre_px[1],
            "sigma_column": frame.centre_sigma_px[0], "sigma_row": frame.centre_sigma_px[1]},
        "distance_along_beam_m": {"value": frame.along_beam_m[0], "sigma": frame.along_beam_m[1]},
        "ring_fwhm_px": frame.fwhm_px,
        "point_scatter_px": frame.point_scatter_px,
        "ring_scatter_px": frame.ring_scatter_px,
        "parameters": frame.parameters,
        "covariance": {"order": PARAMETERS, "matrix": frame.covariance},
        "agreement": frame.agreement,
        "rings": frame.rings,
        "points": frame.points,
    })
}
