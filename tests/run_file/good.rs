//! Good run files: defaults, overrides, the resolved form, the documentation.

use halor::config::{Config, EngineChoice, Loaded, MaskShape, NormalizeBy, load};
use halor::correct::{
    Container, Correction, DeadTimeModel, SampleAbsorption, SampleShape, attenuation_per_m,
};
use halor::integrate::{Azimuth, Fold, RadialUnit, Splitting};
use halor::pdf::Window;
use halor::peaks::PeakSearch;
use halor::structure::{Fluorescence, LowQ, Normalization, StructureSettings};
use halor::units::wavelength_angstrom;

use super::{Folder, SMALL};

/// Loads the resolved form from another folder and finds the same configuration and the same resolved form.
pub(super) fn comes_back(folder: &Folder, loaded: &Loaded) {
    folder.file("elsewhere/resolved.yaml", &loaded.resolved_yaml);
    let again = load(&folder.path("elsewhere/resolved.yaml"), &[])
        .unwrap_or_else(|error| panic!("{error}\n{}", loaded.resolved_yaml));
    let expected = Config { source: again.config.source.clone(), ..loaded.config.clone() };
    assert_eq!(again.config, expected);
    assert_eq!(again.resolved_yaml, loaded.resolved_yaml);
}

#[test]
fn the_smallest_run_file_takes_the_documented_defaults() {
    let folder = Folder::new();
    let loaded = folder.load(SMALL).unwrap();
    let config = &loaded.config;
    assert_eq!(config.output, folder.path("results"));
    assert_eq!(config.source, folder.path("run.yaml"));
    assert_eq!(config.engine, EngineChoice::Auto);
    assert_eq!(config.geometry.poni.wavelength_angstrom, 0.1107);
    // The sensor comes with the detector's name: 1 mm of CdTe.
    assert_eq!(
        config.corrections.factors[..2],
        [Correction::SolidAngle, Correction::Polarization { factor: 0.99 }]
    );
    let Correction::SensorEfficiency { mu_per_m, thickness_m } = config.corrections.factors[2] else {
        panic!()
    };
    // μ of CdTe at 112 keV is about 7.3 cm⁻¹; the figure has two digits.
    assert!(
        (mu_per_m - 730.0).abs() < 15.0 && (thickness_m - 1e-3).abs() < 1e-12,
        "{mu_per_m} {thickness_m}"
    );
    assert!(config.corrections.dark.is_empty() && config.corrections.flat.is_none());
    assert!(config.corrections.dead_time.is_none() && config.corrections.saturated_counts.is_none());
    let integration = &config.integration;
    assert_eq!(integration.unit, RadialUnit::QInvAngstrom);
    assert_eq!(integration.splitting, Splitting::Full);
    assert_eq!((integration.normalize_by, integration.exposure_s), (NormalizeBy::None, None));
    // From the beam, on the detector, to the furthest corner (row 0, column 1475) at 0.1922 m: tan 2θ = 0.641.
    let corner = (0.1444_f64.hypot(1475.0 * 0.000172 - 0.1268) / 0.3).atan();
    let q_corner = 4.0 * std::f64::consts::PI * (0.5 * corner).sin() / 0.1107;
    assert_eq!(integration.bins.lower, 0.0);
    assert!((integration.bins.upper - q_corner).abs() < 1e-9 * q_corner, "{integration:?}");
    // 2 · 0.19224 m/172 µm = 2235.3 half pixels.
    assert_eq!(integration.bins.count, 2235);
    assert_eq!(config.regions.len(), 1);
    assert_eq!((config.regions[0].name.as_str(), config.regions[0].azimuth), ("ring", Azimuth::Ring));

    let pdf = config.pdf.as_ref().unwrap();
    let StructureSettings::Absolute(absolute) = &pdf.structure else { panic!("{pdf:?}") };
    assert_eq!(absolute.q_range, [0.5, 25.0]);
    assert_eq!(absolute.normalization, Normalization::HighQ { q_min: 10.0 });
    assert_eq!((absolute.fluorescence, absolute.low_q), (Fluorescence::Fit, LowQ::Quartic));
    assert_eq!(absolute.polynomial.map(|p| (p.r_poly_angstrom, p.r_hole_angstrom)), Some((1.0, 2.0)));
    assert_eq!(absolute.density_per_cubic_angstrom, None);
    assert_eq!(pdf.transform.window, Window::Lorch);
    assert_eq!((pdf.transform.r.start, pdf.transform.r.step, pdf.transform.r.count), (0.0, 0.01, 3001));
    assert_eq!((&pdf.peaks.s_of_q, &pdf.peaks.g_of_r), (&PeakSearch::First(2), &PeakSearch::First(4)));
    assert_eq!(pdf.peaks.coordination_number, None);

    let files: Vec<_> = config.samples[0].frames.iter().map(|frame| frame.path.clone()).collect();
    assert_eq!(files, ["a_1.tif", "a_2.tif", "a_10.tif"].map(|name| folder.path(name)));
    assert_eq!(loaded.warnings, Vec::<String>::new());
    comes_back(&folder, &loaded);
}

