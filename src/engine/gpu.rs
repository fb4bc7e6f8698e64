//! The engine on a graphics card: wgpu compute shaders, one file per stage in `shaders/`.
//!
//! The plan lives on the card: the matrix by bin, and the pixels' norm as `geometry.wgsl` evaluates it. A pass takes up
//! to eight frames: raw counts go up in their own type, `correct.wgsl` makes signal and variance of them, and
//! `integrate.wgsl` sums each large bin in one workgroup, `small_bins.wgsl` each small one in one lane, in an order that the
//! plan alone decides. Detectors of more than 4M pixels go through in strips, whose sums are added in f64; filtered frames go whole. So the answer is
//! the same bits for any grouping of frames, any number of repeats, any division of the matrix, and whoever else uses the
//! engine at the time.
//!
//! Several threads should call [`GpuEngine`] at once, as [`super::EngineKind::calls_at_once`] says: while the card works on the frames of
//! one, the next copies its own into a mapped staging buffer. On cards whose memory the processor can write (resizable BAR)
//! that copy is the upload; on others the upload is a copy in the card's queue.
//!
//! # Accuracy
//! The card computes in single precision, u = 2⁻²⁴ = 6e-8. With n the entries of a bin and d = 40 + n/2048,
//! against the same sums in f64 (of each strip):
//! - |Δ Σ w·signal| ≤ Σ w·(ε|counts| + u|signal|) + d·u·Σ w|signal|, ε = 2u, or as `correct.wgsl` states with dead time;
//! - |Δ Σ w²·variance| ≤ (ε' + (d + 2)u)·Σ w²·variance, ε' likewise;
//! - |Δ Σ w·norm| ≤ (ε'' + d·u)·Σ w·norm, ε'' as `geometry.wgsl` states.
//!
//! For positive signals I is then good to about (240 + n/1024)u, [`SAME_INTENSITY`] at n = 7e4. These are bounds of the worst case;
//! a twentieth of them, 1e-6, is what occurs.
//! Which pixels count in a frame is decided on integers, exactly as on the CPU. What filters may judge otherwise stands in
//! `filter.wgsl`.

mod clock;
mod copy;
mod counts;
mod device;
mod filter;
mod geometry;
mod matrix;
mod resident;
mod ring;
mod shaders;
mod strips;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;

use wgpu::BufferUsages as Usage;

pub use copy::copy_bandwidth;
pub use device::{Adapter, AdapterKind, AdapterSummary, GpuDevice, adapters};

use super::layout::{GROUP, GroupSums, PassParams};
use super::{DeviceTimes, Engine, EngineError, EngineInfo, check_pixels};
use crate::frame::{Frame, Shape};
use crate::integrate::{Accumulators, Filter, IntegrationPlan};
use clock::ClockKind;
use resident::{EXCLUDED_BYTES, Pass, Resident};
pub(super) use ring::SLOTS as CALLS_AT_ONCE;
use ring::{Ring, Words, wait};

/// By how much I of a card and of the processor differ at most, relative, where signals are positive and bins have less than 7e4 entries: see
/// the head.
pub const SAME_INTENSITY: f64 = 2e-5;

/// Whether a card can filter the rings of frames of a shape.
///
/// # Errors
/// It can not.
pub(super) fn holds_frames(adapter: &AdapterSummary, shape: Shape) -> Result<(), EngineError> {
    strips::whole(adapter, adapter.binding_limit, shape).map(|_| ())
}

/// Memory of the host that an engine on a card takes for a plan, at most: its staging buffers.
pub fn staging_bytes(plan: &IntegrationPlan) -> usize {
    // Filtered frames go through whole.
    let at_once = match plan.filter {
        Filter::Off => plan.shape.pixels().min(strips::STRIP),
        Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => plan.shape.pixels(),
    };
    let (counts, sums) = strips::most_bytes(at_once, plan.accumulator_len());
    CALLS_AT_ONCE * (counts + sums)
}

