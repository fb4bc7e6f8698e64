//! The files beside the frames that a run is made of, for the record.

use std::path::Path;

use crate::config::Config;
use crate::frame::FileRecord;
use crate::output::InputRecord;

/// Run file, geometry or what it was found from, masks, flat and dark with sizes and hashes, as they are now.
pub(super) fn inputs(config: &Config) -> Vec<InputRecord> {
    let corrections = &config.corrections;
    let mut dark: Vec<&Path> = corrections.dark.iter().map(|address| address.path.as_path()).collect();
    dark.dedup(); // A file of several images is one input.
    [("run file", config.source.as_path())]
        .into_iter()
        .chain(config.poni_file.iter().map(|path| ("geometry", path.as_path())))
        .chain(config.calibration_files.iter().map(|path| ("calibration", path.as_path())))
        .chain(config.mask.files.iter().map(|path| ("mask", path.as_path())))
        .chain(corrections.flat.iter().map(|path| ("flat", path.as_path())))
        .chain(dark.into_iter().map(|path| ("dark", path)))
        .map(|(role, path)| input(role, path))
        .collect()
}

/// Read again here: a file that is gone since the plans were made has neither size nor hash.
fn input(role: &'static str, path: &Path) -> InputRecord {
    let file = FileRecord::read(path).ok();
    InputRecord {
        role,
        path: path.to_owned(),
        bytes: file.map(|file| file.bytes),
        xxh3_128: file.map(|file| format!("{:032x}", file.xxh3_128)),
    }
}
