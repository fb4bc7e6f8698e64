//! Whether detector and beam are where the geometry has them, by the samples' own halos and a calibrant's frame.

use super::prepare::static_mask;
use crate::config::{CalibrantFrame, Config, Sample};
use crate::frame;
use crate::geometry::calibrate::{HaloShift, Request, Severity, calibrate};

/// What speaks against the placement, in words.
pub(super) fn moved(config: &Config) -> Vec<String> {
    let halos = config.samples.iter().filter_map(|sample| of_halo(sample, config));
    halos.chain(config.calibrant.iter().flat_map(|calibrant| of_calibrant(calibrant, config))).collect()
}

/// A halo that is off by more than this many standard deviations and pixels tells of a moved beam or detector.
const MOVED_SIGMAS: f64 = 5.0;
const MOVED_PX: f64 = 1.0;

/// Where the halo in a sample's first frame stands against the beam's centre; `None` where it is where it should be.
fn of_halo(sample: &Sample, config: &Config) -> Option<String> {
    let mask = static_mask(&config.mask, &config.geometry.detector).ok()?;
    let frame = frame::read(sample.frames.first()?).ok()?.frame;
    let HaloShift { shift_px: [columns, rows], sigma_px, two_theta_deg } =
        HaloShift::of(&frame, &mask, &config.geometry).ok()??;
    let sure = columns.abs() > MOVED_SIGMAS * sigma_px[0] || rows.abs() > MOVED_SIGMAS * sigma_px[1];
    (sure && columns.hypot(rows) > MOVED_PX).then(|| {
        format!(
            "{}: the halo at {two_theta_deg:.2}° is centred {columns:+.1} ± {:.1} columns and {rows:+.1} ± {:.1} rows from the \
             beam: beam or detector have moved, or the geometry is for a flipped frame",
            sample.name, sigma_px[0], sigma_px[1]
        )
    })
}

/// What a calibration from the present placement warns of.
fn of_calibrant(calibrant: &CalibrantFrame, config: &Config) -> Vec<String> {
    let geometry = &config.geometry;
    let tried = || -> anyhow::Result<Vec<String>> {
        let mask = static_mask(&config.mask, &geometry.detector)?;
        let frame = frame::read(&calibrant.frame)?.frame;
        let found = calibrate(&Request {
            guesses: &[Some(geometry.poni)],
            parallax: geometry.parallax,
            ..Request::new(
                &[(&frame, &mask)],
                &geometry.detector,
                geometry.poni.wavelength_angstrom,
                std::slice::from_ref(&calibrant.calibrant),
            )
        })?;
        let warnings = found.remarks.into_iter().filter(|remark| remark.severity == Severity::Warning);
        Ok(warnings.map(|remark| remark.text).collect())
    };
    let of_frame = |text: String| format!("{}: {text}", calibrant.frame.path.display());
    tried().unwrap_or_else(|error| vec![error.to_string()]).into_iter().map(of_frame).collect()
}
