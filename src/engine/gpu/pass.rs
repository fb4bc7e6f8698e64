//! Getting a pass to the card and its sums back: two staging buffers that live as long as the engine.

use std::sync::mpsc;

use wgpu::BufferUsages as Usage;

use super::counts;
use super::device::GpuDevice;
use crate::engine::EngineError;
use crate::engine::layout::{GroupSums, PassParams};
use crate::frame::Frame;

/// Bytes before the counts in the upload buffer: the parameters of the pass.
const HEADER: u64 = size_of::<PassParams>() as u64;

/// The host's side of a pass.
#[derive(Debug)]
pub(super) struct Staging {
    /// Mapped for writing between passes: parameters, then counts frame by frame.
    upload: wgpu::Buffer,
    /// Mapped for reading after a pass.
    readback: wgpu::Buffer,
    /// Whether `upload` is mapped; it is not after a pass that failed.
    ready: bool,
    number: u32,
}

impl Staging {
    /// Buffers for `frames` bytes of counts up and `sums` bytes down.
    pub(super) fn new(gpu: &GpuDevice, frames: u64, sums: u64) -> Result<Staging, EngineError> {
        let upload = gpu.buffer("upload", HEADER + frames, Usage::MAP_WRITE | Usage::COPY_SRC)?;
        let readback = gpu.buffer("readback", sums, Usage::MAP_READ | Usage::COPY_DST)?;
        wait(gpu, &[(&upload, wgpu::MapMode::Write)])?;
        Ok(Staging { upload, readback, ready: true, number: 0 })
    }

    /// The number of the next pass; never 0, which is what a buffer holds that nothing was written to.
    pub(super) fn next_number(&mut self) -> u32 {
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.number
    }

    /// Writes parameters and counts, and hands the buffer to the card.
    pub(super) fn fill(
        &mut self,
        gpu: &GpuDevice,
        params: &PassParams,
        frames: &[Frame],
    ) -> Result<(), EngineError> {
        gpu.alive()?;
        if !std::mem::replace(&mut self.ready, false) {
            return Err(gpu.lost("an earlier pass failed".to_owned()));
        }
        let mut mapped = self.upload.get_mapped_range_mut(..).map_err(|e| gpu.lost(e.to_string()))?;
        let header = HEADER as usize;
        mapped.slice(..header).copy_from_slice(bytemuck::bytes_of(params));
        let stride = 4 * params.words_per_frame as usize;
        for (slot, frame) in frames.iter().enumerate() {
            let bytes = counts::bytes(&frame.counts);
            let first = header + slot * stride;
            mapped.slice(first..first + bytes.len()).copy_from_slice(bytes);
        }
        drop(mapped);
        self.upload.unmap();
        Ok(())
    }

    /// Copies of what [`Staging::fill`] wrote to where the shaders read it.
    pub(super) fn record_upload(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        params: &wgpu::Buffer,
        raw: &wgpu::Buffer,
        raw_bytes: u64,
    ) {
        encoder.copy_buffer_to_buffer(&self.upload, 0, params, 0, HEADER);
        encoder.copy_buffer_to_buffer(&self.upload, HEADER, raw, 0, raw_bytes);
    }

    /// Copies of the sums, chunk after chunk, to where the host reads them.
    pub(super) fn record_readback<'a>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        sums: impl Iterator<Item = &'a wgpu::Buffer>,
    ) {
        let mut offset = 0;
        for buffer in sums {
            encoder.copy_buffer_to_buffer(buffer, 0, &self.readback, offset, buffer.size());
            offset += buffer.size();
        }
    }

    /// Waits for the submitted pass and takes its sums; the upload buffer is ready again.
    pub(super) fn finish(&mut self, gpu: &GpuDevice) -> Result<Vec<GroupSums>, EngineError> {
        wait(gpu, &[(&self.readback, wgpu::MapMode::Read), (&self.upload, wgpu::MapMode::Write)])?;
        let mapped = self.readback.get_mapped_range(..).map_err(|e| gpu.lost(e.to_string()))?;
        let sums = bytemuck::pod_collect_to_vec(&mapped);
        drop(mapped);
        self.readback.unmap();
        self.ready = true;
        Ok(sums)
    }
}

/// Maps buffers once all submitted work is done; an error if the device is lost meanwhile.
///
/// After a loss neither submitting nor polling reports anything: only the callback of the device and the fate of the
/// mapping tell.
pub(super) fn wait(gpu: &GpuDevice, buffers: &[(&wgpu::Buffer, wgpu::MapMode)]) -> Result<(), EngineError> {
    let (sender, receiver) = mpsc::channel();
    gpu.checked("mapping a buffer", || {
        for (buffer, mode) in buffers {
            let sender = sender.clone();
            // The receiver lives until all answers are in: nothing to do if it has gone.
            buffer.map_async(*mode, .., move |result| drop(sender.send(result)));
        }
    })?;
    let polled = gpu.device().poll(wgpu::PollType::wait_indefinitely());
    gpu.alive()?;
    polled.map_err(|e| gpu.lost(e.to_string()))?;
    for _ in buffers {
        match receiver.try_recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(gpu.lost(error.to_string())),
            Err(_) => return Err(gpu.lost("the mapping of a buffer was never answered".to_owned())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::adapters;
    use super::*;

    #[test]
    fn a_lost_device_is_an_error() {
        let listed = adapters();
        let Some(adapter) = listed.first() else {
            println!("skipped: no graphics adapter");
            return;
        };
        let gpu = GpuDevice::open(adapter).unwrap();
        let mut staging = Staging::new(&gpu, 64, 64).unwrap();
        gpu.device().destroy();
        let params = bytemuck::Zeroable::zeroed();
        let failed = staging.fill(&gpu, &params, &[]).and_then(|()| staging.finish(&gpu));
        assert!(matches!(failed, Err(EngineError::DeviceLost { .. })), "{failed:?}");
        // And it stays so.
        assert!(matches!(staging.fill(&gpu, &params, &[]), Err(EngineError::DeviceLost { .. })));
    }
}
