//! Physical constants, the radial axis, and the conversions between energy, wavelength, scattering angle and Q.

/// Planck's constant times the speed of light in keV·Å (CODATA 2018, exact in SI).
pub const HC_KEV_ANGSTROM: f64 = 12.398_419_843;

/// Rest energy of the electron in keV (CODATA 2018).
pub const ELECTRON_REST_KEV: f64 = 510.998_95;

/// The radial axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadialUnit {
    /// Q = 4π sin θ/λ in Å⁻¹.
    QInvAngstrom,
    /// 2θ in degrees.
    TwoThetaDeg,
    /// d = 2π/Q in Å.
    DAngstrom,
}

/// λ = hc/E.
pub fn wavelength_angstrom(energy_kev: f64) -> f64 {
    HC_KEV_ANGSTROM / energy_kev
}

/// E = hc/λ.
pub fn energy_kev(wavelength_angstrom: f64) -> f64 {
    HC_KEV_ANGSTROM / wavelength_angstrom
}

/// Q = 4π sin(θ)/λ in Å⁻¹ for the scattering angle 2θ.
pub fn momentum_transfer(two_theta_rad: f64, wavelength_angstrom: f64) -> f64 {
    4.0 * std::f64::consts::PI * (0.5 * two_theta_rad).sin() / wavelength_angstrom
}

/// 2θ = 2 asin(Qλ/4π) in rad; NaN where Q exceeds 4π/λ, the back-scattering limit.
pub fn two_theta_rad(q_inv_angstrom: f64, wavelength_angstrom: f64) -> f64 {
    2.0 * (q_inv_angstrom * wavelength_angstrom / (4.0 * std::f64::consts::PI)).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_two_theta_invert_each_other() {
        let wavelength = wavelength_angstrom(112.0);
        for q in [0.01, 1.0, 12.5, 30.0] {
            let back = momentum_transfer(two_theta_rad(q, wavelength), wavelength);
            assert!((back - q).abs() < 1e-12 * q, "{q} came back as {back}");
        }
        assert!((energy_kev(wavelength) - 112.0).abs() < 1e-12);
    }
}
