//! The metrics of peaks: a table of all samples, each metric across the samples, and frame by frame.

use std::fmt::Write;

use super::ReportError;
use super::abscissa::Abscissa;
use super::figure::{Figure, Link, Width, colour};
use super::page::{Section, measured};
use super::results::{Curve, Kind, Results};
use super::table::{Row, Value};
use crate::integrate::RING;
use crate::peaks;
use crate::report::escaped;
use crate::series::Metric;

/// A number of one peak, as the page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    peak: &'static str,
    curve: peaks::Curve,
    metric: Metric,
}

const fn of_s(peak: &'static str, metric: Metric) -> Shown {
    Shown { peak, curve: peaks::Curve::StructureFactor, metric }
}

const fn of_g(peak: &'static str, metric: Metric) -> Shown {
    Shown { peak, curve: peaks::Curve::Pdf, metric }
}

const Q1_POSITION: Shown = of_s("q1", Metric::Position);
const Q1_HEIGHT: Shown = of_s("q1", Metric::Height);
const Q1_WIDTH: Shown = of_s("q1", Metric::Fwhm);
const R1_POSITION: Shown = of_g("r1", Metric::Position);
const R1_HEIGHT: Shown = of_g("r1", Metric::Height);

/// What the questions of a series are asked about, in the order of the table.
pub(super) const SHOWN: [Shown; 12] = [
    Q1_POSITION,
    Q1_HEIGHT,
    Q1_WIDTH,
    of_s("q2", Metric::Position),
    of_s("q2", Metric::Fwhm),
    R1_POSITION,
    R1_HEIGHT,
    of_g("r1", Metric::Area),
    of_g("r1", Metric::CoordinationNumber),
    of_g("r2", Metric::Height),
    of_g("r3", Metric::Height),
    of_g("r4", Metric::Height),
];

/// What is followed from frame to frame.
const FOLLOWED: [Shown; 3] = [Q1_POSITION, Q1_HEIGHT, R1_HEIGHT];
/// What is drawn against properties of the samples.
pub(super) const AGAINST_PROPERTIES: [Shown; 3] = [Q1_WIDTH, R1_POSITION, R1_HEIGHT];

/// The first section: all samples with what was found of each.
pub(super) fn overview(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("overview", "Overview");
    let shown: Vec<&Shown> = SHOWN
        .iter()
        .filter(|metric| results.samples.iter().any(|sample| metric.of_sum(results, sample).is_some()))
        .collect();
    let mut html = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>sample</th><th>frames</th><th>G(r), 2–10 Å</th>",
    );
    for metric in &shown {
        let _ = write!(html, "<th>{}</th>", escaped(&metric.title()));
    }
    html.push_str("<th>remarks</th></tr></thead><tbody>");
    for (index, sample) in results.samples.iter().enumerate() {
        let frames: Vec<_> = results.record.frames.iter().filter(|frame| frame.used_for == *sample).collect();
        let done = frames.iter().filter(|frame| frame.status == "done").count();
        let pdf = results.of_sample(sample, RING, Kind::Pdf)?;
        let _ = write!(
            html,
            "<tr><th scope=\"row\"><i class=\"dot\" style=\"background:{}\"></i>{}</th><td>{done} of {}</td><td>{}</td>",
            colour(index),
            escaped(sample),
            frames.len(),
            pdf.map(|curve| sparkline(&curve.part(2.0, 10.0), colour(index))).unwrap_or_default()
        );
        for metric in &shown {
            let cell = metric.of_sum(results, sample);
            let _ = write!(
                html,
                "<td>{}</td>",
                cell.map(|value| measured(value.value, value.sigma)).unwrap_or_default()
            );
        }
        let _ = write!(html, "<td>{}</td></tr>", remarks(results, sample));
    }
    html.push_str(
        "</tbody></table></div><p class=\"note\">± is counting and the choices of the analysis together.</p>",
    );
    section.html(html);
    Ok(section)
}

/// Warnings and failures of a sample, as flags with the words behind them.
fn remarks(results: &Results, sample: &str) -> String {
    let about = |text: &&String| {
        text.strip_prefix(sample).is_some_and(|rest| rest.starts_with(':') || rest.starts_with(','))
    };
    let failed =
        results.record.failed_samples.iter().filter(|(name, _)| name == sample).map(|(_, reason)| reason);
    let failed =
        failed.map(|reason| format!("<span class=\"flag bad\" title=\"{0}\">✕ {0}</span>", escaped(reason)));
    let warned = results.record.warnings.iter().filter(about).map(|text| {
        let text = text[sample.len()..].trim_start_matches([':', ',', ' ']);
        format!("<span class=\"flag\" title=\"{0}\">⚑ {0}</span>", escaped(text))
    });
    failed.chain(warned).collect::<Vec<_>>().join(" ")
}

