//! The factors of a pixel's norm \[E2\], \[E3\], \[E5\] and their product over the detector.

use rayon::prelude::*;

use super::Correction;
use crate::geometry::{Geometry, LabFrame};

impl Correction {
    /// This factor at a pixel coordinate (continuous: the centre of the first pixel is (0.5, 0.5)); dimensionless.
    pub fn factor(&self, geometry: &Geometry, row: f64, column: f64) -> f64 {
        self.factor_in(&geometry.lab_frame(), geometry, row, column)
    }

    /// [`Correction::factor`] for many pixels, `frame` that of the geometry.
    pub(crate) fn factor_in(&self, frame: &LabFrame, geometry: &Geometry, row: f64, column: f64) -> f64 {
        let cos_incidence = || geometry.cos_incidence(geometry.detector_point(row, column));
        let lab = || frame.lab(geometry.detector_point(row, column));
        match *self {
            Correction::SolidAngle => cos_incidence().powi(3),
            // With t of [E1]: cos 2θ = t3/|t|, sin²2θ cos 2χ = (t2² − t1²)/|t|².
            Correction::Polarization { factor } => {
                let [t1, t2, t3] = lab();
                let length2 = t1 * t1 + t2 * t2 + t3 * t3;
                0.5 * (1.0 + (t3 * t3 - factor * (t2 * t2 - t1 * t1)) / length2)
            }
            Correction::SensorEfficiency { mu_per_m, thickness_m } => {
                let depth = mu_per_m * thickness_m;
                // A sensor without absorption counts by its path length: the limit of the ratio.
                if depth == 0.0 {
                    return 1.0 / cos_incidence();
                }
                (-depth / cos_incidence()).exp_m1() / (-depth).exp_m1()
            }
            Correction::AirPath { mu_per_m, length_m } => {
                let [t1, t2, t3] = lab();
                let cos = t3 / (t1 * t1 + t2 * t2 + t3 * t3).sqrt();
                // A ray at 90° or more never leaves a slab that stands across the beam.
                if cos > 0.0 { (-mu_per_m * length_m * (1.0 / cos - 1.0)).exp() } else { 0.0 }
            }
        }
    }
}

impl std::fmt::Display for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Correction::SolidAngle => write!(f, "solid angle"),
            Correction::Polarization { factor } => write!(f, "polarization (factor {factor})"),
            Correction::SensorEfficiency { mu_per_m, thickness_m } => {
                write!(
                    f,
                    "sensor efficiency (mu {:.4} 1/cm, thickness {:.4} mm)",
                    mu_per_m / 100.0,
                    thickness_m * 1e3
                )
            }
            Correction::AirPath { mu_per_m, length_m } => {
                write!(f, "air path (mu {:.4e} 1/cm, length {:.1} mm)", mu_per_m / 100.0, length_m * 1e3)
            }
        }
    }
}

/// flat · Π corrections at the centre of each pixel, row order: the norm of \[E4\] without exposure or monitor.
///
/// Where the flat field has no value the norm is NaN. A pixel whose norm is [`unusable`] belongs in the static mask.
pub fn pixel_norm(geometry: &Geometry, corrections: &[Correction], flat: Option<&[f32]>) -> Vec<f64> {
    let columns = geometry.detector.shape.columns;
    let mut norm = vec![1.0; geometry.detector.shape.pixels()];
    let frame = geometry.lab_frame();
    norm.par_chunks_mut(columns.max(1)).enumerate().for_each(|(row, line)| {
        for (column, norm) in line.iter_mut().enumerate() {
            let flat =
                flat.map_or(1.0, |flat| flat.get(row * columns + column).map_or(f64::NAN, |v| f64::from(*v)));
            let (row, column) = (row as f64 + 0.5, column as f64 + 0.5);
            *norm = corrections
                .iter()
                .fold(flat, |product, c| product * c.factor_in(&frame, geometry, row, column));
        }
    });
    norm
}

