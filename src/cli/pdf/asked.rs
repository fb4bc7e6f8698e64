//! What is asked for one pattern: by the command line, and by the header of a result that is to be made again.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use halor::config::{Analysis, AnalysisFile};
use halor::output::Header;
use halor::pattern_file::{Axis, PatternSource, ReadPattern};
use halor::pipeline::{Reduced, reduce};
use halor::reduce::ReductionPlan;

use super::PdfArgs;

/// One pattern and how it is to be treated.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Asked<'a> {
    args: &'a PdfArgs,
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) background: Option<PathBuf>,
    pub(in crate::cli) background_scale: f64,
    pub(in crate::cli) axis: Option<Axis>,
    pub(in crate::cli) two_theta_zero_deg: f64,
    /// `key=value` of a header; the command line goes before them.
    said: Vec<String>,
    /// What a header says of how its values were chosen.
    pub(in crate::cli) notes: Vec<(String, String)>,
}

/// One pattern on the way to G(r).
pub(in crate::cli) struct Analysed {
    pub(in crate::cli) read: ReadPattern,
    pub(in crate::cli) analysis: Analysis,
    pub(in crate::cli) plan: ReductionPlan,
    pub(in crate::cli) reduced: Reduced,
}

impl<'a> Asked<'a> {
    /// By the command line alone.
    pub(in crate::cli) fn of_pattern(args: &'a PdfArgs, path: &Path) -> Asked<'a> {
        Asked {
            args,
            path: path.to_owned(),
            background: args.background.clone(),
            background_scale: args.background_scale.unwrap_or(1.0),
            axis: args.axis.map(Axis::from),
            two_theta_zero_deg: args.two_theta_zero_deg.unwrap_or(0.0),
            said: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// By the `header` of the result at `result`; options of the command line go before it.
    ///
    /// # Errors
    /// A header without what is needed.
    pub(in crate::cli) fn of_result(
        args: &'a PdfArgs,
        result: &Path,
        header: &Header,
    ) -> anyhow::Result<Asked<'a>> {
        let shown = result.display();
        let (Some(input), Some(analysis)) = (header.get("inputfile"), header.get("analysis")) else {
            bail!(
                "{shown}: its header does not say how it was made: a result of `halor run` is made again by `halor run` with the \
                 config.yaml of its run, and a pattern is one of two or three columns, or a .iq file"
            );
        };
        let number = |key: &str, default: f64| match header.get(key) {
            None => Ok(default),
            Some(text) => {
                text.parse().with_context(|| format!("{shown}: {key} is `{text}`, expected a number"))
            }
        };
        let said: serde_json::Map<String, serde_json::Value> = serde_json::from_str(analysis)
            .with_context(|| format!("{shown}: `analysis` is no JSON object any more"))?;
        let axis = match header.get("axis") {
            None => None,
            Some(word) => Some(Axis::named(word).with_context(|| format!("{shown}: unknown axis `{word}`"))?),
        };
        let own = Asked::of_pattern(args, &locate(input, result));
        Ok(Asked {
            background: args
                .background
                .clone()
                .or(header.get("backgroundfile").map(|name| locate(name, result))),
            background_scale: args.background_scale.map_or_else(|| number("bgscale", 1.0), Ok)?,
            axis: own.axis.or(axis),
            two_theta_zero_deg: args.two_theta_zero_deg.map_or_else(|| number("twothetazero", 0.0), Ok)?,
            said: said.into_iter().map(|(key, value)| format!("{key}={value}")).collect(),
            notes: header.entries.iter().filter(|(key, _)| is_note(key)).cloned().collect(),
            ..own
        })
    }

    /// Reads the pattern and takes it to G(r); `overrides` go before all that the command line says.
    pub(in crate::cli) fn analyse(&self, overrides: &[String]) -> anyhow::Result<Analysed> {
        let overrides = [self.said.as_slice(), &self.args.options.overrides(), overrides].concat();
        let file = AnalysisFile::open(self.args.run_file.as_deref(), &overrides)?;
        let source = PatternSource {
            sample: &self.path,
            background: self.background.as_deref(),
            background_scale: self.background_scale,
            axis: self.axis,
            wavelength_angstrom: file.wavelength_angstrom()?,
            two_theta_zero_deg: self.two_theta_zero_deg,
        };
        let read = source.read()?;
        let analysis = file.settle(read.coverage())?;
        let plan = ReductionPlan::new(&analysis.settings, &read.pattern.radial)?;
        let reduced = reduce(&read.pattern, &plan)?;
        Ok(Analysed { read, analysis, plan, reduced })
    }
}

/// Whether a line of a header says how a value was chosen that stands elsewhere in it.
fn is_note(key: &str) -> bool {
    key.starts_with("tuned_") || key.starts_with("low_r_fit_")
}

/// A file of a header: as it is named there, else beside the result.
pub(super) fn locate(name: &str, result: &Path) -> PathBuf {
    let named = PathBuf::from(name);
    match result.parent() {
        Some(folder) if named.is_relative() && !named.exists() && folder.join(&named).exists() => {
            folder.join(named)
        }
        Some(_) | None => named,
    }
}
