//! The engine on a graphics card: wgpu compute shaders, one file per stage in `shaders/`.
//!
//! The plan lives on the card: the matrix by bin, and the pixels' norm as `geometry.wgsl` evaluates it. A pass takes up
//! to eight frames: raw counts go up in their own type, `correct.wgsl` makes signal and variance of them, and
//! `integrate.wgsl` sums each bin in one workgroup, in an order that the plan alone decides. So the answer is the same
//! bits for any grouping of frames, any number of repeats, and any division of the matrix.
//!
//! # Accuracy
//! The card computes in single precision, u = 2⁻²⁴ = 6e-8. With n the entries of a bin and d = 40 + n/2048,
//! against the same sums in f64:
//! - |Δ Σ w·signal| ≤ Σ w·(ε|counts| + u|signal|) + d·u·Σ w|signal|, ε = 2u, or as `correct.wgsl` states with dead time;
//! - |Δ Σ w²·variance| ≤ (ε' + (d + 2)u)·Σ w²·variance, ε' likewise;
//! - |Δ Σ w·norm| ≤ (ε'' + d·u)·Σ w·norm, ε'' as `geometry.wgsl` states.
//!
//! For positive signals I is then good to about (240 + n/1024)u, 2e-5 at n = 7e4. These are bounds of the worst case;
//! a twentieth of them, 1e-6, is what occurs.
//! Which pixels count in a frame is decided on integers, exactly as on the CPU.

mod counts;
mod device;
mod geometry;
mod matrix;
mod pass;
mod shaders;

use std::sync::{Arc, Mutex, PoisonError};

use wgpu::BufferUsages as Usage;

pub use device::{Adapter, AdapterKind, AdapterSummary, GpuDevice, adapters};

use super::layout::{ChunkParams, Entry, GROUP, GroupSums, LANES, MAX_FRAMES, PassParams};
use super::{Engine, EngineError, EngineInfo, check_pixels};
use crate::frame::Frame;
use crate::integrate::{Accumulators, Filter, IntegrationPlan};
use matrix::BinMatrix;
use pass::{Staging, wait};
use shaders::{Pipeline, Stage};

/// A run of bins with its part of the matrix and of the sums.
#[derive(Debug)]
struct Chunk {
    bins: std::ops::Range<usize>,
    sums: wgpu::Buffer,
    group: wgpu::BindGroup,
}

/// One plan on one card.
#[derive(Debug)]
pub struct GpuEngine {
    plan: Arc<IntegrationPlan>,
    gpu: GpuDevice,
    info: EngineInfo,
    /// vec4 per pixel: 2 for eight frames a pass, 1 for four.
    groups: usize,
    norm: wgpu::Buffer,
    pass_params: wgpu::Buffer,
    raw: wgpu::Buffer,
    correct: Pipeline,
    correct_group: wgpu::BindGroup,
    integrate: Pipeline,
    chunks: Vec<Chunk>,
    staging: Mutex<Staging>,
}

impl GpuEngine {
    /// Puts a plan on a card: uploads the matrix, evaluates the geometry, sets up all buffers that frames will need.
    ///
    /// # Errors
    /// The plan filters rings, the card lacks memory or is lost, one of its bindings cannot hold an image or a bin, or its driver fails.
    pub fn new(plan: Arc<IntegrationPlan>, gpu: GpuDevice) -> Result<GpuEngine, EngineError> {
        if plan.filter != Filter::Off {
            return Err(EngineError::Filter { adapter: gpu.adapter().name.clone() });
        }
        let pixels = plan.shape.pixels();
        let limit = gpu.binding_limit();
        let needed = |groups: usize| (4 * GROUP * groups * pixels) as u64;
        let groups = if needed(2) <= limit { 2 } else { 1 };
        if needed(groups) > limit || pixels > i32::MAX as usize {
            return Err(EngineError::FrameTooLarge {
                adapter: gpu.adapter().name.clone(),
                shape: plan.shape,
                needed: needed(groups),
                limit,
            });
        }
        let frames = needed(groups);
        let norm = evaluate_norm(&gpu, &plan)?;
        let pass_params = gpu.buffer(
            "parameters of a pass",
            size_of::<PassParams>() as u64,
            Usage::UNIFORM | Usage::COPY_DST,
        )?;
        let raw = gpu.buffer("raw counts", frames, Usage::STORAGE | Usage::COPY_DST)?;
        let signal = gpu.buffer("signal", frames, Usage::STORAGE)?;
        let variance = gpu.buffer("variance", frames, Usage::STORAGE)?;
        let dark = plan.signal.dark.as_ref().map(|dark| counts::dark(dark, pixels)).unwrap_or_default();
        let dark = gpu.filled("dark frame", &dark, Usage::STORAGE)?;

        let correct = Pipeline::new(&gpu, Stage::Correct, groups)?;
        let correct_group = correct.bind(&gpu, &[&pass_params, &raw, &dark, &signal, &variance])?;
        let integrate = Pipeline::new(&gpu, Stage::Integrate, groups)?;
        let matrix = BinMatrix::from_pixels(&plan.matrix, plan.accumulator_len());
        let chunk_buffers =
            Shared { pass_params: &pass_params, norm: &norm, signal: &signal, variance: &variance };
        let chunks = upload(&gpu, &matrix, &integrate, groups, &chunk_buffers)?;
        let readback = chunks.iter().map(|chunk| chunk.sums.size()).sum();
        let staging = Staging::new(&gpu, frames, readback)?;

        let info = gpu.adapter().engine_info();
        Ok(GpuEngine {
            plan,
            gpu,
            info,
            groups,
            norm,
            pass_params,
            raw,
            correct,
            correct_group,
            integrate,
            chunks,
            staging: Mutex::new(staging),
        })
    }

