//! The picture of a cake: I in colours on a logarithmic scale, χ against the radial axis.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::prelude::*;

use super::picture::{PictureError, UNITS, in_pixels, radial_label};
use crate::integrate::Cake;

/// Width and height in pixels.
const SIZE: (u32, u32) = (980, 520);
/// Of the scale of colours, with its numbers.
const SCALE_WIDTH: u32 = 130;

/// Most cells of a picture along each axis: neighbours are averaged where there are more.
const MOST_CELLS: usize = 1440;

/// Parts of the cells that are darker than the scale's lower end, and brighter than its upper one.
const BEYOND: [f64; 2] = [0.005, 0.0005];

/// viridis at every eighth (van der Walt & Smith, CC0): equal steps look equal, to the colour-blind too.
const COLOURS: [[f64; 3]; 9] = [
    [68.0, 1.0, 84.0],
    [71.0, 44.0, 122.0],
    [59.0, 81.0, 139.0],
    [44.0, 113.0, 142.0],
    [33.0, 144.0, 141.0],
    [39.0, 173.0, 129.0],
    [92.0, 200.0, 99.0],
    [170.0, 220.0, 50.0],
    [253.0, 231.0, 37.0],
];

/// Draws a cake; cells without pixels, or without a positive intensity, are left white.
///
/// # Errors
/// What the drawing library says.
pub fn cake_svg(cake: &Cake) -> Result<String, PictureError> {
    let map = Map::of(cake);
    let limits = map.limits();
    let mut svg = String::new();
    let (map_area, scale_area);
    {
        let root = SVGBackend::with_string(&mut svg, (SIZE.0 * UNITS, SIZE.1 * UNITS)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let (left, right) = root.split_horizontally((SIZE.0 - SCALE_WIDTH) * UNITS);
        let ends = |values: &[f64]| match values {
            [first, .., last] => {
                let half = 0.5 * (last - first) / (values.len() - 1) as f64;
                first - half..last + half
            }
            [only] => only - 0.5..only + 0.5,
            [] => 0.0..1.0,
        };
        let mut chart = ChartBuilder::on(&left)
            .margin(12 * UNITS)
            .x_label_area_size(42 * UNITS)
            .y_label_area_size(64 * UNITS)
            .build_cartesian_2d(ends(&cake.radial), -180.0..180.0)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(BLACK.stroke_width(UNITS))
            .set_all_tick_mark_size(5 * UNITS)
            .x_desc(radial_label(cake.unit))
            .y_desc("χ (degrees)")
            .y_labels(9)
            .label_style(("sans-serif", 14 * UNITS))
            .axis_desc_style(("sans-serif", 16 * UNITS))
            .draw()
            .map_err(failed)?;
        map_area = chart.plotting_area().get_pixel_range();
        let mut scale = ChartBuilder::on(&right)
            .margin(12 * UNITS)
            .margin_bottom(54 * UNITS)
            .y_label_area_size(84 * UNITS)
            .build_cartesian_2d(0.0..1.0, (limits[0]..limits[1]).log_scale())
            .map_err(failed)?;
        scale
            .configure_mesh()
            .disable_mesh()
            .disable_x_axis()
            .axis_style(BLACK.stroke_width(UNITS))
            .set_all_tick_mark_size(5 * UNITS)
            .y_desc("I")
            .y_label_formatter(&|value| format!("{value:.3e}"))
            .label_style(("sans-serif", 14 * UNITS))
            .axis_desc_style(("sans-serif", 16 * UNITS))
            .draw()
            .map_err(failed)?;
        scale_area = scale.plotting_area().get_pixel_range();
        root.present().map_err(failed)?;
    }
    let colours: Vec<f64> = (0..256).rev().map(|step| f64::from(step) / 255.0).collect();
    let pictures =
        [embedded(&map.shares(limits), map.width, &map_area)?, embedded(&colours, 1, &scale_area)?];
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    svg.insert_str(end, &pictures.concat());
    Ok(in_pixels(&svg, SIZE))
}

/// I in rows from χ = 180° down.
struct Map {
    width: usize,
    intensity: Vec<f64>,
}

impl Map {
    fn of(cake: &Cake) -> Map {
        let (rows, columns) = (cake.azimuth_deg.len(), cake.radial.len());
        let (tall, wide) = (rows.div_ceil(MOST_CELLS).max(1), columns.div_ceil(MOST_CELLS).max(1));
        let mean = |row: usize, column: usize| {
            let (mut sum, mut norm) = (0.0, 0.0);
            for r in row * tall..rows.min((row + 1) * tall) {
                for cell in (column * wide..columns.min((column + 1) * wide)).map(|c| r * columns + c) {
                    if cake.intensity[cell].is_finite() {
                        sum += cake.intensity[cell] * cake.norm[cell];
                        norm += cake.norm[cell];
                    }
                }
            }
            sum / norm
        };
        let width = columns.div_ceil(wide);
        let cells =
            (0..rows.div_ceil(tall)).rev().flat_map(|row| (0..width).map(move |column| (row, column)));
        Map { width, intensity: cells.map(|(row, column)| mean(row, column)).collect() }
    }

    /// The ends of the scale; never equal.
    fn limits(&self) -> [f64; 2] {
        let mut positive: Vec<f64> = self.intensity.iter().copied().filter(|i| *i > 0.0).collect();
        if positive.is_empty() {
            return [0.1, 1.0];
        }
        positive.sort_unstable_by(f64::total_cmp);
        let last = (positive.len() - 1) as f64;
        let low = positive[(BEYOND[0] * last) as usize];
        let high = positive[((1.0 - BEYOND[1]) * last).ceil() as usize];
        if high > 1.01 * low { [low, high] } else { [0.9 * low, 1.1 * high] }
    }

    /// Where each cell stands on the scale, 0 to 1; NaN where it has no colour.
    fn shares(&self, [low, high]: [f64; 2]) -> Vec<f64> {
        let share =
            |i: &f64| if *i > 0.0 { ((i / low).ln() / (high / low).ln()).clamp(0.0, 1.0) } else { f64::NAN };
        self.intensity.iter().map(share).collect()
    }
}

/// Numbers of 0 to 1 as a coloured picture over an area.
fn embedded(
    shares: &[f64],
    width: usize,
    (x, y): &(std::ops::Range<i32>, std::ops::Range<i32>),
) -> Result<String, PictureError> {
    let pixels: Vec<u8> = shares.iter().flat_map(|share| colour(*share)).collect();
    let mut png = Vec::new();
    let height = shares.len() / width.max(1);
    PngEncoder::new(&mut png)
        .write_image(&pixels, width as u32, height as u32, ExtendedColorType::Rgba8)
        .map_err(failed)?;
    Ok(format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>\n",
        x.start,
        y.start,
        x.end - x.start,
        y.end - y.start,
        STANDARD.encode(&png)
    ))
}

