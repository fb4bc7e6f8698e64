//! Tidy tables: one row for each thing, units in the names of the columns.

use crate::peaks::Measured;

/// A table of cells.
#[derive(Debug)]
pub struct Table {
    rows: csv::Writer<Vec<u8>>,
    columns: Vec<Column>,
    /// What went wrong first; said where the table is ended.
    failed: Option<TableError>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
}

#[derive(Debug)]
struct Column {
    name: String,
    /// Of its first cell.
    kind: Option<Kind>,
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Rows that are not as long as the columns are many.
    #[error(transparent)]
    Rows(#[from] csv::Error),
    /// A column that is neither text nor number.
    #[error("column `{0}` has texts and numbers")]
    Kinds(String),
}

impl Table {
    /// With these columns, separated by commas.
    pub fn new(columns: &str) -> Table {
        let names = || columns.split(',');
        let mut rows = csv::Writer::from_writer(Vec::new());
        let failed = rows.write_record(names()).err().map(TableError::from);
        let columns = names().map(|name| Column { name: name.to_owned(), kind: None }).collect();
        Table { rows, columns, failed }
    }

    /// One row, of as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        if self.failed.is_none() {
            self.failed = self.add(cells).err();
        }
    }

    fn add(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), TableError> {
        let mut columns = self.columns.iter_mut();
        for cell in cells {
            if let Some(column) = columns.next()
                && *column.kind.get_or_insert(cell.kind()) != cell.kind()
            {
                return Err(TableError::Kinds(column.name.clone()));
            }
            self.rows.write_field(cell.text())?;
        }
        Ok(self.rows.write_record(None::<&[u8]>)?)
    }

    /// As CSV, UTF-8.
    ///
    /// # Errors
    /// Rows that are no table.
    pub fn csv(self) -> Result<String, TableError> {
        Ok(self.csv_and_kinds()?.0)
    }

    /// As CSV, and what each column holds: text where there are no rows.
    pub(super) fn csv_and_kinds(self) -> Result<(String, Vec<Kind>), TableError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let bytes = self.rows.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        let text =
            String::from_utf8(bytes).map_err(|error| csv::Error::from(std::io::Error::other(error)))?;
        Ok((text, self.columns.iter().map(|column| column.kind.unwrap_or(Kind::Text)).collect()))
    }
}

/// What stands in a row and a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number of nine digits; one that is not finite or not there is empty.
    Number(Option<f64>),
    /// How many; empty where that is not known.
    Count(Option<usize>),
}

impl Cell {
    /// A number and its σ.
    pub fn pair(measured: Measured) -> [Cell; 2] {
        [measured.value, measured.sigma].map(Cell::from)
    }

    fn kind(&self) -> Kind {
        match self {
            Cell::Text(_) => Kind::Text,
            Cell::Number(_) | Cell::Count(_) => Kind::Number,
        }
    }

    fn text(self) -> String {
        match self {
            Cell::Text(text) => text,
            Cell::Number(value) => {
                value.filter(|value| value.is_finite()).map(nine_digits).unwrap_or_default()
            }
            Cell::Count(count) => count.map(|count| count.to_string()).unwrap_or_default(),
        }
    }
}

fn nine_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-4..1e9).contains(&size) {
        // Digits after the point so that nine count.
        let digits = if size == 0.0 { 0 } else { (8 - size.log10().floor() as i32).max(0) };
        format!("{value:.*}", digits as usize)
    } else {
        format!("{value:.8e}")
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::from(text.as_str())
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Cell {
        Cell::from(text.unwrap_or(""))
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Cell {
        Cell::Number(Some(value))
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Cell {
        Cell::Number(value)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Cell {
        Cell::Count(Some(count))
    }
}

impl From<Option<usize>> for Cell {
    fn from(count: Option<usize>) -> Cell {
        Cell::Count(count)
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
        let (text, kinds) = table.csv_and_kinds().unwrap();
        assert_eq!(text, "a,b,c,d,e,f\n\"x, \"\"y\"\"\",2.72345679,-1.23456789e-7,,3,\n");
        assert_eq!(kinds, [[Kind::Text].as_slice(), &[Kind::Number; 5]].concat());
    }

    #[test]
    fn rows_that_are_no_table_are_an_error() {
        let of = |rows: &[&[Cell]]| {
            let mut table = Table::new("sample,height");
            rows.iter().for_each(|row| table.row(row.iter().cloned()));
            table.csv()
        };
        let (name, height) = (Cell::from("300"), Cell::from(2.5));
        assert_eq!(of(&[]).unwrap(), "sample,height\n");
        assert!(of(&[&[name.clone(), height.clone()], &[name.clone(), Cell::from(None::<f64>)]]).is_ok());
        let error = |rows: &[&[Cell]]| of(rows).unwrap_err().to_string();
        assert!(error(&[std::slice::from_ref(&name)]).contains("1 field"));
        assert!(error(&[&[name.clone(), height.clone(), height.clone()]]).contains("3 fields"));
        let mixed = error(&[&[name.clone(), height.clone()], &[height.clone(), height]]);
        assert_eq!(mixed, "column `sample` has texts and numbers");
    }
}
