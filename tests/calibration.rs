//! Calibration: real frames against reference geometries, simulated ones against their truth, wrong inputs, the command.

use std::path::Path;

use halor::frame::{Counts, Frame, FrameAddress, FrameHeader, Mask, Shape, read};
use halor::geometry::calibrate::{
    Calibrant, CalibrateError, Calibration, HaloShift, Origin, Request, Severity, calibrate,
};
use halor::geometry::{Detector, Geometry, Poni, PoniFile};
use halor::simulate::{BeamStop, Camera, Crystal, RadialTable, ideal_image, noise};
use halor::units::wavelength_angstrom;

pub(crate) use crate::camera::camera;
use crate::common::data;

pub(crate) fn gaps(detector: &Detector) -> Mask {
    Mask { shape: detector.shape, bad: detector.gap_mask() }
}

struct Ask<'a> {
    frame: &'a Frame,
    detector: &'a Detector,
    energy_kev: f64,
    calibrant: &'a str,
    guess: Option<&'a Poni>,
}

fn calibrated(ask: &Ask<'_>) -> Result<Calibration, CalibrateError> {
    calibrate(&Request {
        guesses: &[ask.guess.copied()],
        ..Request::new(
            &[(ask.frame, &gaps(ask.detector))],
            ask.detector,
            wavelength_angstrom(ask.energy_kev),
            &[Calibrant::find(ask.calibrant).unwrap()],
        )
    })
}

pub(crate) fn warnings(found: &Calibration) -> Vec<&str> {
    let warnings = found.remarks.iter().filter(|remark| remark.severity == Severity::Warning);
    warnings.map(|remark| remark.text.as_str()).collect()
}

/// Against a reference of the same frame: centre within 0.15 pixels and distance within 1e-4, which is what the references
/// themselves scatter by (two people's refinements of one frame differ by 0.2 pixels and 1e-4), and what is left no
/// larger than the reference states: rms Δq/q over places on rings.
fn agrees(folder: &Path, frame: &str, detector: &str, reference: &str, rms: f64) {
    let file = PoniFile::read(&folder.join(reference)).unwrap();
    let poni = file.poni(None).unwrap();
    let detector = Detector::named(detector).unwrap();
    let frame = read(&FrameAddress { path: folder.join(frame), image: 0 }).unwrap().frame;
    let energy_kev = halor::units::energy_kev(poni.wavelength_angstrom);
    let ask = Ask { frame: &frame, detector: &detector, energy_kev, calibrant: "CeO2", guess: None };
    let found = calibrated(&ask).unwrap();
    let theirs = Geometry { poni, detector: detector.clone(), parallax: None };
    let [column, row] = theirs.beam_centre_px().unwrap();
    let ours = &found.frames[0];
    let off = (ours.centre_px[0] - column).hypot(ours.centre_px[1] - row);
    let longer = ours.along_beam_m[0] / theirs.sample_to_detector_along_beam_m().unwrap() - 1.0;
    // Δq/q = Δ2θ/(2 tan θ).
    let relative: Vec<f64> = ours
        .points
        .iter()
        .filter(|point| point.kept)
        .map(|point| {
            let at = ours.geometry.direction(point.row_px, point.column_px).two_theta_rad;
            point.off_deg.to_radians() / (2.0 * (0.5 * at).tan())
        })
        .collect();
    let left = (relative.iter().map(|r| r * r).sum::<f64>() / relative.len() as f64).sqrt();
    println!(
        "{}: centre off by {off:.3} px, distance {longer:+.1e}, rms Δq/q {left:.2e} over {} places",
        detector.name,
        relative.len()
    );
    assert!(off < 0.15 && longer.abs() < 1e-4, "{off} {longer}");
    assert!(left <= rms, "{left}");
    assert!(warnings(&found).is_empty(), "{:?}", found.remarks);
}

#[test]
fn a_pilatus_1m_at_30_kev_from_nothing() {
    let Some(folder) = data("ceo2_pilatus1M_30keV") else { return };
    agrees(&folder, "CeO2_Pil207_E30_2Nov2016_001.tif", "Pilatus 1M", "lsq_cpf_ASREAD.poni", 3.4e-4);
}

#[test]
fn a_pilatus3_cdte_2m_at_100_kev_from_nothing() {
    let Some(folder) = data("ceo2_pilatus3_2M_CdTe_100keV") else { return };
    agrees(&folder, "103852_CeO2_00001.cbf", "Pilatus CdTe 2M", "lsq_dls103852_ASREAD.poni", 3.1e-4);
}

