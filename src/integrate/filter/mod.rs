//! What is done along the ring about pixels that do not belong to it: zingers, Bragg spots, shadows \[E4d\].
//!
//! Each bin is judged by itself. A pixel that is split between bins is judged with its whole count in each of them, so
//! that splitting stays what it is.

mod clip;
mod order;

pub(crate) use clip::{Bin, Clip, EXCLUDED, Pixel};
use order::{median, trimmed_mean};

use super::Sums;
use crate::simd::{InstructionSet, LANES, Row, Vectors, Work};

/// How the pixels of a bin make its intensity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Filter {
    /// Σ w·signal/Σ w·norm of all \[E4\].
    Off,
    /// The same of the pixels within `threshold` standard deviations of it.
    SigmaClip {
        /// In standard deviations.
        threshold: f64,
        /// Most times that the kept pixels are chosen anew, each time around their new mean.
        iterations: usize,
        /// What a standard deviation is.
        error_model: ErrorModel,
    },
    /// The median of signal/norm, each pixel with the weight w·norm.
    Median,
    /// The mean of what lies between two quantiles of signal/norm, each pixel with the weight w·norm.
    TrimmedMean {
        /// Lower and upper, 0 to 1.
        quantiles: [f64; 2],
    },
}

/// The standard deviation that pixels are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorModel {
    /// What counting gives at the ring's mean, by the deviance: z² = 2[c ln(c/λ) − (c − λ)] for c counts where λ are
    /// expected. A threshold then means the same probability for 0.1 as for 10⁶ counts.
    Poisson,
    /// The scatter along the ring: std² = Σ ω²(x − mean)²/Σ ω², x = signal/norm, ω = w·norm.
    Azimuthal,
}

/// A pixel in a bin.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Share w of the pixel in the bin.
    pub share: f64,
    /// Its norm, above 0.
    pub norm: f64,
    /// signal/norm.
    pub value: f64,
    /// Variance of the signal.
    pub variance: f64,
}

/// Below this share of the weight on other pixels a bin has one pixel, which has no scatter.
const ONE_PIXEL: f64 = 1e-9;

impl Filter {
    /// The sums of a bin with these pixels, in any order; zeros where there are none. `numbers` is working space.
    pub fn sums(&self, parts: &mut [Part], numbers: &mut Vec<f64>) -> Sums {
        if parts.is_empty() {
            return Sums::default();
        }
        match *self {
            Filter::Off => parts.iter().fold(Sums::default(), |sums, part| Sums {
                signal: sums.signal + part.share * part.norm * part.value,
                variance: sums.variance + part.share * part.share * part.variance,
                norm: sums.norm + part.share * part.norm,
            }),
            Filter::SigmaClip { threshold, iterations, error_model } => {
                let pixels: Vec<Pixel> =
                    parts.iter().map(|part| Pixel { share: part.share, norm: part.norm }).collect();
                let row = |number: fn(&Part) -> f64| {
                    parts.iter().map(|part| Row([number(part); LANES])).collect::<Vec<Row>>()
                };
                let (values, variances) = (row(|part| part.value), row(|part| part.variance));
                let bin = Bin { pixels: &pixels, values: &values, variances: Some(&variances), frames: 1 };
                let clip = Clip { threshold, iterations, error_model };
                InstructionSet::best().run(ClipOne { clip, bin, numbers })
            }
            Filter::Median => median(parts),
            Filter::TrimmedMean { quantiles } => trimmed_mean(parts, quantiles),
        }
    }
}

/// One bin of one frame.
struct ClipOne<'a> {
    clip: Clip,
    bin: Bin<'a>,
    numbers: &'a mut Vec<f64>,
}

impl Work for ClipOne<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Sums {
        self.clip.sums(vectors, &self.bin, self.numbers)[0]
    }
}
