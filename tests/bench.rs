//! `halor bench` as a user meets it.

use std::process::{Command, Output};

fn halor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halor")).args(arguments).output().unwrap()
}

#[test]
fn bench_reports_every_part() {
    let arguments = ["bench", "--detector", "Pilatus CdTe 300k", "--frames", "2", "--rounds", "1"];
    let output = halor(&[&arguments[..], &["--bins", "300", "--engine", "cpu", "--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = report["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 8);
    assert!(parts.iter().all(|part| part["per_second"].as_f64().unwrap() > 0.0));
    let with_cake =
        halor(&[&arguments[..], &["--bins", "300", "--engine", "cpu", "--cake", "36x50", "--json"]].concat());
    let report: serde_json::Value = serde_json::from_slice(&with_cake.stdout).unwrap();
    assert_eq!(report["cake"], serde_json::json!({"azimuth": 36, "radial": 50}));
    assert!(report["parts"].to_string().contains("the ring alone"));
    assert_eq!(halor(&["bench", "--cake", "360"]).status.code(), Some(2));
    let unknown = halor(&["bench", "--detector", "Pilatus 3M"]);
    assert_eq!(unknown.status.code(), Some(2));
}
