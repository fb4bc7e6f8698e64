//! The strain of each sector, and the tensor that they make together \[E22\].

use serde::Serialize;

use super::plan::{AnisotropyPlan, Sectors};
use super::{Harmonics, MISSING};
use crate::peaks::Measured;
use crate::stats::{chi_squared_exceeds, least_squares};
use crate::structure::PartOfRing;

/// Strain of one sector in the plane of the detector, against the mean over the azimuth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SectorStrain {
    /// Middle of the sector.
    pub chi_deg: f64,
    /// ε = −ΔQ/Q.
    pub strain: Measured,
    /// χ² of the fit per degree of freedom.
    pub chi2_per_freedom: f64,
}

/// ε(χ) = ε11 cos²χ + γ12 sin χ cos χ + ε22 sin²χ, axis 1 along χ = 0; against the mean over the azimuth, so that ε11 + ε22 = 0, unless
/// there is a reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strain {
    /// (ε11 + ε22)/2 against the reference sample; 0 with σ 0 without one, NaN where it could not be compared.
    pub mean: Measured,
    /// The sample that `mean` is against.
    pub reference: Option<String>,
    /// Along χ = 0.
    pub e11: Measured,
    /// Along χ = 90°.
    pub e22: Measured,
    /// Shear.
    pub g12: Measured,
    /// ε11 − ε22.
    pub difference: Measured,
    /// cov(ε11 − ε22, γ12).
    pub covariance: f64,
    /// Strain along the load axis less that across it.
    pub along_less_across: Measured,
    /// Shear about the load axis.
    pub shear_about_axis: Measured,
    /// Largest strain of any direction against the mean: ½√((ε11 − ε22)² + γ12²).
    pub amplitude: Measured,
    /// χ of the direction that is longest.
    pub axis_deg: Measured,
    /// Probability of an amplitude as large where there is none.
    pub p: f64,
    /// χ² of the sectors about the tensor.
    pub chi2: f64,
    /// Its degrees of freedom.
    pub freedom: usize,
    /// What σ were multiplied by, √(χ²/ν), where the sectors scatter by more than chance allows; else 1.
    pub scatter: f64,
}

/// Scatter beyond σ counts where chance gives it less often than this.
const BEYOND_CHANCE: f64 = 0.01;
/// A sector has a strain where this part of the points of the Q range is there.
const LEAST_PART: f64 = 0.5;

impl AnisotropyPlan {
    /// S_χ(Q) = S(Q(1 + ε)), so that S_χ − S = ε cos²θ Q S′ to first order; with it the scale and a constant of the sector's own, which
    /// azimuthal errors of background and polarization are like.
    pub(super) fn sector_strains(&self, sectors: &Sectors<'_>, harmonics: &Harmonics) -> Vec<SectorStrain> {
        let by_strain = self.by_strain(sectors, harmonics);
        let wanted = by_strain.iter().filter(|value| value.is_finite()).count();
        let footprint = footprint(sectors, &by_strain);
        let of_part = |(part, chi_deg): (&PartOfRing, f64)| {
            let y: Vec<f64> = part.s.iter().zip(&harmonics.mean).map(|(s, mean)| s - mean).collect();
            let fit = least_squares(&[&by_strain, &part.by_scale, &part.by_constant], &y, &part.sigma)
                .filter(|fit| fit.freedom as f64 > LEAST_PART * wanted as f64);
            match fit {
                Some(fit) => SectorStrain {
                    chi_deg,
                    strain: Measured { value: fit.values[0], sigma: fit.sigma(0) },
                    chi2_per_freedom: footprint * fit.chi2 / fit.freedom as f64,
                },
                None => SectorStrain { chi_deg, strain: MISSING, chi2_per_freedom: f64::NAN },
            }
        };
        sectors.parts.iter().zip(self.settings.azimuths.centres_deg()).map(of_part).collect()
    }

    /// Q S′ cos²θ in the Q range, NaN outside.
    pub(super) fn by_strain(&self, sectors: &Sectors<'_>, harmonics: &Harmonics) -> Vec<f64> {
        let [low, high] = self.settings.q_range;
        let slope = super::slope::slope(sectors.q, &harmonics.mean);
        let by_strain = |(k, slope): (usize, f64)| {
            let q = sectors.q[k];
            if (low..=high).contains(&q) { sectors.cos_squared_theta(k) * q * slope } else { f64::NAN }
        };
        slope.into_iter().enumerate().map(by_strain).collect()
    }

