//! Calibration of more than one thing at once: several distances, two powders, a thick sensor.

use halor::correct::sensor_parallax;
use halor::frame::{Frame, Shape};
use halor::geometry::calibrate::{
    Calibrant, Calibration, Displacements, FrameTilts, Origin, Request, WavelengthFit, calibrate,
};
use halor::geometry::{Detector, Geometry};
use halor::simulate::rays::SensorAbsorption;
use halor::simulate::{Camera, Crystal, IdealImage, Light, Parallax, RadialTable, ideal_image, noise};
use halor::units::{energy_kev, wavelength_angstrom};

use crate::calibration::{camera, command, gaps, placed, warnings};

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
    // The detector was moved without a turn: one tilt is fitted.
    assert!(found.tilt_test.unwrap().shared, "{:?}", found.tilt_test);
    assert_eq!(found.frames[0].parameters[3], found.frames[1].parameters[3]);
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

/// The same in a run file: placement and wavelength are those of the library and of the truth, in what is saved too.
#[test]
fn a_run_file_takes_other_frames_for_its_wavelength() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let detector = Detector::generic(Shape { rows: 320, columns: 360 }, [250e-6; 2]).unwrap();
    let truths =
        [0.12, 0.3].map(|metres| placed(&detector, metres, [170.0, 150.0], [0.02, -0.01], ENERGY_KEV));
    let frames = [0, 1].map(|k| exposed(&camera(&truths[k]), &["CeO2"], 91 + k as u64));
    for (name, frame) in ["near.tif", "far.tif"].iter().zip(&frames) {
        halor::frame::write_tiff(std::fs::File::create(path(name)).unwrap(), frame).unwrap();
    }
    let energy_kev = 1.01 * ENERGY_KEV;
    let run = format!(
        "samples: [{{name: a, frames: near.tif}}]\nbeam: {{energy_kev: {energy_kev}}}\npdf: off\n\
         detector: {{pixel_um: 250, shape: [320, 360]}}\ngeometry: {{calibrate: {{frame: near.tif, calibrant: CeO2, \
         other_frames: [far.tif], tilts: shared, fit_wavelength: on}}}}\n"
    );
    std::fs::write(path("run.yaml"), run).unwrap();
    let loaded = halor::config::load(&path("run.yaml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    let mask = gaps(&detector);
    let found = calibrate(&Request {
        wavelength: WavelengthFit::Fitted,
        tilts: FrameTilts::Shared,
        ..Request::new(
            &[(&frames[0], &mask), (&frames[1], &mask)],
            &detector,
            wavelength_angstrom(energy_kev),
            &[Calibrant::find("CeO2").unwrap()],
        )
    })
    .unwrap();
    truths.iter().enumerate().for_each(|(index, truth)| is_right(&found, index, truth));
    assert_eq!(found.frames[0].parameters[5].origin, Origin::Fitted);
    assert_eq!(loaded.config.geometry.poni, found.frames[0].geometry.poni);
    std::fs::write(path("again.yaml"), &loaded.resolved_yaml).unwrap();
    let again = halor::config::load(&path("again.yaml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.config.geometry, loaded.config.geometry);
}

/// A detector that is turned as it is moved: each frame has its own tilt, all have one wavelength, which is 1.5 % off at first.
#[test]
fn several_tilts_tell_the_wavelength_too() {
    let detector = Detector::named("Pilatus 300k").unwrap();
    let truths = [
        placed(&detector, 0.2, [240.0, 310.0], [0.02, -0.01], ENERGY_KEV),
        placed(&detector, 0.35, [-20.0, 250.0], [0.25, 0.1], ENERGY_KEV),
        placed(&detector, 0.5, [232.0, 300.0], [-0.05, 0.12], ENERGY_KEV),
    ];
    let frames: Vec<Frame> =
        truths.iter().zip(71..).map(|(truth, seed)| exposed(&camera(truth), &["CeO2"], seed)).collect();
    let mask = gaps(&detector);
    let pairs: Vec<_> = frames.iter().map(|frame| (frame, &mask)).collect();
    let calibrants = [Calibrant::find("CeO2").unwrap()];
    let request = Request {
        wavelength: WavelengthFit::Fitted,
        ..Request::new(&pairs, &detector, wavelength_angstrom(1.015 * ENERGY_KEV), &calibrants)
    };
    let found = calibrate(&request).unwrap();
    let test = found.tilt_test.unwrap();
    assert!(!test.shared && test.differences == 4, "{test:?}");
    assert!(found.frames[0].parameters[5].sigma < 2e-4 * found.frames[0].parameters[5].value);
    for (index, truth) in truths.iter().enumerate() {
        is_right(&found, index, truth);
        let values = found.frames[index].parameters.map(|parameter| parameter.origin);
        assert_eq!(values, [Origin::Fitted; 6]);
    }
    // One tilt for all is no fit.
    assert!(calibrate(&Request { tilts: FrameTilts::Shared, ..request }).is_err());
}

/// Two frames from one place, far away: arcs of rings of 9° and less do not tell the wavelength. It is held, and named.
#[test]
fn a_wavelength_that_nothing_determines_is_held() {
    let detector = Detector::named("Pilatus 300k").unwrap();
    let truth = placed(&detector, 0.9, [10.0, 10.0], [0.0, 0.0], ENERGY_KEV);
    let frames = [81, 82].map(|seed| exposed(&camera(&truth), &["CeO2"], seed));
    let mask = gaps(&detector);
    let pairs: Vec<_> = frames.iter().map(|frame| (frame, &mask)).collect();
    let calibrants = [Calibrant::find("CeO2").unwrap()];
    let request = Request {
        wavelength: WavelengthFit::Fitted,
        ..Request::new(&pairs, &detector, wavelength_angstrom(ENERGY_KEV), &calibrants)
    };
    let found = calibrate(&request).unwrap();
    assert!(warnings(&found).iter().any(|text| text.contains("do not determine the wavelength")));
    for index in 0..2 {
        let wavelength = found.frames[index].parameters[5];
        assert_eq!((wavelength.origin, wavelength.sigma), (Origin::Held, 0.0));
        is_right(&found, index, &truth);
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

/// Shifts of three modules (slow, fast), pixels.
const MOVED: [[f64; 2]; 3] = [[0.0, 0.0], [0.3, -0.2], [-0.15, 0.1]];

/// A frame of a Pilatus 300K whose modules are moved: each is cut from the image of a whole detector that is moved.
fn with_moved_modules(truth: &Geometry) -> IdealImage {
    let pixel_m = truth.detector.pixel_m;
    let image_of = |[slow, fast]: [f64; 2]| {
        let mut elsewhere = truth.clone();
        elsewhere.poni.poni1_m -= slow * pixel_m[0];
        elsewhere.poni.poni2_m -= fast * pixel_m[1];
        ideal_image(&camera(&elsewhere), &Light::from(powders(&["CeO2"], ENERGY_KEV))).unwrap()
    };
    let mut whole = image_of(MOVED[0]);
    for (module, moved) in MOVED.into_iter().enumerate().skip(1) {
        let columns = truth.detector.shape.columns;
        let rows = 212 * module * columns..(212 * module + 195) * columns;
        whole.expected[rows.clone()].copy_from_slice(&image_of(moved).expected[rows]);
    }
    whole
}

/// Shifts across the rings come back within 0.03 pixels.
#[test]
fn moved_modules_are_found() {
    let detector = Detector::named("Pilatus CdTe 300K").unwrap();
    let truth = placed(&detector, 0.3, [240.0, 310.0], [0.02, 0.01], ENERGY_KEV);
    let whole = with_moved_modules(&truth);
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
        let off = slow.px - (MOVED[module][0] - MOVED[1][0]);
        assert!(off.abs() < 0.03 && off.abs() < 4.5 * slow.sigma_px, "{slow:?}");
        let fast = found.displaced.iter().find(|one| one.name == format!("module {module} fast")).unwrap();
        assert!(fast.sigma_px > 0.1, "what cannot be known is not: {fast:?}");
    }
    assert!(found.rms_px < 0.6 * of(&frame, Displacements::default()).rms_px);
    // Two frames of other distances and tilts have their modules in common, and know them better.
    let turned = placed(&detector, 0.4, [200.0, 330.0], [0.2, -0.1], ENERGY_KEV);
    let other = noise::frame(&with_moved_modules(&turned), 53, 0);
    let together = calibrate(&Request {
        displacements: Displacements { smooth: false, modules: true },
        ..Request::new(
            &[(&frame, &mask), (&other, &mask)],
            &detector,
            wavelength_angstrom(ENERGY_KEV),
            &[Calibrant::find("CeO2").unwrap()],
        )
    })
    .unwrap();
    assert!(!together.tilt_test.unwrap().shared && together.displacement_tests[0].kept);
    for (module, name) in [(0, "module 0 slow"), (2, "module 2 slow")] {
        let of = |found: &Calibration| found.displaced.iter().find(|one| one.name == name).cloned().unwrap();
        let (both, one) = (of(&together), of(&found));
        let off = both.px - (MOVED[module][0] - MOVED[1][0]);
        assert!(off.abs() < 0.03 && off.abs() < 4.5 * both.sigma_px, "{both:?}");
        assert!(both.sigma_px < one.sigma_px, "{both:?} {one:?}");
    }
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

/// `--modules` says that the .poni file lacks what was found; a run with the calibration in it has the frames in its record.
#[test]
fn modules_of_a_calibration_are_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let detector = Detector::named("Pilatus CdTe 300K").unwrap();
    let truth = placed(&detector, 0.3, [240.0, 310.0], [0.02, 0.01], 60.0);
    let frame = noise::frame(&with_moved_modules(&truth), 51, 0);
    halor::frame::write_tiff(std::fs::File::create(path("ceo2.tif")).unwrap(), &frame).unwrap();
    let known = ["--calibrant", "CeO2", "--energy-kev", "60", "--detector", "Pilatus CdTe 300K"];
    let (code, said) =
        command(folder.path(), &[&["calibrate", "ceo2.tif", "--modules"], &known[..]].concat());
    assert!(code == 0 && said.contains("the .poni file lacks the displaced pixels"), "{said}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path("ceo2.json")).unwrap()).unwrap();
    assert!(json["displacement_px"].as_array().unwrap().iter().any(|one| one["name"] == "module 0 slow"));
    // One guess for each frame, or one for all.
    let guesses = ["--guess", "ceo2.poni", "--guess", "ceo2.poni"];
    let (code, said) = command(folder.path(), &[&["calibrate", "ceo2.tif"], &known[..], &guesses].concat());
    assert!(code == 2 && said.contains("--guess is given 2 times for 1 frames"), "{said}");

    let run = "samples: [{name: a, frames: ceo2.tif}]\nbeam: {energy_kev: 60}\n\
               detector: {name: Pilatus CdTe 300K}\npdf: off\nintegration: {bins: 100}\n\
               geometry: {calibrate: {frame: ceo2.tif, calibrant: CeO2, guess: ceo2.poni, modules: on}}\n";
    std::fs::write(path("run.yaml"), run).unwrap();
    let (code, said) = command(folder.path(), &["run", "run.yaml"]);
    assert_eq!(code, 0, "{said}");
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path("results/run.json")).unwrap()).unwrap();
    let inputs: Vec<(&str, &str)> = record["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|input| input["role"] == "calibration")
        .map(|input| (input["path"].as_str().unwrap(), input["xxh3_128"].as_str().unwrap()))
        .collect();
    let names: Vec<&str> = inputs.iter().map(|(path, _)| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["ceo2.tif", "ceo2.poni"]);
    assert!(inputs.iter().all(|(_, hash)| hash.len() == 32));
    // Frames that help it are named too, and what cannot be is told.
    let alone = run.replace("modules: on", "fit_wavelength: on");
    std::fs::write(path("alone.yaml"), alone).unwrap();
    let error = halor::config::load(&path("alone.yaml"), &[]).unwrap_err().to_string();
    assert!(error.contains("geometry.calibrate.fit_wavelength") && error.contains("other_frames"), "{error}");
    let missing = run.replace("modules: on", "other_frames: [near.tif]");
    std::fs::write(path("missing.yaml"), missing).unwrap();
    let error = halor::config::load(&path("missing.yaml"), &[]).unwrap_err().to_string();
    assert!(error.contains("geometry.calibrate.other_frames[0]") && error.contains("near.tif"), "{error}");
}
