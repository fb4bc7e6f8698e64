//! Laws of the way from I(Q) to G(r) on a glass whose structure is known in closed form.

mod low_r_fit;
mod multiple;
mod noise;
mod systematic;
mod normalization;

use std::f64::consts::PI;

use halor::grid::{Bins, Points};
use halor::integrate::{Pattern, RadialUnit};
use halor::pdf::{Covariance, Pdf, TransformPlan, TransformSettings, Window};
use halor::peaks::{CoordinationNumber, PeakPlan, PeakSearch, PeakSettings};
use halor::scattering::{Composition, FreeAtoms, klein_nishina};
use halor::structure::{
    AbsoluteSettings, Fluorescence, Form, LowQ, Normalization, PdfGetX3Settings, Polynomial, Scatter,
    StructureFactor, StructurePlan, StructureSettings,
};
use halor::units::{two_theta_rad, wavelength_angstrom};

pub(crate) const ENERGY_KEV: f64 = 112.0;
/// Atoms per Å³ of the glass.
pub(crate) const DENSITY: f64 = 0.0528;

/// F(Q) of hard spheres in the Percus–Yevick approximation, broadened, with two Gaussian shells of ±0.9 atoms added
/// (physics.md, "Truth to test against").
pub(crate) fn glass_f(q: f64) -> f64 {
    let (diameter, broadening) = (2.55_f64, 0.11);
    let eta = PI / 6.0 * DENSITY * diameter.powi(3);
    let l1 = (1.0 + 2.0 * eta).powi(2) / (1.0 - eta).powi(4);
    let l2 = -(1.0 + 0.5 * eta).powi(2) / (1.0 - eta).powi(4);
    let x = (q * diameter).max(0.05);
    let (s, c) = x.sin_cos();
    let bracket = l1 * x.powi(3) * (s - x * c)
        + 6.0 * eta * l2 * x * x * (2.0 * x * s - (x * x - 2.0) * c - 2.0)
        + 0.5 * eta * l1 * ((4.0 * x.powi(3) - 24.0 * x) * s - (x.powi(4) - 12.0 * x * x + 24.0) * c + 24.0);
    let s_py = 1.0 / (1.0 + 24.0 * eta / x.powi(6) * bracket);
    let shell =
        |count: f64, r: f64, width: f64| count * (q * r).sin() / r * (-0.5 * (q * width).powi(2)).exp();
    q * (s_py - 1.0) * (-0.5 * (q * broadening).powi(2)).exp()
        + shell(0.9, 2.72, 0.11)
        + shell(-0.9, 3.10, 0.22)
}

/// (2/π)∫_0^Qmax F W sin Qr dQ by the midpoint rule with steps of 0.002 Å⁻¹.
fn true_g(f: &dyn Fn(f64) -> f64, q_max: f64, window: Window, r: &[f64]) -> Vec<f64> {
    let cells = (q_max / 0.002).round();
    let step = q_max / cells;
    let f: Vec<(f64, f64)> = (0..cells as usize)
        .map(|i| (i as f64 + 0.5) * step)
        .map(|q| (q, 2.0 / PI * step * f(q) * window.weight(q, q_max)))
        .collect();
    r.iter().map(|r| f.iter().map(|(q, f)| f * (q * r).sin()).sum()).collect()
}

fn glass() -> Composition {
    Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap()
}

fn axis() -> Vec<f64> {
    Bins { lower: 0.5, upper: 25.0, count: 3000 }.centres()
}

/// I = k·{⟨f²⟩ + ⟨f⟩²F/Q + I_inc·KN + m} without noise.
pub(crate) fn intensity(q: &[f64], f: &dyn Fn(f64) -> f64, k: f64, m: f64) -> Vec<f64> {
    let atoms = FreeAtoms::new(&glass(), ENERGY_KEV, q).unwrap();
    let wavelength = wavelength_angstrom(ENERGY_KEV);
    (0..q.len())
        .map(|i| {
            let compton = atoms.compton[i] * klein_nishina(two_theta_rad(q[i], wavelength), ENERGY_KEV);
            k * (atoms.mean_square_f[i] + atoms.mean_f_squared[i] * f(q[i]) / q[i] + compton + m)
        })
        .collect()
}

