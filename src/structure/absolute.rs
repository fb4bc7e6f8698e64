//! The absolute mode: αI = ⟨f²⟩ + I_inc·KN + m at high Q, then Faber–Ziman \[E9\].

use std::f64::consts::PI;

use super::f_grid::{Extension, FGrid, RadialRule};
use super::low_r_fit::{LowRFit, LowRFree};
use super::multiple::{Treatment, TwiceScattered};
use super::normalization::Theory;
use super::polynomial::{Projection, ShortDistances, dot, hole};
use super::resample::{Resample, Resampled, kept_points};
use super::scatter::Fitted;
use super::{AbsoluteSettings, Fluorescence, Form, Iteration, LowQ, Normalization, StructureError};
use crate::scattering::{Composition, FreeAtoms, klein_nishina};
use crate::units::{two_theta_rad, wavelength_angstrom};

/// Q range of the points that the continuation to Q = 0 is fitted to, Å⁻¹.
const LOW_Q_FIT_WIDTH: f64 = 0.3;
/// The fewest points for the continuation and for the normalisation.
const FEWEST_POINTS: usize = 8;

/// What is known of a pattern before it is measured.
#[derive(Debug, Clone)]
pub(super) struct Absolute {
    theory: Theory,
    /// What α·I − m·c is where S = 1, m points.
    level: Vec<f64>,
    /// What S − 1 is in units of, m points.
    divisor: Vec<f64>,
    normalization: Normalization,
    fluorescence: Fluorescence,
    twice: Option<TwiceScattered>,
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
    /// α·I in the unit of S where S = 1.
    pub(super) level: Vec<f64>,
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
        let mut free: Vec<f64> =
            atoms.mean_square_f.iter().zip(compton).map(|(f, compton)| f + compton).collect();
        let mut twice = None;
        if let Some(multiple) = settings.multiple_scattering {
            let added = multiple.intensity(composition, energy_kev, q)?;
            twice = Some(TwiceScattered::of(&added, &free, multiple.treatment));
            match multiple.treatment {
                Treatment::Estimate => {}
                Treatment::Subtract => free.iter_mut().zip(&added).for_each(|(free, added)| *free += added),
            }
        }
        let theory = Theory {
            q: q.clone(),
            step,
            free,
            mean_f_squared: atoms.mean_f_squared,
            density: settings.density_per_cubic_angstrom.unwrap_or(0.0),
        };
        enough_points(&theory, settings.normalization)?;
        let divisor: Vec<f64> = match settings.form {
            Form::FaberZiman => theory.mean_f_squared.clone(),
            Form::AshcroftLangreth => atoms.mean_square_f.clone(),
            Form::Gsas2 => {
                let ratios =
                    atoms.mean_square_f.iter().zip(&theory.mean_f_squared).map(|(square, f)| square / f);
                let mean = ratios.sum::<f64>() / q.len() as f64;
                theory.mean_f_squared.iter().map(|f| mean * f).collect()
            }
        };
        let level = match settings.form {
            Form::FaberZiman | Form::AshcroftLangreth => theory.free.clone(),
            Form::Gsas2 => {
                let compton = theory.free.iter().zip(&atoms.mean_square_f).map(|(free, f)| free - f);
                compton.zip(&divisor).map(|(compton, divisor)| compton + divisor).collect()
            }
        };
        let grid = grid(settings, &theory, &divisor)?;
        let (normalization, fluorescence) = (settings.normalization, settings.fluorescence);
        Ok((Absolute { theory, level, divisor, normalization, fluorescence, twice }, resample, grid))
    }

    pub(super) fn twice(&self) -> Option<TwiceScattered> {
        self.twice
    }

    /// # Errors
    /// Too few points in the window.
    pub(super) fn set_normalization(&mut self, normalization: Normalization) -> Result<(), StructureError> {
        enough_points(&self.theory, normalization)?;
        self.normalization = normalization;
        Ok(())
    }

    pub(super) fn fit_low_r(
        &self,
        measured: &Resampled,
        background: &[f64],
        free: LowRFree,
        r_max: f64,
    ) -> Result<LowRFit, StructureError> {
        let of_pattern =
            [measured.intensity.as_slice(), measured.sigma.as_slice(), measured.unpolarized.as_slice()];
        self.theory.fit_low_r(free, r_max, self.fluorescence, of_pattern, background)
    }

    /// I = a(T + m·c), T = ⟨f²⟩ + I_inc·KN and c of \[E4b\], α = 1/a. Then \[E9\].
    ///
    /// # Errors
    /// A scale that is not positive.
    pub(super) fn normalize(&self, measured: &Resampled) -> Result<Normalized, StructureError> {
        let (intensity, constant) = (&measured.intensity, &measured.unpolarized);
        let [a_weights, offset_weights] =
            self.theory.weights(self.normalization, self.fluorescence, constant);
        let (a, offset) = (dot(&a_weights, intensity), dot(&offset_weights, intensity));
        if !(a > 0.0 && a.is_finite() && offset.is_finite()) {
            let q_min = match self.normalization {
                Normalization::HighQ { q_min } => q_min,
                Normalization::KroghMoe | Normalization::LowR { .. } => self.theory.q[0],
            };
            return Err(StructureError::Normalization { q_min, found: a });
        }
        let (scale, height) = (1.0 / a, offset / a);
        // S − 1 for one unit of I.
        let by_intensity: Vec<f64> = self.divisor.iter().map(|divisor| scale / divisor).collect();
        // ∂(S − 1)/∂a and ∂(S − 1)/∂b.
        let by_a = (0..intensity.len())
            .map(|i| -by_intensity[i] * (scale * intensity[i] - height * constant[i]))
            .collect();
        let by_offset = by_intensity.iter().zip(constant).map(|(by, c)| -by * c).collect();
        let fitted = [(by_a, a_weights), (by_offset, offset_weights)]
            .into_iter()
            .take(match self.fluorescence {
                Fluorescence::None => 1,
                Fluorescence::Fit => 2,
            })
            .map(|(response, weights)| {
                let gradient = weights.iter().zip(&by_intensity).map(|(w, by)| w / by).collect();
                Fitted { response, gradient }
            })
            .collect();
        let excess = (0..intensity.len())
            .map(|i| (scale * intensity[i] - height * constant[i] - self.level[i]) / self.divisor[i])
            .collect();
        let sigma = measured.sigma.iter().zip(&by_intensity).map(|(s, by)| s * by).collect();
        let level = self.level.iter().zip(&self.divisor).map(|(level, divisor)| level / divisor).collect();
        Ok(Normalized { excess, sigma, fitted, scale, constant: height, level })
    }
}

