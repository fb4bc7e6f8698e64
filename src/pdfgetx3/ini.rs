//! The INI text: sections of `key = value`, with `[DEFAULT]` under all of them.

use std::path::{Path, PathBuf};

/// Why a configuration of PDFgetX3 cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PdfGetX3Error {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A line that is neither section nor `key = value`.
    #[error("{path}:{line}: found `{found}`, expected `[section]` or `key = value`")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A key that PDFgetX3 does not have.
    #[error("{path}: unknown key `{key}`; known are {known}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// All keys.
        known: String,
    },
    /// A value that cannot be meant.
    #[error("{path}: {key} is `{found}`, expected {expected}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What was found.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A section that is not there.
    #[error("{path}: there is no section `[{section}]`")]
    Section {
        /// The file.
        path: PathBuf,
        /// Its name.
        section: String,
    },
}

/// What ends the header of an output.
const START_OF_DATA: &str = "start data";

/// Whether a file is a .cfg file, or an output of PDFgetX3 that names what it was made from. This program's own outputs have
/// such headers too, but say `scale`.
pub fn is_config(path: &Path) -> bool {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("cfg")) {
        return true;
    }
    let Ok(bytes) = crate::text_file::read_bytes(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let said = entries(&text, path, None).unwrap_or_default();
    let says = |wanted: &str| said.iter().any(|(key, _)| key == wanted);
    says("inputfile") && says("rpoly") && !says("scale")
}

/// Keys and values of `[DEFAULT]`, then those of `section`, which go before them; later ones win.
pub(super) fn entries(
    text: &str,
    path: &Path,
    section: Option<&str>,
) -> Result<Vec<(String, String)>, PdfGetX3Error> {
    let mut entries: Vec<(String, String, String)> = Vec::new();
    let mut current = String::from("DEFAULT");
    let mut sections = vec![current.clone()];
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.trim_start_matches('#').trim() == START_OF_DATA {
            break;
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name.trim().to_owned();
            sections.push(current.clone());
        } else if let (true, Some(last)) = (raw.starts_with([' ', '\t']), entries.last_mut()) {
            // A line that is indented goes on with the value before.
            last.2.push(' ');
            last.2.push_str(line);
        } else if let Some((key, value)) = line.split_once(['=', ':']) {
            entries.push((current.clone(), key.trim().to_lowercase(), value.trim().to_owned()));
        } else {
            let found = line.chars().take(40).collect();
            return Err(PdfGetX3Error::Line { path: path.to_owned(), line: index + 1, found });
        }
    }
    if let Some(wanted) = section.filter(|wanted| !sections.iter().any(|known| known == wanted)) {
        return Err(PdfGetX3Error::Section { path: path.to_owned(), section: wanted.to_owned() });
    }
    let of = |wanted: &str| -> Vec<(String, String)> {
        let there = entries.iter().filter(|(section, _, _)| section == wanted);
        there.map(|(_, key, value)| (key.clone(), value.clone())).collect()
    };
    let mut result = of("DEFAULT");
    result.extend(section.filter(|name| *name != "DEFAULT").map(of).unwrap_or_default());
    Ok(result)
}
