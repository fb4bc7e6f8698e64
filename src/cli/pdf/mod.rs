//! `halor pdf`: S(Q) and G(r) of patterns that are integrated already.

mod asked;
mod compatible;
mod low_r;
mod options;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use halor::config::{ConfigError, PdfSettings};
use halor::integrate::RING;
use halor::output::{Existing, Header, PeakRow, Together, fq, gr, iq, npy_square, peaks_csv, rdf, sq};
use halor::pattern_file::{Axis, PatternFileError};
use halor::pdf::Covariance;
use halor::pdfgetx3::{PdfGetX3Config, PdfGetX3Error, is_config};
use halor::pipeline::{Patterns, Reduced, systematic};
use halor::quality::Quality;
use halor::reduce::ReductionPlan;
use halor::report::{SampleCurves, series_svg};
use halor::series::Conditions;
use halor::tune::{Advice, Scan, Values};
use halor::units::energy_kev;

use super::{Outcome, say};
use asked::locate;
pub(super) use asked::{Analysed, Asked};
use options::PdfOptions;

#[derive(Debug, Args)]
pub(super) struct PdfArgs {
    /// Patterns: text of two or three columns (.chi, .xy, .xye, .dat, .qchi, .fxye, .iq); configurations (.cfg) and outputs of
    /// PDFgetX3, which are run again from their header.
    #[arg(required = true)]
    pub(super) patterns: Vec<PathBuf>,
    /// Pattern of container and air, on any points; subtracted from each.
    #[arg(long)]
    pub(super) background: Option<PathBuf>,
    /// I = I_sample − scale·I_background; 1 if left out.
    #[arg(long, allow_negative_numbers = true)]
    pub(super) background_scale: Option<f64>,
    /// What the first column is; left out, what the header says.
    #[arg(long)]
    pub(super) axis: Option<AxisWord>,
    /// Angle that the detector calls 0, in degrees; 0 if left out.
    #[arg(long, allow_negative_numbers = true)]
    pub(super) two_theta_zero_deg: Option<f64>,
    /// Vary the background's scale, r_poly and Qmax as `halor tune` does, and take on what it advises.
    #[arg(long)]
    tune: bool,
    /// A run file whose blocks beam, composition, pdf and peaks are taken.
    #[arg(long)]
    pub(super) run_file: Option<PathBuf>,
    /// A configuration of PDFgetX3 for the patterns, which go before its `inputfile`.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// Section of the configuration that goes before `[DEFAULT]`.
    #[arg(long)]
    pub(super) section: Option<String>,
    #[command(flatten)]
    pub(super) options: PdfOptions,
    /// Folder of the results, NAME.iq .sq .fq .gr .csv .svg.
    #[arg(long, default_value = ".")]
    pub(super) output: PathBuf,
    /// Replace results that are there.
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum AxisWord {
    QInvAngstrom,
    QInvNm,
    TwoThetaDeg,
    TwoThetaRad,
}

impl From<AxisWord> for Axis {
    fn from(word: AxisWord) -> Axis {
        match word {
            AxisWord::QInvAngstrom => Axis::QInvAngstrom,
            AxisWord::QInvNm => Axis::QInvNm,
            AxisWord::TwoThetaDeg => Axis::TwoThetaDeg,
            AxisWord::TwoThetaRad => Axis::TwoThetaRad,
        }
    }
}

/// What one pattern left.
struct Done {
    files: Vec<PathBuf>,
    /// What was fitted: key and value, as in the headers.
    notes: Vec<(String, String)>,
    warnings: Vec<String>,
}

pub(super) fn run(args: &PdfArgs, quiet: bool) -> anyhow::Result<Outcome> {
    for (name, value) in
        [("background-scale", args.background_scale), ("two-theta-zero-deg", args.two_theta_zero_deg)]
    {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            bail!("--{name} is {value}, expected a number");
        }
    }
    let jobs = match jobs(args) {
        Ok(jobs) => jobs,
        Err(error) => return outcome_of(error),
    };
    let mut failed = 0;
    // What results must not replace.
    let mut apart: Vec<PathBuf> = jobs.iter().flat_map(|(name, job)| job.inputs(name)).collect();
    apart.extend(args.background.clone());
    for (name, job) in &jobs {
        let done = match job {
            Job::Halor => one(args, Asked::of_pattern(args, Path::new(name)), &apart),
            Job::Again(header) => {
                Asked::of_result(args, Path::new(name), header).and_then(|asked| one(args, asked, &apart))
            }
            Job::PdfGetX3(config) => compatible::one(args, config, name, &apart),
        };
        apart.extend(done.iter().flat_map(|done| done.files.clone()));
        match done {
            Ok(done) if quiet => drop(done),
            Ok(done) => {
                done.notes.iter().for_each(|(key, value)| say(format_args!("{key} {value}")));
                done.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
                let names: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
                say(format_args!("{name}: {}", names.join(" ")));
            }
            Err(error) if jobs.len() == 1 => return outcome_of(error),
            Err(error) => {
                say(format_args!("failed: {name}: {error:#}"));
                failed += 1;
            }
        }
    }
    Ok(if failed == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

/// Whose algorithm and files a pattern takes.
enum Job {
    /// This program's.
    Halor,
    /// Its own again, by the header of a result.
    Again(Header),
    /// Those of a configuration of PDFgetX3.
    PdfGetX3(Box<PdfGetX3Config>),
}

impl Job {
    /// The patterns that it reads.
    fn inputs(&self, name: &str) -> Vec<PathBuf> {
        match self {
            Job::Halor => vec![PathBuf::from(name)],
            Job::Again(header) => {
                let files = ["inputfile", "backgroundfile"].into_iter().filter_map(|key| header.get(key));
                files.map(|file| locate(file, Path::new(name))).collect()
            }
            Job::PdfGetX3(config) => {
                let background = config.backgroundfile.as_ref().map(|name| config.locate(name));
                background.into_iter().chain([config.locate(name)]).collect()
            }
        }
    }
}

/// Patterns by name. A file with a configuration of PDFgetX3 stands for its `inputfile`s.
fn jobs(args: &PdfArgs) -> anyhow::Result<Vec<(String, Job)>> {
    let section = args.section.as_deref();
    let read = |path: &Path| PdfGetX3Config::read(path, section).map(Box::new);
    let shared = args.config.as_deref().map(read).transpose()?;
    let mut jobs = Vec::new();
    for path in &args.patterns {
        let name = path.to_string_lossy().into_owned();
        if let Some(shared) = &shared {
            jobs.push((name, Job::PdfGetX3(shared.clone())));
        } else if is_config(path) {
            let config = read(path)?;
            if config.inputfile.is_empty() {
                bail!("{name}: it has no `inputfile`; give the patterns and --config {name}");
            }
            let inputs = config.inputfile.clone().into_iter();
            jobs.extend(inputs.map(|input| (input, Job::PdfGetX3(config.clone()))));
        } else {
            jobs.push((name, again(path).map_or(Job::Halor, Job::Again)));
        }
    }
    Ok(jobs)
}

/// The header of a result that is no pattern itself, as a .iq file is.
fn again(path: &Path) -> Option<Header> {
    let is_pattern = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("iq"));
    if is_pattern { None } else { Header::of_result(path) }
}

fn refused(error: &ConfigError) -> Outcome {
    say(error);
    if error.only_missing_inputs() { Outcome::InputMissing } else { Outcome::Configuration }
}

pub(super) fn outcome_of(error: anyhow::Error) -> anyhow::Result<Outcome> {
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        return Ok(refused(config));
    }
    let missing = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(PatternFileError::Io { source, .. }), _) | (_, Some(PdfGetX3Error::Io { source, .. })) => {
            source.kind() == ErrorKind::NotFound
        }
        (Some(_) | None, Some(_) | None) => false,
    };
    if missing {
        say(format_args!("error: {error}"));
        return Ok(Outcome::InputMissing);
    }
    Err(error)
}