/// Qmax·r up to which the quadratures at low r are exact.
const MOST_PHASE: f64 = super::low_r::NODES as f64;

fn enough_points(theory: &Theory, normalization: Normalization) -> Result<(), StructureError> {
    if let Normalization::HighQ { q_min } = normalization {
        let found = theory.q.len() - theory.window_start(q_min);
        if found < FEWEST_POINTS {
            let what = "the normalisation window";
            return Err(StructureError::TooFewPoints { what, found, expected: FEWEST_POINTS });
        }
    }
    Ok(())
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
    let unknown = settings.density_per_cubic_angstrom.is_none();
    match settings.normalization {
        Normalization::HighQ { q_min } if !(q_min >= low && q_min < high) => {
            return wrong("normalization_q_min", q_min, "a Q inside the Q range");
        }
        Normalization::LowR { r_max_angstrom } if !positive(r_max_angstrom) => {
            return wrong("the end of the low-r condition", r_max_angstrom, "a positive length in Å");
        }
        Normalization::KroghMoe | Normalization::LowR { .. } if unknown => {
            return wrong("the number density", f64::NAN, "the sample's: this normalisation needs it");
        }
        Normalization::HighQ { .. } | Normalization::KroghMoe | Normalization::LowR { .. } => {}
    }
    if let Some(density) = settings.density_per_cubic_angstrom.filter(|density| !positive(*density)) {
        return wrong("the number density", density, "a positive number of atoms per Å³");
    }
    if let Some(iteration) = settings.iteration {
        if unknown {
            return wrong("the number density", f64::NAN, "the sample's: the low-r iteration needs it");
        }
        if !positive(iteration.r_max_angstrom) {
            return wrong(
                "the end of the low-r iteration",
                iteration.r_max_angstrom,
                "a positive length in Å",
            );
        }
    }
    // Where the quadratures at low r are exact (`low_r`, `normalization`).
    let low_r = match settings.normalization {
        Normalization::LowR { r_max_angstrom } => r_max_angstrom,
        Normalization::HighQ { .. } | Normalization::KroghMoe => 0.0,
    };
    let low_r = settings.iteration.map_or(low_r, |iteration| low_r.max(iteration.r_max_angstrom));
    if high * low_r > MOST_PHASE {
        return wrong(
            "the end of low r in Å",
            low_r,
            "96/Qmax or less: beyond it the sums over r are not exact",
        );
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
///
/// What follows S is made for Faber–Ziman's; for others the hole's transform is taken in their unit.
fn grid(settings: &AbsoluteSettings, theory: &Theory, divisor: &[f64]) -> Result<FGrid, StructureError> {
    let (measured, step) = (theory.q.as_slice(), theory.step);
    let q_max = measured[measured.len() - 1] + 0.5 * step;
    let lower_edge = (measured[0] - 0.5 * step).max(0.0);
    let cells = match settings.low_q {
        LowQ::Zero => 0,
        LowQ::Quartic | LowQ::Parabola | LowQ::Constant => (lower_edge / step).ceil() as usize,
    };
    let mut below = Vec::new();
    let mut width = Vec::new();
    let mut extension = None;
    if cells > 0 {
        let cell = lower_edge / cells as f64;
        below = (0..cells).map(|i| cell * (i as f64 + 0.5)).collect();
        width = vec![cell; cells];
        let in_width = measured.partition_point(|q| *q <= measured[0] + LOW_Q_FIT_WIDTH);
        let first = &measured[..in_width.max(FEWEST_POINTS)];
        let powers = match settings.low_q {
            LowQ::Zero | LowQ::Constant => 1,
            LowQ::Parabola => 2,
            LowQ::Quartic => 3,
        };
        extension = Some(Extension::even_powers(below.clone(), first, powers));
    }
    width.resize(cells + measured.len(), step);
    let q: Vec<f64> = below.into_iter().chain(measured.iter().copied()).collect();
    let density = theory.density;
    // Below Qmin as at Qmin.
    let unit = theory.mean_f_squared.iter().zip(divisor).map(|(f, divisor)| f / divisor);
    let unit: Vec<f64> =
        std::iter::repeat_n(theory.mean_f_squared[0] / divisor[0], cells).chain(unit).collect();
    let polynomial = match settings.polynomial {
        None => None,
        Some(polynomial) => {
            let radius = polynomial.r_hole_angstrom;
            let target: Vec<f64> =
                q.iter().zip(&unit).map(|(q, unit)| unit * hole(*q, density, radius)).collect();
            let filter = ShortDistances { width: &width, radius };
            Some(Projection::new(&q, polynomial.r_poly_angstrom * q_max / PI, &target, Some(&filter))?)
        }
    };
    let polynomial = match settings.iteration {
        None => polynomial,
        Some(Iteration { r_max_angstrom, count }) => {
            let in_unit = unit.iter().sum::<f64>() / unit.len() as f64;
            let steps = Projection::low_r(&q, &width, density * in_unit, r_max_angstrom, count);
            Some(polynomial.unwrap_or_default().then(steps))
        }
    };
    Ok(FGrid { q, width, q_max, rule: RadialRule::Exact, polynomial, extension })
}
