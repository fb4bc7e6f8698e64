//! The journal of a run, in the folder `.halor` of its output: what is done, of what it was made, and who works there.
//!
//! A piece of the work ([`Piece`]) has one file, written when all its frames have ended: it is there whole or not at all, two
//! processes that write it write the same bytes, and its checksum says whether it is what was written. It names what the piece was
//! made of and the results that it left, with their hashes, so that a run that goes on takes for done only what is.

mod held;
mod key;
mod piece;
mod session;
mod stamp;
mod standing;
mod state;

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::queue::{Job, Role, Work};
use crate::config::Config;
use crate::output::{Durability, Existing, Ledger, OutputError, remove_file, write_durably, write_file};

pub(super) use held::Held;
pub(super) use key::Key;
pub(super) use piece::{FRAMES, Owner, Piece, pieces_of};
use session::sessions;
pub use session::{Begun, Ended, Life, Task};
pub(super) use stamp::{Contents, Stamp};
pub(super) use standing::{Failed, Standing};
pub(super) use state::{DependsOn, FrameState, Output, State, Sums, ledger_of};

/// The folder below an output folder.
pub const JOURNAL_FOLDER: &str = ".halor";

/// The journal cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Others are at work in the folder.
    #[error("{folder} is being worked on ({who}); wait for it or stop it, or set another `output`")]
    Busy {
        /// The output folder.
        folder: PathBuf,
        /// Who.
        who: String,
    },
    /// Another run has just ended there.
    #[error(
        "{first} is a result of another run, which has just ended; give --force, or set another `output`"
    )]
    Taken {
        /// One of its results.
        first: PathBuf,
    },
    /// The folder is shared with processes of another run.
    #[error(
        "{folder} is that of {run_file}, of which shards or a merge may be at work; set another `output`, or give --force once they have ended"
    )]
    Other {
        /// The output folder.
        folder: PathBuf,
        /// The run file of its journal.
        run_file: PathBuf,
    },
    /// What the run depends on cannot be written down.
    #[error("the configuration cannot be kept in the journal: {reason}")]
    Configuration {
        /// Why.
        reason: String,
    },
    /// A piece that was done is not there any more.
    #[error("{path}: {reason}; run again, and it is made anew")]
    Piece {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// `journal.json`: whose journal it is, and how much there is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The run file.
    pub(super) run_file: PathBuf,
    /// Name of the configuration that the work is done with.
    pub(super) key: String,
    /// Number of frames of each background.
    pub(super) backgrounds: Vec<usize>,
    /// Name and number of frames of each sample.
    pub(super) samples: Vec<(String, usize)>,
}

impl Head {
    fn of(config: &Config, work: &Work, key: &str) -> Head {
        Head {
            run_file: config.source.clone(),
            key: key.to_owned(),
            backgrounds: work.backgrounds.iter().map(Vec::len).collect(),
            samples: config.samples.iter().map(|s| (s.name.clone(), s.frames.len())).collect(),
        }
    }

    /// Of the journal in an output folder; `None` where there is none that can be read.
    pub(super) fn read(output: &Path) -> Option<Head> {
        let text = std::fs::read(Head::path(output)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn path(output: &Path) -> PathBuf {
        output.join(JOURNAL_FOLDER).join("journal.json")
    }

    /// Puts it where it is read, unless it is there.
    fn write(&self, output: &Path, existing: Existing) -> Result<(), JournalError> {
        if Head::read(output).as_ref() == Some(self) {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| JournalError::Configuration { reason: error.to_string() })?;
        Ok(write_file(&Head::path(output), &text, existing)?)
    }
}

/// Whether the results in an output folder are those of an earlier session of the same run file, which a run may go on with.
pub(super) fn is_own(config: &Config) -> bool {
    Head::read(&config.output).is_some_and(|head| head.run_file == config.source)
}

/// Sessions of the journal of an output folder.
pub(super) fn sessions_of(output: &Path) -> Vec<(Begun, Life)> {
    sessions(&output.join(JOURNAL_FOLDER).join("sessions"))
}

/// Pieces are brought to the disk so often at most.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// The journal of the process that works, for the frames that it has now.
pub(super) struct Journal<'a> {
    held: &'a Held,
    config: &'a Config,
}

impl Journal<'_> {
    /// What a piece depends on that subtracts `background`.
    pub(super) fn depends_on(&self, background: &str) -> DependsOn {
        DependsOn { key: self.held.key_name.clone(), background: background.to_owned() }
    }

    fn path(&self, piece: &Piece) -> PathBuf {
        piece.path(self.config, &self.held.folder)
    }

    /// Whether something is known of a piece, right or wrong.
    pub(super) fn knows(&self, piece: &Piece) -> bool {
        self.path(piece).exists()
    }

