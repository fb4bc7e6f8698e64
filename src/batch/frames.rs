//! Frames through engine and reduction, piece by piece into the journal.

use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;

use super::error::RunError;
use super::intake::{Taken, TakenBatch, integrate_ahead};
use super::journal::{Contents, Failed, FrameState, Journal, Owner, Piece, Stamp, Standing, State, Sums};
use super::memory::Memory;
use super::missing::Missing;
use super::nexus::bins_of_frames;
use super::open::{Open, Whole};
use super::pass::Done;
use super::prepare::Prepared;
use super::process::{Again, Event, Progress};
use super::queue::{Job, Role, Work, read_ahead};
use super::reduction::{Of, Reduction, ReductionError, Results, Subject};
use super::sums::{Backgrounds, Sum};
use crate::config::Config;
use crate::engine::crew::Crew;
use crate::integrate::Accumulators;
use crate::output::{Existing, Status, Timings};
use crate::series::FrameBins;

/// What frames go through, and what comes of them.
pub(super) struct Frames<'a> {
    pub(super) config: &'a Config,
    pub(super) prepared: &'a Prepared,
    pub(super) crew: &'a Crew,
    pub(super) reduction: &'a Reduction<'a>,
    pub(super) work: &'a Work,
    pub(super) journal: &'a Journal<'a>,
    /// What is asked for: all of a run, or a shard's with the backgrounds that it needs.
    pub(super) pieces: &'a [Piece],
    /// In which frames are compared; `None` = they are not.
    pub(super) compared_in: Option<FrameBins>,
    /// Names of each sample's frames.
    pub(super) names: &'a [Vec<String>],
    /// Whether what others have done meanwhile is kept.
    pub(super) existing: Existing,
    /// Made when the backgrounds are done.
    pub(super) backgrounds: Option<Backgrounds>,
    /// Results that pieces had which were done again.
    pub(super) before: Vec<PathBuf>,
    pub(super) timings: Timings,
}

impl<'a> Frames<'a> {
    /// Does all of the pieces that are not done yet; with [`Existing::Replace`] all. What holds, and what is done again for which
    /// reason, is told first.
    pub(super) fn all(&mut self, existing: Existing, progress: &Progress<'_>) -> Result<(), RunError> {
        self.existing = existing;
        let (backgrounds, samples) = parted(self.pieces);
        let (contents, mut kept) = (Contents::default(), 0);
        match self.existing {
            // Whether a sample's piece holds depends on what is subtracted from it.
            Existing::Keep if samples.iter().any(|piece| self.journal.knows(piece)) => {
                let backgrounds = self.to_do(&backgrounds, &contents, &mut kept, progress);
                self.some(&backgrounds, progress)?;
                self.make_backgrounds()?;
                let samples = self.to_do(&samples, &contents, &mut kept, progress);
                progress(Event::Kept(kept));
                self.some(&samples, progress)
            }
            Existing::Keep => {
                let mut all = self.to_do(&backgrounds, &contents, &mut kept, progress);
                progress(Event::Kept(kept));
                all.extend(samples);
                self.some(&all, progress)
            }
            Existing::Replace => {
                let left = self.journal.forget(self.pieces)?;
                self.before.extend(left);
                self.some(&[backgrounds, samples].concat(), progress)
            }
        }
    }

    /// What there is for what follows.
    pub(super) fn done(mut self) -> Result<Done, RunError> {
        let backgrounds = match self.backgrounds.take() {
            Some(backgrounds) => backgrounds,
            None => self.made_backgrounds()?,
        };
        Ok(Done { backgrounds, timings: self.timings, before: self.before })
    }

    /// # Errors
    /// [`RunError::Incomplete`]: some of the pieces are not done.
    pub(super) fn are_done(&mut self, progress: &Progress<'_>) -> Result<(), RunError> {
        let (backgrounds, samples) = parted(self.pieces);
        let contents = Contents::default();
        let mut missing = Missing::new(self.config);
        missing.add(&backgrounds, self.standings(&backgrounds, Failed::Accept, &contents));
        if missing.is_none() {
            self.make_backgrounds()?;
            missing.add(&samples, self.standings(&samples, Failed::Accept, &contents));
        }
        progress(Event::Kept(missing.there));
        if missing.is_none() { Ok(()) } else { Err(RunError::Incomplete(missing.words(self.pieces))) }
    }

    /// How it is with pieces, of which the backgrounds are done; see [`Journal::standing`].
    fn standings(&self, pieces: &[&Piece], failed: Failed, contents: &Contents) -> Vec<Standing> {
        let of_piece = |piece: &&Piece| {
            let (names, background) = match piece.owner {
                Owner::Background(_) => (&[][..], ""),
                Owner::Sample(sample) => {
                    let names = &self.names[sample][piece.first..piece.first + piece.len()];
                    (names, self.subtracted_from(sample))
                }
            };
            self.journal.standing(piece, self.work, names, (background, failed), contents)
        };
        pieces.par_iter().map(of_piece).collect()
    }

