//! The NeXus file of a run: rows as frames come, the samples and the tables at the end.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::files::relative;
use super::journal::FrameState;
use super::prepare::Prepared;
use super::reduction::SectorCurves;
use super::run::Run;
use crate::config::{CakesOf, Config, Loaded, NormalizeBy};
use crate::integrate::{Accumulators, IntegrationPlan, Pattern};
use crate::output::{
    Existing, FrameRecord, Header, NexusFile, NexusImage, NexusRun, NexusTables, OutputError, PeakRow,
    RegionOfImage, RunRecord,
};
use crate::pipeline::{self, BackgroundPattern, Patterns, Reduced};
use crate::report::SampleCurves;
use crate::series::Conditions;

/// What the file of a run has so far. A failure is kept: the run goes on, and says so at its end.
pub(super) struct Nexus {
    file: Result<NexusFile, OutputError>,
    path: PathBuf,
    existing: Existing,
    /// Sample, name and place in the record of each frame that has a row.
    frames: Vec<(String, String, usize)>,
    /// Name and frames of each sample that has a row.
    samples: Vec<(String, usize)>,
}

/// Where it will be; `None` = not asked for.
pub(super) fn nexus_path(config: &Config) -> Option<PathBuf> {
    config.exports.nexus.as_ref().map(|name| config.output.join(name))
}

/// How many of a frame's sums have a place in the file: those of the ring, of the sectors that the run file names, and of the cake where frames
/// have one.
pub(super) fn bins_of_frames(config: &Config) -> usize {
    match config.cake {
        Some(cake) if cake.of == CakesOf::SamplesAndFrames => usize::MAX,
        Some(_) | None => config.regions.len() * config.integration.bins.count,
    }
}

impl Nexus {
    /// Begins the file where the run file asks for one.
    pub(super) fn of_run(
        loaded: &Loaded,
        prepared: &Prepared,
        header: &Header,
        started: &str,
        existing: Existing,
    ) -> Option<Nexus> {
        let config = &loaded.config;
        let path = nexus_path(config)?;
        let regions: Vec<String> = config.regions.iter().map(|region| region.name.clone()).collect();
        let run = NexusRun {
            header,
            plan: &prepared.plans.integration,
            monitor: config.integration.normalize_by == NormalizeBy::Monitor,
            regions: &regions,
            frame_cakes: config.cake.is_some_and(|cake| cake.of == CakesOf::SamplesAndFrames),
            frames: config.samples.iter().map(|sample| sample.frames.len()).sum(),
            samples: config.samples.len(),
            started,
            configuration: &loaded.resolved_yaml,
        };
        let file = NexusFile::create(&path, &run);
        Some(Nexus { file, path, existing, frames: Vec::new(), samples: Vec::new() })
    }

    /// A frame whose results are there; `record` is its place in the record of the run.
    fn frame(
        &mut self,
        [sample, stem]: [&str; 2],
        record: usize,
        plan: &IntegrationPlan,
        image: &NexusImage<'_>,
    ) {
        let Ok(file) = &mut self.file else { return };
        match file.frame(plan, image) {
            Ok(()) => self.frames.push((sample.to_owned(), stem.to_owned(), record)),
            Err(error) => self.file = Err(error),
        }
    }

    /// A sample whose results are there.
    fn sample(&mut self, name: &str, frames: usize, plan: &IntegrationPlan, image: &NexusImage<'_>) {
        let Ok(file) = &mut self.file else { return };
        match file.sample(plan, image) {
            Ok(()) => self.samples.push((name.to_owned(), frames)),
            Err(error) => self.file = Err(error),
        }
    }

