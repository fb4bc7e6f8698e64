//! Geometry, its corrections and detectors against arrays that pyFAI computed, and laws that need no reference.

use std::path::Path;

use halor::correct::Correction;
use halor::frame::Shape;
use halor::geometry::{Detector, Geometry, Orientation, Poni, PoniFile, read_poni, write_poni};
use halor::integrate::RadialUnit;
use proptest::prelude::*;

use crate::common::{data, npz};

/// Half a unit in the last place of a single-precision number near 1, for arrays that pyFAI stores as float32.
const F32_ROUNDING: f64 = 6e-8;

fn geometry(path: &Path) -> Geometry {
    let file = PoniFile::read(path).unwrap();
    Geometry { poni: file.poni(None).unwrap(), detector: file.detector().unwrap().unwrap(), parallax: None }
}

/// Difference of two angles in degrees, wrapped to (−180, 180].
fn turned(a_deg: f64, b_deg: f64) -> f64 {
    let difference = (a_deg - b_deg).rem_euclid(360.0);
    if difference > 180.0 { difference - 360.0 } else { difference }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |a, b| if b.abs() > a || b.is_nan() { b.abs() } else { a })
}

#[test]
fn pixels_of_both_geometries_agree_with_pyfai() {
    for folder in ["centred", "tilted"] {
        let Some(path) = data(&format!("pyfai/{folder}")) else { return };
        let geometry = geometry(&path.join("geom.poni"));
        let arrays = path.join("pixels.npz");
        let array = |name: &str| npz(&arrays, name).values;
        let centres: Vec<[f64; 2]> =
            array("iy").iter().zip(array("ix")).map(|(row, column)| [row + 0.5, column + 0.5]).collect();
        assert_eq!(centres.len(), 2000);
        let deviation = |name: &str, value: &dyn Fn(f64, f64) -> f64, relative: bool| {
            largest(array(name).iter().zip(&centres).map(|(expected, [row, column])| {
                let difference = value(*row, *column) - expected;
                if relative { difference / expected } else { difference }
            }))
        };
        let direction = &|row, column| geometry.direction(row, column);

        // Double precision on both sides, the same closed formulas in another order: rounding of some 10 operations,
        // 2e-15, times up to 100 near the beam where differences of coordinates cancel.
        let double = 1e-12;
        let q = &|row: f64, column: f64| geometry.momentum_transfer(row, column);
        assert!(deviation("q_A", q, true) < double);
        assert!(deviation("q_nm", &|row, column| 10.0 * q(row, column), true) < double);
        let two_theta = |row: f64, column: f64| direction(row, column).two_theta_rad.to_degrees();
        assert!(deviation("tth_deg", &two_theta, true) < double);
        let chi = array("chi_deg");
        let chi_off = chi.iter().zip(&centres).map(|(expected, [row, column])| {
            turned(direction(*row, *column).chi_rad.to_degrees(), *expected)
        });
        // χ in degrees reaches 180, so its rounding is 180 times that of a number near 1.
        assert!(largest(chi_off) < 180.0 * double);
        let positions = array("pos_zyx_m");
        let position_off = positions.chunks(3).zip(&centres).flat_map(|(zyx, [row, column])| {
            let [t1, t2, t3] = geometry.lab(geometry.detector_point(*row, *column));
            [t3 - zyx[0], t1 - zyx[1], t2 - zyx[2]]
        });
        assert!(largest(position_off) < double, "metres, all below 1 m");
        // pyFAI counts pixels in float32 here: a coordinate of up to 0.1 m is off by 6e-9 m, and Ω and η then by
        // 3·p·6e-9/(L² + p²), at most 4.5e-8 relative for L ≥ 0.2 m.
        let solid_angle = |row: f64, column: f64| Correction::SolidAngle.factor(&geometry, row, column);
        let off = deviation("solidangle", &solid_angle, true);
        assert!(off < F32_ROUNDING, "{folder} solid angle: {off}");
        // An absorber that lets 0.7 through at normal incidence, (1 − 0.7^(1/cos α))/(1 − 0.7), is a sensor of exp(−μt) = 0.7.
        let sensor = Correction::SensorEfficiency { mu_per_m: -(0.7f64.ln()) / 1e-3, thickness_m: 1e-3 };
        let off =
            deviation("transmission_t0_0p7", &|row, column| sensor.factor(&geometry, row, column), true);
        assert!(off < F32_ROUNDING, "{folder} sensor efficiency: {off}");

        // Stored as float32.
        for (name, factor) in [("pol_0p99", 0.99), ("pol_0p0", 0.0), ("pol_m1", -1.0)] {
            let polarization =
                |row: f64, column: f64| Correction::Polarization { factor }.factor(&geometry, row, column);
            let off = deviation(name, &polarization, true);
            assert!(off < 2.0 * F32_ROUNDING, "{folder} {name}: {off}");
        }
        let corners = array("corner_q_chi");
        let around = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)];
        let corner_off = corners.chunks(8).zip(&centres).flat_map(|(pairs, [row, column])| {
            around.iter().zip(pairs.chunks(2)).flat_map(move |((down, right), pair)| {
                let (row, column) = (row + down, column + right);
                let chi = turned(direction(row, column).chi_rad.to_degrees(), pair[1].to_degrees()) / 180.0;
                [10.0 * q(row, column) / pair[0] - 1.0, chi]
            })
        });
        let off = largest(corner_off);
        // pyFAI carries corners through several single-precision steps.
        assert!(off < 10.0 * F32_ROUNDING, "{folder} corners: {off}");
    }
}

