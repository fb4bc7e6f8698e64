//! Compositions as people write them: `Zr62 Cu15.5 Ni12.5 Al10`, `CeO2`, `Ce 1  O 2`, `(Mg2SiO4)0.9 (Fe2O3)0.1`.

use std::fmt;

use super::element::{atomic_number, nearest};
use super::{Composition, ScatteringError};

/// Avogadro's number times 1e-24 cm³/Å³: atoms per Å³ = ρ[g/cm³]·this/M[g/mol] (CODATA 2018, exact).
const AVOGADRO_PER_CUBIC_ANGSTROM: f64 = 0.602_214_076;
const LONGEST: usize = 1000;
const DEEPEST: usize = 16;

impl Composition {
    /// Reads a composition: symbols, each followed by an amount (decimal or fraction `1/3`; 1 if absent), spaces
    /// anywhere between them, groups in parentheses with an amount. An element that comes again is added up.
    ///
    /// # Errors
    /// What is wrong and at which character: no element (with the nearest one), an amount of zero, a stray character.
    pub fn parse(text: &str) -> Result<Composition, ScatteringError> {
        let length = text.chars().count();
        if length > LONGEST {
            return Err(ScatteringError::TooLong { length, limit: LONGEST, depth: DEEPEST });
        }
        let mut reader = Reader { text, characters: text.chars().collect(), position: 0 };
        let mut groups: Vec<Vec<(String, f64)>> = vec![Vec::new()];
        loop {
            reader.skip_spaces();
            let Some(next) = reader.peek() else { break };
            let group: Vec<(String, f64)> = match next {
                '(' => {
                    if groups.len() > DEEPEST {
                        return Err(ScatteringError::TooLong { length, limit: LONGEST, depth: DEEPEST });
                    }
                    reader.position += 1;
                    groups.push(Vec::new());
                    continue;
                }
                ')' => {
                    let inner = match groups.pop() {
                        Some(inner) if !groups.is_empty() && !inner.is_empty() => inner,
                        Some(_) | None => return Err(reader.unexpected("an element before `)`")),
                    };
                    reader.position += 1;
                    inner
                }
                letter if letter.is_alphabetic() => vec![(reader.element()?, 1.0)],
                _ => return Err(reader.unexpected("an element symbol")),
            };
            let amount = reader.amount()?;
            if let Some(open) = groups.last_mut() {
                open.extend(group.into_iter().map(|(symbol, count)| (symbol, count * amount)));
            }
        }
        if groups.len() > 1 {
            return Err(reader.unexpected("`)`"));
        }
        reader.normalized(groups.swap_remove(0))
    }

    /// Σ c_j M_j in g/mol.
    ///
    /// # Errors
    /// An element without a tabulated mass.
    pub fn mean_molar_mass(&self) -> Result<f64, ScatteringError> {
        let tables = super::free_atoms::tables()?;
        self.elements.iter().try_fold(0.0, |sum, (symbol, fraction)| {
            let mass = tables.molar_mass(symbol).map_err(|_| ScatteringError::NotTabulated {
                element: symbol.clone(),
                table: "atomic masses",
            })?;
            Ok(sum + fraction * mass)
        })
    }

    /// Number density ρ0 in atoms per Å³ of a material of mass density ρ.
    ///
    /// # Errors
    /// A density that is not positive, or an element without a tabulated mass.
    pub fn number_density(&self, density_g_cm3: f64) -> Result<f64, ScatteringError> {
        if !(density_g_cm3 > 0.0 && density_g_cm3.is_finite()) {
            return Err(ScatteringError::Density(density_g_cm3));
        }
        Ok(density_g_cm3 * AVOGADRO_PER_CUBIC_ANGSTROM / self.mean_molar_mass()?)
    }
}

/// Atomic per cent in the order written, as in `Zr62 Cu15.5 Ni12.5 Al10`.
impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (symbol, fraction)) in self.elements.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            let percent = format!("{:.6}", 100.0 * fraction);
            write!(f, "{gap}{symbol}{}", percent.trim_end_matches('0').trim_end_matches('.'))?;
        }
        Ok(())
    }
}

