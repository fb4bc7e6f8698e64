//! From one pixel's counts to its signal and variance \[E4\]: dead time, dark, and what leaves the pixel out.

use super::{DeadTimeModel, SignalModel};

/// Newton's steps in the paralyzable model. Near the maximum rate each step only halves the error, and f64 has 53 bits.
const NEWTON_STEPS: usize = 60;

impl SignalModel {
    /// τ/exposure, what [`SignalModel::signal_and_variance`] takes for a frame; 0 where no dead time is corrected.
    ///
    /// `None` where dead time is corrected and the exposure is missing or not above 0.
    pub fn tau_per_exposure(&self, exposure_s: Option<f64>) -> Option<f64> {
        match self.dead_time {
            None => Some(0.0),
            Some(dead_time) => exposure_s
                .filter(|t| t.is_finite() && *t > 0.0)
                .map(|exposure_s| dead_time.tau_s / exposure_s),
        }
    }

    /// (signal, variance) of raw counts `count` in pixel `pixel` (row order): signal = n(c) − dark,
    /// variance = var(c)·(dn/dc)² + var(dark), n the counts without dead time. Blind times make counts more regular than
    /// Poisson's: var(c) is below c.
    ///
    /// `None` leaves the pixel out: counts that are negative, not finite, saturated, or beyond what the dead-time model
    /// can record; a dark value that is missing or not finite.
    pub fn signal_and_variance(&self, count: f64, pixel: usize, tau_per_exposure: f64) -> Option<(f64, f64)> {
        let saturated = self.saturated_counts.is_some_and(|limit| count >= limit);
        if !count.is_finite() || count < 0.0 || saturated {
            return None;
        }
        let (mut signal, mut variance) = match self.dead_time {
            None => (count, count),
            Some(dead_time) => dead_time.model.without_loss(count, tau_per_exposure)?,
        };
        if let Some(dark) = &self.dark {
            signal -= f64::from(*dark.counts.get(pixel)?);
            variance += f64::from(*dark.variance.get(pixel)?);
        }
        (signal.is_finite() && variance.is_finite()).then_some((signal, variance))
    }
}