fn one(args: &PdfArgs, mut asked: Asked<'_>, apart: &[PathBuf]) -> anyhow::Result<Done> {
    let path = asked.path.clone();
    let mut analysed = asked.analyse(&[])?;
    let mut overrides = Vec::new();
    let mut notes = asked.notes.clone();
    if args.tune {
        let scan = scan(&asked, &analysed)?;
        asked.background_scale = scan.best.background_scale.unwrap_or(asked.background_scale);
        overrides = scan.best.of_pdf();
        notes.extend(scan.advised.iter().map(Advice::note));
        analysed = asked.analyse(&overrides)?;
    }
    if let Some(fit) = analysed.analysis.settings.low_r_fit {
        let (settled, found) = low_r::settle(&mut asked, fit, &overrides, &analysed)?;
        analysed = settled;
        notes.extend(found);
    }
    let Analysed { read, analysis, plan, reduced } = analysed;

    let mut header = Header::default()
        .with("version", format_args!("halor {}", env!("CARGO_PKG_VERSION")))
        .with("dataformat", "QA")
        .with("inputfile", path.display());
    if let Some(background) = &asked.background {
        header = header.with("backgroundfile", background.display()).with("bgscale", asked.background_scale);
    }
    if let Some(axis) = asked.axis {
        header = header.with("axis", axis.name());
    }
    header = header.with("twothetazero", asked.two_theta_zero_deg);
    header = header.with("mode", "xray");
    if let Some(wavelength) = read.wavelength_angstrom {
        header = header
            .with("wavelength", format_args!("{wavelength:.9}"))
            .with("energy_kev", format_args!("{:.6}", energy_kev(wavelength)));
    }
    let header = notes.iter().fold(header, |header, (key, value)| header.with(key, value));
    let header = header
        .with_pdf(&analysis.settings)
        .with("electron_units_per_intensity", reduced.structure.scale)
        .with("constant_electron_units", reduced.structure.constant)
        .with("analysis", &analysis.written);

    let stem = path.file_stem().context("the pattern's file has no name")?.to_string_lossy().into_owned();
    let mut warnings = read.warnings;
    let systematic =
        systematic(&reduced, &read.pattern, read.background.as_deref(), &plan).unwrap_or_else(|reason| {
            warnings.push(format!("{stem}: no systematic σ: {reason}"));
            None
        });
    let row = |(index, peak): (usize, &halor::peaks::Peak)| PeakRow {
        sample: stem.clone(),
        frame: None,
        region: RING.to_owned(),
        peak: peak.clone(),
        systematic: systematic.as_ref().map(|systematic| systematic.peaks[index]),
        quality: reduced.quality,
    };
    let rows: Vec<PeakRow> = reduced.peaks.peaks.iter().enumerate().map(row).collect();
    warnings.extend(read.estimated_sigma);
    warnings.extend(analysis.warnings);
    warnings.extend(reduced.quality.warnings(&stem, &analysis.settings));
    let density = analysis.settings.density();
    let texts = [
        ("iq", iq(&header, &read.pattern)),
        ("sq", sq(&header, &reduced.structure)),
        ("fq", fq(&header, &reduced.structure)),
        ("gr", gr(&header, &reduced.pdf, systematic.as_ref().map(|systematic| systematic.g.as_slice()))),
        ("csv", peaks_csv(&rows, &Conditions::default()).csv()?),
    ];
    let rdf = density.map(|density| ("rdf", rdf(&header, &reduced.pdf, density)));
    let weights = plan.weights(&analysis.settings)?.map(|weights| weights.csv()).transpose()?;
    let weights = weights.map(|weights| ("weights.csv", weights));
    let covariance = covariance(&analysis.settings, &plan, &reduced);
    let patterns = Patterns { measured: read.pattern.clone(), subtracted: read.pattern };
    let curves = SampleCurves { sample: stem.clone(), patterns, reduced: Some(reduced) };
    let picture = ("svg", series_svg(&[curves])?);
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let mut files = Together::default();
    for (ending, text) in texts.into_iter().chain(rdf).chain(weights).chain([picture]) {
        files.add(args.output.join(format!("{stem}.{ending}")), text);
    }
    if let Some(covariance) = covariance {
        files.add(args.output.join(format!("{stem}.gr.covariance.npy")), covariance);
    }
    Ok(Done { files: files.write(existing, apart)?, notes, warnings })
}

/// The figures of quality around the values of `base`, one parameter after the other.
pub(super) fn scan(asked: &Asked<'_>, base: &Analysed) -> anyhow::Result<Scan> {
    let scale = asked.background.is_some().then_some(asked.background_scale);
    let start = Values::of(&base.analysis.settings, scale).context("tune knows the mode `absolute` only")?;
    Ok(Scan::new(start, |values| -> anyhow::Result<Quality> {
        let mut overrides = values.of_pdf();
        overrides.push("pdf.systematic=off".to_owned());
        let mut asked = asked.clone();
        asked.background_scale = values.background_scale.unwrap_or(asked.background_scale);
        Ok(asked.analyse(&overrides)?.reduced.quality)
    }))
}

/// The file of cov(G(r), G(r′)), where it is asked for.
fn covariance(settings: &PdfSettings, plan: &ReductionPlan, reduced: &Reduced) -> Option<Vec<u8>> {
    match settings.covariance {
        Covariance::Diagonal => None,
        Covariance::Full => {
            Some(npy_square(&plan.transform.covariance(&reduced.structure), reduced.pdf.r.len()))
        }
    }
}
