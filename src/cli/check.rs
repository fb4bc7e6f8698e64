//! `halor check`: validate everything and print the plan, without computing.

use anyhow::Context;
use halor::batch;
use halor::output::Existing;

use super::{Outcome, RunFileArgs, print, say};

pub(super) fn check(args: &RunFileArgs, existing: Existing, quiet: bool) -> anyhow::Result<Outcome> {
    let loaded = match args.load() {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    if !quiet {
        loaded.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
    }
    let plan = batch::check(&loaded.config, existing);
    if args.json {
        print(&serde_json::to_string_pretty(&plan).context("plan")?);
    } else {
        print(&plan.to_string());
    }
    Ok(if plan.no_gpu {
        Outcome::GpuMissing
    } else if !plan.problems.is_empty() {
        Outcome::Configuration
    } else if !plan.bad_frames.is_empty() {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}
