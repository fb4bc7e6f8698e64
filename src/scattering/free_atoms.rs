//! ⟨f⟩², ⟨f²⟩ and Compton scattering of a composition on a Q grid.

use std::f64::consts::PI;

use xraydb::XrayDb;

use super::element::atomic_number;
use super::incoherent::incoherent_scattering;
use super::{Composition, ScatteringError};
use crate::units::ELECTRON_REST_KEV;

/// sin θ/λ up to which f0 is fitted (Waasmaier & Kirfel 1995), Å⁻¹.
const LARGEST_S: f64 = 6.0;
/// The Q of that, Å⁻¹.
pub(crate) const LARGEST_Q: f64 = 4.0 * PI * LARGEST_S;

/// What one average atom scatters without neighbours, in electron units, on a grid of n values of Q.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeAtoms {
    /// |⟨f⟩|² = |Σ c_j f_j|², n points.
    pub mean_f_squared: Vec<f64>,
    /// ⟨|f|²⟩ = Σ c_j |f_j|², n points.
    pub mean_square_f: Vec<f64>,
    /// Σ c_j S_j(x, Z_j), without Klein–Nishina, n points.
    pub compton: Vec<f64>,
}

impl FreeAtoms {
    /// f = f0 + f′ + if″: f0 of Waasmaier & Kirfel (1995) for neutral atoms, f′ and f″ of Chantler (2000).
    ///
    /// # Errors
    /// An element, an energy or a Q (Å⁻¹) outside the tables.
    pub fn new(composition: &Composition, energy_kev: f64, q: &[f64]) -> Result<FreeAtoms, ScatteringError> {
        let tables = tables()?;
        let dispersion = composition
            .elements
            .iter()
            .map(|(symbol, _)| dispersion(&tables, symbol, energy_kev))
            .collect::<Result<Vec<_>, _>>()?;
        sum(&tables, composition, &dispersion, q)
    }

    /// f = f0 only: what PDFgetX3 divides by.
    ///
    /// # Errors
    /// An element or a Q (Å⁻¹) outside the tables.
    pub fn without_dispersion(composition: &Composition, q: &[f64]) -> Result<FreeAtoms, ScatteringError> {
        sum(&tables()?, composition, &vec![[0.0; 2]; composition.elements.len()], q)
    }
}

/// Compton-scattered photons relative to Thomson scattering of a free electron \[E8\]:
/// KN = (p³ + p − p² sin²2θ)/(1 + cos²2θ), p = 1/[1 + (E/mc²)(1 − cos 2θ)].
pub fn klein_nishina(two_theta_rad: f64, energy_kev: f64) -> f64 {
    let cos = two_theta_rad.cos();
    let p = 1.0 / (1.0 + energy_kev / ELECTRON_REST_KEV * (1.0 - cos));
    (p * p * p + p - p * p * (1.0 - cos * cos)) / (1.0 + cos * cos)
}

pub(super) fn tables() -> Result<XrayDb, ScatteringError> {
    XrayDb::try_new().map_err(|e| ScatteringError::Tables(e.to_string()))
}

/// (f′, f″) at the beam's energy.
pub(super) fn dispersion(
    tables: &XrayDb,
    symbol: &str,
    energy_kev: f64,
) -> Result<[f64; 2], ScatteringError> {
    let missing = |_| ScatteringError::NotTabulated { element: symbol.to_string(), table: "f′ and f″" };
    let (low, high) = tables.chantler_energy_range(symbol).map_err(missing)?;
    let energy_ev = 1000.0 * energy_kev;
    if !(energy_ev >= low && energy_ev <= high) {
        let (low_kev, high_kev) = (low / 1000.0, high / 1000.0);
        return Err(ScatteringError::Energy { element: symbol.to_string(), energy_kev, low_kev, high_kev });
    }
    let real = tables.f1_chantler_at(symbol, energy_ev).map_err(missing)?;
    let imaginary = tables.f2_chantler_at(symbol, energy_ev).map_err(missing)?;
    Ok([real, imaginary])
}

/// f0 of one element at each Q in Å⁻¹.
pub(super) fn electrons(tables: &XrayDb, symbol: &str, q: &[f64]) -> Result<Vec<f64>, ScatteringError> {
    let missing = |_| ScatteringError::NotTabulated { element: symbol.to_string(), table: "form factors" };
    tables.f0(symbol, &sin_theta_over_lambda(q)?).map_err(missing)
}

/// s = Q/4π where f0 is fitted.
fn sin_theta_over_lambda(q: &[f64]) -> Result<Vec<f64>, ScatteringError> {
    let limit = LARGEST_Q;
    match q.iter().find(|q| !(**q >= 0.0 && **q <= limit)) {
        Some(&q) => Err(ScatteringError::MomentumTransfer { q, limit }),
        None => Ok(q.iter().map(|q| q / (4.0 * PI)).collect()),
    }
}

