//! What the choices of the analysis may be off by: each is made otherwise, and what changes is σ_syst \[E18\].

use std::f64::consts::PI;

use rayon::prelude::*;

use crate::integrate::Pattern;
use crate::pdf::{Pdf, TransformSettings, transform_once};
use crate::peaks::{OtherCurve, PeakNumbers, PeakPlan, PeakTable};
use crate::scattering::Composition;
use crate::structure::{
    AbsoluteSettings, LowQ, Normalization, Polynomial, StructureError, StructureFactor, StructurePlan,
    StructureSettings, Treatment,
};

/// The start of the normalisation window goes to both sides by this part of the window's width; the end of the low-r condition by
/// this part of its length. Of the usual window, 10 to 22 Å⁻¹, it is 1.8 Å⁻¹, a period of the oscillation of S from atoms 3.5 Å apart.
const WINDOW_SHARE: f64 = 0.15;
/// r_poly goes to both sides by this part: a degree or more of the usual polynomial of seven.
const R_POLY_SHARE: f64 = 0.2;
/// Qmax goes down by this part: half a period of the oscillation at 3 Å from 22 Å⁻¹.
const Q_MAX_SHARE: f64 = 0.05;

/// How much is varied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SystematicSettings {
    /// σ of the background's scale over the scale.
    pub background_scale_sigma: f64,
}

/// What is done otherwise.
#[derive(Debug, Clone)]
enum Variation {
    /// The background's scale, larger and smaller by its σ.
    BackgroundScale,
    /// Normalisation window, r_poly, Qmax or the continuation to Q = 0, in one way or in two.
    Analysis(Vec<StructurePlan>),
    /// I averaged once more over what a pixel covers.
    Blur,
}

/// The variations of one Q axis.
#[derive(Debug, Clone)]
pub struct SystematicPlan {
    settings: SystematicSettings,
    transform: TransformSettings,
    variations: Vec<Variation>,
}

/// σ from the choices of the analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Systematic {
    /// Of G in Å⁻² at each r.
    pub g: Vec<f64>,
    /// Of the peaks, in the order of their table.
    pub peaks: Vec<PeakNumbers>,
}

/// What the analysis itself came to.
#[derive(Debug, Clone, Copy)]
pub struct Nominal<'a> {
    /// Its plan of S(Q).
    pub structure_plan: &'a StructurePlan,
    /// Its plan of the peaks.
    pub peak_plan: &'a PeakPlan,
    /// G(r).
    pub pdf: &'a Pdf,
    /// Peaks.
    pub peaks: &'a PeakTable,
}

impl SystematicPlan {
    /// For patterns on the points `q` in Å⁻¹, whose plan with `absolute` is `nominal`. A way that they do not allow, as a window that would
    /// have too few of them, is left out.
    pub fn new(
        settings: SystematicSettings,
        nominal: &StructurePlan,
        absolute: &AbsoluteSettings,
        transform: &TransformSettings,
        composition: &Composition,
        q: &[f64],
    ) -> SystematicPlan {
        let plan = |settings: &AbsoluteSettings| {
            let mut settings = settings.clone();
            // An estimate that is only told is the nominal analysis's.
            settings.multiple_scattering =
                settings.multiple_scattering.filter(|it| it.treatment == Treatment::Subtract);
            StructurePlan::new(&StructureSettings::Absolute(settings), composition, q).ok()
        };
        let windows =
            windows(absolute).into_iter().filter_map(|way| nominal.with_normalization(way)).collect();
        let analyses = [polynomials(absolute), q_max(absolute), low_q(absolute)];
        let analyses =
            analyses.iter().map(|ways| Variation::Analysis(ways.par_iter().filter_map(plan).collect()));
        let variations = [Variation::BackgroundScale, Variation::Blur, Variation::Analysis(windows)]
            .into_iter()
            .chain(analyses)
            .collect();
        SystematicPlan { settings, transform: *transform, variations }
    }

