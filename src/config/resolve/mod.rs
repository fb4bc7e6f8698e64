//! From what is written to what is meant: defaults are filled into the schema, every rule is checked, and the typed
//! [`Config`] comes out. Nothing stops at the first problem.

mod cake;
mod calibration;
mod corrections;
mod exports;
mod filter;
mod geometry;
mod integration;
mod mask;
mod names;
mod paths;
mod pdf;
mod peaks;
mod sample;
mod samples;
mod series;
mod structure;

use std::path::PathBuf;

pub(super) use corrections::polarization;
pub(super) use geometry::{geometry, wavelength};
pub(super) use integration::{integration, regions};
pub(super) use paths::matches;
pub use paths::numeric_order;
pub use pdf::Coverage;
pub(super) use pdf::{analysis, pdf};
pub(super) use sample::sample_absorption;

use super::document::Kind;
use super::problem::Problems;
use super::schema::{EngineNames, OffOr, PlanCacheKeys, RunFile};
use super::{Config, EngineChoice};
use crate::geometry::Geometry;
use crate::geometry::calibrate::CalibratedFrame;
use crate::integrate::{PlanCache, user_folder};

/// Whether frames that a run file names have to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FramesAre {
    /// A pattern without a file is a mistake.
    There,
    /// They may come.
    ToCome,
}

/// What the checks of all blocks share.
#[derive(Debug)]
pub(super) struct Check<'a> {
    /// The file's folder, absolute: what its paths are relative to.
    pub(super) folder: PathBuf,
    /// What messages call the file.
    pub(super) kind: Kind,
    /// Whether frames have to be there.
    pub(super) frames_are: FramesAre,
    /// What was found so far.
    pub(super) problems: Problems<'a>,
    /// The calibration, where one was made.
    pub(super) calibrated: Option<CalibratedFrame>,
}

/// Fills every default into `file` and gives the typed configuration; `None` where there are problems.
pub(super) fn resolve(file: &mut RunFile, source: PathBuf, check: &mut Check<'_>) -> Option<Config> {
    let output = output(&mut file.output, "results", check);
    let exports = exports::exports(file, &source, check);
    let engine = engine(file, check);
    let memory_limit_bytes = memory_limit_bytes(file, check);
    let plan_cache = plan_cache(file, check);
    let samples = samples::samples(file, check);
    let first_frame = samples.iter().find_map(|sample| sample.frames.first());
    let mask = mask::mask(file, check);
    // Calibrating puts numbers in the block's place.
    let block = file.geometry.as_ref().and_then(|block| block.0.calibrate.as_ref());
    let calibration_files = block.map_or_else(Vec::new, |block| calibration::files(block, check));
    let geometry = geometry(file, first_frame, &mask, check);
    let geometry = geometry.map(|geometry| {
        let wavelength = geometry.poni.wavelength_angstrom;
        let parallax = sample::parallax(file, &geometry.detector, wavelength, check);
        Geometry { parallax: parallax.flatten(), ..geometry }
    });
    let calibrant = calibration::tested_with(file, check);
    let corrections = corrections::corrections(file, geometry.as_ref(), check);
    let integration = integration(file, geometry.as_ref(), check);
    let regions = regions(file, check);
    let cake = cake::cake(file, geometry.as_ref(), integration.as_ref(), check);
    let has_background = samples.iter().any(|sample| sample.background.is_some());
    integration::comparable(file, has_background, check);
    let mut pdf = pdf(file, geometry.as_ref(), integration.as_ref(), check);
    sample::multiple_scattering(file, corrections.as_ref(), pdf.as_mut(), check);
    let sub_peaks = series::sub_peaks(file, pdf.as_ref(), check);
    let anisotropy = series::anisotropy(file, pdf.as_ref(), &samples, check);
    let series = series::series(file, &samples, check);
    if !check.problems.list.is_empty() {
        return None;
    }
    Some(Config {
        source,
        output,
        exports,
        engine,
        memory_limit_bytes,
        plan_cache,
        geometry: geometry?,
        poni_file: file.geometry.as_ref().and_then(|block| block.0.poni.as_ref()).map(PathBuf::from),
        calibration_files,
        calibrated: check.calibrated.take(),
        calibrant,
        mask,
        corrections: corrections?,
        integration: integration?,
        regions,
        cake,
        samples,
        pdf,
        sub_peaks,
        anisotropy,
        series,
    })
}

