//! Filtered rings: the shader against its twin in f64, and against what a quantile is.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use halor::correct::SignalModel;
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::engine::gpu::GpuEngine;
use halor::frame::{Counts, Frame};
use halor::integrate::{Accumulators, ErrorModel, Filter, IntegrationPlan};

use super::bits;
use super::setup::{Recipe, dark, device, frame, noise};

/// Most bins in which the engines may judge a pixel otherwise: each has about 80 pixels, in up to five rounds, and of a
/// pixel's counts 1e-5 lie within 1e-3 of a threshold of 3 to 4.
const JUDGED_OTHERWISE: f64 = 0.02;

fn plan(filter: Filter, signal: SignalModel) -> Arc<IntegrationPlan> {
    let plan = Recipe { signal, ..Recipe::small() }.plan();
    Arc::new(IntegrationPlan { filter, ..Arc::unwrap_or_clone(plan) })
}

/// Counts that scatter as counts do about `mean` · norm, every 60th of them a hundred times too many, and flagged pixels.
fn ring(plan: &IntegrationPlan, mean: f64, seed: u64) -> Frame {
    let counts = |pixel: usize| {
        let expected = mean * plan.norm[pixel];
        let uniform: f64 = (0..4).map(|part| noise(seed + 1000 * part, pixel) - 0.5).sum();
        let count = (expected + expected.sqrt() * uniform * 3_f64.sqrt()).round().max(0.0) as i32;
        if pixel % 97 == 13 {
            -1
        } else if pixel % 60 == 7 {
            100 * count + 5
        } else {
            count
        }
    };
    Frame {
        counts: Counts::I32((0..plan.shape.pixels()).map(counts).collect()),
        ..frame(plan.shape, "i32", seed)
    }
}

/// Small numbers as they are read.
fn small(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number:.1e} ")).collect()
}

/// A plan, its frames, and the sums of the card and of the native engine.
type Both = (Arc<IntegrationPlan>, Vec<Frame>, [Vec<Accumulators>; 2]);

/// Both engines' sums of rings of 3 to 30000 counts.
fn both(filter: Filter, signal: &SignalModel) -> Option<Both> {
    let gpu = device()?;
    let plan = plan(filter, signal.clone());
    let frames: Vec<Frame> = [3.0, 30.0, 300.0, 3000.0, 30_000.0]
        .iter()
        .zip(1..)
        .map(|(mean, seed)| ring(&plan, *mean, seed))
        .collect();
    let engine = GpuEngine::new(Arc::clone(&plan), gpu).unwrap();
    let from_gpu = engine.integrate(&frames).unwrap();
    let alone = engine.integrate(&frames[4..]).unwrap();
    assert!(bits(&alone) == bits(&from_gpu[4..]), "{filter:?}: alone");
    let from_cpu = CpuEngine::new(Arc::clone(&plan)).integrate(&frames).unwrap();
    for (gpu, cpu) in from_gpu.iter().zip(&from_cpu) {
        assert_eq!(gpu.excluded_pixels, cpu.excluded_pixels);
        for bin in 0..plan.accumulator_len() {
            assert_eq!(gpu.norm[bin] == 0.0, cpu.norm[bin] == 0.0, "{filter:?}, bin {bin}");
        }
    }
    Some((plan, frames, [from_gpu, from_cpu]))
}

fn signals() -> [SignalModel; 2] {
    let dark = Some(dark(Recipe::small().shape.pixels()));
    [SignalModel::default(), SignalModel { dark, ..SignalModel::default() }]
}

#[test]
fn a_clip_keeps_the_pixels_of_its_twin() {
    let [plain, dark] = signals();
    for (signal, threshold, iterations, error_model) in [
        (&plain, 4.0, 5, ErrorModel::Poisson),
        (&plain, 0.01, 4, ErrorModel::Poisson),
        (&dark, 3.0, 5, ErrorModel::Azimuthal),
    ] {
        let filter = Filter::SigmaClip { threshold, iterations, error_model };
        let Some((plan, _, [from_gpu, from_cpu])) = both(filter, signal) else { return };
        let (mut bins, mut otherwise, mut worst) = (0, 0, [0.0_f64; 3]);
        for (gpu, cpu) in from_gpu.iter().zip(&from_cpu) {
            for bin in (0..plan.accumulator_len()).filter(|bin| cpu.norm[*bin] > 0.0) {
                bins += 1;
                // A pixel more or less is a change of norm that rounding cannot make.
                if (gpu.norm[bin] / cpu.norm[bin] - 1.0).abs() > 2e-5 {
                    otherwise += 1;
                    continue;
                }
                // The scatter of a bin with hardly more than one pixel is a difference of equals.
                let sigma = cpu.variance[bin].sqrt() + 1e-3 * cpu.signal[bin].abs();
                let of = [
                    (gpu.norm[bin] / cpu.norm[bin] - 1.0).abs(),
                    (gpu.signal[bin] - cpu.signal[bin]).abs() / (cpu.signal[bin].abs() + 1e-3 * sigma),
                    (gpu.variance[bin] - cpu.variance[bin]).abs() / (sigma * sigma),
                ];
                worst = std::array::from_fn(|i| worst[i].max(of[i]));
            }
        }
        println!("{filter:?}: {otherwise} of {bins} bins judged otherwise, else {}", small(&worst));
        assert!((otherwise as f64) < JUDGED_OTHERWISE * bins as f64, "{filter:?}: {otherwise} of {bins}");
        assert!(worst[1] < 5e-5 && worst[2] < 2e-3, "{filter:?}: {worst:?}");
    }
}