#[test]
fn the_documented_run_files_load_and_come_back() {
    let text = include_str!("../../docs/run-file.md");
    let blocks: Vec<&str> =
        text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [small, full] = blocks.as_slice() else { panic!("{} YAML blocks", blocks.len()) };
    let folder = Folder::new();
    folder.file("ceo2.poni", super::PONI);
    folder.file("hot.msk", "");
    for name in ["as_cast_1", "as_cast_2", "aged_1", "air_1", "air_2", "tg10h_1", "tg10h_2", "uv75_1"] {
        folder.file(&format!("data/{name}.tif"), "");
    }
    comes_back(&folder, &folder.load(small).unwrap());

    let loaded = folder.load(full).unwrap_or_else(|error| panic!("{error}"));
    comes_back(&folder, &loaded);
    let config = &loaded.config;
    assert_eq!(config.geometry.poni.wavelength_angstrom, wavelength_angstrom(112.0));
    assert_eq!(config.geometry.detector.name, "Pilatus CdTe 2M");
    assert_eq!(config.mask.shapes.len(), 3);
    assert_eq!(config.mask.shapes[0], MaskShape::Circle { centre_px: [737.2, 840.1], radius_px: 22.0 });
    assert_eq!(config.corrections.factors.len(), 4);
    assert_eq!(config.corrections.flat, Some(folder.path("flat.tif")));
    let dead_time = config.corrections.dead_time.unwrap();
    assert_eq!((dead_time.model, dead_time.tau_s), (DeadTimeModel::NonParalyzable, 1.2e-7));
    let sectors: Vec<_> = config.regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(sectors, ["ring", "X", "Y"]);
    assert_eq!(
        config.regions[2].azimuth,
        Azimuth::Sector { centre_deg: 90.0, width_deg: 10.0, fold: Fold::WithOpposite }
    );
    // The first sample takes the run's background, the second none, the third its own.
    let backgrounds: Vec<_> =
        config.samples.iter().map(|s| s.background.as_ref().map(|b| (b.frames.len(), b.scale))).collect();
    assert_eq!(backgrounds, [Some((2, 1.0)), None, Some((1, 0.98))]);
    assert_eq!(config.samples[0].properties["plastic_strain_percent"], 9.6);
    let counted = config.pdf.as_ref().unwrap().peaks.coordination_number.clone().unwrap();
    assert_eq!((counted.peak.as_str(), counted.limits_angstrom), ("r1", Some([2.0, 3.6])));
}

