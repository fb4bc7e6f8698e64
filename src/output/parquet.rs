//! A table of CSV as Parquet: what programs for many tables read fastest.

use std::sync::Arc;

use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::table::Kind;

/// The cells of a column; an empty cell is null.
enum Column {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<ByteArray>>),
}

impl Column {
    fn of<'a>(kind: Kind, cells: impl Iterator<Item = &'a str>) -> Result<Column, ParquetError> {
        let cells = cells.map(|cell| (!cell.is_empty()).then_some(cell));
        let number =
            |cell: &str| cell.parse().map_err(|_| ParquetError::General(format!("`{cell}` is no number")));
        Ok(match kind {
            Kind::Number => {
                Column::Numbers(cells.map(|cell| cell.map(number).transpose()).collect::<Result<_, _>>()?)
            }
            Kind::Text => Column::Texts(cells.map(|cell| cell.map(ByteArray::from)).collect()),
        })
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

/// The rows of `csv`, one row group; numbers as double, empty cells as null. `kinds` has one for each column.
///
/// # Errors
/// Text that is no table of these kinds.
pub(super) fn parquet_of(csv: &str, kinds: &[Kind]) -> Result<Vec<u8>, ParquetError> {
    let damaged = |error: csv::Error| ParquetError::General(error.to_string());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().map_err(damaged)?.clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(damaged)?;
    let column = |(index, kind): (usize, &Kind)| Column::of(*kind, rows.iter().map(move |row| &row[index]));
    let columns: Vec<Column> = kinds.iter().enumerate().map(column).collect::<Result<_, _>>()?;
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

    /// A sample may be called as a number is written, and a column of numbers may have none.
    #[test]
    fn a_table_comes_back_with_types_and_gaps() {
        let csv = "sample,height_g_inv_angstrom2,remark,sigma\n\"a, b\",2.5,,\n300,,1,\nd,-1e-7,,\n";
        let kinds = [Kind::Text, Kind::Number, Kind::Text, Kind::Number];
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &parquet_of(csv, &kinds).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr();
        assert_eq!(schema.column(3).physical_type(), Physical::DOUBLE);
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let text = |text: &str| Field::Str(text.to_owned());
        assert_eq!(rows[0], [text("a, b"), Field::Double(2.5), Field::Null, Field::Null]);
        assert_eq!(rows[1], [text("300"), Field::Null, text("1"), Field::Null]);
        assert_eq!(rows[2], [text("d"), Field::Double(-1e-7), Field::Null, Field::Null]);
        assert!(parquet_of("a,b\n1\n", &kinds[..2]).is_err());
        assert!(parquet_of("a,b\n1,x\n", &kinds[..2]).is_err());
        assert!(parquet_of("a,b\n", &kinds[..2]).is_ok());
    }
}
