//! The error that is made where a correction is left out.

use super::closed_loop::{Errors, go_round};

/// The mission: 112 keV, 1 mm of CdTe, a Zr-based glass; a detector of 1M with the beam in its corner, 0.3 m away.
const TWIN: &str = "\
seed: 3
beam: {energy_kev: 112, polarization: 0.99}
detector: {name: Pilatus CdTe 1M}
geometry: {distance_m: 0.21, poni1_m: 0.0154, poni2_m: 0.0138, rot1_rad: 0.02, rot2_rad: -0.01}
oversampling: 4
counting: {noise: off}
samples:
  - {name: glass, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 22.2], bins: 2000}
pdf: {q_range_inv_angstrom: [0.7, 22.0], window: lorch}
peaks:
  s_of_q: {q1: [2.0, 3.6]}
  g_of_r: {r1: [2.0, 3.6]}
  coordination_number: r1
";

/// Name, what the simulation adds, how the reduction leaves the correction out.
const CASES: [(&str, &[&str], &[&str]); 15] = [
    ("nothing left out", &[], &[]),
    ("polarization", &[], &["corrections.polarization=off"]),
    ("solid angle", &[], &["corrections.solid_angle=off"]),
    ("sensor efficiency", &[], &["corrections.sensor=off"]),
    ("parallax", &[], &["corrections.parallax=off"]),
    ("air path of 0.3 m", &["air_path_mm=300"], &["corrections.air_path_mm=off"]),
    (
        "flat field, 3 % between modules",
        &["flat={module_spread: 0.03, pixel_spread: 0.01}"],
        &["corrections.flat=off"],
    ),
    ("dark, 20 counts", &["counting.constant_counts=20", "dark_frames=1"], &["corrections.dark=off"]),
    (
        "background of air",
        &["background={atoms_per_sample_atom: 0.5, halo_electron_units: 40}"],
        &["background=off"],
    ),
    (
        "500 hot pixels of 1e7 counts",
        &["hot_pixels={count: 500, counts_per_s: 200000}"],
        &["mask.saturated_counts=null"],
    ),
    (
        "beam stop with arm",
        &["beam_stop={radius_px: 8, arm: {towards_deg: 45, width_px: 5}}"],
        &["mask.files=[]"],
    ),
    ("fluorescence, 10 e.u.", &["samples[0].fluorescence_electron_units=10"], &["pdf.fluorescence=none"]),
    (
        "absorption, slab of 1 mm",
        &["samples[0].absorption={shape: slab, thickness_mm: 1, density_g_cm3: 6.7}"],
        &["corrections.absorption=off"],
    ),
    (
        "absorption, rod of 2 mm",
        &["samples[0].absorption={shape: cylinder, diameter_mm: 2, density_g_cm3: 6.7}"],
        &["corrections.absorption=off"],
    ),
    ("low-Q continuation", &[], &["pdf.low_q=zero"]),
];

/// The table of corrections.
pub(crate) fn report() -> String {
    let folder = tempfile::tempdir().unwrap();
    let go = |effect: &[&str], reduction: &[&str]| -> Result<Errors, String> {
        go_round(folder.path(), TWIN, effect, reduction)?.errors("glass")
    };
    let mut text = String::from(
        "## What each correction is worth\n\nZr62 Cu15.5 Ni12.5 Al10 at 112 keV on a Pilatus CdTe 1M at 0.21 m, rings to 22 Å⁻¹, without noise: the effect with its correction on, and with it left out; the last\n\
         columns without the ad-hoc polynomial, which takes up a part of slow errors.\n\n\
         | left out | S rms, corrected | S rms | r1 height | CN | S rms, no polynomial | r1 height | CN |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, effect, without) in CASES {
        let run = |reduction: &[&str]| cells(&go(effect, reduction));
        let on = go(effect, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let bare = run(&[without, &["pdf.r_poly_angstrom=off"]].concat());
        text += &format!("| {name} | {:.4} | {} | {bare} |\n", on.s_rms, run(without));
    }
    text
}

/// rms of S, r1's height and the coordination number; a dash for what cannot be had.
fn cells(errors: &Result<Errors, String>) -> String {
    match errors {
        Ok(e) => format!(
            "{:.4} | {:+.2} % | {:+.2} %",
            e.s_rms,
            100.0 * e.r1_height,
            100.0 * e.coordination_number
        ),
        Err(_) => "no S(Q) | – | –".to_owned(),
    }
}