fn colour(share: f64) -> [u8; 4] {
    if !share.is_finite() {
        return [255, 255, 255, 0];
    }
    let place = share * (COLOURS.len() - 1) as f64;
    let below = (place as usize).min(COLOURS.len() - 2);
    let part = place - below as f64;
    let mix = |i: usize| ((1.0 - part) * COLOURS[below][i] + part * COLOURS[below + 1][i]).round() as u8;
    [mix(0), mix(1), mix(2), 255]
}

fn failed(error: impl std::fmt::Display) -> PictureError {
    PictureError::new("cake.svg", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::RadialUnit;

    fn cake(intensity: Vec<f64>) -> Cake {
        Cake {
            azimuth_deg: vec![-90.0, 90.0],
            unit: RadialUnit::QInvAngstrom,
            radial: vec![1.0, 2.0, 3.0],
            sigma: vec![1.0; 6],
            norm: vec![1.0; 6],
            intensity,
        }
    }

    #[test]
    fn the_picture_has_axes_and_both_maps() {
        let svg = cake_svg(&cake(vec![1.0, 10.0, 100.0, f64::NAN, -1.0, 1000.0])).unwrap();
        assert_eq!(svg.matches("data:image/png;base64,").count(), 2);
        assert!(svg.contains("χ (degrees)") && svg.contains("Q (1/Å)") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn upper_rows_are_large_azimuths_and_the_scale_is_logarithmic() {
        let map = Map::of(&cake(vec![1.0, 10.0, 100.0, f64::NAN, -1.0, 1000.0]));
        let shares = map.shares([1.0, 100.0]);
        assert!(shares[0].is_nan() && shares[1].is_nan());
        assert_eq!(shares[2..], [1.0, 0.0, 0.5, 1.0]);
        assert_eq!(
            [colour(0.0), colour(1.0), colour(f64::NAN)],
            [[68, 1, 84, 255], [253, 231, 37, 255], [255, 255, 255, 0]]
        );
    }

    #[test]
    fn a_cake_without_light_is_drawn_too() {
        assert!(cake_svg(&cake(vec![f64::NAN; 6])).is_ok());
        assert!(cake_svg(&cake(vec![2.0; 6])).is_ok());
    }
}
