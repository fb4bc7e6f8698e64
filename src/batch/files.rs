//! The files of a run: which there will be, and writing them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::journal::Output;
use super::links::links_out;
use super::{anisotropy, drift, series};
use crate::config::{CakesOf, Config, PatternFormat, PdfSettings};
use crate::integrate::{RING, RadialUnit};
use crate::output::{self, Existing, Header, Names, OutputError, frame_names, table_files};
use crate::pdf::Covariance;
use crate::pipeline::{Cakes, Patterns, Reduced};
use crate::report::{PictureError, REPORT_FILE, cake_svg};
use crate::systematic::Systematic;

/// Names that a run will write below its output folder.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedOutputs {
    /// Every file, in the order of writing.
    pub files: Vec<PathBuf>,
    /// Names that two results would share.
    pub collisions: Vec<PathBuf>,
    /// Those that are there already.
    pub existing: Vec<PathBuf>,
    /// Folders that are links out of the output folder, with where they lead: nothing is written through them.
    pub links_out: Vec<(PathBuf, PathBuf)>,
}

/// Files that stand directly in the output folder.
fn run_files(config: &Config) -> impl Iterator<Item = PathBuf> {
    let of_pdf = config.pdf.iter().flat_map(|pdf| {
        let weights = pdf.energy_kev().map(|_| "weights.csv");
        std::iter::once("peaks.csv").chain(weights)
    });
    let of_sectors = config.anisotropy.iter().map(|_| "sectors.csv");
    let of_shell = config.sub_peaks.iter().map(|_| "sub_peaks.csv");
    let compares = config.pdf.is_some() && config.series.reference.is_some();
    let pairs = config.pdf.is_some() && !series::sector_pairs(config).is_empty();
    let of_series = compares.then_some(["series.csv", "trends.csv"]).into_iter().flatten();
    let of_frames = drift::is_looked_for(config).then_some("frames.csv");
    let of_all = config.exports.nexus.as_deref();
    let of_drift = of_frames.filter(|_| config.pdf.is_some()).map(|_| "drift.csv");
    ["config.yaml", "series.svg", "frame.svg", "timings.json", "run.json", REPORT_FILE]
        .into_iter()
        .chain(config.calibrated.is_some().then_some("calibration.svg"))
        .chain(of_pdf)
        .chain(of_sectors)
        .chain(of_shell)
        .chain(of_series)
        .chain((compares || pairs).then_some("differences.csv"))
        .chain(of_frames)
        .chain(of_drift)
        .chain(of_all)
        .flat_map(|name| if name.ends_with(".csv") { table_files(name) } else { vec![PathBuf::from(name)] })
        .map(|name| config.output.join(name))
}

/// Curves of differences.
fn difference_files(config: &Config) -> impl Iterator<Item = PathBuf> {
    let samples = config.samples.iter().filter(|_| config.pdf.is_some());
    samples.flat_map(|sample| {
        let against = config.series.reference.as_ref().filter(|reference| **reference != sample.name);
        let pairs = series::sector_pairs(config).into_iter().map(|(a, b)| format!("{a}-{b}"));
        let regions: Vec<String> = against.map(|_| RING.to_owned()).into_iter().chain(pairs).collect();
        let file = |region: &String, extension| {
            config.output.join(series::difference_file(&sample.name, region, extension))
        };
        let of_region = |region| series::EXTENSIONS.map(|extension| file(region, extension));
        regions.iter().flat_map(of_region).collect::<Vec<PathBuf>>()
    })
}

/// Atoms per Å³, where G(r) counts atoms.
fn density(config: &Config) -> Option<f64> {
    config.pdf.as_ref().and_then(PdfSettings::density)
}

/// Whether results are of one frame or of the frames of a sample, summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// One frame: sectors are integrated.
    Frame,
    /// A sample: sectors go through S(Q) and G(r) too.
    Sample,
}

