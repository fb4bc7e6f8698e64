//! Whether every engine gives the answer of the native one, on a frame with all corrections, in a second or two.

use std::sync::Arc;
use std::time::Instant;

use super::Finding;
use crate::correct::{Correction, SignalModel, pixel_norm};
use crate::engine::cpu::CpuEngine;
use crate::engine::gpu::{Adapter, GpuDevice, GpuEngine, SAME_INTENSITY};
use crate::engine::{Engine, EngineError};
use crate::frame::{Counts, Frame, FrameHeader, Mask, Shape};
use crate::geometry::{Detector, Geometry, GeometryError, Poni};
use crate::grid::Bins;
use crate::integrate::{
    Accumulators, Azimuth, Filter, Fold, IntegrationPlan, PlanError, PlanSpec, RadialUnit, Region, Splitting,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One finding for each adapter, and one for the native engine.
pub(super) fn findings(adapters: &[Adapter]) -> Vec<Finding> {
    let start = Instant::now();
    let native = || -> Result<_, TestError> {
        let plan = Arc::new(plan()?);
        let frame = frame(plan.shape);
        let sums = CpuEngine::new(Arc::clone(&plan)).integrate(std::slice::from_ref(&frame))?;
        Ok((plan, frame, sums))
    };
    let (plan, frame, sums) = match native() {
        Ok(all) => all,
        Err(error) => {
            return vec![Finding::bad("self-test", error.to_string(), "report this with the output above")];
        }
    };
    let again = CpuEngine::new(Arc::clone(&plan)).integrate(std::slice::from_ref(&frame));
    let of_native = if again.is_ok_and(|again| again == sums) {
        Finding::good(
            "self-test, CPU",
            format!("the same bits twice; {:.1} s", start.elapsed().as_secs_f64()),
        )
    } else {
        Finding::bad("self-test, CPU", "two answers for one frame", "look at the memory of this machine")
    };
    let of_adapter = |adapter: &Adapter| {
        let start = Instant::now();
        let subject = format!("self-test, {}", adapter.summary.name);
        match on_adapter(adapter, &plan, &frame) {
            Ok(found) => {
                let worst = found.iter().zip(&sums).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
                let found = format!(
                    "I differs from the CPU's by {worst:.1e} at most; {:.1} s",
                    start.elapsed().as_secs_f64()
                );
                if worst <= SAME_INTENSITY {
                    Finding::good(subject, found)
                } else {
                    Finding::bad(subject, found, "use `engine: cpu`, and update the driver")
                }
            }
            Err(error) => {
                Finding::bad(subject, error.to_string(), "use `engine: cpu`, and update the driver")
            }
        }
    };
    [of_native].into_iter().chain(adapters.iter().map(of_adapter)).collect()
}

fn on_adapter(
    adapter: &Adapter,
    plan: &Arc<IntegrationPlan>,
    frame: &Frame,
) -> Result<Vec<Accumulators>, EngineError> {
    GpuEngine::new(Arc::clone(plan), GpuDevice::open(adapter)?)?.integrate(std::slice::from_ref(frame))
}

/// Largest relative difference of I = signal/norm; infinite where one has a bin that the other has not.
fn difference(a: &Accumulators, b: &Accumulators) -> f64 {
    let bins = a.signal.iter().zip(&a.norm).zip(b.signal.iter().zip(&b.norm));
    bins.map(|((signal, norm), (expected_signal, expected_norm))| {
        match (*norm == 0.0, *expected_norm == 0.0) {
            (true, true) => 0.0,
            (false, false) => {
                let (found, expected) = (signal / norm, expected_signal / expected_norm);
                if expected == 0.0 { found.abs() } else { (found / expected - 1.0).abs() }
            }
            (true, false) | (false, true) => f64::INFINITY,
        }
    })
    .fold(0.0, f64::max)
}

/// A Pilatus 300K with the beam in a corner: ring and a folded sector.
fn plan() -> Result<IntegrationPlan, TestError> {
    let detector = Detector::named("Pilatus CdTe 300k")?;
    let poni = Poni {
        distance_m: 0.2,
        poni1_m: 0.005,
        poni2_m: 0.005,
        rot1_rad: 0.01,
        rot2_rad: -0.02,
        rot3_rad: 0.0,
        wavelength_angstrom: 0.1107,
    };
    let geometry = Geometry { poni, detector, parallax: None };
    let shape = geometry.detector.shape;
    let [lower, upper] = geometry.radial_range(RadialUnit::QInvAngstrom)?;
    let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    let mask = Mask { shape, bad: geometry.detector.gap_mask() };
    Ok(IntegrationPlan::build(PlanSpec {
        norm: pixel_norm(&geometry, &corrections, None),
        geometry,
        unit: RadialUnit::QInvAngstrom,
        bins: Bins { lower, upper, count: 1000 },
        regions: vec![
            Region { name: crate::integrate::RING.to_owned(), azimuth: Azimuth::Ring },
            Region {
                name: "sector".to_owned(),
                azimuth: Azimuth::Sector { centre_deg: 45.0, width_deg: 30.0, fold: Fold::WithOpposite },
            },
        ],
        cake: None,
        splitting: Splitting::Full,
        filter: Filter::Off,
        mask: &mask,
        corrections,
        flat: None,
        signal: SignalModel { dark: None, dead_time: None, saturated_counts: Some(5000.0) },
    })?)
}

/// Counts of 100 to 1099 without an order, a few saturated and a few that are none.
fn frame(shape: Shape) -> Frame {
    let count = |pixel: usize| {
        let noise = (pixel as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        match noise % 997 {
            0 => -2,
            1 => 60_000,
            _ => 100 + (noise % 1000) as i32,
        }
    };
    let counts = Counts::I32((0..shape.pixels()).map(count).collect());
    Frame { shape, counts, header: FrameHeader { exposure_s: Some(1.0), ..FrameHeader::default() } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_engine_agrees_with_itself_and_a_difference_is_seen() {
        let findings = findings(&[]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].verdict, crate::doctor::Verdict::Good, "{findings:?}");
        let a = Accumulators {
            signal: vec![2.0, 0.0],
            variance: vec![2.0, 0.0],
            norm: vec![1.0, 0.0],
            excluded_pixels: 0,
        };
        let mut b = a.clone();
        assert_eq!(difference(&a, &b), 0.0);
        b.signal[0] = 2.002;
        assert!((difference(&b, &a) - 1e-3).abs() < 1e-12);
        b.norm[1] = 1.0;
        assert_eq!(difference(&b, &a), f64::INFINITY);
    }
}