fn sum(
    tables: &XrayDb,
    composition: &Composition,
    dispersion: &[[f64; 2]],
    q: &[f64],
) -> Result<FreeAtoms, ScatteringError> {
    let s = sin_theta_over_lambda(q)?;
    let (mut real, mut imaginary) = (vec![0.0; q.len()], 0.0);
    let (mut mean_square_f, mut compton) = (vec![0.0; q.len()], vec![0.0; q.len()]);
    for ((symbol, fraction), [f1, f2]) in composition.elements.iter().zip(dispersion) {
        let missing = |table| ScatteringError::NotTabulated { element: symbol.clone(), table };
        let z = atomic_number(symbol).ok_or_else(|| missing("incoherent scattering"))?;
        let f0 = electrons(tables, symbol, q)?;
        imaginary += fraction * f2;
        for (i, f0) in f0.iter().enumerate() {
            let f = f0 + f1;
            real[i] += fraction * f;
            mean_square_f[i] += fraction * (f * f + f2 * f2);
            compton[i] += fraction * incoherent_scattering(z, s[i])?;
        }
    }
    let mean_f_squared = real.iter().map(|real| real * real + imaginary * imaginary).collect();
    Ok(FreeAtoms { mean_f_squared, mean_square_f, compton })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{two_theta_rad, wavelength_angstrom};

    fn material(text: &str) -> Composition {
        Composition::parse(text).unwrap()
    }

    #[test]
    fn klein_nishina_at_112_kev() {
        // [E8] worked out by hand for the mission's energy, three digits.
        let wavelength = wavelength_angstrom(112.0);
        for (q, ratio) in [(10.0, 0.993), (20.0, 0.973), (25.0, 0.959)] {
            let found = klein_nishina(two_theta_rad(q, wavelength), 112.0);
            assert!((found - ratio).abs() < 5e-4, "Q = {q}: {found}");
        }
        assert_eq!(klein_nishina(0.0, 112.0), 1.0);
    }

    #[test]
    fn forward_scattering_counts_the_electrons() {
        // Σ a_i + c of the fits is Z within 0.05 electrons.
        let at_zero = |text: &str| FreeAtoms::without_dispersion(&material(text), &[0.0]).unwrap();
        for (symbol, z) in super::super::element::SYMBOLS.iter().zip(1..) {
            let found = at_zero(symbol).mean_f_squared[0].sqrt();
            assert!((found - f64::from(z)).abs() < 0.05, "{symbol}: {found}");
        }
    }

    #[test]
    fn cerium_agrees_with_an_independent_fit() {
        // International Tables C (2004), table 6.1.1.4: four Gaussians for Ce, valid to s = 2 Å⁻¹, b1 = 2.81219. Both fits
        // are good to 0.1 electrons; a copy with 2.31 for 2.81 is off by up to 2.
        let (a, b, c) =
            ([21.1671, 19.7695, 11.8513, 3.33049], [2.81219, 0.226836, 17.6083, 127.113], 1.86264);
        let q: Vec<f64> = (0..=20).map(|i| 0.4 * PI * f64::from(i)).collect();
        let found = FreeAtoms::without_dispersion(&material("Ce"), &q).unwrap();
        for (q, f_squared) in q.iter().zip(&found.mean_f_squared) {
            let s = q / (4.0 * PI);
            let other: f64 = c + a.iter().zip(b).map(|(a, b)| a * (-b * s * s).exp()).sum::<f64>();
            assert!((f_squared.sqrt() - other).abs() < 0.1, "s = {s}: {} and {other}", f_squared.sqrt());
        }
    }

    #[test]
    fn one_element_has_no_laue_diffuse_scattering() {
        let q: Vec<f64> = (0..500).map(|i| 0.05 * f64::from(i)).collect();
        let pure = FreeAtoms::new(&material("Zr"), 112.0, &q).unwrap();
        let mixed = FreeAtoms::new(&material("Zr62 Cu15.5 Ni12.5 Al10"), 112.0, &q).unwrap();
        for i in 0..q.len() {
            assert!((pure.mean_square_f[i] / pure.mean_f_squared[i] - 1.0).abs() < 1e-12);
            assert!(mixed.mean_square_f[i] > mixed.mean_f_squared[i]);
        }
    }

    #[test]
    fn outside_the_tables_is_an_error() {
        let zr = material("Zr");
        assert!(FreeAtoms::new(&zr, 112.0, &[76.0]).is_err());
        assert!(FreeAtoms::new(&zr, 112.0, &[-1.0]).is_err());
        assert!(FreeAtoms::new(&zr, f64::NAN, &[1.0]).is_err());
        assert!(
            FreeAtoms::new(&zr, 5000.0, &[1.0]).unwrap_err().to_string().contains("the beam has 5000 keV")
        );
        assert!(FreeAtoms::new(&material("Cf"), 112.0, &[1.0]).is_err());
    }
}
