//! pyFAI 2026.9.0 without splitting.

use std::sync::Arc;

use halor::correct::{Correction, SignalModel, pixel_norm};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameHeader};
use halor::integrate::{
    Azimuth, ErrorModel, Filter, IntegrationPlan, Pattern, PlanSpec, RadialUnit, Region, Splitting,
};
use tiff::decoder::DecodingResult;

use crate::common::npz;
use crate::integrate_pyfai::{Setup, bins, setups, tiff};

struct Rings {
    plan: Arc<IntegrationPlan>,
    counts: Vec<i32>,
}

impl Rings {
    fn new(setup: &Setup, k: usize, radial: &[f64]) -> Rings {
        let DecodingResult::I32(counts) = tiff(&setup.folder.join(format!("frame{k}.tif"))) else {
            panic!("frame is not i32")
        };
        let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
        let plan = IntegrationPlan::build(PlanSpec {
            norm: pixel_norm(&setup.geometry, &corrections, None),
            geometry: setup.geometry.clone(),
            unit: RadialUnit::QInvAngstrom,
            bins: bins(RadialUnit::QInvAngstrom, radial),
            regions: vec![Region { name: "ring".into(), azimuth: Azimuth::Ring }],
            cake: None,
            splitting: Splitting::None,
            filter: Filter::Off,
            mask: &setup.mask,
            corrections,
            flat: None,
            signal: SignalModel::default(),
        });
        Rings { plan: Arc::new(plan.unwrap()), counts }
    }

    fn pattern(&self, filter: Filter) -> Pattern {
        let plan = Arc::new(IntegrationPlan { filter, ..(*self.plan).clone() });
        let frame = Frame {
            shape: plan.shape,
            counts: Counts::I32(self.counts.clone().into()),
            header: FrameHeader::default(),
        };
        CpuEngine::new(Arc::clone(&plan)).integrate(&[frame]).unwrap()[0].pattern(&plan, 0)
    }

    /// (signal, norm) of the pixels of each bin.
    fn by_bin(&self) -> Vec<Vec<[f64; 2]>> {
        let mut bins = vec![Vec::new(); self.plan.bins.count];
        for (pixel, count) in self.counts.iter().enumerate().filter(|(_, count)| **count >= 0) {
            for (bin, _) in self.plan.entries(pixel) {
                bins[bin].push([f64::from(*count), self.plan.norm[pixel]]);
            }
        }
        bins
    }
}

fn filters_of(setup: &Setup, k: usize) -> (Rings, impl Fn(&str) -> Vec<f64>) {
    let path = setup.folder.join(format!("frame{k}_filters.npz"));
    let of = move |key: &str| npz(&path, key).values;
    (Rings::new(setup, k, &of("median_radial")), of)
}

/// Bins that differ by more than 1e-6 of I: the reference is in single precision.
fn different(ours: &[f64], theirs: &[f64]) -> Vec<usize> {
    (1..ours.len()).filter(|bin| (ours[*bin] / theirs[*bin] - 1.0).abs() > 1e-6).collect()
}

fn clip(error_model: ErrorModel) -> Filter {
    Filter::SigmaClip { threshold: 5.0, iterations: 5, error_model }
}

/// Nothing in the smooth frame is far off its ring, so that all definitions agree. Bin 0 also holds what is below the range.
///
/// In bin 236 of `centred` and 220 of `tilted` pyFAI leaves out one pixel of 1312 and of 1222, which is 5.0σ from the mean for
/// it and less by the deviance. Its azimuthal σ² lacks the factor n/(n − 1), n = (Σ ω)²/Σ ω².
#[test]
fn clipped_rings_of_a_smooth_frame() {
    for (setup, at_threshold) in setups().iter().zip([236, 220]) {
        let (rings, of) = filters_of(setup, 0);
        let ours = rings.pattern(clip(ErrorModel::Poisson));
        assert_eq!(different(&ours.intensity, &of("sigmaclip_poisson_intensity")), [at_threshold]);
        let other_sigmas = different(&ours.sigma, &of("sigmaclip_poisson_sigma"));
        assert_eq!(other_sigmas, [at_threshold]);

        let ours = rings.pattern(clip(ErrorModel::Azimuthal));
        assert!(different(&ours.intensity, &of("sigmaclip_azimuthal_intensity")).is_empty());
        let theirs = of("sigmaclip_azimuthal_sigma");
        let mut factors = Vec::new();
        for (bin, pixels) in rings.by_bin().iter().enumerate().skip(1) {
            let [norm, norm2] = [1, 2].map(|power| pixels.iter().map(|p| p[1].powi(power)).sum::<f64>());
            let n = norm * norm / norm2;
            factors.push(((ours.sigma[bin] / theirs[bin]).powi(2) - 1.0) * (n - 1.0));
        }
        factors.sort_by(f64::total_cmp);
        // σ² is larger by 1/(n − 1). The reference's running update is exact for equal weights only.
        assert!((factors[factors.len() / 2] - 1.0).abs() < 0.1, "{}", factors[factors.len() / 2]);
        assert!(factors[0] > -1.0 && factors[factors.len() - 1] < 3.0, "{factors:?}");
    }
}

