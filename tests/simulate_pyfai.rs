//! The twin's own geometry and factors against pyFAI's arrays: an error in the way back cannot hide behind the same
//! error in the simulation.

use std::f64::consts::{PI, TAU};

use halor::frame::Shape;
use halor::geometry::{Detector, Geometry, Orientation, Poni};
use halor::simulate::rays::Placement;

use crate::common::{data, npz};

/// 619 × 487 pixels of 172 µm, as in the reference scripts.
fn geometry(poni: Poni, orientation: Orientation) -> Geometry {
    let detector = Detector {
        shape: Shape { rows: 619, columns: 487 },
        pixel_m: [172e-6, 172e-6],
        orientation,
        ..Detector::named("Pilatus CdTe 300K").unwrap()
    };
    Geometry { poni, detector, parallax: None }
}

const WAVELENGTH_ANGSTROM: f64 = 0.110_700_177_169_642_86;

fn poni([distance_m, poni1_m, poni2_m]: [f64; 3], [rot1_rad, rot2_rad, rot3_rad]: [f64; 3]) -> Poni {
    Poni {
        distance_m,
        poni1_m,
        poni2_m,
        rot1_rad,
        rot2_rad,
        rot3_rad,
        wavelength_angstrom: WAVELENGTH_ANGSTROM,
    }
}

fn references() -> [(&'static str, Poni); 2] {
    [
        ("centred", poni([0.2, 0.0532, 0.0419], [-0.004, 0.003, 0.0])),
        ("tilted", poni([0.25, 0.031, 0.055], [-0.22, 0.31, -0.4])),
    ]
}

/// Difference of two angles, wrapped into [−π, π].
fn turn(a: f64, b: f64) -> f64 {
    (a - b + PI).rem_euclid(TAU) - PI
}

#[test]
fn rays_and_factors_of_two_thousand_pixels() {
    for (name, poni) in references() {
        let Some(path) = data(&format!("pyfai/{name}/pixels.npz")) else { return };
        let array = |key: &str| npz(&path, key).values;
        let (row, column) = (array("iy"), array("ix"));
        let (q, chi, solid_angle) = (array("q_A"), array("chi_deg"), array("solidangle"));
        let polarizations = [(0.99, array("pol_0p99")), (0.0, array("pol_0p0")), (-1.0, array("pol_m1"))];
        let placement = Placement::new(&geometry(poni, Orientation::BottomRight));
        assert_eq!(row.len(), 2000);
        for i in 0..row.len() {
            let ray = placement.ray(row[i] + 0.5, column[i] + 0.5);
            // Both sides work in double precision, pyFAI through 2θ = atan2(…), whose last digit is the larger share near
            // the beam: 1e-12 relative on Q. The factors are stored as single precision: 6e-8 of a number up to 1.
            let found = ray.q(poni.wavelength_angstrom);
            assert!((found - q[i]).abs() < 1e-12 * (1.0 + q[i]), "{name} {i}: Q {found} {}", q[i]);
            let offset = turn(ray.chi_rad(), chi[i].to_radians());
            assert!(offset.abs() < 1e-10, "{name} {i}: χ off by {offset}");
            assert!((ray.solid_angle() - solid_angle[i]).abs() < 6e-8, "{name} {i}: solid angle");
            for (factor, expected) in &polarizations {
                let found = ray.polarization(*factor);
                assert!(
                    (found - expected[i]).abs() < 6e-8,
                    "{name} {i}: P({factor}) {found} {}",
                    expected[i]
                );
            }
        }
    }
}

#[test]
fn the_four_orientations() {
    let Some(path) = data("pyfai/orientation.npz") else { return };
    let array = |key: &str| npz(&path, key).values;
    let (row, column) = (array("iy"), array("ix"));
    let [_, (_, poni)] = references();
    let orientations =
        [Orientation::TopLeft, Orientation::TopRight, Orientation::BottomRight, Orientation::BottomLeft];
    for (number, orientation) in (1..).zip(orientations) {
        let placement = Placement::new(&geometry(poni, orientation));
        let (q_nm, chi) = (array(&format!("o{number}_q_nm")), array(&format!("o{number}_chi_deg")));
        for i in 0..row.len() {
            let ray = placement.ray(row[i] + 0.5, column[i] + 0.5);
            // Double precision on both sides, as above.
            let found = ray.q(poni.wavelength_angstrom);
            assert!(
                (found - 0.1 * q_nm[i]).abs() < 1e-12 * (1.0 + found),
                "{number} {i}: {found} {}",
                q_nm[i]
            );
            let offset = turn(ray.chi_rad(), chi[i].to_radians());
            assert!(offset.abs() < 1e-10, "{number} {i}: χ off by {offset}");
        }
    }
}
