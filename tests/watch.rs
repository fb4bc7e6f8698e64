//! Frames as they come: what a watch leaves is what a run over the same files leaves, whatever happened to them meanwhile.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use halor::batch::{Event, RunOptions, RunResult, Until, WatchEvent, WatchSettings, run, watch};
use halor::config::{load, load_before_frames};
use halor::output::{Existing, Status};
use halor::watch::PollerSettings;

use crate::common::flat_frame;
use crate::journal::{Files, assert_same, files};

const RUN_FILE: &str = "\
samples: [{name: a, frames: 'a_*.tif'}, {name: b, frames: 'b_*.tif'}]
background: {frames: 'air_*.tif'}
detector: {pixel_um: 1000, shape: [20, 30]}
beam: {energy_kev: 80}
geometry: {distance_m: 0.3, poni1_m: 0.006, poni2_m: 0.01}
integration: {bins: 20, normalize_by: none}
pdf: off
engine: cpu
plan_cache: off
";

struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        std::fs::write(scene.path("run.yaml"), RUN_FILE).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A frame as it stands in its file.
    fn bytes(&self, count: i32) -> Vec<u8> {
        let path = self.path("frame.tmp");
        flat_frame(&path, [20, 30], count);
        std::fs::read(path).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// What a run leaves over the files that are there now.
    fn of_a_run(&self) -> Files {
        let loaded = load(&self.path("run.yaml"), &[]).unwrap();
        std::fs::remove_dir_all(&loaded.config.output).unwrap();
        run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
        files(&loaded.config.output)
    }

    /// A watch until nothing happens any more.
    fn watched(&self, settings: WatchSettings, tell: &(dyn Fn(WatchEvent<'_>) + Sync)) -> RunResult {
        let loaded = load_before_frames(&self.path("run.yaml"), &[]).unwrap();
        let options = RunOptions { existing: Existing::Keep };
        watch(&loaded, options, &settings, &AtomicBool::new(false), tell).unwrap().unwrap()
    }

    fn results(&self) -> PathBuf {
        self.path("results")
    }
}

/// Quick looks; ends after so many milliseconds without news.
fn quick(idle_ms: u64) -> WatchSettings {
    WatchSettings {
        interval: Duration::from_millis(5),
        refresh: Duration::from_millis(100),
        until: Until { frames: None, idle: Some(Duration::from_millis(idle_ms)) },
        poller: PollerSettings { patience: 1_000, ..PollerSettings::default() },
    }
}

/// The frames that are done, by the record.
fn done(result: &RunResult) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    for frame in result.record.frames.iter().filter(|frame| frame.status == Status::Done) {
        *done.entry(frame.path.file_name().unwrap().to_string_lossy().into_owned()).or_default() += 1;
    }
    done
}

/// A thousand files, a hundred of them partial at first, some written again, renamed, removed, or late with a name in the middle; a frame of the
/// background comes half-way.
#[test]
fn a_thousand_files_that_come_slowly_are_taken_once_each_and_when_they_are_whole() {
    let scene = Scene::new();
    let (one, two, cuts) = (scene.bytes(50), scene.bytes(80), [0, 7, 150, 900, 2_000]);
    assert!(one.len() > 2_000, "{}", one.len());
    let name = |index: usize| format!("{}_{index:04}.tif", ["a", "b"][index / 500]);
    let (failed, refreshed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.write("air_1.tif", &scene.bytes(3));
            for batch in 0..100 {
                for index in 10 * batch..10 * batch + 10 {
                    let cut = if index % 10 == 3 { cuts[batch % cuts.len()] } else { one.len() };
                    // The 17th comes later.
                    if index != 16 {
                        scene.write(&name(index), &one[..cut]);
                    }
                }
                std::thread::sleep(Duration::from_millis(30));
                if batch >= 4 {
                    scene.write(&name(10 * (batch - 4) + 3), &one);
                }
                if batch % 10 == 5 {
                    scene.write(&name(10 * batch), &two[..200]);
                    std::thread::sleep(Duration::from_millis(20));
                    scene.write(&name(10 * batch), &two);
                    std::fs::rename(
                        scene.path(&name(10 * batch + 1)),
                        scene.path(&format!("a_9{batch:03}.tif")),
                    )
                    .unwrap();
                    std::fs::remove_file(scene.path(&name(10 * batch + 2))).unwrap();
                }
                if batch == 50 {
                    scene.write("air_2.tif", &scene.bytes(5));
                    scene.write(&name(16), &one);
                }
            }
            (96..100).for_each(|batch| scene.write(&name(10 * batch + 3), &one));
        });
        scene.watched(quick(1_500), &|event| match event {
            WatchEvent::Run(Event::Frame(frame)) if frame.status != Status::Done => {
                println!("{}: {:?}", frame.path.display(), frame.status);
                failed.fetch_add(1, Ordering::SeqCst);
            }
            WatchEvent::Refreshed(_) => drop(refreshed.fetch_add(1, Ordering::SeqCst)),
            WatchEvent::Stopped(error) => panic!("{error}"),
            WatchEvent::NotWhole(files) => panic!("{files:?}"),
            WatchEvent::Run(_) | WatchEvent::File(_) => {}
        })
    });
    let done = done(&result);
    assert!(done.values().all(|count| *count == 1));
    assert_eq!(
        (done.len(), result.record.ledger.done),
        (992, 992),
        "ten removed of a thousand, and two of air"
    );
    // The background comes first; a frame may be taken away while it is read, and is not done then.
    assert!(failed.load(Ordering::SeqCst) <= 20, "{failed:?} frames were read early");
    assert!(refreshed.load(Ordering::SeqCst) > 2, "{refreshed:?}");
    let watched = files(&scene.results());
    assert_same(&watched, &scene.of_a_run());
}

