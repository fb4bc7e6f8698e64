//! What free atoms scatter: composition, form factors f0 + f′ + if″, Compton scattering.

mod atom;
mod composition;
mod element;
mod error;
mod free_atoms;
mod incoherent;
mod partial_weights;

pub use atom::FormFactor;
pub(crate) use element::{atomic_number, nearest as nearest_element};
pub use error::ScatteringError;
pub(crate) use free_atoms::LARGEST_Q;
pub use free_atoms::{FreeAtoms, klein_nishina};
pub use incoherent::incoherent_scattering;
pub use partial_weights::partial_weights;

/// A material's elements and their atomic fractions.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// Element symbol and atomic fraction c_j, Σ c_j = 1, in the order written, each element once.
    pub elements: Vec<(String, f64)>,
}
