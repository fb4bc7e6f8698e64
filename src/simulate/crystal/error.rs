//! Why a crystal gives nothing.

use std::path::PathBuf;

use crate::scattering::ScatteringError;

/// A crystal that is not known, cannot be read or is none.
#[derive(Debug, thiserror::Error)]
pub enum CrystalError {
    /// No crystal of that name comes with the program.
    #[error("crystal `{name}` is not known; nearest: {nearest}; known: {known}; or give a file")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar ones.
        nearest: String,
        /// All of them.
        known: String,
    },
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is larger than a crystal can be.
    #[error("{}: more than {limit} bytes; a crystal file holds a cell and at most some thousand atoms", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What is read.
        limit: u64,
    },
    /// Not the YAML of a crystal.
    #[error("crystal {origin}: {reason}")]
    Yaml {
        /// Name or file.
        origin: String,
        /// What the reader says.
        reason: String,
    },
    /// A key with a value that cannot be.
    #[error("crystal {origin}: `{key}`: found {found}, expected {expected}")]
    Value {
        /// Name or file.
        origin: String,
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// What could.
        expected: String,
    },
    /// Two atoms in one place.
    #[error(
        "crystal {origin}: `atoms[{first}]` and `atoms[{second}]` (counted from 0) come within {distance:.3} Å; atoms that share a \
         site have one position and occupancies that add up to at most 1, all others are {limit} Å apart; positions of a split site \
         are not modelled. A centring must not repeat atoms that are listed"
    )]
    TooClose {
        /// Name or file.
        origin: String,
        /// Index in the list.
        first: usize,
        /// Index in the list.
        second: usize,
        /// Shortest distance of the two.
        distance: f64,
        /// Shortest distance allowed.
        limit: f64,
    },
    /// A range of Q that is none, or with more reflections than can be handled.
    #[error(
        "crystal {name}: Q up to {q_max} Å⁻¹ with a cell of {volume:.0} Å³ has about {found:.1e} reflections; at most {limit:.0e} are \
         handled: lower the end of the Q range (0 to some tens of Å⁻¹)"
    )]
    Reflections {
        /// The crystal.
        name: String,
        /// End of the range.
        q_max: f64,
        /// Volume of the cell in Å³.
        volume: f64,
        /// Their number.
        found: f64,
        /// What is handled.
        limit: f64,
    },
    /// A range of r that is none, or with more pairs than can be handled.
    #[error(
        "crystal {name}: r up to {r_max} Å has about {found:.1e} pairs of atoms; at most {limit:.0e} are handled: lower the end of the \
         r range"
    )]
    Pairs {
        /// The crystal.
        name: String,
        /// End of the range.
        r_max: f64,
        /// Their number.
        found: f64,
        /// What is handled.
        limit: f64,
    },
    /// Rings narrower than the table of intensities resolves.
    #[error(
        "crystal {name}: rings of width {found} Å⁻¹ at Q = {q:.3} Å⁻¹ are too narrow for a table in steps of {step} Å⁻¹; raise \
         `ring_width.constant_inv_angstrom` to {needed}"
    )]
    NarrowRings {
        /// The crystal.
        name: String,
        /// Standard deviation of the ring.
        found: f64,
        /// Where it is.
        q: f64,
        /// Step of the table.
        step: f64,
        /// Least width.
        needed: f64,
    },
    /// The tables of free atoms.
    #[error(transparent)]
    Scattering(#[from] ScatteringError),
}
