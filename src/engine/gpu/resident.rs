//! A plan on the card: matrix, norm and working buffers of every strip of the detector, and the commands of a pass.

use std::ops::Range;
use std::sync::Arc;

use wgpu::BufferUsages as Usage;

use super::clock::{CLOCK_BYTES, PassBytes, Stopwatch, Timed};
use super::device::GpuDevice;
use super::matrix::{BinMatrix, Lanes, Limits, Piece, TooLarge};
use super::ring::{HEADER, Slot};
use super::shaders::{Constants, Pipeline, Stage, Variance};
use super::strips::{pass_bytes, strips, whole};
use super::{counts, filter, geometry};
use crate::engine::EngineError;
use crate::engine::layout::{ChunkParams, Entry, GROUP, GroupSums, LANES, MAX_FRAMES, PassParams};
use crate::integrate::{Filter, IntegrationPlan};

/// Bytes of a pass before its sums: excluded pixels of each frame.
pub(super) const EXCLUDED_BYTES: u64 = 4 * MAX_FRAMES as u64;

/// Pixels that go through a pass together, with their part of the matrix.
#[derive(Debug)]
pub(super) struct Strip {
    pub(super) pixels: Range<usize>,
    pub(super) norm: wgpu::Buffer,
    correct: wgpu::BindGroup,
    pub(super) chunks: Vec<Chunk>,
    /// Bytes that the sums of a pass need to read: matrix, norm, signal, variance.
    integrate_bytes: u64,
}

/// Bins with their part of the matrix and of the sums.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bins: Vec<u32>,
    sums: wgpu::Buffer,
    group: wgpu::BindGroup,
    lanes: Lanes,
}

impl Chunk {
    /// Length of its sums with the stamp, in [`GroupSums`].
    pub(super) fn sums_len(&self, groups: usize) -> usize {
        (self.bins.len() + 1) * groups
    }
}

/// One pass through the card.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// Which strip of the detector.
    pub(super) strip: usize,
    pub(super) upload_bytes: u64,
    pub(super) readback_bytes: u64,
}

/// Buffers that all passes use, one after the other.
#[derive(Debug)]
struct Shared {
    params: wgpu::Buffer,
    raw: wgpu::Buffer,
    signal: wgpu::Buffer,
    variance: wgpu::Buffer,
    excluded: wgpu::Buffer,
}

/// How pixels become sums.
#[derive(Debug)]
enum Summing {
    /// All pixels of a bin are added.
    All { large: Pipeline, small: Pipeline },
    /// They are looked at first.
    Filtered { stage: Pipeline, params: wgpu::Buffer },
}

/// A plan on a card.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) gpu: GpuDevice,
    /// vec4 per pixel: 2 for eight frames a pass, 1 for four.
    pub(super) groups: usize,
    pub(super) strips: Vec<Strip>,
    variance: Variance,
    shared: Shared,
    correct: Pipeline,
    summing: Summing,
    pub(super) watch: Stopwatch,
}

