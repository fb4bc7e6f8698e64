//! From the files of a measurement to I(Q).

use std::path::Path;

use super::{Axis, PatternFile, PatternFileError, difference};
use crate::integrate::Pattern;

/// Which files, and what their headers leave open.
#[derive(Debug, Clone, Copy)]
pub struct PatternSource<'a> {
    /// The pattern.
    pub sample: &'a Path,
    /// What is subtracted from it.
    pub background: Option<&'a Path>,
    /// I = I_sample − scale·I_background.
    pub background_scale: f64,
    /// What x is; goes before the headers.
    pub axis: Option<Axis>,
    /// λ in Å; goes before the headers.
    pub wavelength_angstrom: Option<f64>,
    /// The angle that the detector calls 0, in degrees.
    pub two_theta_zero_deg: f64,
}

/// A measurement as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadPattern {
    /// I(Q) less background, on the sample's points.
    pub pattern: Pattern,
    /// What was subtracted in it, scale·I_background.
    pub background: Option<Vec<f64>>,
    /// λ in Å, where it is given or in the header of the sample.
    pub wavelength_angstrom: Option<f64>,
    /// What x was taken for.
    pub axis: Axis,
    /// What the user should look at.
    pub warnings: Vec<String>,
    /// What σ is where the file has none, for the user to look at.
    pub estimated_sigma: Option<String>,
}

/// A header's wavelength that differs by more is another one, not rounding.
const SAME_WAVELENGTH: f64 = 1e-3;

impl PatternSource<'_> {
    /// Reads, converts to Q and subtracts.
    ///
    /// # Errors
    /// Files that are no patterns, axes that nobody names, angles without a wavelength, nothing in common.
    pub fn read(&self) -> Result<ReadPattern, PatternFileError> {
        let sample = PatternFile::read(self.sample)?;
        let wavelength_angstrom = self.wavelength_angstrom.or(sample.wavelength_angstrom);
        let mut warnings = Vec::new();
        if let (Some(used), Some(header)) = (self.wavelength_angstrom, sample.wavelength_angstrom)
            && (header / used - 1.0).abs() > SAME_WAVELENGTH
        {
            let path = self.sample.display();
            warnings.push(format!("{path}: header says wavelength {header} Å, {used:.6} Å is used"));
        }
        if let (Some(used), Some(header)) = (self.axis, sample.axis)
            && used != header
        {
            let path = self.sample.display();
            warnings.push(format!(
                "{path}: header says x is {}, {} is used",
                header.in_words(),
                used.in_words()
            ));
        }
        let axis_of = |file: &PatternFile| {
            self.axis.or(file.axis).ok_or_else(|| PatternFileError::Axis(file.path.clone()))
        };
        let in_q =
            |file: &PatternFile| file.pattern(axis_of(file)?, wavelength_angstrom, self.two_theta_zero_deg);
        let mut pattern = in_q(&sample)?;
        let mut estimated_sigma = None;
        if sample.sigma.is_none() {
            let relative = pattern.sigma.iter().zip(&pattern.intensity).map(|(s, i)| (s / i).abs());
            let mut relative: Vec<f64> = relative.filter(|share| share.is_finite()).collect();
            relative.sort_by(f64::total_cmp);
            let median = relative.get(relative.len() / 2).copied().unwrap_or(0.0);
            estimated_sigma = Some(format!(
                "{}: no third column: σ is the scatter of neighbouring points, {median:.1e} of I; too small where points were smoothed or interpolated",
                self.sample.display()
            ));
        }
        let mut background = None;
        if let Some(path) = self.background {
            let measured = pattern;
            pattern = difference(&measured, &in_q(&PatternFile::read(path)?)?, self.background_scale)?;
            let left_out = measured.radial.len() - pattern.radial.len();
            let first = measured.radial.partition_point(|q| *q < pattern.radial[0]);
            let subtracted =
                measured.intensity[first..].iter().zip(&pattern.intensity).map(|(all, rest)| all - rest);
            background = Some(subtracted.collect());
            if left_out > 0 {
                let (low, high) = (pattern.radial[0], pattern.radial[pattern.radial.len() - 1]);
                warnings.push(format!(
                    "{}: {left_out} points are outside the background's Q and left out; {low:.3} to {high:.3} Å⁻¹ are used",
                    self.sample.display()
                ));
            }
        }
        let axis = axis_of(&sample)?;
        Ok(ReadPattern { pattern, background, wavelength_angstrom, axis, warnings, estimated_sigma })
    }
}

impl ReadPattern {
    /// From where to where the points reach.
    pub fn coverage(&self) -> crate::config::Coverage {
        let q = &self.pattern.radial;
        let (first, last) = (q[0], q[q.len() - 1]);
        crate::config::Coverage {
            q_range: [first, last],
            axis_end: last,
            step: (last - first) / (q.len().max(2) - 1) as f64,
            wavelength_angstrom: self.wavelength_angstrom,
        }
    }
}
