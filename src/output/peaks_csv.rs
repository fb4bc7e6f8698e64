//! `peaks.csv`: one row per sample × frame × sector × peak, units in the column names.

use super::table::quoted;
use crate::peaks::{Curve, Measured, Peak, PeakNumbers};
use crate::quality::Quality;

/// One peak and what it was measured on.
#[derive(Debug, Clone, PartialEq)]
pub struct PeakRow {
    /// The sample.
    pub sample: String,
    /// The frame's name; `None` for the sum over the sample's frames.
    pub frame: Option<String>,
    /// `ring` or the sector.
    pub region: String,
    /// The peak.
    pub peak: Peak,
    /// Its σ from the choices of the analysis; `None` where they were not varied, as for single frames.
    pub systematic: Option<PeakNumbers>,
    /// Figures of the curves that it is a peak of.
    pub quality: Quality,
}

const LABELS: &str = "sample,frame,sector,curve,peak";

/// Columns of [`PeakRow::numbers`].
pub(super) const NUMBERS: &str = "\
    position_inv_angstrom,position_inv_angstrom_sigma,position_inv_angstrom_sigma_syst,\
    position_angstrom,position_angstrom_sigma,position_angstrom_sigma_syst,\
    height_s,height_s_sigma,height_s_sigma_syst,\
    height_g_inv_angstrom2,height_g_inv_angstrom2_sigma,height_g_inv_angstrom2_sigma_syst,\
    fwhm_inv_angstrom,fwhm_inv_angstrom_sigma,fwhm_inv_angstrom_sigma_syst,\
    fwhm_angstrom,fwhm_angstrom_sigma,fwhm_angstrom_sigma_syst,\
    area_inv_angstrom,area_inv_angstrom_sigma,area_inv_angstrom_sigma_syst,\
    asymmetry,asymmetry_sigma,asymmetry_sigma_syst,\
    correlation_length_angstrom,correlation_length_angstrom_sigma,correlation_length_angstrom_sigma_syst,\
    coordination_number,coordination_number_sigma,coordination_number_sigma_syst";

impl PeakRow {
    /// Sample, frame or `sum`, region, curve, peak.
    pub(super) fn labels(&self) -> [&str; 5] {
        let curve = match self.peak.curve {
            Curve::StructureFactor => "S(Q)",
            Curve::Pdf => "G(r)",
        };
        let frame = self.frame.as_deref().unwrap_or("sum");
        [&self.sample, frame, &self.region, curve, &self.peak.name]
    }

    /// One for each of [`NUMBERS`]; NaN where it does not apply or could not be measured.
    pub(super) fn numbers(&self) -> Vec<f64> {
        let peak = &self.peak;
        let of_s = match peak.curve {
            Curve::StructureFactor => true,
            Curve::Pdf => false,
        };
        let with = |value: Measured, of: fn(&PeakNumbers) -> f64| {
            [value.value, value.sigma, self.systematic.as_ref().map_or(f64::NAN, of)]
        };
        let in_unit = |value: [f64; 3]| if of_s { [Some(value), None] } else { [None, Some(value)] };
        let (position, height, fwhm) = (
            with(peak.position, |syst| syst.position),
            with(peak.height, |syst| syst.height),
            with(peak.fwhm, |syst| syst.fwhm),
        );
        let count = peak.coordination_number.map(|count| with(count, |syst| syst.coordination_number));
        let length = peak.correlation_length().map(|length| {
            let relative = self.systematic.map_or(f64::NAN, |syst| syst.fwhm / peak.fwhm.value);
            [length.value, length.sigma, length.value * relative]
        });
        [in_unit(position), in_unit(height), in_unit(fwhm)]
            .into_iter()
            .flatten()
            .chain([
                Some(with(peak.area, |syst| syst.area)),
                Some(with(peak.asymmetry, |syst| syst.asymmetry)),
                length,
                count,
            ])
            .flat_map(|numbers| numbers.unwrap_or([f64::NAN; 3]))
            .collect()
    }
}

/// The table as CSV. The row of a sample's sum has `sum` in `frame`; a cell that does not apply, or that could not be
/// measured, is empty.
pub fn peaks_csv(rows: &[PeakRow]) -> String {
    let mut text = format!("{LABELS},{NUMBERS},{}\n", Quality::names());
    for row in rows {
        let labels = row.labels().map(quoted);
        let numbers = row.numbers().into_iter().map(number);
        let figures = row.quality.figures().map(|(_, figure)| figure.map_or_else(String::new, number));
        text.push_str(&labels.into_iter().chain(numbers).chain(figures).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.8}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_as_many_cells_as_the_header() {
        let measured = Measured { value: 2.5, sigma: 0.1 };
        let peak = |curve, coordination_number| Peak {
            name: "r1".into(),
            curve,
            position: measured,
            height: measured,
            fwhm: Measured { value: f64::NAN, sigma: f64::NAN },
            area: measured,
            asymmetry: measured,
            coordination_number,
        };
        let row = |frame: Option<&str>, peak| PeakRow {
            sample: "a b".into(),
            frame: frame.map(str::to_owned),
            region: "ring".into(),
            peak,
            systematic: None,
            quality: Quality::default(),
        };
        let text = peaks_csv(&[
            row(None, peak(Curve::Pdf, Some(measured))),
            row(Some("f_1"), peak(Curve::StructureFactor, None)),
        ]);
        let cells: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        assert!(cells.iter().all(|row| row.len() == cells[0].len()));
        let column = |name: &str| cells[0].iter().position(|c| *c == name).unwrap();
        assert_eq!(cells[1][column("position_angstrom")], "2.50000000");
        assert_eq!(cells[1][column("position_inv_angstrom")], "");
        assert_eq!(cells[1][column("fwhm_angstrom")], "", "what could not be measured is empty, not zero");
        assert_eq!(cells[2][column("position_inv_angstrom")], "2.50000000");
        assert_eq!(cells[2][column("coordination_number")], "");
    }
}
