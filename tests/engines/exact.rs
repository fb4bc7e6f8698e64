//! What the native engine keeps to the last bit, and what it must not count.

use super::*;
use crate::gpu::oracle::scatter;
use halor::correct::{Dark, DeadTime, DeadTimeModel};
use halor::engine::EngineError;
use halor::integrate::PlanError;
use halor::simd::InstructionSet;

fn sectored(splitting: Splitting, mask: &Mask) -> PlanSpec<'_> {
    with_sectors(spec(geometry(BEAMS[0], [0.1, 0.2, 0.3]), splitting, mask), &[sector(180.0, 40.0)])
}

/// The same bits each time, alone or in company, on one thread or five.
#[test]
fn bits_do_not_depend_on_threads_or_batches() {
    let frames: Vec<Frame> = (0..19).map(|seed| noise(seed, seed % 2 == 0)).collect();
    for splitting in SPLITTINGS {
        let mask = no_mask();
        let plan = build(sectored(splitting, &mask));
        let engine = CpuEngine::new(plan.clone());
        let alone: Vec<Accumulators> = frames
            .iter()
            .map(|frame| engine.integrate(std::slice::from_ref(frame)).unwrap().remove(0))
            .collect();
        assert_eq!(engine.integrate(&frames).unwrap(), alone);
        assert_eq!(engine.integrate(&frames[..3]).unwrap(), alone[..3]);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (other_plan, sums) = pool.install(|| {
                let plan = build(sectored(splitting, &mask));
                (plan.clone(), CpuEngine::new(plan).integrate(&frames).unwrap())
            });
            assert_eq!(other_plan, plan, "{threads} threads");
            assert_eq!(sums, alone, "{threads} threads");
        }
    }
}

/// The same bits from every instruction set, for frames of all number types in any number at once, with pixels that are
/// excluded in single frames.
#[test]
fn bits_do_not_depend_on_the_instruction_set() {
    let models = [
        SignalModel { saturated_counts: Some(990.0), ..SignalModel::default() },
        SignalModel { dark: Some(dark()), ..SignalModel::default() },
        SignalModel {
            dead_time: Some(DeadTime { model: DeadTimeModel::NonParalyzable, tau_s: 1e-4 }),
            ..SignalModel::default()
        },
    ];
    let integers: Vec<Frame> = (0..21).map(|seed| noise(seed, seed % 3 == 0)).collect();
    let floats = integers[..5].iter().map(|integer| {
        // −0 is a count like 0, and beyond 2³¹ a sign bit would show.
        let count = |count: f32| if count == 7.0 { -0.0 } else { count * 3e9 };
        frame(Counts::F32(integer.counts.to_f32().into_iter().map(count).collect()))
    });
    let unsigned = integers[..3].iter().map(|integer| {
        let counts = integer.counts.to_f64();
        frame(Counts::U32(counts.into_iter().map(|count| count.abs() as u32 * 4_200_000).collect()))
    });
    let frames: Vec<Frame> = integers.iter().cloned().chain(floats).chain(unsigned).collect();
    for splitting in SPLITTINGS {
        for signal in &models {
            let plan = build(PlanSpec { signal: signal.clone(), ..sectored(splitting, &no_mask()) });
            let mut sets = InstructionSet::available().into_iter();
            let portable = CpuEngine::with(plan.clone(), sets.next().unwrap());
            let expected = portable.integrate(&frames).unwrap();
            for set in sets {
                let engine = CpuEngine::with(plan.clone(), set);
                for size in [1, 2, 7, 8, 9, frames.len()] {
                    let found: Vec<Accumulators> =
                        frames.chunks(size).flat_map(|batch| engine.integrate(batch).unwrap()).collect();
                    assert_eq!(found, expected, "{set}, {size} at once, {splitting:?}");
                }
            }
        }
    }
}

