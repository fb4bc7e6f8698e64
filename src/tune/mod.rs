//! Which background scale, r_poly and Qmax: one of them varied after the other, and what the figures of quality say.

mod scan;

use std::fmt;

pub use scan::{Scan, Values};

use serde::Serialize;

use crate::output::{Cell, Table};
use crate::quality::Quality;

/// What is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// I = I_sample − scale·I_background.
    BackgroundScale,
    /// r limit of the polynomial in Å; r_hole stays.
    RPoly,
    /// End of the Q range in Å⁻¹.
    QMax,
}

impl Parameter {
    /// All, in the order of the table.
    pub const ALL: [Parameter; 3] = [Parameter::BackgroundScale, Parameter::RPoly, Parameter::QMax];

    /// Its option of `halor pdf`.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::BackgroundScale => "background-scale",
            Parameter::RPoly => "r-poly-angstrom",
            Parameter::QMax => "q-max",
        }
    }

    /// The values to try around the one in use: ±40 %, the last 40 % of Q, r_poly from two thirds of it to half as much again.
    pub fn values(self, used: f64) -> Vec<f64> {
        let shares: &[f64] = match self {
            Parameter::BackgroundScale => &[0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4],
            Parameter::RPoly => &[0.65, 0.75, 0.85, 1.0, 1.15, 1.3, 1.5],
            Parameter::QMax => &[0.6, 0.7, 0.8, 0.9, 1.0],
        };
        shares.iter().map(|share| share * used).collect()
    }
}

/// One analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// What was varied.
    pub parameter: Parameter,
    /// To what.
    pub value: f64,
    /// What came of it.
    pub quality: Quality,
}

/// What to take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// Of which parameter.
    pub parameter: Parameter,
    /// The value.
    pub value: f64,
    /// Why, in words.
    pub why: String,
}

impl Advice {
    /// Its line in the header of a result: key, value and reason.
    pub fn note(&self) -> (String, String) {
        (format!("tuned_{}", self.parameter.name().replace('-', "_")), self.said())
    }

    /// Value and reason.
    pub fn said(&self) -> String {
        format!("{:.4}: {}", self.value, self.why)
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter.name(), self.said())
    }
}

/// What the trials of one parameter around the value `used` speak for; `None` where the figures that would tell are not there.
///
/// The background's scale: the least change of S by the polynomial, by a parabola through its square, which is one. r_poly: the
/// smallest whose low-r residual is at most half as large again as the least one, since a polynomial of more degrees than are
/// needed takes of the structure. Qmax: where the noise lets it be.
pub fn advice(parameter: Parameter, used: f64, trials: &[Trial]) -> Option<Advice> {
    match parameter {
        Parameter::BackgroundScale => background_scale(used, trials),
        Parameter::RPoly => r_poly(trials),
        Parameter::QMax => q_max(trials),
    }
}

/// A parabola has three numbers.
const FEWEST_TRIALS: usize = 3;

fn background_scale(used: f64, trials: &[Trial]) -> Option<Advice> {
    if trials.len() < FEWEST_TRIALS {
        return None;
    }
    let square = |trial: &Trial| trial.quality.correction_rms.powi(2);
    let best = (0..trials.len()).min_by(|a, b| square(&trials[*a]).total_cmp(&square(&trials[*b])))?;
    let parameter = Parameter::BackgroundScale;
    let Some([left, middle, right]) = best.checked_sub(1).and_then(|first| trials.get(first..first + 3))
    else {
        let why = format!(
            "kept: the polynomial has less and less to do up to the end of what was tried, {:.4}; unless the scale is that \
             far off, another slow error outweighs it (absorption, fluorescence, composition, energy)",
            trials[best].value
        );
        return Some(Advice { parameter, value: used, why });
    };
    // Trials that were refused leave uneven steps: slopes on both sides, and where their line is 0.
    let (below, above) = (middle.value - left.value, right.value - middle.value);
    let (falls, rises) = ((square(middle) - square(left)) / below, (square(right) - square(middle)) / above);
    let value = middle.value - 0.5 * below - falls * 0.5 * (below + above) / (rises - falls);
    let why = format!(
        "the polynomial has least to do there ({:.4} of S at {:.4}, {:.4} and {:.4} beside it)",
        middle.quality.correction_rms,
        middle.value,
        left.quality.correction_rms,
        right.quality.correction_rms
    );
    Some(Advice { parameter, value, why })
}

/// Residuals at low r within this factor of the least are alike: from the r_poly on that takes the slow errors away, what is left is ripples of a
/// finite Qmax and noise, which a larger one takes as well.
const AS_GOOD: f64 = 1.5;
/// The usable Qmax is found in steps of 0.5 Å⁻¹ (a quarter of the window of [`Quality`]), 2 % of common ranges: one that is less below the
/// end is the end.
const THE_END: f64 = 0.98;

fn r_poly(trials: &[Trial]) -> Option<Advice> {
    let residual = |trial: &Trial| trial.quality.low_r_residual;
    let least = trials.iter().filter_map(residual).min_by(f64::total_cmp)?;
    let first = trials.iter().find(|trial| residual(trial).is_some_and(|found| found <= AS_GOOD * least))?;
    let why = format!(
        "the smallest that leaves {:.3} of 4πρ0r at low r; the least of all is {least:.3}",
        residual(first).unwrap_or(f64::NAN)
    );
    Some(Advice { parameter: Parameter::RPoly, value: first.value, why })
}

fn q_max(trials: &[Trial]) -> Option<Advice> {
    let largest = trials.iter().max_by(|a, b| a.value.total_cmp(&b.value))?;
    let usable = largest.quality.usable_q_max_inv_angstrom.min(largest.value);
    let why = if usable < THE_END * largest.value {
        format!("beyond, noise is larger than the structure (data end at {:.1})", largest.value)
    } else {
        "the structure stands out of the noise to the end".to_owned()
    };
    Some(Advice { parameter: Parameter::QMax, value: usable, why })
}

/// The trials; a figure that is not there is an empty cell.
pub fn trials_csv(trials: &[Trial]) -> Table {
    let mut table = Table::new(&format!("parameter,value,{}", Quality::names()));
    for Trial { parameter, value, quality } in trials {
        let figures = quality.figures().map(|(_, figure)| Cell::from(figure));
        table.row([Cell::from(parameter.name()), Cell::from(*value)].into_iter().chain(figures));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_a_parabola_is_found_between_the_trials() {
        let trial = |value: f64| Trial {
            parameter: Parameter::BackgroundScale,
            value,
            quality: Quality { correction_rms: (0.01 + (value - 0.93).powi(2)).sqrt(), ..Quality::default() },
        };
        let trials: Vec<Trial> = Parameter::BackgroundScale.values(1.0).into_iter().map(trial).collect();
        let of = |trials: &[Trial]| advice(Parameter::BackgroundScale, 1.0, trials).unwrap();
        assert!((of(&trials).value - 0.93).abs() < 1e-12);
        let at_the_end = of(&trials[4..]);
        assert!(at_the_end.value == 1.0 && at_the_end.why.starts_with("kept"));
    }
}
