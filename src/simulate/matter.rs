//! What stands in the beam: every kind of structure gives S(Q), I(Q) and the G(r) that a measurement would see.

use std::f64::consts::PI;

use super::SimulateError;
use super::atoms::AtomModel;
use super::crystal::{Crystal, Weights};
use super::glass::Glass;
use super::quadrature::{SineSum, nodes, pdf_of};
use super::radial::{RadialTable, TABLE_STEP, incoherent};
use super::table::SofQ;
use crate::pdf::Window;
use crate::scattering::{Composition, FreeAtoms};

/// A structure with its elements and density.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// Hard spheres and shells, one S(Q) for all pairs of elements.
    Glass {
        /// The structure, with its density.
        glass: Glass,
        /// Its elements.
        composition: Composition,
    },
    /// Atoms in a box: partial structure factors, weighted by form factors. Elements and density are those of the box.
    Atoms(AtomModel),
    /// A powder: rings and what is diffuse between them. Elements and density are those of the cell.
    Crystal(Crystal),
    /// S(Q) from a table, taken as it is at any energy.
    Table {
        /// The curve.
        s: SofQ,
        /// Its elements.
        composition: Composition,
        /// ρ0 in atoms/Å³.
        density: f64,
    },
}

/// Coherent intensity may fall below 0 by this part of ⟨f²⟩, and by (2 Å⁻¹/Q)² times as much below 2 Å⁻¹, where what a model
/// leaves out beyond r_max weighs as 1/Q²; it is set to 0 then.
const NEGATIVE_NOISE: f64 = 0.05;

/// Panel width of the transform divided by 1/r: sin Qr turns by 6 rad in a panel of ten points.
const PANEL_PHASE: f64 = 6.0;

/// Two standard deviations of the rings of a powder in Å⁻¹.
const RING_PANEL: f64 = 0.02;

/// Largest r in Å at which [`Matter::pdf_through`] is exact.
const PDF_REACH: f64 = 60.0;

impl Matter {
    /// Elements and their fractions.
    pub fn composition(&self) -> Composition {
        match self {
            Matter::Glass { composition, .. } | Matter::Table { composition, .. } => composition.clone(),
            Matter::Crystal(crystal) => crystal.composition(),
            Matter::Atoms(model) => model.pairs().composition().clone(),
        }
    }

    /// ρ0 in atoms/Å³.
    pub fn density(&self) -> f64 {
        match self {
            Matter::Glass { glass, .. } => glass.density,
            Matter::Crystal(crystal) => crystal.density(),
            Matter::Atoms(model) => model.pairs().density(),
            Matter::Table { density, .. } => *density,
        }
    }

    /// Below this Q in Å⁻¹ S(Q) is a continuation and not a result.
    pub fn lowest_q(&self) -> f64 {
        match self {
            Matter::Glass { .. } | Matter::Crystal(_) => 0.0,
            Matter::Atoms(model) => model.lowest_q(),
            Matter::Table { s, .. } => s.lowest_q(),
        }
    }

