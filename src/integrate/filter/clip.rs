//! Clipping: the pixels of a bin within so many standard deviations of their mean, of several frames side by side.
//!
//! Loops over the lanes have a constant length, so that the compiler turns them into vector instructions; each frame has its own
//! lane of products and sums, so that its answer does not depend on those beside it. Most pixels are kept in all frames: they need no masks.

use super::order::lower_median;
use super::{ErrorModel, Part, weight_of_others};
use crate::integrate::Sums;
use crate::simd::{LANES, Row, Vectors};
use crate::stats::SIGMAS_PER_MAD;

/// What a count may be off at the start of a clip, where the mean is not known and a median is: medians of Poisson counts are
/// within ln 2 of the mean (Choi, Proc. Am. Math. Soc. 121, 245 (1994)).
pub(crate) const COUNTS_OF_A_MEDIAN: f64 = 1.0;

/// What stands in the lane of a frame that excludes a pixel: no ring keeps it, its square being infinite.
pub(crate) const EXCLUDED: f64 = 1e200;

/// Whether a value is that of an excluded pixel.
#[inline(always)]
fn is_excluded(value: f64) -> bool {
    value >= EXCLUDED
}

/// A pixel of a bin, whatever the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pixel {
    /// Share w of the pixel in the bin.
    pub(crate) share: f64,
    /// Its norm, above 0.
    pub(crate) norm: f64,
}

/// The pixels of a bin in eight frames.
pub(crate) struct Bin<'a> {
    pub(crate) pixels: &'a [Pixel],
    /// signal/norm of each; [`EXCLUDED`] in the lane of a frame that excludes the pixel.
    pub(crate) values: &'a [Row],
    /// Variance of each signal; `None` where it is the signal.
    pub(crate) variances: Option<&'a [Row]>,
    /// So many lanes are those of frames; the others repeat the first.
    pub(crate) frames: usize,
}

impl Bin<'_> {
    /// Variance of the signal of a pixel.
    #[inline(always)]
    fn variance(&self, index: usize, lane: usize) -> f64 {
        match self.variances {
            Some(variances) => variances[index].0[lane],
            None => self.values[index].0[lane] * self.pixels[index].norm,
        }
    }

    /// The pixels that count in one frame.
    pub(super) fn parts(&self, lane: usize, parts: &mut Vec<Part>) {
        parts.clear();
        parts.extend(self.pixels.iter().zip(self.values).enumerate().filter_map(
            |(index, (pixel, values))| {
                let (Pixel { share, norm }, value) = (*pixel, values.0[lane]);
                let variance = self.variance(index, lane);
                (!is_excluded(value)).then_some(Part { share, norm, value, variance })
            },
        ));
    }
}

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clip {
    /// In standard deviations.
    pub(super) threshold: f64,
    /// Most times that the kept pixels are chosen.
    pub(super) iterations: usize,
    /// What a standard deviation is.
    pub(super) error_model: ErrorModel,
}

impl Clip {
    /// The sums of a bin in each frame; zeros where none of its pixels counts. `numbers` is working space.
    #[inline(always)]
    pub(super) fn sums<V: Vectors>(
        &self,
        vectors: V,
        bin: &Bin<'_>,
        numbers: &mut Vec<f64>,
    ) -> [Sums; LANES] {
        let Clip { threshold, iterations, error_model } = *self;
        let limit = threshold * threshold;
        let mut rings = [Ring { mean: f64::NAN, spread: f64::NAN }; LANES];
        let mut norm_of_all = None;
        for lane in 0..LANES {
            rings[lane] = if lane < bin.frames {
                Ring::start(bin, lane, error_model, &mut norm_of_all, numbers)
            } else {
                rings[0]
            };
        }
        let mut kept = within(vectors, bin, &rings, error_model, limit, COUNTS_OF_A_MEDIAN);
        let mut settled = [false; LANES];
        for _ in 1..iterations {
            for lane in 0..LANES {
                settled[lane] |= kept[lane].norm == 0.0;
                if !settled[lane] {
                    rings[lane] = kept[lane].ring(error_model);
                }
            }
            if settled == [true; LANES] {
                break;
            }
            let next = within(vectors, bin, &rings, error_model, limit, 0.0);
            for lane in 0..LANES {
                if !settled[lane] {
                    // They were chosen around their own mean.
                    settled[lane] = next[lane].has_the_pixels_of(&kept[lane]);
                    kept[lane] = next[lane];
                }
            }
        }
        kept.map(|kept| kept.sums(error_model))
    }
}

/// Sums over the kept pixels of a bin in one frame, x taken from `origin` so that no digits are lost in the scatter.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    origin: f64,
    /// Σ ω, and of the azimuthal model Σ ω².
    norm: f64,
    norm2: f64,
    /// Σ ω(x − origin), and of the azimuthal model Σ ω²(x − origin), Σ ω²(x − origin)².
    value: f64,
    value2: f64,
    square2: f64,
    /// Σ w·variance, Σ w²·variance.
    variance: f64,
    variance2: f64,
}