#[test]
fn every_key_of_the_schema_is_documented() {
    let text = include_str!("../../docs/run-file.md");
    let folder = Folder::new();
    // Each block lists its keys when it meets an unknown one.
    for block in [
        "",
        "beam.",
        "detector.",
        "geometry.",
        "mask.",
        "corrections.",
        "integration.",
        "pdf.",
        "peaks.",
        "sub_peaks.",
        "anisotropy.",
        "series.",
        "samples[0].",
    ] {
        let error = folder.load_with(SMALL, &[&format!("{block}zzz=1")]).unwrap_err();
        let mend = error.problems[0].mend.clone();
        let keys = mend.split_once("allowed here: ").unwrap_or_else(|| panic!("{block}: {error}")).1;
        for key in keys.split(", ") {
            let is_named = text.contains(&format!("`{block}{key}`").replace("[0]", "[]"))
                || text.contains(&format!("`{key}`"))
                || text.contains(&format!("`{key}."))
                || text.contains(&format!("`{key}[]."));
            assert!(is_named, "docs/run-file.md does not name `{block}{key}`");
        }
    }
}

#[test]
fn overrides_go_before_the_file_and_later_ones_win() {
    let folder = Folder::new();
    let yaml = format!("{SMALL}integration: {{range: [1, 20]}}\n");
    let set = [
        "pdf.window=none",
        "pdf.window=cosine",
        "integration.range[1]=15",
        "samples.0.name=007",
        "output=../out",
        "geometry.poni=c.poni",
        "corrections.solid_angle=off",
        "mask.files=[mask.edf]",
    ];
    let loaded = folder.load_with(&yaml, &set).unwrap_or_else(|error| panic!("{error}"));
    let config = &loaded.config;
    assert_eq!(config.pdf.as_ref().unwrap().transform.window, Window::Cosine);
    assert_eq!((config.integration.bins.lower, config.integration.bins.upper), (1.0, 15.0));
    assert_eq!(config.samples[0].name, "007");
    assert_eq!(config.output, folder.path("../out"));
    assert_eq!(config.corrections.factors.len(), 2);
    assert_eq!(config.mask.files, [folder.path("mask.edf")]);
    comes_back(&folder, &loaded);
    // `off` written in the file gives way to a key of the block.
    let loaded = folder.load_with(&format!("{SMALL}pdf: off\n"), &["pdf.window=none"]).unwrap();
    assert!(loaded.config.pdf.is_some());
}

#[test]
fn switches_and_names_are_read_as_written() {
    let folder = Folder::new();
    for (off, on) in [("off", "on"), ("false", "true")] {
        let yaml = format!(
            "{SMALL}corrections: {{solid_angle: {off}, polarization: {on}, sensor: {off}}}\npdf: {off}\n"
        );
        let config = folder.load(&yaml).unwrap().config;
        assert_eq!(config.corrections.factors, [Correction::Polarization { factor: 0.99 }]);
        assert_eq!(config.pdf, None);
    }
    for name in ["Y", "no", "007", "1e3", "true", "12.50"] {
        let loaded = folder.load(&SMALL.replace("name: a", &format!("name: {name}"))).unwrap();
        assert_eq!(loaded.config.samples[0].name, name);
        comes_back(&folder, &loaded);
    }
}

