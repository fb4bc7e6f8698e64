//! The run itself: batches of frames through engine and reduction, sums per sample, the record.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::comparison::Compared;
use super::drift::{is_looked_for, range};
use super::error::RunError;
use super::files::{planned_outputs, remove};
use super::frame_picture::pictures;
use super::header::{HeaderCheck, output_header};
use super::inputs::inputs;
use super::intake::{Taken, TakenBatch, integrate_ahead};
use super::memory::Memory;
use super::prepare::{Prepared, prepare};
use super::queue::{Role, Work, read_ahead};
use super::reduction::{Of, Reduction, ReductionError, Results, SectorCurves, Subject};
use super::sums::{Sum, background_patterns};
use crate::config::{Config, Loaded};
use crate::engine::crew::Crew;
use crate::engine::{self, Engine, EngineError};
use crate::integrate::IntegrationPlan;
use crate::output::{
    Existing, FrameRecord, Ledger, PeakRow, Redone, RunRecord, SampleLowRFit, SampleQuality, Status, Timings,
    frame_names, make_folder, peaks_csv, write_file, write_table,
};
use crate::pipeline::BackgroundPattern;
use crate::report::{REPORT_FILE, SampleCurves, series_svg, write_report};
use crate::series::{Drift, FrameCurves};

/// How a run behaves.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// What happens to results that are there already.
    pub existing: Existing,
}

/// Is told of every frame as it ends, in order.
pub type Progress<'a> = dyn Fn(&FrameRecord) + Sync + 'a;

/// What a run gave, for whoever called it; all of it is in the output folder too.
#[derive(Debug)]
pub struct RunResult {
    /// As in `run.json`.
    pub record: RunRecord,
    /// As in `peaks.csv`.
    pub peaks: Vec<PeakRow>,
    /// The full ring of each sample's sum.
    pub curves: Vec<SampleCurves>,
}

/// Processes every frame and sample of a configuration and writes all results.
///
/// # Errors
/// What stops the whole run. Frames that fail are in the record's ledger, each with its reason.
pub fn run(loaded: &Loaded, options: RunOptions, progress: &Progress<'_>) -> Result<RunResult, RunError> {
    run_with(loaded, options, progress, |plan| engine::select::select_all(&loaded.config.engine, plan))
}

