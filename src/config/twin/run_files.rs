//! Run files for the frames of a twin, and what they make of them.

use super::schema::TwinFile;
use crate::config::resolve::{Check, integration, pdf, regions};
use crate::config::schema::{
    AbsorptionBlock, AbsorptionShapeWord, BackgroundBlock, CorrectionsBlock, GeometryBlock, GeometryKeys,
    MaskBlock, NormalizeWord, OffOr, Patterns, PdfBlock, RunFile, SampleBlock, Switch,
};
use crate::correct::{SampleAbsorption, SampleShape};
use crate::simulate::absorption::forward_transmission;
use crate::simulate::noise::COUNTER_FULL;
use crate::simulate::{Analysis, BeamPath, Camera, FrameFormat, Matter, Parallax, RunFileText, TwinSample};
use crate::structure::StructureSettings;

/// What the run files will do.
pub(super) struct Plan {
    pub(super) analysis: Option<Analysis>,
    pub(super) run_files: Vec<RunFileText>,
}

/// Samples that one run file can process: it knows one composition and one density.
struct Group<'s> {
    /// Elements and ρ0; `None` = integrate only.
    material: Option<(String, f64)>,
    /// What its samples absorb.
    absorption: Option<SampleAbsorption>,
    samples: Vec<&'s TwinSample>,
}

/// Checks the blocks of the analysis with the run file's code, and writes a run file for each group of samples: crystals
/// to be integrated, the rest with S(Q) and G(r) unless `pdf: off`.
pub(super) fn run_files(
    written: &TwinFile,
    format: FrameFormat,
    samples: &[TwinSample],
    camera: Option<&Camera>,
    check: &mut Check<'_>,
) -> Option<Plan> {
    let geometry = camera.map(|camera| &camera.geometry);
    let parallax = match camera.map(|camera| camera.parallax) {
        Some(Parallax::Modelled(_)) => Switch::On,
        Some(Parallax::Ignored) | None => Switch::Off,
    };
    let wants_pdf = !matches!(written.pdf, Some(OffOr::Off));
    let groups = groups(samples, wants_pdf);
    let material = groups.iter().find_map(|group| group.material.as_ref());
    let mut trial = blocks(written, material);
    let settings = integration(&mut trial, geometry, check);
    let regions = regions(&mut trial, check);
    if let Some(OffOr::On(block)) = &written.pdf {
        for (key, is_given) in [
            ("pdf.density_atoms_per_cubic_angstrom", block.density_atoms_per_cubic_angstrom.is_some()),
            ("pdf.density_g_cm3", block.density_g_cm3.is_some()),
        ] {
            if is_given {
                let message = "the density is that of the samples";
                check.problems.push(key, message, "write it with the sample, or remove it");
            }
        }
    }
    let analysis = match material {
        Some(_) => {
            let pdf = pdf(&mut trial, geometry, settings.as_ref(), check)?;
            let q_range = match &pdf.structure {
                StructureSettings::Absolute(settings) => settings.q_range,
                StructureSettings::PdfGetX3(settings) => [settings.qmin, settings.qmax],
            };
            Some(Analysis { q_range, window: pdf.transform.window, peaks: pdf.peaks, regions })
        }
        None => None,
    };
    let mut run_files = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let last = index + 1 == groups.len();
        let first = group.samples.first()?;
        let (name, output) = if last {
            ("run.yaml".to_owned(), "results".to_owned())
        } else {
            (format!("{}.yaml", first.name), format!("results/{}", first.name))
        };
        let file = run_file(written, format, group, output, parallax);
        match text(&file) {
            Ok(text) => run_files.push(RunFileText { name, text }),
            Err(error) => check.problems.push("samples", error, ""),
        }
    }
    Some(Plan { analysis, run_files })
}

/// Crystals first, the series (the first samples that are no crystals) last.
fn groups(samples: &[TwinSample], wants_pdf: bool) -> Vec<Group<'_>> {
    let (mut integrated, mut others) = (Vec::<Group<'_>>::new(), Vec::<Group<'_>>::new());
    for sample in samples {
        let (material, groups) = match sample.matter {
            Matter::Glass { .. } | Matter::Atoms(_) | Matter::Table { .. } if wants_pdf => {
                (Some((sample.matter.composition().to_string(), sample.matter.density())), &mut others)
            }
            Matter::Glass { .. } | Matter::Atoms(_) | Matter::Table { .. } | Matter::Crystal(_) => {
                (None, &mut integrated)
            }
        };
        let absorption = sample.absorption;
        let same = |group: &&mut Group<'_>| group.material == material && group.absorption == absorption;
        match groups.iter_mut().find(same) {
            Some(group) => group.samples.push(sample),
            None => groups.push(Group { material, absorption, samples: vec![sample] }),
        }
    }
    let is_there = usize::from(!others.is_empty());
    others.rotate_left(is_there);
    integrated.append(&mut others);
    integrated
}