impl Resident {
    /// Uploads the plan, evaluates the geometry, and sets up all buffers that frames will need.
    pub(super) fn new(plan: &Arc<IntegrationPlan>, gpu: GpuDevice) -> Result<Resident, EngineError> {
        let (ranges, groups) = match plan.filter {
            Filter::Off => strips(plan.shape.pixels(), gpu.binding_limit()),
            Filter::SigmaClip { .. } | Filter::Median | Filter::TrimmedMean { .. } => {
                let groups = whole(gpu.adapter(), gpu.binding_limit(), plan.shape)?;
                (vec![0..plan.shape.pixels(); 1], groups)
            }
        };
        let variance = match (&plan.signal.dark, plan.signal.dead_time) {
            (None, None) => Variance::Counts,
            (Some(_), _) | (_, Some(_)) => Variance::Own,
        };
        let filtered = filter::of(plan.filter);
        let constants = Constants { groups, variance, filter: filtered.map_or(0, |(filter, _)| filter) };
        let largest = ranges.iter().map(Range::len).max().unwrap_or(0);
        let frames = pass_bytes(largest, groups);
        let of_variance = match variance {
            Variance::Counts => 0,
            Variance::Own => frames,
        };
        let shared = Shared {
            params: gpu.buffer(
                "parameters of a pass",
                size_of::<PassParams>() as u64,
                Usage::UNIFORM | Usage::COPY_DST,
            )?,
            raw: gpu.buffer("raw counts", frames, Usage::STORAGE | Usage::COPY_DST)?,
            signal: gpu.buffer("signal", frames, Usage::STORAGE)?,
            variance: gpu.buffer("variance", of_variance, Usage::STORAGE)?,
            excluded: gpu.buffer(
                "excluded pixels",
                EXCLUDED_BYTES,
                Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST,
            )?,
        };
        let stage = |stage| Pipeline::new(&gpu, stage, constants);
        let geometry = stage(Stage::Geometry)?;
        let summing = match filtered {
            None => Summing::All { large: stage(Stage::Integrate)?, small: stage(Stage::SmallBins)? },
            Some((_, params)) => Summing::Filtered {
                stage: stage(Stage::Filter)?,
                params: gpu.filled("filter", &[params], Usage::UNIFORM)?,
            },
        };
        let mut resident = Resident {
            groups,
            strips: Vec::new(),
            variance,
            correct: stage(Stage::Correct)?,
            summing,
            shared,
            watch: Stopwatch::default(),
            gpu,
        };
        resident.strips = ranges
            .into_iter()
            .map(|pixels| resident.strip(plan, pixels, &geometry))
            .collect::<Result<_, _>>()?;
        Ok(resident)
    }

    fn strip(
        &self,
        plan: &IntegrationPlan,
        pixels: Range<usize>,
        geometry: &Pipeline,
    ) -> Result<Strip, EngineError> {
        let gpu = &self.gpu;
        let norm = evaluate_norm(gpu, plan, &pixels, geometry)?;
        let dark = plan.signal.dark.as_ref().map(|dark| counts::dark(dark, &pixels)).unwrap_or_default();
        let dark = gpu.filled("dark frame", &dark, Usage::STORAGE)?;
        let inside = gpu.filled("pixels with entries", &inside(plan, &pixels), Usage::STORAGE)?;
        let Shared { params, raw, signal, variance, excluded } = &self.shared;
        let correct = self.correct.bind(gpu, &[params, raw, &dark, &inside, signal, variance, excluded])?;
        let limit = gpu.binding_limit();
        let limits = Limits {
            entries: (limit / size_of::<Entry>() as u64) as usize,
            // One place is for the stamp.
            bins: (limit as usize / (self.groups * size_of::<GroupSums>())).saturating_sub(1),
        };
        let too_large = |TooLarge { bin, entries }| EngineError::BinTooLarge {
            adapter: gpu.adapter().name.clone(),
            bin,
            entries: entries as u64,
            limit: limits.entries as u64,
        };
        let matrix = BinMatrix::of(&plan.matrix, plan.accumulator_len(), &pixels);
        let pieces = match &self.summing {
            Summing::All { .. } => matrix.by_size(limits),
            Summing::Filtered { .. } => matrix.for_workgroups(limits),
        };
        let pieces = pieces.map_err(too_large)?;
        drop(matrix);
        let entries: usize = pieces.iter().map(|piece| piece.entries.len()).sum();
        let chunks = pieces.into_iter().map(|p| self.chunk(p, &norm)).collect::<Result<Vec<_>, _>>()?;
        let numbers = match self.variance {
            Variance::Counts => 1,
            Variance::Own => 2,
        };
        let integrate_bytes = (entries * size_of::<Entry>() + 4 * pixels.len()) as u64
            + numbers * pass_bytes(pixels.len(), self.groups);
        Ok(Strip { pixels, norm, correct, chunks, integrate_bytes })
    }

