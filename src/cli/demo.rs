//! `halor demo`: a small series with a known answer, processed, and both beside each other.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use halor::config::{self, DemoDetector};
use halor::integrate::{Pattern, RING};
use halor::output::{Existing, PeakRow};
use halor::peaks::{Measured, PeakNumbers};
use halor::simulate::{Matter, TruthRow, Written};

use super::run::{outcome_of, process, report};
use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where frames, run files, truth and results go.
    #[arg(default_value = "halor-demo")]
    folder: PathBuf,
    /// The simulated detector.
    #[arg(long, value_enum, default_value_t = Size::Pilatus2m)]
    detector: Size,
    /// Which engine: auto, gpu, cpu, or a part of an adapter's name.
    #[arg(long, default_value = "auto")]
    engine: String,
    /// Replace an earlier demo in the folder.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Size {
    /// Pilatus CdTe 2M, the beam near its middle.
    #[value(name = "2m")]
    Pilatus2m,
    /// Pilatus CdTe 300K with the beam in a corner: a tenth of the pixels, for a quick look.
    #[value(name = "300k")]
    Pilatus300k,
}

pub(super) fn demo(args: &DemoArgs, quiet: bool) -> anyhow::Result<Outcome> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let detector = match args.detector {
        Size::Pilatus2m => DemoDetector::Pilatus2m,
        Size::Pilatus300k => DemoDetector::Pilatus300k,
    };
    let twin = config::demo_twin(detector, &args.folder, &[])?.twin;
    if !quiet {
        let folder = args.folder.display();
        say(format_args!(
            "simulating frames of CeO2, air and six states of a metallic glass into {folder} ..."
        ));
    }
    let written = twin.write(existing)?;

    let mut results = Vec::new();
    for run_file in &written.run_files {
        match run(run_file, args, existing, quiet)? {
            Ok(result) => results.push(result),
            Err(outcome) => return Ok(outcome),
        }
    }
    let [calibrant, series] = results.as_slice() else { bail!("the demo has {} run files", results.len()) };
    let Some(ceo2) = calibrant.curves.first() else { bail!("the calibrant's frames gave no pattern") };
    let crystal = twin.samples.iter().find_map(|sample| match &sample.matter {
        Matter::Crystal(crystal) => Some(crystal),
        Matter::Glass { .. } | Matter::Atoms(_) | Matter::Table { .. } => None,
    });
    let Some(crystal) = crystal else { bail!("the demo has no calibrant") };
    let q_max = twin.analysis.as_ref().map_or(f64::INFINITY, |analysis| analysis.q_range[1]);
    let rings = ring_table(&ceo2.patterns.measured, &crystal.ring_positions(q_max)?);
    let (peaks, strain) = (peak_table(&written, &series.peaks), strain_table(&written, &series.peaks));
    print(&format!("{rings}\n\n{peaks}{strain}"));
    if !quiet {
        let folder = args.folder.display();
        say(format_args!("all of it is in {folder}; the run files there are examples to start from"));
    }
    let worse = [calibrant, series].map(|result| outcome_of(&result.record));
    Ok(if worse.contains(&Outcome::SomeFailed) { Outcome::SomeFailed } else { Outcome::Done })
}

fn run(
    run_file: &std::path::Path,
    args: &DemoArgs,
    existing: Existing,
    quiet: bool,
) -> anyhow::Result<Result<halor::batch::RunResult, Outcome>> {
    let engine = format!("engine={}", serde_json::Value::from(args.engine.as_str()));
    let loaded = config::load(run_file, &[engine])?;
    Ok(process(&loaded, existing, quiet).inspect(|result| report(result, quiet)))
}

/// Measured ring positions of the calibrant beside those of its cell.
fn ring_table(pattern: &Pattern, rings: &[f64]) -> String {
    let mut text = "CeO2 rings         true Q   measured Q     Δq/q\n".to_owned();
    for ring in rings.iter().take(8) {
        if let Some(measured) = ring_position(pattern, *ring) {
            let relative = measured / ring - 1.0;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "              {ring:>10.5}   {measured:>10.5}  {relative:>+.1e}");
        }
    }
    text.pop();
    text
}

/// Centroid of what is above half of the highest point within 0.08 Å⁻¹.
fn ring_position(pattern: &Pattern, q: f64) -> Option<f64> {
    let near = |points: f64| (points - q).abs() < 0.08;
    let points = pattern.radial.iter().zip(&pattern.intensity);
    let points: Vec<_> = points.filter(|(x, i)| near(**x) && i.is_finite()).collect();
    let highest = points.iter().map(|(_, i)| **i).fold(f64::NEG_INFINITY, f64::max);
    let lowest = points.iter().map(|(_, i)| **i).fold(f64::INFINITY, f64::min);
    let half = lowest + 0.5 * (highest - lowest);
    let above = points.iter().filter(|(_, i)| **i > half).map(|(x, i)| (**x, **i - half));
    let (sum, moment) = above.fold((0.0, 0.0), |(sum, moment), (x, i)| (sum + i, moment + i * x));
    (sum > 0.0).then(|| moment / sum)
}

