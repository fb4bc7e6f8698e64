//! Bad run files.

use halor::config::{ConfigError, Problem, ProblemKind, load};
use proptest::prelude::*;

use super::{Folder, SMALL};

fn only(error: &ConfigError) -> &Problem {
    let [problem] = error.problems.as_slice() else { panic!("{error}") };
    problem
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let folder = Folder::new();
    let error = folder.load(&format!("{SMALL}integration:\n  binz: 3000\n")).unwrap_err();
    let shown = error.to_string();
    let (place, rest) = shown.split_once(": integration.binz: ").unwrap();
    assert!(place.starts_with("error: ") && place.ends_with("run.yaml:6:3"), "{shown}");
    assert_eq!(
        rest,
        "unknown key `binz` in `integration`\n   |\n 6 |   binz: 3000\n   |   ^^^^\n   \
         = did you mean `bins`? allowed here: unit, range, bins, splitting, filter, normalize_by, exposure_s"
    );
}

#[test]
fn all_unknown_keys_are_reported_at_once() {
    let folder = Folder::new();
    let yaml =
        format!("{SMALL}ouput: x\nintegration: {{binz: 1, rnge: [1, 2], bins: ten}}\npdf: {{windo: none}}\n");
    let error = folder.load(&yaml).unwrap_err();
    let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["ouput", "integration.binz", "integration.rnge", "integration.bins", "pdf.windo"]);
    assert!(error.to_string().ends_with("\n\n5 problems"));
}

/// Sub-peaks begin at sums of radii; of oxygen in metallic glasses there is none.
#[test]
fn sub_peaks_need_a_radius_of_every_element() {
    let folder = Folder::new();
    let of = |composition: &str| {
        let small = SMALL.replace("Zr62 Cu15.5 Ni12.5 Al10", composition);
        folder.load(&format!(
            "{small}pdf: {{density_g_cm3: 2.2}}\nsub_peaks: {{r_range_angstrom: [1.2, 3.0]}}\n"
        ))
    };
    let error = of("Si O2").unwrap_err();
    assert_eq!((only(&error).key.as_str(), only(&error).line), ("sub_peaks", Some(6)), "{error}");
    assert!(
        error.to_string().contains("is known of O,") && error.to_string().contains("`sub_peaks: off`"),
        "{error}"
    );
    assert!(of("Fe78 Si9 B13").is_ok() && of("Nd60 Fe30 Al10").is_ok() && of("Pd40 Ni40 P20").is_ok());
}

#[test]
fn a_missing_geometry_does_not_hide_a_wrong_detector() {
    let folder = Folder::new();
    let yaml = SMALL.replace("c.poni", "nowhere.poni") + "detector: {name: Pilatus CdTe 2N}\n";
    let error = folder.load(&yaml).unwrap_err();
    let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["geometry.poni", "detector.name"], "{error}");
}

#[test]
fn all_problems_of_meaning_are_reported_at_once() {
    let folder = Folder::new();
    let yaml = "geometry: c.poni\ncomposition: Zr62 Qq10\nbeam: {polarization: 2}\nintegration: {bins: 0}\n\
                mask: {files: [no.edf]}\nsectors:\n- {name: ring, centre_deg: 0, width_deg: 0}\n\
                samples:\n- {name: ../x, frames: a_*.tif}\n- {name: b, frames: none_*.tif}\n- {name: B, frames: b_1.tif}\n";
    let error = folder.load(yaml).unwrap_err();
    let found: Vec<_> = error.problems.iter().map(|p| (p.line.unwrap(), p.key.as_str())).collect();
    assert_eq!(
        found,
        [
            (2, "composition"),
            (3, "beam.polarization"),
            (4, "integration.bins"),
            (5, "mask.files[0]"),
            (7, "sectors[0].name"),
            (7, "sectors[0].width_deg"),
            (9, "samples[0].name"),
            (10, "samples[1].frames"),
            (11, "samples[2].name"),
        ]
    );
    assert!(!error.only_missing_inputs());
    assert!(error.to_string().contains("`Qq` is no element"), "{error}");
}

#[test]
fn what_every_run_needs_is_asked_for() {
    let folder = Folder::new();
    for empty in ["", "---\n", "# nothing\n", "{}\n"] {
        let error = folder.load(empty).unwrap_err();
        let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["samples", "geometry", "composition"], "{empty:?}");
        assert!(!error.only_missing_inputs());
    }
}

