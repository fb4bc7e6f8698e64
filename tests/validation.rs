//! A small part of the validation campaign, whose whole is docs/validation.md: `bash tests/validation.sh`.

pub(crate) mod closed_loop;
mod rings;
mod setup;

/// Structure → frames → S(Q), G(r), peaks over random set-ups, without noise.
#[test]
fn random_set_ups_come_back() {
    let (table, largest) = closed_loop::report(3);
    println!("{table}");
    // Measured: 0.0009, 0.0045, 0.0003 Å, 0.31 %, 0.23 %; the last is the continuation below Qmin, and wanted within 0.5 %.
    assert!(largest.s_rms < 0.002 && largest.g_rw < 0.01, "{largest:?}");
    assert!(largest.r1_angstrom < 0.001, "{largest:?}");
    assert!(largest.r1_height < 0.006 && largest.coordination_number < 0.005, "{largest:?}");
}

/// A sharp ring is where it is in every sector, the detector upright and tilted by 45°.
#[test]
fn sharp_rings_stand_right_in_36_sectors() {
    let (table, largest) = rings::report(&[rings::TILTS_DEG[0], rings::TILTS_DEG[4]]);
    println!("{table}");
    assert!(largest < 5e-6, "{largest:e}");
}

/// A run in which the background's scale and the density are wrong finds both at low r, goes on with them, and says so.
#[test]
fn a_run_finds_density_and_background_at_low_r() {
    const TWIN: &str = "\
seed: 3
beam: {energy_kev: 112, polarization: 0.99}
detector: {name: Pilatus CdTe 300K}
geometry: {distance_m: 0.19, poni1_m: 0.0154, poni2_m: 0.0138}
oversampling: 2
counting: {noise: off}
background: {frames: 1, atoms_per_sample_atom: 0.5, halo_electron_units: 30}
samples:
  - {name: glass, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 22.2], bins: 1000}
pdf: {q_range_inv_angstrom: [0.7, 22.0], window: lorch}
peaks: {g_of_r: {r1: [2.0, 3.6]}, coordination_number: r1}
";
    let folder = tempfile::tempdir().unwrap();
    let wrong = ["background.scale=0.9", "pdf.density_atoms_per_cubic_angstrom=0.051"];
    let fitted = |word: &'static str| {
        let set = [wrong[0], wrong[1], word];
        closed_loop::go_round(folder.path(), TWIN, &[], &set).unwrap()
    };
    let (off, both) = (fitted("pdf.fit_low_r=off"), fitted("pdf.fit_low_r=both"));
    assert!(off.result.record.low_r_fits.is_empty());
    let [found] = &both.result.record.low_r_fits[..] else { panic!("one fit") };
    let (density, scale) =
        (found.fit.density_atoms_per_cubic_angstrom.unwrap(), found.fit.background_scale.unwrap());
    println!("{found:?}");
    // The density is 1 % high as S = 0 is taken below Qmin. σ of the scale is 4 %, and the slow errors that the size of the pixels leaves
    // are half of that.
    assert!((density.value / 0.0528 - 1.0).abs() < 0.02 && density.sigma > 0.0, "{density:?}");
    assert!((scale.value - 1.0).abs() < 0.03 && scale.sigma > 0.0, "{scale:?}");
    let count = |results: &closed_loop::Loop| results.errors("glass").unwrap().coordination_number;
    assert!(count(&off).abs() > 0.02 && count(&both).abs() < 0.02, "{} {}", count(&off), count(&both));
    let header = std::fs::read_to_string(folder.path().join("twin/results/glass/glass.gr")).unwrap();
    let value = |key: &str| -> f64 {
        let line = header.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        line.split(" = ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    assert!((value("density_atoms_per_cubic_angstrom") - density.value).abs() < 1e-12);
    assert!((value("bgscale") - scale.value).abs() < 1e-12);
    assert!((value("low_r_fit_bgscale") - scale.value).abs() < 1e-6);
}

/// What is scattered twice is told of a rod, and subtracted on request.
#[test]
fn a_run_tells_what_is_scattered_twice() {
    const TWIN: &str = "\
beam: {energy_kev: 80}
detector: {name: Pilatus CdTe 300K}
geometry: {distance_m: 0.13, poni1_m: 0.0154, poni2_m: 0.0138}
oversampling: 1
counting: {noise: off}
samples:
  - name: glass
    structure: {glass: as-cast}
    composition: Zr62 Cu15.5 Ni12.5 Al10
    absorption: {shape: cylinder, diameter_mm: 2, density_g_cm3: 6.7}
integration: {range: [0.5, 20.2], bins: 600}
pdf: {q_range_inv_angstrom: [0.8, 20.0], r_step_angstrom: 0.05}
";
    let folder = tempfile::tempdir().unwrap();
    let with = |word: &'static str| closed_loop::go_round(folder.path(), TWIN, &[], &[word]).unwrap().result;
    let told = with("corrections.multiple_scattering=estimate").record;
    let twice = told.multiple_scattering.unwrap();
    println!("{twice}");
    assert!(twice.mean > 0.02 && twice.largest > twice.mean && twice.largest < 0.3, "{twice:?}");
    assert!(told.warnings.iter().any(|text| text.contains("scattered twice")), "{:?}", told.warnings);
    assert!(
        told.corrections.iter().any(|text| text.contains("double scattering") && text.contains("left in"))
    );
    let subtracted = with("corrections.multiple_scattering=subtract");
    assert!(!subtracted.record.warnings.iter().any(|text| text.contains("scattered twice")));
    let off = with("corrections.multiple_scattering=off");
    assert!(off.record.multiple_scattering.is_none());
    // Frames without it, from which it is subtracted: S falls where it is strongest, at high Q the scale makes up for it.
    let s = |result: &halor::batch::RunResult| result.curves[0].reduced.as_ref().unwrap().structure.clone();
    let (before, after) = (s(&off), s(&subtracted));
    let change: f64 = before.s.iter().zip(&after.s).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(change > 1e-4 && change < 0.1, "{change}");
    let message = closed_loop::go_round(
        folder.path(),
        TWIN,
        &["samples[0].absorption=off"],
        &["corrections.multiple_scattering=subtract"],
    )
    .err()
    .unwrap();
    assert!(message.contains("needs the sample's shape"), "{message}");
}
