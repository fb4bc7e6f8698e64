//! The command as a user meets it: exit codes, what is printed, what is left behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use halor::frame::{Counts, Frame, FrameHeader, Shape, write_tiff};

const SHAPE: Shape = Shape { rows: 195, columns: 487 };

/// A Pilatus 100K, a run file for two samples, and their frames: all counts 100.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        for name in ["a_1.tif", "a_2.tif", "a_10.tif", "b_1.tif"] {
            bench.frame(name, SHAPE, 100);
        }
        bench.write(
            "run.yaml",
            "samples:\n  - {name: a, frames: 'a_*.tif'}\n  - {name: b, frames: 'b_*.tif'}\n\
             detector: {name: Pilatus 100K}\nbeam: {energy_kev: 80}\n\
             geometry: {distance_m: 0.3, poni1_m: 0.016, poni2_m: 0.04}\n\
             integration: {bins: 200, normalize_by: exposure}\npdf: off\n\
             sectors: [{name: X, centre_deg: 0, width_deg: 10, fold: true}]\n",
        );
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn frame(&self, name: &str, shape: Shape, count: i32) {
        let header = FrameHeader { exposure_s: Some(1.0), ..FrameHeader::default() };
        let frame = Frame { shape, counts: Counts::I32(vec![count; shape.pixels()].into()), header };
        write_tiff(std::fs::File::create(self.path(name)).unwrap(), &frame).unwrap();
    }

    fn halor(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_halor"))
            .current_dir(self.dir.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    fn record(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path("results/run.json")).unwrap()).unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// What became of all frames, none of them left out as an outlier.
fn ledger(found: u32, done: u32, failed: u32, skipped: u32) -> serde_json::Value {
    serde_json::json!({"found": found, "done": done, "failed": failed, "skipped": skipped, "left_out": 0})
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The journal is no result.
        if path.ends_with(".halor") {
            continue;
        }
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_run_leaves_what_check_said() {
    let bench = Bench::new();
    let check = bench.halor(&["check", "run.yaml", "--engine", "cpu", "--json"]);
    assert_eq!(code(&check), 0, "{}", stderr(&check));
    let plan: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    assert!(!bench.path("results").exists(), "check computes nothing");

    let run = bench.halor(&["run", "run.yaml", "--engine", "cpu"]);
    assert_eq!(code(&run), 0, "{}", stderr(&run));
    assert!(run.stdout.is_empty(), "progress and ledger go to stderr");
    let mut planned: Vec<PathBuf> =
        plan["outputs"].as_array().unwrap().iter().map(|p| PathBuf::from(p.as_str().unwrap())).collect();
    planned.sort();
    let canonical = |paths: Vec<PathBuf>| -> Vec<PathBuf> {
        paths.iter().map(|p| bench.path(".").join(p).canonicalize().unwrap()).collect()
    };
    assert_eq!(canonical(planned), canonical(files(&bench.path("results"))));

    let record = bench.record();
    assert_eq!(record["ledger"], ledger(4, 4, 0, 0));
    assert_eq!(record["engine"]["kind"], "cpu");
    let order: Vec<&str> =
        record["frames"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert!(order[1].ends_with("a_2.tif") && order[2].ends_with("a_10.tif"), "numeric order: {order:?}");
    assert_eq!(record["frames"][0]["xxh3_128"].as_str().unwrap().len(), 32);
    let run_file = &record["inputs"][0];
    assert_eq!(run_file["role"], "run file");
    assert_eq!(run_file["bytes"], std::fs::metadata(bench.path("run.yaml")).unwrap().len());
}

#[test]
fn a_resolved_configuration_gives_the_same_run() {
    let bench = Bench::new();
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu"])), 0);
    let again = bench.halor(&["run", "results/config.yaml", "--output", "again"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    for name in ["a/a.xye", "a/a_X.xye", "a/frames/a_10.xye"] {
        let read = |folder: &str| std::fs::read_to_string(bench.path(folder).join(name)).unwrap();
        assert_eq!(read("results"), read("again"), "{name}");
    }
}

#[test]
fn nothing_is_overwritten_unless_asked() {
    let bench = Bench::new();
    assert_eq!(code(&bench.halor(&["run", "run.yaml"])), 0);
    let before = std::fs::read(bench.path("results/run.json")).unwrap();
    // The same run again finds all done.
    let same = bench.halor(&["run", "run.yaml"]);
    assert!(code(&same) == 0 && stderr(&same).contains("4 frames are done already"), "{}", stderr(&same));
    std::fs::copy(bench.path("run.yaml"), bench.path("other.yaml")).unwrap();
    let second = bench.halor(&["run", "other.yaml"]);
    assert_eq!(code(&second), 2);
    assert!(stderr(&second).contains("--force"), "{}", stderr(&second));
    assert_eq!(std::fs::read(bench.path("results/run.json")).unwrap(), before);
    assert_eq!(code(&bench.halor(&["run", "other.yaml", "--force"])), 0);
}

#[test]
fn a_bad_frame_is_named_and_the_rest_is_processed() {
    let bench = Bench::new();
    bench.write("a_2.tif", "this is no image");
    bench.frame("a_10.tif", Shape { rows: 10, columns: 20 }, 5);
    let run = bench.halor(&["run", "run.yaml"]);
    assert_eq!(code(&run), 1, "{}", stderr(&run));
    assert!(stderr(&run).contains("a_2.tif") && stderr(&run).contains("10 × 20"), "{}", stderr(&run));
    let record = bench.record();
    assert_eq!(record["ledger"], ledger(4, 2, 2, 0));
    assert_eq!(record["frames"][1]["status"], "failed");
    assert!(record["frames"][1]["reason"].as_str().unwrap().contains("a_2.tif"));
    assert!(bench.path("results/a/a.xye").exists() && bench.path("results/b/b.xye").exists());
}

/// `check` tells apart what stops a run (2) and what a run leaves out (1), and finds what only the plans show.
#[test]
fn check_finds_what_the_run_would() {
    let bench = Bench::new();
    bench.frame("mask.tif", Shape { rows: 10, columns: 20 }, 0);
    let mask = bench.halor(&["check", "run.yaml", "--engine", "cpu", "--set", "mask.files=[mask.tif]"]);
    assert_eq!(code(&mask), 2);
    assert!(String::from_utf8_lossy(&mask.stdout).contains("mask is 10 × 20"), "{mask:?}");
    bench.write("mask.tif", "no mask");
    let damaged = bench.halor(&["run", "run.yaml", "--engine", "cpu", "--set", "mask.files=[mask.tif]"]);
    assert_eq!(code(&damaged), 2, "damaged is not missing: {}", stderr(&damaged));

    bench.write("a_2.tif", "this is no image");
    let frame = bench.halor(&["check", "run.yaml", "--engine", "cpu"]);
    assert_eq!(code(&frame), 1);
    assert!(String::from_utf8_lossy(&frame.stdout).contains("a_2.tif"), "{frame:?}");
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu"])), 1);
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu", "--dry-run"])), 1);
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu", "--dry-run", "--force"])), 1);
    bench.write("other.yaml", &std::fs::read_to_string(bench.path("run.yaml")).unwrap());
    assert_eq!(code(&bench.halor(&["run", "other.yaml", "--engine", "cpu", "--dry-run"])), 2);
}

/// The second run cannot read one frame and cannot write all of another: neither may leave a file that looks like its result,
/// not even that of the run before.
#[test]
fn a_failed_frame_leaves_no_results() {
    let bench = Bench::new();
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu", "-q"])), 0);
    bench.write("a_2.tif", "this is no image");
    let blocked = bench.path("results/a/frames/a_10_X.xye");
    std::fs::remove_file(&blocked).unwrap();
    std::fs::create_dir(&blocked).unwrap();
    let second = bench.halor(&["run", "run.yaml", "--engine", "cpu", "--force"]);
    assert_eq!(code(&second), 1, "{}", stderr(&second));
    let record = bench.record();
    assert_eq!(record["ledger"], ledger(4, 2, 2, 0));
    let reason = record["frames"][2]["reason"].as_str().unwrap();
    assert!(reason.contains("a_10.tif") && reason.contains("set another `output`"), "{reason}");
    let mut listed: Vec<PathBuf> = record["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| bench.path("results").join(file.as_str().unwrap()))
        .collect();
    listed.sort();
    assert_eq!(files(&bench.path("results")), listed);
}

#[test]
fn an_output_folder_that_cannot_be_made_ends_the_run_before_its_first_frame() {
    let bench = Bench::new();
    let run = bench.halor(&["run", "run.yaml", "--engine", "cpu", "--output", "a_1.tif/results"]);
    assert_eq!(code(&run), 2);
    assert!(
        stderr(&run).contains("a_1.tif/results") && !stderr(&run).contains("failed:"),
        "{}",
        stderr(&run)
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_in_the_ledger() {
    let bench = Bench::new();
    std::os::unix::fs::symlink("archive/a_3.tif", bench.path("a_3.tif")).unwrap();
    assert_eq!(code(&bench.halor(&["run", "run.yaml", "--engine", "cpu"])), 1);
    let record = bench.record();
    assert_eq!(record["ledger"], ledger(5, 4, 1, 0));
    assert!(record["frames"][2]["reason"].as_str().unwrap().contains("a_3.tif"));
}

#[test]
fn a_reader_of_stderr_that_goes_away_does_not_end_the_run() {
    let bench = Bench::new();
    bench.write("a_2.tif", "this is no image");
    let mut child = Command::new(env!("CARGO_BIN_EXE_halor"))
        .current_dir(bench.dir.path())
        .args(["run", "run.yaml", "--engine", "cpu"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(bench.record()["ledger"]["done"], 3);
}

/// The smaller demo: a table for the truth, and no second one over the first unless asked.
#[test]
fn the_demo_runs_and_stands_beside_the_truth() {
    let bench = Bench::new();
    let demo = ["demo", "d", "--detector", "300k", "--engine", "cpu"];
    let first = bench.halor(&demo);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    let table = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(table.contains("coordination number") && table.contains("CeO2 rings"), "{table}");
    let counts: Vec<f64> = table
        .lines()
        .find(|line| line.contains("metrics are within"))
        .map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
        .unwrap();
    // 95 % are what two standard deviations of both kinds should hold.
    assert!(counts[0] >= 0.9 * counts[1], "{table}");
    assert!(bench.path("d/results/peaks.csv").exists() && bench.path("d/results/ceo2/run.json").exists());
    let second = bench.halor(&demo);
    assert_eq!(code(&second), 2);
    assert!(stderr(&second).contains("--force"), "{}", stderr(&second));
}

#[test]
fn quiet_says_nothing_but_errors() {
    let bench = Bench::new();
    let good = bench.halor(&["run", "run.yaml", "--engine", "cpu", "-q"]);
    assert_eq!((code(&good), stderr(&good).as_str()), (0, ""));
    bench.write("a_2.tif", "this is no image");
    let bad = bench.halor(&["run", "run.yaml", "--engine", "cpu", "-q", "--force"]);
    assert!(stderr(&bad).starts_with("failed: ") && stderr(&bad).lines().count() == 1, "{}", stderr(&bad));
}

#[test]
fn a_frame_without_s_of_q_is_integrated_and_stays_in_the_sum() {
    let bench = Bench::new();
    bench.frame("a_2.tif", SHAPE, 0);
    let pdf = "pdf={q_range_inv_angstrom: [1, 6]}";
    let run = bench.halor(&["run", "run.yaml", "--engine", "cpu", "--set", pdf, "--set", "composition=Ni"]);
    assert_eq!(code(&run), 1, "{}", stderr(&run));
    let record = bench.record();
    assert_eq!(record["ledger"], ledger(4, 3, 1, 0));
    assert!(record["frames"][1]["reason"].as_str().unwrap().contains("S(Q)"), "{record}");
    assert!(bench.path("results/a/frames/a_2.xye").exists());
    assert!(!bench.path("results/a/frames/a_2.gr").exists());
    let sum = std::fs::read_to_string(bench.path("results/a/a.xye")).unwrap();
    assert!(sum.contains("frames_summed = 3"), "{sum}");
}

/// Flat-field corrected counts rightly exceed the header's cutoff: they are named and kept, and left out where the run file
/// says so.
#[test]
fn counts_above_the_headers_cutoff_are_a_warning_and_no_mask() {
    let bench = Bench::new();
    let header = FrameHeader { exposure_s: Some(1.0), count_cutoff: Some(50.0), ..FrameHeader::default() };
    let frame = Frame { shape: SHAPE, counts: Counts::I32(vec![100; SHAPE.pixels()].into()), header };
    write_tiff(std::fs::File::create(bench.path("b_1.tif")).unwrap(), &frame).unwrap();
    let run = bench.halor(&["run", "run.yaml", "--engine", "cpu"]);
    assert_eq!(code(&run), 0, "{}", stderr(&run));
    let record = bench.record();
    let warnings = record["warnings"].to_string();
    assert!(warnings.contains("b_1.tif: counts above the header's Count_cutoff 50"), "{warnings}");
    assert_eq!(record["frames"][3]["excluded_pixels"], 0);

    let masked = bench.halor(&["run", "run.yaml", "--force", "--set", "mask.saturated_counts=100"]);
    assert_eq!(code(&masked), 0, "{}", stderr(&masked));
    let record = bench.record();
    assert!(!record["warnings"].to_string().contains("Count_cutoff"));
    assert!(record["frames"][3]["excluded_pixels"].as_u64().unwrap() > 0);
}

#[test]
fn a_sample_whose_background_is_unreadable_is_skipped_with_the_reason() {
    let bench = Bench::new();
    bench.write("air.tif", "");
    let run = bench.halor(&["run", "run.yaml", "--set", "samples.0.background.frames=air.tif"]);
    assert_eq!(code(&run), 1, "{}", stderr(&run));
    let record = bench.record();
    assert_eq!(record["ledger"], ledger(5, 1, 1, 3));
    assert!(record["frames"][1]["reason"].as_str().unwrap().contains("background"));
    assert_eq!(record["failed_samples"][0][0], "a");
}

#[test]
fn exit_codes_say_what_is_wrong() {
    let bench = Bench::new();
    let missing = bench.halor(&["run", "nowhere.yaml"]);
    assert_eq!(code(&missing), 3, "{}", stderr(&missing));
    assert!(stderr(&missing).contains("nowhere.yaml"));
    let no_frames = bench.halor(&["run", "run.yaml", "--set", "samples.0.frames=c_*.tif"]);
    assert_eq!(code(&no_frames), 3, "{}", stderr(&no_frames));
    let unknown = bench.halor(&["run", "run.yaml", "--set", "integration.binz=5"]);
    assert_eq!(code(&unknown), 2, "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("bins"), "{}", stderr(&unknown));
    assert_eq!(code(&bench.halor(&["run"])), 2);
    assert_eq!(code(&bench.halor(&["frobnicate"])), 2);
    assert_eq!(code(&bench.halor(&["--help"])), 0);
    let adapter = bench.halor(&["run", "run.yaml", "--engine", "no-such-adapter"]);
    assert_eq!(code(&adapter), 4, "{}", stderr(&adapter));
}

/// Without a real GPU, `--engine gpu` must fail with exit code 4 and say what to install; with one it must work.
#[test]
fn a_required_gpu_is_there_or_its_absence_is_explained() {
    let bench = Bench::new();
    let run = bench.halor(&["run", "run.yaml", "--engine", "gpu"]);
    match code(&run) {
        0 => assert_eq!(bench.record()["engine"]["kind"], "gpu"),
        4 => assert!(stderr(&run).contains("install"), "{}", stderr(&run)),
        other => panic!("exit code {other}: {}", stderr(&run)),
    }
}

#[test]
fn frames_of_equal_counts_give_a_flat_pattern_without_corrections() {
    let bench = Bench::new();
    let run = bench.halor(&[
        "run",
        "run.yaml",
        "--engine",
        "cpu",
        "--json",
        "--set",
        "corrections.solid_angle=off",
        "--set",
        "corrections.polarization=off",
        "--set",
        "corrections.sensor=off",
    ]);
    assert_eq!(code(&run), 0, "{}", stderr(&run));
    let printed: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(printed["ledger"]["done"], 4);
    let text = std::fs::read_to_string(bench.path("results/a/a.xye")).unwrap();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let intensity: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
        // Equal counts over equal norms: only rounding of the sums is left.
        assert!((intensity - 100.0).abs() < 1e-6, "{line}");
    }
}

/// However little memory a run may take, it gives the same numbers.
#[test]
fn a_run_with_little_memory_gives_the_same() {
    let bench = Bench::new();
    let pattern = || std::fs::read_to_string(bench.path("results/a/frames/a_10.xye")).unwrap();
    assert_eq!(bench.halor(&["run", "run.yaml"]).status.code(), Some(0));
    let plenty = pattern();
    let little = ["run", "run.yaml", "--force", "--set", "memory_limit_gib=0.001"];
    assert_eq!(bench.halor(&little).status.code(), Some(0));
    assert_eq!(pattern(), plenty);
    let none = bench.halor(&["run", "run.yaml", "--force", "--set", "memory_limit_gib=0"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("memory_limit_gib"));
}
