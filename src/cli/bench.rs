//! `halor bench`: how fast this machine is.

use anyhow::Context;
use clap::{Args, ValueEnum};
use halor::bench::{BenchSettings, bench};
use halor::config::EngineChoice;

use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// The detector, by name.
    #[arg(long, default_value = "Pilatus CdTe 2M")]
    detector: String,
    /// Radial bins.
    #[arg(long, default_value_t = 3000)]
    bins: usize,
    /// How pixels are split.
    #[arg(long, value_enum, default_value_t = Splitting::Full)]
    splitting: Splitting,
    /// Sectors that share out the ring, integrated with it.
    #[arg(long, default_value_t = 0)]
    sectors: usize,
    /// Frames of a round; they are kept in memory and written to a temporary folder as TIFF and CBF.
    #[arg(long, default_value_t = 32)]
    frames: usize,
    /// Rounds; each part reports its median.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A graphics adapter to measure too: auto (a real GPU if there is one), gpu, or a part of its name; cpu: none.
    #[arg(long, default_value = "auto")]
    engine: String,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Splitting {
    /// Not at all.
    None,
    /// By the bounding box.
    BoundingBox,
    /// By the area.
    Full,
}

pub(super) fn run(args: &BenchArgs, quiet: bool) -> anyhow::Result<Outcome> {
    if !quiet {
        let (frames, detector) = (args.frames, &args.detector);
        say(format_args!("simulating {frames} frames of {detector}, then {} rounds ...", args.rounds));
    }
    let settings = BenchSettings {
        detector: args.detector.clone(),
        bins: args.bins,
        splitting: match args.splitting {
            Splitting::None => "none",
            Splitting::BoundingBox => "bounding_box",
            Splitting::Full => "full",
        }
        .to_owned(),
        sectors: args.sectors,
        frames: args.frames.max(1),
        rounds: args.rounds.max(1),
        engine: EngineChoice::named(&args.engine),
    };
    let report = bench(&settings)?;
    if args.json {
        print(&serde_json::to_string_pretty(&report).context("the report as JSON")?);
    } else {
        print(&report.to_string());
    }
    Ok(Outcome::Done)
}
