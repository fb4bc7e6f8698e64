//! A calibration as a picture: the frame with the predicted rings, the cake with straight lines, what is left against χ.

use std::f64::consts::PI;
use std::fmt::Write;

use super::PictureError;
use super::detector_image::{cells, picture, polyline, ring_arcs};
use crate::frame::{Frame, Mask};
use crate::geometry::calibrate::CalibratedFrame;

/// Side of the frame's panel and of the cake's, units of the picture.
const SIDE: f64 = 620.0;
/// Height of the panel of residuals, and the margin around panels.
const LOW: f64 = 240.0;
const MARGIN: f64 = 50.0;
/// Bins of the cake.
const CAKE: [usize; 2] = [360, 620];
/// Colours of rings and points: Okabe & Ito (2008).
const RING: &str = "#D55E00";
const KEPT: &str = "#0072B2";
const LEFT_OUT: &str = "#CC79A7";

/// Draws one frame of a calibration.
///
/// # Errors
/// The frame cannot be packed as PNG.
pub fn calibration_svg(frame: &Frame, mask: &Mask, found: &CalibratedFrame) -> Result<String, PictureError> {
    let counts = frame.counts.to_f32();
    let good = |i: usize| !mask.bad[i] && counts[i].is_finite() && counts[i] >= 0.0;
    let [width, height] = [2.0 * SIDE + 3.0 * MARGIN, SIDE + LOW + 3.0 * MARGIN];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    frame_panel(&mut svg, frame, &counts, &good, found)?;
    cake_panel(&mut svg, frame, &counts, &good, found)?;
    residual_panel(&mut svg, found);
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn frame_panel(
    svg: &mut String,
    frame: &Frame,
    counts: &[f32],
    good: &dyn Fn(usize) -> bool,
    found: &CalibratedFrame,
) -> Result<(), PictureError> {
    let (rows, columns) = (frame.shape.rows, frame.shape.columns);
    let (cells, size) = cells(frame, counts, good, SIDE as usize);
    let scale = SIDE / rows.max(columns) as f64;
    let [x, y] = [MARGIN, MARGIN];
    let extent = [columns as f64 * scale, rows as f64 * scale];
    picture(svg, &cells, size, [x, y], extent)?;
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\">frame and predicted rings; the beam meets column {:.2}, row {:.2}</text>",
        y - 10.0,
        found.centre_px[0],
        found.centre_px[1]
    );
    for ring in &found.rings {
        for part in ring_arcs(&found.geometry, ring.two_theta_deg.to_radians()) {
            polyline(svg, &part, [x, y], scale, RING, 0.6);
        }
    }
    Ok(())
}

fn cake_panel(
    svg: &mut String,
    frame: &Frame,
    counts: &[f32],
    good: &dyn Fn(usize) -> bool,
    found: &CalibratedFrame,
) -> Result<(), PictureError> {
    let geometry = &found.geometry;
    let lab = geometry.lab_frame();
    let last = found.rings.iter().map(|ring| ring.two_theta_deg).fold(0.0, f64::max).to_radians() * 1.05;
    let [rows, columns] = CAKE;
    let mut sums = vec![[0.0f32; 2]; rows * columns];
    for i in (0..counts.len()).filter(|i| good(*i)) {
        let (row, column) = (i / frame.shape.columns, i % frame.shape.columns);
        let [t1, t2, t3] = lab.ray(geometry.detector.point(row as f64 + 0.5, column as f64 + 0.5));
        let across = t1.hypot(t2).atan2(t3) / last * columns as f64;
        if across < columns as f64 {
            let around = ((t1.atan2(t2) + PI) / (2.0 * PI) * rows as f64) as usize;
            let sum = &mut sums[around.min(rows - 1) * columns + across as usize];
            *sum = [sum[0] + counts[i], sum[1] + 1.0];
        }
    }
    let cells: Vec<Option<f32>> = sums.iter().map(|[sum, n]| (*n > 0.0).then(|| sum / n)).collect();
    let [x, y] = [2.0 * MARGIN + SIDE, MARGIN];
    picture(svg, &cells, [columns, rows], [x, y], [SIDE, SIDE])?;
    for ring in &found.rings {
        let at = x + SIDE * ring.two_theta_deg.to_radians() / last;
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.2}\" x2=\"{at:.2}\" y1=\"{y}\" y2=\"{}\" stroke=\"{RING}\" stroke-width=\"0.5\" stroke-dasharray=\"4 8\"/>",
            y + SIDE
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\">cake: 2θ from 0 to {:.2}° (right), χ from −180° to 180° (down)</text>",
        y - 10.0,
        last.to_degrees()
    );
    Ok(())
}

fn residual_panel(svg: &mut String, found: &CalibratedFrame) {
    let [x, y, width] = [MARGIN, 2.0 * MARGIN + SIDE, 2.0 * SIDE + MARGIN];
    let mut sizes: Vec<f64> = found.points.iter().filter(|p| p.kept).map(|p| p.off_px.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let limit = sizes.last().copied().unwrap_or(1.0).max(1e-3) * 1.2;
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{LOW}\" fill=\"none\" stroke=\"black\"/>"
    );
    let _ = writeln!(
        svg,
        "<line x1=\"{x}\" x2=\"{}\" y1=\"{m}\" y2=\"{m}\" stroke=\"gray\"/>",
        x + width,
        m = y + 0.5 * LOW
    );
    for (chi_deg, anchor) in [(-180, "start"), (-90, "middle"), (0, "middle"), (90, "middle"), (180, "end")] {
        let (at, low) = (x + width * f64::from(chi_deg + 180) / 360.0, y + LOW);
        let _ = writeln!(
            svg,
            "<line x1=\"{at}\" x2=\"{at}\" y1=\"{low}\" y2=\"{}\" stroke=\"black\"/>\
             <text x=\"{at}\" y=\"{}\" text-anchor=\"{anchor}\">{chi_deg}°</text>",
            low + 5.0,
            low + 20.0
        );
    }
    for (off_px, down) in [(limit, 0.0), (0.0, 0.5 * LOW), (-limit, LOW)] {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"11\">{off_px:.2}</text>",
            x - 5.0,
            y + down + 4.0
        );
    }
    for point in &found.points {
        let at = x + width * (point.chi_deg + 180.0) / 360.0;
        let up = y + 0.5 * LOW * (1.0 - (point.off_px / limit).clamp(-1.0, 1.0));
        let colour = if point.kept { KEPT } else { LEFT_OUT };
        let _ = writeln!(svg, "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"1.6\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\">found less predicted across the ring in pixels, against χ; \
         purple: left out</text>",
        y - 10.0
    );
}
