//! Pictures of frames: the first of a run that has results, and the calibrant's.

use super::prepare::Prepared;
use crate::config::Config;
use crate::frame::{FrameAddress, read};
use crate::output::{FrameRecord, Status};
use crate::report::{FrameView, PictureError, calibration_svg, frame_svg};

/// Names and contents of the pictures that can be drawn.
///
/// # Errors
/// What the drawing library says.
pub(super) fn pictures(
    config: &Config,
    prepared: &Prepared,
    records: &[FrameRecord],
) -> Result<Vec<(&'static str, String)>, PictureError> {
    let frame = frame_picture(config, prepared, records)?.map(|picture| ("frame.svg", picture));
    let calibration = calibration_picture(config, prepared)?.map(|picture| ("calibration.svg", picture));
    Ok(frame.into_iter().chain(calibration).collect())
}

/// The frame with its mask, rings and sectors; `None` where no frame of a sample has results, or it is gone since.
fn frame_picture(
    config: &Config,
    prepared: &Prepared,
    records: &[FrameRecord],
) -> Result<Option<String>, PictureError> {
    let of_sample = |record: &&FrameRecord| {
        record.status == Status::Done && config.samples.iter().any(|sample| sample.name == record.used_for)
    };
    let Some(record) = records.iter().find(of_sample) else { return Ok(None) };
    let address = FrameAddress { path: record.path.clone(), image: record.image };
    let Ok(loaded) = read(&address) else { return Ok(None) };
    let view = FrameView {
        geometry: &config.geometry,
        mask: &prepared.mask,
        unit: config.integration.unit,
        bins: config.integration.bins,
        regions: &config.regions,
    };
    frame_svg(&record.used_for, &loaded.frame, &view).map(Some)
}

/// The calibrant's frame with rings, cake and residuals; `None` where the run file asks for no calibration, or the frame is gone since.
fn calibration_picture(config: &Config, prepared: &Prepared) -> Result<Option<String>, PictureError> {
    let (Some(found), Some(path)) = (&config.calibrated, config.calibration_files.first()) else {
        return Ok(None);
    };
    let Ok(loaded) = read(&FrameAddress { path: path.clone(), image: 0 }) else { return Ok(None) };
    calibration_svg(&loaded.frame, &prepared.mask, found).map(Some)
}
