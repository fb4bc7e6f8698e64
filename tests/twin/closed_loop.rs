//! Through frames and the whole pipeline back to the truth, with each effect of the detector and its correction.

use halor::batch::{RunOptions, run};
use halor::config::load;
use halor::output::{Existing, PeakRow};
use halor::simulate::TruthRow;

use super::{Folder, SMALL, frame, values};

/// Root mean square of S − S_true over 1 to 21 Å⁻¹ of the first sample: simulated with `effect`, reduced by its own run
/// file with `reduction` changed.
fn s_error(effect: &[&str], reduction: &[&str]) -> f64 {
    let folder = Folder::new();
    let twin = folder.load(SMALL, &[&["output=out"], effect].concat()).unwrap_or_else(|e| panic!("{e}")).twin;
    twin.write(Existing::Keep).unwrap();
    let reduction: Vec<String> =
        ["engine=cpu"].iter().chain(reduction).map(|text| (*text).to_owned()).collect();
    let loaded = load(&folder.path("out/run.yaml"), &reduction).unwrap_or_else(|e| panic!("{e}"));
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    assert_eq!(result.record.ledger.done, result.record.ledger.found);
    let text = std::fs::read_to_string(folder.path("out/results/a/a.sq")).unwrap();
    let (_, rows) = text.split_once("#### start data\n").unwrap();
    let (mut sum, mut count) = (0.0, 0.0);
    for row in rows.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = row.split(' ').map(|v| v.parse().unwrap()).collect();
        if (1.0..21.0).contains(&numbers[0]) {
            let s = twin.samples[0].matter.s_of_q(twin.energy_kev(), &numbers[..1]).unwrap()[0];
            sum += (numbers[1] - s).powi(2);
            count += 1.0;
        }
    }
    f64::sqrt(sum / count)
}

/// rms error of S(Q) that one frame of these counts may have: 800 bins of some 200 pixels with 1,000 counts and more,
/// 0.25 % of an I(Q) near ⟨f²⟩, and half as much again for the pixels' size.
const PLAIN: f64 = 0.0045;

#[test]
fn each_effect_is_undone_by_its_correction() {
    let plain = s_error(&[], &[]);
    assert!(plain < PLAIN, "{plain}");
    // What the correction has to deal with, its setting where it is left out, and how much worse S(Q) then is at least.
    for (effect, without, worse) in [
        (vec!["flat={module_spread: 0.03, pixel_spread: 0.01}"], "corrections.flat=off", 2.0),
        (vec!["counting.constant_counts=200", "dark_frames=4"], "corrections.dark=off", 2.0),
        (
            vec![
                "background={atoms_per_sample_atom: 0.2, container: {composition: Si O2, atoms_per_sample_atom: 2}}",
            ],
            "background=off",
            2.0,
        ),
        (
            vec![
                "samples[0].absorption={shape: cylinder, diameter_mm: 3, mu_inv_cm: 8}",
                "background={atoms_per_sample_atom: 0.5}",
            ],
            "corrections.absorption=off",
            1.4,
        ),
        (vec!["hot_pixels={count: 500, counts_per_s: 200000}"], "mask.saturated_counts=null", 10.0),
        (vec!["hot_pixels={count: 500, counts_per_s: 2000, masked: on}"], "mask.files=[]", 10.0),
        (
            vec![
                "background={atoms_per_sample_atom: 0.5, halo_electron_units: 400, halo_decay_inv_angstrom: 4, frames: 4}",
                "counting.beam_spread=0.2",
                "counting.monitor_counts_per_s=50000",
                "dark_frames=1",
                "counting.constant_counts=1",
            ],
            "integration.normalize_by=exposure",
            2.0,
        ),
        (vec![], "corrections.parallax=off", 2.0),
        // Scale and constant take up what a metre does: a hundred of them show.
        (vec!["air_path_mm=100000"], "corrections.air_path_mm=off", 2.0),
        (vec!["beam_stop={radius_px: 8, arm: {towards_deg: 45, width_px: 5}}"], "mask.files=[]", 2.0),
    ] {
        let (with, left_out) = (s_error(&effect, &[]), s_error(&effect, &[without]));
        println!(
            "{effect:?}: rms of S {with:.5}, without the correction {left_out:.5}, without the effect {plain:.5}"
        );
        assert!(with < PLAIN, "{effect:?}: {with}");
        assert!(left_out > worse * with, "{effect:?}: {with} {left_out}");
    }
}

