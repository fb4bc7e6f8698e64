//! G(r) of a crystal as a measurement sees it: through Qmax, a window and the width of the rings.
//!
//! It comes from the rings, not from the pairs: F(Q) = Q·[Σ_rings − own]/|⟨f⟩|² with own = Σ_sites |Σ o f e^{−Q²U/2}|²/n, and
//! [E11] becomes a sum over rings and an integral over a smooth function. The pair sum and this one meet where Qmax
//! is large, which tests both.

use std::f64::consts::PI;

use super::amplitude::{Amplitudes, Weights};
use super::powder::RING_END;
use super::{Crystal, CrystalError};
use crate::pdf::Window;
use crate::simulate::quadrature::{SineSum, nodes, window_weight};

/// Panel width in Å⁻¹ for the smooth part: Qr grows by 10 rad per panel of ten points at r = 100 Å.
const PANEL: f64 = 0.1;
/// Panel width for a ring, in standard deviations.
const RING_PANEL: f64 = 2.0;

impl Crystal {
    /// G(r) = (2/π)∫_0^Qmax F(Q) W(Q) sin(Qr) dQ [E11] for r up to 100 Å; `q_max` in Å⁻¹.
    ///
    /// With [`Weights::OfQ`] this is what a perfect reduction of [`Crystal::intensity`] finds, the width of the rings
    /// included, which damps G as e^{−(σr)²/2}. Rings of width 0 are sharp.
    ///
    /// # Errors
    /// Too many reflections; Q or energy beyond the tables of form factors.
    pub fn pdf_through(&self, q_max: f64, window: Window, weights: Weights) -> Result<SineSum, CrystalError> {
        let rings = self.rings_with(weights, q_max + RING_END * self.ring_width.at(q_max))?;
        // (Q, ∫dQ, I without own), first of the rings, then of the smooth part.
        let mut points = Vec::new();
        for ring in rings {
            let width = self.ring_width.at(ring.q);
            if width == 0.0 {
                points.push((ring.q, ring.area, 1.0));
                continue;
            }
            let (from, to) = (ring.q - RING_END * width, ring.q + RING_END * width);
            if from < q_max {
                points.extend(nodes(from.max(0.0), to.min(q_max), RING_PANEL * width).into_iter().map(
                    |(q, weight)| {
                        let x = (q - ring.q) / width;
                        (q, weight * ring.area, (-0.5 * x * x).exp() / (width * (2.0 * PI).sqrt()))
                    },
                ));
            }
        }
        let smooth_from = points.len();
        points.extend(nodes(0.0, q_max, PANEL).into_iter().map(|(q, weight)| (q, weight, 0.0)));
        let amplitudes = Amplitudes::new(self, weights, points.iter().map(|point| point.0).collect())?;
        let terms = points.iter().enumerate().map(|(i, &(q, weight, shape))| {
            let intensity = if i < smooth_from { shape } else { -amplitudes.own(self, i) };
            let f = q * intensity / amplitudes.mean_f_squared(i);
            (q, 2.0 / PI * weight * f * window_weight(window, PI * q / q_max))
        });
        Ok(SineSum { terms: terms.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::crystal::RingWidth;

    #[test]
    fn rings_and_pairs_are_one_structure() {
        // At these Qmax the slowest term, e^{−Q²U} with the smallest U, is below 1e-7; the two ways share the cell and the
        // positions and nothing else. The sum of 1e4 rings leaves rounding and the end of the series, below 1e-7 Å⁻².
        for (name, q_max) in [("Ni", 65.0), ("CeO2", 75.0), ("LaB6", 70.0), ("Si", 60.0)] {
            let sharp = RingWidth { constant_inv_angstrom: 0.0, relative: 0.0 };
            let crystal = Crystal { ring_width: sharp, ..Crystal::named(name).unwrap() };
            let seen = crystal.pdf_through(q_max, Window::None, Weights::AtomicNumber).unwrap();
            let exact = crystal.pdf(20.0).unwrap();
            let worst = (1..=400)
                .map(|i| 0.05 * f64::from(i))
                .map(|r| (seen.at(r) - exact.at(r)).abs())
                .fold(0.0, f64::max);
            assert!(worst < 1e-6, "{name}: {worst:e}");
        }
    }
}