#[test]
fn missing_files_are_told_from_mistakes() {
    let folder = Folder::new();
    let yaml = SMALL.replace("c.poni", "no.poni").replace("a_*.tif", "[no_*.tif, z.tif]");
    let yaml = format!(
        "{yaml}mask: {{files: [no.edf]}}\ncorrections: {{flat: no.tif, dark: d_*.tif}}\n\
         background: {{frames: no_air.tif}}\nintegration: {{normalize_by: none}}\n"
    );
    let error = folder.load(&yaml).unwrap_err();
    let found: Vec<_> =
        error.problems.iter().map(|p| (p.line.unwrap(), p.column.unwrap(), p.key.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, 11, "geometry.poni"),
            (4, 22, "samples[0].frames[0]"),
            (4, 32, "samples[0].frames[1]"),
            (5, 16, "mask.files[0]"),
            (6, 21, "corrections.flat"),
            (6, 35, "corrections.dark"),
            (7, 22, "background.frames"),
        ],
        "{error}"
    );
    assert!(error.only_missing_inputs());

    let error = load(&folder.path("absent.yaml"), &[]).unwrap_err();
    assert!(error.only_missing_inputs());
    assert!(only(&error).message.contains("not there"));
    // A folder, or a file that is no text, is a mistake.
    assert!(!load(&folder.path(""), &[]).unwrap_err().only_missing_inputs());
    folder.file("latin.yaml", b"output: x\nname: \xe9\n");
    let error = load(&folder.path("latin.yaml"), &[]).unwrap_err();
    assert!(only(&error).message.contains("line 2"), "{error}");
}

#[test]
fn frames_that_cannot_be_meant_are_refused() {
    let folder = Folder::new();
    for (frames, message) in [
        ("[]", "list of frames is empty"),
        ("[a_*.tif, a_2.tif]", "more than one pattern"),
        ("'a_[.tif'", "is no pattern"),
        ("a***.tif", "is no pattern"),
        ("12", "found `12`, expected a path"),
        ("{path: x}", "found a block of keys, expected a path"),
    ] {
        let error = folder.load(&SMALL.replace("a_*.tif", frames)).unwrap_err();
        assert!(only(&error).message.contains(message), "{frames}: {error}");
    }
    let error = folder.load(&SMALL.replace("frames: a_*.tif", "frmes: a_*.tif")).unwrap_err();
    assert!(only(&error).mend.contains("did you mean `frames`?"), "{error}");
}

#[test]
fn placement_must_be_complete_and_single() {
    let folder = Folder::new();
    for (geometry, key, message) in [
        ("{poni: c.poni, distance_mm: 300}", "geometry.distance_mm", ".poni file is named as well"),
        ("{beam_centre_px: [700, 800]}", "geometry", "no distance"),
        ("{distance_mm: 300, distance_m: 0.3, beam_centre_px: [1, 2]}", "geometry", "both distance_m"),
        ("{distance_mm: -300, beam_centre_px: [1, 2]}", "geometry.distance_mm", "above 0"),
        ("{distance_mm: 300}", "geometry", "where the beam meets"),
        ("{distance_mm: 300, poni1_m: 0.1}", "geometry", "where the beam meets"),
        ("{distance_mm: 300, beam_centre_px: [1, 2], rot1_rad: 0.1}", "geometry.beam_centre_px", "upright"),
        ("[c.poni]", "geometry", "found a list, expected the path of a .poni file"),
        ("{calibrate: {frame: x}}", "geometry.calibrate", "`calibrant` is missing"),
    ] {
        let yaml = SMALL.replace("c.poni", geometry);
        let error =
            folder.load(&format!("{yaml}detector: {{name: Pilatus CdTe 2M}}\nbeam: {{energy_kev: 112}}\n"));
        let error = error.unwrap_err();
        assert_eq!(only(&error).key, key, "{error}");
        assert!(only(&error).message.contains(message), "{error}");
    }
    let inline = SMALL.replace("c.poni", "{distance_mm: 300, beam_centre_px: [700, 800]}");
    let error = folder.load(&format!("{inline}detector: {{name: Pilatus CdTe 2M}}\n")).unwrap_err();
    assert_eq!(only(&error).key, "beam");
    let error = folder.load(&format!("{inline}beam: {{energy_kev: 112}}\n")).unwrap_err();
    assert_eq!(only(&error).key, "detector");
    folder.file("broken.poni", "poni_version: 2\nDistance: far\n");
    let error = folder.load(&SMALL.replace("c.poni", "broken.poni")).unwrap_err();
    assert_eq!((only(&error).key.as_str(), only(&error).kind), ("geometry.poni", ProblemKind::Configuration));
}

#[test]
fn a_relative_scale_counts_no_atoms() {
    let folder = Folder::new();
    let yaml =
        format!("{SMALL}pdf: {{mode: pdfgetx3, density_g_cm3: 6.7}}\npeaks: {{coordination_number: r7}}\n");
    let error = folder.load(&yaml).unwrap_err();
    let found: Vec<_> = error.problems.iter().map(|p| (p.line.unwrap(), p.key.as_str())).collect();
    assert_eq!(
        found,
        [(5, "pdf.density_g_cm3"), (6, "peaks.coordination_number"), (6, "peaks.coordination_number")]
    );
}

