//! How frames go through the card: in strips, by several threads at once, timed, and what happens when it is lost.

use std::sync::Arc;

use halor::correct::SignalModel;
use halor::engine::gpu::GpuEngine;
use halor::engine::{Engine, EngineError};
use halor::frame::Frame;

use super::setup::{Recipe, TYPES, dark, device, frame};
use super::{Worst, bits};

#[test]
fn a_detector_in_strips_has_the_sums_of_the_whole() {
    let Some(mut gpu) = device() else { return };
    for dark_frame in [None, Some(dark(Recipe::small().shape.pixels()))] {
        let signal = SignalModel { dark: dark_frame, ..SignalModel::default() };
        let plan = Recipe { signal, ..Recipe::small() }.plan();
        // Four frames of 4087 pixels would be 65392 bytes: here they go through in four strips, the last with an odd end.
        let engine = GpuEngine::new(Arc::clone(&plan), gpu.with_binding_limit(20_000)).unwrap();
        assert_eq!(engine.batch_size(), 4);
        let frames: Vec<Frame> =
            TYPES.iter().zip(70..).map(|(kind, seed)| frame(plan.shape, kind, seed)).collect();
        let sums = engine.integrate(&frames).unwrap();
        let mut worst = Worst::default();
        for ((sums, frame), kind) in sums.iter().zip(&frames).zip(TYPES) {
            worst.see_sums(sums, &plan, frame, &format!("strips, {kind}"));
        }
        worst.report("strips");
        let norm = engine.norm().unwrap();
        gpu = device().unwrap();
        let whole = GpuEngine::new(plan, gpu).unwrap();
        assert!(norm == whole.norm().unwrap(), "the geometry does not depend on the strip");
        gpu = device().unwrap();
    }
}

#[test]
fn small_and_large_bins_keep_their_bounds() {
    let Some(mut gpu) = device() else { return };
    // About 8 entries per bin, as in a cake; then a mixture of small and large ones; then large ones.
    for bins in [2000, 190, 20] {
        let plan = Recipe { bins, ..Recipe::small() }.plan();
        let frame = frame(plan.shape, "i32", 3);
        let sums =
            GpuEngine::new(Arc::clone(&plan), gpu).unwrap().integrate(std::slice::from_ref(&frame)).unwrap();
        let mut worst = Worst::default();
        worst.see_sums(&sums[0], &plan, &frame, &format!("{bins} bins"));
        worst.report(&format!("{bins} bins"));
        gpu = device().unwrap();
    }
}

#[test]
fn threads_that_share_an_engine_get_the_bits_of_one() {
    let Some(gpu) = device() else { return };
    let plan = Recipe::small().plan();
    let engine = GpuEngine::new(Arc::clone(&plan), gpu).unwrap();
    assert!(engine.info().kind.calls_at_once() > 1);
    let frames: Vec<Frame> = (0..40).map(|i| frame(plan.shape, TYPES[i as usize % 3], 200 + i / 5)).collect();
    let alone = bits(&engine.integrate(&frames).unwrap());
    let together: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            frames.chunks(7).map(|frames| scope.spawn(|| engine.integrate(frames).unwrap())).collect();
        calls.into_iter().flat_map(|call| call.join().unwrap()).collect()
    });
    assert!(bits(&together) == alone);
}

#[test]
fn a_card_with_a_clock_says_what_it_did() {
    let Some(gpu) = device() else { return };
    let plan = Recipe::small().plan();
    let engine = GpuEngine::new(Arc::clone(&plan), gpu).unwrap();
    let frames: Vec<Frame> = (0..11).map(|i| frame(plan.shape, "u16", i)).collect();
    engine.integrate(&frames).unwrap();
    let Some(times) = engine.device_times() else {
        println!("skipped: the driver has no clock");
        return;
    };
    println!("{times:?}");
    assert_eq!(times.frames, 11);
    for work in [times.correct, times.integrate] {
        assert!(work.seconds > 0.0 && work.seconds < 600.0, "{times:?}");
    }
    // u16 counts go up packed, two in a word: 4087 of them are 2044 words.
    if let Some(upload) = times.upload {
        assert_eq!(upload.bytes, 11.0 * 4.0 * 2044.0);
    }
    // Each pass reads 8 bytes of every entry, norm and eight signals, which are their variances too.
    let pass = (8 * plan.matrix.bins.len() + 36 * plan.shape.pixels()) as f64;
    assert!(times.integrate.bytes >= 2.0 * pass, "{times:?}");
}

#[test]
fn a_lost_card_is_an_error_and_stays_one() {
    let Some(gpu) = device() else { return };
    let plan = Recipe::small().plan();
    let engine = GpuEngine::new(Arc::clone(&plan), gpu).unwrap();
    let frames: Vec<Frame> = (0..20).map(|i| frame(plan.shape, "i32", i)).collect();
    let lost = |result: Result<Vec<_>, EngineError>| matches!(result, Err(EngineError::DeviceLost { .. }));
    std::thread::scope(|scope| {
        let call = || while !lost(engine.integrate(&frames)) {};
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(call)).collect();
        std::thread::sleep(std::time::Duration::from_millis(30));
        engine.device().destroy();
        calls.into_iter().for_each(|call| call.join().unwrap());
    });
    assert!(lost(engine.integrate(&frames)) && lost(engine.integrate(&frames[..1])));
}
