//! `halor check`: validate everything and print the plan, without computing.

use anyhow::Context;
use halor::batch;

use super::run::{load, print};
use super::{Outcome, RunFileArgs};

pub(super) fn check(args: &RunFileArgs) -> anyhow::Result<Outcome> {
    let loaded = match load(args) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    let plan = batch::check(&loaded.config);
    if args.json {
        print(&serde_json::to_string_pretty(&plan).context("plan")?);
    } else {
        print(&plan.to_string());
    }
    Ok(if plan.no_gpu {
        Outcome::GpuMissing
    } else if !plan.problems.is_empty() {
        Outcome::Configuration
    } else {
        Outcome::Done
    })
}