/// A file that one region of a frame or sample gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Measured,
    Exchange(PatternFormat),
    Subtracted,
    SubtractedIq,
    Sq,
    Fq,
    Gr,
    Rdf,
    Covariance,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Kind::Measured => "xye",
            Kind::Exchange(PatternFormat::Fxye) => "fxye",
            Kind::Exchange(PatternFormat::Chi) => "chi",
            Kind::Subtracted => "subtracted.xye",
            Kind::SubtractedIq => "iq",
            Kind::Sq => "sq",
            Kind::Fq => "fq",
            Kind::Gr => "gr",
            Kind::Rdf => "rdf",
            Kind::Covariance => "gr.covariance.npy",
        }
    }

    fn of(config: &Config, level: Level, region: &str, subtracts: bool) -> Vec<Kind> {
        let mut kinds = vec![Kind::Measured];
        kinds.extend(config.exports.patterns.iter().copied().map(Kind::Exchange));
        if config.integration.unit == RadialUnit::QInvAngstrom && (subtracts || config.pdf.is_some()) {
            kinds.push(Kind::SubtractedIq);
        } else if subtracts {
            kinds.push(Kind::Subtracted);
        }
        if config.pdf.is_some() && (region == RING || level == Level::Sample) {
            kinds.extend([Kind::Sq, Kind::Fq, Kind::Gr]);
            kinds.extend(density(config).map(|_| Kind::Rdf));
            let covariance = config.pdf.as_ref().map(|pdf| pdf.covariance);
            if (covariance, level) == (Some(Covariance::Full), Level::Sample) {
                kinds.push(Kind::Covariance);
            }
        }
        kinds
    }
}

/// Arrays of a cake.
const CAKE: &str = "cake.npz";
/// Its picture.
const CAKE_PICTURE: &str = "cake.svg";

/// Extensions of the files of a cake: a sample's has a picture.
pub(super) fn cake_files(config: &Config, level: Level) -> &'static [&'static str] {
    match (config.cake.map(|cake| cake.of), level) {
        (None, _) | (Some(CakesOf::Samples), Level::Frame) => &[],
        (Some(CakesOf::SamplesAndFrames), Level::Frame) => &[CAKE],
        (Some(_), Level::Sample) => &[CAKE, CAKE_PICTURE],
    }
}

/// What a run of `config` writes.
pub fn planned_outputs(config: &Config) -> PlannedOutputs {
    let mut files = Vec::new();
    for sample in &config.samples {
        let of_frames = frame_names(&sample.frames)
            .into_iter()
            .map(|stem| (Level::Frame, Names::of_frame(&config.output, &sample.name, &stem)));
        let of_sample = [(Level::Sample, Names::of_sample(&config.output, &sample.name))];
        for (level, names) in of_frames.chain(of_sample) {
            if level == Level::Sample && config.anisotropy.is_some() {
                files.extend(anisotropy::EXTENSIONS.iter().map(|extension| names.ring(extension)));
            }
            for region in &config.regions {
                let kinds = Kind::of(config, level, &region.name, sample.background.is_some());
                files.extend(kinds.iter().map(|kind| names.region(&region.name, kind.extension())));
            }
            files.extend(cake_files(config, level).iter().map(|extension| names.ring(extension)));
        }
    }
    files.extend(difference_files(config));
    files.extend(run_files(config));

    // Upper and lower case are the same file on some systems.
    let mut seen: HashMap<String, usize> = HashMap::new();
    for file in &files {
        *seen.entry(file.to_string_lossy().to_lowercase()).or_default() += 1;
    }
    let collisions =
        files.iter().filter(|f| seen[&f.to_string_lossy().to_lowercase()] > 1).cloned().collect();
    let existing = files.iter().filter(|f| f.exists()).cloned().collect();
    let links_out = links_out(&config.output, files.iter());
    PlannedOutputs { files, collisions, existing, links_out }
}

/// What is known of a G(r) beside its σ.
#[derive(Debug, Default)]
pub(super) struct Uncertainties {
    /// From the choices of the analysis.
    pub(super) systematic: Option<Systematic>,
    /// Of all pairs of points from counting.
    pub(super) covariance: Option<Vec<f64>>,
}

/// One result to write: where, and what its header says.
pub(super) struct Target<'a> {
    pub(super) config: &'a Config,
    pub(super) names: Names,
    pub(super) header: &'a Header,
    pub(super) level: Level,
    pub(super) subtracts: bool,
    /// ρ0 in atoms per Å³, where G counts atoms.
    pub(super) density: Option<f64>,
    pub(super) existing: Existing,
}

