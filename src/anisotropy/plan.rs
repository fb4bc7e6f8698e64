//! What a run knows before its first sample, and the way from sectors to what they say.

use super::verdict::verdict;
use super::{Anisotropy, AnisotropyError, AnisotropySettings, FirstPeak, Harmonics, RadialHarmonics};
use crate::integrate::Pattern;
use crate::pdf::TransformSettings;
use crate::peaks::{Measured, Peak};
use crate::structure::{PartOfRing, StructureFactor, StructurePlan};

/// Everything that is the same for all samples.
#[derive(Debug, Clone)]
pub struct AnisotropyPlan {
    pub(super) settings: AnisotropySettings,
    pub(super) wavelength_angstrom: f64,
    /// Atoms per Å³; without it g_2 is ρ0·g_2.
    pub(super) density: Option<f64>,
    pub(super) transform: TransformSettings,
    pub(super) q_max: f64,
    /// Verdicts are said with this confidence.
    pub(super) confidence: f64,
}

/// The sectors of one sample on the m measured points of S.
#[derive(Debug)]
pub struct Sectors<'a> {
    pub(super) q: &'a [f64],
    /// The ring as a part of itself.
    pub(super) ring: PartOfRing,
    pub(super) parts: Vec<PartOfRing>,
    /// Bins that a pixel covers.
    pub(super) footprint: &'a [f64],
    centres_deg: Vec<f64>,
    smearing: f64,
    wavelength_angstrom: f64,
}

/// What mean strains are against.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'a> {
    /// Nothing: the mean is that of the sample itself.
    Own,
    /// Another sample.
    Sample {
        /// Its name.
        name: &'a str,
        /// What was found in it; `None` where nothing was, so that the mean strain is not known.
        harmonics: Option<&'a Harmonics>,
    },
}

impl Sectors<'_> {
    /// 1, cos 2φ and sin 2φ of each sector, φ from this axis, as means over the sector.
    pub(super) fn columns(&self, axis_deg: f64) -> [Vec<f64>; 3] {
        let double = |chi: &f64| (2.0 * (chi - axis_deg)).to_radians();
        let of = |f: fn(f64) -> f64| self.centres_deg.iter().map(|c| self.smearing * f(double(c))).collect();
        [vec![1.0; self.centres_deg.len()], of(f64::cos), of(f64::sin)]
    }

    /// cos²θ at the point of this index: Q stands out of the detector's plane by θ.
    pub(super) fn cos_squared_theta(&self, k: usize) -> f64 {
        1.0 - (self.q[k] * self.wavelength_angstrom / (4.0 * std::f64::consts::PI)).powi(2)
    }
}

impl AnisotropyPlan {
    /// For S(Q) up to `q_max` in Å⁻¹.
    pub fn new(
        settings: AnisotropySettings,
        wavelength_angstrom: f64,
        density: Option<f64>,
        transform: TransformSettings,
        q_max: f64,
        confidence: f64,
    ) -> AnisotropyPlan {
        AnisotropyPlan { settings, wavelength_angstrom, density, transform, q_max, confidence }
    }

    /// What was asked for.
    pub fn settings(&self) -> &AnisotropySettings {
        &self.settings
    }

    /// S of the sectors of one sample on the scale of its ring, whose patterns, with the background subtracted, are `ring` and `sectors`.
    ///
    /// # Errors
    /// Another number of sectors than the plan's; patterns on other points.
    pub fn sectors<'a>(
        &self,
        plan: &'a StructurePlan,
        ring: &Pattern,
        structure: &'a StructureFactor,
        sectors: &[&Pattern],
    ) -> Result<Sectors<'a>, AnisotropyError> {
        let expected = self.settings.azimuths.count();
        if sectors.len() != expected {
            return Err(AnisotropyError::Sectors { found: sectors.len(), expected });
        }
        let part = |pattern: &Pattern| plan.part_of_ring(ring, structure, pattern);
        Ok(Sectors {
            q: plan.measured_q(),
            ring: part(ring)?,
            parts: sectors.iter().map(|pattern| part(pattern)).collect::<Result<_, _>>()?,
            footprint: &structure.footprint,
            centres_deg: self.settings.azimuths.centres_deg().collect(),
            smearing: self.settings.azimuths.smearing(),
            wavelength_angstrom: self.wavelength_angstrom,
        })
    }

    /// What the sectors of a sample say; `peaks` are those of S(Q) of its ring.
    ///
    /// # Errors
    /// Too much of the ring is masked.
    pub fn measure(
        &self,
        sectors: &Sectors<'_>,
        peaks: &[&Peak],
        reference: Reference<'_>,
    ) -> Result<Anisotropy, AnisotropyError> {
        let mut harmonics = Harmonics::of(sectors, self.settings.load_axis_deg);
        let strains = self.sector_strains(sectors, &harmonics);
        let mean = match reference {
            Reference::Own => None,
            Reference::Sample { name, harmonics: against } => {
                let mean = against.and_then(|against| self.mean_strain(sectors, &harmonics, against));
                Some((name.to_owned(), mean.unwrap_or(Measured::MISSING)))
            }
        };
        let [low, high] = self.settings.q_range;
        let found = strains.iter().filter(|sector| sector.strain.value.is_finite()).count();
        let coverage = AnisotropyError::Coverage { found, all: strains.len(), low, high };
        let strain = self.tensor(sectors, &strains, mean).ok_or(coverage)?;
        harmonics.set_affine(strain.along_less_across.value);
        let radial = RadialHarmonics::of(self, sectors, &harmonics);
        let first_peak =
            peaks.iter().find_map(|peak| FirstPeak::of(sectors, &harmonics, peak, &self.settings.azimuths));
        let verdict = verdict(&strain, self.confidence);
        let s_of_sectors = sectors.parts.iter().map(|part| part.s.clone()).collect();
        Ok(Anisotropy { harmonics, radial, strain, sectors: strains, first_peak, verdict, s_of_sectors })
    }
}
