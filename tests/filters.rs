//! Filters along the ring: against the truth of simulated frames, and against pyFAI's arrays.

use std::sync::Arc;

use halor::correct::{Correction, Dark, SignalModel, pixel_norm};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameHeader, Mask, Shape};
use halor::geometry::{Detector, Geometry, Poni};
use halor::grid::Bins;
use halor::integrate::{
    Accumulators, Azimuth, ErrorModel, Filter, Fold, IntegrationPlan, PlanSpec, RadialUnit, Region, Splitting,
};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Poisson};
use rand_pcg::Pcg64Mcg;

mod pyfai;

const SHAPE: Shape = Shape { rows: 500, columns: 480 };

fn clip(threshold: f64, error_model: ErrorModel) -> Filter {
    Filter::SigmaClip { threshold, iterations: 5, error_model }
}

fn plan(splitting: Splitting, filter: Filter, signal: SignalModel) -> Arc<IntegrationPlan> {
    let poni = Poni {
        distance_m: 0.2,
        poni1_m: 0.04,
        poni2_m: 0.042,
        rot1_rad: 0.05,
        rot2_rad: -0.03,
        rot3_rad: 0.0,
        wavelength_angstrom: 0.11,
    };
    let detector = Detector::generic(SHAPE, [172e-6, 172e-6]).unwrap();
    let geometry = Geometry { poni, detector, parallax: None };
    let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    let quarter = Azimuth::Sector { centre_deg: 60.0, width_deg: 90.0, fold: Fold::Single };
    let plan = IntegrationPlan::build(PlanSpec {
        norm: pixel_norm(&geometry, &corrections, None),
        geometry,
        unit: RadialUnit::QInvAngstrom,
        bins: Bins { lower: 1.0, upper: 12.0, count: 200 },
        regions: vec![
            Region { name: "ring".into(), azimuth: Azimuth::Ring },
            Region { name: "quarter".into(), azimuth: quarter },
        ],
        cake: None,
        splitting,
        filter,
        mask: &Mask { shape: SHAPE, bad: vec![false; SHAPE.pixels()] },
        corrections,
        flat: None,
        signal,
    });
    Arc::new(plan.unwrap())
}

fn integrate(plan: &Arc<IntegrationPlan>, counts: &[f32]) -> Accumulators {
    let frame =
        Frame { shape: SHAPE, counts: Counts::F32(counts.to_vec().into()), header: FrameHeader::default() };
    CpuEngine::new(Arc::clone(plan)).integrate(&[frame]).unwrap().remove(0)
}

/// Expected counts of a glass, `counts` of them at its first peak, the norm in them.
fn expected(plan: &IntegrationPlan, counts: f64) -> Vec<f32> {
    let of = |pixel: usize| {
        let (row, column) = ((pixel / SHAPE.columns) as f64 + 0.5, (pixel % SHAPE.columns) as f64 + 0.5);
        let q = plan.geometry.momentum_transfer(row, column);
        let glass = 0.2
            + 0.8 * (-0.5 * ((q - 3.0) / 0.6).powi(2)).exp()
            + 0.2 * (-0.5 * ((q - 5.5) / 0.9).powi(2)).exp();
        (counts * glass * plan.norm[pixel]) as f32
    };
    (0..SHAPE.pixels()).map(of).collect()
}

fn counted(expected: &[f32], random: &mut Pcg64Mcg) -> Vec<f32> {
    expected.iter().map(|mean| Poisson::new(*mean).unwrap().sample(random)).collect()
}

/// 20 to 10⁶ times the brightest ring in one pixel of 1000, and a shadow of 30 × 40 pixels without counts.
fn add_zingers(counts: &mut [f32], brightest: f64, random: &mut Pcg64Mcg) {
    for _ in 0..counts.len() / 1000 {
        let pixel = random.random_range(0..counts.len());
        counts[pixel] += (brightest * 10f64.powf(random.random_range(1.3..6.0))) as f32;
    }
    for row in 100..130 {
        counts[row * SHAPE.columns + 60..][..40].fill(0.0);
    }
}