fn pattern(q: &[f64], intensity: Vec<f64>, relative_sigma: f64) -> Pattern {
    let sigma: Vec<f64> = intensity.iter().map(|i| i * relative_sigma).collect();
    Pattern {
        unit: RadialUnit::QInvAngstrom,
        radial: q.to_vec(),
        intensity,
        sigma_as_independent: sigma.clone(),
        unpolarized: vec![1.0; sigma.len()],
        sigma,
    }
}

fn settings() -> AbsoluteSettings {
    AbsoluteSettings {
        energy_kev: ENERGY_KEV,
        density_per_cubic_angstrom: Some(DENSITY),
        q_range: [0.7, 22.0],
        normalization: Normalization::HighQ { q_min: 10.0 },
        form: Form::FaberZiman,
        iteration: None,
        fluorescence: Fluorescence::None,
        polynomial: Some(Polynomial { r_poly_angstrom: 1.0, r_hole_angstrom: 2.0 }),
        low_q: LowQ::Quartic,
        multiple_scattering: None,
    }
}

fn plan(settings: &AbsoluteSettings, q: &[f64]) -> StructurePlan {
    StructurePlan::new(&StructureSettings::Absolute(settings.clone()), &glass(), q).unwrap()
}

fn transform(plan: &StructurePlan, window: Window) -> TransformPlan {
    let r = Points { start: 0.0, step: 0.01, count: 2001 };
    TransformPlan::new(&TransformSettings { window, r }, plan.f_grid()).unwrap()
}

fn coordination(r: &[f64], g: &[f64], from: f64, to: f64) -> f64 {
    let step = r[1] - r[0];
    r.iter()
        .zip(g)
        .filter(|(r, _)| **r > from - 1e-9 && **r < to + 1e-9)
        .map(|(r, g)| {
            let end = if (r - from).abs() < 1e-6 || (r - to).abs() < 1e-6 { 0.5 } else { 1.0 };
            end * step * (r * g + 4.0 * PI * DENSITY * r * r)
        })
        .sum()
}

/// |S − S_true| on the measured range, root mean square.
fn rms_error(structure: &StructureFactor, f: &dyn Fn(f64) -> f64, from: f64) -> f64 {
    let points = structure.q.iter().zip(&structure.s).filter(|(q, _)| **q > from);
    let squares: Vec<f64> = points.map(|(q, s)| (s - 1.0 - f(*q) / q).powi(2)).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

fn peaks(transform: &TransformPlan) -> PeakPlan {
    let window = |name: &str, low, high| (name.to_string(), [low, high]);
    let settings = PeakSettings {
        s_of_q: PeakSearch::Windows(vec![window("q1", 2.0, 3.6), window("q2", 4.0, 6.0)]),
        g_of_r: PeakSearch::Windows(vec![window("r1", 2.0, 3.6), window("r2", 3.8, 6.0)]),
        coordination_number: Some(CoordinationNumber { peak: "r1".to_string(), limits_angstrom: None }),
    };
    PeakPlan::new(&settings, Some(DENSITY), transform).unwrap()
}

#[test]
fn the_truth_is_the_truth() {
    // Below the closest pair G = −4πρ0 r; the integral of R from 2.0 to 3.6 Å is 10.778 (10.721 to 3.59 Å: R(3.6) = 5.66).
    let r = Points { start: 0.0, step: 0.001, count: 3601 }.values();
    let g = true_g(&glass_f, 60.0, Window::None, &r);
    assert!((0..1900).all(|i| (g[i] + 4.0 * PI * DENSITY * r[i]).abs() < 1e-6));
    assert!((coordination(&r, &g, 2.0, 3.6) - 10.7777).abs() < 1e-3);
    assert!((coordination(&r, &g, 2.0, 3.59) - 10.7211).abs() < 1e-3);
}

#[test]
fn exact_data_give_the_structure_back() {
    let q = axis();
    let plan = plan(&settings(), &q);
    let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 0.37, 0.0), 0.0)).unwrap();
    // Under the soft window above 10 Å⁻¹ the oscillations of S average out to below 1e-5.
    assert!((structure.scale * 0.37 - 1.0).abs() < 1e-4, "{}", structure.scale);
    // 4e-4: what the polynomial takes of the ripples that Qmax gives the first shell at r < 2 Å.
    assert!(rms_error(&structure, &glass_f, 0.7) < 1e-3);
    for window in [Window::None, Window::Lorch] {
        let transform = transform(&plan, window);
        let pdf = transform.apply(&structure).unwrap();
        let truth = true_g(&glass_f, plan.f_grid().q_max(), window, &pdf.r);
        let measure = |g: &[f64]| {
            let pdf = Pdf { g: g.to_vec(), ..pdf.clone() };
            peaks(&transform).measure(&structure, &pdf, &transform).unwrap().peaks[2].clone()
        };
        let (found, expected) = (measure(&pdf.g), measure(&truth));
        assert!((found.position.value - expected.position.value).abs() < 0.002);
        assert!((found.height.value / expected.height.value - 1.0).abs() < 0.01);
        assert!((found.fwhm.value / expected.fwhm.value - 1.0).abs() < 0.01);
        let number = found.coordination_number.unwrap().value;
        assert!((number / 10.7777 - 1.0).abs() < 0.005, "{window:?}: {number}");
        // Beyond the first shell what is left is the continuation below 0.7 Å⁻¹ and the scale: 1 % of the first peak.
        for (r, (g, truth)) in pdf.r.iter().zip(pdf.g.iter().zip(&truth)).filter(|(r, _)| **r > 2.0) {
            assert!((g - truth).abs() < 0.025, "{window:?} r = {r}: {g}, truth {truth}");
        }
    }
}

