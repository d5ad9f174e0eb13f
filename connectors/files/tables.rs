//! Which tables the files make, and the columns of each.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use syncline_protocol::{
    Catalog, Column, CursorCandidate, DiscoverFilter, Error, ErrorKind, LogicalType, Result, TableInfo,
    TableKind, TableName, TableSchema,
};

use super::content::{Format, Limits};
use super::listing::{FoundFile, Location, stem};
use super::rows::{FILE, LINE, MODIFIED, file_columns};
use super::{FilesConfig, Grouping, csv, excel, json, parquet};

/// The files of one table, in the order in which they are read.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: TableName,
    pub(super) files: Vec<TableFile>,
    /// Why it cannot be read.
    unreadable: Option<String>,
}

/// A file of a table.
#[derive(Debug, Clone)]
pub(super) struct TableFile {
    pub(super) file: FoundFile,
    pub(super) format: Format,
    /// The sheet, in a workbook.
    pub(super) sheet: Option<String>,
}

/// The columns of one file, and how many rows it has.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
}

/// Size, time and sheet tell whether a file is still the one that was looked at.
type ShapeKey = (PathBuf, u64, i64, Option<String>);

/// A place with files, and how to read them.
pub(super) struct Place {
    /// The path as configured, absolute.
    pub(super) path: PathBuf,
    pub(super) config: FilesConfig,
    /// Whole files are read to know their columns, so that is done once.
    shapes: Mutex<HashMap<ShapeKey, Arc<Shape>>>,
}

impl Place {
    pub(super) fn new(path: PathBuf, config: FilesConfig) -> Self {
        Place { path, config, shapes: Mutex::default() }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { ratio_max: self.config.decompression_ratio_max }
    }