    /// σ_syst² = Σ over the variations of the mean of δ² over their ways, δ the change of the number.
    ///
    /// `pattern` is what the analysis began with, `background` what was subtracted in it.
    ///
    /// # Errors
    /// A variation that cannot be normalised.
    pub fn apply(
        &self,
        pattern: &Pattern,
        background: Option<&[f64]>,
        nominal: Nominal<'_>,
    ) -> Result<Systematic, StructureError> {
        let known: Vec<PeakNumbers> = nominal.peaks.peaks.iter().map(PeakNumbers::of).collect();
        let zero = |number: &PeakNumbers| number.with(*number, |a, _| if a.is_nan() { a } else { 0.0 });
        let mut variance =
            Systematic { g: vec![0.0; nominal.pdf.g.len()], peaks: known.iter().map(zero).collect() };
        for variation in &self.variations {
            let ways = self.ways(variation, pattern, background, nominal)?;
            let share = 1.0 / ways.len() as f64;
            for (plan, structure) in &ways {
                let g = transform_once(
                    &self.transform,
                    nominal.structure_plan.f_grid().q_max(),
                    plan.f_grid(),
                    &structure.f,
                );
                for (sum, (other, g)) in variance.g.iter_mut().zip(g.iter().zip(&nominal.pdf.g)) {
                    *sum += share * (other - g).powi(2);
                }
                let below = plan.f_grid().extension_len();
                let s_of_q = OtherCurve {
                    x: &structure.q[below..],
                    y: &structure.s[below..],
                    sigma: &structure.sigma[below..],
                };
                let g_of_r = OtherCurve { x: &nominal.pdf.r, y: &g, sigma: &nominal.pdf.sigma };
                let ripple = 2.0 * PI / plan.f_grid().q_max();
                let others = nominal.peak_plan.again(nominal.peaks, s_of_q, g_of_r, ripple);
                for (sum, (other, known)) in variance.peaks.iter_mut().zip(others.into_iter().zip(&known)) {
                    let square = other.with(*known, |other, known| share * (other - known).powi(2));
                    *sum = sum.with(square, |sum, square| sum + square);
                }
            }
        }
        Ok(Systematic {
            g: variance.g.into_iter().map(f64::sqrt).collect(),
            peaks: variance.peaks.into_iter().map(|sum| sum.with(sum, |sum, _| sum.sqrt())).collect(),
        })
    }

    /// S(Q) of each way of a variation, and the plan that made it; none where it does not apply.
    fn ways<'a>(
        &self,
        variation: &'a Variation,
        pattern: &Pattern,
        background: Option<&[f64]>,
        nominal: Nominal<'a>,
    ) -> Result<Vec<(&'a StructurePlan, StructureFactor)>, StructureError> {
        let plan = nominal.structure_plan;
        match (variation, background) {
            (Variation::BackgroundScale, None) => Ok(Vec::new()),
            (Variation::BackgroundScale, Some(background)) => {
                let way = |sign: f64| {
                    let by = sign * self.settings.background_scale_sigma;
                    let less = pattern.intensity.iter().zip(background).map(|(i, b)| i - by * b);
                    let pattern = Pattern { intensity: less.collect(), ..pattern.clone() };
                    Ok((plan, plan.apply(&pattern)?))
                };
                [1.0, -1.0].into_iter().map(way).collect()
            }
            (Variation::Analysis(plans), _) => {
                plans.iter().map(|plan| Ok((plan, plan.apply(pattern)?))).collect()
            }
            (Variation::Blur, _) => Ok(vec![(plan, plan.apply_blurred(pattern)?)]),
        }
    }
}

fn windows(absolute: &AbsoluteSettings) -> Vec<Normalization> {
    let [q_min, q_max] = absolute.q_range;
    match absolute.normalization {
        Normalization::HighQ { q_min: start } => [-WINDOW_SHARE, WINDOW_SHARE]
            .map(|share| Normalization::HighQ { q_min: (start + share * (q_max - start)).max(q_min) })
            .to_vec(),
        Normalization::LowR { r_max_angstrom } => [1.0 - WINDOW_SHARE, 1.0 + WINDOW_SHARE]
            .map(|share| Normalization::LowR { r_max_angstrom: share * r_max_angstrom })
            .to_vec(),
        Normalization::KroghMoe => Vec::new(),
    }
}

/// r_hole stays: it is what is known of the sample.
fn polynomials(absolute: &AbsoluteSettings) -> Vec<AbsoluteSettings> {
    let Some(Polynomial { r_poly_angstrom, r_hole_angstrom }) = absolute.polynomial else {
        return Vec::new();
    };
    [1.0 - R_POLY_SHARE, 1.0 + R_POLY_SHARE]
        .map(|share| Polynomial {
            r_poly_angstrom: (share * r_poly_angstrom).min(r_hole_angstrom),
            r_hole_angstrom,
        })
        .map(|polynomial| AbsoluteSettings { polynomial: Some(polynomial), ..absolute.clone() })
        .to_vec()
}

fn q_max(absolute: &AbsoluteSettings) -> Vec<AbsoluteSettings> {
    let [low, high] = absolute.q_range;
    let high = high - Q_MAX_SHARE * (high - low);
    let normalization = match absolute.normalization {
        // A window that begins near Qmax keeps a part of its width.
        Normalization::HighQ { q_min } => {
            Normalization::HighQ { q_min: q_min.min(high - WINDOW_SHARE * (high - low)) }
        }
        kept @ (Normalization::KroghMoe | Normalization::LowR { .. }) => kept,
    };
    vec![AbsoluteSettings { q_range: [low, high], normalization, ..absolute.clone() }]
}

fn low_q(absolute: &AbsoluteSettings) -> Vec<AbsoluteSettings> {
    let low_q = match absolute.low_q {
        LowQ::Parabola => LowQ::Constant,
        LowQ::Quartic | LowQ::Constant | LowQ::Zero => LowQ::Parabola,
    };
    vec![AbsoluteSettings { low_q, ..absolute.clone() }]
}
