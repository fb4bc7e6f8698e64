//! Calibration of more than one thing at once: several distances, two powders, a thick sensor.

use halor::correct::sensor_parallax;
use halor::frame::Frame;
use halor::geometry::calibrate::{Calibrant, Calibration, Displacements, Request, WavelengthFit, calibrate};
use halor::geometry::{Detector, Geometry};
use halor::simulate::rays::SensorAbsorption;
use halor::simulate::{Camera, Crystal, Light, Parallax, RadialTable, ideal_image, noise};
use halor::units::{energy_kev, wavelength_angstrom};

use crate::calibration::{camera, gaps, placed, warnings};

const ENERGY_KEV: f64 = 60.0;
const HARD_KEV: f64 = 112.0;

/// The powders' rings on a smooth background.
fn powders(names: &[&str], energy_kev: f64) -> RadialTable {
    let smooth = RadialTable::from_fn(40.0, |q| 40.0 * (-q).exp());
    names.iter().fold(smooth, |sum, name| {
        let rings = Crystal::named(name).unwrap().intensity(energy_kev, 40.0).unwrap();
        sum.combined(1.0, &rings, 0.02)
    })
}

fn exposed(camera: &Camera, powder: &[&str], seed: u64) -> Frame {
    let light = powders(powder, energy_kev(camera.geometry.poni.wavelength_angstrom));
    noise::frame(&ideal_image(camera, &Light::from(light)).unwrap(), seed, 0)
}

/// Each of distance, centre and rotations within 4.5 of its σ of the truth, and the centre within 0.05 pixels.
fn is_right(found: &Calibration, index: usize, truth: &Geometry) {
    let ours = &found.frames[index];
    let poni = &truth.poni;
    let values =
        [poni.distance_m, poni.poni1_m, poni.poni2_m, poni.rot1_rad, poni.rot2_rad, poni.wavelength_angstrom];
    for (parameter, value) in ours.parameters.iter().zip(values) {
        let off = parameter.value - value;
        assert!(off.abs() <= 4.5 * parameter.sigma, "frame {index}: {parameter:?}, truth {value}");
    }
    let centre = truth.beam_centre_px().unwrap();
    let off = (ours.centre_px[0] - centre[0]).hypot(ours.centre_px[1] - centre[1]);
    assert!(off < 0.05, "frame {index}: the centre is off by {off} pixels");
}

/// On one frame a wrong energy is taken up by the distance; 1.5 % come out of frames at 0.2 m and 0.5 m.
#[test]
fn several_distances_tell_the_wavelength() {
    let detector = Detector::named("Pilatus 300k").unwrap();
    let tilt = [0.02, -0.01];
    let truths = [
        placed(&detector, 0.2, [240.0, 310.0], tilt, ENERGY_KEV),
        placed(&detector, 0.5, [232.0, 300.0], tilt, ENERGY_KEV),
    ];
    let frames: Vec<Frame> = (0..2).map(|k| exposed(&camera(&truths[k]), &["CeO2"], 20 + k as u64)).collect();
    let mask = gaps(&detector);
    let pairs: Vec<_> = frames.iter().map(|frame| (frame, &mask)).collect();
    let calibrants = [Calibrant::find("CeO2").unwrap()];
    let request = Request {
        wavelength: WavelengthFit::Fitted,
        ..Request::new(&pairs, &detector, wavelength_angstrom(1.015 * ENERGY_KEV), &calibrants)
    };
    let found = calibrate(&request).unwrap();
    let wavelength = found.frames[0].parameters[5];
    assert!(wavelength.sigma < 2e-4 * wavelength.value, "{wavelength:?}");
    for (index, truth) in truths.iter().enumerate() {
        is_right(&found, index, truth);
    }
    // Held at the truth it is the same with smaller σ.
    let held = Request {
        wavelength_angstrom: wavelength_angstrom(ENERGY_KEV),
        wavelength: WavelengthFit::Held,
        ..request
    };
    let held = calibrate(&held).unwrap();
    for (index, truth) in truths.iter().enumerate() {
        is_right(&held, index, truth);
        assert!(held.frames[index].along_beam_m[1] < found.frames[index].along_beam_m[1]);
    }
}

