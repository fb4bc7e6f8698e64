//! Atoms in a periodic box: what a molecular-dynamics model scatters.

mod error;
mod lattice;
mod read;
mod extxyz;
mod lammps;
mod cells;
mod pairs;
mod model;
#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod structure_tests;

pub use error::{AtomsError, AtomsProblem};
pub use lattice::Lattice;
pub use model::{AtomModel, PartialStructure, RWindow};
pub use pairs::{PairDistributions, PairRange};
pub use read::{Frames, read_atoms};

use crate::scattering::{Composition, ScatteringError};

/// Opposite faces nearer than this in Å are no box of matter, even where its vectors are much sheared.
const LEAST_SPACING: f64 = 0.5;

/// Atoms/Å³ that nothing on earth reaches: diamond has 0.18.
const MOST_DENSE: f64 = 0.5;

/// Atoms in a box that repeats in all three directions.
#[derive(Debug, Clone, PartialEq)]
pub struct AtomBox {
    lattice: Lattice,
    positions: Vec<[f64; 3]>,
    species: Vec<u8>,
    elements: Vec<String>,
}

impl AtomBox {
    /// Cell vectors in Å (one a row), positions in Å from any origin, inside the box or outside it, and the index of
    /// each atom's element. `positions` and `species` have the same length.
    ///
    /// # Errors
    /// A name that is no element, a box without volume, no atoms, an element without atoms, a number that is not
    /// finite, or more than 0.5 atoms/Å³.
    pub fn new(
        vectors: [[f64; 3]; 3],
        positions: Vec<[f64; 3]>,
        species: Vec<u8>,
        elements: Vec<String>,
    ) -> Result<Self, AtomsProblem> {
        for name in &elements {
            check_element(name)?;
        }
        if positions.is_empty() || positions.len() != species.len() {
            return Err(AtomsProblem::NoAtoms { of: String::new() });
        }
        let lattice = Lattice::new(vectors);
        let spacing = lattice.spacings().into_iter().fold(f64::INFINITY, |a, b| if b >= a { a } else { b });
        if !(spacing >= LEAST_SPACING && lattice.volume().is_finite()) {
            return Err(AtomsProblem::Flat { spacing, least: LEAST_SPACING });
        }
        if let Some(point) =
            positions.iter().find(|point| !lattice.wrapped(**point).iter().all(|x| *x >= 0.0))
        {
            return Err(AtomsProblem::Number { column: "position".to_owned(), found: format!("{point:?}") });
        }
        let atoms = Self { lattice, positions, species, elements };
        if let Some(index) = atoms.species.iter().find(|index| usize::from(**index) >= atoms.elements.len()) {
            return Err(AtomsProblem::UnknownType { found: index.to_string(), known: atoms.elements.len() });
        }
        if let Some((_, name)) = atoms.counts().into_iter().zip(&atoms.elements).find(|(n, _)| *n == 0) {
            return Err(AtomsProblem::NoAtoms { of: format!(" of {name}") });
        }
        if atoms.density() > MOST_DENSE {
            return Err(AtomsProblem::Dense { found: atoms.density(), most: MOST_DENSE });
        }
        Ok(atoms)
    }

    /// The box.
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// Where the atoms are, in Å, as given.
    pub fn positions(&self) -> &[[f64; 3]] {
        &self.positions
    }

    /// For each atom the index of its element.
    pub fn species(&self) -> &[u8] {
        &self.species
    }

    /// Symbols of the elements.
    pub fn elements(&self) -> &[String] {
        &self.elements
    }

    /// Number of atoms of each element.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.elements.len()];
        for &index in &self.species {
            counts[usize::from(index)] += 1;
        }
        counts
    }

    /// Elements and their fractions.
    pub fn composition(&self) -> Composition {
        let total = self.species.len() as f64;
        let fractions = self.counts().into_iter().map(|n| n as f64 / total);
        Composition { elements: self.elements.iter().cloned().zip(fractions).collect() }
    }

    /// ρ0 in atoms/Å³.
    pub fn density(&self) -> f64 {
        self.positions.len() as f64 / self.lattice.volume()
    }

    /// Half the smallest distance of opposite faces, in Å. Farther away an atom meets images of one neighbour more than
    /// once, and g(r) repeats the box instead of the material.
    pub fn meaningful_r(&self) -> f64 {
        0.5 * self.lattice.spacings().into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// Fails for what the scattering tables do not know as an element.
fn check_element(name: &str) -> Result<(), AtomsProblem> {
    let hint = match Composition::parse(name) {
        Ok(read) if matches!(&read.elements[..], [(symbol, _)] if symbol == name) => return Ok(()),
        Ok(_) => String::new(),
        Err(ScatteringError::UnknownElement { nearest, .. }) => format!("; did you mean `{nearest}`?"),
        Err(_) => String::new(),
    };
    Err(AtomsProblem::UnknownElement { found: name.chars().take(40).collect(), hint })
}
