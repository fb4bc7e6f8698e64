//! CeO2 powder for a calibrant frame: positions and strengths of the rings, and the diffuse rest.
//!
//! I(Q) in electron units per atom is Σ over rings of m|F|²·2π²/(V Q²)/n · (Gaussian of area 1), n = 12 atoms in the cell
//! of volume V, plus ⟨f²(1 − e^{−Q²U})⟩ + I_inc·KN. The factor 1/Q² is the spread of a reciprocal-lattice point over the
//! sphere of its powder; what a flat detector makes of it follows from its solid angle, so that no Lorentz factor of an
//! instrument is needed. The average over many rings is ⟨f²⟩.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::radial::{RadialTable, incoherent};
use crate::scattering::{Composition, FreeAtoms, ScatteringError};

/// CeO2, fluorite structure Fm-3m: Ce on 4a, O on 8c.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CeriumDioxide {
    /// Cell edge in Å.
    pub a_angstrom: f64,
    /// Mean square displacement of Ce along one axis, Å².
    pub u_cerium: f64,
    /// Mean square displacement of O along one axis, Å².
    pub u_oxygen: f64,
    /// Standard deviation of a ring in Q, Å⁻¹: bandwidth, beam and grain size together.
    pub ring_width: f64,
}

impl Default for CeriumDioxide {
    /// The cell of SRM 674b, displacements usual at room temperature.
    fn default() -> Self {
        Self { a_angstrom: 5.411_65, u_cerium: 0.0035, u_oxygen: 0.0075, ring_width: 0.01 }
    }
}

/// All reflections with one h² + k² + l².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ring {
    /// h² + k² + l².
    pub n: u32,
    /// 2π√n/a in Å⁻¹.
    pub q: f64,
    /// Number of reflections.
    pub multiplicity: u32,
    /// ∫ I dQ over the ring in electron units per atom · Å⁻¹.
    pub area: f64,
}

/// Ce and O per molecule and their formula units in the cell.
const FORMULA_UNITS: f64 = 4.0;
const ATOMS_IN_CELL: f64 = 12.0;

impl CeriumDioxide {
    /// Q in Å⁻¹ of the rings up to `q_max`, in order.
    pub fn ring_positions(&self, q_max: f64) -> Vec<f64> {
        self.multiplicities(q_max).keys().map(|&n| self.position(n)).collect()
    }

    /// The rings up to `q_max` with their strengths.
    ///
    /// # Errors
    /// Q or energy beyond the tables of form factors.
    pub fn rings(&self, energy_kev: f64, q_max: f64) -> Result<Vec<Ring>, ScatteringError> {
        let counted = self.multiplicities(q_max);
        let q = self.ring_positions(q_max);
        let factors = Factors::new(energy_kev, &q)?;
        let volume = self.a_angstrom.powi(3);
        Ok(counted
            .iter()
            .zip(q)
            .enumerate()
            .map(|(i, ((&n, &multiplicity), q))| {
                // |Σ f e^{i…}|² over one formula unit; the two O stand at ±(¼, ¼, ¼) from Ce.
                let oxygen = match n % 8 {
                    0 => 2.0,
                    4 => -2.0,
                    _ => 0.0,
                };
                let (ce, o) =
                    ((-0.5 * q * q * self.u_cerium).exp(), oxygen * (-0.5 * q * q * self.u_oxygen).exp());
                let unit =
                    ce * ce * factors.cerium[i] + o * o * factors.oxygen[i] + 2.0 * ce * o * factors.cross[i];
                let area = f64::from(multiplicity) * FORMULA_UNITS.powi(2) * unit * 2.0 * PI * PI
                    / (volume * q * q * ATOMS_IN_CELL);
                Ring { n, q, multiplicity, area }
            })
            .collect())
    }

    /// I(Q) in electron units per atom up to `q_max`.
    ///
    /// # Errors
    /// Q or energy beyond the tables of form factors.
    pub fn intensity(&self, energy_kev: f64, q_max: f64) -> Result<RadialTable, ScatteringError> {
        let grid = RadialTable::grid(q_max);
        let factors = Factors::new(energy_kev, &grid)?;
        let compton = incoherent(&factors.molecule, energy_kev, &grid);
        let mut values: Vec<f64> = grid
            .iter()
            .enumerate()
            .map(|(i, q)| {
                let lost = |u: f64| -(-q * q * u).exp_m1();
                let diffuse =
                    factors.cerium[i] * lost(self.u_cerium) + 2.0 * factors.oxygen[i] * lost(self.u_oxygen);
                diffuse / 3.0 + compton[i]
            })
            .collect();
        let reach = 8.0 * self.ring_width;
        for ring in self.rings(energy_kev, q_max + reach)? {
            let height = ring.area / (self.ring_width * (2.0 * PI).sqrt());
            let first = grid.partition_point(|&q| q < ring.q - reach);
            let last = grid.partition_point(|&q| q <= ring.q + reach);
            for (value, q) in values[first..last].iter_mut().zip(&grid[first..last]) {
                *value += height * (-0.5 * ((q - ring.q) / self.ring_width).powi(2)).exp();
            }
        }
        Ok(RadialTable::from_values(values))
    }

    fn position(&self, n: u32) -> f64 {
        2.0 * PI * f64::from(n).sqrt() / self.a_angstrom
    }