#[test]
fn a_pilatus_2m_at_61_kev_in_hdf5_from_nothing() {
    let Some(folder) = data("ceo2_pilatus2M_61keV") else { return };
    let frame = "ceria_50x30_740mm_000005_Pilatus2M.hdf5";
    agrees(&folder, frame, "Pilatus 2M", "lsq_hexrd_pil.poni", 2.6e-4);
}

/// A placement with the beam through this pixel coordinate (column, row).
pub(crate) fn placed(
    detector: &Detector,
    distance_m: f64,
    centre_px: [f64; 2],
    [rot1_rad, rot2_rad]: [f64; 2],
    energy_kev: f64,
) -> Geometry {
    let centre_m = [centre_px[1] * detector.pixel_m[0], centre_px[0] * detector.pixel_m[1]];
    let along = distance_m / (rot1_rad.cos() * rot2_rad.cos());
    let poni = Poni {
        distance_m,
        poni1_m: centre_m[0] - along * rot2_rad.sin(),
        poni2_m: centre_m[1] + along * rot2_rad.cos() * rot1_rad.sin(),
        rot1_rad,
        rot2_rad,
        rot3_rad: 0.0,
        wavelength_angstrom: wavelength_angstrom(energy_kev),
    };
    Geometry { poni, detector: detector.clone(), parallax: None }
}

/// CeO2 in a beam of 60 keV on a Pilatus 300k, with a halo of air, a beam stop and Poisson noise.
fn simulated(
    distance_m: f64,
    centre_px: [f64; 2],
    tilt: [f64; 2],
    crystal: &str,
    energy_kev: f64,
) -> (Frame, Geometry) {
    let geometry = placed(&Detector::named("Pilatus 300k").unwrap(), distance_m, centre_px, tilt, energy_kev);
    let light = if crystal == "none" {
        RadialTable::from_fn(40.0, |q| 400.0 * (-q).exp())
    } else {
        let rings = Crystal::named(crystal).unwrap().intensity(energy_kev, 40.0).unwrap();
        rings.combined(0.02, &RadialTable::from_fn(40.0, |q| 40.0 * (-q).exp()), 1.0)
    };
    let beam_stop = Some(BeamStop { centre_px, radius_px: 12.0, arm: None });
    let camera = Camera { dead_pixels: 50, constant_counts: 1.0, beam_stop, ..camera(&geometry) };
    (noise::frame(&ideal_image(&camera, &light.into()).unwrap(), 11, 0), geometry)
}

/// On the array, tilted by 26°, beside the array: each parameter is the truth within 4.5 of its σ (7 parameters of 3 frames:
/// once in 7,000 times by chance), and the centre within 0.05 pixels.
#[test]
fn simulated_frames_come_back_with_their_sigma() {
    for (distance, centre, tilt) in [
        (0.30, [240.0, 310.0], [0.0, 0.0]),
        (0.25, [200.0, 280.0], [0.4, -0.2]),
        (0.25, [-130.0, 250.0], [0.01, 0.02]),
    ] {
        let (frame, geometry) = simulated(distance, centre, tilt, "CeO2", 60.0);
        let ask = Ask {
            frame: &frame,
            detector: &geometry.detector,
            energy_kev: 60.0,
            calibrant: "CeO2",
            guess: None,
        };
        let found = calibrated(&ask).unwrap_or_else(|error| panic!("{centre:?}: {error}"));
        let ours = &found.frames[0];
        let truth = &geometry.poni;
        let values = [truth.distance_m, truth.poni1_m, truth.poni2_m, truth.rot1_rad, truth.rot2_rad];
        for (parameter, value) in ours.parameters.iter().zip(values) {
            let pull = (parameter.value - value) / parameter.sigma;
            assert!(
                pull.abs() < 4.5 && parameter.origin == Origin::Fitted,
                "{centre:?}: {parameter:?} {pull}"
            );
        }
        for axis in 0..2 {
            let off = ours.centre_px[axis] - centre[axis];
            assert!(off.abs() < 0.05 && off.abs() < 4.5 * ours.centre_sigma_px[axis], "{centre:?}: {off}");
        }
        assert!(warnings(&found).is_empty(), "{:?}", found.remarks);
        // The file says the same as the numbers, and again from there it is the same.
        let again = calibrated(&Ask { guess: Some(&ours.geometry.poni), ..ask }).unwrap();
        let moved = again.frames[0].centre_px[0] - ours.centre_px[0];
        assert!(moved.abs() < ours.centre_sigma_px[0], "{moved}");
    }
}