    fn chunk(&self, piece: Piece, norm: &wgpu::Buffer) -> Result<Chunk, EngineError> {
        let gpu = &self.gpu;
        let Piece { lanes, bins, starts, entries } = piece;
        let params = ChunkParams { bins: bins.len() as u32, unused_1: 0, unused_2: 0, unused_3: 0 };
        let params = gpu.filled("bins of a chunk", &[params], Usage::UNIFORM)?;
        let starts = gpu.filled("offsets of the bins", &starts, Usage::STORAGE)?;
        let entries = gpu.filled("weights", &entries, Usage::STORAGE)?;
        let bytes = (bins.len() + 1) * self.groups * size_of::<GroupSums>();
        let sums = gpu.buffer("sums", bytes as u64, Usage::STORAGE | Usage::COPY_SRC)?;
        let Shared { params: pass, signal, variance, .. } = &self.shared;
        let mut buffers = vec![pass, &params, &starts, &entries, norm, signal, variance, &sums];
        match &self.summing {
            Summing::All { .. } => {}
            Summing::Filtered { params, .. } => buffers.push(params),
        }
        let group = self.pipeline(lanes).bind(gpu, &buffers)?;
        Ok(Chunk { bins, sums, group, lanes })
    }

    fn pipeline(&self, lanes: Lanes) -> &Pipeline {
        match (&self.summing, lanes) {
            (Summing::All { large, .. }, Lanes::Workgroup) => large,
            (Summing::All { small, .. }, Lanes::One) => small,
            (Summing::Filtered { stage, .. }, Lanes::Workgroup | Lanes::One) => stage,
        }
    }

    /// Workgroups for a chunk, with the one that stamps the pass.
    fn workgroups(&self, chunk: &Chunk) -> u32 {
        let of_bins = match (&self.summing, chunk.lanes) {
            (Summing::All { .. }, Lanes::Workgroup) => chunk.bins.len(),
            (Summing::All { .. }, Lanes::One) => chunk.bins.len().div_ceil(LANES),
            (Summing::Filtered { .. }, Lanes::Workgroup | Lanes::One) => chunk.bins.len() * self.groups,
        };
        of_bins as u32 + 1
    }

    /// Bytes that a slot needs for counts, and for what comes back.
    pub(super) fn slot_bytes(&self) -> (u64, u64) {
        let largest = self.strips.iter().map(|strip| strip.pixels.len()).max().unwrap_or(0);
        let back = (0..self.strips.len()).map(|strip| self.readback_bytes(strip)).max().unwrap_or(0);
        (pass_bytes(largest, self.groups), back)
    }

    /// Excluded pixels and sums of a strip.
    pub(super) fn readback_bytes(&self, strip: usize) -> u64 {
        let sums: usize = self.strips[strip].chunks.iter().map(|chunk| chunk.sums_len(self.groups)).sum();
        EXCLUDED_BYTES + (sums * size_of::<GroupSums>()) as u64
    }