/// A pixel that one frame excludes is as good as one in the static mask; a bin that loses all its pixels has norm 0.
#[test]
fn excluded_pixels_are_masked_pixels() {
    let limit = 900.0;
    let [beam_column, beam_row] = sectored(Splitting::None, &no_mask()).geometry.beam_centre_px().unwrap();
    let bad: Vec<bool> = (0..SHAPE.pixels())
        .map(|pixel| {
            let (row, column) = (pixel / SHAPE.columns, pixel % SHAPE.columns);
            pixel % 11 == 3 || (row as f64 - beam_row).hypot(column as f64 - beam_column) < 9.0
        })
        .collect();
    let flags = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -2.0, 900.0, 1e9];
    let Counts::I32(counts) = noise(6, false).counts else { panic!("i32 expected") };
    let counts: Vec<f32> = counts
        .iter()
        .zip(&bad)
        .enumerate()
        .map(|(pixel, (count, bad))| if *bad { flags[pixel % flags.len()] } else { (count % 900) as f32 })
        .collect();
    let excluded = bad.iter().filter(|bad| **bad).count() as u64;
    let models = [
        SignalModel { saturated_counts: Some(limit), ..SignalModel::default() },
        SignalModel { saturated_counts: Some(limit), dark: Some(dark()), dead_time: None },
    ];
    for splitting in SPLITTINGS {
        for signal in &models {
            let (none, mask) = (no_mask(), Mask { shape: SHAPE, bad: bad.clone() });
            let run = |mask: &Mask| {
                let plan = build(PlanSpec { signal: signal.clone(), ..sectored(splitting, mask) });
                integrate(&plan, &frame(Counts::F32(counts.clone().into())))
            };
            let (by_frame, by_mask) = (run(&none), run(&mask));
            assert_eq!(by_frame.signal, by_mask.signal);
            assert_eq!(by_frame.variance, by_mask.variance);
            assert_eq!((by_frame.excluded_pixels, by_mask.excluded_pixels), (excluded, 0));
            // A difference of sums of a few hundred norms below 1.
            close(&by_frame.norm, &by_mask.norm, 1e-13, "norm");
            let empty = |norm: &[f64]| norm.iter().map(|norm| *norm == 0.0).collect::<Vec<bool>>();
            assert_eq!(empty(&by_frame.norm), empty(&by_mask.norm));
            assert!(by_frame.norm[..3].iter().all(|norm| *norm == 0.0), "the bins around the beam are empty");
        }
    }
}

fn dark() -> Dark {
    let counts = (0..SHAPE.pixels()).map(|pixel| (pixel % 5) as f32 * 0.3).collect();
    Dark { counts, variance: vec![0.25; SHAPE.pixels()] }
}

/// Every number type and every signal model against the plain scatter.
#[test]
fn kernels_agree_with_the_scatter() {
    let counts = |seed: u64, pixel: usize| (pixel as u64 * 7919 + seed * 104_729) % 997;
    let frames: Vec<Frame> = (0..5)
        .map(|kind| {
            let all = (0..SHAPE.pixels()).map(|pixel| counts(kind, pixel));
            frame(match kind {
                0 => Counts::U16(all.map(|count| count as u16).collect()),
                1 => Counts::I16(all.map(|count| count as i16 - 2).collect()),
                2 => Counts::U32(all.map(|count| count as u32 * 4_000_000).collect()),
                3 => Counts::I32(all.map(|count| count as i32 - 1).collect()),
                _ => Counts::F32(
                    all.map(|count| if count == 5 { f32::NAN } else { count as f32 * 0.25 }).collect(),
                ),
            })
        })
        .collect();
    let dead_time = |model| Some(DeadTime { model, tau_s: 1e-4 });
    let models = [
        SignalModel::default(),
        SignalModel { dark: Some(dark()), ..SignalModel::default() },
        SignalModel { dead_time: dead_time(DeadTimeModel::Paralyzable), ..SignalModel::default() },
        SignalModel {
            dark: Some(dark()),
            dead_time: dead_time(DeadTimeModel::NonParalyzable),
            saturated_counts: Some(990.0),
        },
    ];
    let mut mask = no_mask();
    mask.bad.iter_mut().step_by(13).for_each(|bad| *bad = true);
    for splitting in SPLITTINGS {
        for signal in &models {
            let plan = build(PlanSpec { signal: signal.clone(), ..sectored(splitting, &mask) });
            let answers = CpuEngine::new(plan.clone()).integrate(&frames).unwrap();
            for (frame, found) in frames.iter().zip(&answers) {
                let expected = scatter(&plan, frame).sums;
                // The same terms in another order: a few hundred roundings of 1e-16.
                close(&found.signal, &expected.signal, 1e-13, "signal");
                close(&found.variance, &expected.variance, 1e-13, "variance");
                close(&found.norm, &expected.norm, 1e-13, "norm");
                assert_eq!(found.excluded_pixels, expected.excluded_pixels);
            }
        }
    }
}

