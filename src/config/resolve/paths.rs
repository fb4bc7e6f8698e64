//! Files of the run file: paths relative to its folder, glob patterns, numeric order, files of several images.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Check, FramesAre};
use crate::config::schema::Patterns;
use crate::frame::{FrameAddress, image_count, split_dataset};

impl Check<'_> {
    /// The path against the run file's folder; what is written becomes absolute too.
    pub(in crate::config) fn absolute(&self, written: &mut String) -> PathBuf {
        let path = self.folder.join(&*written);
        let path = std::path::absolute(&path).unwrap_or(path);
        *written = path.to_string_lossy().into_owned();
        path
    }

    /// A file that must be there; in HDF5 a dataset in it may be named behind `::`.
    pub(in crate::config) fn input_file(&mut self, key: &str, written: &mut String) -> Option<PathBuf> {
        let shown = written.clone();
        let path = self.absolute(written);
        if split_dataset(&path).0.is_file() {
            return Some(path);
        }
        let found = if path.is_dir() { "is a folder, expected a file" } else { "is not there" };
        self.problems.missing(key, format!("`{shown}` {found}"), self.looked_in());
        None
    }

    /// All images of all files that the patterns match: patterns in the order written, the files of one in numeric
    /// order (`a_2` before `a_10`), the images of one file in its order.
    pub(super) fn frames(&mut self, key: &str, patterns: &mut Patterns) -> Vec<FrameAddress> {
        if patterns.0.is_empty() {
            self.problems.push(key, "the list of frames is empty", "write paths or patterns");
        }
        let several = patterns.0.len() > 1;
        let mut files: Vec<PathBuf> = Vec::new();
        for (index, pattern) in patterns.0.iter_mut().enumerate() {
            let key = if several { format!("{key}[{index}]") } else { key.to_string() };
            files.extend(self.matches(&key, pattern));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = files.iter().find(|path| !seen.insert(path.as_path())) {
            let message = format!("`{}` is matched by more than one pattern", twice.display());
            self.problems.push(key, message, "each frame counts once: make the patterns disjoint");
        }
        // A file that cannot be read stays in the list: the run reports it and goes on with the others.
        files
            .into_par_iter()
            .flat_map_iter(|path| {
                let count = image_count(&path).unwrap_or(1).max(1);
                (0..count).map(move |image| FrameAddress { path: path.clone(), image })
            })
            .collect()
    }

    /// The files that a pattern matches, which becomes absolute.
    fn matches(&mut self, key: &str, pattern: &mut String) -> Vec<PathBuf> {
        let shown = pattern.clone();
        *pattern = absolute_pattern(&self.folder, pattern);
        let Matches { files, unreadable } = match matches(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                let message = format!("`{shown}` is no pattern: {} (character {})", error.msg, error.pos + 1);
                self.problems.push(key, message, "patterns know `*`, `?`, `[0-9]` and `**`");
                return Vec::new();
            }
        };
        for error in &unreadable {
            let message = format!("`{}` cannot be read: {}", error.path().display(), error.error());
            self.problems.missing(key, message, "make the folder readable");
        }
        if files.is_empty() && self.frames_are == FramesAre::There {
            let path = Path::new(&*pattern);
            let found = if is_pattern(pattern) {
                format!("no file matches `{shown}`")
            } else if path.is_dir() {
                format!("`{shown}` is a folder, expected a file")
            } else {
                format!("`{shown}` is not there")
            };
            self.problems.missing(key, found, self.looked_in());
        }
        files
    }

    fn looked_in(&self) -> String {
        format!("paths are relative to the {}'s folder {}", self.kind.noun, self.folder.display())
    }
}

/// The pattern against a folder. A file of just this name goes before what it would mean as a pattern.
fn absolute_pattern(folder: &Path, pattern: &str) -> String {
    let literal = std::path::absolute(folder.join(pattern)).unwrap_or_else(|_| folder.join(pattern));
    if !is_pattern(pattern) || split_dataset(&literal).0.is_file() || Path::new(pattern).is_absolute() {
        return literal.to_string_lossy().into_owned();
    }
    format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()))
}

/// Whether a path has signs of a pattern, before the name of a dataset.
fn is_pattern(path: &str) -> bool {
    split_dataset(Path::new(path)).0.to_string_lossy().contains(['*', '?', '['])
}

/// What a pattern matches now.
#[derive(Debug, Default)]
pub(in crate::config) struct Matches {
    /// In numeric order.
    pub(in crate::config) files: Vec<PathBuf>,
    /// Folders that cannot be looked into.
    pub(in crate::config) unreadable: Vec<glob::GlobError>,
}

/// The files that an absolute pattern matches now; nothing where it is a path and there is no such file.
///
/// # Errors
/// It is no pattern.
pub(in crate::config) fn matches(pattern: &str) -> Result<Matches, glob::PatternError> {
    let (file, dataset) = split_dataset(Path::new(pattern));
    if file.is_file() {
        return Ok(Matches { files: vec![PathBuf::from(pattern)], unreadable: Vec::new() });
    }
    if !is_pattern(pattern) {
        return Ok(Matches::default());
    }
    // Hidden files are no frames.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let mut found = Matches::default();
    for entry in glob::glob_with(&file.to_string_lossy(), options)? {
        match entry {
            Ok(path) if path.is_dir() => {}
            // A link that leads nowhere is a frame that is missing: the run names it.
            Ok(path) => found.files.push(path),
            Err(error) => found.unreadable.push(error),
        }
    }
    found.files.sort_by(|a, b| numeric_order(a, b));
    if let Some(dataset) = dataset {
        let with_dataset = |file: &mut PathBuf| {
            file.as_mut_os_string().push(format!("::{dataset}"));
        };
        found.files.iter_mut().for_each(with_dataset);
    }
    Ok(found)
}

/// The order of frames: runs of digits in a file's name count as numbers (`a_2` before `a_10`).
pub fn numeric_order(a: &Path, b: &Path) -> Ordering {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let (a, b): (&str, &str) = (&a, &b);
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (first, rest_left) = digits(left);
            let (second, rest_right) = digits(right);
            let (first, second) = (first.trim_start_matches('0'), second.trim_start_matches('0'));
            let order = first.len().cmp(&second.len()).then_with(|| first.cmp(second));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest_left, rest_right);
        } else if x == y {
            (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
        } else {
            return x.cmp(&y);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["a_10.tif", "a_2.tif", "a_1.tif", "b_1.tif", "a_002.tif", "a_1_20.tif", "a_1_3.tif"];
        names.sort_by(|a, b| numeric_order(Path::new(a), Path::new(b)));
        assert_eq!(
            names,
            ["a_1.tif", "a_1_3.tif", "a_1_20.tif", "a_002.tif", "a_2.tif", "a_10.tif", "b_1.tif"]
        );
    }
}
