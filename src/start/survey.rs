//! What is in a folder of frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::Pattern;

use super::StartError;
use crate::batch::JOURNAL_FOLDER;
use crate::frame::{FrameAddress, FrameHeader, Shape, image_count, read};
use crate::geometry::Detector;
use crate::geometry::calibrate::Calibrant;

/// Extensions of frames, before `.gz`.
const FRAMES: [&str; 9] = ["tif", "tiff", "cbf", "edf", "h5", "hdf5", "nxs", "nx", "cxi"];
/// Extensions of masks that are no frames; others are masks where their name says so.
const MASKS: [&str; 1] = ["msk"];
const NAMED_MASKS: [&str; 2] = ["png", "npy"];
/// Folders in folders that are looked into.
const DEEPEST: usize = 3;
/// Files that are looked at.
const MOST_FILES: usize = 1_000_000;

/// Frames that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they share.
    pub name: String,
    /// Their pattern, or the only file.
    pub pattern: PathBuf,
    /// How many files.
    pub files: usize,
    /// The first of them.
    pub first: PathBuf,
}

/// A folder, looked through.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The samples.
    pub samples: Vec<Group>,
    /// Frames of calibrants, with the calibrant's name.
    pub calibrants: Vec<(String, Group)>,
    /// Dark frames.
    pub darks: Vec<Group>,
    /// Flat fields.
    pub flats: Vec<Group>,
    /// Masks.
    pub masks: Vec<PathBuf>,
    /// Geometry files.
    pub ponis: Vec<PathBuf>,
    /// Pixels of the first frame that can be read.
    pub shape: Option<Shape>,
    /// What its header says.
    pub header: FrameHeader,
    /// The detector that the header names, where it is known.
    pub detector: Option<String>,
}

/// Looks through `folder`; `poni` goes before the .poni files in it.
///
/// # Errors
/// The folder cannot be listed, or holds no frames.
pub fn survey(folder: &Path, poni: Option<&Path>) -> Result<Survey, StartError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut files = Vec::new();
    list(&folder, 0, &mut files).map_err(|source| StartError::Folder { path: folder.clone(), source })?;
    files.sort();
    let mut ponis: Vec<PathBuf> =
        files.iter().filter(|path| has_extension(path, &["poni"])).cloned().collect();
    if let Some(poni) = poni {
        ponis = vec![std::path::absolute(poni).unwrap_or_else(|_| poni.to_owned())];
    }
    let masks = files.iter().filter(|path| is_mask(path)).cloned().collect();
    let frames = files.iter().filter(|path| has_extension(path, &FRAMES) && !is_mask(path) && !is_part(path));
    let mut groups: BTreeMap<(PathBuf, String, String), Vec<&PathBuf>> = BTreeMap::new();
    for path in frames {
        let (stem, extension) = stem_and_extension(path);
        let parent = path.parent().unwrap_or(&folder).to_owned();
        groups.entry((parent, prefix(&stem).to_owned(), extension)).or_default().push(path);
    }
    let mut found = Survey {
        folder,
        samples: Vec::new(),
        calibrants: Vec::new(),
        darks: Vec::new(),
        flats: Vec::new(),
        masks,
        ponis,
        shape: None,
        header: FrameHeader::default(),
        detector: None,
    };
    for ((parent, prefix, extension), files) in groups {
        let group = group(&found.folder, &parent, &prefix, &extension, &files);
        let name = group.name.to_lowercase();
        // Two letters (Si, Ni, Au) are an element in the names of samples too.
        let mut calibrants = Calibrant::names().filter(|known| known.len() > 2);
        if let Some(calibrant) = calibrants.find(|known| name.contains(&known.to_lowercase())) {
            found.calibrants.push((calibrant.to_owned(), group));
        } else if name.contains("dark") {
            found.darks.push(group);
        } else if name.contains("flat") {
            found.flats.push(group);
        } else {
            found.samples.push(group);
        }
    }
    if found.samples.is_empty() {
        return Err(StartError::NoFrames(found.folder));
    }
    unique(&mut found.samples);
    let first = found.samples.iter().find_map(|group| {
        read(&FrameAddress { path: group.first.clone(), image: 0 }).ok().map(|loaded| loaded.frame)
    });
    if let Some(frame) = first {
        found.shape = Some(frame.shape);
        found.detector = frame.header.detector.as_deref().and_then(known);
        found.header = frame.header;
    }
    Ok(found)
}

