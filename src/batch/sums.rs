//! Sums over the frames of a sample or of a background, and what is subtracted from each sample.

use std::sync::Arc;

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
        match &mut self.sums {
            Some(sums) => sums.add(frame)?,
            None => self.sums = Some(frame.clone()),
        }
        self.frames += 1;
        Ok(())
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

/// What each sample subtracts, from the `sums` of the different backgrounds; or why it cannot.
pub(super) fn background_patterns(
    config: &Config,
    prepared: &Prepared,
    work: &Work,
    sums: &[Sum],
) -> Vec<Result<Option<BackgroundPattern>, String>> {
    let plan = &prepared.plans.integration;
    let patterns: Vec<Option<Arc<Vec<_>>>> = sums
        .iter()
        .map(|sums| {
            let sums = sums.sums.as_ref()?;
            let of_region = |region| prepared.behind_sample(&sums.pattern(plan, region), region);
            Some(Arc::new((0..plan.regions.len()).map(of_region).collect()))
        })
        .collect();
    let of_sample = config.samples.iter().zip(&work.background_of);
    of_sample
        .map(|(sample, index)| match (index, &sample.background) {
            (Some(index), Some(background)) => match &patterns[*index] {
                Some(patterns) => {
                    Ok(Some(BackgroundPattern { patterns: Arc::clone(patterns), scale: background.scale }))
                }
                None => Err("no frame of its background could be integrated".to_owned()),
            },
            (None, _) | (_, None) => Ok(None),
        })
        .collect()
}