/// Fluorescence is not polarized; what the correction for polarization makes of it is fitted \[E4b\].
#[test]
fn fluorescence_is_fitted_in_its_own_shape() {
    let effect = ["samples[0].fluorescence_electron_units=30"];
    let (fitted, ignored) = (s_error(&effect, &[]), s_error(&effect, &["pdf.fluorescence=none"]));
    println!("fluorescence: rms of S {fitted:.5}, without the fit {ignored:.5}");
    assert!(fitted < PLAIN && ignored > 3.0 * fitted, "{fitted} {ignored}");
}

#[test]
fn counters_end_where_the_twin_file_says() {
    let folder = Folder::new();
    let twin = folder.load(SMALL, &["counting.saturated_counts=3000"]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    let frame = frame(&written.frames[0]);
    assert_eq!(values(&frame).into_iter().max(), Some(3000));
    // The header names the last count that is right.
    assert_eq!(frame.header.count_cutoff, Some(2999.0));
    let run = load(&folder.path("twin/run.yaml"), &[]).unwrap().config;
    assert_eq!(run.corrections.saturated_counts, Some(3000.0));
}

/// Every kind of structure in one file: three run files, each of which runs.
#[test]
fn every_structure_gives_frames_that_run() {
    let folder = Folder::new();
    let curve: String = (0..450).map(|i| format!("{} 1\n", 0.5 + 0.06 * f64::from(i))).collect();
    folder.file("flat_s.txt", &curve);
    let samples = "samples=[{name: ceo2, structure: {crystal: CeO2}}, \
        {name: glass, structure: {glass: aged}, composition: Zr62 Cu15.5 Ni12.5 Al10}, \
        {name: gas, structure: {s_of_q: flat_s.txt}, composition: CuZr, density_g_cm3: 7.2}]";
    let air = "background={atoms_per_sample_atom: 0.5}";
    let twin = folder.load(SMALL, &[samples, air, "pdf=null"]).unwrap_or_else(|e| panic!("{e}")).twin;
    let written = twin.write(Existing::Keep).unwrap();
    let names: Vec<_> = written.run_files.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["ceo2.yaml", "gas.yaml", "run.yaml"]);
    for run_file in &written.run_files {
        let loaded = load(run_file, &["engine=cpu".to_owned()]).unwrap_or_else(|e| panic!("{e}"));
        let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
        let record = &result.record;
        assert!(record.ledger.done == record.ledger.found && record.failed_samples.is_empty(), "{record:?}");
    }
    // The gas has no order: S is 1.
    let text = std::fs::read_to_string(folder.path("twin/truth/s_of_q.csv")).unwrap();
    assert!(text.lines().nth(1001).unwrap().ends_with(",1.00000000"), "{text:.200}");
}

