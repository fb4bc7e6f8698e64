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
        "sub_peaks={r_range_angstrom: [2.0, 3.3], shape: gaussian_or_skewed}",
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

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for name in ["run", "timings"] {
        let json = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
        let schema = json(&docs.join(format!("{name}.schema.json")));
        check(&json(&output.join(format!("{name}.json"))), &schema, &schema, name).unwrap();
    }

    // A frame of air is unlike the frames of a sample, and not in its sum.
    let ledger = result.record.ledger;
    assert_eq!((ledger.left_out, ledger.done), (1, ledger.found - 1), "{:?}", result.record.warnings);
    let sum = std::fs::read_to_string(output.join("deformed/deformed.iq")).unwrap();
    assert!(sum.contains("frames_summed = 4\n"));
    // Nor does it count in the scatter of the frames.
    let series = lines(&output.join("series.csv"));
    let column = |name: &str| series[0].iter().position(|column| column == name).unwrap();
    let of_deformed =
        series.iter().filter(|row| row[column("sample")] == "deformed" && row[column("sector")] == "ring");
    assert!(of_deformed.clone().count() > 10 && of_deformed.clone().all(|row| row[column("frames")] == "4"));
    assert!(
        std::fs::read_to_string(output.join("report/index.html")).unwrap().contains(" skipped, 1 left out.")
    );

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
        ("sub_peaks.csv", 6),
        ("peaks.csv", 100),
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
    // What the paper reports: 100 J leave no anisotropy, the strained sample has its strain, and r1 falls from aged over treated to as-cast.
    assert!(verdict("UV-100J").starts_with("no anisotropy"), "{}", verdict("UV-100J"));
    let strain: Value = serde_json::from_str(
        &std::fs::read_to_string(output.join("deformed/deformed.anisotropy.json")).unwrap(),
    )
    .unwrap();
    let along = &strain["strain"]["along_less_across"];
    let (value, sigma) = (along["value"].as_f64().unwrap(), along["sigma"].as_f64().unwrap());
    println!("along less across: {value} ± {sigma}");
    // 0.3 % with ν = 0.36.
    assert!((value - 1.36 * 0.003).abs() < 3.0 * sigma && sigma < 2e-4, "{value} ± {sigma}");
    let truth = |sample: &str, peak: &str, metric: &str| {
        let is_it = |row: &&halor::simulate::TruthRow| {
            row.sample == sample && row.region == "ring" && row.peak == peak && row.metric == metric
        };
        written.truth.iter().find(is_it).unwrap().value
    };
    for (peak, metric, sign) in [
        ("r1", "height", 1.0),
        ("r3", "height", 1.0),
        ("r4", "height", 1.0),
        ("q1", "fwhm", -1.0),
        ("q2", "fwhm", -1.0),
    ] {
        let [aged, treated, cast] =
            ["Tg-10h", "UV-100J", "as-cast"].map(|sample| sign * truth(sample, peak, metric));
        assert!(aged > treated && treated > cast, "{peak} {metric}: {aged} {treated} {cast}");
    }
    let height = |sample: &str| {
        let is_it = |row: &&halor::output::PeakRow| {
            row.sample == sample && row.frame.is_none() && row.region == "ring" && row.peak.name == "r1"
        };
        result.peaks.iter().find(is_it).unwrap().peak.height
    };
    for pair in ["Tg-10h", "UV-100J", "as-cast"].windows(2) {
        let (higher, lower) = (height(pair[0]), height(pair[1]));
        assert!(
            higher.value - lower.value > 2.0 * higher.sigma.hypot(lower.sigma),
            "{pair:?}: {higher:?}, {lower:?}"
        );
    }

    // The same sample with itself has no difference; with another it has.
    let sample = |name: &str| find_samples(&output.join(name)).unwrap().0.remove(0);
    let same = compare(&sample("as-cast"), &sample("as-cast")).unwrap();
    assert!(
        same.chi2_of_i.unwrap().chi2 < 1e-9 && same.peaks.iter().all(|peak| peak.difference.value == 0.0)
    );
    let other = compare(&sample("Tg-10h"), &sample("as-cast")).unwrap();
    assert!(other.chi2_of_i.unwrap().p < 1e-6 && other.peaks.len() > 20);
    assert_eq!(find_samples(output).unwrap().0.len(), 6);
    // The command writes it; it replaces nothing unasked, and not what it reads.
    let command = |a: &str, b: &str, more: &[&str]| {
        let mut halor = std::process::Command::new(env!("CARGO_BIN_EXE_halor"));
        halor.arg("compare").args([output.join(a), output.join(b)]).args(more).current_dir(dir.path());
        let done = halor.output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    let (code, said) = command("as-cast", "Tg-10h", &[]);
    assert!(code == Some(0) && said.contains("as-cast less Tg-10h") && said.contains("r1 height"), "{said}");
    let table = lines(&dir.path().join("compare/compare.csv"));
    assert!(table.iter().all(|row| row.len() == table[0].len()) && table.len() > 20);
    assert!(dir.path().join("compare/as-cast-Tg-10h.svg").is_file());
    let (code, said) = command("as-cast", "Tg-10h", &[]);
    assert!(code == Some(2) && said.contains("--force"), "{code:?} {said}");
    assert_eq!(command("as-cast", "Tg-10h", &["--force"]).0, Some(0));
    let (code, said) = command("", "as-cast", &[]);
    assert!(code == Some(2) && said.contains("two of a kind"), "{code:?} {said}");
    let nothing = find_samples(dir.path()).unwrap_err().to_string();
    assert!(nothing.contains("no results here"), "{nothing}");
}
