//! Each way to a scale, each S(Q) and the iteration on the exact glass.

use super::*;
use halor::config::PdfSettings;
use halor::pipeline::reduce;
use halor::reduce::ReductionPlan;
use halor::structure::Iteration;

/// S rms against the truth, and the coordination number over 10.7777 less 1.
fn errors(settings: AbsoluteSettings, constant: f64) -> (f64, f64, StructureFactor) {
    let q = axis();
    let plan = plan(&settings, &q);
    let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 0.37, constant), 0.0)).unwrap();
    let pdf = transform(&plan, Window::None).apply(&structure).unwrap();
    let number = coordination(&pdf.r, &pdf.g, 2.0, 3.6) / 10.7777 - 1.0;
    (rms_error(&structure, &glass_f, 0.7), number, structure)
}

const WAYS: [(Normalization, Fluorescence); 5] = [
    (Normalization::HighQ { q_min: 10.0 }, Fluorescence::None),
    (Normalization::HighQ { q_min: 10.0 }, Fluorescence::Fit),
    (Normalization::KroghMoe, Fluorescence::None),
    (Normalization::LowR { r_max_angstrom: 2.0 }, Fluorescence::None),
    (Normalization::LowR { r_max_angstrom: 2.0 }, Fluorescence::Fit),
];

#[test]
fn every_way_to_the_scale_gives_the_structure() {
    for (normalization, fluorescence) in WAYS {
        for iteration in [None, Some(Iteration { r_max_angstrom: 2.0, count: 5 })] {
            let settings = AbsoluteSettings { normalization, fluorescence, iteration, ..settings() };
            let (rms, number, structure) = errors(settings, 0.0);
            let scale = structure.scale * 0.37 - 1.0;
            println!(
                "{normalization:?} {fluorescence:?} {iteration:?}: S {rms:.5}, CN {number:+.5}, scale {scale:+.5}"
            );
            // What is asked of a corrected measurement; the scale alone leaves 2e-3.
            assert!(rms <= 0.005 && number.abs() <= 0.005, "{normalization:?} {iteration:?}: {rms} {number}");
        }
    }
}

#[test]
fn a_constant_is_found_from_low_r_too() {
    let way = Normalization::LowR { r_max_angstrom: 2.0 };
    let settings = AbsoluteSettings { normalization: way, fluorescence: Fluorescence::Fit, ..settings() };
    let (rms, number, structure) = errors(settings, 20.0);
    println!("constant {}: S {rms}, CN {number}", structure.constant);
    assert!((structure.constant / 20.0 - 1.0).abs() < 0.05 && rms <= 0.005 && number.abs() <= 0.005);
}

#[test]
fn other_structure_factors_are_what_they_are_defined_as() {
    let q = axis();
    let atoms = FreeAtoms::new(&glass(), ENERGY_KEV, &q).unwrap();
    let ratio = |i: usize| atoms.mean_square_f[i] / atoms.mean_f_squared[i];
    for form in [Form::AshcroftLangreth, Form::Gsas2] {
        let settings = AbsoluteSettings { form, polynomial: None, low_q: LowQ::Zero, ..settings() };
        let (_, _, structure) = errors(settings, 0.0);
        let first = q.iter().position(|q| (q - structure.q[0]).abs() < 1e-9).unwrap();
        let inside = first..first + structure.q.len();
        let kappa = inside.clone().map(ratio).sum::<f64>() / inside.len() as f64;
        for (k, i) in inside.enumerate() {
            // Of the definition: S_FZ, and [E9a], [E9b].
            let faber_ziman = glass_f(q[i]) / q[i];
            let expected = match form {
                Form::FaberZiman => 1.0 + faber_ziman,
                Form::AshcroftLangreth => 1.0 + faber_ziman / ratio(i),
                Form::Gsas2 => (faber_ziman + ratio(i)) / kappa,
            };
            // The scale is good to 1e-4, and Compton scattering makes that four times as much at Qmax.
            assert!((structure.s[k] - expected).abs() < 1e-3, "{form:?} Q = {}: {}", q[i], structure.s[k]);
        }
    }
}

