//! The frames of a run in order, read ahead of the engine by a bounded number of batches.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::config::{Background, Config};
use crate::frame::{FrameAddress, FrameError, FrameReader, LoadedFrame};

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Index into [`Work::backgrounds`].
    Background(usize),
    /// Index into the configuration's samples, and the frame's place in that sample.
    Sample(usize, usize),
}

impl Role {
    /// In words, for the record.
    pub(super) fn used_for(self, config: &Config) -> String {
        match self {
            Role::Background(index) => format!("background {}", index + 1),
            Role::Sample(sample, _) => config.samples[sample].name.clone(),
        }
    }
}

/// One frame to do.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Where it is.
    pub(super) address: FrameAddress,
    /// What for.
    pub(super) role: Role,
}

/// All frames of a run: each different background once, then the samples.
#[derive(Debug)]
pub(super) struct Work {
    /// In the order of processing.
    pub(super) jobs: Vec<Job>,
    /// Frame lists of the different backgrounds.
    pub(super) backgrounds: Vec<Vec<FrameAddress>>,
    /// For each sample the index of its background.
    pub(super) background_of: Vec<Option<usize>>,
}

impl Work {
    pub(super) fn of(config: &Config) -> Work {
        let mut backgrounds: Vec<Vec<FrameAddress>> = Vec::new();
        let mut index_of = |background: &Background| {
            backgrounds.iter().position(|known| *known == background.frames).unwrap_or_else(|| {
                backgrounds.push(background.frames.clone());
                backgrounds.len() - 1
            })
        };
        let background_of = config.samples.iter().map(|s| s.background.as_ref().map(&mut index_of)).collect();
        let of_backgrounds = backgrounds.iter().enumerate().flat_map(|(index, frames)| {
            frames.iter().map(move |address| Job { address: address.clone(), role: Role::Background(index) })
        });
        let of_samples = config.samples.iter().enumerate().flat_map(|(sample, s)| {
            s.frames.iter().enumerate().map(move |(place, address)| Job {
                address: address.clone(),
                role: Role::Sample(sample, place),
            })
        });
        let jobs = of_backgrounds.chain(of_samples).collect();
        Work { jobs, backgrounds, background_of }
    }
}

/// A frame, or why it could not be read.
pub(super) type Read = Result<LoadedFrame, FrameError>;

/// Jobs with what reading them gave, in order.
pub(super) struct ReadBatch {
    pub(super) frames: Vec<(Job, Read)>,
    /// Wall time of reading and decoding.
    pub(super) read_time: Duration,
}

/// Hands over the jobs in batches of `size`; each batch is decoded in parallel while the one before is worked on.
///
/// Two batches at most wait in memory beside the one that the receiver holds.
pub(super) fn read_ahead<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    jobs: &'scope [Job],
    size: usize,
) -> Receiver<ReadBatch> {
    let (sender, receiver) = sync_channel(1);
    scope.spawn(move || {
        let reader = FrameReader::default();
        for batch in jobs.chunks(size.max(1)) {
            let start = Instant::now();
            let frames = batch.par_iter().map(|job| (job.clone(), reader.read(&job.address))).collect();
            if sender.send(ReadBatch { frames, read_time: start.elapsed() }).is_err() {
                return; // The receiver has stopped: the run is over.
            }
        }
    });
    receiver
}
