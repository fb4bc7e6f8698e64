//! The card's own clock: when each stage of a pass began and ended.

use std::sync::{Mutex, PoisonError};

use wgpu::{BufferUsages as Usage, Features};

use super::device::GpuDevice;
use crate::engine::{DeviceTimes, DeviceWork, EngineError};

/// What a driver lets be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockKind {
    /// Nothing.
    None,
    /// Compute passes.
    Passes,
    /// Copies too.
    Everything,
}

/// Moments of a pass, two for each stage: beginning and end.
const CORRECT: u32 = 0;
const INTEGRATE: u32 = 2;
const UPLOAD: u32 = 4;
const READBACK: u32 = 6;
const MOMENTS: u32 = 8;

/// Bytes of the moments of a pass.
pub(super) const CLOCK_BYTES: u64 = 8 * MOMENTS as u64;

/// A stage of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timed {
    Upload,
    Correct,
    Integrate,
    Readback,
}

impl Timed {
    fn first(self) -> u32 {
        match self {
            Timed::Upload => UPLOAD,
            Timed::Correct => CORRECT,
            Timed::Integrate => INTEGRATE,
            Timed::Readback => READBACK,
        }
    }
}

impl ClockKind {
    /// The best that these features allow.
    pub(super) fn of(offered: Features) -> ClockKind {
        let has = |kind: ClockKind| offered.contains(kind.features());
        [ClockKind::Everything, ClockKind::Passes].into_iter().find(|k| has(*k)).unwrap_or(ClockKind::None)
    }

    /// What a device must be opened with.
    pub(super) fn features(self) -> Features {
        match self {
            ClockKind::None => Features::empty(),
            ClockKind::Passes => Features::TIMESTAMP_QUERY,
            ClockKind::Everything => Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_ENCODERS,
        }
    }

    fn moments(self) -> u32 {
        match self {
            ClockKind::None => 0,
            ClockKind::Passes => UPLOAD,
            ClockKind::Everything => MOMENTS,
        }
    }
}

/// Takes the moments of one pass.
#[derive(Debug)]
pub(super) struct Clock {
    kind: ClockKind,
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
}

impl Clock {
    /// `None` where the driver has none.
    pub(super) fn new(gpu: &GpuDevice) -> Result<Option<Clock>, EngineError> {
        let kind = gpu.clock();
        if kind == ClockKind::None {
            return Ok(None);
        }
        let queries = gpu.checked("making a clock", || {
            gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("moments of a pass"),
                ty: wgpu::QueryType::Timestamp,
                count: MOMENTS,
            })
        })?;
        let resolved =
            gpu.buffer("moments of a pass", CLOCK_BYTES, Usage::QUERY_RESOLVE | Usage::COPY_SRC)?;
        Ok(Some(Clock { kind, queries, resolved }))
    }

    /// For the compute pass of a stage.
    pub(super) fn of_pass(&self, stage: Timed) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(stage.first()),
            end_of_pass_write_index: Some(stage.first() + 1),
        }
    }

    pub(super) fn begin(&self, encoder: &mut wgpu::CommandEncoder, copies: Timed) {
        self.moment(encoder, copies.first());
    }

    pub(super) fn end(&self, encoder: &mut wgpu::CommandEncoder, copies: Timed) {
        self.moment(encoder, copies.first() + 1);
    }

    fn moment(&self, encoder: &mut wgpu::CommandEncoder, index: u32) {
        match self.kind {
            ClockKind::Everything => encoder.write_timestamp(&self.queries, index),
            ClockKind::None | ClockKind::Passes => {}
        }
    }

    /// Copies the moments to the start of `readback`.
    pub(super) fn read(&self, encoder: &mut wgpu::CommandEncoder, readback: &wgpu::Buffer) {
        let moments = self.kind.moments();
        encoder.resolve_query_set(&self.queries, 0..moments, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, readback, 0, 8 * u64::from(moments));
    }
}

/// Bytes of a pass, each counted once.
#[derive(Debug, Clone, Copy)]
pub(super) struct PassBytes {
    pub(super) upload: u64,
    pub(super) correct: u64,
    pub(super) integrate: u64,
    pub(super) readback: u64,
}

/// The times of all passes.
#[derive(Debug, Default)]
pub(super) struct Stopwatch(Mutex<DeviceTimes>);

impl Stopwatch {
    pub(super) fn times(&self) -> DeviceTimes {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_frames(&self, frames: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).frames += frames as u64;
    }

    /// Adds a pass from its moments in ticks of the card's clock.
    pub(super) fn add(&self, kind: ClockKind, ticks: &[u64], tick_ns: f32, bytes: PassBytes) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let add = |work: &mut DeviceWork, stage: Timed, bytes: u64| {
            let first = stage.first() as usize;
            // A clock that was reset in between says nothing.
            let passed = ticks[first + 1].saturating_sub(ticks[first]);
            work.seconds += 1e-9 * f64::from(tick_ns) * passed as f64;
            work.bytes += bytes as f64;
        };
        match kind {
            ClockKind::None => return,
            ClockKind::Passes => {}
            ClockKind::Everything => {
                add(times.upload.get_or_insert_default(), Timed::Upload, bytes.upload);
                add(times.readback.get_or_insert_default(), Timed::Readback, bytes.readback);
            }
        }
        add(&mut times.correct, Timed::Correct, bytes.correct);
        add(&mut times.integrate, Timed::Integrate, bytes.integrate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_seconds_of_each_stage() {
        let watch = Stopwatch::default();
        let bytes = PassBytes { upload: 100, correct: 200, integrate: 300, readback: 10 };
        let ticks = [10, 20, 30, 70, 1, 5, 80, 81];
        watch.add(ClockKind::Everything, &ticks, 500.0, bytes);
        watch.add(ClockKind::Everything, &ticks, 500.0, bytes);
        watch.count_frames(16);
        let times = watch.times();
        let close = |work: DeviceWork, seconds: f64, bytes: f64| {
            assert!((work.seconds / seconds - 1.0).abs() < 1e-12 && work.bytes == bytes, "{work:?}");
        };
        close(times.upload.unwrap(), 4e-6, 200.0);
        close(times.correct, 1e-5, 400.0);
        close(times.integrate, 4e-5, 600.0);
        close(times.readback.unwrap(), 1e-6, 20.0);
        assert_eq!(times.frames, 16);
    }

    #[test]
    fn a_clock_is_as_good_as_the_driver_allows() {
        assert_eq!(ClockKind::of(Features::all()), ClockKind::Everything);
        assert_eq!(ClockKind::of(Features::TIMESTAMP_QUERY), ClockKind::Passes);
        assert_eq!(ClockKind::of(Features::TIMESTAMP_QUERY_INSIDE_ENCODERS), ClockKind::None);
    }
}