#[test]
fn wrong_inputs_are_caught() {
    let (frame, geometry) = simulated(0.3, [240.0, 310.0], [0.0, 0.0], "CeO2", 60.0);
    let detector = &geometry.detector;
    let ask = |frame, calibrant, energy_kev| {
        calibrated(&Ask { frame, detector, energy_kev, calibrant, guess: None })
    };
    // Another lattice.
    let result = ask(&frame, "LaB6", 60.0);
    assert!(result.is_err() || !warnings(&result.unwrap()).is_empty());
    // A lattice of the same kind, and an energy off by 5 %: the rings' distances beyond 15° tell.
    let (wide, _) = simulated(0.1, [240.0, 310.0], [0.0, 0.0], "CeO2", 60.0);
    for (calibrant, energy) in [("CeO2", 57.0), ("Ni", 60.0)] {
        let result = ask(&wide, calibrant, energy);
        assert!(result.is_err() || !warnings(&result.unwrap()).is_empty(), "{calibrant} {energy}");
    }
    assert!(warnings(&ask(&wide, "CeO2", 60.0).unwrap()).is_empty());
    // Nothing but a smooth background, and nothing at all.
    let (smooth, _) = simulated(0.3, [240.0, 310.0], [0.0, 0.0], "none", 60.0);
    assert!(ask(&smooth, "CeO2", 60.0).is_err());
    let none = Frame { counts: Counts::I32(vec![0; detector.shape.pixels()].into()), ..frame.clone() };
    assert!(matches!(ask(&none, "CeO2", 60.0), Err(CalibrateError::NoRings { .. })));
    // A frame of another detector.
    let shape = Shape { rows: 10, columns: 10 };
    let small = Frame { shape, counts: Counts::U16(vec![1; 100].into()), header: FrameHeader::default() };
    assert!(matches!(ask(&small, "CeO2", 60.0), Err(CalibrateError::Shape { .. })));
}

/// Each oddity has its words: a header and a nominal distance that say otherwise, few rings, an energy that they do not tell, a tilt
/// that they leave open, an energy that is wrong.
#[test]
fn what_is_odd_is_said() {
    let says = |found: &Calibration, severity: Severity, words: &str| {
        let mut remarks = found.remarks.iter().filter(|remark| remark.severity == severity);
        assert!(remarks.any(|remark| remark.text.contains(words)), "{words}: {:?}", found.remarks);
    };
    let (mut frame, geometry) = simulated(0.3, [240.0, 310.0], [0.0, 0.0], "CeO2", 60.0);
    frame.header.distance_m = Some(0.4);
    let (mask, calibrants) = (gaps(&geometry.detector), [Calibrant::find("CeO2").unwrap()]);
    let of = |frame: &Frame, energy_kev: f64, nominal_m: f64| {
        calibrate(&Request {
            nominal_distances_m: &[Some(nominal_m)],
            ..Request::new(
                &[(frame, &mask)],
                &geometry.detector,
                wavelength_angstrom(energy_kev),
                &calibrants,
            )
        })
        .unwrap_or_else(|error| panic!("{error}"))
    };
    let found = of(&frame, 60.0, 0.33);
    says(&found, Severity::Note, "the frame's header says a distance of 400.0 mm, the rings 300.0 mm");
    says(&found, Severity::Warning, "the nominal distance is 330.0 mm, the rings say 300.0 mm");
    // Rings of 12° tell 3 %.
    says(&of(&frame, 58.2, 0.3), Severity::Warning, "the energy or the calibrant is most likely wrong");
    // Three rings of 5°, a third of each.
    let (far, _) = simulated(1.0, [40.0, 40.0], [0.0, 0.0], "CeO2", 60.0);
    let found = of(&far, 60.0, 1.0);
    says(&found, Severity::Warning, "only 3 rings were found");
    says(&found, Severity::Note, "energy and distance cannot be told apart");
    says(&found, Severity::Note, "the rings do not determine the tilt");
    assert_eq!(found.frames[0].parameters[3].origin, Origin::Assumed);
}

