//! Writes rows into Parquet files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{Column, Deletes, Error, ErrorKind, Result, WriteMode, system};

use super::disk::{failed, is_full};

/// Compressed bytes of a row group. Encoders keep a row group in memory until it is complete, so this times the number
/// of loaders is what they cost; it is also about what readers like (they split work by row groups).
const ROW_GROUP_BYTES: usize = 16 << 20;
/// A dictionary that grows beyond this is given up for its row group. Looking values up in a larger one misses the
/// cache, and a column with so many different values gains little.
const DICTIONARY_BYTES: usize = 256 << 10;
/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// A rewritten file that has reached this size is closed and another one begun.
pub(super) const FILE_BYTES: u64 = 256 << 20;

fn properties() -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).map_err(writing)?;
    Ok(WriterProperties::builder()
        .set_created_by(format!("Syncline {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .build())
}

fn writing(error: ParquetError) -> Error {
    if let ParquetError::External(cause) = &error
        && let Some(io) = cause.downcast_ref::<std::io::Error>()
        && is_full(io)
    {
        return Error::new(ErrorKind::DiskFull, "There is no space left on the disk while writing rows.")
            .caused_by(error);
    }
    Error::internal("A Parquet file could not be written.").caused_by(error)
}

/// A Parquet file that is being written. Removed when it is dropped before [`finish`](Self::finish).
pub(super) struct FileWriter {
    path: PathBuf,
    writer: Option<ArrowWriter<BufWriter<File>>>,
    columns: Vec<Column>,
    mode: WriteMode,
    rows: u64,
    visible: u64,
}

/// A file that is complete and on disk.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    pub(super) visible: u64,
    pub(super) bytes: u64,
}

impl FileWriter {
    /// Begins a file with these columns. `mode` says which rows count as visible.
    pub(super) fn create(path: &Path, columns: &[Column], mode: WriteMode) -> Result<Self> {
        let file = File::create(path).map_err(|error| failed("writing rows", path, error))?;
        let buffered = BufWriter::with_capacity(1 << 20, file);
        let writer =
            ArrowWriter::try_new(buffered, arrow_schema(columns), Some(properties()?)).map_err(writing)?;
        Ok(FileWriter {
            path: path.to_owned(),
            writer: Some(writer),
            columns: columns.to_vec(),
            mode,
            rows: 0,
            visible: 0,
        })
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Adds rows whose columns are exactly those of the file.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let writer = self.writer.as_mut().ok_or_else(|| Error::internal("The file is complete."))?;
        writer.write(batch).map_err(writing)?;
        if writer.in_progress_size() >= ROW_GROUP_BYTES {
            writer.flush().map_err(writing)?;
        }
        self.rows += batch.num_rows() as u64;
        self.visible += visible(batch, self.mode);
        Ok(())
    }

    /// Bytes that are in the file, or will be.
    pub(super) fn bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| (writer.bytes_written() + writer.in_progress_size()) as u64)
    }

    /// Completes the file and waits until it is on disk.
    pub(super) fn finish(mut self) -> Result<Written> {
        let writer = self.writer.take().ok_or_else(|| Error::internal("The file is complete."))?;
        let complete = writer.into_inner().map_err(writing).and_then(|buffered| {
            let file = buffered
                .into_inner()
                .map_err(|error| failed("writing rows", &self.path, error.into_error()))?;
            file.sync_all()
                .and_then(|()| file.metadata())
                .map_err(|error| failed("writing rows", &self.path, error))
        });
        match complete {
            Ok(metadata) => Ok(Written {
                path: self.path.clone(),
                rows: self.rows,
                visible: self.visible,
                bytes: metadata.len(),
            }),
            Err(error) => {
                super::disk::remove(&self.path);
                Err(error)
            }
        }
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            super::disk::remove(&self.path);
        }
    }
}

/// Which column says whether a row is visible, and the value that says so (null says the opposite of it).
pub(super) fn visible_by(mode: WriteMode) -> Option<(&'static str, bool)> {
    match mode {
        WriteMode::Merge { deletes: Deletes::Soft } => Some((system::DELETED, false)),
        WriteMode::History => Some((system::CURRENT, true)),
        _ => None,
    }
}

/// How many rows readers count.
fn visible(batch: &RecordBatch, mode: WriteMode) -> u64 {
    let flags = visible_by(mode).and_then(|(name, value)| {
        let column = batch.column_by_name(name)?.as_boolean_opt()?;
        Some(if value { column.true_count() } else { batch.num_rows() - column.true_count() })
    });
    flags.unwrap_or(batch.num_rows()) as u64
}
