//! Which datasets of a file are its images.

use std::path::Path;

use rust_hdf5::{DatatypeMessage, H5File, H5Group};

use super::hdf5;
use crate::frame::FrameError;

/// Rows and columns of an image are at least so many: smaller arrays are tables.
const LEAST_SIDE: usize = 16;
/// Groups in groups; a file in which they go deeper is not searched there.
const DEEPEST: usize = 12;
/// Links that are looked at, those of groups that are linked twice each time.
const MOST_LINKS: usize = 20_000;
/// Names that a message lists.
const MOST_LISTED: usize = 8;

/// A dataset, or an external link to one.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    name: String,
    axes: usize,
}

/// Names of the datasets with images, in order: `wanted`, or all `data_000001`, `data_000002`, … of a group of that name; where
/// none is named those that Eiger masters have, else the one array of images that the file holds.
///
/// # Errors
/// The dataset is not there; no or several datasets could be meant.
pub(super) fn images(path: &Path, file: &H5File, wanted: Option<&str>) -> Result<Vec<String>, FrameError> {
    let mut names = Vec::new();
    walk(&file.root_group(), 0, &mut 0, &mut names).map_err(|error| hdf5(path, "", &error))?;
    match wanted.map(|name| name.trim_matches('/')) {
        None | Some("") => unnamed(path, file, &names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(group) => {
            let numbered = numbered(&names, group);
            if !numbered.is_empty() {
                return Ok(numbered);
            }
            let inside: Vec<String> = names.iter().filter(|name| parent(name) == group).cloned().collect();
            match candidates(file, &inside).as_slice() {
                [only] => Ok(vec![only.name.clone()]),
                _ => Err(which(path, format!("it has no dataset /{group}"), &candidates(file, &names))),
            }
        }
    }
}

fn unnamed(path: &Path, file: &H5File, names: &[String]) -> Result<Vec<String>, FrameError> {
    for name in names {
        let numbered = numbered(names, parent(name));
        if !numbered.is_empty() {
            return Ok(numbered);
        }
    }
    let all = candidates(file, names);
    let most_axes = all.iter().map(|candidate| candidate.axes).max();
    let stacks: Vec<&Candidate> = all.iter().filter(|candidate| Some(candidate.axes) == most_axes).collect();
    // The plot that a NeXus file opens with.
    let default: Vec<&Candidate> =
        stacks.iter().copied().filter(|candidate| candidate.name.ends_with("data/data")).collect();
    match (stacks.as_slice(), default.as_slice()) {
        ([], _) => Err(hdf5_without_images(path)),
        ([only], _) | (_, [only]) => Ok(vec![only.name.clone()]),
        (_, _) => Err(which(path, "it has several datasets of images".to_owned(), &all)),
    }
}

fn hdf5_without_images(path: &Path) -> FrameError {
    FrameError::Hdf5 {
        path: path.to_path_buf(),
        what: String::new(),
        reason: "it holds no dataset of images".to_owned(),
    }
}

/// Eiger's `data_000001` … in `group`, in the order of their numbers.
fn numbered(names: &[String], group: &str) -> Vec<String> {
    let number = |name: &str| -> Option<u64> {
        let digits = name.rsplit('/').next()?.strip_prefix("data_")?;
        (digits.len() == 6).then(|| digits.parse().ok()).flatten()
    };
    let mut found: Vec<(u64, &String)> = names
        .iter()
        .filter(|name| parent(name) == group)
        .filter_map(|name| number(name).map(|number| (number, name)))
        .collect();
    found.sort();
    found.into_iter().map(|(_, name)| name.clone()).collect()
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Those that are arrays of numbers with rows and columns.
fn candidates(file: &H5File, names: &[String]) -> Vec<Candidate> {
    let candidate = |name: &String| {
        let dataset = file.dataset(name).ok()?;
        let axes = dataset.shape();
        let [.., rows, columns] = axes.as_slice() else { return None };
        let large = *rows >= LEAST_SIDE && *columns >= LEAST_SIDE;
        let number = matches!(
            dataset.datatype().ok()?,
            DatatypeMessage::FixedPoint { .. } | DatatypeMessage::FloatingPoint { .. }
        );
        (large && number).then(|| Candidate { name: name.clone(), axes: axes.len() })
    };
    names.iter().filter_map(candidate).collect()
}

fn which(path: &Path, problem: String, found: &[Candidate]) -> FrameError {
    let mut names: Vec<String> =
        found.iter().take(MOST_LISTED).map(|candidate| format!("/{}", candidate.name)).collect();
    if found.len() > MOST_LISTED {
        names.push(format!("… ({} in all)", found.len()));
    }
    FrameError::WhichDataset { path: path.to_path_buf(), problem, found: names.join(", ") }
}

/// Names of all datasets, and of links that may be some. Groups that hold themselves end at [`DEEPEST`] and [`MOST_LINKS`].
fn walk(group: &H5Group, depth: usize, links: &mut usize, names: &mut Vec<String>) -> rust_hdf5::Result<()> {
    let prefix = group.name().trim_matches('/').to_owned();
    let inside = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    let groups = group.group_names()?;
    for name in group.link_names()? {
        *links += 1;
        if *links > MOST_LINKS {
            return Ok(());
        }
        if groups.contains(&name) {
            if depth < DEEPEST {
                walk(&group.group(&name)?, depth + 1, links, names)?;
            }
        } else {
            names.push(inside(&name));
        }
    }
    Ok(())
}