/// Which pixels a flat field or a norm rules out: `true` where the value is not finite or not above 0.
pub fn unusable<T: Copy + Into<f64>>(values: &[T]) -> Vec<bool> {
    values
        .iter()
        .map(|value| {
            let value: f64 = (*value).into();
            !value.is_finite() || value <= 0.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::geometry::{Detector, Poni};

    /// A detector across the beam, 0.3 m from the sample, beam at pixel coordinate (100, 200).
    fn across_the_beam() -> Geometry {
        let poni = Poni {
            distance_m: 0.3,
            poni1_m: 0.02,
            poni2_m: 0.04,
            rot1_rad: 0.0,
            rot2_rad: 0.0,
            rot3_rad: 0.0,
            wavelength_angstrom: 0.1107,
        };
        Geometry {
            poni,
            detector: Detector::generic(Shape { rows: 7, columns: 5 }, [2e-4, 2e-4]).unwrap(),
            parallax: None,
        }
    }

    /// Column at which 2θ, here also the incidence, has this value.
    fn column_at(two_theta_deg: f64) -> f64 {
        200.0 + 0.3 * two_theta_deg.to_radians().tan() / 2e-4
    }

    #[test]
    fn sensor_efficiency_of_1_mm_cdte_at_112_kev() {
        let sensor = Correction::SensorEfficiency { mu_per_m: 730.0, thickness_m: 1e-3 };
        // docs/physics.md [E5], given to three digits after the point.
        for (two_theta_deg, expected) in [(0.0, 1.0), (10.1, 1.011), (20.3, 1.044), (25.5, 1.070)] {
            let factor = sensor.factor(&across_the_beam(), 100.0, column_at(two_theta_deg));
            assert!((factor - expected).abs() < 5.5e-4, "{two_theta_deg}: {factor}, expected {expected}");
        }
        // Thin sensors count by path, opaque ones do not care.
        let at = |mu_per_m| {
            let sensor = Correction::SensorEfficiency { mu_per_m, thickness_m: 1e-3 };
            sensor.factor(&across_the_beam(), 100.0, column_at(30.0))
        };
        let path = 1.0 / 30f64.to_radians().cos();
        assert!(
            (at(0.0) - path).abs() < 1e-12 && (at(1e-6) - path).abs() < 1e-9 && (at(1e6) - 1.0).abs() < 1e-12
        );
    }

    #[test]
    fn air_path_is_one_along_the_beam_and_zero_beyond_90_degrees() {
        let mut geometry = across_the_beam();
        let air = Correction::AirPath { mu_per_m: 0.02, length_m: 0.3 };
        assert!((air.factor(&geometry, 100.0, 200.0) - 1.0).abs() < 1e-15, "rounding only");
        // At 60° the path is twice as long.
        let factor = air.factor(&geometry, 100.0, column_at(60.0));
        assert!((factor - (-0.02f64 * 0.3).exp()).abs() < 1e-12, "rounding only");
        geometry.poni.rot1_rad = 2.0;
        assert_eq!(air.factor(&geometry, 100.0, 200.0), 0.0);
    }

    #[test]
    fn the_norm_is_the_product_and_a_bad_flat_is_unusable() {
        let geometry = across_the_beam();
        let corrections = [Correction::SolidAngle, Correction::Polarization { factor: 0.95 }];
        let mut flat: Vec<f32> = (0..35).map(|i| 1.0 + 0.01 * i as f32).collect();
        let norm = pixel_norm(&geometry, &corrections, Some(&flat));
        let expected = f64::from(flat[2 * 5 + 3])
            * corrections[0].factor(&geometry, 2.5, 3.5)
            * corrections[1].factor(&geometry, 2.5, 3.5);
        assert_eq!(norm[2 * 5 + 3], expected);
        (flat[0], flat[1], flat[2], flat[3]) = (0.0, -1.0, f32::NAN, f32::INFINITY);
        let bad = unusable(&flat);
        assert_eq!(bad.iter().filter(|bad| **bad).count(), 4);
        assert!(bad[..4].iter().all(|bad| *bad));
        assert_eq!(unusable(&pixel_norm(&geometry, &corrections, Some(&flat))), bad);
        // A flat field that is too short leaves pixels without a value.
        assert!(unusable(&pixel_norm(&geometry, &[], Some(&flat[..30])))[30..].iter().all(|bad| *bad));
    }

    #[test]
    fn headers_state_parameters_and_units() {
        let shown = Correction::SensorEfficiency { mu_per_m: 729.0, thickness_m: 1e-3 }.to_string();
        assert_eq!(shown, "sensor efficiency (mu 7.2900 1/cm, thickness 1.0000 mm)");
        assert_eq!(Correction::Polarization { factor: 0.99 }.to_string(), "polarization (factor 0.99)");
    }
}
