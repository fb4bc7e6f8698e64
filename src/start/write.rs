//! The run file of a survey, with comments; what nobody said is a line to fill in.

use std::fmt::Write;
use std::path::Path;

use super::{Answers, Group, StartError, Survey};
use crate::units::energy_kev;

/// The text of a run file that will be at `target`.
///
/// # Errors
/// The background is no sample, or every one.
pub fn run_file(survey: &Survey, answers: &Answers, target: &Path) -> Result<String, StartError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let (background, samples) = split(survey, answers)?;
    let mut text = String::from(
        "# A run of halor. `halor check` says what it would do, `halor run` does it.\n\
         # Every key, its unit and its default: docs/run-file.md. Lines that begin with `#` are off.\n\n\
         # Folder of the results.\noutput: results\n",
    );
    geometry(&mut text, survey, answers, folder);
    mask(&mut text, survey, folder);
    corrections(&mut text, survey, folder);
    text.push_str(
        "\n# Radial axis; without a range, what the detector covers.\nintegration:\n  unit: q_inv_angstrom\n",
    );
    if background.is_empty() {
        text.push_str("  # normalize_by: exposure   # or monitor; needed where a background is subtracted\n");
    } else if survey.header.exposure_s.is_some() {
        text.push_str("  normalize_by: exposure     # or monitor\n");
    } else {
        text.push_str(
            "  normalize_by: none         # the headers tell no exposure; set exposure_s or use `monitor`\n",
        );
    }
    text.push_str("# Parts of the ring, such as along and across a load axis.\n# sectors:\n#   - {name: X, centre_deg: 0, width_deg: 10, fold: on}\n");
    match background.as_slice() {
        [] => text.push_str("\n# Air and container, measured without the sample.\n# background: {frames: air_*.tif, scale: 1.0}\n"),
        groups => {
            let patterns: Vec<String> = groups.iter().map(|group| written(&group.pattern, folder)).collect();
            let _ = writeln!(
                text,
                "\n# Air and container, measured without the sample.\nbackground: {{frames: [{}], scale: 1.0}}",
                patterns.join(", ")
            );
        }
    }
    analysis(&mut text, answers);
    text.push_str(
        "\n# In this order; the others are compared with the first (`series.reference`).\nsamples:\n",
    );
    for group in samples {
        let name = serde_json::Value::from(group.name.as_str());
        let _ = writeln!(
            text,
            "  - {{name: {name}, frames: {}}}   # {} files",
            written(&group.pattern, folder),
            group.files
        );
    }
    Ok(text)
}

/// Background and samples.
fn split<'a>(survey: &'a Survey, answers: &Answers) -> Result<(Vec<&'a Group>, Vec<&'a Group>), StartError> {
    let Some(wanted) = &answers.background else { return Ok((Vec::new(), survey.samples.iter().collect())) };
    let is_background = |group: &&Group| group.name.to_lowercase().contains(&wanted.to_lowercase());
    let (background, samples): (Vec<&Group>, Vec<&Group>) = survey.samples.iter().partition(is_background);
    if samples.is_empty() {
        return Err(StartError::AllBackground(wanted.clone()));
    }
    if background.is_empty() {
        let found: Vec<&str> = samples.iter().map(|group| group.name.as_str()).collect();
        return Err(StartError::NoBackground { wanted: wanted.clone(), found: found.join(", ") });
    }
    Ok((background, samples))
}

