//! `run.json`: what went in, what was done with it, by what, and how it ended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::EngineInfo;
use crate::engine::crew::EngineUse;
use crate::frame::{FrameAddress, Reading};
use crate::low_r::LowRFound;
use crate::quality::Quality;
use crate::structure::TwiceScattered;
use crate::tune::Advice;

/// How a frame ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "status", content = "reason")]
pub enum Status {
    /// Its results are written.
    Done,
    /// Why there are none.
    Failed(String),
    /// Why it was not tried.
    Skipped(String),
    /// Its results are written, but it is not in its sample's sum: why.
    #[serde(rename = "left_out")]
    LeftOut(String),
}

impl Status {
    /// As in run.json.
    pub fn word(&self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::Failed(_) => "failed",
            Status::Skipped(_) => "skipped",
            Status::LeftOut(_) => "left_out",
        }
    }
}

/// One frame of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameRecord {
    /// The file.
    pub path: PathBuf,
    /// Image in the file.
    pub image: usize,
    /// The sample, or `background N`.
    pub used_for: String,
    /// Size of the file as stored; `None` where it could not be read.
    pub bytes: Option<u64>,
    /// XXH3-128 of the file as stored (`xxhsum -H2`), hexadecimal.
    pub xxh3_128: Option<String>,
    /// What its norm was multiplied by (exposure or monitor).
    pub normalized_by: Option<f64>,
    /// Pixels left out of this frame only.
    pub excluded_pixels: Option<u64>,
    /// When it began, as its file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began: Option<String>,
    /// How long it was exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_s: Option<f64>,
    /// What the file says of the sample and its surroundings: temperature, positions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
    /// How it ended.
    #[serde(flatten)]
    pub status: Status,
}

/// A file beside the frames that the run depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputRecord {
    /// Run file, geometry, mask, flat or dark.
    pub role: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Size.
    pub bytes: Option<u64>,
    /// XXH3-128 of its contents, hexadecimal.
    pub xxh3_128: Option<String>,
}

/// Frames that an engine failed at, and that the native engine then integrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redone {
    /// Device of the engine that failed.
    pub engine: String,
    /// Why.
    pub reason: String,
    /// The frames.
    pub frames: Vec<FrameAddress>,
}

/// found = done + failed + skipped + left_out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Frames of the run, backgrounds included.
    pub found: usize,
    /// With results.
    pub done: usize,
    /// Without, each with its reason.
    pub failed: usize,
    /// Not tried, each with its reason.
    pub skipped: usize,
    /// With results, but unlike the others of their sample and not in its sum.
    pub left_out: usize,
}

impl Ledger {
    /// Counts what became of each frame of the `found` ones.
    pub fn of(found: usize, frames: &[FrameRecord]) -> Ledger {
        Ledger::counting(found, frames.iter().map(|frame| &frame.status))
    }

    /// As [`Ledger::of`].
    pub fn counting<'a>(found: usize, frames: impl Iterator<Item = &'a Status>) -> Ledger {
        let mut ledger = Ledger { found, ..Ledger::default() };
        for status in frames {
            match status {
                Status::Done => ledger.done += 1,
                Status::Failed(_) => ledger.failed += 1,
                Status::Skipped(_) => ledger.skipped += 1,
                Status::LeftOut(_) => ledger.left_out += 1,
            }
        }
        ledger
    }

    /// With the frames of `other`.
    pub fn and(self, other: Ledger) -> Ledger {
        Ledger {
            found: self.found + other.found,
            done: self.done + other.done,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            left_out: self.left_out + other.left_out,
        }
    }
}

/// Where the time went, in seconds of wall clock. The stages overlap: their sum may exceed the total.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Timings {
    /// Building the integration plan and loading it into the engine.
    pub plan_s: f64,
    /// Reading and decoding frames.
    pub read_s: f64,
    /// The engine.
    pub integrate_s: f64,
    /// S(Q), G(r), peaks and writing.
    pub reduce_and_write_s: f64,
    /// Start to end.
    pub total_s: f64,
}

/// Whether a sample's S(Q) and G(r) can be what they should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleQuality {
    /// Its name.
    pub sample: String,
    /// The figures of the full ring of its frames, summed.
    #[serde(flatten)]
    pub quality: Quality,
}

/// Density and background scale of a sample from what its G has at low r.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleLowRFit {
    /// Its name.
    pub sample: String,
    /// The numbers, with σ from counting.
    #[serde(flatten)]
    pub fit: LowRFound,
}

/// `timings.json`: what differs from run to run of the same frames. Of a run that several processes did, what the last of them did.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunTimes {
    /// UTC, ISO 8601.
    pub started: String,
    /// UTC, ISO 8601.
    pub finished: String,
    /// Where the time went.
    pub timings: Timings,
    /// Threads of the processor.
    pub threads: usize,
    /// All engines, each with the frames that it did.
    pub engines: Vec<EngineUse>,
}

impl RunTimes {
    /// Of a run that began at `started`.
    pub fn begun(started: String) -> RunTimes {
        RunTimes { started, threads: rayon::current_num_threads(), ..RunTimes::default() }
    }
}

/// The whole record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRecord {
    /// `halor`.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The run file.
    pub run_file: PathBuf,
    /// What integrated; of several engines the first.
    pub engine: EngineInfo,
    /// Frames whose engine failed, and that were integrated again.
    pub redone: Vec<Redone>,
    /// What was applied to the counts, in words.
    pub corrections: Vec<String>,
    /// What is scattered twice in the samples; `None` where their shape is not known.
    pub multiple_scattering: Option<TwiceScattered>,
    /// The sum of `frames`.
    pub ledger: Ledger,
    /// What the user should look at.
    pub warnings: Vec<String>,
    /// Samples without results, each with its reason.
    pub failed_samples: Vec<(String, String)>,
    /// Figures of each sample.
    pub quality: Vec<SampleQuality>,
    /// What was fitted at low r, where that is asked for.
    pub low_r_fits: Vec<SampleLowRFit>,
    /// How background scale, r_poly and Qmax were found, where that was asked for.
    pub tuned: Vec<Advice>,
    /// What each sample is against the reference, in words.
    pub series: Vec<(String, String)>,
    /// What was found of each sample's anisotropy, in words, where it was looked for.
    pub anisotropy: Vec<(String, String)>,
    /// The files beside the frames: run file, geometry, masks, flat, dark.
    pub inputs: Vec<InputRecord>,
    /// Each frame, in the order of the run.
    pub frames: Vec<FrameRecord>,
    /// Files written, relative to the output folder.
    pub outputs: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_adds_up_and_reasons_are_kept() {
        let frame = |status| FrameRecord {
            path: "a.tif".into(),
            image: 0,
            used_for: "s".into(),
            bytes: None,
            xxh3_128: None,
            normalized_by: None,
            excluded_pixels: None,
            began: None,
            exposure_s: None,
            readings: Vec::new(),
            status,
        };
        let frames = [frame(Status::Done), frame(Status::Failed("torn".into())), frame(Status::Done)];
        assert_eq!(Ledger::of(3, &frames), Ledger { found: 3, done: 2, failed: 1, skipped: 0, left_out: 0 });
        let json = serde_json::to_value(&frames[1]).unwrap();
        assert_eq!((json["status"].as_str(), json["reason"].as_str()), (Some("failed"), Some("torn")));
        let why = || "torn".to_owned();
        for status in [Status::Done, Status::Failed(why()), Status::Skipped(why()), Status::LeftOut(why())] {
            assert_eq!(serde_json::to_value(&status).unwrap()["status"], status.word());
        }
    }
}