#[test]
fn detectors_come_back_in_every_form() {
    let folder = Folder::new();
    let at = "{distance_mm: 299.9, beam_centre_px: [70.3, 80.1]}";
    let turned = "{distance_m: 0.2999, poni1_m: 0.0133, poni2_m: 0.0121, rot1_rad: 0.01}";
    for (detector, geometry) in [
        ("{name: Pilatus CdTe 300k}", at),
        ("{name: Pilatus CdTe 300k, orientation: 1}", at),
        ("{name: Pilatus 300k, sensor: {material: Si, density_g_cm3: 2.329, thickness_mm: 0.45}}", turned),
        ("{pixel_um: 99.9, shape: [500, 600]}", at),
        ("{pixel_um: [79.3, 55.1], shape: [500, 600], orientation: 2}", turned),
        ("{name: Perkin, pixel_um: 400}", turned),
    ] {
        let yaml = format!(
            "{}detector: {detector}\nbeam: {{energy_kev: 98.765}}\npdf: {{q_range_inv_angstrom: [0.5, 2]}}\n",
            SMALL.replace("c.poni", geometry)
        );
        comes_back(&folder, &folder.load(&yaml).unwrap_or_else(|error| panic!("{error}")));
    }
    // The beam centre is a pixel of the array as read, whatever the orientation.
    for orientation in 1..=4 {
        let yaml = SMALL.replace("c.poni", at);
        let yaml = format!(
            "{yaml}pdf: off\nbeam: {{energy_kev: 60}}\n\
             detector: {{name: Pilatus CdTe 300k, orientation: {orientation}}}\n"
        );
        let geometry = folder.load(&yaml).unwrap().config.geometry;
        assert!(geometry.direction(80.1, 70.3).two_theta_rad < 1e-12, "orientation {orientation}");
    }
}

#[test]
fn pdfgetx3_mode_takes_its_own_defaults() {
    let folder = Folder::new();
    let loaded =
        folder.load(&format!("{SMALL}pdf: {{mode: pdfgetx3}}\nintegration: {{range: [1, 24]}}\n")).unwrap();
    let pdf = loaded.config.pdf.as_ref().unwrap();
    let StructureSettings::PdfGetX3(settings) = &pdf.structure else { panic!("{pdf:?}") };
    assert_eq!((settings.qmin, settings.qmax, settings.qmaxinst, settings.rpoly), (1.0, 24.0, 24.0, 0.9));
    assert_eq!(pdf.transform.window, Window::None);
    comes_back(&folder, &loaded);
}

#[test]
fn the_normalisation_window_follows_a_short_q_range() {
    let folder = Folder::new();
    let loaded =
        folder.load(&format!("{SMALL}pdf: {{q_range_inv_angstrom: [0.7, 12], r_poly_angstrom: off}}\n"));
    let loaded = loaded.unwrap();
    let StructureSettings::Absolute(absolute) = &loaded.config.pdf.as_ref().unwrap().structure else {
        panic!()
    };
    // 0.6 · 12, in doubles.
    let Normalization::HighQ { q_min } = absolute.normalization else { panic!("{absolute:?}") };
    assert!((q_min - 7.2).abs() < 1e-12);
    assert_eq!(absolute.polynomial, None);
    comes_back(&folder, &loaded);
}

#[test]
fn mass_density_becomes_number_density() {
    let folder = Folder::new();
    let yaml = SMALL.replace("Zr62 Cu15.5 Ni12.5 Al10", "CeO2");
    let yaml = format!("{yaml}pdf: {{density_g_cm3: 7.215}}\npeaks: {{coordination_number: r1}}\n");
    let loaded = folder.load(&yaml).unwrap();
    let StructureSettings::Absolute(absolute) = &loaded.config.pdf.as_ref().unwrap().structure else {
        panic!()
    };
    // Twelve atoms in the cell of CeO2, a = 5.41165 Å: 0.07572 Å⁻³; the density above is rounded to 4 digits.
    let expected = 12.0 / 5.41165_f64.powi(3);
    let found = absolute.density_per_cubic_angstrom.unwrap();
    assert!((found / expected - 1.0).abs() < 2e-3, "{found} {expected}");
    comes_back(&folder, &loaded);
}

