//! Devices, plans and frames of the tests.

use std::sync::Arc;

use halor::correct::{Correction, Dark, SignalModel, pixel_norm};
use halor::engine::gpu::{GpuDevice, adapters};
use halor::frame::{Counts, Frame, FrameHeader, Shape};
use halor::geometry::{Detector, Geometry, Orientation, Poni};
use halor::grid::Bins;
use halor::integrate::{Azimuth, Filter, IntegrationPlan, PixelMatrix, RadialUnit, Region, Splitting};

/// A GPU, or else the software driver; `None`, with a line that says so, where there is neither.
///
/// With `HALOR_REQUIRE_GPU=1` that is a failure.
pub fn device() -> Option<GpuDevice> {
    let listed = adapters();
    let chosen = listed.iter().find(|a| a.summary.is_gpu()).or(listed.first());
    if let Some(adapter) = chosen {
        return Some(GpuDevice::open(adapter).unwrap());
    }
    assert!(
        std::env::var_os("HALOR_REQUIRE_GPU").is_none(),
        "no graphics adapter and HALOR_REQUIRE_GPU is set"
    );
    eprintln!("skipped: no graphics adapter (install mesa-vulkan-drivers for the software one)");
    None
}

/// A number in [0, 1) that depends on its two arguments alone (SplitMix64).
pub fn noise(seed: u64, index: usize) -> f64 {
    let mut z = (seed << 32).wrapping_add(index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Every correction, sensor and air as at the mission's energy.
pub fn all_corrections() -> Vec<Correction> {
    vec![
        Correction::SolidAngle,
        Correction::Polarization { factor: 0.99 },
        Correction::SensorEfficiency { mu_per_m: 730.0, thickness_m: 1e-3 },
        Correction::AirPath { mu_per_m: 0.02, length_m: 0.3 },
    ]
}

/// A tilted detector near enough for large angles.
pub fn tilted(shape: Shape, orientation: Orientation) -> Geometry {
    let poni = Poni {
        distance_m: 0.9 * 172e-6 * shape.columns as f64,
        poni1_m: 0.4137 * 172e-6 * shape.rows as f64,
        poni2_m: 0.5211 * 172e-6 * shape.columns as f64,
        rot1_rad: 0.21,
        rot2_rad: -0.13,
        rot3_rad: 0.7,
        wavelength_angstrom: 0.1107,
    };
    let detector = Detector { orientation, ..Detector::generic(shape, [172e-6, 172e-6]).unwrap() };
    Geometry { poni, detector, parallax: None }
}

/// What a hand-made plan is made of.
pub struct Recipe {
    pub shape: Shape,
    pub bins: usize,
    pub regions: usize,
    pub signal: SignalModel,
    pub flat: bool,
}

impl Recipe {
    /// Sizes that are no multiple of 64, an odd number of pixels.
    pub fn small() -> Recipe {
        Recipe {
            shape: Shape { rows: 61, columns: 67 },
            bins: 150,
            regions: 2,
            signal: SignalModel::default(),
            flat: true,
        }
    }

    /// A plan whose matrix has a ring and sectors of rays, 0 … 4 entries per pixel and some empty bins: every 11th
    /// pixel has none, every 17th bin gets none.
    pub fn plan(self) -> Arc<IntegrationPlan> {
        let geometry = tilted(self.shape, Orientation::BottomRight);
        let pixels = self.shape.pixels();
        let farthest = geometry.detector_point(self.shape.rows as f64, self.shape.columns as f64);
        let scale = 0.5 * self.bins as f64 / farthest[0].hypot(farthest[1]);
        let mut matrix = PixelMatrix { starts: vec![0], bins: vec![], weights: vec![] };
        for pixel in 0..pixels {
            let [row, column] = [pixel / self.shape.columns, pixel % self.shape.columns];
            let point = geometry.detector_point(row as f64 + 0.5, column as f64 + 0.5);
            let radial = point[0].hypot(point[1]) * scale;
            let first = radial as usize;
            let share = 0.05 + 0.9 * noise(1, pixel);
            let covered =
                [(first, share), (first + 1, 0.7 * (1.0 - share)), (first + 2, 0.3 * (1.0 - share))];
            for region in (0..self.regions).filter(|r| *r == 0 || pixel % 3 == *r) {
                for (bin, weight) in covered {
                    if bin < self.bins && pixel % 11 != 7 && bin % 17 != 5 {
                        matrix.bins.push((region * self.bins + bin) as u32);
                        matrix.weights.push(weight as f32);
                    }
                }
            }
            matrix.starts.push(matrix.bins.len() as u32);
        }
        let corrections = all_corrections();
        let flat: Option<Vec<f32>> =
            self.flat.then(|| (0..pixels).map(|i| (0.9 + 0.2 * noise(2, i)) as f32).collect());
        let ring = Region { name: "ring".to_owned(), azimuth: Azimuth::Ring };
        Arc::new(IntegrationPlan {
            norm: pixel_norm(&geometry, &corrections, flat.as_deref()),
            geometry,
            shape: self.shape,
            unit: RadialUnit::TwoThetaDeg,
            bins: Bins { lower: 0.0, upper: 1.0, count: self.bins },
            regions: vec![ring; self.regions],
            cake: None,
            splitting: Splitting::BoundingBox,
            filter: Filter::Off,
            matrix,
            corrections,
            flat,
            signal: self.signal,
            sharing: vec![1.0; self.regions * self.bins],
            unpolarized: vec![1.0; self.regions * self.bins],
        })
    }
}

/// A dark frame of about two counts, unknown in one pixel.
pub fn dark(pixels: usize) -> Dark {
    let mut counts: Vec<f32> = (0..pixels).map(|i| (4.0 * noise(3, i)) as f32).collect();
    counts[pixels / 2] = f32::NAN;
    Dark {
        variance: counts.iter().map(|c| 0.1 * c.abs()).map(|v| if v.is_nan() { 0.1 } else { v }).collect(),
        counts,
    }
}

/// The count types, by name.
pub const TYPES: [&str; 5] = ["u16", "i16", "u32", "i32", "f32"];

/// Counts of mean 200 in a type, with the flags that type can hold: negative, saturated (≥ 1000), not a number.
pub fn frame(shape: Shape, kind: &str, seed: u64) -> Frame {
    let pixels = shape.pixels();
    let value = |i: usize| match (noise(seed, i) * 400.0, i % 97) {
        (_, 13) => 1000.0,
        (_, 14) => 999.0,
        (_, 15) => 0.0,
        (mean, _) => mean.floor(),
    };
    let negative = |i: usize| if i % 89 == 3 { Some(-1.0 - (i % 2) as f64) } else { None };
    let signed = |i: usize| negative(i).unwrap_or_else(|| value(i));
    let counts = match kind {
        "u16" => {
            Counts::U16((0..pixels).map(|i| if i % 101 == 4 { u16::MAX } else { value(i) as u16 }).collect())
        }
        "i16" => Counts::I16((0..pixels).map(|i| signed(i) as i16).collect()),
        "u32" => {
            Counts::U32((0..pixels).map(|i| if i % 101 == 4 { u32::MAX } else { value(i) as u32 }).collect())
        }
        "i32" => Counts::I32((0..pixels).map(|i| signed(i) as i32).collect()),
        "f32" => Counts::F32(
            (0..pixels)
                .map(|i| match i % 103 {
                    5 => f32::NAN,
                    6 => f32::INFINITY,
                    7 => f32::NEG_INFINITY,
                    8 => -0.0,
                    9 => -0.25,
                    _ => signed(i) as f32 + 0.3,
                })
                .collect(),
        ),
        other => panic!("{other}"),
    };
    Frame { shape, counts, header: FrameHeader { exposure_s: Some(2.0), ..FrameHeader::default() } }
}