/// A strain along Y moves the rings of S(Q) apart in the sectors X and Y, by what the truth says; without noise the strain
/// comes back.
#[test]
fn a_strain_is_seen_between_sectors_and_written_as_truth() {
    let folder = Folder::new();
    // Rays go to χ = 0…90° from this corner: sectors beside both axes.
    let sectors =
        "sectors=[{name: X, centre_deg: 15, width_deg: 30}, {name: Y, centre_deg: 75, width_deg: 30}]";
    let strained = "samples[0].anisotropy={strain: 0.004, poisson_ratio: 0.3, load_axis_deg: 75}";
    let peaks = "peaks={s_of_q: {q1: [2.0, 3.6]}}";
    let set = [sectors, strained, peaks, "counting.noise=off", "oversampling=4", "integration.bins=400"];
    let twin = folder.load(SMALL, &set).unwrap_or_else(|e| panic!("{e}")).twin;
    let written = twin.write(Existing::Keep).unwrap();
    let true_shift = |region: &str| {
        let row = |row: &&TruthRow| row.region == region && row.peak == "q1" && row.metric == "position";
        written.truth.iter().find(row).unwrap().value
    };
    let loaded = load(&folder.path("twin/run.yaml"), &["engine=cpu".to_owned()]).unwrap();
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    let seen = |region: &str| {
        let row = |row: &&PeakRow| row.region == region && row.frame.is_none() && row.peak.name == "q1";
        result.peaks.iter().find(row).unwrap().peak.position.value
    };
    let shift = |of: &dyn Fn(&str) -> f64| 2.0 * (of("X") - of("Y")) / (of("X") + of("Y"));
    let (truth, measured) = (shift(&true_shift), shift(&seen));
    // The sectors are 60° apart: ε(1 + ν)(1 − cos²60°) cos²θ with cos²θ = 0.9994 at Q1, and sin 2Δ/2Δ = 0.955 for Δ = 15°.
    let expected = 0.004 * 1.3 * 0.75 * 0.9994 * 0.955;
    // Second order in the strain: within 2 %.
    assert!((truth / expected - 1.0).abs() < 0.02, "{truth} {expected}");
    // There is no noise; S between bins of 0.054 Å⁻¹ is left, and pixels that gaps take from one sector and not the other.
    assert!((measured - truth).abs() < 5e-5, "{measured} {truth}");
    let strain = std::fs::read_to_string(folder.path("twin/truth/strain.csv")).unwrap();
    assert!(strain.lines().nth(1).unwrap().starts_with("a,75,0.004,0.3,"), "{strain}");
    let curves = std::fs::read_to_string(folder.path("twin/truth/s_of_q.csv")).unwrap();
    assert!(curves.starts_with("q_inv_angstrom,a,a_X,a_Y\n"), "{curves:.80}");
}

/// Spots stand where the truth says, with their counts, and nowhere else.
#[test]
fn bragg_spots_are_where_the_truth_says() {
    let folder = Folder::new();
    let spots = "samples[0].bragg_spots={crystal: Ni, count: 8, counts_per_s: 50000, fwhm_px: 1.2}";
    let frame_of = |set: &[&str], output: &str| {
        let set: Vec<&str> = set.iter().copied().chain(["counting.noise=off"]).collect();
        let twin = folder.load(SMALL, &[&set[..], &[output]].concat()).unwrap_or_else(|e| panic!("{e}")).twin;
        let written = twin.write(Existing::Keep).unwrap();
        let halor::frame::Counts::F32(counts) = frame(&written.frames[0]).counts else { panic!("not f32") };
        counts
    };
    let (with, without) = (frame_of(&[spots], "output=with"), frame_of(&[], "output=without"));
    let text = std::fs::read_to_string(folder.path("with/truth/a_spots.csv")).unwrap();
    let places: Vec<[f64; 2]> = text
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            [fields[5], fields[6]]
        })
        .collect();
    assert_eq!(places.len(), 8);
    let mut added = 0.0;
    for (i, (with, without)) in with.iter().zip(without.iter()).enumerate().filter(|(_, (a, b))| a != b) {
        let (row, column) = ((i / 487) as f64 + 0.5, (i % 487) as f64 + 0.5);
        // Five standard deviations of 0.51 pixels, and one pixel.
        let near = |place: &[f64; 2]| (column - place[0]).hypot(row - place[1]) < 5.5;
        assert!(with > without && places.iter().any(near), "{row} {column}");
        added += f64::from(with - without);
    }
    // Eight spots of 10 s; some of them may lie in a gap.
    assert!(added <= 8.0 * 500_000.0 * 1.001 && added > 4.0 * 500_000.0, "{added}");
}
