//! Results in formats of other programs.

use std::path::Path;

use super::Check;
use super::names::unsafe_in_a_path;
use crate::config::schema::{NexusName, OffOr, PatternFormatWord, RunFile};
use crate::config::{ExportSettings, PatternFormat};

/// Extensions by which programs know an HDF5 file.
const EXTENSIONS: [&str; 4] = ["nxs", "nx", "h5", "hdf5"];

/// Which there are, and the name of the NeXus file, which stays in the output folder.
pub(super) fn exports(file: &mut RunFile, source: &Path, check: &mut Check<'_>) -> ExportSettings {
    let block = &mut file.exports;
    let nexus = match block.nexus.get_or_insert(OffOr::On(NexusName::OfRun)) {
        OffOr::Off => None,
        OffOr::On(name) => {
            let written = match name {
                NexusName::OfRun => "{run}.nxs".to_string(),
                NexusName::Template(written) => written.clone(),
            };
            let resolved = nexus_name(&written, source, check);
            *name = NexusName::Template(resolved.clone());
            Some(resolved)
        }
    };
    let mut patterns: Vec<PatternFormat> = Vec::new();
    for word in block.patterns.get_or_insert_default() {
        let format = match word {
            PatternFormatWord::Fxye => PatternFormat::Fxye,
            PatternFormatWord::Chi => PatternFormat::Chi,
        };
        if !patterns.contains(&format) {
            patterns.push(format);
        }
    }
    ExportSettings { nexus, patterns }
}

/// The name with what its placeholders stand for.
fn nexus_name(written: &str, source: &Path, check: &mut Check<'_>) -> String {
    const KEY: &str = "exports.nexus";
    const MEND: &str = "write `on`, `off` or a name in the output folder, such as \"{run}.nxs\"";
    let run = source.file_stem().unwrap_or_default().to_string_lossy();
    let name = written.replace("{run}", &run);
    if let Some(open) = name.find(['{', '}']) {
        let message =
            format!("`{written}` has a placeholder at `{}`, and `{{run}}` is the only one", &name[open..]);
        check.problems.push(KEY, message, MEND);
    } else if let Some(reason) = unsafe_in_a_path(&name) {
        check.problems.push(KEY, format!("`{}` {reason}", name.escape_debug()), MEND);
    } else if !EXTENSIONS.iter().any(|extension| name.to_lowercase().ends_with(&format!(".{extension}"))) {
        let message =
            format!("`{name}` does not end with one of {}", EXTENSIONS.map(|e| format!(".{e}")).join(", "));
        check.problems.push(KEY, message, MEND);
    }
    name
}
