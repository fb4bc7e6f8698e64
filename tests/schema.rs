//! run.json is what docs/run.schema.json says, and the tables of a series are there: one run of a small demo for all of it.

use std::path::Path;

use halor::batch::{RunOptions, run};
use halor::compare::{compare, find_samples};
use halor::config::{DemoDetector, demo_twin, load};
use halor::output::Existing;
use serde_json::Value;

use crate::common::json_schema::check;

fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_run_leaves_what_schema_and_guide_say() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    let overrides = [
        "anisotropy={azimuth_bins: 36, fold: on, load_axis_deg: 90, reference: as-cast}",
        "sectors=[{name: X, centre_deg: 22.5, width_deg: 45}, {name: Y, centre_deg: 67.5, width_deg: 45}]",
        "sub_peaks={r_range_angstrom: [2.0, 3.9]}",
        "samples[1].state=relaxed",
        "samples[2].state=relaxed",
        "samples[0].properties={energy_j: 0, strain_percent: 9.6}",
        "samples[1].properties={energy_j: 1, strain_percent: 0}",
        "samples[3].properties={energy_j: 100, strain_percent: 14.5}",
        "samples[5].frames=[frames/deformed/*.tif, frames/air/*_0001.tif]",
        "series.outliers=leave_out",
        "pdf.systematic=off",
        "pdf.r_range_angstrom=[0, 15]",
        "pdf.r_step_angstrom=0.02",
        "engine=cpu",
    ];
    let overrides = overrides.map(str::to_owned);
    let loaded = load(written.run_files.last().unwrap(), &overrides).unwrap();
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    let output = &loaded.config.output;

    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/run.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(output.join("run.json")).unwrap()).unwrap();
    check(&record, &schema, &schema, "run").unwrap();

    // A frame of air is unlike the frames of a sample, and not in its sum.
    let ledger = result.record.ledger;
    assert_eq!((ledger.left_out, ledger.done), (1, ledger.found - 1), "{:?}", result.record.warnings);
    let sum = std::fs::read_to_string(output.join("deformed/deformed.iq")).unwrap();
    assert!(sum.contains("frames_summed = 4\n"));

    // Every file that is listed is there, and every table has rows of one length.
    for file in &result.record.outputs {
        assert!(output.join(file).is_file(), "{}", file.display());
    }
    for (table, rows) in [
        ("series.csv", 100),
        ("differences.csv", 30),
        ("trends.csv", 50),
        ("frames.csv", 24),
        ("drift.csv", 50),
        ("sectors.csv", 108),
    ] {
        let lines = lines(&output.join(table));
        // Names with commas do not occur here, nor does any cell with one.
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{table}");
        assert!(lines.len() > rows, "{table}: {}", lines.len());
    }
    assert!(lines(&output.join("differences/deformed.sq.csv")).len() > 500);
    assert!(lines(&output.join("differences/deformed_X-Y.gr.csv")).len() > 500);
    assert!(lines(&output.join("deformed/deformed.harmonics_of_r.csv")).len() > 500);
    for line in result.record.series.iter().chain(&result.record.anisotropy) {
        println!("{}: {}", line.0, line.1);
    }
    let verdict = |sample: &str| &result.record.anisotropy.iter().find(|(name, _)| name == sample).unwrap().1;
    assert!(verdict("deformed").starts_with("anisotropic: the direction χ = "), "{}", verdict("deformed"));

    // The same sample with itself has no difference; with another it has.
    let sample = |name: &str| find_samples(&output.join(name)).unwrap().0.remove(0);
    let same = compare(&sample("as-cast"), &sample("as-cast")).unwrap();
    assert!(
        same.chi2_of_i.unwrap().chi2 < 1e-9 && same.peaks.iter().all(|peak| peak.difference.value == 0.0)
    );
    let other = compare(&sample("Tg-10h"), &sample("as-cast")).unwrap();
    assert!(other.chi2_of_i.unwrap().p < 1e-6 && other.peaks.len() > 20);
    assert_eq!(find_samples(output).unwrap().0.len(), 6);
    let nothing = find_samples(dir.path()).unwrap_err().to_string();
    assert!(nothing.contains("no results here"), "{nothing}");
}
