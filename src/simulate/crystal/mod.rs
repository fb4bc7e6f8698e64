//! A crystal powder: rings, I(Q) and G(r) from cell and atoms.
//!
//! Atoms move independently of one another, each with one mean square displacement in all directions. I(Q) in electron
//! units per atom, the powder average over directions, is
//!
//! ```text
//! I = Σ_rings 2π²/(V Q² n) Σ_hkl |F_hkl|² δ(Q − Q_hkl) + diffuse + I_inc·KN,
//! F_hkl = Σ_j o_j f_j e^{−Q²U_j/2} e^{2πi h·x_j},   n = Σ_j o_j atoms in the cell of volume V.
//! ```
//!
//! A cell of a large crystal scatters |F|²·(2π)³/V·Σ δ³(Q⃗ − G⃗) (Warren, X-Ray Diffraction, 1969, ch. 3); spread over
//! the sphere of radius Q, δ³ becomes δ(Q − G)/(4πQ²). What a flat detector makes of it follows from its solid angle, so
//! that no Lorentz factor of an instrument is needed. What atoms scatter apart from the rings (thermal motion, and
//! sites that are not always filled or filled by several elements) is
//!
//! ```text
//! diffuse = [Σ_j o_j|f_j|² − Σ_sites |Σ_{j on site} o_j f_j e^{−Q²U_j/2}|²]/n,
//! ```
//!
//! so that the average over many rings and the diffuse part make ⟨f²⟩.

mod cell;
mod error;
mod file;
mod check;
mod amplitude;
mod reflections;
mod powder;
mod pair_sum;
mod transform;

pub use amplitude::Weights;
pub use cell::Cell;
pub use error::CrystalError;
pub use pair_sum::{CrystalPdf, Pair};
pub use reflections::Ring;

use crate::scattering::Composition;

/// An atom of the cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Element symbol.
    pub element: String,
    /// Position in units of the cell's axes.
    pub position: [f64; 3],
    /// Share of the cells in which the atom is there, in (0, 1].
    pub occupancy: f64,
    /// Mean square displacement U along one axis, Å².
    pub u_iso_angstrom2: f64,
}

/// Standard deviation of a ring in Q: bandwidth, beam and grain size together.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingWidth {
    /// The part that is the same at every Q, Å⁻¹.
    pub constant_inv_angstrom: f64,
    /// The part in proportion to Q, as from a bandwidth. The two are independent: their squares add.
    #[serde(default)]
    pub relative: f64,
}

impl RingWidth {
    /// σ in Å⁻¹ of the ring at Q in Å⁻¹.
    pub fn at(self, q: f64) -> f64 {
        self.constant_inv_angstrom.hypot(self.relative * q)
    }
}

/// A checked crystal with all atoms of its conventional cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Crystal {
    name: String,
    cell: Cell,
    atoms: Vec<Site>,
    ring_width: RingWidth,
    /// Indices into `atoms`: those that share one position stand together.
    places: Vec<Vec<usize>>,
}

impl Crystal {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cell.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// All atoms of the cell, positions in [0, 1).
    pub fn atoms(&self) -> &[Site] {
        &self.atoms
    }

    /// Width of its rings.
    pub fn ring_width(&self) -> RingWidth {
        self.ring_width
    }

    /// Atoms in the cell: Σ of the occupancies.
    pub fn atoms_in_cell(&self) -> f64 {
        self.atoms.iter().map(|atom| atom.occupancy).sum()
    }

    /// ρ0 in atoms/Å³.
    pub fn density(&self) -> f64 {
        self.atoms_in_cell() / self.cell.volume()
    }

    /// Its elements with their fractions, in the order of the list.
    pub fn composition(&self) -> Composition {
        let all = self.atoms_in_cell();
        let mut elements: Vec<(String, f64)> = Vec::new();
        for atom in &self.atoms {
            let share = atom.occupancy / all;
            match elements.iter_mut().find(|(symbol, _)| *symbol == atom.element) {
                Some((_, sum)) => *sum += share,
                None => elements.push((atom.element.clone(), share)),
            }
        }
        Composition { elements }
    }
}