impl Around {
    fn has_the_pixels_of(&self, other: &Around) -> bool {
        self.norm == other.norm && self.variance == other.variance && self.variance2 == other.variance2
    }

    /// Σ ω²(x − mean)².
    fn scatter(&self) -> f64 {
        let mean = self.value / self.norm;
        (self.square2 - 2.0 * mean * self.value2 + mean * mean * self.norm2).max(0.0)
    }

    /// What pixels are judged by.
    fn ring(&self, model: ErrorModel) -> Ring {
        let spread = match model {
            ErrorModel::Poisson => self.variance / self.norm,
            ErrorModel::Azimuthal => (self.scatter() / self.norm2).sqrt(),
        };
        Ring { mean: self.origin + self.value / self.norm, spread }
    }

    /// Scatter gives the variance with n/(n − 1), n = (Σ ω)²/Σ ω²; a single pixel has that of its counts.
    fn sums(&self, model: ErrorModel) -> Sums {
        if self.norm == 0.0 {
            return Sums::default();
        }
        let variance = match (model, weight_of_others(self.norm, self.norm2)) {
            (ErrorModel::Azimuthal, Some(others)) => self.scatter() / others,
            (ErrorModel::Azimuthal, None) | (ErrorModel::Poisson, _) => self.variance2,
        };
        Sums { signal: self.value + self.origin * self.norm, variance, norm: self.norm }
    }
}

/// Where pixels of a bin are expected.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ring {
    mean: f64,
    /// Variance of the signal per norm (Poisson), or standard deviation of x (azimuthal).
    spread: f64,
}

impl Ring {
    /// From medians, which half of the pixels cannot move; the lower one of an even number, since outliers are high. NaN where no pixel
    /// counts. `norm_of_all` is the median norm of all pixels, once a frame that excludes none has needed it.
    fn start(
        bin: &Bin<'_>,
        lane: usize,
        model: ErrorModel,
        norm_of_all: &mut Option<f64>,
        numbers: &mut Vec<f64>,
    ) -> Ring {
        let value = |index: usize| bin.values[index].0[lane];
        let mean = median(bin, lane, numbers, value);
        let counting = match bin.variances {
            Some(_) => median(bin, lane, numbers, |index| bin.variance(index, lane) / bin.pixels[index].norm),
            None => mean,
        };
        match model {
            ErrorModel::Poisson => Ring { mean, spread: counting },
            ErrorModel::Azimuthal => {
                let mut of_norms = || median(bin, lane, numbers, |index| bin.pixels[index].norm);
                let norm = if bin.values.iter().any(|values| is_excluded(values.0[lane])) {
                    of_norms()
                } else {
                    *norm_of_all.get_or_insert_with(of_norms)
                };
                let of_counting = ((counting + COUNTS_OF_A_MEDIAN / norm) / norm).sqrt();
                let deviation = median(bin, lane, numbers, |index| (value(index) - mean).abs());
                // Where most pixels have the same count, their deviation is no scale.
                Ring { mean, spread: of_counting.max(SIGMAS_PER_MAD * deviation) }
            }
        }
    }
}

/// The lower median of a number of the pixels that count in one frame.
fn median(bin: &Bin<'_>, lane: usize, numbers: &mut Vec<f64>, number: impl Fn(usize) -> f64) -> f64 {
    numbers.clear();
    numbers.resize(bin.pixels.len(), 0.0);
    // Every number is written, and the next goes over that of an excluded pixel.
    let mut count = 0;
    for (index, values) in bin.values.iter().enumerate() {
        numbers[count] = number(index);
        count += usize::from(!is_excluded(values.0[lane]));
    }
    numbers.truncate(count);
    lower_median(numbers)
}

/// The sums of [`Around`] of eight frames.
struct Totals {
    origin: Row,
    spread: Row,
    norm: Row,
    norm2: Row,
    value: Row,
    value2: Row,
    square2: Row,
    variance: Row,
    variance2: Row,
}

#[inline(always)]
fn times(factor: f64, row: &Row) -> [f64; LANES] {
    row.0.map(|number| factor * number)
}

impl Totals {
    /// Adds a pixel that every frame keeps.
    #[inline(always)]
    fn add(&mut self, pixel: Pixel, off: &Row, variance: &Row, model: ErrorModel) {
        let weight = pixel.share * pixel.norm;
        let of_value = Row(times(weight, off));
        self.norm.add(&[weight; LANES]);
        self.value.add(&of_value.0);
        let of_variance = Row(times(pixel.share, variance));
        self.variance.add(&of_variance.0);
        self.variance2.add(&times(pixel.share, &of_variance));
        match model {
            ErrorModel::Poisson => {}
            ErrorModel::Azimuthal => {
                let of_value2 = Row(times(weight, &of_value));
                self.norm2.add(&[weight * weight; LANES]);
                self.value2.add(&of_value2.0);
                self.square2.add(&std::array::from_fn(|lane| of_value2.0[lane] * off.0[lane]));
            }
        }
    }

