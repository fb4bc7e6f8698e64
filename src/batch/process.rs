//! A whole run, a shard of one, or the merge of shards: what comes before the frames, and the end.

use std::sync::Arc;
use std::time::Instant;

use super::error::RunError;
use super::files::{PlannedOutputs, planned_outputs};
use super::journal::{Held, Piece, Task, is_own};
use super::pass::{Doing, Pass};
use super::prepare::{Prepared, prepare};
use super::shard::Shard;
use crate::config::{Config, Loaded};
use crate::engine::crew::Crew;
use crate::engine::{self, Engine, EngineError};
use crate::integrate::IntegrationPlan;
use crate::output::{Existing, FrameRecord, Ledger, PeakRow, RunRecord, RunTimes, Timings};
use crate::report::SampleCurves;

/// How a run behaves.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// What happens to results that are there already. Those of an earlier session of the same run file are gone on with
    /// ([`Existing::Keep`]) or made again ([`Existing::Replace`]).
    pub existing: Existing,
}

/// Frames that are done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// How many.
    pub frames: usize,
    /// Why.
    pub reason: String,
}

/// What a run tells while it works.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// So many frames were done by an earlier session, and hold.
    Kept(usize),
    /// Frames that were done before and are done again.
    Again(&'a Again),
    /// A frame has ended; they come in order.
    Frame(&'a FrameRecord),
}

/// Is told of all that happens.
pub type Progress<'a> = dyn Fn(Event<'_>) + Sync + 'a;

/// What a run gave, for whoever called it; all of it is in the output folder too.
#[derive(Debug)]
pub struct RunResult {
    /// As in `run.json`.
    pub record: RunRecord,
    /// As in `timings.json`.
    pub times: RunTimes,
    /// As in `peaks.csv`.
    pub peaks: Vec<PeakRow>,
    /// The full ring of each sample's sum.
    pub curves: Vec<SampleCurves>,
}

/// Makes the engines for a plan.
type Engines<'e> = dyn FnOnce(&Arc<IntegrationPlan>) -> Result<Vec<Box<dyn Engine>>, EngineError> + 'e;

/// Processes every frame and sample of a configuration and writes all results. What an earlier session has done and still holds is
/// not done again; the end result is the same, byte for byte, but for `timings.json` and the time in the NeXus file.
///
/// # Errors
/// What stops the whole run. Frames that fail are in the record's ledger, each with its reason.
pub fn run(loaded: &Loaded, options: RunOptions, progress: &Progress<'_>) -> Result<RunResult, RunError> {
    run_with(loaded, options, progress, |plan| engine::select::select_all(&loaded.config.engine, plan))
}

/// [`run`] with the engines that `engines` makes for the plan.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    loaded: &Loaded,
    options: RunOptions,
    progress: &Progress<'_>,
    engines: impl FnOnce(&Arc<IntegrationPlan>) -> Result<Vec<Box<dyn Engine>>, EngineError>,
) -> Result<RunResult, RunError> {
    let (process, planned) = Process::begin(loaded, options, Task::Run, Box::new(engines))?;
    process.work(|process| {
        let pass = Pass::new(process, loaded, planned)?;
        let pieces = Piece::all(&pass.work);
        let doing = Doing::Rest(options.existing);
        pass.finish(pass.frames(&pieces, doing, process.timings(), progress)?)
    })
}

/// Processes the frames of one shard, and the backgrounds that they need; the samples are left to [`merge`]. May run at the same time
/// as other shards, or twice.
///
/// # Errors
/// As [`run`].
pub fn run_shard(
    loaded: &Loaded,
    shard: Shard,
    options: RunOptions,
    progress: &Progress<'_>,
) -> Result<Ledger, RunError> {
    let engines = |plan: &Arc<IntegrationPlan>| engine::select::select_all(&loaded.config.engine, plan);
    let task = Task::Shard { number: shard.number, of: shard.of };
    let (process, planned) = Process::begin(loaded, options, task, Box::new(engines))?;
    process.work(|process| {
        let pass = Pass::new(process, loaded, planned)?;
        let pieces = shard.pieces(&pass.work);
        pass.frames(&pieces, Doing::Rest(options.existing), process.timings(), progress)?;
        pass.ledger(&pieces)
    })
}

/// Makes all that follows the frames, which shards have done.
///
/// # Errors
/// As [`run`], and [`RunError::Incomplete`] where frames are missing.
pub fn merge(loaded: &Loaded, progress: &Progress<'_>) -> Result<RunResult, RunError> {
    let options = RunOptions { existing: Existing::Keep };
    let (process, planned) = Process::begin(loaded, options, Task::Merge, Box::new(|_| Ok(Vec::new())))?;
    process.work(|process| {
        let pass = Pass::new(process, loaded, planned)?;
        let pieces = Piece::all(&pass.work);
        pass.finish(pass.frames(&pieces, Doing::Nothing, process.timings(), progress)?)
    })
}

/// What lasts from before the first frame to the end, whatever frames there are.
pub(super) struct Process {
    pub(super) start: Instant,
    /// UTC, ISO 8601.
    pub(super) started: String,
    pub(super) prepared: Prepared,
    pub(super) crew: Crew,
    pub(super) held: Held,
    plan_s: f64,
}

impl Process {
    /// All that can stop a run before its first frame does so here, before anything of an earlier run is touched. With what will be written for
    /// the frames that there are.
    pub(super) fn begin(
        loaded: &Loaded,
        options: RunOptions,
        task: Task,
        engines: Box<Engines<'_>>,
    ) -> Result<(Process, PlannedOutputs), RunError> {
        let start = Instant::now();
        // As long for each run, so that NeXus files differ in nothing else.
        let started = format!("{:.6}", jiff::Timestamp::now());
        let config = &loaded.config;
        let planned = possible_outputs(config)?;
        // In this order: a shard that begins at the same time writes its journal before its results.
        if let (Existing::Keep, Some(first), false) =
            (options.existing, planned.existing.first(), is_own(config))
        {
            return Err(RunError::Exists { count: planned.existing.len(), first: first.clone() });
        }
        let prepared = prepare(config)?;
        let plan = &prepared.plans.integration;
        let crew = Crew::new(Arc::clone(plan), engines(plan)?);
        let held = Held::take(loaded, &planned.files, (task, options.existing))?;
        let plan_s = start.elapsed().as_secs_f64();
        Ok((Process { start, started, prepared, crew, held, plan_s }, planned))
    }

    /// Does the work, and says in the journal how it ended.
    pub(super) fn work<T>(
        mut self,
        frames: impl FnOnce(&Process) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let result = frames(&self);
        self.held.end(result.as_ref().err().map(ToString::to_string));
        result
    }

    /// Of what came before the frames.
    pub(super) fn timings(&self) -> Timings {
        Timings { plan_s: self.plan_s, ..Timings::default() }
    }
}

/// What a configuration will write.
///
/// # Errors
/// Two results would have one name, or one would be written through a link out of the output folder.
pub(super) fn possible_outputs(config: &Config) -> Result<PlannedOutputs, RunError> {
    let planned = planned_outputs(config);
    if let Some(first) = planned.collisions.first() {
        return Err(RunError::Collision(first.clone()));
    }
    if let Some((link, target)) = planned.links_out.first().cloned() {
        return Err(RunError::LinkOut { link, target });
    }
    Ok(planned)
}
