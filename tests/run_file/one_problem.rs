//! One mistake each.

use halor::config::ProblemKind;

use super::{Folder, SMALL};

/// A run file that is [`SMALL`] with more below it (line 5 on), and the one problem that it has.
struct Case(&'static str, (usize, usize), &'static str, &'static str, &'static str);

/// (addition, (line, column), key, part of the message, part of the mend)
const ONE_PROBLEM: &[Case] = &[
    // Form.
    Case("output: [a", (5, 9), "", "unclosed bracket", ""),
    Case("output: a\noutput: b", (6, 1), "", "the key `output` is given twice", "keep one"),
    Case("---\na: 1", (6, 1), "", "one YAML document", "---"),
    Case("outptu: x", (5, 1), "outptu", "unknown key `outptu`", "did you mean `output`?"),
    Case(
        "integration:\n  binz: 3000",
        (6, 3),
        "integration.binz",
        "in `integration`",
        "did you mean `bins`?",
    ),
    Case("heatmap: {azimuth_bins: 36}", (5, 1), "heatmap", "unknown key `heatmap`", "allowed here: output"),
    Case("beam: {energy: 112}", (5, 8), "beam.energy", "unknown key", "did you mean `energy_kev`?"),
    Case(
        "integration: {bins: many}",
        (5, 21),
        "integration.bins",
        "found `many`, expected a whole number",
        "",
    ),
    Case("integration: {bins: -3}", (5, 21), "integration.bins", "found `-3`, expected a whole number", ""),
    Case("integration: {range: [1, 2, 3]}", (5, 22), "integration.range", "3 values, expected 2", ""),
    Case("integration: {range: [1, x]}", (5, 26), "integration.range[1]", "found `x`, expected a number", ""),
    Case(
        "integration: {splitting: ful}",
        (5, 26),
        "integration.splitting",
        "unknown word `ful`",
        "mean `full`?",
    ),
    Case("integration: {filter: mediam}", (5, 23), "integration.filter", "unknown word", "mean `median`?"),
    Case(
        "integration: {filter: {sigma_clip: {thresh: 5}}}",
        (5, 37),
        "integration.filter.sigma_clip.thresh",
        "unknown key",
        "",
    ),
    Case("integration: {filter: {}}", (5, 23), "integration.filter", "expected one filter", ""),
    Case("pdf: {window: lorhc}", (5, 15), "pdf.window", "unknown word", "did you mean `lorch`?"),
    Case("corrections: {solid_angle: maybe}", (5, 28), "corrections.solid_angle", "unknown word", "on, off"),
    Case("corrections: {air_path_mm: thick}", (5, 28), "corrections.air_path_mm", "found `thick`", ""),
    Case("beam: {energy_kev: .inf}", (5, 20), "", "`.inf` is not a finite number", "finite"),
    Case("beam: 112", (5, 7), "beam", "found `112`, expected a block of keys", ""),
    Case("sectors: [{name: X}]", (5, 11), "sectors[0]", "the key `centre_deg` is missing", "centre_deg"),
    Case("peaks: {g_of_r: {r1: [2.2]}}", (5, 22), "peaks.g_of_r.r1", "1 values, expected 2", ""),
    // Meaning.
    Case("output: ''", (5, 9), "output", "has no name", "output: results"),
    Case("output: a_1.tif", (5, 9), "output", "is a file, expected a folder", ""),
    Case("integration: {range: [5, 2]}", (5, 22), "integration.range", "not below its upper end", ""),
    Case("integration: {range: [-1, 2]}", (5, 22), "integration.range", "negative", ""),
    Case(
        "integration: {filter: {sigma_clip: {threshold: 1}}}",
        (5, 48),
        "integration.filter.sigma_clip.threshold",
        "at least 2",
        "5",
    ),
    Case(
        "integration: {filter: {sigma_clip: {iterations: 0}}}",
        (5, 49),
        "integration.filter.sigma_clip.iterations",
        "1 to 100",
        "",
    ),
    Case(
        "integration: {filter: {trimmed_mean: {quantiles: [0.9, 0.1]}}}",
        (5, 50),
        "integration.filter.trimmed_mean.quantiles",
        "no range",
        "median",
    ),
    Case("integration: {bins: 0}", (5, 21), "integration.bins", "expected 1 to 1000000", ""),
    Case("integration: {bins: 2000000}", (5, 21), "integration.bins", "expected 1 to 1000000", ""),
    Case(
        "integration: {range: [1, 120]}",
        (5, 22),
        "integration.range",
        "nothing scatters beyond 4π/λ = 113.5",
        "",
    ),
    Case("integration: {range: [40, 50]}\npdf: off", (5, 22), "integration.range", "the detector covers", ""),
    Case("integration: {exposure_s: 0}", (5, 27), "integration.exposure_s", "above 0", ""),
    Case("integration:\n  unit: two_theta_deg", (6, 9), "integration.unit", "made from I(Q)", "pdf: off"),
    Case("beam: {polarization: 1.5}", (5, 22), "beam.polarization", "from −1", ""),
    Case("beam: {energy_kev: -3}", (5, 20), "beam.energy_kev", "above 0", ""),
    Case("beam: {energy_kev: 112000}", (5, 20), "beam.energy_kev", "expected 1 to 1000 keV", "in keV"),
    Case(
        "beam: {energy_kev: 112, wavelength_angstrom: 0.1}",
        (5, 46),
        "beam.wavelength_angstrom",
        "both",
        "keep one",
    ),
    Case("detector: {name: Pilatos CdTe 2M}", (5, 18), "detector.name", "Pilatus CdTe 2M", ""),
    Case("detector: {pixel_um: 172}", (5, 1), "detector", "`shape` is missing", "shape"),
    Case(
        "detector: {name: Pilatus CdTe 2M, orientation: 5}",
        (5, 48),
        "detector.orientation",
        "1, 2, 3 or 4",
        "",
    ),
    Case(
        "detector: {pixel_um: 172, shape: [1679, 1475]}\ncorrections: {sensor: on}",
        (6, 23),
        "corrections.sensor",
        "is not known",
        "sensor: off",
    ),
    Case(
        "corrections: {absorption: {shape: slab, mu_inv_cm: 3}}",
        (5, 15),
        "corrections.absorption",
        "thickness_mm` of the slab is missing",
        "thickness_mm",
    ),
    Case(
        "corrections: {absorption: {shape: slab, thickness_mm: 0, mu_inv_cm: 3}}",
        (5, 55),
        "corrections.absorption.thickness_mm",
        "above 0",
        "",
    ),
    Case(
        "corrections: {absorption: {shape: slab, thickness_mm: 1}}",
        (5, 15),
        "corrections.absorption",
        "how strongly",
        "mu_inv_cm",
    ),
    Case(
        "corrections: {absorption: {shape: slab, thickness_mm: 1, mu_inv_cm: 3, density_g_cm3: 6}}",
        (5, 69),
        "corrections.absorption.mu_inv_cm",
        "both",
        "keep one",
    ),
    Case(
        "corrections: {absorption: {shape: slab, thickness_mm: 1, mu_inv_cm: 3, axis_deg: 90}}",
        (5, 82),
        "corrections.absorption.axis_deg",
        "a slab has no",
        "shape",
    ),
    Case(
        "corrections: {absorption: {shape: cylinder, diameter_mm: 1, mu_inv_cm: 3, thickness_mm: 1}}",
        (5, 89),
        "corrections.absorption.thickness_mm",
        "a cylinder has no",
        "shape",
    ),
    Case(
        "corrections: {absorption: {shape: cylinder, diameter_mm: -1, mu_inv_cm: 3}}",
        (5, 58),
        "corrections.absorption.diameter_mm",
        "above 0",
        "",
    ),
    Case(
        "corrections: {absorption: {shape: rod, diameter_mm: 1, mu_inv_cm: 3}}",
        (5, 35),
        "corrections.absorption.shape",
        "unknown word",
        "cylinder",
    ),
    Case(
        "detector: {pixel_um: 172, shape: [1679, 1475]}\ncorrections: {sensor: off, parallax: on}",
        (6, 38),
        "corrections.parallax",
        "is not known",
        "parallax: off",
    ),
    Case("corrections: {dead_time_s: -1e-7}", (5, 28), "corrections.dead_time_s", "0 or a number above", ""),
    Case("corrections: {air_path_mm: -3}", (5, 28), "corrections.air_path_mm", "0 or a number above", ""),
    Case("mask: {saturated_counts: 0}", (5, 26), "mask.saturated_counts", "above 0", ""),
    Case("mask: {polygons_px: [[[1, 2], [3, 4]]]}", (5, 22), "mask.polygons_px[0]", "2 corners", ""),
    Case(
        "mask: {beam_stop: {centre_px: [1, 2], radius_px: 0}}",
        (5, 50),
        "mask.beam_stop.radius_px",
        "above 0",
        "",
    ),
    Case("sectors: [{name: X, centre_deg: 0}]", (5, 11), "sectors[0].width_deg", "has no width", "±5°"),
    Case(
        "sectors:\n- {name: X, centre_deg: 0, width_deg: 361}",
        (6, 39),
        "sectors[0].width_deg",
        "at most 360°",
        "",
    ),
    Case(
        "sectors: [{name: X, centre_deg: 0, width_deg: 200, fold: on}]",
        (5, 47),
        "sectors[0].width_deg",
        "at most 180° for a sector that is folded",
        "",
    ),
    Case(
        "sectors: [{name: ring, centre_deg: 0, width_deg: 20}]",
        (5, 18),
        "sectors[0].name",
        "the whole ring",
        "another name",
    ),
    Case(
        "sectors: [{name: X, centre_deg: 0, width_deg: 20}, {name: x, centre_deg: 90, width_deg: 20}]",
        (5, 59),
        "sectors[1].name",
        "also the name of sectors[0]",
        "",
    ),
    Case(
        "background: {frames: air_*.tif}",
        (0, 0),
        "integration.normalize_by",
        "a background is subtracted",
        "normalize_by: exposure",
    ),
    Case(
        "pdf: {q_range_inv_angstrom: [0.7, 40]}",
        (5, 29),
        "pdf.q_range_inv_angstrom",
        "beyond the pattern",
        "",
    ),
    Case("pdf: {r_step_angstrom: 0}", (5, 24), "pdf.r_step_angstrom", "above 0", ""),
    Case("pdf: {r_step_angstrom: 1e-9}", (5, 24), "pdf.r_step_angstrom", "points", ""),
    Case("pdf: {r_range_angstrom: [3, 3]}", (5, 25), "pdf.r_range_angstrom", "not below its upper end", ""),
    Case(
        "pdf: {normalization_q_min_inv_angstrom: 30}",
        (5, 41),
        "pdf.normalization_q_min_inv_angstrom",
        "below Qmax",
        "",
    ),
    Case(
        "pdf: {r_poly_angstrom: 2.0, r_hole_angstrom: 1.5}",
        (5, 24),
        "pdf.r_poly_angstrom",
        "above r_hole",
        "",
    ),
    Case("pdf: {qmaxinst_inv_angstrom: 20}", (5, 30), "pdf.qmaxinst_inv_angstrom", "no such setting", "mode"),
    Case(
        "pdf: {density_g_cm3: 6.7, density_atoms_per_cubic_angstrom: 0.05}",
        (5, 22),
        "pdf.density_g_cm3",
        "both",
        "keep one",
    ),
    Case(
        "peaks: {coordination_number: r1}",
        (5, 30),
        "peaks.coordination_number",
        "needs the density",
        "density_g",
    ),
    Case("peaks: {g_of_r: {r1: [3.6, 2.2]}}", (5, 22), "peaks.g_of_r.r1", "not below its upper end", ""),
    Case("peaks: {g_of_r: {r1: [28, 32]}}", (5, 22), "peaks.g_of_r.r1", "beyond the curve", ""),
    Case("peaks: {s_of_q: 1000}", (5, 17), "peaks.s_of_q", "at most 50", ""),
];

#[test]
fn each_bad_key_is_named_with_its_line_and_mend() {
    let folder = Folder::new();
    for Case(addition, place, key, message, mend) in ONE_PROBLEM {
        let error = folder.load(&format!("{SMALL}{addition}\n")).unwrap_err();
        let [problem] = error.problems.as_slice() else { panic!("{addition}: {error}") };
        let found = (problem.line.unwrap_or(0), problem.column.unwrap_or(0));
        assert_eq!((found, problem.key.as_str()), (*place, *key), "{addition}\n{error}");
        assert!(problem.message.contains(message), "{addition}: `{message}` is not in\n{error}");
        assert!(problem.mend.contains(mend), "{addition}: `{mend}` is not in\n{error}");
        assert_eq!(problem.kind, ProblemKind::Configuration, "{addition}");
        assert!(!error.only_missing_inputs());
    }
}