    /// All tables, sorted by name.
    ///
    /// # Errors
    /// When there are no files, or they cannot be listed.
    pub(super) fn tables(&self) -> Result<Vec<Table>> {
        let location = Location::of(&self.path)?;
        let files: Vec<FoundFile> =
            location.list()?.into_iter().filter(|file| self.is_wanted(&location, file)).collect();
        if files.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("There is no file to read at {}.", self.path.display()),
            ));
        }
        let one = match self.config.tables {
            Some(grouping) => grouping == Grouping::One,
            None => matches!(location, Location::Pattern { .. }),
        };
        let mut stems: HashMap<&str, usize> = HashMap::new();
        files.iter().for_each(|file| *stems.entry(stem(&file.name)).or_default() += 1);
        let mut tables: BTreeMap<TableName, Table> = BTreeMap::new();
        for file in &files {
            let own = stem(&file.name);
            let group = if one {
                self.config.table.clone().unwrap_or_else(|| location.name())
            } else if stems.get(own).is_some_and(|count| *count > 1) {
                // `a.csv` beside `a.json`: the whole names tell them apart.
                file.name.clone()
            } else {
                own.to_owned()
            };
            let single = matches!(location, Location::File(_));
            for (name, format, sheet, unreadable) in self.parts_of(file, &group, single) {
                let table = tables.entry(name.clone()).or_insert_with(|| Table {
                    name,
                    files: Vec::new(),
                    unreadable: None,
                });
                table.unreadable = table.unreadable.take().or(unreadable);
                table.files.push(TableFile { file: file.clone(), format, sheet });
            }
        }
        Ok(tables.into_values().collect())
    }

    /// A folder may hold anything; only files whose name promises rows are meant. A file or pattern says what is meant.
    fn is_wanted(&self, location: &Location, file: &FoundFile) -> bool {
        !matches!(location, Location::Folder(_))
            || self.config.format != Format::Auto
            || Format::of_name(&file.name).is_some()
    }

    /// The table that a file belongs to; for a workbook, one per sheet.
    fn parts_of(
        &self,
        file: &FoundFile,
        group: &str,
        single: bool,
    ) -> Vec<(TableName, Format, Option<String>, Option<String>)> {
        let plain = TableName::bare(group);
        let format = match self.config.format.of_file(&file.path, &file.name, self.limits()) {
            Ok(format) => format,
            Err(error) => return vec![(plain, Format::Csv, None, Some(reason(&error)))],
        };
        if format != Format::Excel {
            return vec![(plain, format, None, None)];
        }
        match excel::sheets(file) {
            Err(error) => vec![(plain, format, None, Some(reason(&error)))],
            Ok(sheets) => sheets
                .into_iter()
                .map(|sheet| {
                    let name = if single { TableName::bare(&sheet) } else { TableName::new(group, &sheet) };
                    (name, format, Some(sheet), None)
                })
                .collect(),
        }
    }

    /// The columns of a file, from all of its rows.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn shape(&self, of: &TableFile) -> Result<Arc<Shape>> {
        let key = (of.file.path.clone(), of.file.size, of.file.modified, of.sheet.clone());
        let shapes = || self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = shapes().get(&key) {
            return Ok(Arc::clone(shape));
        }
        let (mut columns, rows) = match (of.format, &of.sheet) {
            (Format::Json, _) => json::infer(&of.file, self.limits())?,
            (Format::Parquet, _) => {
                let footer = parquet::footer(&of.file)?;
                (footer.columns, footer.rows)
            }
            (Format::Excel, Some(sheet)) => excel::infer(&of.file, sheet)?,
            (Format::Excel, None) => (Vec::new(), 0),
            (format, _) => csv::infer(&of.file, &self.config.csv, format == Format::Tsv, self.limits())?,
        };
        if self.config.file_columns && !columns.is_empty() {
            let missing =
                file_columns().into_iter().filter(|own| columns.iter().all(|known| known.name != own.name));
            let missing: Vec<_> = missing.collect();
            columns.extend(missing);
        }
        let shape = Arc::new(Shape { columns, rows });
        shapes().insert(key, Arc::clone(&shape));
        Ok(shape)
    }

    /// The names of all columns that discovery tells.
    ///
    /// # Errors
    /// When the first file cannot be read.
    pub(super) fn known(&self, table: &Table) -> Result<HashSet<String>> {
        let (shape, _) = self.first_shape(table)?;
        Ok(shape.columns.iter().map(|column| column.name.clone()).collect())
    }

    /// The shape of the first file that has rows, else of the first with columns, and the size of that file.
    fn first_shape(&self, table: &Table) -> Result<(Arc<Shape>, u64)> {
        let mut first: Option<(Arc<Shape>, u64)> = None;
        for part in &table.files {
            let shape = self.shape(part)?;
            if shape.rows > 0 && !shape.columns.is_empty() {
                return Ok((shape, part.file.size));
            }
            if first.as_ref().is_none_or(|(known, _)| known.columns.is_empty()) {
                first = Some((shape, part.file.size));
            }
        }
        Ok(first.unwrap_or_else(|| (Arc::new(Shape { columns: Vec::new(), rows: 0 }), 0)))
    }

    /// The tables with their columns.
    ///
    /// # Errors
    /// As for [`Place::tables`].
    pub(super) fn catalog(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let mut tables = self.tables()?;
        tables.retain(|table| filter.tables.is_empty() || filter.tables.contains(&table.name));
        Ok(Catalog { tables: tables.iter().map(|table| self.describe(table)).collect() })
    }

    fn describe(&self, table: &Table) -> TableInfo {
        let shape = match &table.unreadable {
            Some(reason) => Err(reason.clone()),
            None => self.first_shape(table).map_err(|error| reason(&error)),
        };
        let bytes: u64 = table.files.iter().map(|part| part.file.size).sum();
        let (columns, rows, unreadable) = match shape {
            Ok((shape, _)) if shape.columns.is_empty() => {
                (Vec::new(), None, Some("There is nothing in it.".to_owned()))
            }
            // All files are taken to be like that one.
            Ok((shape, size)) => {
                let rows = u128::from(shape.rows) * u128::from(bytes) / u128::from(size.max(1));
                (shape.columns.clone(), Some(rows as u64), None)
            }
            Err(reason) => (Vec::new(), None, Some(reason)),
        };
        let has = |name: &str, logical: &LogicalType| {
            self.config.file_columns
                && columns.iter().any(|column: &Column| column.name == name && column.logical == *logical)
        };
        let key = if has(FILE, &LogicalType::Text) && has(LINE, &LogicalType::Int64) {
            vec![FILE.to_owned(), LINE.to_owned()]
        } else {
            Vec::new()
        };
        let cursors = if has(MODIFIED, &LogicalType::TimestampTz) {
            let reason = "time of the file: only new and changed files are read".to_owned();
            vec![CursorCandidate { column: MODIFIED.to_owned(), reason }]
        } else {
            Vec::new()
        };
        TableInfo {
            schema: TableSchema { table: table.name.clone(), columns, key },
            kind: TableKind::Files,
            rows_estimate: rows,
            bytes_estimate: Some(bytes),
            cursors,
            unreadable,
            comment: None,
            elements_of: None,
        }
    }
}

fn reason(error: &Error) -> String {
    std::iter::once(error.message().to_owned()).chain(error.causes()).collect::<Vec<_>>().join(" ")
}
