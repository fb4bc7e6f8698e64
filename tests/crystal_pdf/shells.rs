//! Distances and numbers of neighbours of nickel and ceria, from I(Q) of a powder through the reduction.

use std::f64::consts::PI;

use super::*;
use halor::scattering::partial_weights;

const ENERGY_KEV: f64 = 112.0;

/// r and G through Lorch's window to Qmax = 24 Å⁻¹ from the rings of a crystal, and α.
fn measured(crystal: &Crystal) -> (Vec<f64>, Vec<f64>, f64) {
    let q = Bins { lower: 0.5, upper: 25.0, count: 6125 }.centres();
    let table = crystal.intensity(ENERGY_KEV, 25.0).unwrap();
    let sigma = vec![1.0; q.len()];
    let pattern = Pattern {
        unit: RadialUnit::QInvAngstrom,
        radial: q.clone(),
        intensity: q.iter().map(|&q| table.at(q)).collect(),
        sigma_as_independent: sigma.clone(),
        unpolarized: vec![1.0; sigma.len()],
        sigma,
    };
    let settings = StructureSettings::Absolute(AbsoluteSettings {
        energy_kev: ENERGY_KEV,
        density_per_cubic_angstrom: Some(crystal.density()),
        q_range: [0.7, 24.0],
        normalization: Normalization::HighQ { q_min: 10.0 },
        form: Form::FaberZiman,
        iteration: None,
        fluorescence: Fluorescence::None,
        polynomial: None,
        low_q: LowQ::Parabola,
        multiple_scattering: None,
    });
    let plan = StructurePlan::new(&settings, &crystal.composition(), &q).unwrap();
    let structure = plan.apply(&pattern).unwrap();
    let r = Points { start: 0.0, step: 0.01, count: 1001 };
    let settings = TransformSettings { window: Window::Lorch, r };
    let pdf = TransformPlan::new(&settings, plan.f_grid()).unwrap().apply(&structure).unwrap();
    (pdf.r, pdf.g, structure.scale)
}

/// ∫R dr between the minima of R beside `distance`.
fn neighbours(r: &[f64], g: &[f64], density: f64, distance: f64) -> f64 {
    let rdf: Vec<f64> = r.iter().zip(g).map(|(r, g)| r * g + 4.0 * PI * density * r * r).collect();
    let top = r.partition_point(|r| *r < distance);
    let down = |step: isize| {
        let mut at = top;
        // The first 0.3 Å beside the top may have ripples.
        while (r[at] - distance).abs() < 0.3 || rdf[at.wrapping_add_signed(step)] < rdf[at] {
            at = at.wrapping_add_signed(step);
        }
        at
    };
    let (left, right) = (down(-1), down(1));
    0.01 * (rdf[left..=right].iter().sum::<f64>() - 0.5 * (rdf[left] + rdf[right]))
}

#[test]
fn nickel_has_twelve_neighbours() {
    let nickel = crystal("Ni", 0.02);
    let (r, g, _) = measured(&nickel);
    let distance = 3.523_87 / 2f64.sqrt();
    let number = neighbours(&r, &g, nickel.density(), distance);
    println!("Ni: {number}");
    assert!((number - 12.0).abs() < 0.3, "{number}");
}

#[test]
fn ceria_has_eight_oxygens_around_cerium() {
    let ceria = crystal("CeO2", 0.02);
    let (r, g, _) = measured(&ceria);
    let distance = 5.4113 * 3f64.sqrt() / 4.0;
    let area = neighbours(&r, &g, ceria.density(), distance);
    // The area of a peak has the pair's weight at Q = 0: what w(Q) has beyond spreads the peak.
    let weights = partial_weights(&ceria.composition(), ENERGY_KEV, &[0.0]).unwrap();
    let weight = weights.iter().find(|(pair, _)| pair == "Ce-O").unwrap().1[0];
    // Ce around O are half as many: the same area by other fractions.
    let oxygens = area * (2.0 / 3.0) / weight;
    println!("CeO2: {oxygens}");
    assert!((oxygens / 8.0 - 1.0).abs() < 0.05, "{oxygens}");
}

/// Neighbours and ripples move single maxima by up to 0.01 Å: those that stand alone and high are compared.
#[test]
fn ceria_has_its_distances() {
    let ceria = crystal("CeO2", 0.02);
    let (r, g, _) = measured(&ceria);
    let a = 5.4113;
    for (name, distance) in
        [("Ce-O", a * 3f64.sqrt() / 4.0), ("Ce-Ce", a / 2f64.sqrt()), ("Ce-Ce 3", a * 1.5f64.sqrt())]
    {
        let found =
            peak_shape(|x| interpolated(&g, r[1], x), [distance - 0.25, distance + 0.25], 0.0).unwrap();
        println!("{name} {distance:.4}: {:.4}", found.position);
        assert!((found.position - distance).abs() < 0.003, "{name} {distance}: {}", found.position);
    }
}
