//! Tables of a results folder: CSV with a row of names.

use std::collections::HashMap;

use rayon::iter::Either;

/// Cells by column name; rows are found by their first cell without looking at the others, since tables of long series have a row for
/// each frame and peak.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
    /// Places of the rows that begin with this cell.
    by_first: HashMap<String, Vec<usize>>,
}

/// A number with its σ; that of counting and that of the analysis's choices together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Value {
    pub(super) value: f64,
    pub(super) sigma: f64,
}

impl Table {
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Table, String> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().map_err(|error| error.to_string())?;
        let columns = names.iter().enumerate().map(|(index, name)| (name.to_owned(), index)).collect();
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|record| record.map(|record| record.iter().map(str::to_owned).collect()))
            .collect::<Result<_, csv::Error>>()
            .map_err(|error| error.to_string())?;
        let mut by_first: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            by_first.entry(row.first().cloned().unwrap_or_default()).or_default().push(place);
        }
        Ok(Table { columns, rows, by_first })
    }

    /// Names of the columns between two others.
    pub(super) fn between(&self, first: &str, last: &str) -> Vec<&str> {
        let place = |name: &str| self.columns.get(name).copied();
        let (Some(first), Some(last)) = (place(first), place(last)) else { return Vec::new() };
        let mut names: Vec<(usize, &str)> = self
            .columns
            .iter()
            .filter(|(_, place)| (first + 1..last).contains(place))
            .map(|(name, place)| (*place, name.as_str()))
            .collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Rows whose cells are as `wanted`: (column, content).
    pub(super) fn rows<'a>(&'a self, wanted: &[(&str, &str)]) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let wanted: Vec<(Option<usize>, String)> = wanted
            .iter()
            .map(|(name, content)| (self.columns.get(*name).copied(), (*content).to_owned()))
            .collect();
        let places = match wanted.iter().find(|(column, _)| *column == Some(0)) {
            Some((_, first)) => Either::Left(self.by_first.get(first).into_iter().flatten().copied()),
            None => Either::Right(0..self.rows.len()),
        };
        let is_wanted = move |row: &&Vec<String>| {
            wanted.iter().all(|(column, content)| column.and_then(|column| row.get(column)) == Some(content))
        };
        let rows = places.map(|place| &self.rows[place]);
        rows.filter(is_wanted).map(|cells| Row { table: self, cells })
    }
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    cells: &'a [String],
}

impl Row<'_> {
    /// A cell; empty where there is no such column.
    pub(super) fn text(&self, column: &str) -> &str {
        self.table.columns.get(column).and_then(|&index| self.cells.get(index)).map_or("", String::as_str)
    }

    /// A cell as a number.
    pub(super) fn number(&self, column: &str) -> Option<f64> {
        self.text(column).parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// The cell in column number `index`, from 0, as a number.
    pub(super) fn number_at(&self, index: usize) -> Option<f64> {
        self.cells.get(index)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// A number with the columns `…_sigma` and `…_sigma_syst` beside it.
    pub(super) fn value(&self, column: &str) -> Option<Value> {
        let value = self.number(column)?;
        let sigma = self.number(&format!("{column}_sigma")).unwrap_or(0.0);
        let syst = self.number(&format!("{column}_sigma_syst")).unwrap_or(0.0);
        Some(Value { value, sigma: sigma.hypot(syst) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_cells() {
        let text = "sample,peak,height,height_sigma,height_sigma_syst\n\"a, b\",r1,2.5,3,4\nc,r1,,,\n";
        let table = Table::parse(text).unwrap();
        let row = table.rows(&[("sample", "a, b"), ("peak", "r1")]).next().unwrap();
        assert_eq!(row.value("height"), Some(Value { value: 2.5, sigma: 5.0 }));
        assert_eq!(table.rows(&[("sample", "c")]).next().unwrap().value("height"), None);
        assert_eq!(table.rows(&[("no such column", "c")]).count(), 0);
        assert_eq!(table.between("sample", "height_sigma"), ["peak", "height"]);
        assert!(Table::parse("a,b\n1\n").is_err());
    }
}
