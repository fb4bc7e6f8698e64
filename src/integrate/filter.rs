//! What is done along the ring about pixels that do not belong to it: zingers, Bragg spots, shadows \[E4d\].
//!
//! Each bin is judged by itself. A pixel that is split between bins is judged with its whole count in each of them, so
//! that splitting stays what it is.

use super::Sums;

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

/// What a count may be off at the start of a clip, where the mean is not known and a median is: medians of Poisson counts are
/// within ln 2 of the mean (Choi, Proc. Am. Math. Soc. 121, 245 (1994)).
const COUNTS_OF_A_MEDIAN: f64 = 1.0;

/// Standard deviations of normally distributed numbers in one median absolute deviation.
const SIGMAS_PER_MAD: f64 = 1.482_602_218_505_602;

/// Below this share of the weight on other pixels a bin has one pixel, which has no scatter.
const ONE_PIXEL: f64 = 1e-9;

impl Filter {
    /// The sums of a bin with these pixels, in any order; zeros where there are none. `numbers` is working space.
    pub fn sums(&self, parts: &mut [Part], numbers: &mut Vec<f64>) -> Sums {
        if parts.is_empty() {
            return Sums::default();
        }
        match *self {
            Filter::Off => Around::new(parts[0].value).add_all(parts, |_| true).sums(ErrorModel::Poisson),
            Filter::SigmaClip { threshold, iterations, error_model } => {
                clip(parts, threshold, iterations, error_model, numbers)
            }
            Filter::Median => median(parts),
            Filter::TrimmedMean { quantiles } => trimmed_mean(parts, quantiles),
        }
    }
}

/// Sums over some pixels of a bin, x taken from `origin` so that no digits are lost in the scatter.
#[derive(Debug, Clone, Copy)]
struct Around {
    origin: f64,
    /// Σ ω, Σ ω².
    norm: f64,
    norm2: f64,
    /// Σ ω(x − origin), Σ ω²(x − origin), Σ ω²(x − origin)².
    value: f64,
    value2: f64,
    square2: f64,
    /// Σ w·variance, Σ w²·variance.
    variance: f64,
    variance2: f64,
}

impl Around {
    fn new(origin: f64) -> Around {
        Around {
            origin,
            norm: 0.0,
            norm2: 0.0,
            value: 0.0,
            value2: 0.0,
            square2: 0.0,
            variance: 0.0,
            variance2: 0.0,
        }
    }

    fn add_all(mut self, parts: &[Part], keeps: impl Fn(&Part) -> bool) -> Around {
        for part in parts.iter().filter(|part| keeps(part)) {
            let weight = part.share * part.norm;
            let off = part.value - self.origin;
            self.norm += weight;
            self.norm2 += weight * weight;
            self.value += weight * off;
            self.value2 += weight * weight * off;
            self.square2 += weight * weight * off * off;
            self.variance += part.share * part.variance;
            self.variance2 += part.share * part.share * part.variance;
        }
        self
    }

    fn mean(&self) -> f64 {
        self.origin + self.value / self.norm
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
        Ring { mean: self.mean(), spread }
    }

