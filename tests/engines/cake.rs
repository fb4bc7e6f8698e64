//! Laws of cakes, on the native engine; `gpu::agreement` holds the other one to it.

use super::*;
use halor::integrate::{Cake, CakeAxes};

/// Azimuth bins: one, few, so many that a pixel beside the beam lies in a dozen.
const AZIMUTHS: [usize; 3] = [1, 8, 90];

fn with_cake(mut spec: PlanSpec<'_>, azimuth_bins: usize) -> PlanSpec<'_> {
    spec.cake = Some(CakeAxes { azimuth_bins, radial: spec.bins });
    spec
}

/// The cells of one quantity, summed over azimuths.
fn over_azimuths(cells: &[f64], radial_bins: usize) -> Vec<f64> {
    let mut sums = vec![0.0; radial_bins];
    for row in cells.chunks(radial_bins) {
        sums.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell);
    }
    sums
}

/// Signals and norms of all azimuths are those of the ring; flagged pixels are in neither.
#[test]
fn azimuths_of_a_cake_add_up_to_the_ring() {
    let mask = no_mask();
    for beam in BEAMS {
        for splitting in SPLITTINGS {
            for azimuth_bins in AZIMUTHS {
                let plan =
                    build(with_cake(spec(geometry(beam, [0.2, -0.1, 0.3]), splitting, &mask), azimuth_bins));
                let sums = integrate(&plan, &noise(3, true));
                let count = plan.bins.count;
                let name = format!("{beam:?} {splitting:?} {azimuth_bins}");
                // Without splitting only the order of additions differs. With it a pixel loses up to 1e-7 in each cell, a dozen
                // of them, and 6e-8 by rounding of its shares.
                let relative = if splitting == Splitting::None { 1e-13 } else { 2e-6 };
                for (quantity, values) in [("signal", &sums.signal), ("norm", &sums.norm)] {
                    let (ring, cells) = values.split_at(count);
                    close(&over_azimuths(cells, count), ring, relative, &format!("{name} {quantity}"));
                }
            }
        }
    }
}

/// A row of a cake is a sector, signal, variance and norm, also where it ends at ±180°.
#[test]
fn rows_of_a_cake_are_sectors() {
    let mask = no_mask();
    let sectors: Vec<Azimuth> = (0..8).map(|i| sector(f64::from(i) * 45.0 - 157.5, 45.0)).collect();
    for beam in BEAMS {
        for splitting in SPLITTINGS {
            let plan = build(with_cake(
                with_sectors(spec(geometry(beam, [0.1, 0.0, -0.4]), splitting, &mask), &sectors),
                8,
            ));
            let sums = integrate(&plan, &noise(5, true));
            let count = plan.bins.count;
            for (quantity, values) in
                [("signal", &sums.signal), ("variance", &sums.variance), ("norm", &sums.norm)]
            {
                let (sectors, cells) = values[count..].split_at(8 * count);
                // The two cut at edges that differ by rounding of χ.
                close(cells, sectors, 1e-7, &format!("{beam:?} {splitting:?} {quantity}"));
            }
        }
    }
}

/// The frame is the norm: I = 1 in every cell that has pixels, and σ is that of its counts.
#[test]
fn flat_frame_gives_flat_cake() {
    let mask = no_mask();
    for beam in BEAMS {
        for splitting in SPLITTINGS {
            let plan = build(with_cake(spec(geometry(beam, [0.2, -0.1, 0.3]), splitting, &mask), 90));
            let frame = frame(Counts::F32(plan.norm.iter().map(|norm| *norm as f32).collect()));
            let Cake { azimuth_deg, radial, intensity, sigma, norm, .. } =
                integrate(&plan, &frame).cake(&plan).unwrap();
            assert_eq!((azimuth_deg.len(), radial.len(), intensity.len()), (90, 117, 90 * 117));
            assert_eq!((azimuth_deg[0], azimuth_deg[89]), (-178.0, 178.0));
            let mut filled = 0;
            for cell in (0..intensity.len()).filter(|cell| norm[*cell] > 0.0) {
                // The frame is rounded to f32: 6e-8.
                assert!((intensity[cell] - 1.0).abs() < 1e-7, "{beam:?} {splitting:?} {cell}");
                // Σ w²·norm is at most Σ w·norm.
                assert!(sigma[cell] > 0.0 && sigma[cell] <= (1.0 + 1e-6) / norm[cell].sqrt());
                filled += 1;
            }
            assert!(filled > 500, "{beam:?} {splitting:?}: {filled}");
            assert!(intensity.iter().zip(&norm).all(|(i, norm)| i.is_nan() == (*norm == 0.0)));
        }
    }
}

/// The bits do not depend on the instructions, nor on how many frames are integrated with one.
#[test]
fn cells_are_the_same_bits_for_any_instructions_and_company() {
    let mask = no_mask();
    let spec = with_cake(spec(geometry(BEAMS[0], [0.2, -0.1, 0.3]), Splitting::Full, &mask), 360);
    let plan = build(spec);
    let frames: Vec<Frame> = (0..11).map(|seed| noise(seed, true)).collect();
    let alone: Vec<Accumulators> = frames.iter().map(|frame| integrate(&plan, frame)).collect();
    for set in halor::simd::InstructionSet::available() {
        let together = CpuEngine::with(plan.clone(), set).integrate(&frames).unwrap();
        assert!(together == alone, "{set}");
    }
}

#[test]
fn a_cake_without_cells_is_refused() {
    let mask = no_mask();
    let refused = |azimuth_bins, count| {
        let mut spec = spec(geometry(BEAMS[0], [0.0; 3]), Splitting::None, &mask);
        spec.cake = Some(CakeAxes { azimuth_bins, radial: Bins { count, ..spec.bins } });
        IntegrationPlan::build(spec).unwrap_err().to_string()
    };
    assert!(refused(0, 10).contains("at least one"));
    assert!(refused(10, 0).contains("at least one bin"));
    assert!(refused(usize::MAX, 10).contains("use fewer bins"));
    assert!(refused(1 << 14, 1 << 10).contains("use fewer bins"));
}
