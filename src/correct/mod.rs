//! From counts to (signal, variance, norm) of a pixel \[E2\], \[E3\], \[E5\], and what leaves a pixel out.

mod absorption;
mod attenuation;
mod container;
mod cylinder;
mod factor;
mod signal;

pub use absorption::{SampleAbsorption, SampleShape};
pub use attenuation::{AttenuationError, air_path, attenuation_per_m, sensor_efficiency, sensor_parallax};
pub use container::Container;
pub use factor::{pixel_norm, unusable};

/// A factor of a pixel's norm that depends on where the pixel is: norm = flat · Π factors, relative to the
/// direction of normal incidence or of the beam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Correction {
    /// (L/√(L² + p1² + p2²))³ \[E2\].
    SolidAngle,
    /// ½[1 + cos²2θ − f cos(2χ) sin²2θ] \[E3\], f = 1: fully polarised in the horizontal plane.
    Polarization {
        /// f.
        factor: f64,
    },
    /// η/η0, η = 1 − exp(−μt/cos α), α the incidence to the sensor's normal \[E5\].
    SensorEfficiency {
        /// Linear attenuation coefficient of the sensor at the beam's energy.
        mu_per_m: f64,
        /// Sensor thickness.
        thickness_m: f64,
    },
    /// exp(−μ·L·(1/cos 2θ − 1)): air between sample and detector relative to the beam's direction.
    AirPath {
        /// Linear attenuation coefficient of air.
        mu_per_m: f64,
        /// Air path along the beam.
        length_m: f64,
    },
}

/// How a detector that is blind for a time τ after each photon loses counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadTimeModel {
    /// True rate n = m/(1 − mτ) for the measured rate m.
    NonParalyzable,
    /// m = n·exp(−nτ), solved for the branch below 1/τ.
    Paralyzable,
}

/// Dead time of one pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeadTime {
    /// How counts are lost.
    pub model: DeadTimeModel,
    /// τ.
    pub tau_s: f64,
}

/// Counts recorded without beam, for one frame's exposure.
#[derive(Debug, Clone, PartialEq)]
pub struct Dark {
    /// Counts to subtract, row order.
    pub counts: Vec<f32>,
    /// Their variance, row order.
    pub variance: Vec<f32>,
}

/// From a pixel's raw counts c to its signal and variance:
/// signal = c/(live fraction) − dark, variance = var(c)·(d signal/dc)² + var(dark) \[E4\], var(c) = c but for dead time.
///
/// A pixel is left out of one frame where c is negative, not finite, or ≥ `saturated_counts`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignalModel {
    /// Dark frame.
    pub dark: Option<Dark>,
    /// Dead time; needs the frame's exposure.
    pub dead_time: Option<DeadTime>,
    /// Counts at and above this are saturated.
    pub saturated_counts: Option<f64>,
}
