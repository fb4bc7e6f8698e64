//! A run in parts.

use super::{RUN, Scene, said};

fn out(scene: &Scene, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&scene.halor(arguments).stdout).into_owned()
}

#[test]
fn shards_in_any_order_and_twice_at_once_are_one_run() {
    let scene = Scene::new();
    let reference = scene.reference();
    let merge = || scene.halor(&["merge", "out/run.yaml", "--engine", "cpu"]);
    let shard = |shard: &str| scene.run(&["--shard", shard]);
    assert!(shard("3/4").status.success());
    let early = merge();
    assert_eq!(early.status.code(), Some(1));
    let words = said(&early);
    assert!(words.contains("(shards 1/4, 2/4, 4/4)") && words.contains("b, frames 9–11"), "{words}");
    assert!(!scene.results().join("run.json").exists());
    let status = out(&scene, &["status", "out/run.yaml"]);
    assert!(status.contains("10 of 10 frames done  background 1"), "{status}");
    // Shard 3 of 4 has the first eight.
    assert!(status.contains("8 of 11 frames done, 3 to do  b"), "{status}");
    assert!(status.contains("shard 3/4, process ") && status.contains(": ended "), "{status}");
    assert!(status.contains("not finished: do the shards again"), "{status}");

    // Two of each at once, one of them killed on its way.
    let start =
        |shard: &str| scene.command(&[&["--quiet"], &RUN[..], &["--shard", shard]].concat()).spawn().unwrap();
    let mut killed = start("1/4");
    let mut others: Vec<_> = ["1/4", "4/4", "2/4", "4/4", "1/4"].iter().map(|shard| start(shard)).collect();
    std::thread::sleep(std::time::Duration::from_millis(150));
    let _ = killed.kill();
    killed.wait().unwrap();
    assert!(others.iter_mut().all(|other| other.wait().unwrap().success()));
    let merged = merge();
    assert!(merged.status.success(), "{}", said(&merged));
    scene.assert_same(&reference);
    let status = out(&scene, &["status", "out/results", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["finished"], true);
    assert_eq!((&status["frames"]["done"], &status["frames"]["waiting"]), (&41.into(), &0.into()));

    // A run goes on with what shards have done, and shards with what a run has.
    std::fs::remove_dir_all(scene.results().join(".halor/samples/b")).unwrap();
    let rest = scene.run(&[]);
    assert!(rest.status.success() && said(&rest).contains("30 frames are done already"), "{}", said(&rest));
    scene.assert_same(&reference);
    let changed = scene.halor(&["merge", "out/run.yaml", "--set", "pdf.window=none"]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(said(&changed).contains("`pdf.window`"), "{}", said(&changed));
    scene.assert_same(&reference);
}

#[test]
fn shards_of_two_run_files_do_not_share_a_folder() {
    let scene = Scene::new();
    assert!(scene.run(&["--shard", "1/2"]).status.success());
    std::fs::copy(scene.path("out/run.yaml"), scene.path("out/other.yaml")).unwrap();
    let other = |more: &[&str]| {
        scene.halor(
            &[&["run", "out/other.yaml", "--engine", "cpu", "--set", "samples[0].name=c"], more].concat(),
        )
    };
    let refused = other(&["--shard", "2/2"]);
    let words = said(&refused);
    assert!(refused.status.code() == Some(2) && words.contains("run.yaml, of which shards"), "{words}");
    assert!(scene.run(&["--shard", "2/2"]).status.success());
}

#[test]
fn what_is_done_with_other_settings_or_again_is_not_done_yet() {
    let scene = Scene::new();
    assert!(scene.run(&[]).status.success());
    let waiting = || {
        let status = out(&scene, &["status", "out/results", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["frames"]["waiting"].as_u64().unwrap()
    };
    assert_eq!(waiting(), 0);
    // A shard with other settings: what the run has done is not of them.
    assert!(scene.run(&["--shard", "2/2", "--set", "pdf.window=none"]).status.success());
    assert_eq!(waiting(), 16);
    assert!(scene.run(&["--force", "--shard", "1/2"]).status.success());
    // The background is done by both; of the samples, the other shard's part was of other settings.
    assert_eq!(waiting(), 15);
}

#[test]
fn what_is_no_shard_or_no_journal_is_refused() {
    let scene = Scene::new();
    let none = scene.run(&["--shard", "5/4"]);
    assert!(none.status.code() == Some(2) && said(&none).contains("i/N"), "{}", said(&none));
    let none = scene.halor(&["status", "out"]);
    assert!(none.status.code() == Some(3) && said(&none).contains("no journal"), "{}", said(&none));
    let print =
        ["submit", "out/run.yaml", "--slurm", "--shards", "8", "--gpu", "--partition", "gpu", "--print"];
    let scripts = out(&scene, &print);
    assert!(scripts.contains("#SBATCH --array=\"1-8\"") && scripts.contains("--gres=\"gpu:1\""), "{scripts}");
    assert!(scripts.contains(" merge ") && !scene.results().exists(), "{scripts}");
    let refused = scene.halor(&["submit", "out/run.yaml", "--slurm", "--shards", "2", "--container", "x"]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("{}"), "{}", said(&refused));
}