impl Target<'_> {
    /// Writes what one region gave and adds the files to `written`, those before a failure too. What needs S(Q) is left
    /// out where there is none.
    pub(super) fn write(
        &self,
        region: &str,
        patterns: &Patterns,
        reduced: Option<(&Reduced, &Uncertainties)>,
        written: &mut Written,
    ) -> Result<(), OutputError> {
        let mut header = self.header.with("sector", region);
        if let Some((reduced, _)) = reduced {
            header = header
                .with("electron_units_per_intensity", reduced.structure.scale)
                .with("constant_electron_units", reduced.structure.constant);
        }
        for kind in Kind::of(self.config, self.level, region, self.subtracts) {
            let bytes = match (kind, reduced) {
                (Kind::Measured, _) => output::xye(&header, &patterns.measured).into_bytes(),
                (Kind::Exchange(PatternFormat::Fxye), _) => {
                    let wavelength = self.config.geometry.poni.wavelength_angstrom;
                    output::fxye(&header, &patterns.measured, wavelength).into_bytes()
                }
                (Kind::Exchange(PatternFormat::Chi), _) => {
                    output::chi(&header, &patterns.measured).into_bytes()
                }
                (Kind::Subtracted, _) => output::xye(&header, &patterns.subtracted).into_bytes(),
                (Kind::SubtractedIq, _) => output::iq(&header, &patterns.subtracted).into_bytes(),
                (Kind::Sq, Some((reduced, _))) => output::sq(&header, &reduced.structure).into_bytes(),
                (Kind::Fq, Some((reduced, _))) => output::fq(&header, &reduced.structure).into_bytes(),
                (Kind::Gr, Some((reduced, of))) => {
                    let systematic = of.systematic.as_ref().map(|systematic| systematic.g.as_slice());
                    output::gr(&header, &reduced.pdf, systematic).into_bytes()
                }
                (Kind::Rdf, Some((reduced, _))) => match self.density {
                    Some(density) => output::rdf(&header, &reduced.pdf, density).into_bytes(),
                    None => continue,
                },
                (Kind::Covariance, Some((reduced, of))) => match &of.covariance {
                    Some(covariance) => output::npy_square(covariance, reduced.pdf.r.len()),
                    None => continue,
                },
                (Kind::Sq | Kind::Fq | Kind::Gr | Kind::Rdf | Kind::Covariance, None) => continue,
            };
            let path = self.names.region(region, kind.extension());
            output::write_file(&path, &bytes, self.existing)?;
            written.add(self.config, path, &bytes);
        }
        Ok(())
    }
}

impl Target<'_> {
    /// Writes the files of a cake, as [`Target::write`].
    pub(super) fn write_cake(&self, cakes: &Cakes, written: &mut Written) -> Result<(), CakeError> {
        for extension in cake_files(self.config, self.level) {
            let bytes = if *extension == CAKE_PICTURE {
                cake_svg(cakes.subtracted.as_ref().unwrap_or(&cakes.measured))?.into_bytes()
            } else {
                output::cake_npz(self.header, &cakes.measured, cakes.subtracted.as_ref())
            };
            let path = self.names.ring(extension);
            output::write_file(&path, &bytes, self.existing)?;
            written.add(self.config, path, &bytes);
        }
        Ok(())
    }
}

/// Why there is no file of a cake.
#[derive(Debug, thiserror::Error)]
pub(super) enum CakeError {
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Files of a frame or sample, written so far: removed again unless all of them come to be, so that what failed half-way
/// leaves nothing that looks like a result.
#[derive(Debug, Default)]
pub(super) struct Written {
    files: Vec<Output>,
    paths: Vec<PathBuf>,
}

impl Written {
    fn add(&mut self, config: &Config, path: PathBuf, bytes: &[u8]) {
        let (length, xxh3_128) = (bytes.len() as u64, xxh3_128(bytes));
        self.files.push(Output { path: relative(config, &path), bytes: length, xxh3_128 });
        self.paths.push(path);
    }

    /// All are there: they stay.
    pub(super) fn keep(mut self) -> Vec<Output> {
        self.paths.clear();
        std::mem::take(&mut self.files)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        remove(&self.paths);
    }
}

/// Removes results that do not hold.
pub(super) fn remove<'a>(files: impl IntoIterator<Item = &'a PathBuf>) {
    for file in files {
        // Why a frame or sample has no results is in the record; that a file stays is no other reason.
        let _ = std::fs::remove_file(file);
    }
}

/// `path` as seen from the output folder.
pub(super) fn relative(config: &Config, path: &Path) -> PathBuf {
    path.strip_prefix(&config.output).unwrap_or(path).to_owned()
}
