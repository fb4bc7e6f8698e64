//! Tables of the comparison.

use std::collections::HashMap;

use super::peaks_csv::{fixed_columns, names_of_readings, taken};
use super::table::{Cell, Table};
use crate::compare::CurvePair;
use crate::config::Config;
use crate::integrate::RING;
use crate::peaks::{Curve, Measured, SubPeakFit};
use crate::series::{Change, ChiSquared, Conditions, CurveDifference, Drift, Key, Numbers, Trend, Verdict};
use crate::stats::Line;

/// χ² of one range of one difference.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    /// The sample.
    pub sample: String,
    /// What it is compared with.
    pub against: String,
    /// `ring`, or two sectors as in `X-Y`.
    pub region: String,
    /// S(Q) or G(r).
    pub curve: Curve,
    /// `all`, or the peak whose range it is.
    pub name: String,
    /// In Å⁻¹ or Å.
    pub range: [f64; 2],
    /// χ².
    pub chi2: ChiSquared,
}

/// One row for each number of each sample: the number, and its change against the reference.
pub fn series_csv(numbers: &Numbers, config: &Config, changes: &[Change]) -> Table {
    let mut table = Table::new(
        "sample,state,sector,curve,peak,metric,value,sigma,frames,reference,difference,difference_sigma,z,p,verdict,sigma_from",
    );
    let by_number: HashMap<(&str, &Key), &Change> =
        changes.iter().map(|change| ((change.sample.as_str(), &change.key), change)).collect();
    for sample in &config.samples {
        for (key, curve) in numbers.keys() {
            let Some(readings) = numbers.get(&sample.name, key) else { continue };
            let Some(sum) = readings.sum else { continue };
            let change = by_number.get(&(sample.name.as_str(), key)).copied();
            let basis = change.map(|change| change.basis.in_words());
            table.row([
                Cell::from(&sample.name),
                sample.state.as_deref().into(),
                (&key.region).into(),
                curve.word().into(),
                (&key.peak).into(),
                key.metric.name(*curve).into(),
                sum.value.into(),
                sum.sigma.into(),
                readings.frames.len().into(),
                change.and(config.series.reference.as_deref()).into(),
                change.map(|change| change.difference.value).into(),
                change.map(|change| change.difference.sigma).into(),
                change.map(|change| change.difference.value / change.difference.sigma).into(),
                change.map(|change| change.p).into(),
                change.map(|change| change.verdict.word()).into(),
                basis.as_deref().into(),
            ]);
        }
    }
    table
}

/// One row for each range of each difference.
pub fn differences_csv(rows: &[DifferenceRow], confidence: f64) -> Table {
    let mut table = Table::new(
        "sample,against,sector,curve,range,q_low_inv_angstrom,q_high_inv_angstrom,r_low_angstrom,r_high_angstrom,\
         chi2,freedom,chi2_per_freedom,p,verdict",
    );
    for row in rows {
        let [low, high] = row.range;
        let [q, r] = match row.curve {
            Curve::StructureFactor => [[low, high], [f64::NAN; 2]],
            Curve::Pdf => [[f64::NAN; 2], [low, high]],
        };
        table.row([
            Cell::from(&row.sample),
            (&row.against).into(),
            (&row.region).into(),
            row.curve.word().into(),
            (&row.name).into(),
            q[0].into(),
            q[1].into(),
            r[0].into(),
            r[1].into(),
            row.chi2.chi2.into(),
            row.chi2.freedom.into(),
            row.chi2.reduced().into(),
            row.chi2.p.into(),
            Verdict::of(row.chi2.p, confidence).word().into(),
        ]);
    }
    table
}

/// x, difference, σ under these columns.
pub fn curve_difference_csv(curve: &CurveDifference, columns: &str) -> Table {
    let mut table = Table::new(columns);
    for k in 0..curve.x.len() {
        table.row([curve.x[k], curve.value[k], curve.sigma[k]].map(Cell::from));
    }
    table
}

/// x, both curves, difference, σ under these columns.
pub fn curve_pair_csv(pair: &CurvePair, columns: &str) -> Table {
    let mut table = Table::new(columns);
    let difference = &pair.difference;
    for k in 0..difference.x.len() {
        table.row(
            [difference.x[k], pair.a[k], pair.b[k], difference.value[k], difference.sigma[k]].map(Cell::from),
        );
    }
    table
}

