//! Filters along the ring.

use super::Check;
use crate::config::schema::{ErrorModelWord, FilterKeys, OffOr, SigmaClipBlock, TrimmedMeanBlock};
use crate::integrate::{ErrorModel, Filter};

/// Below 2 standard deviations so much of a ring is cut off that its mean and scatter are no longer those of the ring: 1.5 cuts
/// 13 % and shrinks the scatter by a quarter each time.
const LEAST_THRESHOLD: f64 = 2.0;

/// A clip that has not settled after a few has pixels that come and go at the threshold.
const MOST_ITERATIONS: u64 = 100;

pub(super) fn filter(written: &mut OffOr<FilterKeys>, check: &mut Check<'_>) -> Filter {
    match written {
        OffOr::Off => Filter::Off,
        OffOr::On(FilterKeys::Median) => Filter::Median,
        OffOr::On(FilterKeys::SigmaClip(block)) => sigma_clip(block, check),
        OffOr::On(FilterKeys::TrimmedMean(block)) => trimmed_mean(block, check),
    }
}

fn sigma_clip(block: &mut SigmaClipBlock, check: &mut Check<'_>) -> Filter {
    let threshold = *block.threshold.get_or_insert(5.0);
    if !(threshold >= LEAST_THRESHOLD && threshold.is_finite()) {
        let message = format!("found {threshold}, expected at least {LEAST_THRESHOLD} standard deviations");
        check.problems.push("integration.filter.sigma_clip.threshold", message, "5 is usual");
    }
    let iterations = *block.iterations.get_or_insert(5);
    if !(1..=MOST_ITERATIONS).contains(&iterations) {
        let message = format!("found {iterations}, expected 1 to {MOST_ITERATIONS}");
        check.problems.push("integration.filter.sigma_clip.iterations", message, "");
    }
    let error_model = match *block.error_model.get_or_insert(ErrorModelWord::Poisson) {
        ErrorModelWord::Poisson => ErrorModel::Poisson,
        ErrorModelWord::Azimuthal => ErrorModel::Azimuthal,
    };
    Filter::SigmaClip { threshold, iterations: iterations.min(MOST_ITERATIONS) as usize, error_model }
}

fn trimmed_mean(block: &mut TrimmedMeanBlock, check: &mut Check<'_>) -> Filter {
    let quantiles = *block.quantiles.get_or_insert([0.1, 0.9]);
    let [lower, upper] = quantiles;
    if !(0.0 <= lower && lower < upper && upper <= 1.0) {
        let message = format!("[{lower}, {upper}] is no range of quantiles");
        let mend = "write [lower, upper] with 0 ≤ lower < upper ≤ 1, or `filter: median`";
        check.problems.push("integration.filter.trimmed_mean.quantiles", message, mend);
    }
    Filter::TrimmedMean { quantiles }
}
