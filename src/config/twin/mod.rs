//! The twin file: what `halor simulate` makes a beam time from. Blocks that the run file has too are read and checked
//! by the run file's code.

mod schema;
mod camera;
mod samples;
mod structure;
mod run_files;

use std::path::Path;

use super::document::{Document, TWIN_FILE};
use super::problem::ConfigError;
use super::resolve::Check;
use super::schema::{OffOr, Switch};
use crate::frame::{Shape, TiffWriter};
use crate::scattering::Composition;
use crate::simulate::noise::Noise;
use crate::simulate::{Container, FrameFormat, Harmonic, Surroundings, Twin};
use schema::{ContainerBlock, FormatWord, SurroundingsBlock, TwinFile};

/// A twin file that was read and found right.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedTwin {
    /// What it means.
    pub twin: Twin,
    /// Odd, but no reason to stop; each names its key and line.
    pub warnings: Vec<String>,
}

/// The detector of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoDetector {
    /// Pilatus CdTe 2M, the beam near its middle.
    Pilatus2m,
    /// Pilatus CdTe 300K for quick tests, the beam in a corner of it, 0.18 m from the sample: a quarter of each ring up
    /// to Q = 22 Å⁻¹, and one sector along the diagonal, where no gap hides a whole arc.
    Pilatus300k,
}

/// The demo's twin file as it comes with the program.
const DEMO: &str = include_str!("../../simulate/demo.yaml");

/// What the small demo has instead; the beam meets column 31.3 and row 28.8.
const DEMO_300K: [&str; 5] = [
    "detector={name: Pilatus CdTe 300K}",
    "geometry={distance_m: 0.18, poni1_m: 0.005439605674098978, poni2_m: 0.006157604770455283, rot1_rad: 0.0043, rot2_rad: -0.0027}",
    "beam_stop.radius_px=7.744095748615514",
    "integration.bins=1000",
    "sectors=[{name: diagonal, centre_deg: 45, width_deg: 30, fold: off}]",
];

/// More frames than a file system should be asked for in one go.
const MOST_FRAMES: u64 = 100_000;

/// Reads and checks the twin file `path`; `overrides` are `key.path=value` as given to `--set`, later ones win.
///
/// Paths in the twin file and in the overrides are relative to the twin file's folder.
///
/// # Errors
/// Every problem at once with line, column, key and mend: first those of form, then those of meaning.
pub fn load_twin(path: &Path, overrides: &[String]) -> Result<LoadedTwin, ConfigError> {
    let (document, file) = Document::open(path, overrides, TWIN_FILE)?;
    resolve(&document, file)
}

/// The demo's twin, to be written to `output`; `overrides` as for [`load_twin`].
///
/// # Errors
/// As [`load_twin`].
pub fn demo_twin(
    detector: DemoDetector,
    output: &Path,
    overrides: &[String],
) -> Result<LoadedTwin, ConfigError> {
    let mut all: Vec<String> = match detector {
        DemoDetector::Pilatus2m => Vec::new(),
        DemoDetector::Pilatus300k => DEMO_300K.iter().map(|text| (*text).to_owned()).collect(),
    };
    all.extend(overrides.iter().cloned());
    let folder = std::path::absolute(output).unwrap_or_else(|_| output.to_path_buf());
    let (document, mut file) = Document::embedded::<TwinFile>(DEMO, "demo.yaml", &folder, &all, TWIN_FILE)?;
    file.output = Some(".".to_owned());
    let mut loaded = resolve(&document, file)?;
    loaded.twin.output = output.to_path_buf();
    Ok(loaded)
}

