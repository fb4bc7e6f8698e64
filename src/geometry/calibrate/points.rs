//! Ring positions along the azimuth: a peak, or a group of them, fitted in each wedge of a cake.

use rayon::prelude::*;

use super::cake::{Cake, Group, Layout, Sums};
use super::heights::{Heights, heights};
use super::image::Image;
use super::ladder::Ladder;
use super::peak::{Lines, Width, fit};
use crate::geometry::{Detector, Direction, LabFrame};

/// A place on a ring, or on a group of rings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RingPoint {
    /// Number of the ring, from 0; of a group the middle one.
    pub(super) ring: usize,
    /// Where the ring was found (slow, fast), m.
    pub(super) place: [f64; 2],
    /// 2θ of one pixel across the ring, rad.
    pub(super) pixel_rad: f64,
    /// Standard deviation across the ring, pixels.
    pub(super) sigma_px: f64,
    /// Width of the ring (standard deviation, without the pixel), pixels.
    pub(super) width_px: f64,
}

/// How points are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) layout: Layout,
    /// Standard deviation of each ring in 2θ, rad; fitted where this is `None`.
    pub(super) widths_rad: Option<&'a [f64]>,
}

/// Peaks that are less certain are none.
const SIGNIFICANT: f64 = 6.0;
/// Positions that are less certain say nothing, pixels.
const LARGEST_SIGMA_PX: f64 = 0.5;
/// Width for the heights of a group while none is known, pixels.
const FIRST_WIDTH_PX: f64 = 1.2;
/// Groups whose heights leave less than this of what is known of their place are not needed where others have so many places …
const LEAST_LEFT: f64 = 0.2;
const ENOUGH: usize = 60;
/// … and say nothing of it where they leave less than this.
const NOTHING_LEFT: f64 = 0.05;

/// Points on all rings, one for each wedge of a group.
pub(super) fn ring_points(
    image: &Image,
    detector: &Detector,
    frame: &LabFrame,
    ladder: &Ladder,
    search: Search<'_>,
) -> Vec<RingPoint> {
    let cake = Cake::new(detector, frame, ladder, search.layout);
    let sums = cake.sums(image, detector, frame, ladder);
    let width_rad = |group: &Group| match search.widths_rad {
        Some(widths) => widths[group.reference],
        None => {
            let some = cake.wedges[group.wedges.clone()].iter().flatten().next();
            FIRST_WIDTH_PX * some.map_or(0.0, |wedge| wedge.pixel_rad)
        }
    };
    let heights = heights(&cake, &sums, ladder, &width_rad);
    let groups = cake.groups.par_iter().zip(&heights);
    let all: Vec<(f64, Vec<RingPoint>)> = groups
        .filter_map(|(group, heights)| {
            let heights = heights.as_ref().filter(|heights| heights.left > NOTHING_LEFT)?;
            let width_rad = search.widths_rad.map(|_| heights.width_rad);
            let seen = Seen { cake: &cake, group, sums: &sums, ladder, heights, width_rad };
            let points = group.wedges.clone().filter_map(|wedge| seen.point(frame, wedge, search.layout));
            Some((heights.left, points.collect()))
        })
        .collect();
    let good: usize = all.iter().filter(|(left, _)| *left > LEAST_LEFT).map(|(_, points)| points.len()).sum();
    let least = if good >= ENOUGH { LEAST_LEFT } else { NOTHING_LEFT };
    all.into_iter().filter(|(left, _)| *left > least).flat_map(|(_, points)| points).collect()
}

/// One group, ready to be fitted.
struct Seen<'a> {
    cake: &'a Cake,
    group: &'a Group,
    sums: &'a Sums,
    ladder: &'a Ladder,
    heights: &'a Heights,
    /// `None` where it is fitted.
    width_rad: Option<f64>,
}

impl Seen<'_> {
    fn point(&self, frame: &LabFrame, index: usize, layout: Layout) -> Option<RingPoint> {
        let wedge = self.cake.wedges[index]?;
        let at = |ring: usize| self.ladder.two_theta[ring];
        let reference = at(self.group.reference);
        let rings = self.heights.rings.iter();
        let rings: Vec<[f64; 2]> =
            rings.map(|(ring, height)| [(at(*ring) - reference) / wedge.pixel_rad, *height]).collect();
        let last = (at(self.group.rings.end - 1) - reference) / wedge.pixel_rad;
        let reach = layout.window_px.min(wedge.window[1] - last);
        let width = self.width_rad.map_or(Width::Free, |width| Width::Known(width / wedge.pixel_rad));
        let peak = fit(self.sums.of(&wedge), Lines { rings: &rings, width, reach })?;
        let [pixels, turn] = self.sums.turn[index];
        // The heights are as uncertain as all wedges together leave them.
        let sigma_px = peak.sigma / self.heights.left.sqrt();
        if peak.significance < SIGNIFICANT || sigma_px > LARGEST_SIGMA_PX || pixels == 0.0 {
            return None;
        }
        let place = frame.meets(Direction {
            two_theta_rad: reference + peak.shift * wedge.pixel_rad,
            chi_rad: self.group.middle(index) + turn / pixels,
        })?;
        let ring = self.group.reference;
        Some(RingPoint { ring, place, pixel_rad: wedge.pixel_rad, sigma_px, width_px: peak.width })
    }
}
