//! The absolute mode: αI = ⟨f²⟩ + I_inc·KN + m at high Q, then Faber–Ziman \[E9\].

use std::f64::consts::PI;

use super::f_grid::{Extension, FGrid, RadialRule};
use super::polynomial::{Projection, ShortDistances, dot, hole};
use super::resample::{Resample, Resampled, kept_points};
use super::scatter::Fitted;
use super::{AbsoluteSettings, Fluorescence, LowQ, StructureError};
use crate::scattering::{Composition, FreeAtoms, klein_nishina};
use crate::units::{two_theta_rad, wavelength_angstrom};

/// Q range of the points that the parabola below Qmin is fitted to, Å⁻¹.
const PARABOLA_FIT_WIDTH: f64 = 0.3;
/// The fewest points for the parabola and for the normalisation.
const FEWEST_POINTS: usize = 8;

/// What is known of a pattern before it is measured.
#[derive(Debug, Clone)]
pub(super) struct Absolute {
    /// ⟨f²⟩ + I_inc·KN, m points.
    free: Vec<f64>,
    /// |⟨f⟩|², m points.
    mean_f_squared: Vec<f64>,
    /// First point of the normalisation window.
    window_start: usize,
    /// [`window_weights`] in the window.
    weights: Vec<f64>,
    window_q_min: f64,
    fluorescence: Fluorescence,
}

/// S − 1 and its uncertainty on the measured points.
pub(super) struct Normalized {
    pub(super) excess: Vec<f64>,
    /// With scale and constant known.
    pub(super) sigma: Vec<f64>,
    /// Scale and constant, as far as they are fitted.
    pub(super) fitted: Vec<Fitted>,
    pub(super) scale: f64,
    pub(super) constant: f64,
}

impl Absolute {
    /// # Errors
    /// Settings that do not fit the axis; composition, energy or Q outside the tables.
    pub(super) fn plan(
        settings: &AbsoluteSettings,
        composition: &Composition,
        axis: &[f64],
    ) -> Result<(Absolute, Resample, FGrid), StructureError> {
        let AbsoluteSettings { energy_kev, q_range: [low, high], .. } = *settings;
        check(settings)?;
        let kept = kept_points(axis, low.max(f64::MIN_POSITIVE), high)?;
        let resample = Resample::even(axis, kept);
        let (q, step) = (&resample.q, resample.step);
        let (first, last) = (q[0], q[q.len() - 1]);
        if first > low + 1.5 * step || last < high - 1.5 * step {
            return Err(StructureError::Range { low, high, first: axis[0], last: axis[axis.len() - 1] });
        }
        let wavelength = wavelength_angstrom(energy_kev);
        if last >= 4.0 * PI / wavelength {
            return Err(StructureError::Setting {
                name: "upper end of the Q range",
                found: format!("{high} Å⁻¹"),
                expected: "less than 4π/λ, the Q of back-scattering",
            });
        }
        let atoms = FreeAtoms::new(composition, energy_kev, q)?;
        let compton = q
            .iter()
            .zip(&atoms.compton)
            .map(|(q, compton)| compton * klein_nishina(two_theta_rad(*q, wavelength), energy_kev));
        let free = atoms.mean_square_f.iter().zip(compton).map(|(f, compton)| f + compton).collect();
        let window_start = q.partition_point(|q| *q < settings.normalization_q_min);
        if q.len() - window_start < FEWEST_POINTS {
            return Err(StructureError::TooFewPoints {
                what: "the normalisation window",
                found: q.len() - window_start,
                expected: FEWEST_POINTS,
            });
        }
        let absolute = Absolute {
            free,
            mean_f_squared: atoms.mean_f_squared,
            window_start,
            weights: window_weights(&q[window_start..]),
            window_q_min: settings.normalization_q_min,
            fluorescence: settings.fluorescence,
        };
        let grid = grid(settings, q, step)?;
        Ok((absolute, resample, grid))
    }

