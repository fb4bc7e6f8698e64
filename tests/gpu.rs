//! The GPU engine does what the plan says, within the errors that its shaders state, and does it again.

mod agreement;
mod crew;
mod filters;
pub mod oracle;
mod passes;
mod setup;

use std::sync::Arc;

use halor::correct::{DeadTime, DeadTimeModel, SignalModel};
use halor::engine::gpu::GpuEngine;
use halor::engine::{Engine, EngineError};
use halor::frame::{Counts, Frame, Shape};
use halor::geometry::Orientation;
use halor::integrate::{Accumulators, IntegrationPlan};

use oracle::{Truth, norm_error, scatter};
use setup::{Recipe, TYPES, all_corrections, dark, device, frame, noise, tilted};

/// A quantity of the card against the truth: the worst difference in units of what is allowed, and relative to it.
#[derive(Default)]
struct Worst {
    of_allowed: f64,
    relative: f64,
}

impl Worst {
    fn see(&mut self, found: f64, expected: f64, allowed: f64, what: &str) {
        let difference = (found - expected).abs();
        assert!(difference <= allowed, "{what}: {found}, expected {expected} ± {allowed}");
        if allowed > 0.0 {
            self.of_allowed = self.of_allowed.max(difference / allowed);
            self.relative = self.relative.max(difference / expected.abs());
        }
    }

    fn see_sums(&mut self, found: &Accumulators, plan: &IntegrationPlan, frame: &Frame, what: &str) {
        let truth = scatter(plan, frame);
        self.see_against(found, &truth.sums, &truth, what);
    }

    /// `truth` says what may differ from `expected`; f64 sums in another order differ by 1e-12 of themselves.
    fn see_against(&mut self, found: &Accumulators, expected: &Accumulators, truth: &Truth, what: &str) {
        assert_eq!(found.excluded_pixels, expected.excluded_pixels, "{what}: excluded pixels");
        let quantities = [
            ("norm", &found.norm, &expected.norm, &truth.errors.norm),
            ("variance", &found.variance, &expected.variance, &truth.errors.variance),
            ("signal", &found.signal, &expected.signal, &truth.errors.signal),
        ];
        for (name, found, expected, errors) in quantities {
            assert_eq!(found.len(), expected.len());
            for (bin, error) in errors.iter().enumerate() {
                // 0 expected means 0 allowed: an empty bin is empty exactly.
                let allowed = if *error == 0.0 { 0.0 } else { error + 1e-12 * expected[bin].abs() };
                let what = format!("{name} of {what}, bin {bin} of {} entries", truth.entries[bin]);
                self.see(found[bin], expected[bin], allowed, &what);
            }
        }
    }

    fn report(&self, what: &str) {
        println!("{what}: worst {:.2} of the bound, relative {:.1e}", self.of_allowed, self.relative);
    }
}

fn dead_time(model: DeadTimeModel, tau_s: f64) -> Option<DeadTime> {
    Some(DeadTime { model, tau_s })
}

#[test]
fn geometry_shader_is_the_twin_of_the_plan() {
    let Some(mut gpu) = device() else { return };
    let shape = Shape { rows: 83, columns: 79 };
    let orientations =
        [Orientation::TopLeft, Orientation::TopRight, Orientation::BottomRight, Orientation::BottomLeft];
    let mut worst = Worst::default();
    for orientation in orientations {
        let mut plan = Arc::unwrap_or_clone(Recipe { shape, ..Recipe::small() }.plan());
        plan.geometry = tilted(shape, orientation);
        plan.norm = halor::correct::pixel_norm(&plan.geometry, &all_corrections(), plan.flat.as_deref());
        let plan = Arc::new(plan);
        let norm = GpuEngine::new(Arc::clone(&plan), gpu).unwrap().norm().unwrap();
        assert_eq!(norm.len(), shape.pixels());
        for (pixel, (&found, &expected)) in norm.iter().zip(&plan.norm).enumerate() {
            let centre = |k: usize| k as f64 + 0.5;
            let (row, column) = (centre(pixel / shape.columns), centre(pixel % shape.columns));
            let allowed = expected * norm_error(&plan.geometry, &plan.corrections, row, column);
            worst.see(found.into(), expected, allowed, &format!("{orientation:?}, pixel {pixel}"));
        }
        gpu = device().unwrap();
    }
    worst.report("geometry");
}

