//! Sums of a frame or sample → patterns, S(Q), G(r), peaks → files and table rows.

use rayon::prelude::*;

use super::files::{CakeError, Level, Target, Uncertainties, Written, cake_files};
use super::journal::Output;
use crate::config::{Config, PdfSettings};
use crate::integrate::{Accumulators, Pattern, RING};
use crate::low_r::LowRFound;
use crate::output::{Existing, Header, Names, OutputError, PeakRow};
use crate::pdf::Covariance;
use crate::pipeline::{self, BackgroundPattern, Patterns, Plans, Reduced, StageError};
use crate::reduce::ReductionPlan;

use super::settled::{SettleError, Settled, settle};

/// What is the same for every frame and sample of a run.
pub(super) struct Reduction<'a> {
    pub(super) config: &'a Config,
    pub(super) plans: &'a Plans,
    pub(super) header: &'a Header,
    pub(super) existing: Existing,
}

/// What one frame or sample gave.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Files.
    pub(super) files: Vec<Output>,
    /// Peaks.
    pub(super) rows: Vec<PeakRow>,
    /// The full ring, for the picture of the series.
    pub(super) ring: Option<(Patterns, Option<Reduced>)>,
    /// The sectors of a sample that have S(Q).
    pub(super) sectors: Vec<SectorCurves>,
    /// Sectors that gave no S(Q), with the reason.
    pub(super) warnings: Vec<String>,
    /// What was fitted at low r.
    pub(super) low_r_fit: Option<LowRFound>,
    /// Why the full ring gave no S(Q); its patterns are written all the same.
    pub(super) ring_unreduced: Option<String>,
}

/// One sector of a sample's sum.
#[derive(Debug)]
pub(super) struct SectorCurves {
    pub(super) name: String,
    pub(super) patterns: Patterns,
    pub(super) reduced: Reduced,
}

/// Why a frame or sample has no results.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReductionError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Cake(#[from] CakeError),
}

/// Which frames of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    /// The one whose files have this name.
    Frame(&'a str),
    /// So many, summed.
    Sample(usize),
}

impl Of<'_> {
    fn level(self) -> Level {
        match self {
            Of::Frame(_) => Level::Frame,
            Of::Sample(_) => Level::Sample,
        }
    }
}

/// What is to be reduced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Index into the configuration's samples.
    pub(super) sample: usize,
    pub(super) of: Of<'a>,
    pub(super) sums: &'a Accumulators,
    pub(super) background: Option<&'a BackgroundPattern>,
}

/// A subject with the patterns of its regions.
struct Measured<'a> {
    subject: Subject<'a>,
    patterns: Vec<Patterns>,
    settled: Option<Settled>,
}

impl Measured<'_> {
    /// The plan that it does not share.
    fn own_plan(&self) -> Option<&ReductionPlan> {
        self.settled.as_ref()?.plan.as_ref()
    }
}

