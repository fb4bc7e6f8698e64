//! Which peaks are measured, checked once; then applied to each pattern.

use std::ops::Range;

use super::local_fit::Estimate;
use super::search::{first, highest};
use super::shape::{Sampled, Shape, coordination_number};
use super::{Curve, Measured, Peak, PeakError, PeakSearch, PeakSettings, PeakTable};
use crate::pdf::{Pdf, TransformPlan};
use crate::structure::StructureFactor;

/// Most peaks that are looked for.
pub(crate) const MOST_PEAKS: usize = 50;
/// [`PeakSearch::First`] starts here: only bonds to hydrogen are shorter, and what G has below is error.
const FIRST_R_ANGSTROM: f64 = 1.0;

/// Measures the peaks of S(Q) and G(r) of one transform plan.
#[derive(Debug, Clone)]
pub struct PeakPlan {
    pub(super) settings: PeakSettings,
    pub(super) density: Option<f64>,
}

impl PeakPlan {
    /// `density`: atoms per Å³ for the coordination number; `None` (unknown, or a relative scale as in the PDFgetX3
    /// mode) leaves it out.
    ///
    /// # Errors
    /// A window outside its curve, or a coordination number of a peak that is not measured.
    pub fn new(
        settings: &PeakSettings,
        density: Option<f64>,
        transform: &TransformPlan,
    ) -> Result<PeakPlan, PeakError> {
        let grid = transform.f_grid();
        check(&settings.s_of_q, Curve::StructureFactor, &grid.q()[grid.extension_len()..])?;
        check(&settings.g_of_r, Curve::Pdf, transform.r())?;
        if let Some(wanted) = &settings.coordination_number {
            let known = names(&settings.g_of_r, Curve::Pdf);
            if !known.contains(&wanted.peak) {
                let known = known.join(", ");
                return Err(PeakError::UnknownPeak { name: wanted.peak.clone(), known });
            }
            if let Some(limits) = wanted.limits_angstrom {
                check_window(&wanted.peak, limits, Curve::Pdf, transform.r())?;
            }
        }
        Ok(PeakPlan { settings: settings.clone(), density })
    }

    /// The peaks of one pattern, those of S(Q) first. What is not there is NaN, see [`Peak`].
    ///
    /// # Errors
    /// Curves that are not of `transform`.
    pub fn measure(
        &self,
        structure: &StructureFactor,
        pdf: &Pdf,
        transform: &TransformPlan,
    ) -> Result<PeakTable, PeakError> {
        let grid = transform.f_grid();
        let lengths = [
            (Curve::StructureFactor, structure.s.len(), grid.q().len()),
            (Curve::Pdf, pdf.g.len(), transform.r().len()),
        ];
        for (curve, found, expected) in lengths {
            if found != expected {
                return Err(PeakError::Length { curve, found, expected });
            }
        }
        let below = grid.extension_len();
        let s_of_q = Sampled {
            x: &structure.q[below..],
            y: &structure.s[below..],
            sigma: &structure.sigma[below..],
            base: 1.0,
        };
        let s_sigma = |gradient: &[f64]| {
            // S = 1 + F/Q.
            let by_s = vec![0.0; below].into_iter().chain(gradient.iter().copied());
            let by_f: Vec<f64> = by_s.zip(&structure.q).map(|(by_s, q)| by_s / q).collect();
            grid.uncertainty(&by_f, structure)
        };
        let g_of_r = Sampled { x: &pdf.r, y: &pdf.g, sigma: &pdf.sigma, base: 0.0 };
        let g_sigma = |gradient: &[f64]| transform.uncertainty(0, gradient, structure);

        let mut peaks = Vec::new();
        for (name, window, top) in find(&self.settings.s_of_q, Curve::StructureFactor, &s_of_q, 0.0, 0) {
            let shape = top.and_then(|top| s_of_q.measure(top, window));
            peaks.push(peak(name, Curve::StructureFactor, shape, &s_sigma));
        }
        let ripple = 2.0 * std::f64::consts::PI / grid.q_max();
        let start = pdf.r.partition_point(|r| *r < FIRST_R_ANGSTROM);
        for (name, window, top) in find(&self.settings.g_of_r, Curve::Pdf, &g_of_r, ripple, start) {
            let shape = top.and_then(|top| g_of_r.measure(top, window));
            let wanted = self.settings.coordination_number.as_ref().filter(|wanted| wanted.peak == name);
            let given = match &self.settings.g_of_r {
                PeakSearch::Windows(_) => Some(window),
                PeakSearch::First(_) => None,
            };
            let number = wanted.zip(self.density).map(|(wanted, density)| {
                let limits = wanted.limits_angstrom.or(given);
                let number = coordination_number(&g_of_r, density, top, limits);
                measured(number.as_ref(), &g_sigma)
            });
            peaks.push(Peak { coordination_number: number, ..peak(name, Curve::Pdf, shape, &g_sigma) });
        }
        Ok(PeakTable { peaks })
    }
}

