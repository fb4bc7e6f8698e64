//! Killed at random moments. `tests/kills.sh` does it more often.

use std::path::Path;
use std::time::Duration;

use rand::{RngExt, SeedableRng};

use super::{RUN, Scene, files, said};

/// How often it is killed, in all (`HALOR_KILLS`), and before it is let through to the end.
const KILLS: usize = 30;
const IN_A_ROW: usize = 3;

/// Files below a folder, as far as can be told while they come.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_end() {
    let kills = std::env::var("HALOR_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let scene = Scene::new();
    let reference = scene.reference();
    let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(8);
    let (mut killed, mut unfinished) = (0, 0);
    while killed < kills {
        let _ = std::fs::remove_dir_all(scene.results());
        for _ in 0..IN_A_ROW {
            // At a random moment by what is there, so that it does not depend on how fast the machine is.
            let files = rng.random_range(0..reference.len());
            let pause = Duration::from_micros(rng.random_range(0..5_000));
            let mut run = scene.command(&[&["--quiet"], &RUN[..]].concat()).spawn().unwrap();
            while run.try_wait().unwrap().is_none() && count(&scene.results()) < files {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(pause);
            killed += usize::from(run.try_wait().unwrap().is_none());
            run.kill().unwrap();
            run.wait().unwrap();
        }
        unfinished += usize::from(!scene.results().join("run.json").exists());
        // What is there under the name of a result is that result, at any moment.
        if scene.results().exists() {
            for (name, bytes) in files(&scene.results()) {
                let temporary = name.file_name().unwrap().to_string_lossy().starts_with(".halor-");
                assert!(temporary || bytes == reference[&name], "{} is torn", name.display());
            }
        }
        let last = scene.run(&[]);
        assert!(last.status.success(), "{}", said(&last));
        scene.assert_same(&reference);
    }
    println!("{killed} kills; {unfinished} runs were unfinished before they were let go on");
    assert!(unfinished > 0);
}