    /// I = a(T + m·c), T = ⟨f²⟩ + I_inc·KN and c of \[E4b\], by least squares with [`window_weights`]: I with its noise and oscillations stands on
    /// the left side, so that a is not attenuated. α = 1/a. Then \[E9\].
    ///
    /// # Errors
    /// A scale that is not positive.
    pub(super) fn normalize(&self, measured: &Resampled) -> Result<Normalized, StructureError> {
        let window = self.window_start..;
        let (theory, intensity) = (&self.free[window.clone()], &measured.intensity[window.clone()]);
        let constant = &measured.unpolarized;
        let [a_weights, offset_weights] = match self.fluorescence {
            Fluorescence::None => [proportional(theory, &self.weights), vec![0.0; theory.len()]],
            Fluorescence::Fit => two_terms(theory, &constant[window], &self.weights),
        };
        let (a, offset) = (dot(&a_weights, intensity), dot(&offset_weights, intensity));
        if !(a > 0.0 && a.is_finite() && offset.is_finite()) {
            return Err(StructureError::Normalization { q_min: self.window_q_min, found: a });
        }
        let (scale, height) = (1.0 / a, offset / a);
        // S − 1 for one unit of I.
        let by_intensity: Vec<f64> = self.mean_f_squared.iter().map(|f| scale / f).collect();
        // ∂(S − 1)/∂a and ∂(S − 1)/∂b.
        let by_a = (0..self.free.len())
            .map(|i| -by_intensity[i] * (scale * measured.intensity[i] - height * constant[i]))
            .collect();
        let by_offset = by_intensity.iter().zip(constant).map(|(by, c)| -by * c).collect();
        let fitted = [(by_a, a_weights), (by_offset, offset_weights)]
            .into_iter()
            .take(match self.fluorescence {
                Fluorescence::None => 1,
                Fluorescence::Fit => 2,
            })
            .map(|(response, weights)| {
                let mut gradient = vec![0.0; self.window_start];
                gradient.extend(weights.iter().zip(&by_intensity[self.window_start..]).map(|(w, by)| w / by));
                Fitted { response, gradient }
            })
            .collect();
        let excess = (0..self.free.len())
            .map(|i| {
                (scale * measured.intensity[i] - height * constant[i] - self.free[i]) / self.mean_f_squared[i]
            })
            .collect();
        let sigma = measured.sigma.iter().zip(&by_intensity).map(|(s, by)| s * by).collect();
        Ok(Normalized { excess, sigma, fitted, scale, constant: height })
    }
}

/// Q⁴ sin²(π(Q − Q_n)/(Q_max − Q_n)): the oscillations of S about 1 average out where the window ends softly, and leave a part of
/// themselves in the scale where it ends abruptly.
fn window_weights(q: &[f64]) -> Vec<f64> {
    let (first, last) = (q[0], q[q.len() - 1]);
    q.iter().map(|q| q.powi(4) * (PI * (q - first) / (last - first)).sin().powi(2)).collect()
}

/// What each y contributes to a of y = a·x by weighted least squares.
fn proportional(x: &[f64], weights: &[f64]) -> Vec<f64> {
    let square: f64 = x.iter().zip(weights).map(|(x, w)| w * x * x).sum();
    x.iter().zip(weights).map(|(x, w)| w * x / square).collect()
}

/// What each y contributes to a and b of y = a·x + b·c by weighted least squares.
fn two_terms(x: &[f64], c: &[f64], weights: &[f64]) -> [Vec<f64>; 2] {
    // x without its part along c.
    let along: f64 = dot(&proportional(c, weights), x);
    let rest: Vec<f64> = x.iter().zip(c).map(|(x, c)| x - along * c).collect();
    let to_a = proportional(&rest, weights);
    let to_b = proportional(c, weights).iter().zip(&to_a).map(|(b, a)| b - along * a).collect();
    [to_a, to_b]
}

