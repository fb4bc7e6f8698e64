//! A filter as its shader takes it.

use crate::engine::layout::{self, FilterParams};
use crate::integrate::{ErrorModel, Filter};

/// Which filter the stage is compiled for, and its numbers; `None` where nothing is filtered.
pub(super) fn of(filter: Filter) -> Option<(u32, FilterParams)> {
    let none = FilterParams {
        error_model: layout::ERROR_POISSON,
        iterations: 0,
        limit: 0.0,
        unused_1: 0,
        quantiles: [0.0; 2],
        unused_2: 0,
        unused_3: 0,
    };
    match filter {
        Filter::Off => None,
        Filter::SigmaClip { threshold, iterations, error_model } => {
            let params = FilterParams {
                error_model: match error_model {
                    ErrorModel::Poisson => layout::ERROR_POISSON,
                    ErrorModel::Azimuthal => layout::ERROR_AZIMUTHAL,
                },
                iterations: u32::try_from(iterations).unwrap_or(u32::MAX),
                limit: (threshold * threshold) as f32,
                ..none
            };
            Some((layout::FILTER_SIGMA_CLIP, params))
        }
        Filter::Median => Some((layout::FILTER_MEDIAN, none)),
        Filter::TrimmedMean { quantiles } => {
            let quantiles = quantiles.map(|quantile| quantile as f32);
            Some((layout::FILTER_TRIMMED_MEAN, FilterParams { quantiles, ..none }))
        }
    }
}
