//! Tidy tables: one row for each thing, units in the names of the columns.

use crate::peaks::Measured;

/// A table of cells.
#[derive(Debug)]
pub struct Table {
    rows: csv::Writer<Vec<u8>>,
}

impl Table {
    /// With these columns, separated by commas.
    pub fn new(columns: &str) -> Table {
        let mut table = Table { rows: csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()) };
        table.row(columns.split(',').map(Cell::from));
        table
    }

    /// One row, of as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        // Writing to memory cannot fail.
        let _ = self.rows.write_record(cells.into_iter().map(|cell| cell.0));
    }

    /// As CSV, UTF-8.
    pub fn csv(self) -> String {
        let bytes = self.rows.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// A cell: text, or a number; what is not finite or not there is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell(String);

impl Cell {
    /// A number and its σ.
    pub fn pair(measured: Measured) -> [Cell; 2] {
        [measured.value, measured.sigma].map(Cell::from)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::from(text.as_str())
    }
}

impl From<f64> for Cell {
    /// Nine digits.
    fn from(value: f64) -> Cell {
        let size = value.abs();
        if !value.is_finite() {
            Cell(String::new())
        } else if size == 0.0 || (1e-4..1e9).contains(&size) {
            // Digits after the point so that nine count.
            let digits = if size == 0.0 { 0 } else { (8 - size.log10().floor() as i32).max(0) };
            Cell(format!("{value:.*}", digits as usize))
        } else {
            Cell(format!("{value:.8e}"))
        }
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Cell {
        Cell(count.to_string())
    }
}

impl<T> From<Option<T>> for Cell
where
    Cell: From<T>,
{
    fn from(value: Option<T>) -> Cell {
        value.map_or_else(|| Cell(String::new()), Cell::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_nine_digits_and_quote_what_needs_it() {
        let mut table = Table::new("a,b,c,d,e,f");
        table.row([
            Cell::from("x, \"y\""),
            Cell::from(2.723_456_789_1),
            Cell::from(-1.234_567_891_2e-7),
            Cell::from(f64::NAN),
            Cell::from(3),
            Cell::from(None::<f64>),
        ]);
        assert_eq!(table.csv(), "a,b,c,d,e,f\n\"x, \"\"y\"\"\",2.72345679,-1.23456789e-7,,3,\n");
    }
}