fn peak(name: String, curve: Curve, shape: Option<Shape>, sigma: &dyn Fn(&[f64]) -> f64) -> Peak {
    let shape = shape.as_ref();
    Peak {
        name,
        curve,
        position: measured(shape.map(|shape| &shape.position), sigma),
        height: measured(shape.map(|shape| &shape.height), sigma),
        fwhm: measured(shape.and_then(|shape| shape.fwhm.as_ref()), sigma),
        area: measured(shape.and_then(|shape| shape.area.as_ref()), sigma),
        asymmetry: measured(shape.and_then(|shape| shape.asymmetry.as_ref()), sigma),
        coordination_number: None,
    }
}

fn measured(estimate: Option<&Estimate>, sigma: &dyn Fn(&[f64]) -> f64) -> Measured {
    estimate.map_or(Measured::MISSING, |estimate| Measured {
        value: estimate.value,
        sigma: sigma(&estimate.gradient),
    })
}

fn names(search: &PeakSearch, curve: Curve) -> Vec<String> {
    let letter = match curve {
        Curve::StructureFactor => 'q',
        Curve::Pdf => 'r',
    };
    match search {
        PeakSearch::First(count) => (1..=*count).map(|number| format!("{letter}{number}")).collect(),
        PeakSearch::Windows(windows) => windows.iter().map(|(name, _)| name.clone()).collect(),
    }
}

/// Name, window and highest point of each peak asked for.
fn find(
    search: &PeakSearch,
    kind: Curve,
    curve: &Sampled<'_>,
    ripple: f64,
    start: usize,
) -> Vec<(String, [f64; 2], Option<usize>)> {
    let names = names(search, kind).into_iter();
    match search {
        PeakSearch::First(count) => {
            let tops = first(curve, *count, ripple, start.min(curve.x.len())..curve.x.len());
            let everything = [f64::NEG_INFINITY, f64::INFINITY];
            names.enumerate().map(|(i, name)| (name, everything, tops.get(i).copied())).collect()
        }
        PeakSearch::Windows(windows) => names
            .zip(windows)
            .map(|(name, (_, window))| (name, *window, highest(curve.y, inside(curve.x, *window))))
            .collect(),
    }
}

fn inside(x: &[f64], [low, high]: [f64; 2]) -> Range<usize> {
    x.partition_point(|x| *x < low)..x.partition_point(|x| *x <= high)
}

fn check(search: &PeakSearch, curve: Curve, x: &[f64]) -> Result<(), PeakError> {
    match search {
        PeakSearch::First(found) if *found > MOST_PEAKS => {
            Err(PeakError::Count { curve, found: *found, limit: MOST_PEAKS })
        }
        PeakSearch::First(_) => Ok(()),
        PeakSearch::Windows(windows) => {
            windows.iter().try_for_each(|(name, window)| check_window(name, *window, curve, x))
        }
    }
}

fn check_window(name: &str, window: [f64; 2], curve: Curve, x: &[f64]) -> Result<(), PeakError> {
    let (first, last) = (x[0], x[x.len() - 1]);
    let [low, high] = window;
    let step = (last - first) / (x.len() - 1) as f64;
    let ordered = low < high && low >= first - step && high <= last + step;
    if ordered && inside(x, window).len() >= 5 {
        return Ok(());
    }
    Err(PeakError::Window { name: name.to_string(), curve, low, high, first, last })
}
