//! How fast this machine is: each part of a run alone, and whole runs, on frames that are simulated for it.
//!
//! The parts take turns, round after round, and each reports its median: what else the machine does meanwhile then
//! slows all of them alike.

mod report;
mod scene;

use std::hint::black_box;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use crate::batch::{self, PrepareError, RunError, RunOptions};
use crate::config::{self, Config, ConfigError, EngineChoice, Loaded};
use crate::engine::cpu::CpuEngine;
use crate::engine::gpu::{GpuDevice, adapters, copy_bandwidth};
use crate::engine::{Engine, EngineError, select};
use crate::frame::{Frame, FrameError, FrameFile, each_type};
use crate::geometry::GeometryError;
use crate::integrate::{Pattern, Splitting};
use crate::output::{Existing, Header, OutputError, make_folder, write_file, xye};
use crate::pipeline::{Plans, reduce_all};
use crate::scattering::ScatteringError;
use crate::simd::{InstructionSet, LANES};
pub use report::{BenchReport, CardReport, CardStage, Part};
use scene::Scene;

/// What is measured.
#[derive(Debug, Clone)]
pub struct BenchSettings {
    /// A detector by name.
    pub detector: String,
    /// Radial bins.
    pub bins: usize,
    /// How pixels are split.
    pub splitting: Splitting,
    /// Sectors that share out the ring; 0 = the ring alone.
    pub sectors: usize,
    /// A cake, made in the same pass.
    pub cake: Option<CakeBins>,
    /// Frames of a round.
    pub frames: usize,
    /// How often each part is measured.
    pub rounds: usize,
    /// A graphics adapter to measure too; `Auto` takes a real GPU if there is one.
    pub engine: EngineChoice,
}

