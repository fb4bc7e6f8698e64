//! What outputs say of how they were made, and what frames' headers say against the run file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::prepare::Prepared;
use super::queue::{Job, Read};
use crate::config::{Config, NormalizeBy};
use crate::frame::Frame;
use crate::integrate::RadialUnit;
use crate::output::Header;
use crate::units::energy_kev;

/// The parameters of a run as they stand at the head of every text output.
pub(super) fn output_header(config: &Config, prepared: &Prepared) -> Header {
    let poni = &config.geometry.poni;
    let normalized = match config.integration.normalize_by {
        NormalizeBy::None => "none",
        NormalizeBy::Exposure => "exposure",
        NormalizeBy::Monitor => "monitor",
    };
    let unit = match config.integration.unit {
        RadialUnit::QInvAngstrom => "QA",
        RadialUnit::TwoThetaDeg => "twotheta",
        RadialUnit::DAngstrom => "d",
    };
    let header = Header::default()
        .with("version", format_args!("halor {}", env!("CARGO_PKG_VERSION")))
        .with("dataformat", unit)
        .with("mode", "xray")
        .with("wavelength", format_args!("{:.9}", poni.wavelength_angstrom))
        .with("energy_kev", format_args!("{:.6}", energy_kev(poni.wavelength_angstrom)))
        .with("detector", &config.geometry.detector.name)
        .with("distance_m", poni.distance_m)
        .with("poni_m", format_args!("{} {}", poni.poni1_m, poni.poni2_m))
        .with("rotations_rad", format_args!("{} {} {}", poni.rot1_rad, poni.rot2_rad, poni.rot3_rad))
        .with("splitting", config.integration.splitting)
        .with("bins", config.integration.bins.count)
        .with("normalized_by", normalized)
        .with("masked_pixels", prepared.mask.count_bad())
        .with("corrections", prepared.applied(config).join("; "));
    match &config.pdf {
        Some(pdf) => header.with_pdf(pdf),
        None => header,
    }
}

impl Prepared {
    /// What is done to the counts, in words.
    pub(super) fn applied(&self, config: &Config) -> Vec<String> {
        let corrections = &config.corrections;
        let mut applied: Vec<String> = corrections.factors.iter().map(ToString::to_string).collect();
        applied.extend(corrections.absorption.iter().map(ToString::to_string));
        applied.extend(self.twice_scattered().map(|twice| twice.to_string()));
        if config.geometry.parallax.is_some() {
            applied.push("parallax".to_owned());
        }
        if let Some(displacement) = &config.geometry.detector.displacement {
            let named = displacement.named();
            let each: Vec<String> = named.iter().map(|(name, px)| format!("{name} {px:.4} px")).collect();
            applied.push(format!("displaced pixels ({})", each.join(", ")));
        }
        if !corrections.dark.is_empty() {
            applied.push(format!("dark ({} frames)", corrections.dark.len()));
        }
        if let Some(flat) = &corrections.flat {
            applied.push(format!("flat {}", flat.display()));
        }
        if let Some(dead_time) = corrections.dead_time {
            applied.push(format!("dead time {:?} {} s", dead_time.model, dead_time.tau_s));
        }
        if let Some(counts) = corrections.saturated_counts {
            applied.push(format!("saturated from {counts} counts"));
        }
        applied
    }
}

/// Collects where headers contradict the run file. Headers hold placeholders: the run file goes before them.
#[derive(Debug, Default)]
pub(super) struct HeaderCheck {
    /// Message → frames, the first of them.
    found: BTreeMap<String, (usize, PathBuf)>,
}

/// A wavelength or pixel size that differs by more is another one, not rounding in a header.
const RELATIVE_TOLERANCE: f64 = 1e-3;
/// Nominal distances are read off a motor.
const DISTANCE_TOLERANCE: f64 = 0.02;

impl HeaderCheck {
    /// Adds what [`all_contradictions`] found of a frame.
    pub(super) fn note(&mut self, path: &Path, found: Vec<String>) {
        for message in found {
            self.found.entry(message).or_insert_with(|| (0, path.to_owned())).0 += 1;
        }
    }

    /// One message each, with the number of frames and the first of them.
    pub(super) fn into_warnings(self) -> impl Iterator<Item = String> {
        self.found.into_iter().map(|(message, (count, first))| match count {
            1 => format!("{}: {message}", first.display()),
            _ => format!("{} and {} more frames: {message}", first.display(), count - 1),
        })
    }
}

/// What each frame's header says against the run file.
pub(super) fn all_contradictions(config: &Config, frames: &[(Job, Read)]) -> Vec<Vec<String>> {
    let of_frame = |(_, read): &(Job, Read)| {
        read.as_ref().map_or_else(|_| Vec::new(), |read| contradictions(&read.frame, config))
    };
    frames.par_iter().map(of_frame).collect()
}

/// What a frame's header says against the run file.
fn contradictions(frame: &Frame, config: &Config) -> Vec<String> {
    let header = &frame.header;
    let poni = &config.geometry.poni;
    let pixel_m = config.geometry.detector.pixel_m;
    let differs = |a: f64, b: f64, tolerance: f64| (a - b).abs() > tolerance * b.abs();
    let wavelength = header
        .wavelength_angstrom
        .filter(|found| differs(*found, poni.wavelength_angstrom, RELATIVE_TOLERANCE))
        .map(|found| {
            format!("header says wavelength {found} Å, the run uses {:.6} Å", poni.wavelength_angstrom)
        });
    let distance = header
        .distance_m
        .filter(|found| differs(*found, poni.distance_m, DISTANCE_TOLERANCE))
        .map(|found| format!("header says distance {found} m, the run uses {:.5} m", poni.distance_m));
    let pixel = header
        .pixel_m
        .filter(|found| (0..2).any(|axis| differs(found[axis], pixel_m[axis], RELATIVE_TOLERANCE)))
        .map(|found| format!("header says pixels of {found:?} m, the run uses {pixel_m:?} m"));
    let cutoff = header
        .count_cutoff
        .filter(|_| config.corrections.saturated_counts.is_none())
        .filter(|cutoff| frame.counts.largest().is_some_and(|largest| largest > *cutoff))
        .map(|cutoff| {
            format!(
                "counts above the header's Count_cutoff {cutoff}: saturated, unless the frame was flat-field \
                 corrected; set `mask.saturated_counts` to leave them out"
            )
        });
    [wavelength, distance, pixel, cutoff].into_iter().flatten().collect()
}