/// 40 spots of 100 times the brightest ring.
fn add_spots(counts: &mut [f32], brightest: f64, random: &mut Pcg64Mcg) {
    for _ in 0..40 {
        let [row, column] = [random.random_range(0.0..500.0), random.random_range(0.0..480.0)];
        for (pixel, count) in counts.iter_mut().enumerate() {
            let off = [(pixel / SHAPE.columns) as f64 - row, (pixel % SHAPE.columns) as f64 - column];
            let distance = off[0].hypot(off[1]);
            if distance < 6.0 {
                *count += (100.0 * brightest * (-0.5 * (distance / 1.2).powi(2)).exp()).round() as f32;
            }
        }
    }
}

/// Mean and standard deviation of (I − truth)/σ over the bins of the ring, where both have a σ.
fn pulls(plan: &IntegrationPlan, found: &Accumulators, truth: &Accumulators) -> [f64; 2] {
    let (found, truth) = (found.pattern(plan, 0), truth.pattern(plan, 0));
    let pull = |bin: usize| (found.intensity[bin] - truth.intensity[bin]) / found.sigma[bin];
    let pulls: Vec<f64> = (0..found.intensity.len()).map(pull).collect();
    let bins = pulls.len() as f64;
    let mean = pulls.iter().sum::<f64>() / bins;
    [mean, (pulls.iter().map(|pull| (pull - mean).powi(2)).sum::<f64>() / bins).sqrt()]
}

/// 5σ of the deviance is a probability of 6e-7 for each pixel, 0.1 of the frame's, however few its counts.
#[test]
fn a_clip_leaves_counting_noise_alone() {
    for splitting in [Splitting::None, Splitting::Full] {
        for brightness in [0.03, 0.3, 3.0, 30.0, 300.0] {
            let [all, clipped] = [Filter::Off, clip(5.0, ErrorModel::Poisson)]
                .map(|filter| plan(splitting, filter, SignalModel::default()));
            let counts = counted(&expected(&all, brightness), &mut Pcg64Mcg::seed_from_u64(1));
            let [all, clipped] = [&all, &clipped].map(|plan| integrate(plan, &counts).norm);
            let lost = all.iter().sum::<f64>() - clipped.iter().sum::<f64>();
            // In the ring and in the quarter: two pixels at most.
            assert!((-1e-6..4.0).contains(&lost), "{splitting:?} {brightness}: {lost} pixels left out");
        }
    }
}

/// The rings of a frame with zingers and a shadow are those of the frame without: mean and width of the pulls.
#[test]
fn zingers_and_shadows_leave_no_trace() {
    for splitting in [Splitting::None, Splitting::Full] {
        for brightness in [300.0, 3000.0] {
            let off = plan(splitting, Filter::Off, SignalModel::default());
            let expected = expected(&off, brightness);
            let truth = integrate(&off, &expected);
            let mut random = Pcg64Mcg::seed_from_u64(5);
            let clean = counted(&expected, &mut random);
            let mut spoiled = clean.clone();
            add_zingers(&mut spoiled, brightness, &mut random);
            assert!(pulls(&off, &integrate(&off, &spoiled), &truth)[0] > 100.0, "nothing to filter");
            for filter in [clip(5.0, ErrorModel::Poisson), clip(5.0, ErrorModel::Azimuthal)] {
                let plan = plan(splitting, filter, SignalModel::default());
                let [[mean, width], [clean_mean, clean_width]] =
                    [&spoiled, &clean].map(|counts| pulls(&plan, &integrate(&plan, counts), &truth));
                // 200 bins: a mean is known to 0.07, a width to 5 %; the two frames share all but 1 % of their pixels. The dimmest
                // ring has 35 counts, of which 0 is 5.9σ away.
                assert!(
                    (mean - clean_mean).abs() < 0.1 && (width / clean_width - 1.0).abs() < 0.1,
                    "{splitting:?} {brightness} {filter:?}: {mean} ± {width}, clean {clean_mean} ± {clean_width}"
                );
                assert!(
                    clean_mean.abs() < 0.3 && (clean_width - 1.0).abs() < 0.2,
                    "{clean_mean} ± {clean_width}"
                );
            }
        }
    }
}

