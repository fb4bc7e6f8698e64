//! Rings that lie close together: how high each is, from all wedges of their group at once.
//!
//! In one wedge heights and place can hardly be told apart; over the azimuth the heights are the same, and the place is what
//! differs. Widths are the same in 2θ, so that the wedges add up to one profile.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::cake::{Cake, Group, Sums, Wedge};
use super::ladder::Ladder;
use super::peak::{BIN_PX, Bin, Sample, samples, shape, variance};

/// Rings of one group and those beside it.
#[derive(Debug, Clone)]
pub(super) struct Heights {
    /// Number of each ring that is seen, and its share, for all groups in one unit.
    pub(super) rings: Vec<(usize, f64)>,
    /// Their standard deviation in 2θ, rad.
    pub(super) width_rad: f64,
    /// Share of what is known of the place that is left when heights and width have to be found from the same profile.
    pub(super) left: f64,
}

/// Rings beside the window reach into it from as far as this, in standard deviations.
const TAIL: f64 = 4.0;
/// A wedge is evenly seen where each part of this length has this share of the mean number of pixels.
const PART_PX: f64 = 2.0;
const EVEN: f64 = 0.7;
/// Rounds in which each group learns of those beside it, and of its width: half way between rings little of the next is left.
const ROUNDS: usize = 4;
/// A width is off by no more than this factor in one round, or the profile does not determine it.
const WIDER: f64 = 1.3;

/// Heights of all groups for rings of standard deviation `width_rad`; `None` for a group where no ring is seen, or nothing is
/// left of the place.
pub(super) fn heights(
    cake: &Cake,
    sums: &Sums,
    ladder: &Ladder,
    width_rad: &(dyn Fn(&Group) -> f64 + Sync),
) -> Vec<Option<Heights>> {
    let crowd = |group: &Group| {
        let pooled = Pooled::new(cake, group, sums, ladder, group.wedges.clone())?;
        Some(Crowd::new(pooled, group, ladder, width_rad(group)))
    };
    let mut crowds: Vec<Option<Crowd>> = cake.groups.par_iter().map(crowd).collect();
    let mut areas = vec![0.0; ladder.two_theta.len()];
    let mut found: Vec<Option<Found>> = Vec::new();
    for _ in 0..ROUNDS {
        let solve = |crowd: &Option<Crowd>| crowd.as_ref().and_then(|crowd| crowd.solved(&areas));
        found = crowds.par_iter().map(solve).collect();
        for (crowd, found) in crowds.iter_mut().zip(&found) {
            let Some((crowd, found)) = crowd.as_mut().zip(found.as_ref()) else { continue };
            areas[crowd.own.clone()].copy_from_slice(&found.areas);
            crowd.width = found.width;
        }
    }
    let of = |((crowd, found), group): ((Option<Crowd>, Option<Found>), &Group)| {
        // A ring that stands alone needs no height.
        if group.rings.len() == 1 && crowd.as_ref().is_none_or(|crowd| crowd.all.len() == 1) {
            let rings = vec![(group.reference, 1.0)];
            return Some(Heights { rings, width_rad: width_rad(group), left: 1.0 });
        }
        let (crowd, found) = crowd.zip(found)?;
        let seen = crowd.all.filter(|ring| areas[*ring] > 0.0);
        let rings: Vec<(usize, f64)> = seen.map(|ring| (ring, areas[ring])).collect();
        let width_rad = crowd.width * crowd.pixel_rad;
        (found.left > 0.0).then_some(Heights { rings, width_rad, left: found.left })
    };
    crowds.into_iter().zip(found).zip(&cake.groups).map(of).collect()
}

/// What a pooled profile says.
struct Found {
    /// Of the group's own rings, counts·rad.
    areas: Vec<f64>,
    /// Pixels.
    width: f64,
    left: f64,
}

/// A group, the rings beside it, and its pooled profile.
struct Crowd {
    own: std::ops::Range<usize>,
    all: std::ops::Range<usize>,
    /// Of all, pixels from the reference.
    offsets: Vec<f64>,
    width: f64,
    pixel_rad: f64,
    samples: Vec<Sample>,
    mean: f64,
}