/// (x, ω) of the pixels of every bin, in f64.
fn parts(plan: &IntegrationPlan, frame: &Frame) -> Vec<Vec<[f64; 2]>> {
    let mut parts = vec![Vec::new(); plan.accumulator_len()];
    for (pixel, count) in frame.counts.to_f64().into_iter().enumerate() {
        let Some((signal, _)) = plan.signal.signal_and_variance(count, pixel, 0.0) else { continue };
        for (bin, weight) in plan.entries(pixel) {
            parts[bin].push([signal / plan.norm[pixel], weight * plan.norm[pixel]]);
        }
    }
    parts
}

#[test]
fn a_median_has_half_of_the_weight_on_either_side() {
    for signal in &signals() {
        let Some((plan, frames, [from_gpu, _])) = both(Filter::Median, signal) else { return };
        for (sums, frame) in from_gpu.iter().zip(&frames) {
            for (bin, parts) in parts(&plan, frame).iter().enumerate().filter(|(_, parts)| !parts.is_empty())
            {
                let all: f64 = parts.iter().map(|[_, weight]| weight).sum();
                let share = |counts: &dyn Fn(f64) -> bool| {
                    parts.iter().filter(|[x, _]| counts(*x)).map(|[_, weight]| weight).sum::<f64>() / all
                };
                assert!((sums.norm[bin] / all - 1.0).abs() < 2e-5);
                let (median, near) = (sums.signal[bin] / sums.norm[bin], |x: f64| 1e-5 * x.abs() + 1e-6);
                let below = share(&|x| x < median - near(median));
                let up_to = share(&|x| x <= median + near(median));
                assert!(below <= 0.5 + 1e-5 && up_to >= 0.5 - 1e-5, "bin {bin}: {below}, {up_to}");
            }
        }
        if signal.dark.is_none() {
            // Without dark frame and dead time the variance of a pixel per norm is its x: σ² = π/2 · Σ w²·norm · median.
            for sums in &from_gpu {
                let mut size = vec![0.0; plan.accumulator_len()];
                let valid =
                    frames[0].counts.to_f64().into_iter().enumerate().filter(|(_, count)| *count >= 0.0);
                for (pixel, _) in valid {
                    plan.entries(pixel).for_each(|(bin, w)| size[bin] += w * w * plan.norm[pixel]);
                }
                for bin in (0..size.len()).filter(|bin| sums.norm[*bin] > 0.0) {
                    let expected = FRAC_PI_2 * size[bin] * sums.signal[bin] / sums.norm[bin];
                    assert!((sums.variance[bin] - expected).abs() <= 1e-4 * expected, "bin {bin}");
                }
            }
        }
    }
}

#[test]
fn a_trimmed_mean_is_that_of_its_twin() {
    let [plain, dark] = signals();
    for (signal, quantiles) in [(&plain, [0.1, 0.9]), (&dark, [0.0, 0.8]), (&plain, [0.49, 0.51])] {
        let filter = Filter::TrimmedMean { quantiles };
        let Some((plan, _, [from_gpu, from_cpu])) = both(filter, signal) else { return };
        let (mut bins, mut otherwise, mut worst) = (0, 0, [0.0_f64; 2]);
        for (gpu, cpu) in from_gpu.iter().zip(&from_cpu) {
            for bin in (0..plan.accumulator_len()).filter(|bin| cpu.norm[*bin] > 0.0) {
                bins += 1;
                let mean = |sums: &Accumulators| sums.signal[bin] / sums.norm[bin];
                // The kept weight is a difference of sums over all of the bin: of a fiftieth of them, 50 times the error.
                let sharpness = 1.0 / (quantiles[1] - quantiles[0]);
                assert!((gpu.norm[bin] / cpu.norm[bin] - 1.0).abs() < 2e-5 * sharpness, "{filter:?}, {bin}");
                // What a share of 1e-5 more of the weight moves the mean by is a part of how far the values scatter: some
                // ten σ of the mean of 80.
                let scatter = 10.0 * cpu.variance[bin].sqrt() / cpu.norm[bin];
                worst[0] = worst[0].max((mean(gpu) - mean(cpu)).abs() / (mean(cpu).abs() + scatter));
                let of_variance = (gpu.variance[bin] - cpu.variance[bin]).abs()
                    / (cpu.variance[bin] + (1e-3 * cpu.signal[bin]).powi(2));
                // The ends of the kept values decide the scatter: a neighbour of equal right is another scatter.
                if of_variance > 2e-3 { otherwise += 1 } else { worst[1] = worst[1].max(of_variance) }
            }
        }
        println!("{filter:?}: {otherwise} of {bins} scatters otherwise, else {}", small(&worst));
        assert!((otherwise as f64) < JUDGED_OTHERWISE * bins as f64, "{filter:?}: {otherwise} of {bins}");
        assert!(worst[0] < 1e-4, "{filter:?}: {worst:?}");
    }
}
