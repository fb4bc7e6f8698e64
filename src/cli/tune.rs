//! `halor tune`: the figures of quality against Qmax, r_poly and the background's scale.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use halor::output::{Existing, write_file};
use halor::report::tune_svg;
use halor::tune::trials_csv;

use super::pdf::{Asked, PdfArgs, outcome_of};
use super::scan::Scan;
use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    pdf: PdfArgs,
}

pub(super) fn run(args: &TuneArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let [path] = args.pdf.patterns.as_slice() else {
        bail!("tune takes one pattern, found {}", args.pdf.patterns.len());
    };
    if args.pdf.config.is_some() || args.pdf.section.is_some() {
        bail!("tune knows the absolute scale only; --config and --section are PDFgetX3's");
    }
    match tune(&args.pdf, path, quiet) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) => outcome_of(error),
    }
}

fn tune(args: &PdfArgs, path: &Path, quiet: bool) -> anyhow::Result<()> {
    let asked = Asked::of_pattern(args, path);
    let base = asked.analyse(&[])?;
    if !quiet {
        let warnings = base.read.warnings.iter().chain(&base.read.estimated_sigma);
        for warning in warnings.chain(&base.analysis.warnings) {
            say(format_args!("warning: {warning}"));
        }
    }
    let scan = Scan::new(&asked, &base)?;
    let stem = path.file_stem().context("the pattern's file has no name")?.to_string_lossy();
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let table = trials_csv(&scan.trials);
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
