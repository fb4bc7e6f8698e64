//! A frame of the series as it is used: what is masked, where the radial axis lies, which sectors are taken.

use std::fmt::Write;

use super::detector_image::{cells, picture, polyline, ring_arcs, spokes};
use super::picture::radial_label;
use super::{PictureError, escaped};
use crate::frame::{Frame, Mask};
use crate::geometry::Geometry;
use crate::grid::Bins;
use crate::integrate::{Azimuth, Fold, RadialUnit, Region};
use crate::units::two_theta_rad;

/// Longer side of the frame, and the margin around it, units of the picture.
const SIDE: f64 = 820.0;
const MARGIN: f64 = 40.0;
/// Rings that are drawn, about.
const RINGS: f64 = 5.0;
/// Okabe & Ito (2008), as in the curves.
const RING: &str = "#D55E00";
const SECTORS: [&str; 6] = ["#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C"];
/// More sectors than this are a cake.
const MOST_SECTORS: usize = 12;

/// What a run does with each frame, apart from counting.
#[derive(Debug, Clone, Copy)]
pub struct FrameView<'a> {
    /// Where the detector is.
    pub geometry: &'a Geometry,
    /// What is left out.
    pub mask: &'a Mask,
    /// The radial axis.
    pub unit: RadialUnit,
    /// Its bins.
    pub bins: Bins,
    /// The ring and the sectors.
    pub regions: &'a [Region],
}

/// Draws a frame; masked pixels are white.
///
/// # Errors
/// The frame cannot be packed as PNG.
pub fn frame_svg(name: &str, frame: &Frame, view: &FrameView<'_>) -> Result<String, PictureError> {
    let counts = frame.counts.to_f32();
    let good = |i: usize| !view.mask.bad[i] && counts[i].is_finite() && counts[i] >= 0.0;
    let (rows, columns) = (frame.shape.rows as f64, frame.shape.columns as f64);
    let scale = SIDE / rows.max(columns);
    let [across, down] = [columns * scale, rows * scale];
    let [width, height] = [across + 2.0 * MARGIN, down + 2.0 * MARGIN];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let (cells, size) = cells(frame, &counts, &good, SIDE as usize);
    picture(&mut svg, &cells, size, [MARGIN, MARGIN], [across, down])?;
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\">{}; {} of its pixels are masked (white)</text>",
        MARGIN - 12.0,
        escaped(name),
        view.mask.count_bad()
    );
    rings(&mut svg, view, scale);
    sectors(&mut svg, view, scale, height);
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// 2θ in rad of a value of the radial axis; `None` where no ray has it.
fn two_theta(view: &FrameView<'_>, value: f64) -> Option<f64> {
    let wavelength = view.geometry.poni.wavelength_angstrom;
    let angle = match view.unit {
        RadialUnit::QInvAngstrom => two_theta_rad(value, wavelength),
        RadialUnit::TwoThetaDeg => value.to_radians(),
        RadialUnit::DAngstrom => two_theta_rad(std::f64::consts::TAU / value, wavelength),
    };
    (angle.is_finite() && angle > 0.0).then_some(angle)
}

/// First and last value of the radial axis.
fn ends(view: &FrameView<'_>) -> [f64; 2] {
    [view.bins.lower, view.bins.upper]
}

/// Rings at round values.
fn rings(svg: &mut String, view: &FrameView<'_>, scale: f64) {
    let [low, high] = ends(view);
    let rough = (high - low) / RINGS;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|part| part * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut value = (low / step).ceil() * step;
    while value <= high {
        if let Some(angle) = two_theta(view, value) {
            let arcs = ring_arcs(view.geometry, angle);
            arcs.iter().for_each(|part| polyline(svg, part, [MARGIN, MARGIN], scale, RING, 1.0));
            let longest = arcs.iter().max_by_key(|part| part.len());
            if let Some([column, row]) = longest.and_then(|part| part.get(part.len() / 3)) {
                let [x, y] = [MARGIN + column * scale, MARGIN + row * scale];
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{RING}\" stroke=\"white\" stroke-width=\"3\" \
                     paint-order=\"stroke\">{}</text>",
                    (value / step).round() * step
                );
            }
        }
        value += step;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\" fill=\"{RING}\">rings: {}</text>",
        view.geometry.detector.shape.rows as f64 * scale + MARGIN + 24.0,
        radial_label(view.unit)
    );
}

/// Edges of each sector, in its colour.
fn sectors(svg: &mut String, view: &FrameView<'_>, scale: f64, height: f64) {
    let [first, last] = ends(view).map(|value| two_theta(view, value).unwrap_or(0.0));
    let (low, high) = (first.min(last), first.max(last));
    let mut label = MARGIN + 140.0;
    let named = view.regions.iter().filter_map(|region| match region.azimuth {
        Azimuth::Ring => None,
        Azimuth::Sector { centre_deg, width_deg, fold } => Some((&region.name, centre_deg, width_deg, fold)),
    });
    for (index, (name, centre_deg, width_deg, fold)) in named.take(MOST_SECTORS).enumerate() {
        let colour = SECTORS[index % SECTORS.len()];
        let centres: &[f64] = match fold {
            Fold::Single => &[0.0],
            Fold::WithOpposite => &[0.0, 180.0],
        };
        for turn in centres {
            for edge in [-0.5, 0.5] {
                let chi_rad = (centre_deg + turn + edge * width_deg).to_radians();
                for part in spokes(view.geometry, chi_rad, [low, high]) {
                    polyline(svg, &part, [MARGIN, MARGIN], scale, colour, 1.6);
                }
            }
        }
        let _ = writeln!(
            svg,
            "<text x=\"{label:.0}\" y=\"{:.0}\" fill=\"{colour}\">{}</text>",
            height - MARGIN + 24.0,
            escaped(name)
        );
        label += 14.0 + 9.0 * name.chars().count() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DemoDetector, demo_twin};
    use crate::frame::{Counts, FrameHeader};
    use crate::integrate::RING;

    #[test]
    fn the_picture_has_rings_in_the_axis_unit_and_the_sectors() {
        let folder = tempfile::tempdir().unwrap();
        let geometry =
            demo_twin(DemoDetector::Pilatus300k, folder.path(), &[]).unwrap().twin.geometry().clone();
        let shape = geometry.detector.shape;
        let counts = Counts::I32((0..shape.pixels()).map(|i| (i % 100) as i32).collect());
        let frame = Frame { shape, counts, header: FrameHeader::default() };
        let mask = Mask { shape, bad: geometry.detector.gap_mask() };
        let azimuth = Azimuth::Sector { centre_deg: 0.0, width_deg: 10.0, fold: Fold::WithOpposite };
        let regions = [
            Region { name: RING.to_owned(), azimuth: Azimuth::Ring },
            Region { name: "X<&".to_owned(), azimuth },
        ];
        let bins = Bins { lower: 0.5, upper: 20.0, count: 100 };
        let view = FrameView {
            geometry: &geometry,
            mask: &mask,
            unit: RadialUnit::QInvAngstrom,
            bins,
            regions: &regions,
        };
        let svg = frame_svg("a < b", &frame, &view).unwrap();
        assert!(
            svg.contains("Q (1/Å)")
                && svg.contains(">X&lt;&amp;</text>")
                && svg.contains(">a &lt; b; ")
                && svg.contains(">5</text>"),
            "{svg}"
        );
        assert!(svg.matches("<polyline").count() >= 4, "{svg}");
        assert!(svg.contains(&format!("{} of its pixels", mask.count_bad())));
    }
}
