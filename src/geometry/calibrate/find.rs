//! The placement within a few pixels, from nothing or from a guess.

use super::centre::Directions;
use super::ladder::{Guess, Ladder};
use super::placement::Placement;
use super::scan::Scan;
use super::strokes::{Strokes, thinned};
use crate::geometry::Detector;

/// Crests that the best placements are fitted to.
const CRESTS: usize = 1000;
/// Placements that are worth a look at their rings.
const KEPT: usize = 4;
/// Placements closer than this are one, pixels.
const SAME_PX: f64 = 5.0;

/// Placements that may be right, best first.
pub(super) fn candidates(strokes: &Strokes, detector: &Detector, ladder: &Ladder) -> Vec<Guess> {
    let pixel_m = detector.pixel_m[0].min(detector.pixel_m[1]);
    let directions = Directions::new(&strokes.strokes, detector);
    let crests = thinned(strokes.crests.clone(), CRESTS);
    let aims = directions.aims();
    let guesses = Scan { directions: &directions, ladder, crests: &crests, pixel_m }.guesses(&aims);
    let mut kept: Vec<Guess> = Vec::new();
    for guess in guesses {
        if !kept.iter().any(|other| other.placement.apart_m(&guess.placement) < SAME_PX * pixel_m) {
            kept.push(guess);
        }
        if kept.len() == KEPT {
            break;
        }
    }
    kept
}

/// The guess, drawn to the crests.
pub(super) fn near(guess: &Placement, strokes: &Strokes, detector: &Detector, ladder: &Ladder) -> Placement {
    let pixel_m = detector.pixel_m[0].min(detector.pixel_m[1]);
    ladder.near(guess, &thinned(strokes.crests.clone(), CRESTS), pixel_m)
}
