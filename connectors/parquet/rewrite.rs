//! Copy on write: files without the rows that a segment replaces or deletes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, TimestampMicrosecondArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::zip::zip;
use arrow::record_batch::RecordBatch;
use syncline_protocol::{Column, Deletes, Error, LogicalType, Result, TargetTable, WriteMode, system};

use super::keys::{KeyChanges, Latest, RowHash, RowHasher};
use super::reader::FileReader;
use super::writer::{FILE_BYTES, FileWriter, Written, visible_by};

/// What happens to a row that is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It stays as it is.
    Keep,
    /// A newer row takes its place.
    Replaced,
    /// It is deleted.
    Deleted,
    /// Its version ends because a newer one begins.
    Closed,
}

/// A segment that is merged into the files of a table.
pub(super) struct Merge<'a> {
    pub(super) target: &'a TargetTable,
    /// The columns of the files that are written.
    pub(super) columns: &'a [Column],
    pub(super) changes: &'a KeyChanges,
    /// Whether the list of keys is complete, so that rows with other keys are deleted.
    pub(super) sweep: bool,
    /// The time of the commit (µs since 1970-01-01, UTC).
    pub(super) at_micros: i64,
}

/// What looking at a file found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    /// Whether the file has to be written anew.
    pub(super) changed: bool,
    /// Rows that are deleted.
    pub(super) deleted: u64,
}

