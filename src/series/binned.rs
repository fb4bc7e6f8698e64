//! Patterns in bins that are wide enough for χ²: neighbours share few counts, and what they share is known.

use crate::integrate::Pattern;
use crate::stats::{chi_squared_exceeds, least_squares, median};

/// I in wider bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    /// Middle of each.
    pub x: Vec<f64>,
    /// Mean of I.
    pub value: Vec<f64>,
    /// Variance of the mean, if the bins' points were independent \[E4a\].
    pub variance: Vec<f64>,
    /// Mean of what a constant without polarization makes.
    pub unpolarized: Vec<f64>,
    /// Width of a pixel over that of a bin.
    pub(super) overlap: f64,
}

/// How unlike two curves are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquared {
    /// χ².
    pub chi2: f64,
    /// Its degrees of freedom.
    pub freedom: usize,
    /// Probability of such a χ² by chance.
    pub p: f64,
}

impl ChiSquared {
    /// From the sum and its degrees of freedom.
    pub fn new(chi2: f64, freedom: usize) -> ChiSquared {
        ChiSquared { chi2, freedom, p: chi_squared_exceeds(chi2, freedom as f64) }
    }

    /// χ² per degree of freedom.
    pub fn reduced(&self) -> f64 {
        self.chi2 / self.freedom as f64
    }
}

/// What one curve has more than another, over σ: numbers of unit variance that do not depend on each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// Middle of each bin.
    pub x: Vec<f64>,
    /// Difference over σ; NaN in an empty bin.
    pub value: Vec<f64>,
    /// By how much the scale of the first is larger, relative.
    pub scale: f64,
    /// Numbers that were fitted.
    fitted: usize,
}

/// Curves of fewer bins are not compared: two numbers are fitted, and two are to be left.
pub(super) const FEWEST_BINS: usize = 4;

/// Bins are so many pixels wide.
const PIXELS: f64 = 2.0;

/// Which points of a pattern make a bin together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grouping {
    /// The first point.
    first: usize,
    /// Points per bin.
    per_bin: usize,
    /// Bins.
    count: usize,
}

impl Grouping {
    /// Bins of two pixels, at least of one point, from `low` to `high`, where a pixel is so many points wide.
    pub(super) fn new(radial: &[f64], [low, high]: [f64; 2], pixel_points: f64) -> Grouping {
        let per_bin = (PIXELS * pixel_points).ceil().max(1.0) as usize;
        let first = radial.partition_point(|x| *x < low);
        let points = radial.partition_point(|x| *x <= high).saturating_sub(first);
        Grouping { first, per_bin, count: points / per_bin }
    }

    /// Means over the bins.
    pub(super) fn means(&self, values: impl Fn(usize) -> f64) -> Vec<f64> {
        let mean = |bin: usize| {
            let from = self.first + bin * self.per_bin;
            (from..from + self.per_bin).map(&values).sum::<f64>() / self.per_bin as f64
        };
        (0..self.count).map(mean).collect()
    }

    /// Variances of the means of a pattern's I.
    pub(super) fn variances(&self, pattern: &Pattern) -> Vec<f64> {
        self.means(|k| pattern.sigma_as_independent[k].powi(2) / self.per_bin as f64)
    }

    /// Width of a pixel of so many points over that of a bin.
    pub(super) fn overlap(&self, pixel_points: f64) -> f64 {
        pixel_points / self.per_bin as f64
    }
}

impl Binned {
    /// The points of `pattern` from `low` to `high`, in bins of two pixels, at least of one point.
    pub fn of(pattern: &Pattern, range: [f64; 2]) -> Binned {
        let points = pixel_points(pattern);
        let grouping = Grouping::new(&pattern.radial, range, points);
        Binned {
            x: grouping.means(|k| pattern.radial[k]),
            value: grouping.means(|k| pattern.intensity[k]),
            variance: grouping.variances(pattern),
            unpolarized: grouping.means(|k| pattern.unpolarized[k]),
            overlap: grouping.overlap(points),
        }
    }

    /// Mean of I over that of another with the same bins, where both are there.
    pub(super) fn light_over(&self, other: &Binned) -> f64 {
        self.light_of(|k| other.value[k].is_finite()) / other.light_of(|k| self.value[k].is_finite())
    }

    fn light_of(&self, is_taken: impl Fn(usize) -> bool) -> f64 {
        let there = || (0..self.value.len()).filter(|k| self.value[*k].is_finite() && is_taken(*k));
        there().map(|k| self.value[k]).sum::<f64>() / there().count() as f64
    }

    /// This less `other`, whose unit is `unit` of this one's, over σ, after the scale of this one and a constant have been fitted: two
    /// normalisations, whatever they are, differ by these. `None` for other bins, or too few.
    pub fn less(&self, other: &Binned, unit: f64) -> Option<Residual> {
        if self.x.len() != other.x.len() || self.x.len() < FEWEST_BINS {
            return None;
        }
        let count = self.x.len();
        let difference: Vec<f64> = (0..count).map(|k| self.value[k] - unit * other.value[k]).collect();
        let sigma: Vec<f64> =
            (0..count).map(|k| (self.variance[k] + unit * unit * other.variance[k]).sqrt()).collect();
        let by_scale: Vec<f64> = (0..count).map(|k| unit * other.value[k]).collect();
        let whiten = |values: &[f64]| self.whitened(values, &sigma);
        let (y, scale, constant) = (whiten(&difference), whiten(&by_scale), whiten(&self.unpolarized));
        let fit = least_squares(&[&scale, &constant], &y, &vec![1.0; count])?;
        let value =
            (0..count).map(|k| y[k] - fit.values[0] * scale[k] - fit.values[1] * constant[k]).collect();
        Some(Residual { x: self.x.clone(), value, scale: fit.values[0], fitted: 2 })
    }

