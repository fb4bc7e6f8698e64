//! What a run has once its frames are done: sums per sample, and what is made of them.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;

use super::drift::frame_bins;
use super::error::RunError;
use super::header::HeaderCheck;
use super::journal::{FRAMES, FrameState, Journal, Owner, Piece, State, Sums};
use super::nexus::{Nexus, bins_of_frames};
use super::prepare::Prepared;
use super::reduction::{Of, Reduction, Results, SectorCurves, Subject};
use super::sums::{Backgrounds, Sum};
use crate::config::Config;
use crate::engine::EngineInfo;
use crate::engine::crew::Crew;
use crate::output::{FrameRecord, PeakRow, Redone, SampleLowRFit, SampleQuality, Timings, frame_names};
use crate::pipeline::BackgroundPattern;
use crate::report::SampleCurves;
use crate::series::{Drift, FrameCurves};

/// Pieces that are read from the journal at once, at most, and memory that their sums may take.
const AT_ONCE: usize = 64;
const AT_ONCE_BYTES: usize = 256 << 20;

/// What a run has so far.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) prepared: &'a Prepared,
    pub(super) crew: &'a Crew,
    pub(super) reduction: &'a Reduction<'a>,
    /// What each sample subtracts, or why it cannot.
    backgrounds: &'a Backgrounds,
    /// Names of each sample's frames.
    pub(super) stems: Vec<Vec<String>>,
    /// Sum and number of frames of each sample.
    pub(super) sample_sums: Vec<Sum>,
    /// Of each sample's frames, where drift is looked for.
    pub(super) frame_curves: Vec<FrameCurves>,
    /// Sample and place of frames that were taken out of the sum again.
    pub(super) left_out: HashSet<(usize, usize)>,
    /// Of each sample with enough frames.
    pub(super) drifts: Vec<(String, Drift)>,
    /// The file of all results; `None` = not asked for.
    pub(super) nexus: Option<Nexus>,
    pub(super) header_check: HeaderCheck,
    /// That made the frames' sums, each with the number of frames.
    pub(super) engines: Vec<(Vec<EngineInfo>, usize)>,
    pub(super) records: Vec<FrameRecord>,
    pub(super) rows: Vec<PeakRow>,
    pub(super) curves: Vec<SampleCurves>,
    /// Of each sample that is in `curves`.
    pub(super) sectors: Vec<(String, Vec<SectorCurves>)>,
    pub(super) warnings: Vec<String>,
    pub(super) redone: Vec<Redone>,
    pub(super) outputs: Vec<PathBuf>,
    pub(super) failed_samples: Vec<(String, String)>,
    /// Of the full ring of each sample's sum.
    pub(super) quality: Vec<SampleQuality>,
    pub(super) low_r_fits: Vec<SampleLowRFit>,
    pub(super) timings: Timings,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        config: &'a Config,
        prepared: &'a Prepared,
        crew: &'a Crew,
        reduction: &'a Reduction<'a>,
        backgrounds: &'a Backgrounds,
    ) -> Run<'a> {
        let bins = frame_bins(config, &prepared.plans.integration);
        Run {
            stems: config.samples.iter().map(|sample| frame_names(&sample.frames)).collect(),
            sample_sums: vec![Sum::default(); config.samples.len()],
            frame_curves: vec![FrameCurves::new(bins); config.samples.len()],
            left_out: HashSet::new(),
            nexus: None,
            drifts: Vec::new(),
            sectors: Vec::new(),
            header_check: HeaderCheck::default(),
            engines: Vec::new(),
            records: Vec::new(),
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
            backgrounds,
        }
    }

    /// Takes the frames of all pieces from the journal, in the order of the run.
    pub(super) fn take(&mut self, journal: &Journal<'_>, pieces: &[Piece]) -> Result<(), RunError> {
        // Signal, variance and norm of a piece, and of each of its frames for the NeXus file.
        let frames = self.nexus.as_ref().map_or(0, |_| FRAMES * bins_of_frames(self.config).min(self.bins()));
        let of_piece = 3 * size_of::<f64>() * (self.bins() + frames);
        for some in pieces.chunks((AT_ONCE_BYTES / of_piece).clamp(1, AT_ONCE)) {
            let states: Vec<_> = some.par_iter().map(|piece| journal.read(piece, Sums::Taken)).collect();
            for (piece, state) in some.iter().zip(states) {
                self.take_piece(piece, state?)?;
            }
        }
        Ok(())
    }

    /// Bins of all regions, and cells of the cake.
    fn bins(&self) -> usize {
        self.prepared.plans.integration.accumulator_len()
    }

    fn take_piece(&mut self, piece: &Piece, state: State) -> Result<(), RunError> {
        if let (Owner::Sample(sample), Some(sums)) = (piece.owner, &state.sums) {
            self.sample_sums[sample].join(sums, state.summed)?;
        }
        for redone in state.redone {
            let (frames, reason) = (redone.frames.len(), &redone.reason);
            self.warnings.push(format!("{frames} frames were integrated again, by the CPU: {reason}"));
            self.redone.push(redone);
        }
        match self.engines.iter_mut().find(|(known, _)| *known == state.engines) {
            Some((_, frames)) => *frames += piece.len(),
            None => self.engines.push((state.engines, piece.len())),
        }
        if let Owner::Sample(sample) = piece.owner {
            self.frames_to_nexus(sample, &state.frames, &state.frame_sums);
        }
        for frame in state.frames {
            let FrameState { record, contradictions, warnings, rows, curve, outputs, .. } = frame;
            self.header_check.note(&record.path, contradictions);
            self.records.push(record);
            self.warnings.extend(warnings);
            self.rows.extend(rows);
            self.outputs.extend(outputs.into_iter().map(|output| output.path));
            if let Owner::Sample(sample) = piece.owner {
                curve.into_iter().for_each(|curve| self.frame_curves[sample].push(curve));
            }
        }
        Ok(())
    }

    pub(super) fn background(&self, sample: usize) -> Result<Option<&BackgroundPattern>, String> {
        self.backgrounds.of(sample)
    }

    /// The sums of the samples, in the order of the run file.
    pub(super) fn all_samples(&mut self) {
        let start = Instant::now();
        let subject = |sample: usize| -> Result<Subject<'_>, String> {
            let Sum { sums: Some(sums), frames } = &self.sample_sums[sample] else {
                let there = !self.config.samples[sample].frames.is_empty();
                return Err(
                    if there { "none of its frames has results" } else { "it has no frames yet" }.to_owned()
                );
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
                    self.outputs.extend(results.files.into_iter().map(|output| output.path));
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