/// Ceria and lanthanum hexaboride in one beam.
#[test]
fn two_powders_in_one_frame() {
    let detector = Detector::named("Pilatus 300k").unwrap();
    let truth = placed(&detector, 0.25, [240.0, 310.0], [-0.1, 0.05], ENERGY_KEV);
    let frame = exposed(&camera(&truth), &["CeO2", "LaB6"], 31);
    let mask = gaps(&detector);
    let of = |names: &[&str]| {
        let calibrants: Vec<Calibrant> = names.iter().map(|name| Calibrant::find(name).unwrap()).collect();
        calibrate(&Request::new(&[(&frame, &mask)], &detector, wavelength_angstrom(ENERGY_KEV), &calibrants))
    };
    let found = of(&["CeO2", "LaB6"]).unwrap();
    is_right(&found, 0, &truth);
    assert!(warnings(&found).is_empty(), "{:?}", found.remarks);
    // One alone leaves the peaks of the other.
    assert!(of(&["LaB6"]).map_or(true, |found| !warnings(&found).is_empty()));
}

/// 1 mm of CdTe: with parallax in the model, tails of the rings and all, the geometry is the true one.
#[test]
fn parallax_belongs_to_the_model() {
    let detector = Detector::named("Pilatus CdTe 300K").unwrap();
    let parallax = sensor_parallax(&detector.sensor.clone().unwrap(), HARD_KEV).unwrap();
    let stops = SensorAbsorption { mu_per_m: parallax.mu_per_m, thickness_m: parallax.thickness_m };
    let mask = gaps(&detector);
    let both = |truth: &Geometry| {
        let camera = Camera { parallax: Parallax::Modelled(stops), ..camera(truth) };
        let frame = exposed(&camera, &["CeO2"], 41);
        [Some(parallax), None].map(|parallax| {
            calibrate(&Request {
                parallax,
                ..Request::new(
                    &[(&frame, &mask)],
                    &detector,
                    wavelength_angstrom(HARD_KEV),
                    &[Calibrant::find("CeO2").unwrap()],
                )
            })
            .unwrap()
        })
    };
    let remarks = |found: &Calibration| found.remarks.iter().any(|remark| remark.text.contains("--parallax"));
    let upright = placed(&detector, 0.25, [60.0, 60.0], [0.0, 0.0], HARD_KEV);
    let [with, without] = both(&upright);
    is_right(&with, 0, &upright);
    assert_eq!(with.frames[0].geometry.parallax, Some(parallax));
    // Near the normal a ray at q is counted at q(1 + ⟨s⟩/L): the rings of a distance that is ⟨s⟩ longer, and nothing more.
    let longer = without.frames[0].along_beam_m[0] - 0.25;
    let path = parallax.mean_path_m(1.0);
    assert!((longer / path - 1.0).abs() < 0.05, "{longer} {path}");
    assert!(!remarks(&with) && !remarks(&without));
    // On a tilted sensor no other plane has such rings.
    let tilted = placed(&detector, 0.35, [240.0, 310.0], [0.5, 0.0], HARD_KEV);
    let [with, without] = both(&tilted);
    is_right(&with, 0, &tilted);
    assert!(!remarks(&with) && remarks(&without), "{:?}", without.remarks);
}

