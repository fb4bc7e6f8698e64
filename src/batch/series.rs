//! The samples of a run against the reference, sectors against each other, and what numbers go with: tables and words.

use std::collections::HashMap;
use std::path::PathBuf;

use super::reduction::SectorCurves;
use crate::config::Config;
use crate::integrate::{Pattern, RING};
use crate::output::{DifferenceRow, Table, curve_difference_csv, differences_csv, series_csv, trends_csv};
use crate::peaks::{Curve, Peak, PeakSearch};
use crate::pipeline::{Patterns, Plans, Reduced};
use crate::report::SampleCurves;
use crate::series::{
    Change, ChiSquared, CurveDifference, Numbers, Verdict, changes, chi2_of_g, chi2_of_patterns, trends,
};
use crate::stats::probability_in_words;
use crate::structure::StructureSettings;

/// Folder of the curves.
pub(super) const FOLDER: &str = "differences";
/// Extensions of the two curves of a difference.
pub(super) const EXTENSIONS: [&str; 2] = ["sq.csv", "gr.csv"];
/// Changes that are named in the words about a sample.
const NAMED: usize = 6;

/// What a run leaves of it.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// File below the output folder, and what is in it.
    pub(super) files: Vec<(PathBuf, Table)>,
    /// Sample, and what became of it, in words.
    pub(super) words: Vec<(String, String)>,
}

/// One side of a difference.
#[derive(Clone, Copy)]
struct Side<'a> {
    patterns: &'a Patterns,
    reduced: &'a Reduced,
}

/// Names of the pairs of sectors that are compared: all of up to four sectors, else each with the next.
pub(super) fn sector_pairs(config: &Config) -> Vec<(&str, &str)> {
    let names: Vec<&str> =
        config.regions.iter().map(|r| r.name.as_str()).filter(|name| *name != RING).collect();
    let pairs = (0..names.len()).flat_map(|i| (i + 1..names.len()).map(move |j| (i, j)));
    pairs.filter(|(i, j)| names.len() <= 4 || j - i == 1).map(|(i, j)| (names[i], names[j])).collect()
}

/// All tables and words. `sectors` are those of each of `curves`.
pub(super) fn compared(
    config: &Config,
    plans: &Plans,
    curves: &[SampleCurves],
    sectors: &[(String, Vec<SectorCurves>)],
    numbers: &Numbers,
) -> Compared {
    let mut all = Compared::default();
    let mut table = Vec::new();
    let side = |curves: &'_ SampleCurves| curves.reduced.is_some();
    let reference = config.series.reference.as_deref();
    let of_reference = curves.iter().find(|curves| Some(curves.sample.as_str()) == reference && side(curves));
    let changes = match reference {
        Some(reference) => {
            let states: Vec<(String, Option<String>)> =
                config.samples.iter().map(|sample| (sample.name.clone(), sample.state.clone())).collect();
            changes(numbers, &states, reference, config.series.confidence)
        }
        None => Vec::new(),
    };
    let mut of_rings: HashMap<&str, Vec<&Change>> = HashMap::new();
    for change in changes.iter().filter(|change| change.key.region == RING) {
        of_rings.entry(&change.sample).or_default().push(change);
    }
    for sample in curves.iter().filter(|sample| Some(sample.sample.as_str()) != reference) {
        let Some(of_reference) = of_reference else { continue };
        let (Some(a), Some(b)) = (&sample.reduced, &of_reference.reduced) else { continue };
        let sides = [
            Side { patterns: &sample.patterns, reduced: a },
            Side { patterns: &of_reference.patterns, reduced: b },
        ];
        let rows =
            difference(config, plans, &sample.sample, &of_reference.sample, RING, sides, &mut all.files);
        let of_ring = of_rings.get(sample.sample.as_str()).map_or(&[][..], Vec::as_slice);
        all.words.push((sample.sample.clone(), words(&of_reference.sample, &rows, of_ring)));
        table.extend(rows);
    }
    for (sample, of_sample) in sectors {
        for (first, second) in sector_pairs(config) {
            let of = |name: &str| of_sample.iter().find(|sector| sector.name == name);
            let (Some(a), Some(b)) = (of(first), of(second)) else { continue };
            let sides = [a, b].map(|s| Side { patterns: &s.patterns, reduced: &s.reduced });
            let region = format!("{first}-{second}");
            table.extend(difference(config, plans, sample, sample, &region, sides, &mut all.files));
        }
    }
    if reference.is_some() {
        all.files.push((PathBuf::from("series.csv"), series_csv(numbers, config, &changes)));
        let properties: Vec<_> =
            config.samples.iter().map(|sample| (sample.name.clone(), sample.properties.clone())).collect();
        let trends = trends(numbers, &properties, config.series.confidence);
        all.files.push((PathBuf::from("trends.csv"), trends_csv(&trends)));
    }
    if reference.is_some() || !sector_pairs(config).is_empty() {
        all.files.push((PathBuf::from("differences.csv"), differences_csv(&table, config.series.confidence)));
    }
    all
}

/// The file of a difference of the ring of two samples, or of two sectors of one.
pub(super) fn difference_file(sample: &str, region: &str, extension: &str) -> PathBuf {
    let stem = if region == RING { sample.to_owned() } else { format!("{sample}_{region}") };
    PathBuf::from(FOLDER).join(format!("{stem}.{extension}"))
}