    /// norm of each pixel as the card evaluated it, row order: the twin of the plan's.
    ///
    /// # Errors
    /// The card lacks memory or is lost.
    pub fn norm(&self) -> Result<Vec<f32>, EngineError> {
        let bytes = self.norm.size();
        let readback = self.gpu.buffer("norm for the host", bytes, Usage::MAP_READ | Usage::COPY_DST)?;
        self.gpu.checked("reading norm", || {
            let mut encoder =
                self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&self.norm, 0, &readback, 0, bytes);
            self.gpu.queue().submit([encoder.finish()]);
        })?;
        wait(&self.gpu, &[(&readback, wgpu::MapMode::Read)])?;
        let mapped = readback.get_mapped_range(..).map_err(|e| self.gpu.lost(e.to_string()))?;
        let mut norm: Vec<f32> = bytemuck::pod_collect_to_vec(&mapped);
        norm.truncate(self.plan.shape.pixels());
        Ok(norm)
    }

    /// Sums of up to `batch_size` frames of one count type.
    fn pass(&self, frames: &[Frame], staging: &mut Staging) -> Result<Vec<Accumulators>, EngineError> {
        let params = self.pass_params(frames, staging.next_number())?;
        staging.fill(&self.gpu, &params, frames)?;
        let raw_bytes = u64::from(params.words_per_frame) * 4 * frames.len() as u64;
        self.gpu.checked("integrating frames", || {
            let mut encoder =
                self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            staging.record_upload(&mut encoder, &self.pass_params, &self.raw, raw_bytes);
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                let workgroups = (self.plan.shape.pixels() as u32).div_ceil(LANES as u32);
                self.correct.dispatch(&mut pass, &self.correct_group, workgroups);
                for chunk in &self.chunks {
                    // One more than bins: the last stamps the pass.
                    self.integrate.dispatch(&mut pass, &chunk.group, chunk.bins.len() as u32 + 1);
                }
            }
            staging.record_readback(&mut encoder, self.chunks.iter().map(|chunk| &chunk.sums));
            self.gpu.queue().submit([encoder.finish()]);
        })?;
        let sums = staging.finish(&self.gpu)?;
        self.unpack(&sums, frames.len(), params.number)
    }

    fn pass_params(&self, frames: &[Frame], number: u32) -> Result<PassParams, EngineError> {
        let mut params: PassParams = bytemuck::Zeroable::zeroed();
        let pixels = self.plan.shape.pixels();
        params.pixels = pixels as u32;
        params.number = number;
        params.dead_time = counts::dead_time_number(self.plan.signal.dead_time);
        params.has_dark = u32::from(self.plan.signal.dark.is_some());
        for (slot, frame) in params.frames.iter_mut().zip(frames) {
            *slot = counts::frame_params(frame, &self.plan.signal)?;
            params.count_type = counts::type_number(&frame.counts);
            params.words_per_frame = counts::bytes(&frame.counts).len().div_ceil(4) as u32;
        }
        Ok(params)
    }

    /// From the card's [bin][group] to one set of sums per frame.
    fn unpack(
        &self,
        sums: &[GroupSums],
        frames: usize,
        number: u32,
    ) -> Result<Vec<Accumulators>, EngineError> {
        let zeros = || vec![0.0; self.plan.accumulator_len()];
        let mut all: Vec<Accumulators> = (0..frames)
            .map(|_| Accumulators { signal: zeros(), variance: zeros(), norm: zeros(), excluded_pixels: 0 })
            .collect();
        let mut rest = sums;
        for chunk in &self.chunks {
            let (these, others) = rest.split_at(chunk.sums.size() as usize / size_of::<GroupSums>());
            rest = others;
            let stamp = these[chunk.bins.len() * self.groups].excluded[0];
            if stamp != number {
                let reason = format!("pass {number} came back with the stamp of pass {stamp}");
                return Err(self.gpu.lost(reason));
            }
            for (bin, groups) in chunk.bins.clone().zip(these.chunks_exact(self.groups)) {
                for (frame, sums) in all.iter_mut().enumerate() {
                    let (group, lane) = (&groups[frame / GROUP], frame % GROUP);
                    sums.signal[bin] = group.signal[lane].into();
                    sums.variance[bin] = group.variance[lane].into();
                    sums.norm[bin] = group.norm[lane].into();
                    sums.excluded_pixels += u64::from(group.excluded[lane]);
                }
            }
        }
        Ok(all)
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn batch_size(&self) -> usize {
        self.groups * GROUP
    }

    fn integrate(&self, frames: &[Frame]) -> Result<Vec<Accumulators>, EngineError> {
        for frame in frames {
            check_pixels(frame, &self.plan)?;
        }
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums = Vec::with_capacity(frames.len());
        let same_type =
            |a: &Frame, b: &Frame| counts::type_number(&a.counts) == counts::type_number(&b.counts);
        for run in frames.chunk_by(same_type) {
            for group in run.chunks(self.batch_size()) {
                sums.append(&mut self.pass(group, &mut staging)?);
            }
        }
        Ok(sums)
    }
}

