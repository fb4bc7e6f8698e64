//! Structure → frames → S(Q), G(r), peaks, without noise, over random set-ups.

use std::path::Path;

use halor::batch::{RunOptions, RunResult, run};
use halor::config::{load, load_twin};
use halor::output::Existing;
use halor::simulate::{Twin, Written};

use super::setup::setup;

/// A twin, what it wrote, and what the reduction made of it.
pub(crate) struct Loop {
    pub(crate) twin: Twin,
    pub(crate) written: Written,
    pub(crate) result: RunResult,
}

/// Simulates the twin file and reduces its series, with overrides of both.
pub(crate) fn go_round(
    folder: &Path,
    yaml: &str,
    effect: &[&str],
    reduction: &[&str],
) -> Result<Loop, String> {
    let file = folder.join("twin.yaml");
    std::fs::write(&file, yaml).map_err(|e| e.to_string())?;
    let owned = |set: &[&str]| set.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let twin = load_twin(&file, &owned(effect)).map_err(|e| e.to_string())?.twin;
    let written = twin.write(Existing::Replace).map_err(|e| e.to_string())?;
    let mut set = owned(reduction);
    set.push("engine=cpu".to_owned());
    let run_file = written.run_files.last().ok_or("no run file")?;
    let loaded = load(run_file, &set).map_err(|e| e.to_string())?;
    let result =
        run(&loaded, RunOptions { existing: Existing::Replace }, &|_| {}).map_err(|e| e.to_string())?;
    Ok(Loop { twin, written, result })
}

/// How far the result is from the truth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errors {
    /// rms of S − S_true over the measured Q range.
    pub(crate) s_rms: f64,
    /// √(Σ(G − G_true)²/ΣG_true²) over 1.5 to 20 Å, as seen through Qmax and window.
    pub(crate) g_rw: f64,
    /// r1 − truth, Å.
    pub(crate) r1_angstrom: f64,
    /// Relative.
    pub(crate) r1_height: f64,
    /// Relative.
    pub(crate) coordination_number: f64,
}

impl Loop {
    /// Errors of the ring of sample `name`.
    pub(crate) fn errors(&self, name: &str) -> Result<Errors, String> {
        let sample = self.twin.samples.iter().find(|sample| sample.name == name).ok_or("no sample")?;
        let analysis = self.twin.analysis.as_ref().ok_or("no analysis")?;
        let curves = self.result.curves.iter().find(|curves| curves.sample == name).ok_or("no curves")?;
        let reduced = curves.reduced.as_ref().ok_or("no S(Q)")?;
        let truth =
            self.twin.curves(sample, analysis, halor::integrate::Azimuth::Ring).map_err(|e| e.to_string())?;
        let structure = &reduced.structure;
        let below = structure.q.partition_point(|q| *q < analysis.q_range[0]);
        let q = &structure.q[below..];
        let square: f64 =
            q.iter().zip(&structure.s[below..]).map(|(q, s)| (s - truth.s_of_q.at(*q)).powi(2)).sum();
        let (mut wrong, mut all) = (0.0, 0.0);
        for (r, g) in reduced.pdf.r.iter().zip(&reduced.pdf.g).filter(|(r, _)| (1.5..20.0).contains(*r)) {
            let exact = truth.seen.at(*r);
            wrong += (g - exact).powi(2);
            all += exact * exact;
        }
        let truth_of = |metric: &str| {
            let row = self.written.truth.iter().find(|row| {
                row.sample == name && row.region == "ring" && row.peak == "r1" && row.metric == metric
            });
            row.map(|row| row.value).ok_or_else(|| format!("no {metric}"))
        };
        let peak = reduced.peaks.peaks.iter().find(|peak| peak.name == "r1").ok_or("no r1")?;
        let count = peak.coordination_number.ok_or("no coordination number")?.value;
        Ok(Errors {
            s_rms: (square / q.len() as f64).sqrt(),
            g_rw: (wrong / all).sqrt(),
            r1_angstrom: peak.position.value - truth_of("position")?,
            r1_height: peak.height.value / truth_of("height")? - 1.0,
            coordination_number: count / truth_of("coordination_number")? - 1.0,
        })
    }
}

/// The table over the first `setups` random set-ups, and the largest errors.
pub(crate) fn report(setups: usize) -> (String, Errors) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!(
        "## Closed loop without noise\n\n{setups} random set-ups: energy, tilt, composition (O to Pb), structure, and what disturbs the measurement, with its correction on. Parallax and\n\
         sensor efficiency are in all of them. S: rms error over the Q range; G: R_w over 1.5 to 20 Å, as seen through Qmax and a Lorch window; CN: coordination number.\n\n\
         | keV | tilt | Qmax | composition | disturbed by | S rms | G R_w | r1 / Å | height | CN |\n|---|---|---|---|---|---|---|---|---|---|\n"
    );
    let mut worst = [0.0f64; 5];
    for index in 0..setups {
        let setup = setup(index);
        let errors = go_round(folder.path(), &setup.yaml, &[], &[]).and_then(|l| l.errors("glass"));
        let e = errors.unwrap_or_else(|error| panic!("set-up {index}: {error}"));
        let values = [e.s_rms, e.g_rw, e.r1_angstrom, e.r1_height, e.coordination_number];
        worst.iter_mut().zip(values).for_each(|(worst, value)| *worst = worst.max(value.abs()));
        text += &format!(
            "| {:.0} | {:.0}° | {:.1} | {} | {} | {:.4} | {:.4} | {:+.4} | {:+.2} % | {:+.2} % |\n",
            setup.energy_kev,
            setup.tilt_deg,
            setup.q_max,
            setup.composition,
            setup.effects,
            e.s_rms,
            e.g_rw,
            e.r1_angstrom,
            100.0 * e.r1_height,
            100.0 * e.coordination_number,
        );
    }
    let [s, g, r1, height, count] = worst;
    text += &format!(
        "\nThe largest errors: S {s:.4} (wanted 0.005), G R_w {g:.4}, r1 {r1:.4} Å (0.002), height {:.2} % (1), coordination number {:.2} % (1). What is left of the\n\
         coordination number is the continuation that stands for S below Qmin = 0.8 Å⁻¹, of G the size of the pixels.\n",
        100.0 * height,
        100.0 * count
    );
    let largest =
        Errors { s_rms: s, g_rw: g, r1_angstrom: r1, r1_height: height, coordination_number: count };
    (text, largest)
}
