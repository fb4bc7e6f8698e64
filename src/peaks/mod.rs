//! Peaks of S(Q) and G(r): position, height, width, area, coordination number.
//!
//! Every number is written as a function of the curve's points whose gradient is known; its σ is that gradient taken
//! through the transform back to the independent points of F(Q), so that correlations between points of G are in it.

mod again;
mod error;
mod local_fit;
mod pair_groups;
mod plan;
mod search;
mod shape;
mod skew;
mod sub_peaks;

pub(crate) use again::OtherCurve;
pub use again::PeakNumbers;
pub use error::PeakError;
pub(crate) use pair_groups::radius;
pub(crate) use plan::MOST_PEAKS;
pub use plan::PeakPlan;
pub use sub_peaks::{SubPeak, SubPeakFit, SubPeakSettings, SubPeakShape, sub_peaks};

/// A number with its standard uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// Best value.
    pub value: f64,
    /// One standard deviation.
    pub sigma: f64,
}

/// The curve that a peak belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Curve {
    /// S(Q).
    StructureFactor,
    /// G(r).
    Pdf,
}

impl Curve {
    /// Its name in tables.
    pub fn word(self) -> &'static str {
        match self {
            Curve::StructureFactor => "S(Q)",
            Curve::Pdf => "G(r)",
        }
    }
}

/// One peak. What a pattern does not show is NaN with σ NaN, so that one poor pattern does not end a series:
/// everything where the window has no maximum inside, the width where the curve does not fall to half on both sides.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Peak {
    /// q1, q2, r1 … or the name in the run file.
    pub name: String,
    /// Where it is.
    pub curve: Curve,
    /// Position in Å⁻¹ or Å.
    pub position: Measured,
    /// Height: S or G (Å⁻²) at the position.
    pub height: Measured,
    /// Full width at half maximum, in Å⁻¹ or Å; half of the height above S = 1 or G = 0.
    pub fwhm: Measured,
    /// Area above S = 1 or G = 0 between the crossings on both sides, or to the minimum where the curve rises again before it
    /// crosses; in Å⁻¹ for S and for G.
    pub area: Measured,
    /// (b − a)/(b + a) of the distances a to the left and b to the right of the position at half height.
    pub asymmetry: Measured,
    /// Atoms in the shell, where it was asked for.
    pub coordination_number: Option<Measured>,
}

impl Measured {
    /// What could not be measured.
    pub const MISSING: Measured = Measured { value: f64::NAN, sigma: f64::NAN };
}

impl Peak {
    /// 2π/Δq of a peak of S(Q) with the width Δq, in Å: how far the order reaches that the peak is made by; of the first sharp
    /// diffraction peak the length of medium-range order (Elliott, J. Phys.: Condens. Matter 4 (1992) 7661). `None` for a peak of G(r).
    pub fn correlation_length(&self) -> Option<Measured> {
        let length = 2.0 * std::f64::consts::PI / self.fwhm.value;
        match self.curve {
            Curve::StructureFactor => {
                Some(Measured { value: length, sigma: length * self.fwhm.sigma / self.fwhm.value })
            }
            Curve::Pdf => None,
        }
    }

    /// Why numbers of this peak are NaN; `None` where all are there.
    pub fn missing(&self) -> Option<&'static str> {
        if self.position.value.is_nan() {
            Some("no maximum: the curve rises or falls through the whole window, or has fewer peaks")
        } else if self.area.value.is_nan() {
            Some("no width and area: the maximum is not above S = 1 or G = 0")
        } else if self.fwhm.value.is_nan() {
            Some(
                "no width: the curve does not fall to half of the height on both sides before it rises again",
            )
        } else {
            None
        }
    }
}

/// The peaks of one pattern.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PeakTable {
    /// In the order S(Q), then G(r).
    pub peaks: Vec<Peak>,
}

/// Where to look for the peaks of a curve.
#[derive(Debug, Clone, PartialEq)]
pub enum PeakSearch {
    /// The first n maxima that stand out from the noise and ripples.
    First(usize),
    /// The highest point of each named window [low, high] (Å⁻¹ or Å).
    Windows(Vec<(String, [f64; 2])>),
}

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct PeakSettings {
    /// Peaks of S(Q): q1, q2, …
    pub s_of_q: PeakSearch,
    /// Peaks of G(r): r1, r2, …
    pub g_of_r: PeakSearch,
    /// Name of the peak of G(r) whose shell is counted, ∫(rG + 4πρ0r²)dr.
    pub coordination_number: Option<CoordinationNumber>,
}

/// Which shell is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct CoordinationNumber {
    /// Name of the peak.
    pub peak: String,
    /// Limits in Å; `None` = the peak's window, or the minima of r·G + 4πρ0r² beside a found peak.
    pub limits_angstrom: Option<[f64; 2]>,
}
