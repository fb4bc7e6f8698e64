//! What has changed is done again, and why is said; what has not is not.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Scene, files, said};

/// How many frames the last session did, from what it said.
fn done_again(said: &str) -> usize {
    let words = |line: &str| line.split(' ').next().and_then(|word| word.parse::<usize>().ok());
    said.lines().filter(|line| line.contains("are done again")).filter_map(words).sum()
}

fn kept(said: &str) -> usize {
    let line = said.lines().find(|line| line.ends_with("frames are done already")).unwrap_or("0 ");
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn only_what_has_changed_is_done_again() {
    let scene = Scene::new();
    let reference = scene.reference();
    assert!(scene.run(&[]).status.success());
    let again = |more: &[&str]| {
        let output = scene.run(more);
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let text = again(&[]);
    assert_eq!((kept(&text), done_again(&text)), (41, 0), "{text}");
    scene.assert_same(&reference);

    // A result that is gone, one that somebody has changed, and a damaged journal.
    std::fs::remove_file(scene.results().join("a/frames/a_0003.gr")).unwrap();
    std::fs::write(scene.results().join("b/frames/b_0010.xye"), "mine").unwrap();
    let text = again(&[]);
    assert!(text.contains("a_0003.gr is gone, or not as it was written"), "{text}");
    assert!(text.contains("b_0010.xye is gone"), "{text}");
    assert_eq!((kept(&text), done_again(&text)), (30, 11), "{text}");
    scene.assert_same(&reference);
    let piece = scene.results().join(".halor/samples/a/000001");
    let mut bytes = std::fs::read(&piece).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&piece, bytes).unwrap();
    let text = again(&[]);
    assert!(text.contains("the journal is damaged") && done_again(&text) == 8, "{text}");
    scene.assert_same(&reference);

    // A frame with another time only, then with another content.
    let frame = scene.path("out/frames/b/b_0001.tif");
    let original = std::fs::read(&frame).unwrap();
    let touch = || {
        let file = std::fs::File::options().write(true).open(&frame).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(500)).unwrap();
    };
    touch();
    assert_eq!(done_again(&again(&[])), 0, "a new time is no new content");
    // Pixel (20, 20) of 100 × 100 numbers of 32 bits at the end of the file: Q = 9 Å⁻¹.
    let pixel = original.len() - 4 * (100 * 100 - 20 * 100 - 20);
    let changed = |original: &[u8]| {
        let mut bytes = original.to_vec();
        bytes[pixel] ^= 3;
        bytes
    };
    std::fs::write(&frame, changed(&original)).unwrap();
    let text = again(&[]);
    assert!(text.contains("b_0001.tif: its content changed") && done_again(&text) == 8, "{text}");
    std::fs::write(&frame, original).unwrap();
    assert_eq!(done_again(&again(&[])), 8);
    scene.assert_same(&reference);

    // The background goes into every sample's frames.
    let air = scene.path("out/frames/air/air_0002.tif");
    let original = std::fs::read(&air).unwrap();
    std::fs::write(&air, changed(&original)).unwrap();
    let text = again(&[]);
    assert!(text.contains("its background changed") && done_again(&text) == 8 + 31, "{text}");
    std::fs::write(&air, original).unwrap();
    again(&[]);
    scene.assert_same(&reference);

    // A setting; then the program's settings that no result depends on.
    let text = again(&["--set", "pdf.q_range_inv_angstrom=[0.7, 18]"]);
    assert!(text.contains("`pdf.q_range_inv_angstrom` was [0.7,19.5], is [0.7,18.0]"), "{text}");
    assert_eq!((kept(&text), done_again(&text)), (0, 41), "{text}");
    again(&[]);
    let text = again(&["--set", "memory_limit_gib=1", "--set", "series.confidence_percent=90"]);
    assert_eq!((kept(&text), done_again(&text)), (41, 0), "{text}");
    again(&[]);
    scene.assert_same(&reference);

    // A mask of the same name.
    let mask = scene.path("out/mask.tif");
    let mut bytes = std::fs::read(&mask).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&mask, bytes).unwrap();
    let text = again(&[]);
    assert!(text.contains("mask.tif has other content") && done_again(&text) == 41, "{text}");
}

