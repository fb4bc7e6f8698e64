//! Real frames of CeO2 through the whole program: rings at the right places, and a pattern that another program made.

use std::path::{Path, PathBuf};

use halor::batch::{RunOptions, run};
use halor::config;
use halor::output::Existing;
use halor::pdf::Window;
use halor::simulate::Crystal;
use halor::simulate::crystal::Weights;
use halor::simulate::peak_shape::peak_shape;

use crate::common::data;

/// NIST SRM 674b certificate: CeO2, a = 5.411651 Å at 22.5 °C.
const CEO2_A: f64 = 5.411651;

/// Processes a run file that stands in a fresh folder; gives the folder, which lasts as long as the value.
fn process(run_file: &str) -> (tempfile::TempDir, halor::output::RunRecord) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.yaml");
    std::fs::write(&path, run_file).unwrap();
    let loaded = config::load(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    (dir, result.record)
}

/// Columns of a text file whose comments start with `#`.
fn columns(path: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
        .map(|l| l.split_whitespace().map(|v| v.parse().unwrap()).collect())
        .collect()
}

/// Q of the allowed CeO2 reflections (Fm-3m: h, k, l all even or all odd) up to a limit, each Q once.
fn ceo2_rings(limit: f64) -> Vec<f64> {
    let mut squares = std::collections::BTreeSet::new();
    for h in 0..40_i32 {
        for k in 0..=h {
            for l in 0..=k {
                if h % 2 == k % 2 && k % 2 == l % 2 && h > 0 {
                    squares.insert(h * h + k * k + l * l);
                }
            }
        }
    }
    squares
        .into_iter()
        .map(|n| 2.0 * std::f64::consts::PI * f64::from(n).sqrt() / CEO2_A)
        .filter(|q| *q < limit)
        .collect()
}

/// (measured − true)/true of each ring that stands alone and stands out: the centroid above a straight base line.
///
/// A ring counts when no other one is closer than six of its half-windows and its maximum is at least 20 % above the
/// base line: the centroid of weaker or overlapping ones depends on the neighbours, not on the geometry.
fn ring_deviations(pattern: &[Vec<f64>], half_window: f64) -> Vec<(f64, f64)> {
    let (first, last) = (pattern[0][0], pattern[pattern.len() - 1][0]);
    let rings = ceo2_rings(last + 1.0);
    let mut deviations = Vec::new();
    for (i, &ring) in rings.iter().enumerate() {
        let lonely = |j: Option<usize>| {
            j.and_then(|j| rings.get(j)).is_none_or(|other| (other - ring).abs() > 3.0 * half_window)
        };
        if ring - half_window < first
            || ring + half_window > last
            || !lonely(i.checked_sub(1))
            || !lonely(Some(i + 1))
        {
            continue;
        }
        let points: Vec<(f64, f64)> = pattern
            .iter()
            .map(|row| (row[0], row[1]))
            .filter(|(q, _)| (q - ring).abs() < half_window)
            .collect();
        let ends = points.len() / 5;
        let mean = |part: &[(f64, f64)]| {
            let n = part.len() as f64;
            (part.iter().map(|p| p.0).sum::<f64>() / n, part.iter().map(|p| p.1).sum::<f64>() / n)
        };
        let (left, right) = (mean(&points[..ends]), mean(&points[points.len() - ends..]));
        let base = |q: f64| left.1 + (right.1 - left.1) * (q - left.0) / (right.0 - left.0);
        let peak = points.iter().map(|(q, i)| i - base(*q)).fold(0.0, f64::max);
        if peak < 0.2 * base(ring) {
            continue;
        }
        // The part above a third of the maximum: far from the noise of the base line.
        let (mut sum, mut moment) = (0.0, 0.0);
        for (q, i) in points {
            let above = i - base(q) - peak / 3.0;
            if above > 0.0 {
                sum += above;
                moment += above * q;
            }
        }
        deviations.push((ring, moment / sum / ring - 1.0));
    }
    deviations
}

fn rms(deviations: &[(f64, f64)]) -> f64 {
    (deviations.iter().map(|(_, d)| d * d).sum::<f64>() / deviations.len() as f64).sqrt()
}

