//! Noise: uncertainties are the scatter of repeats, peaks are found in it, the scale is not biased by it.

use rand_distr::{Distribution, StandardNormal};

use super::*;
use halor::peaks::Measured;

/// Width of the pulls (x − ⟨x⟩)/σ of 500 repeats.
fn pull_width(values: &[Vec<Measured>], index: usize) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|v| v[index].value).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| ((v[index].value - mean) / v[index].sigma).powi(2)).sum();
    (squares / (count - 1.0)).sqrt()
}

fn noisy_pulls(settings: &AbsoluteSettings, window: Window, photons: f64) -> Vec<(String, f64)> {
    let q = axis();
    let plan = plan(settings, &q);
    let transform = transform(&plan, window);
    let peaks = peaks(&transform);
    let exact = intensity(&q, &glass_f, 1.0, 0.0);
    let mut random = rand_pcg::Pcg64Mcg::new(0x5eed);
    let mut names = Vec::new();
    let repeats: Vec<Vec<Measured>> = (0..500)
        .map(|_| {
            // Photons in a bin grow with its circumference; there are enough of them for a Gaussian.
            let sigma: Vec<f64> = exact.iter().zip(&q).map(|(i, q)| (i / (photons * q)).sqrt()).collect();
            let noisy = exact
                .iter()
                .zip(&sigma)
                .map(|(i, s)| i + s * Distribution::<f64>::sample(&StandardNormal, &mut random))
                .collect::<Vec<f64>>();
            let pattern = Pattern {
                unit: RadialUnit::QInvAngstrom,
                radial: q.clone(),
                intensity: noisy,
                sigma_as_independent: sigma.clone(),
                unpolarized: vec![1.0; sigma.len()],
                sigma,
            };
            let structure = plan.apply(&pattern).unwrap();
            let pdf = transform.apply(&structure).unwrap();
            let table = peaks.measure(&structure, &pdf, &transform).unwrap();
            names.clear();
            let mut all = Vec::new();
            let mut add = |name: String, value, sigma| {
                names.push(name);
                all.push(Measured { value, sigma });
            };
            for i in (0..structure.q.len()).step_by(150) {
                add(format!("S({:.2})", structure.q[i]), structure.s[i], structure.sigma[i]);
            }
            // Every 0.2 Å: half a wave of Qmax, closer than which G is one number.
            for i in (20..pdf.r.len()).step_by(20) {
                add(format!("G({:.2})", pdf.r[i]), pdf.g[i], pdf.sigma[i]);
            }
            for peak in table.peaks {
                for (what, m) in [
                    ("position", peak.position),
                    ("height", peak.height),
                    ("fwhm", peak.fwhm),
                    ("area", peak.area),
                ] {
                    add(format!("{} {what}", peak.name), m.value, m.sigma);
                }
                if let Some(number) = peak.coordination_number {
                    add(format!("{} coordination number", peak.name), number.value, number.sigma);
                }
            }
            all
        })
        .collect();
    (0..names.len()).map(|i| (names[i].clone(), pull_width(&repeats, i))).collect()
}

#[test]
fn uncertainties_are_the_scatter_of_repeats() {
    let fit = AbsoluteSettings { fluorescence: Fluorescence::Fit, ..settings() };
    for (window, settings) in [(Window::None, settings()), (Window::Lorch, settings()), (Window::Lorch, fit)]
    {
        // So many that the metrics of r2 without a window follow the counts linearly: with a tenth the width of its position is 1.18.
        let pulls = noisy_pulls(&settings, window, 300.0);
        let outside: Vec<&(String, f64)> =
            pulls.iter().filter(|(_, width)| !(0.9..1.1).contains(width)).collect();
        println!("{window:?}: {} widths, outside 0.9 to 1.1: {outside:?}", pulls.len());
        // The width of 500 pulls scatters by 1/√1000 = 3.2 %: one in 600 is beyond 0.9 to 1.1, and all of some 80 are within 3.8 times it.
        assert!(outside.len() <= 2, "{window:?}: {outside:?}");
        for (name, width) in &pulls {
            assert!((0.88..1.12).contains(width), "{window:?} {name}: {width:.3}");
        }
    }
}

