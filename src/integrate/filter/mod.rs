//! What is done along the ring about pixels that do not belong to it: zingers, Bragg spots, shadows \[E4d\].
//!
//! Each bin is judged by itself. A pixel that is split between bins is judged with its whole count in each of them, so
//! that splitting stays what it is.

mod clip;
mod order;

#[cfg(test)]
pub(crate) use clip::COUNTS_OF_A_MEDIAN;
use clip::Clip;
pub(crate) use clip::{Bin, EXCLUDED, Pixel};
use order::{median, trimmed_mean};

use super::Sums;
use crate::simd::{LANES, Vectors};

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

/// A pixel of a bin in one frame.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Share w of the pixel in the bin.
    share: f64,
    /// Its norm, above 0.
    norm: f64,
    /// signal/norm.
    value: f64,
    /// Variance of the signal.
    variance: f64,
}

/// Below this share of the weight on other pixels a bin has one pixel, which has no scatter.
const ONE_PIXEL: f64 = 1e-9;

/// 1 − 1/n for n = (Σ ω)²/Σ ω² pixels, from Σ ω and Σ ω²; `None` for a single one.
fn weight_of_others(norm: f64, norm2: f64) -> Option<f64> {
    Some(1.0 - norm2 / (norm * norm)).filter(|others| *others > ONE_PIXEL)
}

/// Working space.
#[derive(Debug, Default)]
pub(crate) struct Space {
    parts: Vec<Part>,
    numbers: Vec<f64>,
}

impl Filter {
    /// The sums of a bin in each frame; zeros where none of its pixels counts, and in lanes without a frame anything.
    #[inline(always)]
    pub(crate) fn sums<V: Vectors>(&self, vectors: V, bin: &Bin<'_>, space: &mut Space) -> [Sums; LANES] {
        match *self {
            Filter::SigmaClip { threshold, iterations, error_model } => {
                Clip { threshold, iterations, error_model }.sums(vectors, bin, &mut space.numbers)
            }
            Filter::Off => each_by_itself(bin, space, all),
            Filter::Median => each_by_itself(bin, space, median),
            Filter::TrimmedMean { quantiles } => {
                each_by_itself(bin, space, |parts| trimmed_mean(parts, quantiles))
            }
        }
    }
}

/// One frame after the other.
fn each_by_itself(bin: &Bin<'_>, space: &mut Space, of_frame: impl Fn(&mut [Part]) -> Sums) -> [Sums; LANES] {
    let mut sums = [Sums::default(); LANES];
    for (lane, sums) in sums.iter_mut().enumerate().take(bin.frames) {
        bin.parts(lane, &mut space.parts);
        if !space.parts.is_empty() {
            *sums = of_frame(&mut space.parts);
        }
    }
    sums
}

fn all(parts: &mut [Part]) -> Sums {
    parts.iter().fold(Sums::default(), |sums, part| Sums {
        signal: sums.signal + part.share * part.norm * part.value,
        variance: sums.variance + part.share * part.share * part.variance,
        norm: sums.norm + part.share * part.norm,
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, Poisson};

    use super::*;
    use crate::simd::{InstructionSet, Row, Work};

    struct OneBin<'a>(Filter, Bin<'a>);

    impl Work for OneBin<'_> {
        type Output = [Sums; LANES];

        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> [Sums; LANES] {
            self.0.sums(vectors, &self.1, &mut Space::default())
        }
    }

    /// σ is the scatter of many rings of 200 pixels of 100 counts, a quarter of them shared with a neighbour.
    #[test]
    fn sigma_is_the_scatter() {
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(4);
        let pixel = |i: usize| Pixel {
            share: if i.is_multiple_of(4) { 0.3 } else { 1.0 },
            norm: 1.0 + 1e-3 * i as f64,
        };
        let pixels: Vec<Pixel> = (0..200).map(pixel).collect();
        let clip = |error_model| Filter::SigmaClip { threshold: 5.0, iterations: 5, error_model };
        for filter in [
            clip(ErrorModel::Poisson),
            clip(ErrorModel::Azimuthal),
            Filter::Median,
            Filter::TrimmedMean { quantiles: [0.1, 0.9] },
            Filter::TrimmedMean { quantiles: [0.2, 0.6] },
        ] {
            let (mut found, mut stated) = (Vec::new(), 0.0);
            for _ in 0..2000 / LANES {
                let mut value = |pixel: &Pixel| {
                    let counts = Poisson::new(100.0 * pixel.norm).unwrap();
                    Row(std::array::from_fn(|_| counts.sample(&mut random) / pixel.norm))
                };
                let values: Vec<Row> = pixels.iter().map(&mut value).collect();
                let bin = Bin { pixels: &pixels, values: &values, variances: None, frames: LANES };
                for sums in InstructionSet::best().run(OneBin(filter, bin)) {
                    found.push(sums.signal / sums.norm);
                    stated += sums.variance / (sums.norm * sums.norm) / 2000.0;
                }
            }
            let mean = found.iter().sum::<f64>() / 2000.0;
            let scatter = found.iter().map(|i| (i - mean).powi(2)).sum::<f64>() / 1999.0;
            // A σ of 2000 draws is known to 1.6 %; those of medians and trimmed means hold for many pixels of one norm.
            let ratio = (stated / scatter).sqrt();
            assert!((ratio - 1.0).abs() < 0.06, "{filter:?}: stated σ is {ratio} of the scatter");
        }
    }
}
