//! Laws of integration that hold on the native engine, whatever the detector.

mod cache;
mod cake;
mod exact;

use std::sync::Arc;

use halor::correct::{Correction, SignalModel, pixel_norm};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameHeader, Mask, Shape};
use halor::geometry::{Detector, Geometry, Orientation, Poni};
use halor::grid::Bins;
use halor::integrate::{
    Accumulators, Azimuth, Filter, Fold, IntegrationPlan, PlanSpec, RadialUnit, Region, Splitting,
};

const SHAPE: Shape = Shape { rows: 83, columns: 70 };
const SPLITTINGS: [Splitting; 3] = [Splitting::None, Splitting::BoundingBox, Splitting::Full];

/// Beam at pixel coordinate (row, column) of a detector across the beam, which is then tilted.
fn geometry(beam: [f64; 2], rotations: [f64; 3]) -> Geometry {
    let poni = Poni {
        distance_m: 0.03,
        poni1_m: beam[0] * 172e-6,
        poni2_m: beam[1] * 172e-6,
        rot1_rad: rotations[0],
        rot2_rad: rotations[1],
        rot3_rad: rotations[2],
        wavelength_angstrom: 0.1107,
    };
    Geometry { poni, detector: Detector::generic(SHAPE, [172e-6; 2]).unwrap(), parallax: None }
}

fn sector(centre_deg: f64, width_deg: f64) -> Azimuth {
    Azimuth::Sector { centre_deg, width_deg, fold: Fold::Single }
}

fn no_mask() -> Mask {
    Mask { shape: SHAPE, bad: vec![false; SHAPE.pixels()] }
}

/// Bins of 0.34 Å⁻¹ up to 40 Å⁻¹, which is beyond the corners; a pixel is 0.6 Å⁻¹ wide at the beam.
fn spec(geometry: Geometry, splitting: Splitting, mask: &Mask) -> PlanSpec<'_> {
    let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    PlanSpec {
        norm: pixel_norm(&geometry, &corrections, None),
        geometry,
        unit: RadialUnit::QInvAngstrom,
        bins: Bins { lower: 0.0, upper: 40.0, count: 117 },
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

fn with_sectors<'a>(mut spec: PlanSpec<'a>, sectors: &[Azimuth]) -> PlanSpec<'a> {
    spec.regions.extend(
        sectors.iter().enumerate().map(|(i, azimuth)| Region { name: format!("s{i}"), azimuth: *azimuth }),
    );
    spec
}

fn frame(counts: Counts) -> Frame {
    let header = FrameHeader { exposure_s: Some(0.5), ..FrameHeader::default() };
    Frame { shape: SHAPE, counts, header }
}

/// Counts without pattern, 0 … 999 (a multiplicative hash), with flagged pixels where asked for.
fn noise(seed: u32, flagged: bool) -> Frame {
    let count = |pixel: u32| {
        let hash = (pixel ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B);
        let hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35) >> 8;
        if flagged && hash.is_multiple_of(41) { -1 } else { (hash % 1000) as i32 }
    };
    frame(Counts::I32((0..SHAPE.pixels() as u32).map(count).collect()))
}

fn build(spec: PlanSpec<'_>) -> Arc<IntegrationPlan> {
    Arc::new(IntegrationPlan::build(spec).unwrap())
}

fn integrate(plan: &Arc<IntegrationPlan>, frame: &Frame) -> Accumulators {
    CpuEngine::new(plan.clone()).integrate(std::slice::from_ref(frame)).unwrap().remove(0)
}

fn close(found: &[f64], expected: &[f64], relative: f64, name: &str) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= relative * size, "{name} bin {i}: {a}, expected {b}");
    }
}

/// In a pixel, on an edge, on a corner, beside the detector.
const BEAMS: [[f64; 2]; 5] = [[40.3, 33.8], [41.0, 30.4], [40.0, 30.0], [0.0, 70.0], [-25.2, 31.0]];