/// σ_y² = Σ (∂y/∂I_k)² σ_k² for S, G and a sum over G, with the derivatives from patterns that differ in one bin. The scale
/// and the constant, which move with every bin, are in it.
#[test]
fn uncertainties_are_those_of_the_bins() {
    let step = 0.08;
    let q: Vec<f64> = (10..=300).map(|i| step * f64::from(i)).collect();
    let exact = intensity(&q, &glass_f, 0.4, 3.0);
    // Uneven, so that no term can stand in for another.
    let sigma: Vec<f64> = exact.iter().zip(&q).map(|(i, q)| 0.01 * i * (1.5 + (3.0 * q).sin())).collect();
    let fit = AbsoluteSettings { fluorescence: Fluorescence::Fit, ..settings() };
    let fit = AbsoluteSettings { q_range: [0.8, 22.0], ..fit };
    let known = AbsoluteSettings { fluorescence: Fluorescence::None, ..fit.clone() };
    // The points are already those of its own grid, so that nothing is interpolated.
    let relative = PdfGetX3Settings { qmin: 0.8, qmax: 20.0, qmaxinst: 24.0, rpoly: 1.0 };
    for settings in [
        StructureSettings::Absolute(fit),
        StructureSettings::Absolute(known),
        StructureSettings::PdfGetX3(relative),
    ] {
        let plan = StructurePlan::new(&settings, &glass(), &q).unwrap();
        let r = Points { start: 0.5, step: 0.1, count: 100 };
        let transform =
            TransformPlan::new(&TransformSettings { window: Window::Lorch, r }, plan.f_grid()).unwrap();
        let weights: Vec<f64> = (0..30).map(|i| f64::from(i).sqrt()).collect();
        let reduced = |intensity: Vec<f64>| {
            let pattern = Pattern {
                unit: RadialUnit::QInvAngstrom,
                radial: q.clone(),
                intensity,
                sigma_as_independent: sigma.clone(),
                unpolarized: vec![1.0; sigma.len()],
                sigma: sigma.clone(),
            };
            let structure = plan.apply(&pattern).unwrap();
            let pdf = transform.apply(&structure).unwrap();
            let sum: f64 = pdf.g[15..].iter().zip(&weights).map(|(g, w)| g * w).sum();
            let values: Vec<f64> = structure.s.iter().chain(&pdf.g).copied().chain([sum]).collect();
            (values, structure, pdf)
        };
        let (_, structure, pdf) = reduced(exact.clone());
        let (points, mut slopes) = (pdf.g.len(), Vec::new());
        let mut variance = vec![0.0; structure.s.len() + pdf.g.len() + 1];
        for k in 0..q.len() {
            let shifted = |by: f64| {
                let mut intensity = exact.clone();
                intensity[k] += by * sigma[k];
                reduced(intensity).0
            };
            let (up, down) = (shifted(0.01), shifted(-0.01));
            let of_g = structure.s.len()..structure.s.len() + points;
            slopes.push(of_g.map(|i| (up[i] - down[i]) / 0.02).collect::<Vec<f64>>());
            for (variance, (up, down)) in variance.iter_mut().zip(up.iter().zip(&down)) {
                *variance += ((up - down) / 0.02).powi(2);
            }
        }
        let covariance = transform.covariance(&structure);
        for (i, j) in [(0, 0), (3, 4), (20, 30), (50, 12), (99, 98)] {
            let expected: f64 = slopes.iter().map(|slopes| slopes[i] * slopes[j]).sum();
            let unit = pdf.sigma[i] * pdf.sigma[j];
            // As below.
            assert!((covariance[i * points + j] - expected).abs() < 1e-5 * unit, "{i} {j}");
        }
        let of_sum = transform.uncertainty(15, &weights, &structure);
        let found = structure.sigma.iter().chain(&pdf.sigma).copied().chain([of_sum]);
        for (i, (found, variance)) in found.zip(&variance).enumerate() {
            // A hundredth of σ is 1e-4 of I: squares of that are left, and single precision in σ of G.
            assert!((found / variance.sqrt() - 1.0).abs() < 1e-5, "{i}: {found}, {}", variance.sqrt());
        }
    }
}