/// The name in our tables of what a header calls its detector.
fn known(written: &str) -> Option<String> {
    let plain = written.split(',').next().unwrap_or(written);
    [written, plain, plain.trim_end_matches("-F")]
        .into_iter()
        .find_map(|name| Detector::named(name.trim()).ok())
        .map(|detector| detector.name)
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || files.len() >= MOST_FILES {
            continue;
        }
        if path.is_dir() {
            // Results of a run are no frames.
            if path.join("run.json").is_file() || path.join(JOURNAL_FOLDER).is_dir() {
                continue;
            }
            // A folder that may not be read holds nothing for us.
            if depth < DEEPEST {
                let _ = list(&path, depth + 1, files);
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Stem, and what follows it: the extension with `.gz` where there is one.
fn stem_and_extension(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = Path::new(plain).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = name[stem.len()..].to_owned();
    (stem, extension)
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let (_, extension) = stem_and_extension(path);
    let extension = extension.to_lowercase();
    known.iter().any(|known| extension == format!(".{known}") || extension == format!(".{known}.gz"))
}

fn is_mask(path: &Path) -> bool {
    let (stem, _) = stem_and_extension(path);
    let named = stem.to_lowercase().contains("mask");
    has_extension(path, &MASKS)
        || (named && (has_extension(path, &FRAMES) || has_extension(path, &NAMED_MASKS)))
}

/// Whether a master file leads to it: Eiger's `scan_data_000001.h5`.
fn is_part(path: &Path) -> bool {
    let (stem, _) = stem_and_extension(path);
    let number = stem.rsplit_once("_data_").map(|(_, number)| number);
    number.is_some_and(|number| number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A stem without the number at its end.
fn prefix(stem: &str) -> &str {
    let without = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    if without.len() == stem.len() || without.is_empty() { stem } else { without }
}

fn group(folder: &Path, parent: &Path, prefix: &str, extension: &str, files: &[&PathBuf]) -> Group {
    let plain = prefix.trim_end_matches(['_', '-', '.', ' ', '#']).trim_end_matches("_master");
    let of_folder = parent.strip_prefix(folder).ok().and_then(Path::file_name);
    let name = match of_folder {
        // A folder for each sample.
        Some(of_folder) => of_folder.to_string_lossy().into_owned(),
        None if plain.is_empty() => "sample".to_owned(),
        None => plain.to_owned(),
    };
    let pattern = match files {
        [only] => (*only).clone(),
        _ => {
            let digits = |path: &PathBuf| stem_and_extension(path).0.len() - prefix.len();
            let width = digits(files[0]);
            // Numbers of one width leave out what else begins like them.
            let number = if files.iter().all(|path| digits(path) == width) {
                "[0-9]".repeat(width)
            } else {
                "[0-9]*".to_owned()
            };
            let plain = Pattern::escape(&parent.join(prefix).to_string_lossy());
            PathBuf::from(format!("{plain}{number}{extension}"))
        }
    };
    Group { name, pattern, files: files.len(), first: files[0].clone() }
}

/// Names that can stand in file names, each once.
fn unique(groups: &mut [Group]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        let safe = |c: char| if c.is_alphanumeric() || "-_.+ ".contains(c) { c } else { '_' };
        let name: String = group.name.chars().map(safe).take(80).collect();
        let name = name.trim_matches([' ', '.', '-']).to_owned();
        let name = if name.is_empty() { "sample".to_owned() } else { name };
        let count = seen.entry(name.to_lowercase()).or_default();
        *count += 1;
        group.name = if *count > 1 { format!("{name}-{count}") } else { name };
    }
}

impl Survey {
    /// The .poni file; `None` where there is none, or several.
    pub fn poni(&self) -> Option<&Path> {
        match self.ponis.as_slice() {
            [only] => Some(only),
            [] | [_, _, ..] => None,
        }
    }

    /// What was found, a line for each thing.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (kind, groups) in [("sample", &self.samples), ("dark", &self.darks), ("flat field", &self.flats)]
        {
            for group in groups {
                let images = image_count(&group.first).unwrap_or(1);
                let images =
                    if images > 1 { format!(", {images} images in the first") } else { String::new() };
                notes.push(format!("{kind} {}: {} files{images}", group.name, group.files));
            }
        }
        notes.extend(
            self.calibrants
                .iter()
                .map(|(name, group)| format!("calibrant {name}: {}", group.first.display())),
        );
        notes.extend(self.ponis.iter().map(|path| format!("geometry: {}", path.display())));
        notes.extend(self.masks.iter().map(|path| format!("mask: {}", path.display())));
        if let Some(shape) = self.shape {
            let detector =
                self.header.detector.as_deref().unwrap_or("a detector that the header does not name");
            notes.push(format!("frames of {shape} pixels, {detector}"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_one_sample() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "as_cast_0001.tif",
            "as_cast_0002.tif",
            "as_cast_0002_rot_1.tif",
            "results/run.json",
            "results/run.nxs",
            "results/a.gr.covariance.npy",
            "air-1.cbf.gz",
            "aged/x_1.edf",
            "aged/x_2.edf",
            "scan_master.h5",
            "scan_data_000001.h5",
            "ceo2_1.tif",
            "al2o3_1.tif",
            "nisi_1.tif",
            "mask.tif",
            "dark_1.tif",
            "a.poni",
            ".hidden_1.tif",
            "notes.txt",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let survey = survey(folder.path(), None).unwrap();
        let samples: Vec<(&str, usize)> = survey.samples.iter().map(|g| (g.name.as_str(), g.files)).collect();
        assert_eq!(
            samples,
            [("air", 1), ("as_cast", 2), ("as_cast_0002_rot", 1), ("nisi", 1), ("scan", 1), ("aged", 2)]
        );
        let pattern = folder.path().join("as_cast_[0-9][0-9][0-9][0-9].tif");
        assert_eq!(survey.samples[1].pattern, pattern);
        let calibrants: Vec<&str> = survey.calibrants.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(calibrants, ["Al2O3", "CeO2"]);
        assert_eq!(survey.poni(), Some(folder.path().join("a.poni").as_path()));
        assert_eq!((survey.masks.len(), survey.darks.len(), survey.ponis.len()), (1, 1, 1));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(super::survey(empty.path(), None), Err(StartError::NoFrames(_))));
    }
}
