//! What differs from one exposure to the next beside the statistics of photons: the flux of the beam, and zingers.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::noise::mix;

/// The flux never falls below this part of its mean.
const LEAST_FLUX: f64 = 0.1;
/// Keeps the flux apart from what else is drawn with the seed.
const FLUX_STREAM: u64 = 0x666c_7578;
/// The same for zingers.
const ZINGER_STREAM: u64 = 0x7a69_6e67;

/// How the exposures of one scene differ; by default they do not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Exposures {
    /// Standard deviation of the incident flux from frame to frame, relative to its mean.
    pub flux_spread: f64,
    /// Counts of the monitor at the mean flux; `None` = there is no monitor. It has no noise of its own.
    pub monitor_counts_per_s: Option<f64>,
    /// Hits of single pixels.
    pub zingers: Option<Zingers>,
}

/// Hits of single pixels by cosmic rays and radioactivity around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zingers {
    /// Mean number of hits, which is Poisson distributed.
    pub per_frame: f64,
    /// Least and most counts of a hit; their logarithm is evenly distributed.
    pub counts: [f64; 2],
}

impl Exposures {
    /// Incident flux of exposure `index` relative to its mean: normally distributed, at least 0.1.
    pub fn flux(&self, seed: u64, index: u64) -> f64 {
        let deviation: f64 = StandardNormal.sample(&mut generator(seed ^ FLUX_STREAM, index));
        (1.0 + self.flux_spread * deviation).max(LEAST_FLUX)
    }

    /// (pixel in row order, counts) of each hit in exposure `index` of a detector of so many pixels.
    pub fn hits(&self, seed: u64, index: u64, pixels: usize) -> Vec<(usize, i32)> {
        let Some(zingers) = self.zingers.filter(|_| pixels > 0) else { return Vec::new() };
        let mut rng = generator(seed ^ ZINGER_STREAM, index);
        // A mean of 0 is refused, and gives no hit.
        let number = Poisson::new(zingers.per_frame).map_or(0.0, |law| law.sample(&mut rng)) as usize;
        let [least, most] = zingers.counts;
        let hit = |_| {
            let pixel = rng.random_range(0..pixels);
            (pixel, (least * (most / least).powf(rng.random())).round() as i32)
        };
        (0..number).map(hit).collect()
    }
}

fn generator(seed: u64, index: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mix(mix(seed) ^ index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flux_has_its_mean_and_spread() {
        let exposures = Exposures { flux_spread: 0.02, ..Exposures::default() };
        let n = 20_000;
        let drawn: Vec<f64> = (0..n).map(|index| exposures.flux(3, index) - 1.0).collect();
        let mean = drawn.iter().sum::<f64>() / n as f64;
        let spread = (drawn.iter().map(|x| x * x).sum::<f64>() / n as f64).sqrt();
        // The mean scatters by s/√n, the spread by s/√2n; five of those.
        assert!(mean.abs() < 5.0 * 0.02 / (n as f64).sqrt(), "{mean}");
        assert!((spread - 0.02).abs() < 5.0 * 0.02 / (2.0 * n as f64).sqrt(), "{spread}");
        assert_eq!(Exposures::default().flux(3, 1), 1.0);
    }

    #[test]
    fn hits_have_their_number_and_are_even_in_the_logarithm() {
        let zingers = Some(Zingers { per_frame: 30.0, counts: [1e3, 1e5] });
        let exposures = Exposures { zingers, ..Exposures::default() };
        let hits: Vec<(usize, i32)> = (0..1000).flat_map(|index| exposures.hits(5, index, 777)).collect();
        // 30,000 hits: √30,000 of them, and half of them above 10⁴ within √30,000/2; five of those.
        let number = hits.len() as f64;
        assert!((number - 30_000.0).abs() < 5.0 * 173.0, "{number}");
        let above = hits.iter().filter(|(_, counts)| *counts > 10_000).count() as f64;
        assert!((above - 0.5 * number).abs() < 5.0 * 87.0, "{above}");
        assert!(hits.iter().all(|(pixel, counts)| *pixel < 777 && (1000..=100_000).contains(counts)));
    }
}