/// Three modules, one of them moved by (0.3, −0.2) pixels and another by (−0.15, 0.1): each module is cut from the image of a
/// whole detector that is moved. Shifts across the rings come
/// back within 0.03 pixels.
#[test]
fn moved_modules_are_found() {
    let detector = Detector::named("Pilatus CdTe 300K").unwrap();
    let truth = placed(&detector, 0.3, [240.0, 310.0], [0.02, 0.01], ENERGY_KEV);
    let moved = [[0.0, 0.0], [0.3, -0.2], [-0.15, 0.1]];
    let mut whole = ideal_image(&camera(&truth), &Light::from(powders(&["CeO2"], ENERGY_KEV))).unwrap();
    for (module, [slow, fast]) in moved.into_iter().enumerate().skip(1) {
        let mut elsewhere = truth.clone();
        elsewhere.poni.poni1_m -= slow * detector.pixel_m[0];
        elsewhere.poni.poni2_m -= fast * detector.pixel_m[1];
        let image = ideal_image(&camera(&elsewhere), &Light::from(powders(&["CeO2"], ENERGY_KEV))).unwrap();
        let rows = 212 * module * detector.shape.columns..(212 * module + 195) * detector.shape.columns;
        whole.expected[rows.clone()].copy_from_slice(&image.expected[rows]);
    }
    let mask = gaps(&detector);
    let of = |frame: &Frame, displacements| {
        calibrate(&Request {
            displacements,
            ..Request::new(
                &[(frame, &mask)],
                &detector,
                wavelength_angstrom(ENERGY_KEV),
                &[Calibrant::find("CeO2").unwrap()],
            )
        })
        .unwrap()
    };
    let frame = noise::frame(&whole, 51, 0);
    let both = Displacements { smooth: true, modules: true };
    let found = of(&frame, Displacements { smooth: false, modules: true });
    assert!(found.displacement_tests[0].kept, "{:?}", found.displacement_tests);
    // The middle module, which the beam meets, stays. Above and below it rings run along rows: the shift along rows is one with
    // a turn about the beam, that moves no ring.
    for module in [0, 2] {
        let name = format!("module {module} slow");
        let slow = found.displaced.iter().find(|one| one.name == name).unwrap();
        let off = slow.px - (moved[module][0] - moved[1][0]);
        assert!(off.abs() < 0.03 && off.abs() < 4.5 * slow.sigma_px, "{slow:?}");
        let fast = found.displaced.iter().find(|one| one.name == format!("module {module} fast")).unwrap();
        assert!(fast.sigma_px > 0.1, "what cannot be known is not: {fast:?}");
    }
    assert!(found.rms_px < 0.6 * of(&frame, Displacements::default()).rms_px);
    // The run file takes them as they are named, and the detector then has its pixels there.
    let named = found.displaced.iter().map(|one| (one.name.clone(), one.px)).collect();
    let there = halor::geometry::Displacement::new(&named, &detector).unwrap();
    assert_eq!(found.frames[0].geometry.detector.displacement.as_ref(), Some(&there));
    // Nothing is found where nothing is.
    let straight = exposed(&camera(&truth), &["CeO2"], 52);
    let found = of(&straight, both);
    assert!(found.displacement_tests.iter().all(|test| !test.kept), "{:?}", found.displacement_tests);
    assert!(found.displaced.is_empty());
}

/// Pixels that are 0.1 % wider than the detector's name says, which no placement can be: a twofold stretch of half of that to
/// each side, 0.05 % of half a diagonal.
#[test]
fn a_stretched_array_is_found() {
    let detector = Detector::named("Pilatus CdTe 300K").unwrap();
    let mut truth = placed(&detector, 0.3, [240.0, 310.0], [0.0, 0.0], ENERGY_KEV);
    truth.detector.pixel_m[1] *= 1.001;
    let frame = exposed(&camera(&truth), &["CeO2"], 61);
    let found = calibrate(&Request {
        displacements: Displacements { smooth: true, modules: false },
        ..Request::new(
            &[(&frame, &gaps(&detector))],
            &detector,
            wavelength_angstrom(ENERGY_KEV),
            &[Calibrant::find("CeO2").unwrap()],
        )
    })
    .unwrap();
    assert!(found.displacement_tests[0].kept, "{:?}", found.displacement_tests);
    let stretch = found.displaced.iter().find(|one| one.name == "cos 2").unwrap();
    let half = 0.5 * 619.0_f64.hypot(487.0);
    let expected = 0.0005 * half;
    assert!((stretch.px - expected).abs() < 4.5 * stretch.sigma_px, "{stretch:?} {expected}");
}