#[test]
fn frames_that_do_not_fit_are_refused() {
    let mask = no_mask();
    let dead_time = Some(DeadTime { model: DeadTimeModel::NonParalyzable, tau_s: 1e-7 });
    let signal = SignalModel { dead_time, ..SignalModel::default() };
    let engine = CpuEngine::new(build(PlanSpec { signal, ..sectored(Splitting::None, &mask) }));
    let good = noise(1, false);
    let turned = Frame { shape: Shape { rows: SHAPE.columns, columns: SHAPE.rows }, ..good.clone() };
    assert!(matches!(engine.integrate(&[good.clone(), turned]), Err(EngineError::Shape { .. })));
    let short = Frame { counts: Counts::U16(vec![0; 10].into()), ..good.clone() };
    assert!(matches!(engine.integrate(&[short]), Err(EngineError::CountsLength { found: 10, .. })));
    let timeless = Frame { header: FrameHeader::default(), ..good };
    assert!(matches!(engine.integrate(&[timeless]), Err(EngineError::NoExposure)));
    assert!(engine.integrate(&[]).unwrap().is_empty());
}

#[test]
fn impossible_plans_are_refused() {
    let mask = no_mask();
    let refused = |change: &dyn Fn(&mut PlanSpec<'_>)| {
        let mut spec = sectored(Splitting::Full, &mask);
        change(&mut spec);
        IntegrationPlan::build(spec).unwrap_err()
    };
    assert!(matches!(refused(&|spec| spec.norm.clear()), PlanError::Length { what: "the norm", .. }));
    assert!(matches!(refused(&|spec| spec.flat = Some(vec![])), PlanError::Length { .. }));
    assert!(matches!(refused(&|spec| spec.bins.count = 0), PlanError::Axis { .. }));
    assert!(matches!(refused(&|spec| spec.bins.upper = f64::NAN), PlanError::Axis { .. }));
    assert!(matches!(refused(&|spec| spec.bins.count = usize::MAX), PlanError::TooManyBins { .. }));
    assert!(matches!(refused(&|spec| spec.bins.count = 1 << 24), PlanError::TooManyBins { .. }));
    assert!(matches!(refused(&|spec| spec.regions.reverse()), PlanError::FirstRegion { .. }));
    assert!(matches!(refused(&|spec| spec.regions.clear()), PlanError::FirstRegion { .. }));
    for (centre, width) in [(0.0, 0.0), (0.0, -5.0), (f64::NAN, 5.0), (0.0, f64::INFINITY)] {
        let error = refused(&|spec| spec.regions[1].azimuth = sector(centre, width));
        assert!(matches!(error, PlanError::Sector { .. }), "{centre} {width}");
    }
    let other = Mask { shape: Shape { rows: 1, columns: 1 }, bad: vec![false] };
    let spec = PlanSpec { mask: &other, ..sectored(Splitting::Full, &mask) };
    assert!(matches!(IntegrationPlan::build(spec), Err(PlanError::MaskShape { .. })));
}

/// A flat field of 0 and a norm that is no number leave the pixel out for good.
#[test]
fn unusable_norms_are_masked() {
    let mask = no_mask();
    let mut spec = sectored(Splitting::Full, &mask);
    for (pixel, norm) in [(100, 0.0), (2000, f64::NAN), (3000, -1.0), (4000, f64::INFINITY)] {
        spec.norm[pixel] = norm;
    }
    let plan = build(spec);
    assert!([100, 2000, 3000, 4000].into_iter().all(|pixel| plan.entries(pixel).count() == 0));
    assert_eq!(plan.entries(101).count().min(1), 1);
    assert!(integrate(&plan, &noise(1, false)).norm.iter().all(|norm| norm.is_finite()));
}
