//! `halor status`: how far a run is, from its journal.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use halor::{batch, config};

use super::{Outcome, output_override, print, say};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The run file, or the output folder of a run.
    run: PathBuf,
    /// Output folder, where it is not the run file's.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Print it as JSON on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn status(args: &StatusArgs) -> anyhow::Result<Outcome> {
    let output = if args.run.is_dir() {
        args.run.clone()
    } else {
        let overrides: Vec<String> = args.output.as_deref().map(output_override).into_iter().collect();
        match config::load(&args.run, &overrides) {
            Ok(loaded) => loaded.config.output,
            Err(error) => {
                say(&error);
                let missing = error.only_missing_inputs();
                return Ok(if missing { Outcome::InputMissing } else { Outcome::Configuration });
            }
        }
    };
    match batch::status(&output) {
        Ok(status) => {
            let json = || serde_json::to_string_pretty(&status).context("status");
            print(&if args.json { json()? } else { status.to_string() });
            let all_well = status.finished && status.frames.ledger.done == status.frames.ledger.found;
            Ok(if all_well { Outcome::Done } else { Outcome::SomeFailed })
        }
        Err(error) => {
            say(format_args!("error: {error}"));
            Ok(Outcome::InputMissing)
        }
    }
}
