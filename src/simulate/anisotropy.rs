//! Uniaxial anisotropy: an affine strain about a load axis in the plane of the detector, and a free S_2(Q) \[E12\].
//!
//! An affine deformation F moves every atom from r to F·r and every distance with it, so that the structure factor of
//! the strained sample is S(Q) = S_0(|Fᵀ·Q|), exactly for any size of the strain. With F = diag(1 + ε, 1 − νε, 1 − νε)
//! along and across the load axis and α the angle between Q and that axis,
//!
//! |Fᵀ·Q| = Q √[(1 + ε)² cos²α + (1 − νε)² sin²α],
//!
//! whose first order in ε is S_0 + ε(1 − 2ν)/3·Q S_0′ + √5 S_2 P_2(cos α), S_2 = ε·2(1 + ν)/(3√5)·Q S_0′ \[E12\].

use super::quadrature::nodes;
use super::radial::RadialTable;
use super::table::SofQ;
use crate::integrate::Azimuth;
use crate::units::two_theta_rad;

/// What makes a sample differ along and across a load axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Anisotropy {
    /// Azimuth χ of the load axis, which is perpendicular to the beam.
    pub axis_rad: f64,
    /// ε: relative elongation along the axis.
    pub strain: f64,
    /// ν: contraction across the axis relative to the elongation along it.
    pub poisson_ratio: f64,
    /// S_2(Q) of \[E12\], beside that of the strain.
    pub second_harmonic: Option<SofQ>,
}

/// Width in rad of the panels that sectors are averaged over, ten points in each: S turns slowly with χ.
const PANEL_RAD: f64 = 0.2;

impl Anisotropy {
    /// Largest |Fᵀ·Q|/Q.
    pub fn largest_stretch(&self) -> f64 {
        (1.0 + self.strain).max(1.0 - self.poisson_ratio * self.strain)
    }

    /// |Fᵀ·Q| for a Q in Å⁻¹ whose angle to the load axis has this cosine.
    pub fn unstrained_q(&self, q: f64, cos_axis: f64) -> f64 {
        let (along, across) = (1.0 + self.strain, 1.0 - self.poisson_ratio * self.strain);
        let cos_squared = cos_axis * cos_axis;
        q * (along * along * cos_squared + across * across * (1.0 - cos_squared)).sqrt()
    }

    /// S(Q, α) of a sample that has S_0 without anisotropy.
    pub fn s_of_q(&self, s0: &RadialTable, q: f64, cos_axis: f64) -> f64 {
        let second = self.second_harmonic.as_ref().map_or(0.0, |s2| s2.at(q));
        s0.at(self.unstrained_q(q, cos_axis)) + second * sqrt5_p2(cos_axis)
    }

    /// S at Q in Å⁻¹, averaged evenly over the azimuths of a ring or sector; opposite azimuths have the same S.
    pub fn mean_s_of_q(&self, s0: &RadialTable, q: f64, wavelength_angstrom: f64, azimuth: Azimuth) -> f64 {
        let (centre, width) = match azimuth {
            Azimuth::Ring => (0.0, std::f64::consts::PI),
            Azimuth::Sector { centre_deg, width_deg, fold: _ } => {
                (centre_deg.to_radians(), width_deg.to_radians())
            }
        };
        // Q stands on the bisector of beam and scattered ray, θ out of the detector's plane.
        let cos_theta = (0.5 * two_theta_rad(q, wavelength_angstrom)).cos();
        let s = |chi: f64| self.s_of_q(s0, q, cos_theta * (chi - self.axis_rad).cos());
        let sum: f64 = nodes(centre - 0.5 * width, centre + 0.5 * width, PANEL_RAD)
            .into_iter()
            .map(|(chi, weight)| weight * s(chi))
            .sum();
        sum / width
    }

    /// ε11, ε22, γ12 with axis 1 at χ = 0 and axis 2 at χ = 90°: ε(χ) = ε11 cos²χ + γ12 sin χ cos χ + ε22 sin²χ.
    pub fn strain_tensor(&self) -> [f64; 3] {
        let (sin, cos) = self.axis_rad.sin_cos();
        let (along, across) = (self.strain, -self.poisson_ratio * self.strain);
        [
            along * cos * cos + across * sin * sin,
            along * sin * sin + across * cos * cos,
            2.0 * (along - across) * sin * cos,
        ]
    }
}

/// √5 P_2: the function of \[E12\] whose square has the mean 1 over the sphere.
fn sqrt5_p2(cosine: f64) -> f64 {
    0.5 * 5f64.sqrt() * (3.0 * cosine * cosine - 1.0)
}

