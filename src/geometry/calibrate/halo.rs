//! Whether a sample's own halo is where the geometry has it: a moved beam shifts it along the azimuth as cos χ and sin χ.

use std::f64::consts::PI;

use nalgebra::{Matrix3, Matrix4, Vector3, Vector4};

use super::CalibrateError;
use super::image::Image;
use super::placement::{direction, two_theta_slope};
use crate::frame::{Frame, Mask};
use crate::geometry::{Direction, Geometry};

/// How far the halo's centre is from the geometry's beam centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HaloShift {
    /// Along columns and rows, pixels.
    pub shift_px: [f64; 2],
    /// Standard deviations, from the scatter of the wedges about a shift.
    pub sigma_px: [f64; 2],
    /// Where the halo is, degrees in 2θ.
    pub two_theta_deg: f64,
}

const WEDGES: usize = 36;
const BINS: usize = 300;
/// Bins that the mean profile is smoothed over, and that the innermost part leaves out.
const SMOOTH: usize = 5;
const INNERMOST: usize = 12;
/// A halo rises above the higher of its feet by this share of its height.
const PROMINENT: f64 = 0.05;
/// Wedges that a shift needs.
const FEWEST_WEDGES: usize = 9;

/// Counts against 2θ in wedges.
struct Cake {
    step: f64,
    /// Sum of counts and number of pixels, wedge after wedge.
    bins: Vec<[f64; 2]>,
}

impl HaloShift {
    /// Looks at the first halo of a sample's frame; `None` where there is none, or too little of it.
    ///
    /// # Errors
    /// The frame is not the detector's.
    pub fn of(frame: &Frame, mask: &Mask, geometry: &Geometry) -> Result<Option<HaloShift>, CalibrateError> {
        let image = Image::new(frame, mask)?;
        let cake = Cake::new(&image, geometry);
        Ok(cake.halo().and_then(|window| cake.shift(&window, geometry)))
    }
}

impl Cake {
    fn new(image: &Image, geometry: &Geometry) -> Cake {
        let lab = geometry.lab_frame();
        let columns = image.shape.columns;
        let place = |i: usize| {
            direction(&lab, geometry.detector.point((i / columns) as f64 + 0.5, (i % columns) as f64 + 0.5))
        };
        let good: Vec<(Direction, f64)> = (0..image.counts.len())
            .filter(|i| image.good[*i])
            .map(|i| (place(i), f64::from(image.counts[i])))
            .collect();
        let last = good.iter().map(|(at, _)| at.two_theta_rad).fold(f64::MIN_POSITIVE, f64::max);
        let step = last / BINS as f64;
        let mut bins = vec![[0.0; 2]; WEDGES * BINS];
        for (at, counts) in good {
            let wedge = (((at.chi_rad + PI) / (2.0 * PI) * WEDGES as f64) as usize).min(WEDGES - 1);
            let bin = ((at.two_theta_rad / step) as usize).min(BINS - 1);
            let sum = &mut bins[wedge * BINS + bin];
            *sum = [sum[0] + counts, sum[1] + 1.0];
        }
        Cake { step, bins }
    }

    /// Mean counts of all wedges, smoothed.
    fn mean(&self) -> Vec<f64> {
        (0..BINS)
            .map(|bin| {
                let near = bin.saturating_sub(SMOOTH / 2)..(bin + SMOOTH / 2 + 1).min(BINS);
                let all = near.flat_map(|b| (0..WEDGES).map(move |wedge| wedge * BINS + b));
                let [sum, n] = all.fold([0.0, 0.0], |s, i| [s[0] + self.bins[i][0], s[1] + self.bins[i][1]]);
                sum / f64::max(n, 1.0)
            })
            .collect()
    }

    /// Bins of the most prominent maximum, from foot to foot.
    fn halo(&self) -> Option<std::ops::Range<usize>> {
        let mean = self.mean();
        let start = mean.iter().position(|m| *m > 0.0)? + INNERMOST;
        let tops = (start + 1..BINS.saturating_sub(INNERMOST))
            .filter(|i| mean[*i] > mean[i - 1] && mean[*i] >= mean[i + 1]);
        let foot = |steps: &mut dyn Iterator<Item = usize>, top: usize| {
            let mut lowest = top;
            for i in steps.take_while(|i| mean[*i] <= mean[top]) {
                if mean[i] < mean[lowest] {
                    lowest = i;
                }
            }
            lowest
        };
        let windows = tops.map(|top| {
            let left = foot(&mut (start..top).rev(), top);
            let right = foot(&mut (top + 1..BINS - SMOOTH), top);
            (mean[top] - mean[left].max(mean[right]), top, left, right)
        });
        let (rise, top, left, right) = windows.max_by(|a, b| a.0.total_cmp(&b.0))?;
        // As far on either side of the top as the nearer foot, where the shape is the halo's own.
        let reach = (top - left).min(right - top);
        (rise > PROMINENT * mean[top] && reach >= 3).then(|| top - reach..top + reach + 1)
    }

