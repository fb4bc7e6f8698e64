//! Where the beam meets the plane, and the tilt, from the directions of rings alone.
//!
//! On a plane the normal of a ring of constant 2θ is the gradient of cos 2θ. It depends on the beam's point, the tilt and,
//! with a tilt, on the distance, but not on which ring it is: no indexing is needed, and background that depends on 2θ
//! alone is as good as a ring.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::placement::{Placement, cos_two_theta_slope};
use super::refine::median;
use super::sharpen::Axis;
use super::solve::{Loss, Problem};
use super::strokes::{Stroke, thinned};
use crate::geometry::{Detector, LabFrame};

/// Strokes that the search of the whole plane looks at first, and those that it closes in with; all of them say best where the
/// centre is.
const FEW: usize = 200;
const SOME: usize = 600;
/// Standard deviations of a direction while the search closes in, rad.
const SPREADS: [f64; 3] = [0.15, 0.08, 0.05];
/// Tilts that are tried, rad.
const TILTS: [f64; 3] = [0.2, 0.45, 0.75];
/// Azimuths of the tilt that are tried.
const TURNS: usize = 8;
/// Distances that are tried, in sides of the detector: they matter where there is a tilt.
const DISTANCES: [f64; 2] = [0.6, 2.0];
/// Points along each axis of the grid of centres, which reaches one and a half sides beyond the detector.
const GRID: usize = 29;
/// Starts that are followed downhill.
const STARTS: usize = 40;
/// Steps downhill where only the distance has changed: neighbouring ones have neighbouring tilts.
const SCAN_ROUNDS: usize = 3;
/// Strokes of the sharpest rings are no more certain than this, rad.
const LEAST_SPREAD: f64 = 0.01;
const ROUNDS: usize = 12;
/// Solutions that are kept.
const KEPT: usize = 3;
/// Tilts are not more than this by much, rad, and never more than the other.
const USUAL_TILT: f64 = 0.6;
const LARGEST_TILT: f64 = 1.1;

/// Parameters of the fits: centre slow, fast (in sides of the detector), rot1, rot2, ln(distance/side).
type Parameters = [f64; 5];

/// What strokes say, with the detector's side as the unit.
pub(super) struct Directions {
    strokes: Vec<Stroke>,
    /// Standard deviation of their directions, rad.
    spread: f64,
    /// The detector's longer side.
    pub(super) side_m: f64,
}

impl Directions {
    pub(super) fn new(strokes: &[Stroke], detector: &Detector) -> Self {
        let sides = [
            detector.shape.rows as f64 * detector.pixel_m[0],
            detector.shape.columns as f64 * detector.pixel_m[1],
        ];
        Self { strokes: strokes.to_vec(), spread: SPREADS[2], side_m: sides[0].max(sides[1]) }
    }

    fn thinned(&self, most: usize) -> Directions {
        Self { strokes: thinned(self.strokes.clone(), most), ..*self }
    }

    /// With the spread that strokes have about a placement.
    pub(super) fn about(&self, placement: &Placement) -> Directions {
        let frame = placement.lab_frame();
        let mut misses: Vec<f64> = self.strokes.iter().map(|stroke| stroke.misses(&frame).abs()).collect();
        // The median of |x| of a normal distribution is 0.6745.
        let spread = (median(&mut misses) / 0.6745).clamp(LEAST_SPREAD, SPREADS[2]);
        Self { strokes: self.strokes.clone(), spread, ..*self }
    }

    /// The few best placements, best first; how far away they are hardly matters to the directions.
    pub(super) fn aims(&self) -> Vec<Placement> {
        let (few, some) = (self.thinned(FEW), self.thinned(SOME));
        let grid = self.grid().into_par_iter();
        let mut starts: Vec<(f64, Parameters)> =
            grid.map(|start| (few.problem_cost(&start, SPREADS[0]), start)).collect();
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut chosen: Vec<Parameters> = Vec::new();
        for (_, start) in starts {
            let near = |other: &Parameters| (0..4).all(|k| (start[k] - other[k]).abs() < 0.13);
            if !chosen.iter().any(near) {
                chosen.push(start);
            }
            if chosen.len() == STARTS {
                break;
            }
        }
        let mut aims: Vec<(f64, Placement)> =
            chosen.into_par_iter().map(|start| some.closing_in(start)).collect();
        aims.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut kept: Vec<Placement> = Vec::new();
        for (_, a) in aims {
            let same = |b: &Placement| {
                let apart = (a.centre_m[0] - b.centre_m[0]).hypot(a.centre_m[1] - b.centre_m[1]);
                let turned = (a.rot1_rad - b.rot1_rad).hypot(a.rot2_rad - b.rot2_rad);
                apart < 0.03 * self.side_m && turned < 0.1
            };
            if !kept.iter().any(same) {
                kept.push(a);
            }
            if kept.len() == KEPT {
                break;
            }
        }
        kept
    }

    /// The best placement at a given distance along the beam, m, near another one.
    pub(super) fn at_distance(&self, near: &Placement, along_m: f64) -> Placement {
        self.tilted(near, along_m, [1e-5, 1e-5, 1e-5, 1e-5, 0.0])
    }

    /// The best tilt at a given distance for the centre of `near`.
    pub(super) fn at_centre(&self, near: &Placement, along_m: f64) -> Placement {
        self.tilted(near, along_m, [0.0, 0.0, 1e-5, 1e-5, 0.0])
    }

    fn tilted(&self, near: &Placement, along_m: f64, steps: Parameters) -> Placement {
        let mut start = self.parameters(near);
        start[4] = (along_m / self.side_m).ln();
        self.placement(&self.fit(&start, self.spread, steps, SCAN_ROUNDS).0)
    }

