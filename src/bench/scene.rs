//! What is measured: frames of a glass that was never made, on any detector, and the run files that process them.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{BenchError, BenchSettings};
use crate::correct::{Correction, pixel_norm};
use crate::frame::{Counts, Frame, FrameHeader, write_cbf, write_tiff};
use crate::geometry::{Detector, Geometry, Poni};
use crate::output::{Existing, write_through};
use crate::scattering::{Composition, FreeAtoms, klein_nishina};
use crate::units::{two_theta_rad, wavelength_angstrom};

const ENERGY_KEV: f64 = 112.0;
const COMPOSITION: &str = "Zr62 Cu15.5 Ni12.5 Al10";
/// Counts of a pixel where the scattering is strongest.
const MOST_COUNTS: f64 = 400.0;
/// Distance of neighbours in the glass.
const NEIGHBOURS_ANGSTROM: f64 = 2.8;
/// Points on which the scattering is computed, and then interpolated.
const POINTS: usize = 2000;

/// Frames in memory and in files.
pub(super) struct Scene {
    pub(super) frames: Vec<Frame>,
    pub(super) tiffs: Vec<PathBuf>,
    pub(super) cbfs: Vec<PathBuf>,
    /// The run files of both.
    pub(super) run_files: [PathBuf; 2],
}

impl Scene {
    /// Simulates and writes the frames into `folder`.
    pub(super) fn write(settings: &BenchSettings, folder: &Path) -> Result<Scene, BenchError> {
        let detector = Detector::named(&settings.detector)?;
        let side = |axis: usize, pixels: usize| detector.pixel_m[axis] * pixels as f64;
        let (rows, columns) = (side(0, detector.shape.rows), side(1, detector.shape.columns));
        // The whole detector at up to about 35° from the beam.
        let distance_m = 1.05 * rows.max(columns);
        let poni = Poni {
            distance_m,
            poni1_m: 0.5 * rows,
            poni2_m: 0.5 * columns,
            rot1_rad: 0.0,
            rot2_rad: 0.0,
            rot3_rad: 0.0,
            wavelength_angstrom: wavelength_angstrom(ENERGY_KEV),
        };
        let geometry = Geometry { poni, detector, parallax: None };
        let frames = frames(&geometry, settings.frames)?;
        let [mut tiffs, mut cbfs] = [Vec::new(), Vec::new()];
        for (index, frame) in frames.iter().enumerate() {
            let tiff = folder.join(format!("frame_{index:05}.tif"));
            write_through(&tiff, Existing::Replace, |file| {
                write_tiff(file, frame).map_err(BenchError::from)
            })?;
            let cbf = folder.join(format!("frame_{index:05}.cbf"));
            write_through(&cbf, Existing::Replace, |file| write_cbf(file, frame).map_err(BenchError::from))?;
            tiffs.push(tiff);
            cbfs.push(cbf);
        }
        let run_file = |kind: &str| -> Result<PathBuf, BenchError> {
            let path = folder.join(format!("{kind}.yaml"));
            let text = run_file(settings, &geometry, kind);
            crate::output::write_file(&path, text.as_bytes(), Existing::Replace)?;
            Ok(path)
        };
        let run_files = [run_file("tif")?, run_file("cbf")?];
        Ok(Scene { frames, tiffs, cbfs, run_files })
    }
}

/// Largest Q of the detector's corner.
fn q_corner(geometry: &Geometry) -> f64 {
    geometry.momentum_transfer(0.0, 0.0)
}