/// The block of a run file: the coefficient in place of density and composition.
fn absorption_block(absorption: &SampleAbsorption) -> AbsorptionBlock {
    let nothing = AbsorptionBlock {
        shape: AbsorptionShapeWord::Slab,
        thickness_mm: None,
        diameter_mm: None,
        axis_deg: None,
        beam_mm: None,
        density_g_cm3: None,
        mu_inv_cm: Some(absorption.mu_per_m / 100.0),
        // The simulation knows none.
        container: None,
    };
    match absorption.shape {
        SampleShape::Slab { thickness_m } => {
            AbsorptionBlock { thickness_mm: Some(1e3 * thickness_m), ..nothing }
        }
        SampleShape::Cylinder { diameter_m, axis_rad, beam_m } => AbsorptionBlock {
            shape: AbsorptionShapeWord::Cylinder,
            diameter_mm: Some(1e3 * diameter_m),
            axis_deg: Some(axis_rad.to_degrees()),
            beam_mm: Some(1e3 * beam_m),
            ..nothing
        },
    }
}

/// The blocks that the twin file shares with the run file, for one material.
fn blocks(written: &TwinFile, material: Option<&(String, f64)>) -> RunFile {
    let (pdf, peaks) = match material {
        Some((_, density)) => {
            let mut block = match &written.pdf {
                Some(OffOr::On(block)) => block.clone(),
                Some(OffOr::Off) | None => PdfBlock::default(),
            };
            block.density_g_cm3 = None;
            block.density_atoms_per_cubic_angstrom = Some(*density);
            (OffOr::On(block), written.peaks.clone())
        }
        None => (OffOr::Off, None),
    };
    let mut integration = written.integration.clone();
    let comparable = match written.counting.monitor_counts_per_s {
        Some(_) => NormalizeWord::Monitor,
        None => NormalizeWord::Exposure,
    };
    integration.normalize_by.get_or_insert(comparable);
    RunFile {
        beam: written.beam.clone(),
        integration,
        sectors: written.sectors.clone(),
        composition: material.map(|(composition, _)| composition.clone()),
        pdf: Some(pdf),
        peaks,
        ..RunFile::default()
    }
}

fn run_file(
    written: &TwinFile,
    format: FrameFormat,
    group: &Group<'_>,
    output: String,
    parallax: Switch,
) -> RunFile {
    let frames = |name: &str| Patterns(vec![format!("frames/{name}/*.{}", format.extension())]);
    let air = written.background.as_ref().and_then(OffOr::on).filter(|block| block.frames != Some(0));
    let samples = group.samples.iter().map(|sample| SampleBlock {
        name: sample.name.clone(),
        frames: frames(&sample.name),
        background: match sample.beam_path {
            BeamPath::Surroundings => None,
            BeamPath::Vacuum => air.map(|_| OffOr::Off),
        },
        state: None,
        properties: std::collections::BTreeMap::new(),
    });
    let can_saturate =
        matches!(written.hot_pixels, Some(OffOr::On(_))) || written.counting.saturated_counts.is_some();
    let saturated = written.counting.saturated_counts.unwrap_or(COUNTER_FULL as u64);
    let corrections = CorrectionsBlock {
        flat: written.flat.as_ref().and_then(OffOr::on).map(|_| OffOr::On("flat.tif".to_owned())),
        dark: written.dark_frames.filter(|count| *count > 0).map(|_| OffOr::On(frames("dark"))),
        absorption: group.absorption.as_ref().map(|absorption| OffOr::On(absorption_block(absorption))),
        solid_angle: Some(Switch::On),
        polarization: Some(Switch::On),
        parallax: Some(parallax),
        air_path_mm: written.air_path_mm.clone(),
        ..CorrectionsBlock::default()
    };
    RunFile {
        output: Some(output),
        detector: written.detector.clone(),
        geometry: Some(GeometryBlock(GeometryKeys {
            poni: Some("geometry.poni".to_owned()),
            ..GeometryKeys::default()
        })),
        mask: MaskBlock {
            files: vec!["mask.tif".to_owned()],
            saturated_counts: can_saturate.then_some(saturated as f64),
            ..MaskBlock::default()
        },
        corrections,
        background: air.map(|_| {
            OffOr::On(BackgroundBlock {
                frames: frames("air"),
                scale: Some(group.absorption.as_ref().map_or(1.0, forward_transmission)),
            })
        }),
        samples: samples.collect(),
        ..blocks(written, group.material.as_ref())
    }
}

fn text(file: &RunFile) -> Result<String, String> {
    let yaml = serde_yaml::to_string(file).map_err(|error| error.to_string())?;
    Ok(format!("# Frames of a simulation; what a perfect analysis finds stands in truth/.\n{yaml}"))
}
