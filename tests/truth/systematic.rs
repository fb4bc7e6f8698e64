//! σ_syst: what is done otherwise, and what it covers.

use super::*;
use halor::config::PdfSettings;
use halor::pipeline::Reduced;
use halor::pipeline::{reduce, systematic};
use halor::reduce::ReductionPlan;
use halor::systematic::{Systematic, SystematicSettings};

fn plan_of(low_q: LowQ, background_scale_sigma: f64, q: &[f64]) -> ReductionPlan {
    let window = |name: &str, low, high| (name.to_string(), [low, high]);
    let absolute = AbsoluteSettings { low_q, fluorescence: Fluorescence::Fit, ..settings() };
    let settings = PdfSettings {
        composition: glass(),
        structure: StructureSettings::Absolute(absolute),
        transform: TransformSettings {
            window: Window::Lorch,
            r: Points { start: 0.0, step: 0.02, count: 751 },
        },
        peaks: PeakSettings {
            s_of_q: PeakSearch::Windows(vec![window("q1", 2.0, 3.6), window("q2", 4.0, 6.0)]),
            g_of_r: PeakSearch::Windows(vec![window("r1", 2.0, 3.6), window("r2", 3.8, 6.0)]),
            coordination_number: Some(CoordinationNumber {
                peak: "r1".to_string(),
                limits_angstrom: Some([2.0, 3.6]),
            }),
        },
        systematic: Some(SystematicSettings { background_scale_sigma }),
        covariance: Covariance::Diagonal,
        low_r_fit: None,
    };
    ReductionPlan::new(&settings, q).unwrap()
}

fn analysed(plan: &ReductionPlan, pattern: &Pattern, background: Option<&[f64]>) -> (Reduced, Systematic) {
    let reduced = reduce(pattern, plan).unwrap();
    let found = systematic(&reduced, pattern, background, plan).unwrap().unwrap();
    (reduced, found)
}

/// A background of 1 % more or less moves G by no more than σ_syst says, and by all that the other variations leave of it.
#[test]
fn the_scale_of_the_background_is_in_it() {
    let q = axis();
    let sample = intensity(&q, &glass_f, 1.0, 0.0);
    let background: Vec<f64> = q.iter().map(|q| 400.0 * (-q / 3.0).exp() + 30.0).collect();
    let off =
        |share: f64| -> Vec<f64> { sample.iter().zip(&background).map(|(i, b)| i + share * b).collect() };
    let (with, without) = (plan_of(LowQ::Parabola, 0.01, &q), plan_of(LowQ::Parabola, 0.0, &q));
    let (nominal, all) = analysed(&with, &pattern(&q, off(0.0), 0.001), Some(&background));
    let (_, rest) = analysed(&without, &pattern(&q, off(0.0), 0.001), Some(&background));
    let [up, down] =
        [0.01, -0.01].map(|share| analysed(&with, &pattern(&q, off(share), 0.001), None).0.pdf.g);
    let largest = all.g.iter().copied().fold(0.0, f64::max);
    for i in 0..up.len() {
        let square = 0.5 * ((up[i] - nominal.pdf.g[i]).powi(2) + (down[i] - nominal.pdf.g[i]).powi(2));
        let part = (all.g[i].powi(2) - rest.g[i].powi(2)).max(0.0);
        // Rounding: the turned sines are within 1e-13 of G of 4, in squares of 1e-3.
        assert!((part - square).abs() < 1e-12 + 1e-9 * largest * largest, "{i}: {part:e}, {square:e}");
    }
}

/// Errors that nobody told the analysis of: a tilt of 1 % over the range, 1 % of a background, and what the end of Q takes of exact
/// data. Without noise two σ_syst cover the numbers of the peaks.
#[test]
fn slow_errors_are_covered() {
    let q = axis();
    let exact = intensity(&q, &glass_f, 1.0, 0.0);
    let background: Vec<f64> = q.iter().map(|q| 400.0 * (-q / 3.0).exp() + 30.0).collect();
    let plan = plan_of(LowQ::Parabola, 0.01, &q);
    let numbers = |reduced: &Reduced| -> Vec<f64> {
        let of = |p: &halor::peaks::Peak| {
            let count = p.coordination_number.map_or(f64::NAN, |count| count.value);
            [p.position.value, p.height.value, p.fwhm.value, p.area.value, count]
        };
        reduced.peaks.peaks.iter().flat_map(of).collect()
    };
    let truth = {
        let structure = plan.structure.apply(&pattern(&q, exact.clone(), 0.0)).unwrap();
        let g = true_g(&glass_f, plan.structure.f_grid().q_max(), Window::Lorch, plan.transform.r());
        let s = structure.q.iter().map(|q| 1.0 + glass_f(*q) / q).collect();
        let pdf = Pdf { g, ..plan.transform.apply(&structure).unwrap() };
        let structure = StructureFactor { s, ..structure };
        let peaks = plan.peaks.measure(&structure, &pdf, &plan.transform).unwrap();
        Reduced { peaks, structure, pdf, quality: Default::default() }
    };
    let changes: [(&str, &dyn Fn(usize) -> f64); 3] = [
        ("tilt", &|i| exact[i] * (1.0 + 0.01 * (q[i] - 11.0) / 22.0)),
        ("background", &|i| exact[i] + 0.01 * background[i]),
        ("exact", &|i| exact[i]),
    ];
    for (name, change) in changes {
        let changed: Vec<f64> = (0..q.len()).map(change).collect();
        let (reduced, found) = analysed(&plan, &pattern(&q, changed, 1e-5), Some(&background));
        let sigmas =
            found.peaks.iter().flat_map(|p| [p.position, p.height, p.fwhm, p.area, p.coordination_number]);
        let (mut inside, mut all) = (0, 0);
        for ((found, truth), sigma) in numbers(&reduced).iter().zip(numbers(&truth)).zip(sigmas) {
            if truth.is_finite() {
                all += 1;
                // 1e-4 is what the fits of the peaks leave (src/peaks/shape.rs); exact data are that far from the truth without any
                // choice being wrong.
                inside += usize::from((found - truth).abs() <= 2.0 * sigma + 1e-4);
                eprintln!(
                    "{name}: {found:.5} truth {truth:.5} σ_syst {sigma:.5} {:+.1}",
                    (found - truth) / sigma
                );
            }
        }
        eprintln!("{name}: {inside} of {all}");
        assert!(10 * inside >= 9 * all, "{name}: {inside} of {all}");
    }
}
