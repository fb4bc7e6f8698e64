//! The curves of a series over each other, as SVG: S(Q) and G(r), or I against the radial axis where that is all.

use plotters::prelude::*;

use crate::integrate::RadialUnit;
use crate::pipeline::{Patterns, Reduced};

/// A picture could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("{picture}: {reason}")]
pub struct PictureError {
    picture: &'static str,
    reason: String,
}

impl PictureError {
    pub(super) fn new(picture: &'static str, reason: impl std::fmt::Display) -> PictureError {
        PictureError { picture, reason: reason.to_string() }
    }
}

/// Okabe & Ito (2008): distinct to the colour-blind.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Width and height of one panel in pixels.
const PANEL: (u32, u32) = (880, 340);
/// The drawing library rounds to whole units: with this many to a pixel, lines are smooth.
pub(super) const UNITS: u32 = 8;

/// More names than this do not fit beside the curves.
const NAMED: usize = 12;

/// What is drawn of one sample.
#[derive(Debug, Clone)]
pub struct SampleCurves {
    /// Its name.
    pub sample: String,
    /// I against the radial axis.
    pub patterns: Patterns,
    /// S(Q) and G(r).
    pub reduced: Option<Reduced>,
}

/// One curve: name, x, y.
type Curve<'a> = (&'a str, &'a [f64], &'a [f64]);

/// Draws the summed samples of a series, in their order; an empty series gives an empty frame.
///
/// # Errors
/// What the drawing library says.
pub fn series_svg(curves: &[SampleCurves]) -> Result<String, PictureError> {
    let reduced: Vec<(&str, &Reduced)> =
        curves.iter().filter_map(|c| Some((c.sample.as_str(), c.reduced.as_ref()?))).collect();
    if reduced.is_empty() {
        let unit = curves.first().map_or(RadialUnit::QInvAngstrom, |c| c.patterns.measured.unit);
        let intensity = curves.iter().map(|c| {
            let pattern = &c.patterns.subtracted;
            (c.sample.as_str(), &pattern.radial[..], &pattern.intensity[..])
        });
        return draw(&[(radial_label(unit), "I", intensity.collect())]);
    }
    let s = reduced.iter().map(|(n, r)| (*n, &r.structure.q[..], &r.structure.s[..])).collect();
    let g = reduced.iter().map(|(n, r)| (*n, &r.pdf.r[..], &r.pdf.g[..])).collect();
    draw(&[("Q (1/Å)", "S(Q)", s), ("r (Å)", "G(r) (1/Å²)", g)])
}

pub(super) fn draw(panels: &[(&str, &str, Vec<Curve<'_>>)]) -> Result<String, PictureError> {
    let (width, height) = (PANEL.0, PANEL.1 * panels.len() as u32);
    let mut svg = String::new();
    {
        let size = (width * UNITS, height * UNITS);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        for (area, (x_label, y_label, curves)) in root.split_evenly((panels.len(), 1)).iter().zip(panels) {
            panel(area, x_label, y_label, curves)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(in_pixels(&svg, (width, height)))
}

/// The picture with its size in pixels; the view box keeps the units.
pub(super) fn in_pixels(svg: &str, (width, height): (u32, u32)) -> String {
    let of_units = format!("width=\"{}\" height=\"{}\"", width * UNITS, height * UNITS);
    svg.replacen(&of_units, &format!("width=\"{width}\" height=\"{height}\""), 1)
}

/// The name of a radial axis.
pub(super) fn radial_label(unit: RadialUnit) -> &'static str {
    match unit {
        RadialUnit::QInvAngstrom => "Q (1/Å)",
        RadialUnit::TwoThetaDeg => "2θ (degrees)",
        RadialUnit::DAngstrom => "d (Å)",
    }
}

fn panel<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    x_label: &str,
    y_label: &str,
    curves: &[Curve<'_>],
) -> Result<(), PictureError> {
    let x = extent(curves.iter().flat_map(|c| c.1), 0.0);
    let y = extent(curves.iter().flat_map(|c| c.2), 0.05);
    let mut chart = ChartBuilder::on(area)
        .margin(12 * UNITS)
        .margin_right(20 * UNITS)
        .x_label_area_size(42 * UNITS)
        .y_label_area_size(64 * UNITS)
        .build_cartesian_2d(x, y)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12).stroke_width(UNITS))
        .axis_style(BLACK.stroke_width(UNITS))
        .set_all_tick_mark_size(5 * UNITS)
        .x_desc(x_label)
        .y_desc(y_label)
        .label_style(("sans-serif", 14 * UNITS))
        .axis_desc_style(("sans-serif", 16 * UNITS))
        .draw()
        .map_err(failed)?;
    for (index, (name, x, y)) in curves.iter().enumerate() {
        let style = PALETTE[index % PALETTE.len()].stroke_width(3 * UNITS / 2);
        let points = x.iter().zip(*y).filter(|(_, y)| y.is_finite()).map(|(x, y)| (*x, *y));
        let drawn = chart.draw_series(LineSeries::new(points, style)).map_err(failed)?;
        let mark = move |(x, y)| PathElement::new([(x, y), (x + 18 * UNITS as i32, y)], style);
        if index < NAMED {
            drawn.label(*name).legend(mark);
        } else if index + 1 == curves.len() {
            drawn.label(format!("… and {} more", curves.len() - NAMED)).legend(mark);
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(10 * UNITS)
        .legend_area_size(24 * UNITS)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2).stroke_width(UNITS))
        .label_font(("sans-serif", 14 * UNITS))
        .draw()
        .map_err(failed)
}

/// Smallest and largest finite value, widened by a share of their distance; never empty.
fn extent<'a>(values: impl Iterator<Item = &'a f64>, margin: f64) -> std::ops::Range<f64> {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if low < high {
        let margin = margin * (high - low);
        (low - margin)..(high + margin)
    } else {
        let middle = if low.is_finite() { low } else { 0.0 };
        (middle - 1.0)..(middle + 1.0)
    }
}

fn failed(error: impl std::fmt::Display) -> PictureError {
    PictureError::new("series.svg", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::Pattern;

    fn curves(sample: &str) -> SampleCurves {
        let pattern = Pattern {
            unit: RadialUnit::TwoThetaDeg,
            radial: vec![1.0, 2.0, 3.0],
            intensity: vec![5.0, f64::NAN, 7.0],
            sigma: vec![0.1, f64::NAN, 0.2],
            sigma_as_independent: vec![0.1, f64::NAN, 0.2],
            unpolarized: vec![1.0; 3],
        };
        let patterns = Patterns { measured: pattern.clone(), subtracted: pattern };
        SampleCurves { sample: sample.into(), patterns, reduced: None }
    }

    #[test]
    fn each_sample_has_its_curve_and_name() {
        let svg = series_svg(&[curves("as-cast"), curves("aged")]).unwrap();
        assert!(svg.contains("as-cast") && svg.contains("aged") && svg.contains("2θ (degrees)"), "{svg}");
        assert_eq!(svg.matches("#0072B2").count(), 2, "a curve and its legend");
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_long_series_names_what_fits_and_counts_the_rest() {
        let names: Vec<String> = (0..40).map(|i| format!("sample-{i:02}")).collect();
        let svg = series_svg(&names.iter().map(|name| curves(name)).collect::<Vec<_>>()).unwrap();
        assert!(svg.contains("sample-11") && !svg.contains("sample-12") && svg.contains("… and 28 more"));
    }

    #[test]
    fn an_empty_series_is_drawn_too() {
        assert!(series_svg(&[]).unwrap().starts_with("<svg"));
    }
}
