//! Killed at random moments. `tests/kills.sh` does it more often.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};

use super::{RUN, Scene, files, said};

/// How often it is killed, in all (`HALOR_KILLS`), and before it is let through to the end.
const KILLS: usize = 30;
const IN_A_ROW: usize = 3;

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_end() {
    let kills = std::env::var("HALOR_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let scene = Scene::new();
    let start = Instant::now();
    let reference = scene.reference();
    let whole = start.elapsed();
    let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(8);
    let (mut killed, mut with_work_left) = (0, 0);
    while killed < kills {
        let _ = std::fs::remove_dir_all(scene.results());
        for _ in 0..IN_A_ROW {
            let mut run = scene.command(&[&["--quiet"], &RUN[..]].concat()).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(rng.random_range(0.05..1.0)));
            let ended = run.try_wait().unwrap().is_some();
            run.kill().unwrap();
            run.wait().unwrap();
            killed += usize::from(!ended);
        }
        with_work_left += usize::from(!scene.results().join("run.json").exists());
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
    println!("{killed} kills, {with_work_left} resumed with work left, {:?} for a run in one go", whole);
    assert!(with_work_left > 0, "no kill came before the end: {whole:?}");
    assert!(whole < Duration::from_secs(60));
}
