//! How much each pair of elements counts in Faber–Ziman's S(Q).

use super::{Composition, FormFactor, ScatteringError};

/// w_ij(Q) = (2 − δ_ij)·c_i·c_j·Re(f_i f_j*)/|⟨f⟩|² of each pair of elements in the order of the composition, named `Zr-Cu`, on
/// the n points `q` in Å⁻¹. S = Σ w_ij S_ij with Faber–Ziman's partial S_ij, and Σ w_ij = 1 at each Q.
///
/// # Errors
/// An element, an energy or a Q outside the tables.
pub fn partial_weights(
    composition: &Composition,
    energy_kev: f64,
    q: &[f64],
) -> Result<Vec<(String, Vec<f64>)>, ScatteringError> {
    let atoms = composition.elements.iter().map(|(symbol, fraction)| {
        FormFactor::new(symbol, energy_kev, q).map(|form| (symbol.as_str(), *fraction, form))
    });
    let atoms = atoms.collect::<Result<Vec<_>, _>>()?;
    let mut weights = Vec::new();
    for (i, (first, c_i, f_i)) in atoms.iter().enumerate() {
        for (second, c_j, f_j) in &atoms[i..] {
            let times = if first == second { 1.0 } else { 2.0 };
            let product = |k: usize| f_i.real[k] * f_j.real[k] + f_i.imaginary * f_j.imaginary;
            let pair: Vec<f64> = (0..q.len()).map(|k| times * c_i * c_j * product(k)).collect();
            weights.push((format!("{first}-{second}"), pair));
        }
    }
    for k in 0..q.len() {
        let sum: f64 = weights.iter().map(|(_, pair)| pair[k]).sum();
        weights.iter_mut().for_each(|(_, pair)| pair[k] /= sum);
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scattering::FreeAtoms;

    #[test]
    fn the_pairs_share_what_faber_and_ziman_divide_by() {
        let glass = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
        let q = [0.0, 2.7, 11.0, 25.0];
        let weights = partial_weights(&glass, 112.0, &q).unwrap();
        assert_eq!(weights.len(), 10);
        assert_eq!((weights[0].0.as_str(), weights[1].0.as_str()), ("Zr-Zr", "Zr-Cu"));
        // Of one element alone, by the averages of another function.
        let mean = FreeAtoms::new(&glass, 112.0, &q).unwrap().mean_f_squared;
        let zr = FreeAtoms::new(&Composition::parse("Zr").unwrap(), 112.0, &q).unwrap().mean_f_squared;
        for k in 0..q.len() {
            assert!((weights.iter().map(|(_, pair)| pair[k]).sum::<f64>() - 1.0).abs() < 1e-14);
            assert!((weights[0].1[k] - 0.62 * 0.62 * zr[k] / mean[k]).abs() < 1e-12);
        }
    }
}
