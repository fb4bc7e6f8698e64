//! Figures: what all of them share, and how they stand in the page.

use plotly::common::{
    ColorScale, ColorScaleElement, DashType, ErrorData, ErrorType, Fill, Line, Marker, Mode,
};
use plotly::layout::Axis;
use plotly::{HeatMap, Layout, Plot, Scatter};
use serde::Serialize;

use super::results::Curve;

/// Okabe & Ito (2008), without black: distinct to the colour-blind, on white and on dark.
const PALETTE: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C"];

/// Colour number `index`.
pub(super) fn colour(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}

/// How the line number `index` is drawn: beyond the seventh with dashes.
fn line(index: usize) -> Line {
    let dash = match index / PALETTE.len() {
        0 => DashType::Solid,
        1 => DashType::Dash,
        2 => DashType::Dot,
        _ => DashType::DashDot,
    };
    Line::new().color(colour(index)).width(1.6).dash(dash)
}

/// Which figures zoom along x together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// With no other.
    Alone,
    /// All along Q.
    Q,
    /// All along r.
    R,
}

/// How wide a figure stands in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Full,
    Half,
    Third,
}

/// A plot with its caption.
pub(super) struct Figure {
    pub(super) caption: String,
    pub(super) width: Width,
    pub(super) link: Link,
    x_title: String,
    y_title: String,
    plot: Plot,
}

impl Figure {
    pub(super) fn new(caption: impl Into<String>, x_title: &str, y_title: &str) -> Figure {
        let mut plot = Plot::new();
        plot.set_layout(Layout::new().x_axis(Axis::new().title(x_title)).y_axis(Axis::new().title(y_title)));
        let (x_title, y_title) = (x_title.to_owned(), y_title.to_owned());
        Figure { caption: caption.into(), width: Width::Full, link: Link::Alone, x_title, y_title, plot }
    }

    pub(super) fn width(mut self, width: Width) -> Figure {
        self.width = width;
        self
    }

    pub(super) fn link(mut self, link: Link) -> Figure {
        self.link = link;
        self
    }

    /// Shows x from `low` to `high` first.
    pub(super) fn range(mut self, low: f64, high: f64) -> Figure {
        let x = Axis::new().title(self.x_title.as_str()).range(vec![low, high]);
        let y = Axis::new().title(self.y_title.as_str());
        self.plot.set_layout(Layout::new().x_axis(x).y_axis(y));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plot.data().is_empty()
    }

    /// A curve as line number `index`.
    pub(super) fn curve(&mut self, name: &str, curve: &Curve, index: usize) {
        let trace =
            Scatter::new(rounded(&curve.x), rounded(&curve.y)).name(name).mode(Mode::Lines).line(line(index));
        self.plot.add_trace(trace);
    }

    /// ± `half_width` around 0 as a grey band.
    pub(super) fn band(&mut self, name: &str, x: &[f64], half_width: &[f64]) {
        let there_and_back = x.iter().chain(x.iter().rev()).copied().collect::<Vec<_>>();
        let upper = half_width.iter().copied();
        let lower = half_width.iter().rev().map(|width| -width);
        let trace = Scatter::new(rounded(&there_and_back), rounded(&upper.chain(lower).collect::<Vec<_>>()))
            .name(name)
            .mode(Mode::Lines)
            .line(Line::new().width(0.0))
            .fill(Fill::ToSelf)
            .fill_color("rgba(140,140,140,0.3)");
        self.plot.add_trace(trace);
    }

    /// Points with bars of ±σ over names.
    pub(super) fn points(&mut self, name: &str, x: Vec<String>, y: &[f64], sigma: &[f64], index: usize) {
        let trace = Scatter::new(x, rounded(y))
            .name(name)
            .mode(Mode::Markers)
            .marker(Marker::new().color(colour(index)).size(9))
            .error_y(ErrorData::new(ErrorType::Data).array(rounded(sigma)));
        self.plot.add_trace(trace);
    }

    /// Points with bars of ±σ, joined.
    pub(super) fn track(&mut self, name: &str, x: &[f64], y: &[f64], sigma: &[f64], index: usize) {
        let trace = Scatter::new(rounded(x), rounded(y))
            .name(name)
            .mode(Mode::LinesMarkers)
            .line(line(index))
            .error_y(ErrorData::new(ErrorType::Data).array(rounded(sigma)));
        self.plot.add_trace(trace);
    }

    /// Rows of differences over x, from the bottom up, each at its y.
    pub(super) fn map(&mut self, x: &[f64], y: &[f64], differences: &[Vec<f64>]) {
        self.add_map(x, rounded(y), differences);
    }

    /// Rows of differences over x, from the top down, each with its name.
    pub(super) fn named_map(&mut self, x: &[f64], mut rows: Vec<String>, mut differences: Vec<Vec<f64>>) {
        rows.reverse();
        differences.reverse();
        self.add_map(x, rows, &differences);
    }

    /// White where there is no difference; as much of either sign is equally dark.
    fn add_map<Y: Serialize + Clone + 'static>(&mut self, x: &[f64], y: Vec<Y>, differences: &[Vec<f64>]) {
        let z: Vec<Vec<f64>> = differences.iter().map(|row| rounded(row)).collect();
        let largest = z.iter().flatten().map(|value| value.abs()).fold(0.0, f64::max);
        let map = HeatMap::new(rounded(x), y, z).zmin(-largest).zmax(largest).color_scale(less_and_more());
        self.plot.add_trace(map);
    }

    /// For a script of the page: no tag ends inside it.
    pub(super) fn json(&self) -> String {
        self.plot.to_json().replace("</", "<\\/")
    }
}

fn less_and_more() -> ColorScale {
    let colours = [(0.0, PALETTE[0]), (0.5, "#FFFFFF"), (1.0, PALETTE[1])];
    ColorScale::Vector(colours.map(|(at, colour)| ColorScaleElement(at, colour.to_owned())).to_vec())
}

/// Six digits: as many as a plot can show.
fn rounded(values: &[f64]) -> Vec<f64> {
    let six = |value: &f64| {
        if value.is_finite() { format!("{value:.5e}").parse().unwrap_or(*value) } else { f64::NAN }
    };
    values.iter().map(six).collect()
}
