//! Frames that are unlike the others of their sample: found, and taken out of the sum where that is asked for.

use super::intake::{Taken, take_in};
use super::queue::{Job, Role};
use super::sums::Sum;
use crate::config::Config;
use crate::engine::crew::Crew;
use crate::frame;
use crate::integrate::IntegrationPlan;
use crate::output::{FrameRecord, Redone, Status};
use crate::series::{Drift, FEWEST_FRAMES, FrameBins, FrameCurves, FrameDrift, Outliers, Standing, drift};
use crate::structure::StructureSettings;

/// Whether some sample has enough frames, and they are looked at.
pub(super) fn is_looked_for(config: &Config) -> bool {
    config.series.outliers != Outliers::Keep
        && config.samples.iter().any(|sample| sample.frames.len() >= FEWEST_FRAMES)
}

/// The bins that frames are compared in.
pub(super) fn frame_bins(config: &Config, plan: &IntegrationPlan) -> FrameBins {
    let range = match config.pdf.as_ref().map(|pdf| &pdf.structure) {
        Some(StructureSettings::Absolute(absolute)) => absolute.q_range,
        Some(StructureSettings::PdfGetX3(settings)) => [settings.qmin, settings.qmax],
        None => [f64::NEG_INFINITY, f64::INFINITY],
    };
    FrameBins::new(plan, range)
}

/// Drift of each sample that has enough frames, by its name.
pub(super) fn drifts(config: &Config, curves: &[FrameCurves]) -> Vec<(String, Drift)> {
    let of_sample = config.samples.iter().zip(curves);
    of_sample.filter_map(|(sample, curves)| Some((sample.name.clone(), drift(curves)?))).collect()
}

/// What speaks against each outlier, in words.
pub(super) fn reason(frame: &FrameDrift) -> String {
    let unlike = format!(
        "unlike the other frames of its sample: χ²/ν = {:.1} over {} points",
        frame.against_others.reduced(),
        frame.against_others.freedom
    );
    match frame.standing {
        Standing::Alike | Standing::Unlike => unlike,
        Standing::Dark => format!(
            "too dark, or with too many empty bins, to be compared with the other frames of its sample: it has {:.2} % of their light",
            100.0 * (1.0 + frame.scale)
        ),
    }
}

/// What became of the outliers of a sample.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Places of those that are no longer in the sum.
    pub(super) places: Vec<usize>,
    /// Why the others are.
    pub(super) stayed: Vec<String>,
}

/// Reads and integrates the outliers of a sample again and takes them out of its sum; each is noted in its record.
pub(super) fn leave_out(
    config: &Config,
    crew: &Crew,
    sample: usize,
    found: &Drift,
    sum: &mut Sum,
    records: &mut [FrameRecord],
    redone: &mut Vec<Redone>,
) -> LeftOut {
    let mut all = LeftOut::default();
    for outlier in found.outliers() {
        let address = &config.samples[sample].frames[outlier.place];
        let job = Job { address: address.clone(), role: Role::Sample(sample, outlier.place) };
        let shape = config.geometry.detector.shape;
        let (again, fault) = take_in(vec![(job, frame::read(address))], config, shape, crew, 0);
        redone.extend(fault);
        let record = records.iter_mut().find(|record| {
            record.path == address.path
                && record.image == address.image
                && record.used_for == config.samples[sample].name
        });
        let removed = match again.into_iter().next() {
            Some(Taken { record: now, sums: Some(sums), .. }) => match &record {
                Some(then) if (&then.xxh3_128, then.normalized_by) != (&now.xxh3_128, now.normalized_by) => {
                    Err("its content has changed since it was integrated".to_owned())
                }
                Some(_) | None => sum.remove(&sums).map_err(|error| error.to_string()),
            },
            Some(Taken { record, sums: None, .. }) => Err(match record.status {
                Status::Failed(why) | Status::Skipped(why) | Status::LeftOut(why) => why,
                Status::Done => "it has no sums".to_owned(),
            }),
            None => Err("it could not be read again".to_owned()),
        };
        match removed {
            Ok(()) => {
                all.places.push(outlier.place);
                if let Some(record) = record {
                    record.status = Status::LeftOut(reason(outlier));
                }
            }
            Err(why) => {
                let path = address.path.display();
                all.stayed.push(format!("{path}: {}, but it stays in the sum: {why}", reason(outlier)));
            }
        }
    }
    all
}
