//! `halor watch`: frames as they come.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use halor::batch::{self, Event, RunOptions, RunResult, Until, WatchEvent, WatchSettings};
use halor::config;
use halor::output::{Existing, FrameRecord, Status};
use halor::watch::{Event as FileEvent, LiveState, PageServer, PollerSettings};
use signal_hook::consts::TERM_SIGNALS;

use super::run::{finished, in_words, outcome_of_error};
use super::{Outcome, RunFileArgs, say};

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    file: RunFileArgs,
    /// Replace results that are there already, and do everything again.
    #[arg(long)]
    force: bool,
    /// Seconds between two looks at the files.
    #[arg(long, default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Seconds after which samples, tables and the report are made again, at the earliest.
    #[arg(long, default_value = "10", value_parser = seconds)]
    refresh: Duration,
    /// End when the samples have so many frames.
    #[arg(long, value_name = "N")]
    frames: Option<usize>,
    /// End when nothing has happened for so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle: Option<Duration>,
    /// Looks over which a file that is cut short by its own header holds still before it is given up; it is taken should it grow after that.
    #[arg(long, value_name = "LOOKS", default_value_t = PollerSettings::default().patience)]
    patience: usize,
    /// Port of the page on this machine (127.0.0.1 only); 0 = any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve no page.
    #[arg(long, conflicts_with = "port")]
    no_page: bool,
}

/// A number of seconds above 0.
fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        Ok(_) | Err(_) => Err(format!("{text} seconds cannot be waited; expected a number above 0")),
    }
}

pub(super) fn run(args: &WatchArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let loaded = match config::load_before_frames(&args.file.run_file, &args.file.all_overrides()) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(&error);
            let missing = error.only_missing_inputs();
            return Ok(if missing { Outcome::InputMissing } else { Outcome::Configuration });
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        // The second one ends the process at once; the journal knows how to go on.
        signal_hook::flag::register_conditional_shutdown(*signal, 1, Arc::clone(&stop)).context("signals")?;
        signal_hook::flag::register(*signal, Arc::clone(&stop)).context("signals")?;
    }
    let page = match (!args.no_page).then(|| PageServer::start(&loaded.config.output, args.port)).transpose()
    {
        Ok(page) => page,
        Err(error) => {
            say(format_args!("error: {error}"));
            return Ok(Outcome::Configuration);
        }
    };
    let teller = Teller { page: page.as_ref(), quiet, failed: Mutex::default() };
    teller.begin(&loaded.config.source);
    let settings = WatchSettings {
        interval: args.interval,
        refresh: args.refresh,
        until: Until { frames: args.frames, idle: args.idle },
        poller: PollerSettings { patience: args.patience, ..PollerSettings::default() },
    };
    let options = RunOptions { existing: if args.force { Existing::Replace } else { Existing::Keep } };
    match batch::watch(&loaded, options, &settings, &stop, &|event| teller.tell(event)) {
        Ok(Some(result)) => finished(&result, args.file.json, quiet),
        Ok(None) => {
            say("no frame came");
            Ok(Outcome::InputMissing)
        }
        Err(error) => Ok(outcome_of_error(&error)),
    }
}

/// Says what happens, on stderr and on the page.
struct Teller<'a> {
    page: Option<&'a PageServer>,
    quiet: bool,
    /// Frames that failed, with the reason that was said.
    failed: Mutex<HashMap<(PathBuf, usize), String>>,
}

impl Teller<'_> {
    fn begin(&self, run_file: &Path) {
        let Some(page) = self.page else { return };
        page.tell(|live| live.run_file = run_file.display().to_string());
        if !self.quiet {
            say(format_args!("watching {}; live at {}", run_file.display(), page.url()));
        }
    }

    fn say(&self, line: String) {
        if !self.quiet {
            say(&line);
        }
        self.on_page(|live| live.say(line));
    }

    fn on_page(&self, change: impl FnOnce(&mut LiveState)) {
        if let Some(page) = self.page {
            page.tell(change);
        }
    }

    fn tell(&self, event: WatchEvent<'_>) {
        match event {
            WatchEvent::File(event) => self.file(event),
            WatchEvent::Run(Event::Frame(frame)) => self.frame(frame),
            // A piece is done again with each frame that comes into it.
            WatchEvent::Run(Event::Kept(_) | Event::Again(_)) => {}
            WatchEvent::Refreshed(result) => self.refreshed(result),
            WatchEvent::Stopped(error) => self.say(format!("error: {error}; it is tried again")),
            WatchEvent::NotWhole(files) => {
                files.iter().for_each(|file| self.say(format!("not whole, left out: {}", file.display())));
            }
        }
    }

    fn file(&self, event: &FileEvent) {
        match event {
            // The frame is told.
            FileEvent::New(path) => self.on_page(|live| live.say(path.display().to_string())),
            FileEvent::Rewritten(path) => self.say(format!("written again: {}", path.display())),
            FileEvent::Renamed { from, to } => {
                self.say(format!("renamed: {} to {}", from.display(), to.display()));
            }
            FileEvent::Vanished(path) => {
                self.say(format!("gone, and its results with it: {}", path.display()));
            }
            FileEvent::OutOfSight(files) => {
                self.say(format!(
                    "{files} files are out of sight; their results stay until they are seen again"
                ));
            }
            FileEvent::Incomplete { path, reason } => self.say(format!("{}: {reason}", path.display())),
        }
    }

    fn frame(&self, frame: &FrameRecord) {
        let key = (frame.path.clone(), frame.image);
        let mut known = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let (Status::Failed(reason) | Status::Skipped(reason)) = &frame.status else {
            known.remove(&key);
            return;
        };
        if known.insert(key, reason.clone()).as_ref() != Some(reason) {
            self.say(format!("failed: {}: {reason}", frame.path.display()));
        }
    }

    fn refreshed(&self, result: &RunResult) {
        let (ledger, time) = (result.record.ledger, result.times.finished.clone());
        self.on_page(|live| {
            (live.frames, live.failed) = (ledger.found, ledger.failed + ledger.skipped);
            live.refreshed += 1;
            live.refreshed_at = Some(time);
        });
        self.say(in_words(ledger));
    }
}
