//! Bad twin files: each problem with its line, key and mend.

use super::{Folder, SMALL};

/// Loads [`SMALL`] with the override and gives the key and the text of the one problem.
fn problem(folder: &Folder, set: &str) -> (String, String) {
    let error = folder.load(SMALL, &[set]).expect_err(set);
    let [problem] = error.problems.as_slice() else { panic!("{set}: {error}") };
    (problem.key.clone(), problem.to_string())
}

#[test]
fn a_problem_is_shown_with_its_line_and_the_nearest_key() {
    let folder = Folder::new();
    let error = folder.load(&SMALL.replace("exposure_s", "exposur_s"), &[]).unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("twin.yaml:6:12: counting.exposur_s: unknown key")
            && shown.contains("did you mean `exposure_s`?"),
        "{shown}"
    );
    let error = folder.load("seed: 1\n", &[]).unwrap_err();
    let keys: Vec<&str> = error.problems.iter().map(|p| p.key.as_str()).collect();
    assert!(keys.contains(&"geometry") && keys.contains(&"samples"), "{error}");
}

#[test]
fn what_cannot_be_names_its_key() {
    let folder = Folder::new();
    folder.file("table.txt", "0.5 1\n0.6 one\n");
    let error = folder.load(SMALL, &["format=cbf", "counting.noise=off"]).unwrap_err();
    assert!(
        error.problems[0].key == "counting.noise" && error.to_string().contains("whole counts"),
        "{error}"
    );
    let ones: String = (0..10).map(|i| format!("{i} 1\n")).collect();
    folder.file("ones.txt", &ones);
    folder.file("cell-less.xyz", "1\nno cell here\nZr 0 0 0\n");
    for (set, key, words) in [
        ("samples[0].composition=Zr62 Qq10", "samples[0].composition", "`Qq` is no element"),
        (
            "samples[0].density_atoms_per_cubic_angstrom=5.28",
            "samples[0].density_atoms_per_cubic_angstrom",
            "at most 0.5",
        ),
        (
            "samples[0].density_atoms_per_cubic_angstrom=0.09",
            "samples[0].density_atoms_per_cubic_angstrom",
            "of space",
        ),
        ("samples[0].density_g_cm3=-1", "samples[0].density_g_cm3", "not a positive number"),
        ("samples[0].structure={crystal: CeO2}", "samples[0].composition", "those of the atoms in the cell"),
        ("samples[0]={name: c, structure: {crystal: CeO3}}", "samples[0].structure.crystal", "nearest: CeO2"),
        (
            "samples[0]={name: c, structure: {atoms: {file: cell-less.xyz}}}",
            "samples[0].structure.atoms.file",
            "cell-less.xyz, line",
        ),
        (
            "samples[0]={name: t, structure: {s_of_q: table.txt}, composition: Ni, density_g_cm3: 8.9}",
            "samples[0].structure.s_of_q",
            "line 2",
        ),
        (
            "samples[0]={name: t, structure: {s_of_q: nowhere.txt}, composition: Ni, density_g_cm3: 8.9}",
            "samples[0].structure.s_of_q",
            "is not there",
        ),
        ("samples[0].structure={}", "samples[0].structure", "0 kinds of structure"),
        (
            "samples[0].structure.glass={broadening_angstrom: 0.1}",
            "samples[0].structure.glass",
            "sigma_angstrom",
        ),
        ("samples[0].frames=0", "samples[0].frames", "at least 1 frame"),
        (
            "samples[0].structure.glass={preset: aged, broadening_angstrom: 1e-9}",
            "samples[0].structure.glass.broadening_angstrom",
            "expected 0.01 to 1",
        ),
        ("samples[0].name=air", "samples[0].name", "name of other frames"),
        ("samples[0].name='a[1]'", "samples[0].name", "patterns"),
        ("samples[0].frames=1000000", "samples[0].frames", "at most 100000"),
        ("geometry.poni1_m=0.4", "geometry.poni1_m", "the beam would meet column"),
        ("pdf.q_range_inv_angstrom=[0.7, 60]", "pdf.q_range_inv_angstrom", "beyond the pattern"),
        ("pdf.density_g_cm3=6", "pdf.density_g_cm3", "that of the samples"),
        ("beam.polarization=2", "beam.polarization", "from −1"),
        ("oversampling=0", "oversampling", "expected 1 to 20"),
        ("counting.exposure_s=0", "counting.exposure_s", "above 0"),
        ("counting.saturated_counts=0", "counting.saturated_counts", "expected 1 to"),
        ("hot_pixels={count: 3, counts_per_s: -1}", "hot_pixels.counts_per_s", "above 0"),
        ("flat={module_spread: 2, pixel_spread: 0}", "flat.module_spread", "0 to 0.3"),
        ("counting.beam_spread=2", "counting.beam_spread", "0 to 0.3"),
        ("counting.monitor_counts_per_s=0", "counting.monitor_counts_per_s", "above 0"),
        ("zingers={per_frame: -1, counts: [1, 2]}", "zingers.per_frame", "hits"),
        ("zingers={per_frame: 1, counts: [1000, 10]}", "zingers.counts", "least ≤ most"),
        ("air_path_mm=-1", "air_path_mm", "0 or a number above"),
        ("format=tif", "format", "tiff_stack"),
        ("beam_stop={radius_px: 0}", "beam_stop.radius_px", "above 0"),
        ("background={atoms_per_sample_atom: 1, composition: N2x}", "background.composition", "N2x"),
        ("samples[0].anisotropy={strain: 0.5}", "samples[0].anisotropy.strain", "expected -0.1 to 0.1"),
        ("samples[0].anisotropy={poisson_ratio: 0.7}", "samples[0].anisotropy.poisson_ratio", "to 0.5"),
        ("samples[0].anisotropy={load_axis_deg: 400}", "samples[0].anisotropy.load_axis_deg", "-360 to 360"),
        ("samples[0].anisotropy={s2_of_q: table.txt}", "samples[0].anisotropy.s2_of_q", "line 2"),
        ("samples[0].anisotropy={s2_of_q: ones.txt}", "samples[0].anisotropy.s2_of_q", "expected 0 within"),
        (
            "samples[0].bragg_spots={crystal: CeO3, count: 3, counts_per_s: 10}",
            "samples[0].bragg_spots.crystal",
            "nearest: CeO2",
        ),
        (
            "samples[0].bragg_spots={crystal: Ni, count: 3, counts_per_s: 0}",
            "samples[0].bragg_spots.counts_per_s",
            "above 0",
        ),
        (
            "background={atoms_per_sample_atom: 1, container: {composition: SiO2x, atoms_per_sample_atom: 1}}",
            "background.container.composition",
            "x",
        ),
        (
            "background={atoms_per_sample_atom: 1, container: {composition: SiO2, atoms_per_sample_atom: -1}}",
            "background.container.atoms_per_sample_atom",
            "0 or",
        ),
        ("detector.name=Pilatus CdTe 300L", "detector.name", "300L"),
    ] {
        let (found, text) = problem(&folder, set);
        assert!(found == key && text.contains(words), "{set}: {text}");
    }
}

