//! Links that lead results out of their folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders below `output` that results would go through and that are links to elsewhere, or to nothing; each with where it leads.
/// The output folder itself may be a link: it is what the user named.
pub(super) fn links_out<'a>(
    output: &Path,
    files: impl Iterator<Item = &'a PathBuf>,
) -> Vec<(PathBuf, PathBuf)> {
    // Before the first run there is nothing below it.
    let Ok(inside) = output.canonicalize() else { return Vec::new() };
    let parents: BTreeSet<&Path> = files.filter_map(|file| file.parent()).collect();
    let folders: BTreeSet<&Path> = parents
        .into_iter()
        .flat_map(|parent| {
            parent.ancestors().take_while(|folder| *folder != output && folder.starts_with(output))
        })
        .collect();
    let leads_out = |folder: &Path| {
        let is_link = folder.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_symlink());
        let target = is_link.then(|| std::fs::read_link(folder).ok()).flatten()?;
        let real = folder.canonicalize().ok();
        (!real.is_some_and(|real| real.starts_with(&inside))).then(|| (folder.to_owned(), target))
    };
    folders.into_iter().filter_map(leads_out).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_out_is_found_and_one_that_stays_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["out/inside/frames", "elsewhere"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        symlink(at("elsewhere"), at("out/a")).unwrap();
        symlink(at("out/inside"), at("out/b")).unwrap();
        symlink(at("nowhere"), at("out/c")).unwrap();
        symlink(at("elsewhere"), at("out/inside/frames/deep")).unwrap();
        symlink(at("out"), at("named")).unwrap();
        let found = |names: &[&str], output: &str| -> Vec<PathBuf> {
            let files: Vec<PathBuf> = names.iter().map(|name| at(output).join(name)).collect();
            links_out(&at(output), files.iter()).into_iter().map(|(link, _)| link).collect()
        };
        assert_eq!(found(&["run.json", "b/b.xye", "inside/frames/f.xye"], "out"), Vec::<PathBuf>::new());
        assert_eq!(found(&["a/a.xye", "b/b.xye", "c/frames/f.xye"], "out"), [at("out/a"), at("out/c")]);
        assert_eq!(found(&["inside/frames/deep/f.xye"], "out"), [at("out/inside/frames/deep")]);
        assert_eq!(found(&["b/b.xye"], "named"), Vec::<PathBuf>::new());
        assert_eq!(found(&["a/a.xye"], "not-there"), Vec::<PathBuf>::new());
    }
}
