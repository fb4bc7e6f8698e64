//! Which peaks are measured, and whose shell is counted.

use super::Check;
use crate::config::schema::{OffOr, PdfMode, PeakChoice, PeaksBlock};
use crate::peaks::{CoordinationNumber, MOST_PEAKS, PeakSearch, PeakSettings};

/// Peaks of S(Q), peaks of G(r) and the coordination number.
pub(super) fn peaks(
    block: &mut PeaksBlock,
    mode: PdfMode,
    has_density: bool,
    q_range: Option<[f64; 2]>,
    r_range: Option<[f64; 2]>,
    check: &mut Check<'_>,
) -> PeakSettings {
    let s_of_q = block.s_of_q.get_or_insert(PeakChoice::First(2));
    let s_names = names(s_of_q, "q");
    let s_of_q = search("peaks.s_of_q", s_of_q, q_range, check);
    let g_of_r = block.g_of_r.get_or_insert(PeakChoice::First(4));
    let g_names = names(g_of_r, "r");
    let g_of_r = search("peaks.g_of_r", g_of_r, r_range, check);
    for name in g_names.iter().filter(|name| s_names.contains(name)) {
        let message = format!("`{}` names a peak of S(Q) too", name.escape_debug());
        check.problems.push("peaks.g_of_r", message, "give each peak its own name");
    }
    let counted = block.coordination_number.get_or_insert(OffOr::Off);
    let coordination_number = counted.on().map(|keys| {
        let key = "peaks.coordination_number";
        match mode {
            PdfMode::Absolute if !has_density => {
                let message = "a coordination number needs the density of the sample";
                let mend = "write `pdf: {density_g_cm3: …}` or `pdf: {density_atoms_per_cubic_angstrom: …}`";
                check.problems.push(key, message, mend);
            }
            PdfMode::Absolute => {}
            PdfMode::PdfGetX3 => {
                let message = "the mode `pdfgetx3` has a relative scale, which counts no atoms";
                check.problems.push(key, message, "write `mode: absolute`, or `coordination_number: off`");
            }
        }
        if !g_names.contains(&keys.peak) {
            let message = format!("`{}` is no peak of G(r)", keys.peak.escape_debug());
            check.problems.push(key, message, format!("the peaks are {}", g_names.join(", ")));
        }
        if let Some(limits) = keys.limits_angstrom {
            window(&format!("{key}.limits_angstrom"), limits, r_range, check);
        }
        CoordinationNumber { peak: keys.peak.clone(), limits_angstrom: keys.limits_angstrom }
    });
    PeakSettings { s_of_q, g_of_r, coordination_number }
}

fn names(choice: &PeakChoice, letter: &str) -> Vec<String> {
    match choice {
        PeakChoice::First(count) => {
            (1..=(*count).min(MOST_PEAKS as u64)).map(|n| format!("{letter}{n}")).collect()
        }
        PeakChoice::Windows(windows) => windows.iter().map(|(name, _)| name.clone()).collect(),
    }
}

fn search(key: &str, choice: &PeakChoice, within: Option<[f64; 2]>, check: &mut Check<'_>) -> PeakSearch {
    match choice {
        PeakChoice::First(count) => {
            if *count > MOST_PEAKS as u64 {
                check.problems.push(key, format!("found {count} peaks, expected at most {MOST_PEAKS}"), "");
            }
            PeakSearch::First((*count).min(MOST_PEAKS as u64) as usize)
        }
        PeakChoice::Windows(windows) => {
            for (name, limits) in windows {
                let key = format!("{key}.{name}");
                // Names stand in the header of tables.
                if name.is_empty() || name.len() > 40 || name.contains([',', ';', '"', '#', '\n', '\r', '\t'])
                {
                    let message = format!("`{}` cannot be the name of a column", name.escape_debug());
                    check.problems.push(&key, message, "use letters, digits, `-` and `_`, at most 40");
                }
                window(&key, *limits, within, check);
            }
            PeakSearch::Windows(windows.clone())
        }
    }
}

fn window(key: &str, limits: [f64; 2], within: Option<[f64; 2]>, check: &mut Check<'_>) {
    if !check.range(key, limits) {
        return;
    }
    if let Some([lower, upper]) = within.filter(|[lower, upper]| limits[0] < *lower || limits[1] > *upper) {
        let message = format!("[{}, {}] goes beyond the curve, {lower} to {upper}", limits[0], limits[1]);
        check.problems.push(key, message, "narrow it, or widen the range of the curve");
    }
}
