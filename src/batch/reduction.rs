//! Sums of a frame or sample → patterns, S(Q), G(r), peaks → files and table rows.

use std::path::PathBuf;

use super::files::{Level, Target, Written, relative};
use crate::config::Config;
use crate::integrate::{Accumulators, RING};
use crate::output::{Existing, Header, Names, OutputError, PeakRow};
use crate::pipeline::{self, BackgroundPattern, Patterns, Plans, Reduced, StageError};

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
    /// Files, relative to the output folder.
    pub(super) files: Vec<PathBuf>,
    /// Peaks.
    pub(super) rows: Vec<PeakRow>,
    /// The full ring, for the picture of the series.
    pub(super) ring: Option<(Patterns, Option<Reduced>)>,
    /// Sectors that gave no S(Q), with the reason.
    pub(super) warnings: Vec<String>,
    /// Why the full ring gave no S(Q); its patterns are written all the same.
    pub(super) ring_unreduced: Option<String>,
}

/// Why a frame or sample has no results.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReductionError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Reduction<'_> {
    /// One frame of a sample; `stem` names its files.
    pub(super) fn frame(
        &self,
        sample: usize,
        stem: &str,
        sums: &Accumulators,
        background: Option<&BackgroundPattern>,
    ) -> Result<Results, ReductionError> {
        let name = &self.config.samples[sample].name;
        let header = self.header.with("sample", name).with("frame", stem);
        let names = Names::of_frame(&self.config.output, name, stem);
        self.all_regions(sample, Some(stem), &header, names, Level::Frame, sums, background)
    }

    /// The frames of a sample, summed.
    pub(super) fn sample(
        &self,
        sample: usize,
        frames: usize,
        sums: &Accumulators,
        background: Option<&BackgroundPattern>,
    ) -> Result<Results, ReductionError> {
        let name = &self.config.samples[sample].name;
        let header = self.header.with("sample", name).with("frames_summed", frames);
        let names = Names::of_sample(&self.config.output, name);
        self.all_regions(sample, None, &header, names, Level::Sample, sums, background)
    }

    #[expect(clippy::too_many_arguments, reason = "private; its two callers name each of them")]
    fn all_regions(
        &self,
        sample: usize,
        frame: Option<&str>,
        header: &Header,
        names: Names,
        level: Level,
        sums: &Accumulators,
        background: Option<&BackgroundPattern>,
    ) -> Result<Results, ReductionError> {
        let sample = &self.config.samples[sample];
        let header = match background {
            Some(background) => &header.with("bgscale", background.scale),
            None => header,
        };
        let subtracts = background.is_some();
        let target = Target { config: self.config, names, header, level, subtracts, existing: self.existing };
        let mut results = Results::default();
        let mut written = Written::default();
        for (index, region) in self.config.regions.iter().enumerate() {
            let patterns = pipeline::patterns(sums, index, self.plans, background)?;
            let reduced = match &self.plans.reduction {
                Some(plan) if region.name == RING || level == Level::Sample => {
                    let reduced = pipeline::reduce(&patterns.subtracted, plan);
                    if let Err(reason) = &reduced {
                        // What was integrated is good: a weak frame stays in the sum, a sector with holes does not
                        // take the sample with it.
                        let name = &sample.name;
                        if region.name == RING {
                            results.ring_unreduced = Some(format!("integrated only: {reason}"));
                        } else {
                            let warning =
                                format!("{name}, sector {}: integrated only: {reason}", region.name);
                            results.warnings.push(warning);
                        }
                    }
                    reduced.ok()
                }
                Some(_) | None => None,
            };
            target.write(&region.name, &patterns, reduced.as_ref(), &mut written)?;
            if let Some(reduced) = &reduced {
                results.rows.extend(reduced.peaks.peaks.iter().map(|peak| PeakRow {
                    sample: sample.name.clone(),
                    frame: frame.map(str::to_owned),
                    region: region.name.clone(),
                    peak: peak.clone(),
                    quality: reduced.quality,
                }));
            }
            if region.name == RING {
                results.ring = Some((patterns, reduced));
            }
        }
        results.files = written.keep().iter().map(|file| relative(self.config, file)).collect();
        Ok(results)
    }
}
