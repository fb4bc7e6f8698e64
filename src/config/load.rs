//! Reading a run file: text → tree → `--set` → schema → [`Config`].

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::Config;
use super::decode::decode;
use super::parse::parse;
use super::problem::{ConfigError, ProblemKind, Problems};
use super::resolve::{Check, resolve};
use super::schema::RunFile;
use super::set;
use super::text::RunText;
use super::tree::{Source, Value};

/// Longest run file that is read.
const MAX_BYTES: u64 = 10 << 20;

/// A run file that was read and found right.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// Odd, but no reason to stop; each names its key and line.
    pub warnings: Vec<String>,
    /// The run file with every default and every `--set` filled in and absolute paths; itself a run file that means
    /// the same from any folder.
    pub resolved_yaml: String,
}

/// Reads and checks the run file `path`; `overrides` are `key.path=value` as given to `--set`, later ones win.
///
/// Paths in the run file and in the overrides are relative to the run file's folder.
///
/// # Errors
/// Every problem at once with line, column, key and mend: first those of form (YAML, unknown keys, values of a wrong
/// kind); where there are none, those of meaning (missing files, impossible values, contradictions).
pub fn load(path: &Path, overrides: &[String]) -> Result<Loaded, ConfigError> {
    let yaml = read(path)?;
    let text = RunText::new(path.to_path_buf(), &yaml, overrides);
    let (source, folder) = place(path)?;
    let mut root = match parse(&yaml, Source::RunFile) {
        Ok(root) => root,
        Err(error) => {
            let mut problems = Problems::new(&text, None);
            problems.push_at(ProblemKind::Configuration, error.spot, "", error.message, error.mend);
            return Err(problems.into_error());
        }
    };
    if root.value == Value::Null {
        root.value = Value::Map(Vec::new());
    }
    let mut problems = Problems::new(&text, None);
    set::apply(overrides, &mut root, &mut problems);
    let decoded: Option<RunFile> = decode(&root, &mut problems);
    let Some(mut file) = decoded.filter(|_| problems.list.is_empty()) else {
        return Err(problems.into_error());
    };
    let mut check = Check { folder, problems: Problems::new(&text, Some(&root)) };
    let Some(config) = resolve(&mut file, source, &mut check) else {
        return Err(check.problems.into_error());
    };
    let warnings = check.problems.warnings;
    let resolved_yaml = serde_yaml::to_string(&file).map_err(|error| {
        let message = format!("the resolved run file cannot be written as YAML: {error}");
        ConfigError::unreadable(path, ProblemKind::Configuration, message, "")
    })?;
    Ok(Loaded { config, warnings, resolved_yaml })
}

/// The run file and its folder, absolute.
fn place(path: &Path) -> Result<(PathBuf, PathBuf), ConfigError> {
    let refused =
        |message: String, mend| ConfigError::unreadable(path, ProblemKind::Configuration, message, mend);
    let source = std::path::absolute(path).map_err(|error| refused(error.to_string(), ""))?;
    let folder = source.parent().unwrap_or(&source).to_path_buf();
    if folder.to_str().is_none() {
        let message = "the run file's folder has a name that is no UTF-8 text".to_string();
        return Err(refused(message, "rename the folder"));
    }
    Ok((source, folder))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let refused = |message: &str, mend| {
        ConfigError::unreadable(path, ProblemKind::Configuration, message.to_string(), mend)
    };
    if path.is_dir() {
        return Err(refused("this is a folder, expected a run file", "name the .yaml file in it"));
    }
    let unreadable = |error: std::io::Error| {
        let (message, mend) = if error.kind() == ErrorKind::NotFound {
            (
                "the run file is not there".to_string(),
                "check the path; docs/run-file.md shows how to write one",
            )
        } else {
            (format!("the run file cannot be read: {error}"), "")
        };
        ConfigError::unreadable(path, ProblemKind::MissingInput, message, mend)
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(
            "the run file is longer than 10 MiB",
            "list frames by patterns such as `data/a_*.tif`",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(&format!("line {line} is no UTF-8 text"), "save the file as UTF-8")
    })
}
