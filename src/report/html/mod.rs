//! `report/index.html`: one page with all that a run has left, made from the files of its folder.
//!
//! Nothing is computed again, so that a report can be made of any results at any time; it needs no network.

mod abscissa;
mod changes;
mod curves;
mod figure;
mod frames;
mod metrics;
mod page;
mod pictures;
mod record;
mod results;
mod sectors;
mod table;

use std::path::{Path, PathBuf};

use crate::output::{Existing, OutputError, make_folder, write_file};
use results::Results;
use table::Table;

/// Where the page stands in a folder of results.
pub const REPORT_FILE: &str = "report/index.html";

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file that every finished run leaves, or that its record lists.
    #[error("{path}: cannot be read: {source}; give the folder of a finished run")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not as halor writes it.
    #[error("{path}: {reason}; run again, or give the folder of a finished run")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The page cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
}

/// Makes the page from the results in `folder` and writes it there; a page that is there is replaced, since it says nothing that
/// the results do not. Gives its path.
///
/// # Errors
/// [`ReportError`].
pub fn write_report(folder: &Path) -> Result<PathBuf, ReportError> {
    let results = Results::read(folder)?;
    let html = html(&results)?;
    let path = folder.join(REPORT_FILE);
    make_folder(&folder.join("report"))?;
    write_file(&path, html.as_bytes(), Existing::Replace)?;
    Ok(path)
}

fn html(results: &Results) -> Result<String, ReportError> {
    let sections = [
        metrics::overview(results)?,
        curves::section(results)?,
        metrics::section(results),
        changes::section(results)?,
        changes::anisotropy(results)?,
        sectors::section(results)?,
        frames::section(results)?,
        pictures::section(results)?,
        record::quality(results),
        record::record(results),
    ];
    let name = results.record.run_file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let subtitle = format!("{} samples, {} frames", results.samples.len(), results.record.ledger.found);
    Ok(page::page(&format!("halor: {name}"), &subtitle, &sections))
}
