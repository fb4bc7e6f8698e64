//! What a run has left of one sample: .iq, .sq and .gr of the ring, and its rows of peaks.csv.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::CompareError;
use crate::peaks::Measured;

/// A file in PDFgetX3's layout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SavedCurve {
    pub(super) path: PathBuf,
    header: BTreeMap<String, String>,
    /// Rows of numbers, all of one length.
    pub(super) rows: Vec<Vec<f64>>,
}

/// One sample of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedSample {
    /// Its name.
    pub name: String,
    /// I(Q), background subtracted.
    pub(super) iq: SavedCurve,
    pub(super) sq: SavedCurve,
    pub(super) gr: SavedCurve,
    /// Peak and number, in the order of the table.
    pub(super) peaks: Vec<(String, Measured)>,
}

/// The samples in a folder; whether it is that of a run.
///
/// # Errors
/// A folder without results, files that cannot be read.
pub fn find_samples(folder: &Path) -> Result<(Vec<SavedSample>, bool), CompareError> {
    let name =
        folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    if let Some(name) = name.filter(|name| folder.join(format!("{name}.sq")).exists()) {
        let run = folder.canonicalize().ok().and_then(|path| Some(path.parent()?.to_path_buf()));
        return Ok((vec![SavedSample::read(folder, &name, run.as_deref())?], false));
    }
    if !folder.join("run.json").exists() {
        return Err(CompareError::NoResults(folder.to_path_buf()));
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|reason| CompareError::File { path: folder.to_path_buf(), reason })?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| folder.join(name).join(format!("{name}.sq")).exists())
        .collect();
    names.sort();
    let read = |name: &String| SavedSample::read(&folder.join(name), name, Some(folder));
    Ok((names.iter().map(read).collect::<Result<_, _>>()?, true))
}

impl SavedSample {
    fn read(folder: &Path, name: &str, run: Option<&Path>) -> Result<SavedSample, CompareError> {
        let curve = |extension: &str| SavedCurve::read(&folder.join(format!("{name}.{extension}")));
        let peaks = match run.map(|run| run.join("peaks.csv")).filter(|path| path.exists()) {
            Some(path) => peaks(&path, name)?,
            None => Vec::new(),
        };
        Ok(SavedSample { name: name.to_owned(), iq: curve("iq")?, sq: curve("sq")?, gr: curve("gr")?, peaks })
    }
}

fn text_of(path: &Path) -> Result<String, CompareError> {
    std::fs::read_to_string(path).map_err(|reason| CompareError::File { path: path.to_path_buf(), reason })
}

impl SavedCurve {
    fn read(path: &Path) -> Result<SavedCurve, CompareError> {
        let text = text_of(path)?;
        let wrong = |line: usize, found: &str, expected| CompareError::Content {
            path: path.to_path_buf(),
            line: line + 1,
            found: format!("`{}`", found.chars().take(60).collect::<String>().escape_debug()),
            expected,
        };
        let (mut header, mut rows, mut data) = (BTreeMap::new(), Vec::<Vec<f64>>::new(), false);
        for (number, line) in text.lines().enumerate() {
            if line.starts_with("#### start data") {
                data = true;
            } else if !data {
                if let Some((key, value)) = line.split_once(" = ") {
                    header.insert(key.trim().to_owned(), value.trim().to_owned());
                }
            } else if !line.starts_with('#') && !line.trim().is_empty() {
                let row: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
                let row = row.map_err(|_| wrong(number, line, "numbers"))?;
                if row.len() < 3 || rows.first().is_some_and(|first| first.len() != row.len()) {
                    return Err(wrong(number, line, "as many columns as in the first row, three at least"));
                }
                rows.push(row);
            }
        }
        if rows.len() < 2 {
            return Err(wrong(
                text.lines().count(),
                "the end of the file",
                "`#### start data` and rows of numbers",
            ));
        }
        Ok(SavedCurve { path: path.to_path_buf(), header, rows })
    }

    pub(super) fn column(&self, index: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row[index]).collect()
    }

    pub(super) fn columns(&self) -> usize {
        self.rows[0].len()
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.header.get(key)?.parse().ok()
    }
}

/// Numbers of the ring of a sample's sum: peak and column, value and σ.
fn peaks(path: &Path, sample: &str) -> Result<Vec<(String, Measured)>, CompareError> {
    let text = text_of(path)?;
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let damaged = |error: csv::Error| CompareError::Content {
        path: path.to_path_buf(),
        line: error.position().map_or(1, |place| place.line() as usize),
        found: error.to_string(),
        expected: "the peaks.csv of a run",
    };
    let columns = table.headers().map_err(damaged)?.clone();
    let place = |name: &str| {
        columns.iter().position(|column| column == name).ok_or_else(|| CompareError::Content {
            path: path.to_path_buf(),
            line: 1,
            found: format!("no column `{name}`"),
            expected: "the peaks.csv of a run",
        })
    };
    let [of_sample, of_frame, of_sector, of_peak] =
        [place("sample")?, place("frame")?, place("sector")?, place("peak")?];
    let mut found = Vec::new();
    for row in table.records() {
        let row = row.map_err(damaged)?;
        let cell = |index: usize| row.get(index).unwrap_or_default();
        if [cell(of_sample), cell(of_frame), cell(of_sector)] != [sample, "sum", "ring"] {
            continue;
        }
        for (index, column) in columns.iter().enumerate() {
            let sigma = columns.iter().position(|other| other == format!("{column}_sigma"));
            let numbers =
                sigma.and_then(|sigma| Some((cell(index).parse().ok()?, cell(sigma).parse().ok()?)));
            if let Some((value, sigma)) = numbers {
                found.push((format!("{} {column}", cell(of_peak)), Measured { value, sigma }));
            }
        }
    }
    Ok(found)
}
