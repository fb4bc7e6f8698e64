//! Which way the edges in a frame run: patches with one direction, and the crests of rings in them.
//!
//! Each patch of 8 × 8 pixels has a structure tensor Σ g gᵀ of the gradient g (Bigün & Granlund, Proc. 1st ICCV, 1987, 433);
//! where one of its eigenvalues outweighs the other, the edges have one direction, and their normal is that of a ring of
//! constant 2θ. Counts are taken as 2√(c + 3/8), whose noise is 1 everywhere (Anscombe, Biometrika 35 (1948) 246).

use rayon::prelude::*;

use super::CalibrateError;
use super::image::Image;
use crate::frame::Shape;
use crate::geometry::Detector;

/// A patch whose edges run one way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    /// Its middle on the detector (slow, fast), m.
    pub(super) point: [f64; 2],
    /// Across the edges, length 1.
    pub(super) normal: [f64; 2],
}

/// Patches and crests of a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Strokes {
    pub(super) strokes: Vec<Stroke>,
    /// Points (slow, fast) on crests, m.
    pub(super) crests: Vec<[f64; 2]>,
}

/// Side of a patch.
const PATCH: usize = 8;
/// Rings are looked for at these multiples of the pixel: sharp ones, wide ones, those of few grains.
const SCALES: [usize; 3] = [1, 3, 6];
/// Variance of a gradient component after smoothing by (1 4 6 4 1)/16 and the stencil of `gradient`, for noise of 1.
const NOISE: f32 = 0.082 * 0.236;
/// Variance of a value after the smoothing.
const SMOOTH_NOISE: f32 = 0.0748;
/// The larger eigenvalue in units of the noise's.
const STRONG: f32 = 4.0;
/// (λ1 − λ2)/(λ1 + λ2): chance alone makes about 0.35 with the dozen independent gradients of a patch.
const COHERENT: f32 = 0.55;
/// A crest rises above its surroundings by this many standard deviations.
const CREST: f32 = 4.0;
/// How far beside a crest its surroundings are, pixels.
const BESIDE: f32 = 2.0;
/// Enough of either from each scale: spots make many strokes without meaning at the finest.
const MOST: usize = 1500;
/// Fewer strokes than this have no common centre.
const FEWEST: usize = 30;

/// Strokes and crests of all scales.
///
/// # Errors
/// Hardly a patch has a direction.
pub(super) fn strokes(image: &Image, detector: &Detector) -> Result<Strokes, CalibrateError> {
    let mut found = Strokes::default();
    let mut blocks = 0;
    for scale in SCALES {
        let field = if scale == 1 { Field::new(image) } else { Field::new(&image.binned(scale)) };
        blocks += field.blocks().len();
        let parts: Vec<Strokes> = field
            .blocks()
            .into_par_iter()
            .filter_map(|corner| field.patch(corner))
            .map(|patch| field.look(&patch, scale as f64, detector))
            .collect();
        let (strokes, crests): (Vec<_>, Vec<_>) = parts.into_iter().map(|p| (p.strokes, p.crests)).unzip();
        found.strokes.extend(thinned(strokes.concat(), MOST));
        found.crests.extend(thinned(crests.concat(), MOST));
    }
    if found.strokes.len() < FEWEST {
        return Err(CalibrateError::NoRings { seen: found.strokes.len(), blocks });
    }
    Ok(found)
}

/// About `most` of the items, spread over all of them without a period that rows of patches could share.
pub(super) fn thinned<T>(items: Vec<T>, most: usize) -> Vec<T> {
    if items.len() <= most {
        return items;
    }
    let share = most as f64 / items.len() as f64;
    // Multiples of the golden ratio modulo 1 are equally spread, and have no period.
    let chosen = |i: usize| (i as f64 * 0.618_033_988_749_895).fract() < share;
    items.into_iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, item)| item).collect()
}

/// A smoothed frame.
struct Field {
    shape: Shape,
    smooth: Vec<f32>,
    /// Whether nothing within three pixels is left out.
    clear: Vec<bool>,
}

/// A patch with a direction, in the pixels of its field.
struct Patch {
    corner: [usize; 2],
    /// (row, column), length 1.
    normal: [f32; 2],
}

impl Field {
    fn new(image: &Image) -> Field {
        let shape = image.shape;
        let root: Vec<f32> = image.counts.iter().map(|c| 2.0 * (c + 0.375).sqrt()).collect();
        let rows = along(&root, shape.columns, 1, smooth5);
        let smooth = along(&rows, shape.columns, shape.columns, smooth5);
        let good: Vec<f32> = image.good.iter().map(|good| f32::from(u8::from(*good))).collect();
        let rows = along(&good, shape.columns, 1, least7);
        let clear = along(&rows, shape.columns, shape.columns, least7);
        Field { shape, smooth, clear: clear.into_iter().map(|value| value > 0.0).collect() }
    }

    /// Corners of all patches that are not at the frame's edge.
    fn blocks(&self) -> Vec<[usize; 2]> {
        let Shape { rows, columns } = self.shape;
        let starts = |side: usize| (4..side.saturating_sub(PATCH + 4)).step_by(PATCH);
        starts(rows).flat_map(|row| starts(columns).map(move |column| [row, column])).collect()
    }

