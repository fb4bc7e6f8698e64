//! `peaks.csv`: one row per sample × frame × sector × peak, units in the column names.

use super::table::{Cell, Table};
use crate::peaks::{Curve, Measured, Peak, PeakNumbers};
use crate::quality::Quality;
use crate::series::{Condition, Conditions};

/// One peak and what it was measured on.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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

/// Columns of [`PeakRow::labels`].
pub(super) const LABELS: [&str; 5] = ["sample", "frame", "sector", "curve", "peak"];
/// When a frame was taken; readings follow.
const TAKEN: &str = "place,time_s";

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
    /// One for each of [`LABELS`]; `sum` in place of a frame.
    pub(super) fn labels(&self) -> [&str; LABELS.len()] {
        let frame = self.frame.as_deref().unwrap_or("sum");
        [&self.sample, frame, &self.region, self.peak.curve.word(), &self.peak.name]
    }

    /// One for each of [`NUMBERS`]; NaN where it does not apply or could not be measured.
    pub(super) fn numbers(&self) -> Vec<f64> {
        let peak = &self.peak;
        let with = |value: Measured, of: fn(&PeakNumbers) -> f64| {
            [value.value, value.sigma, self.systematic.as_ref().map_or(f64::NAN, of)]
        };
        let in_unit = |value: [f64; 3]| match peak.curve {
            Curve::StructureFactor => [Some(value), None],
            Curve::Pdf => [None, Some(value)],
        };
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

/// The table. The row of a sample's sum has `sum` in `frame`; a cell that does not apply, or that could not be measured, is empty.
/// Rows of frames say their place in the sample, when they began, and what was read beside them.
pub fn peaks_csv(rows: &[PeakRow], conditions: &Conditions) -> Table {
    let (labels, readings) = (LABELS.join(","), names_of_readings(conditions));
    let mut table = Table::new(&format!("{labels},{TAKEN},{readings}{NUMBERS},{}", Quality::names()));
    for row in rows {
        let condition = row.frame.as_deref().and_then(|frame| conditions.get(&row.sample, frame));
        let place = Cell::from(condition.map(|known| known.place));
        let labels = row.labels().map(Cell::from).into_iter().chain([place]);
        let numbers = row.numbers().into_iter().map(Cell::from);
        let figures = row.quality.figures().map(|(_, figure)| Cell::from(figure));
        table.row(labels.chain(taken(condition, conditions)).chain(numbers).chain(figures));
    }
    table
}

/// The columns of peaks.csv that every run has.
pub(super) fn fixed_columns() -> impl Iterator<Item = &'static str> {
    let figures = Quality::default().figures().map(|(name, _)| name);
    LABELS.into_iter().chain(TAKEN.split(',')).chain(NUMBERS.split(',')).chain(figures)
}

/// The names of the columns of readings, each with a comma behind it.
pub(super) fn names_of_readings(conditions: &Conditions) -> String {
    conditions.readings().iter().map(|column| format!("{},", column.name)).collect()
}

/// When a frame was taken and what was read beside it: `time_s` and the columns of readings.
pub(super) fn taken(condition: Option<&Condition>, all: &Conditions) -> impl Iterator<Item = Cell> {
    let time = Cell::from(condition.and_then(|known| known.time_s));
    let read =
        (0..all.readings().len()).map(move |index| condition.and_then(|known| known.reading(index)).into());
    std::iter::once(time).chain(read)
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
        let address = crate::frame::FrameAddress { path: "f.tif".into(), image: 1 };
        let heat = [crate::frame::Reading { name: "T".into(), value: 300.5, unit: "K".into() }];
        let mut conditions = Conditions::default();
        let note = crate::series::FrameNote {
            address: &address,
            name: "f_1",
            began: None,
            exposure_s: None,
            readings: &heat,
        };
        conditions.add("a b", &[None, Some(note)]);
        let rows = [
            row(None, peak(Curve::Pdf, Some(measured))),
            row(Some("f_1"), peak(Curve::StructureFactor, None)),
        ];
        let text = peaks_csv(&rows, &conditions).csv().unwrap();
        let cells: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        assert!(cells.iter().all(|row| row.len() == cells[0].len()));
        let column = |name: &str| cells[0].iter().position(|c| *c == name).unwrap();
        assert_eq!(cells[1][column("position_angstrom")], "2.50000000");
        assert_eq!(cells[1][column("position_inv_angstrom")], "");
        assert_eq!(cells[1][column("fwhm_angstrom")], "", "what could not be measured is empty, not zero");
        assert_eq!(cells[2][column("position_inv_angstrom")], "2.50000000");
        assert_eq!(cells[2][column("coordination_number")], "");
        assert_eq!((cells[1][column("place")], cells[2][column("place")]), ("", "1"));
        assert_eq!((cells[2][column("t_k")], cells[2][column("time_s")]), ("300.500000", ""));
    }
}
