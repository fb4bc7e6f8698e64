//! The numbers of a filter as its shader takes them.

use crate::engine::layout::{self, FilterParams};
use crate::integrate::{ErrorModel, Filter};

/// What the filter shader needs to know; `None` where nothing is filtered.
pub(super) fn params(filter: Filter) -> Option<FilterParams> {
    let none = FilterParams {
        kind: layout::FILTER_MEDIAN,
        error_model: layout::ERROR_POISSON,
        iterations: 0,
        limit: 0.0,
        quantiles: [0.0; 2],
        unused_1: 0,
        unused_2: 0,
    };
    match filter {
        Filter::Off => None,
        Filter::SigmaClip { threshold, iterations, error_model } => Some(FilterParams {
            kind: layout::FILTER_SIGMA_CLIP,
            error_model: match error_model {
                ErrorModel::Poisson => layout::ERROR_POISSON,
                ErrorModel::Azimuthal => layout::ERROR_AZIMUTHAL,
            },
            iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
            limit: (threshold * threshold) as f32,
            ..none
        }),
        Filter::Median => Some(none),
        Filter::TrimmedMean { quantiles } => Some(FilterParams {
            kind: layout::FILTER_TRIMMED_MEAN,
            quantiles: quantiles.map(|quantile| quantile as f32),
            ..none
        }),
    }
}