    /// Number of reflections for each h² + k² + l²: face-centred, so that h, k, l are all even or all odd.
    fn multiplicities(&self, q_max: f64) -> BTreeMap<u32, u32> {
        let largest = (q_max * self.a_angstrom / (2.0 * PI)).max(0.0);
        let (limit, edge) = ((largest * largest) as u32, largest as i32);
        let mut counted = BTreeMap::new();
        for h in -edge..=edge {
            for k in (-edge..=edge).filter(|k| (k - h) % 2 == 0) {
                for l in (-edge..=edge).filter(|l| (l - h) % 2 == 0) {
                    let n = (h * h + k * k + l * l) as u32;
                    if n > 0 && n <= limit {
                        *counted.entry(n).or_default() += 1;
                    }
                }
            }
        }
        counted
    }
}

/// |f_Ce|², |f_O|² and Re f_Ce f_O*, from averages over three compositions.
struct Factors {
    cerium: Vec<f64>,
    oxygen: Vec<f64>,
    cross: Vec<f64>,
    molecule: FreeAtoms,
}

impl Factors {
    fn new(energy_kev: f64, q: &[f64]) -> Result<Self, ScatteringError> {
        let atoms = |elements: &[(&str, f64)]| {
            let elements = elements.iter().map(|&(symbol, c)| (symbol.to_owned(), c)).collect();
            FreeAtoms::new(&Composition { elements }, energy_kev, q)
        };
        let cerium = atoms(&[("Ce", 1.0)])?.mean_square_f;
        let oxygen = atoms(&[("O", 1.0)])?.mean_square_f;
        let molecule = atoms(&[("Ce", 1.0 / 3.0), ("O", 2.0 / 3.0)])?;
        // |f_Ce + 2f_O|² = 9|⟨f⟩|².
        let cross = (0..q.len())
            .map(|i| (9.0 * molecule.mean_f_squared[i] - cerium[i] - 4.0 * oxygen[i]) / 4.0)
            .collect();
        Ok(Self { cerium, oxygen, cross, molecule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_of_fluorite() {
        let ceria = CeriumDioxide::default();
        let rings = ceria.rings(112.0, 5.1).unwrap();
        // International Tables A: 111, 200, 220, 311, 222, 400, 331 with 8, 6, 12, 24, 8, 6, 24 planes.
        let expected = [(3, 8), (4, 6), (8, 12), (11, 24), (12, 8), (16, 6), (19, 24)];
        let found: Vec<(u32, u32)> = rings.iter().map(|r| (r.n, r.multiplicity)).collect();
        assert_eq!(&found[..7], &expected);
        // d(111) = a/√3 = 3.12442 Å.
        assert!((2.0 * PI / rings[0].q - 3.124_42).abs() < 1e-5);
        // Powder lines of ceria (PDF 34-0394): 111 is the strongest, 200 about 0.3 of it, 220 about 0.5. That pattern
        // has the Lorentz factor of copper radiation: here the areas of 220 and 311 stand to one another as there, 52 : 42,
        // after 1/(sin²θ cos θ)·(1 + cos²2θ) against 1/Q² is divided out, within the 5 % of a round number and of f.
        let lorentz = |n: u32| {
            let sin = 0.5 * 1.540_6 / ceria.a_angstrom * f64::from(n).sqrt();
            let cos = (1.0 - sin * sin).sqrt();
            (1.0 + (1.0 - 2.0 * sin * sin).powi(2)) / cos
        };
        let copper = rings[2].area * lorentz(8) / (rings[3].area * lorentz(11));
        assert!((copper / (52.0 / 42.0) - 1.0).abs() < 0.05, "{copper}");
    }

    #[test]
    fn rings_add_up_to_free_atoms() {
        // Without thermal motion ∫I_Bragg dQ over [Q1, Q2] is ∫⟨f²⟩ dQ; 4/3 πQ³ lattice points fluctuate by the surface
        // of the sphere, below 1 % for a shell of 10 Å⁻¹ that holds 8,000 of them.
        let still = CeriumDioxide { u_cerium: 0.0, u_oxygen: 0.0, ..CeriumDioxide::default() };
        let (from, to) = (20.0, 30.0);
        let bragg: f64 = still.rings(112.0, to).unwrap().iter().filter(|r| r.q > from).map(|r| r.area).sum();
        let q: Vec<f64> = (0..1000).map(|i| from + 0.01 * (f64::from(i) + 0.5)).collect();
        let free: f64 =
            Factors::new(112.0, &q).unwrap().molecule.mean_square_f.iter().map(|f| f * 0.01).sum();
        assert!((bragg / free - 1.0).abs() < 0.01, "{bragg} {free}");
    }

    #[test]
    fn the_table_holds_the_area_of_a_ring() {
        let ceria = CeriumDioxide::default();
        let table = ceria.intensity(112.0, 6.0).unwrap();
        let ring = ceria.rings(112.0, 3.0).unwrap()[0];
        // 111 stands alone between 1.8 and 2.2; the diffuse part under it is straight within 1e-3 of the ring.
        let sum: f64 = (0..4000).map(|i| table.at(1.8 + 1e-4 * (f64::from(i) + 0.5)) * 1e-4).sum();
        let under = 0.2 * (table.at(1.8) + table.at(2.2));
        assert!(((sum - under) / ring.area - 1.0).abs() < 1e-3, "{sum} {under} {}", ring.area);
    }
}
