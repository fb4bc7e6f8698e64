//! Samples of a twin file.

use super::schema::{TwinFile, TwinSampleBlock};
use super::{frame_count, structure};
use crate::config::resolve::Check;
use crate::config::schema::Switch;
use crate::simulate::{BeamPath, TwinSample};

/// Names of folders that are no sample's.
const TAKEN: [&str; 2] = ["air", "dark"];

/// The samples; those with problems are left out.
pub(super) fn samples(file: &mut TwinFile, counts_per_eu_s: f64, check: &mut Check<'_>) -> Vec<TwinSample> {
    if file.samples.is_empty() {
        let mend = "write `samples: [{name: as-cast, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}]`";
        check.problems.push("samples", "the twin file names no samples", mend);
    }
    let names: Vec<&str> = file.samples.iter().map(|sample| sample.name.as_str()).collect();
    check.names("samples", &names);
    for (index, name) in names.iter().enumerate() {
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let message = if TAKEN.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
            format!("`{name}` is the name of other frames")
        } else if !name.chars().all(plain) {
            format!("`{}` becomes part of patterns", name.escape_debug())
        } else {
            continue;
        };
        check.problems.push(&format!("samples[{index}].name"), message, "use letters, digits, `-` and `_`");
    }
    file.samples
        .iter_mut()
        .enumerate()
        .filter_map(|(index, block)| sample(index, block, counts_per_eu_s, check))
        .collect()
}

fn sample(
    index: usize,
    block: &mut TwinSampleBlock,
    counts_per_eu_s: f64,
    check: &mut Check<'_>,
) -> Option<TwinSample> {
    let key = |name: &str| format!("samples[{index}].{name}");
    let frames = frame_count(&key("frames"), block.frames.get_or_insert(1), check);
    let own_counts = *block.counts_per_electron_unit_s.get_or_insert(counts_per_eu_s);
    check.positive(&key("counts_per_electron_unit_s"), own_counts);
    let fluorescence_eu = *block.fluorescence_electron_units.get_or_insert(0.0);
    check.not_negative(&key("fluorescence_electron_units"), fluorescence_eu);
    let beam_path = match *block.background.get_or_insert(Switch::On) {
        Switch::On => BeamPath::Surroundings,
        Switch::Off => BeamPath::Vacuum,
    };
    let matter = structure::matter(index, block, check)?;
    let name = block.name.clone();
    Some(TwinSample { name, matter, frames, counts_per_eu_s: own_counts, beam_path, fluorescence_eu })
}
