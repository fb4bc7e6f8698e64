//! Who works in an output folder: one small file for each process, locked while it lives.
//!
//! The system takes a lock away with the process, however it ends: nothing has to be cleaned up after a kill.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::output::{Lines, make_folder};

/// What a process does in an output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// All frames and samples, alone in the folder.
    Run,
    /// Some frames; others may do others, or the same.
    Shard {
        /// From 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// Samples, from frames that are done.
    Merge,
    /// Frames as they come, alone in the folder.
    Watch,
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Task::Run => f.write_str("run"),
            Task::Shard { number, of } => write!(f, "shard {number}/{of}"),
            Task::Merge => f.write_str("merge"),
            Task::Watch => f.write_str("watch"),
        }
    }
}

/// The beginning of a process's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What it does.
    pub task: Task,
    /// On which machine.
    pub host: String,
    /// As which process.
    pub pid: u32,
    /// UTC, ISO 8601.
    pub started: String,
}

impl std::fmt::Display for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Begun { task, host, pid, started } = self;
        write!(f, "{task}, process {pid} on {host} since {started}")
    }
}

/// Its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// UTC, ISO 8601.
    pub ended: String,
    /// What stopped it; `None` = it came to its end.
    pub error: Option<String>,
}

/// How it is with a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It works.
    Works,
    /// It came to its end.
    Ended(Ended),
    /// It is gone, and has not said that it ends: killed, or its machine went down.
    Gone,
}

/// The process's own file.
#[derive(Debug)]
pub(super) struct Session(Lines);

impl Session {
    pub(super) fn begin(folder: &Path, task: Task) -> Result<Session, JournalError> {
        make_folder(folder)?;
        let now = jiff::Timestamp::now();
        let begun = Begun { task, host: host(), pid: std::process::id(), started: now.to_string() };
        let name = format!("{}-{}-{}.jsonl", now.as_nanosecond(), begun.host, begun.pid);
        let mut session = Session(Lines::create(&folder.join(name))?);
        // Where there are no locks, `status` sees this process as gone; the run is none the worse.
        let _ = session.0.file().try_lock();
        session.line(&begun)?;
        Ok(session)
    }

    /// The end, in words.
    pub(super) fn end(&mut self, error: Option<String>) -> Result<(), JournalError> {
        self.line(&Ended { ended: jiff::Timestamp::now().to_string(), error })
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let text = serde_json::to_string(line)
            .map_err(|error| JournalError::Configuration { reason: error.to_string() })?;
        Ok(self.0.add(&text)?)
    }
}

/// All sessions of a journal, in the order in which they began.
pub(super) fn sessions(folder: &Path) -> Vec<(Begun, Life)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| session(path)).collect()
}

/// A session from its file; a line that is cut short is as if it were not there.
fn session(path: &Path) -> Option<(Begun, Life)> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let begun: Begun = serde_json::from_str(lines.next()?).ok()?;
    let ended = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let life = match ended {
        Some(ended) => Life::Ended(ended),
        None if is_locked(path) => Life::Works,
        None => Life::Gone,
    };
    Some((begun, life))
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn host() -> String {
    let of_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let of_shell = || std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    let name = of_kernel.or_else(of_shell).unwrap_or_default();
    let known: String =
        name.trim().chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect();
    if known.is_empty() { "unknown".to_owned() } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_works_ends_or_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Session::begin(dir.path(), Task::Run).unwrap();
        let second = Session::begin(dir.path(), Task::Shard { number: 2, of: 3 }).unwrap();
        let lives = || sessions(dir.path()).into_iter().map(|(_, life)| life).collect::<Vec<_>>();
        assert_eq!(lives(), [Life::Works, Life::Works]);
        first.end(None).unwrap();
        // As if killed: the lock goes with the file.
        drop(second);
        assert!(
            matches!(&lives()[..], [Life::Ended(Ended { error: None, .. }), Life::Gone]),
            "{:?}",
            lives()
        );
        assert_eq!(sessions(dir.path())[1].0.task.to_string(), "shard 2/3");
    }
}
