//! Whether a piece that was done still holds, and if not, why.

use std::path::Path;

use super::state::{FrameState, State, Sums};
use super::{Contents, Journal, Piece, Stamp};
use crate::batch::queue::{Job, Work};
use crate::frame::{FileRecord, FrameFile};
use crate::output::Status;

/// What is done about frames that failed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::batch) enum Failed {
    /// They are tried again: what was wrong may be mended.
    TryAgain,
    /// They have ended, too.
    Accept,
}

/// How it is with a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::batch) enum Standing {
    /// Nothing has changed.
    Done,
    /// It was never done.
    New,
    /// It is done again, for this reason.
    Again(String),
}

impl Journal<'_> {
    /// Looks at a piece: its file, what it depends on, its frames and the results that it left. `names` are those of the frames'
    /// files; none of a background's.
    pub(in crate::batch) fn standing(
        &self,
        piece: &Piece,
        work: &Work,
        names: &[String],
        (background, failed): (&str, Failed),
        contents: &Contents,
    ) -> Standing {
        if !self.knows(piece) {
            return Standing::New;
        }
        let words = || piece.words(self.config);
        let state = match self.read(piece, Sums::Left) {
            Ok(state) => state,
            Err(error) => return Standing::Again(format!("the journal is damaged: {error}")),
        };
        let now = self.depends_on(background);
        if state.depends_on.key != now.key {
            let before = self.key_named(&state.depends_on.key);
            let changes = before.map(|before| self.held.key.changes_since(&before));
            return Standing::Again(changes.unwrap_or_else(|| "the configuration changed".to_owned()));
        }
        let jobs = piece.jobs(work);
        if !same_frames(jobs, names, &state) {
            return Standing::Again(format!("{}: other frames than before", words()));
        }
        if state.depends_on != now {
            return Standing::Again(format!("{}: its background changed", words()));
        }
        let mut open = None;
        let changed = jobs.iter().zip(&state.frames).find_map(|(job, frame)| match &frame.record.status {
            Status::Done => self.change(job, frame, contents, &mut open),
            Status::Failed(_) | Status::Skipped(_) | Status::LeftOut(_) => match failed {
                Failed::TryAgain => Some(format!("{} has no results yet", shown(job))),
                Failed::Accept => None,
            },
        });
        changed.map_or(Standing::Done, Standing::Again)
    }

    /// What is not as it was of a frame that has results. A frame that cannot be read any more keeps them: they are of what it was.
    fn change(
        &self,
        job: &Job,
        frame: &FrameState,
        contents: &Contents,
        open: &mut Option<FrameFile>,
    ) -> Option<String> {
        let missing = frame.outputs.iter().find(|output| {
            let now = FileRecord::read(&self.config.output.join(&output.path));
            !now.is_ok_and(|record| output.is(record))
        });
        if let Some(output) = missing {
            return Some(format!("{} is gone, or not as it was written", output.path.display()));
        }
        let stamp = frame.stamp.filter(|stamp| stamp.is_of_all(frame.record.bytes));
        if stamp.is_some() && stamp == Stamp::of(&job.address.path) {
            return None;
        }
        let content = contents.of(&job.address, open)?;
        let (bytes, hash) = (Some(content.bytes), Some(format!("{:032x}", content.xxh3_128)));
        let same = bytes == frame.record.bytes && hash == frame.record.xxh3_128;
        (!same).then(|| format!("{}: its content changed", shown(job)))
    }
}

fn shown(job: &Job) -> String {
    let path: &Path = &job.address.path;
    match job.address.image {
        0 => path.display().to_string(),
        image => format!("{}, image {image}", path.display()),
    }
}

/// Whether the journal's frames are these, by path, image and name.
fn same_frames(jobs: &[Job], names: &[String], state: &State) -> bool {
    let name = |index: usize| names.get(index).map_or("", String::as_str);
    jobs.len() == state.frames.len()
        && jobs.iter().zip(&state.frames).enumerate().all(|(index, (job, frame))| {
            frame.record.path == job.address.path
                && frame.record.image == job.address.image
                && frame.name == name(index)
        })
}
