//! The blocks of a run file that begin at I(Q): for patterns that are integrated already.

use std::path::{Path, PathBuf};

use super::document::{Document, RUN_FILE};
use super::problem::ConfigError;
use super::resolve::{Coverage, analysis, wavelength};
use super::schema::RunFile;
use super::{PdfSettings, ProblemKind};

/// `beam`, `composition`, `pdf` and `peaks` of a run file, or of the command line alone.
#[derive(Debug)]
pub struct AnalysisFile {
    document: Document,
    file: RunFile,
}

/// What they mean for one pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// S(Q), G(r) and peaks.
    pub settings: PdfSettings,
    /// The blocks with every default filled in, one line of JSON: each is an override that gives the same again.
    pub written: String,
    /// Odd, but no reason to stop.
    pub warnings: Vec<String>,
}

impl AnalysisFile {
    /// Reads the run file `path`, or begins with an empty one; `overrides` are `key.path=value`, later ones win. Its other
    /// blocks are not looked at.
    ///
    /// # Errors
    /// A file that cannot be read, unknown keys, values of a wrong kind.
    pub fn open(path: Option<&Path>, overrides: &[String]) -> Result<AnalysisFile, ConfigError> {
        let (document, file) = match path {
            Some(path) => Document::open(path, overrides, RUN_FILE)?,
            None => Document::embedded("", "command line", &PathBuf::new(), overrides, RUN_FILE)?,
        };
        Ok(AnalysisFile { document, file })
    }

    /// λ in Å of the block `beam`; `None` where it has none.
    ///
    /// # Errors
    /// A wavelength or energy that cannot be meant.
    pub fn wavelength_angstrom(&self) -> Result<Option<f64>, ConfigError> {
        let mut check = self.document.check();
        wavelength(&self.file, &mut check).map_err(|()| check.problems.into_error())
    }

    /// Fills the defaults in for a pattern with this coverage.
    ///
    /// # Errors
    /// Every contradiction and every value that cannot be meant.
    pub fn settle(&self, coverage: Coverage) -> Result<Analysis, ConfigError> {
        let mut file = self.file.clone();
        let mut check = self.document.check();
        let settings = analysis(&mut file, Some(coverage), &mut check);
        if !check.problems.list.is_empty() {
            return Err(check.problems.into_error());
        }
        let off = || {
            let message = "`pdf` is off, so that there is nothing to do".to_owned();
            ConfigError::unreadable(
                Path::new("pdf"),
                ProblemKind::Configuration,
                message,
                "remove `pdf: off`",
            )
        };
        let settings = settings.ok_or_else(off)?;
        let written = serde_json::json!({
            "beam": file.beam,
            "composition": file.composition,
            "pdf": file.pdf,
            "peaks": file.peaks,
        });
        Ok(Analysis { settings, written: written.to_string(), warnings: check.problems.warnings })
    }
}