    /// Scharr's stencil: the direction of its gradient is right within 0.1° for smooth images.
    fn gradient(&self, i: usize) -> [f32; 2] {
        let (s, w) = (&self.smooth, self.shape.columns);
        let down =
            3.0 * (s[i + w - 1] - s[i - w - 1] + s[i + w + 1] - s[i - w + 1]) + 10.0 * (s[i + w] - s[i - w]);
        let right =
            3.0 * (s[i - w + 1] - s[i - w - 1] + s[i + w + 1] - s[i + w - 1]) + 10.0 * (s[i + 1] - s[i - 1]);
        [down / 32.0, right / 32.0]
    }

    fn patch(&self, corner: [usize; 2]) -> Option<Patch> {
        let (mut dd, mut rr, mut dr, mut n) = (0.0f32, 0.0f32, 0.0f32, 0);
        for row in corner[0]..corner[0] + PATCH {
            for i in (row * self.shape.columns + corner[1]..).take(PATCH) {
                if self.clear[i] {
                    let [down, right] = self.gradient(i);
                    dd += down * down;
                    rr += right * right;
                    dr += down * right;
                    n += 1;
                }
            }
        }
        if 2 * n < PATCH * PATCH {
            return None;
        }
        let (trace, difference) = (dd + rr, (dd - rr).hypot(2.0 * dr));
        let largest = 0.5 * (trace + difference) / n as f32;
        if largest < STRONG * NOISE || difference < COHERENT * trace {
            return None;
        }
        let (sin, cos) = (0.5 * (2.0 * dr).atan2(dd - rr)).sin_cos();
        Some(Patch { corner, normal: [cos, sin] })
    }

    fn look(&self, patch: &Patch, scale: f64, detector: &Detector) -> Strokes {
        let place = |row: f32, column: f32| {
            detector.point(scale * (f64::from(row) + 0.5), scale * (f64::from(column) + 0.5))
        };
        let [row, column] = patch.corner.map(|corner| corner as f32 + 0.5 * (PATCH - 1) as f32);
        let [down, right] = patch.normal;
        // On the detector the axes may be flipped, and a gradient is per length.
        let origin = detector.point(0.0, 0.0);
        let step = detector.point(1.0, 1.0);
        let across = [f64::from(down) / (step[0] - origin[0]), f64::from(right) / (step[1] - origin[1])];
        let length = across[0].hypot(across[1]);
        let stroke = Stroke { point: place(row, column), normal: across.map(|part| part / length) };
        let mut crests = Vec::new();
        for row in patch.corner[0]..patch.corner[0] + PATCH {
            for column in patch.corner[1]..patch.corner[1] + PATCH {
                if let Some(offset) = self.crest(row, column, patch.normal) {
                    crests.push(place(row as f32 + offset * down, column as f32 + offset * right));
                }
            }
        }
        Strokes { strokes: vec![stroke], crests }
    }

    /// How far along the normal the crest is that this pixel lies on.
    fn crest(&self, row: usize, column: usize, normal: [f32; 2]) -> Option<f32> {
        let i = row * self.shape.columns + column;
        if !self.clear[i] {
            return None;
        }
        let at = |t: f32| self.between(row as f32 + t * normal[0], column as f32 + t * normal[1]);
        let (here, before, after) = (self.smooth[i], at(-1.0), at(1.0));
        let rise = here - 0.5 * (at(-BESIDE) + at(BESIDE));
        let curvature = before - 2.0 * here + after;
        let is_crest = here >= before && here > after && rise > CREST * SMOOTH_NOISE.sqrt();
        (is_crest && curvature < 0.0).then(|| 0.5 * (before - after) / curvature)
    }

    fn between(&self, row: f32, column: f32) -> f32 {
        let (r, c) = (row.floor(), column.floor());
        let (u, v) = (row - r, column - c);
        let i = r as usize * self.shape.columns + c as usize;
        let (s, w) = (&self.smooth, self.shape.columns);
        (1.0 - u) * ((1.0 - v) * s[i] + v * s[i + 1]) + u * ((1.0 - v) * s[i + w] + v * s[i + w + 1])
    }
}

/// `stencil` at each pixel over its neighbours `stride` apart; 0 within three of the ends.
fn along(values: &[f32], columns: usize, stride: usize, stencil: fn([f32; 7]) -> f32) -> Vec<f32> {
    let reach = 3 * stride;
    let last = values.len().saturating_sub(reach);
    let mut out = vec![0.0; values.len()];
    out.par_chunks_mut(columns.max(1)).enumerate().for_each(|(row, line)| {
        for (column, out) in line.iter_mut().enumerate() {
            let i = row * columns + column;
            let inside =
                if stride == 1 { (3..columns - 3).contains(&column) } else { (reach..last).contains(&i) };
            if inside {
                *out = stencil(std::array::from_fn(|k| values[i + k * stride - reach]));
            }
        }
    });
    out
}

fn smooth5(v: [f32; 7]) -> f32 {
    (v[1] + v[5] + 4.0 * (v[2] + v[4]) + 6.0 * v[3]) / 16.0
}

fn least7(v: [f32; 7]) -> f32 {
    v.into_iter().fold(1.0, f32::min)
}
