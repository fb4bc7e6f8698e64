//! Files of the run file: paths relative to its folder, glob patterns, numeric order, files of several images.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Check;
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

    fn matches(&mut self, key: &str, pattern: &mut String) -> Vec<PathBuf> {
        let shown = pattern.clone();
        let literal = self.folder.join(&*pattern);
        let (files_only, dataset) = split_dataset(Path::new(&shown));
        let files_only = files_only.to_string_lossy().into_owned();
        let dataset = dataset.map(|dataset| format!("::{dataset}")).unwrap_or_default();
        if split_dataset(&literal).0.is_file() || !files_only.contains(['*', '?', '[']) {
            return self.input_file(key, pattern).into_iter().collect();
        }
        let searched = if Path::new(&files_only).is_absolute() {
            files_only
        } else {
            format!("{}/{files_only}", glob::Pattern::escape(&self.folder.to_string_lossy()))
        };
        *pattern = format!("{searched}{dataset}");
        // Hidden files are no frames.
        let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
        let found = match glob::glob_with(&searched, options) {
            Ok(found) => found,
            Err(error) => {
                let message = format!("`{shown}` is no pattern: {} (character {})", error.msg, error.pos + 1);
                self.problems.push(key, message, "patterns know `*`, `?`, `[0-9]` and `**`");
                return Vec::new();
            }
        };
        let mut files = Vec::new();
        for entry in found {
            match entry {
                Ok(path) if path.is_dir() => {}
                // A link that leads nowhere is a frame that is missing: the run names it.
                Ok(path) => files.push(path),
                Err(error) => {
                    let message = format!("`{}` cannot be read: {}", error.path().display(), error.error());
                    self.problems.missing(key, message, "make the folder readable");
                }
            }
        }
        if files.is_empty() {
            self.problems.missing(key, format!("no file matches `{shown}`"), self.looked_in());
        }
        files.sort_by(|a, b| numeric_order(&a.to_string_lossy(), &b.to_string_lossy()));
        let with_dataset = |file: PathBuf| {
            let mut path = file.into_os_string();
            path.push(&dataset);
            PathBuf::from(path)
        };
        files.into_iter().map(with_dataset).collect()
    }

    fn looked_in(&self) -> String {
        format!("paths are relative to the {}'s folder {}", self.kind.noun, self.folder.display())
    }
}

/// Order in which runs of digits count as numbers.
fn numeric_order(a: &str, b: &str) -> Ordering {
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
    use super::numeric_order;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["a_10.tif", "a_2.tif", "a_1.tif", "b_1.tif", "a_002.tif", "a_1_20.tif", "a_1_3.tif"];
        names.sort_by(|a, b| numeric_order(a, b));
        assert_eq!(
            names,
            ["a_1.tif", "a_1_3.tif", "a_1_20.tif", "a_002.tif", "a_2.tif", "a_10.tif", "b_1.tif"]
        );
    }
}
