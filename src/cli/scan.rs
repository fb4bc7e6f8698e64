//! The scan of Qmax, r_poly and the background's scale, for `halor tune` and `halor pdf --tune`.

use anyhow::Context;
use halor::config::PdfSettings;
use halor::quality::Quality;
use halor::structure::StructureSettings;
use halor::tune::{Advice, Parameter, Trial, advice};

use super::pdf::{Analysed, Asked};

/// What a scan found.
pub(super) struct Scan {
    pub(super) trials: Vec<Trial>,
    pub(super) advised: Vec<Advice>,
    /// Values that could not be tried, in words.
    pub(super) refused: Vec<String>,
    best: Values,
    /// r_poly and r_hole as they were.
    polynomial: Option<[f64; 2]>,
}

impl Scan {
    /// Around the values of `base`, one parameter after the other, each with what was found best before.
    pub(super) fn new(asked: &Asked<'_>, base: &Analysed) -> anyhow::Result<Scan> {
        let scale = asked.background_scale;
        let found = absolute(&base.analysis.settings);
        let (q_range, polynomial) = found.context("tune knows the mode `absolute` only")?;
        let mut used = Vec::new();
        if asked.background.is_some() {
            used.push((Parameter::BackgroundScale, scale));
        }
        used.extend(polynomial.map(|[r_poly, _]| (Parameter::RPoly, r_poly)));
        used.push((Parameter::QMax, q_range[1]));
        let best = Values { background_scale: scale, r_poly: polynomial.map(|[r_poly, _]| r_poly), q_range };
        let (trials, advised, refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut scan = Scan { trials, advised, refused, best, polynomial };
        for (parameter, used) in used {
            let first = scan.trials.len();
            for value in parameter.values(used) {
                match quality(asked, scan.best.with(parameter, value), polynomial) {
                    Ok(quality) => scan.trials.push(Trial { parameter, value, quality }),
                    Err(error) => scan.refused.push(format!("{} {value:.4}: {error:#}", parameter.name())),
                }
            }
            if let Some(advice) = advice(parameter, used, &scan.trials[first..]) {
                scan.best = scan.best.with(parameter, advice.value);
                scan.advised.push(advice);
            }
        }
        Ok(scan)
    }

    /// The background's scale and the overrides that take on what is advised.
    pub(super) fn taken_on(&self) -> (f64, Vec<String>) {
        (self.best.background_scale, self.best.overrides(self.polynomial))
    }
}

/// The Q range, and r_poly and r_hole, of the absolute mode.
fn absolute(settings: &PdfSettings) -> Option<([f64; 2], Option<[f64; 2]>)> {
    match &settings.structure {
        StructureSettings::Absolute(absolute) => {
            let polynomial = absolute.polynomial.map(|p| [p.r_poly_angstrom, p.r_hole_angstrom]);
            Some((absolute.q_range, polynomial))
        }
        StructureSettings::PdfGetX3(_) => None,
    }
}

/// The values of one analysis.
#[derive(Clone, Copy)]
struct Values {
    background_scale: f64,
    r_poly: Option<f64>,
    q_range: [f64; 2],
}

impl Values {
    fn with(mut self, parameter: Parameter, value: f64) -> Values {
        match parameter {
            Parameter::BackgroundScale => self.background_scale = value,
            Parameter::RPoly => self.r_poly = Some(value),
            Parameter::QMax => self.q_range[1] = value,
        }
        self
    }

    /// r_hole stays, so that the figures can be compared.
    fn overrides(self, polynomial: Option<[f64; 2]>) -> Vec<String> {
        let [q_min, q_max] = self.q_range;
        let q_range = format!("pdf.q_range_inv_angstrom=[{q_min:?}, {q_max:?}]");
        let r_poly = self.r_poly.map(|r_poly| format!("pdf.r_poly_angstrom={r_poly:?}"));
        let r_hole = polynomial.map(|[_, r_hole]| format!("pdf.r_hole_angstrom={r_hole:?}"));
        [Some(q_range), r_poly, r_hole].into_iter().flatten().collect()
    }
}

/// The figures of one analysis.
fn quality(asked: &Asked<'_>, values: Values, polynomial: Option<[f64; 2]>) -> anyhow::Result<Quality> {
    let mut overrides = values.overrides(polynomial);
    overrides.push("pdf.systematic=off".to_owned());
    let mut asked = asked.clone();
    asked.background_scale = values.background_scale;
    Ok(asked.analyse(&overrides)?.reduced.quality)
}
