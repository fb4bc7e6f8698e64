//! What the frames of a sample are drawn over: their place, the time, or what was read beside them.

use std::collections::HashMap;

use super::results::Results;
use super::table::Row;

/// Readings that are drawn over, at most.
const MOST_READINGS: usize = 2;

/// An axis that frames can stand along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Abscissa {
    /// The column of `peaks.csv`.
    column: String,
    /// For the axis.
    pub(super) title: String,
}

impl Abscissa {
    /// The frame's number, from 1, which all frames have; after it the time and readings that vary within a sample.
    pub(super) fn all(results: &Results) -> Vec<Abscissa> {
        let place = Abscissa { column: "place".to_owned(), title: "frame".to_owned() };
        let time = Abscissa { column: "time_s".to_owned(), title: "time (s)".to_owned() };
        let readings = results
            .peaks
            .between("time_s", "position_inv_angstrom")
            .into_iter()
            .map(|column| Abscissa { column: column.to_owned(), title: column.to_owned() });
        let varies = |abscissa: &Abscissa| {
            let mut first: HashMap<&str, f64> = HashMap::new();
            results.peaks.rows(&[]).any(|row| {
                let Some(x) = abscissa.of(&row) else { return false };
                let sample = results.samples.iter().find(|sample| *sample == row.text("sample"));
                sample.is_some_and(|sample| *first.entry(sample).or_insert(x) != x)
            })
        };
        let readings = readings.filter(|reading| varies(reading)).take(MOST_READINGS);
        let time = std::iter::once(time).filter(|time| varies(time));
        std::iter::once(place).chain(time).chain(readings).collect()
    }

    /// Whether it is the frame's number.
    pub(super) fn is_place(&self) -> bool {
        self.column == "place"
    }

    /// Whether it is the time.
    pub(super) fn is_time(&self) -> bool {
        self.column == "time_s"
    }

    /// Where the frame of a row stands.
    pub(super) fn of(&self, row: &Row<'_>) -> Option<f64> {
        let x = row.number(&self.column)?;
        Some(if self.is_place() { x + 1.0 } else { x })
    }
}
