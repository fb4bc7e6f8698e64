//! Sums over the frames of a sample or of a background, and what is subtracted from each sample.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::prepare::Prepared;
use super::queue::Work;
use crate::config::Config;
use crate::integrate::{Accumulators, PatternError};
use crate::pipeline::BackgroundPattern;

/// Frames of a sample or background, added.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    /// `None` before the first.
    pub(super) sums: Option<Accumulators>,
    /// How many.
    pub(super) frames: usize,
}

impl Sum {
    /// One more.
    pub(super) fn add(&mut self, frame: &Accumulators) -> Result<(), PatternError> {
        self.sums.get_or_insert_default().add(frame)?;
        self.frames += 1;
        Ok(())
    }

    /// Those of a piece: sums of its frames.
    pub(super) fn join(&mut self, piece: &Accumulators, frames: usize) -> Result<(), PatternError> {
        self.sums.get_or_insert_default().add(piece)?;
        self.frames += frames;
        Ok(())
    }

    /// XXH3-128 of all its numbers.
    fn hash(&self) -> u128 {
        let mut hash = Xxh3::new();
        if let Some(sums) = &self.sums {
            for values in [&sums.signal, &sums.variance, &sums.norm] {
                values.iter().for_each(|value| hash.update(&value.to_le_bytes()));
            }
        }
        hash.digest128()
    }

    /// One less.
    pub(super) fn remove(&mut self, frame: &Accumulators) -> Result<(), PatternError> {
        if let Some(sums) = &mut self.sums {
            sums.remove(frame)?;
            self.frames -= 1;
        }
        Ok(())
    }
}

/// What each sample subtracts.
#[derive(Debug)]
pub(super) struct Backgrounds {
    /// Of each sample, or why it cannot.
    of_samples: Vec<Result<Option<BackgroundPattern>, String>>,
    /// Of each sample, for the journal: changes where the background does.
    names: Vec<String>,
}

impl Backgrounds {
    /// From the `sums` of the different backgrounds.
    pub(super) fn new(config: &Config, prepared: &Prepared, work: &Work, sums: &[Sum]) -> Backgrounds {
        let of_samples = background_patterns(config, prepared, work, sums);
        let hashes: Vec<u128> = sums.iter().map(Sum::hash).collect();
        let of_sample = of_samples.iter().zip(&work.background_of);
        let name = |(background, index): (&Result<Option<BackgroundPattern>, String>, &Option<usize>)| match (
            background, index,
        ) {
            (Ok(Some(background)), Some(index)) => {
                format!("{:032x} × {}", hashes[*index], background.scale)
            }
            (Ok(_), _) => "nothing".to_owned(),
            (Err(reason), _) => reason.clone(),
        };
        let names = of_sample.map(name).collect();
        Backgrounds { of_samples, names }
    }

    pub(super) fn of(&self, sample: usize) -> Result<Option<&BackgroundPattern>, String> {
        self.of_samples[sample].as_ref().map(Option::as_ref).map_err(String::clone)
    }

    pub(super) fn name(&self, sample: usize) -> &str {
        &self.names[sample]
    }
}

/// What each sample subtracts, from the `sums` of the different backgrounds; or why it cannot.
pub(super) fn background_patterns(
    config: &Config,
    prepared: &Prepared,
    work: &Work,
    sums: &[Sum],
) -> Vec<Result<Option<BackgroundPattern>, String>> {
    let plan = &prepared.plans.integration;
    let patterns: Vec<Option<(Arc<Vec<_>>, Option<Arc<_>>)>> = sums
        .iter()
        .map(|sums| {
            let sums = sums.sums.as_ref()?;
            let of_region = |region| prepared.behind_sample(&sums.pattern(plan, region), region);
            let cake = sums.cake(plan).map(|cake| Arc::new(prepared.cake_behind_sample(cake)));
            Some((Arc::new((0..plan.regions.len()).map(of_region).collect()), cake))
        })
        .collect();
    let of_sample = config.samples.iter().zip(&work.background_of);
    of_sample
        .map(|(sample, index)| match (index, &sample.background) {
            (Some(index), Some(background)) => match &patterns[*index] {
                Some((patterns, cake)) => Ok(Some(BackgroundPattern {
                    patterns: Arc::clone(patterns),
                    cake: cake.clone(),
                    scale: background.scale,
                })),
                None => Err("no frame of its background could be integrated".to_owned()),
            },
            (None, _) | (_, None) => Ok(None),
        })
        .collect()
}