#[test]
fn a_depth_needs_a_known_sensor() {
    let folder = Folder::new();
    let detector = "detector={pixel_um: 172, shape: [619, 487]}";
    let error = folder.load(SMALL, &[detector, "parallax=on"]).unwrap_err();
    assert_eq!(error.problems[0].key, "parallax", "{error}");
    assert!(folder.load(SMALL, &[detector]).is_ok());
}

#[test]
fn a_stack_beyond_4_gib_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    // 619 × 487 pixels of 4 bytes and 4096 more, 3550 times: 3550·1,209,908 = 4,295,173,400 > 2³² − 1, 3549 fit.
    let error = folder.load(SMALL, &["format=tiff_stack", "samples[0].frames=3550"]).unwrap_err();
    let [problem] = error.problems.as_slice() else { panic!("{error}") };
    assert!(problem.key == "samples[0].frames" && problem.mend.contains("3549"), "{error}");
    let error = folder.load(SMALL, &["format=tiff_stack", "dark_frames=3550"]).unwrap_err();
    assert_eq!(error.problems[0].key, "dark_frames");
    assert!(folder.load(SMALL, &["format=tiff_stack", "samples[0].frames=3549"]).is_ok());
}

#[test]
fn the_documented_twin_files_load_and_every_key_is_named() {
    let text = include_str!("../../docs/twin-file.md");
    let folder = Folder::new();
    folder.file("md.xyz", &crate_box());
    let curve: String = (0..400).map(|i| format!("{} 1\n", 0.5 + 0.06 * f64::from(i))).collect();
    folder.file("measured_sq.txt", &curve);
    folder.file("s2.txt", &curve.replace(" 1\n", " 0\n"));
    let blocks: Vec<&str> =
        text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        folder.load(block, &[]).unwrap_or_else(|error| panic!("{error}"));
    }
    for block in [
        "",
        "beam_stop.",
        "beam_stop.arm.",
        "hot_pixels.",
        "flat.",
        "zingers.",
        "counting.",
        "background.",
        "samples[0].",
        "samples[0].structure.",
        "samples[0].structure.glass.",
        "samples[0].structure.atoms.",
        "samples[0].anisotropy.",
        "samples[0].bragg_spots.",
        "background.container.",
    ] {
        let error = folder.load(SMALL, &[&format!("{block}zzz=1")]).unwrap_err();
        let mend = error.problems[0].mend.clone();
        let keys = mend.split_once("allowed here: ").unwrap_or_else(|| panic!("{block}: {error}")).1;
        for key in keys.split(", ") {
            let is_named = text.contains(&format!("`{key}`")) || text.contains(&format!(".{key}`"));
            assert!(is_named, "docs/twin-file.md does not name `{block}{key}`");
        }
    }
}

/// Nine atoms on a lattice of 3 Å, as extended XYZ.
fn crate_box() -> String {
    let mut text =
        String::from("27\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n");
    for i in 0..27 {
        text.push_str(&format!("Ni {} {} {}\n", 3 * (i % 3), 3 * (i / 3 % 3), 3 * (i / 9)));
    }
    text
}
