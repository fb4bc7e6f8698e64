//! How fast counts can get to a card, whatever is done with them there.

use std::time::Instant;

use wgpu::BufferUsages as Usage;

use super::device::GpuDevice;
use super::ring::{SLOTS, wait};
use crate::engine::EngineError;

/// Bytes of a copy: six frames of 2.5 million pixels.
const PIECE: u64 = 64 << 20;

/// Copies that each thread does.
const COPIES: usize = 8;

/// Bytes per second from the host's memory to the card's, over mapped staging buffers and with as many threads as feed an
/// engine: what the upload of frames can reach at most.
///
/// # Errors
/// The card lacks memory or is lost.
pub fn copy_bandwidth(gpu: &GpuDevice) -> Result<f64, EngineError> {
    let piece = PIECE.min(gpu.binding_limit());
    let target = gpu.buffer("target of copies", piece, Usage::STORAGE | Usage::COPY_DST)?;
    let staging: Vec<wgpu::Buffer> = (0..SLOTS)
        .map(|_| gpu.buffer("source of copies", piece, Usage::MAP_WRITE | Usage::COPY_SRC))
        .collect::<Result<_, _>>()?;
    // Not zeros, which memory that was never written to is read as without being there.
    let host = vec![1_u8; piece as usize];
    staging.iter().try_for_each(|buffer| copy(gpu, buffer, &target, &host))?;
    staging.iter().try_for_each(|buffer| wait(gpu, buffer, wgpu::MapMode::Write))?;
    staging.iter().for_each(wgpu::Buffer::unmap);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let several = |buffer| {
            let (target, host) = (&target, &host);
            move || (0..COPIES).try_for_each(|_| copy(gpu, buffer, target, host))
        };
        let threads: Vec<_> = staging.iter().map(|buffer| scope.spawn(several(buffer))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(gpu.lost("a thread that copied has panicked".to_owned())))
        })
    })?;
    // The last copies.
    staging.iter().try_for_each(|buffer| wait(gpu, buffer, wgpu::MapMode::Write))?;
    Ok((SLOTS * COPIES) as f64 * piece as f64 / start.elapsed().as_secs_f64())
}

/// Waits for the copy before, writes to a staging buffer, and has it copied.
fn copy(
    gpu: &GpuDevice,
    staging: &wgpu::Buffer,
    target: &wgpu::Buffer,
    host: &[u8],
) -> Result<(), EngineError> {
    wait(gpu, staging, wgpu::MapMode::Write)?;
    let mut mapped = staging.get_mapped_range_mut(..).map_err(|e| gpu.lost(e.to_string()))?;
    mapped.slice(..host.len()).copy_from_slice(host);
    drop(mapped);
    gpu.checked("copying to the card", || {
        staging.unmap();
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(staging, 0, target, 0, host.len() as u64);
        gpu.queue().submit([encoder.finish()]);
    })
}