impl Merge<'_> {
    /// Which rows of a file change, from as few of its columns as possible. Keys whose row is the same as the one that
    /// is there already are added to `unchanged` (history).
    pub(super) fn look(&self, path: &Path, unchanged: &mut Vec<RowHash>) -> Result<Effect> {
        let mut columns = self.target.key_columns();
        if self.target.mode == WriteMode::History {
            columns.extend(self.data_columns());
        }
        if let Some((name, _)) = visible_by(self.target.mode) {
            columns.push(Column::new(name, LogicalType::Boolean));
        }
        let mut seen = std::collections::HashSet::new();
        columns.retain(|column| seen.insert(column.name.clone()));
        let (mut reader, mut judge) = (FileReader::open(path, &columns)?, Judge::new(self));
        let mut effect = Effect::default();
        while let Some(batch) = reader.next()? {
            for verdict in judge.verdicts(&batch, unchanged)? {
                effect.changed |= verdict != Verdict::Keep;
                effect.deleted += u64::from(verdict == Verdict::Deleted);
            }
        }
        Ok(effect)
    }

    /// Writes what stays of a file.
    pub(super) fn rewrite(&self, path: &Path, output: &mut Output<'_>) -> Result<()> {
        let (mut reader, mut judge) = (FileReader::open(path, self.columns)?, Judge::new(self));
        while let Some(batch) = reader.next()? {
            let verdicts = judge.verdicts(&batch, &mut Vec::new())?;
            output.write(&self.apply(batch, &verdicts)?)?;
        }
        Ok(())
    }

    /// For the keys of parents, when some are told anew.
    fn parent_hasher(&self) -> Option<RowHasher> {
        let width = self.changes.parent_width();
        let columns = self.target.key_columns().into_iter().take(width).collect();
        (width > 0).then(|| RowHasher::new(columns))
    }

    fn data_columns(&self) -> Vec<Column> {
        self.target.data_columns().cloned().collect()
    }

    fn apply(&self, batch: RecordBatch, verdicts: &[Verdict]) -> Result<RecordBatch> {
        let is =
            |wanted: fn(&Verdict) -> bool| BooleanArray::new(verdicts.iter().map(wanted).collect(), None);
        match self.target.mode {
            WriteMode::History => {
                self.close(batch, &is(|verdict| matches!(verdict, Verdict::Deleted | Verdict::Closed)))
            }
            WriteMode::Merge { deletes: Deletes::Soft } => {
                let kept = is(|verdict| *verdict != Verdict::Replaced);
                let marked = mark_deleted(batch, &is(|verdict| *verdict == Verdict::Deleted))?;
                Ok(filter_record_batch(&marked, &kept)?)
            }
            _ => Ok(filter_record_batch(&batch, &is(|verdict| *verdict == Verdict::Keep))?),
        }
    }

    /// Ends versions at the time of the commit.
    fn close(&self, batch: RecordBatch, closed: &BooleanArray) -> Result<RecordBatch> {
        if closed.true_count() == 0 {
            return Ok(batch);
        }
        let at = TimestampMicrosecondArray::new_scalar(self.at_micros).into_inner().with_timezone("UTC");
        let at = arrow::array::Scalar::new(at);
        let batch = replace(batch, system::VALID_TO, |old| Ok(zip(closed, &at, old)?))?;
        let no = BooleanArray::new_scalar(false);
        replace(batch, system::CURRENT, |old| Ok(zip(closed, &no, old)?))
    }

    /// The rows of the segment itself, as they were staged: those that are the latest of their key and say something new
    /// become rows of the table. Answers how many, and how many of them a sweep deletes at once.
    pub(super) fn take_segment(
        &self,
        path: &Path,
        unchanged: &[RowHash],
        output: &mut Output<'_>,
    ) -> Result<(u64, u64)> {
        let unchanged: std::collections::HashSet<&RowHash> = unchanged.iter().collect();
        let mut hasher = RowHasher::new(self.target.key_columns());
        let mut parents = self.parent_hasher();
        let mut reader = FileReader::open(path, self.columns)?;
        let (mut number, mut written, mut deleted) = (0u64, 0, 0);
        while let Some(batch) = reader.next()? {
            let keys = hasher.hashes(&batch)?;
            let told =
                parents.as_mut().map(|parents| parents.hashes(&batch)).transpose()?.unwrap_or_default();
            let (mut kept, mut gone) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
            for (row, key) in keys.iter().enumerate() {
                let word = self.changes.latest(key, told.get(row));
                let latest = word == Some(Latest::Row(number)) && !unchanged.contains(key);
                let dead = latest && self.changes.gone(key, self.sweep);
                number += 1;
                written += u64::from(latest);
                deleted += u64::from(dead);
                kept.push(latest);
                gone.push(dead);
            }
            let batch = self.begin_versions(batch)?;
            let gone = BooleanArray::from(gone);
            let batch = match self.target.mode {
                WriteMode::History => self.close(batch, &gone)?,
                WriteMode::Merge { deletes: Deletes::Soft } => mark_deleted(batch, &gone)?,
                _ => {
                    kept.iter_mut().zip(gone.values()).for_each(|(kept, gone)| *kept &= !gone);
                    batch
                }
            };
            output.write(&filter_record_batch(&batch, &BooleanArray::from(kept))?)?;
        }
        Ok((written, deleted))
    }

    /// In history, new versions begin at the time of the commit.
    fn begin_versions(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.target.mode != WriteMode::History {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let from = TimestampMicrosecondArray::from(vec![self.at_micros; rows]).with_timezone("UTC");
        let batch = replace(batch, system::VALID_FROM, |_| Ok(Arc::new(from)))?;
        let yes = BooleanArray::new(BooleanBuffer::new_set(rows), None);
        replace(batch, system::CURRENT, |_| Ok(Arc::new(yes)))
    }
}

/// Judges rows by their keys.
struct Judge<'a> {
    merge: &'a Merge<'a>,
    keys: RowHasher,
    data: RowHasher,
    parents: Option<RowHasher>,
}

impl<'a> Judge<'a> {
    fn new(merge: &'a Merge<'a>) -> Self {
        Judge {
            merge,
            keys: RowHasher::new(merge.target.key_columns()),
            data: RowHasher::new(merge.data_columns()),
            parents: merge.parent_hasher(),
        }
    }