/// Each metric across the samples, and from frame to frame.
pub(super) fn section(results: &Results) -> Section {
    let mut section = Section::new("metrics", "Peak metrics");
    for metric in &SHOWN {
        let mut figure = Figure::new(metric.title(), "", &metric.title()).width(Width::Third);
        for (index, sample) in results.samples.iter().enumerate() {
            let Some(value) = metric.of_sum(results, sample) else { continue };
            figure.points(sample, vec![sample.clone()], &[value.value], &[value.sigma], index);
        }
        section.figure(figure);
    }
    for abscissa in Abscissa::all(results) {
        for metric in &FOLLOWED {
            section.figure(followed(results, metric, &abscissa));
        }
    }
    section
}

/// A metric of the frames of all samples.
fn followed(results: &Results, metric: &Shown, abscissa: &Abscissa) -> Figure {
    let against = if abscissa.is_place() { String::new() } else { format!(" against {}", abscissa.title) };
    let caption =
        format!("{} of each frame{against}; bars are counting alone, outliers are not drawn", metric.title());
    let mut figure =
        Figure::new(caption, &abscissa.title, &metric.title()).width(Width::Third).link(Link::Alone);
    for (index, sample) in results.samples.iter().enumerate() {
        let points = metric.of_frames(results, sample, abscissa);
        if points.len() > 1 {
            let column = |k: usize| points.iter().map(|point| point[k]).collect::<Vec<f64>>();
            figure.track(sample, &column(0), &column(1), &column(2), index);
        }
    }
    figure
}

impl Shown {
    /// Its name and unit.
    pub(super) fn title(self) -> String {
        let name = format!("{} {}", self.peak, self.metric.word());
        self.metric.unit(self.curve).map(|unit| format!("{name} ({unit})")).unwrap_or(name)
    }

    /// Its column of `peaks.csv`.
    fn column(self) -> &'static str {
        self.metric.name(self.curve)
    }

    /// Of the ring of a sample's sum.
    pub(super) fn of_sum(&self, results: &Results, sample: &str) -> Option<Value> {
        self.rows(results, sample).find(|row| row.text("frame") == "sum")?.value(self.column())
    }

    /// Of the ring of each frame of a sample that is no outlier: where it stands, value and σ, in the order of the frames.
    pub(super) fn of_frames(&self, results: &Results, sample: &str, abscissa: &Abscissa) -> Vec<[f64; 3]> {
        let is_drawn = |name: &str| name != "sum" && !results.is_outlier(sample, name);
        let frames = self.rows(results, sample).filter(|row| is_drawn(row.text("frame")));
        let point = |row: Row<'_>| {
            let value = row.value(self.column())?;
            Some([abscissa.of(&row)?, value.value, value.sigma])
        };
        frames.filter_map(point).collect()
    }

    /// The rows of the ring, of the sum and of frames.
    fn rows<'a>(&self, results: &'a Results, sample: &str) -> impl Iterator<Item = Row<'a>> + use<'a> {
        results.peaks.rows(&[
            ("sample", sample),
            ("sector", RING),
            ("curve", self.curve.word()),
            ("peak", self.peak),
        ])
    }
}

/// A curve as a small drawing.
fn sparkline(curve: &Curve, colour: &str) -> String {
    let finite = || curve.y.iter().copied().filter(|y| y.is_finite());
    let (low, high) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let (Some(first), Some(last)) = (curve.x.first(), curve.x.last()) else { return String::new() };
    if !(high > low && last > first) {
        return String::new();
    }
    let step = curve.x.len().div_ceil(120).max(1);
    let points: Vec<String> = curve
        .x
        .iter()
        .zip(&curve.y)
        .step_by(step)
        .filter(|(_, y)| y.is_finite())
        .map(|(x, y)| {
            format!(
                "{:.1},{:.1}",
                120.0 * (x - first) / (last - first),
                27.0 - 26.0 * (y - low) / (high - low)
            )
        })
        .collect();
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 120 28\" width=\"120\" height=\"28\" aria-hidden=\"true\">\
         <polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"/></svg>",
        points.join(" ")
    )
}
