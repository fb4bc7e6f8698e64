//! `halor run`: process a series.

use std::io::ErrorKind;

use anyhow::Context;
use clap::Args;
use halor::batch::{self, Event, PrepareError, Progress, RunError, RunOptions, RunResult, Shard};
use halor::config::Loaded;
use halor::engine::EngineError;
use halor::frame::FrameError;
use halor::output::{Existing, Ledger, RunRecord, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, RunFileArgs, check, print, say, tune};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: RunFileArgs,
    /// Replace results that are there already, and do everything again. Without it a run goes on with what an earlier one of the
    /// same run file has left, and does again only what is not as it was.
    #[arg(long)]
    force: bool,
    /// Do the frames of one of N shards only, such as 2/8; `halor merge` then makes the rest.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["dry_run", "tune"])]
    shard: Option<Shard>,
    /// Write the covariance of all points of each sample's G(r) from counting, NAME.gr.covariance.npy.
    #[arg(long)]
    covariance: bool,
    /// First vary the background's scale, r_poly and Qmax on the reference sample as `halor tune` does, and take on what it advises.
    #[arg(long)]
    tune: bool,
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
    let loaded = match if args.tune { tuned(&file, quiet) } else { file.load() } {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let quiet_bar = quiet || args.file.json;
    if let Some(shard) = args.shard {
        return Ok(match of_shard(&loaded, shard, existing, quiet_bar) {
            Ok(ledger) => {
                if !quiet {
                    say(format_args!("shard {shard}: {}", in_words(ledger)));
                }
                if args.file.json {
                    print(&serde_json::to_string_pretty(&ledger).context("ledger")?);
                }
                if ledger.done == ledger.found { Outcome::Done } else { Outcome::SomeFailed }
            }
            Err(outcome) => outcome,
        });
    }
    let result = match process(&loaded, existing, quiet_bar) {
        Ok(result) => result,
        Err(outcome) => return Ok(outcome),
    };
    finished(&result, args.file.json, quiet)
}

/// Says how a run or merge ended.
pub(super) fn finished(result: &RunResult, json: bool, quiet: bool) -> anyhow::Result<Outcome> {
    report(result, quiet);
    if json {
        print(&serde_json::to_string_pretty(&result.record).context("run.json")?);
    }
    Ok(outcome_of(&result.record))
}

/// The configuration with what tuning advises; that is printed, and noted.
fn tuned(file: &RunFileArgs, quiet: bool) -> Result<Loaded, Outcome> {
    let found = tune::of_sample(&file.load()?, file, None)?;
    if !quiet {
        let sample = &found.sample;
        found.scan.advised.iter().for_each(|advice| say(format_args!("tuned on {sample}: {advice}")));
    }
    let mut file = file.clone();
    file.overrides.extend(found.overrides);
    Ok(Loaded { tuned: found.scan.advised, ..file.load()? })
}

/// Runs with a progress bar on stderr; an error is printed.
pub(super) fn process(loaded: &Loaded, existing: Existing, quiet: bool) -> Result<RunResult, Outcome> {
    watched(loaded, quiet, |progress| batch::run(loaded, RunOptions { existing }, progress))
}

fn of_shard(loaded: &Loaded, shard: Shard, existing: Existing, quiet: bool) -> Result<Ledger, Outcome> {
    watched(loaded, quiet, |progress| batch::run_shard(loaded, shard, RunOptions { existing }, progress))
}

/// Merges likewise.
pub(super) fn merge(loaded: &Loaded, quiet: bool) -> Result<RunResult, Outcome> {
    watched(loaded, quiet, |progress| batch::merge(loaded, progress))
}

fn watched<T>(
    loaded: &Loaded,
    quiet: bool,
    work: impl FnOnce(&Progress<'_>) -> Result<T, RunError>,
) -> Result<T, Outcome> {
    let frames = batch::frame_count(&loaded.config) as u64;
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(frames), target);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} frames {wide_bar} {per_sec} {eta}") {
        bar.set_style(style);
    }
    let result = work(&|event| match event {
        Event::Kept(frames) => {
            if frames > 0 && !quiet {
                bar.suspend(|| say(format_args!("{frames} frames are done already")));
            }
            bar.inc(frames as u64);
        }
        Event::Again(again) => {
            if !quiet {
                bar.suspend(|| say(format_args!("{} frames are done again: {}", again.frames, again.reason)));
            }
        }
        Event::Frame(frame) => {
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
        }
    });
    bar.finish_and_clear();
    result.map_err(|error| outcome_of_error(&error))
}

/// The exit code of what stopped a run, which is printed.
pub(super) fn outcome_of_error(error: &RunError) -> Outcome {
    say(format_args!("error: {error}"));
    match error {
        RunError::Engine(EngineError::NoGpu { .. } | EngineError::NoAdapter { .. }) => Outcome::GpuMissing,
        RunError::Prepare(PrepareError::File(FrameError::Io { source, .. }))
            if source.kind() == ErrorKind::NotFound =>
        {
            Outcome::InputMissing
        }
        RunError::Incomplete(_) => Outcome::SomeFailed,
        RunError::Exists { .. }
        | RunError::Journal(_)
        | RunError::Sums(_)
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
}

/// Failed samples on stderr, and unless `quiet` the warnings and the ledger.
pub(super) fn report(RunResult { record, times, .. }: &RunResult, quiet: bool) {
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
    let (seconds, engine) = (times.timings.total_s, &record.engine);
    say(format_args!("{}; {seconds:.2} s on {} ({})", in_words(record.ledger), engine.kind, engine.device));
}

pub(super) fn in_words(ledger: Ledger) -> String {
    let Ledger { found, done, failed, skipped, left_out } = ledger;
    format!("{found} frames: {done} done, {failed} failed, {skipped} skipped, {left_out} left out")
}

pub(super) fn outcome_of(record: &RunRecord) -> Outcome {
    if record.ledger.done + record.ledger.left_out == record.ledger.found && record.failed_samples.is_empty()
    {
        Outcome::Done
    } else {
        Outcome::SomeFailed
    }
}
