//! I(Q) of a powder: its rings on a table, and what is diffuse between them.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::amplitude::{Amplitudes, Weights};
use super::{Crystal, CrystalError};
use crate::scattering::FreeAtoms;
use crate::simulate::radial::{RadialTable, TABLE_STEP, incoherent};

/// Steps of the table in one standard deviation of a ring: interpolation is then good to 1e-3 of its height.
const STEPS_IN_RING: f64 = 3.0;
/// Standard deviations after which a ring has ended: e^{−32}.
pub(super) const RING_END: f64 = 8.0;

impl Crystal {
    /// I(Q) in electron units per atom up to `q_max` in Å⁻¹: rings, thermal and occupancy diffuse scattering, and I_inc·KN.
    ///
    /// # Errors
    /// Rings too narrow for the table; too many reflections; Q or energy beyond the tables of form factors.
    pub fn intensity(&self, energy_kev: f64, q_max: f64) -> Result<RadialTable, CrystalError> {
        // With them the table is short enough, too.
        let rings = self.rings(energy_kev, q_max + RING_END * self.ring_width.at(q_max))?;
        self.wide_enough(rings.first().map_or(0.0, |ring| ring.q))?;
        let grid = RadialTable::grid(q_max);
        let atoms = FreeAtoms::new(&self.composition(), energy_kev, &grid)?;
        let compton = incoherent(&atoms, energy_kev, &grid);
        let amplitudes = Amplitudes::new(self, Weights::OfQ { energy_kev }, grid)?;
        let grid = amplitudes.q();
        let mut values: Vec<f64> = (0..grid.len())
            .into_par_iter()
            .map(|i| amplitudes.mean_square_f(i) - amplitudes.own(self, i) + compton[i])
            .collect();
        for ring in rings {
            let width = self.ring_width.at(ring.q);
            let (height, reach) = (ring.area / (width * (2.0 * PI).sqrt()), RING_END * width);
            let first = grid.partition_point(|&q| q < ring.q - reach);
            let last = grid.partition_point(|&q| q <= ring.q + reach);
            for (value, q) in values[first..last].iter_mut().zip(&grid[first..last]) {
                *value += height * (-0.5 * ((q - ring.q) / width).powi(2)).exp();
            }
        }
        Ok(RadialTable::from_values(values))
    }

    fn wide_enough(&self, q: f64) -> Result<(), CrystalError> {
        let (found, needed) = (self.ring_width.at(q), STEPS_IN_RING * TABLE_STEP);
        if found >= needed {
            return Ok(());
        }
        Err(CrystalError::NarrowRings { name: self.name.clone(), found, q, step: TABLE_STEP, needed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two elements on one site that is not always filled, and a half-filled second site, in a body-centred cell.
    const DISORDERED: &str = "name: X\n\
        cell: {a_angstrom: 4.1, b_angstrom: 4.3, c_angstrom: 5.2, alpha_deg: 85, beta_deg: 97, gamma_deg: 92}\n\
        centring: I\n\
        atoms:\n\
        \x20 - {element: Zr, position: [0, 0, 0], occupancy: 0.6, u_iso_angstrom2: 0.006}\n\
        \x20 - {element: Al, position: [0, 0, 0], occupancy: 0.3, u_iso_angstrom2: 0.008}\n\
        \x20 - {element: O, position: [0.45, 0.52, 0.05], occupancy: 0.5, u_iso_angstrom2: 0.01}\n\
        ring_width: {constant_inv_angstrom: 0.01}\n";

    #[test]
    fn rings_and_diffuse_part_add_up_to_free_atoms() {
        // I − I_inc·KN − ⟨f²⟩ is a sum of f_i f_j sin(Qd)/(Qd) over pairs. Under a weight e^{−(Q−14)²/2s²}, s = 2.5 Å⁻¹, a distance
        // d is left with e^{−(sd)²/2}: at most 2e-4 for B–B in LaB6 (1.66 Å), nothing for the others; the weight is cut
        // at 4 s, e^{−8}. A filled site that is forgotten, or f for f², is off by tens of per cent.
        let disordered = Crystal::parse(DISORDERED, "test").unwrap();
        assert!((disordered.atoms_in_cell() - 2.8).abs() < 1e-12);
        for crystal in
            ["CeO2", "LaB6", "Si", "Ni"].map(|n| Crystal::named(n).unwrap()).iter().chain([&disordered])
        {
            let table = crystal.intensity(112.0, 24.1).unwrap();
            let q: Vec<f64> = (0..100_000).map(|i| 4.0 + 2e-4 * (f64::from(i) + 0.5)).collect();
            let atoms = FreeAtoms::new(&crystal.composition(), 112.0, &q).unwrap();
            let compton = incoherent(&atoms, 112.0, &q);
            let weight = |q: f64| (-0.5 * ((q - 14.0) / 2.5).powi(2)).exp();
            let all: f64 = q.iter().map(|&q| weight(q)).sum();
            let found: f64 = (0..q.len())
                .map(|i| weight(q[i]) * (table.at(q[i]) - compton[i]) / atoms.mean_square_f[i])
                .sum();
            assert!((found / all - 1.0).abs() < 5e-4, "{}: {}", crystal.name(), found / all);
        }
    }

    #[test]
    fn still_and_filled_crystals_have_rings_only() {
        let still = |u: &str| {
            let text = DISORDERED
                .replace(", occupancy: 0.6", "")
                .replace("0.006", u)
                .replace("0.01}\nring", "1e-6}\nring");
            let text = text.replace(", occupancy: 0.5", "");
            let alone: Vec<&str> = text.lines().filter(|line| !line.contains("Al")).collect();
            Crystal::parse(&alone.join("\n"), "test").unwrap()
        };
        let crystal = still("1e-6");
        let amplitudes = Amplitudes::new(&crystal, Weights::OfQ { energy_kev: 112.0 }, vec![5.0]).unwrap();
        // ⟨f²⟩(1 − e^{−25·1e-6}) is left.
        let share = 1.0 - amplitudes.own(&crystal, 0) / amplitudes.mean_square_f(0);
        assert!((share - 25e-6).abs() < 1e-9, "{share}");
    }

    #[test]
    fn the_table_holds_the_area_of_a_ring() {
        let ceria = Crystal::named("CeO2").unwrap();
        let table = ceria.intensity(112.0, 6.0).unwrap();
        let ring = ceria.rings(112.0, 3.0).unwrap()[0];
        // 111 stands alone between 1.8 and 2.2; the diffuse part under it is straight within 1e-3 of the ring.
        let sum: f64 = (0..4000).map(|i| table.at(1.8 + 1e-4 * (f64::from(i) + 0.5)) * 1e-4).sum();
        let under = 0.2 * (table.at(1.8) + table.at(2.2));
        assert!(((sum - under) / ring.area - 1.0).abs() < 1e-3, "{sum} {under} {}", ring.area);
    }

    #[test]
    fn rings_too_narrow_for_the_table_are_refused() {
        let text = DISORDERED.replace("constant_inv_angstrom: 0.01", "constant_inv_angstrom: 0.002");
        let narrow = Crystal::parse(&text, "test").unwrap();
        let message = narrow.intensity(112.0, 10.0).unwrap_err().to_string();
        assert!(message.contains("raise `ring_width.constant_inv_angstrom` to 0.003"), "{message}");
        let text = DISORDERED
            .replace("constant_inv_angstrom: 0.01", "constant_inv_angstrom: 0.006, relative: 0.004");
        let wide = Crystal::parse(&text, "test").unwrap();
        assert!((wide.ring_width().at(2.0) - 0.01).abs() < 1e-15);
    }
}
