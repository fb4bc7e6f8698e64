//! `halor completions`, `halor man`, `halor schema`: what shells, `man` and editors want to know.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use halor::config::schema::run_file_schema;
use halor::output::{Existing, write_file};

use super::{Cli, Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Completions on stdout.
pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "halor", &mut text);
    print(String::from_utf8_lossy(&text).trim_end());
    Outcome::Done
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Folder that the pages are written into: halor.1 and one for each command.
    #[arg(long)]
    output: PathBuf,
}

/// Every page; pages of an earlier version are replaced.
pub(super) fn man(args: &ManArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let mut whole = Cli::command();
    whole.build();
    let mut pages = Vec::new();
    collect("halor", whole, &mut pages)?;
    for (name, page) in &pages {
        write_file(&args.output.join(format!("{name}.1")), page, Existing::Replace)?;
    }
    if !quiet {
        let folder = args.output.display();
        say(format_args!("{} pages in {folder}; read them with `man {folder}/halor-run.1`", pages.len()));
    }
    Ok(Outcome::Done)
}

fn collect(name: &str, command: Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        collect(&format!("{name}-{}", inner.get_name()), inner.clone(), pages)?;
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page).with_context(|| format!("{name}.1"))?;
    pages.push((name.to_owned(), page));
    Ok(())
}

/// JSON Schema of the run file on stdout.
pub(super) fn schema() -> anyhow::Result<Outcome> {
    print(&serde_json::to_string_pretty(&run_file_schema()).context("the schema as JSON")?);
    Ok(Outcome::Done)
}
