//! σ of a pattern that has none.

/// Points on each side whose scatter counts.
const HALF_WINDOW: usize = 30;
/// Median of |x| of a normal distribution with σ = 1.
const MEDIAN_OF_NORMAL: f64 = 0.674_489_75;
/// √(1 + 9 + 9 + 1): σ of a third difference of independent points with σ = 1.
const THIRD_DIFFERENCE: f64 = 4.472_135_955;

/// σ of each point from the third differences of its neighbours, y_i − 3y_{i+1} + 3y_{i+2} − y_{i+3}, which a smooth curve
/// hardly has: their median size over 61 points, so that single steep peaks do not count. Points that were smoothed, or
/// that share pixels, scatter less than they are uncertain.
pub(super) fn sigma(intensity: &[f64]) -> Vec<f64> {
    let sizes: Vec<f64> =
        intensity.windows(4).map(|y| (y[0] - 3.0 * y[1] + 3.0 * y[2] - y[3]).abs()).collect();
    (0..intensity.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(HALF_WINDOW), (i + HALF_WINDOW + 1).min(sizes.len()));
            let mut near: Vec<f64> =
                sizes[from.min(to)..to].iter().copied().filter(|size| size.is_finite()).collect();
            let middle = near.len() / 2;
            if near.is_empty() {
                return 0.0;
            }
            *near.select_nth_unstable_by(middle, f64::total_cmp).1 / (MEDIAN_OF_NORMAL * THIRD_DIFFERENCE)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_distr::{Distribution, Normal};

    #[test]
    fn noise_on_a_curve_has_its_sigma() {
        let mut random = rand_pcg::Pcg64::seed_from_u64(7);
        let noise = Normal::new(0.0, 2.0).unwrap();
        let curve = |i: usize| 1000.0 + 300.0 * (0.01 * i as f64).sin();
        let mut noisy: Vec<f64> = (0..4000).map(|i| curve(i) + noise.sample(&mut random)).collect();
        noisy[2000] += 5000.0;
        let found = sigma(&noisy);
        // 61 third differences, of which some 20 are independent: each value is good to 20 % (the worst of 4000 to 70 %), their
        // mean to 3 %.
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        assert!((mean / 2.0 - 1.0).abs() < 0.05, "{mean}");
        assert!(found.iter().all(|sigma| (0.6..3.4).contains(sigma)));
        assert_eq!(sigma(&[1.0, 2.0]), [0.0, 0.0]);
    }
}