    fn verdicts(&mut self, batch: &RecordBatch, unchanged: &mut Vec<RowHash>) -> Result<Vec<Verdict>> {
        let (mode, changes, sweep) = (self.merge.target.mode, self.merge.changes, self.merge.sweep);
        let flag = match visible_by(mode) {
            Some((name, value)) => {
                let flag = batch.column_by_name(name).and_then(|column| column.as_boolean_opt()).cloned();
                let flag = flag.ok_or_else(|| Error::internal(format!("A file has no column `{name}`.")))?;
                Some((flag, value))
            }
            None => None,
        };
        let visible = |row: usize| {
            flag.as_ref().is_none_or(|(flag, value)| (flag.is_valid(row) && flag.value(row)) == *value)
        };
        let keys = self.keys.hashes(batch)?;
        let data = if mode == WriteMode::History { self.data.hashes(batch)? } else { Vec::new() };
        let told =
            self.parents.as_mut().map(|parents| parents.hashes(batch)).transpose()?.unwrap_or_default();
        let judge = |(row, key): (usize, &RowHash)| {
            let delete = if visible(row) { Verdict::Deleted } else { Verdict::Keep };
            match (changes.latest(key, told.get(row)), mode) {
                (_, WriteMode::History) if !visible(row) => Verdict::Keep,
                (Some(Latest::Row(_)), WriteMode::History) if changes.data(key) == data.get(row) => {
                    unchanged.push(*key);
                    if changes.gone(key, sweep) { Verdict::Deleted } else { Verdict::Keep }
                }
                (Some(Latest::Row(_)), WriteMode::History) => Verdict::Closed,
                (Some(Latest::Row(_)), _) => Verdict::Replaced,
                (Some(Latest::Deleted), _) => delete,
                (None, _) if changes.gone(key, sweep) => delete,
                (None, _) => Verdict::Keep,
            }
        };
        Ok(keys.iter().enumerate().map(judge).collect())
    }
}

fn mark_deleted(batch: RecordBatch, deleted: &BooleanArray) -> Result<RecordBatch> {
    if deleted.true_count() == 0 {
        return Ok(batch);
    }
    let yes = BooleanArray::new_scalar(true);
    replace(batch, system::DELETED, |old| Ok(zip(deleted, &yes, old)?))
}

/// A batch with another array in one of its columns.
fn replace(
    batch: RecordBatch,
    name: &str,
    change: impl FnOnce(&ArrayRef) -> Result<ArrayRef>,
) -> Result<RecordBatch> {
    let missing = || Error::internal(format!("Rows have no column `{name}`."));
    let index = batch.schema().index_of(name).map_err(|_| missing())?;
    let (schema, mut arrays, _) = batch.into_parts();
    let array = arrays.get_mut(index).ok_or_else(missing)?;
    *array = change(array)?;
    Ok(RecordBatch::try_new(schema, arrays)?)
}

/// Files that are written one after the other, each until it is large enough.
pub(super) struct Output<'a> {
    columns: &'a [Column],
    mode: WriteMode,
    /// Makes the path of the next file.
    next_path: Box<dyn FnMut() -> PathBuf + 'a>,
    current: Option<FileWriter>,
    written: Vec<Written>,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        columns: &'a [Column],
        mode: WriteMode,
        next_path: impl FnMut() -> PathBuf + 'a,
    ) -> Self {
        Output { columns, mode, next_path: Box::new(next_path), current: None, written: Vec::new() }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut writer = match self.current.take() {
            Some(writer) => writer,
            None => FileWriter::create(&(self.next_path)(), self.columns, self.mode)?,
        };
        writer.write(batch)?;
        if writer.bytes() >= FILE_BYTES {
            self.written.push(writer.finish()?);
        } else {
            self.current = Some(writer);
        }
        Ok(())
    }

    /// Completes the last file; answers all of them.
    pub(super) fn finish(mut self) -> Result<Vec<Written>> {
        if let Some(writer) = self.current.take() {
            self.written.push(writer.finish()?);
        }
        Ok(self.written)
    }
}
