//! The `halor` command: parse, dispatch, say how it ended.

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Outcome};

fn main() -> ExitCode {
    // Mesa's device-selection layer prints errors of its own on machines without a display, and orders adapters, which
    // halor chooses by kind or name.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    match Cli::parse().dispatch() {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            cli::say(format_args!("error: {error:#}"));
            ExitCode::from(Outcome::Configuration.code())
        }
    }
}
