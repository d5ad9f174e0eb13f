//! Plans and reads of one round.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{
    BatchKind, ChangeSink, Column, Error, ErrorKind, Part, PartKind, ReadMode, ReadPlan, RejectedRow, Result,
    SourceSession, TableName, TablePosition, TableRead,
};

use super::shop::{Cell, Row, Shop, Table, round_end};
use super::state::{ROUNDS_MAX, RoundFile};
use crate::rows::{ColumnBuilder, RowBuffer};
use crate::stream::{Outlet, blocking, pump};

/// Rows of a batch, after which there is a checkpoint.
const BATCH_ROWS: u64 = 4_096;
/// Rows of a part.
const PART_ROWS: u64 = 8_192;

/// What a position remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// The rows are those of this round.
    round: u32,
    /// Only rows that changed after this moment (microseconds since 1970-01-01 in UTC); all rows when there is none.
    after: Option<i64>,
    /// Whether the plan ends with the list of keys.
    keys: bool,
}

/// One run: the shop in one round.
pub(super) struct SampleSession {
    shop: Shop,
    file: RoundFile,
    round: u32,
    /// Tables of the run that are not yet complete in this round; none are left out of `advance`.
    open: Mutex<HashSet<TableName>>,
    any: bool,
}

impl SampleSession {
    pub(super) fn new(
        shop: Shop,
        file: RoundFile,
        round: u32,
        tables: impl Iterator<Item = TableName>,
    ) -> Self {
        let open: HashSet<_> = tables.collect();
        SampleSession { shop, file, round, any: !open.is_empty(), open: Mutex::new(open) }
    }
}

#[async_trait]
impl SourceSession for SampleSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        plan(read, self.round, position)
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let plan = Plan::stored(&plan.plan)
            .ok_or_else(|| Error::internal("A plan of the sample shop could not be read."))?;
        let (shop, read, part) = (self.shop, read.clone(), part.clone());
        let from = from.map(|from| {
            from.as_u64().ok_or_else(|| Error::internal("A checkpoint of the sample shop could not be read."))
        });
        let from = from.transpose()?;
        pump(sink, move |outlet| read_part(shop, &read, plan, &part, from, outlet)).await
    }

    async fn acknowledge(&self, table: &TableName, position: &TablePosition) -> Result<()> {
        let reached = Plan::stored(&position.plan).is_some_and(|plan| plan.round >= self.round);
        if position.complete && reached {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        }
        Ok(())
    }

    async fn close(&self) {
        let complete = self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if !complete || !self.any {
            return;
        }
        let (file, round) = (self.file.clone(), self.round);
        if let Err(error) = blocking(move || file.advance(round)).await {
            // The next sync is then in the same round, and finds nothing new.
            tracing::warn!(%error, "the sample shop could not go on to its next round");
        }
    }
}

impl Plan {
    fn stored(value: &Value) -> Option<Plan> {
        Plan::deserialize(value).ok().filter(|plan| (1..=ROUNDS_MAX).contains(&plan.round))
    }

    fn parts(self, table: Table) -> Vec<Part> {
        let rows = Shop::rows(table, self.round);
        let nothing_new = self.after.is_some_and(|after| after >= round_end(self.round));
        let mut parts = Vec::new();
        let mut add = |kind, payload, rows_estimate| {
            parts.push(Part { index: parts.len() as u32, kind, payload, rows_estimate });
        };
        if !nothing_new {
            let mut first = 0;
            while first < rows {
                let last = rows.min(first + PART_ROWS);
                let estimate = self.after.is_none().then_some(last - first);
                add(PartKind::Changes, Value::from(vec![first, last]), estimate);
                first = last;
            }
        }
        if self.keys {
            add(PartKind::Keys, Value::Null, Some(rows));
        }
        parts
    }
}

