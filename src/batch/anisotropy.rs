//! The anisotropy of each sample's sum: measured, written, said in words.

use std::path::PathBuf;

use rayon::prelude::*;

use super::files::relative;
use crate::anisotropy::{
    Anisotropy, AnisotropyError, AnisotropyPlan, AnisotropySettings, Reference, Sectors,
};
use crate::config::Config;
use crate::integrate::{Accumulators, Pattern};
use crate::output::{
    Existing, Names, OutputError, Table, TableError, cake_csv, harmonics_of_q_csv, harmonics_of_r_csv,
    sectors_csv, write_file,
};
use crate::peaks::Peak;
use crate::pipeline::{self, BackgroundPattern, Plans, Reduced, StageError};

/// Extensions of the files of a sample.
pub(super) const EXTENSIONS: [&str; 4] =
    ["anisotropy.json", "harmonics_of_q.csv", "harmonics_of_r.csv", "cake.csv"];

/// A sample whose ring has S(Q).
pub(super) struct Subject<'a> {
    pub(super) sample: &'a str,
    pub(super) sums: &'a Accumulators,
    pub(super) background: Option<&'a BackgroundPattern>,
    /// The ring, background subtracted.
    pub(super) ring: &'a Pattern,
    pub(super) reduced: &'a Reduced,
}

/// Why a sample has none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Anisotropy(#[from] AnisotropyError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("anisotropy.json: {0}")]
    Json(#[from] serde_json::Error),
}

/// What all samples gave.
#[derive(Default)]
pub(super) struct Anisotropies {
    /// Name and numbers, in the order of the run.
    pub(super) found: Vec<(String, Anisotropy)>,
    /// Files, relative to the output folder.
    pub(super) files: Vec<PathBuf>,
    pub(super) warnings: Vec<String>,
}

/// Measures and writes them; samples that cannot be are named in the warnings.
pub(super) fn anisotropies(
    config: &Config,
    plans: &Plans,
    subjects: &[Subject<'_>],
    existing: Existing,
) -> Anisotropies {
    let mut all = Anisotropies::default();
    let (Some(plan), Some(reduction)) = (&plans.anisotropy, &plans.reduction) else { return all };
    let settings = plan.settings();
    let sectors = |subject: &Subject<'_>| -> Result<Vec<Pattern>, Failure> {
        let first = config.regions.len();
        let pattern = |index: usize| {
            pipeline::patterns(subject.sums, first + index, plans, subject.background)
                .map(|patterns| patterns.subtracted)
        };
        Ok((0..settings.azimuths.count()).map(pattern).collect::<Result<_, _>>()?)
    };
    let measured = |subject: &Subject<'_>, reference: Reference<'_>| -> Result<Anisotropy, Failure> {
        let patterns = sectors(subject)?;
        let patterns: Vec<&Pattern> = patterns.iter().collect();
        let sectors: Sectors<'_> =
            plan.sectors(&reduction.structure, subject.ring, &subject.reduced.structure, &patterns)?;
        let peaks: Vec<&Peak> = subject.reduced.peaks.peaks.iter().collect();
        Ok(plan.measure(&sectors, &peaks, reference)?)
    };
    let against = settings.reference.as_deref();
    let of_reference: Option<(usize, Result<Anisotropy, Failure>)> = subjects
        .iter()
        .position(|subject| Some(subject.sample) == against)
        .map(|index| (index, measured(&subjects[index], Reference::Own)));
    let harmonics = of_reference.as_ref().and_then(|(_, found)| Some(&found.as_ref().ok()?.harmonics));
    let reference = match against {
        Some(name) => Reference::Sample { name, harmonics },
        None => Reference::Own,
    };
    if let (Some(name), None) = (against, harmonics) {
        all.warnings.push(format!(
            "anisotropy: the reference `{name}` has no result, so that the mean strain of the other samples is not known; \
             name another sample in `anisotropy.reference`"
        ));
    }
    let is_measured = |index: &usize| of_reference.as_ref().is_none_or(|(known, _)| known != index);
    let mut results: Vec<(usize, Result<Anisotropy, Failure>)> = (0..subjects.len())
        .into_par_iter()
        .filter(is_measured)
        .map(|index| (index, measured(&subjects[index], reference)))
        .collect();
    results.extend(of_reference);
    results.sort_by_key(|(index, _)| *index);
    for (index, result) in results {
        let subject = &subjects[index];
        let written = result.and_then(|found| {
            let files = write(config, plan, subject.sample, &found, existing)?;
            Ok((found, files))
        });
        match written {
            Ok((found, files)) => {
                all.files.extend(files);
                all.found.push((subject.sample.to_owned(), found));
            }
            Err(reason) => all.warnings.push(format!("{}: no anisotropy: {reason}", subject.sample)),
        }
    }
    all
}

fn write(
    config: &Config,
    plan: &AnisotropyPlan,
    sample: &str,
    found: &Anisotropy,
    existing: Existing,
) -> Result<Vec<PathBuf>, Failure> {
    let settings = plan.settings();
    let names = Names::of_sample(&config.output, sample);
    let contents = [
        serde_json::to_string_pretty(&found.summary(sample, settings))?,
        harmonics_of_q_csv(&found.harmonics).csv()?,
        harmonics_of_r_csv(&found.radial).csv()?,
        cake_csv(found, settings).csv()?,
    ];
    let mut files = Vec::new();
    for (extension, content) in EXTENSIONS.iter().zip(contents) {
        let path = names.ring(extension);
        write_file(&path, content.as_bytes(), existing)?;
        files.push(relative(config, &path));
    }
    Ok(files)
}

impl Anisotropies {
    /// `sectors.csv`.
    pub(super) fn table(&self, settings: &AnisotropySettings) -> Table {
        sectors_csv(self.found.iter().map(|(sample, found)| (sample.as_str(), found)), settings)
    }
}
