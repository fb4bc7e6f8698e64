//! The journal of a run, in the folder `.halor` of its output: what is done, of what it was made, and who works there.
//!
//! A piece of the work ([`Piece`]) has one file, written when all its frames have ended: it is there whole or not at all, two
//! processes that write it write the same bytes, and its checksum says whether it is what was written. It names what the piece was
//! made of and the results that it left, with their hashes, so that a run that goes on takes for done only what is.

mod key;
mod piece;
mod session;
mod stamp;
mod standing;
mod state;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::queue::Work;
use crate::config::{Config, Loaded};
use crate::output::{
    Durability, Existing, Ledger, OutputError, make_folder, remove_file, sweep, write_durably, write_file,
};

pub(super) use key::Key;
pub(super) use piece::{FRAMES, Owner, Piece, pieces_of};
pub use session::{Begun, Ended, Life, Task};
use session::{Session, sessions};
pub(super) use stamp::{Contents, Stamp};
pub(super) use standing::{Failed, Standing};
pub(super) use state::{DependsOn, FrameState, Output, State, ledger_of};

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
    /// Number of frames of each background.
    pub(super) backgrounds: Vec<usize>,
    /// Name and number of frames of each sample.
    pub(super) samples: Vec<(String, usize)>,
}

impl Head {
    fn of(config: &Config, work: &Work) -> Head {
        Head {
            run_file: config.source.clone(),
            backgrounds: work.backgrounds.iter().map(Vec::len).collect(),
            samples: config.samples.iter().map(|s| (s.name.clone(), s.frames.len())).collect(),
        }
    }

    /// Of the journal in an output folder; `None` where there is none that can be read.
    pub(super) fn read(output: &Path) -> Option<Head> {
        let text = std::fs::read(output.join(JOURNAL_FOLDER).join("journal.json")).ok()?;
        serde_json::from_slice(&text).ok()
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

/// The journal of the process that works.
pub(super) struct Journal<'a> {
    config: &'a Config,
    folder: PathBuf,
    task: Task,
    session: Session,
    /// Held until the end.
    _lock: File,
    key: Key,
    key_name: String,
    /// When a piece was last brought to the disk.
    synced: Mutex<Option<Instant>>,
}

/// Pieces are brought to the disk so often at most.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

impl<'a> Journal<'a> {
    /// Takes the output folder's lock: alone for a run, together with others for a shard or a merge. With [`Existing::Keep`] none of
    /// the `planned` files may be there as another run's.
    pub(super) fn open(
        loaded: &'a Loaded,
        work: &Work,
        planned: &[PathBuf],
        (task, existing): (Task, Existing),
    ) -> Result<Journal<'a>, JournalError> {
        let config = &loaded.config;
        let folder = config.output.join(JOURNAL_FOLDER);
        make_folder(&config.output)?;
        make_folder(&folder)?;
        let lock = lock(config, &folder, task, || {
            folders(planned).chain(subfolders(&folder)).for_each(|folder| sweep(&folder));
        })?;
        // Now that nobody else can come between: another run may have begun and ended since this one looked first.
        if existing == Existing::Keep
            && !is_own(config)
            && let Some(first) = planned.iter().find(|file| file.exists())
        {
            return Err(JournalError::Taken { first: first.clone() });
        }
        let key = Key::of(loaded)?;
        let (key_name, json) = key.named()?;
        let key_file = folder.join("configurations").join(format!("{key_name}.json"));
        write_file(&key_file, &json, Existing::Replace)?;
        let head = Head::of(config, work);
        if Head::read(&config.output).as_ref() != Some(&head) {
            let text = serde_json::to_vec_pretty(&head)
                .map_err(|error| JournalError::Configuration { reason: error.to_string() })?;
            write_file(&folder.join("journal.json"), &text, Existing::Replace)?;
        }
        let session = Session::begin(&folder.join("sessions"), task)?;
        Ok(Journal { config, folder, task, session, _lock: lock, key, key_name, synced: Mutex::default() })
    }

    /// What a piece depends on that subtracts `background`.
    pub(super) fn depends_on(&self, background: &str) -> DependsOn {
        DependsOn { key: self.key_name.clone(), background: background.to_owned() }
    }