impl Reduction<'_> {
    /// The results of each subject, S(Q) and G(r) made for all of them at once.
    pub(super) fn all(&self, subjects: &[Subject<'_>]) -> Vec<Result<Results, ReductionError>> {
        let measured: Vec<Result<Measured<'_>, ReductionError>> =
            subjects.par_iter().map(|subject| self.measured(*subject)).collect();
        let mut reduced = self.reduced(&measured).into_iter();
        let with_reduced: Vec<_> = measured
            .into_iter()
            .map(|measured| {
                let measured = measured?;
                let regions = self.regions_reduced(measured.subject.of.level()).count();
                Ok((measured, reduced.by_ref().take(regions).collect()))
            })
            .collect();
        with_reduced
            .into_par_iter()
            .map(|both: Result<_, ReductionError>| both.and_then(|(m, r)| self.write(m, r)))
            .collect()
    }

    fn measured<'a>(&self, subject: Subject<'a>) -> Result<Measured<'a>, ReductionError> {
        let mut patterns: Vec<Patterns> = (0..self.config.regions.len())
            .map(|region| pipeline::patterns(subject.sums, region, self.plans, subject.background))
            .collect::<Result<_, _>>()?;
        let settled = match (&self.config.pdf, subject.of.level()) {
            (Some(settings), Level::Sample) => settle(&subject, &mut patterns, settings, self.plans)?,
            (Some(_), Level::Frame) | (None, _) => None,
        };
        Ok(Measured { subject, patterns, settled })
    }

    /// Regions that go through S(Q) and G(r): of a frame the ring, of a sample all.
    fn regions_reduced(&self, level: Level) -> impl Iterator<Item = usize> {
        let regions = self.config.regions.iter().enumerate().filter(move |(_, region)| {
            self.plans.reduction.is_some() && (region.name == RING || level == Level::Sample)
        });
        regions.map(|(index, _)| index)
    }

    /// S(Q) and G(r) of all regions of all subjects that have them, in order.
    fn reduced(&self, measured: &[Result<Measured<'_>, ReductionError>]) -> Vec<Result<Reduced, StageError>> {
        let Some(plan) = &self.plans.reduction else { return Vec::new() };
        let there: Vec<&Measured<'_>> = measured.iter().flatten().collect();
        // All that share a plan at once; a sample with a density of its own for itself.
        let with_one_plan = there.chunk_by(|a, b| a.own_plan().is_none() && b.own_plan().is_none());
        let reduced = with_one_plan.flat_map(|some| {
            let patterns: Vec<&Pattern> = some
                .iter()
                .flat_map(|m| {
                    self.regions_reduced(m.subject.of.level()).map(|region| &m.patterns[region].subtracted)
                })
                .collect();
            pipeline::reduce_all(&patterns, some[0].own_plan().unwrap_or(plan))
        });
        reduced.collect()
    }

    /// Writes the files of a subject; `reduced` are its [`Reduction::regions_reduced`].
    fn write(
        &self,
        measured: Measured<'_>,
        reduced: Vec<Result<Reduced, StageError>>,
    ) -> Result<Results, ReductionError> {
        let Measured { subject: Subject { sample, of, sums, background }, patterns, settled } = measured;
        let sample = &self.config.samples[sample];
        let header = self.header.with("sample", &sample.name);
        let (names, header, frame) = match of {
            Of::Frame(stem) => {
                let names = Names::of_frame(&self.config.output, &sample.name, stem);
                (names, header.with("frame", stem), Some(stem))
            }
            Of::Sample(frames) => {
                let names = Names::of_sample(&self.config.output, &sample.name);
                (names, header.with("frames_summed", frames), None)
            }
        };
        let found_scale = settled.as_ref().and_then(|settled| settled.background_scale);
        let mut header = match background {
            Some(background) => header.with("bgscale", found_scale.unwrap_or(background.scale)),
            None => header,
        };
        let settings = settled.as_ref().map(|settled| &settled.settings).or(self.config.pdf.as_ref());
        if let Some(settled) = &settled {
            let notes = settled.found.notes();
            header = notes.iter().fold(header, |header, (key, value)| header.with(key, value));
            if let Some(density) = settled.settings.density() {
                header = header.replacing("density_atoms_per_cubic_angstrom", density);
            }
        }
        let header = &header;
        let density = settings.and_then(PdfSettings::density);
        let (config, level, subtracts) = (self.config, of.level(), background.is_some());
        let target = Target { config, names, header, level, subtracts, density, existing: self.existing };
        let mut reduced_regions: Vec<Option<Reduced>> = patterns.iter().map(|_| None).collect();
        let mut results = Results {
            low_r_fit: settled.as_ref().map(|settled| settled.found),
            warnings: settled.iter().flat_map(|settled| settled.warnings.clone()).collect(),
            ..Results::default()
        };
        results.warnings.iter_mut().for_each(|warning| *warning = format!("{}: {warning}", sample.name));
        let own_plan = settled.as_ref().and_then(|settled| settled.plan.as_ref());
        for (region, reduced) in self.regions_reduced(level).zip(reduced) {
            match reduced {
                Ok(reduced) => reduced_regions[region] = Some(reduced),
                // What was integrated is good: a weak frame stays in the sum, a sector with holes does not take the sample
                // with it.
                Err(reason) => match config.regions[region].name.as_str() {
                    RING => results.ring_unreduced = Some(format!("integrated only: {reason}")),
                    name => {
                        let warning = format!("{}, sector {name}: integrated only: {reason}", sample.name);
                        results.warnings.push(warning);
                    }
                },
            }
        }
        let mut written = Written::default();
        for ((region, patterns), reduced) in config.regions.iter().zip(patterns).zip(reduced_regions) {
            let uncertainties = match (&reduced, level) {
                (Some(reduced), Level::Sample) => {
                    self.uncertainties(reduced, &patterns, subtracts, own_plan).unwrap_or_else(|reason| {
                        let warning = format!("{}, {}: no systematic σ: {reason}", sample.name, region.name);
                        results.warnings.push(warning);
                        Uncertainties::default()
                    })
                }
                (Some(_), Level::Frame) | (None, _) => Uncertainties::default(),
            };
            let with_uncertainties = reduced.as_ref().map(|reduced| (reduced, &uncertainties));
            target.write(&region.name, &patterns, with_uncertainties, &mut written)?;
            if let Some(reduced) = &reduced {
                let systematic = uncertainties.systematic.as_ref();
                results.rows.extend(reduced.peaks.peaks.iter().enumerate().map(|(index, peak)| PeakRow {
                    sample: sample.name.clone(),
                    frame: frame.map(str::to_owned),
                    region: region.name.clone(),
                    peak: peak.clone(),
                    systematic: systematic.map(|systematic| systematic.peaks[index]),
                    quality: reduced.quality,
                }));
            }
            if region.name == RING {
                results.ring = Some((patterns, reduced));
            } else if let Some(reduced) = reduced {
                results.sectors.push(SectorCurves { name: region.name.clone(), patterns, reduced });
            }
        }
        if !cake_files(config, level).is_empty()
            && let Some(cakes) = pipeline::cakes(sums, self.plans, background)?
        {
            target.write_cake(&cakes, &mut written)?;
        }
        results.files = written.keep();
        Ok(results)
    }

    /// σ from the choices of the analysis, and the covariance where it is asked for.
    fn uncertainties(
        &self,
        reduced: &Reduced,
        patterns: &Patterns,
        subtracts: bool,
        own_plan: Option<&ReductionPlan>,
    ) -> Result<Uncertainties, StageError> {
        let plan = own_plan.or(self.plans.reduction.as_ref());
        let (Some(plan), Some(settings)) = (plan, &self.config.pdf) else {
            return Ok(Uncertainties::default());
        };
        let Patterns { measured, subtracted } = patterns;
        let background: Option<Vec<f64>> = subtracts.then(|| {
            measured.intensity.iter().zip(&subtracted.intensity).map(|(all, rest)| all - rest).collect()
        });
        let systematic = pipeline::systematic(reduced, subtracted, background.as_deref(), plan)?;
        let covariance = match settings.covariance {
            Covariance::Full => Some(plan.transform.covariance(&reduced.structure)),
            Covariance::Diagonal => None,
        };
        Ok(Uncertainties { systematic, covariance })
    }
}
