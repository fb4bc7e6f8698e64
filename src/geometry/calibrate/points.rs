//! Ring positions along the azimuth: a cake of wedges around each ring, a peak fitted in each wedge.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::image::Image;
use super::ladder::Ladder;
use super::peak::{Bin, Lines, Width, fit};
use super::placement::{direction, two_theta_slope};
use crate::geometry::{Detector, Direction, LabFrame};

/// A place on a ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RingPoint {
    /// Number of the ring, from 0.
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
#[derive(Debug, Clone)]
pub(super) struct Search<'a> {
    /// Farthest from where the ring is expected, pixels.
    pub(super) window_px: f64,
    /// Rings closer to each other than this are one group, pixels.
    pub(super) apart_px: f64,
    /// Rings of a group at most; larger ones are left out.
    pub(super) most: usize,
    /// Width of each ring; fitted where this is `None`.
    pub(super) widths_px: Option<&'a [f64]>,
}

/// Width of the bins of the cake, pixels: small against any ring.
const BIN_PX: f64 = 0.25;
/// Arc of a wedge, pixels, and how many wedges a ring has.
const ARC_PX: f64 = 50.0;
const WEDGES: [f64; 2] = [24.0, 400.0];
/// Peaks that are less certain are none.
const SIGNIFICANT: f64 = 6.0;
/// Positions that are less certain say nothing, pixels.
const LARGEST_SIGMA_PX: f64 = 0.5;
/// Pixels this near to a ring say where in the wedge it was seen, pixels.
const NEAR_PX: f64 = 2.0;
/// Rings of the cake at most; those that are farther out lie too close together.
const MOST_RINGS: usize = 90;

/// Rings that are fitted together, and their wedges.
struct Group {
    /// Numbers of the rings.
    rings: std::ops::Range<usize>,
    /// The ring that u counts from.
    reference: usize,
    /// Of the cake's list.
    wedges: std::ops::Range<usize>,
}

/// One wedge of a group.
#[derive(Clone, Copy)]
struct Wedge {
    /// Pixel size in 2θ, rad.
    pixel_rad: f64,
    /// Window from the reference ring, pixels.
    window: [f64; 2],
    /// Its first bin in the cake's list, and their number.
    first: usize,
    bins: usize,
}

/// Groups and wedges for one placement.
struct Cake {
    groups: Vec<Group>,
    /// The group of each ring.
    group_of: Vec<Option<usize>>,
    /// `None` where the plane has no such place.
    wedges: Vec<Option<Wedge>>,
    bins: usize,
}

/// What pixels add up to.
#[derive(Clone)]
struct Sums {
    bins: Vec<Bin>,
    /// For each wedge the number of pixels near a ring, and the sum of χ − χ of the wedge's middle.
    turn: Vec<[f64; 2]>,
}

/// Points on all rings, one for each wedge of a group.
pub(super) fn ring_points(
    image: &Image,
    detector: &Detector,
    frame: &LabFrame,
    ladder: &Ladder,
    search: &Search<'_>,
) -> Vec<RingPoint> {
    let cake = Cake::new(detector, frame, ladder, search);
    let sums = cake.sums(image, detector, frame, ladder);
    let all: Vec<Vec<RingPoint>> = cake
        .groups
        .par_iter()
        .map(|group| {
            let width = search.widths_px.map_or(Width::Free, |widths| Width::Known(widths[group.reference]));
            let point = |index: usize| {
                let wedge = cake.wedges[index]?;
                let at = |ring: usize| ladder.two_theta[ring];
                let offset = |ring: usize| (at(ring) - at(group.reference)) / wedge.pixel_rad;
                let offsets: Vec<f64> = group.rings.clone().map(offset).collect();
                let reach = search.window_px.min(wedge.window[1] - offsets[offsets.len() - 1]);
                let lines = Lines { offsets: &offsets, width, reach };
                let peak = fit(&sums.bins[wedge.first..wedge.first + wedge.bins], lines)?;
                let [pixels, turn] = sums.turn[index];
                let sure = peak.significance > SIGNIFICANT && peak.sigma < LARGEST_SIGMA_PX;
                if !sure || pixels == 0.0 {
                    return None;
                }
                let place = frame.meets(Direction {
                    two_theta_rad: at(group.reference) + peak.shift * wedge.pixel_rad,
                    chi_rad: group.middle(index) + turn / pixels,
                })?;
                Some(RingPoint {
                    ring: group.reference,
                    place,
                    pixel_rad: wedge.pixel_rad,
                    sigma_px: peak.sigma,
                    width_px: peak.width,
                })
            };
            group.wedges.clone().filter_map(point).collect()
        })
        .collect();
    all.into_iter().flatten().collect()
}

impl Group {
    /// χ in the middle of a wedge.
    fn middle(&self, wedge: usize) -> f64 {
        -PI + 2.0 * PI * ((wedge - self.wedges.start) as f64 + 0.5) / self.wedges.len() as f64
    }

    /// The wedge that χ is in.
    fn wedge(&self, chi_rad: f64) -> usize {
        let turned = (chi_rad + PI) / (2.0 * PI) * self.wedges.len() as f64;
        (self.wedges.start + turned as usize).min(self.wedges.end.saturating_sub(1))
    }
}

