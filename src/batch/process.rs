//! A whole run, a shard of one, or the merge of shards: what is done in which order.

use std::sync::Arc;
use std::time::Instant;

use super::drift::{frame_bins, is_looked_for};
use super::error::RunError;
use super::files::{PlannedOutputs, planned_outputs};
use super::finish::finish;
use super::frames::Frames;
use super::header::output_header;
use super::journal::{Journal, Owner, Piece, Task, is_own};
use super::nexus::Nexus;
use super::prepare::{Prepared, prepare};
use super::queue::Work;
use super::reduction::Reduction;
use super::run::Run;
use super::shard::Shard;
use super::sums::Backgrounds;
use crate::config::Loaded;
use crate::engine::crew::Crew;
use crate::engine::{self, Engine, EngineError};
use crate::integrate::IntegrationPlan;
use crate::output::{
    Existing, FrameRecord, Header, Ledger, PeakRow, RunRecord, RunTimes, Timings, frame_names,
};
use crate::report::SampleCurves;
use crate::tune::Advice;

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
    Process::begin(loaded, options, Task::Run, Box::new(engines))?.whole(progress)
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
    Process::begin(loaded, options, task, Box::new(engines))?.shard(shard, progress)
}

/// Makes all that follows the frames, which shards have done.
///
/// # Errors
/// As [`run`], and [`RunError::Incomplete`] where frames are missing.
pub fn merge(loaded: &Loaded, progress: &Progress<'_>) -> Result<RunResult, RunError> {
    let options = RunOptions { existing: Existing::Keep };
    Process::begin(loaded, options, Task::Merge, Box::new(|_| Ok(Vec::new())))?.whole(progress)
}

/// What everything needs.
struct Process<'a> {
    loaded: &'a Loaded,
    options: RunOptions,
    task: Task,
    start: Instant,
    started: String,
    planned: PlannedOutputs,
    prepared: Prepared,
    crew: Crew,
    work: Work,
    names: Vec<Vec<String>>,
    journal: Journal<'a>,
    plan_s: f64,
}

impl<'a> Process<'a> {
    /// All that can stop a run before its first frame does so here, before anything of an earlier run is touched.
    fn begin(
        loaded: &'a Loaded,
        options: RunOptions,
        task: Task,
        engines: Box<Engines<'_>>,
    ) -> Result<Process<'a>, RunError> {
        let start = Instant::now();
        let started = jiff::Timestamp::now().to_string();
        let config = &loaded.config;
        let planned = planned_outputs(config);
        if let Some(first) = planned.collisions.first() {
            return Err(RunError::Collision(first.clone()));
        }
        if let Some((link, target)) = planned.links_out.first().cloned() {
            return Err(RunError::LinkOut { link, target });
        }
        // In this order: a shard that begins at the same time writes its journal before its results.
        if let (Existing::Keep, Some(first), false) =
            (options.existing, planned.existing.first(), is_own(config))
        {
            return Err(RunError::Exists { count: planned.existing.len(), first: first.clone() });
        }
        let prepared = prepare(config)?;
        let plan = &prepared.plans.integration;
        let crew = Crew::new(Arc::clone(plan), engines(plan)?);
        let work = Work::of(config);
        let names = config.samples.iter().map(|sample| frame_names(&sample.frames)).collect();
        let journal = Journal::open(loaded, &work, &planned.files, (task, options.existing))?;
        let plan_s = start.elapsed().as_secs_f64();
        Ok(Process {
            loaded,
            options,
            task,
            start,
            started,
            planned,
            prepared,
            crew,
            work,
            names,
            journal,
            plan_s,
        })
    }

    fn shard(mut self, shard: Shard, progress: &Progress<'_>) -> Result<Ledger, RunError> {
        let pieces = shard.pieces(&self.work);
        let header = self.header();
        let ledger = self.frames(&self.reduction(&header), &pieces, progress).and_then(|_| {
            let own = pieces.iter().filter(|piece| matches!(piece.owner, Owner::Sample(_)));
            let mut ledgers = own.map(|piece| self.journal.ledger(piece));
            ledgers.try_fold(Ledger::default(), |sum, ledger| Ok(sum.and(ledger?)))
        });
        self.journal.end(ledger.as_ref().err().map(ToString::to_string));
        ledger
    }

    fn whole(mut self, progress: &Progress<'_>) -> Result<RunResult, RunError> {
        let pieces = Piece::all(&self.work);
        let header = self.header();
        let reduction = self.reduction(&header);
        let result = self
            .frames(&reduction, &pieces, progress)
            .and_then(|(backgrounds, timings)| self.samples(&reduction, &pieces, &backgrounds, timings));
        self.journal.end(result.as_ref().err().map(ToString::to_string));
        result
    }

    /// What stands at the head of every text output.
    fn header(&self) -> Header {
        let notes = self.loaded.tuned.iter().map(Advice::note);
        let header = output_header(&self.loaded.config, &self.prepared);
        notes.fold(header, |header, (key, value)| header.with(&key, value))
    }

    fn reduction<'p>(&'p self, header: &'p Header) -> Reduction<'p> {
        // What may not be replaced was looked for before the journal was begun: all that is there now is of this run.
        let existing = Existing::Replace;
        Reduction { config: &self.loaded.config, plans: &self.prepared.plans, header, existing }
    }

    /// Does the frames of `pieces` that are not done; a merge says which they are.
    fn frames(
        &self,
        reduction: &Reduction<'_>,
        pieces: &[Piece],
        progress: &Progress<'_>,
    ) -> Result<(Backgrounds, Timings), RunError> {
        let mut frames = Frames {
            config: &self.loaded.config,
            prepared: &self.prepared,
            crew: &self.crew,
            reduction,
            work: &self.work,
            journal: &self.journal,
            pieces,
            existing: self.options.existing,
            compared_in: is_looked_for(&self.loaded.config)
                .then(|| frame_bins(&self.loaded.config, &self.prepared.plans.integration)),
            names: &self.names,
            backgrounds: None,
            timings: Timings { plan_s: self.plan_s, ..Timings::default() },
        };
        match self.task {
            Task::Run | Task::Shard { .. } => frames.all(progress)?,
            Task::Merge => frames.are_done(progress)?,
        }
        let backgrounds = match frames.backgrounds {
            Some(backgrounds) => backgrounds,
            None => frames.made_backgrounds()?,
        };
        Ok((backgrounds, frames.timings))
    }

    /// All that follows the frames.
    fn samples(
        &self,
        reduction: &Reduction<'_>,
        pieces: &[Piece],
        backgrounds: &Backgrounds,
        timings: Timings,
    ) -> Result<RunResult, RunError> {
        self.journal.unfinish()?;
        let mut run = Run::new(&self.loaded.config, &self.prepared, &self.crew, reduction, backgrounds);
        run.timings = timings;
        run.nexus =
            Nexus::of_run(self.loaded, &self.prepared, reduction.header, &self.started, reduction.existing);
        run.take(&self.journal, pieces)?;
        run.unlike_frames();
        run.all_samples();
        let Process { loaded, start, started, planned, .. } = self;
        finish(run, loaded, planned, RunTimes::begun(started.clone()), *start)
    }
}
