//! What a run would do: frames, outputs, memory, engine. The plans are built, no frame is integrated.

use std::fmt;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use super::files::planned_outputs;
use super::journal::is_own;
use super::memory::Memory;
use super::moved::moved;
use super::prepare::{Prepared, prepare};
use super::queue::{Job, Work};
use crate::config::Config;
use crate::engine::cpu::batch_frames;
use crate::engine::{self, EngineError, EngineInfo, EngineKind};
use crate::frame;
use crate::geometry::Geometry;
use crate::integrate::Splitting;
use crate::output::Existing;
use crate::units::energy_kev;

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPlan {
    /// Samples and backgrounds in the order of processing.
    pub frames_of: Vec<FrameCount>,
    /// All frames, backgrounds included.
    pub frames: usize,
    /// Detector and its size.
    pub detector: String,
    /// Where it stands, in words.
    pub placement: String,
    /// Radial axis, bins and splitting, in words.
    pub integration: String,
    /// A(0) of the samples, what a background is to be scaled by; `None` where their absorption is not corrected, or
    /// where a container is and the scale is 1.
    pub sample_transmission: Option<f64>,
    /// What is scattered twice in the samples, in words, and what to do where that matters.
    pub multiple_scattering: Option<String>,
    /// The full ring and the sectors.
    pub regions: Vec<String>,
    /// The engines, which share the frames; none where there is none.
    pub engines: Vec<EngineInfo>,
    /// Why there is none.
    pub engine_error: Option<String>,
    /// Whether that is for want of a GPU.
    #[serde(skip)]
    pub no_gpu: bool,
    /// Largest memory that the run will hold, estimated; `None` where the plans cannot be made.
    pub memory_mib: Option<usize>,
    /// Files that will be written.
    pub outputs: Vec<PathBuf>,
    /// Frames that would fail, each with its reason; the run goes on without them.
    pub bad_frames: Vec<String>,
    /// Samples whose halo is not centred on the beam of the geometry, and what a calibrant's frame says against it.
    pub moved: Vec<String>,
    /// What would stop the run.
    pub problems: Vec<String>,
}

/// How many frames a sample or background has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameCount {
    /// The sample, or `background N`.
    pub used_for: String,
    /// Its frames.
    pub frames: usize,
}

/// Looks at every frame file's header, at masks, dark and flat, at what is in the way of the outputs, and for the engine;
/// makes the plans of the run too, since only then is all known that could stop it.
pub fn check(config: &Config, existing: Existing) -> RunPlan {
    let work = Work::of(config);
    let mut frames_of: Vec<FrameCount> = Vec::new();
    for job in &work.jobs {
        let used_for = job.role.used_for(config);
        match frames_of.last_mut() {
            Some(last) if last.used_for == used_for => last.frames += 1,
            Some(_) | None => frames_of.push(FrameCount { used_for, frames: 1 }),
        }
    }
    let shape = config.geometry.detector.shape;
    // A file of several images is looked at once.
    let files: Vec<&[Job]> = work.jobs.chunk_by(|a, b| a.address.path == b.address.path).collect();
    let bad_frames = files
        .par_iter()
        .filter_map(|jobs| match frame::peek_shape(&jobs[0].address.path) {
            Ok(found) if found == shape => None,
            Ok(found) => {
                let error = EngineError::Shape { found, expected: shape };
                Some(format!("{}: {error}", jobs[0].address.path.display()))
            }
            Err(error) => Some(error.to_string()),
        })
        .collect();
    let mut problems = Vec::new();
    let prepared = prepare(config).map_err(|error| problems.push(error.to_string())).ok();
    let outputs = planned_outputs(config);
    problems.extend(
        outputs.collisions.first().map(|path| format!("two results would be written to {}", path.display())),
    );
    problems.extend(outputs.links_out.iter().map(|(link, target)| {
        format!("{} is a link to {}, out of the output folder", link.display(), target.display())
    }));
    if let (Existing::Keep, Some(path), false) = (existing, outputs.existing.first(), is_own(config)) {
        let count = outputs.existing.len();
        problems.push(format!(
            "{count} results are there already, {} among them; a run needs --force",
            path.display()
        ));
    }
    let (engines, engine_error, no_gpu) =
        match engine::select::plan_engines(&config.engine, config.integration.filter, shape) {
            Ok(engines) => (engines, None, false),
            Err(error) => (
                Vec::new(),
                Some(error.to_string()),
                matches!(error, EngineError::NoGpu { .. } | EngineError::NoAdapter { .. }),
            ),
        };
    problems.extend(engine_error.clone());
    let engine_kinds: Vec<EngineKind> = engines.iter().map(|engine| engine.kind).collect();
    RunPlan {
        frames_of,
        frames: work.jobs.len(),
        detector: format!("{}, {shape} pixels", config.geometry.detector.name),
        placement: placement_in_words(&config.geometry),
        integration: integration_in_words(config),
        sample_transmission: config
            .corrections
            .absorption
            .filter(|absorption| absorption.container.is_none())
            .map(|absorption| absorption.transmission()),
        multiple_scattering: prepared.as_ref().and_then(Prepared::twice_scattered).map(|twice| {
            let advice = twice.warning().map(|warning| format!(": {warning}"));
            format!("{twice}{}", advice.unwrap_or_default())
        }),
        regions: config.regions.iter().map(|r| r.name.clone()).collect(),
        engines,
        engine_error,
        no_gpu,
        memory_mib: prepared.map(|prepared| {
            let memory = Memory::of(config, &prepared, &engine_kinds);
            let engine_frames = batch_frames(shape.pixels(), config.integration.filter);
            let batch =
                engine_frames.min(memory.frames_within(config.memory_limit_bytes)).min(work.jobs.len());
            memory.bytes(batch) >> 20
        }),
        outputs: outputs.files,
        bad_frames,
        moved: moved(config),
        problems,
    }
}