#[test]
fn fluorescence_is_told_from_the_scale() {
    let q = axis();
    let fit = AbsoluteSettings { fluorescence: Fluorescence::Fit, ..settings() };
    for (settings, best, worst) in [(fit, 0.0, 0.005), (settings(), 0.1, 0.3)] {
        let plan = plan(&settings, &q);
        let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 0.37, 20.0), 0.0)).unwrap();
        let error = (structure.scale * 0.37 - 1.0).abs();
        assert!(error >= best && error < worst, "{error}");
    }
}

#[test]
fn what_stands_below_q_min_counts() {
    let q = axis();
    let number = |low_q| {
        let plan = plan(&AbsoluteSettings { low_q, ..settings() }, &q);
        let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 1.0, 0.0), 0.0)).unwrap();
        let pdf = transform(&plan, Window::None).apply(&structure).unwrap();
        coordination(&pdf.r, &pdf.g, 2.0, 3.6) / 10.7777 - 1.0
    };
    assert!(number(LowQ::Quartic).abs() < 0.002);
    assert!(number(LowQ::Parabola).abs() < 0.005);
    assert!(number(LowQ::Zero) > 0.03);
}

#[test]
fn an_ideal_gas_has_no_structure() {
    let q = axis();
    for fluorescence in [Fluorescence::None, Fluorescence::Fit] {
        let settings = AbsoluteSettings { density_per_cubic_angstrom: None, fluorescence, ..settings() };
        let plan = plan(&settings, &q);
        let structure = plan.apply(&pattern(&q, intensity(&q, &|_| 0.0, 2.5, 0.0), 0.0)).unwrap();
        let pdf = transform(&plan, Window::None).apply(&structure).unwrap();
        // Rounding: S to 1e-12, summed over 2600 points with F up to 22 times that.
        assert!(structure.s.iter().all(|s| (s - 1.0).abs() < 1e-10));
        assert!(pdf.g.iter().all(|g| g.abs() < 1e-8));
    }
}

