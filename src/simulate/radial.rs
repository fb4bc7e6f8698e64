//! Intensity against Q on a fine table, quick to look up for every point of every pixel.

use crate::scattering::{Composition, FreeAtoms, ScatteringError, klein_nishina};
use crate::units::two_theta_rad;

/// Values at 0, ΔQ, 2ΔQ …, read by cubic (four-point Lagrange) interpolation.
///
/// Its error is at most (3/128)·ΔQ⁴·max|f⁗|: with ΔQ = 0.001 Å⁻¹ 7e-6 of the height of a Gaussian ring of standard
/// deviation 0.01 Å⁻¹, and below 1e-10 for a glass.
#[derive(Debug, Clone, PartialEq)]
pub struct RadialTable {
    step: f64,
    values: Vec<f64>,
}

/// Spacing ΔQ in Å⁻¹ of the tables made here.
pub const TABLE_STEP: f64 = 0.001;

impl RadialTable {
    /// Tabulates `f` on the points that [`RadialTable::grid`] gives for the same range.
    pub fn from_fn(q_max: f64, f: impl Fn(f64) -> f64) -> Self {
        Self { step: TABLE_STEP, values: Self::grid(q_max).into_iter().map(f).collect() }
    }

    /// Takes values given on [`RadialTable::grid`].
    pub(super) fn from_values(values: Vec<f64>) -> Self {
        Self { step: TABLE_STEP, values }
    }

    /// Points 0, ΔQ, … that cover [0, q_max] with two to spare.
    pub fn grid(q_max: f64) -> Vec<f64> {
        let count = (q_max / TABLE_STEP).ceil().max(1.0) as usize + 3;
        (0..count).map(|i| i as f64 * TABLE_STEP).collect()
    }

    /// Largest Q at which the interpolation has points on both sides.
    pub fn q_max(&self) -> f64 {
        (self.values.len() - 2) as f64 * self.step
    }

    /// Interpolated value; the end cells extend the cubic of their neighbours.
    pub fn at(&self, q: f64) -> f64 {
        let x = q / self.step;
        let cell = (x as usize).clamp(1, self.values.len() - 3);
        let t = x - cell as f64;
        let v = &self.values[cell - 1..cell + 3];
        // Lagrange weights for points at −1, 0, 1, 2.
        let (a, b, c) = (t + 1.0, t - 1.0, t - 2.0);
        (a * b * (t * v[3] + 3.0 * c * v[1]) - c * t * (b * v[0] + 3.0 * a * v[2])) / 6.0
    }

    /// self·factor + other·other_factor, on the shorter range of the two.
    pub fn combined(&self, factor: f64, other: &RadialTable, other_factor: f64) -> RadialTable {
        Self::from_values(
            self.values.iter().zip(&other.values).map(|(a, b)| factor * a + other_factor * b).collect(),
        )
    }

    /// self·factor.
    pub fn scaled(&self, factor: f64) -> RadialTable {
        Self::from_values(self.values.iter().map(|v| factor * v).collect())
    }

    /// I(Q) of a gas, in electron units per atom: no order, S = 1.
    ///
    /// # Errors
    /// An element without tabulated form factor.
    pub fn free_atoms(
        composition: &Composition,
        energy_kev: f64,
        q_max: f64,
    ) -> Result<Self, ScatteringError> {
        let grid = Self::grid(q_max);
        let atoms = FreeAtoms::new(composition, energy_kev, &grid)?;
        let incoherent = incoherent(&atoms, energy_kev, &grid);
        Ok(Self::from_values(atoms.mean_square_f.iter().zip(&incoherent).map(|(a, b)| a + b).collect()))
    }

    /// |⟨f⟩|² in electron units per atom.
    ///
    /// # Errors
    /// An element without tabulated form factor.
    pub fn mean_f_squared(
        composition: &Composition,
        energy_kev: f64,
        q_max: f64,
    ) -> Result<Self, ScatteringError> {
        let atoms = FreeAtoms::new(composition, energy_kev, &Self::grid(q_max))?;
        Ok(Self::from_values(atoms.mean_f_squared))
    }
}

/// I_inc·KN on a grid of Q \[E8\].
pub(super) fn incoherent(atoms: &FreeAtoms, energy_kev: f64, grid: &[f64]) -> Vec<f64> {
    let wavelength = crate::units::wavelength_angstrom(energy_kev);
    grid.iter()
        .zip(&atoms.compton)
        .map(|(&q, compton)| compton * klein_nishina(two_theta_rad(q, wavelength), energy_kev))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_come_back_exactly() {
        let f = |q: f64| 2.0 - 3.0 * q + 0.5 * q * q * q;
        let table = RadialTable::from_fn(4.0, f);
        // Cancellation between Lagrange weights of order 1: a few ulp of values up to 30.
        for q in [0.0, 0.0004, 0.0013, 1.234_56, 3.9999, table.q_max()] {
            assert!((table.at(q) - f(q)).abs() < 1e-13, "{q}: {} {}", table.at(q), f(q));
        }
    }

    #[test]
    fn a_narrow_ring_is_within_the_stated_error() {
        let f = |q: f64| (-0.5 * ((q - 2.0) / 0.01).powi(2)).exp();
        let table = RadialTable::from_fn(4.0, f);
        let worst = (0..100_000)
            .map(|i| 1.9 + 2e-6 * f64::from(i))
            .map(|q| (table.at(q) - f(q)).abs())
            .fold(0.0, f64::max);
        // (3/128)·(0.1)⁴·3 with the fourth derivative 3/s⁴ at the top.
        assert!(worst < 7.1e-6, "{worst}");
    }
}
