//! The way to the card and back: a ring of staging buffers that are filled by whoever has frames, and one thread that submits
//! and waits.
//!
//! While the card works on one pass, the next is in its queue and a third is being filled; no pass waits for another to be
//! read back. After a loss of the device neither submitting nor polling reports anything: only the callback of the device
//! and the fate of the mappings tell. Then every pass in the ring, and every later one, ends with an error.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wgpu::BufferUsages as Usage;

use super::clock::{CLOCK_BYTES, Clock};
use super::device::GpuDevice;
use super::resident::{Pass, Resident};
use crate::engine::EngineError;
use crate::engine::layout::PassParams;

/// Passes on their way: one that the card does, one that it has next, one that is filled.
pub(in crate::engine) const SLOTS: usize = 3;

/// Bytes before the counts in the upload buffer: the parameters of the pass.
pub(super) const HEADER: u64 = size_of::<PassParams>() as u64;

/// How long the thread waits for the card before it looks for the next pass.
const LOOK: Duration = Duration::from_micros(200);

/// How long the answer to a mapping may take once the card has done all its work.
const ANSWER: Duration = Duration::from_secs(10);

/// What comes back from a pass, as words.
pub(super) type Words = Vec<u32>;

/// The host's buffers of one pass.
#[derive(Debug)]
pub(super) struct Slot {
    /// Mapped for writing while the slot is free: parameters, then counts frame by frame.
    pub(super) upload: wgpu::Buffer,
    /// Moments, then what the pass gives.
    pub(super) readback: wgpu::Buffer,
    pub(super) clock: Option<Clock>,
}

impl Slot {
    fn new(gpu: &GpuDevice, counts: u64, sums: u64) -> Result<Slot, EngineError> {
        let upload = gpu.buffer("upload", HEADER + counts, Usage::MAP_WRITE | Usage::COPY_SRC)?;
        let readback = gpu.buffer("readback", CLOCK_BYTES + sums, Usage::MAP_READ | Usage::COPY_DST)?;
        wait(gpu, &upload, wgpu::MapMode::Write)?;
        Ok(Slot { upload, readback, clock: Clock::new(gpu)? })
    }

    /// Writes parameters and counts, one frame every `stride` bytes.
    pub(super) fn fill<'a>(
        &self,
        gpu: &GpuDevice,
        params: &PassParams,
        frames: impl Iterator<Item = &'a [u8]>,
        stride: usize,
    ) -> Result<(), EngineError> {
        gpu.alive()?;
        let mut mapped = self.upload.get_mapped_range_mut(..).map_err(|e| gpu.lost(e.to_string()))?;
        let header = HEADER as usize;
        mapped.slice(..header).copy_from_slice(bytemuck::bytes_of(params));
        for (place, bytes) in frames.enumerate() {
            let first = header + place * stride;
            mapped.slice(first..first + bytes.len()).copy_from_slice(bytes);
        }
        Ok(())
    }
}

/// A filled slot, and who waits for its sums.
struct Job {
    slot: Slot,
    pass: Pass,
    reply: Sender<Result<Words, EngineError>>,
}

/// A submitted one.
struct Flying {
    job: Job,
    submission: wgpu::SubmissionIndex,
    /// Answers of the two mappings.
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
    answers: usize,
}

/// Slots that nobody uses, or why there will be none.
#[derive(Debug, Default)]
struct Free {
    state: Mutex<(Vec<Slot>, Option<String>)>,
    changed: Condvar,
}

impl Free {
    fn take(&self, gpu: &GpuDevice) -> Result<Slot, EngineError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(fault) = &state.1 {
                return Err(gpu.lost(fault.clone()));
            }
            if let Some(slot) = state.0.pop() {
                return Ok(slot);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, slot: Slot) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.push(slot);
        self.changed.notify_one();
    }

    fn fail(&self, reason: String) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.get_or_insert(reason);
        self.changed.notify_all();
    }
}

/// The ring of one engine.
#[derive(Debug)]
pub(super) struct Ring {
    free: Arc<Free>,
    /// `None` only while the ring is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Ring {
    /// Slots for `counts` bytes up and `sums` bytes down, and the thread.
    pub(super) fn new(resident: &Arc<Resident>, counts: u64, sums: u64) -> Result<Ring, EngineError> {
        let slots = (0..SLOTS).map(|_| Slot::new(&resident.gpu, counts, sums)).collect::<Result<_, _>>()?;
        let free = Arc::new(Free { state: Mutex::new((slots, None)), changed: Condvar::new() });
        let (sender, jobs) = channel();
        let serve = {
            let (resident, free) = (Arc::clone(resident), Arc::clone(&free));
            move || Server { resident, free, flying: VecDeque::new() }.serve(&jobs)
        };
        let thread = std::thread::Builder::new()
            .name("gpu".to_owned())
            .spawn(serve)
            .map_err(|e| resident.gpu.lost(format!("no thread for it: {e}")))?;
        Ok(Ring { free, jobs: Some(sender), thread: Some(thread) })
    }

