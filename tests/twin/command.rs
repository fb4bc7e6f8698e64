//! `halor simulate` as a user meets it.

use std::path::Path;
use std::process::{Command, Output};

use super::{Folder, SMALL};

fn halor(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halor")).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn a_simulation_runs_and_is_not_overwritten() {
    let folder = Folder::new();
    folder.file("twin.yaml", SMALL);
    let simulate = ["simulate", "twin.yaml", "--output", "there", "--set", "format=cbf"];
    let first = halor(folder.0.path(), &simulate);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(
        first.status.code() == Some(0) && said.contains("halor run") && first.stdout.is_empty(),
        "{said}"
    );
    let run = halor(folder.0.path(), &["run", "there/run.yaml", "--engine", "cpu"]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(folder.path("there/results/a/a.gr").is_file());
    let second = halor(folder.0.path(), &simulate);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.code() == Some(2) && said.contains("--force"), "{said}");
    assert_eq!(halor(folder.0.path(), &[&simulate[..], &["--force"]].concat()).status.code(), Some(0));
    assert_eq!(halor(folder.0.path(), &["simulate", "nowhere.yaml"]).status.code(), Some(3));
    assert_eq!(halor(folder.0.path(), &["simulate", "twin.yaml", "--set", "seed=x"]).status.code(), Some(2));
}

/// A limit on the size of files stands in for a full disk: a write fails in the middle of a frame.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_torn_frame() {
    let folder = Folder::new();
    folder.file("twin.yaml", SMALL);
    // 1.2 MB of TIFF do not fit into 512 kB.
    let script =
        format!("trap '' XFSZ; ulimit -f 512; exec '{}' simulate twin.yaml", env!("CARGO_BIN_EXE_halor"));
    let output = Command::new("bash").current_dir(folder.0.path()).args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("check space"), "{said}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path("twin")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["geometry.poni"]);
}
