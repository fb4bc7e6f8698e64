//! `halor merge`: join the shards of a run.

use clap::Args;

use super::{Outcome, RunFileArgs, run};

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    #[command(flatten)]
    file: RunFileArgs,
}

pub(super) fn merge(args: &MergeArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let loaded = match args.file.load() {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    match run::merge(&loaded, quiet || args.file.json) {
        Ok(result) => run::finished(&result, args.file.json, quiet),
        Err(outcome) => Ok(outcome),
    }
}