/// Numbers of passes are whole numbers that f32 holds, and not 0, which is what a buffer holds that nothing was written to.
const NUMBERS: u32 = (1 << 24) - 1;

/// One plan on one card.
#[derive(Debug)]
pub struct GpuEngine {
    plan: Arc<IntegrationPlan>,
    info: EngineInfo,
    resident: Arc<Resident>,
    ring: Ring,
    passes: AtomicU32,
}

/// Frames of one count type on their way: for each strip the number of the pass and where its sums arrive.
struct Underway {
    frames: usize,
    passes: Vec<(u32, Receiver<Result<Words, EngineError>>)>,
}

impl GpuEngine {
    /// Puts a plan on a card: uploads the matrix, evaluates the geometry, sets up all buffers that frames will need.
    ///
    /// # Errors
    /// The card lacks memory or is lost, one of its bindings cannot hold a bin or, of a plan that filters rings, four frames,
    /// or its driver fails.
    pub fn new(plan: Arc<IntegrationPlan>, gpu: GpuDevice) -> Result<GpuEngine, EngineError> {
        let info = gpu.adapter().engine_info();
        let resident = Arc::new(Resident::new(&plan, gpu)?);
        let (counts, sums) = resident.slot_bytes();
        let ring = Ring::new(&resident, counts, sums)?;
        Ok(GpuEngine { plan, info, resident, ring, passes: AtomicU32::new(0) })
    }

    /// The card.
    pub fn device(&self) -> &GpuDevice {
        &self.resident.gpu
    }

    /// norm of each pixel as the card evaluated it, row order: the twin of the plan's.
    ///
    /// # Errors
    /// The card lacks memory or is lost.
    pub fn norm(&self) -> Result<Vec<f32>, EngineError> {
        let gpu = &self.resident.gpu;
        let mut norm = Vec::with_capacity(self.plan.shape.pixels());
        for strip in &self.resident.strips {
            let bytes = 4 * strip.pixels.len() as u64;
            let readback = gpu.buffer("norm for the host", bytes, Usage::MAP_READ | Usage::COPY_DST)?;
            gpu.checked("reading norm", || {
                let descriptor = wgpu::CommandEncoderDescriptor::default();
                let mut encoder = gpu.device().create_command_encoder(&descriptor);
                encoder.copy_buffer_to_buffer(&strip.norm, 0, &readback, 0, bytes);
                gpu.queue().submit([encoder.finish()]);
            })?;
            wait(gpu, &readback, wgpu::MapMode::Read)?;
            let mapped = readback.get_mapped_range(..bytes).map_err(|e| gpu.lost(e.to_string()))?;
            norm.extend_from_slice(&bytemuck::pod_collect_to_vec::<u8, f32>(&mapped));
        }
        Ok(norm)
    }

    /// Sends up to `batch_size` frames of one count type on their way.
    fn begin(&self, frames: &[Frame]) -> Result<Underway, EngineError> {
        let mut passes = Vec::with_capacity(self.resident.strips.len());
        for (index, strip) in self.resident.strips.iter().enumerate() {
            let number = self.passes.fetch_add(1, Ordering::Relaxed) % NUMBERS + 1;
            let params = self.pass_params(frames, &strip.pixels, number)?;
            let pass = Pass {
                strip: index,
                upload_bytes: u64::from(params.words_per_frame) * 4 * frames.len() as u64,
                readback_bytes: self.resident.readback_bytes(index),
            };
            let bytes = frames.iter().map(|frame| counts::bytes(&frame.counts, &strip.pixels));
            passes.push((number, self.ring.submit(&self.resident.gpu, pass, &params, bytes)?));
        }
        Ok(Underway { frames: frames.len(), passes })
    }

