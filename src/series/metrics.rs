//! The numbers of peaks, each by its name.

use std::collections::{BTreeMap, HashSet};

use crate::output::PeakRow;
use crate::peaks::{Curve, Measured, Peak};

/// A number of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Where the peak is.
    Position,
    /// How high.
    Height,
    /// How wide.
    Fwhm,
    /// How large.
    Area,
    /// How lopsided.
    Asymmetry,
    /// 2π over its width.
    CorrelationLength,
    /// Atoms in the shell.
    CoordinationNumber,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 7] = [
        Metric::Position,
        Metric::Height,
        Metric::Fwhm,
        Metric::Area,
        Metric::Asymmetry,
        Metric::CorrelationLength,
        Metric::CoordinationNumber,
    ];

    /// Its column in `peaks.csv`, unit included.
    pub fn name(self, curve: Curve) -> &'static str {
        match (self, curve) {
            (Metric::Position, Curve::StructureFactor) => "position_inv_angstrom",
            (Metric::Position, Curve::Pdf) => "position_angstrom",
            (Metric::Height, Curve::StructureFactor) => "height_s",
            (Metric::Height, Curve::Pdf) => "height_g_inv_angstrom2",
            (Metric::Fwhm, Curve::StructureFactor) => "fwhm_inv_angstrom",
            (Metric::Fwhm, Curve::Pdf) => "fwhm_angstrom",
            (Metric::Area, _) => "area_inv_angstrom",
            (Metric::Asymmetry, _) => "asymmetry",
            (Metric::CorrelationLength, _) => "correlation_length_angstrom",
            (Metric::CoordinationNumber, _) => "coordination_number",
        }
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Metric::Position => "position",
            Metric::Height => "height",
            Metric::Fwhm => "width",
            Metric::Area => "area",
            Metric::Asymmetry => "asymmetry",
            Metric::CorrelationLength => "correlation length",
            Metric::CoordinationNumber => "coordination number",
        }
    }

    /// Its unit, for readers; `None` for a pure number.
    pub fn unit(self, curve: Curve) -> Option<&'static str> {
        match (self, curve) {
            (Metric::Position | Metric::Fwhm, Curve::StructureFactor) => Some("Å⁻¹"),
            (Metric::Position | Metric::Fwhm, Curve::Pdf) => Some("Å"),
            (Metric::Height, Curve::Pdf) => Some("Å⁻²"),
            (Metric::Area, _) => Some("Å⁻¹"),
            (Metric::CorrelationLength, _) => Some("Å"),
            (Metric::Height, Curve::StructureFactor)
            | (Metric::Asymmetry | Metric::CoordinationNumber, _) => None,
        }
    }

    /// Its value; `None` where the peak has none, or it could not be measured.
    pub fn of(self, peak: &Peak) -> Option<Measured> {
        let measured = match self {
            Metric::Position => Some(peak.position),
            Metric::Height => Some(peak.height),
            Metric::Fwhm => Some(peak.fwhm),
            Metric::Area => Some(peak.area),
            Metric::Asymmetry => Some(peak.asymmetry),
            Metric::CorrelationLength => peak.correlation_length(),
            Metric::CoordinationNumber => peak.coordination_number,
        };
        measured.filter(|measured| measured.value.is_finite() && measured.sigma > 0.0)
    }
}

/// Which number of which peak of which part of the azimuth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `ring` or a sector.
    pub region: String,
    /// Name of the peak.
    pub peak: String,
    /// The number.
    pub metric: Metric,
}

/// A number of a sample: of its frames' sum, and of each frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// Of the sum.
    pub sum: Option<Measured>,
    /// Of each frame that has it, with the frame's name.
    pub frames: Vec<(String, Measured)>,
}

/// Every number of every sample: sample → key → readings; and the curve of each peak.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Numbers {
    of: BTreeMap<String, BTreeMap<Key, Readings>>,
    /// Keys in the order of the first sample that has them.
    keys: Vec<(Key, Curve)>,
}

impl Numbers {
    /// From the rows of `peaks.csv`.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a PeakRow>) -> Numbers {
        let mut numbers = Numbers::default();
        let mut known = HashSet::new();
        for row in rows {
            for metric in Metric::ALL {
                let Some(measured) = metric.of(&row.peak) else { continue };
                let key = Key { region: row.region.clone(), peak: row.peak.name.clone(), metric };
                let of_sample = numbers.of.entry(row.sample.clone()).or_default();
                let readings = of_sample.entry(key.clone()).or_default();
                match &row.frame {
                    None => {
                        readings.sum = Some(measured);
                        if known.insert(key.clone()) {
                            numbers.keys.push((key, row.peak.curve));
                        }
                    }
                    Some(frame) => readings.frames.push((frame.clone(), measured)),
                }
            }
        }
        numbers
    }

    /// The numbers that sums have, in the order of the tables.
    pub fn keys(&self) -> &[(Key, Curve)] {
        &self.keys
    }

    /// One number of one sample.
    pub fn get(&self, sample: &str, key: &Key) -> Option<&Readings> {
        self.of.get(sample)?.get(key)
    }

    /// One number of a sample's sum.
    pub fn sum(&self, sample: &str, key: &Key) -> Option<Measured> {
        self.get(sample, key)?.sum
    }
}