    /// Scatter gives the variance with n/(n − 1), n = (Σ ω)²/Σ ω²; a single pixel has that of its counts.
    fn sums(&self, model: ErrorModel) -> Sums {
        if self.norm == 0.0 {
            return Sums::default();
        }
        let others = 1.0 - self.norm2 / (self.norm * self.norm);
        let variance = match model {
            ErrorModel::Azimuthal if others > ONE_PIXEL => self.scatter() / others,
            ErrorModel::Azimuthal | ErrorModel::Poisson => self.variance2,
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
    /// From medians, which half of the pixels cannot move; the lower one of an even number, since outliers are high.
    fn start(parts: &[Part], model: ErrorModel, numbers: &mut Vec<f64>) -> Ring {
        let mut median = |number: &dyn Fn(&Part) -> f64| {
            numbers.clear();
            numbers.extend(parts.iter().map(number));
            let middle = (numbers.len() - 1) / 2;
            *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
        };
        let mean = median(&|part| part.value);
        let counting = median(&|part| part.variance / part.norm);
        match model {
            ErrorModel::Poisson => Ring { mean, spread: counting },
            ErrorModel::Azimuthal => {
                let norm = median(&|part| part.norm);
                let of_counting = ((counting + COUNTS_OF_A_MEDIAN / norm) / norm).sqrt();
                let deviation = median(&|part| (part.value - mean).abs());
                // Where most pixels have the same count, their deviation is no scale.
                Ring { mean, spread: of_counting.max(SIGMAS_PER_MAD * deviation) }
            }
        }
    }

    /// Whether a pixel is within √`limit` standard deviations, with `more` expected counts.
    #[inline]
    fn keeps(&self, part: &Part, model: ErrorModel, limit: f64, more: f64) -> bool {
        let off = part.value - self.mean;
        match model {
            ErrorModel::Azimuthal => off * off <= limit * self.spread * self.spread,
            ErrorModel::Poisson => {
                let excess = off * part.norm;
                let expected = self.spread * part.norm + more;
                // The deviance is below excess²/expected for an excess, and below excess²/(expected + excess) for a lack:
                // most pixels need no logarithm.
                let bound = if excess > 0.0 { expected } else { expected + excess };
                excess * excess <= limit * bound || deviance(excess, expected) <= limit
            }
        }
    }
}

/// 2[c ln(c/λ) − (c − λ)] for c = λ + `excess` counts where λ = `expected`; c below 0, as a dark frame makes it, is 0.
fn deviance(excess: f64, expected: f64) -> f64 {
    if expected <= 0.0 {
        return if excess > 0.0 { f64::INFINITY } else { 0.0 };
    }
    let count = expected + excess;
    if count <= 0.0 { 2.0 * expected } else { 2.0 * (count * (excess / expected).ln_1p() - excess) }
}

fn clip(
    parts: &[Part],
    threshold: f64,
    iterations: usize,
    model: ErrorModel,
    numbers: &mut Vec<f64>,
) -> Sums {
    let limit = threshold * threshold;
    let mut ring = Ring::start(parts, model, numbers);
    let mut kept =
        Around::new(ring.mean).add_all(parts, |part| ring.keeps(part, model, limit, COUNTS_OF_A_MEDIAN));
    for _ in 1..iterations {
        if kept.norm == 0.0 || kept.ring(model) == ring {
            break;
        }
        ring = kept.ring(model);
        kept = Around::new(ring.mean).add_all(parts, |part| ring.keeps(part, model, limit, 0.0));
    }
    kept.sums(model)
}

/// With σ² = π/2 · Σ w²·variance, the variance that of the median: what the median of many normally distributed numbers has.
fn median(parts: &mut [Part]) -> Sums {
    let norm: f64 = parts.iter().map(|part| part.share * part.norm).sum();
    let size: f64 = parts.iter().map(|part| part.share * part.share * part.norm).sum();
    parts.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    let mut below = 0.0;
    let reaches_half = |part: &&Part| {
        below += part.share * part.norm;
        2.0 * below >= norm
    };
    // Rounding may leave the sum of all just below itself.
    let middle = parts.iter().find(reaches_half).unwrap_or(&parts[parts.len() - 1]);
    let variance = std::f64::consts::FRAC_PI_2 * size * middle.variance / middle.norm;
    Sums { signal: middle.value * norm, variance, norm }
}

/// Pixels at the quantiles count with the part of their weight that is between them. σ is that of a trimmed mean, from the
/// scatter of the values that are cut off to the quantiles: Tukey & McLaughlin, Sankhyā A 25, 331 (1963).
fn trimmed_mean(parts: &mut [Part], [lower, upper]: [f64; 2]) -> Sums {
    parts.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    let (mut norm, mut norm2) = (0.0, 0.0);
    for part in parts.iter() {
        let weight = part.share * part.norm;
        norm += weight;
        norm2 += weight * weight;
    }
    let [from, to] = [lower * norm, upper * norm];
    let mut below = 0.0;
    let (mut kept, mut signal) = (0.0, 0.0);
    let mut ends: Option<[f64; 2]> = None;
    for part in parts.iter() {
        let above = below + part.share * part.norm;
        let inside = (above.min(to) - below.max(from)).max(0.0);
        if inside > 0.0 {
            kept += inside;
            signal += inside * part.value;
            ends = Some([ends.map_or(part.value, |[first, _]| first), part.value]);
        }
        below = above;
    }
    let Some([first, last]) = ends else { return Sums::default() };
    let winsorized = |part: &Part| part.value.clamp(first, last);
    let weighted = |number: &dyn Fn(&Part) -> f64| {
        parts.iter().map(|part| part.share * part.norm * number(part)).sum::<f64>() / norm
    };
    let mean = weighted(&winsorized);
    let scatter = weighted(&|part| (winsorized(part) - mean).powi(2));
    let others = 1.0 - norm2 / (norm * norm);
    let variance = if others > ONE_PIXEL {
        scatter * norm2 / others
    } else {
        parts[0].share.powi(2) * parts[0].variance
    };
    Sums { signal, variance, norm: kept }
}
