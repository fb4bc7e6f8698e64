//! A cake of wedges around each ring, or around rings that lie close together: what the pixels of each wedge add up to.

use std::f64::consts::PI;
use std::ops::Range;

use rayon::prelude::*;

use super::image::Image;
use super::ladder::{Ladder, Nearest};
use super::peak::{BIN_PX, Bin};
use super::placement::two_theta_slope;
use crate::geometry::{Detector, Direction, LabFrame};

/// Which pixels belong together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Farthest from a ring, pixels.
    pub(super) window_px: f64,
    /// Rings closer to each other than this are one group, pixels.
    pub(super) apart_px: f64,
    /// Groups of rings that are closer on average than this are not looked at, pixels: nothing tells one from the other.
    pub(super) blurred_px: f64,
    /// Whether groups of more than one ring are looked at.
    pub(super) groups: Groups,
    /// Arc of a wedge, pixels.
    pub(super) arc_px: f64,
}

/// Rings that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// Those that stand alone.
    Alone,
    /// All.
    All,
}

/// How far beside the array a ring may be and still be seen in a wedge, pixels; how many wedges a ring has.
const BESIDE_PX: f64 = 50.0;
const WEDGES: [f64; 2] = [24.0, 400.0];
/// Rings of a group at most: a longer chain is cut where its rings are farthest apart.
const GROUP: usize = 6;
/// Rows that are summed together.
const PART_ROWS: usize = 256;
/// Pixels this near to a ring say where in the wedge it was seen, pixels.
const NEAR_PX: f64 = 2.0;

/// Rings that are fitted together, and their wedges.
pub(super) struct Group {
    /// Numbers of the rings.
    pub(super) rings: Range<usize>,
    /// The ring that u counts from.
    pub(super) reference: usize,
    /// Of the cake's list.
    pub(super) wedges: Range<usize>,
}

/// One wedge of a group.
#[derive(Clone, Copy)]
pub(super) struct Wedge {
    /// Pixel size in 2θ, rad.
    pub(super) pixel_rad: f64,
    /// Window below and above the reference ring, pixels.
    pub(super) window: [f64; 2],
    /// Its first bin in the cake's list, and their number.
    first: usize,
    bins: usize,
}

/// Groups and wedges for one placement.
pub(super) struct Cake {
    pub(super) groups: Vec<Group>,
    /// The group of each ring.
    group_of: Vec<Option<usize>>,
    /// `None` where the array has no such place.
    pub(super) wedges: Vec<Option<Wedge>>,
    bins: usize,
}

/// What pixels add up to.
#[derive(Clone)]
pub(super) struct Sums {
    bins: Vec<Bin>,
    /// For each wedge the number of pixels near a ring, and the sum of χ − χ of the wedge's middle.
    pub(super) turn: Vec<[f64; 2]>,
}

impl Group {
    /// χ in the middle of a wedge.
    pub(super) fn middle(&self, wedge: usize) -> f64 {
        -PI + 2.0 * PI * ((wedge - self.wedges.start) as f64 + 0.5) / self.wedges.len() as f64
    }

    /// The wedge that χ is in.
    fn wedge(&self, chi_rad: f64) -> usize {
        let turned = (chi_rad + PI) / (2.0 * PI) * self.wedges.len() as f64;
        (self.wedges.start + turned as usize).min(self.wedges.end.saturating_sub(1))
    }
}

/// Where rings would be seen.
struct Sight<'a> {
    detector: &'a Detector,
    frame: &'a LabFrame,
    rings: &'a [f64],
}

impl Sight<'_> {
    /// Size of a pixel in 2θ at a place of a ring, rad; `None` where it is not on the array, or near it.
    fn scale(&self, ring: usize, chi_rad: f64) -> Option<f64> {
        let place = self.frame.meets(Direction { two_theta_rad: self.rings[ring], chi_rad })?;
        let [row, column] = self.detector.pixel(place);
        let on = |at: f64, side: usize| (-BESIDE_PX..side as f64 + BESIDE_PX).contains(&at);
        let shape = self.detector.shape;
        if !on(row, shape.rows) || !on(column, shape.columns) {
            return None;
        }
        let [slow, fast] = two_theta_slope(self.frame, place);
        Some((slow * self.detector.pixel_m[0]).hypot(fast * self.detector.pixel_m[1]))
    }

    /// The finest and the coarsest of them on the ring; `None` where it is not seen.
    fn scales(&self, ring: usize) -> Option<[f64; 2]> {
        // Every 5°: shorter arcs say nothing.
        let all = (0..72).filter_map(|k| self.scale(ring, PI * f64::from(k) / 36.0));
        all.map(|s| [s, s]).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
    }
}

