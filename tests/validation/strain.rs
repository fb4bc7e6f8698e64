//! An affine strain, seen between two sectors.

use std::path::Path;

use super::closed_loop::go_round;

const TWIN: &str = "\
seed: 5
beam: {energy_kev: 112, polarization: 0.99}
detector: {name: Pilatus CdTe 2M}
geometry: {distance_m: 0.295, poni1_m: 0.13844810929921775, poni2_m: 0.12603730781824615, rot1_rad: 0.0043, rot2_rad: -0.0027}
oversampling: 4
counting: {noise: off}
samples:
  - {name: glass, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 22.2], bins: 2000}
sectors:
  - {name: X, centre_deg: 0, width_deg: 10, fold: on}
  - {name: Y, centre_deg: 90, width_deg: 10, fold: on}
pdf: {q_range_inv_angstrom: [0.7, 22.0], window: lorch}
peaks: {s_of_q: {q1: [2.0, 3.6]}, g_of_r: {r1: [2.0, 3.6]}}
";

/// Q range of the fit, Å⁻¹: from below the first peak of S(Q) to where it has no more structure.
const FITTED: std::ops::Range<f64> = 1.5..12.0;

/// Points on both sides of which the slope of S is taken.
const SLOPE_POINTS: usize = 3;

/// Q and S of an output in PDFgetX3's layout.
fn read(path: &Path) -> (Vec<f64>, Vec<f64>) {
    let text = std::fs::read_to_string(path).unwrap();
    let (_, data) = text.split_once("#### start data\n").unwrap();
    let rows = data.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut numbers = row.split(' ').map(|v| v.parse::<f64>().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    })
    .unzip()
}

/// ε of the load axis Y by [E12]: S_Y − S_X = ε(1 + ν) cos²θ (sin 2Δ/2Δ) Q S_0′, by least squares over the Q range.
fn strain_from(results: &Path, poisson_ratio: f64) -> f64 {
    let of = |suffix: &str| read(&results.join(format!("glass/glass{suffix}.sq")));
    let ((q, ring), (_, x), (_, y)) = (of(""), of("_X"), of("_Y"));
    let back = 4.0 * std::f64::consts::PI / halor::units::wavelength_angstrom(112.0);
    let spread = 10f64.to_radians().sin() / 10f64.to_radians();
    let (mut product, mut square) = (0.0, 0.0);
    for i in (SLOPE_POINTS..q.len() - SLOPE_POINTS).filter(|i| FITTED.contains(&q[*i])) {
        let (before, after) = (i - SLOPE_POINTS, i + SLOPE_POINTS);
        let slope = (ring[after] - ring[before]) / (q[after] - q[before]);
        let by_strain = (1.0 + poisson_ratio) * (1.0 - (q[i] / back).powi(2)) * spread * q[i] * slope;
        product += (y[i] - x[i]) * by_strain;
        square += by_strain * by_strain;
    }
    product / square
}

/// The table of strains.
pub(crate) fn report() -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from(
        "## Strain between the sectors X and Y\n\nPilatus CdTe 2M, sectors of ±5° about X and Y folded with their opposites, load along Y, without noise: ε by a fit of Q·dS/dQ to S_Y − S_X from 1.5 to 12 Å⁻¹.\n\n\
         | ε | ν | ε measured | error |\n|---|---|---|---|\n",
    );
    let mut worst = 0.0f64;
    for (strain, ratio) in [(0.0, 0.36), (0.001, 0.36), (0.003, 0.36), (0.003, 0.5), (-0.005, 0.3)] {
        let effect =
            format!("samples[0].anisotropy={{strain: {strain}, poisson_ratio: {ratio}, load_axis_deg: 90}}");
        go_round(folder.path(), TWIN, &[&effect], &[]).unwrap();
        let measured = strain_from(&folder.path().join("twin/results"), ratio);
        worst = worst.max((measured - strain).abs());
        text += &format!("| {strain} | {ratio} | {measured:+.6} | {:+.1e} |\n", measured - strain);
    }
    text + &format!("\nThe largest error is {worst:.1e} (wanted 5e-5).\n")
}
