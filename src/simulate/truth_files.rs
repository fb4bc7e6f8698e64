//! The truth as CSV.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::rays::reach;
use super::truth::{R_END, TrueCurves, TruthRow};
use super::twin::{Analysis, Twin};
use super::{Crystal, Matter, RadialTable, SimulateError};
use crate::peaks::Curve;

/// A file name below `truth/` and its text.
pub(super) type TruthFile = (String, String);

impl Twin {
    /// All truth there is: curves, peaks, rings; and the rows of the peak table.
    pub(super) fn truth_files(&self) -> Result<(Vec<TruthFile>, Vec<TruthRow>), SimulateError> {
        let mut files = vec![("i_of_q.csv".to_owned(), self.i_of_q_csv()?)];
        for sample in &self.samples {
            if let Matter::Crystal(crystal) = &sample.matter {
                files.push((format!("{}_rings.csv", sample.name), self.rings_csv(crystal)?));
            }
        }
        let Some(analysis) = &self.analysis else { return Ok((files, Vec::new())) };
        let curves: Result<Vec<(String, TrueCurves)>, SimulateError> = self
            .samples
            .par_iter()
            .map(|sample| Ok((sample.name.clone(), self.curves(sample, analysis)?)))
            .collect();
        let curves = curves?;
        let mut rows = Vec::new();
        for (sample, (name, curves)) in self.samples.iter().zip(&curves) {
            match sample.matter {
                // Its peaks are its rings.
                Matter::Crystal(_) => {}
                Matter::Glass { .. } | Matter::Atoms(_) | Matter::Table { .. } => {
                    rows.extend(curves.peaks(name, analysis)?);
                }
            }
        }
        files.push(("s_of_q.csv".to_owned(), s_of_q_csv(&curves, analysis)));
        files.push(("g_of_r.csv".to_owned(), g_of_r_csv(&curves)));
        files.push(("peaks.csv".to_owned(), peaks_csv(&rows)));
        Ok((files, rows))
    }

    /// Where curves against Q end.
    fn q_end(&self) -> f64 {
        self.analysis.as_ref().map_or_else(|| reach(self.geometry()).0, |analysis| analysis.q_max)
    }

    fn rings_csv(&self, crystal: &Crystal) -> Result<String, SimulateError> {
        let mut text = String::from("h,k,l,q_inv_angstrom,multiplicity,area_eu_per_atom_inv_angstrom\n");
        for ring in crystal.rings(self.energy_kev(), self.q_end())? {
            let [h, k, l] = ring.hkl;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{h},{k},{l},{:.7},{},{:.6}", ring.q, ring.multiplicity, ring.area);
        }
        Ok(text)
    }

    fn i_of_q_csv(&self) -> Result<String, SimulateError> {
        let q = points(self.q_end(), 0.01);
        let column = |name: &str, table: RadialTable| {
            (format!("{name}_eu_per_atom"), q.iter().map(|&q| table.at(q)).collect::<Vec<f64>>())
        };
        let mut columns = Vec::new();
        columns.extend(self.surroundings_intensity()?.map(|table| column("air", table)));
        for sample in &self.samples {
            columns.push(column(&sample.name, self.sample_intensity(sample)?));
        }
        Ok(table("q_inv_angstrom", &q, &columns))
    }
}

fn s_of_q_csv(curves: &[(String, TrueCurves)], analysis: &Analysis) -> String {
    let q = points(analysis.q_max, 0.01);
    let column = |curve: &TrueCurves| q.iter().map(|&q| curve.s_of_q.at(q)).collect();
    let columns: Vec<_> = curves.iter().map(|(name, curve)| (name.clone(), column(curve))).collect();
    table("q_inv_angstrom", &q, &columns)
}

fn g_of_r_csv(curves: &[(String, TrueCurves)]) -> String {
    let r = points(R_END, 0.01);
    let mut columns = Vec::new();
    for (sample, curve) in curves {
        let name = |kind: &str| format!("{sample}_{kind}_inv_angstrom_squared");
        columns.push((name("seen"), r.par_iter().map(|&r| curve.seen.at(r)).collect()));
        if let Some(exact) = &curve.untruncated {
            columns.push((name("untruncated"), r.par_iter().map(|&r| exact.at(r)).collect()));
        }
    }
    table("r_angstrom", &r, &columns)
}

/// 0, step, … to `end`.
fn points(end: f64, step: f64) -> Vec<f64> {
    let count = (end / step).round() as usize + 1;
    (0..count).map(|i| step * i as f64).collect()
}

/// One column for the axis and one for each curve.
fn table(axis_name: &str, axis: &[f64], columns: &[(String, Vec<f64>)]) -> String {
    let mut text = axis_name.to_owned();
    for (name, _) in columns {
        text.push(',');
        text.push_str(name);
    }
    text.push('\n');
    for (i, x) in axis.iter().enumerate() {
        let _ = write!(text, "{x:.2}");
        for (_, values) in columns {
            let _ = write!(text, ",{:.8}", values[i]);
        }
        text.push('\n');
    }
    text
}

fn peaks_csv(rows: &[TruthRow]) -> String {
    let mut text = String::from("sample,curve,peak,metric,value,unit\n");
    for row in rows {
        let curve = match row.curve {
            Curve::StructureFactor => "S(Q)",
            Curve::Pdf => "G(r)",
        };
        let _ = writeln!(
            text,
            "{},{curve},{},{},{:.7},{}",
            row.sample, row.peak, row.metric, row.value, row.unit
        );
    }
    text
}
