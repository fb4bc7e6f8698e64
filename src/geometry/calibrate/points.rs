//! Ring positions along the azimuth: a peak, or a group of them, fitted in each wedge of a cake.

use rayon::prelude::*;

use super::cake::{Cake, Group, Layout, Sums};
use super::heights::{Heights, Pooled, heights};
use super::image::Image;
use super::ladder::Ladder;
use super::peak::{Bin, Lines, Peak, Width, fit};
use super::refine::median;
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
/// Wedges are joined until half of their peaks are as certain as this, two σ above: of weaker ones those that chance makes strong would
/// be all that is left. So many are left at least: around a ring the placement takes five from them.
const CERTAIN: f64 = SIGNIFICANT + 2.0;
const FEWEST_JOINED: usize = 8;
/// While the width is unknown the placement is some pixels off, and a ring is seen sharp in a few wedges only.
const MOST_JOINED_AT_FIRST: usize = 4;
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
            Some((heights.left, seen.points(frame, search.layout)))
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

/// What one profile shows.
struct Shown {
    peak: Peak,
    pixel_rad: f64,
    chi_rad: f64,
}

impl Seen<'_> {
    /// A point of each wedge; of several together where the ring is weak, so that those which chance makes strong are not the
    /// only ones.
    fn points(&self, frame: &LabFrame, layout: Layout) -> Vec<RingPoint> {
        let each: Vec<Shown> =
            self.group.wedges.clone().filter_map(|wedge| self.of_wedge(wedge, layout)).collect();
        let typical = median(&mut each.iter().map(|s| s.peak.significance).collect::<Vec<_>>());
        let seen = self.cake.wedges[self.group.wedges.clone()].iter().flatten().count();
        let most = match self.width_rad {
            Some(_) => seen / FEWEST_JOINED,
            None => (seen / FEWEST_JOINED).min(MOST_JOINED_AT_FIRST),
        };
        let joined = ((CERTAIN / typical.max(1.0)).powi(2).ceil() as usize).min(most);
        let shown = if joined > 1 {
            let wedges: Vec<usize> = self.group.wedges.clone().collect();
            let blocks = wedges.chunks(joined).map(|block| block[0]..block[block.len() - 1] + 1);
            blocks.filter_map(|block| self.of_wedges(block, layout)).collect()
        } else {
            each
        };
        shown.iter().filter_map(|shown| self.point(frame, shown)).collect()
    }

    fn of_wedge(&self, index: usize, layout: Layout) -> Option<Shown> {
        let wedge = self.cake.wedges[index]?;
        let chi_rad = self.chi(std::slice::from_ref(&index))?;
        self.shown(self.sums.of(&wedge), wedge.pixel_rad, wedge.window[1], chi_rad, layout)
    }

    fn of_wedges(&self, block: std::ops::Range<usize>, layout: Layout) -> Option<Shown> {
        let pooled = Pooled::new(self.cake, self.group, self.sums, self.ladder, block)?;
        let chi_rad = self.chi(&pooled.wedges)?;
        self.shown(&pooled.bins, pooled.pixel_rad, pooled.window[1], chi_rad, layout)
    }

    /// Mean χ of the pixels near the ring.
    fn chi(&self, wedges: &[usize]) -> Option<f64> {
        let (mut pixels, mut sum) = (0.0, 0.0);
        for wedge in wedges {
            let [n, turn] = self.sums.turn[*wedge];
            pixels += n;
            sum += n * self.group.middle(*wedge) + turn;
        }
        (pixels > 0.0).then(|| sum / pixels)
    }

    fn shown(&self, bins: &[Bin], pixel_rad: f64, high: f64, chi_rad: f64, layout: Layout) -> Option<Shown> {
        let at = |ring: usize| self.ladder.two_theta[ring];
        let reference = at(self.group.reference);
        let rings = self.heights.rings.iter();
        let rings: Vec<[f64; 2]> =
            rings.map(|(ring, height)| [(at(*ring) - reference) / pixel_rad, *height]).collect();
        let last = (at(self.group.rings.end - 1) - reference) / pixel_rad;
        let reach = layout.window_px.min(high - last);
        let width = self.width_rad.map_or(Width::Free, |width| Width::Known(width / pixel_rad));
        let peak = fit(bins, Lines { rings: &rings, width, reach })?;
        Some(Shown { peak, pixel_rad, chi_rad })
    }

    fn point(&self, frame: &LabFrame, shown: &Shown) -> Option<RingPoint> {
        let Shown { peak, pixel_rad, chi_rad } = *shown;
        // The heights are as uncertain as all wedges together leave them.
        let sigma_px = peak.sigma / self.heights.left.sqrt();
        if peak.significance < SIGNIFICANT || sigma_px > LARGEST_SIGMA_PX {
            return None;
        }
        let ring = self.group.reference;
        let two_theta_rad = self.ladder.two_theta[ring] + peak.shift * pixel_rad;
        let place = frame.meets(Direction { two_theta_rad, chi_rad })?;
        Some(RingPoint { ring, place, pixel_rad, sigma_px, width_px: peak.width })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, Poisson};
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::frame::{Counts, Frame, FrameHeader, Mask, Shape};
    use crate::geometry::calibrate::cake::Groups;
    use crate::geometry::calibrate::placement::{Placement, two_theta};

    const SIDE: usize = 500;
    const PIXEL_M: f64 = 1e-4;
    const WIDTH_PX: f64 = 1.5;

    /// Σ σ⁻² of the places on four rings of `peak` counts on three times as many.
    fn information(peak: f64) -> f64 {
        let shape = Shape { rows: SIDE, columns: SIDE };
        let detector = Detector::generic(shape, [PIXEL_M; 2]).unwrap();
        let middle = [0.5 * SIDE as f64 * PIXEL_M; 2];
        let placement = Placement {
            centre_m: middle,
            along_m: 0.2,
            rot1_rad: 0.0,
            rot2_rad: 0.0,
            rot3_rad: 0.0,
            parallax: None,
        };
        let frame = placement.lab_frame();
        let ladder = Ladder { two_theta: vec![0.04, 0.06, 0.08, 0.1] };
        let pixel_rad = PIXEL_M / placement.along_m;
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        let counts = (0..shape.pixels()).map(|i| {
            let at = two_theta(&frame, detector.point((i / SIDE) as f64 + 0.5, (i % SIDE) as f64 + 0.5));
            let u = (at - ladder.two_theta[ladder.nearest(at)]) / (pixel_rad * WIDTH_PX);
            let mean = peak * (3.0 + (-0.5 * u * u).exp());
            Poisson::new(mean).unwrap().sample(&mut rng) as i32
        });
        let counts = Counts::I32(counts.collect::<Vec<i32>>().into());
        let seen = Frame { shape, counts, header: FrameHeader::default() };
        let image = Image::new(&seen, &Mask { shape, bad: vec![false; shape.pixels()] }).unwrap();
        let layout =
            Layout { window_px: 8.0, apart_px: 10.0, blurred_px: 1.0, groups: Groups::All, arc_px: 50.0 };
        let search = Search { layout, widths_rad: Some(&[WIDTH_PX * pixel_rad; 4]) };
        let points = ring_points(&image, &detector, &frame, &ladder, search);
        points.iter().map(|point| point.sigma_px.powi(-2)).sum()
    }

    /// A sixteenth of the light says a sixteenth of what all of it says: of weak wedges none is taken because chance made it strong.
    #[test]
    fn weak_rings_say_what_their_counts_say() {
        for peak in [1.5, 2.0, 3.0] {
            let ratio = information(16.0 * peak) / information(peak);
            assert!((ratio / 16.0 - 1.0).abs() < 0.15, "{peak}: {ratio}");
        }
    }
}
