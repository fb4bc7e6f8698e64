//! What samples are made of.

use super::schema::{AtomsBlock, FramesChoice, GlassBlock, GlassWord, RWindowWord, TwinSampleBlock};
use crate::config::resolve::Check;
use crate::scattering::Composition;
use crate::simulate::atoms::{Frames, PairRange, RWindow, read_atoms};
use crate::simulate::glass::Shell;
use crate::simulate::{AtomModel, Crystal, Glass, Harmonic, Matter, SofQ};

/// Atoms/Å³ that nothing on earth reaches: diamond has 0.18.
const MOST_DENSE: f64 = 0.5;
/// Hard spheres are not packed more densely in disorder; Percus and Yevick's theory ends before.
const MOST_PACKED: f64 = 0.64;

/// Standard deviations of distances in Å; F(Q) of narrower ones does not end where a table can hold it.
const BROADENING: std::ops::RangeInclusive<f64> = 0.01..=1.0;

/// The structure of a sample with its elements and density.
pub(super) fn matter(index: usize, block: &mut TwinSampleBlock, check: &mut Check<'_>) -> Option<Matter> {
    let key = |name: &str| format!("samples[{index}].{name}");
    let structure = &block.structure;
    let given = [
        structure.glass.is_some(),
        structure.crystal.is_some(),
        structure.atoms.is_some(),
        structure.s_of_q.is_some(),
    ];
    let count = given.iter().filter(|is_given| **is_given).count();
    if count != 1 {
        let message = format!("{count} kinds of structure are given, expected one");
        check.problems.push(&key("structure"), message, "write one of glass, crystal, atoms, s_of_q");
        return None;
    }
    if structure.crystal.is_some() || structure.atoms.is_some() {
        for (name, is_given) in [
            ("composition", block.composition.is_some()),
            ("density_atoms_per_cubic_angstrom", block.density_atoms_per_cubic_angstrom.is_some()),
            ("density_g_cm3", block.density_g_cm3.is_some()),
        ] {
            if is_given {
                let message = "elements and density are those of the atoms in the cell";
                check.problems.push(&key(name), message, format!("remove `{name}`"));
            }
        }
    }
    if let Some(name) = &mut block.structure.crystal {
        return crystal(&key("structure.crystal"), name, check).map(Matter::Crystal);
    }
    if let Some(atoms) = &mut block.structure.atoms {
        return atom_model(&key("structure.atoms"), atoms, check).map(Matter::Atoms);
    }
    let composition = composition(&key("composition"), block.composition.as_deref(), check);
    let density = density(index, block, composition.as_ref(), check);
    if let Some(written) = &mut block.structure.s_of_q {
        let key_of_file = key("structure.s_of_q");
        let s = s_of_q(&key_of_file, written, Harmonic::Zeroth, check);
        if density == Ok(None) {
            let mend = "write `density_atoms_per_cubic_angstrom: …` or `density_g_cm3: …`";
            check.problems.push(
                &key("density_atoms_per_cubic_angstrom"),
                "a table of S(Q) has no density",
                mend,
            );
        }
        return Some(Matter::Table { s: s?, composition: composition?, density: density.ok()?? });
    }
    let glass = block.structure.glass.as_mut()?;
    let glass = glass_model(&key("structure.glass"), glass, density.ok()?, check)?;
    let packing = glass.packing_fraction();
    if packing > MOST_PACKED {
        let message = format!(
            "spheres of {} Å at {} atoms/Å³ fill {packing:.3} of space, expected at most {MOST_PACKED}",
            glass.sigma_angstrom, glass.density
        );
        let name =
            if block.density_g_cm3.is_some() { "density_g_cm3" } else { "density_atoms_per_cubic_angstrom" };
        check.problems.push(&key(name), message, "lower the density or `structure.glass.sigma_angstrom`");
        return None;
    }
    block.density_g_cm3 = None;
    block.density_atoms_per_cubic_angstrom = Some(glass.density);
    Some(Matter::Glass { glass, composition: composition? })
}

/// A table of S(Q) or S_2(Q).
pub(super) fn s_of_q(
    key: &str,
    written: &mut String,
    harmonic: Harmonic,
    check: &mut Check<'_>,
) -> Option<SofQ> {
    let path = check.input_file(key, written)?;
    SofQ::read(&path, harmonic).map_err(|error| check.problems.push(key, error.to_string(), "")).ok()
}

pub(super) fn crystal(key: &str, name: &mut String, check: &mut Check<'_>) -> Option<Crystal> {
    let is_file = name.contains(['/', '\\']) || name.ends_with(".yaml") || name.ends_with(".yml");
    let made = if is_file { Crystal::read(&check.input_file(key, name)?) } else { Crystal::named(name) };
    made.map_err(|error| check.problems.push(key, error.to_string(), "")).ok()
}

