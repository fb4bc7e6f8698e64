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

#[cfg(test)]
mod tests {
    use crate::integrate::COUNTS_OF_A_MEDIAN;
    use crate::stats::SIGMAS_PER_MAD;

    #[test]
    fn the_shader_has_the_constants_of_its_twin() {
        for (name, expected) in [
            ("COUNTS_OF_A_MEDIAN", COUNTS_OF_A_MEDIAN),
            ("SIGMAS_PER_MAD", SIGMAS_PER_MAD),
            ("HALF_PI", std::f64::consts::FRAC_PI_2),
        ] {
            let begin = format!("const {name}: f32 = ");
            let mut lines = include_str!("../../../shaders/filter.wgsl").lines();
            let value = lines.find_map(|line| line.strip_prefix(&begin)?.strip_suffix(';')).unwrap();
            assert_eq!(value.parse::<f32>().unwrap(), expected as f32, "{name}");
        }
    }
}