    fn shift(&self, window: &std::ops::Range<usize>, geometry: &Geometry) -> Option<HaloShift> {
        let mean = self.mean();
        let found: Vec<(f64, f64)> = (0..WEDGES)
            .filter_map(|wedge| Some((wedge_chi(wedge), self.wedge_shift(wedge, window, &mean)?)))
            .collect();
        if found.len() < FEWEST_WEDGES {
            return None;
        }
        // δ(χ) = A cos χ + B sin χ + C.
        let row = |chi: f64| Vector3::new(chi.cos(), chi.sin(), 1.0);
        let normal: Matrix3<f64> = found.iter().map(|(chi, _)| row(*chi) * row(*chi).transpose()).sum();
        let right: Vector3<f64> = found.iter().map(|(chi, shift)| row(*chi) * *shift).sum();
        let inverse = normal.try_inverse()?;
        let solution = inverse * right;
        let left: f64 = found.iter().map(|(chi, shift)| (shift - row(*chi).dot(&solution)).powi(2)).sum();
        let variance = left / (found.len() - 3) as f64;
        let two_theta_rad = 0.5 * (window.start + window.end) as f64 * self.step;
        let lab = geometry.lab_frame();
        // A shift of the beam moves 2θ by the slope across the ring, which is taken at the four sides.
        let slopes = (0..4).filter_map(|side| {
            let place = lab.meets(Direction { two_theta_rad, chi_rad: 0.5 * PI * f64::from(side) })?;
            let [slow, fast] = two_theta_slope(&lab, place);
            Some(slow.hypot(fast))
        });
        let slopes: Vec<f64> = slopes.collect();
        let slope = slopes.iter().sum::<f64>() / slopes.len().max(1) as f64;
        let origin = geometry.detector.pixel([0.0, 0.0]);
        // χ = 0 points along the fast axis, χ = 90° along the slow one; the array may be flipped.
        let moved = geometry.detector.pixel([solution[1] / slope, solution[0] / slope]);
        let [slow_m, fast_m] = geometry.detector.pixel_m;
        Some(HaloShift {
            shift_px: [moved[1] - origin[1], moved[0] - origin[0]],
            sigma_px: [
                (variance * inverse[(0, 0)]).sqrt() / slope / fast_m,
                (variance * inverse[(1, 1)]).sqrt() / slope / slow_m,
            ],
            two_theta_deg: two_theta_rad.to_degrees(),
        })
    }

    /// How far the wedge's halo is from the mean's: the fit of a·M + b + c·t − aδ·M′, t the bin.
    fn wedge_shift(&self, wedge: usize, window: &std::ops::Range<usize>, mean: &[f64]) -> Option<f64> {
        let mut normal = Matrix4::zeros();
        let mut right = Vector4::zeros();
        let mut used = 0;
        for bin in window.clone() {
            let [sum, n] = self.bins[wedge * BINS + bin];
            if n < 1.0 {
                continue;
            }
            let slope = 0.5 * (mean[bin + 1] - mean[bin - 1]);
            let row = Vector4::new(mean[bin], 1.0, bin as f64 - window.start as f64, -slope);
            let weight = n / mean[bin].max(1e-3);
            normal += weight * row * row.transpose();
            right += weight * sum / n * row;
            used += 1;
        }
        // A wedge that a gap or the beam stop's arm cuts says little.
        if 4 * used < 3 * window.len() {
            return None;
        }
        let solution = normal.try_inverse()? * right;
        let shift = solution[3] / solution[0] * self.step;
        (solution[0] > 0.0 && shift.abs() < 0.5 * window.len() as f64 * self.step).then_some(shift)
    }
}

fn wedge_chi(wedge: usize) -> f64 {
    -PI + 2.0 * PI * (wedge as f64 + 0.5) / WEDGES as f64
}