#[test]
fn sums_of_every_count_type_and_model_are_those_of_f64() {
    let Some(mut gpu) = device() else { return };
    let shape = Recipe::small().shape;
    let bright = dead_time(DeadTimeModel::NonParalyzable, 1e-3);
    let paralyzed = dead_time(DeadTimeModel::Paralyzable, 7e-4);
    let models = [
        ("plain", SignalModel::default()),
        ("saturation", SignalModel { saturated_counts: Some(1000.0), ..SignalModel::default() }),
        ("dark", SignalModel { dark: Some(dark(shape.pixels())), ..SignalModel::default() }),
        ("dead time", SignalModel { dead_time: bright, ..SignalModel::default() }),
        (
            "all",
            SignalModel {
                dark: Some(dark(shape.pixels())),
                dead_time: paralyzed,
                saturated_counts: Some(999.5),
            },
        ),
    ];
    for (name, signal) in models {
        let plan = Recipe { signal, ..Recipe::small() }.plan();
        let engine = GpuEngine::new(Arc::clone(&plan), gpu).unwrap();
        for (seed, kind) in TYPES.into_iter().enumerate() {
            let frame = frame(shape, kind, seed as u64 + 10);
            let sums = engine.integrate(std::slice::from_ref(&frame)).unwrap();
            let mut worst = Worst::default();
            worst.see_sums(&sums[0], &plan, &frame, &format!("{name}, {kind}"));
            worst.report(&format!("{name}, {kind}"));
        }
        gpu = device().unwrap();
    }
}

#[test]
fn dead_time_holds_its_bound_up_to_the_largest_rate() {
    let Some(mut gpu) = device() else { return };
    // Rates up to 1e-4 short of the largest that the models know (one pixel per bin: no averaging).
    let shape = Shape { rows: 1, columns: 251 };
    for (model, largest) in
        [(DeadTimeModel::NonParalyzable, 1e6), (DeadTimeModel::Paralyzable, 1e6 * (-1_f64).exp())]
    {
        let mut plan =
            Arc::unwrap_or_clone(Recipe { shape, bins: 251, regions: 1, ..Recipe::small() }.plan());
        plan.signal.dead_time = dead_time(model, 2e-6);
        plan.matrix.starts = (0..=251).collect();
        plan.matrix.bins = (0..251).collect();
        plan.matrix.weights = vec![1.0; 251];
        let plan = Arc::new(plan);
        let counts =
            (0..251).map(|i| (largest * (1.0 - 1e-4_f64.powf(f64::from(i) / 250.0))) as u32).collect();
        let frame = Frame { counts: Counts::U32(counts), ..frame(shape, "u32", 0) };
        let sums =
            GpuEngine::new(Arc::clone(&plan), gpu).unwrap().integrate(std::slice::from_ref(&frame)).unwrap();
        let mut worst = Worst::default();
        worst.see_sums(&sums[0], &plan, &frame, &format!("{model:?}"));
        worst.report(&format!("{model:?}"));
        gpu = device().unwrap();
    }
}

#[test]
fn a_bin_of_many_entries_keeps_its_bound() {
    let Some(gpu) = device() else { return };
    let shape = Shape { rows: 353, columns: 347 };
    let mut plan = Arc::unwrap_or_clone(Recipe { shape, bins: 1, regions: 1, ..Recipe::small() }.plan());
    let pixels = shape.pixels() as u32;
    plan.matrix.starts = (0..=pixels).collect();
    plan.matrix.bins = vec![0; pixels as usize];
    plan.matrix.weights = (0..pixels as usize).map(|i| noise(5, i).max(1e-3) as f32).collect();
    let plan = Arc::new(plan);
    // Counts above 2²⁴ too, as hot pixels have them.
    let counts =
        (0..pixels as usize).map(|i| if i % 999 == 0 { 33_554_431 } else { i as i32 % 500 }).collect();
    let frame = Frame { counts: Counts::I32(counts), ..frame(shape, "i32", 0) };
    let sums =
        GpuEngine::new(Arc::clone(&plan), gpu).unwrap().integrate(std::slice::from_ref(&frame)).unwrap();
    let mut worst = Worst::default();
    worst.see_sums(&sums[0], &plan, &frame, "one bin");
    worst.report("one bin of 122491 entries");
}

