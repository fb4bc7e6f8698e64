//! Engines that share a run, and engines that fail in it: the results are those of a run where nothing failed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use halor::batch::{RunOptions, RunResult, run, run_with};
use halor::config::{Loaded, load};
use halor::engine::cpu::CpuEngine;
use halor::engine::gpu::{GpuEngine, SAME_INTENSITY, adapters};
use halor::engine::{Engine, EngineError, EngineInfo, EngineKind};
use halor::frame::{Frame, write_tiff};
use halor::integrate::{Accumulators, IntegrationPlan};
use halor::output::{Existing, Status};
use tempfile::TempDir;

use super::setup::{device, frame};

const FRAMES: usize = 24;

/// A folder with frames of two samples and a background, and a run file.
fn scene() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let shape = halor::frame::Shape { rows: 61, columns: 67 };
    for index in 0..FRAMES {
        let kind = if index < 10 { "i32" } else { "u16" };
        let name = match index {
            0..4 => "empty",
            4..14 => "a",
            _ => "b",
        };
        let file = std::fs::File::create(dir.path().join(format!("{name}_{index:02}.tif"))).unwrap();
        write_tiff(file, &frame(shape, kind, 40 + index as u64)).unwrap();
    }
    std::fs::write(
        dir.path().join("run.yaml"),
        "samples:\n  - {name: a, frames: 'a_*.tif'}\n  - {name: b, frames: 'b_*.tif'}\n\
         background: {frames: 'empty_*.tif', scale: 0.1}\n\
         detector: {pixel_um: 172, shape: [61, 67]}\nbeam: {energy_kev: 80}\nengine: cpu\n\
         geometry: {distance_m: 0.01, poni1_m: 0.005, poni2_m: 0.006}\n\
         corrections: {sensor: off}\nintegration: {bins: 100, normalize_by: none}\npdf: off\n\
         sectors: [{name: X, centre_deg: 0, width_deg: 90, fold: on}]\n",
    )
    .unwrap();
    dir
}

fn loaded(dir: &TempDir, output: &str, engine: &str) -> Loaded {
    let overrides = [format!("output={output}"), format!("engine={engine}")];
    load(&dir.path().join("run.yaml"), &overrides).unwrap()
}

fn options() -> RunOptions {
    RunOptions { existing: Existing::Keep }
}

/// Names and contents of all patterns.
fn patterns(folder: &Path) -> Vec<(String, Vec<f64>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(patterns(&path));
        } else if path.extension().is_some_and(|extension| extension == "xye") {
            let text = std::fs::read_to_string(&path).unwrap();
            let numbers = text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
                line.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<f64>>()
            });
            all.push((path.file_name().unwrap().to_string_lossy().into_owned(), numbers.collect()));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Whether patterns agree: to `relative` of each number, with that of the largest for a difference of two of them.
fn assert_agree(found: &[(String, Vec<f64>)], expected: &[(String, Vec<f64>)], relative: f64) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (expected_name, expected)) in found.iter().zip(expected) {
        assert_eq!((name, found.len()), (expected_name, expected.len()));
        let largest = expected.iter().copied().filter(|n| n.is_finite()).fold(0.0_f64, |a, b| a.max(b.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let same = found == expected || found.is_nan() && expected.is_nan();
            assert!(same || (found - expected).abs() <= relative * largest, "{name}: {found}, {expected}");
        }
    }
}

fn assert_whole(result: &RunResult) {
    let ledger = result.record.ledger;
    assert_eq!((ledger.found, ledger.done), (FRAMES, FRAMES), "{:?}", result.record.frames);
    assert!(result.record.frames.iter().all(|frame| frame.status == Status::Done));
    let integrated: u64 = result.times.engines.iter().map(|engine| engine.frames).sum();
    assert_eq!(integrated, FRAMES as u64, "{:?}", result.times.engines);
}

/// An engine that fails at one call, and at every later one, as a lost card does.
struct Failing {
    engine: Box<dyn Engine>,
    info: EngineInfo,
    calls: AtomicUsize,
    fails_at: usize,
    how: fn(&dyn Engine) -> EngineError,
}

fn lost(_: &dyn Engine) -> EngineError {
    EngineError::DeviceLost { adapter: "Test GPU".to_owned(), reason: "injected".to_owned() }
}

fn out_of_memory(_: &dyn Engine) -> EngineError {
    EngineError::OutOfGpuMemory { adapter: "Test GPU".to_owned(), what: "injected" }
}

fn driver(_: &dyn Engine) -> EngineError {
    EngineError::Driver { adapter: "Test GPU".to_owned(), what: "a test", reason: "injected".to_owned() }
}

impl Engine for Failing {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        2
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call >= self.fails_at { Err((self.how)(&*self.engine)) } else { self.engine.integrate(frames) }
    }
}

fn failing(
    plan: &Arc<IntegrationPlan>,
    kind: EngineKind,
    fails_at: usize,
    how: fn(&dyn Engine) -> EngineError,
) -> Box<dyn Engine> {
    let engine: Box<dyn Engine> = Box::new(CpuEngine::new(Arc::clone(plan)));
    let info = EngineInfo { kind, device: "Test GPU".to_owned(), detail: "injected faults".to_owned() };
    Box::new(Failing { engine, info, calls: AtomicUsize::new(0), fails_at, how })
}