/// One row for each property and number. Slopes are in the number's unit over the property's.
pub fn trends_csv(trends: &[Trend]) -> Table {
    let mut table = Table::new(
        "property,curve,peak,metric,samples,pearson,pearson_low,pearson_high,pearson_p,spearman,spearman_low,spearman_high,spearman_p,\
         slope,slope_sigma,slope_p,line_chi2,line_freedom,remark",
    );
    for trend in trends {
        let Trend { pearson, spearman, line, .. } = trend;
        let of_line = |of: fn(&Line) -> f64| Cell::from(line.as_ref().map(of));
        table.row([
            Cell::from(&trend.property),
            trend.curve.word().into(),
            (&trend.key.peak).into(),
            trend.key.metric.name(trend.curve).into(),
            pearson.count.into(),
            pearson.coefficient.into(),
            pearson.interval[0].into(),
            pearson.interval[1].into(),
            pearson.p.into(),
            spearman.coefficient.into(),
            spearman.interval[0].into(),
            spearman.interval[1].into(),
            spearman.p.into(),
            of_line(|line| line.slope),
            of_line(|line| line.slope_sigma),
            of_line(|line| line.p),
            of_line(|line| line.chi2),
            line.as_ref().map(|line| line.freedom).into(),
            trend.remark.into(),
        ]);
    }
    table
}

/// One row for each Gaussian of each fit; the best fit of a sample is marked.
pub fn sub_peaks_csv(samples: &[(String, Vec<SubPeakFit>)]) -> Table {
    let mut table = Table::new(
        "sample,gaussians,best,pairs,weight,position_angstrom,position_angstrom_sigma,width_angstrom,width_angstrom_sigma,skewness,skewness_sigma,\
         area,area_sigma,coordination_number,coordination_number_sigma,chi2,points,aicc",
    );
    for (sample, fits) in samples {
        for (rank, fit) in fits.iter().enumerate() {
            for peak in &fit.peaks {
                let best = if rank == 0 { "yes" } else { "no" };
                let labels = [Cell::from(sample), fit.peaks.len().into(), best.into(), (&peak.pairs).into()];
                let skewness = peak.skewness.unwrap_or(Measured::MISSING);
                let numbers = [peak.position, peak.width, skewness, peak.area, fit.coordination_number];
                let cells = labels
                    .into_iter()
                    .chain([peak.weight.into()])
                    .chain(numbers.into_iter().flat_map(Cell::pair))
                    .chain([fit.chi2.into(), fit.points.into(), fit.aicc.into()]);
                table.row(cells);
            }
        }
    }
    table
}

/// Columns of frames.csv before those of readings.
const OF_FRAMES: &str = "sample,frame,place,time_s";
/// And behind them.
const UNLIKE: &str = "scale_against_others,chi2_against_others,freedom,p_against_others,chi2_against_first,p_against_first,\
    first_component,outlier";

/// The columns of tables that have readings too.
pub fn columns_beside_readings() -> impl Iterator<Item = &'static str> {
    fixed_columns().chain(OF_FRAMES.split(',')).chain(UNLIKE.split(','))
}

/// One row for each frame of the samples that have enough: how unlike the others it is.
pub fn frames_csv(drifts: &[(String, Drift)], conditions: &Conditions) -> Table {
    let readings = names_of_readings(conditions);
    let mut table = Table::new(&format!("{OF_FRAMES},{readings}{UNLIKE}"));
    for (sample, drift) in drifts {
        for frame in &drift.frames {
            let first = frame.against_first;
            let labels = [Cell::from(sample), (&frame.frame).into(), frame.place.into()];
            let numbers = [
                Cell::from(1.0 + frame.scale),
                frame.against_others.chi2.into(),
                frame.against_others.freedom.into(),
                frame.against_others.p.into(),
                first.map(|first| first.chi2).into(),
                first.map(|first| first.p).into(),
                frame.component.into(),
                if frame.is_outlier() { "yes" } else { "no" }.into(),
            ];
            let taken = taken(conditions.get(sample, &frame.frame), conditions);
            table.row(labels.into_iter().chain(taken).chain(numbers));
        }
    }
    table
}

/// One row for each sample and number of the ring: its line against the frames' place; the share of the first component stands beside.
pub fn drift_csv(drifts: &[(String, Drift)], numbers: &Numbers) -> Table {
    let mut table = Table::new(
        "sample,curve,peak,metric,frames,slope_per_frame,slope_per_frame_sigma,p,chi2,freedom,first_component_share,\
         first_component_share_of_noise",
    );
    for (sample, drift) in drifts {
        for (key, curve) in numbers.keys().iter().filter(|(key, _)| key.region == RING) {
            let Some(line) = drift.line(numbers, sample, key) else { continue };
            table.row([
                Cell::from(sample),
                curve.word().into(),
                (&key.peak).into(),
                key.metric.name(*curve).into(),
                (line.freedom + 2).into(),
                line.slope.into(),
                line.slope_sigma.into(),
                line.p.into(),
                line.chi2.into(),
                line.freedom.into(),
                drift.component_share.into(),
                drift.component_share_of_noise.into(),
            ]);
        }
    }
    table
}
