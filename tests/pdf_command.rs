//! `halor pdf`: patterns of other programs, and files of PDFgetX3.

use std::f64::consts::PI;
use std::path::Path;
use std::process::{Command, Output};

use halor::units::wavelength_angstrom;

use crate::common::data;
use crate::truth::{DENSITY, ENERGY_KEV, glass_f, intensity};

fn halor(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_halor")).current_dir(dir).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Columns of numbers of a file with any header.
fn columns(path: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(path).unwrap();
    let data = text.split("#### start data").last().unwrap();
    let row =
        |line: &str| line.split_whitespace().map(|field| field.parse().ok()).collect::<Option<Vec<f64>>>();
    let rows: Vec<Vec<f64>> = data.lines().filter_map(row).filter(|row| row.len() >= 2).collect();
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

/// What air and container would add: smooth, as strong as the sample.
fn air(q: f64) -> f64 {
    400.0 + 3000.0 / (1.0 + q * q)
}

/// The glass with air in it as a Fit2D file over 2θ, and air alone on other points over Q in 1/nm.
fn glass_files(dir: &Path) {
    let wavelength = wavelength_angstrom(ENERGY_KEV);
    let angles: Vec<f64> = (0..3400).map(|i| 0.45 + 0.0075 * f64::from(i)).collect();
    let q: Vec<f64> =
        angles.iter().map(|angle| 4.0 * PI / wavelength * (0.5 * angle).to_radians().sin()).collect();
    let glass = intensity(&q, &glass_f, 1.0, 0.0);
    let mut chi = format!("glass\n 2-Theta Angle (Degrees)\n Intensity\n       {}\n", q.len());
    for ((angle, q), glass) in angles.iter().zip(&q).zip(glass) {
        chi.push_str(&format!(" {angle:.7E} {:.7E}\n", glass + 0.8 * air(*q)));
    }
    std::fs::write(dir.join("glass.chi"), chi).unwrap();
    let mut xy = format!("# Wavelength: {:e} m\n# q_nm^-1 I sigma\n", 1e-10 * wavelength);
    for q in (0..2600).map(|i| 0.3 + 0.01 * f64::from(i)) {
        xy.push_str(&format!("{:.6} {:.7e} 0.02\n", 10.0 * q, air(q)));
    }
    std::fs::write(dir.join("air.xye"), xy).unwrap();
}

#[test]
fn a_glass_comes_back_from_text() {
    let dir = tempfile::tempdir().unwrap();
    glass_files(dir.path());
    let (energy, density) = (ENERGY_KEV.to_string(), DENSITY.to_string());
    let arguments = [
        "pdf",
        "glass.chi",
        "--background",
        "air.xye",
        "--background-scale",
        "0.8",
        "--composition",
        "Zr62 Cu15.5 Ni12.5 Al10",
        "--energy-kev",
        &energy,
        "--density-atoms-per-cubic-angstrom",
        &density,
        "--q-range-inv-angstrom",
        "0.7,22",
        "--fluorescence",
        "none",
        "--window",
        "none",
        "--set",
        "peaks={g_of_r: {r1: [2.0, 3.6]}, coordination_number: r1}",
    ];
    let output = halor(dir.path(), &arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let [q, s, ..] = &columns(&dir.path().join("glass.sq"))[..] else { panic!("columns") };
    let errors = q.iter().zip(s).filter(|(q, _)| **q > 0.7).map(|(q, s)| (s - 1.0 - glass_f(*q) / q).powi(2));
    let rms = (errors.sum::<f64>() / q.len() as f64).sqrt();
    // 4e-4 from exact data; seven digits of a file, and straight lines between points, add less.
    assert!(rms < 1e-3, "{rms}");
    let table = std::fs::read_to_string(dir.path().join("glass.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|name| *name == "coordination_number").unwrap();
    let r1 = rows.iter().find(|row| row[4] == "r1").unwrap();
    let number: f64 = r1[column].parse().unwrap();
    assert!((number / 10.7777 - 1.0).abs() < 0.005, "{number}");

    let again = halor(dir.path(), &arguments);
    assert_eq!(code(&again), 2);
    assert!(stderr(&again).contains("exists already"), "{}", stderr(&again));

    // From its own .iq the same, σ too: the air's coarser points are shared by several of the glass's, and the file says so.
    let dg = |name: &str| columns(&dir.path().join(name))[3].clone();
    let before = dg("glass.gr");
    let own: Vec<&str> =
        arguments.iter().copied().map(|a| if a == "glass.chi" { "glass.iq" } else { a }).collect();
    let own: Vec<&str> = [&own[..2], &own[6..]].concat();
    let forced = halor(dir.path(), &[&own[..], &["--force"]].concat());
    assert_eq!(code(&forced), 2, "{}", stderr(&forced));
    assert!(stderr(&forced).contains("would replace an input"), "{}", stderr(&forced));
    let elsewhere = halor(dir.path(), &[&own[..], &["--output", "again"]].concat());
    assert_eq!(code(&elsewhere), 0, "{}", stderr(&elsewhere));
    for (a, b) in before.iter().zip(&dg("again/glass.gr")).skip(1) {
        assert!((a / b - 1.0).abs() < 1e-3, "{a} {b}");
    }
    // Two patterns of one name would leave one result.
    std::fs::create_dir(dir.path().join("other")).unwrap();
    std::fs::copy(dir.path().join("air.xye"), dir.path().join("other/air.xye")).unwrap();
    let two = [
        "pdf",
        "air.xye",
        "other/air.xye",
        "--composition",
        "Fe",
        "--q-range-inv-angstrom",
        "1,20",
        "--force",
    ];
    let two = halor(dir.path(), &two);
    assert!(code(&two) == 1 && stderr(&two).contains("another result of this run"), "{}", stderr(&two));
}

#[test]
fn tune_finds_the_scale_of_the_background() {
    let dir = tempfile::tempdir().unwrap();
    glass_files(dir.path());
    let (energy, density) = (ENERGY_KEV.to_string(), DENSITY.to_string());
    let output = halor(
        dir.path(),
        &[
            "tune",
            "glass.chi",
            "--background",
            "air.xye",
            "--background-scale",
            "0.75",
            "--composition",
            "Zr62 Cu15.5 Ni12.5 Al10",
            "--energy-kev",
            &energy,
            "--density-atoms-per-cubic-angstrom",
            &density,
            "--q-range-inv-angstrom",
            "0.7,22",
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    let advised = |name: &str| -> f64 {
        let line = said.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split([' ', ':']).nth(1).unwrap().parse().unwrap()
    };
    // Air was put in with 0.8.
    assert!((advised("background-scale") - 0.8).abs() < 0.01, "{said}");
    assert!(advised("q-max") > 21.5 && (0.6..=1.5).contains(&advised("r-poly-angstrom")), "{said}");
    let table = std::fs::read_to_string(dir.path().join("glass.tune.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 9 + 7 + 5);
    assert!(std::fs::read_to_string(dir.path().join("glass.tune.svg")).unwrap().starts_with("<svg"));
}

/// What `--tune` and `--fit-low-r` chose stands in the headers, and any of the results is made again from its own, byte by byte.
#[test]
fn results_are_made_again_from_their_headers() {
    let dir = tempfile::tempdir().unwrap();
    glass_files(dir.path());
    let energy = ENERGY_KEV.to_string();
    let first = [
        "pdf",
        "glass.chi",
        "--background",
        "air.xye",
        "--background-scale",
        "0.75",
        "--composition",
        "Zr62 Cu15.5 Ni12.5 Al10",
        "--energy-kev",
        &energy,
        "--density-g-cm3",
        "6.7",
        "--q-range-inv-angstrom",
        "0.7,22",
        "--r-step-angstrom",
        "0.05",
        "--fit-low-r",
        "density",
        "--tune",
        "--covariance",
        "--output",
        "results",
    ];
    let output = halor(dir.path(), &first);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let header = std::fs::read_to_string(dir.path().join("results/glass.gr")).unwrap();
    let value = |key: &str| -> f64 {
        let line = header.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split([' ', ':']).nth(2).unwrap().parse().unwrap()
    };
    assert!((value("tuned_background_scale") - 0.8).abs() < 0.01 && (value("bgscale") - 0.8).abs() < 0.01);
    assert!((value("low_r_fit_density_atoms_per_cubic_angstrom") / DENSITY - 1.0).abs() < 0.03);
    for (result, folder) in [("results/glass.gr", "once"), ("once/glass.sq", "twice")] {
        let output = halor(dir.path(), &["pdf", result, "--output", folder]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        for ending in ["iq", "sq", "fq", "gr", "rdf", "csv", "svg", "gr.covariance.npy"] {
            let of =
                |folder: &str| std::fs::read(dir.path().join(format!("{folder}/glass.{ending}"))).unwrap();
            assert!(of("results") == of(folder), "{folder} {ending}");
        }
    }
    // Options go before the header, and its own file is no input that must not be replaced.
    let output =
        halor(dir.path(), &["pdf", "once/glass.gr", "--window", "none", "--output", "once", "--force"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(std::fs::read_to_string(dir.path().join("once/glass.gr")).unwrap().contains("\nwindow = None\n"));
    let (_, data) = header.split_once("# End of config").unwrap();
    let of_run = format!("[DEFAULT]\n\nversion = halor 0\nsample = a\n\n# End of config{data}");
    std::fs::write(dir.path().join("run.gr"), of_run).unwrap();
    let output = halor(dir.path(), &["pdf", "run.gr"]);
    assert!(code(&output) == 2 && stderr(&output).contains("config.yaml"), "{}", stderr(&output));
}

#[test]
fn the_resolution_of_a_powder_comes_from_its_gr() {
    let dir = tempfile::tempdir().unwrap();
    let nickel = halor::simulate::Crystal::named("Ni").unwrap();
    let weights = halor::simulate::crystal::Weights::AtomicNumber;
    let seen = nickel.pdf_through(22.0, halor::pdf::Window::Lorch, weights).unwrap();
    let mut text =
        String::from("[DEFAULT]\nqmax = 22.0\nwindow = Lorch\n#### start data\n#L r(Å)  G(Å$^{-2}$)\n");
    for r in (0..2500).map(|i| 0.01 * f64::from(i)) {
        text.push_str(&format!("{r:.2} {:.8}\n", seen.at(r)));
    }
    std::fs::write(dir.path().join("ni.gr"), text).unwrap();
    let output = halor(dir.path(), &["resolution", "ni.gr", "--calibrant", "Ni"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |line: &str| line.split(' ').nth(1).unwrap().parse::<f64>().unwrap();
    let damp = said.lines().find(|line| line.starts_with("qdamp_inv_angstrom")).map(value).unwrap();
    let width = nickel.ring_width().constant_inv_angstrom;
    assert!((damp / width - 1.0).abs() < 0.02, "{said}, {width}");
    let json = halor(dir.path(), &["resolution", "ni.gr", "--calibrant", "Ni", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json["q_damp_inv_angstrom"]["sigma"].as_f64().unwrap() < 1e-3);
    let output = halor(dir.path(), &["resolution", "ni.gr", "--calibrant", "Nj"]);
    assert!(code(&output) == 2 && stderr(&output).contains("Ni"), "{}", stderr(&output));
}

#[test]
fn what_is_missing_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    glass_files(dir.path());
    std::fs::write(dir.path().join("plain.dat"), "1 2\n2 3\n3 4\n").unwrap();
    let tune = halor(dir.path(), &["tune", "air.xye", "--composition", "Fe", "--config", "none.cfg"]);
    assert!(code(&tune) == 2 && stderr(&tune).contains("absolute scale only"), "{}", stderr(&tune));
    for (arguments, exit, expected) in [
        (&["glass.chi", "--composition", "Fe"][..], 2, "nothing says the wavelength"),
        (&["plain.dat", "--composition", "Fe"], 2, "give --axis"),
        (&["air.xye"], 2, "S(Q) needs the composition"),
        (&["air.xye", "--composition", "Fe", "--window", "lorchh"], 2, "did you mean `lorch`?"),
        (
            &["air.xye", "--composition", "Fe", "--q-range-inv-angstrom", "1,40"],
            2,
            "which runs from Q = 0.300",
        ),
        (&["none.chi", "--composition", "Fe"], 3, "none.chi"),
        // It is taken as asked, but not silently.
        (
            &["air.xye", "--composition", "Fe", "--axis", "q-inv-angstrom", "--q-range-inv-angstrom", "4,60"],
            0,
            "header says x is Q in 1/nm, Q in 1/Å is used",
        ),
        (&["air.xye", "--composition", "Fe", "--axis", "two-theta-deg"], 2, "2θ of 180.100° is beyond 180°"),
    ] {
        let output = halor(dir.path(), &[&["pdf"], arguments].concat());
        assert_eq!(code(&output), exit, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

/// Largest difference, relative to the largest value.
fn disagreement(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    found.iter().zip(expected).fold(0.0_f64, |a, (f, e)| a.max((f - e).abs())) / largest
}

#[test]
fn a_configuration_of_pdfgetx3_gives_its_results_and_runs_again_from_them() {
    let Some(record) = data("pdfgetx3_chain") else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(record.join("ceo2.iq"), dir.path().join("ceo2.dat")).unwrap();
    // The recorded I(Q) is less its background, and ends a part of a step before the pattern did.
    let written = std::fs::read_to_string(record.join("config.cfg")).unwrap();
    let config = written.replace("backgroundfile = ./background.xy", "inputfile = ceo2.dat");
    std::fs::write(dir.path().join("ceo2.cfg"), config).unwrap();
    let output = halor(dir.path(), &["pdf", "ceo2.cfg"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    for kind in ["iq", "sq", "fq", "gr"] {
        let found = columns(&dir.path().join(format!("ceo2.{kind}")));
        let expected = columns(&record.join(format!("ceo2.{kind}")));
        // Rounding of sums of thousands of products (measured: 8e-14).
        for (found, expected) in found.iter().zip(&expected) {
            let error = disagreement(found, expected);
            assert!(error < 1e-11, "{kind}: {error:e}");
        }
    }
    let first = std::fs::read_to_string(dir.path().join("ceo2.gr")).unwrap();
    assert!(first.contains("\ncomposition = CeO2\n") && first.contains("\nrpoly = 1.8\n"), "{first}");
    let refused = halor(dir.path(), &["pdf", "ceo2.gr"]);
    assert_eq!(code(&refused), 2, "{}", stderr(&refused));
    let again = halor(dir.path(), &["pdf", "ceo2.gr", "--force"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(dir.path().join("ceo2.gr")).unwrap(), first);
}

/// What the command line changes stands in the outputs, so that they run again as they were: 2θ, zero, composition, λ.
#[test]
fn outputs_for_pdfgetx3_say_what_was_used() {
    let dir = tempfile::tempdir().unwrap();
    glass_files(dir.path());
    std::fs::write(dir.path().join("c.cfg"), "[DEFAULT]\ncomposition = Ni\nqmax = 20\noutputtype = gr\n")
        .unwrap();
    let energy = ENERGY_KEV.to_string();
    let arguments = ["pdf", "--config", "c.cfg", "glass.chi", "--composition", "Zr62 Cu15.5 Ni12.5 Al10"];
    let arguments = [&arguments[..], &["--two-theta-zero-deg", "0.05", "--energy-kev", &energy]].concat();
    let output = halor(dir.path(), &arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let first = std::fs::read_to_string(dir.path().join("glass.gr")).unwrap();
    for line in ["dataformat = twotheta", "twothetazero = 0.05", "composition = Zr62 Cu15.5 Ni12.5 Al10"] {
        assert!(first.contains(&format!("\n{line}\n")), "{line}: {first}");
    }
    let again = halor(dir.path(), &["pdf", "glass.gr", "--force"]);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(dir.path().join("glass.gr")).unwrap(), first);
}
