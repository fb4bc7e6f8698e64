//! The unit of the journal: a few frames of one sample or background, in their order.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::batch::queue::{Job, Role, Work};
use crate::config::Config;

/// Frames of a piece; the last piece of a sample may have fewer.
///
/// Sums are made piece by piece and the sums of pieces are added in order, so that a run in parts adds the same numbers in the
/// same order as a run in one go. A run that is killed does so many frames again at most, for each sample that was begun. The
/// journal keeps one set of sums for each piece.
pub(in crate::batch) const FRAMES: usize = 8;

/// Whose frames they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::batch) enum Owner {
    /// Index into [`Work::backgrounds`].
    Background(usize),
    /// Index into the configuration's samples.
    Sample(usize),
}

/// Some consecutive frames of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::batch) struct Piece {
    pub(in crate::batch) owner: Owner,
    /// From 0, within the owner.
    pub(in crate::batch) number: usize,
    /// Its jobs among those of the run.
    pub(in crate::batch) jobs: Range<usize>,
    /// Its first frame's place within the owner, from 0.
    pub(in crate::batch) first: usize,
}

impl Piece {
    /// All pieces of a run, in its order.
    pub(in crate::batch) fn all(work: &Work) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (index, job) in work.jobs.iter().enumerate() {
            let owner = match job.role {
                Role::Background(background) => Owner::Background(background),
                Role::Sample(sample, _) => Owner::Sample(sample),
            };
            match pieces.last_mut() {
                Some(last) if last.owner == owner && last.len() < FRAMES => last.jobs.end += 1,
                Some(last) if last.owner == owner => {
                    let (number, first) = (last.number + 1, last.first + last.len());
                    pieces.push(Piece { owner, number, jobs: index..index + 1, first });
                }
                Some(_) | None => pieces.push(Piece { owner, number: 0, jobs: index..index + 1, first: 0 }),
            }
        }
        pieces
    }

    pub(in crate::batch) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(in crate::batch) fn jobs<'w>(&self, work: &'w Work) -> &'w [Job] {
        &work.jobs[self.jobs.clone()]
    }

    /// Its file, below `journal`.
    pub(in crate::batch) fn path(&self, config: &Config, journal: &Path) -> PathBuf {
        let folder = match self.owner {
            Owner::Background(background) => journal.join("backgrounds").join((background + 1).to_string()),
            Owner::Sample(sample) => journal.join("samples").join(&config.samples[sample].name),
        };
        folder.join(file_name(self.number))
    }

    /// In words.
    pub(in crate::batch) fn words(&self, config: &Config) -> String {
        let owner = match self.owner {
            Owner::Background(background) => format!("background {}", background + 1),
            Owner::Sample(sample) => config.samples[sample].name.clone(),
        };
        let (first, last) = (self.first + 1, self.first + self.len());
        if first == last {
            format!("{owner}, frame {first}")
        } else {
            format!("{owner}, frames {first}–{last}")
        }
    }
}

fn file_name(number: usize) -> String {
    format!("{number:06}")
}

/// Names of the files of all pieces of so many frames.
pub(in crate::batch) fn pieces_of(frames: usize) -> impl Iterator<Item = String> {
    (0..frames.div_ceil(FRAMES)).map(file_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameAddress;

    #[test]
    fn pieces_cover_all_frames_and_never_two_samples() {
        let job = |role| Job { address: FrameAddress { path: "f.tif".into(), image: 0 }, role };
        let counts = [3, 8, 9, 17];
        let backgrounds = (0..10).map(|_| job(Role::Background(0)));
        let of_samples = counts
            .iter()
            .enumerate()
            .flat_map(|(sample, count)| (0..*count).map(move |place| Role::Sample(sample, place)));
        let jobs: Vec<Job> = backgrounds.chain(of_samples.map(job)).collect();
        let work = Work { jobs, backgrounds: vec![Vec::new()], background_of: vec![Some(0); 4] };
        let pieces = Piece::all(&work);
        let lengths: Vec<usize> = pieces.iter().map(Piece::len).collect();
        assert_eq!(lengths, [8, 2, 3, 8, 8, 1, 8, 8, 1]);
        let mut next = 0;
        for piece in &pieces {
            assert_eq!(piece.jobs.start, next);
            next = piece.jobs.end;
            let owner = |job: &Job| match job.role {
                Role::Background(index) => (Owner::Background(index), None),
                Role::Sample(sample, place) => (Owner::Sample(sample), Some(place)),
            };
            assert!(piece.jobs(&work).iter().all(|job| owner(job).0 == piece.owner));
            let place = owner(&piece.jobs(&work)[0]).1;
            assert!(place.is_none_or(|place| place == piece.first));
        }
        assert_eq!(next, work.jobs.len());
    }
}