/// The iteration takes out an error that the polynomial cannot follow, and leaves what lies beyond.
#[test]
fn the_iteration_removes_what_no_atoms_can_make() {
    let q = axis();
    let bump = |q: f64| glass_f(q) + 0.3 * (0.9 * q).sin() * (-0.5 * (0.12 * q).powi(2)).exp();
    let rms = |iteration| {
        let settings = AbsoluteSettings { iteration, polynomial: None, ..settings() };
        let plan = plan(&settings, &q);
        let structure = plan.apply(&pattern(&q, intensity(&q, &bump, 1.0, 0.0), 0.0)).unwrap();
        rms_error(&structure, &glass_f, 0.7)
    };
    let steps = |count| rms(Some(Iteration { r_max_angstrom: 2.0, count }));
    let (before, once, often) = (rms(None), steps(1), steps(10));
    println!("{before} {once} {often}");
    assert!(before > 0.02 && once < 0.2 * before && often < 0.1 * before);
}

/// The figures of quality on exact data, and with one thing wrong at a time.
#[test]
fn figures_say_what_is_wrong() {
    let q = axis();
    let r = Points { start: 0.0, step: 0.01, count: 1001 };
    let judged = |change: &dyn Fn(f64, f64) -> f64, density: f64, relative_sigma: f64| {
        let absolute = AbsoluteSettings { density_per_cubic_angstrom: Some(density), ..settings() };
        let settings = PdfSettings {
            composition: glass(),
            structure: StructureSettings::Absolute(absolute),
            transform: TransformSettings { window: Window::Lorch, r },
            peaks: PeakSettings {
                s_of_q: PeakSearch::First(0),
                g_of_r: PeakSearch::First(0),
                coordination_number: None,
            },
            systematic: None,
            covariance: Covariance::Diagonal,
            low_r_fit: None,
        };
        let plan = ReductionPlan::new(&settings, &q).unwrap();
        let exact = intensity(&q, &glass_f, 1.0, 0.0);
        let changed = q.iter().zip(exact).map(|(q, i)| change(*q, i)).collect();
        let quality = reduce(&pattern(&q, changed, relative_sigma), &plan).unwrap().quality;
        (quality, quality.warnings("glass", &settings))
    };
    let (good, warnings) = judged(&|_, i| i, DENSITY, 0.0);
    println!("{good:?} {warnings:?}");
    assert!(warnings.is_empty(), "{warnings:?}");
    // As docs/physics.md quotes them, and half as much again.
    assert!(good.high_q_mean.abs() < 8e-4 && good.low_r_residual.unwrap() < 8e-4);
    assert!(good.sum_rule_scale.unwrap().abs() < 4e-6 && good.correction_rms < 1.5e-4);
    assert!((good.sum_rule_ratio.unwrap() - 1.0).abs() < 0.0025);
    assert!((good.density_from_slope_inv_angstrom3.unwrap() / DENSITY - 1.0).abs() < 0.001);
    assert!(good.usable_q_max_inv_angstrom > 21.9);

    let (tilted, warnings) = judged(&|q, i| i * (1.0 - 0.004 * q), DENSITY, 0.0);
    println!("{tilted:?} {warnings:#?}");
    assert!(warnings.iter().any(|text| text.contains("sum rule")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("the polynomial has changed")), "{warnings:?}");
    let (thin, warnings) = judged(&|_, i| i, 0.5 * DENSITY, 0.0);
    println!("{thin:?} {warnings:#?}");
    assert!(warnings.iter().any(|text| text.contains("the slope of G(r)")), "{warnings:?}");
    let (noisy, warnings) = judged(&|_, i| i, DENSITY, 0.02);
    println!("{noisy:?} {warnings:#?}");
    assert!(noisy.usable_q_max_inv_angstrom < 20.0);
    assert!(warnings.iter().any(|text| text.contains("noise is larger")), "{warnings:?}");
}
