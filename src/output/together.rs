//! Results that belong together: all targets are looked at before the first is written.

use std::path::{Path, PathBuf};

use super::{Existing, OutputError, write_file};

/// Files that are written in one go.
#[derive(Debug, Default)]
pub struct Together {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Together {
    /// One more file.
    pub fn add(&mut self, path: PathBuf, content: impl Into<Vec<u8>>) {
        self.files.push((path, content.into()));
    }

    /// Writes them; `apart` are files that must not be among them: inputs, and results of others in the same run.
    ///
    /// # Errors
    /// A target that is in `apart`, twice among the files, or there already with [`Existing::Keep`]: nothing is written then.
    /// What the file system says while writing.
    pub fn write(self, existing: Existing, apart: &[PathBuf]) -> Result<Vec<PathBuf>, OutputError> {
        for (index, (path, _)) in self.files.iter().enumerate() {
            let earlier = self.files[..index].iter().map(|(path, _)| path);
            if earlier.chain(apart).any(|other| is_same(path, other)) {
                return Err(OutputError::Apart(path.clone()));
            }
            if existing == Existing::Keep && path.exists() {
                return Err(OutputError::Exists(path.clone()));
            }
        }
        for (path, content) in &self.files {
            write_file(path, content, existing)?;
        }
        Ok(self.files.into_iter().map(|(path, _)| path).collect())
    }
}

/// Whether two paths are one file, whichever way they are written.
fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        (Err(_), Err(_)) => a.components().eq(b.components()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_where_one_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("input.iq"), "data").unwrap();
        let write = |names: &[&str], existing| {
            let mut files = Together::default();
            names.iter().for_each(|name| files.add(path(name), *name));
            files.write(existing, &[path("./input.iq")])
        };
        for existing in [Existing::Keep, Existing::Replace] {
            for names in [["new.gr", "input.iq"], ["new.gr", "./new.gr"]] {
                assert!(matches!(write(&names, existing), Err(OutputError::Apart(_))), "{names:?}");
            }
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(write(&["b.gr", "a.sq"], Existing::Keep).unwrap().len(), 2);
        assert!(matches!(write(&["c.gr", "a.sq"], Existing::Keep), Err(OutputError::Exists(_))));
        assert!(!path("c.gr").exists());
    }
}
