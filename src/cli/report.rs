//! `halor report`: the page of a finished run, from its results.

use std::path::PathBuf;

use clap::Args;
use halor::report::write_report;

use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The output folder of a finished run.
    folder: PathBuf,
}

pub(super) fn report(args: &ReportArgs) -> anyhow::Result<Outcome> {
    match write_report(&args.folder) {
        Ok(path) => {
            print(&path.display().to_string());
            Ok(Outcome::Done)
        }
        Err(error) => {
            say(format_args!("error: {error}"));
            Ok(if args.folder.is_dir() { Outcome::Configuration } else { Outcome::InputMissing })
        }
    }
}
