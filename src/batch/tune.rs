//! Which background scale, r_poly and Qmax for a series: the scan of [`crate::tune`] on the ring of one sample.

use std::sync::Arc;

use super::error::RunError;
use super::intake::integrate_ahead;
use super::memory::Memory;
use super::prepare::{Prepared, prepare};
use super::queue::{Job, Role, Work, read_ahead};
use super::sums::{Sum, background_patterns};
use crate::config::{AnalysisFile, Config, ConfigError, Coverage, Loaded};
use crate::engine::crew::Crew;
use crate::engine::select;
use crate::geometry::GeometryError;
use crate::integrate::{Pattern, RING};
use crate::output::Status;
use crate::pipeline::{StageError, patterns, reduce};
use crate::quality::Quality;
use crate::reduce::{ReductionPlan, ReductionPlanError};
use crate::structure::StructureSettings;
use crate::tune::{Scan, Values};

/// So many frames of the sample, and of its background, are enough to tell.
const MOST_FRAMES: usize = 32;

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The run file makes no S(Q), or one on a relative scale.
    #[error("tuning needs S(Q) on an absolute scale; write `pdf: {{mode: absolute}}`")]
    NotAbsolute,
    /// A name that is not in the series.
    #[error("there is no sample `{found}`; expected one of {known}")]
    NoSample {
        /// What was asked for.
        found: String,
        /// What there is.
        known: String,
    },
    /// No frame to look at.
    #[error("none of the first frames of sample `{sample}` could be integrated: {reason}")]
    NoFrames {
        /// Its name.
        sample: String,
        /// What was wrong with the last of them.
        reason: String,
    },
    /// No value gives S(Q).
    #[error("sample `{sample}`: nothing that was tried gives S(Q), for example {reason}")]
    NoTrial {
        /// Its name.
        sample: String,
        /// What was wrong with the last.
        reason: String,
    },
    /// The detector's reach.
    #[error(transparent)]
    Range(#[from] GeometryError),
    /// Plan or engine.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The sample's own analysis.
    #[error("sample `{sample}`: {reason}")]
    Stage {
        /// Its name.
        sample: String,
        /// What is wrong.
        reason: StageError,
    },
}

/// Why one trial failed.
#[derive(Debug, thiserror::Error)]
enum TrialError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Plan(#[from] ReductionPlanError),
    #[error(transparent)]
    Stage(#[from] StageError),
}

/// What the figures of quality of a sample speak for, and what they are to be set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The sample that was looked at.
    pub sample: String,
    /// Every trial, and what is advised.
    pub scan: Scan,
    /// `key=value` of the run file, as for `--set`. A background of the sample's own is set there; the others keep theirs.
    pub overrides: Vec<String>,
}

/// Integrates the first frames of a sample, the series' reference if none is named, and scans around the values of the configuration.
/// `overrides` are those that it was loaded with.
///
/// # Errors
/// A sample, a mode or frames that allow no scan.
pub fn tune(loaded: &Loaded, overrides: &[String], sample: Option<&str>) -> Result<Tuned, TuneError> {
    let config = &loaded.config;
    let sample = index_of(config, sample)?;
    let name = &config.samples[sample].name;
    let Some(pdf) = &config.pdf else { return Err(TuneError::NotAbsolute) };
    let subtracted = config.samples[sample].background.as_ref();
    let start =
        Values::of(pdf, subtracted.map(|background| background.scale)).ok_or(TuneError::NotAbsolute)?;
    let (measured, background) = ring(config, sample)?;
    let coverage = Coverage::of(&config.geometry, config.integration.bins)?;
    let quality = |values: &Values| -> Result<Quality, TrialError> {
        let pattern = match (&background, values.background_scale) {
            (Some(background), Some(scale)) => {
                measured.subtract(background, scale).map_err(StageError::from)?
            }
            (None, _) | (_, None) => measured.clone(),
        };
        let keys = [overrides, &values.of_pdf(), &["pdf.systematic=off".to_owned()]].concat();
        let mut settings = AnalysisFile::open(Some(&config.source), &keys)?.settle(coverage)?.settings;
        if let (StructureSettings::Absolute(tried), StructureSettings::Absolute(own)) =
            (&mut settings.structure, &pdf.structure)
        {
            tried.multiple_scattering = own.multiple_scattering;
        }
        let plan = ReductionPlan::new(&settings, &pattern.radial)?;
        Ok(reduce(&pattern, &plan)?.quality)
    };
    let scan = Scan::new(start, quality);
    if let (true, Some(reason)) = (scan.trials.is_empty(), scan.refused.last()) {
        return Err(TuneError::NoTrial { sample: name.clone(), reason: reason.clone() });
    }
    let scale = subtracted.zip(scan.best.background_scale);
    let of_background = scale.map(|(background, scale)| format!("{}.scale={scale:?}", background.key));
    let overrides = of_background.into_iter().chain(scan.best.of_pdf()).collect();
    Ok(Tuned { sample: name.clone(), scan, overrides })
}