impl DeadTimeModel {
    /// Counts n that would have been recorded without dead time, and their variance, for c recorded counts; τ in units of the
    /// exposure t. `None` at and beyond the largest rate that the model can record.
    ///
    /// With x = cτ/t, var(c) = c(1 − x)² (non-paralyzable) or c(1 − 2x) (paralyzable), for exposures of many τ. Knoll,
    /// Radiation Detection and Measurement, chapter 4; variances: Müller, Nucl. Instrum. Methods 112, 47 (1973).
    fn without_loss(self, count: f64, tau_per_exposure: f64) -> Option<(f64, f64)> {
        let lost = count * tau_per_exposure;
        match self {
            DeadTimeModel::NonParalyzable => {
                let live = 1.0 - lost;
                (live > 0.0).then(|| (count / live, count / (live * live)))
            }
            DeadTimeModel::Paralyzable => {
                // x·exp(−x) = c·τ/t for x = n·τ/t below 1. From the left the concave curve is approached monotonically.
                if lost >= (-1f64).exp() {
                    return None;
                }
                let mut x = lost;
                for _ in 0..NEWTON_STEPS {
                    let step = (lost * x.exp() - x) / (1.0 - x);
                    x += step;
                    if step <= 1e-16 * x {
                        break;
                    }
                }
                let slope = x.exp() / (1.0 - x);
                (x < 1.0).then(|| (count * x.exp(), count * (1.0 - 2.0 * lost) * slope * slope))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correct::{Dark, DeadTime};
    use proptest::prelude::*;

    fn model(model: DeadTimeModel) -> SignalModel {
        let dead_time = Some(DeadTime { model, tau_s: 1e-6 });
        SignalModel { dark: None, dead_time, saturated_counts: None }
    }

    proptest! {
        /// Lose counts as the detector does, correct them: the truth comes back.
        #[test]
        fn correction_undoes_the_loss(lost in 0.0..0.95f64, exposure_s in 1e-3..100.0f64) {
            let k = model(DeadTimeModel::NonParalyzable).tau_per_exposure(Some(exposure_s)).unwrap();
            let truth = lost / k;
            for (dead_time, recorded) in [
                (DeadTimeModel::NonParalyzable, truth / (1.0 + truth * k)),
                (DeadTimeModel::Paralyzable, truth * (-truth * k).exp()),
            ] {
                let (signal, _) = model(dead_time).signal_and_variance(recorded, 0, k).unwrap();
                // The inverse of x exp(−x) amplifies rounding by 1/(1 − x), at most 20 here.
                prop_assert!((signal - truth).abs() <= 1e-13 * truth, "{dead_time:?}: {signal}, not {truth}");
            }
        }

        /// The variance is var(c)·(dn/dc)², dn/dc by central difference.
        #[test]
        fn variance_follows_the_slope(lost in 0.01..0.3f64) {
            for (dead_time, var_of_one) in [
                (DeadTimeModel::NonParalyzable, (1.0 - lost).powi(2)),
                (DeadTimeModel::Paralyzable, 1.0 - 2.0 * lost),
            ] {
                let (model, k) = (model(dead_time), 1e-6);
                let count = lost / k;
                let signal = |c: f64| model.signal_and_variance(c, 0, k).unwrap().0;
                let step = 1e-4 * count;
                let slope = (signal(count + step) - signal(count - step)) / (2.0 * step);
                let variance = model.signal_and_variance(count, 0, k).unwrap().1;
                // The difference quotient errs by (step²/6)·n‴/n′, below 1e-6 up to lost = 0.3.
                prop_assert!((variance / (count * var_of_one * slope * slope) - 1.0).abs() < 1e-5);
            }
        }
    }

    /// Photons drawn one by one, with a detector that is blind after each: the corrected counts scatter as their variance says.
    #[test]
    fn variance_is_the_scatter_of_a_blind_detector() {
        use rand::SeedableRng;
        use rand_distr::{Distribution, Exp1};
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(3);
        // 1500 photons in the exposure, 0.4 of them in one dead time; c·(dn/dc)² would be 2 to 2.2 times the scatter.
        let (photons, blind) = (1500.0, 0.4);
        for dead_time in [DeadTimeModel::NonParalyzable, DeadTimeModel::Paralyzable] {
            let (mut sum, mut square, mut stated) = (0.0, 0.0, 0.0);
            let repeats = 2000;
            for _ in 0..repeats {
                // Times in units of the mean interval.
                let (mut time, mut live_from, mut count) = (0.0, 0.0, 0.0);
                loop {
                    let interval: f64 = Exp1.sample(&mut random);
                    time += interval;
                    if time > photons {
                        break;
                    }
                    let counted = time >= live_from;
                    count += f64::from(u8::from(counted));
                    if counted || dead_time == DeadTimeModel::Paralyzable {
                        live_from = time + blind;
                    }
                }
                let found = model(dead_time).signal_and_variance(count, 0, blind / photons).unwrap();
                sum += found.0;
                square += found.0 * found.0;
                stated += found.1;
            }
            let n = f64::from(repeats);
            let scatter = (square - sum * sum / n) / (n - 1.0);
            // A variance from 2000 draws scatters by √(2/2000) = 3.2 %; four of those.
            let ratio = scatter / (stated / n);
            assert!((ratio - 1.0).abs() < 0.13, "{dead_time:?}: {ratio}");
            assert!((sum / n / photons - 1.0).abs() < 0.005, "{dead_time:?}: {}", sum / n);
        }
    }

    #[test]
    fn counts_beyond_the_largest_rate_are_left_out() {
        // One count per τ, and 1/e of it.
        let beyond =
            [(DeadTimeModel::NonParalyzable, 1e6), (DeadTimeModel::Paralyzable, 1e6 * (-1f64).exp())];
        for (dead_time, count) in beyond {
            assert_eq!(model(dead_time).signal_and_variance(count * 1.000_001, 0, 1e-6), None);
            assert!(model(dead_time).signal_and_variance(count * 0.999, 0, 1e-6).is_some());
        }
        assert_eq!(model(DeadTimeModel::Paralyzable).tau_per_exposure(None), None);
        assert_eq!(model(DeadTimeModel::Paralyzable).tau_per_exposure(Some(0.0)), None);
        assert_eq!(SignalModel::default().tau_per_exposure(None), Some(0.0));
    }

    #[test]
    fn flags_saturation_and_dark() {
        let dark = Dark { counts: vec![2.0, f32::NAN], variance: vec![0.5, 0.5] };
        let model = SignalModel { dark: Some(dark), dead_time: None, saturated_counts: Some(1000.0) };
        assert_eq!(model.signal_and_variance(9.0, 0, 0.0), Some((7.0, 9.5)));
        assert_eq!(model.signal_and_variance(0.0, 0, 0.0), Some((-2.0, 0.5)));
        assert!(model.signal_and_variance(999.0, 0, 0.0).is_some());
        for count in [-1.0, -2.0, 1000.0, f64::NAN, f64::INFINITY] {
            assert_eq!(model.signal_and_variance(count, 0, 0.0), None, "{count}");
        }
        assert_eq!(model.signal_and_variance(9.0, 1, 0.0), None, "a dark of NaN");
        assert_eq!(model.signal_and_variance(9.0, 2, 0.0), None, "no dark");
    }
}
