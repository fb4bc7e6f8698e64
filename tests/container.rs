//! A sample in a capillary whose empty twin is the background: what the factors weaken comes back whole.

use halor::batch::{RunOptions, run};
use halor::config::load;
use halor::frame::{Counts, Frame, FrameHeader, Shape, write_tiff};
use halor::output::Existing;

const SHAPE: Shape = Shape { rows: 300, columns: 200 };

fn write(path: &std::path::Path, counts: Vec<u32>) {
    let frame = Frame { shape: SHAPE, counts: Counts::U32(counts.into()), header: FrameHeader::default() };
    write_tiff(std::fs::File::create(path).unwrap(), &frame).unwrap();
}

/// Light s of the sample is the same everywhere, that of the container falls with the angle. With frames of A_s,sc·s + A_c,sc·c and
/// of A_c,c·c the difference is s·A_s,sc(0) in each bin and sector.
#[test]
fn the_light_of_the_container_goes_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["empty.tif", "full.tif"] {
        write(&path(name), vec![1; SHAPE.pixels()]);
    }
    let yaml = "beam: {energy_kev: 60}\n\
        detector: {pixel_um: 400, shape: [300, 200]}\n\
        geometry: {distance_mm: 120, beam_centre_px: [20, 150]}\n\
        corrections:\n  solid_angle: off\n  polarization: off\n  sensor: off\n  \
        absorption: {shape: cylinder, diameter_mm: 1.5, mu_inv_cm: 8, container: {wall_mm: 0.1, material: SiO2, density_g_cm3: 2.2}}\n\
        integration: {range: [1.0, 14.0], bins: 150, normalize_by: none}\n\
        sectors: [{name: X, centre_deg: 0, width_deg: 40, fold: true}, {name: Y, centre_deg: 90, width_deg: 40, fold: true}]\n\
        background: {frames: empty.tif}\n\
        pdf: off\n\
        engine: cpu\n\
        samples: [{name: s, frames: full.tif}]\n";
    std::fs::write(path("run.yaml"), yaml).unwrap();
    let loaded = load(&path("run.yaml"), &[]).unwrap();
    let geometry = &loaded.config.geometry;
    let absorption = loaded.config.corrections.absorption.unwrap();
    let of_sample = absorption.times_flat(geometry, None);
    let behind = absorption.container_behind_sample(geometry).unwrap();
    let (s, mut strongest) = (2e6, 0.0_f64);
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    for pixel in 0..SHAPE.pixels() {
        let (row, column) = (pixel / SHAPE.columns, pixel % SHAPE.columns);
        let q = geometry.momentum_transfer(row as f64 + 0.5, column as f64 + 0.5);
        let c = 1e6 * (-q / 8.0).exp();
        strongest = strongest.max((1.0 - behind[pixel]) * c / s);
        empty.push(c.round() as u32);
        full.push((f64::from(of_sample[pixel]) * s + behind[pixel] * c).round() as u32);
    }
    write(&path("empty.tif"), empty);
    write(&path("full.tif"), full);
    let result = run(&loaded, RunOptions { existing: Existing::Replace }, &|_| {}).unwrap();
    // Unweakened the container would be that much too strong.
    assert!(strongest > 0.1, "{strongest}");
    let patterns = &result.curves[0].patterns;
    for (q, found) in patterns.subtracted.radial.iter().zip(&patterns.subtracted.intensity) {
        // Within a bin of 0.087 Å⁻¹ c falls by 1 % and the factor bends; together below 1e-4 of s. Counts are whole: 1e-6.
        assert!(!found.is_finite() || (found / s - 1.0).abs() < 3e-4, "Q = {q}: {}", found / s);
    }
    for sector in ["X", "Y"] {
        let text = std::fs::read_to_string(path(&format!("results/s/s_{sector}.subtracted.xye")))
            .or_else(|_| std::fs::read_to_string(path(&format!("results/s/s_{sector}.iq"))))
            .unwrap();
        let rows =
            text.lines().map(|line| line.split_whitespace().map(str::parse::<f64>).collect::<Vec<_>>());
        let values: Vec<f64> =
            rows.filter_map(|row| (row.len() >= 3).then(|| row[1].clone().ok()).flatten()).collect();
        assert!(values.len() > 50, "{sector}: {}", values.len());
        assert!(values.iter().all(|value| (value / s - 1.0).abs() < 3e-4), "{sector}: {values:?}");
    }
}
