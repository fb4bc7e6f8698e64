//! The map of azimuth and radial axis.

use super::Check;
use super::integration::is_scattered;
use crate::config::schema::{OffOr, RunFile, Switch};
use crate::config::{CakeSettings, CakesOf, IntegrationSettings};
use crate::geometry::Geometry;
use crate::grid::Bins;
use crate::integrate::CakeAxes;

const MOST_BINS: u64 = 100_000;

/// The axes of the cake and what gets one; `None` where there is none.
pub(super) fn cake(
    file: &mut RunFile,
    geometry: Option<&Geometry>,
    integration: Option<&IntegrationSettings>,
    check: &mut Check<'_>,
) -> Option<CakeSettings> {
    let OffOr::On(block) = file.cake.get_or_insert(OffOr::Off) else { return None };
    let azimuth_bins = *block.azimuth_bins.get_or_insert(360);
    let radial_bins = *block.radial_bins.get_or_insert(1000);
    let of = match *block.frames.get_or_insert(Switch::Off) {
        Switch::Off => CakesOf::Samples,
        Switch::On => CakesOf::SamplesAndFrames,
    };
    for (key, bins) in [("cake.azimuth_bins", azimuth_bins), ("cake.radial_bins", radial_bins)] {
        if !(1..=MOST_BINS).contains(&bins) {
            check.problems.push(key, format!("found {bins}, expected 1 to {MOST_BINS} bins"), "");
        }
    }
    let written = block.range;
    if written.is_some_and(|range| !check.range("cake.range", range)) {
        return None;
    }
    let integration = integration?;
    if let Some(range) = written
        && !is_scattered("cake.range", integration.unit, range, geometry?, check)
    {
        return None;
    }
    let [lower, upper] = *block.range.get_or_insert([integration.bins.lower, integration.bins.upper]);
    let radial = Bins { lower, upper, count: usize::try_from(radial_bins).ok()? };
    Some(CakeSettings { axes: CakeAxes { azimuth_bins: usize::try_from(azimuth_bins).ok()?, radial }, of })
}
