//! Why a composition or its scattering cannot be had.

/// A composition that cannot be read, or atoms whose scattering is not tabulated.
#[derive(Debug, thiserror::Error)]
pub enum ScatteringError {
    /// Nothing between the quotes.
    #[error("the composition is empty; write for example `Zr62 Cu15.5 Ni12.5 Al10` or `CeO2`")]
    Empty,
    /// An element symbol that is none.
    #[error("composition `{text}`, character {position}: `{found}` is no element; did you mean `{nearest}`?")]
    UnknownElement {
        /// What was parsed.
        text: String,
        /// Counted from 1.
        position: usize,
        /// The symbol found.
        found: String,
        /// The element of the most similar symbol.
        nearest: &'static str,
    },
    /// A character that has no place there.
    #[error("composition `{text}`, character {position}: found `{found}`, expected {expected}")]
    Unexpected {
        /// What was parsed.
        text: String,
        /// Counted from 1.
        position: usize,
        /// The character, or `end`.
        found: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// An amount that is not a positive number.
    #[error(
        "composition `{text}`, character {position}: amount `{found}` is not a positive number; leave out what is not there"
    )]
    Amount {
        /// What was parsed.
        text: String,
        /// Counted from 1.
        position: usize,
        /// The amount as written.
        found: String,
    },
    /// Longer or more deeply nested than a composition can be.
    #[error(
        "the composition has {length} characters or is nested too deeply; at most {limit} characters and {depth} levels of parentheses are read"
    )]
    TooLong {
        /// Its length.
        length: usize,
        /// What is read.
        limit: usize,
        /// How many parentheses may be open at once.
        depth: usize,
    },
    /// No form factor, or no mass.
    #[error("element {element} is not in the tables of {table}")]
    NotTabulated {
        /// Its symbol.
        element: String,
        /// Which tables.
        table: &'static str,
    },
    /// A photon energy without f′ and f″.
    #[error(
        "f′ and f″ of {element} are tabulated from {low_kev} to {high_kev} keV, the beam has {energy_kev} keV"
    )]
    Energy {
        /// Its symbol.
        element: String,
        /// The beam's energy.
        energy_kev: f64,
        /// First tabulated energy.
        low_kev: f64,
        /// Last tabulated energy.
        high_kev: f64,
    },
    /// A Q without form factors.
    #[error(
        "Q = {q} Å⁻¹ has no form factor: they are fitted from 0 to {limit:.1} Å⁻¹ (sin θ/λ = 6 Å⁻¹); lower the upper end of the Q range"
    )]
    MomentumTransfer {
        /// The Q asked for.
        q: f64,
        /// 4π·6 Å⁻¹.
        limit: f64,
    },
    /// A density that is not one.
    #[error("density {0} g/cm³ is not a positive number")]
    Density(f64),
    /// The tables of the program cannot be read.
    #[error("the program's scattering tables cannot be read: {0}")]
    Tables(String),
}