/// A path as YAML text, relative to the run file's folder where it is below it.
fn written(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

fn geometry(text: &mut String, survey: &Survey, answers: &Answers, folder: &Path) {
    text.push_str("\n# Where the detector stands: a .poni file, numbers, or a calibrant's frame.\n");
    let calibrant = survey.calibrants.first();
    if let Some(poni) = survey.poni() {
        let _ = writeln!(text, "geometry: {{poni: {}}}", written(poni, folder));
        match answers.energy_kev {
            Some(energy) => {
                let _ = writeln!(
                    text,
                    "beam: {{energy_kev: {energy}}}   # goes before the .poni file's wavelength"
                );
            }
            None => text.push_str(
                "# beam: {energy_kev: 112}              # goes before the .poni file's wavelength\n",
            ),
        }
        detector(text, survey, answers, "# ");
        return;
    }
    for poni in &survey.ponis {
        let _ = writeln!(text, "# geometry: {{poni: {}}}   # one of several", written(poni, folder));
    }
    let header_energy = survey.header.wavelength_angstrom.map(energy_kev);
    match (answers.energy_kev, header_energy) {
        (Some(energy), _) => {
            let _ = writeln!(text, "beam: {{energy_kev: {energy}}}");
        }
        (None, Some(energy)) => {
            let _ = writeln!(
                text,
                "beam: {{energy_kev: {energy:.4}}}   # from a header, where it is often a placeholder: check it"
            );
        }
        (None, None) => text.push_str("# beam: {energy_kev: 112}   # fill in\n"),
    }
    detector(text, survey, answers, "");
    match (answers.distance_mm, answers.beam_centre_px, calibrant) {
        (Some(distance), Some([column, row]), _) => {
            let _ =
                writeln!(text, "geometry: {{distance_mm: {distance}, beam_centre_px: [{column}, {row}]}}");
        }
        (_, _, Some((name, group))) => {
            let _ = writeln!(
                text,
                "geometry: {{calibrate: {{frame: {}, calibrant: {name}}}}}",
                written(&group.first, folder)
            );
        }
        (_, _, None) => text.push_str(
            "# geometry: {distance_mm: 300, beam_centre_px: [737.2, 840.1]}   # fill in: [column, row]\n",
        ),
    }
}

/// `off` begins the line where the .poni file has the detector.
fn detector(text: &mut String, survey: &Survey, answers: &Answers, off: &str) {
    let name = answers.detector.as_ref().or(survey.detector.as_ref());
    let generic = survey.header.pixel_m.zip(survey.shape);
    match (name, generic) {
        (Some(name), _) => {
            // Said by the user, it goes before the .poni file's.
            let off = if answers.detector.is_some() { "" } else { off };
            let _ = writeln!(text, "{off}detector: {{name: {}}}", serde_json::Value::from(name.as_str()));
        }
        (None, Some(([slow, fast], shape))) => {
            let um = |metres: f64| (metres * 1e9).round() / 1e3;
            let _ = writeln!(
                text,
                "{off}detector: {{pixel_um: [{}, {}], shape: [{}, {}]}}   # from a header",
                um(slow),
                um(fast),
                shape.rows,
                shape.columns
            );
        }
        (None, None) => text.push_str("# detector: {name: Pilatus CdTe 2M}\n"),
    }
}

fn mask(text: &mut String, survey: &Survey, folder: &Path) {
    text.push_str("\n# Pixels left out of all frames; gaps and negative counts always are.\n");
    if survey.masks.is_empty() {
        text.push_str("# mask: {files: [mask.tif], beam_stop: {centre_px: [737, 840], radius_px: 22}}\n");
    } else {
        let files: Vec<String> = survey.masks.iter().map(|path| written(path, folder)).collect();
        let _ = writeln!(text, "mask:\n  files: [{}]", files.join(", "));
        text.push_str("  # beam_stop: {centre_px: [737, 840], radius_px: 22}\n");
    }
}

fn corrections(text: &mut String, survey: &Survey, folder: &Path) {
    text.push_str("\ncorrections:\n  solid_angle: on\n  polarization: on           # beam.polarization: 0.99 unless set\n");
    for dark in &survey.darks {
        let _ = writeln!(text, "  # dark: {}   # of the samples' exposure", written(&dark.pattern, folder));
    }
    for flat in &survey.flats {
        let _ = writeln!(text, "  # flat: {}", written(&flat.first, folder));
    }
    text.push_str("  # absorption: {shape: slab, thickness_mm: 1.0, density_g_cm3: 6.7}\n");
}

fn analysis(text: &mut String, answers: &Answers) {
    let Some(composition) = &answers.composition else {
        text.push_str("\n# Composition and pdf make S(Q), G(r) and peaks of I(Q).\n# composition: Zr62 Cu15.5 Ni12.5 Al10\npdf: off\n");
        return;
    };
    let composition = serde_json::Value::from(composition.as_str());
    let _ = writeln!(text, "\n# From I(Q) to S(Q), G(r) and peaks.\ncomposition: {composition}\npdf:");
    match answers.density_atoms_per_cubic_angstrom {
        Some(density) => {
            let _ = writeln!(text, "  density_atoms_per_cubic_angstrom: {density}");
        }
        None => text.push_str("  # density_atoms_per_cubic_angstrom: 0.0528   # for coordination numbers\n"),
    }
    text.push_str("  # q_range_inv_angstrom: [0.7, 22]\n  window: lorch\n");
}
