//! S(Q) and G(r), or I(Q), of all samples over each other, and the peaks enlarged.

use super::ReportError;
use super::figure::{Figure, Link, Width};
use super::page::Section;
use super::results::{Curve, Kind, Results};
use crate::integrate::RING;

/// Half the width of an enlarged peak, in its full widths at half maximum.
const HALF_WIDTH_FWHM: f64 = 1.6;

/// Where the peaks of a curve are.
struct Peak {
    name: String,
    position: f64,
    fwhm: f64,
}

/// The curves of all samples.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("curves", "Curves");
    let s = all(results, Kind::StructureFactor)?;
    let g = all(results, Kind::Pdf)?;
    if s.is_empty() && g.is_empty() {
        let mut figure = Figure::new("Intensity of all samples, as measured", "Q, 2θ or d", "I");
        all(results, Kind::Intensity)?
            .iter()
            .for_each(|(index, name, curve)| figure.curve(name, curve, *index));
        section.figure(figure);
        return Ok(section);
    }
    let mut figure = Figure::new("Structure factors", "Q (Å⁻¹)", "S(Q)").link(Link::Q);
    s.iter().for_each(|(index, name, curve)| figure.curve(name, curve, *index));
    section.figure(figure);
    for peak in peaks(results, "S(Q)", "position_inv_angstrom", "fwhm_inv_angstrom") {
        section.figure(enlarged(&peak, &s, "Q (Å⁻¹)", "S(Q)", Width::Half));
    }
    let mut figure = Figure::new("Reduced pair distribution functions", "r (Å)", "G(r) (Å⁻²)")
        .link(Link::R)
        .range(0.0, 15.0);
    g.iter().for_each(|(index, name, curve)| figure.curve(name, curve, *index));
    section.figure(figure);
    for peak in peaks(results, "G(r)", "position_angstrom", "fwhm_angstrom") {
        section.figure(enlarged(&peak, &g, "r (Å)", "G(r) (Å⁻²)", Width::Half));
    }
    Ok(section)
}

/// Index, name and curve of each sample that has it.
fn all(results: &Results, kind: Kind) -> Result<Vec<(usize, String, Curve)>, ReportError> {
    let mut curves = Vec::new();
    for (index, sample) in results.samples.iter().enumerate() {
        let curve = results.of_sample(sample, RING, kind)?;
        curves.extend(curve.map(|curve| (index, sample.clone(), curve)));
    }
    Ok(curves)
}

fn enlarged(peak: &Peak, curves: &[(usize, String, Curve)], x: &str, y: &str, width: Width) -> Figure {
    let mut figure = Figure::new(format!("{} enlarged", peak.name), x, y).width(width);
    let half = HALF_WIDTH_FWHM * peak.fwhm;
    for (index, name, curve) in curves {
        figure.curve(name, &curve.part(peak.position - half, peak.position + half), *index);
    }
    figure
}

/// The peaks of a curve, each at the mean of all samples.
fn peaks(results: &Results, curve: &str, position: &str, fwhm: &str) -> Vec<Peak> {
    let mut found: Vec<(String, Vec<[f64; 2]>)> = Vec::new();
    for row in results.peaks.rows(&[("frame", "sum"), ("sector", RING), ("curve", curve)]) {
        let (Some(position), Some(fwhm)) = (row.number(position), row.number(fwhm)) else { continue };
        let name = row.text("peak");
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) => all.push([position, fwhm]),
            None => found.push((name.to_owned(), vec![[position, fwhm]])),
        }
    }
    let mean = |(name, all): (String, Vec<[f64; 2]>)| {
        let [position, fwhm] = [0, 1].map(|k| all.iter().map(|both| both[k]).sum::<f64>() / all.len() as f64);
        Peak { name, position, fwhm }
    };
    found.into_iter().map(mean).collect()
}
