//! How far a run is, from its journal.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::journal::{Begun, Head, JOURNAL_FOLDER, Life, Task, ledger_of, pieces_of, sessions_of};
use crate::output::Ledger;

/// Sessions that have ended and are listed.
const MOST_ENDED: usize = 8;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStatus {
    /// Its output folder.
    pub output: PathBuf,
    /// Its run file.
    pub run_file: PathBuf,
    /// Whether all of it is done: samples, tables and report are there.
    pub finished: bool,
    /// All frames.
    pub frames: Progressed,
    /// Each background and sample.
    pub parts: Vec<Part>,
    /// Who works or worked there, in the order in which they began.
    pub sessions: Vec<SessionStatus>,
}

/// Frames of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progressed {
    /// What has become of those that have ended.
    #[serde(flatten)]
    pub ledger: Ledger,
    /// Frames that have not.
    pub waiting: usize,
}

/// Frames of a background or sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The sample, or `background N`.
    pub name: String,
    /// Its frames.
    #[serde(flatten)]
    pub frames: Progressed,
}

/// A process that works in the folder, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionStatus {
    /// Who, where, since when.
    #[serde(flatten)]
    pub begun: Begun,
    /// How it is.
    pub life: Life,
}

/// There is no journal.
#[derive(Debug, thiserror::Error)]
#[error("{0}: there is no journal of a run; give a run file that was begun, or its output folder")]
pub struct StatusError(pub PathBuf);

/// Reads the journal of an output folder. What has changed since (frames, configuration) is not looked at: a run does that.
///
/// # Errors
/// [`StatusError`].
pub fn status(output: &Path) -> Result<RunStatus, StatusError> {
    let head = Head::read(output).ok_or_else(|| StatusError(output.to_owned()))?;
    let journal = output.join(JOURNAL_FOLDER);
    let backgrounds = head.backgrounds.iter().enumerate().map(|(index, frames)| {
        let number = (index + 1).to_string();
        (format!("background {number}"), journal.join("backgrounds").join(number), *frames)
    });
    let samples =
        head.samples.iter().map(|(name, frames)| (name.clone(), journal.join("samples").join(name), *frames));
    let parts: Vec<Part> = backgrounds
        .chain(samples)
        .map(|(name, folder, frames)| Part { name, frames: progressed(&folder, &head.key, frames) })
        .collect();
    let all = parts.iter().map(|part| part.frames);
    let frames = all.fold(Progressed { ledger: Ledger::default(), waiting: 0 }, |sum, part| Progressed {
        ledger: sum.ledger.and(part.ledger),
        waiting: sum.waiting + part.waiting,
    });
    let sessions: Vec<SessionStatus> =
        sessions_of(output).into_iter().map(|(begun, life)| SessionStatus { begun, life }).collect();
    Ok(RunStatus {
        output: output.to_owned(),
        run_file: head.run_file,
        finished: output.join("run.json").is_file()
            && sessions.iter().rev().find_map(ended_well) == Some(true),
        frames,
        parts,
        sessions,
    })
}

/// Whether a process that makes all results came to its end: the report is written last. `None` for a shard.
fn ended_well(session: &SessionStatus) -> Option<bool> {
    match session.begun.task {
        Task::Shard { .. } => None,
        Task::Run | Task::Merge | Task::Watch => Some(match &session.life {
            Life::Ended(end) => end.error.is_none(),
            Life::Works | Life::Gone => false,
        }),
    }
}

/// Of `frames` frames whose pieces are in `folder`, as far as they were done with the configuration `key`.
fn progressed(folder: &Path, key: &str, frames: usize) -> Progressed {
    let ledgers = pieces_of(frames).filter_map(|name| ledger_of(&folder.join(name), key));
    let ledger = ledgers.fold(Ledger::default(), Ledger::and);
    let waiting = frames.saturating_sub(ledger.found);
    Progressed { ledger: Ledger { found: frames, ..ledger }, waiting }
}

impl fmt::Display for Progressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progressed { ledger: Ledger { found, done, failed, skipped, .. }, waiting } = self;
        write!(f, "{done:>6} of {found} frames done")?;
        for (count, what) in [(failed, "failed"), (skipped, "skipped"), (waiting, "to do")] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.output.display())?;
        for part in &self.parts {
            writeln!(f, "{}  {}", part.frames, part.name)?;
        }
        writeln!(f, "{}  in all", self.frames)?;
        let ended = self.sessions.iter().filter(|session| session.life != Life::Works).count();
        let mut hidden = ended.saturating_sub(MOST_ENDED);
        for SessionStatus { begun, life } in &self.sessions {
            if *life != Life::Works && hidden > 0 {
                hidden -= 1;
                continue;
            }
            let words = match life {
                Life::Works => "at work".to_owned(),
                Life::Ended(end) => match &end.error {
                    None => format!("ended {}", end.ended),
                    Some(error) => {
                        format!("stopped {}: {}", end.ended, error.lines().next().unwrap_or_default())
                    }
                },
                Life::Gone => "gone without an end: killed, or its machine went down".to_owned(),
            };
            writeln!(f, "{begun}: {words}")?;
        }
        f.write_str(self.next())
    }
}

impl RunStatus {
    /// Whether some process works in the folder.
    pub fn is_worked_on(&self) -> bool {
        self.sessions.iter().any(|session| session.life == Life::Works)
    }

    /// What there is to do.
    fn next(&self) -> &'static str {
        let in_shards = self.sessions.iter().any(|session| matches!(session.begun.task, Task::Shard { .. }));
        match (self.finished, self.is_worked_on(), self.frames.waiting, in_shards) {
            (true, _, _, _) => "finished",
            (false, true, _, _) => "not finished; being worked on",
            (false, false, 0, _) => {
                "not finished: `halor merge` or `halor run` makes what follows the frames"
            }
            (false, false, _, true) => {
                "not finished: do the shards again, or `halor run`, which does the rest"
            }
            (false, false, _, false) => "not finished: `halor run` goes on",
        }
    }
}
