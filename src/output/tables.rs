//! The tables of a run as files: CSV, and Parquet where the program was built with the feature `parquet`.

use std::path::{Path, PathBuf};

use super::{Existing, OutputError, Table, write_file};

/// The files of a table `NAME.csv`; curves in a folder of their own stay CSV.
pub fn table_files(name: &str) -> Vec<PathBuf> {
    let has_parquet = cfg!(feature = "parquet") && !name.contains('/');
    let parquet = has_parquet.then(|| Path::new(name).with_extension("parquet"));
    std::iter::once(PathBuf::from(name)).chain(parquet).collect()
}

/// Writes the table `NAME.csv` into a folder; gives the names of its files.
///
/// # Errors
/// [`OutputError::Table`], and those of [`write_file`].
pub fn write_table(
    folder: &Path,
    name: &str,
    table: Table,
    existing: Existing,
) -> Result<Vec<PathBuf>, OutputError> {
    let no_table = |source| OutputError::Table { path: folder.join(name), source };
    #[cfg_attr(not(feature = "parquet"), expect(unused_variables, reason = "text has no kinds"))]
    let (csv, kinds) = table.csv_and_kinds().map_err(no_table)?;
    let files = table_files(name);
    for file in &files {
        let path = folder.join(file);
        #[cfg(feature = "parquet")]
        if file.extension().is_some_and(|extension| extension == "parquet") {
            let made = super::parquet::parquet_of(&csv, &kinds).map_err(|error| OutputError::Io {
                path: path.clone(),
                action: "make",
                source: std::io::Error::other(error),
            })?;
            write_file(&path, &made, existing)?;
            continue;
        }
        write_file(&path, csv.as_bytes(), existing)?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Cell;

    #[test]
    fn a_table_has_the_files_that_the_program_was_built_for() {
        let folder = tempfile::tempdir().unwrap();
        let write = |cells: &[f64]| {
            let mut table = Table::new("x,y");
            table.row(cells.iter().map(|value| Cell::from(*value)));
            write_table(folder.path(), "a.csv", table, Existing::Keep)
        };
        assert!(matches!(write(&[1.0]), Err(OutputError::Table { .. })));
        let files = write(&[1.0, 2.0]).unwrap();
        assert_eq!(files.len(), if cfg!(feature = "parquet") { 2 } else { 1 });
        assert!(files.iter().all(|file| folder.path().join(file).is_file()));
        assert_eq!(
            std::fs::read_to_string(folder.path().join("a.csv")).unwrap(),
            "x,y\n1.00000000,2.00000000\n"
        );
        assert!(matches!(write(&[1.0, 2.0]), Err(OutputError::Exists(_))));
    }
}
