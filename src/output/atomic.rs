//! Files that are there whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::faults::{Answer, ask};

/// What happens to a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the write fails.
    Keep,
    /// It is replaced in one step.
    Replace,
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file is there and may not be replaced.
    #[error("{0} exists already; give --force to replace it, or choose another `output`")]
    Exists(PathBuf),
    /// The file is an input, or the result of something else in the same run.
    #[error("{0} would replace an input or another result of this run; choose another `output`")]
    Apart(PathBuf),
    /// The file system refused.
    #[error("{path}: cannot {action}: {source}; check space and permissions there, or set another `output`")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Its answer.
        source: std::io::Error,
    },
    /// What was to be written is no table.
    #[error("{path}: {source}; this is a fault of halor, report it")]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        source: super::TableError,
    },
}

/// When a file is safe from a failure of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the system writes it back, which is within half a minute as a rule.
    Soon,
    /// Before it gets its name.
    Now,
}

/// Writes `content` to `path` through a temporary file in the same folder and a rename; folders are made as needed.
///
/// # Errors
/// [`OutputError::Exists`] when the file is there and `existing` is [`Existing::Keep`]; otherwise what the file system
/// says. In every case `path` holds either its old content or all of the new one.
pub fn write_file(path: &Path, content: &[u8], existing: Existing) -> Result<(), OutputError> {
    write_durably(path, content, existing, Durability::Soon)
}

/// As [`write_file`].
///
/// # Errors
/// As [`write_file`].
pub fn write_durably(
    path: &Path,
    content: &[u8],
    existing: Existing,
    durability: Durability,
) -> Result<(), OutputError> {
    let failed = |action| move |source| OutputError::Io { path: path.to_owned(), action, source };
    write_through(path, existing, |file| {
        match ask(path) {
            Answer::Granted => file.write_all(content).map_err(failed("write"))?,
            Answer::Half(error) => {
                file.write_all(&content[..content.len() / 2]).map_err(failed("write"))?;
                return Err(failed("write")(error));
            }
            Answer::Refused(error) => return Err(failed("write")(error)),
        }
        match durability {
            Durability::Soon => Ok(()),
            Durability::Now => {
                ask(path).whole().and_then(|()| file.sync_all()).map_err(failed("write to the disk"))
            }
        }
    })
}

/// As [`write_file`], for content that `write` makes piece by piece.
///
/// # Errors
/// Those of [`write_file`] and of `write`.
pub fn write_through<E: From<OutputError>>(
    path: &Path,
    existing: Existing,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let mut temporary = Temporary::beside(path)?;
    write(temporary.0.as_file_mut())?;
    Ok(temporary.persist(path, existing)?)
}

/// A file that will be another: it goes when it is dropped.
pub(super) struct Temporary(tempfile::NamedTempFile);

impl Temporary {
    /// In the folder of `path`, which is made as needed.
    ///
    /// # Errors
    /// [`OutputError::Io`]: what the file system says.
    pub(super) fn beside(path: &Path) -> Result<Temporary, OutputError> {
        let failed = |action| move |source| OutputError::Io { path: path.to_owned(), action, source };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folders(folder).map_err(failed("make its folder"))?;
        let mut builder = temporary();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Readable by others as far as the user's umask lets it be, as with any ordinary file.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let made = ask(path).whole().and_then(|()| builder.tempfile_in(folder));
        made.map(Temporary).map_err(failed("make a temporary file beside it"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Gives it the name `path`, in one step.
    ///
    /// # Errors
    /// [`OutputError::Exists`]; what the file system says.
    pub(super) fn persist(self, path: &Path, existing: Existing) -> Result<(), OutputError> {
        let failed = |action| move |source| OutputError::Io { path: path.to_owned(), action, source };
        ask(path).whole().map_err(failed("rename the temporary file to it"))?;
        match existing {
            Existing::Keep => self.0.persist_noclobber(path).map(drop).map_err(|e| {
                if e.error.kind() == std::io::ErrorKind::AlreadyExists {
                    OutputError::Exists(path.to_owned())
                } else {
                    failed("rename the temporary file to it")(e.error)
                }
            }),
            Existing::Replace => {
                self.0.persist(path).map(drop).map_err(|e| failed("rename the temporary file to it")(e.error))
            }
        }
    }
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// [`OutputError::Io`].
pub fn remove_file(path: &Path) -> Result<(), OutputError> {
    match ask(path).whole().and_then(|()| std::fs::remove_file(path)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(OutputError::Io { path: path.to_owned(), action: "remove", source }),
    }
}

/// Makes what is not there of a folder.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    ask(folder).whole().and_then(|()| std::fs::create_dir_all(folder))
}

/// Makes a folder that results can be written into, so that a run that could not write ends before its first frame.
///
/// # Errors
/// [`OutputError::Io`]: it cannot be made, or no file can be made in it.
pub fn make_folder(path: &Path) -> Result<(), OutputError> {
    let failed = |action| move |source| OutputError::Io { path: path.to_owned(), action, source };
    make_folders(path).map_err(failed("make this folder"))?;
    ask(path).whole().map_err(failed("make a file in this folder"))?;
    temporary().tempfile_in(path).map(drop).map_err(failed("make a file in this folder"))
}

/// Removes what a process that was killed has left half-written in a folder. Nobody may be writing there.
pub fn sweep(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let left = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PREFIX) && name.ends_with(SUFFIX)
    });
    // It is in nobody's way: a name that is never read.
    left.for_each(|path| drop(std::fs::remove_file(path)));
}

/// Ends of the names of temporary files.
const PREFIX: &str = ".halor-";
const SUFFIX: &str = ".tmp";

fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_or_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.txt");
        write_file(&path, b"one", Existing::Keep).unwrap();
        assert!(matches!(write_file(&path, b"two", Existing::Keep), Err(OutputError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_file(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let blocker = dir.path().join("file");
        std::fs::write(&blocker, "x").unwrap();
        let error = write_file(&blocker.join("under/it.txt"), b"", Existing::Keep).unwrap_err();
        assert!(error.to_string().contains("make its folder"), "{error}");
        let error = make_folder(&blocker.join("under")).unwrap_err();
        assert!(error.to_string().contains("set another `output`"), "{error}");
        make_folder(&dir.path().join("new")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("new")).unwrap().count(), 0, "nothing is left in it");
    }
}
