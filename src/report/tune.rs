//! Figures of quality against what was varied, as SVG.

use super::picture::{PictureError, draw};
use crate::tune::{Parameter, Trial};

/// A panel for each parameter: what the polynomial changes in S, and what is left at low r.
///
/// # Errors
/// What the drawing library says.
pub fn tune_svg(trials: &[Trial]) -> Result<String, PictureError> {
    let columns: Vec<(Parameter, [Vec<f64>; 3])> = Parameter::ALL
        .into_iter()
        .map(|parameter| {
            let of: Vec<&Trial> = trials.iter().filter(|trial| trial.parameter == parameter).collect();
            let column =
                |figure: fn(&Trial) -> f64| of.iter().map(|trial| figure(trial)).collect::<Vec<f64>>();
            let left = |trial: &Trial| trial.quality.low_r_residual.unwrap_or(f64::NAN);
            (
                parameter,
                [column(|trial| trial.value), column(|trial| trial.quality.correction_rms), column(left)],
            )
        })
        .filter(|(_, [values, ..])| !values.is_empty())
        .collect();
    let panels: Vec<_> = columns
        .iter()
        .map(|(parameter, [x, correction, residual])| {
            let curves = vec![
                ("change of S by the polynomial", &x[..], &correction[..]),
                ("low-r residual", &x[..], &residual[..]),
            ];
            (parameter.name(), "rms", curves)
        })
        .collect();
    draw(&panels)
}
