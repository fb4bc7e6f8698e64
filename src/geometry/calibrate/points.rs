//! Ring positions along the azimuth: a cake of wedges around each ring, a peak fitted in each wedge.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::image::Image;
use super::ladder::Ladder;
use super::peak::{Bin, Width, fit};
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
    /// Rings closer to a neighbour than this are left out, pixels.
    pub(super) apart_px: f64,
    /// Width of each ring; fitted where this is `None`.
    pub(super) widths_px: Option<&'a [f64]>,
}

/// Width of the bins of the cake, pixels: small against any ring.
const BIN_PX: f64 = 0.25;
/// Arc of a wedge, pixels, and how many wedges a ring has.
const ARC_PX: f64 = 50.0;
const WEDGES: [f64; 2] = [24.0, 120.0];
/// Peaks that are less certain are none.
const SIGNIFICANT: f64 = 6.0;
/// Positions that are less certain say nothing, pixels.
const LARGEST_SIGMA_PX: f64 = 0.5;
/// Rings of the cake at most; those that are farther out lie too close together.
const MOST_RINGS: usize = 90;

/// Where the wedges of all rings begin in one list, and how each is scaled.
struct Cake {
    /// First wedge of each ring, and one more.
    first: Vec<usize>,
    /// Pixel size in 2θ and window in pixels; `None` where the wedge is not looked at.
    wedges: Vec<Option<(f64, f64)>>,
    bins: usize,
}

/// What pixels add up to.
#[derive(Clone)]
struct Sums {
    bins: Vec<Bin>,
    /// Number of pixels near the peak, and the sum of χ − χ of the wedge's middle.
    turn: Vec<[f64; 2]>,
}

/// Points on all rings that stand alone.
pub(super) fn ring_points(
    image: &Image,
    detector: &Detector,
    frame: &LabFrame,
    ladder: &Ladder,
    search: &Search<'_>,
) -> Vec<RingPoint> {
    let cake = Cake::new(detector, frame, ladder, search);
    let sums = cake.sums(image, detector, frame, ladder);
    let rings = cake.first.len() - 1;
    let all: Vec<Vec<RingPoint>> = (0..rings)
        .into_par_iter()
        .map(|ring| {
            let width = search.widths_px.map_or(Width::Free, |widths| Width::Known(widths[ring]));
            (cake.first[ring]..cake.first[ring + 1])
                .filter_map(|wedge| {
                    let (pixel_rad, window) = cake.wedges[wedge]?;
                    let bins = &sums.bins[wedge * cake.bins..(wedge + 1) * cake.bins];
                    let peak = fit(bins, width, window)?;
                    let [pixels, turn] = sums.turn[wedge];
                    let sure = peak.significance > SIGNIFICANT && peak.sigma < LARGEST_SIGMA_PX;
                    if !sure || pixels == 0.0 {
                        return None;
                    }
                    let at = Direction {
                        two_theta_rad: ladder.two_theta[ring] + peak.shift * pixel_rad,
                        chi_rad: cake.middle(ring, wedge) + turn / pixels,
                    };
                    Some(RingPoint {
                        ring,
                        place: frame.meets(at)?,
                        pixel_rad,
                        sigma_px: peak.sigma,
                        width_px: peak.width,
                    })
                })
                .collect()
        })
        .collect();
    all.into_iter().flatten().collect()
}