impl Crowd {
    fn new(pooled: Pooled, group: &Group, ladder: &Ladder, width_rad: f64) -> Crowd {
        let rings = &ladder.two_theta;
        let [low, high] = pooled.window.map(|end| rings[group.reference] + end * pooled.pixel_rad);
        let first = rings.partition_point(|ring| *ring < low - TAIL * width_rad).min(group.rings.start);
        let last = rings.partition_point(|ring| *ring <= high + TAIL * width_rad).max(group.rings.end);
        let at = |ring: usize| (rings[ring] - rings[group.reference]) / pooled.pixel_rad;
        Crowd {
            own: group.rings.clone(),
            all: first..last,
            offsets: (first..last).map(at).collect(),
            width: width_rad / pooled.pixel_rad,
            pixel_rad: pooled.pixel_rad,
            samples: samples(&pooled.bins),
            mean: pooled.mean,
        }
    }

    /// The group's own rings; the areas of the others are given.
    fn solved(&self, areas: &[f64]) -> Option<Found> {
        // First where they should be; then with the slopes of what was found, which is right to first order in width and shift.
        let found = self.equations(areas, &vec![0.0; self.own.len()]).positive(self.own.len())?;
        let (own, wider, left) = self.equations(areas, &found).shifted(&found)?;
        let width = self.width * (1.0 + wider / self.width).clamp(1.0 / WIDER, WIDER);
        Some(Found { areas: own.into_iter().map(|area| area * self.pixel_rad).collect(), width, left })
    }

    /// For heights, a straight background, and a common change of width and place of heights `found`.
    fn equations(&self, areas: &[f64], found: &[f64]) -> Equations {
        let own = self.own.len();
        let mut equations =
            Equations { matrix: DMatrix::zeros(own + 4, own + 4), vector: DVector::zeros(own + 4) };
        let mut row = DVector::zeros(own + 4);
        for [u, y, n] in &self.samples {
            let (mut slope, mut wider, mut others) = (0.0, 0.0, 0.0);
            for (ring, offset) in self.all.clone().zip(&self.offsets) {
                let [value, by_u, by_width] = shape(u - offset, self.width);
                if self.own.contains(&ring) {
                    row[ring - self.own.start] = value;
                    slope -= found[ring - self.own.start] * by_u;
                    wider += found[ring - self.own.start] * by_width;
                } else {
                    others += areas[ring] / self.pixel_rad * value;
                }
            }
            (row[own], row[own + 1], row[own + 2], row[own + 3]) = (1.0, *u, wider, slope);
            let weight = n / variance(self.mean, *n);
            equations.matrix.ger(weight, &row, &row, 1.0);
            equations.vector.axpy(weight * (y - others), &row, 1.0);
        }
        equations
    }
}

/// Wedges of a group as one.
pub(super) struct Pooled {
    pub(super) pixel_rad: f64,
    /// Ends of the window, pixels.
    pub(super) window: [f64; 2],
    pub(super) bins: Vec<Bin>,
    /// Mean counts of a pixel.
    mean: f64,
    /// Those that took part: no gap and no edge takes away a part of their window.
    pub(super) wedges: Vec<usize>,
}

impl Pooled {
    pub(super) fn new(
        cake: &Cake,
        group: &Group,
        sums: &Sums,
        ladder: &Ladder,
        range: std::ops::Range<usize>,
    ) -> Option<Pooled> {
        let of_range = range.clone().zip(&cake.wedges[range]);
        let (numbers, wedges): (Vec<usize>, Vec<&Wedge>) =
            of_range.filter_map(|(number, wedge)| Some((number, wedge.as_ref()?))).unzip();
        if wedges.is_empty() {
            return None;
        }
        let pixel_rad = wedges.iter().map(|w| w.pixel_rad).sum::<f64>() / wedges.len() as f64;
        let radius_px = ladder.two_theta[group.reference].sin() / pixel_rad;
        // What all wedges see; where only some do, the mean would follow which ones.
        let [low, high] = wedges.iter().fold([f64::NEG_INFINITY, f64::INFINITY], |[low, high], w| {
            let scale = w.pixel_rad / pixel_rad;
            [low.max(-w.window[0] * scale), high.min(w.window[1] * scale)]
        });
        let mut bins = vec![Bin::default(); ((high - low) / BIN_PX).ceil().max(1.0) as usize];
        let mut used = Vec::new();
        for (number, wedge) in numbers.into_iter().zip(wedges) {
            let scale = wedge.pixel_rad / pixel_rad;
            let own = sums.of(wedge).iter().filter(|bin| bin.pixels > 0.0);
            let own = own.map(|bin| Bin { u: bin.u * scale, ..*bin });
            let own: Vec<Bin> = own.filter(|bin| (low..high).contains(&(bin.u / bin.pixels))).collect();
            if !evenly_seen(&own, [low, high], radius_px) {
                continue;
            }
            used.push(number);
            for bin in own {
                let place = (((bin.u / bin.pixels - low) / BIN_PX) as usize).min(bins.len() - 1);
                bins[place].pixels += bin.pixels;
                bins[place].u += bin.u;
                bins[place].counts += bin.counts;
            }
        }
        let pixels: f64 = bins.iter().map(|bin| bin.pixels).sum();
        let mean = bins.iter().map(|bin| bin.counts).sum::<f64>() / pixels;
        mean.is_finite().then_some(Pooled { pixel_rad, window: [low, high], bins, mean, wedges: used })
    }
}

