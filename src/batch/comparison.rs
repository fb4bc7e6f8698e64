//! What follows the last frame: frames that are unlike, anisotropy, the series.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use rayon::prelude::*;

use super::anisotropy::{Anisotropies, Subject, anisotropies};
use super::drift::{LeftOut, drifts, is_looked_for, leave_out, reason};
use super::run::Run;
use super::series::compared;
use crate::output::{
    FrameRecord, PeakRow, Table, columns_beside_readings, drift_csv, frames_csv, sub_peaks_csv,
};
use crate::peaks::{SubPeakFit, SubPeakSettings, sub_peaks};
use crate::report::SampleCurves;
use crate::scattering::partial_weights;
use crate::series::{Conditions, FrameNote, Numbers, Outliers, Standing};

/// Tables of a run, and sentences.
pub(super) struct Compared {
    /// Name below the output folder, and what is in it.
    pub(super) tables: Vec<(String, Table)>,
    /// Sample, and what it is against the reference.
    pub(super) series: Vec<(String, String)>,
    /// Sample, and what its sectors say.
    pub(super) anisotropy: Vec<(String, String)>,
}

impl Run<'_> {
    /// Frames that are unlike the others of their sample.
    pub(super) fn unlike_frames(&mut self) {
        self.drifts = drifts(self.config, &std::mem::take(&mut self.frame_curves));
        for (name, drift) in &self.drifts {
            let Some(sample) = self.config.samples.iter().position(|sample| sample.name == *name) else {
                continue;
            };
            match self.config.series.outliers {
                Outliers::Keep => {}
                Outliers::Flag => self.warnings.extend(
                    drift.outliers().map(|outlier| format!("{name}, {}: {}", outlier.frame, reason(outlier))),
                ),
                Outliers::LeaveOut => {
                    let LeftOut { places, stayed } = leave_out(
                        self.config,
                        self.crew,
                        sample,
                        drift,
                        &mut self.sample_sums[sample],
                        &mut self.records,
                        &mut self.redone,
                    );
                    self.left_out.extend(places.into_iter().map(|place| (sample, place)));
                    self.warnings.extend(stayed);
                }
            }
        }
    }

    /// What the sectors of each sample's sum say.
    fn anisotropies(&mut self) -> Anisotropies {
        let start = Instant::now();
        let subjects: Vec<Subject<'_>> = self
            .curves
            .iter()
            .filter_map(|curves| {
                let sample = self.config.samples.iter().position(|sample| sample.name == curves.sample)?;
                Some(Subject {
                    sample: &self.config.samples[sample].name,
                    sums: self.sample_sums[sample].sums.as_ref()?,
                    background: self.background(sample).ok()?,
                    ring: &curves.patterns.subtracted,
                    reduced: curves.reduced.as_ref()?,
                })
            })
            .collect();
        let mut all = anisotropies(self.config, &self.prepared.plans, &subjects, self.reduction.existing);
        self.outputs.append(&mut all.files);
        self.warnings.append(&mut all.warnings);
        self.timings.reduce_and_write_s += start.elapsed().as_secs_f64();
        all
    }

    /// The first peak of each sample's G(r) as sums of Gaussians.
    fn sub_peaks(&mut self, settings: &SubPeakSettings) -> Table {
        let Some(pdf) = &self.config.pdf else { return sub_peaks_csv(&[]) };
        let (Some(density), Some(plan), Some(energy_kev)) =
            (pdf.density(), &self.prepared.plans.reduction, pdf.energy_kev())
        else {
            return sub_peaks_csv(&[]);
        };
        let weights = match partial_weights(&pdf.composition, energy_kev, &[0.0]) {
            Ok(weights) => weights,
            Err(error) => {
                self.warnings.push(format!("sub-peaks: {error}"));
                return sub_peaks_csv(&[]);
            }
        };
        let weights: Vec<(String, f64)> = weights.into_iter().map(|(pair, of_q)| (pair, of_q[0])).collect();
        let fits = |curves: &SampleCurves| {
            let reduced = curves.reduced.as_ref()?;
            let (transform, composition) = (&plan.transform, &pdf.composition);
            let (structure, of_r) = (&reduced.structure, &reduced.pdf);
            let fits = sub_peaks(settings, composition, &weights, density, transform, structure, of_r);
            Some((curves.sample.clone(), fits))
        };
        let all: Vec<(String, Vec<SubPeakFit>)> = self.curves.par_iter().filter_map(fits).collect();
        for (sample, _) in all.iter().filter(|(_, fits)| fits.is_empty()) {
            self.warnings.push(format!(
                "{sample}: no sum of Gaussians fits the first peak of G(r) within its bounds; look at `sub_peaks.r_range_angstrom`"
            ));
        }
        sub_peaks_csv(&all)
    }

    /// When the frames of the samples were taken, and what was read beside them.
    pub(super) fn conditions(&self) -> Conditions {
        let known = |record: &'_ FrameRecord| (record.path.clone(), record.image, record.used_for.clone());
        let records: HashMap<_, &FrameRecord> =
            self.records.iter().map(|record| (known(record), record)).collect();
        let mut all = Conditions::beside(columns_beside_readings());
        for (sample, names) in self.config.samples.iter().zip(&self.stems) {
            let mut notes = Vec::with_capacity(names.len());
            for (address, name) in sample.frames.iter().zip(names) {
                let record = records.get(&(address.path.clone(), address.image, sample.name.clone()));
                notes.push(record.map(|record| FrameNote {
                    address,
                    name,
                    began: record.began.as_deref(),
                    exposure_s: record.exposure_s,
                    readings: &record.readings,
                }));
            }
            all.add(&sample.name, &notes);
        }
        all
    }

    /// The numbers of all sums, and of the frames that are in them with light enough to be compared.
    fn numbers(&self) -> Numbers {
        let names = self.left_out.iter().map(|&(sample, place)| {
            (self.config.samples[sample].name.as_str(), self.stems[sample][place].as_str())
        });
        let dark = self.drifts.iter().flat_map(|(sample, drift)| {
            let dark = drift.frames.iter().filter(|frame| frame.standing == Standing::Dark);
            dark.map(move |frame| (sample.as_str(), frame.frame.as_str()))
        });
        let left_out: HashSet<(&str, &str)> = names.chain(dark).collect();
        let is_kept = |row: &&PeakRow| {
            row.frame.as_deref().is_none_or(|frame| !left_out.contains(&(row.sample.as_str(), frame)))
        };
        Numbers::of(self.rows.iter().filter(is_kept))
    }

    /// All that compares samples, sectors and frames.
    pub(super) fn compared(&mut self, conditions: &Conditions) -> Compared {
        let found = self.anisotropies();
        let start = Instant::now();
        let config = self.config;
        let mut tables = Vec::new();
        let numbers = self.numbers();
        if is_looked_for(config) {
            tables.push(("frames.csv".to_owned(), frames_csv(&self.drifts, conditions)));
            if config.pdf.is_some() {
                tables.push(("drift.csv".to_owned(), drift_csv(&self.drifts, &numbers)));
            }
        }
        let mut series = Vec::new();
        if config.pdf.is_some() {
            let all = compared(config, &self.prepared.plans, &self.curves, &self.sectors, &numbers);
            let named =
                |(file, table): (std::path::PathBuf, Table)| (file.to_string_lossy().into_owned(), table);
            tables.extend(all.files.into_iter().map(named));
            series = all.words;
        }
        if let Some(settings) = &config.sub_peaks {
            tables.push(("sub_peaks.csv".to_owned(), self.sub_peaks(settings)));
        }
        if let Some(settings) = &config.anisotropy {
            tables.push(("sectors.csv".to_owned(), found.table(settings)));
        }
        let verdict = |(sample, found): (String, crate::anisotropy::Anisotropy)| (sample, found.verdict);
        let anisotropy = found.found.into_iter().map(verdict).collect();
        self.timings.reduce_and_write_s += start.elapsed().as_secs_f64();
        Compared { tables, series, anisotropy }
    }
}
