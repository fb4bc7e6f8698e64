//! From I(Q) to S(Q).
//!
//! A [`StructurePlan`] is built once for a Q axis; it is then applied to each pattern. What follows the division by
//! ⟨f⟩² (polynomial, extension to Q = 0) is linear and lives in [`FGrid`], so that uncertainties go through it exactly.

mod absolute;
mod error;
mod f_grid;
mod low_r;
mod low_r_fit;
mod multiple;
mod normalization;
mod part;
mod pdfgetx3;
mod plan;
mod polynomial;
mod resample;
mod scatter;

pub use error::StructureError;
pub(crate) use f_grid::averaged;
pub use f_grid::{FGrid, RadialRule};
pub use low_r_fit::{FittedNumber, LowRFit, LowRFree};
pub use multiple::{MultipleScattering, Treatment, TwiceScattered};
pub use part::PartOfRing;
pub use plan::StructurePlan;
pub(crate) use polynomial::dot;
pub use scatter::Scatter;

/// S(Q) with its way of normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureFactor {
    /// Q in Å⁻¹, n points: the extension to Q = 0 where there is one, then the measured range.
    pub q: Vec<f64>,
    /// S = 1 + F/Q, n points, tends to 1.
    pub s: Vec<f64>,
    /// Standard uncertainty of S from counting, n points.
    pub sigma: Vec<f64>,
    /// F = Q(S − 1) in Å⁻¹ after the polynomial correction, n points: what is transformed.
    pub f: Vec<f64>,
    /// F before polynomial and iteration, n points.
    pub uncorrected_f: Vec<f64>,
    /// What of α·I in units of |⟨f⟩|² is not S − 1 \[E9\]: its value where S = 1, m points.
    pub level: Vec<f64>,
    /// Standard uncertainty of F before the polynomial and with the scale known, n points: there the measured points are
    /// independent.
    pub f_sigma: Vec<f64>,
    /// How many of the m measured points one pixel covers \[E4c\], at each of them; 1 = they share no counts.
    pub footprint: Vec<f64>,
    /// How F scatters with the fitted scale and constant: all of its points together.
    pub scatter: Scatter,
    /// α: electron units per atom for one unit of I.
    pub scale: f64,
    /// m: constant subtracted from αI (fluorescence), electron units per atom.
    pub constant: f64,
}

/// How I(Q) becomes S(Q) and F(Q).
#[derive(Debug, Clone, PartialEq)]
pub enum StructureSettings {
    /// Electron units per atom, Compton and Klein–Nishina subtracted, Faber–Ziman \[E9\].
    Absolute(AbsoluteSettings),
    /// The algorithm of PDFgetX3 (Juhás et al. 2013): relative scale.
    PdfGetX3(PdfGetX3Settings),
}

/// Settings of the absolute mode.
#[derive(Debug, Clone, PartialEq)]
pub struct AbsoluteSettings {
    /// Photon energy: for Compton scattering, f′ and f″.
    pub energy_kev: f64,
    /// Number density ρ0; without it the polynomial knows no −4πρ0 r and there is no coordination number.
    pub density_per_cubic_angstrom: Option<f64>,
    /// Qmin and Qmax used.
    pub q_range: [f64; 2],
    /// Where the scale comes from.
    pub normalization: Normalization,
    /// Which S(Q).
    pub form: Form,
    /// The additive constant m.
    pub fluorescence: Fluorescence,
    /// Ad-hoc polynomial \[E10\]; `None` = off.
    pub polynomial: Option<Polynomial>,
    /// What is done after it at distances without atoms; `None` = nothing.
    pub iteration: Option<Iteration>,
    /// What stands between Q = 0 and Qmin.
    pub low_q: LowQ,
    /// What is scattered twice in the sample; `None` = its shape is not known.
    pub multiple_scattering: Option<MultipleScattering>,
}

/// Where the scale α comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalization {
    /// αI = ⟨f²⟩ + I_inc·KN from `q_min` to Qmax, by least squares.
    HighQ {
        /// Lower end of the window.
        q_min: f64,
    },
    /// ∫Q²(S − 1)W dQ = −2π²ρ0 \[E14\] (Krogh-Moe 1956, Norman 1957).
    KroghMoe,
    /// G = −4πρ0 r below the first atoms, by least squares \[E15\] (Eggert et al. 2002).
    LowR {
        /// Where the first atoms may begin.
        r_max_angstrom: f64,
    },
}

/// Which S(Q); I in electron units less constant and Compton scattering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// \[I − (⟨f²⟩ − |⟨f⟩|²)\]/|⟨f⟩|² \[E9\].
    FaberZiman,
    /// I/⟨f²⟩ \[E9a\].
    AshcroftLangreth,
    /// I/(κ|⟨f⟩|²), κ the mean of ⟨f²⟩/|⟨f⟩|², as GSAS-II has it: ⟨f²⟩ − |⟨f⟩|² is left in \[E9b\].
    Gsas2,
}

/// Steps F ← F − ∫_0^R (G + 4πρ0 r) sin Qr dr \[E16\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iteration {
    /// R: no pair of atoms is closer.
    pub r_max_angstrom: f64,
    /// How many steps.
    pub count: u32,
}

/// Whether a constant is fitted with the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fluorescence {
    /// m = 0.
    None,
    /// m by least squares with α.
    Fit,
}

/// The polynomial Σ a_n Q^n of degree r_poly·Qmax/π subtracted from F − F_hole \[E10\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polynomial {
    /// It takes out what G has below this r.
    pub r_poly_angstrom: f64,
    /// R of F_hole: no pair of atoms is closer.
    pub r_hole_angstrom: f64,
}

/// Extension of S(Q) from Qmin to 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LowQ {
    /// S(Q) = a + bQ² + cQ⁴ fitted to the first points.
    Quartic,
    /// S(Q) = a + bQ² fitted to them.
    Parabola,
    /// S(Q) = a, their mean.
    Constant,
    /// F = 0.
    Zero,
}

/// Settings of the PDFgetX3 mode; the names are that program's.
#[derive(Debug, Clone, PartialEq)]
pub struct PdfGetX3Settings {
    /// First Q used.
    pub qmin: f64,
    /// Last Q transformed.
    pub qmax: f64,
    /// Last Q of the polynomial fit.
    pub qmaxinst: f64,
    /// r limit of the polynomial.
    pub rpoly: f64,
}
