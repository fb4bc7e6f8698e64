//! A calibration as a picture: the frame with the predicted rings, the cake with straight lines, what is left against χ.

use std::f64::consts::PI;
use std::fmt::Write;
use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};

use super::PictureError;
use crate::frame::{Frame, Mask};
use crate::geometry::calibrate::CalibratedFrame;
use crate::geometry::{Direction, Geometry};

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
    let step = (rows.max(columns)).div_ceil(SIDE as usize).max(1);
    let mut cells = Vec::new();
    for top in (0..rows).step_by(step) {
        for left in (0..columns).step_by(step) {
            let pixels = (top..(top + step).min(rows))
                .flat_map(|row| (left..(left + step).min(columns)).map(move |column| row * columns + column));
            cells.push(mean(pixels.filter(|i| good(*i)).map(|i| counts[i])));
        }
    }
    let size = [columns.div_ceil(step), rows.div_ceil(step)];
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
        for part in arcs(&found.geometry, ring.two_theta_deg.to_radians(), [columns as f64, rows as f64]) {
            let points: Vec<String> =
                part.iter().map(|[c, r]| format!("{:.1},{:.1}", x + c * scale, y + r * scale)).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{RING}\" stroke-width=\"0.6\"/>",
                points.join(" ")
            );
        }
    }
    Ok(())
}

/// Parts of a ring on the array: [column, row] along each.
fn arcs(geometry: &Geometry, two_theta_rad: f64, size: [f64; 2]) -> Vec<Vec<[f64; 2]>> {
    let lab = geometry.lab_frame();
    let mut parts: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
    for step in 0..=720 {
        let chi_rad = PI * (f64::from(step) / 360.0 - 1.0);
        let at = lab.meets(Direction { two_theta_rad, chi_rad }).map(|point| geometry.detector.pixel(point));
        let inside = at.filter(|[r, c]| (0.0..size[1]).contains(r) && (0.0..size[0]).contains(c));
        match (inside, parts.last_mut()) {
            (Some([row, column]), Some(part)) => part.push([column, row]),
            (None, Some(part)) if !part.is_empty() => parts.push(Vec::new()),
            (_, _) => {}
        }
    }
    parts.retain(|part| part.len() > 1);
    parts
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
    for point in &found.points {
        let at = x + width * (point.chi_deg + 180.0) / 360.0;
        let up = y + 0.5 * LOW * (1.0 - (point.off_px / limit).clamp(-1.0, 1.0));
        let colour = if point.kept { KEPT } else { LEFT_OUT };
        let _ = writeln!(svg, "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"1.6\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\">found less predicted across the ring against χ (−180° to 180°), ± {limit:.3} pixels; \
         purple: left out</text>",
        y - 10.0
    );
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

/// Cells as grey levels of √counts from their 5 % to their 99.5 % quantile, dark where much; what is missing is white.
fn picture(
    svg: &mut String,
    cells: &[Option<f32>],
    [width, height]: [usize; 2],
    [x, y]: [f64; 2],
    [across, down]: [f64; 2],
) -> Result<(), PictureError> {
    let mut levels: Vec<f32> = cells.iter().flatten().map(|value| value.sqrt()).collect();
    levels.sort_by(f32::total_cmp);
    let at = |share: f64| levels.get((share * levels.len() as f64) as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(0.05), at(0.995).max(at(0.05) + 1e-6));
    let grey = |cell: Option<f32>| {
        cell.map_or(255, |value| 255 - (255.0 * ((value.sqrt() - low) / (high - low)).clamp(0.0, 1.0)) as u8)
    };
    let image = GrayImage::from_fn(width as u32, height as u32, |column, row| {
        Luma([grey(cells[row as usize * width + column as usize])])
    });
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| PictureError::new("calibration.svg", error))?;
    let _ = writeln!(
        svg,
        "<image x=\"{x}\" y=\"{y}\" width=\"{across:.1}\" height=\"{down:.1}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
        base64(png.get_ref())
    );
    Ok(())
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for k in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * k) & 63) as usize];
            text.push(if k <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_the_standard() {
        // Test vectors of RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