/// `count` frames that differ in their noise.
fn frames(geometry: &Geometry, count: usize) -> Result<Vec<Frame>, BenchError> {
    let step = q_corner(geometry) / (POINTS - 2) as f64;
    let q: Vec<f64> = (0..POINTS).map(|i| step * i as f64).collect();
    let composition = Composition::parse(COMPOSITION)?;
    let atoms = FreeAtoms::new(&composition, ENERGY_KEV, &q)?;
    let wavelength = geometry.poni.wavelength_angstrom;
    let intensity: Vec<f64> = (0..POINTS)
        .map(|i| {
            let phase = q[i] * NEIGHBOURS_ANGSTROM;
            let excess =
                if phase == 0.0 { 0.0 } else { 3.0 * phase.sin() / phase * (-0.01 * q[i] * q[i]).exp() };
            let compton = atoms.compton[i] * klein_nishina(two_theta_rad(q[i], wavelength), ENERGY_KEV);
            atoms.mean_f_squared[i] * excess + atoms.mean_square_f[i] + compton
        })
        .collect();
    let scale = MOST_COUNTS / intensity.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let corrections = [Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    let norm = pixel_norm(geometry, &corrections, None);
    let (gaps, shape) = (geometry.detector.gap_mask(), geometry.detector.shape);
    let mean = |pixel: usize| {
        let (row, column) = (pixel / shape.columns, pixel % shape.columns);
        let position = geometry.momentum_transfer(row as f64 + 0.5, column as f64 + 0.5) / step;
        let below = (position as usize).min(POINTS - 2);
        let share = position - below as f64;
        scale * norm[pixel] * ((1.0 - share) * intensity[below] + share * intensity[below + 1])
    };
    let mean: Vec<f64> = (0..shape.pixels()).into_par_iter().map(mean).collect();
    let frame = |seed: usize| {
        let count = |pixel: usize| if gaps[pixel] { -1 } else { noisy(mean[pixel], pixel, seed) };
        let counts = Counts::I32((0..shape.pixels()).map(count).collect());
        Frame { shape, counts, header: FrameHeader { exposure_s: Some(1.0), ..FrameHeader::default() } }
    };
    Ok((0..count).into_par_iter().map(frame).collect())
}

/// Counts that scatter as counts do: the sum of four uniform numbers has variance 1/3.
fn noisy(mean: f64, pixel: usize, seed: usize) -> i32 {
    let hash = (pixel as u64 ^ (seed as u64) << 40).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let hash = (hash ^ hash >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    let sum: f64 = (0..4).map(|part| (hash >> (16 * part) & 0xffff) as f64 / 65_536.0 - 0.5).sum();
    (mean + mean.sqrt() * sum * 3f64.sqrt()).round().max(0.0) as i32
}

fn run_file(settings: &BenchSettings, geometry: &Geometry, extension: &str) -> String {
    let Geometry { poni, detector, .. } = geometry;
    let q_max = 0.9 * q_corner(geometry);
    let width = 360.0 / settings.sectors.max(1) as f64;
    let sector = |i: usize| {
        format!("  - {{name: s{i}, centre_deg: {}, width_deg: {width}, fold: off}}\n", width * i as f64)
    };
    let sectors: String = (0..settings.sectors).map(sector).collect();
    let cake = settings.cake.map_or_else(String::new, |cake| {
        format!("cake: {{azimuth_bins: {}, radial_bins: {}}}\n", cake.azimuth, cake.radial)
    });
    let sectors = if sectors.is_empty() { String::new() } else { format!("sectors:\n{sectors}") };
    format!(
        "output: results-{extension}\nengine: cpu\nbeam: {{energy_kev: {ENERGY_KEV}}}\n\
         detector: {{name: {}}}\n\
         geometry: {{distance_m: {}, poni1_m: {}, poni2_m: {}}}\n\
         corrections: {{solid_angle: on, polarization: on, sensor: off}}\n\
         integration: {{unit: q_inv_angstrom, range: [0.5, {q_max}], bins: {}, splitting: {}}}\n{sectors}{cake}\
         composition: {COMPOSITION}\n\
         pdf: {{mode: absolute, density_atoms_per_cubic_angstrom: 0.0528, q_range_inv_angstrom: [0.9, {}], \
         normalization_q_min_inv_angstrom: {}, window: lorch, r_range_angstrom: [0, 30], r_step_angstrom: 0.01}}\n\
         samples: [{{name: glass, frames: frame_*.{extension}}}]\n",
        detector.name,
        poni.distance_m,
        poni.poni1_m,
        poni.poni2_m,
        settings.bins,
        settings.splitting,
        0.85 * q_max,
        0.45 * q_max,
    )
}
