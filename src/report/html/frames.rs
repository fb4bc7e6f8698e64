//! A long series as maps: a row for each frame, less the mean of all; and all metrics over the frames. Outliers are not in them: one dark
//! frame would take all colours.

use std::collections::HashMap;

use super::ReportError;
use super::abscissa::Abscissa;
use super::figure::{Figure, Width};
use super::metrics::SHOWN;
use super::page::Section;
use super::results::{Kind, Results};
use crate::integrate::RING;
use crate::stats::median;

/// Rows and columns that a map has at most.
const MOST: [usize; 2] = [400, 500];
/// Samples of fewer frames are no series.
const LEAST_FRAMES: usize = 3;
/// G of a map ends here, Å.
const R_MAX_ANGSTROM: f64 = 15.0;

/// Maps of S(Q), G(r) and metrics of each sample with several frames.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("frames", "Frame by frame");
    // Over the time where it is known: a temperature may come twice.
    let mut known = Abscissa::all(results);
    let along =
        if known.len() > 1 && known[1].is_time() { known.swap_remove(1) } else { known.swap_remove(0) };
    for sample in &results.samples {
        let mut block = Section::new(&format!("frames-{sample}"), sample);
        let places = places(results, sample, &along);
        for (kind, x, what) in [(Kind::StructureFactor, "Q (Å⁻¹)", "S(Q)"), (Kind::Pdf, "r (Å)", "G(r)")]
        {
            block.figure(curves(results, sample, (kind, x, what), &along, &places)?);
        }
        block.figure(metrics(results, sample, &along));
        section.block(block);
    }
    Ok(section)
}

/// Where each frame stands, by its name.
fn places(results: &Results, sample: &str, along: &Abscissa) -> HashMap<String, f64> {
    let rows = results.peaks.rows(&[("sample", sample), ("sector", RING)]);
    rows.filter_map(|row| Some((row.text("frame").to_owned(), along.of(&row)?))).collect()
}

/// The curves of a sample's frames less their mean.
fn curves(
    results: &Results,
    sample: &str,
    (kind, x_title, what): (Kind, &str, &str),
    along: &Abscissa,
    places: &HashMap<String, f64>,
) -> Result<Figure, ReportError> {
    let names: Vec<String> = results
        .frames(sample, kind)
        .into_iter()
        .filter(|name| places.contains_key(name) && !results.is_outlier(sample, name))
        .collect();
    let step = names.len().div_ceil(MOST[0]).max(1);
    let every = if step > 1 { format!(", every {step}th frame") } else { String::new() };
    let caption = format!("{sample}: {what} of each frame less their mean{every}");
    let mut figure = Figure::new(caption, x_title, &along.title).width(Width::Half);
    if names.len() < LEAST_FRAMES {
        return Ok(figure);
    }
    let mut rows: Vec<(f64, Vec<f64>)> = Vec::new();
    let mut x: Vec<f64> = Vec::new();
    for name in names.iter().step_by(step) {
        let Some(curve) = results.of_frame(sample, name, kind)? else { continue };
        let curve = match kind {
            Kind::Pdf => curve.part(0.0, R_MAX_ANGSTROM),
            // Below, S is not measured but continued, and would take all colours.
            Kind::StructureFactor => curve.part(results.q_min.unwrap_or(0.0), f64::INFINITY),
            Kind::Intensity => curve,
        };
        let group = curve.x.len().div_ceil(MOST[1]).max(1);
        x = means(&curve.x, group);
        rows.push((places[name], means(&curve.y, group)));
    }
    rows.retain(|(_, row)| row.len() == x.len());
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean: Vec<f64> = (0..x.len())
        .map(|column| rows.iter().map(|(_, row)| row[column]).sum::<f64>() / rows.len().max(1) as f64)
        .collect();
    let less_mean: Vec<Vec<f64>> = rows
        .iter()
        .map(|(_, row)| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect())
        .collect();
    let y: Vec<f64> = rows.iter().map(|(place, _)| *place).collect();
    figure.map(&x, &y, &less_mean);
    Ok(figure)
}

/// Each metric of a sample's frames less its median, over σ of a frame in the middle.
fn metrics(results: &Results, sample: &str, along: &Abscissa) -> Figure {
    let caption = format!("{sample}: metrics of each frame less their median, in σ of one frame");
    let mut figure = Figure::new(caption, &along.title, "").width(Width::Half);
    let all: Vec<(String, Vec<[f64; 3]>)> = SHOWN
        .iter()
        .map(|metric| (metric.title(), metric.of_frames(results, sample, along)))
        .filter(|(_, points)| points.len() >= LEAST_FRAMES)
        .collect();
    let mut x: Vec<f64> = all.iter().flat_map(|(_, points)| points.iter().map(|point| point[0])).collect();
    x.sort_by(f64::total_cmp);
    x.dedup();
    if x.len() < LEAST_FRAMES {
        return figure;
    }
    let group = x.len().div_ceil(MOST[1]);
    let row = |points: &[[f64; 3]]| {
        let column = |k: usize| points.iter().map(|point| point[k]).collect::<Vec<f64>>();
        let (middle, sigma) = (median(&column(1)), median(&column(2)));
        let by_place: HashMap<u64, f64> =
            points.iter().map(|[x, value, _]| (x.to_bits(), (value - middle) / sigma)).collect();
        let values: Vec<f64> =
            x.iter().map(|x| by_place.get(&x.to_bits()).copied().unwrap_or(f64::NAN)).collect();
        means(&values, group)
    };
    let values: Vec<Vec<f64>> = all.iter().map(|(_, points)| row(points)).collect();
    let names = all.into_iter().map(|(title, _)| title).collect();
    figure.named_map(&means(&x, group), names, values);
    figure
}

/// Means of groups of neighbours.
fn means(values: &[f64], group: usize) -> Vec<f64> {
    values.chunks(group).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}