/// A .poni file for the flipped frame: the calibration is right, and says what is wrong with the file.
#[test]
fn a_flipped_guess_is_named() {
    let (frame, geometry) = simulated(0.3, [200.0, 250.0], [0.0, 0.0], "CeO2", 60.0);
    let detector = &geometry.detector;
    let height = detector.shape.rows as f64 * detector.pixel_m[0];
    let flipped = Poni { poni1_m: height - geometry.poni.poni1_m, ..geometry.poni };
    let ask = Ask { frame: &frame, detector, energy_kev: 60.0, calibrant: "CeO2", guess: Some(&flipped) };
    let found = calibrated(&ask).unwrap();
    assert!((found.frames[0].centre_px[1] - 250.0).abs() < 0.05);
    assert!(warnings(&found)[0].contains("probably flipped") && warnings(&found)[0].contains("upside down"));
}

/// The cells' spacings, by conditions here and by structure factors in the simulation, which shares no code with them.
#[test]
fn calibrants_have_the_rings_of_their_crystals() {
    for name in ["CeO2", "LaB6", "Si", "Ni"] {
        let ours = Calibrant::find(name).unwrap().rings(12.0).unwrap();
        let theirs = Crystal::named(name).unwrap().ring_positions(12.0).unwrap();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a / b - 1.0).abs() < 1e-12, "{name}: {a} {b}, rounding only");
        }
    }
    // The first lines of corundum as powder tables list them (PDF 46-1212); other specimens than the SRM, whose cells differ by
    // 1e-4, and 6e-4 Å tell any line from its neighbours.
    let corundum = Calibrant::find("al2o3").unwrap().rings(4.1).unwrap();
    let spacings: Vec<f64> = corundum.iter().map(|q| 2.0 * std::f64::consts::PI / q).collect();
    let listed = [3.4797, 2.5508, 2.3794, 2.1654, 2.0853, 1.9643, 1.7400, 1.6016, 1.5467];
    for d in listed {
        assert!(spacings.iter().any(|found| (found - d).abs() < 6e-4), "{d}: {spacings:?}");
    }
    let own = Calibrant::parse("name: mine\nd_angstrom: [3.1, 2.0, 1.5]\n", "mine.yaml").unwrap();
    assert_eq!(own.rings(40.0).unwrap().len(), 3);
    for (text, message) in [
        ("name: x\n", "write one of"),
        ("name: x\nd_angstrom: [1]\n", "two spacings"),
        ("name: x\ncell_of: gold.yaml\n", "gold.yaml"),
        ("name: x\nd_angstrom: [1, 2]\ncolour: red\n", "colour"),
    ] {
        let error = Calibrant::parse(text, "mine.yaml").unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("mine.yaml"), "{error}");
    }
    assert!(Calibrant::find("CeO3").unwrap_err().to_string().contains("AgBh"));
}

/// A glass-like halo seen by a detector that moved by 3 columns and −2 rows: found within 0.1 pixels (σ of 36 wedges of some
/// 10⁷ counts is below 0.05), and no shift where there is none.
#[test]
fn a_moved_beam_shows_in_the_halo() {
    let (_, geometry) = simulated(0.3, [240.0, 310.0], [0.05, -0.03], "none", 60.0);
    let halo = RadialTable::from_fn(40.0, |q| 300.0 + 2000.0 * (-0.5 * ((q - 2.7) / 0.3).powi(2)).exp());
    let frame = noise::frame(&ideal_image(&camera(&geometry), &halo.into()).unwrap(), 5, 0);
    let mask = gaps(&geometry.detector);
    for (columns, rows) in [(0.0, 0.0), (3.0, -2.0)] {
        let mut old = geometry.clone();
        old.poni.poni2_m -= columns * 172e-6;
        old.poni.poni1_m -= rows * 172e-6;
        let found = HaloShift::of(&frame, &mask, &old).unwrap().unwrap();
        println!("{found:?}");
        assert!(
            (found.shift_px[0] - columns).abs() < 0.1 && (found.shift_px[1] - rows).abs() < 0.1,
            "{found:?}"
        );
    }
}