#[test]
fn one_bond_length_gives_one_peak_with_its_ripples() {
    let plan = plan(&settings(), &axis());
    let grid = plan.f_grid();
    let (q_max, bond) = (grid.q_max(), 3.0);
    let f: Vec<f64> = grid.q().iter().map(|q| (q * bond).sin() / bond).collect();
    let zeros = vec![0.0; f.len()];
    let structure = StructureFactor {
        q: grid.q().to_vec(),
        s: zeros.clone(),
        uncorrected_f: f.clone(),
        level: zeros.clone(),
        sigma: zeros.clone(),
        f,
        f_sigma: zeros,
        footprint: vec![1.0; 1],
        scatter: Scatter::default(),
        scale: 1.0,
        constant: 0.0,
    };
    let pdf = transform(&plan, Window::None).apply(&structure).unwrap();
    let sinc = |d: f64| if d.abs() < 1e-9 { q_max } else { (q_max * d).sin() / d };
    let top = q_max / (PI * bond);
    for (r, g) in pdf.r.iter().zip(&pdf.g) {
        let exact = (sinc(r - bond) - sinc(r + bond)) / (PI * bond);
        // Midpoint rule: (ΔQ)²/24 times the slope at Qmax of F sin Qr, at most r + r0, in units of the peak's height.
        let rule = 0.00817_f64.powi(2) / 24.0 * (r + bond) * 2.0 / (PI * bond);
        assert!((g - exact).abs() < rule + 1e-9, "r = {r}: {g}, exact {exact}, peak {top}");
    }
}

#[test]
fn a_window_without_a_maximum_gives_nan_and_a_wrong_one_an_error() {
    let q = axis();
    let plan = plan(&settings(), &q);
    let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 1.0, 0.0), 0.0)).unwrap();
    let transform = transform(&plan, Window::Lorch);
    let pdf = transform.apply(&structure).unwrap();
    let search = |low, high| PeakSettings {
        s_of_q: PeakSearch::First(0),
        g_of_r: PeakSearch::Windows(vec![("slope".to_string(), [low, high])]),
        coordination_number: None,
    };
    let found = PeakPlan::new(&search(2.2, 2.5), None, &transform).unwrap();
    let found = found.measure(&structure, &pdf, &transform).unwrap();
    assert!(found.peaks[0].position.value.is_nan() && found.peaks[0].missing().is_some());
    for (low, high) in [(3.0, 2.0), (2.0, 50.0), (-1.0, 2.0), (f64::NAN, 2.0), (2.0, 2.01)] {
        let message = PeakPlan::new(&search(low, high), None, &transform).unwrap_err().to_string();
        assert!(message.contains("window of peak `slope`"), "{message}");
    }
}

#[test]
fn pdfgetx3_mode_has_a_relative_scale() {
    // Measured with PDFgetX3's algorithm on the same exact data: G of the glass is 0.68 of the truth (physics.md).
    let q = axis();
    let settings = PdfGetX3Settings { qmin: 0.7, qmax: 24.9, qmaxinst: 24.9, rpoly: 1.0 };
    let plan = StructurePlan::new(&StructureSettings::PdfGetX3(settings), &glass(), &q).unwrap();
    let structure = plan.apply(&pattern(&q, intensity(&q, &glass_f, 1.0, 0.0), 0.0)).unwrap();
    let pdf = transform(&plan, Window::None).apply(&structure).unwrap();
    let truth = true_g(&glass_f, 24.9, Window::None, &pdf.r);
    let beyond = |g: &[f64]| -> f64 { g[400..1500].iter().zip(&truth[400..1500]).map(|(g, t)| g * t).sum() };
    let ratio = beyond(&pdf.g) / beyond(&truth);
    assert!((ratio - 0.68).abs() < 0.02, "{ratio}");
}

