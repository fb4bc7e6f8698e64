//! The run file as text with the `--set` overrides: where a message points to.

use std::path::PathBuf;

use super::tree::{Source, Spot};

/// Characters of a line that a snippet shows.
const SHOWN: usize = 100;

/// The text of a run file and what was set on the command line.
#[derive(Debug, Clone)]
pub(super) struct RunText {
    /// As it was given.
    pub(super) path: PathBuf,
    lines: Vec<String>,
    /// `key=value`, in order.
    pub(super) overrides: Vec<String>,
}

impl RunText {
    /// Keeps the lines of a run file.
    pub(super) fn new(path: PathBuf, text: &str, overrides: &[String]) -> RunText {
        RunText { path, lines: text.lines().map(str::to_string).collect(), overrides: overrides.to_vec() }
    }

    /// The name that stands before a message: the run file, or the `--set`.
    pub(super) fn source_name(&self, spot: Option<Spot>) -> String {
        self.set_of(spot).unwrap_or_else(|| self.path.display().to_string())
    }

    /// As [`RunText::source_name`], without the folder: the same from wherever the run file is named.
    pub(super) fn short_name(&self, spot: Option<Spot>) -> String {
        let name = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.set_of(spot).unwrap_or_else(name)
    }

    fn set_of(&self, spot: Option<Spot>) -> Option<String> {
        match spot.map(|spot| spot.source) {
            Some(Source::Override(index)) => self.overrides.get(index).map(|set| format!("--set {set}")),
            Some(Source::RunFile) | None => None,
        }
    }

    /// The line of a place, with its number and marks under `spot.length` characters.
    pub(super) fn snippet(&self, spot: Spot) -> String {
        let Some(line) = spot.line.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return String::new();
        };
        let column = spot.column.max(1) - 1;
        // A long line is cut so that the place stays in sight.
        let first = column.saturating_sub(SHOWN / 2);
        let visible = |c: char| if c.is_control() || c == '\u{feff}' { ' ' } else { c };
        let shown: String = line.chars().skip(first).take(SHOWN).map(visible).collect();
        let room = shown.chars().count().saturating_sub(column - first).max(1);
        let marks = "^".repeat(spot.length.clamp(1, room));
        let number = spot.line.to_string();
        let margin = " ".repeat(number.len());
        let lead = if first > 0 { "…" } else { "" };
        let indent = " ".repeat(column - first + lead.chars().count());
        format!("\n {margin} |\n {number} | {lead}{shown}\n {margin} | {indent}{marks}")
    }
}