/// The output folder; `default` where none is written.
pub(super) fn output(written: &mut Option<String>, default: &str, check: &mut Check<'_>) -> PathBuf {
    let output = written.get_or_insert_with(|| default.to_string());
    if output.trim().is_empty() {
        check.problems.push(
            "output",
            "the output folder has no name",
            format!("write for example `output: {default}`"),
        );
    }
    let path = check.absolute(output);
    if path.is_file() {
        let message =
            format!("`{}` is a file, expected a folder (it is made if it is not there)", path.display());
        check.problems.push("output", message, "name another folder");
    }
    path
}

fn engine(file: &mut RunFile, check: &mut Check<'_>) -> EngineChoice {
    let names = file.engine.get_or_insert_with(|| EngineNames(vec!["auto".to_string()]));
    if names.0.is_empty() || names.0.iter().any(|name| name.trim().is_empty()) {
        let ways = "write auto, gpu, all, cpu, an adapter's name, or a list of them";
        check.problems.push("engine", "no engine is named", ways);
        return EngineChoice::Auto;
    }
    match names.0.as_slice() {
        [name] => EngineChoice::named(name),
        names => EngineChoice::Several(names.iter().map(|name| EngineChoice::named(name)).collect()),
    }
}

/// Where plans are kept; nowhere where the user's folder is not known.
fn plan_cache(file: &mut RunFile, check: &Check<'_>) -> PlanCache {
    match file.plan_cache.get_or_insert(OffOr::On(PlanCacheKeys::User)) {
        OffOr::Off => PlanCache::Off,
        OffOr::On(PlanCacheKeys::User) => {
            user_folder().map_or(PlanCache::Off, |folder| PlanCache::Folder(folder.join("plans")))
        }
        OffOr::On(PlanCacheKeys::Folder(folder)) => PlanCache::Folder(check.absolute(folder)),
    }
}

/// Memory of a run where the machine does not say how much it has.
const MEMORY_OF_SOME_MACHINE: u64 = 2 << 30;

/// What the file allows, else a quarter of the machine's memory. The default is not filled in: it is the machine's.
fn memory_limit_bytes(file: &RunFile, check: &mut Check<'_>) -> u64 {
    match file.memory_limit_gib {
        Some(gib) if check.positive("memory_limit_gib", gib) => (gib * f64::from(1 << 30)) as u64,
        Some(_) | None => machine_memory_bytes().map_or(MEMORY_OF_SOME_MACHINE, |bytes| bytes / 4),
    }
}

/// Memory of this machine, where Linux tells it.
pub(crate) fn machine_memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    Some(kib << 10)
}

impl Check<'_> {
    /// Whether `value` at `key` is greater than 0; a problem where not.
    pub(super) fn positive(&mut self, key: &str, value: f64) -> bool {
        let good = value > 0.0 && value.is_finite();
        if !good {
            self.problems.push(key, format!("found {value}, expected a number above 0"), "");
        }
        good
    }

    /// Whether `value` at `key` is 0 or greater; a problem where not.
    pub(super) fn not_negative(&mut self, key: &str, value: f64) -> bool {
        let good = value >= 0.0 && value.is_finite();
        if !good {
            self.problems.push(key, format!("found {value}, expected 0 or a number above it"), "");
        }
        good
    }

    /// Whether [lower, upper] at `key` is a range of numbers that are not negative; a problem where not.
    fn range(&mut self, key: &str, [lower, upper]: [f64; 2]) -> bool {
        let message = if !(lower.is_finite() && upper.is_finite()) || lower < 0.0 {
            format!("the range [{lower}, {upper}] has a negative end")
        } else if lower >= upper {
            format!("the range [{lower}, {upper}] is empty: its lower end is not below its upper end")
        } else {
            return true;
        };
        self.problems.push(key, message, "write [lower, upper] with 0 ≤ lower < upper");
        false
    }
}

/// `value / per` written so that dividing by `per` again gives `value` back, bit for bit where there is such a number:
/// lengths are kept in m and written in mm or µm.
fn written_in(value: f64, per: f64) -> f64 {
    let plain = value * per;
    let rounded = (plain * 1e6).round() / 1e6;
    if rounded / per == value { rounded } else { plain }
}

#[cfg(test)]
mod tests {
    use super::written_in;

    #[test]
    fn lengths_come_back_from_the_unit_they_are_written_in() {
        for (metres, um) in [(172e-6, 172.0), (55e-6, 55.0), (7.9e-5, 79.0), (99.9e-6, 99.9)] {
            assert_eq!(written_in(metres, 1e6), um);
            assert_eq!(um / 1e6, metres);
        }
        assert_eq!(written_in(0.45e-3, 1e3), 0.45);
    }
}