#[test]
fn orientations_agree_with_pyfai_at_the_corners_and_inside() {
    let Some(path) = data("pyfai") else { return };
    let arrays = path.join("orientation.npz");
    let array = |name: &str| npz(&arrays, name).values;
    let (rows, columns) = (array("iy"), array("ix"));
    for number in 1..=4u8 {
        let geometry = geometry(&path.join(format!("orientation{number}.poni")));
        assert_eq!(geometry.detector.orientation.number(), number);
        let (q, chi) = (array(&format!("o{number}_q_nm")), array(&format!("o{number}_chi_deg")));
        let positions = array(&format!("o{number}_pos_zyx"));
        for i in 0..rows.len() {
            let (row, column) = (rows[i] + 0.5, columns[i] + 0.5);
            // Rounding, as for the pixels above.
            assert!(
                (10.0 * geometry.momentum_transfer(row, column) / q[i] - 1.0).abs() < 1e-12,
                "q, {number}, {i}"
            );
            let direction = geometry.direction(row, column);
            assert!(turned(direction.chi_rad.to_degrees(), chi[i]).abs() < 1e-10, "chi, {number}, {i}");
            let [t1, t2, t3] = geometry.lab(geometry.detector_point(row, column));
            for (found, expected) in [t3, t1, t2].iter().zip(&positions[3 * i..]) {
                assert!((found - expected).abs() < 1e-12, "position, {number}, {i}");
            }
        }
    }
}

#[test]
fn every_orientation_puts_its_own_corner_at_the_origin() {
    let shape = Shape { rows: 7, columns: 11 };
    for (orientation, row, column) in [
        (Orientation::TopLeft, 7.0, 11.0),
        (Orientation::TopRight, 7.0, 0.0),
        (Orientation::BottomRight, 0.0, 0.0),
        (Orientation::BottomLeft, 0.0, 11.0),
    ] {
        let mut detector = Detector::generic(shape, [2e-4, 1e-4]).unwrap();
        detector.orientation = orientation;
        let geometry = Geometry { poni: poni(0.0, 0.0, 0.0), detector, parallax: None };
        assert_eq!(geometry.detector_point(row, column), [0.0, 0.0], "{orientation:?}");
        let opposite = geometry.detector_point(7.0 - row, 11.0 - column);
        assert_eq!(opposite, [7.0 * 2e-4, 11.0 * 1e-4], "{orientation:?}");
    }
}