fn check(settings: &AbsoluteSettings) -> Result<(), StructureError> {
    let wrong = |name, found: f64, expected| {
        Err(StructureError::Setting { name, found: found.to_string(), expected })
    };
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let AbsoluteSettings { energy_kev, q_range: [low, high], .. } = *settings;
    if !positive(energy_kev) {
        return wrong("the energy in keV", energy_kev, "a positive number");
    }
    if !(low >= 0.0 && low.is_finite()) {
        return wrong("lower end of the Q range", low, "0 or more");
    }
    if !(positive(high) && high > low) {
        return wrong("upper end of the Q range", high, "more than its lower end");
    }
    if !(settings.normalization_q_min >= low && settings.normalization_q_min < high) {
        return wrong("normalization_q_min", settings.normalization_q_min, "a Q inside the Q range");
    }
    if let Some(density) = settings.density_per_cubic_angstrom.filter(|density| !positive(*density)) {
        return wrong("the number density", density, "a positive number of atoms per Å³");
    }
    if let Some(polynomial) = settings.polynomial {
        if !positive(polynomial.r_poly_angstrom) {
            return wrong("r_poly", polynomial.r_poly_angstrom, "a positive length in Å");
        }
        // Below r_hole there have to be more functions of Q than the polynomial has degrees.
        if !(polynomial.r_hole_angstrom >= polynomial.r_poly_angstrom
            && polynomial.r_hole_angstrom.is_finite())
        {
            return wrong("r_hole", polynomial.r_hole_angstrom, "r_poly or more");
        }
    }
    Ok(())
}

/// The measured points are the middles of cells that tile [Q_first − ΔQ/2, Q_last + ΔQ/2]; the extension tiles the rest
/// down to Q = 0. The sum over cells is the midpoint rule.
fn grid(settings: &AbsoluteSettings, measured: &[f64], step: f64) -> Result<FGrid, StructureError> {
    let q_max = measured[measured.len() - 1] + 0.5 * step;
    let lower_edge = (measured[0] - 0.5 * step).max(0.0);
    let cells = match settings.low_q {
        LowQ::Zero => 0,
        LowQ::Parabola => (lower_edge / step).ceil() as usize,
    };
    let mut below = Vec::new();
    let mut width = Vec::new();
    let mut extension = None;
    if cells > 0 {
        let cell = lower_edge / cells as f64;
        below = (0..cells).map(|i| cell * (i as f64 + 0.5)).collect();
        width = vec![cell; cells];
        let in_width = measured.partition_point(|q| *q <= measured[0] + PARABOLA_FIT_WIDTH);
        extension = Some(Extension::new(below.clone(), &measured[..in_width.max(FEWEST_POINTS)]));
    }
    width.resize(cells + measured.len(), step);
    let q: Vec<f64> = below.into_iter().chain(measured.iter().copied()).collect();
    let polynomial = match settings.polynomial {
        None => None,
        Some(polynomial) => {
            let density = settings.density_per_cubic_angstrom.unwrap_or(0.0);
            let target: Vec<f64> = q.iter().map(|q| hole(*q, density, polynomial.r_hole_angstrom)).collect();
            let filter = ShortDistances { width: &width, radius: polynomial.r_hole_angstrom };
            Some(Projection::new(&q, polynomial.r_poly_angstrom * q_max / PI, &target, Some(&filter))?)
        }
    };
    Ok(FGrid { q, width, q_max, rule: RadialRule::Exact, polynomial, extension })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_returns_what_was_put_in() {
        let x: Vec<f64> = (0..50).map(|i| 300.0 / (1.0 + f64::from(i))).collect();
        let c: Vec<f64> = (0..50).map(|i| 1.0 + 0.003 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().zip(&c).map(|(x, c)| 0.25 * x + 4.0 * c).collect();
        let weights: Vec<f64> = (0..50).map(|i| 1.0 + f64::from(i)).collect();
        let [to_a, to_b] = two_terms(&x, &c, &weights);
        assert!((dot(&to_a, &y) - 0.25).abs() < 1e-13 && (dot(&to_b, &y) - 4.0).abs() < 1e-12);
        let doubled: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
        assert!((dot(&proportional(&x, &weights), &doubled) - 2.0).abs() < 1e-14);
    }
}