/// Frames of a run, backgrounds included.
pub fn frame_count(config: &Config) -> usize {
    Work::of(config).jobs.len()
}

fn integration_in_words(config: &Config) -> String {
    use crate::integrate::RadialUnit;
    let integration = &config.integration;
    let unit = match integration.unit {
        RadialUnit::QInvAngstrom => "1/Å in Q",
        RadialUnit::TwoThetaDeg => "degrees in 2θ",
        RadialUnit::DAngstrom => "Å in d",
    };
    let splitting = match integration.splitting {
        Splitting::None => "no pixel splitting",
        Splitting::BoundingBox => "bounding-box splitting",
        Splitting::Full => "full pixel splitting",
    };
    let bins = integration.bins;
    format!("{} bins from {:.4} to {:.4} {unit}, {splitting}", bins.count, bins.lower, bins.upper)
}

/// Where the detector stands, as a user would measure it.
fn placement_in_words(geometry: &Geometry) -> String {
    let tilt = geometry.poni.rot1_rad.hypot(geometry.poni.rot2_rad).to_degrees();
    let energy = energy_kev(geometry.poni.wavelength_angstrom);
    let beam = match (geometry.beam_centre_px(), geometry.sample_to_detector_along_beam_m()) {
        (Some([column, row]), Some(distance)) => {
            format!("beam at column {column:.2}, row {row:.2}, {:.3} mm from the sample", 1e3 * distance)
        }
        (None, _) | (_, None) => "the beam does not meet the detector plane".to_owned(),
    };
    format!("{beam}, tilt {tilt:.3}°, {energy:.4} keV")
}

impl fmt::Display for RunPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for count in &self.frames_of {
            writeln!(f, "{:>6} frames  {}", count.frames, count.used_for)?;
        }
        writeln!(f, "{:>6} frames in all", self.frames)?;
        writeln!(f, "detector     {}", self.detector)?;
        writeln!(f, "placement    {}", self.placement)?;
        writeln!(f, "integration  {}", self.integration)?;
        if let Some(transmission) = self.sample_transmission {
            writeln!(f, "sample       transmission {transmission:.5}, the scale of its background")?;
        }
        if let Some(twice) = &self.multiple_scattering {
            writeln!(f, "sample       {twice}")?;
        }
        writeln!(f, "regions      {}", self.regions.join(", "))?;
        for engine in &self.engines {
            writeln!(f, "engine       {}: {} ({})", engine.kind, engine.device, engine.detail)?;
        }
        if self.engines.is_empty() {
            writeln!(f, "engine       none")?;
        }
        if let Some(memory) = self.memory_mib {
            writeln!(f, "memory       about {memory} MiB")?;
        }
        write!(f, "outputs      {} files", self.outputs.len())?;
        const SHOWN: usize = 12;
        for path in self.outputs.iter().take(SHOWN) {
            write!(f, "\n             {}", path.display())?;
        }
        if self.outputs.len() > SHOWN {
            write!(f, "\n             … and {} more (all with --json)", self.outputs.len() - SHOWN)?;
        }
        for bad in &self.bad_frames {
            write!(f, "\nbad frame    {bad}")?;
        }
        for moved in &self.moved {
            write!(f, "\nwarning      {moved}")?;
        }
        for problem in &self.problems {
            write!(f, "\nproblem      {problem}")?;
        }
        Ok(())
    }
}