#[test]
fn gap_mask_is_pyfais_mask_without_the_dead_pixels() {
    let Some(path) = data("pyfai/centred") else { return };
    let bytes = std::fs::read(path.join("mask.npy")).unwrap();
    let mask: Vec<i8> = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap();
    let gaps = geometry(&path.join("geom.poni")).detector.gap_mask();
    assert_eq!(gaps.len(), mask.len());
    assert!(gaps.iter().zip(&mask).all(|(gap, bad)| !gap || *bad == 1), "every gap is masked");
    // The script that made it added 300 dead pixels.
    let dead = gaps.iter().zip(&mask).filter(|(gap, bad)| !**gap && **bad == 1).count();
    assert_eq!(dead, 300);
}

#[test]
fn poni_files_of_the_reference_data_read_and_survive_writing() {
    let files = [
        "pyfai/centred/geom.poni",
        "pyfai/tilted/geom.poni",
        "pyfai/orientation1.poni",
        "pyfai/orientation2.poni",
        "pyfai/orientation4.poni",
        "ceo2_pilatus1M_30keV/lsq_cpf_ASREAD.poni",
        "ceo2_pilatus1M_30keV/CeO2_cal_Dioptas.poni",
        "ceo2_pilatus3_2M_CdTe_100keV/lsq_dls103852_ASREAD.poni",
        "ceo2_pilatus2M_61keV/lsq_hexrd_pil.poni",
        "ceo2_pilatus2M_61keV/hexrd_conv.poni",
        "ti64_pixium_89keV/DLS_CeO2_1200mm.poni",
        "ti64_pixium_89keV/DLS_CeO2_1200mm_pyFAI.poni",
    ];
    for name in files {
        let Some(path) = data(name) else { return };
        let file = PoniFile::read(&path).unwrap();
        let shape = Shape { rows: 1441, columns: 1440 };
        let detector = file
            .detector()
            .unwrap()
            .unwrap_or_else(|| Detector::generic(shape, file.pixel_m.unwrap()).unwrap());
        let geometry = Geometry { poni: file.poni(None).unwrap(), detector, parallax: None };
        let text = write_poni(&geometry);
        let again = read_poni(&text).unwrap();
        let mut poni = again.poni(None).unwrap();
        // Å → m → Å rounds twice.
        let wavelengths = (poni.wavelength_angstrom, geometry.poni.wavelength_angstrom);
        assert!((wavelengths.0 / wavelengths.1 - 1.0).abs() < 4.0 * f64::EPSILON, "{name}");
        poni.wavelength_angstrom = wavelengths.1;
        assert_eq!(poni, geometry.poni, "{name}");
        assert_eq!(again.detector().unwrap().unwrap(), geometry.detector, "{name}");
    }
}

/// The beam centres and distances that the data's README gives (column, row; mm), found by other programs.
#[test]
fn beam_centres_of_real_geometries() {
    for (name, centre, distance_mm) in [
        ("ceo2_pilatus1M_30keV/lsq_cpf_ASREAD.poni", [469.53, 528.63], 207.411),
        ("ceo2_pilatus3_2M_CdTe_100keV/lsq_dls103852_ASREAD.poni", [753.60, 680.29], 737.151),
        ("ceo2_pilatus2M_61keV/lsq_hexrd_pil.poni", [775.25, 807.54], 739.799),
    ] {
        let Some(path) = data(name) else { return };
        let geometry = geometry(&path);
        let found = geometry.beam_centre_px().unwrap();
        // Half a unit of the last digit given, and as much again.
        assert!(
            (found[0] - centre[0]).abs() < 0.01 && (found[1] - centre[1]).abs() < 0.01,
            "{name}: {found:?}"
        );
        let along_mm = 1e3 * geometry.sample_to_detector_along_beam_m().unwrap();
        // The README rounds to 1 µm and may mean L or L/cos: they differ by L·(rot² /2), 2 µm at most here.
        assert!((along_mm - distance_mm).abs() < 0.003, "{name}: {along_mm}");
        let [low, high] = geometry.radial_range(RadialUnit::QInvAngstrom).unwrap();
        assert!(low == 0.0 && high > 5.0 && high < 60.0, "{name}: {low} to {high}");
    }
}

