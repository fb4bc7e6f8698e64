//! The six states of the demo and what the paper reports of them: `halor demo` with 36 sectors, against the truth.

use std::path::Path;

use halor::batch::{RunOptions, RunResult, run};
use halor::config::{DemoDetector, demo_twin, load};
use halor::output::Existing;
use halor::peaks::Peak;

use super::false_positives;

/// The peak of the ring of a sample's sum.
fn peak<'a>(result: &'a RunResult, sample: &str, name: &str) -> &'a Peak {
    let row = result.peaks.iter().find(|row| {
        row.sample == sample && row.frame.is_none() && row.region == "ring" && row.peak.name == name
    });
    &row.unwrap().peak
}

fn demo(folder: &Path) -> RunResult {
    let twin = demo_twin(DemoDetector::Pilatus2m, folder, &[]).unwrap().twin;
    let written = twin.write(Existing::Replace).unwrap();
    let overrides = [
        "anisotropy={azimuth_bins: 36, load_axis_deg: 90}".to_owned(),
        "series.reference=as-cast".to_owned(),
        "engine=cpu".to_owned(),
    ];
    let loaded = load(written.run_files.last().unwrap(), &overrides).unwrap();
    run(&loaded, RunOptions { existing: Existing::Replace }, &|_| {}).unwrap()
}

fn rankings(result: &RunResult) -> String {
    let mut text = String::from("| what | aged | UV-100J | as-cast | ranking |\n|---|---|---|---|---|\n");
    let mut line = |what: String,
                    of: &dyn Fn(&Peak) -> halor::peaks::Measured,
                    peak_name: &str,
                    sign: f64| {
        let [aged, treated, cast] =
            ["Tg-10h", "UV-100J", "as-cast"].map(|sample| of(peak(result, sample, peak_name)));
        let steps = [(aged, treated), (treated, cast)]
            .map(|(a, b)| sign * (a.value - b.value) / a.sigma.hypot(b.sigma));
        let verdict = match steps.into_iter().fold(f64::INFINITY, f64::min) {
            least if least > 2.0 => "as reported",
            least if least > -2.0 => "not resolved",
            _ => "**other**",
        };
        text += &format!(
            "| {what} | {:.4} ± {:.4} | {:.4} ± {:.4} | {:.4} ± {:.4} | {verdict}, by {:.0}σ and {:.0}σ |\n",
            aged.value, aged.sigma, treated.value, treated.sigma, cast.value, cast.sigma, steps[0], steps[1]
        );
    };
    for name in ["r1", "r3", "r4"] {
        line(format!("height of {name}, Å⁻²"), &|peak| peak.height, name, 1.0);
    }
    for name in ["q1", "q2"] {
        line(format!("width of {name}, Å⁻¹"), &|peak| peak.fwhm, name, -1.0);
    }
    text
}

/// The page's part.
pub(crate) fn report() -> String {
    let folder = tempfile::tempdir().unwrap();
    let result = demo(folder.path());
    let mut text = format!(
        "## The states of the demo against each other\n\nHeights of r1, r3 and r4 are to fall from aged over UV-100J to as-cast, widths of S(Q) to rise.\n\n{}\n",
        rankings(&result)
    );
    text += "| sample | 36 sectors |\n|---|---|\n";
    for (sample, verdict) in &result.record.anisotropy {
        text += &format!("| {sample} | {verdict} |\n");
    }
    let (strain, ratio) = (0.003, 0.36);
    text += &format!(
        "\nThe strained sample has 0.3 % along χ = 90° and ν = {ratio}: {:.5} more along than across.\n\n",
        (1.0 + ratio) * strain
    );
    text += "| sample | against as-cast |\n|---|---|\n";
    for (sample, words) in &result.record.series {
        text += &format!("| {sample} | {words} |\n");
    }
    text + "\n" + &false_positives::report(1000).0
}
