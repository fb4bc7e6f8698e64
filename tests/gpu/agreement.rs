//! Both engines on plans as they are built: every splitting, sectors, masks; and which engine a run gets.

use std::sync::Arc;

use halor::config::EngineChoice;
use halor::correct::{DeadTime, DeadTimeModel, SampleAbsorption, SampleShape, SignalModel, pixel_norm};
use halor::engine::cpu::CpuEngine;
use halor::engine::gpu::{GpuEngine, adapters};
use halor::engine::select::{plan_engines, select};
use halor::engine::{Engine, EngineError, EngineKind};
use halor::frame::{Frame, Mask, Shape};
use halor::geometry::Orientation;
use halor::grid::Bins;
use halor::integrate::{
    Azimuth, CakeAxes, Filter, Fold, IntegrationPlan, PlanSpec, RadialUnit, Region, Splitting,
};

use super::Worst;
use super::oracle::scatter;
use super::setup::{Recipe, TYPES, all_corrections, dark, device, frame, noise, tilted};

/// A built plan: ring, folded sector, sector across ±180°, cake; masked pixels, dark, flat, dead time, saturation.
fn built(splitting: Splitting, orientation: Orientation) -> Arc<IntegrationPlan> {
    let shape = Shape { rows: 61, columns: 67 };
    let geometry = tilted(shape, orientation);
    let [lower, upper] = geometry.radial_range(RadialUnit::QInvAngstrom).unwrap();
    let sector = |name: &str, centre_deg, fold| Region {
        name: name.to_owned(),
        azimuth: Azimuth::Sector { centre_deg, width_deg: 25.0, fold },
    };
    let mask = Mask { shape, bad: (0..shape.pixels()).map(|i| noise(7, i) < 0.05).collect() };
    let flat: Vec<f32> = (0..shape.pixels()).map(|i| (0.9 + 0.2 * noise(2, i)) as f32).collect();
    // What the shader cannot evaluate comes with the flat field.
    let shape_in_beam = SampleShape::Cylinder { diameter_m: 2e-3, axis_rad: 1.0, beam_m: 5e-4 };
    let flat = SampleAbsorption { mu_per_m: 400.0, shape: shape_in_beam, container: None }
        .times_flat(&geometry, Some(&flat));
    let corrections = all_corrections();
    let plan = IntegrationPlan::build(PlanSpec {
        norm: pixel_norm(&geometry, &corrections, Some(&flat)),
        geometry,
        unit: RadialUnit::QInvAngstrom,
        // Beyond the detector's range at both ends: empty bins.
        bins: Bins { lower: 0.9 * lower, upper: 1.05 * upper, count: 141 },
        regions: vec![
            Region { name: "ring".to_owned(), azimuth: Azimuth::Ring },
            sector("X", 0.0, Fold::WithOpposite),
            sector("back", 178.0, Fold::Single),
        ],
        cake: Some(CakeAxes { azimuth_bins: 24, radial: Bins { lower, upper, count: 40 } }),
        splitting,
        filter: Filter::Off,
        mask: &mask,
        corrections,
        flat: Some(flat),
        signal: SignalModel {
            dark: Some(dark(shape.pixels())),
            dead_time: Some(DeadTime { model: DeadTimeModel::NonParalyzable, tau_s: 1e-5 }),
            saturated_counts: Some(1000.0),
        },
    });
    Arc::new(plan.unwrap())
}

#[test]
fn gpu_and_cpu_agree_on_every_splitting_and_orientation() {
    let Some(mut gpu) = device() else { return };
    let cases = [
        (Splitting::None, Orientation::BottomRight),
        (Splitting::BoundingBox, Orientation::TopLeft),
        (Splitting::Full, Orientation::TopRight),
        (Splitting::Full, Orientation::BottomLeft),
    ];
    for (splitting, orientation) in cases {
        let plan = built(splitting, orientation);
        let frames: Vec<Frame> =
            TYPES.iter().zip(50..).map(|(kind, seed)| frame(plan.shape, kind, seed)).collect();
        let from_gpu = GpuEngine::new(Arc::clone(&plan), gpu).unwrap().integrate(&frames).unwrap();
        let from_cpu = CpuEngine::new(Arc::clone(&plan)).integrate(&frames).unwrap();
        let mut worst = Worst::default();
        let mut worst_intensity = 0.0_f64;
        for ((gpu, cpu), frame) in from_gpu.iter().zip(&from_cpu).zip(&frames) {
            worst.see_against(gpu, cpu, &scatter(&plan, frame), &format!("{splitting:?}, {orientation:?}"));
            for bin in (0..plan.accumulator_len()).filter(|bin| cpu.norm[*bin] > 0.0) {
                let (found, expected) = (gpu.signal[bin] / gpu.norm[bin], cpu.signal[bin] / cpu.norm[bin]);
                worst_intensity = worst_intensity.max((found / expected - 1.0).abs());
            }
        }
        let empty = from_gpu[0].norm.iter().filter(|norm| **norm == 0.0).count();
        assert!(empty > 0, "the range was to leave bins empty");
        worst.report(&format!("{splitting:?}, {orientation:?}: I to {worst_intensity:.1e}"));
        gpu = device().unwrap();
    }
}

#[test]
fn a_run_gets_the_engine_that_it_names() {
    let plan = Recipe::small().plan();
    let one = frame(plan.shape, "i32", 1);
    let by = |choice: EngineChoice| select(&choice, Arc::clone(&plan));
    let planned = |choice: &EngineChoice, filter| plan_engines(choice, filter, plan.shape).unwrap().remove(0);
    assert_eq!(by(EngineChoice::Cpu).unwrap().info().kind, EngineKind::Cpu);
    assert_eq!(planned(&EngineChoice::Cpu, Filter::Off).kind, EngineKind::Cpu);

    let real = adapters().iter().any(|a| a.summary.is_gpu());
    let automatic = by(EngineChoice::Auto).unwrap();
    assert_eq!(automatic.info().kind, if real { EngineKind::Gpu } else { EngineKind::Cpu });
    assert_eq!(automatic.info(), &planned(&EngineChoice::Auto, Filter::Off));
    assert_eq!(automatic.integrate(std::slice::from_ref(&one)).unwrap().len(), 1);
    assert_eq!(matches!(by(EngineChoice::Gpu), Err(EngineError::NoGpu { .. })), !real);
    let unknown = EngineChoice::Adapter("no such adapter".to_owned());
    assert!(matches!(by(unknown), Err(EngineError::NoAdapter { .. })));

    for adapter in adapters().into_iter().map(|adapter| adapter.summary) {
        let choice = EngineChoice::Adapter(adapter.name.to_uppercase());
        let engine = by(choice.clone()).unwrap();
        assert_eq!(engine.info().device, adapter.name);
        assert_eq!(engine.info(), &planned(&choice, Filter::Off));
        assert_eq!(engine.integrate(std::slice::from_ref(&one)).unwrap().len(), 1);

        // It filters too.
        let filtered = Arc::new(IntegrationPlan { filter: Filter::Median, ..(*plan).clone() });
        let engine = select(&choice, filtered).unwrap();
        assert_eq!(engine.info(), &planned(&choice, Filter::Median));
        assert_eq!(engine.info().kind, EngineKind::Gpu);

        // Where no binding holds a frame, the native engine filters, and says in whose place.
        let large = Shape { rows: 1 << 13, columns: 1 << 13 };
        let stand_in = plan_engines(&choice, Filter::Median, large).unwrap().remove(0);
        assert!(stand_in.kind == EngineKind::Cpu && stand_in.detail.contains(&adapter.name), "{stand_in:?}");
    }
}