#[test]
fn the_first_peaks_are_found_without_windows() {
    let q = axis();
    let plan = plan(&settings(), &q);
    let mut random = rand_pcg::Pcg64Mcg::new(7);
    let noisy: Vec<f64> = intensity(&q, &glass_f, 1.0, 0.0)
        .iter()
        .map(|i| i * (1.0 + 0.004 * Distribution::<f64>::sample(&StandardNormal, &mut random)))
        .collect();
    let structure = plan.apply(&pattern(&q, noisy, 0.004)).unwrap();
    for window in [Window::None, Window::Lorch] {
        let transform = transform(&plan, window);
        let pdf = transform.apply(&structure).unwrap();
        let search = PeakSettings {
            s_of_q: PeakSearch::First(3),
            g_of_r: PeakSearch::First(4),
            coordination_number: Some(CoordinationNumber { peak: "r1".to_string(), limits_angstrom: None }),
        };
        let plan_of_peaks = PeakPlan::new(&search, Some(DENSITY), &transform).unwrap();
        let found = plan_of_peaks.measure(&structure, &pdf, &transform).unwrap().peaks;
        let names: Vec<&str> = found.iter().map(|peak| peak.name.as_str()).collect();
        assert_eq!(names, ["q1", "q2", "q3", "r1", "r2", "r3", "r4"]);
        // The same search on the curves without error; σ is of noise of 0.4 % per bin, 0.02 Å of what is left of the polynomial.
        let g = true_g(&glass_f, plan.f_grid().q_max(), window, &pdf.r);
        let s = structure.q.iter().map(|q| 1.0 + glass_f(*q) / q).collect();
        let (exact_s, exact_g) = (StructureFactor { s, ..structure.clone() }, Pdf { g, ..pdf.clone() });
        let expected = plan_of_peaks.measure(&exact_s, &exact_g, &transform).unwrap().peaks;
        for (found, expected) in found.iter().zip(&expected) {
            let (at, truth) = (found.position, expected.position.value);
            assert!(
                (at.value - truth).abs() < 0.02 + 4.0 * at.sigma,
                "{}: {at:?}, truth {truth}",
                found.name
            );
        }
        let number = found[3].coordination_number.unwrap();
        assert!(number.value > 10.0 && number.value < 15.0 && number.sigma > 0.0);
        let unknown = PeakPlan::new(&search, None, &transform).unwrap();
        let unknown = unknown.measure(&structure, &pdf, &transform).unwrap();
        assert_eq!(unknown.peaks[3].coordination_number, None);
    }
}

#[test]
fn noise_does_not_attenuate_the_scale() {
    // I stands on the left side of I = a(T + m). With 30 % of noise a is right to 0.3/√1400 = 0.8 %, weighted 1 %; a fit of
    // αI to T instead would be 1/(1 + 0.3²) = 8 % low.
    let q = axis();
    let plan = plan(&settings(), &q);
    let mut random = rand_pcg::Pcg64Mcg::new(11);
    let noisy: Vec<f64> = intensity(&q, &glass_f, 1.0, 0.0)
        .iter()
        .map(|i| i * (1.0 + 0.3 * Distribution::<f64>::sample(&StandardNormal, &mut random)))
        .collect();
    let structure = plan.apply(&pattern(&q, noisy, 0.3)).unwrap();
    assert!((structure.scale - 1.0).abs() < 0.03, "{}", structure.scale);
}