#[test]
fn faults_that_are_injected_change_no_result() {
    let dir = scene();
    let reference = loaded(&dir, "reference", "cpu");
    assert_whole(&run(&reference, options(), &|_| {}).unwrap());
    let expected = patterns(&reference.config.output);
    assert!(expected.len() > FRAMES);
    // 12 batches of two frames: the fault comes at each of them in turn, of each kind, alone and beside another engine.
    for injection in 0..72 {
        let (at, how) = (injection % 12, [lost, out_of_memory, driver][injection / 12 % 3]);
        let alone = injection < 36;
        let run_of = loaded(&dir, &format!("run_{injection}"), "cpu");
        let result = run_with(&run_of, options(), &|_| {}, |plan| {
            let mut engines = vec![failing(plan, EngineKind::Gpu, at, how)];
            if !alone {
                engines.push(failing(plan, EngineKind::Cpu, usize::MAX, how));
            }
            Ok(engines)
        })
        .unwrap();
        assert_whole(&result);
        // The engines compute the same bits here, so that the results must be the same to the last digit.
        assert_agree(&patterns(&run_of.config.output), &expected, 0.0);
        let record = &result.record;
        if alone || !record.redone.is_empty() {
            let fault = result.times.engines[0].fault.as_ref().unwrap();
            assert!(fault.contains("Test GPU"), "{fault}");
            assert!(record.warnings.iter().any(|w| w.contains("integrated again") && w.contains("Test GPU")));
            assert_eq!(record.redone[0].engine, result.times.engines[0].info.device);
            assert!(record.redone.iter().all(|redone| !redone.frames.is_empty() && redone.frames.len() <= 2));
            // The native engine did what the other did not, and is named for it.
            let native = result.times.engines.last().unwrap();
            assert_eq!(native.info.kind, EngineKind::Cpu);
            let json = |name: &str| std::fs::read_to_string(run_of.config.output.join(name)).unwrap();
            assert!(json("run.json").contains("\"redone\"") && json("timings.json").contains("\"fault\""));
        }
        // A fault is noticed wherever three threads of the engine got so far; alone they always do.
        assert!(!alone || !record.redone.is_empty(), "{injection}");
    }
}

#[test]
fn a_card_that_is_destroyed_in_a_run_is_replaced() {
    let Some(gpu) = device() else { return };
    drop(gpu);
    let dir = scene();
    let reference = loaded(&dir, "reference", "cpu");
    run(&reference, options(), &|_| {}).unwrap();
    let expected = patterns(&reference.config.output);
    /// Destroys its card at one call; what comes then is the card's own fault.
    struct Destroying(GpuEngine, AtomicUsize, usize);
    impl Engine for Destroying {
        fn info(&self) -> &EngineInfo {
            self.0.info()
        }
        fn batch_size(&self) -> usize {
            2
        }
        fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
            if self.1.fetch_add(1, Ordering::SeqCst) == self.2 {
                self.0.device().destroy();
            }
            self.0.integrate(frames)
        }
    }
    for at in [0, 5] {
        let run_of = loaded(&dir, &format!("destroyed_{at}"), "cpu");
        let result = run_with(&run_of, options(), &|_| {}, |plan| {
            let engine = GpuEngine::new(Arc::clone(plan), device().unwrap())?;
            Ok(vec![Box::new(Destroying(engine, AtomicUsize::new(0), at))])
        })
        .unwrap();
        assert_whole(&result);
        let engines = &result.times.engines;
        assert!(engines[0].fault.is_some() && engines[1].frames > 0, "{engines:?}");
        assert_agree(&patterns(&run_of.config.output), &expected, SAME_INTENSITY);
    }
}

#[test]
fn engines_that_share_a_run_give_its_results_in_order() {
    let listed = adapters();
    let Some(adapter) = listed.iter().find(|a| a.summary.is_gpu()).or(listed.first()) else {
        assert!(std::env::var_os("HALOR_REQUIRE_GPU").is_none(), "no graphics adapter");
        return;
    };
    let name = format!("{:?}", adapter.summary.name);
    let dir = scene();
    let of = |output: &str, engine: &str| {
        let loaded = loaded(&dir, output, engine);
        let result = run(&loaded, options(), &|_| {}).unwrap();
        assert_whole(&result);
        (patterns(&loaded.config.output), result)
    };
    let (one, _) = of("one", &name);
    let (two, result) = of("two", &format!("[{name}, {name}]"));
    assert_eq!(result.times.engines.len(), 2);
    assert!(result.times.engines.iter().all(|engine| engine.info.kind == EngineKind::Gpu));
    assert_agree(&two, &one, 0.0);
    let frames: Vec<_> = result.record.frames.iter().map(|frame| &frame.path).collect();
    assert!(frames.windows(2).all(|pair| {
        let sample = |path: &Path| path.file_name().unwrap().to_string_lossy()[..1].replace('e', "0");
        (sample(pair[0]), pair[0]) < (sample(pair[1]), pair[1])
    }));
    let (mixed, result) = of("mixed", &format!("[{name}, cpu]"));
    assert_eq!([0, 1].map(|i| result.times.engines[i].info.kind), [EngineKind::Gpu, EngineKind::Cpu]);
    assert_agree(&mixed, &one, SAME_INTENSITY);
}
