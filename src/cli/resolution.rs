//! `halor resolution`: Qdamp and Qbroad from G(r) of a calibrant.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use halor::pattern_file::PatternFile;
use halor::pdf::Window;
use halor::resolution::{FitRange, MeasuredPdf, Number, fit, usual_range};
use halor::simulate::Crystal;

use super::{Outcome, print};

#[derive(Debug, Args)]
pub(super) struct ResolutionArgs {
    /// G(r): a .gr file of this program or of PDFgetX3, or columns r and G.
    file: PathBuf,
    /// Ni, CeO2, Si or LaB6, or a crystal file.
    #[arg(long)]
    calibrant: String,
    /// Where F(Q) was cut, Å⁻¹; left out, `qmax` of the header.
    #[arg(long, value_name = "Q")]
    q_max: Option<f64>,
    /// What F(Q) was multiplied by; left out, `window` of the header, else none.
    #[arg(long, value_enum)]
    window: Option<WindowWord>,
    /// From,to in Å; left out, from below the first pair to the end of the data, at most 40.
    #[arg(long, value_name = "FROM,TO", value_delimiter = ',', num_args = 2)]
    r_range_angstrom: Option<Vec<f64>>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum WindowWord {
    None,
    Lorch,
    SoperBarney,
    Cosine,
}

pub(super) fn run(args: &ResolutionArgs) -> anyhow::Result<Outcome> {
    let measured = measured(args)?;
    let crystal = match Crystal::named(&args.calibrant) {
        Ok(crystal) => crystal,
        Err(_) if Path::new(&args.calibrant).is_file() => Crystal::read(Path::new(&args.calibrant))?,
        Err(error) => return Err(error.into()),
    };
    let range = match args.r_range_angstrom.as_deref() {
        Some([from, to]) => FitRange { from: *from, to: *to },
        Some(_) | None => usual_range(&measured, &crystal)?,
    };
    let found = fit(&measured, &crystal, range)?;
    if args.json {
        print(&serde_json::to_string_pretty(&found)?);
        return Ok(Outcome::Done);
    }
    let line = |name: &str, number: Number, digits: usize| {
        print(&format!("{name} {:.digits$} +- {:.digits$}", number.value, number.sigma));
    };
    line("qdamp_inv_angstrom", found.q_damp_inv_angstrom, 5);
    line("qbroad_inv_angstrom", found.q_broad_inv_angstrom, 5);
    line("cell_measured_over_given", found.cell, 6);
    line("scale", found.scale, 4);
    line("delta2_angstrom2", found.delta2_angstrom2, 3);
    for (element, u) in &found.u_iso_angstrom2 {
        line(&format!("u_iso_angstrom2_{element}"), *u, 5);
    }
    print(&format!(
        "r_w {:.4} ({} points from {:.2} to {:.2} Å, Qmax {:.2} 1/Å)",
        found.r_w, found.points, range.from, range.to, measured.q_max
    ));
    Ok(Outcome::Done)
}

fn measured(args: &ResolutionArgs) -> anyhow::Result<MeasuredPdf> {
    let shown = args.file.display();
    let columns = PatternFile::read(&args.file)?;
    let text = String::from_utf8_lossy(&std::fs::read(&args.file)?).into_owned();
    let said = |key: &str| {
        text.lines().take_while(|line| !line.starts_with("#### start data")).find_map(|line| {
            let (found, value) = line.trim_start_matches(['#', ' ']).split_once('=')?;
            (found.trim() == key).then(|| value.trim().to_owned())
        })
    };
    let q_max = match (args.q_max, said("qmax")) {
        (Some(q_max), _) => q_max,
        (None, Some(text)) => {
            text.parse().with_context(|| format!("{shown}: qmax is `{text}`, expected a number"))?
        }
        (None, None) => bail!("{shown}: no `qmax` in its header; give --q-max"),
    };
    let window = match args.window {
        Some(WindowWord::None) => Window::None,
        Some(WindowWord::Lorch) => Window::Lorch,
        Some(WindowWord::SoperBarney) => Window::SoperBarney,
        Some(WindowWord::Cosine) => Window::Cosine,
        None => {
            let word = said("window").unwrap_or_else(|| "None".to_owned());
            let all = [Window::None, Window::Lorch, Window::SoperBarney, Window::Cosine];
            let known = all.into_iter().find(|window| format!("{window:?}") == word);
            known.with_context(|| format!("{shown}: unknown window `{word}`; give --window"))?
        }
    };
    Ok(MeasuredPdf { r: columns.x, g: columns.intensity, q_max, window })
}
