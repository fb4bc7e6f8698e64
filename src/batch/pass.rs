//! The frames that there are, once through: those that are not done into the journal, and what follows from all.

use std::path::PathBuf;

use super::drift::{frame_bins, is_looked_for};
use super::error::RunError;
use super::files::PlannedOutputs;
use super::finish::finish;
use super::frames::Frames;
use super::header::output_header;
use super::journal::{Journal, Owner, Piece};
use super::nexus::Nexus;
use super::process::{Process, Progress, RunResult};
use super::queue::Work;
use super::reduction::Reduction;
use super::run::Run;
use super::sums::Backgrounds;
use crate::config::Loaded;
use crate::output::{Existing, Header, Ledger, RunTimes, Timings, frame_names};
use crate::tune::Advice;

/// What is done about frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Those that are not done are; with [`Existing::Replace`] all.
    Rest(Existing),
    /// Nothing: they have to be done.
    Nothing,
}

/// What a pass leaves for what follows.
#[derive(Debug)]
pub(super) struct Done {
    /// What is subtracted.
    pub(super) backgrounds: Backgrounds,
    /// Time that it took.
    pub(super) timings: Timings,
    /// Results, relative to the output folder, that pieces had which were done again: they may be of frames that are no more.
    pub(super) before: Vec<PathBuf>,
}

/// Frames, and what they go through.
pub(super) struct Pass<'a> {
    process: &'a Process,
    loaded: &'a Loaded,
    planned: PlannedOutputs,
    pub(super) work: Work,
    /// Of each sample's frames.
    names: Vec<Vec<String>>,
    journal: Journal<'a>,
    /// What stands at the head of every text output.
    header: Header,
}

impl<'a> Pass<'a> {
    /// Through the frames that `loaded` has, which give the `planned` files.
    pub(super) fn new(
        process: &'a Process,
        loaded: &'a Loaded,
        planned: PlannedOutputs,
    ) -> Result<Pass<'a>, RunError> {
        let config = &loaded.config;
        let work = Work::of(config);
        let names = config.samples.iter().map(|sample| frame_names(&sample.frames)).collect();
        let journal = process.held.journal(config, &work)?;
        let notes = loaded.tuned.iter().map(Advice::note);
        let header = output_header(config, &process.prepared);
        let header = notes.fold(header, |header, (key, value)| header.with(&key, value));
        Ok(Pass { process, loaded, planned, work, names, journal, header })
    }

    fn reduction(&self) -> Reduction<'_> {
        // What may not be replaced was looked for before the journal was begun: all that is there now is of this run.
        let existing = Existing::Replace;
        let plans = &self.process.prepared.plans;
        Reduction { config: &self.loaded.config, plans, header: &self.header, existing }
    }

    /// Those of `pieces`, among which are all backgrounds that the others need. The time goes on from `timings`.
    pub(super) fn frames(
        &self,
        pieces: &[Piece],
        doing: Doing,
        timings: Timings,
        progress: &Progress<'_>,
    ) -> Result<Done, RunError> {
        let reduction = self.reduction();
        let mut frames = self.through(&reduction, pieces, timings);
        match doing {
            Doing::Rest(existing) => frames.all(existing, progress)?,
            Doing::Nothing => frames.are_done(progress)?,
        }
        frames.done()
    }

    /// As if all pieces had been looked at just now.
    pub(super) fn trusted(&self, timings: Timings) -> Result<Done, RunError> {
        self.through(&self.reduction(), &Piece::all(&self.work), timings).done()
    }

    fn through<'p>(
        &'p self,
        reduction: &'p Reduction<'p>,
        pieces: &'p [Piece],
        timings: Timings,
    ) -> Frames<'p> {
        let (config, prepared) = (&self.loaded.config, &self.process.prepared);
        Frames {
            config,
            prepared,
            crew: &self.process.crew,
            reduction,
            work: &self.work,
            journal: &self.journal,
            pieces,
            existing: Existing::Keep,
            compared_in: is_looked_for(config).then(|| frame_bins(config, &prepared.plans.integration)),
            names: &self.names,
            backgrounds: None,
            before: Vec::new(),
            timings,
        }
    }

    /// What became of the frames of the samples' pieces.
    pub(super) fn ledger(&self, pieces: &[Piece]) -> Result<Ledger, RunError> {
        let own = pieces.iter().filter(|piece| matches!(piece.owner, Owner::Sample(_)));
        let mut ledgers = own.map(|piece| self.journal.ledger(piece));
        ledgers.try_fold(Ledger::default(), |sum, ledger| Ok(sum.and(ledger?)))
    }

    /// All that follows the frames, which are done. Results of frames that are no more go.
    pub(super) fn finish(&self, done: Done) -> Result<RunResult, RunError> {
        self.journal.unfinish()?;
        let (Process { prepared, crew, started, start, .. }, loaded) = (self.process, self.loaded);
        let reduction = self.reduction();
        let mut run = Run::new(&loaded.config, prepared, crew, &reduction, &done.backgrounds);
        run.timings = done.timings;
        run.nexus = Nexus::of_run(loaded, prepared, &self.header, started, reduction.existing);
        run.take(&self.journal, &Piece::all(&self.work))?;
        run.unlike_frames();
        run.all_samples();
        let of_no_frame = done.before.into_iter().chain(self.journal.beyond(&self.work));
        let of_no_frame = of_no_frame.map(|file| loaded.config.output.join(file));
        let possible: Vec<PathBuf> = self.planned.files.iter().cloned().chain(of_no_frame).collect();
        finish(run, loaded, &possible, RunTimes::begun(started.clone()), *start)
    }
}