fn check_rings(
    frame: &Path,
    geometry: &Path,
    detector: &str,
    extra: &str,
    half_window: f64,
    limit: f64,
    at_least: usize,
) {
    let (dir, record) = process(&format!(
        "samples: [{{name: ceo2, frames: '{}'}}]\ngeometry: '{}'\ndetector: {{name: {detector}}}\npdf: off\n{extra}",
        frame.display(),
        geometry.display(),
    ));
    assert_eq!((record.ledger.found, record.ledger.done), (1, 1), "{record:?}");
    let deviations = ring_deviations(&columns(&dir.path().join("results/ceo2/ceo2.xye")), half_window);
    eprintln!("{}: {} rings, rms Δq/q {:.2e}", frame.display(), deviations.len(), rms(&deviations));
    assert!(deviations.len() >= at_least, "only {} rings stand out", deviations.len());
    assert!(rms(&deviations) < limit, "rms {:.2e}: {deviations:?}", rms(&deviations));
}

/// The reference refinement of this geometry states rms Δq/q = 6.5e-5 over ring means, from fitted profiles. Twice that is
/// allowed for centroids; 9.1e-5 was found.
#[test]
fn rings_of_a_pilatus_1m_at_30_kev() {
    let Some(folder) = data("ceo2_pilatus1M_30keV") else { return };
    check_rings(
        &folder.join("CeO2_Pil207_E30_2Nov2016_001.tif"),
        &folder.join("lsq_cpf_ASREAD.poni"),
        "Pilatus 1M",
        "integration: {bins: 3000, normalize_by: exposure}\n",
        0.06,
        1.3e-4,
        8,
    );
}

/// The mission's detector at nearly its energy. The reference refinement states rms Δq/q = 1.3e-4 over ring means; twice
/// that is allowed for centroids, 1.5e-4 was found.
#[test]
fn rings_of_a_pilatus3_cdte_2m_at_100_kev() {
    let Some(folder) = data("ceo2_pilatus3_2M_CdTe_100keV") else { return };
    check_rings(
        &folder.join("103852_CeO2_00001.cbf"),
        &folder.join("lsq_dls103852_ASREAD.poni"),
        "Pilatus CdTe 2M",
        "integration: {bins: 3000, normalize_by: exposure}\n",
        0.08,
        2.6e-4,
        8,
    );
}

/// The frame's header holds placeholders (0.61995 Å, 1.0 m): the run must say so and not use them.
#[test]
fn placeholders_in_a_header_are_named() {
    let Some(folder) = data("ceo2_pilatus3_2M_CdTe_100keV") else { return };
    let (_dir, record) = process(&format!(
        "samples: [{{name: ceo2, frames: '{}'}}]\ngeometry: '{}'\ndetector: {{name: Pilatus CdTe 2M}}\n\
         integration: {{bins: 100, splitting: none}}\npdf: off\n",
        folder.join("103852_CeO2_00001.cbf").display(),
        folder.join("lsq_dls103852_ASREAD.poni").display(),
    ));
    let said = record.warnings.join("\n");
    assert!(said.contains("wavelength 0.61995") && said.contains("distance 1 m"), "{said}");
}

/// A pattern of the same frame that others made with pyFAI and another mask: within 2 % rms is what the mask leaves; 1.0 % was
/// found, at a scale of 1.001.
#[test]
fn a_pixium_frame_agrees_with_a_pattern_made_elsewhere() {
    let Some(folder) = data("ti64_pixium_89keV") else { return };
    let (dir, record) = process(&format!(
        "samples: [{{name: ti64, frames: '{}'}}]\ngeometry: '{}'\n\
         detector: {{pixel_um: 296, shape: [1441, 1440]}}\n\
         beam: {{polarization: 0.99}}\npdf: off\n\
         integration: {{unit: two_theta_deg, range: [1.0, 9.0], bins: 2800, splitting: bounding_box, normalize_by: none}}\n",
        folder.join("pixium_03150.tif").display(),
        folder.join("DLS_CeO2_1200mm_pyFAI.poni").display(),
    ));
    assert_eq!(record.ledger.done, 1, "{record:?}");
    let ours = columns(&dir.path().join("results/ti64/ti64.xye"));
    let theirs = columns(&folder.join("integrated.dat"));
    let at = |x: f64| {
        let i = theirs.partition_point(|row| row[0] < x).clamp(1, theirs.len() - 1);
        let (a, b) = (&theirs[i - 1], &theirs[i]);
        a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0])
    };
    let ratios: Vec<f64> = ours.iter().map(|row| row[1] / at(row[0])).filter(|r| r.is_finite()).collect();
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let rms = (ratios.iter().map(|r| (r / mean - 1.0).powi(2)).sum::<f64>() / ratios.len() as f64).sqrt();
    eprintln!("ti64: scale {mean:.4}, rms {rms:.4}");
    assert!(rms < 0.02 && (mean - 1.0).abs() < 0.01, "scale {mean}, rms {rms}");
}

