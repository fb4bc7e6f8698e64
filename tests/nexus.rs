//! The NeXus file of a run is what h5py, the application definitions and the run's text outputs say; an aborted collection gives
//! what there is of it.

use std::path::{Path, PathBuf};

use halor::batch::{RunOptions, RunResult, run};
use halor::config::{DemoDetector, Loaded, demo_twin, load};
use halor::frame::{FrameAddress, read};
use halor::output::{Existing, Status};

use crate::common::python;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hdf5").join(name)
}

fn ran(run_file: &Path, overrides: &[&str]) -> (Loaded, RunResult) {
    let overrides: Vec<String> = overrides.iter().map(|set| (*set).to_owned()).collect();
    let loaded = load(run_file, &overrides).unwrap();
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    (loaded, result)
}

/// The frames of the demo's first sample as a master whose last file is missing, the others as they are.
#[test]
fn a_run_over_an_aborted_collection_leaves_a_nexus_file_that_h5py_reads_as_the_text_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    let run_file = written.run_files.last().unwrap();
    let raw = dir.path().join("raw");
    std::fs::create_dir(&raw).unwrap();
    let mut shape = None;
    for image in 1..=4 {
        let path = dir.path().join(format!("frames/as-cast/as-cast_{image:04}.tif"));
        let frame = read(&FrameAddress { path, image: 0 }).unwrap().frame;
        let counts: Vec<u8> = frame.counts.to_f64().iter().flat_map(|v| (*v as i32).to_le_bytes()).collect();
        std::fs::write(raw.join(format!("{image}.raw")), counts).unwrap();
        shape = Some(frame.shape);
    }
    let shape = shape.unwrap();
    let [rows, columns] = [shape.rows, shape.columns].map(|side| PathBuf::from(side.to_string()));
    if !python(&["h5py", "numpy"], &[&script("master.py"), &raw, &rows, &columns]) {
        return;
    }
    let (loaded, result) = ran(
        run_file,
        &[
            "samples=[{name: as-cast, frames: raw/scan_master.h5}, {name: deformed, frames: frames/deformed/*.tif}]",
            "exports.nexus='{run}-all.nxs'",
            "exports.patterns=[fxye, chi]",
            "cake={azimuth_bins: 30, radial_bins: 200}",
            "integration.exposure_s=10",
            "pdf.r_range_angstrom=[0, 15]",
            "pdf.r_step_angstrom=0.05",
            "engine=cpu",
        ],
    );
    let output = &loaded.config.output;
    // The images that are there are done, the file that is gone is named.
    let failed: Vec<&str> = result
        .record
        .frames
        .iter()
        .filter_map(|frame| match &frame.status {
            Status::Failed(reason) => Some(reason.as_str()),
            Status::Done | Status::Skipped(_) | Status::LeftOut(_) => None,
        })
        .collect();
    let [gone] = failed.as_slice() else { panic!("{failed:?}") };
    assert!(gone.contains("data_000003") && gone.contains("scan_data_000003.h5"), "{gone}");
    let sum = std::fs::read_to_string(output.join("as-cast/as-cast.iq")).unwrap();
    assert!(sum.contains("frames_summed = 4\n"));
    // What the file says of each frame stands in the record.
    let temperatures: Vec<f64> =
        result.record.frames.iter().flat_map(|frame| &frame.readings).map(|reading| reading.value).collect();
    assert_eq!(temperatures, [300.0, 301.0, 302.0, 303.0]);

    let name = PathBuf::from(format!("{}-all.nxs", run_file.file_stem().unwrap().to_string_lossy()));
    assert!(result.record.outputs.contains(&name), "{:?}", result.record.warnings);
    let file = output.join(&name);
    assert!(python(&["h5py", "numpy"], &[&script("check_nexus.py"), &file, output]));

    // The same points for GSAS and Fit2D.
    let lines = |extension: &str| -> Vec<Vec<f64>> {
        let text =
            std::fs::read_to_string(output.join(format!("deformed/deformed_diagonal.{extension}"))).unwrap();
        let row = |line: &str| line.split_whitespace().map(|cell| cell.parse().ok()).collect();
        text.lines().filter_map(row).filter(|row: &Vec<f64>| row.len() > 1).collect()
    };
    let (xye, fxye, chi) = (lines("xye"), lines("fxye"), lines("chi"));
    assert!(xye.len() > 500 && xye.len() == fxye.len() && xye.len() == chi.len());
    let wavelength = loaded.config.geometry.poni.wavelength_angstrom;
    for ((xye, fxye), chi) in xye.iter().zip(&fxye).zip(&chi) {
        // Eight digits in all three.
        let close = |a: f64, b: f64| (a - b).abs() <= 2e-7 * b.abs();
        let q = 4.0 * std::f64::consts::PI * (fxye[0] / 200.0).to_radians().sin() / wavelength;
        assert!(close(q, xye[0]) && close(chi[0], xye[0]), "{xye:?} {fxye:?} {chi:?}");
        assert!(close(fxye[1], xye[1]) && close(chi[1], xye[1]));
        // σ stands in the .xye with seven digits in all.
        assert!((fxye[2] - xye[2]).abs() <= 6e-7 * xye[2], "{xye:?} {fxye:?}");
    }

    // It is in the way of another run as every result is, and a run without its journal is another.
    std::fs::remove_dir_all(output.join(".halor")).unwrap();
    let error = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap_err().to_string();
    assert!(error.contains("results are there already"), "{error}");

    // Nothing is written through a link that leads out.
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::remove_dir_all(output.join("deformed")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), output.join("deformed")).unwrap();
        let error =
            run(&loaded, RunOptions { existing: Existing::Replace }, &|_| {}).unwrap_err().to_string();
        assert!(error.contains("out of the output folder"), "{error}");
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
