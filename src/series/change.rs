//! Whether a number of a peak has changed, and by what its scatter is known.

use std::collections::BTreeMap;

use super::metrics::{Key, Numbers};
use crate::peaks::{Curve, Measured};
use crate::stats::{Spread, chi_squared_exceeds};

/// What the scatter of a number is known from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis {
    /// Counting alone: there are no repeats, or they scatter as counting does.
    Counting,
    /// The frames of the samples scatter by more than counting: σ is multiplied by this.
    Frames {
        /// √(χ²/ν).
        factor: f64,
        /// ν: frames less samples.
        freedom: usize,
    },
    /// Samples of one state.
    Repeats {
        /// ν: samples less states.
        freedom: usize,
    },
}

impl Basis {
    /// For a cell of a table.
    pub fn in_words(&self) -> String {
        match self {
            Basis::Counting => "counting".to_owned(),
            Basis::Frames { factor, freedom } => {
                format!("counting x {factor:.2} from frames ({freedom} degrees of freedom)")
            }
            Basis::Repeats { freedom } => format!("repeats ({freedom} degrees of freedom)"),
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More than chance.
    Changed,
    /// Chance does it too often.
    NotSeen,
    /// There is nothing to judge by.
    Unknown,
}

impl Verdict {
    /// Of a probability by chance.
    pub fn of(p: f64, confidence: f64) -> Verdict {
        match p {
            p if p.is_nan() => Verdict::Unknown,
            p if p < 1.0 - confidence => Verdict::Changed,
            _ => Verdict::NotSeen,
        }
    }

    /// For a cell of a table.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Changed => "changed",
            Verdict::NotSeen => "no change seen",
            Verdict::Unknown => "not known",
        }
    }
}

/// One number of a sample against that of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The sample.
    pub sample: String,
    /// Which number.
    pub key: Key,
    /// Its curve.
    pub curve: Curve,
    /// In the sample.
    pub value: Measured,
    /// Sample less reference, with the σ that the verdict is from.
    pub difference: Measured,
    /// Where that σ is from.
    pub basis: Basis,
    /// Probability of such a difference by chance.
    pub p: f64,
    /// What is said.
    pub verdict: Verdict,
}

/// Frames scatter beyond counting where chance gives it less often than this.
const BEYOND_CHANCE: f64 = 0.05;

/// Every number of every sample but the reference. `states` names the state of samples that are repeats of each other.
pub fn changes(
    numbers: &Numbers,
    samples: &[(String, Option<String>)],
    reference: &str,
    confidence: f64,
) -> Vec<Change> {
    let state_of_reference =
        samples.iter().find(|(name, _)| name == reference).and_then(|(_, state)| state.as_ref());
    let mut all = Vec::new();
    for (key, curve) in numbers.keys() {
        let Some(of_reference) = numbers.sum(reference, key) else { continue };
        let repeats = scatter_of_repeats(numbers, samples, key);
        let frames = scatter_of_frames(numbers, samples, key);
        for (sample, state) in samples.iter().filter(|(sample, _)| sample != reference) {
            let Some(value) = numbers.sum(sample, key) else { continue };
            let counting = value.sigma.hypot(of_reference.sigma);
            let same_state = state.is_some() && state.as_ref() == state_of_reference;
            let (sigma, basis, spread) = match (repeats, frames) {
                // One sample of each: a difference has twice the variance of a repeat.
                (Some((variance, freedom)), _) if !same_state => {
                    let spread = Spread::Estimated(freedom as f64);
                    ((2.0 * variance).sqrt(), Basis::Repeats { freedom }, spread)
                }
                (_, Some((factor, freedom))) => {
                    let spread = Spread::Estimated(freedom as f64);
                    (factor * counting, Basis::Frames { factor, freedom }, spread)
                }
                (_, None) => (counting, Basis::Counting, Spread::Known),
            };
            let difference = Measured { value: value.value - of_reference.value, sigma };
            let p = spread.beyond(difference.value / sigma);
            let verdict = Verdict::of(p, confidence);
            let (sample, key) = (sample.clone(), key.clone());
            all.push(Change { sample, key, curve: *curve, value, difference, basis, p, verdict });
        }
    }
    all
}

/// Variance of a number between samples of one state, over all states, and its degrees of freedom; `None` without repeats.
fn scatter_of_repeats(
    numbers: &Numbers,
    samples: &[(String, Option<String>)],
    key: &Key,
) -> Option<(f64, usize)> {
    let mut states: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (sample, state) in samples {
        if let (Some(state), Some(value)) = (state, numbers.sum(sample, key)) {
            states.entry(state).or_default().push(value.value);
        }
    }
    let (mut squares, mut freedom) = (0.0, 0);
    for values in states.values().filter(|values| values.len() > 1) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        squares += values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        freedom += values.len() - 1;
    }
    (freedom > 0 && squares > 0.0).then(|| (squares / freedom as f64, freedom))
}

/// By what the frames of the samples scatter more than their σ, where that is more than chance, and its degrees of freedom.
fn scatter_of_frames(
    numbers: &Numbers,
    samples: &[(String, Option<String>)],
    key: &Key,
) -> Option<(f64, usize)> {
    let (mut chi2, mut freedom) = (0.0, 0);
    for readings in samples.iter().filter_map(|(sample, _)| numbers.get(sample, key)) {
        let weight: f64 = readings.frames.iter().map(|(_, m)| m.sigma.powi(-2)).sum();
        let mean = readings.frames.iter().map(|(_, m)| m.value * m.sigma.powi(-2)).sum::<f64>() / weight;
        chi2 += readings.frames.iter().map(|(_, m)| ((m.value - mean) / m.sigma).powi(2)).sum::<f64>();
        freedom += readings.frames.len().saturating_sub(1);
    }
    let beyond = freedom > 0 && chi_squared_exceeds(chi2, freedom as f64) < BEYOND_CHANCE;
    beyond.then(|| ((chi2 / freedom as f64).sqrt(), freedom))
}
