//! Reads data files in the shape their table has now.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{Column, Error, ErrorKind, LogicalType, Result};

use super::disk::failed;
use super::widen::widen;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

fn damaged(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::new(ErrorKind::CorruptInput, format!("The Parquet file `{name}` is damaged."))
        .with("path", path.display())
        .caused_by(error)
}

/// The rows of a file.
pub(super) struct FileReader {
    reader: ParquetRecordBatchReader,
    path: std::path::PathBuf,
    /// What is asked for, with the type it has in the file (none when it is missing there).
    columns: Vec<(Column, Option<LogicalType>)>,
}

impl FileReader {
    /// Opens a file to read `columns`: those it lacks are null, those that were narrower are widened.
    pub(super) fn open(path: &Path, columns: &[Column]) -> Result<Self> {
        let file = File::open(path).map_err(|error| failed("reading rows", path, error))?;
        let wrong = |error: ParquetError| damaged(path, error);
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(wrong)?;
        let schema = Arc::clone(builder.schema());
        let mut roots = Vec::new();
        let columns = columns
            .iter()
            .map(|column| {
                let Ok(index) = schema.index_of(&column.name) else { return Ok((column.clone(), None)) };
                roots.push(index);
                let logical = LogicalType::of_field(schema.field(index));
                let unknown = || damaged(path, format!("`{}` has a type of its own", column.name));
                Ok((column.clone(), Some(logical.ok_or_else(unknown)?)))
            })
            .collect::<Result<_>>()?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(wrong)?;
        Ok(FileReader { reader, path: path.to_owned(), columns })
    }

    /// The next rows, with exactly the columns that were asked for.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.reader.next().transpose().map_err(|error| damaged(&self.path, error))? else {
            return Ok(None);
        };
        let arrays = self
            .columns
            .iter()
            .map(|(column, found)| -> Result<ArrayRef> {
                let array = batch.column_by_name(&column.name);
                match (array, found) {
                    (Some(array), Some(logical)) => widen(array, logical, &column.logical),
                    _ => Ok(new_null_array(&column.logical.to_arrow(), batch.num_rows())),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let nullable: Vec<_> =
            self.columns.iter().map(|(column, _)| Column { nullable: true, ..column.clone() }).collect();
        let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(arrow_schema(&nullable), arrays, &options)?))
    }

    /// Whether a column has to be widened to be of this type.
    pub(super) fn widens(path: &Path, column: &Column) -> Result<bool> {
        let reader = FileReader::open(path, std::slice::from_ref(column))?;
        Ok(reader
            .columns
            .iter()
            .any(|(_, found)| found.as_ref().is_some_and(|found| *found != column.logical)))
    }
}