/// A series of real frames of one load experiment: all of them are done, and their sum is there.
#[test]
fn three_frames_of_a_load_series() {
    let Some(folder) = data("ceo2_pilatus1M_30keV") else { return };
    let (dir, record) = process(&format!(
        "samples: [{{name: bcc-iron, frames: '{}'}}]\ngeometry: '{}'\ndetector: {{name: Pilatus 1M}}\npdf: off\n\
         sectors: [{{name: X, centre_deg: 0, width_deg: 10, fold: true}}, {{name: Y, centre_deg: 90, width_deg: 10, fold: true}}]\n",
        folder.join("BCC1_2GPa_10s_001_*.tif").display(),
        folder.join("lsq_cpf_ASREAD.poni").display(),
    ));
    assert_eq!((record.ledger.found, record.ledger.done), (3, 3), "{record:?}");
    let file = |name: &str| -> PathBuf { dir.path().join("results/bcc-iron").join(name) };
    for name in ["bcc-iron.xye", "bcc-iron_X.xye", "bcc-iron_Y.xye", "frames/BCC1_2GPa_10s_001_00002.xye"] {
        assert!(columns(&file(name)).len() > 100, "{name}");
    }
}

/// G(r) of real CeO2 (rings to 14 Å⁻¹) has its peaks where those of the crystal are through the same Qmax and window: within 0.003 Å,
/// where they stand out. No reference frame of a powder here reaches 20 Å⁻¹, so that neighbours are not counted.
#[test]
fn peaks_of_ceria_stand_where_the_crystal_has_them() {
    let Some(folder) = data("ceo2_pilatus3_2M_CdTe_100keV") else { return };
    let dir = tempfile::tempdir().unwrap();
    let run_file = format!(
        "samples: [{{name: ceo2, frames: '{}'}}]\ngeometry: '{}'\ndetector: {{name: Pilatus CdTe 2M}}\n\
         integration: {{range: [0.9, 14.0], bins: 2000, splitting: none, normalize_by: none}}\n\
         composition: CeO2\npdf: {{density_g_cm3: 7.2, window: lorch, r_range_angstrom: [0, 15], systematic: off}}\n",
        folder.join("103852_CeO2_00001.cbf").display(),
        folder.join("lsq_dls103852_ASREAD.poni").display(),
    );
    std::fs::write(dir.path().join("run.yaml"), run_file).unwrap();
    let loaded = config::load(&dir.path().join("run.yaml"), &[]).unwrap_or_else(|e| panic!("{e}"));
    let result = run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    let reduced = result.curves[0].reduced.as_ref().unwrap();
    let q_max = *reduced.structure.q.last().unwrap();
    let ceria = Crystal::named("CeO2").unwrap();
    let weights = Weights::OfQ { energy_kev: 99.8 };
    let seen = ceria.pdf_through(q_max, Window::Lorch, weights).unwrap();
    // The maximum of a parabola through the highest of the points 0.01 Å apart and its neighbours, and its height.
    let (r, g) = (&reduced.pdf.r, &reduced.pdf.g);
    let top = |near: [f64; 2]| {
        let inside = (1..r.len() - 1).filter(|i| (near[0]..near[1]).contains(&r[*i]));
        let i = inside.max_by(|a, b| g[*a].total_cmp(&g[*b])).unwrap();
        let (slope, bend) = (0.5 * (g[i + 1] - g[i - 1]), g[i + 1] - 2.0 * g[i] + g[i - 1]);
        (r[i] - (r[1] - r[0]) * slope / bend, g[i])
    };
    let mut compared = 0;
    // Ce–Ce, the strongest pairs: a√(k/2).
    for k in 1..=12 {
        let distance = CEO2_A * (0.5 * f64::from(k)).sqrt();
        let near = [distance - 0.25, distance + 0.25];
        let Some(truth) = peak_shape(|r| seen.at(r), near, 0.0).filter(|truth| truth.height > 4.0) else {
            continue;
        };
        compared += 1;
        let (position, height) = top(near);
        println!(
            "{distance:.4}: {position:.4}, of the crystal {:.4}; {height:.2} {:.2}",
            truth.position, truth.height
        );
        assert!((position - truth.position).abs() < 0.003, "{distance}: {position}, {}", truth.position);
    }
    assert!(compared >= 4, "{compared}");
}
