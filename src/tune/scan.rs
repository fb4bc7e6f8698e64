//! The scan itself: one parameter after the other, each with what was found best before.

use std::fmt::Display;

use super::{Advice, Parameter, Trial, advice};
use crate::config::PdfSettings;
use crate::quality::Quality;
use crate::structure::StructureSettings;

/// What a scan may vary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    /// I = I_sample − scale·I_background; `None` where nothing is subtracted.
    pub background_scale: Option<f64>,
    /// r_poly and r_hole in Å; `None` without a polynomial.
    pub polynomial: Option<[f64; 2]>,
    /// Qmin and Qmax in Å⁻¹.
    pub q_range: [f64; 2],
}

impl Values {
    /// Those of an analysis; `None` of a relative scale, whose figures of quality say nothing.
    pub fn of(settings: &PdfSettings, background_scale: Option<f64>) -> Option<Values> {
        match &settings.structure {
            StructureSettings::Absolute(absolute) => {
                let polynomial = absolute.polynomial.map(|p| [p.r_poly_angstrom, p.r_hole_angstrom]);
                Some(Values { background_scale, polynomial, q_range: absolute.q_range })
            }
            StructureSettings::PdfGetX3(_) => None,
        }
    }

    /// `key=value` of the run file's block `pdf`. r_hole is among them: it stays when r_poly changes, so that figures can be compared.
    pub fn of_pdf(&self) -> Vec<String> {
        let [q_min, q_max] = self.q_range;
        let q_range = format!("pdf.q_range_inv_angstrom=[{q_min:?}, {q_max:?}]");
        let polynomial = self.polynomial.iter().flat_map(|[r_poly, r_hole]| {
            [format!("pdf.r_poly_angstrom={r_poly:?}"), format!("pdf.r_hole_angstrom={r_hole:?}")]
        });
        std::iter::once(q_range).chain(polynomial).collect()
    }

    /// What is varied, in this order, and from where.
    fn varied(&self) -> impl Iterator<Item = (Parameter, f64)> {
        // What the polynomial has to do tells of the scale.
        let scale = self.background_scale.filter(|_| self.polynomial.is_some());
        let scale = scale.map(|scale| (Parameter::BackgroundScale, scale));
        let r_poly = self.polynomial.map(|[r_poly, _]| (Parameter::RPoly, r_poly));
        [scale, r_poly, Some((Parameter::QMax, self.q_range[1]))].into_iter().flatten()
    }

    fn with(mut self, parameter: Parameter, value: f64) -> Values {
        match parameter {
            Parameter::BackgroundScale => self.background_scale = Some(value),
            Parameter::RPoly => self.polynomial = self.polynomial.map(|[_, r_hole]| [value, r_hole]),
            Parameter::QMax => self.q_range[1] = value,
        }
        self
    }
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Every analysis that could be made.
    pub trials: Vec<Trial>,
    /// What to take, for each parameter that the figures tell of.
    pub advised: Vec<Advice>,
    /// Values that could not be tried, in words.
    pub refused: Vec<String>,
    /// The start, with all that is advised.
    pub best: Values,
}

impl Scan {
    /// Around `start`; `quality` analyses with the values it is given.
    pub fn new<E: Display>(start: Values, quality: impl Fn(&Values) -> Result<Quality, E>) -> Scan {
        let (trials, advised, refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut scan = Scan { trials, advised, refused, best: start };
        for (parameter, used) in start.varied() {
            let first = scan.trials.len();
            for value in parameter.values(used) {
                match quality(&scan.best.with(parameter, value)) {
                    Ok(quality) => scan.trials.push(Trial { parameter, value, quality }),
                    Err(error) => scan.refused.push(format!("{} {value:.4}: {error:#}", parameter.name())),
                }
            }
            if let Some(advice) = advice(parameter, used, &scan.trials[first..]) {
                scan.best = scan.best.with(parameter, advice.value);
                scan.advised.push(advice);
            }
        }
        scan
    }
}
