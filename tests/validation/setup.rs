//! Random set-ups: geometry, energy, composition, structure and what disturbs a measurement.

use halor::geometry::{Detector, Geometry, Poni};
use halor::simulate::rays::{Placement, reach};
use halor::units::wavelength_angstrom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Glasses with elements from O (8) to Pb (82).
const COMPOSITIONS: [&str; 16] = [
    "Zr62 Cu15.5 Ni12.5 Al10",
    "Si O2",
    "Mg65 Cu25 Y10",
    "Al85 Ni10 La5",
    "Ca65 Mg15 Zn20",
    "Pd40 Ni40 P20",
    "Ge O2",
    "Fe78 Si12 P10",
    "La55 Al25 Ni20",
    "Ce70 Al20 Cu10",
    "Gd55 Co25 Al20",
    "Hf55 Cu30 Ni15",
    "Ta50 Ni50",
    "Pt60 Cu20 P20",
    "Au55 Cu25 Si20",
    "Pb50 Ge30 Se20",
];

/// One measurement.
pub(crate) struct Setup {
    pub(crate) energy_kev: f64,
    pub(crate) tilt_deg: f64,
    pub(crate) composition: &'static str,
    pub(crate) q_max: f64,
    pub(crate) effects: String,
    /// The twin file, its output beside it.
    pub(crate) yaml: String,
}

/// A placement of a Pilatus CdTe 1M with the beam on it, tilted by up to `most_tilt_deg`, whose pixels reach `q_max`/0.92.
pub(crate) fn placement(rng: &mut Pcg64Mcg, energy_kev: f64, most_tilt_deg: f64, q_max: f64) -> Geometry {
    let detector = Detector::named("Pilatus CdTe 1M").unwrap();
    let tilt = rng.random_range(0.0..most_tilt_deg).to_radians();
    let direction = rng.random_range(0.0..std::f64::consts::TAU);
    let shape = detector.shape;
    let beam =
        [rng.random_range(0.04..0.6) * shape.columns as f64, rng.random_range(0.04..0.6) * shape.rows as f64];
    let at = |distance_m: f64| {
        let poni = Poni {
            distance_m,
            poni1_m: 0.0,
            poni2_m: 0.0,
            rot1_rad: tilt * direction.cos(),
            rot2_rad: tilt * direction.sin(),
            rot3_rad: 0.0,
            wavelength_angstrom: wavelength_angstrom(energy_kev),
        };
        let mut geometry = Geometry { poni, detector: detector.clone(), parallax: None };
        // The beam moves with the point of normal incidence.
        let [column, row] = Placement::new(&geometry).beam_centre_px();
        geometry.poni.poni1_m = (beam[1] - row) * detector.pixel_m[0];
        geometry.poni.poni2_m = (beam[0] - column) * detector.pixel_m[1];
        geometry
    };
    // The largest Q falls with the distance.
    let (mut near, mut far) = (0.05, 2.0);
    for _ in 0..40 {
        let middle = 0.5 * (near + far);
        if reach(&at(middle)).0 > q_max / 0.92 { near = middle } else { far = middle }
    }
    at(near)
}

/// Set-up number `index` of the campaign.
pub(crate) fn setup(index: usize) -> Setup {
    let mut rng = Pcg64Mcg::seed_from_u64(0x5e7 + index as u64);
    let energy_kev: f64 = rng.random_range(60.0..120.0);
    let composition = COMPOSITIONS[index % COMPOSITIONS.len()];
    let q_max: f64 = rng.random_range(18.0..24.0);
    let geometry = placement(&mut rng, energy_kev, 20.0, q_max);
    let sigma: f64 = rng.random_range(2.4..2.9);
    let packing: f64 = rng.random_range(0.40..0.47);
    let density = packing * 6.0 / (std::f64::consts::PI * sigma.powi(3));
    let broadening: f64 = rng.random_range(0.09..0.13);
    let (near, far) = (1.065 * sigma, 1.215 * sigma);
    let delta: f64 = rng.random_range(0.3..1.0);
    let mut effects = Vec::new();
    let mut blocks = String::new();
    let mut sample = String::new();
    let mut add = |name: &'static str, there: bool, into: &mut String, text: String| {
        if there {
            effects.push(name);
            into.push_str(&text);
        }
    };
    let some = |rng: &mut Pcg64Mcg| rng.random_bool(0.5);
    let air = format!(
        "background: {{frames: 1, atoms_per_sample_atom: {:.2}, halo_electron_units: 30}}\n",
        rng.random_range(0.1..0.8)
    );
    add("background", some(&mut rng), &mut blocks, air);
    add("flat", some(&mut rng), &mut blocks, "flat: {module_spread: 0.03, pixel_spread: 0.01}\n".to_owned());
    let length = format!("air_path_mm: {:.0}\n", 1000.0 * geometry.poni.distance_m);
    add("air path", some(&mut rng), &mut blocks, length);
    add("dark", some(&mut rng), &mut blocks, "dark_frames: 1\n".to_owned());
    let stop = "beam_stop: {radius_px: 8, arm: {towards_deg: 135, width_px: 5}}\n".to_owned();
    add("beam stop", some(&mut rng), &mut blocks, stop);
    let glow = format!(", fluorescence_electron_units: {:.1}", rng.random_range(2.0..20.0));
    add("fluorescence", some(&mut rng), &mut sample, glow);
    let polarization: f64 = rng.random_range(0.9..1.0);
    let Poni { distance_m, poni1_m, poni2_m, rot1_rad, rot2_rad, .. } = geometry.poni;
    let tilt_deg = (rot1_rad.cos() * rot2_rad.cos()).acos().to_degrees();
    let yaml = format!(
        "seed: {index}
beam: {{energy_kev: {energy_kev}, polarization: {polarization}}}
detector: {{name: Pilatus CdTe 1M}}
geometry: {{distance_m: {distance_m}, poni1_m: {poni1_m}, poni2_m: {poni2_m}, rot1_rad: {rot1_rad}, rot2_rad: {rot2_rad}}}
oversampling: 2
dead_pixels: 200
counting: {{counts_per_electron_unit_s: 0.05, constant_counts: {}, noise: off}}
{blocks}samples:
  - name: glass
    structure: {{glass: {{sigma_angstrom: {sigma}, broadening_angstrom: {broadening}, shells: [{{delta_n: {delta}, r_angstrom: {near}, s_angstrom: {broadening}}}, {{delta_n: -{delta}, r_angstrom: {far}, s_angstrom: {}}}]}}}}
    composition: {composition}
    density_atoms_per_cubic_angstrom: {density}
{}integration: {{range: [0.5, {}], bins: 2000}}
pdf: {{q_range_inv_angstrom: [0.8, {q_max}], window: lorch}}
peaks:
  s_of_q: {{q1: [{}, {}]}}
  g_of_r: {{r1: [{}, {}]}}
  coordination_number: r1
",
        if blocks.contains("dark_frames") { 2 } else { 0 },
        2.0 * broadening,
        if sample.is_empty() { String::new() } else { format!("    {}\n", sample.trim_start_matches(", ")) },
        q_max + 0.2,
        5.3 / sigma,
        9.0 / sigma,
        0.8 * sigma,
        1.4 * sigma,
    );
    Setup { energy_kev, tilt_deg, composition, q_max, effects: effects.join(", "), yaml }
}
