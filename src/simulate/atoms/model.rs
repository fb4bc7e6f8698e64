//! From g_ij(r) to S(Q) in the weights of X-rays.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::{AtomBox, AtomsError, AtomsProblem, PairDistributions, PairRange};
use crate::scattering::{FormFactor, ScatteringError};

/// Width in Å of a bin for which sin(Q dr/2)/(Q dr/2) is above ½ at every Q with a form factor (75 Å⁻¹).
const WIDEST_BIN: f64 = 0.05;

/// Weight of g(r) − 1 under the transform, which ends at r_max.
///
/// `None` is the default: heights and widths of the peaks of S(Q) come out unbiased, with ripples of about
/// 4πρ0 r_max|g(r_max) − 1|/Q² of the period 2π/r_max where g has not come to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RWindow {
    /// 1 up to r_max.
    #[default]
    None,
    /// sin x/x with x = πr/r_max (Lorch 1969): no ripples, and S(Q) smeared over about 5.4/r_max (full width at half
    /// height).
    Lorch,
}

impl RWindow {
    fn weight(self, r: f64, r_max: f64) -> f64 {
        match self {
            RWindow::None => 1.0,
            RWindow::Lorch => sinc(PI * r / r_max),
        }
    }
}

/// A model of atoms and how its S(Q) is made.
#[derive(Debug, Clone, PartialEq)]
pub struct AtomModel {
    pairs: PairDistributions,
    window: RWindow,
}

/// Partial structure factors on one grid of Q.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialStructure {
    /// Indices i ≤ j of the elements.
    pub elements: [usize; 2],
    /// S_ij, one for each Q.
    pub s: Vec<f64>,
}

impl AtomModel {
    /// Counts the pairs of one frame, or of several for their average.
    ///
    /// # Errors
    /// Bins wider than 0.05 Å, and those of [`PairDistributions::new`].
    pub fn new(frames: &[AtomBox], range: PairRange, window: RWindow) -> Result<Self, AtomsError> {
        if range.dr_angstrom > WIDEST_BIN {
            return Err(AtomsProblem::Coarse { dr: range.dr_angstrom, most: WIDEST_BIN }.into());
        }
        Ok(Self { pairs: PairDistributions::new(frames, range)?, window })
    }

    /// Its pair distributions.
    pub fn pairs(&self) -> &PairDistributions {
        &self.pairs
    }

    /// 2π/r_max: below this Q in Å⁻¹ the counted distances do not hold one whole wave, and S is of no meaning.
    pub fn lowest_q(&self) -> f64 {
        2.0 * PI / self.pairs.r_max()
    }

    /// Faber–Ziman S_ij(Q) = 1 + 4πρ0 ∫(g_ij − 1) W sin(Qr)/(Qr) r² dr for i ≤ j (Faber & Ziman 1965).
    ///
    /// Pairs stand at the middles of their bins, which takes sin(Q dr/2)/(Q dr/2) from the transform on average; it is put
    /// back; at Q dr = 0.25 (25 Å⁻¹ and 0.01 Å) the factor is 0.997.
    pub fn partials(&self, q: &[f64]) -> Vec<PartialStructure> {
        let (pairs, r) = (&self.pairs, self.pairs.r());
        let weights: Vec<f64> = pairs
            .shells()
            .iter()
            .zip(&r)
            .map(|(shell, r)| pairs.density() * shell * self.window.weight(*r, pairs.r_max()))
            .collect();
        let excess: Vec<Vec<f64>> = pairs
            .partials()
            .iter()
            .map(|partial| partial.g.iter().zip(&weights).map(|(g, weight)| weight * (g - 1.0)).collect())
            .collect();
        let per_q: Vec<Vec<f64>> = q
            .par_iter()
            .map_init(
                || vec![0.0; r.len()],
                |wave, &q| {
                    wave.iter_mut().zip(&r).for_each(|(wave, r)| *wave = sinc(q * r));
                    let bin = sinc(0.5 * q * pairs.dr());
                    excess
                        .iter()
                        .map(|excess| 1.0 + excess.iter().zip(&*wave).map(|(e, w)| e * w).sum::<f64>() / bin)
                        .collect()
                },
            )
            .collect();
        pairs
            .partials()
            .iter()
            .enumerate()
            .map(|(index, partial)| PartialStructure {
                elements: partial.elements,
                s: per_q.iter().map(|values| values[index]).collect(),
            })
            .collect()
    }

    /// S(Q) = 1 + Σ c_i c_j Re(f_i f_j*)(S_ij − 1)/|⟨f⟩|², the sum over all i and j.
    ///
    /// # Errors
    /// A Q (Å⁻¹) or an energy beyond the tables of form factors.
    pub fn s_of_q(&self, energy_kev: f64, q: &[f64]) -> Result<Vec<f64>, ScatteringError> {
        let composition = self.pairs.composition();
        let elements = composition.elements.iter();
        let factors: Vec<FormFactor> =
            elements.map(|(symbol, _)| FormFactor::new(symbol, energy_kev, q)).collect::<Result<_, _>>()?;
        let partials = self.partials(q);
        let fraction = |i: usize| composition.elements[i].1;
        Ok((0..q.len())
            .map(|k| {
                let (mut sum, mut mean_f_squared) = (0.0, 0.0);
                for partial in &partials {
                    let [i, j] = partial.elements;
                    let product =
                        factors[i].real[k] * factors[j].real[k] + factors[i].imaginary * factors[j].imaginary;
                    let times = if i == j { 1.0 } else { 2.0 };
                    let weight = times * fraction(i) * fraction(j) * product;
                    mean_f_squared += weight;
                    sum += weight * (partial.s[k] - 1.0);
                }
                1.0 + sum / mean_f_squared
            })
            .collect())
    }
}

/// sin x/x.
fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-4 { 1.0 - x * x / 6.0 } else { x.sin() / x }
}