    /// Values over σ, made independent: a pixel of the width p = `overlap` of a bin leaves the correlation matrix 1 − p/3 on the diagonal
    /// and p/6 beside it, whose Cholesky factor has two diagonals. After an empty bin it begins anew.
    fn whitened(&self, values: &[f64], sigma: &[f64]) -> Vec<f64> {
        let (own, beside) = (1.0 - self.overlap / 3.0, self.overlap / 6.0);
        let (mut before, mut diagonal) = (f64::NAN, f64::NAN);
        values
            .iter()
            .zip(sigma)
            .map(|(value, sigma)| {
                let (below, rest) = if before.is_finite() { (beside / diagonal, before) } else { (0.0, 0.0) };
                diagonal = (own - below * below).sqrt();
                before = (value / sigma - below * rest) / diagonal;
                before
            })
            .collect()
    }
}

impl Residual {
    /// Of all bins, the fitted numbers taken off.
    pub fn chi2(&self) -> ChiSquared {
        let ChiSquared { chi2, freedom, .. } = self.chi2_within([f64::NEG_INFINITY, f64::INFINITY]);
        ChiSquared::new(chi2, freedom.saturating_sub(self.fitted))
    }

    /// Of the bins from `low` to `high`; the fitted numbers come from all of them.
    pub fn chi2_within(&self, [low, high]: [f64; 2]) -> ChiSquared {
        let inside =
            self.x.iter().zip(&self.value).filter(|(x, v)| (low..=high).contains(*x) && v.is_finite());
        let (sum, count) = inside.fold((0.0, 0), |(sum, count), (_, v)| (sum + v * v, count + 1));
        ChiSquared::new(sum, count)
    }
}

/// Points that a pixel of this pattern is wide; 0 where it has no counts.
fn pixel_points(pattern: &Pattern) -> f64 {
    let shares: Vec<f64> = pattern
        .sigma_as_independent
        .iter()
        .zip(&pattern.sigma)
        .map(|(independent, own)| (independent / own).powi(2))
        .filter(|share| share.is_finite())
        .collect();
    pixel_width(median(&shares))
}

/// Points that a pixel is wide, from the variance that neighbours share over a point's own: for a box of the width N at random places
/// it is 1/(1 − N/3) below N = 1 and N/(1 − 1/3N) above.
pub(super) fn pixel_width(shared: f64) -> f64 {
    if shared.is_nan() || shared <= 1.0 {
        0.0
    } else if shared <= 1.5 {
        3.0 * (1.0 - 1.0 / shared)
    } else {
        0.5 * (shared + (shared * shared - 4.0 / 3.0 * shared).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::RadialUnit;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn widths_of_pixels() {
        assert_eq!(pixel_width(1.0), 0.0);
        assert!((pixel_width(1.5) - 1.0).abs() < 1e-12);
        let shared = |n: f64| n / (1.0 - 1.0 / (3.0 * n));
        assert!((pixel_width(shared(2.6)) - 2.6).abs() < 1e-12);
    }

    /// Counts of pixels of 2.6 points at random places, split between points: χ² of two such patterns, and the sum over parts.
    #[test]
    fn chi_squared_of_split_pixels_is_its_freedom() {
        let (points, width, pixels) = (600usize, 2.6f64, 60_000);
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(5);
        let places: Vec<f64> = (0..pixels).map(|_| rng.random_range(-3.0..points as f64)).collect();
        let mut sums = [vec![0.0; points], vec![0.0; points], vec![0.0; points]];
        let mut draw = |rng: &mut rand_pcg::Pcg64Mcg| {
            sums.iter_mut().for_each(|sum| sum.fill(0.0));
            for place in &places {
                let count = 100.0 + 10.0 * (rng.random::<f64>() * 12.0f64.sqrt() - 3f64.sqrt());
                let mut at = place.floor().max(0.0) as usize;
                while (at as f64) < place + width && at < points {
                    let share = ((at as f64 + 1.0).min(place + width) - place.max(at as f64)) / width;
                    for (sum, add) in sums.iter_mut().zip([share * count, share, share * share * 100.0]) {
                        sum[at] += add;
                    }
                    at += 1;
                }
            }
            let shared = width / (1.0 - 1.0 / (3.0 * width));
            let sigma: Vec<f64> = (0..points).map(|k| sums[2][k].sqrt() / sums[1][k]).collect();
            Pattern {
                unit: RadialUnit::QInvAngstrom,
                radial: (0..points).map(|k| k as f64).collect(),
                intensity: (0..points).map(|k| sums[0][k] / sums[1][k]).collect(),
                sigma_as_independent: sigma.iter().map(|s| s * shared.sqrt()).collect(),
                sigma,
                unpolarized: (0..points).map(|k| 1.0 + 1e-3 * k as f64).collect(),
            }
        };
        let (mut sum, mut freedom, mut below) = (0.0, 0, 0);
        let pairs = 100;
        for _ in 0..pairs {
            let [a, b] = [draw(&mut rng), draw(&mut rng)].map(|p| Binned::of(&p, [0.0, 1e9]));
            let chi2 = a.less(&b, 1.0).unwrap().chi2();
            sum += chi2.chi2;
            freedom += chi2.freedom;
            below += usize::from(chi2.p < 0.05);
        }
        // 98 degrees of freedom each, 9800 in all: their mean scatters by 1.4 %; 5 ± 2.2 of 100 are below 0.05.
        assert!((sum / freedom as f64 - 1.0).abs() < 0.05, "{}", sum / freedom as f64);
        assert!((1..=12).contains(&below), "{below}");
    }
}
