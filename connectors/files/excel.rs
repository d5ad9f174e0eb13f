//! Workbooks: each sheet is a table, its first row the names when it holds only texts.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;

use calamine::{Data, ExcelDateTime, Range, Reader, Sheets, open_workbook_auto};
use serde_json::{Map, Value};
use syncline_protocol::{Column, Error, ErrorKind, Result};

use super::infer::Inferred;
use super::listing::FoundFile;
use super::rows::{Origin, Outcome, Rows, column_names};
use crate::rows::ColumnBuilder;

/// The sheets of a workbook that have cells of their own.
///
/// # Errors
/// `CorruptInput` when it is no workbook.
pub(super) fn sheets(file: &FoundFile) -> Result<Vec<String>> {
    Ok(open(file)?.sheet_names())
}

fn open(file: &FoundFile) -> Result<Sheets<BufReader<File>>> {
    open_workbook_auto(&file.path).map_err(|error| corrupt(file, error))
}

fn corrupt(file: &FoundFile, error: calamine::Error) -> Error {
    Error::new(
        ErrorKind::CorruptInput,
        format!("{} is not a workbook, or it is damaged or protected by a password.", file.path.display()),
    )
    .caused_by(error)
}

/// A sheet as rows of cells. A workbook is an archive, so that a sheet comes as a whole.
struct Sheet {
    cells: Range<Data>,
    names: Vec<String>,
    header: bool,
}

impl Sheet {
    fn load(file: &FoundFile, sheet: &str) -> Result<Option<Sheet>> {
        let mut workbook = open(file)?;
        if !workbook.sheet_names().iter().any(|name| name == sheet) {
            return Ok(None);
        }
        let cells = workbook.worksheet_range(sheet).map_err(|error| corrupt(file, error))?;
        let first = cells.rows().next().unwrap_or_default();
        let mut texts = HashSet::new();
        let header = first.iter().any(|cell| !is_empty(cell))
            && first.iter().filter(|cell| !is_empty(cell)).all(|cell| match cell {
                Data::String(text) => texts.insert(text),
                _ => false,
            });
        let names = column_names(first.iter().map(|cell| match cell {
            Data::String(text) if header => Cow::from(text),
            _ => Cow::from(""),
        }));
        Ok(Some(Sheet { names, header, cells }))
    }

    /// The rows with their numbers in the workbook, from 1.
    fn rows(&self) -> impl Iterator<Item = (u64, &[Data])> {
        let first = u64::from(self.cells.start().map_or(0, |(row, _)| row)) + 1;
        self.cells
            .rows()
            .enumerate()
            .skip(usize::from(self.header))
            .map(move |(at, row)| (first + at as u64, row))
            .filter(|(_, row)| !row.iter().all(is_empty))
    }
}

fn is_empty(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The columns of a sheet, from all of its rows.
///
/// # Errors
/// `CorruptInput` when the file is no workbook.
pub(super) fn infer(file: &FoundFile, sheet: &str) -> Result<(Vec<Column>, u64)> {
    let Some(sheet) = Sheet::load(file, sheet)? else { return Ok((Vec::new(), 0)) };
    let mut columns = vec![Inferred::default(); sheet.names.len()];
    let mut rows = 0;
    for (_, row) in sheet.rows() {
        rows += 1;
        for (column, cell) in columns.iter_mut().zip(row) {
            match cell {
                Data::Empty | Data::Error(_) => {}
                Data::Int(value) => column.add_scalar(&value.to_string()),
                Data::Float(value) => match whole(*value) {
                    Some(value) => column.add_scalar(&value.to_string()),
                    None => column.add_float(),
                },
                Data::Bool(value) => column.add_scalar(if *value { "true" } else { "false" }),
                Data::String(text) if text.is_empty() => {}
                // A text that looks like a number was meant as a text: workbooks have numbers.
                Data::String(text) => column.add_string(text),
                Data::DateTime(_) | Data::DateTimeIso(_) | Data::DurationIso(_) => {
                    column.add_string(&text_of(cell));
                }
            }
        }
    }
    let typed = sheet.names.into_iter().zip(&columns);
    Ok((typed.map(|(name, column)| Column::new(name, column.logical())).collect(), rows))
}

/// Reads the rows of a sheet.
///
/// # Errors
/// `CorruptInput` when the file is no workbook.
pub(super) fn read(rows: &mut Rows<'_>, sheet: &str) -> Result<Outcome> {
    let Some(sheet) = Sheet::load(rows.file, sheet)? else { return Ok(Outcome::Ended) };
    let Some(origins) = rows.bind(sheet.names.iter().map(String::as_str)) else { return Ok(Outcome::Drift) };
    for (line, row) in sheet.rows() {
        let outcome = read_row(rows, &sheet.names, &origins, line, row)?;
        if outcome != Outcome::Ended {
            rows.flush()?;
            return Ok(outcome);
        }
    }
    rows.flush()?;
    Ok(Outcome::Ended)
}

fn read_row(
    rows: &mut Rows<'_>,
    names: &[String],
    origins: &[Origin],
    line: u64,
    row: &[Data],
) -> Result<Outcome> {
    for (at, origin) in origins.iter().enumerate() {
        let cell = match origin {
            Origin::Field(number) => row.get(*number).unwrap_or(&Data::Empty),
            _ => &Data::Empty,
        };
        let fits =
            if is_empty(cell) { rows.put_origin(at, *origin, line) } else { put(rows.column(at), cell) };
        if !fits {
            let fields = names.iter().zip(row).map(|(name, cell)| (name.clone(), text_of(cell).into()));
            return rows.misfit(at, line, &text_of(cell), || Value::Object(Map::from_iter(fields)));
        }
    }
    rows.keep()
}

fn put(builder: &mut ColumnBuilder, cell: &Data) -> bool {
    match cell {
        Data::Int(value) => builder.int(*value),
        Data::Float(value) => match whole(*value) {
            Some(value) => builder.int(value),
            None => builder.float(*value),
        },
        Data::Bool(value) => builder.boolean(*value),
        Data::Error(_) => false,
        Data::String(text) => builder.text(text),
        Data::DateTime(_) | Data::DateTimeIso(_) | Data::DurationIso(_) | Data::Empty => {
            builder.text(&text_of(cell))
        }
    }
}

/// Workbooks keep all numbers as floating-point numbers; people see whole ones as whole.
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < (1u64 << f64::MANTISSA_DIGITS) as f64).then_some(value as i64)
}

fn text_of(cell: &Data) -> String {
    match cell {
        Data::DateTime(at) => time_text(at),
        Data::Float(value) => match whole(*value) {
            Some(value) => value.to_string(),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// `2026-11-23`, `2026-11-23 14:05:00`, or `14:05:00` for a time of day or a duration.
fn time_text(at: &ExcelDateTime) -> String {
    if at.is_duration() || (0.0..1.0).contains(&at.as_f64()) {
        let millis = (at.as_f64() * 86_400_000.0).round();
        let sign = if millis < 0.0 { "-" } else { "" };
        let millis = millis.abs() as u64;
        let seconds = millis / 1000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let clock = format!("{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60);
        return with_millis(clock, millis % 1000);
    }
    let (year, month, day, hour, minute, second, millis) = at.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, millis) == (0, 0, 0, 0) {
        return date;
    }
    with_millis(format!("{date} {hour:02}:{minute:02}:{second:02}"), u64::from(millis))
}

fn with_millis(text: String, millis: u64) -> String {
    if millis == 0 { text } else { format!("{text}.{millis:03}") }
}