    /// S(Q) as X-rays of this energy see it \[E9\], at each Q in Å⁻¹.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn s_of_q(&self, energy_kev: f64, q: &[f64]) -> Result<Vec<f64>, SimulateError> {
        Ok(match self {
            Matter::Glass { glass, .. } => q.iter().map(|q| glass.s_of_q(*q)).collect(),
            Matter::Crystal(crystal) => {
                let table = crystal.intensity(energy_kev, q.iter().copied().fold(0.0, f64::max))?;
                let atoms = FreeAtoms::new(&crystal.composition(), energy_kev, q)?;
                let compton = incoherent(&atoms, energy_kev, q);
                let s = |i: usize| {
                    (table.at(q[i]) - compton[i] - atoms.mean_square_f[i]) / atoms.mean_f_squared[i] + 1.0
                };
                (0..q.len()).map(s).collect()
            }
            Matter::Atoms(model) => model.s_of_q(energy_kev, q)?,
            Matter::Table { s, .. } => q.iter().map(|q| s.at(*q)).collect(),
        })
    }

    /// S(Q) as [`Matter::s_of_q`] has it, up to `q_max` in Å⁻¹.
    ///
    /// # Errors
    /// As [`Matter::s_of_q`].
    pub fn s_table(&self, energy_kev: f64, q_max: f64) -> Result<RadialTable, SimulateError> {
        Ok(RadialTable::from_values(self.s_of_q(energy_kev, &RadialTable::grid(q_max))?))
    }

    /// I(Q) in electron units per atom: ⟨f²⟩ + |⟨f⟩|²(S − 1) + I_inc·KN. Coherent intensity is not below 0: it is cut off there up
    /// to 5 % of ⟨f²⟩ (more below 2 Å⁻¹), and so is all that lies below [`Matter::lowest_q`].
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors; an S(Q) so small that intensity is negative beyond noise.
    pub fn intensity(&self, energy_kev: f64, q_max: f64) -> Result<RadialTable, SimulateError> {
        if let Matter::Crystal(crystal) = self {
            return Ok(crystal.intensity(energy_kev, q_max)?);
        }
        let s = self.s_of_q(energy_kev, &RadialTable::grid(q_max))?;
        intensity_of(&self.composition(), energy_kev, &s, self.lowest_q())
    }

    /// G(r) as seen through a measurement that ends at `q_max` in Å⁻¹: (2/π)∫_0^Qmax Q(S − 1) W(Q) sin(Qr) dQ \[E11\], for r up
    /// to 60 Å.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn pdf_through(&self, energy_kev: f64, q_max: f64, window: Window) -> Result<SineSum, SimulateError> {
        if let Matter::Crystal(crystal) = self {
            return Ok(crystal.pdf_through(q_max, window, Weights::OfQ { energy_kev })?);
        }
        let nodes = nodes(0.0, q_max, self.panel());
        let q: Vec<f64> = nodes.iter().map(|(q, _)| *q).collect();
        Ok(pdf_of(&nodes, &self.s_of_q(energy_kev, &q)?, q_max, window))
    }

    /// Panels in Å⁻¹ on which a quadrature follows both S(Q) and sin Qr: the features of S are as narrow as its own largest
    /// r allows, and those of a crystal as its rings.
    pub(super) fn panel(&self) -> f64 {
        match self {
            Matter::Glass { .. } | Matter::Table { .. } => PANEL_PHASE / PDF_REACH,
            Matter::Atoms(model) => PANEL_PHASE / (PDF_REACH + model.pairs().r_max()),
            Matter::Crystal(_) => RING_PANEL,
        }
    }

    /// Neighbours between two distances in Å from a G(r) of this density: ∫(rG + 4πρ0 r²)dr.
    pub fn coordination_number_of(&self, g: impl Fn(f64) -> f64, lower: f64, upper: f64) -> f64 {
        let density = self.density();
        super::quadrature::integrate(lower, upper, 0.05, |r| r * g(r) + 4.0 * PI * density * r * r)
    }
}

/// I(Q) in electron units per atom from S on the points of [`RadialTable::grid`]: ⟨f²⟩ + |⟨f⟩|²(S − 1) + I_inc·KN, coherent
/// intensity not below 0.
pub(super) fn intensity_of(
    composition: &Composition,
    energy_kev: f64,
    s: &[f64],
    lowest_q: f64,
) -> Result<RadialTable, SimulateError> {
    let grid: Vec<f64> = (0..s.len()).map(|i| i as f64 * TABLE_STEP).collect();
    let atoms = FreeAtoms::new(composition, energy_kev, &grid)?;
    let mut values = incoherent(&atoms, energy_kev, &grid);
    for (i, value) in values.iter_mut().enumerate() {
        let tolerated = NEGATIVE_NOISE * (2.0 / grid[i]).powi(2).max(1.0);
        let coherent = atoms.mean_square_f[i] + atoms.mean_f_squared[i] * (s[i] - 1.0);
        if coherent < -tolerated * atoms.mean_square_f[i] && grid[i] > lowest_q {
            return Err(SimulateError::NegativeIntensity { q: grid[i], s: s[i] });
        }
        *value += coherent.max(0.0);
    }
    Ok(RadialTable::from_values(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::quadrature::window_weight;

    #[test]
    fn s_of_a_crystal_is_the_transform_of_its_g() {
        // Rings are Gaussians of 0.01 Å⁻¹ on points 0.001 Å⁻¹ apart: the trapezoid rule is exact but for its end at Qmax, half
        // a step of F ≤ 100 Å⁻¹ under a window that is 0 there.
        let ceria = Matter::Crystal(Crystal::named("CeO2").unwrap());
        let step = 0.001;
        let q: Vec<f64> = (1..20_000).map(|i| step * f64::from(i)).collect();
        let s = ceria.s_of_q(112.0, &q).unwrap();
        let seen = ceria.pdf_through(112.0, 20.0, Window::Lorch).unwrap();
        for r in [0.7, 2.34, 3.83, 5.41, 12.1] {
            let terms = q
                .iter()
                .zip(&s)
                .map(|(q, s)| q * (s - 1.0) * window_weight(Window::Lorch, PI * q / 20.0) * (q * r).sin());
            let found = 2.0 / PI * step * terms.sum::<f64>();
            assert!((found - seen.at(r)).abs() < 1e-4, "{r}: {found} {}", seen.at(r));
        }
    }
}
