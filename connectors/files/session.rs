//! One run over files: the list of files is taken once, and each file is checked to be still the same.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use syncline_protocol::{
    ChangeSink, Error, ErrorKind, Part, ReadMode, ReadPlan, Result, SourceSession, TableName, TablePosition,
    TableRead, TableSchema,
};

use super::content::Format;
use super::listing::found;
use super::plan::{Piece, Plan, plan};
use super::rows::{Outcome, Place as FilePlace, Rows, Told};
use super::tables::{Place, Table, TableFile};
use super::{csv, excel, json, parquet};
use crate::rows::RowBuffer;
use crate::stream::{Outlet, blocking, pump};

pub(super) struct FilesSession {
    place: Arc<Place>,
    tables: Arc<Vec<Table>>,
    told: Told,
}

impl FilesSession {
    pub(super) fn new(place: Arc<Place>, tables: Vec<Table>, told: Told) -> Self {
        FilesSession { place, tables: Arc::new(tables), told }
    }
}

fn find<'t>(tables: &'t [Table], name: &TableName) -> Result<&'t Table> {
    tables.iter().find(|table| table.name == *name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("There are no files of the table `{name}` any more."))
            .with("table", name)
    })
}

#[async_trait]
impl SourceSession for FilesSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let (tables, read, position) = (Arc::clone(&self.tables), read.clone(), position.cloned());
        blocking(move || plan(find(&tables, &read.table)?, &read, position.as_ref())).await
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let reader = PartReader {
            place: Arc::clone(&self.place),
            tables: Arc::clone(&self.tables),
            told: self.told.clone(),
            read: read.clone(),
            plan: from_json(&plan.plan)?,
            piece: from_json(&part.payload)?,
            from: from.map(from_json).transpose()?,
        };
        pump(sink, move |outlet| reader.read(outlet)).await
    }

    async fn close(&self) {}
}

fn from_json<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    serde::Deserialize::deserialize(value)
        .map_err(|error| Error::internal("A position in files could not be read.").caused_by(error))
}

/// One part on its way.
struct PartReader {
    place: Arc<Place>,
    tables: Arc<Vec<Table>>,
    told: Told,
    read: TableRead,
    plan: Plan,
    piece: Piece,
    from: Option<FilePlace>,
}

impl PartReader {
    fn read(&self, outlet: &Outlet) -> Result<()> {
        let table = find(&self.tables, &self.read.table)?;
        let planned = self
            .plan
            .files
            .get(self.piece.file)
            .ok_or_else(|| Error::internal("A part names a file that is not in its plan."))?;
        let Some(part) = table.files.iter().find(|part| planned.is(&part.file)) else {
            // A full copy is of the files as they were planned.
            if !matches!(self.read.mode, ReadMode::Incremental { .. }) {
                return Err(changed(&planned.name));
            }
            // The plan that follows in this run reads a changed file as it is now, once and whole.
            tracing::warn!(file = planned.name, table = %table.name, "a file changed or went before it was read");
            return Ok(());
        };
        let known = self.place.known(table)?;
        let start = FilePlace { size: part.file.size, modified: part.file.modified, ..FilePlace::default() };
        // The same name, size and time: a checkpoint of this plan is a place in this very file.
        let place = self.from.filter(|from| (from.size, from.modified) == (start.size, start.modified));
        let mut rows = Rows {
            read: &self.read,
            file: &part.file,
            known: &known,
            told: Some(&self.told),
            outlet,
            left: None,
            buffer: RowBuffer::new(&self.read.columns)?,
            place: place.unwrap_or(start),
            behind: None,
        };
        let outcome = read_file(&self.place, part, self.piece.group, &mut rows);
        // Whatever came of it, it means nothing when the file is another one by now.
        if found(&part.file.path, part.file.name.clone()).ok().as_ref() != Some(&part.file) {
            return Err(changed(&planned.name));
        }
        let outcome = outcome?;
        if outcome != Outcome::Drift {
            return Ok(());
        }
        outlet.schema(self.widened(table, &known)?)?;
        Err(Error::new(
            ErrorKind::SchemaChanged,
            format!("{} does not have the columns of `{}`.", planned.name, table.name),
        ))
    }

    /// The shape that this file and all that are still to be read fit. All of them are looked at, so that the table
    /// starts again once and not with every file.
    fn widened(&self, table: &Table, known: &HashSet<String>) -> Result<TableSchema> {
        let mut columns = self.read.columns.clone();
        for planned in self.plan.files.iter().skip(self.piece.file) {
            let Some(part) = table.files.iter().find(|part| planned.is(&part.file)) else { continue };
            for found in &self.place.shape(part)?.columns {
                let tell = |before: &str| self.told.is_news(&table.name, &found.name, before);
                match columns.iter_mut().find(|column| column.name == found.name) {
                    Some(column) if found.logical.fits(&column.logical) => {}
                    Some(column) => {
                        tell(&column.logical.to_string());
                        column.logical = column.logical.widen(&found.logical);
                    }
                    // What discovery knows and the read leaves out is not wanted.
                    None if known.contains(&found.name) => {}
                    None => {
                        tell("");
                        columns.push(found.clone());
                    }
                }
            }
        }
        Ok(TableSchema { table: table.name.clone(), columns, key: self.read.key.clone() })
    }
}

/// The first rows of a table.
///
/// # Errors
/// As for reading it.
pub(super) fn sample(place: &Place, read: &TableRead, rows: usize, outlet: &Outlet) -> Result<()> {
    let tables = place.tables()?;
    let table = find(&tables, &read.table)?;
    let known = place.known(table)?;
    let mut left = Some(rows).filter(|rows| *rows > 0);
    for part in &table.files {
        if left.is_none() {
            break;
        }
        let groups = match part.format {
            Format::Parquet => (0..parquet::footer(&part.file)?.groups.len()).map(Some).collect(),
            _ => vec![None],
        };
        for group in groups {
            let mut rows = Rows {
                read,
                file: &part.file,
                known: &known,
                told: None,
                outlet,
                left,
                buffer: RowBuffer::new(&read.columns)?,
                place: FilePlace::default(),
                behind: None,
            };
            left = match read_file(place, part, group, &mut rows)? {
                Outcome::Enough => return Ok(()),
                Outcome::Ended | Outcome::Drift => rows.left,
            };
        }
    }
    Ok(())
}

fn read_file(place: &Place, part: &TableFile, group: Option<usize>, rows: &mut Rows<'_>) -> Result<Outcome> {
    let limits = place.limits();
    match (part.format, &part.sheet) {
        (Format::Json, _) => json::read(rows, limits),
        (Format::Parquet, _) => parquet::read(rows, group.unwrap_or(0)),
        (Format::Excel, Some(sheet)) => excel::read(rows, sheet),
        (Format::Excel, None) => Ok(Outcome::Ended),
        (format, _) => csv::read(rows, &place.config.csv, format == Format::Tsv, limits),
    }
}

fn changed(name: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("The file {name} was changed or removed while it was to be read."),
    )
    .with("file", name)
}