    /// What is subtracted from a sample, for the journal.
    fn subtracted_from(&self, sample: usize) -> &str {
        self.backgrounds.as_ref().map_or("", |backgrounds| backgrounds.name(sample))
    }

    fn to_do<'p>(
        &self,
        pieces: &[&'p Piece],
        contents: &Contents,
        kept: &mut usize,
        progress: &Progress<'_>,
    ) -> Vec<&'p Piece> {
        let (mut to_do, mut again) = (Vec::new(), Vec::<Again>::new());
        for (piece, standing) in pieces.iter().zip(self.standings(pieces, Failed::TryAgain, contents)) {
            match standing {
                Standing::Done => *kept += piece.len(),
                Standing::New => to_do.push(*piece),
                Standing::Again(reason) => {
                    to_do.push(*piece);
                    match again.iter_mut().find(|known| known.reason == reason) {
                        Some(known) => known.frames += piece.len(),
                        None => again.push(Again { frames: piece.len(), reason }),
                    }
                }
            }
        }
        again.iter().for_each(|again| progress(Event::Again(again)));
        to_do
    }

    /// Does `pieces`, which are in the order of the run.
    fn some(&mut self, pieces: &[&Piece], progress: &Progress<'_>) -> Result<(), RunError> {
        if pieces.is_empty() {
            return Ok(());
        }
        self.journal.unfinish()?;
        let jobs: Vec<Job> = pieces.iter().flat_map(|piece| piece.jobs(self.work).iter().cloned()).collect();
        let (config, crew) = (self.config, self.crew);
        let (shape, size) = (self.prepared.plans.integration.shape, self.batch_size());
        let mut open = Open::new(pieces);
        std::thread::scope(|scope| {
            let read = read_ahead(scope, &jobs, size);
            for batch in integrate_ahead(scope, read, config, shape, crew) {
                self.batch(batch, &mut open, progress)?;
            }
            Ok(())
        })
    }

    /// As many frames as the engines like, or as the memory holds.
    fn batch_size(&self) -> usize {
        let memory = Memory::of(self.config, self.prepared, &self.crew.kinds());
        self.crew.batch_size().min(memory.frames_within(self.config.memory_limit_bytes))
    }

    /// One batch: backgrounds into their pieces, then samples through the reduction into theirs.
    fn batch(
        &mut self,
        batch: TakenBatch,
        open: &mut Open<'_>,
        progress: &Progress<'_>,
    ) -> Result<(), RunError> {
        let TakenBatch { taken, stamps, contradictions, read_time, integrate_time, redone } = batch;
        self.timings.read_s += read_time.as_secs_f64();
        self.timings.integrate_s += integrate_time.as_secs_f64();
        let start = Instant::now();
        open.begin_batch(redone);
        let is_background = |frame: &Taken| matches!(frame.job.role, Role::Background(_));
        // Backgrounds come before all samples in the order of jobs.
        let backgrounds = taken.iter().take_while(|frame| is_background(frame)).count();
        let mut frames = taken.into_iter().zip(stamps).zip(contradictions);
        for ((frame, stamp), contradictions) in frames.by_ref().take(backgrounds) {
            let ended = self.ended(frame, Ok(Results::default()));
            self.keep(ended.with(stamp, contradictions), open, progress)?;
        }
        let rest: Vec<((Taken, _), _)> = frames.collect();
        if !rest.is_empty() && self.backgrounds.is_none() {
            self.make_backgrounds()?;
        }
        let reduced = self.reduced(&rest.iter().map(|((frame, _), _)| frame).collect::<Vec<_>>());
        for (((frame, stamp), contradictions), reduced) in rest.into_iter().zip(reduced) {
            let ended = self.ended(frame, reduced);
            self.keep(ended.with(stamp, contradictions), open, progress)?;
        }
        self.timings.reduce_and_write_s += start.elapsed().as_secs_f64();
        Ok(())
    }

    /// A frame with what it gave.
    fn ended(&self, frame: Taken, reduced: Result<Results, Status>) -> Ended {
        let Taken { job, mut record, sums } = frame;
        let (name, place) = match job.role {
            Role::Background(_) => (String::new(), 0),
            Role::Sample(sample, place) => (self.names[sample][place].clone(), place),
        };
        let (results, sums) = match reduced {
            Ok(results) => (results, sums),
            Err(status) => {
                record.status = status;
                // The sums of a frame that could not be reduced are not those of its sample.
                sums.into_iter().for_each(|sums| self.crew.take_back(sums));
                (Results::default(), None)
            }
        };
        let patterns = results.ring.as_ref().map(|(patterns, _)| patterns);
        let patterns = patterns.filter(|_| sums.is_some());
        let both = patterns.zip(self.compared_in.as_ref());
        let curve = both.map(|(patterns, bins)| bins.curve(&name, place, &patterns.measured));
        if let Some(reason) = results.ring_unreduced {
            record.status = Status::Failed(format!("{}: {reason}", record.path.display()));
        }
        let state = FrameState {
            record,
            name,
            stamp: None,
            contradictions: Vec::new(),
            warnings: results.warnings,
            rows: results.rows,
            curve,
            outputs: results.files,
        };
        Ended { state, sums }
    }

    /// A frame into its piece; a piece that is whole, into the journal.
    fn keep(&mut self, ended: Ended, open: &mut Open<'_>, progress: &Progress<'_>) -> Result<(), RunError> {
        let Ended { mut state, sums } = ended;
        let mut of_frame = None;
        if let Some(sums) = sums {
            match open.sum.add(&sums) {
                Ok(()) => of_frame = self.bins_kept(open).map(|bins| sums.first(bins)),
                Err(error) => state.record.status = Status::Failed(error.to_string()),
            }
            self.crew.take_back(sums);
        }
        progress(Event::Frame(&state.record));
        open.add(state, of_frame);
        let Some(Whole { piece, frames, sum, mut frame_sums, redone }) = open.whole() else { return Ok(()) };
        if frame_sums.iter().all(Option::is_none) {
            frame_sums.clear();
        }
        let background = match piece.owner {
            Owner::Background(_) => "",
            Owner::Sample(sample) => self.subtracted_from(sample),
        };
        let state = State {
            depends_on: self.journal.depends_on(background),
            engines: self.crew.uses().into_iter().map(|used| used.info).collect(),
            redone,
            frames,
            summed: sum.frames,
            sums: sum.sums,
            frame_sums,
        };
        if self.existing == Existing::Keep && self.journal.was_first(piece, &state) {
            return Ok(());
        }
        self.before.extend(self.journal.outputs(piece));
        Ok(self.journal.write(piece, &state)?)
    }

    /// How many of a frame's sums the journal keeps for the NeXus file; `None` for a background's frame, or without such a file.
    fn bins_kept(&self, open: &Open<'_>) -> Option<usize> {
        match open.piece?.owner {
            Owner::Sample(_) => self.config.exports.nexus.as_ref().map(|_| bins_of_frames(self.config)),
            Owner::Background(_) => None,
        }
    }

    fn make_backgrounds(&mut self) -> Result<(), RunError> {
        self.backgrounds = Some(self.made_backgrounds()?);
        Ok(())
    }

    /// Adds up the backgrounds that are needed, from the journal.
    fn made_backgrounds(&self) -> Result<Backgrounds, RunError> {
        let mut sums = vec![Sum::default(); self.work.backgrounds.len()];
        for piece in self.pieces {
            if let Owner::Background(index) = piece.owner
                && self.journal.knows(piece)
                && let State { sums: Some(piece), summed, .. } = self.journal.read(piece, Sums::Taken)?
            {
                sums[index].join(&piece, summed)?;
            }
        }
        Ok(Backgrounds::new(self.config, self.prepared, self.work, &sums))
    }

    /// Results of each sample's frame; nothing for one that failed before.
    fn reduced(&self, taken: &[&Taken]) -> Vec<Result<Results, Status>> {
        let subjects: Vec<Option<Result<Subject<'_>, Status>>> =
            taken.iter().map(|frame| self.subject(frame)).collect();
        let there: Vec<Subject<'_>> = subjects.iter().flatten().flatten().copied().collect();
        let mut results = self.reduction.all(&there).into_iter();
        let of_frame = |(frame, subject): (&&Taken, Option<Result<Subject<'_>, Status>>)| {
            let Some(subject) = subject else { return Ok(Results::default()) };
            subject?;
            let failed = |e: ReductionError| Status::Failed(format!("{}: {e}", frame.record.path.display()));
            results.next().unwrap_or_else(|| Ok(Results::default())).map_err(failed)
        };
        taken.iter().zip(subjects).map(of_frame).collect()
    }

    /// What there is to reduce of a frame, or why it is skipped.
    fn subject<'t>(&'t self, frame: &'t Taken) -> Option<Result<Subject<'t>, Status>> {
        let (Role::Sample(sample, place), Some(sums)) = (frame.job.role, &frame.sums) else { return None };
        let of = Of::Frame(&self.names[sample][place]);
        let background = self.backgrounds.as_ref().map_or(Ok(None), |all| all.of(sample));
        let background = background.map_err(Status::Skipped);
        Some(background.map(|background| Subject { sample, of, sums, background }))
    }
}

/// Pieces of backgrounds, and those of samples.
fn parted(pieces: &[Piece]) -> (Vec<&Piece>, Vec<&Piece>) {
    pieces.iter().partition(|piece| matches!(piece.owner, Owner::Background(_)))
}

/// A frame that has ended, and what of it goes into sums.
struct Ended {
    state: FrameState,
    sums: Option<Accumulators>,
}

impl Ended {
    fn with(mut self, stamp: Option<Stamp>, contradictions: Vec<String>) -> Ended {
        (self.state.stamp, self.state.contradictions) = (stamp, contradictions);
        self
    }
}
