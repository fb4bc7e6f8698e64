//! Through frames and the whole pipeline back to the truth, with each effect of the detector and its correction.

use halor::batch::{RunOptions, run};
use halor::config::load;
use halor::output::Existing;

use super::{Folder, SMALL};

/// Root mean square of S − S_true over 1 to 21 Å⁻¹ of the first sample, from its run file with these overrides.
fn s_error(twin: &[&str], reduce: &[&str]) -> f64 {
    let folder = Folder::new();
    let set: Vec<&str> = [&["output=out"], twin].concat();
    let twin = folder.load(SMALL, &set).unwrap_or_else(|error| panic!("{error}")).twin;
    twin.write(Existing::Keep).unwrap();
    let reduce: Vec<String> = reduce.iter().map(|text| (*text).to_owned()).collect();
    let loaded = load(&folder.path("out/run.yaml"), &reduce).unwrap_or_else(|error| panic!("{error}"));
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    assert_eq!(result.record.ledger.done, result.record.ledger.found);
    let text = std::fs::read_to_string(folder.path("out/results/a/a.sq")).unwrap();
    let (_, rows) = text.split_once("#### start data\n").unwrap();
    let truth = twin.samples[0].matter.clone();
    let (mut sum, mut count) = (0.0, 0.0);
    for row in rows.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<f64> = row.split(' ').map(|v| v.parse().unwrap()).collect();
        if (1.0..21.0).contains(&numbers[0]) {
            let s = truth.s_of_q(twin.energy_kev(), &numbers[..1]).unwrap()[0];
            sum += (numbers[1] - s).powi(2);
            count += 1.0;
        }
    }
    f64::sqrt(sum / count)
}

#[test]
fn each_effect_is_undone_by_its_correction() {
    let plain = s_error(&[], &[]);
    println!("nothing: {plain:.5}");
    for (name, effect, correction, without) in
        [("flat", "flat={module_spread: 0.03, pixel_spread: 0.01}", "seed", Some("corrections.flat=off"))]
    {
        let _ = (name, correction);
        let with = s_error(&[effect], &[]);
        let left_out = without.map(|without| s_error(&[effect], &[without]));
        println!("{name}: {with:.5} {left_out:?}");
    }
    for set in [
        vec!["counting.constant_counts=200", "dark_frames=4"],
        vec!["hot_pixels={count: 500, counts_per_s: 200000}"],
        vec!["hot_pixels={count: 500, counts_per_s: 2000, masked: on}"],
        vec!["samples[0].fluorescence_electron_units=30"],
        vec!["counting.saturated_counts=1500"],
        vec!["beam_stop={radius_px: 8, arm: {towards_deg: 45, width_px: 5}}"],
    ] {
        println!("{set:?}: {:.5}", s_error(&set, &[]));
    }
    println!(
        "hot off {:.5}",
        s_error(&["hot_pixels={count: 500, counts_per_s: 200000}"], &["mask.saturated_counts=null"])
    );
    println!(
        "dark off {:.5}",
        s_error(
            &["counting.constant_counts=200", "dark_frames=4"],
            &["corrections.dark=off", "pdf.fluorescence=none"]
        )
    );
    println!(
        "fluo off {:.5}",
        s_error(&["samples[0].fluorescence_electron_units=30"], &["pdf.fluorescence=none"])
    );
    println!("sat off {:.5}", s_error(&["counting.saturated_counts=1500"], &["mask.saturated_counts=null"]));
}
