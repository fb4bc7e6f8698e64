//! Samples of a twin file.

use std::ops::RangeInclusive;

use super::schema::{AnisotropyBlock, BraggSpotsBlock, TwinFile, TwinSampleBlock};
use super::{frame_count, structure};
use crate::config::resolve::{Check, sample_absorption};
use crate::config::schema::{OffOr, Switch};
use crate::simulate::{Anisotropy, BeamPath, Harmonic, Inclusion, TwinSample};

/// Elastic strains of solids; a metallic glass yields at 0.02.
const MOST_STRAIN: f64 = 0.1;
/// ν of Zr-based metallic glasses (Wang, J. Appl. Phys. 99 (2006) 093506: 0.36 to 0.38).
const POISSON_RATIO: f64 = 0.36;

/// Spots of grains in one frame.
const MOST_SPOTS: u64 = 10_000;

/// Names of folders that are no sample's.
const TAKEN: [&str; 2] = ["air", "dark"];

/// The samples; those with problems are left out.
pub(super) fn samples(
    file: &mut TwinFile,
    counts_per_eu_s: f64,
    energy_kev: Option<f64>,
    check: &mut Check<'_>,
) -> Vec<TwinSample> {
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
        .filter_map(|(index, block)| sample(index, block, counts_per_eu_s, energy_kev, check))
        .collect()
}

fn sample(
    index: usize,
    block: &mut TwinSampleBlock,
    counts_per_eu_s: f64,
    energy_kev: Option<f64>,
    check: &mut Check<'_>,
) -> Option<TwinSample> {
    let key = |name: &str| format!("samples[{index}].{name}");
    let frames = frame_count(&key("frames"), block.frames.get_or_insert(1), check);
    if frames == 0 {
        check.problems.push(&key("frames"), "a sample has at least 1 frame", "leave it out of the twin file");
    }
    let own_counts = *block.counts_per_electron_unit_s.get_or_insert(counts_per_eu_s);
    check.positive(&key("counts_per_electron_unit_s"), own_counts);
    let fluorescence_eu = *block.fluorescence_electron_units.get_or_insert(0.0);
    check.not_negative(&key("fluorescence_electron_units"), fluorescence_eu);
    let beam_path = match *block.background.get_or_insert(Switch::On) {
        Switch::On => BeamPath::Surroundings,
        Switch::Off => BeamPath::Vacuum,
    };
    let anisotropy = match block.anisotropy.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => Some(anisotropy(&key("anisotropy"), block, check)?),
    };
    let inclusion = match block.bragg_spots.get_or_insert(OffOr::Off) {
        OffOr::Off => None,
        OffOr::On(block) => Some(inclusion(&key("bragg_spots"), block, check)?),
    };
    let matter = structure::matter(index, block, check)?;
    let elements = matter.composition().to_string();
    let absorption = match (block.absorption.get_or_insert(OffOr::Off), energy_kev) {
        (OffOr::Off, _) => None,
        // Without a beam there are other problems.
        (OffOr::On(_), None) => return None,
        (OffOr::On(block), Some(energy)) => {
            if block.container.is_some() {
                let message = "the simulation has no walls around the sample";
                check.problems.push(&key("absorption.container"), message, "remove it");
                return None;
            }
            Some(sample_absorption(&key("absorption"), block, Some(&elements), energy, check)?)
        }
    };
    let name = block.name.clone();
    Some(TwinSample {
        name,
        matter,
        frames,
        counts_per_eu_s: own_counts,
        beam_path,
        fluorescence_eu,
        anisotropy,
        inclusion,
        absorption,
    })
}

/// `None` where it is not possible.
fn inclusion(key: &str, block: &mut BraggSpotsBlock, check: &mut Check<'_>) -> Option<Inclusion> {
    let fwhm_px = *block.fwhm_px.get_or_insert(1.5);
    let mut good = check.positive(&format!("{key}.counts_per_s"), block.counts_per_s);
    if !(0.1..=50.0).contains(&fwhm_px) {
        let message = format!("found {fwhm_px} pixels, expected 0.1 to 50");
        check.problems.push(&format!("{key}.fwhm_px"), message, "it is the full width at half maximum");
        good = false;
    }
    if block.count > MOST_SPOTS {
        let message = format!("found {} spots, expected at most {MOST_SPOTS}", block.count);
        check.problems.push(&format!("{key}.count"), message, "many grains make a powder: take a crystal");
        good = false;
    }
    let crystal = structure::crystal(&format!("{key}.crystal"), &mut block.crystal, check)?;
    let spots = u32::try_from(block.count).ok()?;
    good.then_some(Inclusion { crystal, spots, counts_per_s: block.counts_per_s, fwhm_px })
}

/// `None` where it is not possible.
fn anisotropy(key: &str, block: &mut AnisotropyBlock, check: &mut Check<'_>) -> Option<Anisotropy> {
    let strain = *block.strain.get_or_insert(0.0);
    let poisson_ratio = *block.poisson_ratio.get_or_insert(POISSON_RATIO);
    let axis_deg = *block.load_axis_deg.get_or_insert(0.0);
    let mut within = |name: &str, found: f64, range: RangeInclusive<f64>, mend: &str| {
        let good = range.contains(&found);
        if !good {
            let message = format!("found {found}, expected {} to {}", range.start(), range.end());
            check.problems.push(&format!("{key}.{name}"), message, mend);
        }
        good
    };
    let mut good = within("strain", strain, -MOST_STRAIN..=MOST_STRAIN, "0.003 is 0.3 %");
    good &= within("poisson_ratio", poisson_ratio, -1.0..=0.5, "metallic glasses have 0.30 to 0.42");
    good &=
        within("load_axis_deg", axis_deg, -360.0..=360.0, "0 points along the columns, 90 along the rows");
    let second_harmonic = match &mut block.s2_of_q {
        Some(written) => {
            let key = format!("{key}.s2_of_q");
            Some(structure::s_of_q(&key, written, Harmonic::Second, check)?)
        }
        None => None,
    };
    let axis_rad = axis_deg.to_radians();
    good.then_some(Anisotropy { axis_rad, strain, poisson_ratio, second_harmonic })
}