    /// The tensor of the sectors' strains; `None` where too few have one.
    pub(super) fn tensor(
        &self,
        sectors: &Sectors<'_>,
        strains: &[SectorStrain],
        mean: Option<(String, Measured)>,
    ) -> Option<Strain> {
        let [ones, cos, sin] = sectors.columns(0.0);
        let (y, sigma): (Vec<f64>, Vec<f64>) =
            strains.iter().map(|sector| (sector.strain.value, sector.strain.sigma)).unzip();
        if 2 * y.iter().filter(|y| y.is_finite()).count() < y.len() {
            return None;
        }
        let fit = least_squares(&[&ones, &cos, &sin], &y, &sigma)?;
        let freedom = fit.freedom as f64;
        let scatter = if chi_squared_exceeds(fit.chi2, freedom) < BEYOND_CHANCE {
            (fit.chi2 / freedom).sqrt()
        } else {
            1.0
        };
        // ε(χ) = mean + ½(ε11 − ε22) cos 2χ + ½γ12 sin 2χ.
        let [difference, g12] = [2.0 * fit.values[1], 2.0 * fit.values[2]];
        let covariance = |i: usize, j: usize| 4.0 * scatter * scatter * fit.covariance[(i, j)];
        let (dd, dg, gg) = (covariance(1, 1), covariance(1, 2), covariance(2, 2));
        // σ of a·(ε11 − ε22) + b·γ12.
        let along = |a: f64, b: f64| Measured {
            value: a * difference + b * g12,
            sigma: (a * a * dd + 2.0 * a * b * dg + b * b * gg).max(0.0).sqrt(),
        };
        let (sin0, cos0) = (2.0 * self.settings.load_axis_deg.to_radians()).sin_cos();
        let size = difference.hypot(g12);
        let amplitude = along(0.5 * difference / size, 0.5 * g12 / size);
        let turn = along(-g12 / size, difference / size);
        let axis = 0.5 * g12.atan2(difference).to_degrees();
        let determinant = dd * gg - dg * dg;
        let square =
            (gg * difference * difference - 2.0 * dg * difference * g12 + dd * g12 * g12) / determinant;
        let (reference, mean) = match mean {
            Some((name, mean)) => (Some(name), mean),
            None => (None, Measured { value: 0.0, sigma: 0.0 }),
        };
        let half = along(0.5, 0.0);
        let with_mean = |sign: f64| Measured {
            value: mean.value + sign * half.value,
            sigma: mean.sigma.hypot(half.sigma),
        };
        Some(Strain {
            mean,
            reference,
            e11: with_mean(1.0),
            e22: with_mean(-1.0),
            g12: along(0.0, 1.0),
            difference: along(1.0, 0.0),
            covariance: dg,
            along_less_across: along(cos0, sin0),
            shear_about_axis: along(-sin0, cos0),
            amplitude,
            axis_deg: Measured {
                value: axis.rem_euclid(180.0),
                sigma: (0.5 * turn.sigma / size).to_degrees(),
            },
            p: chi_squared_exceeds(square, 2.0),
            chi2: fit.chi2,
            freedom: fit.freedom,
            scatter,
        })
    }

    /// (ε11 + ε22)/2 against another sample's mean over the azimuth; `None` where too few points are there.
    pub(super) fn mean_strain(
        &self,
        sectors: &Sectors<'_>,
        harmonics: &Harmonics,
        reference: &Harmonics,
    ) -> Option<Measured> {
        let by_strain = self.by_strain(sectors, reference);
        let y: Vec<f64> = harmonics.mean.iter().zip(&reference.mean).map(|(s, r)| s - r).collect();
        let sigma: Vec<f64> =
            harmonics.mean_sigma.iter().zip(&reference.mean_sigma).map(|(a, b)| a.hypot(*b)).collect();
        let fit =
            least_squares(&[&by_strain, &sectors.ring.by_scale, &sectors.ring.by_constant], &y, &sigma)?;
        let scatter = (footprint(sectors, &by_strain) * fit.chi2 / fit.freedom as f64).max(1.0).sqrt();
        Some(Measured { value: fit.values[0], sigma: scatter * fit.sigma(0) })
    }
}

/// What χ² of single points is multiplied by where `by_strain` is: σ are for sums over points, between which a pixel shares more.
fn footprint(sectors: &Sectors<'_>, by_strain: &[f64]) -> f64 {
    let covered = by_strain.iter().zip(sectors.footprint).filter(|(by, _)| by.is_finite()).map(|(_, f)| *f);
    crate::stats::median(&covered.collect::<Vec<f64>>())
}