    /// Fills the next free slot and hands it over; what comes back arrives at the receiver.
    pub(super) fn submit<'a>(
        &self,
        gpu: &GpuDevice,
        pass: Pass,
        params: &PassParams,
        frames: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Receiver<Result<Words, EngineError>>, EngineError> {
        let slot = self.free.take(gpu)?;
        if let Err(error) = slot.fill(gpu, params, frames, 4 * params.words_per_frame as usize) {
            self.free.fail(error.to_string());
            return Err(error);
        }
        let (reply, receiver) = channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { slot, pass, reply }).is_ok());
        if sent { Ok(receiver) } else { Err(gpu.lost("its thread has ended".to_owned())) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.jobs = None;
        // A thread that panicked has nothing more to say.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The thread that submits.
struct Server {
    resident: Arc<Resident>,
    free: Arc<Free>,
    flying: VecDeque<Flying>,
}

impl Drop for Server {
    /// Nobody may wait for the slots of a thread that has ended, by a panic too.
    fn drop(&mut self) {
        self.free.fail("its thread has ended".to_owned());
    }
}

impl Server {
    fn serve(mut self, jobs: &Receiver<Job>) {
        loop {
            let next = match self.flying.front() {
                None => jobs.recv().map_err(|_| TryRecvError::Disconnected),
                Some(_) => jobs.try_recv(),
            };
            match next {
                Ok(job) => self.submit(job),
                Err(TryRecvError::Disconnected) if self.flying.is_empty() => return,
                Err(TryRecvError::Disconnected | TryRecvError::Empty) => self.look(),
            }
        }
    }

    /// Submits a pass, or says why not.
    fn submit(&mut self, job: Job) {
        let gpu = &self.resident.gpu;
        let submitted = gpu.alive().and_then(|()| {
            gpu.checked("integrating frames", || {
                job.slot.upload.unmap();
                let commands = self.resident.commands(&job.slot, &job.pass);
                let submission = gpu.queue().submit([commands]);
                let (sender, mapped) = channel();
                let answer = |sender: Sender<_>| move |result| drop(sender.send(result));
                job.slot.readback.map_async(wgpu::MapMode::Read, .., answer(sender.clone()));
                job.slot.upload.map_async(wgpu::MapMode::Write, .., answer(sender));
                (submission, mapped)
            })
        });
        match submitted {
            Ok((submission, mapped)) => {
                self.flying.push_back(Flying { job, submission, mapped, answers: 0 });
            }
            Err(error) => self.fail(error, Some(job)),
        }
    }

    /// Waits a moment for the oldest pass, and hands over what is done.
    fn look(&mut self) {
        let Some(oldest) = self.flying.front() else { return };
        let gpu = &self.resident.gpu;
        let submission_index = Some(oldest.submission.clone());
        let polled = gpu.device().poll(wgpu::PollType::Wait { submission_index, timeout: Some(LOOK) });
        let fault = gpu.alive().err().or_else(|| match polled {
            Ok(_) | Err(wgpu::PollError::Timeout) => None,
            Err(error @ wgpu::PollError::WrongSubmissionIndex(..)) => Some(gpu.lost(error.to_string())),
        });
        if let Some(fault) = fault {
            return self.fail(fault, None);
        }
        while let Some(mut oldest) = self.flying.pop_front() {
            match oldest.arrived() {
                Ok(false) => return self.flying.push_front(oldest),
                Ok(true) => match self.take(&oldest.job) {
                    Ok(words) => {
                        let Job { slot, reply, .. } = oldest.job;
                        self.free.give(slot);
                        // Nobody waits any more where another pass of the same call has failed.
                        drop(reply.send(Ok(words)));
                    }
                    Err(error) => return self.fail(error, Some(oldest.job)),
                },
                Err(reason) => {
                    let error = self.resident.gpu.lost(reason);
                    return self.fail(error, Some(oldest.job));
                }
            }
        }
    }

    /// What a finished pass brought.
    fn take(&self, job: &Job) -> Result<Words, EngineError> {
        let (gpu, readback) = (&self.resident.gpu, &job.slot.readback);
        let end = CLOCK_BYTES + job.pass.readback_bytes;
        let mapped = readback.get_mapped_range(..end).map_err(|e| gpu.lost(e.to_string()))?;
        if job.slot.clock.is_some() {
            let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&mapped[..CLOCK_BYTES as usize]);
            self.resident.passed(&job.pass, &ticks);
        }
        let words = bytemuck::pod_collect_to_vec(&mapped[CLOCK_BYTES as usize..]);
        drop(mapped);
        readback.unmap();
        Ok(words)
    }

    /// Ends every pass with this error: the first of them with the error itself, the others with what it says.
    fn fail(&mut self, error: EngineError, first: Option<Job>) {
        let reason = error.to_string();
        self.free.fail(reason.clone());
        let mut error = Some(error);
        for job in first.into_iter().chain(self.flying.drain(..).map(|flying| flying.job)) {
            let error = error.take().unwrap_or_else(|| self.resident.gpu.lost(reason.clone()));
            drop(job.reply.send(Err(error)));
        }
    }
}

impl Flying {
    /// Whether both buffers are mapped.
    fn arrived(&mut self) -> Result<bool, String> {
        while self.answers < 2 {
            match self.mapped.try_recv() {
                Ok(Ok(())) => self.answers += 1,
                Ok(Err(error)) => return Err(error.to_string()),
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => {
                    return Err("the mapping of a buffer was never answered".to_owned());
                }
            }
        }
        Ok(true)
    }
}

/// Maps a buffer once all submitted work is done; an error if the device is lost meanwhile.
pub(super) fn wait(gpu: &GpuDevice, buffer: &wgpu::Buffer, mode: wgpu::MapMode) -> Result<(), EngineError> {
    let (sender, receiver) = channel();
    gpu.checked("mapping a buffer", || {
        buffer.map_async(mode, .., move |result| drop(sender.send(result)));
    })?;
    let polled = gpu.device().poll(wgpu::PollType::wait_indefinitely());
    gpu.alive()?;
    polled.map_err(|e| gpu.lost(e.to_string()))?;
    // Where another thread polls too, it may be the one that is about to answer.
    match receiver.recv_timeout(ANSWER) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(gpu.lost(error.to_string())),
        Err(_) => Err(gpu.lost("the mapping of a buffer was never answered".to_owned())),
    }
}
