//! Static mask: files and shapes.

use super::Check;
use crate::config::schema::RunFile;
use crate::config::{MaskSettings, MaskShape};

/// Mask files that exist and shapes that enclose something.
pub(super) fn mask(file: &mut RunFile, check: &mut Check<'_>) -> MaskSettings {
    let block = &mut file.mask;
    let mut settings = MaskSettings::default();
    for (index, written) in block.files.iter_mut().enumerate() {
        settings.files.extend(check.input_file(&format!("mask.files[{index}]"), written));
    }
    let circles = block.circles_px.iter().enumerate();
    let circles = circles.map(|(index, circle)| (format!("mask.circles_px[{index}]"), circle));
    let beam_stop = block.beam_stop.iter().map(|circle| ("mask.beam_stop".to_string(), circle));
    for (key, circle) in beam_stop.chain(circles) {
        check.positive(&format!("{key}.radius_px"), circle.radius_px);
        settings.shapes.push(MaskShape::Circle { centre_px: circle.centre_px, radius_px: circle.radius_px });
    }
    for (index, corners) in block.polygons_px.iter().enumerate() {
        if corners.len() < 3 {
            let message = format!("the polygon has {} corners, expected at least 3", corners.len());
            let mend = "write each polygon as [[column, row], …]; it is closed by itself";
            check.problems.push(&format!("mask.polygons_px[{index}]"), message, mend);
        }
        settings.shapes.push(MaskShape::Polygon { corners_px: corners.clone() });
    }
    settings
}