    /// Adds the tables and gives the file its name.
    fn finish(
        self,
        records: &[FrameRecord],
        conditions: &Conditions,
        peaks: &[PeakRow],
        record: &str,
    ) -> Result<(), (PathBuf, OutputError)> {
        let frames: Vec<(String, String, &FrameRecord)> = self
            .frames
            .into_iter()
            .filter_map(|(sample, stem, record)| Some((sample, stem, records.get(record)?)))
            .collect();
        let tables = NexusTables { samples: &self.samples, frames: &frames, conditions, peaks, record };
        let finished = self.file.and_then(|file| file.finish(&tables, self.existing));
        finished.map_err(|error| (self.path, error))
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Ends the file, which holds the record as JSON, and gives that JSON. All else of the run is there without the file: where it cannot be
/// written, the record says so.
pub(super) fn finish(
    nexus: Option<Nexus>,
    record: &mut RunRecord,
    conditions: &Conditions,
    peaks: &[PeakRow],
    config: &Config,
) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string_pretty(record)?;
    let Some(Err((path, error))) = nexus.map(|nexus| nexus.finish(&record.frames, conditions, peaks, &json))
    else {
        return Ok(json);
    };
    record.outputs.retain(|file| *file != relative(config, &path));
    record.warnings.push(format!("there is no NeXus file: {error}"));
    serde_json::to_string_pretty(record)
}

/// What a region gave; less the background only where there is one.
fn region<'a>(
    found: Option<(&'a Patterns, Option<&'a Reduced>)>,
    background: Option<&BackgroundPattern>,
) -> RegionOfImage<'a> {
    let Some((patterns, reduced)) = found else { return RegionOfImage::default() };
    RegionOfImage {
        subtracted: background.map(|_| &patterns.subtracted),
        reduced: reduced.map(|reduced| (&reduced.structure, &reduced.pdf)),
    }
}

impl Run<'_> {
    /// The frames of one piece, whose records come next: what is a function of their sums is made again from them.
    pub(super) fn frames_to_nexus(
        &mut self,
        sample: usize,
        frames: &[FrameState],
        sums: &[Option<Accumulators>],
    ) {
        let Some(mut nexus) = self.nexus.take() else { return };
        let (plans, background) = (&self.prepared.plans, self.background(sample).ok().flatten());
        let there: Vec<(usize, &Accumulators)> =
            sums.iter().enumerate().filter_map(|(index, sums)| Some((index, sums.as_ref()?))).collect();
        let of_regions: Vec<Vec<Option<Patterns>>> = there
            .par_iter()
            .map(|(_, sums)| {
                let regions = 0..self.config.regions.len();
                regions.map(|region| pipeline::patterns(sums, region, plans, background).ok()).collect()
            })
            .collect();
        let rings: Vec<Option<&Pattern>> =
            of_regions.iter().map(|regions| Some(&regions.first()?.as_ref()?.subtracted)).collect();
        let to_reduce: Vec<&Pattern> = rings.iter().flatten().copied().collect();
        let reduced = plans.reduction.as_ref().map(|plan| pipeline::reduce_all(&to_reduce, plan));
        let mut reduced = reduced.into_iter().flatten().map(Result::ok);
        for ((&(index, sums), regions), ring) in there.iter().zip(&of_regions).zip(&rings) {
            let of_ring = ring.and_then(|_| reduced.next().flatten());
            // Sectors of frames are integrated only.
            let reduced = std::iter::once(of_ring.as_ref()).chain(std::iter::repeat(None));
            let found = regions.iter().zip(reduced);
            let found = found.map(|(patterns, reduced)| Some((patterns.as_ref()?, reduced)));
            let regions = found.map(|found| region(found, background)).collect();
            let names = [self.config.samples[sample].name.as_str(), &frames[index].name];
            let image = NexusImage { sums, regions };
            nexus.frame(names, self.records.len() + index, &plans.integration, &image);
        }
        self.nexus = Some(nexus);
    }

    /// Every sample that has results, in the order of the run file.
    pub(super) fn samples_to_nexus(&mut self) {
        let Some(mut nexus) = self.nexus.take() else { return };
        let (config, plans) = (self.config, &self.prepared.plans);
        for (index, sample) in config.samples.iter().enumerate() {
            let of_sample = |curves: &&SampleCurves| curves.sample == sample.name;
            let sum = &self.sample_sums[index];
            let (Some(sums), Some(ring)) = (&sum.sums, self.curves.iter().find(of_sample)) else { continue };
            let background = self.background(index).ok().flatten();
            let none: &[SectorCurves] = &[];
            let sectors = self.sectors.iter().find(|(name, _)| *name == sample.name);
            let sectors = sectors.map_or(none, |(_, sectors)| sectors);
            let of_sectors = config.regions.iter().skip(1).map(|wanted| {
                let sector = sectors.iter().find(|sector| sector.name == wanted.name);
                region(sector.map(|sector| (&sector.patterns, Some(&sector.reduced))), background)
            });
            let of_ring = region(Some((&ring.patterns, ring.reduced.as_ref())), background);
            let regions = [of_ring].into_iter().chain(of_sectors).collect();
            nexus.sample(&sample.name, sum.frames, &plans.integration, &NexusImage { sums, regions });
        }
        self.nexus = Some(nexus);
    }
}
