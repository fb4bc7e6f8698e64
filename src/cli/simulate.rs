//! `halor simulate`: frames with a known answer, from a twin file.

use std::path::PathBuf;

use clap::Args;
use halor::config;
use halor::output::Existing;

use super::{Outcome, say};

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// The YAML twin file; docs/twin-file.md shows how to write one.
    twin_file: PathBuf,
    /// Output folder; goes before the twin file's.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Set a key of the twin file, such as `counting.exposure_s=5`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Replace an earlier simulation in the folder.
    #[arg(long)]
    force: bool,
}

pub(super) fn simulate(args: &SimulateArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let mut overrides = args.overrides.clone();
    overrides.extend(args.output.as_deref().map(super::output_override));
    let loaded = match config::load_twin(&args.twin_file, &overrides) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(&error);
            let missing = error.only_missing_inputs();
            return Ok(if missing { Outcome::InputMissing } else { Outcome::Configuration });
        }
    };
    if !quiet {
        loaded.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
    }
    let written = loaded.twin.write(existing)?;
    if !quiet {
        let (folder, count) = (loaded.twin.output.display(), written.frames.len());
        let detector = &loaded.twin.geometry().detector.name;
        say(format_args!("{count} frames of {detector} and the truth are in {folder}"));
        written.run_files.iter().for_each(|file| say(format_args!("next: halor run {}", file.display())));
    }
    Ok(Outcome::Done)
}