/// The part of the light that depends on the azimuth, in counts of a pixel with P = Ω = η = 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Oriented {
    /// What the sample is like.
    pub anisotropy: Anisotropy,
    /// S_0 up to the largest |Fᵀ·Q|.
    pub s0: RadialTable,
    /// Counts for one unit of S: |⟨f⟩|² times the rate.
    pub counts_per_s: RadialTable,
}

impl Oriented {
    /// What the anisotropy adds to the light at Q in Å⁻¹.
    pub fn excess(&self, q: f64, cos_axis: f64) -> f64 {
        let change = self.anisotropy.s_of_q(&self.s0, q, cos_axis) - self.s0.at(q);
        self.counts_per_s.at(q) * change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::Fold;
    use crate::simulate::Glass;

    const WAVELENGTH: f64 = 0.1107;

    fn strained(strain: f64, axis_deg: f64) -> (Anisotropy, RadialTable) {
        let anisotropy = Anisotropy {
            axis_rad: axis_deg.to_radians(),
            strain,
            poisson_ratio: 0.36,
            second_harmonic: None,
        };
        let glass = Glass::zr_based();
        (anisotropy, RadialTable::from_fn(25.0, |q| glass.s_of_q(q)))
    }

    /// The first order in ε is the S_2 of \[E12\] and a change of volume.
    #[test]
    fn small_strains_are_the_second_harmonic_of_e12() {
        let (strain, nu) = (1e-6, 0.36);
        let (anisotropy, s0) = strained(strain, 0.0);
        for q in [1.5, 2.7, 4.6, 10.0, 20.0] {
            let slope = (s0.at(q + 1e-3) - s0.at(q - 1e-3)) / 2e-3;
            for cos in [0.0, 0.3, 0.7, 1.0f64] {
                let s2 = strain * 2.0 * (1.0 + nu) / (3.0 * 5f64.sqrt()) * q * slope;
                let expected = strain * (1.0 - 2.0 * nu) / 3.0 * q * slope + s2 * sqrt5_p2(cos);
                let found = anisotropy.s_of_q(&s0, q, cos) - s0.at(q);
                // Second order: (εQ)²·S″/2 with S″ up to 3/0.13² at the first maximum, 1e-9; and the slope, whose third
                // derivative gives 1e-6·3/0.13³/6 of it.
                assert!(
                    (found - expected).abs() < 2e-9 + 3e-4 * expected.abs(),
                    "{q} {cos}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn the_tensor_gives_the_shift_in_every_direction() {
        for axis_deg in [0.0, 30.0, 90.0, 135.0] {
            let (anisotropy, _) = strained(1e-5, axis_deg);
            let [e11, e22, g12] = anisotropy.strain_tensor();
            for chi_deg in [0.0f64, 20.0, 90.0, 170.0] {
                let chi = chi_deg.to_radians();
                let (sin, cos) = chi.sin_cos();
                // A Q in the detector's plane; what was at Q' is now at Q, so Q/Q' = 1 − ε(χ) to first order, 1e-10.
                let stretch = anisotropy.unstrained_q(1.0, (chi - anisotropy.axis_rad).cos());
                let expected = e11 * cos * cos + g12 * sin * cos + e22 * sin * sin;
                assert!((stretch - 1.0 - expected).abs() < 2e-10, "{axis_deg} {chi_deg}");
            }
        }
    }

    #[test]
    fn narrow_sectors_are_the_direction_and_rings_the_mean() {
        let (anisotropy, s0) = strained(0.01, 90.0);
        let sector =
            |centre_deg, width_deg| Azimuth::Sector { centre_deg, width_deg, fold: Fold::WithOpposite };
        let q = 2.5;
        let cos_theta = (0.5 * two_theta_rad(q, WAVELENGTH)).cos();
        let narrow = anisotropy.mean_s_of_q(&s0, q, WAVELENGTH, sector(90.0, 0.01));
        // cos²χ differs by (8.7e-5)² from that of the middle.
        assert!((narrow - anisotropy.s_of_q(&s0, q, cos_theta)).abs() < 1e-8);
        // Eighteen sectors of 10° make half a turn, and so the ring.
        let parts: f64 = (0..18)
            .map(|i| anisotropy.mean_s_of_q(&s0, q, WAVELENGTH, sector(10.0 * f64::from(i), 10.0)) / 18.0)
            .sum();
        let ring = anisotropy.mean_s_of_q(&s0, q, WAVELENGTH, Azimuth::Ring);
        // The table's cubics join with kinks of 1e-10 in S.
        assert!((parts - ring).abs() < 1e-10, "{parts} {ring}");
    }
}
