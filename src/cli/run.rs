//! `halor run`: process a series.

use anyhow::Context;
use clap::Args;
use halor::batch::{self, PrepareError, RunError, RunOptions, RunResult};
use halor::config::{self, Loaded};
use halor::engine::EngineError;
use halor::output::{Existing, RunRecord, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, RunFileArgs, check};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    file: RunFileArgs,
    /// Replace results that are there already.
    #[arg(long)]
    force: bool,
    /// Validate and print the plan only, as `halor check`.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &RunArgs, quiet: bool) -> anyhow::Result<Outcome> {
    if args.dry_run {
        return check::check(&args.file);
    }
    let loaded = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let result = match process(&loaded, existing, quiet || args.file.json) {
        Ok(result) => result,
        Err(outcome) => return Ok(outcome),
    };
    report(&result.record);
    if args.file.json {
        print(&serde_json::to_string_pretty(&result.record).context("run.json")?);
    }
    Ok(outcome_of(&result.record))
}

/// The configuration with what the command line changes; problems are printed.
pub(super) fn load(args: &RunFileArgs) -> Result<Loaded, Outcome> {
    let mut overrides = args.overrides.clone();
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    overrides.extend(args.engine.as_ref().map(|engine| format!("engine={}", quoted(engine))));
    if let Some(output) = &args.output {
        // As the shell means it: from the current folder, not from the run file's.
        let absolute = std::path::absolute(output).unwrap_or_else(|_| output.clone());
        overrides.push(format!("output={}", quoted(&absolute.to_string_lossy())));
    }
    config::load(&args.run_file, &overrides).map_err(|error| {
        eprintln!("{error}");
        if error.only_missing_inputs() { Outcome::InputMissing } else { Outcome::Configuration }
    })
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
            Status::Failed(reason) => bar.suspend(|| eprintln!("failed: {reason}")),
            Status::Skipped(reason) => {
                bar.suspend(|| eprintln!("skipped: {}: {reason}", frame.path.display()))
            }
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    result.map_err(|error| {
        eprintln!("error: {error}");
        match error {
            RunError::Engine(EngineError::NoGpu { .. } | EngineError::NoAdapter { .. }) => {
                Outcome::GpuMissing
            }
            RunError::Prepare(PrepareError::File(_)) => Outcome::InputMissing,
            RunError::Exists { .. }
            | RunError::Collision(_)
            | RunError::Prepare(_)
            | RunError::Engine(_)
            | RunError::Output(_)
            | RunError::Picture(_)
            | RunError::Record(_) => Outcome::Configuration,
        }
    })
}

/// Warnings and the ledger, on stderr.
pub(super) fn report(record: &RunRecord) {
    for warning in &record.warnings {
        eprintln!("warning: {warning}");
    }
    for (sample, reason) in &record.failed_samples {
        eprintln!("failed: sample {sample}: {reason}");
    }
    let ledger = record.ledger;
    eprintln!(
        "{} frames: {} done, {} failed, {} skipped; {:.2} s on {} ({})",
        ledger.found,
        ledger.done,
        ledger.failed,
        ledger.skipped,
        record.timings.total_s,
        record.engine.kind,
        record.engine.device
    );
}

pub(super) fn outcome_of(record: &RunRecord) -> Outcome {
    if record.ledger.done == record.ledger.found && record.failed_samples.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeFailed
    }
}

/// Data for stdout; a closed pipe is no error of ours.
pub(super) fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
