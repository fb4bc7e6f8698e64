//! `halor tune`: the figures of quality against Qmax, r_poly and the background's scale, of a pattern or of a run file's sample.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use halor::batch::{self, TuneError, Tuned};
use halor::config::Loaded;
use halor::output::{Existing, write_file};
use halor::report::tune_svg;
use halor::tune::{Scan, trials_csv};

use super::pdf::{Asked, PdfArgs, outcome_of, scan};
use super::run;
use super::{Outcome, RunFileArgs, print, say};

#[derive(Debug, Args)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    pdf: PdfArgs,
    /// Of a run file (.yaml): the sample to look at; left out, the reference of the series.
    #[arg(long)]
    sample: Option<String>,
}

pub(super) fn run(args: &TuneArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let [path] = args.pdf.patterns.as_slice() else {
        bail!("tune takes one pattern or run file, found {}", args.pdf.patterns.len());
    };
    if args.pdf.config.is_some() || args.pdf.section.is_some() {
        bail!("tune knows the absolute scale only; --config and --section are PDFgetX3's");
    }
    if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return of_run_file(args, path, quiet);
    }
    if args.sample.is_some() {
        bail!("--sample names a sample of a run file, and {} is a pattern", path.display());
    }
    match of_pattern(&args.pdf, path, quiet) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) => outcome_of(error),
    }
}

fn of_pattern(args: &PdfArgs, path: &Path, quiet: bool) -> anyhow::Result<()> {
    let asked = Asked::of_pattern(args, path);
    let base = asked.analyse(&[])?;
    if !quiet {
        let warnings = base.read.warnings.iter().chain(&base.read.estimated_sigma);
        for warning in warnings.chain(&base.analysis.warnings) {
            say(format_args!("warning: {warning}"));
        }
    }
    let stem = path.file_stem().context("the pattern's file has no name")?.to_string_lossy();
    leave(args, &stem, &scan(&asked, &base)?, quiet)
}

fn of_run_file(args: &TuneArgs, path: &Path, quiet: bool) -> anyhow::Result<Outcome> {
    let foreign = [
        ("--background", args.pdf.background.is_some()),
        ("--background-scale", args.pdf.background_scale.is_some()),
        ("--axis", args.pdf.axis.is_some()),
        ("--two-theta-zero-deg", args.pdf.two_theta_zero_deg.is_some()),
        ("--run-file", args.pdf.run_file.is_some()),
    ];
    if let Some((option, _)) = foreign.into_iter().find(|(_, given)| *given) {
        bail!(
            "{option} is for patterns; a run file says it itself, or `--set`, such as --set background.scale=0.9"
        );
    }
    let file = RunFileArgs::of(path, args.pdf.options.overrides());
    let loaded = match file.load() {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let tuned = match of_sample(&loaded, &file, args.sample.as_deref()) {
        Ok(tuned) => tuned,
        Err(outcome) => return Ok(outcome),
    };
    leave(&args.pdf, &tuned.sample, &tuned.scan, quiet)?;
    let set: Vec<String> = tuned.overrides.iter().map(|key| format!("--set '{key}'")).collect();
    print(&format!("halor run {} {}", path.display(), set.join(" ")));
    Ok(Outcome::Done)
}

/// Scans a sample of a run file; what is wrong is printed.
pub(super) fn of_sample(loaded: &Loaded, file: &RunFileArgs, sample: Option<&str>) -> Result<Tuned, Outcome> {
    batch::tune(loaded, &file.all_overrides(), sample).map_err(|error| match error {
        TuneError::Run(error) => run::outcome_of_error(&error),
        TuneError::NotAbsolute
        | TuneError::NoSample { .. }
        | TuneError::NoFrames { .. }
        | TuneError::NoTrial { .. }
        | TuneError::Range(_)
        | TuneError::Stage { .. } => {
            say(format_args!("error: tune: {error}"));
            Outcome::Configuration
        }
    })
}

/// Table, picture and words.
fn leave(args: &PdfArgs, stem: &str, scan: &Scan, quiet: bool) -> anyhow::Result<()> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let table = trials_csv(&scan.trials).csv()?;
    for (ending, text) in [("tune.csv", &table), ("tune.svg", &tune_svg(&scan.trials)?)] {
        let file = args.output.join(format!("{stem}.{ending}"));
        write_file(&file, text.as_bytes(), existing)?;
        if !quiet {
            say(file.display());
        }
    }
    scan.refused.iter().for_each(|text| say(format_args!("left out: {text}")));
    print(table.trim_end());
    scan.advised.iter().for_each(|advice| print(&advice.to_string()));
    Ok(())
}
