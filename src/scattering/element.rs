//! Element symbols and atomic numbers.

/// Symbols in the order of the atomic number, from H; as far as form factors are tabulated.
pub(super) const SYMBOLS: [&str; 98] = [
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K",
    "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr",
    "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe",
    "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra",
    "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf",
];

/// Z of a symbol written as usual (`Zr`, not `ZR`).
pub(crate) fn atomic_number(symbol: &str) -> Option<usize> {
    SYMBOLS.iter().position(|known| *known == symbol).map(|index| index + 1)
}

/// The symbol most like `written`: the same letters in the other case, else the fewest changed letters.
pub(crate) fn nearest(written: &str) -> &'static str {
    let folded = written.to_lowercase();
    let distance = |symbol: &&&str| {
        let known = symbol.to_lowercase();
        let first = usize::from(known.chars().next() != folded.chars().next());
        2 * strsim::damerau_levenshtein(&known, &folded) + first
    };
    SYMBOLS.iter().min_by_key(distance).copied().unwrap_or("H")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_known_elements() {
        for (symbol, z) in [("H", 1), ("O", 8), ("Cu", 29), ("Zr", 40), ("Ce", 58), ("Au", 79), ("Cf", 98)] {
            assert_eq!(atomic_number(symbol), Some(z), "{symbol}");
        }
        assert_eq!(atomic_number("zr"), None);
    }

    #[test]
    fn a_slip_finds_its_element() {
        assert_eq!(nearest("zr"), "Zr");
        assert_eq!(nearest("CU"), "Cu");
        assert_eq!(nearest("Cv"), "C");
    }
}
