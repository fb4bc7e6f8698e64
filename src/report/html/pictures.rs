//! Pictures that the run has drawn: a frame with its mask, rings and sectors, the calibration with its residuals, and cakes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ReportError;
use super::page::Section;
use super::results::Results;
use crate::report::escaped;

/// Cakes of single frames stand in their folder, not in the page.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("detector", "Detector");
    let frame = results.pictures("frame.svg")?.into_iter().chain(results.pictures("calibration.svg")?);
    let cakes = results.pictures(".cake.svg")?.into_iter().filter(|(name, _)| !name.contains("/frames/"));
    for (name, bytes) in frame.chain(cakes) {
        section.html(format!(
            "<figure class=\"picture\"><figcaption>{0}</figcaption><img alt=\"{0}\" src=\"data:image/svg+xml;base64,{1}\"></figure>",
            escaped(&name),
            STANDARD.encode(bytes)
        ));
    }
    Ok(section)
}
