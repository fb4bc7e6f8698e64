//! Files that grow line by line: what is cut short has no end of line.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::OutputError;
use super::faults::{Answer, ask};

/// A new file that lines are added to.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// # Errors
    /// [`OutputError::Io`]; the file is there already.
    pub fn create(path: &Path) -> Result<Lines, OutputError> {
        let made = ask(path).whole().and_then(|()| File::create_new(path));
        let failed = |source| OutputError::Io { path: path.to_owned(), action: "make", source };
        Ok(Lines { path: path.to_owned(), file: made.map_err(failed)? })
    }

    /// One line more. Where the file system fails, a part of it may be there, without its end.
    ///
    /// # Errors
    /// [`OutputError::Io`].
    pub fn add(&mut self, line: &str) -> Result<(), OutputError> {
        let line = format!("{line}\n");
        let written = match ask(&self.path) {
            Answer::Granted => self.file.write_all(line.as_bytes()),
            Answer::Half(error) => self.file.write_all(&line.as_bytes()[..line.len() / 2]).and(Err(error)),
            Answer::Refused(error) => Err(error),
        };
        written.map_err(|source| OutputError::Io { path: self.path.clone(), action: "write", source })
    }

    /// The file, for its lock.
    pub fn file(&self) -> &File {
        &self.file
    }
}
