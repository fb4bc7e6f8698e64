//! What numbers of the peaks go with.

use std::collections::{BTreeMap, BTreeSet};

use super::metrics::{Key, Numbers};
use crate::peaks::Curve;
use crate::stats::{Correlation, Line, pearson, spearman, weighted_line};

/// One number against one property, over the samples that have both.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Key of the property in the run file.
    pub property: String,
    /// The number.
    pub key: Key,
    /// Its curve.
    pub curve: Curve,
    /// Along a line.
    pub pearson: Correlation,
    /// In ranks.
    pub spearman: Correlation,
    /// The line, weighted by the numbers' σ; `None` where it cannot be drawn.
    pub line: Option<Line>,
    /// What to think of it.
    pub remark: &'static str,
}

/// Samples below which a correlation says little: of six, |r| must be above 0.81 for 95 %.
const FEW: usize = 6;
/// The fewest samples.
const FEWEST: usize = 3;

/// Every number of the ring against every property that three samples or more have.
pub fn trends(
    numbers: &Numbers,
    properties: &[(String, BTreeMap<String, f64>)],
    confidence: f64,
) -> Vec<Trend> {
    let names: BTreeSet<&String> = properties.iter().flat_map(|(_, of_sample)| of_sample.keys()).collect();
    let mut all = Vec::new();
    for property in names {
        for (key, curve) in numbers.keys().iter().filter(|(key, _)| key.region == crate::integrate::RING) {
            let points: Vec<(f64, f64, f64)> = properties
                .iter()
                .filter_map(|(sample, of_sample)| {
                    let number = numbers.sum(sample, key)?;
                    Some((*of_sample.get(property)?, number.value, number.sigma))
                })
                .collect();
            if points.len() < FEWEST {
                continue;
            }
            let x: Vec<f64> = points.iter().map(|point| point.0).collect();
            let y: Vec<f64> = points.iter().map(|point| point.1).collect();
            let sigma: Vec<f64> = points.iter().map(|point| point.2).collect();
            let pearson = pearson(&x, &y, confidence);
            let remark = match (pearson.coefficient.is_nan(), points.len()) {
                (true, _) => "one of the two does not vary",
                (false, FEWEST) => "three samples: no interval",
                (false, count) if count < FEW => "few samples: the interval is wide",
                (false, _) => "",
            };
            all.push(Trend {
                property: property.clone(),
                key: key.clone(),
                curve: *curve,
                pearson,
                spearman: spearman(&x, &y, confidence),
                line: weighted_line(&x, &y, &sigma),
                remark,
            });
        }
    }
    all
}
