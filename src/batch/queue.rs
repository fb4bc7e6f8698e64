//! The frames of a run in order, read ahead of the engine by a bounded number of batches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::journal::Stamp;
use crate::config::{Background, Config};
use crate::frame::{self, FrameAddress, FrameError, FrameFile, LoadedFrame};

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
pub(super) type Reads = Vec<(Job, Read)>;

/// Jobs of one file with the file, or why it could not be read.
type WithFile<'a> = (&'a [Job], Result<Arc<FrameFile>, FrameError>);

/// What was read of a batch.
pub(super) struct ReadBatch {
    pub(super) frames: Reads,
    /// Of each frame's file, from before it was read.
    pub(super) stamps: Vec<Option<Stamp>>,
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
        let (mut open, mut stamp) = (None, None);
        for batch in jobs.chunks(size.max(1)) {
            let start = Instant::now();
            let stamps = stamps(batch, &mut stamp);
            let frames = read_batch(batch, &mut open);
            if sender.send(ReadBatch { frames, stamps, read_time: start.elapsed() }).is_err() {
                return; // The receiver has stopped: the run is over.
            }
        }
    });
    receiver
}

/// The stamp of each job's file; `last` is that of the file that the batch before ended in, which may be open still.
fn stamps(batch: &[Job], last: &mut Option<(PathBuf, Option<Stamp>)>) -> Vec<Option<Stamp>> {
    let of_job = |job: &Job| {
        let path = &job.address.path;
        match last {
            Some((known, stamp)) if known == path => *stamp,
            Some(_) | None => last.insert((path.clone(), Stamp::of(path))).1,
        }
    };
    batch.iter().map(of_job).collect()
}

/// Reads the jobs of a batch. A file of several images is read once for all that follow each other, over the ends of
/// batches too: `open` is the file that the batch before ended in.
fn read_batch(batch: &[Job], open: &mut Option<Arc<FrameFile>>) -> Reads {
    let same_file = |a: &Job, b: &Job| a.address.path == b.address.path;
    let groups: Vec<&[Job]> = batch.chunk_by(same_file).collect();
    let before = open.take();
    let known = |jobs: &[Job]| before.as_ref().filter(|file| file.path() == jobs[0].address.path).cloned();
    let unread: Vec<&Path> = groups
        .iter()
        .filter(|jobs| known(jobs).is_none())
        .map(|jobs| jobs[0].address.path.as_path())
        .collect();
    let mut read = FrameFile::read_all(&unread).into_iter();
    let with_files: Vec<WithFile<'_>> = groups
        .into_iter()
        .filter_map(|jobs| {
            let file = known(jobs).map(Ok).or_else(|| read.next().map(|file| file.map(Arc::new)))?;
            Some((jobs, file))
        })
        .collect();
    let (frames, files): (Vec<Reads>, Vec<Option<_>>) = with_files
        .into_par_iter()
        .map(|(jobs, file)| match file {
            Ok(file) => {
                let image = |job: &Job| (job.clone(), file.image(job.address.image));
                (jobs.par_iter().map(image).collect(), Some(file))
            }
            // Each image gets the reason.
            Err(error) => {
                let mut first = Some(error);
                let mut reason = |job: &Job| first.take().map_or_else(|| frame::read(&job.address), Err);
                (jobs.iter().map(|job| (job.clone(), reason(job))).collect(), None)
            }
        })
        .unzip();
    *open = files.into_iter().next_back().flatten();
    frames.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An EDF file of images of 1 × 1 pixel: image n holds 10 + n.
    fn stack(images: u8) -> Vec<u8> {
        let header =
            "{ ByteOrder = LowByteFirst ; DataType = UnsignedShort ; Dim_1 = 1 ; Dim_2 = 1 ; Size = 2 ;";
        let image = |n: u8| format!("{header:<510}}}\n").into_bytes().into_iter().chain([10 + n, 0]);
        (0..images).flat_map(image).collect()
    }

    #[test]
    fn a_stack_is_read_once_over_the_ends_of_batches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stack.edf");
        std::fs::write(&path, stack(5)).unwrap();
        let job =
            |image| Job { address: FrameAddress { path: path.clone(), image }, role: Role::Sample(0, image) };
        let value = |(job, read): &(Job, Read)| {
            let loaded = read.as_ref().unwrap();
            (job.address.image, loaded.frame.counts.to_f64()[0])
        };
        let mut open = None;
        let first = read_batch(&[job(0), job(1)], &mut open);
        assert_eq!(first.iter().map(value).collect::<Vec<_>>(), [(0, 10.0), (1, 11.0)]);
        let alone = frame::read(&job(1).address).unwrap();
        assert_eq!(first[1].1.as_ref().unwrap(), &alone);

        std::fs::remove_file(&path).unwrap();
        let second = read_batch(&[job(2), job(3), job(4)], &mut open);
        assert_eq!(second.iter().map(value).collect::<Vec<_>>(), [(2, 12.0), (3, 13.0), (4, 14.0)]);
        // One image to a batch, as where memory is short.
        std::fs::write(&path, stack(5)).unwrap();
        let mut open = None;
        assert_eq!(value(&read_batch(&[job(0)], &mut open)[0]), (0, 10.0));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(value(&read_batch(&[job(1)], &mut open)[0]), (1, 11.0));
        let gone = read_batch(&[job(3), job(4)], &mut None);
        assert!(gone.iter().all(|(_, read)| read.is_err()) && gone.len() == 2);
    }
}
