//! A frame as a picture: its pixels in grey, and lines of the geometry over it.

use std::f64::consts::PI;
use std::fmt::Write;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageFormat, Luma};

use super::PictureError;
use crate::frame::Frame;
use crate::geometry::{Direction, Geometry};

/// Means of squares of pixels such that the longer side has at most `side`, and their numbers of columns and rows.
pub(super) fn cells(
    frame: &Frame,
    counts: &[f32],
    good: &dyn Fn(usize) -> bool,
    side: usize,
) -> (Vec<Option<f32>>, [usize; 2]) {
    let (rows, columns) = (frame.shape.rows, frame.shape.columns);
    let step = (rows.max(columns)).div_ceil(side).max(1);
    let mut cells = Vec::new();
    for top in (0..rows).step_by(step) {
        for left in (0..columns).step_by(step) {
            let pixels = (top..(top + step).min(rows))
                .flat_map(|row| (left..(left + step).min(columns)).map(move |column| row * columns + column));
            cells.push(mean_of(pixels.filter(|i| good(*i)).map(|i| counts[i])));
        }
    }
    (cells, [columns.div_ceil(step), rows.div_ceil(step)])
}

/// A line through [column, row], where the picture begins at `origin` and a pixel has the size `scale`.
pub(super) fn polyline(
    svg: &mut String,
    points: &[[f64; 2]],
    [x, y]: [f64; 2],
    scale: f64,
    colour: &str,
    width: f64,
) {
    let points: Vec<String> =
        points.iter().map(|[c, r]| format!("{:.1},{:.1}", x + c * scale, y + r * scale)).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
        points.join(" ")
    );
}

/// Parts of the ring at 2θ that are on the detector: [column, row] along each.
pub(super) fn ring_arcs(geometry: &Geometry, two_theta_rad: f64) -> Vec<Vec<[f64; 2]>> {
    let around = (0..=720).map(|step| PI * (f64::from(step) / 360.0 - 1.0));
    parts(geometry, around.map(|chi_rad| Direction { two_theta_rad, chi_rad }))
}

/// Parts of the line of constant χ between two angles 2θ that are on the detector.
pub(super) fn spokes(geometry: &Geometry, chi_rad: f64, [from, to]: [f64; 2]) -> Vec<Vec<[f64; 2]>> {
    let along = (0..=100).map(|step| from + (to - from) * f64::from(step) / 100.0);
    parts(geometry, along.map(|two_theta_rad| Direction { two_theta_rad, chi_rad }))
}

/// Where the directions meet the detector, cut where they miss it.
fn parts(geometry: &Geometry, directions: impl Iterator<Item = Direction>) -> Vec<Vec<[f64; 2]>> {
    let lab = geometry.lab_frame();
    let size = [geometry.detector.shape.columns as f64, geometry.detector.shape.rows as f64];
    let mut parts: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
    for direction in directions {
        let at = lab.meets(direction).map(|point| geometry.detector.pixel(point));
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

/// Mean; none of nothing.
fn mean_of(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

/// Cells as grey levels of √counts from their 5 % to their 99.5 % quantile, dark where much; what is missing is white.
pub(super) fn picture(
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
        .map_err(|error| PictureError::new("picture of a frame", error))?;
    let _ = writeln!(
        svg,
        "<image x=\"{x}\" y=\"{y}\" width=\"{across:.1}\" height=\"{down:.1}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
        STANDARD.encode(png.get_ref())
    );
    Ok(())
}