/// Everything one, all frames and all beams: I = 1 where the norm is the frame.
#[test]
fn flat_frame_gives_flat_pattern() {
    for beam in BEAMS {
        for splitting in SPLITTINGS {
            let mask = no_mask();
            let plan = build(with_sectors(
                spec(geometry(beam, [0.2, -0.1, 0.3]), splitting, &mask),
                &[sector(30.0, 50.0)],
            ));
            let frame = frame(Counts::F32(plan.norm.iter().map(|norm| *norm as f32).collect()));
            let sums = integrate(&plan, &frame);
            for region in 0..2 {
                let pattern = sums.pattern(&plan, region);
                let filled = pattern.intensity.iter().filter(|value| !value.is_nan());
                // The frame is rounded to f32: 6e-8.
                assert!(filled.clone().all(|value| (value - 1.0).abs() < 1e-7));
                assert!(filled.count() > 20);
            }
        }
    }
}

/// Shares of a pixel add up to 1: rounding to f32 takes 6e-8 of each share, and shares below 1e-7 are left out.
#[test]
fn splitting_conserves_counts() {
    let Counts::I32(counts) = noise(1, false).counts else { panic!("i32 expected") };
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    for beam in BEAMS {
        for unit in [RadialUnit::QInvAngstrom, RadialUnit::TwoThetaDeg] {
            for splitting in SPLITTINGS {
                let mask = no_mask();
                let plan = build(PlanSpec { unit, ..spec(geometry(beam, [0.0; 3]), splitting, &mask) });
                let sum: f64 = integrate(&plan, &noise(1, false)).signal.iter().sum();
                let allowed = if splitting == Splitting::None { 0.0 } else { 1e-6 * total };
                assert!(
                    (sum - total).abs() <= allowed,
                    "{beam:?} {unit:?} {splitting:?}: {sum}, not {total}"
                );
            }
        }
    }
}

/// Sectors that tile the turn add up to the ring, in every bin, also around the beam.
#[test]
fn sectors_sum_to_the_ring() {
    for beam in BEAMS {
        for (count, start) in [(7, -180.0), (4, 11.0), (2, 90.0)] {
            let width = 360.0 / f64::from(count);
            let sectors: Vec<Azimuth> =
                (0..count).map(|i| sector(start + (f64::from(i) + 0.5) * width, width)).collect();
            for splitting in SPLITTINGS {
                let mask = no_mask();
                let plan =
                    build(with_sectors(spec(geometry(beam, [0.1, 0.05, 1.0]), splitting, &mask), &sectors));
                let sums = integrate(&plan, &noise(2, true));
                for (name, sums) in [("signal", &sums.signal), ("norm", &sums.norm)] {
                    let (ring, sectors) = sums.split_at(plan.bins.count);
                    let mut added = vec![0.0; plan.bins.count];
                    for sector in sectors.chunks(plan.bins.count) {
                        added.iter_mut().zip(sector).for_each(|(sum, value)| *sum += value);
                    }
                    // Shares rounded to f32 on their own, see above; whole pixels differ by the order of addition.
                    let relative = if splitting == Splitting::None { 1e-13 } else { 1e-6 };
                    close(&added, ring, relative, &format!("{beam:?} {count} {splitting:?} {name}"));
                }
            }
        }
    }
}

/// A sector and its opposite are one region with both their sums.
#[test]
fn folded_sector_is_the_sum_of_two() {
    for splitting in SPLITTINGS {
        let mask = no_mask();
        let folded = Azimuth::Sector { centre_deg: 170.0, width_deg: 30.0, fold: Fold::WithOpposite };
        let sectors = [folded, sector(170.0, 30.0), sector(-10.0, 30.0), sector(350.0, 30.0)];
        let plan = build(with_sectors(spec(geometry(BEAMS[0], [0.0; 3]), splitting, &mask), &sectors));
        let signal = integrate(&plan, &noise(3, false)).signal;
        let regions: Vec<&[f64]> = signal.chunks(plan.bins.count).collect();
        let sum: Vec<f64> = regions[2].iter().zip(regions[3]).map(|(a, b)| a + b).collect();
        close(regions[1], &sum, 1e-6, "folded");
        assert_eq!(regions[3], regions[4], "−10° is 350°");
    }
}

