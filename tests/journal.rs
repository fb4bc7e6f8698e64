//! A run that is interrupted, shared out or done again ends as one that was not: the same bytes in every file but `timings.json`, and in the NeXus file but for its time.

mod changes;
mod faults;
mod hdf5;
mod kills;
mod shards;
mod slurm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A glass in two states on a detector of 100 × 100 pixels, with air: 41 frames.
const TWIN: &str = "\
seed: 7
output: out
beam: {energy_kev: 112}
detector: {pixel_um: 1000, shape: [100, 100]}
geometry: {distance_m: 0.18, poni1_m: 0.0054, poni2_m: 0.0062, rot1_rad: 0.0043}
oversampling: 1
counting: {exposure_s: 10, counts_per_electron_unit_s: 0.5}
background:
  {frames: 10, composition: N156 O42 Ar1, atoms_per_sample_atom: 0.5, halo_electron_units: 40, halo_decay_inv_angstrom: 0.8}
samples:
  - {name: a, frames: 20, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
  - {name: b, frames: 11, structure: {glass: aged}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 20], bins: 200}
sectors: [{name: X, centre_deg: 0, width_deg: 30}]
pdf: {q_range_inv_angstrom: [0.7, 19.5], systematic: off, r_range_angstrom: [0, 10], r_step_angstrom: 0.05}
";

/// Every file of a result, by its path: all that is to be the same.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder with the simulation.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Scene {
        let scene = Scene(tempfile::tempdir().unwrap());
        std::fs::write(scene.path("twin.yaml"), TWIN).unwrap();
        let output = scene.halor(&["simulate", "twin.yaml"]);
        assert!(output.status.success(), "{}", said(&output));
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn results(&self) -> PathBuf {
        self.path("out/results")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halor"));
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    fn halor(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `halor run` with more arguments.
    fn run(&self, more: &[&str]) -> Output {
        self.halor(&[&RUN[..], more].concat())
    }

    /// The results of a run in one go, which are taken away again.
    fn reference(&self) -> Files {
        let output = self.run(&[]);
        assert!(output.status.success(), "{}", said(&output));
        let files = files(&self.results());
        std::fs::remove_dir_all(self.results()).unwrap();
        assert!(files.len() > 200, "{}", files.len());
        files
    }

    fn assert_same(&self, reference: &Files) {
        assert_same(&files(&self.results()), reference);
    }
}

const RUN: [&str; 4] = ["run", "out/run.yaml", "--engine", "cpu"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All results below a folder, but for the journal and the one file that tells of times; the NeXus file without its time.
pub fn files(folder: &Path) -> Files {
    fn walk(root: &Path, folder: &Path, found: &mut Files) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if name == Path::new(".halor") || name == Path::new("timings.json") {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            // The NeXus definitions want the time at which a file was made.
            let is_nexus = name.extension().is_some_and(|ending| ending == "nxs");
            found.insert(name, if is_nexus { without_time(bytes) } else { bytes });
        }
    }
    let mut found = Files::new();
    walk(folder, folder, &mut found);
    found
}

/// With every `2026-11-27T17:00:00.123456Z` blotted out.
fn without_time(mut bytes: Vec<u8>) -> Vec<u8> {
    const TIME: &[u8] = b"2000-00-00T00:00:00.000000Z";
    let is_time = |bytes: &[u8]| {
        let same = |(byte, sign): (&u8, &u8)| {
            if sign.is_ascii_digit() { byte.is_ascii_digit() } else { byte == sign }
        };
        bytes.iter().zip(TIME).all(same)
    };
    let times: Vec<usize> = (0..bytes.len().saturating_sub(TIME.len()))
        .filter(|at| bytes[*at] == b'2' && is_time(&bytes[*at..*at + TIME.len()]))
        .collect();
    assert!(!times.is_empty(), "a NeXus file has its time");
    times.iter().for_each(|at| bytes[*at..*at + TIME.len()].copy_from_slice(TIME));
    bytes
}

pub fn assert_same(found: &Files, reference: &Files) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(reference));
    for (name, bytes) in reference {
        assert!(found[name] == *bytes, "{} is not as in a run in one go", name.display());
    }
}
