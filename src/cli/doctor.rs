//! `halor doctor`: what this machine can do, what is missing, and whether all engines give one answer.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use halor::doctor::examine;

use super::{Outcome, print};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Where results would go: the speed of its disk is measured.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<Outcome> {
    let examination = examine(&args.folder);
    if args.json {
        print(&serde_json::to_string_pretty(&examination).context("the findings as JSON")?);
    } else {
        print(&examination.to_string());
    }
    Ok(if examination.is_bad() { Outcome::SomeFailed } else { Outcome::Done })
}