fn difference(
    config: &Config,
    plans: &Plans,
    sample: &str,
    against: &str,
    region: &str,
    [a, b]: [Side<'_>; 2],
    files: &mut Vec<(PathBuf, Table)>,
) -> Vec<DifferenceRow> {
    let (Some(plan), Some(settings)) = (&plans.reduction, &config.pdf) else { return Vec::new() };
    let curves = [
        (
            CurveDifference::of_s(&a.reduced.structure, &b.reduced.structure),
            "q_inv_angstrom,delta_s,delta_s_sigma",
        ),
        (
            CurveDifference::of_g(&a.reduced.pdf, &b.reduced.pdf),
            "r_angstrom,delta_g_inv_angstrom2,delta_g_inv_angstrom2_sigma",
        ),
    ];
    for ((curve, columns), extension) in curves.into_iter().zip(EXTENSIONS) {
        let Some(curve) = curve else { continue };
        files.push((difference_file(sample, region, extension), curve_difference_csv(&curve, columns)));
    }
    let q_range = match &settings.structure {
        StructureSettings::Absolute(absolute) => absolute.q_range,
        StructureSettings::PdfGetX3(getx3) => [getx3.qmin, getx3.qmax],
    };
    let of_peaks = &b.reduced.peaks.peaks;
    let [of_s, of_g] = [Curve::StructureFactor, Curve::Pdf].map(|curve| {
        let search = match curve {
            Curve::StructureFactor => &settings.peaks.s_of_q,
            Curve::Pdf => &settings.peaks.g_of_r,
        };
        ranges(search, of_peaks, curve)
    });
    let mut rows = Vec::new();
    let mut push = |curve, name: &str, range: [f64; 2], chi2: ChiSquared| {
        let (sample, against) = (sample.to_owned(), against.to_owned());
        let (region, name) = (region.to_owned(), name.to_owned());
        rows.push(DifferenceRow { sample, against, region, curve, name, range, chi2 });
    };
    let [pattern_a, pattern_b] = counted_patterns(a, b, region);
    let unit = b.reduced.structure.scale / a.reduced.structure.scale;
    let limits: Vec<[f64; 2]> = of_s.iter().map(|(_, range)| *range).collect();
    if let Some((whole, parts)) = chi2_of_patterns([&pattern_a, &pattern_b], unit, q_range, &limits) {
        push(Curve::StructureFactor, "all", q_range, whole);
        for ((name, range), chi2) in of_s.iter().zip(parts) {
            push(Curve::StructureFactor, name, *range, chi2);
        }
    }
    let [g_a, g_b] = [a, b].map(|side| (&side.reduced.structure, &side.reduced.pdf));
    for (name, range) in &of_g {
        if let Some(chi2) = chi2_of_g(&plan.transform, [g_a, g_b], *range) {
            push(Curve::Pdf, name, *range, chi2);
        }
    }
    rows
}

/// I less the background, with the σ that counts in a difference: two samples with one background have its noise in common, so that it
/// drops out. Of two sectors it does not.
fn counted_patterns(a: Side<'_>, b: Side<'_>, region: &str) -> [Pattern; 2] {
    let background = |side: Side<'_>| -> Vec<f64> {
        let Patterns { measured, subtracted } = side.patterns;
        measured.intensity.iter().zip(&subtracted.intensity).map(|(all, rest)| all - rest).collect()
    };
    let (of_a, of_b) = (background(a), background(b));
    let close = |(a, b): (&f64, &f64)| a.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    let shared = region == RING && of_a.len() == of_b.len() && of_a.iter().zip(&of_b).all(close);
    [a, b].map(|side| {
        let Patterns { measured, subtracted } = side.patterns;
        if shared {
            Pattern { intensity: subtracted.intensity.clone(), ..measured.clone() }
        } else {
            subtracted.clone()
        }
    })
}

/// Where the peaks are: their windows, or a width to both sides.
fn ranges(search: &PeakSearch, peaks: &[Peak], curve: Curve) -> Vec<(String, [f64; 2])> {
    match search {
        PeakSearch::Windows(windows) => windows.clone(),
        PeakSearch::First(_) => peaks
            .iter()
            .filter(|peak| peak.curve == curve && peak.fwhm.value.is_finite())
            .map(|peak| {
                let (at, width) = (peak.position.value, peak.fwhm.value);
                (peak.name.clone(), [at - width, at + width])
            })
            .collect(),
    }
}

/// What became of a sample, from the changes of its ring.
fn words(reference: &str, rows: &[DifferenceRow], of_ring: &[&Change]) -> String {
    let whole = rows.iter().find(|row| row.name == "all");
    let of_s = whole.map_or_else(String::new, |row| {
        let ChiSquared { freedom, p, .. } = row.chi2;
        format!(
            ": S(Q) has χ²/ν = {:.2} over {freedom} points ({})",
            row.chi2.reduced(),
            probability_in_words(p)
        )
    });
    let mut changed: Vec<&Change> =
        of_ring.iter().copied().filter(|change| change.verdict == Verdict::Changed).collect();
    changed.sort_by(|a, b| {
        let size = |change: &Change| (change.difference.value / change.difference.sigma).abs();
        size(b).total_cmp(&size(a))
    });
    let name = |change: &&&Change| {
        let Change { key, difference, .. } = change;
        let what = key.metric.word();
        let Change { value, .. } = change;
        let percent = 100.0 * difference.value / (value.value - difference.value).abs();
        format!("{} {what} {percent:+.2} % ({:.0}σ)", key.peak, (difference.value / difference.sigma).abs())
    };
    let named: Vec<String> = changed.iter().take(NAMED).map(|change| name(&change)).collect();
    let more =
        if changed.len() > NAMED { format!(" and {} more", changed.len() - NAMED) } else { String::new() };
    let list = if named.is_empty() { String::new() } else { format!(": {}{more}", named.join(", ")) };
    format!("against {reference}{of_s}; {} of {} numbers changed{list}", changed.len(), of_ring.len())
}