#[test]
fn odd_but_possible_runs_are_warned_about() {
    let folder = Folder::new();
    let warnings = |yaml: &str| folder.load(yaml).unwrap_or_else(|error| panic!("{error}")).warnings;
    let beam = warnings(&format!("{SMALL}beam: {{energy_kev: 111}}\n"));
    assert!(
        matches!(beam.as_slice(), [w] if w.contains(":5: beam.energy_kev: ") && w.contains("112.0")),
        "{beam:?}"
    );
    // 0.05 % is the same beam.
    assert!(warnings(&format!("{SMALL}beam: {{wavelength_angstrom: 0.11075}}\n")).is_empty());
    let shared = warnings(&format!("{SMALL}- {{name: b, frames: [a_2.tif, b_1.tif]}}\n"));
    assert!(
        matches!(shared.as_slice(), [w] if w.contains("samples[1].frames: 1 of its files")),
        "{shared:?}"
    );
    let own = warnings(&format!(
        "{SMALL}background: {{frames: a_2.tif, scale: 1}}\nintegration: {{normalize_by: exposure}}\n"
    ));
    assert!(own.iter().any(|w| w.contains("samples[0].frames") && w.contains("background")), "{own:?}");
    let wide = warnings(&format!("{SMALL}integration: {{range: [0.5, 40]}}\n"));
    assert!(matches!(wide.as_slice(), [w] if w.contains("stay empty")), "{wide:?}");
    let far = warnings(&format!("{SMALL}pdf: {{r_range_angstrom: [0, 400]}}\n"));
    assert!(matches!(far.as_slice(), [w] if w.contains("nothing beyond r")), "{far:?}");
    let unused = warnings(&format!("{SMALL}pdf: off\npeaks: {{s_of_q: 1}}\n"));
    assert!(matches!(unused.as_slice(), [w] if w.contains("`pdf` is off")), "{unused:?}");
    let bare = warnings(&format!("{SMALL}detector: {{pixel_um: 172, shape: [1679, 1475]}}\n"));
    assert!(matches!(bare.as_slice(), [w] if w.contains("sensor of the detector is not known")), "{bare:?}");
    folder.file("c.poni", super::PONI.replace("\"orientation\": 3", ""));
    let turned = warnings(SMALL);
    assert!(matches!(turned.as_slice(), [w] if w.contains("no orientation")), "{turned:?}");
}

#[test]
fn folders_with_the_signs_of_patterns_work() {
    let folder = Folder::new();
    for name in ["run [1]/c.poni", "run [1]/a_1.tif", "run [1]/a_3.tif", "run [1]/x[1].tif"] {
        folder.file(name, super::PONI);
    }
    folder.file("run [1]/.hidden_1.tif", "");
    folder.file(
        "run [1]/run.yaml",
        format!("{SMALL}- {{name: b, frames: 'x[1].tif'}}\n- {{name: c, frames: '*_*.tif'}}\n"),
    );
    let loaded = load(&folder.path("run [1]/run.yaml"), &[]).unwrap_or_else(|error| panic!("{error}"));
    let counts: Vec<_> = loaded.config.samples.iter().map(|sample| sample.frames.len()).collect();
    assert_eq!(counts, [2, 1, 2]);
    comes_back(&folder, &loaded);
}

/// An EDF file of `count` images of 2 × 3 pixels.
fn edf(count: usize) -> Vec<u8> {
    let header = "{\nByteOrder = LowByteFirst ;\nDataType = Signed32 ;\nDim_1 = 3 ;\nDim_2 = 2 ;\n";
    let image = [format!("{header:<510}}}\n").into_bytes(), vec![0; 24]].concat();
    image.repeat(count)
}

#[test]
fn all_images_of_a_file_are_frames_and_give_the_missing_shape() {
    let folder = Folder::new();
    folder.file("s_2.edf", edf(3));
    folder.file("s_10.edf", edf(1));
    // Pixel size without a shape: the frames have it.
    let config = "Detector_config: {\"pixel1\": 0.01, \"pixel2\": 0.02, \"orientation\": 3}";
    let poni = super::PONI.replace("Pilatus CdTe 2M", "Detector");
    folder.file("c.poni", poni.replace("Detector_config: {\"orientation\": 3}", config));
    let yaml = format!("{}pdf: off\ncorrections: {{sensor: off}}\n", SMALL.replace("a_*.tif", "s_*.edf"));
    let loaded = folder.load(&yaml).unwrap_or_else(|error| panic!("{error}"));
    let frames: Vec<_> = loaded.config.samples[0]
        .frames
        .iter()
        .map(|f| (f.path.file_name().unwrap().to_str().unwrap(), f.image))
        .collect();
    assert_eq!(frames, [("s_2.edf", 0), ("s_2.edf", 1), ("s_2.edf", 2), ("s_10.edf", 0)]);
    let detector = &loaded.config.geometry.detector;
    assert_eq!((detector.shape.rows, detector.shape.columns, detector.pixel_m), (2, 3, [0.01, 0.02]));
    comes_back(&folder, &loaded);
}

