//! Sums over the frames of a sample or of a background, and what is subtracted from each sample.

use std::sync::Arc;

use super::prepare::Prepared;
use super::queue::Work;
use crate::config::Config;
use crate::integrate::{Accumulators, PatternError};
use crate::pipeline::BackgroundPattern;

/// Adds a frame to a sum that may not have begun.
pub(super) fn add(sum: &mut Option<Accumulators>, frame: &Accumulators) -> Result<(), PatternError> {
    sum.get_or_insert_default().add(frame)
}

/// What each sample subtracts, from the `sums` of the different backgrounds; or why it cannot.
pub(super) fn background_patterns(
    config: &Config,
    prepared: &Prepared,
    work: &Work,
    sums: &[Option<Accumulators>],
) -> Vec<Result<Option<BackgroundPattern>, String>> {
    let plan = &prepared.plans.integration;
    let patterns: Vec<Option<(Arc<Vec<_>>, Option<Arc<_>>)>> = sums
        .iter()
        .map(|sums| {
            let sums = sums.as_ref()?;
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