/// [`run`] with the engines that `engines` makes for the plan.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    loaded: &Loaded,
    options: RunOptions,
    progress: &Progress<'_>,
    engines: impl FnOnce(&Arc<IntegrationPlan>) -> Result<Vec<Box<dyn Engine>>, EngineError>,
) -> Result<RunResult, RunError> {
    let start = Instant::now();
    let started = jiff::Timestamp::now().to_string();
    let config = &loaded.config;
    let planned = planned_outputs(config);
    if let Some(first) = planned.collisions.first() {
        return Err(RunError::Collision(first.clone()));
    }
    if let (Existing::Keep, Some(first)) = (options.existing, planned.existing.first()) {
        return Err(RunError::Exists { count: planned.existing.len(), first: first.clone() });
    }

    let prepared = prepare(config)?;
    let inputs = inputs(config);
    let plan = &prepared.plans.integration;
    let crew = Crew::new(Arc::clone(plan), engines(plan)?);
    let header = output_header(config, &prepared);
    let reduction = Reduction { config, plans: &prepared.plans, header: &header, existing: options.existing };
    make_folder(&config.output)?;
    let mut run = Run::new(config, &prepared, &crew, &reduction);
    run.timings.plan_s = start.elapsed().as_secs_f64();
    let found = run.work.jobs.len();
    run.all_frames(progress);
    run.unlike_frames();
    run.all_samples();
    let conditions = run.conditions();
    let Compared { mut tables, series, anisotropy } = run.compared(&conditions);

    let Run {
        records,
        rows,
        curves,
        warnings,
        redone,
        mut outputs,
        failed_samples,
        quality,
        low_r_fits,
        mut timings,
        header_check,
        ..
    } = run;
    if config.pdf.is_some() {
        tables.push(("peaks.csv".to_owned(), peaks_csv(&rows, &conditions)));
    }
    if let (Some(pdf), Some(plan)) = (&config.pdf, &prepared.plans.reduction)
        && let Some(weights) = plan.weights(pdf)?
    {
        tables.push(("weights.csv".to_owned(), weights));
    }
    for (name, content) in &tables {
        outputs.extend(write_table(&config.output, name, content, options.existing)?);
    }
    let mut of_run = |name: &str, content: &str| {
        outputs.push(PathBuf::from(name));
        write_file(&config.output.join(name), content.as_bytes(), options.existing)
    };
    of_run("config.yaml", &loaded.resolved_yaml)?;
    of_run("series.svg", &series_svg(&curves)?)?;
    for (name, picture) in pictures(config, &prepared, &records)? {
        of_run(name, &picture)?;
    }
    outputs.extend(["run.json", REPORT_FILE].map(PathBuf::from));
    timings.total_s = start.elapsed().as_secs_f64();
    let twice = prepared.twice_scattered();
    let of_samples = twice.and_then(|twice| twice.warning());
    let warnings =
        loaded.warnings.iter().cloned().chain(header_check.into_warnings()).chain(of_samples).chain(warnings);
    let record = RunRecord {
        program: "halor",
        version: env!("CARGO_PKG_VERSION"),
        run_file: config.source.clone(),
        started,
        finished: jiff::Timestamp::now().to_string(),
        engine: crew.info().clone(),
        engines: crew.uses(),
        redone,
        corrections: prepared.applied(config),
        multiple_scattering: twice,
        timings,
        ledger: Ledger::of(found, &records),
        warnings: warnings.collect(),
        failed_samples,
        quality,
        low_r_fits,
        series,
        anisotropy,
        inputs,
        frames: records,
        outputs,
    };
    let json = serde_json::to_string_pretty(&record)?;
    write_file(&config.output.join("run.json"), json.as_bytes(), options.existing)?;
    // Results of an earlier run that this one has not replaced, since their frame or sector failed, are not of this run.
    let of_this_run: HashSet<PathBuf> = record.outputs.iter().map(|file| config.output.join(file)).collect();
    remove(planned.existing.iter().filter(|file| !of_this_run.contains(*file)));
    write_report(&config.output)?;
    Ok(RunResult { record, peaks: rows, curves })
}

/// What a run has so far.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) prepared: &'a Prepared,
    pub(super) crew: &'a Crew,
    pub(super) reduction: &'a Reduction<'a>,
    work: Work,
    /// Names of each sample's frames.
    pub(super) stems: Vec<Vec<String>>,
    /// Of each different background.
    background_sums: Vec<Sum>,
    /// What each sample subtracts, or why it cannot; made when the first sample's frame comes.
    backgrounds: Option<Vec<Result<Option<BackgroundPattern>, String>>>,
    /// Sum and number of frames of each sample.
    pub(super) sample_sums: Vec<Sum>,
    /// Of each sample's frames, where drift is looked for.
    pub(super) frame_curves: Vec<FrameCurves>,
    /// Sample and place of frames that were taken out of the sum again.
    pub(super) left_out: HashSet<(usize, usize)>,
    /// Of each sample with enough frames.
    pub(super) drifts: Vec<(String, Drift)>,
    header_check: HeaderCheck,
    pub(super) records: Vec<FrameRecord>,
    pub(super) rows: Vec<PeakRow>,
    pub(super) curves: Vec<SampleCurves>,
    /// Of each sample that is in `curves`.
    pub(super) sectors: Vec<(String, Vec<SectorCurves>)>,
    pub(super) warnings: Vec<String>,
    pub(super) redone: Vec<Redone>,
    pub(super) outputs: Vec<PathBuf>,
    failed_samples: Vec<(String, String)>,
    /// Of the full ring of each sample's sum.
    quality: Vec<SampleQuality>,
    low_r_fits: Vec<SampleLowRFit>,
    pub(super) timings: Timings,
}