/// Cells of a cake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CakeBins {
    /// Bins of a turn.
    pub azimuth: usize,
    /// Radial bins.
    pub radial: usize,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// No such detector.
    #[error(transparent)]
    Detector(#[from] GeometryError),
    /// The scattering of the sample.
    #[error(transparent)]
    Scattering(#[from] ScatteringError),
    /// A frame could not be written or read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A file or folder.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The temporary folder.
    #[error("no folder for temporary files: {0}; set TMPDIR to a folder with some GB of space")]
    Folder(std::io::Error),
    /// The settings make no run file.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The plans.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// An engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A whole run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// One thing that is measured again and again.
struct Task<'a> {
    name: String,
    /// Frames or patterns each time.
    count: usize,
    /// Bytes of memory that one of them needs to be read; 0 = not counted.
    bytes: f64,
    /// Gives the seconds that do not count.
    work: Box<dyn FnMut() -> Result<f64, BenchError> + 'a>,
}

/// Measures everything.
///
/// # Errors
/// Settings that cannot be met, and files that cannot be written.
pub fn bench(settings: &BenchSettings) -> Result<BenchReport, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::Folder)?;
    let scene = Scene::write(settings, folder.path())?;
    let loaded: Vec<Loaded> =
        scene.run_files.iter().map(|file| config::load(file, &[])).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let plans = batch::prepare(&loaded[0].config)?.plans;
    let plans_s = start.elapsed().as_secs_f64();
    let plan = &plans.integration;
    let cpu = CpuEngine::new(Arc::clone(plan));
    let ring = ring_alone(&loaded[0].config)?;
    let gpu = gpu(settings, &plans)?;

    let frame_bytes = (4 * plan.shape.pixels()) as f64;
    let kernel_bytes = frame_bytes + cpu.matrix_bytes() as f64 / LANES as f64;
    let sums = cpu.integrate(&scene.frames)?;
    let patterns: Vec<Pattern> = sums.iter().map(|sums| sums.pattern(plan, 0)).collect();
    let count = scene.frames.len();
    let written = folder.path().join("patterns");
    make_folder(&written)?;
    let on_card = gpu.as_deref().map(|gpu| runs_on(gpu, &scene)).transpose()?.unwrap_or_default();
    let mut tasks = vec![
        task(report::READ_MEMORY, count, frame_bytes, || {
            read_memory(&scene);
            Ok(0.0)
        }),
        task("decode TIFF", count, frame_bytes, || read_all(&scene.tiffs)),
        task("decode CBF", count, frame_bytes, || read_all(&scene.cbfs)),
        task("integrate, CPU", count, kernel_bytes, || integrate(&cpu, &scene)),
    ];
    if let Some(ring) = &ring {
        tasks.push(task("integrate, CPU, the ring alone", count, 0.0, || integrate(ring, &scene)));
    }
    if let Some(gpu) = &gpu {
        let name = format!("upload, integrate and read back, {}", gpu.info().device);
        tasks.push(task(&name, count, 0.0, || {
            integrate_in_threads(gpu.as_ref(), &scene.frames)?;
            Ok(0.0)
        }));
    }
    if let Some(plan) = &plans.reduction {
        let all: Vec<&Pattern> = patterns.iter().collect();
        tasks.push(task("I(Q) to S(Q), G(r), peaks", count, 0.0, move || {
            black_box(reduce_all(&all, plan));
            Ok(0.0)
        }));
    }
    tasks.push(task("write .xye", count, 0.0, || {
        patterns.par_iter().enumerate().try_for_each(|(index, pattern)| {
            let text = xye(&Header::default(), pattern);
            write_file(&written.join(format!("{index}.xye")), text.as_bytes(), Existing::Replace)
        })?;
        Ok(0.0)
    }));
    for (kind, loaded) in ["TIFF", "CBF"].into_iter().zip(&loaded) {
        tasks.push(task(&format!("{kind} files to I, S, F, G on disk"), count, 0.0, || {
            let run = batch::run(loaded, RunOptions { existing: Existing::Replace }, &|_| {})?;
            Ok(run.times.timings.plan_s)
        }));
    }
    for (kind, (name, loaded)) in ["TIFF", "CBF"].into_iter().zip(&on_card) {
        tasks.push(task(&format!("{kind} files to disk, {name}"), count, 0.0, || {
            let run = batch::run(loaded, RunOptions { existing: Existing::Replace }, &|_| {})?;
            Ok(run.times.timings.plan_s)
        }));
    }
    let parts = measure(tasks, settings.rounds)?;
    let card = gpu.as_deref().map(card).transpose()?.flatten();
    Ok(BenchReport {
        program: "halor",
        version: env!("CARGO_PKG_VERSION"),
        processor: std::env::consts::ARCH,
        instructions: InstructionSet::best().to_string(),
        threads: rayon::current_num_threads(),
        detector: settings.detector.clone(),
        pixels: plan.shape.pixels(),
        bins: settings.bins,
        splitting: settings.splitting.to_string(),
        sectors: settings.sectors,
        cake: settings.cake,
        frames: count,
        rounds: settings.rounds,
        entries_per_pixel: plan.matrix.bins.len() as f64 / plan.shape.pixels() as f64,
        plans_s,
        parts,
        card,
    })
}

fn task<'a>(
    name: &str,
    count: usize,
    bytes: f64,
    work: impl FnMut() -> Result<f64, BenchError> + 'a,
) -> Task<'a> {
    Task { name: name.to_owned(), count, bytes, work: Box::new(work) }
}

/// An engine for the pattern of the ring alone; `None` where there is nothing else.
fn ring_alone(config: &Config) -> Result<Option<CpuEngine>, BenchError> {
    if config.regions.len() == 1 && config.cake.is_none() {
        return Ok(None);
    }
    let regions = config.regions.iter().take(1).cloned().collect();
    let alone = Config { regions, cake: None, ..config.clone() };
    Ok(Some(CpuEngine::new(batch::prepare(&alone)?.plans.integration)))
}