    fn path(&self, piece: &Piece) -> PathBuf {
        piece.path(self.config, &self.folder)
    }

    /// Whether something is known of a piece, right or wrong.
    pub(super) fn knows(&self, piece: &Piece) -> bool {
        self.path(piece).exists()
    }

    /// What became of the frames of a piece that has ended; no more is read of it.
    pub(super) fn ledger(&self, piece: &Piece) -> Result<Ledger, JournalError> {
        match ledger_of(&self.path(piece)) {
            Some(ledger) => Ok(ledger),
            None => Ok(self.read(piece)?.ledger()),
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
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.is_some_and(|last| last.elapsed() < SYNC_INTERVAL) {
            return Durability::Soon;
        }
        *synced = Some(Instant::now());
        Durability::Now
    }

    /// Whether another shard has written a background's piece meanwhile, of the same frames and settings. It stays then: of two engines
    /// that differ by rounding, all take what came first.
    pub(super) fn was_first(&self, piece: &Piece, state: &State) -> bool {
        let shared = match self.task {
            Task::Shard { .. } => matches!(piece.owner, Owner::Background(_)),
            Task::Run | Task::Merge => false,
        };
        shared && self.knows(piece) && self.read(piece).is_ok_and(|there| there.is_of_same(state))
    }

    /// What was written of a piece.
    pub(super) fn read(&self, piece: &Piece) -> Result<State, JournalError> {
        let path = self.path(piece);
        let read = || -> Result<State, String> {
            let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
            State::decode(&bytes).map_err(|error| error.to_string())
        };
        read().map_err(|reason| JournalError::Piece { path: path.clone(), reason })
    }

    /// The configuration of the name, as it was kept.
    fn key_named(&self, name: &str) -> Option<Key> {
        let text = std::fs::read(self.folder.join("configurations").join(format!("{name}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Takes back the record of the run that was there: results of another are about to come.
    pub(super) fn unfinish(&self) -> Result<(), JournalError> {
        Ok(remove_file(&self.config.output.join("run.json"))?)
    }

    /// The end of this process's work, as `status` tells it. It has ended all the same where that cannot be written.
    pub(super) fn end(&mut self, error: Option<String>) {
        let _ = self.session.end(error);
    }
}

/// Folders that results stand in.
fn folders(planned: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let all: BTreeSet<PathBuf> =
        planned.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
    all.into_iter()
}

/// The folders of the journal.
fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let first = below(folder);
    let second: Vec<PathBuf> = first.iter().flat_map(|folder| below(folder)).collect();
    std::iter::once(folder.to_owned()).chain(first).chain(second)
}

/// So often and at such intervals the lock is asked for: a merge that begins holds it alone for a moment.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The lock of a task, alone or shared; `clean` is called where nobody else is at work. A file system without locks gives none:
/// then nothing keeps two runs apart.
fn lock(config: &Config, folder: &Path, task: Task, clean: impl Fn()) -> Result<File, JournalError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| OutputError::Io { path, action: "open", source })?;
    let patiently = |lock: fn(&File) -> Result<(), TryLockError>| {
        let mut held = lock(&file);
        for _ in 0..TRIES {
            if !matches!(held, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(PAUSE);
            held = lock(&file);
        }
        held
    };
    let shared = || patiently(File::try_lock_shared);
    let held = match task {
        // A process that is just being started holds what its parent held, until it is another program.
        Task::Run => patiently(File::try_lock).inspect(|()| clean()),
        Task::Shard { .. } => shared(),
        Task::Merge => {
            // A shard that is late may end meanwhile: what it writes is the same.
            if file.try_lock().is_ok() {
                clean();
                let _ = file.unlock();
            }
            shared()
        }
    };
    match held {
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let works = |(begun, life): (Begun, Life)| (life == Life::Works).then(|| begun.to_string());
            let who: Vec<String> = sessions(&folder.join("sessions")).into_iter().filter_map(works).collect();
            let who = if who.is_empty() { "by a process that has just begun".into() } else { who.join("; ") };
            Err(JournalError::Busy { folder: config.output.clone(), who })
        }
    }
}
