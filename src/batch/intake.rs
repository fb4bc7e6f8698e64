//! A batch of files that were read → the sums of each frame, and why there are none for the others.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::header::all_contradictions;
use super::queue::{Job, ReadBatch, Reads};
use crate::config::{Config, NormalizeBy};
use crate::engine::{Engine, EngineError};
use crate::frame::{Frame, Shape};
use crate::integrate::Accumulators;
use crate::output::{FrameRecord, Status};

/// One frame on its way: `sums` are there unless the record says why not.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) job: Job,
    pub(super) record: FrameRecord,
    pub(super) sums: Option<Accumulators>,
}

/// A batch that has been integrated.
pub(super) struct TakenBatch {
    pub(super) taken: Vec<Taken>,
    /// What each frame's header says against the run file.
    pub(super) contradictions: Vec<Vec<String>>,
    /// Wall time of reading and decoding.
    pub(super) read_time: Duration,
    /// Wall time of integrating.
    pub(super) integrate_time: Duration,
}

/// Integrates batch after batch while the receiver reduces and writes the one before; one waits in between.
pub(super) fn integrate_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    batches: Receiver<ReadBatch>,
    config: &'scope Config,
    shape: Shape,
    engine: &'scope dyn Engine,
) -> Receiver<TakenBatch> {
    let (sender, receiver) = sync_channel(1);
    scope.spawn(move || {
        for ReadBatch { frames, read_time } in batches {
            let start = Instant::now();
            let contradictions = all_contradictions(config, &frames);
            let taken = take_in(frames, config, shape, engine);
            let integrate_time = start.elapsed();
            if sender.send(TakenBatch { taken, contradictions, read_time, integrate_time }).is_err() {
                return; // The receiver has stopped: the run is over.
            }
        }
    });
    receiver
}

/// Integrates the frames that can be, in order; the others get their reason.
pub(super) fn take_in(batch: Reads, config: &Config, shape: Shape, engine: &dyn Engine) -> Vec<Taken> {
    let mut frames = Vec::with_capacity(batch.len());
    let mut places = Vec::with_capacity(batch.len());
    let mut taken = Vec::with_capacity(batch.len());
    for (place, (job, read)) in batch.into_iter().enumerate() {
        let mut record = new_record(config, &job);
        let path = job.address.path.display();
        match read {
            Ok(loaded) => {
                record.bytes = Some(loaded.file.bytes);
                record.xxh3_128 = Some(format!("{:032x}", loaded.file.xxh3_128));
                let mut frame = loaded.frame;
                frame.header.exposure_s = config.integration.exposure_s.or(frame.header.exposure_s);
                match fits(&frame, config, shape) {
                    Ok(factor) => {
                        record.normalized_by = Some(factor);
                        frames.push(frame);
                        places.push((place, factor));
                    }
                    Err(reason) => record.status = Status::Failed(format!("{path}: {reason}")),
                }
            }
            Err(error) => record.status = Status::Failed(error.to_string()),
        }
        taken.push(Taken { job, record, sums: None });
    }
    match engine.integrate(&frames) {
        Ok(all) => {
            for ((place, factor), mut sums) in places.into_iter().zip(all) {
                sums.scale_norm(factor);
                taken[place].record.excluded_pixels = Some(sums.excluded_pixels);
                taken[place].sums = Some(sums);
            }
        }
        Err(error) => {
            for (place, _) in places {
                let path = taken[place].job.address.path.display();
                taken[place].record.status = Status::Failed(format!("{path}: engine: {error}"));
            }
        }
    }
    taken
}

/// What the frame's norm is multiplied by, or why it cannot be integrated.
fn fits(frame: &Frame, config: &Config, shape: Shape) -> Result<f64, String> {
    if frame.shape != shape {
        return Err(EngineError::Shape { found: frame.shape, expected: shape }.to_string());
    }
    if config.corrections.dead_time.is_some() && frame.header.exposure_s.is_none() {
        return Err(EngineError::NoExposure.to_string());
    }
    let (what, value, mend) = match config.integration.normalize_by {
        NormalizeBy::None => return Ok(1.0),
        NormalizeBy::Exposure => ("exposure", frame.header.exposure_s, "set `integration.exposure_s`, or "),
        NormalizeBy::Monitor => ("monitor", frame.header.monitor, ""),
    };
    match value {
        Some(value) if value.is_finite() && value > 0.0 => Ok(value),
        Some(value) => Err(format!(
            "its {what} is {value}, which nothing can be divided by; {mend}choose another \
             `integration.normalize_by`"
        )),
        None => Err(format!("its header has no {what}; {mend}choose another `integration.normalize_by`")),
    }
}

fn new_record(config: &Config, job: &Job) -> FrameRecord {
    FrameRecord {
        path: job.address.path.clone(),
        image: job.address.image,
        used_for: job.role.used_for(config),
        bytes: None,
        xxh3_128: None,
        normalized_by: None,
        excluded_pixels: None,
        status: Status::Done,
    }
}