    /// What became of the frames of a piece that has ended; no more is read of it.
    pub(super) fn ledger(&self, piece: &Piece) -> Result<Ledger, JournalError> {
        match ledger_of(&self.path(piece), &self.held.key_name) {
            Some(ledger) => Ok(ledger),
            None => Ok(self.read(piece, Sums::Left)?.ledger()),
        }
    }

    /// A piece that has ended.
    pub(super) fn write(&self, piece: &Piece, state: &State) -> Result<(), JournalError> {
        let path = self.path(piece);
        let bytes = state
            .encode()
            .map_err(|error| JournalError::Piece { path: path.clone(), reason: error.to_string() })?;
        Ok(write_durably(&path, &bytes, Existing::Replace, self.durability())?)
    }

    /// Of the next piece: on the disk at bounded intervals. What a failure of power takes is done again, as its checksum or those of
    /// its results tell.
    fn durability(&self) -> Durability {
        let mut synced = self.held.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.is_some_and(|last| last.elapsed() < SYNC_INTERVAL) {
            return Durability::Soon;
        }
        *synced = Some(Instant::now());
        Durability::Now
    }

    /// Whether another shard has written a background's piece meanwhile, of the same frames and settings. It stays then: of two engines
    /// that differ by rounding, all take what came first.
    pub(super) fn was_first(&self, piece: &Piece, state: &State) -> bool {
        let shared = match self.held.task {
            Task::Shard { .. } => matches!(piece.owner, Owner::Background(_)),
            Task::Run | Task::Watch | Task::Merge => false,
        };
        shared && self.knows(piece) && self.read(piece, Sums::Left).is_ok_and(|there| there.is_of_same(state))
    }

    /// What was written of a piece.
    pub(super) fn read(&self, piece: &Piece, sums: Sums) -> Result<State, JournalError> {
        let path = self.path(piece);
        let read = || -> Result<State, String> {
            let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
            State::decode(&bytes, sums).map_err(|error| error.to_string())
        };
        read().map_err(|reason| JournalError::Piece { path: path.clone(), reason })
    }

    /// The results that a piece left when it was last done, relative to the output folder.
    pub(super) fn outputs(&self, piece: &Piece) -> Vec<PathBuf> {
        outputs_of(&self.path(piece))
    }

    /// Forgets pieces of samples that have fewer frames than before; the results that they left come back.
    pub(super) fn beyond(&self, work: &Work) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for (index, sample) in self.config.samples.iter().enumerate() {
            let is_own = |job: &&Job| matches!(job.role, Role::Sample(of, _) if of == index);
            let known: HashSet<String> = pieces_of(work.jobs.iter().filter(is_own).count()).collect();
            let folder = self.held.folder.join("samples").join(&sample.name);
            let is_known =
                |path: &Path| path.file_name().is_some_and(|name| known.contains(&*name.to_string_lossy()));
            for path in entries(&folder).into_iter().filter(|path| !is_known(path)) {
                left.extend(outputs_of(&path));
                // It is in nobody's way.
                let _ = std::fs::remove_file(&path);
            }
        }
        left
    }

    /// Forgets what is done again whatever it is: until then it has not ended. All of the run's samples where this process is alone; else the samples' among
    /// `pieces`, since a background's may be in use by another shard. The results that were left come back.
    pub(super) fn forget(&self, pieces: &[Piece]) -> Result<Vec<PathBuf>, JournalError> {
        let files: Vec<PathBuf> = match self.held.task {
            Task::Run | Task::Watch => {
                let samples = self.held.folder.join("samples");
                let of_samples = self.config.samples.iter().map(|sample| samples.join(&sample.name));
                let owners = of_samples.chain(entries(&self.held.folder.join("backgrounds")));
                owners.flat_map(|owner| entries(&owner)).collect()
            }
            Task::Shard { .. } | Task::Merge => {
                let of_samples = pieces.iter().filter(|piece| matches!(piece.owner, Owner::Sample(_)));
                of_samples.map(|piece| self.path(piece)).collect()
            }
        };
        let left = files.iter().flat_map(|file| outputs_of(file)).collect();
        files.iter().try_for_each(|file| remove_file(file))?;
        Ok(left)
    }

    /// The configuration of the name, as it was kept.
    fn key_named(&self, name: &str) -> Option<Key> {
        let text =
            std::fs::read(self.held.folder.join("configurations").join(format!("{name}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Takes back the record of the run that was there: results of another are about to come.
    pub(super) fn unfinish(&self) -> Result<(), JournalError> {
        Ok(remove_file(&self.config.output.join("run.json"))?)
    }
}

/// The results that the piece of a file names, below the output folder; none where it cannot be read.
fn outputs_of(path: &Path) -> Vec<PathBuf> {
    let state = std::fs::read(path).ok().and_then(|bytes| State::decode(&bytes, Sums::Left).ok());
    let frames = state.into_iter().flat_map(|state| state.frames);
    let paths = frames.flat_map(|frame| frame.outputs).map(|output| output.path);
    paths.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_)))).collect()
}

/// What is in a folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