#[test]
fn a_real_calibration_is_taken_whole() {
    let Some(data) = crate::common::data("ceo2_pilatus3_2M_CdTe_100keV") else { return };
    let data = std::path::absolute(data).unwrap();
    let folder = Folder::new();
    let yaml = format!(
        "samples: [{{name: CeO2, frames: '{0}/*.cbf'}}]\ngeometry: '{0}/lsq_dls103852_ASREAD.poni'\ncomposition: CeO2\n",
        data.display()
    );
    let loaded = folder.load(&yaml).unwrap_or_else(|error| panic!("{error}"));
    let geometry = &loaded.config.geometry;
    assert_eq!((geometry.detector.shape.rows, geometry.detector.shape.columns), (1679, 1475));
    // The reference centre (column, row), given to 0.01 pixels: 2θ of a pixel is 0.172 mm/737 mm = 2.3e-4.
    assert!(geometry.direction(680.29, 753.60).two_theta_rad < 0.02 * 2.3e-4);
    assert_eq!(loaded.config.samples[0].frames.len(), 1);
    comes_back(&folder, &loaded);
}

#[test]
fn the_samples_absorption_comes_from_its_density_or_a_number() {
    let folder = Folder::new();
    let absorption = |block: &str| {
        let yaml = format!("{SMALL}corrections: {{parallax: on, absorption: {block}}}\n");
        let loaded = folder.load(&yaml).unwrap_or_else(|error| panic!("{error}"));
        comes_back(&folder, &loaded);
        assert!(loaded.config.geometry.parallax.is_some());
        loaded.config.corrections.absorption.unwrap()
    };
    let rod = absorption("{shape: cylinder, diameter_mm: 2, mu_inv_cm: 4.2}");
    // The axis stands upright and the beam bathes all of it.
    let shape =
        SampleShape::Cylinder { diameter_m: 2e-3, axis_rad: std::f64::consts::FRAC_PI_2, beam_m: 2e-3 };
    assert_eq!(rod, SampleAbsorption { mu_per_m: 420.0, shape, container: None });
    let held = absorption(
        "{shape: cylinder, diameter_mm: 1, mu_inv_cm: 4.2, container: {wall_mm: 0.01, mu_inv_cm: 0.5}}",
    );
    assert_eq!(held.container, Some(Container { mu_per_m: 50.0, wall_m: 1e-5 }));
    let plate = absorption("{shape: slab, thickness_mm: 1, density_g_cm3: 2}");
    assert_eq!(plate.shape, SampleShape::Slab { thickness_m: 1e-3 });
    let thick = absorption("{shape: slab, thickness_mm: 1, density_g_cm3: 4}");
    // In proportion to the density, and the transmission with it; rounding only.
    assert!((thick.mu_per_m / plate.mu_per_m - 2.0).abs() < 1e-12);
    assert!((thick.transmission() / plate.transmission().powi(2) - 1.0).abs() < 1e-12);
    let formula = |density| attenuation_per_m("Zr0.62Cu0.155Ni0.125Al0.1", density, 112.0).unwrap();
    // λ = 0.1107 Å is 112.0 keV to 1e-4, and μ falls as about E⁻²·⁵.
    assert!((plate.mu_per_m / formula(2.0) - 1.0).abs() < 1e-3, "{}", plate.mu_per_m);
}
