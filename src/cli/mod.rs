//! The command line: raw arguments, one file per subcommand.

mod bench;
mod calibrate;
mod check;
mod compare;
mod merge;
mod demo;
mod doctor;
mod init;
mod manual;
mod pdf;
mod report;
mod resolution;
mod run;
mod simulate;
mod status;
mod submit;
mod tune;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use halor::config::{self, Loaded};
use halor::output::Existing;

/// How a command ended, as the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: all done.
    Done,
    /// 1: some frames or samples failed; the rest is there.
    SomeFailed,
    /// 2: usage or configuration.
    Configuration,
    /// 3: an input is missing.
    InputMissing,
    /// 4: a GPU was required and there is none.
    GpuMissing,
}

impl Outcome {
    pub(crate) fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::SomeFailed => 1,
            Outcome::Configuration => 2,
            Outcome::InputMissing => 3,
            Outcome::GpuMissing => 4,
        }
    }
}

/// From diffraction halos to r: detector frames to I(Q), S(Q), G(r) and peak metrics for a series of samples.
///
/// Exit codes: 0 all done, 1 some frames failed, 2 usage or configuration, 3 input missing, 4 GPU required but absent.
#[derive(Debug, Parser)]
#[command(name = "halor", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Only errors on stderr: no progress, warnings or summary.
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a folder of frames and write a run file for it, with comments.
    Init(init::InitArgs),
    /// Process the series that a run file describes.
    Run(run::RunArgs),
    /// Process frames as they come, with a page of the results on this machine.
    Watch(watch::WatchArgs),
    /// Join what the shards of a run have done: samples, tables, report.
    Merge(merge::MergeArgs),
    /// Run the shards of a run on a cluster, and their merge after them.
    Submit(submit::SubmitArgs),
    /// How far a run is, and who works on it, from its journal.
    Status(status::StatusArgs),
    /// Validate a run file and print what a run would do, without computing.
    Check(RunFileArgs),
    /// S(Q) and G(r) of patterns that are integrated already: .chi, .xy, .xye, .dat and other text.
    Pdf(Box<pdf::PdfArgs>),
    /// Which Qmax, r_poly and background scale: a small scan, a table, a picture, a recommendation in words.
    Tune(Box<tune::TuneArgs>),
    /// Qdamp and Qbroad of the instrument from G(r) of a calibrant.
    Resolution(resolution::ResolutionArgs),
    /// Two runs or two samples, curve by curve: differences with σ, χ², tables and pictures.
    Compare(compare::CompareArgs),
    /// Find the geometry from frames of a calibrant, without a guess, with uncertainties.
    Calibrate(calibrate::CalibrateArgs),
    /// Make the page of a finished run again from its results: report/index.html.
    Report(report::ReportArgs),
    /// Simulate a beam time from a twin file: frames, geometry, mask, the truth and run files.
    Simulate(simulate::SimulateArgs),
    /// Simulate a small series with a known answer, process it and print both beside each other.
    Demo(demo::DemoArgs),
    /// Measure how fast this machine is: decoding, integrating, S(Q) and G(r), writing, and whole runs.
    Bench(bench::BenchArgs),
    /// What this machine can do, what is missing and how to get it; all engines are tested against each other.
    Doctor(doctor::DoctorArgs),
    /// Completions for a shell, on stdout.
    Completions(manual::CompletionsArgs),
    /// Manual pages for `man`.
    Man(manual::ManArgs),
    /// JSON Schema of the run file, on stdout: with it editors complete and check keys.
    Schema,
}

/// A run file and what changes it.
#[derive(Debug, Clone, Args)]
struct RunFileArgs {
    /// The YAML run file.
    run_file: PathBuf,
    /// Which engine: auto, gpu, all (every GPU), cpu, or a part of an adapter's name; goes before the run file's.
    #[arg(long)]
    engine: Option<String>,
    /// Output folder; goes before the run file's.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Set a key of the run file, such as `pdf.window=none`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Print the result as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// `--output` as the shell means it: from the current folder, not from the file's.
fn output_override(output: &std::path::Path) -> String {
    let absolute = std::path::absolute(output).unwrap_or_else(|_| output.to_path_buf());
    format!("output={}", serde_json::Value::from(absolute.to_string_lossy()))
}

impl RunFileArgs {
    fn of(run_file: &std::path::Path, overrides: Vec<String>) -> RunFileArgs {
        RunFileArgs { run_file: run_file.to_owned(), engine: None, output: None, overrides, json: false }
    }

    /// The same again for another process, from whatever folder.
    fn arguments(&self) -> Vec<String> {
        let absolute = |path: &std::path::Path| {
            std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned()
        };
        let named = |name: &str, value: String| [name.to_owned(), value];
        let engine = self.engine.clone().map(|engine| named("--engine", engine));
        let output = self.output.as_deref().map(|output| named("--output", absolute(output)));
        let overrides = self.overrides.iter().map(|set| named("--set", set.clone()));
        let options = engine.into_iter().chain(output).chain(overrides).flatten();
        std::iter::once(absolute(&self.run_file)).chain(options).collect()
    }

    /// All that the command line changes, as `key=value`.
    fn all_overrides(&self) -> Vec<String> {
        let mut overrides = self.overrides.clone();
        let engine = self.engine.as_deref().map(serde_json::Value::from);
        overrides.extend(engine.map(|engine| format!("engine={engine}")));
        overrides.extend(self.output.as_deref().map(output_override));
        overrides
    }

    /// The configuration with what the command line changes; problems are printed.
    fn load(&self) -> Result<Loaded, Outcome> {
        config::load(&self.run_file, &self.all_overrides()).map_err(|error| {
            say(&error);
            if error.only_missing_inputs() { Outcome::InputMissing } else { Outcome::Configuration }
        })
    }
}

/// Data for stdout; a closed pipe is no error of ours.
fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line on stderr. It may be closed (`halor … 2>&1 | head`): the results matter more than the talk.
pub(crate) fn say(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

impl Cli {
    pub(crate) fn dispatch(self) -> anyhow::Result<Outcome> {
        let level = if self.quiet { tracing::Level::ERROR } else { tracing::Level::WARN };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .without_time()
            .with_target(false)
            .log_internal_errors(false)
            .init();
        match self.command {
            Command::Run(args) => run::run(&args, self.quiet),
            Command::Watch(args) => watch::run(&args, self.quiet),
            Command::Merge(args) => merge::merge(&args, self.quiet),
            Command::Submit(args) => submit::submit(&args),
            Command::Status(args) => status::status(&args),
            Command::Check(args) => check::check(&args, Existing::Keep, self.quiet),
            Command::Pdf(args) => pdf::run(&args, self.quiet),
            Command::Tune(args) => tune::run(&args, self.quiet),
            Command::Resolution(args) => resolution::run(&args),
            Command::Compare(args) => compare::run(&args, self.quiet),
            Command::Calibrate(args) => calibrate::run(&args, self.quiet),
            Command::Report(args) => report::report(&args),
            Command::Simulate(args) => simulate::simulate(&args, self.quiet),
            Command::Demo(args) => demo::demo(&args, self.quiet),
            Command::Bench(args) => bench::run(&args, self.quiet),
            Command::Init(args) => init::run(&args, self.quiet),
            Command::Doctor(args) => doctor::run(&args),
            Command::Completions(args) => Ok(manual::completions(&args)),
            Command::Man(args) => manual::man(&args, self.quiet),
            Command::Schema => manual::schema(),
        }
    }
}