    /// Adds a pixel to the frames whose bit is set, and to those that the deviance lets in.
    #[cold]
    #[inline(never)]
    fn add_some(&mut self, is_within: u8, pixel: Pixel, off: &Row, variance: &Row, judge: &Judge) {
        let Pixel { share, norm } = pixel;
        let weight = share * norm;
        for lane in 0..LANES {
            let off = off.0[lane];
            if is_within >> lane & 1 == 0 && !judge.keeps(off, norm, self.spread.0[lane]) {
                continue;
            }
            self.norm.0[lane] += weight;
            self.value.0[lane] += weight * off;
            self.variance.0[lane] += share * variance.0[lane];
            self.variance2.0[lane] += share * (share * variance.0[lane]);
            match judge.model {
                ErrorModel::Poisson => {}
                ErrorModel::Azimuthal => {
                    self.norm2.0[lane] += weight * weight;
                    self.value2.0[lane] += weight * (weight * off);
                    self.square2.0[lane] += weight * (weight * off) * off;
                }
            }
        }
    }
}

/// What decides about a pixel that the bounds leave open.
struct Judge {
    model: ErrorModel,
    limit: f64,
    /// Expected counts beside those of the ring.
    more: f64,
}

impl Judge {
    fn keeps(&self, off: f64, norm: f64, spread: f64) -> bool {
        match self.model {
            ErrorModel::Azimuthal => false,
            // An excluded pixel has an infinite deviance, or none that is a number.
            ErrorModel::Poisson => deviance(off * norm, spread * norm + self.more) <= self.limit,
        }
    }
}

/// The sums of the pixels within √`limit` standard deviations of each frame's ring, with `more` expected counts.
#[inline(always)]
fn within<V: Vectors>(
    vectors: V,
    bin: &Bin<'_>,
    rings: &[Ring; LANES],
    model: ErrorModel,
    limit: f64,
    more: f64,
) -> [Around; LANES] {
    let judge = Judge { model, limit, more };
    let zero = || Row::ZERO;
    let mut totals = Totals {
        origin: Row(rings.map(|ring| ring.mean)),
        spread: Row(rings.map(|ring| ring.spread)),
        norm: zero(),
        norm2: zero(),
        value: zero(),
        value2: zero(),
        square2: zero(),
        variance: zero(),
        variance2: zero(),
    };
    let widest = Row(totals.spread.0.map(|spread| limit * spread * spread));
    for (index, (pixel, values)) in bin.pixels.iter().zip(bin.values).enumerate() {
        let off = Row(std::array::from_fn(|lane| values.0[lane] - totals.origin.0[lane]));
        let is_within = match model {
            ErrorModel::Poisson => {
                // The deviance is below excess²/expected for an excess, and below excess²/(expected + excess) for a lack: most pixels
                // need no logarithm.
                let excess = times(pixel.norm, &off);
                let expected = times(pixel.norm, &totals.spread);
                let bound = std::array::from_fn(|lane| {
                    limit * (expected[lane] + more + if excess[lane] < 0.0 { excess[lane] } else { 0.0 })
                });
                vectors.at_most(&Row(excess.map(|excess| excess * excess)), &Row(bound))
            }
            ErrorModel::Azimuthal => vectors.at_most(&Row(off.0.map(|off| off * off)), &widest),
        };
        let variance = match bin.variances {
            Some(variances) => variances[index],
            None => Row(times(pixel.norm, values)),
        };
        if is_within == u8::MAX {
            totals.add(*pixel, &off, &variance, model);
        } else {
            totals.add_some(is_within, *pixel, &off, &variance, &judge);
        }
    }
    std::array::from_fn(|lane| Around {
        origin: totals.origin.0[lane],
        norm: totals.norm.0[lane],
        norm2: totals.norm2.0[lane],
        value: totals.value.0[lane],
        value2: totals.value2.0[lane],
        square2: totals.square2.0[lane],
        variance: totals.variance.0[lane],
        variance2: totals.variance2.0[lane],
    })
}

/// 2[c ln(c/λ) − (c − λ)] for c = λ + `excess` counts where λ = `expected`; c below 0, as a dark frame makes it, is 0.
fn deviance(excess: f64, expected: f64) -> f64 {
    if expected <= 0.0 {
        return if excess > 0.0 { f64::INFINITY } else { 0.0 };
    }
    let count = expected + excess;
    if count <= 0.0 { 2.0 * expected } else { 2.0 * (count * (excess / expected).ln_1p() - excess) }
}