fn index_of(config: &Config, sample: Option<&str>) -> Result<usize, TuneError> {
    let Some(name) = sample.or(config.series.reference.as_deref()) else { return Ok(0) };
    config.samples.iter().position(|sample| sample.name == name).ok_or_else(|| {
        let known: Vec<String> = config.samples.iter().map(|sample| format!("`{}`", sample.name)).collect();
        TuneError::NoSample { found: name.to_owned(), known: known.join(", ") }
    })
}

/// I of the full ring over the first frames of a sample, and that of its background.
fn ring(config: &Config, sample: usize) -> Result<(Pattern, Option<Pattern>), TuneError> {
    let prepared = prepare(config).map_err(RunError::from)?;
    let plan = &prepared.plans.integration;
    let engines = select::select_all(&config.engine, plan).map_err(RunError::from)?;
    let crew = Crew::new(Arc::clone(plan), engines);
    let work = Work::of(config);
    let (sum, backgrounds) = sums(config, &prepared, &crew, &work, sample);
    let name = || config.samples[sample].name.clone();
    let sum = sum.map_err(|reason| TuneError::NoFrames { sample: name(), reason })?;
    let subtracted = background_patterns(config, &prepared, &work, &backgrounds)
        .remove(sample)
        .map_err(|reason| TuneError::NoFrames { sample: name(), reason })?;
    let region = plan.regions.iter().position(|region| region.name == RING).unwrap_or(0);
    let of_ring = sum.sums.as_ref().map(|sums| patterns(sums, region, &prepared.plans, None));
    let measured = match of_ring {
        Some(Ok(patterns)) => patterns.measured,
        Some(Err(reason)) => return Err(TuneError::Stage { sample: name(), reason }),
        None => return Err(TuneError::NoFrames { sample: name(), reason: "it has none".to_owned() }),
    };
    Ok((measured, subtracted.map(|background| background.patterns[region].clone())))
}

/// The sum of the sample's first frames, or why there is none, and those of the backgrounds, of which only its own is not empty.
fn sums(
    config: &Config,
    prepared: &Prepared,
    crew: &Crew,
    work: &Work,
    sample: usize,
) -> (Result<Sum, String>, Vec<Sum>) {
    let own_background = work.background_of[sample];
    let is_wanted = |job: &&Job| match job.role {
        Role::Background(index) => Some(index) == own_background,
        Role::Sample(index, place) => index == sample && place < MOST_FRAMES,
    };
    let jobs: Vec<Job> = work.jobs.iter().filter(is_wanted).cloned().collect();
    let memory = Memory::of(config, prepared, &crew.kinds());
    let size = crew.batch_size().min(memory.frames_within(config.memory_limit_bytes));
    let (mut sum, mut backgrounds) = (Sum::default(), vec![Sum::default(); work.backgrounds.len()]);
    let mut reason = "it has none".to_owned();
    std::thread::scope(|scope| {
        let read = read_ahead(scope, &jobs, size);
        for batch in integrate_ahead(scope, read, config, prepared.plans.integration.shape, crew) {
            for taken in batch.taken {
                let into = match taken.job.role {
                    Role::Background(index) => &mut backgrounds[index],
                    Role::Sample(..) => &mut sum,
                };
                let added = taken.sums.as_ref().map(|sums| into.add(sums));
                match (added, taken.record.status) {
                    (Some(Err(error)), _) => reason = error.to_string(),
                    (None, Status::Failed(why) | Status::Skipped(why) | Status::LeftOut(why)) => reason = why,
                    (Some(Ok(())), _) | (None, Status::Done) => {}
                }
            }
        }
    });
    (if sum.frames > 0 { Ok(sum) } else { Err(reason) }, backgrounds)
}