/// The same detector mounted in another way: the array is flipped, the pattern is the same.
#[test]
fn orientations_agree() {
    for splitting in SPLITTINGS {
        let mask = no_mask();
        let run = |orientation, flip: [bool; 2]| {
            let mut geometry = geometry([30.7, 22.1], [0.1, 0.2, -0.4]);
            geometry.detector.orientation = orientation;
            let Counts::I32(counts) = noise(4, true).counts else { panic!("i32 expected") };
            let place = |pixel: usize| {
                let (row, column) = (pixel / SHAPE.columns, pixel % SHAPE.columns);
                let row = if flip[0] { SHAPE.rows - 1 - row } else { row };
                row * SHAPE.columns + if flip[1] { SHAPE.columns - 1 - column } else { column }
            };
            let flipped = (0..counts.len()).map(|pixel| counts[place(pixel)]).collect();
            let plan = build(with_sectors(spec(geometry, splitting, &mask), &[sector(100.0, 40.0)]));
            integrate(&plan, &frame(Counts::I32(flipped)))
        };
        let as_read = run(Orientation::BottomRight, [false, false]);
        for (orientation, flip) in [
            (Orientation::TopLeft, [true, true]),
            (Orientation::TopRight, [true, false]),
            (Orientation::BottomLeft, [false, true]),
        ] {
            let other = run(orientation, flip);
            // The order of addition, and shares that round to the other f32.
            close(&other.signal, &as_read.signal, 1e-7, &format!("{orientation:?} signal"));
            close(&other.norm, &as_read.norm, 1e-7, &format!("{orientation:?} norm"));
        }
    }
}

/// Turning the detector about the beam by rot3 turns a sector by −rot3 \[E1\]; so the sector at ±π is one like others.
#[test]
fn sectors_turn_with_the_detector() {
    for splitting in SPLITTINGS {
        for centre in [180.0, -120.0, 5.0] {
            let run = |rot3_deg: f64| {
                let mask = no_mask();
                let geometry = geometry(BEAMS[0], [0.0, 0.0, rot3_deg.to_radians()]);
                let spec = with_sectors(spec(geometry, splitting, &mask), &[sector(centre - rot3_deg, 33.0)]);
                integrate(&build(spec), &noise(5, false)).signal
            };
            let as_is = run(0.0);
            for rot3_deg in [37.0, 100.0, -179.0] {
                close(&run(rot3_deg), &as_is, 1e-7, &format!("{splitting:?} {centre} {rot3_deg}"));
            }
        }
    }
}

/// Shares of full splitting against pixels cut into 100 × 100 parts on the detector, without any polygon.
#[test]
fn shares_of_sectors() {
    const PARTS: usize = 100;
    let geometry = geometry([-110.0, -30.0], [0.1, -0.2, 0.5]);
    let mask = no_mask();
    let [low, high] = geometry.radial_range(RadialUnit::QInvAngstrom).unwrap();
    let bins = Bins { lower: low, upper: high, count: 60 };
    let centre = geometry.direction(40.0, 35.0).chi_rad.to_degrees();
    let spec = PlanSpec { bins, ..spec(geometry.clone(), Splitting::Full, &mask) };
    let plan = build(with_sectors(spec, &[sector(centre, 3.0), sector(centre + 4.0, 5.0)]));
    for pixel in (0..SHAPE.pixels()).step_by(7) {
        let mut shares = vec![0.0; plan.accumulator_len()];
        for part in 0..PARTS * PARTS {
            let fraction = |i: usize| (i as f64 + 0.5) / PARTS as f64;
            let row = (pixel / SHAPE.columns) as f64 + fraction(part / PARTS);
            let column = (pixel % SHAPE.columns) as f64 + fraction(part % PARTS);
            let position = bins.position(geometry.momentum_transfer(row, column));
            if !(0.0..60.0).contains(&position) {
                continue;
            }
            let chi = geometry.direction(row, column).chi_rad.to_degrees() - centre;
            for (region, inside) in [true, chi.abs() < 1.5, (chi - 4.0).abs() < 2.5].into_iter().enumerate() {
                shares[region * 60 + position as usize] += f64::from(inside) / (PARTS * PARTS) as f64;
            }
        }
        plan.entries(pixel).for_each(|(bin, weight)| shares[bin] -= weight);
        // An edge r pixels from the beam bends by 1/(8r) of a pixel, r > 100, once for the bin and once for the
        // sector; a line through the parts is resolved to half a part.
        let worst = shares.iter().fold(0.0, |worst: f64, share| worst.max(share.abs()));
        assert!(worst < 2.0 / 800.0 + 0.005, "pixel {pixel}: a share is off by {worst}");
    }
}
