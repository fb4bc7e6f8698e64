//! Where each result goes: one folder per sample, its frames in a folder below.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::frame::{FrameAddress, split_dataset};

/// Paths of the results of one sample or one frame: a folder and a stem that suffixes are put to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    folder: PathBuf,
    stem: String,
}

impl Names {
    /// `output/sample/sample.*`: the frames of a sample, summed.
    pub fn of_sample(output: &Path, sample: &str) -> Names {
        Names { folder: output.join(sample), stem: sample.to_owned() }
    }

    /// `output/sample/frames/stem.*`: one frame.
    pub fn of_frame(output: &Path, sample: &str, stem: &str) -> Names {
        Names { folder: output.join(sample).join("frames"), stem: stem.to_owned() }
    }

    /// File of the full ring.
    pub fn ring(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.stem))
    }

    /// File of a region: the ring's for `ring`, else with the sector's name between stem and extension.
    pub fn region(&self, region: &str, extension: &str) -> PathBuf {
        if region == crate::integrate::RING {
            self.ring(extension)
        } else {
            self.folder.join(format!("{}_{region}.{extension}", self.stem))
        }
    }
}

/// A stem for each frame of a sample, in order: the file's name without its extensions, with the image number in a file
/// of several, and with the frame's number in the sample where two would otherwise be the same.
pub fn frame_names(frames: &[FrameAddress]) -> Vec<String> {
    let mut images: HashMap<&Path, usize> = HashMap::new();
    for frame in frames {
        *images.entry(&frame.path).or_default() += 1;
    }
    let stems: Vec<String> = frames
        .iter()
        .map(|frame| {
            let stem = stem(&frame.path);
            if images[frame.path.as_path()] > 1 { format!("{stem}_{:05}", frame.image) } else { stem }
        })
        .collect();
    // File systems that ignore case must not merge two frames either.
    let mut seen: HashMap<String, usize> = HashMap::new();
    for stem in &stems {
        *seen.entry(stem.to_lowercase()).or_default() += 1;
    }
    stems
        .into_iter()
        .enumerate()
        .map(|(index, stem)| if seen[&stem.to_lowercase()] > 1 { format!("{index:05}_{stem}") } else { stem })
        .collect()
}

fn stem(path: &Path) -> String {
    let name = split_dataset(path).0.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if stem.is_empty() { "frame".to_owned() } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(path: &str, image: usize) -> FrameAddress {
        FrameAddress { path: path.into(), image }
    }

    #[test]
    fn names_are_the_files_own_and_never_the_same_twice() {
        let frames = [
            address("a/x_0001.tif", 0),
            address("a/stack.tif", 0),
            address("a/stack.tif", 1),
            address("b/X_0001.cbf.gz", 0),
            address("b/y.v2.cbf", 0),
            address("c/scan_master.h5::/entry/data/data", 0),
        ];
        let names = frame_names(&frames);
        assert_eq!(
            names,
            ["00000_x_0001", "stack_00000", "stack_00001", "00003_X_0001", "y.v2", "scan_master"]
        );
    }

    #[test]
    fn sectors_have_their_name_before_the_extension() {
        let names = Names::of_frame(Path::new("out"), "aged", "f1");
        assert_eq!(names.region("X", "xye"), Path::new("out/aged/frames/f1_X.xye"));
        assert_eq!(names.region("ring", "gr"), Path::new("out/aged/frames/f1.gr"));
        assert_eq!(Names::of_sample(Path::new("out"), "aged").ring("iq"), Path::new("out/aged/aged.iq"));
    }
}
