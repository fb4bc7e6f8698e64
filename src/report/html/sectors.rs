//! Sectors of each sample beside the ring, the first peak enlarged, and what two sectors differ by.

use super::ReportError;
use super::figure::{Figure, Link, Width};
use super::page::Section;
use super::results::{Curve, Kind, Results};
use crate::integrate::RING;

/// Half the width of the enlarged first peak in Å⁻¹.
const HALF_WIDTH_INV_ANGSTROM: f64 = 0.6;

/// One block per sample that has sectors.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("sectors", "Sectors");
    for sample in &results.samples {
        let ring = results.of_sample(sample, RING, Kind::StructureFactor)?;
        let mut curves: Vec<(&str, Curve)> = ring.map(|curve| (RING, curve)).into_iter().collect();
        for sector in &results.sectors {
            let curve = results.of_sample(sample, sector, Kind::StructureFactor)?;
            curves.extend(curve.map(|curve| (sector.as_str(), curve)));
        }
        if curves.len() < 2 {
            continue;
        }
        let mut block = Section::new(&format!("sectors-{sample}"), sample);
        let mut whole =
            Figure::new(format!("{sample}: S(Q) of ring and sectors"), "Q (Å⁻¹)", "S(Q)").link(Link::Q);
        curves.iter().enumerate().for_each(|(index, (name, curve))| whole.curve(name, curve, index));
        block.figure(whole.width(Width::Half));
        let first = results
            .peaks
            .rows(&[("sample", sample), ("frame", "sum"), ("sector", RING), ("peak", "q1")])
            .next();
        if let Some(q1) = first.and_then(|row| row.number("position_inv_angstrom")) {
            let mut near =
                Figure::new(format!("{sample}: first peak enlarged"), "Q (Å⁻¹)", "S(Q)").width(Width::Half);
            for (index, (name, curve)) in curves.iter().enumerate() {
                near.curve(
                    name,
                    &curve.part(q1 - HALF_WIDTH_INV_ANGSTROM, q1 + HALF_WIDTH_INV_ANGSTROM),
                    index,
                );
            }
            block.figure(near);
        }
        for (first, second) in pairs(&results.sectors) {
            if let Some(curve) =
                results.difference(&format!("{sample}_{first}-{second}"), Kind::StructureFactor)?
            {
                block.figure(difference(sample, first, second, &curve));
            }
        }
        section.block(block);
    }
    Ok(section)
}

/// Each sector with each that stands behind it: those pairs that a run compares have a file.
fn pairs(sectors: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let behind =
        move |i: usize| sectors[i + 1..].iter().map(move |second| (sectors[i].as_str(), second.as_str()));
    (0..sectors.len()).flat_map(behind)
}

/// S of one sector less that of another, with the band in which two thirds of the points lie if nothing differs.
fn difference(sample: &str, first: &str, second: &str, curve: &Curve) -> Figure {
    let caption = format!("{sample}: {first} less {second}; grey: ± σ of the difference from counting");
    let mut figure = Figure::new(caption, "Q (Å⁻¹)", "ΔS(Q)").link(Link::Q);
    figure.band("± σ", &curve.x, &curve.sigma);
    figure.curve(&format!("{first} − {second}"), curve, 0);
    figure
}
