//! Every distance for each placement that directions and sharp rings allow.
//!
//! How far away the sample is, crests alone hardly say: for each distance there is a beam's point and a tilt with which they
//! lie on rings about as sharply. Such a family of placements is followed from one distance to the next; in each the
//! calibrant's rings are compared with the crests.

use rayon::prelude::*;

use super::centre::Directions;
use super::gather::{FAR, NEAR, Tilt, gathered, radii_px};
use super::ladder::{CLOSING_PX, Guess, Ladder, STRAY};
use super::placement::Placement;
use super::sharpen::{DOUBTS, contrast, sharpened};
use super::strokes::thinned;

/// Distances along the beam, m, and the factor between neighbours of a family.
const DISTANCES: [f64; 2] = [0.02, 5.0];
const FACTOR: f64 = 1.06;
/// Crests that families and distances are tried with.
const SOME: usize = 400;
/// Where directions leave the centre open, families begin at places this far apart, pixels, up to so many on either side …
const OFFSET_PX: f64 = 6.0;
const MOST_OFFSETS: i32 = 12;
/// Distances at which families of one aim begin, in sides of the detector: from the first one on, each so many times as long as the one
/// before. Where the centre is open each [`SPARSE`]th of them is enough; where it is not, the rings are many, and are only sharp near
/// the right distance.
const NEAREST_BEGINNING: f64 = 0.25;
const BEGINNING_FACTOR: f64 = 1.08;
const BEGINNINGS: i32 = 43;
const SPARSE: i32 = 6;
const OPEN_OFFSETS: i32 = 3;
/// How many of the sharpest are followed.
const FAMILIES: usize = 3;
/// Families that are upright: as many steps on either side of the sharpest one.
const OFFSETS: i32 = 3;
const BESIDE_PX: f64 = 4.0;
/// The same family: centres closer than this, pixels, and tilts, rad.
const SAME_PX: f64 = 4.0;
const SAME_TILT: f64 = 0.03;
/// Placements closer than this are one, pixels.
const ONE_PX: f64 = 2.0;
/// Tilts beyond this are none, rad.
const LARGEST_TILT: f64 = 1.0;
/// Steps of the distance move the outermost crest by this, pixels.
const STEP_PX: f64 = 0.7;
/// Scale of crests about their rings, pixels; rings closer than this, pixels, tell nothing.
const SCALE_PX: f64 = 1.0;
const CLOSEST_PX: f64 = 2.0;
/// Placements that close in, at first and to the end.
const FOLLOWED: [usize; 2] = [60, 12];

/// What is known before distances are tried.
pub(super) struct Scan<'a> {
    pub(super) directions: &'a Directions,
    pub(super) ladder: &'a Ladder,
    pub(super) crests: &'a [[f64; 2]],
    pub(super) pixel_m: f64,
}

/// Placements at distances that increase by [`FACTOR`].
struct Family(Vec<Placement>);

