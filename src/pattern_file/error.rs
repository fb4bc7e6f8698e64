//! Why a file gives no pattern.

use std::path::PathBuf;

/// Text that is no pattern, or that leaves open what it is.
#[derive(Debug, thiserror::Error)]
pub enum PatternFileError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There are no numbers in it.
    #[error(
        "{0}: found no lines of two or more numbers, expected columns of x, intensity and, if known, σ, divided by blanks, commas or tabs"
    )]
    NoNumbers(PathBuf),
    /// Something else among the numbers.
    #[error(
        "{path}:{line}: found `{found}` among the numbers, expected {columns} columns of numbers; comments begin with #"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The beginning of that line.
        found: String,
        /// Numbers in the lines before.
        columns: usize,
    },
    /// The header does not say what x is.
    #[error(
        "{0}: its header does not say whether x is Q or 2θ; give --axis q-inv-angstrom, q-inv-nm, two-theta-deg or two-theta-rad"
    )]
    Axis(PathBuf),
    /// Angles without a wavelength.
    #[error("{0}: x is 2θ, and nothing says the wavelength; give --energy-kev or --wavelength-angstrom")]
    Wavelength(PathBuf),
    /// Points that do not follow each other.
    #[error("{path}: x falls from {} to {} at point {point}, expected rising values", x[0], x[1])]
    Falls {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        point: usize,
        /// The value before, and at it.
        x: [f64; 2],
    },
    /// An angle that cannot be.
    #[error("{path}: 2θ of {two_theta_deg:.3}° is beyond 180°; is x another axis? see --axis")]
    Angle {
        /// The file.
        path: PathBuf,
        /// The first such angle.
        two_theta_deg: f64,
    },
    /// Sample and background have no Q in common.
    #[error(
        "the background has Q = {0:.3} to {1:.3} Å⁻¹ and the sample {2:.3} to {3:.3} Å⁻¹: they have no points in common; check their axes"
    )]
    Apart(f64, f64, f64, f64),
}
