//! A long series as a map: a row for each frame, less the mean of all.

use super::ReportError;
use super::figure::{Figure, Width};
use super::page::Section;
use super::results::{Kind, Results};

/// Rows and columns that a map has at most.
const MOST: [usize; 2] = [400, 500];
/// Samples of fewer frames are no series.
const LEAST_FRAMES: usize = 3;

/// A map of S(Q) of each sample with several frames.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("frames", "Frame by frame");
    for sample in &results.samples {
        let names = results.frames(sample, Kind::StructureFactor);
        if names.len() < LEAST_FRAMES {
            continue;
        }
        let step = names.len().div_ceil(MOST[0]);
        let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
        let mut q: Vec<f64> = Vec::new();
        for name in names.iter().step_by(step) {
            let Some(curve) = results.of_frame(sample, name, Kind::StructureFactor)? else { continue };
            let group = curve.x.len().div_ceil(MOST[1]).max(1);
            q = means(&curve.x, group);
            rows.push((name.clone(), means(&curve.y, group)));
        }
        rows.retain(|(_, row)| row.len() == q.len());
        let mean: Vec<f64> = (0..q.len())
            .map(|column| rows.iter().map(|(_, row)| row[column]).sum::<f64>() / rows.len().max(1) as f64)
            .collect();
        let less_mean: Vec<Vec<f64>> = rows
            .iter()
            .map(|(_, row)| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect())
            .collect();
        let every = if step > 1 { format!(", every {step}th frame") } else { String::new() };
        let caption = format!("{sample}: S(Q) of each frame less their mean{every}");
        let mut figure = Figure::new(caption, "Q (Å⁻¹)", "").width(Width::Half);
        figure.map(&q, rows.into_iter().map(|(name, _)| name).collect(), &less_mean);
        section.figure(figure);
    }
    Ok(section)
}

/// Means of groups of neighbours.
fn means(values: &[f64], group: usize) -> Vec<f64> {
    values.chunks(group).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}
