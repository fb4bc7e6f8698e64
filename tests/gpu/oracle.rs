//! The sums of \[E4\] by a plain scatter in f64, each with the error that single precision may make.

use halor::correct::{Correction, DeadTimeModel};
use halor::frame::Frame;
use halor::geometry::Geometry;
use halor::integrate::{Accumulators, IntegrationPlan};

/// Unit roundoff of single precision.
pub const U: f64 = 1.0 / (1_u64 << 24) as f64;

/// Relative error that the head of `shaders/geometry.wgsl` allows the norm of a pixel.
pub fn norm_error(geometry: &Geometry, corrections: &[Correction], row: f64, column: f64) -> f64 {
    let (sin, cos) = geometry.direction(row, column).two_theta_rad.sin_cos();
    let of = |correction: &Correction| match *correction {
        Correction::SolidAngle => 30.0,
        Correction::Polarization { .. } => 25.0 / correction.factor(geometry, row, column).sqrt() + 25.0,
        Correction::SensorEfficiency { .. } => 50.0,
        Correction::AirPath { mu_per_m, length_m } => {
            let path = 16.0 * sin / (cos * (1.0 + cos)) + (1.0 / cos - 1.0) * (34.0 + 8.0 / cos);
            mu_per_m * length_m * path + 8.0
        }
    };
    U * corrections.iter().map(|correction| of(correction) + 1.0).sum::<f64>()
}

/// Relative errors of (signal before the dark frame, variance) that the head of `shaders/correct.wgsl` allows.
fn count_errors(plan: &IntegrationPlan, frame: &Frame, count: f64) -> (f64, f64) {
    let Some(dead_time) = plan.signal.dead_time else { return (2.0 * U, 2.0 * U) };
    let lost = count * plan.signal.tau_per_exposure(frame.header.exposure_s).unwrap();
    match dead_time.model {
        DeadTimeModel::NonParalyzable => {
            let a = 1.0 / (1.0 - lost);
            (12.0 * a * U, 48.0 * a * U)
        }
        DeadTimeModel::Paralyzable => {
            // n τ from n/m = exp(n τ), with the signal that the f64 model gives.
            let rate = gain(plan, frame, count).ln();
            let a = 1.0 / (1.0 - rate);
            (30.0 * a * U, 110.0 * a * a * U)
        }
    }
}

/// Counts without dead time over counts.
fn gain(plan: &IntegrationPlan, frame: &Frame, count: f64) -> f64 {
    if count == 0.0 {
        return 1.0;
    }
    let model = halor::correct::SignalModel { dark: None, ..plan.signal.clone() };
    let lost = model.tau_per_exposure(frame.header.exposure_s).unwrap();
    model.signal_and_variance(count, 0, lost).unwrap().0 / count
}

/// The sums of one frame, and the errors allowed to each.
pub struct Truth {
    pub sums: Accumulators,
    pub errors: Accumulators,
    pub entries: Vec<usize>,
}

/// Scatters a frame pixel by pixel.
pub fn scatter(plan: &IntegrationPlan, frame: &Frame) -> Truth {
    let bins = plan.accumulator_len();
    let zeros = || Accumulators {
        signal: vec![0.0; bins],
        variance: vec![0.0; bins],
        norm: vec![0.0; bins],
        excluded_pixels: 0,
    };
    let mut entries = vec![0; bins];
    plan.matrix.bins.iter().for_each(|&bin| entries[bin as usize] += 1);
    let (mut sums, mut errors) = (zeros(), zeros());
    let lost = plan.signal.tau_per_exposure(frame.header.exposure_s).unwrap();
    for (pixel, raw) in frame.counts.to_f64().into_iter().enumerate() {
        let range = plan.matrix.starts[pixel] as usize..plan.matrix.starts[pixel + 1] as usize;
        let Some((signal, variance)) = plan.signal.signal_and_variance(raw, pixel, lost) else {
            sums.excluded_pixels += u64::from(!range.is_empty());
            continue;
        };
        let (row, column) = (pixel / plan.shape.columns, pixel % plan.shape.columns);
        let norm = plan.norm[pixel];
        let norm_error = norm_error(&plan.geometry, &plan.corrections, row as f64 + 0.5, column as f64 + 0.5);
        let (signal_error, variance_error) = count_errors(plan, frame, raw);
        let undarkened = raw * gain(plan, frame, raw);
        for entry in range {
            let (bin, w) = (plan.matrix.bins[entry] as usize, f64::from(plan.matrix.weights[entry]));
            // Roundings along the way of one term, as the head of `shaders/integrate.wgsl` counts them.
            let depth = (40.0 + entries[bin] as f64 / 2048.0) * U;
            sums.signal[bin] += w * signal;
            sums.variance[bin] += w * w * variance;
            sums.norm[bin] += w * norm;
            errors.signal[bin] += w * (signal_error * undarkened + U * signal.abs() + depth * signal.abs());
            errors.variance[bin] += w * w * variance * (variance_error + 2.0 * U + depth);
            errors.norm[bin] += w * norm.abs() * (norm_error + depth);
        }
    }
    Truth { sums, errors, entries }
}
