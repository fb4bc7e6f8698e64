//! `halor init`: a commented run file for a folder of frames.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use halor::output::{Existing, write_file};
use halor::start::{Answers, Survey, run_file, survey};

use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder of frames; those of each sample share a name before their number, or a folder in it.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The run file to write.
    #[arg(long, short, default_value = "run.yaml")]
    output: PathBuf,
    /// Composition of the samples, such as `Zr62 Cu15.5 Ni12.5 Al10`; without one the run stops at I(Q).
    #[arg(long)]
    composition: Option<String>,
    /// A .poni file; without one the folder's is taken.
    #[arg(long, value_name = "FILE")]
    poni: Option<PathBuf>,
    /// Detector by name, where neither .poni file nor headers tell.
    #[arg(long)]
    detector: Option<String>,
    /// Photon energy, where no .poni file tells.
    #[arg(long)]
    energy_kev: Option<f64>,
    /// Distance from sample to detector, where no .poni file tells.
    #[arg(long)]
    distance_mm: Option<f64>,
    /// Beam centre COLUMN,ROW, where no .poni file tells.
    #[arg(long, value_name = "COLUMN,ROW", value_parser = pair)]
    beam_centre_px: Option<[f64; 2]>,
    /// Samples whose frames are the background: part of their name, such as `air`.
    #[arg(long, value_name = "NAME")]
    background: Option<String>,
    /// Atoms per Å³, for an absolute scale with coordination numbers.
    #[arg(long)]
    density_atoms_per_cubic_angstrom: Option<f64>,
    /// Never ask, even on a terminal: what is not known becomes a line to fill in.
    #[arg(long)]
    yes: bool,
    /// Replace a run file that is there already.
    #[arg(long)]
    force: bool,
}

/// `737.2,840.1`.
fn pair(text: &str) -> Result<[f64; 2], String> {
    let numbers: Vec<Option<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    match numbers.as_slice() {
        [Some(column), Some(row)] if column.is_finite() && row.is_finite() => Ok([*column, *row]),
        _ => Err(format!("`{text}` is no pair of numbers; write for example 737.2,840.1")),
    }
}

pub(super) fn run(args: &InitArgs, quiet: bool) -> anyhow::Result<Outcome> {
    if !args.force && args.output.exists() {
        bail!("{} exists already; give --force to replace it, or another --output", args.output.display());
    }
    let survey = survey(&args.folder, args.poni.as_deref())?;
    if let (Some(poni), true) = (survey.poni(), args.distance_mm.is_some() || args.beam_centre_px.is_some()) {
        bail!(
            "the placement is that of {}; leave out --distance-mm and --beam-centre-px, or name another --poni",
            poni.display()
        );
    }
    if !quiet {
        survey.notes().iter().for_each(say);
    }
    let mut answers = Answers {
        composition: args.composition.clone(),
        detector: args.detector.clone(),
        energy_kev: args.energy_kev,
        distance_mm: args.distance_mm,
        beam_centre_px: args.beam_centre_px,
        background: args.background.clone(),
        density_atoms_per_cubic_angstrom: args.density_atoms_per_cubic_angstrom,
    };
    if !args.yes && std::io::stdin().is_terminal() {
        ask(&survey, &mut answers)?;
    }
    let target = std::path::absolute(&args.output).unwrap_or_else(|_| args.output.clone());
    let text = run_file(&survey, &answers, &target)?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    write_file(&args.output, text.as_bytes(), existing)?;
    print(&format!("{} is written; look through it, then: halor check {0}", args.output.display()));
    Ok(Outcome::Done)
}

/// Asks for what neither flags nor files tell; an empty line leaves it open.
fn ask(survey: &Survey, answers: &mut Answers) -> anyhow::Result<()> {
    let text = |question: &str| -> anyhow::Result<Option<String>> {
        say(question);
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("the answer")?;
        Ok(Some(line.trim().to_owned()).filter(|line| !line.is_empty()))
    };
    let number = |question: &str| -> anyhow::Result<Option<f64>> {
        let Some(line) = text(question)? else { return Ok(None) };
        line.parse().map(Some).with_context(|| format!("`{line}` is no number"))
    };
    if answers.composition.is_none() {
        answers.composition = text("composition, such as Zr62 Cu15.5 Ni12.5 Al10 (empty: stop at I(Q))?")?;
    }
    if answers.background.is_none() && survey.samples.len() > 1 {
        answers.background = text("which of the samples is background (part of its name; empty: none)?")?;
    }
    if survey.poni().is_some() {
        return Ok(());
    }
    if answers.energy_kev.is_none() {
        answers.energy_kev = number("photon energy in keV?")?;
    }
    if answers.detector.is_none() && survey.detector.is_none() {
        answers.detector = text("detector, such as Pilatus CdTe 2M?")?;
    }
    if answers.distance_mm.is_none() {
        answers.distance_mm = number("distance from sample to detector in mm?")?;
    }
    if answers.beam_centre_px.is_none() {
        let centre = text("beam centre in pixels, column,row?")?;
        answers.beam_centre_px = centre.map(|text| pair(&text)).transpose().map_err(anyhow::Error::msg)?;
    }
    Ok(())
}