/// See [`SourceSession::plan`]. `round` is that of the session.
fn plan(read: &TableRead, round: u32, position: Option<&TablePosition>) -> Result<ReadPlan> {
    let table = table_of(read, round)?;
    let look_back = look_back(read, table)?;
    let stored = position.and_then(|position| Some((Plan::stored(&position.plan)?, position.complete)));
    let keys = read.key_list && !read.key.is_empty();
    // A deleted round file must not take a table back.
    let round = stored.map_or(round, |(plan, _)| round.max(plan.round));
    let (plan, continues) = match (stored, look_back) {
        // What was begun is finished as it was begun, unless it was made for another mode.
        (Some((plan, false)), _) if plan.after.is_none() || look_back.is_some() => (plan, true),
        (Some((plan, true)), Some(look_back)) => {
            (Plan { round, after: Some(round_end(plan.round).saturating_sub(look_back)), keys }, false)
        }
        _ => (Plan { round, after: None, keys }, false),
    };
    let key_is_unique = table.unique().iter().all(|column| read.key.iter().any(|key| key == column));
    Ok(ReadPlan {
        plan: serde_json::to_value(plan)
            .map_err(|error| Error::internal("A plan could not be written.").caused_by(error))?,
        continues,
        full: plan.after.is_none(),
        // A plan reads one round, whichever session does it.
        disjoint: read.key.is_empty() || key_is_unique,
        parts: plan.parts(table),
        follow_up: plan.round < round,
        rows_estimate: Some(match plan.after {
            None => Shop::rows(table, plan.round),
            Some(_) => Shop::rows(table, plan.round) * 4 / 100,
        }),
    })
}

/// How far an incremental read looks back, in microseconds; none when all rows are read.
fn look_back(read: &TableRead, table: Table) -> Result<Option<i64>> {
    let ReadMode::Incremental { cursor, look_back } = &read.mode else { return Ok(None) };
    match table.cursor() {
        Some((column, _)) if column == cursor => {
            Ok(Some(i64::try_from(look_back.as_micros()).unwrap_or(i64::MAX)))
        }
        proposed => {
            let message =
                format!("`{cursor}` does not tell which rows of `{}` are new or changed.", read.table);
            let error = Error::new(ErrorKind::Config, message).with("table", &read.table);
            Err(match proposed {
                Some((column, _)) => error.fix(format!("Use `{column}`.")),
                None => error.fix("Read all rows each time."),
            })
        }
    }
}

/// # Errors
/// `NotFound` and `SchemaChanged`, as the contract says.
fn table_of(read: &TableRead, round: u32) -> Result<Table> {
    let table =
        Table::named(&read.table.name).filter(|_| read.table.namespace.is_none()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The sample shop has no table `{}`.", read.table))
                .with("table", &read.table)
        })?;
    let columns = table.columns(round);
    match read.columns.iter().find(|wanted| columns.iter().all(|column| column.name != wanted.name)) {
        None => Ok(table),
        Some(gone) => Err(Error::new(
            ErrorKind::SchemaChanged,
            format!("`{}` has no column `{}`.", read.table, gone.name),
        )
        .with("table", &read.table)),
    }
}

fn read_part(
    shop: Shop,
    read: &TableRead,
    plan: Plan,
    part: &Part,
    from: Option<u64>,
    outlet: &Outlet,
) -> Result<()> {
    let table = table_of(read, ROUNDS_MAX)?;
    if part.kind == PartKind::Keys {
        let reader = Reader { shop, table, round: plan.round, columns: read.key_columns(), outlet };
        return reader.rows(BatchKind::Keys, 0, Shop::rows(table, plan.round), None);
    }
    let (first, last) = <(u64, u64)>::deserialize(&part.payload)
        .map_err(|error| Error::internal("A part of the sample shop could not be read.").caused_by(error))?;
    let last = last.min(Shop::rows(table, plan.round));
    let reader = Reader { shop, table, round: plan.round, columns: read.columns.clone(), outlet };
    reader.rows(BatchKind::Rows, from.unwrap_or(first).max(first), last, plan.after)
}

/// The first rows of a table, for a preview.
pub(super) fn first_rows(
    shop: Shop,
    read: &TableRead,
    round: u32,
    rows: usize,
    outlet: &Outlet,
) -> Result<()> {
    let table = table_of(read, round)?;
    let last = Shop::rows(table, round).min(rows as u64);
    let reader = Reader { shop, table, round, columns: read.columns.clone(), outlet };
    reader.rows(BatchKind::Rows, 0, last, None)
}

struct Reader<'a> {
    shop: Shop,
    table: Table,
    round: u32,
    columns: Vec<Column>,
    outlet: &'a Outlet,
}