#[test]
fn bad_overrides_are_reported_as_such() {
    let folder = Folder::new();
    for (set, key, message, mend) in [
        ("pdf.windo=none", "pdf.windo", "unknown key `windo`", "did you mean `window`?"),
        ("pdf.window=nine", "pdf.window", "unknown word", "did you mean `none`?"),
        ("integration.bins=0", "integration.bins", "expected 1 to", ""),
        ("pdf.window", "", "no `=`", "key.path=value"),
        ("=3", "", "no key before `=`", ""),
        ("samples[4].name=x", "samples[4].name", "`4` is no index", "1 entries"),
        ("samples.first.name=x", "samples.first.name", "`first` is no index", "counted from 0"),
        ("output[0]=x", "output[0]", "no list", ""),
        ("output=[x", "output", "unclosed bracket", ""),
    ] {
        let error = folder.load_with(SMALL, &[set]).unwrap_err();
        let problem = only(&error);
        assert_eq!((problem.key.as_str(), problem.line), (key, None), "{set}: {error}");
        assert!(problem.message.contains(message) && problem.mend.contains(mend), "{set}: {error}");
        assert_eq!(problem.source, format!("--set {set}"));
    }
    let deep = format!("{}=1", vec!["a"; 100_000].join("."));
    assert!(folder.load_with(SMALL, &[&deep]).unwrap_err().to_string().contains("parts"));
}

#[test]
fn large_and_growing_files_are_refused() {
    let folder = Folder::new();
    let error = folder.load(&format!("# {}\n{SMALL}", "x".repeat(11 << 20))).unwrap_err();
    assert!(only(&error).message.contains("10 MiB"), "{error}");
    let mut bomb = String::from("output: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        bomb.push_str(&format!(
            "k{level}: &a{level} [{}]\n",
            vec![format!("*a{}", level - 1); 10].join(", ")
        ));
    }
    assert!(folder.load(&bomb).is_err());
    assert!(folder.load(&format!("output: {}", "{a: ".repeat(100_000))).is_err());
}

/// Pieces of run files, put together in any way.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("samples:\n"),
        Just("- {name: a, frames: a_*.tif}\n"),
        Just("geometry: c.poni\n"),
        Just("composition: Zr1\n"),
        Just("pdf: "),
        Just("{window: none}"),
        Just("off\n"),
        Just("  bins: "),
        Just("integration:\n"),
        Just("1e999"),
        Just("-0.0"),
        Just("[0, 1e308]"),
        Just("null\n"),
        Just("*a"),
        Just("&a "),
        Just("<<: "),
        Just("range: "),
        Just("\t"),
        Just("\u{feff}"),
        Just("é: "),
        Just("beam: "),
        Just("{energy_kev: 1e-300}\n"),
        Just("detector: {pixel_um: 1e-30, shape: [1, 1]}\n"),
        Just("sectors: "),
        Just("18446744073709551615"),
        Just("peaks: {g_of_r: {\"\": [0, 1]}}\n"),
        Just("|\n"),
        Just("\r\n"),
        Just("!!binary aGk=\n"),
        Just("\0"),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", pieces in fragments(), set in "\\PC{0,40}") {
        let folder = Folder::new();
        for yaml in [text.clone(), pieces.clone(), format!("{SMALL}{pieces}"), format!("{SMALL}{text}")] {
            if let Err(error) = folder.load_with(&yaml, &[&set]) {
                prop_assert!(!error.problems.is_empty());
                prop_assert!(error.problems.iter().all(|problem| !problem.message.is_empty()), "{}", error);
            }
        }
    }

    #[test]
    fn no_number_makes_the_checks_panic(
        key in prop::sample::select(vec![
            "integration.range[0]", "integration.range[1]", "beam.energy_kev", "beam.wavelength_angstrom",
            "geometry.distance_mm", "pdf.r_step_angstrom", "pdf.q_range_inv_angstrom[0]", "pdf.r_range_angstrom[1]",
            "detector.shape[0]", "detector.sensor.thickness_mm", "corrections.air_path_mm", "integration.bins",
        ]),
        value in prop_oneof![any::<f64>().prop_map(|v| format!("{v:e}")), any::<i64>().prop_map(|v| v.to_string()), Just("0".into())],
    ) {
        let folder = Folder::new();
        let yaml = "samples: [{name: a, frames: a_1.tif}]\ncomposition: CeO2\nbeam: {}\n\
            geometry: {distance_mm: 300, beam_centre_px: [70, 80]}\nintegration: {range: [0.5, 2]}\n\
            detector: {pixel_um: 172, shape: [100, 120], sensor: {material: Si, density_g_cm3: 2.33, thickness_mm: 1}}\n\
            pdf: {q_range_inv_angstrom: [0.6, 1.9], r_range_angstrom: [0, 20]}\n";
        let energy = if key.starts_with("beam") { "beam.polarization=0.9" } else { "beam.energy_kev=60" };
        if let Err(error) = folder.load_with(yaml, &[energy, &format!("{key}={value}")]) {
            prop_assert!(!error.problems.is_empty());
        }
    }
}
