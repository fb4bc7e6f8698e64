//! The background's scale, r_poly and Qmax of a whole series, found before it is processed.

use std::path::Path;
use std::process::{Command, Output};

use halor::config::load_twin;
use halor::output::Existing;
use serde_json::Value;

/// One frame of a glass and two of air, of two atoms for one of the sample, as strong as it is there: the right scale is 1.
const TWIN: &str = "\
seed: 5
beam: {energy_kev: 112, polarization: 0.99}
detector: {pixel_um: 600, shape: [500, 500], sensor: {material: CdTe, density_g_cm3: 5.85, thickness_mm: 1.0}}
geometry: {distance_m: 0.2, beam_centre_px: [240.0, 260.0]}
beam_stop: {radius_px: 4}
counting: {counts_per_electron_unit_s: 5}
background: {frames: 2, atoms_per_sample_atom: 2, halo_electron_units: 40}
samples:
  - {name: first, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
  - {name: second, structure: {glass: aged}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 20.2], bins: 1000}
pdf: {q_range_inv_angstrom: [0.9, 20.0]}
peaks: {s_of_q: 1, g_of_r: {r1: [2.0, 3.6]}}
";

fn halor(folder: &Path, arguments: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_halor")).args(arguments).current_dir(folder).output();
    command.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_series_takes_on_what_its_reference_speaks_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("twin.yaml"), TWIN).unwrap();
    let twin = load_twin(&dir.path().join("twin.yaml"), &[]).unwrap().twin;
    let run_file = twin.write(Existing::Keep).unwrap().run_files.remove(0);
    let (folder, name) = (run_file.parent().unwrap(), run_file.file_name().unwrap().to_str().unwrap());
    let far_off = ["--set", "background.scale=0.8", "--set", "engine=cpu"];

    let tune = halor(folder, &[&["tune", name, "--sample", "second"], far_off.as_slice()].concat());
    let said = text(&tune.stdout);
    assert_eq!(tune.status.code(), Some(0), "{}", text(&tune.stderr));
    assert!(folder.join("second.tune.csv").is_file() && folder.join("second.tune.svg").is_file());
    let command = said.lines().last().unwrap();
    assert!(command.starts_with("halor run ") && command.contains("--set 'background.scale="), "{command}");

    let run = halor(folder, &[&["run", name, "--tune"], far_off.as_slice()].concat());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let results = twin.output.join("results");
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(results.join("run.json")).unwrap()).unwrap();
    let tuned = record["tuned"].as_array().unwrap();
    assert_eq!(tuned.len(), 2 + usize::from(tuned.iter().any(|it| it["parameter"] == "r_poly")), "{tuned:?}");
    let scale = tuned[0]["value"].as_f64().unwrap();
    println!("{tuned:#?}");
    // Slow errors of pixels this large move it by 0.015; counting by less than a hundredth.
    assert!(tuned[0]["parameter"] == "background_scale" && (scale - 1.0).abs() < 0.03, "{tuned:?}");
    // Every sample is treated alike, and the configuration can be run again without the scan.
    for sample in ["first", "second"] {
        let header = std::fs::read_to_string(results.join(format!("{sample}/{sample}.gr"))).unwrap();
        assert!(
            header.contains(&format!("bgscale = {scale}\n")) && header.contains("tuned_background_scale = ")
        );
    }
    let again = halor(folder, &["run", "results/config.yaml", "--output", "again"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let peaks = |folder: &Path| std::fs::read(folder.join("peaks.csv")).unwrap();
    assert!(peaks(&results) == peaks(&folder.join("again")));
}

#[test]
fn what_cannot_be_tuned_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("twin.yaml"), TWIN).unwrap();
    let twin = load_twin(&dir.path().join("twin.yaml"), &[]).unwrap().twin;
    let run_file = twin.write(Existing::Keep).unwrap().run_files.remove(0);
    let (folder, name) = (run_file.parent().unwrap(), run_file.file_name().unwrap().to_str().unwrap());
    let refused = |arguments: &[&str], words: &str| {
        let output = halor(folder, &[&["tune", name, "--set", "engine=cpu"], arguments].concat());
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(words), "{arguments:?}: {said}");
    };
    refused(&["--sample", "third"], "there is no sample `third`; expected one of `first`, `second`");
    refused(&["--background", "air.chi"], "--background is for patterns");
    let hole = ["--set", "pdf.q_range_inv_angstrom=[0.71, 20]"];
    refused(
        &hole,
        "nothing that was tried gives S(Q), for example q-max 20.0000: S(Q): no intensity between",
    );
    refused(&["--set", "pdf=off"], "write `pdf: {mode: absolute}`");
    for frame in std::fs::read_dir(folder.join("frames/first")).unwrap() {
        std::fs::write(frame.unwrap().path(), "no frame").unwrap();
    }
    refused(&[], "none of the first frames of sample `first` could be integrated");
}
