//! The first peak of S(Q) in each sector against that of the mean over the azimuth.

use serde::Serialize;

use super::plan::Sectors;
use super::{Azimuths, Harmonics, MISSING};
use crate::peaks::{Curve, Measured, Peak};
use crate::stats::least_squares;

/// Where the first peak is, and what becomes of it around the azimuth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstPeak {
    /// Name of the peak.
    pub name: String,
    /// Its position in the ring, Å⁻¹.
    pub position: f64,
    /// One for each sector.
    pub changes: Vec<PeakChange>,
}

/// Relative changes of a peak to first order, NaN where its sector has holes there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PeakChange {
    /// Middle of the sector.
    pub chi_deg: f64,
    /// ΔQ/Q of the position.
    pub position: Measured,
    /// Of the width.
    pub width: Measured,
    /// Of the height above 1.
    pub height: Measured,
}

/// The peak is looked at within so many of its widths to both sides.
const REACH: f64 = 0.9;
/// Part of the points within that must be there.
const LEAST_PART: f64 = 0.8;

impl FirstPeak {
    /// `None` for a peak of G, or one without position or width.
    ///
    /// A peak of the mean curve S that has moved by Δ, widened by ω and grown by η, both relative, is S − Δ·S′ − ω(Q − Q1)S′ + η(S − 1).
    pub(super) fn of(
        sectors: &Sectors<'_>,
        harmonics: &Harmonics,
        peak: &Peak,
        azimuths: &Azimuths,
    ) -> Option<FirstPeak> {
        let (position, fwhm) = (peak.position.value, peak.fwhm.value);
        if peak.curve != Curve::StructureFactor || !position.is_finite() || !fwhm.is_finite() {
            return None;
        }
        let slope = super::slope::slope(&harmonics.q, &harmonics.mean);
        let near = |k: usize| (harmonics.q[k] - position).abs() <= REACH * fwhm;
        let within = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
            (0..slope.len()).map(|k| if near(k) { f(k) } else { f64::NAN }).collect()
        };
        let by_position = within(&|k| -position * slope[k]);
        let by_width = within(&|k| -(harmonics.q[k] - position) * slope[k]);
        let by_height = within(&|k| harmonics.mean[k] - 1.0);
        let constant = within(&|_| 1.0);
        let wanted = by_position.iter().filter(|value| value.is_finite()).count();
        let changes = sectors.parts.iter().zip(azimuths.centres_deg()).map(|(part, chi_deg)| {
            let y: Vec<f64> = part.s.iter().zip(&harmonics.mean).map(|(s, mean)| s - mean).collect();
            let columns: [&[f64]; 4] = [&by_position, &by_width, &by_height, &constant];
            let fit = least_squares(&columns, &y, &part.sigma)
                .filter(|fit| (fit.freedom + 4) as f64 >= LEAST_PART * wanted as f64);
            let number = |index: usize| {
                fit.as_ref()
                    .map_or(MISSING, |fit| Measured { value: fit.values[index], sigma: fit.sigma(index) })
            };
            PeakChange { chi_deg, position: number(0), width: number(1), height: number(2) }
        });
        Some(FirstPeak { name: peak.name.clone(), position, changes: changes.collect() })
    }
}
