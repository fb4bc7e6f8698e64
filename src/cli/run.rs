//! `halor run`: process a series.

use std::io::ErrorKind;

use anyhow::Context;
use clap::Args;
use halor::batch::{self, PrepareError, RunError, RunOptions, RunResult};
use halor::config::Loaded;
use halor::engine::EngineError;
use halor::frame::FrameError;
use halor::output::{Existing, Ledger, RunRecord, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, RunFileArgs, check, print, say};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: RunFileArgs,
    /// Replace results that are there already.
    #[arg(long)]
    force: bool,
    /// Write the covariance of all points of each sample's G(r) from counting, NAME.gr.covariance.npy.
    #[arg(long)]
    covariance: bool,
    /// Validate and print the plan only, as `halor check`.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &RunArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let mut file = args.file.clone();
    file.overrides.extend(args.covariance.then(|| "pdf.covariance=on".to_owned()));
    if args.dry_run {
        return check::check(&file, existing, quiet);
    }
    let loaded = match file.load() {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let result = match process(&loaded, existing, quiet || args.file.json) {
        Ok(result) => result,
        Err(outcome) => return Ok(outcome),
    };
    report(&result.record, quiet);
    if args.file.json {
        print(&serde_json::to_string_pretty(&result.record).context("run.json")?);
    }
    Ok(outcome_of(&result.record))
}

/// Runs with a progress bar on stderr; an error is printed.
pub(super) fn process(loaded: &Loaded, existing: Existing, quiet: bool) -> Result<RunResult, Outcome> {
    let frames = batch::frame_count(&loaded.config) as u64;
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(frames), target);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} frames {wide_bar} {per_sec} {eta}") {
        bar.set_style(style);
    }
    let result = batch::run(loaded, RunOptions { existing }, &|frame| {
        match &frame.status {
            Status::Done => {}
            Status::Failed(reason) => bar.suspend(|| say(format_args!("failed: {reason}"))),
            Status::Skipped(reason) => {
                bar.suspend(|| say(format_args!("skipped: {}: {reason}", frame.path.display())))
            }
            // Known after the last frame: `report` says it.
            Status::LeftOut(_) => {}
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    result.map_err(|error| {
        say(format_args!("error: {error}"));
        match error {
            RunError::Engine(EngineError::NoGpu { .. } | EngineError::NoAdapter { .. }) => {
                Outcome::GpuMissing
            }
            RunError::Prepare(PrepareError::File(FrameError::Io { source, .. }))
                if source.kind() == ErrorKind::NotFound =>
            {
                Outcome::InputMissing
            }
            RunError::Exists { .. }
            | RunError::Collision(_)
            | RunError::LinkOut { .. }
            | RunError::Prepare(_)
            | RunError::Engine(_)
            | RunError::Output(_)
            | RunError::Picture(_)
            | RunError::Report(_)
            | RunError::Weights(_)
            | RunError::Record(_) => Outcome::Configuration,
        }
    })
}

/// Failed samples on stderr, and unless `quiet` the warnings and the ledger.
pub(super) fn report(record: &RunRecord, quiet: bool) {
    for (sample, reason) in &record.failed_samples {
        say(format_args!("failed: sample {sample}: {reason}"));
    }
    if quiet {
        return;
    }
    for (sample, verdict) in record.series.iter().chain(&record.anisotropy) {
        say(format_args!("{sample}: {verdict}"));
    }
    record.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
    let Ledger { found, done, failed, skipped, left_out } = record.ledger;
    let (seconds, engine) = (record.timings.total_s, &record.engine);
    say(format_args!(
        "{found} frames: {done} done, {failed} failed, {skipped} skipped, {left_out} left out; {seconds:.2} s on {} ({})",
        engine.kind, engine.device
    ));
}

pub(super) fn outcome_of(record: &RunRecord) -> Outcome {
    if record.ledger.done + record.ledger.left_out == record.ledger.found && record.failed_samples.is_empty()
    {
        Outcome::Done
    } else {
        Outcome::SomeFailed
    }
}