impl Cake {
    fn new(detector: &Detector, frame: &LabFrame, ladder: &Ladder, search: &Search<'_>) -> Cake {
        let rings = &ladder.two_theta;
        let [slow_m, fast_m] = detector.pixel_m;
        let mut first = vec![0];
        let mut wedges = Vec::new();
        let scale = |ring: usize, chi_rad: f64| {
            let place = frame.meets(Direction { two_theta_rad: rings[ring], chi_rad })?;
            let [slow, fast] = two_theta_slope(frame, place);
            Some((slow * slow_m).hypot(fast * fast_m))
        };
        let count = rings.len().min(MOST_RINGS);
        for ring in 0..count {
            let below = ring.checked_sub(1).map_or(f64::INFINITY, |other| rings[ring] - rings[other]);
            let above = rings.get(ring + 1).map_or(f64::INFINITY, |next| next - rings[ring]);
            let apart = below.min(above);
            // The arc of a wedge at the ring's narrowest pixel: 2π sin 2θ is the ring's length on the unit sphere.
            let pixel =
                (0..8).filter_map(|k| scale(ring, 0.25 * PI * f64::from(k))).fold(f64::INFINITY, f64::min);
            let arc = 2.0 * PI * rings[ring].sin() / pixel;
            let number =
                if pixel.is_finite() { (arc / ARC_PX).clamp(WEDGES[0], WEDGES[1]) as usize } else { 0 };
            for wedge in 0..number {
                let chi = -PI + 2.0 * PI * (wedge as f64 + 0.5) / number as f64;
                wedges.push(scale(ring, chi).and_then(|pixel_rad| {
                    let apart_px = apart / pixel_rad;
                    (apart_px >= search.apart_px).then(|| (pixel_rad, search.window_px.min(0.5 * apart_px)))
                }));
            }
            first.push(wedges.len());
        }
        let bins = 2 * (search.window_px / BIN_PX).ceil() as usize;
        Cake { first, wedges, bins }
    }

    /// χ in the middle of a wedge.
    fn middle(&self, ring: usize, wedge: usize) -> f64 {
        let number = self.first[ring + 1] - self.first[ring];
        -PI + 2.0 * PI * ((wedge - self.first[ring]) as f64 + 0.5) / number as f64
    }

    fn sums(&self, image: &Image, detector: &Detector, frame: &LabFrame, ladder: &Ladder) -> Sums {
        let empty = Sums {
            bins: vec![Bin::default(); self.wedges.len() * self.bins],
            turn: vec![[0.0; 2]; self.wedges.len()],
        };
        let rows: Vec<usize> = (0..image.shape.rows).collect();
        let share = rows.len().div_ceil(rayon::current_num_threads()).max(1);
        rows.par_chunks(share)
            .map(|rows| {
                let mut sums = empty.clone();
                for &row in rows {
                    self.add_row(row, image, detector, frame, ladder, &mut sums);
                }
                sums
            })
            .reduce_with(Sums::joined)
            .unwrap_or(empty)
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
        let last = self.first.len() - 1;
        for column in 0..image.shape.columns {
            let i = row * image.shape.columns + column;
            if !image.good[i] {
                continue;
            }
            let at = direction(frame, detector.point(row as f64 + 0.5, column as f64 + 0.5));
            let ring = ladder.nearest(at.two_theta_rad);
            if ring >= last {
                continue;
            }
            let number = self.first[ring + 1] - self.first[ring];
            let turned = (at.chi_rad + PI) / (2.0 * PI) * number as f64;
            let wedge = self.first[ring] + (turned as usize).min(number.saturating_sub(1));
            let Some((pixel_rad, window)) = self.wedges.get(wedge).copied().flatten().filter(|_| number > 0)
            else {
                continue;
            };
            let u = (at.two_theta_rad - ladder.two_theta[ring]) / pixel_rad;
            if u.abs() >= window {
                continue;
            }
            let bin = ((u / BIN_PX + 0.5 * self.bins as f64) as usize).min(self.bins - 1);
            let bin = &mut sums.bins[wedge * self.bins + bin];
            bin.pixels += 1.0;
            bin.u += u;
            bin.counts += f64::from(image.counts[i]);
            if u.abs() < 2.0 {
                let middle = -PI + 2.0 * PI * ((wedge - self.first[ring]) as f64 + 0.5) / number as f64;
                sums.turn[wedge][0] += 1.0;
                sums.turn[wedge][1] += at.chi_rad - middle;
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