#[test]
fn settings_that_cannot_be_meant_are_named() {
    let q = axis();
    let message = |settings: AbsoluteSettings| {
        StructurePlan::new(&StructureSettings::Absolute(settings), &glass(), &q)
            .err()
            .map_or_else(String::new, |e| e.to_string())
    };
    let polynomial = |r_poly_angstrom, r_hole_angstrom| Some(Polynomial { r_poly_angstrom, r_hole_angstrom });
    for (settings, expected) in [
        (AbsoluteSettings { q_range: [0.7, 30.0], ..settings() }, "the patterns run from 0.504 to 24.996"),
        (AbsoluteSettings { q_range: [0.1, 22.0], ..settings() }, "wanted from 0.1"),
        (AbsoluteSettings { q_range: [5.0, 2.0], ..settings() }, "upper end of the Q range is 2"),
        (AbsoluteSettings { q_range: [f64::NAN, 2.0], ..settings() }, "lower end of the Q range is NaN"),
        (
            AbsoluteSettings { normalization: Normalization::HighQ { q_min: 23.0 }, ..settings() },
            "normalization_q_min is 23",
        ),
        (
            AbsoluteSettings { normalization: Normalization::HighQ { q_min: 21.99 }, ..settings() },
            "the normalisation window has",
        ),
        (AbsoluteSettings { density_per_cubic_angstrom: Some(0.0), ..settings() }, "number density is 0"),
        (AbsoluteSettings { polynomial: polynomial(100.0, 200.0), ..settings() }, "degree of the polynomial"),
        (AbsoluteSettings { polynomial: polynomial(1.0, -2.0), ..settings() }, "r_hole is -2"),
        (AbsoluteSettings { polynomial: polynomial(1.0, 0.9), ..settings() }, "expected r_poly or more"),
    ] {
        let found = message(settings);
        assert!(found.contains(expected), "`{found}` does not say `{expected}`");
    }
    let negative = intensity(&q, &glass_f, -1.0, 0.0);
    let error = plan(&settings(), &q).apply(&pattern(&q, negative, 0.0)).unwrap_err().to_string();
    assert!(error.contains("does not follow the scattering of free atoms"), "{error}");
}

#[test]
fn a_real_glass_has_its_bonds() {
    let read = |name: &str| -> Option<(Vec<f64>, Vec<f64>)> {
        let text = std::fs::read_to_string(crate::common::data(&format!("glass_1d/{name}"))?).unwrap();
        let number = |field: &str| field.parse::<f64>().unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Some(
            lines
                .filter_map(|line| line.trim().split_once(' '))
                .map(|(q, i)| (number(q), number(i.trim())))
                .unzip(),
        )
    };
    let Some(((q, sample), (_, background))) = read("Mg2SiO4_ambient.xy").zip(read("Mg2SiO4_ambient_bkg.xy"))
    else {
        return;
    };
    let forsterite = Composition::parse("Mg2SiO4").unwrap();
    let density = forsterite.number_density(2.9).unwrap();
    let settings = AbsoluteSettings {
        energy_kev: 65.0,
        density_per_cubic_angstrom: Some(density),
        q_range: [1.24, 20.0],
        polynomial: Some(Polynomial { r_poly_angstrom: 0.7, r_hole_angstrom: 1.4 }),
        ..settings()
    };
    let plan = StructurePlan::new(&StructureSettings::Absolute(settings), &forsterite, &q).unwrap();
    let difference = sample.iter().zip(&background).map(|(sample, background)| sample - background).collect();
    let structure = plan.apply(&pattern(&q, difference, 0.003)).unwrap();
    let transform = transform(&plan, Window::Lorch);
    let pdf = transform.apply(&structure).unwrap();
    let search = PeakSettings {
        s_of_q: PeakSearch::First(0),
        g_of_r: PeakSearch::Windows(vec![
            ("Si-O".to_string(), [1.35, 1.82]),
            ("Mg-O".to_string(), [1.82, 2.4]),
        ]),
        coordination_number: Some(CoordinationNumber { peak: "Si-O".to_string(), limits_angstrom: None }),
    };
    let found = PeakPlan::new(&search, Some(density), &transform).unwrap();
    let found = found.measure(&structure, &pdf, &transform).unwrap().peaks;
    // Published distances are given to 0.01 Å; Qmax of 20 Å⁻¹ resolves 0.3 Å, and the two peaks touch.
    assert!((found[0].position.value - 1.63).abs() < 0.02, "{:?}", found[0].position);
    assert!((found[1].position.value - 2.04).abs() < 0.02, "{:?}", found[1].position);
    // Four oxygens around silicon, weighted 2·c_Si·Z_Si·Z_O·4/⟨Z⟩² = 1.28; the tails are cut at 1.82 Å: 10 %.
    let number = found[0].coordination_number.unwrap().value;
    assert!((number / 1.28 - 1.0).abs() < 0.1, "{number}");
}
