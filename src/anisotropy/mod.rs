//! Anisotropy of a sample: what its S(Q) does along the azimuth.
//!
//! The ring is cut into narrow sectors, whose S(Q) have the scale of the ring. Against χ they are expanded at each Q \[E12\], and each is
//! compared with their mean: shifted, it is strained; the shifts against χ are the strain tensor \[E22\].

mod azimuths;
mod error;
mod first_peak;
mod harmonics;
mod plan;
mod radial;
mod slope;
mod strain;
mod verdict;

use serde::Serialize;

pub use azimuths::Azimuths;
pub(crate) use azimuths::{FEWEST_BINS, MOST_BINS};
pub use error::AnisotropyError;
pub use first_peak::{FirstPeak, PeakChange};
pub use harmonics::Harmonics;
pub use plan::{AnisotropyPlan, Reference, Sectors};
pub use radial::RadialHarmonics;
pub use strain::{SectorStrain, Strain};

use crate::peaks::Measured;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct AnisotropySettings {
    /// The sectors.
    pub azimuths: Azimuths,
    /// χ of the axis that S_2 and strains are given along, in degrees.
    pub load_axis_deg: f64,
    /// Q range in Å⁻¹ that shifts are taken from.
    pub q_range: [f64; 2],
    /// The sample that the mean strain is against.
    pub reference: Option<String>,
}

/// What was found in one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Anisotropy {
    /// S_0 and S_2 against Q.
    pub harmonics: Harmonics,
    /// g_0 and g_2 against r.
    pub radial: RadialHarmonics,
    /// The tensor.
    pub strain: Strain,
    /// Each sector's strain.
    pub sectors: Vec<SectorStrain>,
    /// Each sector's first peak of S(Q) against that of their mean; `None` where S has none.
    pub first_peak: Option<FirstPeak>,
    /// In words.
    pub verdict: String,
    /// S of each sector, m points each.
    pub s_of_sectors: Vec<Vec<f64>>,
}

/// The numbers of a sample, as in `SAMPLE.anisotropy.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnisotropySummary<'a> {
    /// The sample.
    pub sample: &'a str,
    /// In words.
    pub verdict: &'a str,
    /// χ of the load axis.
    pub load_axis_deg: f64,
    /// Number of sectors.
    pub sectors: usize,
    /// Width of each.
    pub sector_width_deg: f64,
    /// Whether each is joined with the one opposite.
    pub folded: bool,
    /// Q range of the shifts.
    pub q_range_inv_angstrom: [f64; 2],
    /// The tensor.
    pub strain: &'a Strain,
    /// χ² of S_2 against 0 over the points of the Q range.
    pub s2_chi2: f64,
    /// How many they are; what neighbours share is not taken into account.
    pub s2_points: usize,
    /// χ² of S_2 less that of the affine strain.
    pub s2_rest_chi2: f64,
    /// First peak of the mean over the azimuth.
    pub first_peak_inv_angstrom: Option<f64>,
}

impl Anisotropy {
    /// For the sample's file.
    pub fn summary<'a>(&'a self, sample: &'a str, settings: &AnisotropySettings) -> AnisotropySummary<'a> {
        let inside = |q: f64| settings.q_range[0] <= q && q <= settings.q_range[1];
        let chi2 = |values: &[f64]| {
            let Harmonics { q, s2_sigma, footprint, .. } = &self.harmonics;
            let there = |k: &usize| inside(q[*k]) && values[*k].is_finite() && s2_sigma[*k] > 0.0;
            let points = (0..q.len()).filter(there);
            let terms = points.map(|k| footprint[k] * (values[k] / s2_sigma[k]).powi(2));
            terms.fold((0.0, 0), |(sum, count), term| (sum + term, count + 1))
        };
        let (s2_chi2, s2_points) = chi2(&self.harmonics.s2);
        let rest = self.harmonics.rest();
        AnisotropySummary {
            sample,
            verdict: &self.verdict,
            load_axis_deg: settings.load_axis_deg,
            sectors: settings.azimuths.count(),
            sector_width_deg: settings.azimuths.width_deg(),
            folded: settings.azimuths.is_folded(),
            q_range_inv_angstrom: settings.q_range,
            strain: &self.strain,
            s2_chi2,
            s2_points,
            s2_rest_chi2: chi2(&rest).0,
            first_peak_inv_angstrom: self.first_peak.as_ref().map(|peak| peak.position),
        }
    }
}

/// Where nothing could be measured.
const MISSING: Measured = Measured::MISSING;