impl Reader<'_> {
    /// Sends rows `first..last` that changed after `after`. A checkpoint is the number of the next row.
    fn rows(&self, kind: BatchKind, first: u64, last: u64, after: Option<i64>) -> Result<()> {
        let names = self.table.columns(ROUNDS_MAX);
        let place = |column: &Column| names.iter().position(|known| known.name == column.name);
        let places: Vec<usize> = self.columns.iter().filter_map(place).collect();
        let mut buffer = RowBuffer::new(&self.columns)?;
        let mut row = Row::default();
        for index in first..last {
            if after.is_none_or(|after| self.shop.changed_at(self.table, index, self.round) > after) {
                self.shop.fill(self.table, index, self.round, &mut row);
                match fill(&mut buffer, &places, &row) {
                    None => buffer.keep(),
                    Some(at) => {
                        buffer.discard();
                        // A row that was never loaded has nothing that a missing key could delete.
                        if kind == BatchKind::Rows {
                            self.reject(&row, &places, at)?;
                        }
                    }
                }
            }
            let next = index + 1;
            if next.is_multiple_of(BATCH_ROWS) && next < last {
                self.outlet.rows(kind, buffer.finish()?)?;
                if kind == BatchKind::Rows {
                    self.outlet.checkpoint(next.into())?;
                }
            }
        }
        self.outlet.rows(kind, buffer.finish()?)
    }

    fn reject(&self, row: &Row, places: &[usize], at: usize) -> Result<()> {
        let Some(column) = self.columns.get(at) else { return Ok(()) };
        let cell = |place: &usize| row.cells.get(*place).copied().unwrap_or(Cell::Null);
        let texts = self.columns.iter().zip(places).map(|(column, place)| {
            let mut text = String::new();
            let known = write_cell(cell(place), row, &mut text);
            (column.name.clone(), known.then_some(text).into())
        });
        let texts: serde_json::Map<String, Value> = texts.collect();
        let value = texts.get(&column.name).and_then(Value::as_str).unwrap_or("A missing value");
        self.outlet.reject(RejectedRow {
            column: Some(column.name.clone()),
            reason: format!("`{value}` does not fit {}.", column.logical),
            row: Value::Object(texts),
        })
    }
}

/// Adds a row; returns the column whose value does not fit, if one does not.
fn fill(buffer: &mut RowBuffer, places: &[usize], row: &Row) -> Option<usize> {
    let mut scratch = String::new();
    places.iter().enumerate().position(|(at, place)| {
        let cell = row.cells.get(*place).copied().unwrap_or(Cell::Null);
        let fits = match cell {
            Cell::Null => {
                let nullable = buffer.nullable(at);
                if nullable {
                    buffer.column(at).null();
                }
                nullable
            }
            cell => put(buffer.column(at), cell, row, &mut scratch),
        };
        !fits
    })
}

/// Adds a value as its own type, or through its text where a person has chosen another type.
fn put(builder: &mut ColumnBuilder, cell: Cell, row: &Row, scratch: &mut String) -> bool {
    match (builder, cell) {
        (builder, Cell::Int(value)) => builder.int(value),
        (builder, Cell::Bool(value)) => builder.boolean(value),
        (builder, Cell::Word(word)) => builder.text(word),
        (builder, Cell::Text(start, end)) => builder.text(row.text_of(start, end)),
        (ColumnBuilder::Decimal(builder, 10, 2), Cell::Cents(cents)) => {
            builder.append_value(cents.into());
            true
        }
        (ColumnBuilder::Date(builder), Cell::Day(day)) => {
            builder.append_value(day);
            true
        }
        (ColumnBuilder::TimestampTz(builder), Cell::Instant(at)) => {
            builder.append_value(at);
            true
        }
        (ColumnBuilder::Uuid(builder), Cell::Uuid(id)) => builder.append_value(id.to_be_bytes()).is_ok(),
        (builder, cell) => {
            scratch.clear();
            write_cell(cell, row, scratch) && builder.text(scratch)
        }
    }
}

/// Writes a value as text; returns whether there is one.
fn write_cell(cell: Cell, row: &Row, into: &mut String) -> bool {
    use std::fmt::Write as _;
    let written = match cell {
        Cell::Null => return false,
        Cell::Int(value) => write!(into, "{value}"),
        Cell::Bool(value) => write!(into, "{value}"),
        Cell::Word(word) => into.write_str(word),
        Cell::Text(start, end) => into.write_str(row.text_of(start, end)),
        // Prices are never negative.
        Cell::Cents(cents) => write!(into, "{}.{:02}", cents / 100, cents % 100),
        Cell::Day(day) => {
            let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
            write!(into, "{date}")
        }
        Cell::Instant(at) => {
            write!(into, "{}", jiff::Timestamp::from_microsecond(at).unwrap_or_default())
        }
        Cell::Uuid(id) => {
            let hex = format!("{id:032x}");
            write!(into, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        }
    };
    written.is_ok()
}
