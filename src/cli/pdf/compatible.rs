//! The part of `halor pdf` that does what PDFgetX3 does with a configuration of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use halor::config::{AnalysisFile, PdfSettings};
use halor::output::{Existing, write_file};
use halor::pattern_file::{Axis, PatternSource};
use halor::pdfgetx3::{OutputType, PdfGetX3Config, output_text};
use halor::pipeline::reduce;
use halor::reduce::ReductionPlan;
use halor::structure::StructureSettings;

use super::{Done, PdfArgs};

/// What PDFgetX3 would do with one input; options of the command line go before the configuration.
pub(super) fn one(args: &PdfArgs, config: &PdfGetX3Config, input: &str) -> anyhow::Result<Done> {
    if args.fit_low_r.is_some() {
        bail!("--fit-low-r needs the absolute scale, and PDFgetX3's is relative");
    }
    let path = config.locate(input);
    let background = config.backgroundfile.as_ref().map(|name| config.locate(name));
    let background = args.background.clone().or(background);
    let mut read = PatternSource {
        sample: &path,
        background: background.as_deref(),
        background_scale: args.background_scale.unwrap_or(config.bgscale),
        axis: args.axis.map(Axis::from).or(config.dataformat),
        wavelength_angstrom: config.wavelength,
        two_theta_zero_deg: args.two_theta_zero_deg.unwrap_or(config.twothetazero),
    }
    .read()?;
    // σ has no place in these files.
    read.warnings.clear();
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
        ..effective(config, &analysis.settings).context("`mode` was changed: expected pdfgetx3")?
    };
    let existing = if args.force || config.force { Existing::Replace } else { Existing::Keep };
    let mut files: Vec<PathBuf> = Vec::new();
    for kind in &config.outputtype {
        let (x, y) = match kind {
            OutputType::Iq => (&q, &intensity),
            OutputType::Sq => (&reduced.structure.q, &reduced.structure.s),
            OutputType::Fq => (&reduced.structure.q, &reduced.structure.f),
            OutputType::Gr => (&reduced.pdf.r, &reduced.pdf.g),
        };
        let file = args.output.join(config.output_name(Path::new(input), *kind)?);
        write_file(&file, output_text(&shown, input, *kind, x, y).as_bytes(), existing)?;
        files.push(file);
    }
    if let Some(covariance) = super::covariance(&analysis.settings, &plan, &reduced) {
        let file = args.output.join(config.output_name(Path::new(input), OutputType::Gr)?);
        let file = file.with_extension("gr.covariance.npy");
        write_file(&file, &covariance, existing)?;
        files.push(file);
    }
    Ok(Done {
        files,
        notes: Vec::new(),
        warnings: read.warnings.into_iter().chain(analysis.warnings).collect(),
    })
}

/// The configuration with the numbers that were used.
fn effective(config: &PdfGetX3Config, settings: &PdfSettings) -> Option<PdfGetX3Config> {
    let StructureSettings::PdfGetX3(used) = &settings.structure else { return None };
    let r = settings.transform.r;
    Some(PdfGetX3Config {
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
