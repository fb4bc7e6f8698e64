//! The part of `halor pdf` that does what PDFgetX3 does with a configuration of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use halor::config::{AnalysisFile, PdfSettings};
use halor::output::{Existing, Together};
use halor::pattern_file::{Axis, PatternSource};
use halor::pdfgetx3::{OutputType, PdfGetX3Config, output_text};
use halor::pipeline::reduce;
use halor::reduce::ReductionPlan;
use halor::scattering::Composition;
use halor::structure::StructureSettings;

use super::{Done, PdfArgs};

/// What PDFgetX3 would do with one input; options of the command line go before the configuration.
pub(super) fn one(
    args: &PdfArgs,
    config: &PdfGetX3Config,
    input: &str,
    apart: &[PathBuf],
) -> anyhow::Result<Done> {
    if args.tune {
        bail!("--tune needs the absolute scale, and PDFgetX3's is relative");
    }
    let asked = AnalysisFile::open(args.run_file.as_deref(), &args.options.overrides())?;
    let path = config.locate(input);
    let background = config.backgroundfile.as_ref().map(|name| config.locate(name));
    let background = args.background.clone().or(background);
    let read = PatternSource {
        sample: &path,
        background: background.as_deref(),
        background_scale: args.background_scale.unwrap_or(config.bgscale),
        axis: args.axis.map(Axis::from).or(config.dataformat),
        wavelength_angstrom: asked.wavelength_angstrom()?.or(config.wavelength),
        two_theta_zero_deg: args.two_theta_zero_deg.unwrap_or(config.twothetazero),
    }
    .read()?;
    let mut overrides = config.within(read.coverage()).overrides();
    overrides.extend(args.options.overrides());
    let file = AnalysisFile::open(args.run_file.as_deref(), &overrides)?;
    let analysis = file.settle(read.coverage())?;
    let plan = ReductionPlan::new(&analysis.settings, &read.pattern.radial)?;
    let reduced = reduce(&read.pattern, &plan)?;
    let (q, intensity) = plan.structure.resampled(&read.pattern)?;

    let shown = PdfGetX3Config {
        backgroundfile: background.map(|path| path.display().to_string()),
        bgscale: args.background_scale.unwrap_or(config.bgscale),
        wavelength: read.wavelength_angstrom,
        dataformat: Some(read.axis),
        twothetazero: args.two_theta_zero_deg.unwrap_or(config.twothetazero),
        ..effective(config, &analysis.settings).context("`mode` was changed: expected pdfgetx3")?
    };
    let existing = if args.force || config.force { Existing::Replace } else { Existing::Keep };
    let mut files = Together::default();
    for kind in &config.outputtype {
        let (x, y) = match kind {
            OutputType::Iq => (&q, &intensity),
            OutputType::Sq => (&reduced.structure.q, &reduced.structure.s),
            OutputType::Fq => (&reduced.structure.q, &reduced.structure.f),
            OutputType::Gr => (&reduced.pdf.r, &reduced.pdf.g),
        };
        let file = args.output.join(config.output_name(Path::new(input), *kind)?);
        files.add(file, output_text(&shown, input, *kind, x, y));
    }
    if let Some(covariance) = super::covariance(&analysis.settings, &plan, &reduced) {
        let file = args.output.join(config.output_name(Path::new(input), OutputType::Gr)?);
        files.add(file.with_extension("gr.covariance.npy"), covariance);
    }
    // That σ is estimated is not said: it has no place in these files.
    let warnings = read.warnings.into_iter().chain(analysis.warnings).collect();
    Ok(Done { files: files.write(existing, apart)?, notes: Vec::new(), warnings })
}

/// The configuration with the numbers that were used.
fn effective(config: &PdfGetX3Config, settings: &PdfSettings) -> Option<PdfGetX3Config> {
    let StructureSettings::PdfGetX3(used) = &settings.structure else { return None };
    let r = settings.transform.r;
    // As it is written, if that is what was used: its digits are all there.
    let written = config.composition.clone();
    let is_used = |text: &String| Composition::parse(text).is_ok_and(|parsed| parsed == settings.composition);
    let composition = written.filter(is_used).or_else(|| Some(settings.composition.to_string()));
    Some(PdfGetX3Config {
        composition,
        rpoly: used.rpoly,
        qmin: used.qmin,
        qmax: Some(used.qmax),
        qmaxinst: Some(used.qmaxinst),
        rmin: r.start,
        rmax: r.at(r.count - 1),
        rstep: r.step,
        ..config.clone()
    })
}
