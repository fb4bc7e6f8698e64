//! `halor tune`: the figures of quality against Qmax, r_poly and the background's scale.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use halor::config::PdfSettings;
use halor::output::{Existing, write_file};
use halor::quality::Quality;
use halor::report::tune_svg;
use halor::structure::StructureSettings;
use halor::tune::{Parameter, Trial, advice, trials_csv};

use super::pdf::{Analysed, PdfArgs, analyse, outcome_of};
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
    let scale = args.background_scale.unwrap_or(1.0);
    let base = analyse(args, path, scale, &[])?;
    if !quiet {
        let warnings = base.read.warnings.iter().chain(&base.read.estimated_sigma);
        for warning in warnings.chain(&base.analysis.warnings) {
            say(format_args!("warning: {warning}"));
        }
    }
    let settings = &base.analysis.settings;
    let (q_range, polynomial) = absolute(settings).context("tune knows the mode `absolute` only")?;
    let mut used = Vec::new();
    if args.background.is_some() {
        used.push((Parameter::BackgroundScale, scale));
    }
    used.extend(polynomial.map(|[r_poly, _]| (Parameter::RPoly, r_poly)));
    used.push((Parameter::QMax, q_range[1]));

    let mut best = Values { background_scale: scale, r_poly: polynomial.map(|[r_poly, _]| r_poly), q_range };
    let mut trials = Vec::new();
    let (mut advised, mut refused) = (Vec::new(), Vec::new());
    for (parameter, used) in used {
        let first = trials.len();
        for value in parameter.values(used) {
            match quality(args, path, best.with(parameter, value), polynomial) {
                Ok(quality) => trials.push(Trial { parameter, value, quality }),
                Err(error) => refused.push(format!("{} {value:.4}: {error:#}", parameter.name())),
            }
        }
        if let Some(advice) = advice(parameter, used, &trials[first..]) {
            best = best.with(parameter, advice.value);
            advised.push(advice);
        }
    }
    let stem = path.file_stem().context("the pattern's file has no name")?.to_string_lossy();
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let table = trials_csv(&trials);
    for (ending, text) in [("tune.csv", &table), ("tune.svg", &tune_svg(&trials)?)] {
        let file = args.output.join(format!("{stem}.{ending}"));
        write_file(&file, text.as_bytes(), existing)?;
        if !quiet {
            say(file.display());
        }
    }
    refused.iter().for_each(|text| say(format_args!("left out: {text}")));
    print(table.trim_end());
    advised.iter().for_each(|advice| print(&advice.to_string()));
    Ok(())
}

/// The Q range, and r_poly and r_hole, of the absolute mode.
fn absolute(settings: &PdfSettings) -> Option<([f64; 2], Option<[f64; 2]>)> {
    match &settings.structure {
        StructureSettings::Absolute(absolute) => {
            let polynomial = absolute.polynomial.map(|p| [p.r_poly_angstrom, p.r_hole_angstrom]);
            Some((absolute.q_range, polynomial))
        }
        StructureSettings::PdfGetX3(_) => None,
    }
}

/// The values of one analysis.
#[derive(Clone, Copy)]
struct Values {
    background_scale: f64,
    r_poly: Option<f64>,
    q_range: [f64; 2],
}

impl Values {
    fn with(mut self, parameter: Parameter, value: f64) -> Values {
        match parameter {
            Parameter::BackgroundScale => self.background_scale = value,
            Parameter::RPoly => self.r_poly = Some(value),
            Parameter::QMax => self.q_range[1] = value,
        }
        self
    }
}

/// The figures of one analysis; r_hole stays, so that they can be compared.
fn quality(
    args: &PdfArgs,
    path: &Path,
    values: Values,
    polynomial: Option<[f64; 2]>,
) -> anyhow::Result<Quality> {
    let [q_min, q_max] = values.q_range;
    let mut overrides = vec![format!("pdf.q_range_inv_angstrom=[{q_min:?}, {q_max:?}]")];
    overrides.push("pdf.systematic=off".to_owned());
    overrides.extend(values.r_poly.map(|r_poly| format!("pdf.r_poly_angstrom={r_poly:?}")));
    overrides.extend(polynomial.map(|[_, r_hole]| format!("pdf.r_hole_angstrom={r_hole:?}")));
    let Analysed { reduced, .. } = analyse(args, path, values.background_scale, &overrides)?;
    Ok(reduced.quality)
}