impl Cake {
    pub(super) fn new(detector: &Detector, frame: &LabFrame, ladder: &Ladder, layout: Layout) -> Cake {
        let rings = &ladder.two_theta;
        let sight = Sight { detector, frame, rings };
        let scales: Vec<Option<[f64; 2]>> = (0..rings.len()).map(|ring| sight.scales(ring)).collect();
        let mut cake =
            Cake { groups: Vec::new(), group_of: vec![None; rings.len()], wedges: Vec::new(), bins: 0 };
        let mut start = 0;
        while start < rings.len() {
            let Some([_, coarsest]) = scales[start] else {
                start += 1;
                continue;
            };
            // The coarsest pixel decides what is close.
            let apart = layout.apart_px * coarsest;
            let mut end = start + 1;
            while end < rings.len() && scales[end].is_some() && rings[end] - rings[end - 1] < apart {
                end += 1;
            }
            let members = match layout.groups {
                Groups::Alone if end - start > 1 => Vec::new(),
                Groups::Alone | Groups::All => cut(start..end, rings),
            };
            let is_blurred = |members: &Range<usize>| {
                let span = rings[members.end - 1] - rings[members.start];
                members.len() > 1 && span < (members.len() - 1) as f64 * layout.blurred_px * coarsest
            };
            for members in members.into_iter().filter(|members| !is_blurred(members)) {
                let finest = members.clone().filter_map(|ring| scales[ring]).map(|s| s[0]);
                cake.add_group(&sight, members, finest.fold(f64::INFINITY, f64::min), layout);
            }
            start = end;
        }
        cake
    }

    fn add_group(&mut self, sight: &Sight<'_>, members: Range<usize>, finest: f64, layout: Layout) {
        let rings = sight.rings;
        let reference = (members.start + members.end - 1) / 2;
        let below =
            members.start.checked_sub(1).map_or(f64::INFINITY, |i| 0.5 * (rings[members.start] - rings[i]));
        let above =
            rings.get(members.end).map_or(f64::INFINITY, |next| 0.5 * (next - rings[members.end - 1]));
        // The arc of a wedge at the ring's finest pixel: 2π sin 2θ is the ring's length on the unit sphere.
        let arc = 2.0 * PI * rings[reference].sin() / finest;
        let number = (arc / layout.arc_px).clamp(WEDGES[0], WEDGES[1]) as usize;
        let first = self.wedges.len();
        for wedge in 0..number {
            let chi = -PI + 2.0 * PI * (wedge as f64 + 0.5) / number as f64;
            let wedge = sight.scale(reference, chi).map(|pixel_rad| {
                let low = (rings[reference] - rings[members.start]) / pixel_rad
                    + layout.window_px.min(below / pixel_rad);
                let high = (rings[members.end - 1] - rings[reference]) / pixel_rad
                    + layout.window_px.min(above / pixel_rad);
                let bins = ((low + high) / BIN_PX).ceil().max(1.0) as usize;
                let wedge = Wedge { pixel_rad, window: [low, high], first: self.bins, bins };
                self.bins += bins;
                wedge
            });
            self.wedges.push(wedge);
        }
        self.group_of[members.clone()].fill(Some(self.groups.len()));
        self.groups.push(Group { rings: members, reference, wedges: first..first + number });
    }

    pub(super) fn sums(&self, image: &Image, detector: &Detector, frame: &LabFrame, ladder: &Ladder) -> Sums {
        let empty = Sums { bins: vec![Bin::default(); self.bins], turn: vec![[0.0; 2]; self.wedges.len()] };
        let rows: Vec<usize> = (0..image.shape.rows).collect();
        let nearest = ladder.table();
        let part = |rows: &[usize]| {
            let mut sums = empty.clone();
            rows.iter().for_each(|row| self.add_row(*row, image, detector, frame, &nearest, &mut sums));
            sums
        };
        // The same parts, joined in the same order, whatever the number of threads.
        let parts: Vec<Sums> = rows.par_chunks(PART_ROWS).map(part).collect();
        parts.into_iter().reduce(Sums::joined).unwrap_or(empty)
    }

