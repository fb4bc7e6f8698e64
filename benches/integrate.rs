//! Speed of building a plan and of the native engine, on frames of a Pilatus 2M.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use halor::correct::{Correction, SignalModel, pixel_norm};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameHeader, Mask, Shape};
use halor::geometry::{Detector, Geometry, Poni};
use halor::grid::Bins;
use halor::integrate::{
    Azimuth, CakeAxes, Filter, Fold, IntegrationPlan, PlanSpec, RadialUnit, Region, Splitting,
};
use halor::simd::InstructionSet;

const SHAPE: Shape = Shape { rows: 1679, columns: 1475 };
const FRAMES: usize = 16;

fn geometry() -> Geometry {
    let poni = Poni {
        distance_m: 0.3,
        poni1_m: 0.1443,
        poni2_m: 0.1272,
        rot1_rad: 0.003,
        rot2_rad: -0.002,
        rot3_rad: 0.0,
        wavelength_angstrom: 0.1107,
    };
    let detector = Detector::named("Pilatus 2M").unwrap();
    assert_eq!(detector.shape, SHAPE);
    Geometry { poni, detector, parallax: None }
}

fn spec(splitting: Splitting, mask: &Mask) -> PlanSpec<'_> {
    let geometry = geometry();
    let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    PlanSpec {
        norm: pixel_norm(&geometry, &corrections, None),
        geometry,
        unit: RadialUnit::QInvAngstrom,
        bins: Bins { lower: 0.0, upper: 33.0, count: 3000 },
        regions: vec![Region { name: "ring".into(), azimuth: Azimuth::Ring }],
        cake: None,
        splitting,
        filter: Filter::Off,
        mask,
        corrections,
        flat: None,
        signal: SignalModel::default(),
    }
}

fn frames() -> Vec<Frame> {
    let gaps = geometry().detector.gap_mask();
    let count = |pixel: usize, seed: usize| {
        if gaps[pixel] { -1 } else { ((pixel * 7919 + seed * 104_729) % 499) as i32 }
    };
    (0..FRAMES)
        .map(|seed| Frame {
            shape: SHAPE,
            counts: Counts::I32((0..SHAPE.pixels()).map(|pixel| count(pixel, seed)).collect()),
            header: FrameHeader::default(),
        })
        .collect()
}

fn plans(c: &mut Criterion) {
    let mask = Mask { shape: SHAPE, bad: geometry().detector.gap_mask() };
    let mut group = c.benchmark_group("plan");
    group.sample_size(10).throughput(Throughput::Elements(SHAPE.pixels() as u64));
    for splitting in [Splitting::None, Splitting::BoundingBox, Splitting::Full] {
        let spec = spec(splitting, &mask);
        group.bench_function(format!("{splitting:?}"), |b| {
            b.iter_batched(
                || spec.clone(),
                |spec| IntegrationPlan::build(black_box(spec)).unwrap(),
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn engine(c: &mut Criterion) {
    let mask = Mask { shape: SHAPE, bad: geometry().detector.gap_mask() };
    let frames = frames();
    let mut group = c.benchmark_group("cpu");
    for splitting in [Splitting::None, Splitting::BoundingBox, Splitting::Full] {
        let plan = Arc::new(IntegrationPlan::build(spec(splitting, &mask)).unwrap());
        for set in InstructionSet::available() {
            let engine = CpuEngine::with(plan.clone(), set);
            for count in [1, FRAMES] {
                group.sample_size(10).throughput(Throughput::Elements(count as u64));
                group.bench_function(format!("{set}, {splitting:?}, frames {count}"), |b| {
                    b.iter(|| engine.integrate(black_box(&frames[..count])).unwrap());
                });
            }
        }
    }
    group.finish();
}

/// What sectors and a cake cost, added to the ring.
fn more_than_the_ring(c: &mut Criterion) {
    let mask = Mask { shape: SHAPE, bad: geometry().detector.gap_mask() };
    let frames = frames();
    let ring = spec(Splitting::Full, &mask);
    let sector = |name: &str, centre_deg| Region {
        name: name.into(),
        azimuth: Azimuth::Sector { centre_deg, width_deg: 10.0, fold: Fold::WithOpposite },
    };
    let mut sectors = ring.clone();
    sectors.regions.extend([sector("X", 0.0), sector("Y", 90.0)]);
    let mut cake = ring.clone();
    cake.cake = Some(CakeAxes { azimuth_bins: 360, radial: Bins { count: 1000, ..cake.bins } });
    let mut group = c.benchmark_group("cpu, Full");
    group.sample_size(10).throughput(Throughput::Elements(FRAMES as u64));
    for (name, spec) in
        [("ring", ring), ("ring and two sectors", sectors), ("ring and 360 × 1000 cake", cake)]
    {
        let engine = CpuEngine::new(Arc::new(IntegrationPlan::build(spec).unwrap()));
        let all = || {
            for sums in engine.integrate(black_box(&frames)).unwrap() {
                engine.take_back(black_box(sums));
            }
        };
        group.bench_function(name, |b| b.iter(all));
    }
    group.finish();
}

criterion_group!(benches, plans, engine, more_than_the_ring);
criterion_main!(benches);
