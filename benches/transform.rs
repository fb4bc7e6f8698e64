//! Speed of S(Q) → G(r) with σ: patterns of 3000 points to 3000 r, alone and 500 at once.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use halor::grid::Points;
use halor::integrate::{Pattern, RadialUnit};
use halor::pdf::{TransformPlan, TransformSettings, Window};
use halor::scattering::{Composition, FreeAtoms};
use halor::structure::{
    AbsoluteSettings, Fluorescence, Form, LowQ, Normalization, Polynomial, StructureFactor, StructurePlan,
    StructureSettings,
};

const ENERGY_KEV: f64 = 112.0;
const PATTERNS: usize = 500;
const POINTS: usize = 3000;

/// A pattern of atoms without neighbours, with a scale of its own.
fn pattern(q: &[f64], atoms: &FreeAtoms, index: usize) -> Pattern {
    let scale = 100.0 + index as f64;
    let intensity: Vec<f64> =
        atoms.mean_square_f.iter().zip(&atoms.compton).map(|(f, compton)| scale * (f + compton)).collect();
    let sigma: Vec<f64> = intensity.iter().map(|i| 0.003 * i).collect();
    Pattern {
        unit: RadialUnit::QInvAngstrom,
        radial: q.to_vec(),
        intensity,
        sigma_as_independent: sigma.clone(),
        unpolarized: vec![1.0; sigma.len()],
        sigma,
    }
}

fn transform(c: &mut Criterion) {
    let q: Vec<f64> = (0..POINTS).map(|i| 0.7 + 0.0075 * i as f64).collect();
    let composition = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
    let settings = StructureSettings::Absolute(AbsoluteSettings {
        energy_kev: ENERGY_KEV,
        density_per_cubic_angstrom: Some(0.0528),
        q_range: [0.7, 23.0],
        normalization: Normalization::HighQ { q_min: 10.0 },
        form: Form::FaberZiman,
        iteration: None,
        fluorescence: Fluorescence::Fit,
        polynomial: Some(Polynomial { r_poly_angstrom: 1.0, r_hole_angstrom: 2.0 }),
        low_q: LowQ::Parabola,
        multiple_scattering: None,
    });
    let structure = StructurePlan::new(&settings, &composition, &q).unwrap();
    let r = Points { start: 0.0, step: 0.01, count: POINTS };
    let plan =
        TransformPlan::new(&TransformSettings { window: Window::Lorch, r }, structure.f_grid()).unwrap();
    let atoms = FreeAtoms::new(&composition, ENERGY_KEV, &q).unwrap();
    let structures: Vec<StructureFactor> =
        (0..PATTERNS).map(|i| structure.apply(&pattern(&q, &atoms, i)).unwrap()).collect();
    let all: Vec<&StructureFactor> = structures.iter().collect();
    let mut group = c.benchmark_group("S(Q) to G(r)");
    group.sample_size(10);
    for count in [1, 16, PATTERNS] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("patterns {count}"), |b| {
            b.iter(|| plan.apply_all(black_box(&all[..count])).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, transform);
criterion_main!(benches);
