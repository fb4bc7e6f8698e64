//! The file system refuses one thing after the other: nothing is torn, the ledger is true, and the next run completes.

use std::path::Path;

use halor::batch::{RunOptions, run};
use halor::config::{Loaded, load};
use halor::output::Existing;
use halor::output::faults::{Fault, Lasting, inject};

use super::{Files, assert_same, files};
use crate::common;

const FAULTS: [Fault; 4] = [Fault::NoSpace, Fault::Short, Fault::Io, Fault::Denied];

/// Four frames of 100 × 100 pixels, integrated: as few files as a run has.
fn scene(folder: &Path) -> Loaded {
    for (name, count) in [("a_1", 90), ("a_2", 110), ("b_1", 100), ("b_2", 120)] {
        common::flat_frame(&folder.join(format!("{name}.tif")), [100, 100], count);
    }
    let yaml = "\
samples: [{name: a, frames: 'a_*.tif'}, {name: b, frames: 'b_*.tif'}]
detector: {pixel_um: 1000, shape: [100, 100]}
beam: {energy_kev: 80}
geometry: {distance_m: 0.3, poni1_m: 0.016, poni2_m: 0.04}
integration: {bins: 50}
pdf: off
engine: cpu
plan_cache: off
";
    std::fs::write(folder.join("run.yaml"), yaml).unwrap();
    load(&folder.join("run.yaml"), &[]).unwrap()
}

/// What is there is as it should be, or not there; a record that is there lists what is there.
fn assert_nothing_torn(output: &Path, reference: &Files, what: &str) {
    let found = if output.exists() { files(output) } else { Files::new() };
    for (name, bytes) in &found {
        let of_all = ["run.json", "run.nxs", "report/index.html", "series.svg", "frame.svg"]
            .contains(&name.to_str().unwrap());
        let of_sample = name.components().count() == 2;
        // Files of all frames, or of a sample's, tell of those that failed.
        if !of_all && !of_sample {
            assert!(reference.get(name) == Some(bytes), "{what}: {} is torn", name.display());
        }
        assert!(!name.to_string_lossy().ends_with(".tmp"), "{what}: {} is left", name.display());
    }
    if let Some(record) = found.get(Path::new("run.json")) {
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        for file in record["outputs"].as_array().unwrap() {
            let file = Path::new(file.as_str().unwrap());
            // The page comes after the record.
            let is_there = output.join(file).is_file() || file.starts_with("report");
            assert!(is_there, "{what}: {} is in the record and not there", file.display());
        }
        let count = |key: &str| record["ledger"][key].as_u64().unwrap();
        assert_eq!(count("done") + count("failed"), count("found"), "{what}");
        for frame in record["frames"].as_array().unwrap().iter().filter(|frame| frame["status"] == "done") {
            let stem = Path::new(frame["path"].as_str().unwrap())
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let file = format!("{}/frames/{stem}.xye", frame["used_for"].as_str().unwrap());
            assert!(found.contains_key(Path::new(&file)), "{what}: {file} is done and not there");
        }
    }
}

#[test]
fn whatever_the_file_system_refuses_the_next_run_completes() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = scene(folder.path());
    let output = &loaded.config.output;
    let once = || run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {});
    let counter = inject(output, usize::MAX, Fault::Io, Lasting::Once);
    once().unwrap();
    let requests = counter.asked();
    drop(counter);
    let reference = files(output);
    assert!(requests > 50, "{requests}");
    let (mut stopped, mut failed, mut beyond) = (0, 0, 0);
    for lasting in [Lasting::Once, Lasting::FromThenOn] {
        for at in 1..=requests {
            let fault = FAULTS[at % FAULTS.len()];
            let what = format!("{fault:?} at request {at}, {lasting:?}");
            std::fs::remove_dir_all(output).unwrap();
            let injected = inject(output, at, fault, lasting);
            match once() {
                Err(error) => {
                    stopped += 1;
                    assert!(error.to_string().contains(&*output.to_string_lossy()), "{what}: {error}");
                }
                Ok(result) => failed += usize::from(result.record.ledger.failed > 0),
            }
            // Two frames that find their folder missing at once ask for it both: some runs ask less often than others.
            beyond += usize::from(injected.asked() < at);
            drop(injected);
            assert_nothing_torn(output, &reference, &what);
            let next = once().unwrap();
            assert_eq!(next.record.ledger.done, 4, "{what}");
            assert_same(&files(output), &reference);
        }
    }
    // Each folder of two frames, in either round.
    assert!(beyond <= 4, "{beyond} faults never came");
    println!("{requests} requests: {stopped} runs stopped, {failed} with frames that failed");
}
