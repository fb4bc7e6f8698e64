//! Frames as they come: what is new goes through a pass, and now and then all that follows is made again.
//!
//! At its end the results are those of a run over the files that are there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::RunError;
use super::journal::{Owner, Piece, Task};
use super::pass::{Doing, Done, Pass};
use super::process::{Event, Process, RunOptions, RunResult, possible_outputs};
use super::queue::{Job, Work};
use crate::config::{Loaded, files_of, numeric_order};
use crate::engine;
use crate::frame::{FrameAddress, image_count};
use crate::output::{Existing, Timings};
use crate::watch::{Completeness, Event as FileEvent, Poller, PollerSettings};

/// How a watch behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchSettings {
    /// Time between two looks at the files.
    pub interval: Duration,
    /// Samples, tables and the report are made again so long after the last time at the earliest. Where they take long, they are made less
    /// often: for a fifth of the time at most.
    pub refresh: Duration,
    /// When it ends by itself.
    pub until: Until,
    /// When a file is taken.
    pub poller: PollerSettings,
}

/// When a watch ends by itself; otherwise only when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Until {
    /// So many frames of samples are there.
    pub frames: Option<usize>,
    /// Nothing happened for so long.
    pub idle: Option<Duration>,
}

/// What a watch tells.
#[derive(Debug, Clone, Copy)]
pub enum WatchEvent<'a> {
    /// Something happened to a file.
    File(&'a FileEvent),
    /// A frame was done, or done again.
    Run(Event<'a>),
    /// All results are there, of the frames so far.
    Refreshed(&'a RunResult),
    /// It could not go on, and tries again.
    Stopped(&'a RunError),
    /// Files that are not whole at the end; they are not in the results.
    NotWhole(&'a [PathBuf]),
}

type Tell<'a> = dyn Fn(WatchEvent<'_>) + Sync + 'a;

/// After something went wrong it is tried again so much later.
const SECOND_TRY: Duration = Duration::from_secs(10);
/// Refreshing takes one part of the time in so many.
const SHARE_OF_REFRESHING: u32 = 5;
/// `stop` is looked at so often.
const NAP: Duration = Duration::from_millis(20);

/// Processes frames as they come, until `stop` is set or as `settings` say. The last results come back; `None` where no frame came.
///
/// # Errors
/// What stops a run before its first frame; what still stands in the way at the end.
pub fn watch(
    loaded: &Loaded,
    options: RunOptions,
    settings: &WatchSettings,
    stop: &AtomicBool,
    tell: &Tell<'_>,
) -> Result<Option<RunResult>, RunError> {
    let engines = |plan: &_| engine::select::select_all(&loaded.config.engine, plan);
    let (process, _) = Process::begin(loaded, options, Task::Watch, Box::new(engines))?;
    process.work(|process| {
        let watch = Watch {
            process,
            settings,
            tell,
            loaded: loaded.clone(),
            files: Files::default(),
            poller: Poller::new(settings.poller),
            changed: HashSet::new(),
            before: None,
            existing: options.existing,
            timings: process.timings(),
            left: Vec::new(),
        };
        watch.until(stop)
    })
}

struct Watch<'w> {
    process: &'w Process,
    settings: &'w WatchSettings,
    tell: &'w Tell<'w>,
    /// With the frames that there are.
    loaded: Loaded,
    files: Files,
    poller: Poller,
    /// Files that have changed since the last pass.
    changed: HashSet<PathBuf>,
    /// Of the last pass; `None` = every piece is looked at.
    before: Option<Work>,
    existing: Existing,
    timings: Timings,
    /// Results of frames that may be no more.
    left: Vec<PathBuf>,
}

impl Watch<'_> {
    fn until(mut self, stop: &AtomicBool) -> Result<Option<RunResult>, RunError> {
        let mut result = None;
        let (mut news, mut not_before) = (Instant::now(), Instant::now());
        // Whether frames wait for a pass, and results for being made again.
        let (mut waiting, mut stale) = (true, false);
        loop {
            // Before the look: what was there when it was told to stop is taken.
            let stopped = stop.load(Ordering::SeqCst);
            let happened = self.look();
            waiting |= happened;
            if happened || self.poller.is_stirring() {
                news = Instant::now();
            }
            let Until { frames, idle } = self.settings.until;
            let is_over = stopped
                || frames.is_some_and(|frames| self.frames() >= frames)
                || idle.is_some_and(|idle| news.elapsed() >= idle);
            if waiting && (is_over || happened || Instant::now() >= not_before) {
                match self.pass() {
                    Ok(()) => (waiting, stale) = (false, self.has_frames()),
                    Err(error) if is_over => return Err(error),
                    Err(error) => not_before = self.again_later(&error),
                }
            }
            if stale && !waiting && (is_over || Instant::now() >= not_before) {
                let start = Instant::now();
                match self.refresh() {
                    Ok(made) => {
                        (self.tell)(WatchEvent::Refreshed(&made));
                        (stale, result) = (false, Some(made));
                        let pause = (SHARE_OF_REFRESHING - 1) * start.elapsed();
                        not_before = Instant::now() + self.settings.refresh.max(pause);
                    }
                    Err(error) if is_over => return Err(error),
                    Err(error) => not_before = self.again_later(&error),
                }
            }
            if is_over {
                let growing: Vec<PathBuf> = self.poller.growing().map(Path::to_owned).collect();
                if !growing.is_empty() {
                    (self.tell)(WatchEvent::NotWhole(&growing));
                }
                return Ok(result);
            }
            self.sleep(stop);
        }
    }

    fn again_later(&mut self, error: &RunError) -> Instant {
        (self.tell)(WatchEvent::Stopped(error));
        self.before = None;
        Instant::now() + SECOND_TRY
    }

    fn sleep(&self, stop: &AtomicBool) {
        let start = Instant::now();
        while !stop.load(Ordering::SeqCst) && start.elapsed() < self.settings.interval {
            std::thread::sleep(NAP.min(self.settings.interval));
        }
    }

    /// Frames of samples.
    fn frames(&self) -> usize {
        self.loaded.config.samples.iter().map(|sample| sample.frames.len()).sum()
    }

    fn has_frames(&self) -> bool {
        self.frames() > 0
    }

    /// Whether something happened to the files.
    fn look(&mut self) -> bool {
        let config = &mut self.loaded.config;
        let backgrounds = config.samples.iter().flat_map(|sample| &sample.background);
        let backgrounds = backgrounds.flat_map(|background| &background.patterns);
        let patterns = config.samples.iter().flat_map(|sample| &sample.patterns).chain(backgrounds);
        self.files.look(patterns);
        let was_blind = self.poller.is_blind();
        let events = self.poller.look(&self.files.all(), &Completeness::of);
        for event in &events {
            (self.tell)(WatchEvent::File(event));
            match event {
                // One that stays cut is given to the run, which names it among those that failed.
                FileEvent::New(path) | FileEvent::Rewritten(path) | FileEvent::Incomplete { path, .. } => {
                    self.files.take(path);
                    self.changed.insert(path.clone());
                }
                FileEvent::Renamed { from, to } => {
                    self.files.leave(from);
                    self.files.take(to);
                    self.changed.insert(to.clone());
                }
                FileEvent::Vanished(path) => self.files.leave(path),
                FileEvent::OutOfSight(_) => {}
            }
        }
        for sample in &mut config.samples {
            sample.frames = self.files.frames(&sample.patterns);
            if let Some(background) = &mut sample.background {
                background.frames = self.files.frames(&background.patterns);
            }
        }
        // What could not be read meanwhile is tried again.
        let sees_again = was_blind && !self.poller.is_blind();
        if sees_again {
            self.before = None;
        }
        sees_again || !events.is_empty()
    }

    /// What is new or has changed, into the journal.
    fn pass(&mut self) -> Result<(), RunError> {
        let planned = possible_outputs(&self.loaded.config)?;
        let pass = Pass::new(self.process, &self.loaded, planned)?;
        let pieces = touched(&pass.work, self.before.as_ref(), &self.changed);
        let progress = |event: Event<'_>| (self.tell)(WatchEvent::Run(event));
        let Done { timings, before, .. } =
            pass.frames(&pieces, Doing::Rest(self.existing), self.timings, &progress)?;
        self.before = Some(pass.work);
        self.timings = timings;
        self.left.extend(before);
        self.existing = Existing::Keep;
        self.changed.clear();
        Ok(())
    }

    /// All that follows the frames.
    fn refresh(&mut self) -> Result<RunResult, RunError> {
        let planned = possible_outputs(&self.loaded.config)?;
        let pass = Pass::new(self.process, &self.loaded, planned)?;
        let trusted = pass.trusted(self.timings)?;
        let result = pass.finish(Done { before: self.left.clone(), ..trusted })?;
        self.left.clear();
        Ok(result)
    }
}

/// Pieces that are not as they were `before`, or hold a file that has changed, with all backgrounds; all pieces where a background is touched.
fn touched(now: &Work, before: Option<&Work>, changed: &HashSet<PathBuf>) -> Vec<Piece> {
    let pieces = Piece::all(now);
    let Some(before) = before else { return pieces };
    let old = Piece::all(before);
    let old: HashMap<(Owner, usize), &[Job]> =
        old.iter().map(|piece| ((piece.owner, piece.number), piece.jobs(before))).collect();
    let is_touched = |piece: &Piece| {
        let jobs = piece.jobs(now);
        let addresses = |jobs: &[Job]| jobs.iter().map(|job| job.address.clone()).collect::<Vec<_>>();
        let as_before =
            old.get(&(piece.owner, piece.number)).is_some_and(|old| addresses(old) == addresses(jobs));
        !as_before || jobs.iter().any(|job| changed.contains(&job.address.path))
    };
    let is_background = |piece: &Piece| matches!(piece.owner, Owner::Background(_));
    let same_backgrounds = now.backgrounds == before.backgrounds
        && !pieces.iter().any(|piece| is_background(piece) && is_touched(piece));
    if !same_backgrounds {
        return pieces;
    }
    pieces.into_iter().filter(|piece| is_background(piece) || is_touched(piece)).collect()
}

/// Files of the samples and backgrounds.
#[derive(Debug, Default)]
struct Files {
    /// Those that each pattern matches.
    of_pattern: HashMap<String, Vec<PathBuf>>,
    /// Those that are whole, each with its images.
    taken: BTreeMap<PathBuf, usize>,
}

impl Files {
    /// Looks what the patterns match. What was taken and is out of sight stays, until it is said to have vanished.
    fn look<'p>(&mut self, patterns: impl Iterator<Item = &'p String>) {
        let mut before = std::mem::take(&mut self.of_pattern);
        for pattern in patterns {
            if self.of_pattern.contains_key(pattern) {
                continue;
            }
            let mut files = files_of(pattern);
            let there: HashSet<PathBuf> = files.iter().cloned().collect();
            let hidden = before.remove(pattern).unwrap_or_default().into_iter();
            let hidden: Vec<PathBuf> =
                hidden.filter(|file| self.taken.contains_key(file) && !there.contains(file)).collect();
            if !hidden.is_empty() {
                files.extend(hidden);
                files.sort_by(|a, b| numeric_order(a, b));
            }
            self.of_pattern.insert(pattern.clone(), files);
        }
    }

    fn all(&self) -> std::collections::BTreeSet<PathBuf> {
        self.of_pattern.values().flatten().cloned().collect()
    }

    fn take(&mut self, path: &Path) {
        // One that cannot be read is one frame, which fails.
        self.taken.insert(path.to_owned(), image_count(path).unwrap_or(1).max(1));
    }

    fn leave(&mut self, path: &Path) {
        self.taken.remove(path);
    }

    /// Frames of patterns: in their order, the files of one in numeric order, the images of one in its order.
    fn frames(&self, patterns: &[String]) -> Vec<FrameAddress> {
        let files = patterns.iter().filter_map(|pattern| self.of_pattern.get(pattern)).flatten();
        let taken = files.filter_map(|path| Some((path, *self.taken.get(path)?)));
        taken
            .flat_map(|(path, images)| (0..images).map(|image| FrameAddress { path: path.clone(), image }))
            .collect()
    }
}
