//! The truth as CSV.

use std::fmt::Write as _;

use rayon::prelude::*;

use super::rays::reach;
use super::truth::{R_END, TrueCurves, TruthRow};
use super::twin::{Analysis, Twin, TwinSample};
use super::{Crystal, Matter, RadialTable, SimulateError, Spot};
use crate::integrate::{Azimuth, Region};
use crate::peaks::Curve;

/// A file name below `truth/` and its text.
pub(super) type TruthFile = (String, String);

/// The curves of a sample, and the regions that see them.
struct SeenCurves<'a> {
    sample: &'a TwinSample,
    regions: &'a [Region],
    curves: TrueCurves,
}

impl SeenCurves<'_> {
    /// Its column name: the sample's, and the sector's where it has curves of its own.
    fn column(&self) -> String {
        match self.regions {
            [only] if only.azimuth != Azimuth::Ring => format!("{}_{}", self.sample.name, only.name),
            _ => self.sample.name.clone(),
        }
    }

    /// The rows of the peak table for every region; none for a crystal, whose peaks are its rings.
    fn peaks(&self, analysis: &Analysis) -> Result<Vec<TruthRow>, SimulateError> {
        match self.sample.matter {
            Matter::Crystal(_) => return Ok(Vec::new()),
            Matter::Glass { .. } | Matter::Atoms(_) | Matter::Table { .. } => {}
        }
        let rows = self.curves.peaks(&self.sample.name, &self.regions[0].name, analysis)?;
        let of_region = |region: &Region| {
            rows.iter().map(|row| TruthRow { region: region.name.clone(), ..row.clone() }).collect::<Vec<_>>()
        };
        Ok(self.regions.iter().flat_map(of_region).collect())
    }
}

impl Twin {
    /// All truth there is: curves, peaks, rings; and the rows of the peak table.
    pub(super) fn truth_files(&self) -> Result<(Vec<TruthFile>, Vec<TruthRow>), SimulateError> {
        let mut files = vec![("i_of_q.csv".to_owned(), self.i_of_q_csv()?)];
        for sample in &self.samples {
            if let Matter::Crystal(crystal) = &sample.matter {
                files.push((format!("{}_rings.csv", sample.name), self.rings_csv(crystal)?));
            }
        }
        for sample in self.samples.iter().filter(|sample| sample.inclusion.is_some()) {
            files.push((format!("{}_spots.csv", sample.name), spots_csv(&self.spots(sample)?)));
        }
        if let Some(text) = self.strain_csv() {
            files.push(("strain.csv".to_owned(), text));
        }
        let Some(analysis) = &self.analysis else { return Ok((files, Vec::new())) };
        let curves: Result<Vec<SeenCurves>, SimulateError> = self
            .seen_by(&analysis.regions)
            .into_par_iter()
            .map(|(sample, regions)| {
                let curves = self.curves(sample, analysis, regions[0].azimuth)?;
                Ok(SeenCurves { sample, regions, curves })
            })
            .collect();
        let curves = curves?;
        let rows: Result<Vec<Vec<TruthRow>>, SimulateError> =
            curves.par_iter().map(|seen| seen.peaks(analysis)).collect();
        let rows = rows?.concat();
        files.push(("s_of_q.csv".to_owned(), s_of_q_csv(&curves, analysis)));
        files.push(("g_of_r.csv".to_owned(), g_of_r_csv(&curves)));
        files.push(("peaks.csv".to_owned(), peaks_csv(&rows)));
        Ok((files, rows))
    }

    /// Samples with the regions that see the same curves: all of an isotropic sample, each for itself of another.
    fn seen_by<'a>(&'a self, regions: &'a [Region]) -> Vec<(&'a TwinSample, &'a [Region])> {
        self.samples
            .iter()
            .flat_map(|sample| {
                let together = if sample.anisotropy.is_some() { 1 } else { regions.len() };
                regions.chunks(together.max(1)).map(move |regions| (sample, regions))
            })
            .collect()
    }

    /// The strain of each sample that has one; axis 1 at χ = 0, axis 2 at χ = 90°.
    fn strain_csv(&self) -> Option<String> {
        let mut text =
            String::from("sample,load_axis_deg,strain,poisson_ratio,epsilon_11,epsilon_22,gamma_12\n");
        let header = text.len();
        for sample in &self.samples {
            let Some(anisotropy) = &sample.anisotropy else { continue };
            let [e11, e22, g12] = anisotropy.strain_tensor();
            let (axis, strain, ratio) =
                (anisotropy.axis_rad.to_degrees(), anisotropy.strain, anisotropy.poisson_ratio);
            let _ = writeln!(text, "{},{axis},{strain},{ratio},{e11:.9},{e22:.9},{g12:.9}", sample.name);
        }
        (text.len() > header).then_some(text)
    }

    /// Where curves against Q end.
    fn q_end(&self) -> f64 {
        self.analysis.as_ref().map_or_else(|| reach(self.geometry()).0, |analysis| analysis.q_range[1])
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

/// Pixel coordinates have 0.5 in the middle of the first pixel.
fn spots_csv(spots: &[Spot]) -> String {
    let mut text = String::from("h,k,l,q_inv_angstrom,chi_deg,column_px,row_px,counts\n");
    for spot in spots {
        let ([h, k, l], chi) = (spot.hkl, spot.chi_rad.to_degrees());
        let _ = writeln!(
            text,
            "{h},{k},{l},{:.7},{chi:.5},{:.4},{:.4},{:.1}",
            spot.q, spot.column, spot.row, spot.counts
        );
    }
    text
}

fn s_of_q_csv(curves: &[SeenCurves<'_>], analysis: &Analysis) -> String {
    let q = points(analysis.q_range[1], 0.01);
    let column = |curve: &TrueCurves| q.iter().map(|&q| curve.s_of_q.at(q)).collect();
    let columns: Vec<_> = curves.iter().map(|seen| (seen.column(), column(&seen.curves))).collect();
    table("q_inv_angstrom", &q, &columns)
}

fn g_of_r_csv(curves: &[SeenCurves<'_>]) -> String {
    let r = points(R_END, 0.01);
    let mut columns = Vec::new();
    for seen in curves {
        let curve = &seen.curves;
        let name = |kind: &str| format!("{}_{kind}_inv_angstrom_squared", seen.column());
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
    let mut text = String::from("sample,sector,curve,peak,metric,value,unit\n");
    for row in rows {
        let curve = match row.curve {
            Curve::StructureFactor => "S(Q)",
            Curve::Pdf => "G(r)",
        };
        let _ = writeln!(
            text,
            "{},{},{curve},{},{},{:.7},{}",
            row.sample, row.region, row.peak, row.metric, row.value, row.unit
        );
    }
    text
}
