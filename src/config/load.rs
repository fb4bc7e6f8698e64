//! Reading a run file: document → schema → [`Config`].

use std::path::{Path, PathBuf};

use super::Config;
use super::document::{Document, RUN_FILE};
use super::problem::ConfigError;
use super::resolve::{Check, FramesAre, matches, resolve};
use super::schema::RunFile;
use crate::tune::Advice;

/// A run file that was read and found right.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// Odd, but no reason to stop; each names its key and line.
    pub warnings: Vec<String>,
    /// How the values of [`crate::batch::tune`] among the overrides were found; empty without it.
    pub tuned: Vec<Advice>,
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
    load_with(path, overrides, FramesAre::There)
}

/// As [`load`], but samples and backgrounds may have no frames yet.
///
/// # Errors
/// As [`load`].
pub fn load_before_frames(path: &Path, overrides: &[String]) -> Result<Loaded, ConfigError> {
    load_with(path, overrides, FramesAre::ToCome)
}

fn load_with(path: &Path, overrides: &[String], frames_are: FramesAre) -> Result<Loaded, ConfigError> {
    let (document, mut file) = Document::open::<RunFile>(path, overrides, RUN_FILE)?;
    let mut check = Check { frames_are, ..document.check() };
    let Some(config) = resolve(&mut file, document.source.clone(), &mut check) else {
        return Err(check.problems.into_error());
    };
    let warnings = check.problems.warnings;
    Ok(Loaded { config, warnings, tuned: Vec::new(), resolved_yaml: document.resolved(&file)? })
}

/// The files that an absolute pattern of a sample or background matches now, in numeric order; none in folders that cannot be read.
pub fn files_of(pattern: &str) -> Vec<PathBuf> {
    matches(pattern).map(|found| found.files).unwrap_or_default()
}