/// Whether no gap and no edge of the array takes away much of a part of the window; `radius_px` is that of the reference ring: a
/// wedge widens with it.
fn evenly_seen(bins: &[Bin], [low, high]: [f64; 2], radius_px: f64) -> bool {
    let mut parts = vec![0.0; ((high - low) / PART_PX).ceil().max(1.0) as usize];
    for bin in bins {
        let part = (((bin.u / bin.pixels - low) / PART_PX) as usize).min(parts.len() - 1);
        parts[part] += bin.pixels;
    }
    for (k, pixels) in parts.iter_mut().enumerate() {
        *pixels /= (radius_px + low + PART_PX * (k as f64 + 0.5)).max(PART_PX);
    }
    // The last part may be narrower.
    let whole = parts.len().max(2) - 1;
    let mean = parts[..whole].iter().sum::<f64>() / whole as f64;
    parts[..whole].iter().all(|pixels| *pixels > EVEN * mean)
}

/// Normal equations of heights, background, width and shift.
struct Equations {
    matrix: DMatrix<f64>,
    vector: DVector<f64>,
}

impl Equations {
    fn part(&self, chosen: &[usize]) -> (DMatrix<f64>, DVector<f64>) {
        let matrix = DMatrix::from_fn(chosen.len(), chosen.len(), |k, l| self.matrix[(chosen[k], chosen[l])]);
        (matrix, DVector::from_fn(chosen.len(), |k, _| self.vector[chosen[k]]))
    }

    /// Heights without a shift, with a background; rings whose height comes out negative have none.
    fn positive(&self, rings: usize) -> Option<Vec<f64>> {
        let mut free: Vec<usize> = (0..rings + 2).collect();
        while free.len() > 2 {
            let (matrix, vector) = self.part(&free);
            let solved = matrix.cholesky()?.solve(&vector);
            let worst = (0..free.len() - 2).min_by(|a, b| solved[*a].total_cmp(&solved[*b]))?;
            if solved[worst] > 0.0 {
                let mut all = vec![0.0; rings];
                (0..free.len() - 2).for_each(|k| all[free[k]] = solved[k]);
                return Some(all);
            }
            free.remove(worst);
        }
        None
    }

    /// Heights of the rings that have one, where they are; how much wider they are, pixels; what is left of the place.
    fn shifted(&self, found: &[f64]) -> Option<(Vec<f64>, f64, f64)> {
        let rings = found.len();
        let seen: Vec<usize> = (0..rings).filter(|k| found[*k] > 0.0).collect();
        let place = rings + 3;
        let free: Vec<usize> = seen.iter().copied().chain([rings, rings + 1, rings + 2]).collect();
        let (matrix, vector) = self.part(&free);
        let cross = DVector::from_fn(free.len(), |k, _| self.matrix[(free[k], place)]);
        let cholesky = matrix.cholesky()?;
        let whole = self.matrix[(place, place)];
        let left = 1.0 - cross.dot(&cholesky.solve(&cross)) / whole;
        let shift = (self.vector[place] - cross.dot(&cholesky.solve(&vector))) / (whole * left);
        let solved = cholesky.solve(&(vector - cross * shift));
        let mut all = vec![0.0; rings];
        seen.iter().zip(solved.iter()).for_each(|(ring, height)| all[*ring] = height.max(0.0));
        Some((all, solved[seen.len() + 2], left))
    }
}