/// What is left of spots is their tails below 5σ of a pixel: a few pixels of each, some σ of a bin of 1000 pixels in all.
#[test]
fn spots_leave_their_tails() {
    for brightness in [30.0, 3000.0] {
        let off = plan(Splitting::Full, Filter::Off, SignalModel::default());
        let expected = expected(&off, brightness);
        let truth = integrate(&off, &expected);
        let mut random = Pcg64Mcg::seed_from_u64(8);
        let mut counts = counted(&expected, &mut random);
        add_spots(&mut counts, brightness, &mut random);
        assert!(pulls(&off, &integrate(&off, &counts), &truth)[0] > 20.0);
        let clips = [clip(5.0, ErrorModel::Poisson), clip(5.0, ErrorModel::Azimuthal)];
        // A median of few counts is one of the numbers that there are.
        let of_order = [Filter::Median, Filter::TrimmedMean { quantiles: [0.1, 0.9] }];
        for filter in clips.into_iter().chain(of_order.into_iter().filter(|_| brightness > 1000.0)) {
            let plan = plan(Splitting::Full, filter, SignalModel::default());
            let [mean, width] = pulls(&plan, &integrate(&plan, &counts), &truth);
            assert!(mean.abs() < 1.0 && width < 1.5, "{filter:?}: {mean} ± {width}");
        }
    }
}

/// A filter that takes nothing away is none: same sums with every splitting, with a dark frame and flagged pixels, in sectors.
#[test]
fn a_filter_that_keeps_all_gives_the_sums() {
    let dark = Dark { counts: vec![2.5; SHAPE.pixels()], variance: vec![0.5; SHAPE.pixels()] };
    let signal = SignalModel { dark: Some(dark), ..SignalModel::default() };
    for splitting in [Splitting::None, Splitting::BoundingBox, Splitting::Full] {
        let off = plan(splitting, Filter::Off, signal.clone());
        let mut counts = counted(&expected(&off, 5.0), &mut Pcg64Mcg::seed_from_u64(2));
        counts.iter_mut().step_by(97).for_each(|count| *count = -1.0);
        let all = integrate(&off, &counts);
        for filter in [
            Filter::SigmaClip { threshold: 1e9, iterations: 3, error_model: ErrorModel::Poisson },
            Filter::SigmaClip { threshold: 1e9, iterations: 3, error_model: ErrorModel::Azimuthal },
            Filter::TrimmedMean { quantiles: [0.0, 1.0] },
        ] {
            let found = integrate(&plan(splitting, filter, signal.clone()), &counts);
            assert_eq!(found.excluded_pixels, all.excluded_pixels);
            for bin in 0..all.norm.len() {
                // Signals of both signs: relative to what is added, about 3 counts of each pixel.
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (3.0 * all.norm[bin] + b.abs());
                assert!(
                    near(found.norm[bin], all.norm[bin]) && near(found.signal[bin], all.signal[bin]),
                    "{bin}"
                );
            }
            if let Filter::SigmaClip { error_model: ErrorModel::Poisson, .. } = filter {
                let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b;
                assert!(found.variance.iter().zip(&all.variance).all(near));
            }
        }
    }
}

/// Bits do not depend on the number of threads.
#[test]
fn threads_do_not_matter() {
    let plan = plan(Splitting::Full, clip(5.0, ErrorModel::Azimuthal), SignalModel::default());
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let mut counts = counted(&expected(&plan, 20.0), &mut random);
    add_zingers(&mut counts, 20.0, &mut random);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| integrate(&plan, &counts))
    };
    assert_eq!(with(1), with(3));
}