/// Runs the command in a folder; gives the exit code and what it said.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = output(folder, arguments);
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn output(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let halor = env!("CARGO_BIN_EXE_halor");
    std::process::Command::new(halor).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn the_command_and_the_run_file_find_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (frame, geometry) = simulated(0.3, [240.0, 310.0], [0.05, -0.03], "CeO2", 60.0);
    halor::frame::write_tiff(std::fs::File::create(path("ceo2.tif")).unwrap(), &frame).unwrap();
    let known = ["--energy-kev", "60", "--detector", "Pilatus 300k"];
    let ask =
        |extra: &[&str]| command(folder.path(), &[&["calibrate", "ceo2.tif"], &known[..], extra].concat());
    let (code, said) = ask(&["--calibrant", "CeO2"]);
    assert_eq!(code, 0, "{said}");
    let poni = PoniFile::read(&path("ceo2.poni")).unwrap().poni(None).unwrap();
    assert!((poni.distance_m / geometry.poni.distance_m - 1.0).abs() < 1e-4);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path("ceo2.json")).unwrap()).unwrap();
    assert_eq!(json["frames"][0]["covariance"]["matrix"].as_array().unwrap().len(), 6);
    assert!(json["frames"][0]["rings"].as_array().unwrap().len() >= 3);
    assert!(std::fs::read_to_string(path("ceo2.svg")).unwrap().ends_with("</svg>\n"));
    // Nothing is overwritten; what is missing or unknown is named; what is no calibrant leaves nothing.
    assert_eq!(ask(&["--calibrant", "CeO2"]).0, 2);
    let (code, said) = ask(&["--calibrant", "CeO3"]);
    assert!(code == 2 && said.contains("CeO3"), "{said}");
    assert_eq!(
        command(folder.path(), &["calibrate", "none.tif", "--calibrant", "CeO2", "--energy-kev", "60"]).0,
        3
    );
    let (code, said) = ask(&["--calibrant", "Al2O3", "--output", "wrong"]);
    assert!(code == 1 && !path("wrong.poni").exists(), "{said}");

    let run = "samples: [{name: a, frames: ceo2.tif}]\nbeam: {energy_kev: 60}\ndetector: {name: Pilatus 300k}\n\
               pdf: off\ngeometry: {calibrate: {frame: ceo2.tif, calibrant: CeO2}}\n";
    std::fs::write(path("run.yaml"), run).unwrap();
    let loaded = halor::config::load(&path("run.yaml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    let found = loaded.config.geometry.poni;
    // The file has all digits of the numbers, and the search is the same.
    assert!((found.poni1_m - poni.poni1_m).abs() < 1e-12 && (found.rot2_rad - poni.rot2_rad).abs() < 1e-12);
    // What is saved has the numbers in place of the search.
    std::fs::write(path("again.yaml"), &loaded.resolved_yaml).unwrap();
    assert_eq!(
        halor::config::load(&path("again.yaml"), &[]).unwrap().config.geometry,
        loaded.config.geometry
    );
    // With the sensor's parallax in the model as in the corrections: 0.45 mm of silicon at 60 keV stop rays half way.
    let thick = run.replace("Pilatus 300k}", "Pilatus 300k 450 um}") + "corrections: {parallax: on}\n";
    std::fs::write(path("thick.yaml"), thick).unwrap();
    let thick = halor::config::load(&path("thick.yaml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    let nearer = found.distance_m - thick.config.geometry.poni.distance_m;
    assert!(thick.config.geometry.parallax.is_some() && (nearer - 2.2e-4).abs() < 1e-5, "{nearer}");
    // `halor check` tests a placement with the frame: nothing to say of the right one, pixels of one that has moved.
    for shift_m in [0.0, 1e-3] {
        let moved = Poni { poni2_m: poni.poni2_m + shift_m, ..poni };
        let geometry = Geometry { poni: moved, detector: geometry.detector.clone(), parallax: None };
        std::fs::write(path("moved.poni"), halor::geometry::write_poni(&geometry)).unwrap();
        let check = "samples: [{name: a, frames: ceo2.tif}]\npdf: off\n\
                     geometry: {poni: moved.poni, calibrant: {frame: ceo2.tif, name: CeO2}}\n";
        std::fs::write(path("check.yaml"), check).unwrap();
        let plan = output(folder.path(), &["check", "check.yaml", "--json"]).stdout;
        let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
        let moved = plan["moved"].as_array().unwrap();
        let said = "ceo2.tif: the beam centre is 5.8 pixels from that of the .poni file";
        let is_said = moved.iter().any(|line| line.as_str().unwrap().contains(said));
        assert!(if shift_m > 0.0 { is_said } else { moved.is_empty() }, "{shift_m}: {moved:?}");
    }
    let wrong = run.replace("calibrant: CeO2", "calibrant: CeO3");
    std::fs::write(path("run.yaml"), wrong).unwrap();
    let error = halor::config::load(&path("run.yaml"), &[]).unwrap_err().to_string();
    assert!(error.contains("geometry.calibrate.calibrant") && error.contains("CeO3"), "{error}");
}
