//! From expected counts to a frame: Poisson draws that are the same bits whatever the number of threads, or the expected counts
//! themselves.

use rand::SeedableRng;
use rand_distr::{Distribution, Poisson};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use super::image::IdealImage;
use crate::frame::{Counts, Frame, FrameHeader};

/// Largest count of a 20 bit counter, which Pilatus detectors have.
pub const COUNTER_FULL: i32 = (1 << 20) - 1;

/// What becomes of expected counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Whole counts, drawn.
    Poisson,
    /// The expected counts in single precision: a frame of the same exposure without its noise.
    Off,
}

impl Noise {
    /// Exposure number `index` of the ideal image.
    pub fn frame(self, ideal: &IdealImage, seed: u64, index: u64) -> Frame {
        match self {
            Noise::Poisson => frame(ideal, seed, index),
            Noise::Off => expected(ideal, seed, index),
        }
    }
}

/// The expected counts at the flux of this exposure, zingers added, flags kept, full counters held.
pub fn expected(ideal: &IdealImage, seed: u64, index: u64) -> Frame {
    let flux = ideal.exposures.flux(seed, index);
    let full = f64::from(ideal.saturated_counts);
    let mut counts: Vec<f32> = ideal
        .expected
        .iter()
        .zip(&ideal.light)
        .map(|(&expected, &light)| at_flux(expected, light, flux).min(full) as f32)
        .collect();
    for (pixel, hit) in ideal.exposures.hits(seed, index, counts.len()) {
        let count = &mut counts[pixel];
        if *count >= 0.0 {
            *count = (*count + hit as f32).min(full as f32);
        }
    }
    Frame { shape: ideal.shape, counts: Counts::F32(counts.into()), header: header(ideal, flux) }
}

/// Expected counts at another flux than the mean one; flags stay as they are.
fn at_flux(expected: f64, light: f64, flux: f64) -> f64 {
    if expected < 0.0 { expected } else { expected + (flux - 1.0) * light }
}

/// One exposure of the ideal image: each pixel drawn from the Poisson distribution of its expected counts at the flux of
/// this exposure, zingers added, flags kept, full counters held.
///
/// `seed` and `index` (the number of the exposure) fix the draws: every row has a generator of its own.
pub fn frame(ideal: &IdealImage, seed: u64, index: u64) -> Frame {
    let mut counts = vec![0i32; ideal.shape.pixels()];
    let flux = ideal.exposures.flux(seed, index);
    let light = ideal.light.par_chunks(ideal.shape.columns.max(1));
    let columns = ideal.shape.columns.max(1);
    let rows = counts.par_chunks_mut(columns).zip(ideal.expected.par_chunks(columns)).zip(light);
    rows.enumerate().for_each(|(row, ((counts, expected), light))| {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(mix(seed) ^ index) ^ row as u64));
        for ((count, &expected), &light) in counts.iter_mut().zip(expected).zip(light) {
            *count = draw(at_flux(expected, light, flux), &mut rng).min(ideal.saturated_counts);
        }
    });
    for (pixel, hit) in ideal.exposures.hits(seed, index, counts.len()) {
        let count = &mut counts[pixel];
        if *count >= 0 {
            *count = count.saturating_add(hit).min(ideal.saturated_counts);
        }
    }
    Frame { shape: ideal.shape, counts: Counts::I32(counts.into()), header: header(ideal, flux) }
}

fn header(ideal: &IdealImage, flux: f64) -> FrameHeader {
    FrameHeader {
        detector: Some(ideal.detector.clone()),
        exposure_s: Some(ideal.exposure_s),
        monitor: ideal.exposures.monitor_counts_per_s.map(|rate| rate * flux * ideal.exposure_s),
        count_cutoff: Some(f64::from(ideal.saturated_counts) - 1.0),
        pixel_m: Some(ideal.pixel_m),
        ..FrameHeader::default()
    }
}

/// One pixel: a negative mean is a flag and is kept.
fn draw(mean: f64, rng: &mut Pcg64Mcg) -> i32 {
    if mean < 0.0 {
        return mean as i32;
    }
    // Refused means are 0, which gives 0, and those beyond any counter.
    match Poisson::new(mean.min(1e9)) {
        Ok(distribution) => distribution.sample(rng).min(f64::from(i32::MAX)) as i32,
        Err(_) => 0,
    }
}