impl Scan<'_> {
    /// The best placements from what the directions allow, best first.
    pub(super) fn guesses(&self, aims: &[Placement]) -> Vec<Guess> {
        let some = thinned(self.crests.to_vec(), SOME);
        let mut families: Vec<Family> = aims.iter().flat_map(|aim| self.tilted(aim)).collect();
        if let Some(aim) = aims.first() {
            families.extend(self.upright(aim));
        }
        let bench = Bench::new(self.ladder, &some, self.pixel_m);
        let peaks: Vec<Guess> = families.par_iter().flat_map_iter(|family| bench.peaks(family)).collect();
        let best = |mut guesses: Vec<Guess>, most: usize| {
            guesses.sort_by(|a, b| b.gain.total_cmp(&a.gain));
            let mut kept: Vec<Guess> = Vec::new();
            for guess in guesses {
                let same = |other: &Guess| other.placement.apart_m(&guess.placement) < ONE_PX * self.pixel_m;
                if kept.len() < most && !kept.iter().any(same) {
                    kept.push(guess);
                }
            }
            kept
        };
        let close = |guesses: Vec<Guess>, crests: &[[f64; 2]], sigmas: &[f64]| -> Vec<Guess> {
            let closer = |g: Guess| self.ladder.closing_in(&g.placement, crests, self.pixel_m, sigmas);
            guesses.into_par_iter().map(closer).collect()
        };
        let (coarse, fine) = CLOSING_PX.split_at(2);
        let closer = best(close(best(peaks, FOLLOWED[0]), &some, coarse), FOLLOWED[1]);
        best(close(closer, self.crests, fine), FOLLOWED[1])
    }

    /// Families about one aim: the sharpest beginnings along the direction in which its centre is open.
    fn tilted(&self, aim: &Placement) -> Vec<Family> {
        let all = self.directions.about(aim);
        let begin = |n: i32| {
            let along_m = self.directions.side_m * NEAREST_BEGINNING * BEGINNING_FACTOR.powi(n);
            let near = all.at_distance(aim, along_m);
            let [slow, fast] = all.doubt_m(&near);
            let doubt = slow.hypot(fast);
            let steps = ((DOUBTS * doubt / (OFFSET_PX * self.pixel_m)) as i32).min(MOST_OFFSETS);
            let stride = DOUBTS / f64::from(steps.max(1));
            let is_begun = n % SPARSE == 0 || steps <= OPEN_OFFSETS;
            let offsets: Vec<i32> = if is_begun { (-steps..=steps).collect() } else { Vec::new() };
            let all = &all;
            let start = move |k: i32| {
                let shift = f64::from(k) * stride;
                let mut start = near;
                if steps > 0 {
                    start.centre_m[0] += shift * slow;
                    start.centre_m[1] += shift * fast;
                    start = all.at_centre(&start, along_m);
                }
                let here = gathered(&start, Tilt::Free, self.crests, self.pixel_m, FAR);
                (contrast(&here, self.crests, self.pixel_m), here)
            };
            offsets.into_par_iter().map(start)
        };
        let mut starts: Vec<(f64, Placement)> = (0..BEGINNINGS).into_par_iter().flat_map(begin).collect();
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut kept: Vec<Family> = Vec::new();
        for (_, start) in starts {
            let same = |family: &Family| {
                let ratio = |member: &Placement| (member.along_m / start.along_m).ln().abs();
                let nearest = family.0.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b)));
                nearest.is_some_and(|other| {
                    let apart = [0, 1].map(|k| (other.centre_m[k] - start.centre_m[k]) / self.pixel_m);
                    let turned = (other.rot1_rad - start.rot1_rad).hypot(other.rot2_rad - start.rot2_rad);
                    apart[0].hypot(apart[1]) < SAME_PX && turned < SAME_TILT && ratio(other) < FACTOR - 1.0
                })
            };
            if kept.len() < FAMILIES && !kept.iter().any(same) {
                kept.push(self.followed(&start));
            }
        }
        kept
    }

    /// From one placement to all distances.
    fn followed(&self, start: &Placement) -> Family {
        let follow = |factor: f64| {
            let next = move |here: &Placement| {
                let along_m = here.along_m * factor;
                let [rot1_rad, rot2_rad] = [here.rot1_rad, here.rot2_rad].map(|rot| rot * factor);
                let possible = (DISTANCES[0]..DISTANCES[1]).contains(&along_m)
                    && rot1_rad.hypot(rot2_rad) < LARGEST_TILT;
                let guess = Placement { along_m, rot1_rad, rot2_rad, ..*here };
                possible.then(|| gathered(&guess, Tilt::Free, self.crests, self.pixel_m, NEAR))
            };
            std::iter::successors(Some(*start), next).skip(1)
        };
        let mut members: Vec<Placement> = follow(1.0 / FACTOR).collect();
        members.reverse();
        members.push(*start);
        members.extend(follow(FACTOR));
        Family(members)
    }

    /// Upright families: the sharpest centre, and where short arcs leave it open others beside it.
    fn upright(&self, aim: &Placement) -> Vec<Family> {
        let (near, axes) = self.directions.upright(aim);
        let sharp = sharpened(&near, &axes, self.crests, self.pixel_m);
        let open = DOUBTS * axes[0][0].hypot(axes[0][1]) > OFFSET_PX * self.pixel_m;
        let step = BESIDE_PX * self.pixel_m / axes[0][0].hypot(axes[0][1]);
        let offsets = if open { OFFSETS } else { 0 };
        let family = |k: i32| {
            let at = sharp.moved(&axes, [f64::from(k) * step, 0.0]);
            Family(DISTANCES.map(|along_m| Placement { along_m, ..at }).to_vec())
        };
        (-offsets..=offsets).map(family).collect()
    }
}