/// Runs the geometry stage.
fn evaluate_norm(gpu: &GpuDevice, plan: &IntegrationPlan) -> Result<wgpu::Buffer, EngineError> {
    let pixels = plan.shape.pixels();
    let params = gpu.filled("geometry", &[geometry::params(plan)], Usage::UNIFORM)?;
    let factors = gpu.filled("corrections", &geometry::factors(&plan.corrections), Usage::STORAGE)?;
    let flat = gpu.filled("flat field", plan.flat.as_deref().unwrap_or_default(), Usage::STORAGE)?;
    let norm = gpu.buffer("norm", 4 * pixels as u64, Usage::STORAGE | Usage::COPY_SRC)?;
    let stage = Pipeline::new(gpu, Stage::Geometry, 1)?;
    let group = stage.bind(gpu, &[&params, &factors, &flat, &norm])?;
    gpu.checked("evaluating the geometry", || {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            stage.dispatch(&mut pass, &group, (pixels as u32).div_ceil(LANES as u32));
        }
        gpu.queue().submit([encoder.finish()]);
    })?;
    Ok(norm)
}

/// What all chunks bind.
struct Shared<'a> {
    pass_params: &'a wgpu::Buffer,
    norm: &'a wgpu::Buffer,
    signal: &'a wgpu::Buffer,
    variance: &'a wgpu::Buffer,
}

/// Uploads the matrix in as few pieces as the bindings allow.
fn upload(
    gpu: &GpuDevice,
    matrix: &BinMatrix,
    stage: &Pipeline,
    groups: usize,
    shared: &Shared<'_>,
) -> Result<Vec<Chunk>, EngineError> {
    let limit = gpu.binding_limit();
    let max_entries = limit / size_of::<Entry>() as u64;
    // One place is for the stamp.
    let max_bins = (limit / (groups * size_of::<GroupSums>()) as u64).saturating_sub(1);
    let ranges = matrix.chunks(max_entries, max_bins as usize).map_err(|(bin, entries)| {
        EngineError::BinTooLarge { adapter: gpu.adapter().name.clone(), bin, entries, limit: max_entries }
    })?;
    ranges
        .into_iter()
        .map(|bins| {
            let params = ChunkParams { bins: bins.len() as u32, unused_1: 0, unused_2: 0, unused_3: 0 };
            let params = gpu.filled("bins of a chunk", &[params], Usage::UNIFORM)?;
            let starts = gpu.filled("offsets of the bins", &matrix.chunk_starts(&bins), Usage::STORAGE)?;
            let entries = gpu.filled("weights", matrix.chunk_entries(&bins), Usage::STORAGE)?;
            let bytes = (bins.len() + 1) * groups * size_of::<GroupSums>();
            let sums = gpu.buffer("sums", bytes as u64, Usage::STORAGE | Usage::COPY_SRC)?;
            let Shared { pass_params, norm, signal, variance } = *shared;
            let group =
                stage.bind(gpu, &[pass_params, &params, &starts, &entries, norm, signal, variance, &sums])?;
            Ok(Chunk { bins, sums, group })
        })
        .collect()
}

const _: () = assert!(MAX_FRAMES == 2 * GROUP);
