//! σ is the scatter of repeats: the same exposure drawn again and again through integration, S(Q), G(r) and peaks.

use std::sync::Arc;

use halor::batch::prepare;
use halor::config::{DemoDetector, demo_twin, load};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::output::Existing;
use halor::pipeline::{patterns, reduce};
use halor::simulate::{ideal_image, noise};

/// Repeats. A width from 500 draws scatters by 1/√1000 = 3.2 %.
const REPEATS: u64 = 500;

/// Root mean square of (value − mean)/σ over repeats, for each of many quantities.
fn pull_width(values: &[Vec<f64>], sigmas: &[Vec<f64>]) -> Vec<f64> {
    let n = values.len() as f64;
    (0..values[0].len())
        .map(|k| {
            let mean = values.iter().map(|v| v[k]).sum::<f64>() / n;
            let square: f64 = values.iter().zip(sigmas).map(|(v, s)| ((v[k] - mean) / s[k]).powi(2)).sum();
            (square / (n - 1.0)).sqrt()
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With full splitting a pixel of 0.03 Å⁻¹ covers three bins of 0.011 Å⁻¹ or more: without \[E4a\] the σ of G(r) would be
/// 1.8 times too small. A constant is fitted with the scale, as by default; its scatter is in σ.
#[test]
fn sigma_is_the_scatter_of_repeats_through_splitting_and_transform() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    // A tenth of the points of r: neighbours 0.01 Å apart are the same number within a few per cent of σ.
    let coarse = ["pdf.r_step_angstrom=0.1".to_owned(), "pdf.systematic=off".to_owned()];
    let coarse = prepare(&load(written.run_files.last().unwrap(), &coarse).unwrap().config).unwrap().plans;
    let coarse = coarse.reduction.as_ref().unwrap();
    let plans = prepare(&load(written.run_files.last().unwrap(), &[]).unwrap().config).unwrap().plans;
    // So many exposures in one that r4 stands out of the noise of a tenth of a detector and its metrics follow the counts
    // linearly: with 40 the width of its position is 1.13.
    let counts = 160.0 * twin.counts_per_eu_s * twin.camera.exposure_s;
    let intensity = twin.sample_intensity(&twin.samples[1]).unwrap().scaled(counts);
    let ideal = ideal_image(&twin.camera, &intensity.into()).unwrap();
    let engine = CpuEngine::new(Arc::clone(&plans.integration));
    let plan = plans.reduction.as_ref().unwrap();

    let (mut i, mut i_sigma) = (Vec::new(), Vec::new());
    let (mut g, mut g_sigma) = (Vec::new(), Vec::new());
    let (mut metric, mut metric_sigma) = (Vec::new(), Vec::new());
    let mut names = Vec::new();
    let mut covariance = Vec::new();
    for repeat in 0..REPEATS {
        let frame = noise::frame(&ideal, 7, repeat);
        let sums = engine.integrate(&[frame]).unwrap().remove(0);
        let pattern = patterns(&sums, 0, &plans, None).unwrap().measured;
        let reduced = reduce(&pattern, plan).unwrap();
        let some = |values: &[f64]| -> Vec<f64> { values.iter().skip(50).step_by(40).copied().collect() };
        i.push(some(&pattern.intensity));
        i_sigma.push(some(&pattern.sigma));
        let on_coarse = reduce(&pattern, coarse).unwrap();
        if covariance.is_empty() {
            covariance = coarse.transform.covariance(&on_coarse.structure);
        }
        // G is 0 at r = 0.
        g.push(on_coarse.pdf.g[1..].to_vec());
        g_sigma.push(on_coarse.pdf.sigma[1..].to_vec());
        let mut values = Vec::new();
        names.clear();
        for peak in &reduced.peaks.peaks {
            for (metric, value) in [
                ("position", Some(peak.position)),
                ("height", Some(peak.height)),
                ("fwhm", Some(peak.fwhm)),
                ("area", Some(peak.area)),
                ("coordination number", peak.coordination_number),
            ] {
                names.extend(value.map(|_| format!("{} {metric}", peak.name)));
                values.extend(value);
            }
        }
        metric.push(values.iter().map(|m| m.value).collect());
        metric_sigma.push(values.iter().map(|m| m.sigma).collect());
    }

    let of_i = mean(&pull_width(&i, &i_sigma));
    let of_g = pull_width(&g, &g_sigma);
    let of_metrics = pull_width(&metric, &metric_sigma);
    let extremes = |widths: &[f64]| widths.iter().fold([f64::MAX, 0.0], |[a, b], w| [w.min(a), w.max(b)]);
    eprintln!(
        "pull widths: I(Q) {of_i:.3}, G(r) {:.3} {:.3?} ({} of {} outside 0.9 to 1.1), metrics {:.3?}",
        mean(&of_g),
        extremes(&of_g),
        of_g.iter().filter(|width| !(0.9..1.1).contains(*width)).count(),
        of_g.len(),
        names.iter().zip(&of_metrics).collect::<Vec<_>>()
    );
    // Mean over some 25 independent points: 3 %/√25 = 0.6 %, three times that, and 1 % for the bins that lie mostly in gaps.
    assert!((of_i - 1.0).abs() < 0.03, "I(Q): {of_i}");
    // 300 points of G, some 200 of them independent: their widths scatter by 3.2 %, so that one in 700 is beyond 0.9 to 1.1, and the
    // farthest of 200 is within 3.8 of it, 12 %. 25 metrics lie within 3.1 of it.
    let outside = of_g.iter().filter(|width| !(0.9..1.1).contains(*width)).count();
    assert!(outside <= 3, "{outside} of {}", of_g.len());
    for (k, width) in of_g.iter().enumerate() {
        assert!((0.88..1.12).contains(width), "G at {:.1} Å: {width}", 0.1 * (k + 1) as f64);
    }
    for (name, width) in names.iter().zip(&of_metrics) {
        assert!((0.9..1.1).contains(width), "{name}: {width}");
    }
    for (k, sigma) in g_sigma[0].iter().enumerate() {
        let of_matrix = covariance[(k + 1) * (g[0].len() + 2)].sqrt();
        // σ has the mean over a pixel for all Q at once, the matrix for each: 1 % where only a few Q carry it.
        assert!((of_matrix / sigma - 1.0).abs() < 0.02, "G({k}): {of_matrix}, σ {sigma}");
    }
    scatter_of_pairs(&g, &covariance);
}

/// The covariance of G against that of the repeats: for each lag in r the mean of both over all r, in units of σσ′.
fn scatter_of_pairs(g: &[Vec<f64>], covariance: &[f64]) {
    let points = g[0].len();
    let side = points + 1;
    let means: Vec<f64> = (0..points).map(|k| mean(&g.iter().map(|g| g[k]).collect::<Vec<_>>())).collect();
    let of_plan = |i: usize, j: usize| covariance[(i + 1) * side + j + 1];
    for lag in [0, 1, 2, 3, 5, 10, 40] {
        let (mut found, mut expected) = (0.0, 0.0);
        let count = (points - lag) as f64;
        for i in 0..points - lag {
            let unit = (of_plan(i, i) * of_plan(i + lag, i + lag)).sqrt();
            let sum: f64 = g.iter().map(|g| (g[i] - means[i]) * (g[i + lag] - means[i + lag])).sum();
            found += sum / (g.len() - 1) as f64 / unit / count;
            expected += of_plan(i, i + lag) / unit / count;
        }
        eprintln!("lag {lag}: correlation {found:.4}, of the plan {expected:.4}");
        // 1/√500 each, over some 200 independent points: 0.3 %; and 1 % of what the mean over a pixel leaves.
        assert!((found - expected).abs() < 0.02, "lag {lag}: {found}, of the plan {expected}");
    }
}
