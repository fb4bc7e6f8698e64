//! The cake of a strained glass, from frames to files.

use std::f64::consts::PI;
use std::path::Path;

use crate::common::npz;
use crate::validation::closed_loop::go_round;

/// As [`super::SMALL`] with the beam in the middle, so that all azimuths are there.
const TWIN: &str = "\
seed: 7
beam: {energy_kev: 112}
detector: {name: Pilatus CdTe 300K}
geometry: {distance_m: 0.25, poni1_m: 0.0532, poni2_m: 0.0419}
oversampling: 2
counting: {noise: off}
samples:
  - {name: a, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [1.0, 5.0], bins: 400}
pdf: {q_range_inv_angstrom: [1.0, 5.0]}
";

const AZIMUTHS: usize = 36;
/// Q of the flanks of the first peak of S(Q), as bins of 0.05 Å⁻¹ from 1 Å⁻¹.
const FLANKS: std::ops::Range<usize> = 26..44;

/// I of all cells, azimuth by azimuth.
fn cake(folder: &Path, effect: &[&str]) -> Vec<f64> {
    let set = ["pdf=off", "cake={azimuth_bins: 36, radial_bins: 80, frames: on}"];
    let round = go_round(folder, TWIN, effect, &set).unwrap();
    let results = folder.join("twin/results");
    let files: Vec<String> =
        round.result.record.outputs.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    for name in ["a/a.cake.npz", "a/a.cake.svg"] {
        assert!(files.iter().any(|file| file == name) && results.join(name).is_file(), "{files:?}");
    }
    let frame =
        files.iter().find(|file| file.starts_with("a/frames/") && file.ends_with(".cake.npz")).unwrap();
    let path = results.join("a/a.cake.npz");
    assert_eq!(npz(&path, "azimuth_deg").values.len(), AZIMUTHS);
    assert_eq!(npz(&path, "q_inv_angstrom").values.len(), 80);
    assert_eq!(npz(&path, "sigma").values.len(), AZIMUTHS * 80);
    let cells = npz(&path, "intensity").values;
    // One frame: the sample's cake is the frame's.
    let of_frame = npz(&results.join(frame), "intensity").values;
    assert!(cells.iter().zip(&of_frame).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
    cells
}

/// An affine strain moves Q by ε(χ) = ε[(1 + ν) cos²θ cos²(χ − χ_load) − ν], and I by that times a curve that is the same for
/// all azimuths: a constant and cos 2(χ − χ_load), in the ratio of ½(1 + ν)cos²θ − ν to ½(1 + ν)cos²θ, and nothing else.
#[test]
fn a_strained_ring_wiggles_twice_in_a_turn() {
    let (strain, ratio, axis_deg) = (0.003, 0.3, 40.0);
    let dir = tempfile::tempdir().unwrap();
    let relaxed = cake(dir.path(), &[]);
    let effect = format!(
        "samples[0].anisotropy={{strain: {strain}, poisson_ratio: {ratio}, load_axis_deg: {axis_deg}}}"
    );
    let strained = cake(dir.path(), &[&effect]);
    // Fourier sums of the difference over azimuths, on each bin; signed by the first, so that both flanks add.
    let (mut constant, mut sums, mut weight) = (0.0, [[0.0; 2]; 5], 0.0);
    for bin in FLANKS {
        let difference: Vec<f64> =
            (0..AZIMUTHS).map(|row| strained[row * 80 + bin] - relaxed[row * 80 + bin]).collect();
        if difference.iter().any(|value| value.is_nan()) {
            continue; // A gap between modules.
        }
        let mean = difference.iter().sum::<f64>() / AZIMUTHS as f64;
        constant += mean.abs();
        weight += 1.0;
        for (order, sum) in sums.iter_mut().enumerate() {
            for (row, value) in difference.iter().enumerate() {
                let angle = order as f64 * (2.0 * PI * (row as f64 + 0.5) / AZIMUTHS as f64 - PI);
                sum[0] += mean.signum() * value * angle.cos() * 2.0 / AZIMUTHS as f64;
                sum[1] += mean.signum() * value * angle.sin() * 2.0 / AZIMUTHS as f64;
            }
        }
    }
    assert!(weight >= 8.0, "{weight}");
    let [cos, sin] = sums[2];
    let amplitude = cos.hypot(sin);
    let phase_deg = 0.5 * sin.atan2(cos).to_degrees();
    // θ at 2.7 Å⁻¹ is 1.4°: cos²θ = 0.9994. The mean over 10° of cos 2χ is less by sin 10°/10°.
    let half = 0.5 * (1.0 + ratio) * 0.9994;
    let expected = half * (10f64.to_radians().sin() / 10f64.to_radians()) / (half - ratio);
    println!("ratio {} for {expected}, phase {phase_deg}°, orders {sums:?}", amplitude / constant);
    // Second order in ε: 0.3 % of Q over a peak of ±10 %, 3 %.
    assert!((amplitude / constant / expected - 1.0).abs() < 0.03, "{} for {expected}", amplitude / constant);
    assert!((phase_deg - axis_deg).abs() < 0.5, "{phase_deg}");
    for order in [1, 3, 4] {
        let other = sums[order][0].hypot(sums[order][1]);
        assert!(other < 0.03 * amplitude, "order {order}: {other} of {amplitude}");
    }
}
