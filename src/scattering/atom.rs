//! The complex form factor of one element.

use super::ScatteringError;
use super::free_atoms::{dispersion, electrons, tables};

/// f = f0 + f′ + if″ of one element in electron units, on a grid of n values of Q.
#[derive(Debug, Clone, PartialEq)]
pub struct FormFactor {
    /// f0(Q) + f′, n points.
    pub real: Vec<f64>,
    /// f″, the same at every Q.
    pub imaginary: f64,
}

impl FormFactor {
    /// f0 of Waasmaier & Kirfel (1995) for the neutral atom, f′ and f″ of Chantler (2000); `q` in Å⁻¹.
    ///
    /// # Errors
    /// An element, an energy or a Q outside the tables.
    pub fn new(symbol: &str, energy_kev: f64, q: &[f64]) -> Result<Self, ScatteringError> {
        let tables = tables()?;
        let [real, imaginary] = dispersion(&tables, symbol, energy_kev)?;
        let f0 = electrons(&tables, symbol, q)?;
        Ok(Self { real: f0.into_iter().map(|f0| f0 + real).collect(), imaginary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scattering::{Composition, FreeAtoms};

    #[test]
    fn averages_are_those_of_the_composition() {
        let q = [0.0, 1.0, 5.0, 20.0];
        let of = |symbol| FormFactor::new(symbol, 112.0, &q).unwrap();
        let (cerium, oxygen) = (of("Ce"), of("O"));
        let ceria = FreeAtoms::new(&Composition::parse("CeO2").unwrap(), 112.0, &q).unwrap();
        for i in 0..q.len() {
            let real = (cerium.real[i] + 2.0 * oxygen.real[i]) / 3.0;
            let imaginary = (cerium.imaginary + 2.0 * oxygen.imaginary) / 3.0;
            // Rounding of sums of numbers near 1.
            assert!((real.hypot(imaginary).powi(2) / ceria.mean_f_squared[i] - 1.0).abs() < 1e-14);
        }
        assert!(FormFactor::new("Xx", 112.0, &q).is_err() && FormFactor::new("Ce", 112.0, &[80.0]).is_err());
    }
}