    fn pass_params(
        &self,
        frames: &[Frame],
        pixels: &Range<usize>,
        number: u32,
    ) -> Result<PassParams, EngineError> {
        let mut params: PassParams = bytemuck::Zeroable::zeroed();
        params.pixels = pixels.len() as u32;
        params.number = number;
        params.dead_time = counts::dead_time_number(self.plan.signal.dead_time);
        params.has_dark = u32::from(self.plan.signal.dark.is_some());
        params.used_frames = frames.len() as u32;
        for (slot, frame) in params.frames.iter_mut().zip(frames) {
            *slot = counts::frame_params(frame, &self.plan.signal)?;
            params.count_type = counts::type_number(&frame.counts);
            params.words_per_frame = counts::bytes(&frame.counts, pixels).len().div_ceil(4) as u32;
        }
        Ok(params)
    }

    /// Waits for the sums of frames that are underway: one set per frame, the strips added in order.
    fn end(&self, underway: Underway) -> Result<Vec<Accumulators>, EngineError> {
        let zeros = || vec![0.0; self.plan.accumulator_len()];
        let mut all: Vec<Accumulators> = (0..underway.frames)
            .map(|_| Accumulators { signal: zeros(), variance: zeros(), norm: zeros(), excluded_pixels: 0 })
            .collect();
        for (strip, (number, arrival)) in underway.passes.into_iter().enumerate() {
            let gone = |_| self.resident.gpu.lost("its thread has ended".to_owned());
            self.add(&mut all, strip, number, &arrival.recv().map_err(gone)??)?;
        }
        self.resident.watch.count_frames(underway.frames);
        Ok(all)
    }

    /// Adds what a pass brought, the card's \[bin\]\[group\], to the sums of each frame.
    fn add(
        &self,
        all: &mut [Accumulators],
        strip: usize,
        number: u32,
        words: &[u32],
    ) -> Result<(), EngineError> {
        let (excluded, sums) = words.split_at(EXCLUDED_BYTES as usize / size_of::<u32>());
        for (frame, excluded) in all.iter_mut().zip(excluded) {
            frame.excluded_pixels += u64::from(*excluded);
        }
        let groups = self.resident.groups;
        let end = self.resident.readback_bytes(strip) - EXCLUDED_BYTES;
        let mut rest: &[GroupSums] = bytemuck::cast_slice(&sums[..end as usize / size_of::<u32>()]);
        for chunk in &self.resident.strips[strip].chunks {
            let (these, others) = rest.split_at(chunk.sums_len(groups));
            rest = others;
            let stamp = these[chunk.bins.len() * groups].signal[0];
            if stamp != number as f32 {
                let reason = format!("pass {number} came back with the stamp of pass {stamp}");
                return Err(self.resident.gpu.lost(reason));
            }
            for (frame, sums) in all.iter_mut().enumerate() {
                let (group, lane) = (frame / GROUP, frame % GROUP);
                for (&bin, of_bin) in chunk.bins.iter().zip(these.chunks_exact(groups)) {
                    let (bin, of_bin) = (bin as usize, &of_bin[group]);
                    sums.signal[bin] += f64::from(of_bin.signal[lane]);
                    sums.variance[bin] += f64::from(of_bin.variance[lane]);
                    sums.norm[bin] += f64::from(of_bin.norm[lane]);
                }
            }
        }
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        self.resident.groups * GROUP
    }

    fn device_times(&self) -> Option<DeviceTimes> {
        (self.resident.gpu.clock() != ClockKind::None).then(|| self.resident.watch.times())
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        for frame in frames {
            check_pixels(frame, &self.plan)?;
        }
        let same_type =
            |a: &Frame, b: &Frame| counts::type_number(&a.counts) == counts::type_number(&b.counts);
        let groups = frames.chunk_by(same_type).flat_map(|run| run.chunks(self.batch_size()));
        let underway = groups.map(|group| self.begin(group)).collect::<Result<Vec<_>, _>>()?;
        let mut sums = Vec::with_capacity(frames.len());
        for group in underway {
            sums.append(&mut self.end(group)?);
        }
        Ok(sums)
    }
}