#[test]
fn what_stays_cut_is_named_and_done_when_it_is_finished() {
    let scene = Scene::new();
    let whole = scene.bytes(50);
    scene.write("air_1.tif", &scene.bytes(3));
    scene.write("a_1.tif", &whole);
    scene.write("b_1.tif", &whole[..1_000]);
    let mut settings = quick(400);
    settings.poller.patience = 5;
    let result = scene.watched(settings, &|_| {});
    let (failed, status) = (result.record.ledger.failed, &result.record.frames[2].status);
    assert!(
        failed == 1 && matches!(status, Status::Failed(reason) if reason.contains("b_1.tif")),
        "{status:?}"
    );
    // By another watch, or by the same.
    scene.write("b_1.tif", &whole);
    let result = scene.watched(settings, &|_| {});
    assert_eq!(result.record.ledger.done, 3);
    // A sample without frames has no results, and says so.
    std::fs::remove_file(scene.path("b_1.tif")).unwrap();
    let result = scene.watched(settings, &|_| {});
    assert_eq!(result.record.failed_samples, [("b".to_owned(), "it has no frames yet".to_owned())]);
    let left: Vec<PathBuf> =
        files(&scene.results()).into_keys().filter(|file| file.starts_with("b")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn a_file_of_images_that_grows_is_taken_as_it_grows() {
    let scene = Scene::new();
    scene.write("air_1.tif", &scene.bytes(3));
    scene.write("a_1.tif", &scene.bytes(50));
    let stack = scene.path("b_stack.tif");
    let grow = |images: i32| {
        use halor::frame::{Counts, Frame, FrameHeader, Shape, TiffWriter};
        let shape = Shape { rows: 20, columns: 30 };
        let path = scene.path("stack.tmp");
        let mut writer = TiffWriter::new(std::fs::File::create(&path).unwrap(), images as usize);
        for image in 0..images {
            let counts = Counts::I32(vec![40 + image; shape.pixels()].into());
            writer.image(&Frame { shape, counts, header: FrameHeader::default() }).unwrap();
        }
        drop(writer);
        std::fs::rename(path, &stack).unwrap();
    };
    let seen = AtomicUsize::new(0);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            for images in [1, 4, 11] {
                std::thread::sleep(Duration::from_millis(200));
                grow(images);
            }
        });
        scene.watched(quick(800), &|event| {
            if let WatchEvent::Refreshed(result) = event {
                seen.fetch_max(result.record.frames.len(), Ordering::SeqCst);
            }
        })
    });
    assert_eq!((result.record.ledger.done, seen.into_inner()), (13, 13));
    let watched = files(&scene.results());
    assert_same(&watched, &scene.of_a_run());
}

/// The answer of the page at `url`.
fn get(url: &str, path: &str) -> Option<String> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Waits for something, a minute at most.
fn until<T>(what: &str, mut is_there: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = is_there() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A file that grows while a process writes into it.
fn said(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn the_command_shows_its_results_and_ends_on_a_signal() {
    let scene = Scene::new();
    let log = scene.path("log.txt");
    let mut command = Command::new(env!("CARGO_BIN_EXE_halor"));
    command.current_dir(scene.dir.path()).args([
        "watch",
        "run.yaml",
        "--interval",
        "0.05",
        "--refresh",
        "0.1",
    ]);
    command.stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
    let mut child = command.spawn().unwrap();
    let url = until("the page is served", || {
        let text = said(&log);
        let at = text.find("http://127.0.0.1:")?;
        text[at..].split_whitespace().next().filter(|_| text.ends_with('\n')).map(str::to_owned)
    });
    assert!(get(&url, "").unwrap().contains("no results yet"));
    assert!(get(&url, "report/index.html").unwrap().starts_with("HTTP/1.1 404"));
    // Nobody else may work there.
    let other = Command::new(env!("CARGO_BIN_EXE_halor"))
        .current_dir(scene.dir.path())
        .args(["watch", "run.yaml", "--no-page"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(
        other.status.code() == Some(2) && words.contains("is being worked on (watch, process"),
        "{words}"
    );
    for (name, count) in [("air_1", 3), ("a_1", 50), ("b_1", 60)] {
        scene.write(&format!("{name}.tif"), &scene.bytes(count));
    }
    until("results are shown", || get(&url, "live.json").filter(|live| live.contains("\"frames\":3")));
    assert!(get(&url, "report/index.html").unwrap().starts_with("HTTP/1.1 200"));
    let status = Command::new(env!("CARGO_BIN_EXE_halor"))
        .current_dir(scene.dir.path())
        .args(["status", "results"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(words.contains("watch, process") && words.ends_with("being worked on\n"), "{words}");
    // What is half-written when it ends is named, and not in the results.
    scene.write("b_2.tif", &scene.bytes(60)[..500]);
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = child.wait().unwrap();
    assert!(ended.success(), "{}", said(&log));
    assert!(said(&log).contains("not whole, left out:") && said(&log).contains("b_2.tif"), "{}", said(&log));
    std::fs::remove_file(scene.path("b_2.tif")).unwrap();
    let watched = files(&scene.results());
    assert_same(&watched, &scene.of_a_run());
}