/// Spreads the bits of a number over all 64 (the finaliser of SplitMix64; Steele, Lea & Flood 2014).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;
    use crate::simulate::{Exposures, Zingers};

    fn flat(mean: f64, rows: usize, columns: usize) -> IdealImage {
        IdealImage {
            shape: Shape { rows, columns },
            expected: vec![mean; rows * columns],
            light: vec![mean; rows * columns],
            detector: "test".into(),
            pixel_m: [172e-6, 172e-6],
            exposure_s: 1.0,
            saturated_counts: COUNTER_FULL,
            exposures: Exposures::default(),
        }
    }

    fn values(frame: &Frame) -> Vec<i32> {
        let Counts::I32(values) = &frame.counts else { panic!("counts are not i32") };
        values.to_vec()
    }

    #[test]
    fn mean_and_variance_are_those_of_poisson() {
        // n = 200,000 draws: the mean scatters by √(m/n), the variance by √((m + 2m²)/n); five of those are allowed.
        for mean in [0.02, 0.7, 11.0, 13.0, 400.0, 90_000.0] {
            let draws = values(&frame(&flat(mean, 400, 500), 5, 0));
            let n = draws.len() as f64;
            let average = draws.iter().map(|&c| f64::from(c)).sum::<f64>() / n;
            let variance = draws.iter().map(|&c| (f64::from(c) - average).powi(2)).sum::<f64>() / (n - 1.0);
            assert!((average - mean).abs() < 5.0 * (mean / n).sqrt(), "mean {mean}: {average}");
            assert!(
                (variance - mean).abs() < 5.0 * ((mean + 2.0 * mean * mean) / n).sqrt(),
                "variance {mean}: {variance}"
            );
        }
    }

    #[test]
    fn rows_and_frames_are_independent() {
        // The correlation coefficient of two independent rows of n pixels scatters by 1/√n.
        let ideal = flat(100.0, 2, 40_000);
        let (a, b) = (values(&frame(&ideal, 1, 0)), values(&frame(&ideal, 1, 1)));
        let other_seed = values(&frame(&ideal, 2, 0));
        let correlation = |x: &[i32], y: &[i32]| {
            x.iter().zip(y).map(|(&x, &y)| f64::from(x - 100) * f64::from(y - 100)).sum::<f64>()
                / (100.0 * x.len() as f64)
        };
        for (x, y) in [(&a[..40_000], &a[40_000..]), (&a[..], &b[..]), (&a[..], &other_seed[..])] {
            let r = correlation(x, y);
            assert!(r.abs() < 5.0 / (x.len() as f64).sqrt(), "{r}");
        }
    }

    #[test]
    fn threads_do_not_change_the_bits() {
        let ideal = flat(37.5, 61, 113);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| values(&frame(&ideal, 9, 3)))
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(5));
        assert_eq!(one, values(&frame(&ideal, 9, 3)));
    }

    #[test]
    fn flags_stay_and_counters_fill() {
        let mut ideal = flat(5.0, 1, 5);
        ideal.expected = vec![-1.0, -2.0, 0.0, 3e6, 1e30];
        ideal.light = ideal.expected.clone();
        assert_eq!(values(&frame(&ideal, 0, 0)), [-1, -2, 0, COUNTER_FULL, COUNTER_FULL]);
        let Counts::F32(kept) = Noise::Off.frame(&ideal, 0, 0).counts else { panic!("counts are not f32") };
        assert_eq!(*kept, [-1.0, -2.0, 0.0, COUNTER_FULL as f32, COUNTER_FULL as f32]);
        // Hits on every pixel, and a flux that is not the mean one, change no flag.
        ideal.exposures.flux_spread = 0.3;
        ideal.exposures.zingers = Some(Zingers { per_frame: 200.0, counts: [1e3, 1e5] });
        let hit = values(&frame(&ideal, 0, 0));
        assert!(hit[..2] == [-1, -2] && hit[2] > 1000 && hit[3..] == [COUNTER_FULL, COUNTER_FULL], "{hit:?}");
    }

    #[test]
    fn light_and_monitor_follow_the_flux_and_the_rest_does_not() {
        let mut ideal = flat(400.0, 200, 500);
        ideal.light = vec![300.0; 100_000];
        ideal.exposures = Exposures { flux_spread: 0.2, monitor_counts_per_s: Some(5e4), zingers: None };
        for index in 0..5 {
            let flux = ideal.exposures.flux(1, index);
            let exposure = frame(&ideal, 1, index);
            let mean = values(&exposure).iter().map(|&c| f64::from(c)).sum::<f64>() / 1e5;
            // 100,000 pixels of about 400 counts: the mean scatters by 0.063; five of those.
            assert!((mean - 100.0 - 300.0 * flux).abs() < 0.32, "{mean} {flux}");
            assert_eq!(exposure.header.monitor, Some(5e4 * flux));
        }
    }
}