impl<'a> Run<'a> {
    fn new(
        config: &'a Config,
        prepared: &'a Prepared,
        crew: &'a Crew,
        reduction: &'a Reduction<'a>,
    ) -> Run<'a> {
        let work = Work::of(config);
        Run {
            stems: config.samples.iter().map(|s| frame_names(&s.frames)).collect(),
            background_sums: vec![Sum::default(); work.backgrounds.len()],
            backgrounds: None,
            sample_sums: vec![Sum::default(); config.samples.len()],
            frame_curves: vec![FrameCurves::default(); config.samples.len()],
            left_out: HashSet::new(),
            drifts: Vec::new(),
            sectors: Vec::new(),
            header_check: HeaderCheck::default(),
            records: Vec::with_capacity(work.jobs.len()),
            rows: Vec::new(),
            curves: Vec::new(),
            warnings: Vec::new(),
            redone: Vec::new(),
            outputs: Vec::new(),
            failed_samples: Vec::new(),
            quality: Vec::new(),
            low_r_fits: Vec::new(),
            timings: Timings::default(),
            config,
            prepared,
            crew,
            reduction,
            work,
        }
    }

    fn all_frames(&mut self, progress: &Progress<'_>) {
        let jobs = std::mem::take(&mut self.work.jobs);
        let (config, crew) = (self.config, self.crew);
        let (shape, size) = (self.prepared.plans.integration.shape, self.batch_size());
        std::thread::scope(|scope| {
            let read = read_ahead(scope, &jobs, size);
            for batch in integrate_ahead(scope, read, config, shape, crew) {
                let first = self.records.len();
                self.batch(batch);
                self.records[first..].iter().for_each(progress);
            }
        });
    }

    /// As many frames as the engines like, or as the memory holds.
    fn batch_size(&self) -> usize {
        let memory = Memory::of(self.config, self.prepared, &self.crew.kinds());
        self.crew.batch_size().min(memory.frames_within(self.config.memory_limit_bytes))
    }

    /// One batch: backgrounds into their sums, then samples through the reduction.
    fn batch(&mut self, batch: TakenBatch) {
        let TakenBatch { mut taken, contradictions, read_time, integrate_time, redone } = batch;
        if let Some(redone) = redone {
            let (frames, reason) = (redone.frames.len(), &redone.reason);
            self.warnings.push(format!("{frames} frames were integrated again, by the CPU: {reason}"));
            self.redone.push(redone);
        }
        self.timings.read_s += read_time.as_secs_f64();
        self.timings.integrate_s += integrate_time.as_secs_f64();
        self.header_check.note(taken.iter().map(|frame| &frame.job).zip(contradictions));
        let start = Instant::now();
        // Backgrounds come before all samples in the order of jobs.
        for frame in &mut taken {
            if let (Role::Background(index), Some(sums)) = (frame.job.role, &frame.sums)
                && let Err(error) = self.background_sums[index].add(sums)
            {
                frame.record.status = Status::Failed(error.to_string());
            }
        }
        if self.backgrounds.is_none() && taken.iter().any(|f| matches!(f.job.role, Role::Sample(..))) {
            self.backgrounds =
                Some(background_patterns(self.config, self.prepared, &self.work, &self.background_sums));
        }
        let reduced = self.reduced(&taken);
        for (mut frame, reduced) in taken.into_iter().zip(reduced) {
            match reduced {
                Ok(results) => {
                    if let (Role::Sample(sample, place), Some(sums)) = (frame.job.role, &frame.sums) {
                        if let Err(error) = self.sample_sums[sample].add(sums) {
                            frame.record.status = Status::Failed(error.to_string());
                        }
                        if let Some((patterns, _)) =
                            results.ring.as_ref().filter(|_| is_looked_for(self.config))
                        {
                            let (name, range) = (&self.stems[sample][place], range(self.config));
                            self.frame_curves[sample].push(name, place, &patterns.measured, range);
                        }
                    }
                    self.rows.extend(results.rows);
                    self.outputs.extend(results.files);
                    self.warnings.extend(results.warnings);
                    if let Some(reason) = results.ring_unreduced {
                        let path = frame.record.path.display();
                        frame.record.status = Status::Failed(format!("{path}: {reason}"));
                    }
                }
                Err(status) => frame.record.status = status,
            }
            if let Some(sums) = frame.sums {
                self.crew.take_back(sums);
            }
            self.records.push(frame.record);
        }
        self.timings.reduce_and_write_s += start.elapsed().as_secs_f64();
    }

    /// Results of each sample's frame; nothing for a background's, nor for one that failed before.
    fn reduced(&self, taken: &[Taken]) -> Vec<Result<Results, Status>> {
        let subjects: Vec<Option<Result<Subject<'_>, Status>>> =
            taken.iter().map(|frame| self.subject(frame)).collect();
        let there: Vec<Subject<'_>> = subjects.iter().flatten().flatten().copied().collect();
        let mut results = self.reduction.all(&there).into_iter();
        let of_frame = |(frame, subject): (&Taken, Option<Result<Subject<'_>, Status>>)| {
            let Some(subject) = subject else { return Ok(Results::default()) };
            subject?;
            let failed = |e: ReductionError| Status::Failed(format!("{}: {e}", frame.record.path.display()));
            results.next().unwrap_or_else(|| Ok(Results::default())).map_err(failed)
        };
        taken.iter().zip(subjects).map(of_frame).collect()
    }

    /// What there is to reduce of a frame, or why it is skipped.
    fn subject<'t>(&'t self, frame: &'t Taken) -> Option<Result<Subject<'t>, Status>> {
        let (Role::Sample(sample, place), Some(sums)) = (frame.job.role, &frame.sums) else { return None };
        let of = Of::Frame(&self.stems[sample][place]);
        let background = self.background(sample).map_err(Status::Skipped);
        Some(background.map(|background| Subject { sample, of, sums, background }))
    }

    pub(super) fn background(&self, sample: usize) -> Result<Option<&BackgroundPattern>, String> {
        match self.backgrounds.as_ref().map(|all| &all[sample]) {
            None | Some(Ok(None)) => Ok(None),
            Some(Ok(Some(background))) => Ok(Some(background)),
            Some(Err(reason)) => Err(reason.clone()),
        }
    }

    /// The sums of the samples, in the order of the run file.
    fn all_samples(&mut self) {
        let start = Instant::now();
        let subject = |sample: usize| -> Result<Subject<'_>, String> {
            let Sum { sums: Some(sums), frames } = &self.sample_sums[sample] else {
                return Err("none of its frames has results".to_owned());
            };
            let background = self.background(sample)?;
            Ok(Subject { sample, of: Of::Sample(*frames), sums, background })
        };
        let subjects: Vec<Result<Subject<'_>, String>> =
            (0..self.config.samples.len()).map(subject).collect();
        let there: Vec<Subject<'_>> = subjects.iter().flatten().copied().collect();
        let mut results = self.reduction.all(&there).into_iter();
        let of_sample = |subject: Result<Subject<'_>, String>| {
            subject?;
            results.next().unwrap_or_else(|| Ok(Results::default())).map_err(|e| e.to_string())
        };
        let all: Vec<Result<Results, String>> = subjects.into_iter().map(of_sample).collect();
        for (sample, results) in self.config.samples.iter().zip(all) {
            match results {
                Ok(results) => {
                    self.rows.extend(results.rows);
                    self.outputs.extend(results.files);
                    self.warnings.extend(results.warnings);
                    self.low_r_fits.extend(
                        results.low_r_fit.map(|fit| SampleLowRFit { sample: sample.name.clone(), fit }),
                    );
                    if let (Some((_, Some(reduced))), Some(pdf)) = (&results.ring, &self.config.pdf) {
                        let pdf = results.low_r_fit.map_or_else(|| pdf.clone(), |fit| fit.taken_on(pdf));
                        self.warnings.extend(reduced.quality.warnings(&sample.name, &pdf));
                        let (sample, quality) = (sample.name.clone(), reduced.quality);
                        self.quality.push(SampleQuality { sample, quality });
                    }
                    self.sectors.push((sample.name.clone(), results.sectors));
                    self.curves.extend(results.ring.map(|(patterns, reduced)| SampleCurves {
                        sample: sample.name.clone(),
                        patterns,
                        reduced,
                    }));
                    let unreduced = results.ring_unreduced.map(|reason| (sample.name.clone(), reason));
                    self.failed_samples.extend(unreduced);
                }
                Err(reason) => self.failed_samples.push((sample.name.clone(), reason)),
            }
        }
        self.timings.reduce_and_write_s += start.elapsed().as_secs_f64();
    }
}
