//! The end of a run: tables, pictures, the record, the page.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use super::comparison::Compared;
use super::error::RunError;
use super::files::{relative, remove};
use super::frame_picture::pictures;
use super::inputs::inputs;
use super::nexus;
use super::process::RunResult;
use super::run::Run;
use crate::config::Loaded;
use crate::engine::EngineInfo;
use crate::output::{
    Durability, Existing, Ledger, RunRecord, RunTimes, peaks_csv, write_durably, write_file, write_table,
};
use crate::report::{REPORT_FILE, series_svg, write_report};

/// Writes what is left to write, and takes away what is there of the `possible` results and is not of this run; `times` has the run's beginning.
pub(super) fn finish(
    mut run: Run<'_>,
    loaded: &Loaded,
    possible: &[PathBuf],
    mut times: RunTimes,
    start: Instant,
) -> Result<RunResult, RunError> {
    let (config, prepared, crew) = (run.config, run.prepared, run.crew);
    let conditions = run.conditions();
    let Compared { mut tables, series, anisotropy } = run.compared(&conditions);
    run.samples_to_nexus();
    let engine = run.engine();
    let Run { records, rows, curves, warnings, redone, mut outputs, header_check, nexus, .. } = run;
    if config.pdf.is_some() {
        tables.push(("peaks.csv".to_owned(), peaks_csv(&rows, &conditions)));
    }
    if let (Some(pdf), Some(plan)) = (&config.pdf, &prepared.plans.reduction)
        && let Some(weights) = plan.weights(pdf)?
    {
        tables.push(("weights.csv".to_owned(), weights));
    }
    for (name, table) in tables {
        outputs.extend(write_table(&config.output, &name, table, Existing::Replace)?);
    }
    let mut of_run = |name: &str, content: &str| {
        outputs.push(PathBuf::from(name));
        write_file(&config.output.join(name), content.as_bytes(), Existing::Replace)
    };
    of_run("config.yaml", &loaded.resolved_yaml)?;
    of_run("series.svg", &series_svg(&curves)?)?;
    for (name, picture) in pictures(config, prepared, &records)? {
        of_run(name, &picture)?;
    }
    outputs.extend(["timings.json", "run.json", REPORT_FILE].map(PathBuf::from));
    let twice = prepared.twice_scattered();
    let of_samples = twice.and_then(|twice| twice.warning());
    let warnings =
        loaded.warnings.iter().cloned().chain(header_check.into_warnings()).chain(of_samples).chain(warnings);
    outputs.extend(nexus.iter().map(|nexus| relative(config, nexus.path())));
    let mut record = RunRecord {
        program: "halor",
        version: env!("CARGO_PKG_VERSION"),
        run_file: config.source.clone(),
        engine,
        redone,
        corrections: prepared.applied(config),
        multiple_scattering: twice,
        ledger: Ledger::of(records.len(), &records),
        warnings: warnings.collect(),
        failed_samples: run.failed_samples,
        quality: run.quality,
        low_r_fits: run.low_r_fits,
        tuned: loaded.tuned.clone(),
        series,
        anisotropy,
        inputs: inputs(config),
        frames: records,
        outputs,
    };
    times.timings = run.timings;
    times.timings.total_s = start.elapsed().as_secs_f64();
    times.finished = jiff::Timestamp::now().to_string();
    times.engines = crew.uses();
    let json = serde_json::to_string_pretty(&times)?;
    write_file(&config.output.join("timings.json"), json.as_bytes(), Existing::Replace)?;
    let json = nexus::finish(nexus, &mut record, &conditions, &rows, config)?;
    write_durably(&config.output.join("run.json"), json.as_bytes(), Existing::Replace, Durability::Now)?;
    // Results of an earlier run that this one has not replaced, since their frame or sector failed, are not of this run.
    let of_this_run: HashSet<PathBuf> = record.outputs.iter().map(|file| config.output.join(file)).collect();
    remove(possible.iter().filter(|file| !of_this_run.contains(*file)));
    write_report(&config.output)?;
    Ok(RunResult { record, times, peaks: rows, curves })
}

impl Run<'_> {
    /// The engine that made the sums, the first of several; engines of different sessions are named in a warning.
    fn engine(&mut self) -> EngineInfo {
        if self.engines.len() > 1 {
            let name = |(engines, frames): &(Vec<EngineInfo>, usize)| {
                let named: Vec<String> =
                    engines.iter().map(|e| format!("{} ({}, {})", e.device, e.kind, e.detail)).collect();
                format!("{frames} by {}", named.join(" and "))
            };
            let named: Vec<String> = self.engines.iter().map(name).collect();
            self.warnings.push(format!(
                "frames were integrated by different engines, which agree but for rounding: {}",
                named.join(", ")
            ));
        }
        let first = self.engines.first().and_then(|(engines, _)| engines.first());
        first.unwrap_or(self.crew.info()).clone()
    }
}
