//! A YAML file of the user's: text → tree → `--set` → schema, with the place of everything that is wrong.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::decode::decode;
use super::parse::parse;
use super::problem::{ConfigError, ProblemKind, Problems};
use super::resolve::{Check, FramesAre};
use super::set;
use super::text::RunText;
use super::tree::{Node, Source, Value};

/// Longest file that is read.
const MAX_BYTES: u64 = 10 << 20;

/// What messages call a file, and where it is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Such as `run file`.
    pub(super) noun: &'static str,
    /// Its page.
    pub(super) page: &'static str,
}

/// The run file.
pub(super) const RUN_FILE: Kind = Kind { noun: "run file", page: "docs/run-file.md" };
/// The twin file.
pub(super) const TWIN_FILE: Kind = Kind { noun: "twin file", page: "docs/twin-file.md" };

/// A file whose YAML is right, with the overrides in place.
#[derive(Debug)]
pub(super) struct Document {
    /// The file, absolute.
    pub(super) source: PathBuf,
    kind: Kind,
    folder: PathBuf,
    text: RunText,
    root: Node,
}

impl Document {
    /// Reads the file `path` and gives it in the words of its schema `T` too; `overrides` are `key.path=value`, later
    /// ones win.
    ///
    /// # Errors
    /// A file that cannot be read or is no YAML; every override that has no place, every unknown key and every value
    /// of a wrong kind.
    pub(super) fn open<T: DeserializeOwned>(
        path: &Path,
        overrides: &[String],
        kind: Kind,
    ) -> Result<(Document, T), ConfigError> {
        let yaml = read(path, kind)?;
        let (source, folder) = place(path, kind)?;
        Document::of_text(&yaml, (path, source, folder), overrides, kind)
    }

    /// A text that comes with the program, as if it were the file `name` in `folder`.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub(super) fn embedded<T: DeserializeOwned>(
        yaml: &str,
        name: &str,
        folder: &Path,
        overrides: &[String],
        kind: Kind,
    ) -> Result<(Document, T), ConfigError> {
        let (source, folder) = place(&folder.join(name), kind)?;
        Document::of_text(yaml, (Path::new(name), source, folder), overrides, kind)
    }

    fn of_text<T: DeserializeOwned>(
        yaml: &str,
        (shown, source, folder): (&Path, PathBuf, PathBuf),
        overrides: &[String],
        kind: Kind,
    ) -> Result<(Document, T), ConfigError> {
        let text = RunText::new(shown.to_path_buf(), yaml, overrides);
        let mut problems = Problems::new(&text, None);
        let mut root = match parse(yaml, Source::RunFile) {
            Ok(root) => root,
            Err(error) => {
                problems.push_at(ProblemKind::Configuration, error.spot, "", error.message, error.mend);
                return Err(problems.into_error());
            }
        };
        if root.value == Value::Null {
            root.value = Value::Map(Vec::new());
        }
        set::apply(overrides, &mut root, &mut problems);
        let decoded = decode(&root, &mut problems).filter(|_| problems.list.is_empty());
        let Some(file) = decoded else { return Err(problems.into_error()) };
        Ok((Document { source, kind, folder, text, root }, file))
    }

    /// Begins the check of what the file means.
    pub(super) fn check(&self) -> Check<'_> {
        Check {
            folder: self.folder.clone(),
            kind: self.kind,
            frames_are: FramesAre::There,
            problems: Problems::new(&self.text, Some(&self.root)),
            calibrated: None,
        }
    }

    /// The resolved schema as YAML.
    ///
    /// # Errors
    /// A value that YAML cannot hold.
    pub(super) fn resolved<T: serde::Serialize>(&self, file: &T) -> Result<String, ConfigError> {
        serde_yaml::to_string(file).map_err(|error| {
            let message = format!("the resolved {} cannot be written as YAML: {error}", self.kind.noun);
            ConfigError::unreadable(&self.text.path, ProblemKind::Configuration, message, "")
        })
    }
}

/// The file and its folder, absolute.
fn place(path: &Path, kind: Kind) -> Result<(PathBuf, PathBuf), ConfigError> {
    let refused =
        |message: String, mend| ConfigError::unreadable(path, ProblemKind::Configuration, message, mend);
    let source = std::path::absolute(path).map_err(|error| refused(error.to_string(), ""))?;
    let folder = source.parent().unwrap_or(&source).to_path_buf();
    if folder.to_str().is_none() {
        let message = format!("the {}'s folder has a name that is no UTF-8 text", kind.noun);
        return Err(refused(message, "rename the folder"));
    }
    Ok((source, folder))
}

fn read(path: &Path, Kind { noun, page }: Kind) -> Result<String, ConfigError> {
    let refused =
        |message: String, mend| ConfigError::unreadable(path, ProblemKind::Configuration, message, mend);
    if path.is_dir() {
        return Err(refused(format!("this is a folder, expected a {noun}"), "name the .yaml file in it"));
    }
    let unreadable = |error: std::io::Error| {
        let (message, mend) = if error.kind() == ErrorKind::NotFound {
            (format!("the {noun} is not there"), format!("check the path; {page} shows how to write one"))
        } else {
            (format!("the {noun} cannot be read: {error}"), String::new())
        };
        ConfigError::unreadable(path, ProblemKind::MissingInput, message, &mend)
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("the {noun} is longer than 10 MiB");
        return Err(refused(message, "list frames by patterns such as `data/a_*.tif`"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(format!("line {line} is no UTF-8 text"), "save the file as UTF-8")
    })
}