impl Family {
    /// The placement at a distance, between two members.
    fn between(&self, k: usize, share: f64) -> Placement {
        let (a, b) = (&self.0[k], &self.0[k + 1]);
        let mix = |a: f64, b: f64| a + share * (b - a);
        Placement {
            centre_m: [0, 1].map(|axis| mix(a.centre_m[axis], b.centre_m[axis])),
            along_m: a.along_m * (share * (b.along_m / a.along_m).ln()).exp(),
            rot1_rad: mix(a.rot1_rad, b.rot1_rad),
            rot2_rad: mix(a.rot2_rad, b.rot2_rad),
            ..*a
        }
    }
}

/// Crests and rings for a quick comparison, in x = tan θ.
struct Bench<'a> {
    /// tan θ of each ring, and the width of its realm there.
    rings: Vec<[f64; 2]>,
    crests: &'a [[f64; 2]],
    pixel_m: f64,
}

impl Bench<'_> {
    fn new<'a>(ladder: &Ladder, crests: &'a [[f64; 2]], pixel_m: f64) -> Bench<'a> {
        let ring = |(i, two_theta): (usize, &f64)| {
            let half = 0.5 * two_theta;
            // dx = dθ/cos²θ.
            [half.tan(), 0.5 * ladder.realm(i) / half.cos().powi(2)]
        };
        Bench { rings: ladder.two_theta.iter().enumerate().map(ring).collect(), crests, pixel_m }
    }

    /// The distances that are better than their neighbours.
    fn peaks(&self, family: &Family) -> Vec<Guess> {
        let mut scan: Vec<Guess> = Vec::new();
        for (k, pair) in family.0.windows(2).enumerate() {
            let mut radii = radii_px(&pair[0], self.crests, self.pixel_m);
            radii.sort_by(f64::total_cmp);
            let [middle, largest] = [0.5, 1.0].map(|share| {
                radii.get((radii.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(1.0)
            });
            let step = (STEP_PX / largest).min(0.01);
            let ratio = (pair[1].along_m / pair[0].along_m).ln();
            let count = (ratio / step).ceil().max(1.0) as usize;
            for j in 0..count {
                let placement = family.between(k, j as f64 / count as f64);
                let scale = 2.0 * placement.along_m / self.pixel_m;
                let (x_middle, x_largest) = (middle / scale, largest / scale);
                let realm_px = self.nearest(x_middle)[1] * scale;
                let said = x_largest > self.rings[0][0] && realm_px > CLOSEST_PX;
                let gain = if said { self.gain(&placement, scale) } else { f64::NEG_INFINITY };
                scan.push(Guess { placement, gain });
            }
        }
        let is_peak = |w: &&[Guess]| w[1].gain >= w[0].gain && w[1].gain > w[2].gain;
        scan.windows(3).filter(is_peak).map(|w| w[1]).collect()
    }

    /// As [`Ladder::gain`] with Student's distribution of three degrees of freedom about the rings, whose tails allow for a placement
    /// that is a few pixels off, and all pixels as large as those of an upright detector.
    fn gain(&self, placement: &Placement, scale: f64) -> f64 {
        let frame = placement.lab_frame();
        let one = |point: &[f64; 2]| {
            let [t1, t2, t3] = frame.ray(*point);
            let across = t1 * t1 + t2 * t2;
            let x = across.sqrt() / (t3 + (across + t3 * t3).sqrt());
            let [ring, realm] = self.nearest(x);
            // r = L tan 2θ.
            let longer = scale * (1.0 + x * x) / (1.0 - x * x).powi(2);
            let z = (x - ring) * longer / SCALE_PX;
            let density = 2.0 / (std::f64::consts::PI * 3f64.sqrt() * (1.0 + z * z / 3.0).powi(2) * SCALE_PX);
            (STRAY + (1.0 - STRAY) * realm * longer * density).ln()
        };
        self.crests.iter().map(one).sum::<f64>() / self.crests.len().max(1) as f64
    }

    /// The ring that is nearest.
    fn nearest(&self, x: f64) -> [f64; 2] {
        let after = self.rings.partition_point(|ring| ring[0] < x).min(self.rings.len() - 1);
        let before = after.saturating_sub(1);
        if self.rings[after][0] - x < x - self.rings[before][0] {
            self.rings[after]
        } else {
            self.rings[before]
        }
    }
}