    /// The best upright placement near another one, and the axes of its centre's uncertainty, the more open one first.
    pub(super) fn upright(&self, near: &Placement) -> (Placement, [Axis; 2]) {
        let some = self.thinned(SOME);
        let steps = [1e-5, 1e-5, 0.0, 0.0, 0.0];
        let mut here = self.parameters(&Placement { rot1_rad: 0.0, rot2_rad: 0.0, ..*near });
        for spread in SPREADS {
            here = some.fit(&here, spread, steps, 30).0;
        }
        let normal = some.with_problem(SPREADS[2], steps, |p| p.normal_equations(&here).0);
        let eigen = normal.fixed_view::<2, 2>(0, 0).into_owned().symmetric_eigen();
        let mut order = [0, 1];
        order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
        let axes = order.map(|k| {
            let length = self.side_m / eigen.eigenvalues[k].max(f64::MIN_POSITIVE).sqrt();
            [0, 1].map(|axis| length * eigen.eigenvectors[(axis, k)])
        });
        (self.placement(&here), axes)
    }

    /// The direction in which the centre is known worst, as long as its standard deviation there, m: short arcs know their
    /// centre badly along the radius.
    pub(super) fn doubt_m(&self, placement: &Placement) -> [f64; 2] {
        let at = self.parameters(placement);
        let normal =
            self.with_problem(self.spread, [1e-5, 1e-5, 1e-5, 1e-5, 0.0], |p| p.normal_equations(&at).0);
        let Some(inverse) = normal.try_inverse() else { return [0.0; 2] };
        let centre = inverse.fixed_view::<2, 2>(0, 0).into_owned().symmetric_eigen();
        let worst = centre.eigenvalues.imax();
        let length = centre.eigenvalues[worst].max(0.0).sqrt() * self.side_m;
        [0, 1].map(|axis| length * centre.eigenvectors[(axis, worst)])
    }

    fn grid(&self) -> Vec<Parameters> {
        let along = |i: usize| -1.5 + 4.0 * i as f64 / (GRID - 1) as f64;
        let mut tilts = vec![[0.0, 0.0, 0.0]];
        for tilt in TILTS {
            for turn in 0..TURNS {
                let (sin, cos) = (2.0 * PI * turn as f64 / TURNS as f64).sin_cos();
                tilts.extend(DISTANCES.map(|distance| [tilt * cos, tilt * sin, distance.ln()]));
            }
        }
        let mut grid = Vec::new();
        for i in 0..GRID {
            for j in 0..GRID {
                grid.extend(tilts.iter().map(|[rot1, rot2, ln]| [along(i), along(j), *rot1, *rot2, *ln]));
            }
        }
        grid
    }

    fn closing_in(&self, start: Parameters) -> (f64, Placement) {
        let mut here = start;
        let mut cost = f64::INFINITY;
        for spread in SPREADS {
            (here, cost) = self.fit(&here, spread, [1e-5; 5], ROUNDS);
        }
        (cost, self.placement(&here))
    }

    fn placement(&self, p: &[f64]) -> Placement {
        Placement {
            centre_m: [p[0] * self.side_m, p[1] * self.side_m],
            along_m: p[4].exp() * self.side_m,
            rot1_rad: p[2],
            rot2_rad: p[3],
            rot3_rad: 0.0,
            parallax: None,
        }
    }

    fn parameters(&self, placement: &Placement) -> Parameters {
        let [slow, fast] = placement.centre_m.map(|centre| centre / self.side_m);
        let ln = (placement.along_m / self.side_m).ln();
        [slow, fast, placement.rot1_rad, placement.rot2_rad, ln]
    }

    fn fit(&self, start: &Parameters, spread: f64, steps: Parameters, rounds: usize) -> (Parameters, f64) {
        let minimum = self.with_problem(spread, steps, |problem| problem.minimise(start, rounds));
        (minimum.parameters.try_into().unwrap_or(*start), minimum.cost)
    }

    fn problem_cost(&self, at: &Parameters, spread: f64) -> f64 {
        self.with_problem(spread, [0.0; 5], |problem| problem.cost(at))
    }

    fn with_problem<T>(
        &self,
        spread: f64,
        steps: Parameters,
        then: impl FnOnce(&Problem<'_, LabFrame>) -> T,
    ) -> T {
        let model = |p: &[f64]| self.placement(p).lab_frame();
        // The beam's direction seen from the detector: its last part is the cosine of the tilt.
        let residual = |frame: &LabFrame, i: usize| {
            let possible = frame.rows[2][2] > LARGEST_TILT.cos();
            if possible { self.strokes[i].misses(frame) / spread } else { 1e3 }
        };
        let prior = [
            (0.5, 4.0),
            (0.5, 4.0),
            (0.0, USUAL_TILT),
            (0.0, USUAL_TILT),
            // Nothing but the tilt says how far away the sample is; it is some sides away.
            (0.4, 1.0),
        ];
        then(&Problem {
            model: &model,
            residual: &residual,
            count: self.strokes.len(),
            steps: &steps,
            prior: &prior,
            loss: Loss::Cauchy,
        })
    }
}

impl Stroke {
    /// Sine of the angle between the stroke's normal and that of a ring there.
    fn misses(&self, frame: &LabFrame) -> f64 {
        let [slow, fast] = cos_two_theta_slope(frame, self.point);
        let length = (slow * slow + fast * fast).sqrt();
        if length > 0.0 { (self.normal[0] * fast - self.normal[1] * slow) / length } else { 1.0 }
    }
}
