//! What a run has left of one sample: .iq, .sq and .gr of the ring, and its rows of peaks.csv.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::CompareError;
use crate::integrate::RING;
use crate::output::Header;
use crate::peaks::Measured;

/// A file in PDFgetX3's layout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SavedCurve {
    pub(super) path: PathBuf,
    header: Header,
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
        let peaks = peaks_of_run(run.as_deref())?;
        return Ok((vec![SavedSample::read(folder, &name, &peaks)?], false));
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
    let peaks = peaks_of_run(Some(folder))?;
    let read = |name: &String| SavedSample::read(&folder.join(name), name, &peaks);
    Ok((names.iter().map(read).collect::<Result<_, _>>()?, true))
}

impl SavedSample {
    fn read(folder: &Path, name: &str, peaks: &PeaksOfRun) -> Result<SavedSample, CompareError> {
        let curve = |extension: &str| SavedCurve::read(&folder.join(format!("{name}.{extension}")));
        let peaks = peaks.get(name).cloned().unwrap_or_default();
        Ok(SavedSample { name: name.to_owned(), iq: curve("iq")?, sq: curve("sq")?, gr: curve("gr")?, peaks })
    }

    /// The files that it was read from.
    pub fn files(&self) -> [&Path; 3] {
        [&self.iq.path, &self.sq.path, &self.gr.path]
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
        let (mut rows, mut data) = (Vec::<Vec<f64>>::new(), false);
        for (number, line) in text.lines().enumerate() {
            if line.starts_with("#### start data") {
                data = true;
            } else if data && !line.starts_with('#') && !line.trim().is_empty() {
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
        Ok(SavedCurve { path: path.to_path_buf(), header: Header::of_text(&text), rows })
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

/// Numbers of the rings of all sums of a run: sample → peak and column, value and σ.
type PeaksOfRun = HashMap<String, Vec<(String, Measured)>>;

fn peaks_of_run(run: Option<&Path>) -> Result<PeaksOfRun, CompareError> {
    let Some(path) = run.map(|run| run.join("peaks.csv")).filter(|path| path.exists()) else {
        return Ok(PeaksOfRun::new());
    };
    let text = text_of(&path)?;
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let damaged = |error: csv::Error| CompareError::Content {
        path: path.clone(),
        line: error.position().map_or(1, |place| place.line() as usize),
        found: error.to_string(),
        expected: "the peaks.csv of a run",
    };
    let columns = table.headers().map_err(damaged)?.clone();
    let place = |name: &str| {
        columns.iter().position(|column| column == name).ok_or_else(|| CompareError::Content {
            path: path.clone(),
            line: 1,
            found: format!("no column `{name}`"),
            expected: "the peaks.csv of a run",
        })
    };
    let [of_sample, of_frame, of_sector, of_peak] =
        [place("sample")?, place("frame")?, place("sector")?, place("peak")?];
    let pairs: Vec<(usize, usize, &str)> = columns
        .iter()
        .enumerate()
        .filter_map(|(index, column)| {
            let sigma = columns.iter().position(|other| other == format!("{column}_sigma"))?;
            Some((index, sigma, column))
        })
        .collect();
    let mut found = PeaksOfRun::new();
    for row in table.records() {
        let row = row.map_err(damaged)?;
        let cell = |index: usize| row.get(index).unwrap_or_default();
        if [cell(of_frame), cell(of_sector)] != ["sum", RING] {
            continue;
        }
        let of_sample = found.entry(cell(of_sample).to_owned()).or_default();
        for (index, sigma, column) in &pairs {
            if let (Ok(value), Ok(sigma)) = (cell(*index).parse(), cell(*sigma).parse()) {
                of_sample.push((format!("{} {column}", cell(of_peak)), Measured { value, sigma }));
            }
        }
    }
    Ok(found)
}
