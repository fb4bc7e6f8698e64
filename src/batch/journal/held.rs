//! An output folder while a process works in it: its lock, the process's session, and what its results depend on.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::session::{Begun, Life, Session, Task, sessions};
use super::{Head, JOURNAL_FOLDER, Journal, JournalError, Key, is_own};
use crate::batch::queue::Work;
use crate::config::{Config, Loaded};
use crate::output::{Existing, OutputError, make_folder, sweep, write_file};

/// Held from before the first frame to the end of the process's work, whatever frames there are.
pub(in crate::batch) struct Held {
    /// The journal's.
    pub(super) folder: PathBuf,
    pub(super) task: Task,
    existing: Existing,
    session: Session,
    _lock: File,
    pub(super) key: Key,
    pub(super) key_name: String,
    /// When a piece was last brought to the disk.
    pub(super) synced: Mutex<Option<Instant>>,
}

impl Held {
    /// Takes the output folder's lock: together with others for a shard or a merge, alone for all else. With [`Existing::Keep`] none
    /// of the `planned` files may be there as another run's.
    pub(in crate::batch) fn take(
        loaded: &Loaded,
        planned: &[PathBuf],
        (task, existing): (Task, Existing),
    ) -> Result<Held, JournalError> {
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
        let session = Session::begin(&folder.join("sessions"), task)?;
        Ok(Held { folder, task, existing, session, _lock: lock, key, key_name, synced: Mutex::default() })
    }

    /// The journal for the frames that `config` has now.
    ///
    /// # Errors
    /// [`JournalError::Other`] where this process is not alone and the journal is another run's; what the file system refuses.
    pub(in crate::batch) fn journal<'h>(
        &'h self,
        config: &'h Config,
        work: &Work,
    ) -> Result<Journal<'h>, JournalError> {
        let head = Head::of(config, work, &self.key_name);
        let alone = match self.task {
            Task::Run | Task::Watch => true,
            Task::Shard { .. } | Task::Merge => false,
        };
        let existing = match Head::read(&config.output) {
            Some(there) if there.run_file != config.source && !alone && self.existing == Existing::Keep => {
                return Err(JournalError::Other { folder: config.output.clone(), run_file: there.run_file });
            }
            None if !alone => Existing::Keep,
            Some(_) | None => Existing::Replace,
        };
        match head.write(&config.output, existing) {
            // Another shard was first.
            Err(JournalError::Output(OutputError::Exists(_))) => self.journal(config, work),
            Err(error) => Err(error),
            Ok(()) => Ok(Journal { held: self, config }),
        }
    }

    /// The end of this process's work, as `status` tells it. It has ended all the same where that cannot be written.
    pub(in crate::batch) fn end(&mut self, error: Option<String>) {
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
        Task::Run | Task::Watch => patiently(File::try_lock).inspect(|()| clean()),
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