/// Bits of all sums.
fn bits(sums: &[Accumulators]) -> Vec<Vec<u64>> {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    sums.iter()
        .flat_map(|s| [bits(&s.signal), bits(&s.variance), bits(&s.norm), vec![s.excluded_pixels]])
        .collect()
}

#[test]
fn bits_do_not_depend_on_repetition_grouping_or_the_size_of_bindings() {
    let Some(gpu) = device() else { return };
    let recipe = || {
        let dark = Some(dark(Recipe::small().shape.pixels()));
        let dead_time = dead_time(DeadTimeModel::NonParalyzable, 1e-4);
        let signal = SignalModel { dark, dead_time, saturated_counts: Some(1000.0) };
        Recipe { signal, ..Recipe::small() }
    };
    let shape = recipe().shape;
    // Eleven frames: more than one pass, and a change of type on the way.
    let frames: Vec<Frame> =
        (0..11).map(|i| frame(shape, if i < 9 { "i32" } else { "u16" }, 30 + i)).collect();
    let engine = GpuEngine::new(recipe().plan(), gpu).unwrap();
    assert_eq!(engine.batch_size(), 8);
    let together = bits(&engine.integrate(&frames).unwrap());
    assert!(bits(&engine.integrate(&frames).unwrap()) == together, "repeated");
    let alone: Vec<_> = frames.chunks(1).flat_map(|f| engine.integrate(f).unwrap()).collect();
    assert!(bits(&alone) == together, "one by one");
    let threes: Vec<_> = frames.chunks(3).flat_map(|f| engine.integrate(f).unwrap()).collect();
    assert!(bits(&threes) == together, "in threes");

    // Four frames of 4087 pixels are 65392 bytes: no room for eight, and only 8191 of the matrix' entries.
    let plan = recipe().plan();
    assert!(plan.matrix.bins.len() > 8191);
    let small = device().unwrap().with_binding_limit(65_535);
    let engine = GpuEngine::new(plan, small).unwrap();
    assert_eq!(engine.batch_size(), 4);
    assert!(bits(&engine.integrate(&frames).unwrap()) == together, "small bindings");
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = device() else { return };
    let plan = Recipe::small().plan();
    let mut one_bin = (*plan).clone();
    one_bin.matrix.bins.fill(0);
    let refused = GpuEngine::new(Arc::new(one_bin), gpu.with_binding_limit(65_535)).unwrap_err();
    assert!(matches!(refused, EngineError::BinTooLarge { bin: 0, limit: 8191, .. }), "{refused}");

    let timed =
        SignalModel { dead_time: dead_time(DeadTimeModel::Paralyzable, 1e-6), ..SignalModel::default() };
    let engine =
        GpuEngine::new(Recipe { signal: timed, ..Recipe::small() }.plan(), device().unwrap()).unwrap();
    let good = frame(plan.shape, "i32", 1);
    let other_shape = frame(Shape { rows: 67, columns: 61 }, "i32", 1);
    assert!(matches!(engine.integrate(&[good.clone(), other_shape]), Err(EngineError::Shape { .. })));
    let short = Frame { counts: Counts::I32(vec![1; 5].into()), ..good.clone() };
    assert!(matches!(engine.integrate(&[short]), Err(EngineError::CountsLength { found: 5, .. })));
    let mut untimed = good.clone();
    untimed.header.exposure_s = None;
    assert!(matches!(engine.integrate(&[untimed]), Err(EngineError::NoExposure)));
    // None of it spoils the engine.
    assert_eq!(engine.integrate(&[good]).unwrap().len(), 1);
    assert_eq!(engine.integrate(&[]).unwrap().len(), 0);
}
