//! What helps a new user: `init`, `doctor`, `completions`, `man`, `schema`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use halor::config::{DemoDetector, demo_twin};
use halor::output::Existing;
use serde_json::Value;

fn halor(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halor"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("NODEVICE_SELECT", "1")
        .output()
        .unwrap()
}

#[track_caller]
fn text(arguments: &[&str], folder: &Path) -> String {
    let output = halor(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// With what the files of the demo tell, and with flags in place of the geometry: `halor check` accepts both.
#[test]
fn a_run_file_is_made_for_a_folder_of_frames_and_checks() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    for file in &written.run_files {
        std::fs::remove_file(file).unwrap();
    }
    let common = ["--composition", "Zr62 Cu15.5 Ni12.5 Al10", "--background", "air"];
    let made = text(&[&["init", ".", "--output", "first.yaml"][..], &common].concat(), dir.path());
    assert!(made.contains("halor check first.yaml"), "{made}");
    let first = std::fs::read_to_string(dir.path().join("first.yaml")).unwrap();
    for expected in
        ["geometry.poni", "mask.tif", "background: {frames:", "name: \"as-cast\"", "composition: ", "# "]
    {
        assert!(first.contains(expected), "{expected}: {first}");
    }
    assert!(!first.contains("name: \"ceo2"), "a calibrant is no sample: {first}");
    let plan: Value =
        serde_json::from_str(&text(&["check", "first.yaml", "--json", "--engine", "cpu"], dir.path()))
            .unwrap();
    assert_eq!(plan["problems"], Value::Array(Vec::new()), "{plan}");
    assert!(plan["frames_of"].as_array().unwrap().len() >= 6, "{plan}");

    // It does not replace a file unasked.
    let again = halor(&["init", ".", "--output", "first.yaml"], dir.path());
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));

    // Without a .poni file: the calibrant's frame, or numbers.
    std::fs::remove_file(dir.path().join("geometry.poni")).unwrap();
    text(
        &[&["init", ".", "--output", "second.yaml", "--energy-kev", "112"][..], &common].concat(),
        dir.path(),
    );
    let second = std::fs::read_to_string(dir.path().join("second.yaml")).unwrap();
    assert!(second.contains("calibrate: {frame: ") && second.contains("calibrant: CeO2"), "{second}");
    let numbers = [
        "init",
        ".",
        "--output",
        "third.yaml",
        "--energy-kev",
        "112",
        "--distance-mm",
        "200",
        "--beam-centre-px",
        "30,30",
        "--detector",
        "Pilatus CdTe 300k",
    ];
    text(&numbers, dir.path());
    text(&["check", "third.yaml", "--engine", "cpu"], dir.path());

    // What cannot be is said.
    for (arguments, reason) in [
        (["init", ".", "-o", "x.yaml", "--background", "helium"], "is in the name of no sample"),
        (["init", "truth", "-o", "x.yaml", "--background", "air"], "no frames here"),
        (["init", "nowhere", "-o", "x.yaml", "--background", "air"], "name the folder of the frames"),
    ] {
        let output = halor(&arguments, dir.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{said}");
        assert!(!dir.path().join("x.yaml").exists());
    }
}

#[test]
fn the_doctor_says_what_there_is_and_tests_the_engines() {
    let dir = tempfile::tempdir().unwrap();
    let start = std::time::Instant::now();
    let output = halor(&["doctor", ".", "--json"], dir.path());
    let examination: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = examination["findings"].as_array().unwrap();
    let of = |subject: &str| -> Vec<&Value> {
        findings.iter().filter(|finding| finding["subject"].as_str().unwrap().starts_with(subject)).collect()
    };
    for subject in ["processor", "memory", "file formats", "disk at", "self-test, CPU"] {
        assert_eq!(of(subject).len(), 1, "{subject}: {examination}");
    }
    // Every adapter is tested against the native engine.
    assert_eq!(of("self-test").len(), of("adapter").len() + 1, "{examination}");
    for finding in of("self-test") {
        assert_eq!(finding["verdict"], "good", "{finding}");
    }
    assert!(of("disk at")[0]["found"].as_str().unwrap().contains("MB/s"));
    println!("doctor: {:?}", start.elapsed());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
    let output = halor(&["doctor", "no/such/folder"], dir.path());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("BAD") && said.contains("another folder"),
        "{said}"
    );
}

#[test]
fn shells_man_and_editors_get_their_files() {
    let dir = tempfile::tempdir().unwrap();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef halor"),
        ("fish", "complete -c halor"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let completions = text(&["completions", shell], dir.path());
        assert!(completions.contains(word) && completions.contains("calibrate"), "{shell}");
    }
    text(&["man", "--output", "pages"], dir.path());
    let pages: Vec<String> = std::fs::read_dir(dir.path().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["halor.1", "halor-run.1", "halor-init.1", "halor-doctor.1"] {
        assert!(pages.iter().any(|found| found == page), "{pages:?}");
        let page = std::fs::read_to_string(dir.path().join("pages").join(page)).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{page}");
    }
    let schema: Value = serde_json::from_str(&text(&["schema"], dir.path())).unwrap();
    assert_eq!(schema["title"], "run file of halor");
}
