//! A batch of files that were read → the sums of each frame, and why there are none for the others.

use std::sync::mpsc::Receiver;
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::header::all_contradictions;
use super::journal::Stamp;
use super::ordered::{Then, in_order};
use super::queue::{Job, ReadBatch, Reads};
use crate::config::{Config, NormalizeBy};
use crate::engine::EngineError;
use crate::engine::crew::{Crew, Integrated};
use crate::frame::{Frame, Shape};
use crate::integrate::Accumulators;
use crate::output::{FrameRecord, Redone, Status};

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
    /// Of each frame's file, from before it was read.
    pub(super) stamps: Vec<Option<Stamp>>,
    /// What each frame's header says against the run file.
    pub(super) contradictions: Vec<Vec<String>>,
    /// Wall time of reading and decoding.
    pub(super) read_time: Duration,
    /// Wall time of integrating.
    pub(super) integrate_time: Duration,
    /// Set where an engine failed and its frames were integrated by the native one.
    pub(super) redone: Option<Redone>,
}

/// Integrates batches while the receiver reduces and writes those before: as many at once as keep the engines busy, handed
/// over in order whichever engine did them.
pub(super) fn integrate_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    batches: Receiver<ReadBatch>,
    config: &'scope Config,
    shape: Shape,
    crew: &'scope Crew,
) -> Receiver<TakenBatch> {
    let worker = |engine: usize| {
        move |ReadBatch { frames, stamps, read_time }| {
            let start = Instant::now();
            let contradictions = all_contradictions(config, &frames);
            let (taken, redone) = take_in(frames, config, shape, crew, engine);
            let integrate_time = start.elapsed();
            let then = if crew.goes_on(engine) { Then::Continue } else { Then::Stop };
            (TakenBatch { taken, stamps, contradictions, read_time, integrate_time, redone }, then)
        }
    };
    in_order(scope, batches, crew.threads().into_iter().map(worker).collect())
}

/// Integrates the frames that can be, in order; the others get their reason.
pub(super) fn take_in(
    batch: Reads,
    config: &Config,
    shape: Shape,
    crew: &Crew,
    engine: usize,
) -> (Vec<Taken>, Option<Redone>) {
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
                record.readings = std::mem::take(&mut frame.header.readings);
                record.began = frame.header.timestamp.take();
                frame.header.exposure_s = config.integration.exposure_s.or(frame.header.exposure_s);
                record.exposure_s = frame.header.exposure_s;
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
    let mut redone = None;
    match crew.integrate(engine, &frames) {
        Ok(Integrated { sums, fault }) => {
            redone = fault.map(|reason| Redone {
                engine: crew.info_of(engine).device.clone(),
                reason,
                frames: places.iter().map(|(place, _)| taken[*place].job.address.clone()).collect(),
            });
            for ((place, factor), mut sums) in places.into_iter().zip(sums) {
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
    (taken, redone)
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
        began: None,
        exposure_s: None,
        readings: Vec::new(),
        status: Status::Done,
    }
}