/// Every metric of the full ring that has a truth, as measured on the summed frames; deviations in units of both σ together.
fn peak_table(written: &Written, rows: &[PeakRow]) -> String {
    let mut text = String::from(
        "sample     peak  metric                       truth     measured            σ       σ_syst   deviation\n",
    );
    let (mut compared, mut by_counting, mut by_both, mut largest) = (0, 0, 0, 0.0_f64);
    for truth in written.truth.iter().filter(|truth| truth.region == RING) {
        let Some(Seen { value, sigma, sigma_syst }) = seen(truth, rows) else { continue };
        let both = sigma.hypot(sigma_syst);
        let difference = value - truth.value;
        let percent = 100.0 * (value / truth.value - 1.0);
        largest = largest.max(percent.abs());
        compared += 1;
        by_counting += usize::from(difference.abs() <= 2.0 * sigma);
        by_both += usize::from(difference.abs() <= 2.0 * both);
        let metric = format!("{} {}", truth.metric.replace('_', " "), truth.unit);
        let _ = writeln!(
            text,
            "{:<10} {:<5} {metric:<24} {:>10.4}   {value:>10.4}   {sigma:>10.4}   {sigma_syst:>10.4}   {percent:>+6.2} % {:>+7.1}σ",
            truth.sample,
            truth.peak,
            truth.value,
            difference / both,
        );
    }
    let _ = write!(
        text,
        "{by_both} of {compared} metrics are within 2√(σ² + σ_syst²) of the truth, {by_counting} within 2σ; the largest deviation is \
         {largest:.2} %.\nσ is from counting, σ_syst from the choices of the analysis (docs/physics.md, [E18])"
    );
    text
}

/// Relative shift of the first peak of S(Q) between the sectors X and Y: 0 without anisotropy, else the strain along Y less
/// that along X. Empty where the demo has other sectors.
fn strain_table(written: &Written, rows: &[PeakRow]) -> String {
    let mut text = String::from(
        "sample     (Q_X − Q_Y)/Q of the first peak      truth     measured            σ   deviation\n",
    );
    let position = |truth: &&TruthRow| truth.peak == "q1" && truth.metric == "position";
    let mut found = 0;
    for x in written.truth.iter().filter(position).filter(|truth| truth.region == "X") {
        let of_sample = |truth: &&TruthRow| truth.sample == x.sample && truth.region == "Y";
        let Some(y) = written.truth.iter().filter(position).find(of_sample) else { continue };
        let (Some(seen_x), Some(seen_y)) = (seen(x, rows), seen(y, rows)) else { continue };
        let truth = 2.0 * (x.value - y.value) / (x.value + y.value);
        let shift = 2.0 * (seen_x.value - seen_y.value) / (seen_x.value + seen_y.value);
        let sigma = seen_x.sigma.hypot(seen_y.sigma) / seen_x.value;
        let deviation = (shift - truth) / sigma;
        let _ = writeln!(
            text,
            "{:<37} {:>+12.6} {shift:>+12.6} {sigma:>12.6} {deviation:>+10.1}σ",
            x.sample, truth,
        );
        found += 1;
    }
    if found == 0 { String::new() } else { format!("\n\n{}", text.trim_end()) }
}

/// A number with its σ from counting and from the choices of the analysis.
struct Seen {
    value: f64,
    sigma: f64,
    sigma_syst: f64,
}

fn seen(truth: &TruthRow, rows: &[PeakRow]) -> Option<Seen> {
    let row = rows.iter().find(|row| {
        row.sample == truth.sample
            && row.frame.is_none()
            && row.region == truth.region
            && row.peak.curve == truth.curve
            && row.peak.name == truth.peak
    })?;
    let peak = &row.peak;
    let (Measured { value, sigma }, of): (Measured, fn(&PeakNumbers) -> f64) = match truth.metric {
        "position" => (peak.position, |syst| syst.position),
        "height" => (peak.height, |syst| syst.height),
        "fwhm" => (peak.fwhm, |syst| syst.fwhm),
        "area" => (peak.area, |syst| syst.area),
        "coordination_number" => (peak.coordination_number?, |syst| syst.coordination_number),
        _ => return None,
    };
    Some(Seen { value, sigma, sigma_syst: row.systematic.as_ref().map_or(f64::NAN, of) })
}