    fn add_row(
        &self,
        row: usize,
        image: &Image,
        detector: &Detector,
        frame: &LabFrame,
        nearest: &Nearest,
        sums: &mut Sums,
    ) {
        for column in 0..image.shape.columns {
            let i = row * image.shape.columns + column;
            if !image.good[i] {
                continue;
            }
            let [t1, t2, t3] = frame.ray(detector.point(row as f64 + 0.5, column as f64 + 0.5));
            let across = t1 * t1 + t2 * t2;
            let tangent = across.sqrt() / (t3 + (across + t3 * t3).sqrt());
            let ring = nearest.ring(tangent);
            let Some(group) = self.group_of[ring].map(|group| &self.groups[group]) else { continue };
            let chi = azimuth(t1, t2);
            let index = group.wedge(chi);
            let Some(wedge) = self.wedges.get(index).copied().flatten() else { continue };
            let u = nearest.beyond(group.reference, tangent) / wedge.pixel_rad;
            if !(-wedge.window[0]..wedge.window[1]).contains(&u) {
                continue;
            }
            let bin = wedge.first + (((u + wedge.window[0]) / BIN_PX) as usize).min(wedge.bins - 1);
            let bin = &mut sums.bins[bin];
            bin.pixels += 1.0;
            bin.u += u;
            bin.counts += f64::from(image.counts[i]);
            if nearest.beyond(ring, tangent).abs() < NEAR_PX * wedge.pixel_rad {
                let turn = &mut sums.turn[index];
                *turn = [turn[0] + 1.0, turn[1] + chi - group.middle(index)];
            }
        }
    }
}

impl Sums {
    /// The bins of a wedge.
    pub(super) fn of(&self, wedge: &Wedge) -> &[Bin] {
        &self.bins[wedge.first..wedge.first + wedge.bins]
    }

    fn joined(mut self, other: Sums) -> Sums {
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            bin.pixels += more.pixels;
            bin.u += more.u;
            bin.counts += more.counts;
        }
        for (turn, more) in self.turn.iter_mut().zip(other.turn) {
            turn[0] += more[0];
            turn[1] += more[1];
        }
        self
    }
}

/// Parts of a chain of rings, none longer than a group, cut where the rings are farthest apart.
fn cut(chain: Range<usize>, rings: &[f64]) -> Vec<Range<usize>> {
    if chain.len() <= GROUP {
        return vec![chain];
    }
    // Not near an end, so that no ring is left alone among its neighbours' flanks.
    let places = chain.start + GROUP / 2..=chain.end - GROUP / 2;
    let gap = |i: usize| rings[i] - rings[i - 1];
    let Some(place) = places.max_by(|a, b| gap(*a).total_cmp(&gap(*b))) else { return vec![chain] };
    [cut(chain.start..place, rings), cut(place..chain.end, rings)].concat()
}

/// atan2(`t1`, `t2`) within 1e-7 (Abramowitz & Stegun, Handbook of Mathematical Functions, 4.4.49, 2e-8 on each eighth of the turn):
/// along a ring less than a thousandth of a pixel, in a third of the time.
fn azimuth(t1: f64, t2: f64) -> f64 {
    let (rise, run) = (t1.abs(), t2.abs());
    let (small, large) = if rise < run { (rise, run) } else { (run, rise) };
    let x = small / large.max(f64::MIN_POSITIVE);
    let s = x * x;
    let polynomial = 1.0
        + s * (-0.333_331_447_4
            + s * (0.199_935_508_5
                + s * (-0.142_088_994_4
                    + s * (0.106_562_639_3
                        + s * (-0.075_289_640_0
                            + s * (0.042_909_613_8 + s * (-0.016_165_736_7 + s * 0.002_866_225_7)))))));
    let eighth = x * polynomial;
    let quarter = if rise < run { eighth } else { 0.5 * PI - eighth };
    let half = if t2 < 0.0 { PI - quarter } else { quarter };
    half.copysign(t1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn azimuths_are_good_to_a_ten_millionth() {
        for k in 0..720 {
            let chi = (f64::from(k) - 359.5).to_radians() * 0.5;
            let (sin, cos) = chi.sin_cos();
            assert!((super::azimuth(3.0 * sin, 3.0 * cos) - chi).abs() < 1e-7, "{chi}");
        }
    }
}
