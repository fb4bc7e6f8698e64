//! A table of CSV as Parquet: what programs for many tables read fastest.

use std::sync::Arc;

use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// The cells of a column; an empty cell is null.
enum Column {
    /// Every cell that is there is a number.
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<ByteArray>>),
}

impl Column {
    fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Column {
        let there = |cell: &'a str| (!cell.is_empty()).then_some(cell);
        let numbers: Option<Vec<Option<f64>>> =
            cells.clone().map(|cell| there(cell).map(str::parse).transpose().ok()).collect();
        match numbers {
            Some(numbers) if numbers.iter().any(Option::is_some) => Column::Numbers(numbers),
            Some(_) | None => Column::Texts(cells.map(|cell| there(cell).map(ByteArray::from)).collect()),
        }
    }

    fn field(&self, name: &str) -> Result<Arc<Type>, ParquetError> {
        let (physical, converted) = match self {
            Column::Numbers(_) => (Physical::DOUBLE, ConvertedType::NONE),
            Column::Texts(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted);
        Ok(Arc::new(field.build()?))
    }
}

/// Values that are there, and 1 for each of them, 0 for each that is not.
fn levels<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (
        values.iter().flatten().cloned().collect(),
        values.iter().map(|value| i16::from(value.is_some())).collect(),
    )
}

/// The rows of `csv`, one row group; columns of numbers as double, all others as text, empty cells as null.
///
/// # Errors
/// Text that is no table.
pub(super) fn parquet_of(csv: &str) -> Result<Vec<u8>, ParquetError> {
    let damaged = |error: csv::Error| ParquetError::General(error.to_string());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().map_err(damaged)?.clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(damaged)?;
    let columns: Vec<Column> =
        (0..names.len()).map(|index| Column::of(rows.iter().map(move |row| &row[index]))).collect();
    let fields = names.iter().zip(&columns).map(|(name, column)| column.field(name));
    let schema = Type::group_type_builder("table").with_fields(fields.collect::<Result<_, _>>()?).build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut group = writer.next_row_group()?;
    for column in &columns {
        let Some(mut into) = group.next_column()? else { break };
        match column {
            Column::Numbers(values) => {
                let (values, levels) = levels(values);
                into.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
            }
            Column::Texts(values) => {
                let (values, levels) = levels(values);
                into.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
            }
        }
        into.close()?;
    }
    group.close()?;
    writer.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    #[test]
    fn a_table_comes_back_with_types_and_gaps() {
        let csv = "sample,height_g_inv_angstrom2,remark\n\"a, b\",2.5,\nc,,1 of 3\nd,-1e-7,\n";
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &parquet_of(csv).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let text = |text: &str| Field::Str(text.to_owned());
        assert_eq!(rows[0], [text("a, b"), Field::Double(2.5), Field::Null]);
        assert_eq!(rows[1], [text("c"), Field::Null, text("1 of 3")]);
        assert_eq!(rows[2], [text("d"), Field::Double(-1e-7), Field::Null]);
        assert!(parquet_of("a,b\n1\n").is_err());
        assert!(parquet_of("a,b\n").is_ok());
    }
}