/// The GPU engine; `None` where there is no real GPU and none is asked for.
fn gpu(settings: &BenchSettings, plans: &Plans) -> Result<Option<Box<dyn Engine>>, EngineError> {
    let choice = match &settings.engine {
        EngineChoice::Cpu => return Ok(None),
        EngineChoice::Auto => &EngineChoice::Gpu,
        choice @ (EngineChoice::Gpu
        | EngineChoice::AllGpus
        | EngineChoice::Adapter(_)
        | EngineChoice::Several(_)) => choice,
    };
    match select::select(choice, Arc::clone(&plans.integration)) {
        Ok(engine) => Ok(Some(engine)),
        Err(EngineError::NoGpu { .. }) if settings.engine == EngineChoice::Auto => Ok(None),
        Err(error) => Err(error),
    }
}

/// Integrates with as many threads as keep the engine busy.
fn integrate_in_threads(engine: &dyn Engine, frames: &[Frame]) -> Result<(), EngineError> {
    let threads = engine.info().kind.calls_at_once();
    let share = frames.len().div_ceil(threads).next_multiple_of(engine.batch_size());
    std::thread::scope(|scope| {
        let call = |frames| scope.spawn(move || engine.integrate(frames).map(|sums| drop(black_box(sums))));
        let calls: Vec<_> = frames.chunks(share).map(call).collect();
        // A panic goes on here.
        calls.into_iter().try_for_each(|call| call.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// The runs of the scene with an engine, and its name.
fn runs_on(engine: &dyn Engine, scene: &Scene) -> Result<Vec<(String, Loaded)>, BenchError> {
    let name = &engine.info().device;
    let engine = format!("engine={}", serde_json::Value::from(name.as_str()));
    let load = |file: &PathBuf| Ok((name.clone(), config::load(file, std::slice::from_ref(&engine))?));
    scene.run_files.iter().map(load).collect()
}

/// What the card of an engine did; `None` where the engine has none.
fn card(engine: &dyn Engine) -> Result<Option<CardReport>, EngineError> {
    let info = engine.info();
    let listed = adapters();
    let Some(adapter) = listed.iter().find(|adapter| adapter.summary.name == info.device) else {
        return Ok(None);
    };
    let bandwidth = copy_bandwidth(&GpuDevice::open(adapter)?)?;
    Ok(Some(CardReport::new(info, bandwidth, engine.device_times())))
}

/// Median rates, each task once in every round; the first round warms up.
fn measure(mut tasks: Vec<Task<'_>>, rounds: usize) -> Result<Vec<Part>, BenchError> {
    let mut seconds = vec![Vec::new(); tasks.len()];
    for round in 0..=rounds.max(1) {
        for (task, seconds) in tasks.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            let uncounted = (task.work)()?;
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64() - uncounted);
            }
        }
    }
    Ok(report::parts(tasks.into_iter().map(|task| (task.name, task.count, task.bytes)).zip(seconds)))
}

/// Reads all counts once: what memory allows.
fn read_memory(scene: &Scene) {
    // Large enough to be worth a thread's while.
    const PIECE: usize = 1 << 16;
    for frame in &scene.frames {
        each_type!(&frame.counts, counts => {
            black_box(bytemuck::cast_slice::<_, u8>(counts).par_chunks(PIECE).map(word_sum).sum::<u64>());
        });
    }
}

/// Several sums beside each other, which a vector unit takes at once.
fn word_sum(bytes: &[u8]) -> u64 {
    let mut sums = [0u64; 16];
    for words in bytes.as_chunks::<128>().0 {
        for (sum, word) in sums.iter_mut().zip(words.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_ne_bytes(*word));
        }
    }
    sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
}

/// All frames, batch by batch as in a run.
fn integrate(engine: &dyn Engine, scene: &Scene) -> Result<f64, BenchError> {
    for batch in scene.frames.chunks(engine.batch_size()) {
        black_box(engine.integrate(batch)?).into_iter().for_each(|sums| engine.take_back(sums));
    }
    Ok(0.0)
}

fn read_all(paths: &[PathBuf]) -> Result<f64, BenchError> {
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    for batch in paths.chunks(LANES * rayon::current_num_threads()) {
        FrameFile::read_all(batch).into_par_iter().try_for_each(|file| {
            black_box(file?.image(0)?);
            Ok::<(), BenchError>(())
        })?;
    }
    Ok(0.0)
}
