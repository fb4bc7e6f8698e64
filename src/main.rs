//! The `halor` command: parse, dispatch, say how it ended.

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Outcome};

fn main() -> ExitCode {
    match Cli::parse().dispatch() {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            cli::say(format_args!("error: {error:#}"));
            ExitCode::from(Outcome::Configuration.code())
        }
    }
}