fn atom_model(key: &str, block: &mut AtomsBlock, check: &mut Check<'_>) -> Option<AtomModel> {
    let path = check.input_file(&format!("{key}.file"), &mut block.file)?;
    let frames = match *block.frames.get_or_insert(FramesChoice::Last) {
        FramesChoice::Last => Frames::Last,
        FramesChoice::All => Frames::All,
        FramesChoice::Index(index) => Frames::Index(usize::try_from(index).unwrap_or(usize::MAX)),
    };
    let window = match *block.window.get_or_insert(RWindowWord::None) {
        RWindowWord::None => RWindow::None,
        RWindowWord::Lorch => RWindow::Lorch,
    };
    let boxes = read_atoms(&path, frames, &block.type_elements)
        .map_err(|error| check.problems.push(&format!("{key}.file"), error.to_string(), ""))
        .ok()?;
    let natural = PairRange::of(boxes.first()?);
    let range = PairRange {
        r_max_angstrom: *block.r_max_angstrom.get_or_insert(natural.r_max_angstrom),
        dr_angstrom: *block.dr_angstrom.get_or_insert(natural.dr_angstrom),
    };
    AtomModel::new(&boxes, range, window)
        .map_err(|error| check.problems.push(key, error.to_string(), ""))
        .ok()
}

fn composition(key: &str, text: Option<&str>, check: &mut Check<'_>) -> Option<Composition> {
    let Some(text) = text else {
        let mend = "write for example `composition: Zr62 Cu15.5 Ni12.5 Al10`";
        check.problems.push(key, "the structure has no elements of its own", mend);
        return None;
    };
    Composition::parse(text).map_err(|error| check.problems.push(key, error.to_string(), "")).ok()
}

/// ρ0 in atoms/Å³ where one is given; `Err` where it is not possible.
fn density(
    index: usize,
    block: &TwinSampleBlock,
    composition: Option<&Composition>,
    check: &mut Check<'_>,
) -> Result<Option<f64>, ()> {
    let key = |name: &str| format!("samples[{index}].{name}");
    let (key, number) = match (block.density_atoms_per_cubic_angstrom, block.density_g_cm3) {
        (None, None) => return Ok(None),
        (Some(number), None) => (key("density_atoms_per_cubic_angstrom"), number),
        (None, Some(mass)) => {
            let key = key("density_g_cm3");
            let number = composition.ok_or(())?.number_density(mass);
            let number = number.map_err(|error| check.problems.push(&key, error.to_string(), ""))?;
            (key, number)
        }
        (Some(_), Some(_)) => {
            let message = "both density_g_cm3 and density_atoms_per_cubic_angstrom are given";
            check.problems.push(&key("density_g_cm3"), message, "keep one of them");
            return Err(());
        }
    };
    if !(number > 0.0 && number <= MOST_DENSE) {
        let message = format!("{number:.4} atoms/Å³, expected above 0 and at most {MOST_DENSE}");
        check.problems.push(&key, message, "metals have 0.02 to 0.1 atoms/Å³");
        return Err(());
    }
    Ok(Some(number))
}

fn glass_model(
    key: &str,
    block: &mut GlassBlock,
    density: Option<f64>,
    check: &mut Check<'_>,
) -> Option<Glass> {
    let keys = &mut block.0;
    let preset = keys.preset.map(|word| match word {
        GlassWord::AsCast => Glass::zr_based(),
        GlassWord::Aged => Glass::zr_based_aged(),
    });
    let missing: Vec<&str> = [
        ("sigma_angstrom", keys.sigma_angstrom.is_none()),
        ("broadening_angstrom", keys.broadening_angstrom.is_none()),
    ]
    .iter()
    .filter_map(|(name, is_missing)| is_missing.then_some(*name))
    .collect();
    let Some(start) = preset.or_else(|| {
        let nothing = Glass { density: 0.0, sigma_angstrom: 0.0, s_broadening: 0.0, shells: Vec::new() };
        (missing.is_empty() && density.is_some()).then_some(nothing)
    }) else {
        let what =
            if missing.is_empty() { "the density of the sample".to_owned() } else { missing.join(", ") };
        let message = format!("a glass without a preset needs {what}");
        check.problems.push(key, message, "or write `preset: as-cast` and change what differs");
        return None;
    };
    let shells = keys.shells.as_ref().map(|shells| {
        let shells = shells.iter();
        shells.map(|k| Shell { delta_n: k.delta_n, r: k.r_angstrom, s: k.s_angstrom }).collect()
    });
    let glass = Glass {
        density: density.unwrap_or(start.density),
        sigma_angstrom: keys.sigma_angstrom.unwrap_or(start.sigma_angstrom),
        s_broadening: keys.broadening_angstrom.unwrap_or(start.s_broadening),
        shells: shells.unwrap_or(start.shells),
    };
    let mut good = check.positive(&format!("{key}.sigma_angstrom"), glass.sigma_angstrom);
    if !BROADENING.contains(&glass.s_broadening) {
        let message = format!("found {} Å, expected 0.01 to 1 Å", glass.s_broadening);
        check.problems.push(
            &format!("{key}.broadening_angstrom"),
            message,
            "thermal motion alone is 0.05 to 0.2 Å",
        );
        good = false;
    }
    for (index, shell) in glass.shells.iter().enumerate() {
        let key = |name: &str| format!("{key}.shells[{index}].{name}");
        good &= check.positive(&key("r_angstrom"), shell.r) && check.positive(&key("s_angstrom"), shell.s);
    }
    good.then_some(glass)
}