struct Reader<'a> {
    text: &'a str,
    characters: Vec<char>,
    position: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.position;
        while self.peek().is_some_and(&wanted) {
            self.position += 1;
        }
        self.characters[start..self.position].iter().collect()
    }

    /// A capital with the small letters after it; all of them must make one symbol.
    fn element(&mut self) -> Result<String, ScatteringError> {
        let start = self.position;
        let mut symbol: String = self.peek().into_iter().collect();
        self.position += 1;
        symbol.push_str(&self.take_while(char::is_lowercase));
        if atomic_number(&symbol).is_some() {
            return Ok(symbol);
        }
        let nearest = nearest(&symbol);
        Err(ScatteringError::UnknownElement {
            text: self.text.to_string(),
            position: start + 1,
            found: symbol,
            nearest,
        })
    }

    /// A number, a fraction of two, or 1 where neither is written.
    fn amount(&mut self) -> Result<f64, ScatteringError> {
        self.skip_spaces();
        let start = self.position;
        let part = |c: char| c.is_ascii_digit() || c == '.';
        let mut written = self.take_while(|c| part(c) || c == '-' || c == '+');
        if written.is_empty() {
            return Ok(1.0);
        }
        let mut value = written.parse::<f64>().ok();
        if self.peek() == Some('/') {
            self.position += 1;
            let divisor = self.take_while(part);
            value = value.zip(divisor.parse::<f64>().ok()).map(|(a, b)| a / b);
            written = format!("{written}/{divisor}");
        }
        match value {
            Some(amount) if amount > 0.0 && amount.is_finite() => Ok(amount),
            Some(_) | None => Err(ScatteringError::Amount {
                text: self.text.to_string(),
                position: start + 1,
                found: written,
            }),
        }
    }

    fn unexpected(&self, expected: &'static str) -> ScatteringError {
        let found = self.peek().map_or_else(|| "end".to_string(), String::from);
        ScatteringError::Unexpected {
            text: self.text.to_string(),
            position: self.position + 1,
            found,
            expected,
        }
    }

    fn normalized(&self, amounts: Vec<(String, f64)>) -> Result<Composition, ScatteringError> {
        let mut elements: Vec<(String, f64)> = Vec::new();
        for (symbol, amount) in amounts {
            match elements.iter_mut().find(|(known, _)| *known == symbol) {
                Some((_, sum)) => *sum += amount,
                None => elements.push((symbol, amount)),
            }
        }
        if elements.is_empty() {
            return Err(ScatteringError::Empty);
        }
        let total: f64 = elements.iter().map(|(_, amount)| amount).sum();
        for (_, amount) in &mut elements {
            *amount /= total;
            // Products and sums of nested amounts can leave the range of a number.
            if !(*amount > 0.0 && amount.is_finite()) {
                return Err(ScatteringError::Amount {
                    text: self.text.to_string(),
                    position: 1,
                    found: "of all elements together".to_string(),
                });
            }
        }
        Ok(Composition { elements })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fractions(text: &str) -> Vec<(String, f64)> {
        Composition::parse(text).unwrap().elements
    }

    #[test]
    fn the_same_material_however_written() {
        let ceria = fractions("CeO2");
        assert_eq!(ceria[0].0, "Ce");
        assert!((ceria[1].1 - 2.0 / 3.0).abs() < 1e-15);
        for text in ["Ce 1  O 2", " Ce1O2 ", "Ce0.5O1.0", "Ce 1/3 O 2/3", "Ce O O", "(CeO2)3", "Ce(O)2"] {
            for (a, b) in fractions(text).iter().zip(&ceria) {
                assert_eq!(a.0, b.0, "{text}");
                assert!((a.1 - b.1).abs() < 1e-15, "{text}");
            }
        }
        let glass = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
        assert_eq!(glass.to_string(), "Zr62 Cu15.5 Ni12.5 Al10");
        assert_eq!(Composition::parse(&glass.to_string()).unwrap(), glass);
        assert_eq!(fractions("CO").len(), 2, "carbon and oxygen, not cobalt");
        assert_eq!(fractions("Co").len(), 1);
    }

    #[test]
    fn a_slip_is_named_with_its_place() {
        let message = |text: &str| Composition::parse(text).unwrap_err().to_string();
        assert!(message("Zr62 Cv15.5").contains("character 6: `Cv` is no element; did you mean `C`"));
        assert!(message("zr62").contains("did you mean `Zr`"));
        assert!(message("Zr0 Cu1").contains("character 3: amount `0`"));
        assert!(message("Zr-3").contains("amount `-3`"));
        assert!(message("Zr1/0").contains("amount `1/0`"));
        assert!(message("Zr1.2.3").contains("amount `1.2.3`"));
        assert!(message("62Zr").contains("expected an element symbol"));
        assert!(message("(Zr2").contains("found `end`, expected `)`"));
        assert!(message("Zr2)").contains("before `)`"));
        assert!(message("Zr2()").contains("before `)`"));
        assert!(message("  ").contains("is empty"));
        assert!(message(&"(".repeat(900)).contains("nested too deeply"));
        assert!(message(&"Zr".repeat(501)).contains("1002 characters"));
        assert!(Composition::parse(&format!("Zr{}", "9".repeat(400))).is_err());
    }

    #[test]
    fn densities_of_known_crystals() {
        // CeO2: four formula units, 12 atoms, in a cube of 5.41165 Å; X-ray density 7.215 g/cm³ (to 0.1 %).
        let ceria = Composition::parse("CeO2").unwrap();
        assert!((ceria.mean_molar_mass().unwrap() * 3.0 - 172.115).abs() < 0.01);
        let cell = 12.0 / 5.41165_f64.powi(3);
        assert!((ceria.number_density(7.215).unwrap() / cell - 1.0).abs() < 1e-3);
        assert!(ceria.number_density(0.0).is_err() && ceria.number_density(f64::NAN).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            if let Ok(read) = Composition::parse(&text) {
                let sum: f64 = read.elements.iter().map(|(_, c)| c).sum();
                proptest::prop_assert!((sum - 1.0).abs() < 1e-12);
            }
        }
    }
}