/// The weak frame has hits of 10⁶ and 3·10⁷ counts and spots of up to 50,000, its rings have 5 to 60. pyFAI begins with the mean
/// and with the variance of all pixels: a hit of 10⁶ in 500 pixels moves the mean by 2000, 45 times the σ that Poisson's
/// variance then has, and all pixels are left out. The start from the median keeps them.
#[test]
fn clipped_rings_of_a_spoiled_frame() {
    for setup in setups() {
        let truth: Vec<f64> =
            filters_of(&setup, 0).0.pattern(Filter::Off).intensity.iter().map(|i| 0.05 * i).collect();
        let (rings, of) = filters_of(&setup, 1);
        let median_error = |found: &[f64]| {
            let mut off: Vec<f64> =
                (1..found.len()).map(|bin| (found[bin] / truth[bin] - 1.0).abs()).collect();
            off.sort_by(f64::total_cmp);
            off[off.len() / 2]
        };
        for (tag, model) in [("poisson", ErrorModel::Poisson), ("azimuthal", ErrorModel::Azimuthal)] {
            let ours = rings.pattern(clip(model)).intensity;
            let theirs = of(&format!("sigmaclip_{tag}_intensity"));
            // 500 pixels of 20 counts: 1 %, of which half of the bins see 0.7; and tails of spots below the threshold.
            assert!(median_error(&ours) < 0.02, "{}", median_error(&ours));
            assert!(median_error(&theirs) > 1.5 * median_error(&ours));
            let empty = |found: &[f64]| found.iter().skip(1).filter(|i| **i == 0.0 || i.is_nan()).count();
            assert_eq!(empty(&ours), 0);
            assert!(model == ErrorModel::Azimuthal || empty(&theirs) > 10, "{}", empty(&theirs));
        }
    }
}

/// The median is the same. Where the weights below a pixel are half of all to rounding, either neighbour is (one bin). pyFAI
/// gives the σ of that one pixel; ours is that of a median of n, √(π/2n) of it.
#[test]
fn medians() {
    for setup in setups() {
        for k in 0..2 {
            let (rings, of) = filters_of(&setup, k);
            let ours = rings.pattern(Filter::Median);
            let others = different(&ours.intensity, &of("median_intensity"));
            assert!(others.len() <= 1);
            let theirs = of("median_sigma");
            for (bin, pixels) in rings.by_bin().iter().enumerate().skip(1) {
                let of_many = (0.5 * std::f64::consts::PI / pixels.len() as f64).sqrt();
                // Norms along a ring differ by up to a third, that of one pixel and the mean by half of that.
                let ratio = ours.sigma[bin] / theirs[bin] / of_many;
                assert!((ratio - 1.0).abs() < 0.17 || others.contains(&bin), "bin {bin}: {ratio}");
            }
        }
    }
}

/// pyFAI takes the pixels that are between the quantiles whole, by which its range is narrower, and not symmetric, by up to
/// two pixels; ours takes parts of those at the quantiles. Its rule, applied here, gives its numbers; and ours are as far from
/// these as a pixel is heavy.
#[test]
fn trimmed_means() {
    for setup in setups() {
        for k in 0..2 {
            let (rings, of) = filters_of(&setup, k);
            let ours = rings.pattern(Filter::TrimmedMean { quantiles: [0.1, 0.9] }).intensity;
            let theirs = of("trim10_90_intensity");
            let mut whole = vec![0.0; ours.len()];
            for (bin, mut pixels) in rings.by_bin().into_iter().enumerate().skip(1) {
                let value = |[signal, norm]: [f64; 2]| signal / norm;
                pixels.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
                let all: f64 = pixels.iter().map(|[_, norm]| norm).sum();
                let (mut below, mut sums, mut last) = (0.0, [0.0; 2], [f64::MAX, 0.0_f64]);
                for pixel in &pixels {
                    let above = below + pixel[1];
                    if below >= 0.1 * all && above <= 0.9 * all {
                        sums = [sums[0] + pixel[0], sums[1] + pixel[1]];
                    }
                    if above > 0.1 * all && below < 0.9 * all {
                        last = [last[0].min(value(*pixel)), last[1].max(value(*pixel))];
                    }
                    below = above;
                }
                whole[bin] = sums[0] / sums[1];
                // Two pixels at most, of at least 0.8·n − 2, that are as far from the mean as the ends of the range.
                let reach = (last[1] - whole[bin]).max(whole[bin] - last[0]);
                let allowed = 2.0 * reach / (0.8 * pixels.len() as f64 - 2.0);
                assert!((ours[bin] - whole[bin]).abs() < allowed + 1e-9 * whole[bin], "bin {bin}");
            }
            assert!(different(&whole, &theirs).is_empty());
        }
    }
}
