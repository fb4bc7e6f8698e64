//! What is wrong with a run file: every problem with its line, its key and its mend.

use std::path::{Path, PathBuf};

use super::text::RunText;
use super::tree::{Node, Source, Spot};

/// A message with more problems than these is not read.
const MOST_SHOWN: usize = 40;

/// Everything that is wrong with a run file, in the order of their places.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", listing(.problems))]
pub struct ConfigError {
    /// The run file.
    pub run_file: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Whether the run file itself is right and only files that it names (or the run file) are missing.
    pub fn only_missing_inputs(&self) -> bool {
        self.problems.iter().all(|problem| problem.kind == ProblemKind::MissingInput)
    }

    /// The run file itself cannot be had.
    pub(super) fn unreadable(run_file: &Path, kind: ProblemKind, message: String, mend: &str) -> ConfigError {
        let problem = Problem {
            kind,
            line: None,
            column: None,
            key: String::new(),
            message,
            mend: mend.to_string(),
            source: run_file.display().to_string(),
            snippet: String::new(),
        };
        ConfigError { run_file: run_file.to_path_buf(), problems: vec![problem] }
    }
}

fn listing(problems: &[Problem]) -> String {
    let shown: Vec<String> = problems.iter().take(MOST_SHOWN).map(Problem::to_string).collect();
    let mut text = shown.join("\n\n");
    if problems.len() > MOST_SHOWN {
        text.push_str(&format!("\n\n{} problems, the first {MOST_SHOWN} are shown", problems.len()));
    } else if problems.len() > 1 {
        text.push_str(&format!("\n\n{} problems", problems.len()));
    }
    text
}

/// What a problem means for the one who started the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The run file must be changed.
    Configuration,
    /// A file that the run file names is not there.
    MissingInput,
}

/// One problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Run file or missing file.
    pub kind: ProblemKind,
    /// Line in the run file, from 1; `None` for a key given with `--set` or for the file as a whole.
    pub line: Option<usize>,
    /// Column of that line in characters, from 1.
    pub column: Option<usize>,
    /// Path of the key, such as `samples[2].frames`; empty for the file as a whole.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do; may be empty.
    pub mend: String,
    /// The run file, or the `--set` that gave the key.
    pub source: String,
    /// The line with a mark under the place; empty without a line.
    pub snippet: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error: {}", self.source)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}{}", self.message, self.snippet)?;
        if !self.mend.is_empty() {
            write!(f, "\n   = {}", self.mend)?;
        }
        Ok(())
    }
}

/// Collects problems and warnings while a run file is checked.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    text: &'a RunText,
    root: Option<&'a Node>,
    /// So far.
    pub(super) list: Vec<Problem>,
    /// Odd, but no reason to stop.
    pub(super) warnings: Vec<String>,
}

impl<'a> Problems<'a> {
    /// Nothing found yet; places of keys are looked up in `root`.
    pub(super) fn new(text: &'a RunText, root: Option<&'a Node>) -> Problems<'a> {
        Problems { text, root, list: Vec::new(), warnings: Vec::new() }
    }

    /// The run file must be changed at `key`.
    pub(super) fn push(&mut self, key: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.push_kind(ProblemKind::Configuration, key, message.into(), mend.into());
    }

    /// The file that `key` names is not there.
    pub(super) fn missing(&mut self, key: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.push_kind(ProblemKind::MissingInput, key, message.into(), mend.into());
    }

    fn push_kind(&mut self, kind: ProblemKind, key: &str, message: String, mend: String) {
        let spot = self.root.and_then(|root| root.spot_of(key));
        self.push_at(kind, spot, key, message, mend);
    }

    /// A problem at a known place.
    pub(super) fn push_at(
        &mut self,
        kind: ProblemKind,
        spot: Option<Spot>,
        key: &str,
        message: String,
        mend: String,
    ) {
        let in_file = spot.filter(|spot| spot.source == Source::RunFile);
        self.list.push(Problem {
            kind,
            line: in_file.map(|spot| spot.line),
            column: in_file.map(|spot| spot.column),
            key: key.to_string(),
            message,
            mend,
            source: self.text.source_name(spot),
            snippet: in_file.map(|spot| self.text.snippet(spot)).unwrap_or_default(),
        });
    }

    /// Notes a warning about `key`, with its line.
    pub(super) fn warn(&mut self, key: &str, message: &str) {
        let spot = self.root.and_then(|root| root.spot_of(key));
        let line = spot.filter(|spot| spot.source == Source::RunFile).map(|spot| spot.line);
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        self.warnings.push(format!("{}{line}: {key}: {message}", self.text.short_name(spot)));
    }

    /// All problems as the error, in the order of their places; those without a place come first.
    pub(super) fn into_error(mut self) -> ConfigError {
        self.list.sort_by_key(|problem| (problem.line, problem.column));
        ConfigError { run_file: self.text.path.clone(), problems: self.list }
    }
}

/// The entry of `allowed` most like `word`, where one is similar enough to be meant.
pub(super) fn nearest<'a, T: AsRef<str> + ?Sized + 'a>(
    word: &str,
    allowed: impl IntoIterator<Item = &'a T>,
) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let (short, long) =
            if wanted.len() < candidate.len() { (&wanted, &candidate) } else { (&candidate, &wanted) };
        let begins = if short.len() >= 3 && long.starts_with(short.as_str()) { 0.8 } else { 0.0 };
        strsim::normalized_damerau_levenshtein(&wanted, &candidate).max(begins)
    };
    allowed
        .into_iter()
        .map(|candidate| (likeness(candidate.as_ref()), candidate.as_ref()))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `did you mean …? allowed here: …` for a word that is not among `allowed`.
pub(super) fn suggestion(word: &str, allowed: &[&'static str]) -> String {
    let list = format!("allowed here: {}", allowed.join(", "));
    nearest(word, allowed).map_or_else(|| list.clone(), |near| format!("did you mean `{near}`? {list}"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_fingers_finds_its_key_and_noise_finds_none() {
        let keys = ["bins", "range", "unit", "energy_kev", "centre_px"];
        assert_eq!(nearest("binz", &keys), Some("bins"));
        assert_eq!(nearest("energy", &keys), Some("energy_kev"));
        assert_eq!(nearest("center_px", &keys), Some("centre_px"));
        assert_eq!(nearest("qqqqqq", &keys), None);
    }
}