#[test]
fn frames_that_failed_are_tried_again_and_new_ones_added() {
    let scene = Scene::new();
    let reference = scene.reference();
    let frame = scene.path("out/frames/a/a_0005.tif");
    let (original, late) = (std::fs::read(&frame).unwrap(), scene.path("out/frames/b/b_0011.tif"));
    std::fs::write(&frame, &original[..original.len() / 2]).unwrap();
    std::fs::rename(&late, scene.path("late.tif")).unwrap();
    assert_eq!(scene.run(&[]).status.code(), Some(1));
    // Nothing is mended: it fails again, and the ledger says so again.
    let again = scene.run(&[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("a_0005.tif has no results yet"), "{}", said(&again));
    let status = scene.halor(&["status", "out/results"]);
    assert_eq!(status.status.code(), Some(1));
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.contains("19 of 20 frames done, 1 failed  a") && status.ends_with("finished\n"),
        "{status}"
    );
    std::fs::write(&frame, original).unwrap();
    std::fs::rename(scene.path("late.tif"), late).unwrap();
    let mended = scene.run(&[]);
    assert!(mended.status.success(), "{}", said(&mended));
    assert!(said(&mended).contains("b, frames 9–11: other frames than before"), "{}", said(&mended));
    scene.assert_same(&reference);
}

#[test]
fn results_of_others_stay_and_two_runs_do_not_meet() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.results().join("a")).unwrap();
    std::fs::write(scene.results().join("a/a.gr"), "of another program").unwrap();
    let refused = scene.run(&[]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("--force"), "{}", said(&refused));
    std::fs::remove_dir_all(scene.results()).unwrap();

    // A copy of the run file is another run file: its results are not gone on with.
    assert!(scene.run(&[]).status.success());
    std::fs::copy(scene.path("out/run.yaml"), scene.path("out/other.yaml")).unwrap();
    let other = scene.halor(&["run", "out/other.yaml", "--engine", "cpu"]);
    assert!(other.status.code() == Some(2) && said(&other).contains("--force"), "{}", said(&other));
    let all = scene.run(&["--force"]);
    assert!(all.status.success() && !said(&all).contains("done already"), "{}", said(&all));

    // The lock, held as another process would.
    let lock =
        std::fs::File::options().read(true).write(true).open(scene.results().join(".halor/lock")).unwrap();
    lock.lock().unwrap();
    let busy = scene.run(&[]);
    assert!(busy.status.code() == Some(2) && said(&busy).contains("is being worked on"), "{}", said(&busy));
    let shard = scene.run(&["--shard", "1/2"]);
    assert!(
        shard.status.code() == Some(2) && said(&shard).contains("is being worked on"),
        "{}",
        said(&shard)
    );
    drop(lock);
    assert!(scene.run(&[]).status.success());
}

#[test]
fn results_go_with_their_frames_and_stay_where_a_run_does_not_reach() {
    let scene = Scene::new();
    assert!(scene.run(&[]).status.success());
    let of_b = || {
        let files = files(&scene.results()).into_keys();
        files.filter(|file| file.starts_with("b/frames")).collect::<Vec<PathBuf>>()
    };
    let all = of_b();
    std::fs::remove_file(scene.path("out/frames/b/b_0003.tif")).unwrap();
    assert!(scene.run(&[]).status.success());
    let is_of_third = |file: &PathBuf| file.to_string_lossy().contains("b_0003");
    assert!(all.iter().any(is_of_third));
    let left: Vec<PathBuf> = all.into_iter().filter(|file| !is_of_third(file)).collect();
    assert_eq!(of_b(), left);
    // A run of one of the samples, all of it again.
    let one = scene.run(&["--force", "--set", "samples=[{name: a, frames: frames/a/*.tif}]"]);
    assert!(one.status.success(), "{}", said(&one));
    assert_eq!(of_b(), left);
}