    /// What the card does for a pass that lies in a slot.
    pub(super) fn commands(&self, slot: &Slot, pass: &Pass) -> wgpu::CommandBuffer {
        let strip = &self.strips[pass.strip];
        let Shared { params, raw, excluded, .. } = &self.shared;
        let Slot { upload, readback, clock } = slot;
        let clock = clock.as_ref();
        let descriptor = wgpu::CommandEncoderDescriptor::default();
        let mut encoder = self.gpu.device().create_command_encoder(&descriptor);
        clock.inspect(|clock| clock.begin(&mut encoder, Timed::Upload));
        encoder.copy_buffer_to_buffer(upload, 0, params, 0, HEADER);
        encoder.copy_buffer_to_buffer(upload, HEADER, raw, 0, pass.upload_bytes);
        encoder.clear_buffer(excluded, 0, None);
        clock.inspect(|clock| clock.end(&mut encoder, Timed::Upload));
        let mut compute = |stage, record: &dyn Fn(&mut wgpu::ComputePass<'_>)| {
            let timestamp_writes = clock.map(|clock| clock.of_pass(stage));
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            record(&mut encoder.begin_compute_pass(&descriptor));
        };
        compute(Timed::Correct, &|pass| {
            let workgroups = (strip.pixels.len() as u32).div_ceil(LANES as u32);
            self.correct.dispatch(pass, &strip.correct, workgroups);
        });
        compute(Timed::Integrate, &|pass| {
            for chunk in &strip.chunks {
                self.pipeline(chunk.lanes).dispatch(pass, &chunk.group, self.workgroups(chunk));
            }
        });
        clock.inspect(|clock| clock.begin(&mut encoder, Timed::Readback));
        encoder.copy_buffer_to_buffer(excluded, 0, readback, CLOCK_BYTES, EXCLUDED_BYTES);
        let mut offset = CLOCK_BYTES + EXCLUDED_BYTES;
        for chunk in &strip.chunks {
            let bytes = (chunk.sums_len(self.groups) * size_of::<GroupSums>()) as u64;
            encoder.copy_buffer_to_buffer(&chunk.sums, 0, readback, offset, bytes);
            offset += bytes;
        }
        clock.inspect(|clock| clock.end(&mut encoder, Timed::Readback));
        clock.inspect(|clock| clock.read(&mut encoder, readback));
        encoder.finish()
    }

    /// Notes how long a pass took.
    pub(super) fn passed(&self, pass: &Pass, ticks: &[u64]) {
        let strip = &self.strips[pass.strip];
        let written = match self.variance {
            Variance::Counts => pass_bytes(strip.pixels.len(), self.groups),
            Variance::Own => 2 * pass_bytes(strip.pixels.len(), self.groups),
        };
        let bytes = PassBytes {
            upload: pass.upload_bytes,
            correct: pass.upload_bytes + written,
            integrate: strip.integrate_bytes,
            readback: pass.readback_bytes,
        };
        self.watch.add(self.gpu.clock(), ticks, self.gpu.queue().get_timestamp_period(), bytes);
    }
}

/// One bit for each pixel: whether it has entries.
fn inside(plan: &IntegrationPlan, pixels: &Range<usize>) -> Vec<u32> {
    let starts = &plan.matrix.starts[pixels.start..=pixels.end];
    let mut words = vec![0; pixels.len().div_ceil(32)];
    for (pixel, range) in starts.windows(2).enumerate() {
        words[pixel / 32] |= u32::from(range[0] < range[1]) << (pixel % 32);
    }
    words
}

/// Runs the geometry stage.
fn evaluate_norm(
    gpu: &GpuDevice,
    plan: &IntegrationPlan,
    pixels: &Range<usize>,
    stage: &Pipeline,
) -> Result<wgpu::Buffer, EngineError> {
    let params = gpu.filled("geometry", &[geometry::params(plan, pixels)], Usage::UNIFORM)?;
    let factors = gpu.filled("corrections", &geometry::factors(&plan.corrections), Usage::STORAGE)?;
    let flat = plan.flat.as_ref().map(|flat| &flat[pixels.clone()]).unwrap_or_default();
    let flat = gpu.filled("flat field", flat, Usage::STORAGE)?;
    let norm = gpu.buffer("norm", 4 * pixels.len() as u64, Usage::STORAGE | Usage::COPY_SRC)?;
    let group = stage.bind(gpu, &[&params, &factors, &flat, &norm])?;
    gpu.checked("evaluating the geometry", || {
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            stage.dispatch(&mut pass, &group, (pixels.len() as u32).div_ceil(LANES as u32));
        }
        gpu.queue().submit([encoder.finish()]);
    })?;
    Ok(norm)
}

const _: () = assert!(MAX_FRAMES == 2 * GROUP);