impl Cake {
    fn new(detector: &Detector, frame: &LabFrame, ladder: &Ladder, search: &Search<'_>) -> Cake {
        let rings = &ladder.two_theta;
        let [slow_m, fast_m] = detector.pixel_m;
        let scale = |ring: usize, chi_rad: f64| {
            let place = frame.meets(Direction { two_theta_rad: rings[ring], chi_rad })?;
            let [slow, fast] = two_theta_slope(frame, place);
            Some((slow * slow_m).hypot(fast * fast_m))
        };
        let scales = |ring: usize| (0..8).filter_map(move |k| scale(ring, 0.25 * PI * f64::from(k)));
        let mut cake =
            Cake { groups: Vec::new(), group_of: vec![None; rings.len()], wedges: Vec::new(), bins: 0 };
        let mut start = 0;
        while start < rings.len().min(MOST_RINGS) {
            // The coarsest pixel decides what is close.
            let coarsest = scales(start).fold(0.0, f64::max);
            let apart = search.apart_px * coarsest;
            let mut end = start + 1;
            while rings.get(end).is_some_and(|next| next - rings[end - 1] < apart) {
                end += 1;
            }
            if coarsest > 0.0 && end - start <= search.most {
                cake.add_group(
                    start..end,
                    rings,
                    &scale,
                    &|ring| scales(ring).fold(f64::INFINITY, f64::min),
                    search,
                );
            }
            start = end;
        }
        cake
    }

    fn add_group(
        &mut self,
        members: std::ops::Range<usize>,
        rings: &[f64],
        scale: &dyn Fn(usize, f64) -> Option<f64>,
        finest: &dyn Fn(usize) -> f64,
        search: &Search<'_>,
    ) {
        let reference = (members.start + members.end - 1) / 2;
        let below =
            members.start.checked_sub(1).map_or(f64::INFINITY, |i| 0.5 * (rings[members.start] - rings[i]));
        let above =
            rings.get(members.end).map_or(f64::INFINITY, |next| 0.5 * (next - rings[members.end - 1]));
        // The arc of a wedge at the ring's finest pixel: 2π sin 2θ is the ring's length on the unit sphere.
        let arc = 2.0 * PI * rings[reference].sin() / finest(reference);
        let number = (arc / ARC_PX).clamp(WEDGES[0], WEDGES[1]) as usize;
        let first = self.wedges.len();
        for wedge in 0..number {
            let chi = -PI + 2.0 * PI * (wedge as f64 + 0.5) / number as f64;
            let wedge = scale(reference, chi).map(|pixel_rad| {
                let low = (rings[reference] - rings[members.start]) / pixel_rad
                    + search.window_px.min(below / pixel_rad);
                let high = (rings[members.end - 1] - rings[reference]) / pixel_rad
                    + search.window_px.min(above / pixel_rad);
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

    fn sums(&self, image: &Image, detector: &Detector, frame: &LabFrame, ladder: &Ladder) -> Sums {
        let empty = Sums { bins: vec![Bin::default(); self.bins], turn: vec![[0.0; 2]; self.wedges.len()] };
        let rows: Vec<usize> = (0..image.shape.rows).collect();
        let share = rows.len().div_ceil(rayon::current_num_threads()).max(1);
        let part = |rows: &[usize]| {
            let mut sums = empty.clone();
            rows.iter().for_each(|row| self.add_row(*row, image, detector, frame, ladder, &mut sums));
            sums
        };
        rows.par_chunks(share).map(part).reduce_with(Sums::joined).unwrap_or(empty)
    }

    fn add_row(
        &self,
        row: usize,
        image: &Image,
        detector: &Detector,
        frame: &LabFrame,
        ladder: &Ladder,
        sums: &mut Sums,
    ) {
        for column in 0..image.shape.columns {
            let i = row * image.shape.columns + column;
            if !image.good[i] {
                continue;
            }
            let at = direction(frame, detector.point(row as f64 + 0.5, column as f64 + 0.5));
            let ring = ladder.nearest(at.two_theta_rad);
            let Some(group) = self.group_of[ring].map(|group| &self.groups[group]) else { continue };
            let index = group.wedge(at.chi_rad);
            let Some(wedge) = self.wedges.get(index).copied().flatten() else { continue };
            let u = (at.two_theta_rad - ladder.two_theta[group.reference]) / wedge.pixel_rad;
            if !(-wedge.window[0]..wedge.window[1]).contains(&u) {
                continue;
            }
            let bin = wedge.first + (((u + wedge.window[0]) / BIN_PX) as usize).min(wedge.bins - 1);
            let bin = &mut sums.bins[bin];
            bin.pixels += 1.0;
            bin.u += u;
            bin.counts += f64::from(image.counts[i]);
            if (at.two_theta_rad - ladder.two_theta[ring]).abs() < NEAR_PX * wedge.pixel_rad {
                let turn = &mut sums.turn[index];
                *turn = [turn[0] + 1.0, turn[1] + at.chi_rad - group.middle(index)];
            }
        }
    }
}

impl Sums {
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
