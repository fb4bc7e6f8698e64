//! How two numbers of a series go together.

use super::{normal_quantile, student_beyond};

/// Fewest points for which an interval is given: Fisher's z has the variance 1/(n − 3).
const FEWEST: usize = 4;

/// Up to so many points all orders are counted: 8! = 40320.
const MOST_COUNTED: usize = 8;
/// Sums of products of ranks, which are halves, are equal below this difference.
const SAME_SUM: f64 = 1e-6;

/// A coefficient of correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// −1 to 1; NaN where one of the two does not vary or there are fewer than three points.
    pub coefficient: f64,
    /// Interval that holds the true one with the confidence asked for; NaN below four points, and for ±1, of which the formulas make
    /// the interval of a point.
    pub interval: [f64; 2],
    /// Probability of a coefficient as far from 0 where there is no correlation.
    pub p: f64,
    /// Pairs of numbers.
    pub count: usize,
}

/// Pearson's coefficient, with p by Student's t and the interval of Fisher's z, Metron 1 (1921) 3: atanh ρ has the variance 1/(n − 3).
pub fn pearson(x: &[f64], y: &[f64], confidence: f64) -> Correlation {
    of_coefficient(coefficient(x, y), x.len(), confidence, |_, n| 1.0 / (n - 3.0))
}

/// Spearman's coefficient, that of the ranks. p of up to eight points is the part of all orders whose coefficient is as far from 0, of
/// more by Student's t; the interval has the variance (1 + ρ²/2)/(n − 3) of Bonett & Wright, Psychometrika 65 (2000) 23.
pub fn spearman(x: &[f64], y: &[f64], confidence: f64) -> Correlation {
    let (of_x, of_y) = (ranks(x), ranks(y));
    let coefficient = coefficient(&of_x, &of_y);
    let by_t = of_coefficient(coefficient, x.len(), confidence, |rho, n| (1.0 + 0.5 * rho * rho) / (n - 3.0));
    let p =
        if coefficient.is_nan() || x.len() > MOST_COUNTED { by_t.p } else { part_of_orders(&of_x, &of_y) };
    Correlation { p, ..by_t }
}

/// Part of the orders of `y` whose Σ x·y is as far from its mean over all of them as that of the order given.
fn part_of_orders(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len();
    let mean = x.iter().sum::<f64>() * y.iter().sum::<f64>() / n as f64;
    let off = |y: &[f64]| (x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() - mean).abs();
    let given = off(y) - SAME_SUM;
    let mut order = y.to_vec();
    let (mut as_far, mut all) = (usize::from(off(&order) >= given), 1);
    // Each order by exchanging two of the one before (Heap, Comput. J. 6 (1963) 293).
    let (mut turns, mut place) = (vec![0; n], 1);
    while place < n {
        if turns[place] < place {
            order.swap(if place % 2 == 0 { 0 } else { turns[place] }, place);
            as_far += usize::from(off(&order) >= given);
            all += 1;
            turns[place] += 1;
            place = 1;
        } else {
            turns[place] = 0;
            place += 1;
        }
    }
    as_far as f64 / all as f64
}

fn of_coefficient(
    coefficient: f64,
    count: usize,
    confidence: f64,
    variance: impl Fn(f64, f64) -> f64,
) -> Correlation {
    let n = count as f64;
    let z = coefficient.atanh();
    let interval = if count < FEWEST || !z.is_finite() {
        [f64::NAN; 2]
    } else {
        let half = normal_quantile(confidence) * variance(coefficient, n).sqrt();
        [(z - half).tanh(), (z + half).tanh()]
    };
    let t = coefficient * ((n - 2.0) / (1.0 - coefficient * coefficient).max(1e-300)).sqrt();
    let p = if count < 3 { f64::NAN } else { student_beyond(t, n - 2.0) };
    Correlation { coefficient, interval, p, count }
}

fn coefficient(x: &[f64], y: &[f64]) -> f64 {
    if x.len() < 3 || x.len() != y.len() {
        return f64::NAN;
    }
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let product = |a: &[f64], mean_a: f64, b: &[f64], mean_b: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum()
    };
    let (xx, yy) = (product(x, mean_x, x, mean_x), product(y, mean_y, y, mean_y));
    if xx <= 0.0 || yy <= 0.0 {
        return f64::NAN;
    }
    (product(x, mean_x, y, mean_y) / (xx * yy).sqrt()).clamp(-1.0, 1.0)
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|other| **other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|other| **other == value).count() as f64;
    values.iter().map(|value| below(*value) + 0.5 * (equal(*value) + 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_correlates_fully_and_a_curve_in_its_ranks() {
        let x: Vec<f64> = (1..9).map(f64::from).collect();
        let line: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x).collect();
        let curve: Vec<f64> = x.iter().map(|x| x.powi(4)).collect();
        assert!((pearson(&x, &line, 0.95).coefficient + 1.0).abs() < 1e-14);
        assert_eq!(spearman(&x, &curve, 0.95).coefficient, 1.0);
        assert!(pearson(&x, &curve, 0.95).coefficient < 0.95);
        assert!(pearson(&x, &[1.0; 8], 0.95).coefficient.is_nan());
        assert_eq!(ranks(&[3.0, 1.0, 3.0]), [2.5, 1.0, 2.5]);
    }

    /// Two of the 4! orders have |ρ| = 1; of five points ρ = 0.9 has p = 10/120 and 0.6 has 42/120 (Olds, Ann. Math. Stat. 9 (1938) 133); of two
    /// equal ranks each order counts twice.
    #[test]
    fn few_ranks_are_counted_in_all_orders() {
        let found = spearman(&[1.0, 2.0, 3.0, 4.0], &[0.1, 0.3, 0.4, 9.0], 0.95);
        assert!((found.p - 2.0 / 24.0).abs() < 1e-12 && found.coefficient == 1.0, "{found:?}");
        assert!(found.interval.iter().all(|end| end.is_nan()), "{found:?}");
        let five = [1.0, 2.0, 3.0, 4.0, 5.0];
        for (y, rho, p) in
            [([1.0, 2.0, 3.0, 5.0, 4.0], 0.9, 10.0 / 120.0), ([3.0, 2.0, 1.0, 4.0, 5.0], 0.6, 0.35)]
        {
            let found = spearman(&five, &y, 0.95);
            assert!((found.coefficient - rho).abs() < 1e-12 && (found.p - p).abs() < 1e-12, "{found:?}");
        }
        let tied = spearman(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0], 0.95);
        assert!((tied.p - 2.0 / 3.0).abs() < 1e-12, "{tied:?}");
        let many: Vec<f64> = (0..9).map(f64::from).collect();
        let found = spearman(&many, &[0.0, 2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0], 0.95);
        assert!(found.p < 1e-3 && found.interval[0] < found.coefficient, "{found:?}");
    }

    /// r = 0.6 of 28 points: Fisher's interval is tanh(0.6931 ± 1.96/5) = 0.2924 to 0.7950; t = 3.8243.
    #[test]
    fn the_interval_is_fishers() {
        let found = of_coefficient(0.6, 28, 0.95, |_, n| 1.0 / (n - 3.0));
        assert!((found.interval[0] - 0.2924).abs() < 1e-4 && (found.interval[1] - 0.7950).abs() < 1e-4);
        assert!((found.p - student_beyond(3.8243, 26.0)).abs() < 1e-6);
    }
}
