//! `halor compare`: two runs or two samples, curve by curve.

use std::path::{Path, PathBuf};

use clap::Args;
use halor::compare::{CompareError, Comparison, SavedSample, compare, find_samples};
use halor::output::{Cell, Existing, Table, Together, curve_pair_csv};
use halor::report::comparison_svg;
use halor::series::ChiSquared;
use halor::stats::probability_in_words;

use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// Output folder of a run, or the folder of one of its samples.
    a: PathBuf,
    /// Another one: runs are compared sample by sample.
    b: PathBuf,
    /// Where tables and pictures go.
    #[arg(long, default_value = "compare")]
    output: PathBuf,
    /// Replace what is there already.
    #[arg(long)]
    force: bool,
}

/// Probability below which a peak counts as changed.
const UNLIKELY: f64 = 0.05;

pub(super) fn run(args: &CompareArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let pairs = match pairs(args) {
        Ok(pairs) => pairs,
        Err(error) => {
            say(format_args!("error: {error}"));
            return Ok(match error {
                CompareError::Kinds { .. }
                | CompareError::NothingInCommon { .. }
                | CompareError::Range { .. } => Outcome::Configuration,
                CompareError::NoResults(_) | CompareError::File { .. } | CompareError::Content { .. } => {
                    Outcome::InputMissing
                }
            });
        }
    };
    let mut files = Together::default();
    let mut table = Table::new(
        "a,b,what,a_value,a_sigma,b_value,b_sigma,difference,difference_sigma,z,mean_square,chi2,freedom,p",
    );
    let mut failed = 0;
    for (a, b) in &pairs {
        let found = match compare(a, b) {
            Ok(found) => found,
            Err(error) => {
                say(format_args!("failed: {} and {}: {error}", a.name, b.name));
                failed += 1;
                continue;
            }
        };
        rows(&found, &mut table);
        let stem = if found.a == found.b { found.a.clone() } else { format!("{}-{}", found.a, found.b) };
        let file = |extension: &str| args.output.join(format!("{stem}.{extension}"));
        files.add(
            file("sq.csv"),
            curve_pair_csv(&found.s, "q_inv_angstrom,s_a,s_b,delta_s,delta_s_sigma").csv()?,
        );
        let columns = "r_angstrom,g_a_inv_angstrom2,g_b_inv_angstrom2,delta_g_inv_angstrom2,delta_g_inv_angstrom2_sigma";
        files.add(file("gr.csv"), curve_pair_csv(&found.g, columns).csv()?);
        files.add(file("svg"), comparison_svg(&found)?);
        print(&in_words(&found));
    }
    files.add(args.output.join("compare.csv"), table.csv()?);
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let inputs: Vec<PathBuf> = pairs
        .iter()
        .flat_map(|(a, b)| a.files().into_iter().chain(b.files()))
        .map(Path::to_path_buf)
        .chain([&args.a, &args.b].map(|folder| folder.join("peaks.csv")))
        .collect();
    let written = match files.write(existing, &inputs) {
        Ok(written) => written,
        Err(error) => {
            say(format_args!("error: {error}"));
            return Ok(Outcome::Configuration);
        }
    };
    if !quiet {
        say(format_args!("{} files in {}", written.len(), args.output.display()));
    }
    Ok(if failed == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

/// The samples that are compared: two, or those that two runs share by name.
fn pairs(args: &CompareArgs) -> Result<Vec<(SavedSample, SavedSample)>, CompareError> {
    let ((of_a, a_is_run), (of_b, b_is_run)) = (find_samples(&args.a)?, find_samples(&args.b)?);
    match (a_is_run, b_is_run) {
        (true, false) => Err(CompareError::Kinds { run: args.a.clone(), sample: args.b.clone() }),
        (false, true) => Err(CompareError::Kinds { run: args.b.clone(), sample: args.a.clone() }),
        (false, false) => Ok(of_a.into_iter().zip(of_b).collect()),
        (true, true) => {
            let names = |samples: &[SavedSample]| -> String {
                samples.iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>().join(", ")
            };
            let (names_a, names_b) = (names(&of_a), names(&of_b));
            let same = of_a.into_iter().filter_map(|a| {
                let b = of_b.iter().find(|b| b.name == a.name)?.clone();
                Some((a, b))
            });
            let same: Vec<_> = same.collect();
            if same.is_empty() {
                let (a, b) = (args.a.clone(), args.b.clone());
                return Err(CompareError::NothingInCommon { a, b, of_a: names_a, of_b: names_b });
            }
            Ok(same)
        }
    }
}

fn rows(found: &Comparison, table: &mut Table) {
    let of_i = found.chi2_of_i.map(|chi2| ("I(Q)", None, Some(chi2)));
    let of_curves =
        [("S(Q)", &found.s), ("G(r)", &found.g)].map(|(what, pair)| (what, Some(pair.mean_square), None));
    for (what, mean_square, chi2) in of_i.into_iter().chain(of_curves) {
        let labels = [Cell::from(&found.a), (&found.b).into(), what.into()];
        let empty = (0..7).map(|_| Cell::from(None::<f64>));
        let of_chi2 = |of: fn(&ChiSquared) -> f64| Cell::from(chi2.as_ref().map(of));
        let freedom = Cell::from(chi2.map(|chi2| chi2.freedom));
        let numbers = [mean_square.into(), of_chi2(|chi2| chi2.chi2), freedom, of_chi2(|chi2| chi2.p)];
        table.row(labels.into_iter().chain(empty).chain(numbers));
    }
    for peak in &found.peaks {
        let z = peak.difference.value / peak.difference.sigma;
        let labels = [Cell::from(&found.a), (&found.b).into(), (&peak.name).into()];
        let numbers = [peak.a, peak.b, peak.difference].into_iter().flat_map(Cell::pair);
        let no_chi2 = (0..3).map(|_| Cell::from(None::<f64>));
        table.row(labels.into_iter().chain(numbers).chain([z.into()]).chain(no_chi2).chain([peak.p.into()]));
    }
}

fn in_words(found: &Comparison) -> String {
    let mut lines = vec![format!("{} less {}", found.a, found.b)];
    match found.chi2_of_i {
        Some(chi2) => lines.push(format!(
            "  I(Q), scale and constant fitted: χ²/ν = {:.3} over {} points, {}",
            chi2.reduced(),
            chi2.freedom,
            probability_in_words(chi2.p)
        )),
        None => lines.push("  I(Q) is on other points; no χ² of independent points".to_owned()),
    }
    for (what, pair) in [("S(Q)", &found.s), ("G(r)", &found.g)] {
        let largest = pair.difference.value.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        lines.push(format!(
            "  {what}: largest difference {largest:.4}; (difference/σ)² is {:.3} on average",
            pair.mean_square
        ));
    }
    for peak in &found.peaks {
        let mark = if peak.p < UNLIKELY { "  *" } else { "" };
        lines.push(format!(
            "  {:<38} {:>12.5} {:>12.5} {:>+12.5} ± {:<10.5} {:>+6.1}σ{mark}",
            peak.name,
            peak.a.value,
            peak.b.value,
            peak.difference.value,
            peak.difference.sigma,
            peak.difference.value / peak.difference.sigma
        ));
    }
    lines.join("\n")
}
