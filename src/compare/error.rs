//! Why two results cannot be compared.

use std::path::PathBuf;

/// What stands against it.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A folder that holds neither a run nor a sample.
    #[error(
        "{0}: no results here; expected the output folder of a run (with run.json) or the folder of a sample (SAMPLE/SAMPLE.sq)"
    )]
    NoResults(PathBuf),
    /// Runs without a sample in common.
    #[error(
        "{a} and {b} have no sample of the same name: {of_a} and {of_b}; give the folders of two samples"
    )]
    NothingInCommon {
        /// First folder.
        a: PathBuf,
        /// Second folder.
        b: PathBuf,
        /// Its samples.
        of_a: String,
        /// Its samples.
        of_b: String,
    },
    /// A run against a sample.
    #[error(
        "{run} is the folder of a run and {sample} that of a sample; give two of a kind, such as {run}/SAMPLE"
    )]
    Kinds {
        /// The run.
        run: PathBuf,
        /// The sample.
        sample: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        reason: std::io::Error,
    },
    /// A file that is none of ours.
    #[error("{path}, line {line}: {found}; expected {expected}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Curves that have no points in common.
    #[error("{a} and {b} have no range in common")]
    Range {
        /// First file.
        a: PathBuf,
        /// Second file.
        b: PathBuf,
    },
}