fn poni(rot1_rad: f64, rot2_rad: f64, rot3_rad: f64) -> Poni {
    Poni {
        distance_m: 0.3,
        poni1_m: 0.02,
        poni2_m: 0.05,
        rot1_rad,
        rot2_rad,
        rot3_rad,
        wavelength_angstrom: 0.1107,
    }
}

fn placed(rot1_rad: f64, rot2_rad: f64, rot3_rad: f64) -> Geometry {
    Geometry {
        poni: poni(rot1_rad, rot2_rad, rot3_rad),
        detector: Detector::named("Pilatus CdTe 1M").unwrap(),
        parallax: None,
    }
}

proptest! {
    /// The third rotation is about the beam: it leaves 2θ and takes the angle from χ (\[E1\] at rot1 = rot2 = 0).
    #[test]
    fn rot3_only_turns_chi(
        rot in proptest::array::uniform3(-0.8..0.8f64), row in 0.0..1043.0f64, column in 0.0..981.0f64,
    ) {
        let before = placed(rot[0], rot[1], 0.0).direction(row, column);
        let after = placed(rot[0], rot[1], rot[2]).direction(row, column);
        prop_assume!(before.two_theta_rad > 1e-3);
        // Rounding of some 10 operations, times 1/2θ < 1000 for χ.
        prop_assert!((after.two_theta_rad - before.two_theta_rad).abs() < 1e-14);
        let turn_deg = turned(after.chi_rad.to_degrees(), before.chi_rad.to_degrees());
prop_assert!((turn_deg + rot[2].to_degrees()).abs() < 1e-9, "{turn_deg}, not {}", -rot[2].to_degrees());
    }

    /// The solid angle is 1 at the point of normal incidence and smaller everywhere else.
    #[test]
    fn solid_angle_is_one_at_the_poni(rot in proptest::array::uniform3(-0.8..0.8f64), row in 0.0..1043.0f64) {
        let geometry = placed(rot[0], rot[1], rot[2]);
        let at_poni = [geometry.poni.poni1_m, geometry.poni.poni2_m].map(|metres| metres / 172e-6);
        let factor = |row: f64, column: f64| Correction::SolidAngle.factor(&geometry, row, column);
        prop_assert!((factor(at_poni[0], at_poni[1]) - 1.0).abs() < 1e-15, "rounding of one operation");
        prop_assert!(factor(row, at_poni[1] + 1.0) < 1.0);
    }

    /// Averaged over the ring the polarization does not matter: (1 + cos²2θ)/2.
    #[test]
    fn polarization_averages_out(factor in -1.0..1.0f64, two_theta in 0.01..1.2f64) {
        let geometry = placed(0.0, 0.0, 0.0);
        let radius = 0.3 * two_theta.tan();
        let steps = 24;
        let mean: f64 = (0..steps)
            .map(|i| {
                let chi = f64::from(i) * std::f64::consts::TAU / f64::from(steps);
                let (row, column) = (0.02 + radius * chi.sin(), 0.05 + radius * chi.cos());
                Correction::Polarization { factor }.factor(&geometry, row / 172e-6, column / 172e-6)
            })
            .sum::<f64>() / f64::from(steps);
        // cos 2χ sums to zero exactly over equal steps: only rounding is left.
        prop_assert!((mean - 0.5 * (1.0 + two_theta.cos().powi(2))).abs() < 1e-13);
        // Fully polarised in the horizontal plane: nothing is lost vertically, cos²2θ horizontally.
        let horizontal = Correction::Polarization { factor: 1.0 };
        let up = horizontal.factor(&geometry, (0.02 + radius) / 172e-6, 0.05 / 172e-6);
        let sideways = horizontal.factor(&geometry, 0.02 / 172e-6, (0.05 + radius) / 172e-6);
        prop_assert!((up - 1.0).abs() < 1e-13 && (sideways - two_theta.cos().powi(2)).abs() < 1e-13);
    }
}
