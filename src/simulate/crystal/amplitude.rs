//! What the atoms of a crystal scatter, on a grid of Q.

use super::{Crystal, CrystalError};
use crate::scattering::{FormFactor, ScatteringError, atomic_number};

/// How strongly atoms scatter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    /// f = f0(Q) + f′ + if″, as a measurement has it.
    OfQ {
        /// Energy of the beam.
        energy_kev: f64,
    },
    /// f = Z at every Q, as pair-sum programs do.
    AtomicNumber,
}

/// f of each element and what follows from it at n values of Q.
pub(super) struct Amplitudes {
    q: Vec<f64>,
    /// f0 + f′ at n points and f″, for each atom by way of `element_of`.
    factors: Vec<FormFactor>,
    element_of: Vec<usize>,
    shares: Vec<f64>,
}

/// A complex number.
pub(super) type Complex = [f64; 2];

pub(super) fn norm_squared(z: Complex) -> f64 {
    z[0] * z[0] + z[1] * z[1]
}

impl Amplitudes {
    /// # Errors
    /// An element, an energy or a Q outside the tables.
    pub(super) fn new(crystal: &Crystal, weights: Weights, q: Vec<f64>) -> Result<Self, CrystalError> {
        let elements = crystal.composition().elements;
        let factor = |symbol: &str| match weights {
            Weights::OfQ { energy_kev } => FormFactor::new(symbol, energy_kev, &q),
            Weights::AtomicNumber => {
                let missing =
                    || ScatteringError::NotTabulated { element: symbol.to_owned(), table: "elements" };
                let z = atomic_number(symbol).ok_or_else(missing)?;
                Ok(FormFactor { real: vec![z as f64; q.len()], imaginary: 0.0 })
            }
        };
        let factors = elements.iter().map(|(symbol, _)| factor(symbol)).collect::<Result<Vec<_>, _>>()?;
        let element_of = crystal
            .atoms
            .iter()
            .filter_map(|atom| elements.iter().position(|(symbol, _)| *symbol == atom.element))
            .collect();
        Ok(Self { q, factors, element_of, shares: elements.iter().map(|(_, c)| *c).collect() })
    }

    pub(super) fn q(&self) -> &[f64] {
        &self.q
    }

    /// f of atom `atom` at point `i`, at rest.
    pub(super) fn f(&self, atom: usize, i: usize) -> Complex {
        let factor = &self.factors[self.element_of[atom]];
        [factor.real[i], factor.imaginary]
    }

    /// f e^{−Q²U/2} of atom `atom` at point `i`.
    pub(super) fn moving(&self, crystal: &Crystal, atom: usize, i: usize) -> Complex {
        let q = self.q[i];
        let damping = (-0.5 * q * q * crystal.atoms[atom].u_iso_angstrom2).exp();
        self.f(atom, i).map(|part| damping * part)
    }

    /// |⟨f⟩|² at point `i`.
    pub(super) fn mean_f_squared(&self, i: usize) -> f64 {
        let mut mean = [0.0; 2];
        for (share, factor) in self.shares.iter().zip(&self.factors) {
            mean[0] += share * factor.real[i];
            mean[1] += share * factor.imaginary;
        }
        norm_squared(mean)
    }

    /// Σ_sites |Σ o f e^{−Q²U/2}|²/n at point `i`: what each atom scatters with itself in the rings' average.
    pub(super) fn own(&self, crystal: &Crystal, i: usize) -> f64 {
        let sum: f64 = crystal
            .places
            .iter()
            .map(|place| {
                let mut mean = [0.0; 2];
                for &atom in place {
                    let f = self.moving(crystal, atom, i);
                    mean[0] += crystal.atoms[atom].occupancy * f[0];
                    mean[1] += crystal.atoms[atom].occupancy * f[1];
                }
                norm_squared(mean)
            })
            .sum();
        sum / crystal.atoms_in_cell()
    }

    /// ⟨|f|²⟩ at point `i`.
    pub(super) fn mean_square_f(&self, i: usize) -> f64 {
        let square = |factor: &FormFactor| norm_squared([factor.real[i], factor.imaginary]);
        self.shares.iter().zip(&self.factors).map(|(share, factor)| share * square(factor)).sum()
    }
}