fn resolve(document: &Document, mut file: TwinFile) -> Result<LoadedTwin, ConfigError> {
    let written = file.clone();
    let mut check = document.check();
    let output = super::resolve::output(&mut file.output, "twin", &mut check);
    let format = match *file.format.get_or_insert(FormatWord::Tiff) {
        FormatWord::Tiff => FrameFormat::Tiff,
        FormatWord::TiffStack => FrameFormat::TiffStack,
        FormatWord::Cbf => FrameFormat::Cbf,
    };
    let noise = match *file.counting.noise.get_or_insert(Switch::On) {
        Switch::On => Noise::Poisson,
        Switch::Off => Noise::Off,
    };
    match (noise, format) {
        (Noise::Off, FrameFormat::Cbf) => {
            let mend = "write `format: tiff`, which holds single precision";
            check.problems.push("counting.noise", "CBF frames hold whole counts only", mend);
        }
        (Noise::Off, FrameFormat::Tiff | FrameFormat::TiffStack)
        | (Noise::Poisson, FrameFormat::Tiff | FrameFormat::TiffStack | FrameFormat::Cbf) => {}
    }
    let camera = camera::camera(&mut file, &mut check);
    let counts_per_eu_s = *file.counting.counts_per_electron_unit_s.get_or_insert(0.045);
    check.positive("counting.counts_per_electron_unit_s", counts_per_eu_s);
    let surroundings = match file.background.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => surroundings(block, &mut check),
    };
    let dark_frames = frame_count("dark_frames", file.dark_frames.get_or_insert(0), &mut check);
    let samples = samples::samples(&mut file, counts_per_eu_s, &mut check);
    let geometry = camera.as_ref().map(|camera| &camera.geometry);
    if let Some(geometry) = geometry.filter(|_| format == FrameFormat::TiffStack) {
        let around = surroundings.as_ref().map(|around| ("background.frames".to_owned(), around.frames));
        let of_samples = samples.iter().enumerate();
        of_samples
            .map(|(index, sample)| (format!("samples[{index}].frames"), sample.frames))
            .chain(around)
            .chain([("dark_frames".to_owned(), dark_frames)])
            .for_each(|(key, frames)| fits_one_file(&key, frames, geometry.detector.shape, &mut check));
    }
    let plan = run_files::run_files(&written, format, &samples, camera.as_ref(), &mut check);
    let twin =
        check.problems.list.is_empty().then_some(()).and(camera).zip(plan).map(|(camera, plan)| Twin {
            output,
            yaml: String::new(),
            camera,
            format,
            noise,
            counts_per_eu_s,
            surroundings,
            dark_frames,
            samples,
            analysis: plan.analysis,
            run_files: plan.run_files,
        });
    let Some(mut twin) = twin else { return Err(check.problems.into_error()) };
    let warnings = check.problems.warnings;
    twin.yaml = document.resolved(&file)?;
    Ok(LoadedTwin { twin, warnings })
}

fn surroundings(block: &mut SurroundingsBlock, check: &mut Check<'_>) -> Option<Surroundings> {
    let key = |name: &str| format!("background.{name}");
    let frames = frame_count(&key("frames"), block.frames.get_or_insert(1), check);
    let text = block.composition.get_or_insert_with(|| "N156 O42 Ar1".to_owned());
    let composition = Composition::parse(text)
        .map_err(|error| check.problems.push(&key("composition"), error.to_string(), ""));
    let halo_eu = *block.halo_electron_units.get_or_insert(0.0);
    let halo_decay = *block.halo_decay_inv_angstrom.get_or_insert(1.0);
    check.not_negative(&key("atoms_per_sample_atom"), block.atoms_per_sample_atom);
    check.not_negative(&key("halo_electron_units"), halo_eu);
    check.positive(&key("halo_decay_inv_angstrom"), halo_decay);
    let atoms_per_sample_atom = block.atoms_per_sample_atom;
    let container = match block.container.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => Some(container(&key("container"), block, check)?),
    };
    let composition = composition.ok()?;
    Some(Surroundings { frames, composition, atoms_per_sample_atom, halo_eu, halo_decay, container })
}

fn container(key: &str, block: &mut ContainerBlock, check: &mut Check<'_>) -> Option<Container> {
    let composition = Composition::parse(&block.composition)
        .map_err(|error| check.problems.push(&format!("{key}.composition"), error.to_string(), ""));
    check.not_negative(&format!("{key}.atoms_per_sample_atom"), block.atoms_per_sample_atom);
    let s = match &mut block.s_of_q {
        None => None,
        Some(written) => Some(structure::s_of_q(&format!("{key}.s_of_q"), written, Harmonic::Zeroth, check)?),
    };
    Some(Container { composition: composition.ok()?, atoms_per_sample_atom: block.atoms_per_sample_atom, s })
}

/// A TIFF file has 32-bit offsets.
fn fits_one_file(key: &str, frames: u32, shape: Shape, check: &mut Check<'_>) {
    let bytes = TiffWriter::<Vec<u8>>::bytes(shape, u64::from(frames));
    let most = u64::from(u32::MAX);
    if bytes > most {
        let fit = most / TiffWriter::<Vec<u8>>::bytes(shape, 1);
        let message = format!("{frames} frames make a TIFF file of {bytes} bytes, which has 4 GiB at most");
        check.problems.push(key, message, format!("at most {fit} frames fit, or write `format: tiff`"));
    }
}

fn frame_count(key: &str, count: &u64, check: &mut Check<'_>) -> u32 {
    if *count > MOST_FRAMES {
        let message = format!("found {count} frames, expected at most {MOST_FRAMES}");
        check.problems.push(key, message, "write several twin files");
    }
    u32::try_from(*count).unwrap_or(u32::MAX)
}
