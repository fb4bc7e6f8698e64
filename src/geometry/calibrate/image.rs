//! The calibrant's frame as numbers, with what must not be looked at.

use rayon::prelude::*;

use super::CalibrateError;
use crate::frame::{Frame, Mask, Shape};

/// A frame and its mask.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) shape: Shape,
    /// Row order; 0 where not good.
    pub(super) counts: Vec<f32>,
    /// Row order.
    pub(super) good: Vec<bool>,
}

/// A pixel is no part of a ring where it counts more than this many times the second largest of its neighbours.
const LONELY: f32 = 4.0;
/// … and this much more: below, Poisson statistics make lonely pixels.
const LONELY_COUNTS: f32 = 20.0;
/// Where the median is larger, pixels of exactly 0 do not count but are gaps or dead.
const NO_ZEROS_ABOVE: f32 = 20.0;

impl Image {
    /// Leaves out the mask, flagged counts, pixels that count alone, and zeros among many counts.
    pub(super) fn new(frame: &Frame, mask: &Mask) -> Result<Image, CalibrateError> {
        if frame.shape != mask.shape {
            return Err(CalibrateError::Shape { found: frame.shape, expected: mask.shape });
        }
        let mut counts = frame.counts.to_f32();
        let mut good: Vec<bool> =
            counts.iter().zip(&mask.bad).map(|(c, bad)| c.is_finite() && *c >= 0.0 && !bad).collect();
        // Every 97th pixel: enough for a median, and no divisor of a module's side.
        let mut some: Vec<f32> =
            counts.iter().zip(&good).filter(|(_, good)| **good).map(|(c, _)| *c).step_by(97).collect();
        some.sort_by(f32::total_cmp);
        if some.get(some.len() / 2).is_some_and(|median| *median > NO_ZEROS_ABOVE) {
            good.iter_mut().zip(&counts).for_each(|(good, c)| *good &= *c > 0.0);
        }
        let columns = frame.shape.columns;
        let lonely: Vec<usize> = (0..frame.shape.pixels())
            .into_par_iter()
            .filter(|&i| good[i] && is_lonely(&counts, &good, columns, i))
            .collect();
        lonely.into_iter().for_each(|i| good[i] = false);
        counts.iter_mut().zip(&good).filter(|(_, good)| !**good).for_each(|(c, _)| *c = 0.0);
        Ok(Image { shape: frame.shape, counts, good })
    }

    /// The mean of `factor` × `factor` pixels, where at least half of them are good; times their number, so that counting
    /// statistics hold.
    pub(super) fn binned(&self, factor: usize) -> Image {
        let shape = Shape { rows: self.shape.rows / factor, columns: self.shape.columns / factor };
        let area = factor * factor;
        let (counts, good) = (0..shape.pixels())
            .into_par_iter()
            .map(|i| {
                let (row, column) = (i / shape.columns * factor, i % shape.columns * factor);
                let (mut sum, mut n) = (0.0, 0);
                for r in row..row + factor {
                    let line = r * self.shape.columns + column;
                    sum += self.counts[line..line + factor].iter().sum::<f32>();
                    n += self.good[line..line + factor].iter().filter(|good| **good).count();
                }
                if 2 * n >= area { (sum * area as f32 / n as f32, true) } else { (0.0, false) }
            })
            .unzip();
        Image { shape, counts, good }
    }
}

fn is_lonely(counts: &[f32], good: &[bool], columns: usize, i: usize) -> bool {
    if counts[i] <= LONELY_COUNTS {
        return false;
    }
    let (row, column) = (i / columns, i % columns);
    let (mut largest, mut second) = (0.0f32, 0.0f32);
    for r in row.saturating_sub(1)..=(row + 1).min(counts.len() / columns - 1) {
        for c in column.saturating_sub(1)..=(column + 1).min(columns - 1) {
            let j = r * columns + c;
            if j != i && good[j] {
                let value = counts[j];
                second = second.max(value.min(largest));
                largest = largest.max(value);
            }
        }
    }
    counts[i] > LONELY * second + LONELY_COUNTS
}
