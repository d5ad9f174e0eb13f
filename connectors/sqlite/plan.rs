//! Which rows a read covers, and into which parts they divide.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{
    Error, ErrorKind, Part, PartKind, ReadMode, ReadPlan, Result, TableName, TablePosition, TableRead,
};

use super::catalog::{Table, quote, rowid_span};
use super::database::Database;

/// A part covers about this many row numbers.
const PART_ROWS: u64 = 250_000;
/// Positions stay small: a plan has no more parts than this.
const PARTS_MAX: u64 = 1000;

/// The plan as it lies in the position. It is all that is needed to make the same parts again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Plan {
    /// Every row.
    Copy {
        /// State of the file. A copy that goes on over sessions is only exact when nobody wrote in between; without
        /// a cursor that could catch up, it begins again then.
        state: Option<String>,
        /// The row numbers, where the table has them.
        span: Option<Span>,
        /// Whether there is any row.
        empty: bool,
        /// The newest row when the copy began; the next read goes on after it.
        upto: Option<Bound>,
        keys: bool,
    },
    /// Rows after one place up to another, in the order of the cursor.
    Since { after: Option<Bound>, upto: Option<Bound>, keys: bool },
}

/// Row numbers, divided into equal ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) step: u64,
}

/// A place in the order of the cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) column: String,
    /// The cursor, then what tells rows with the same cursor apart: the row number, or the key.
    pub(super) values: Vec<Scalar>,
    /// How many rows up to here have this cursor. A bound without this number lies before all of them.
    pub(super) ties: Option<u64>,
}

/// A value of SQLite as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Null,
    Integer(i64),
    Real {
        #[serde(with = "exact")]
        real: f64,
    },
    Text(String),
    Blob {
        blob: Vec<u8>,
    },
}

/// A number as text: numbers in JSON know no infinity, and are not always read back to the last bit.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(real: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(real)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl From<ValueRef<'_>> for Scalar {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Scalar::Null,
            ValueRef::Integer(value) => Scalar::Integer(value),
            ValueRef::Real(real) => Scalar::Real { real },
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Scalar::Text(text.to_owned()),
                Err(_) => Scalar::Blob { blob: text.to_owned() },
            },
            ValueRef::Blob(blob) => Scalar::Blob { blob: blob.to_owned() },
        }
    }
}

impl ToSql for Scalar {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Scalar::Null => ValueRef::Null,
            Scalar::Integer(value) => ValueRef::Integer(*value),
            Scalar::Real { real } => ValueRef::Real(*real),
            Scalar::Text(text) => ValueRef::Text(text.as_bytes()),
            Scalar::Blob { blob } => ValueRef::Blob(blob),
        }))
    }
}

/// The table of a read, as it is now.
///
/// # Errors
/// `NotFound` when it is gone; `SchemaChanged` when a column is.
pub(super) fn table_of(database: &Database, read: &TableRead) -> Result<Table> {
    let table = Table::find(&database.connection, &read.table)
        .map_err(|error| database.explain(error))?
        .ok_or_else(|| missing(&read.table))?;
    let gone =
        read.columns.iter().find(|wanted| table.columns.iter().all(|column| column.name != wanted.name));
    match gone {
        None => Ok(table),
        Some(column) => Err(Error::new(
            ErrorKind::SchemaChanged,
            format!("`{}` no longer has the column `{}`.", read.table, column.name),
        )
        .with("table", &read.table)),
    }
}

fn missing(table: &TableName) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no table `{table}` in the database any more."))
        .with("table", table)
}

/// See [`syncline_protocol::SourceSession::plan`].
pub(super) fn plan(
    database: &Database,
    read: &TableRead,
    position: Option<&TablePosition>,
) -> Result<ReadPlan> {
    let table = table_of(database, read)?;
    let stored: Option<Plan> =
        position.and_then(|position| serde_json::from_value(position.plan.clone()).ok());
    let unfinished = position.is_some_and(|position| !position.complete);
    match stored {
        Some(plan) if unfinished && plan.still_holds(database, read) => Ok(plan.parts(read, &table, true)),
        Some(Plan::Copy { upto, .. } | Plan::Since { upto, .. }) if !unfinished => {
            next(database, &table, read, upto)
        }
        _ => next(database, &table, read, None),
    }
}

/// The plan that follows on from `after`; a copy when there is nothing to follow on from.
fn next(database: &Database, table: &Table, read: &TableRead, after: Option<Bound>) -> Result<ReadPlan> {
    let explain = |error| database.explain(error);
    let keys = read.key_list && !read.key.is_empty();
    let (cursor, look_back) = match &read.mode {
        ReadMode::Full => (None, 0),
        ReadMode::Incremental { cursor, look_back } => (Some(cursor), look_back.as_secs()),
    };
    let upto = match cursor {
        Some(cursor) => newest(database, table, cursor)?,
        None => None,
    };
    let plan = match (cursor, after) {
        (Some(cursor), Some(after)) if after.column == *cursor => {
            let after = match look_back {
                0 => before_late_ties(database, table, after)?,
                seconds => before(database, after, seconds)?,
            };
            // An empty table has no newest row; its earlier one stays the place to go on from.
            let upto = upto.or_else(|| Some(after.clone()));
            Plan::Since { after: Some(after), upto, keys }
        }
        _ => {
            let span = rowid_span(&database.connection, table).map_err(explain)?.map(|(first, last)| {
                let rows = last.abs_diff(first).saturating_add(1);
                Span { first, last, step: PART_ROWS.max(rows.div_ceil(PARTS_MAX)) }
            });
            let empty = table.rowid.is_some() && span.is_none();
            let state = cursor.is_none().then(|| database.fingerprint().to_owned());
            Plan::Copy { state, span, empty, upto, keys }
        }
    };
    Ok(plan.parts(read, table, false))
}

/// The last row in the order of the cursor.
///
/// # Errors
/// `Config` when the cursor has nulls: such rows would never be seen again.
fn newest(database: &Database, table: &Table, cursor: &str) -> Result<Option<Bound>> {
    let explain = |error| database.explain(error);
    let column = quote(cursor);
    let null = format!("SELECT 1 FROM {} WHERE {column} IS NULL LIMIT 1", table.quoted());
    if database.connection.query_row(&null, [], |_| Ok(())).optional().map_err(explain)?.is_some() {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "`{}` has rows without a value in `{cursor}`, so it cannot tell what is new.",
                table.name
            ),
        )
        .with("column", cursor)
        .fix("Choose another updated-at column, or none, so that each sync reads all rows."));
    }
    let order: Vec<String> = std::iter::once(column).chain(table.order()).collect();
    let last: Vec<String> = order.iter().map(|column| format!("{column} DESC")).collect();
    let sql =
        format!("SELECT {} FROM {} ORDER BY {} LIMIT 1", order.join(", "), table.quoted(), last.join(", "));
    let values = database
        .connection
        .query_row(&sql, [], |row| {
            (0..order.len()).map(|at| row.get_ref(at).map(Scalar::from)).collect::<Result<_, _>>()
        })
        .optional()
        .map_err(explain)?;
    let Some(values) = values else { return Ok(None) };
    let bound = Bound { column: cursor.to_owned(), values, ties: None };
    Ok(Some(Bound { ties: Some(ties(database, table, &bound)?), ..bound }))
}

/// How many rows up to `bound` have its cursor.
fn ties(database: &Database, table: &Table, bound: &Bound) -> Result<u64> {
    let column = quote(&bound.column);
    let order: Vec<String> =
        std::iter::once(column.clone()).chain(table.order()).take(bound.values.len()).collect();
    let places: Vec<String> = (1..=order.len()).map(|at| format!("?{at}")).collect();
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {column} = ?1 AND ({}) <= ({})",
        table.quoted(),
        order.join(", "),
        places.join(", ")
    );
    let count = database
        .connection
        .query_row(&sql, params_from_iter(&bound.values), |row| row.get::<_, i64>(0))
        .map_err(|error| database.explain(error))?;
    Ok(count.unsigned_abs())
}

/// The bound, unless rows with its cursor came late. Nothing tells which they are, and reading some rows again is the
/// lesser evil.
fn before_late_ties(database: &Database, table: &Table, bound: Bound) -> Result<Bound> {
    match bound.ties {
        Some(known) if ties(database, table, &bound)? <= known => Ok(bound),
        _ => Ok(Bound { values: bound.values.into_iter().take(1).collect(), ties: None, ..bound }),
    }
}

/// The place `seconds` before a bound.
fn before(database: &Database, bound: Bound, seconds: u64) -> Result<Bound> {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let earlier = match bound.values.first() {
        // Epoch seconds stay below this for three thousand years; larger numbers are milliseconds.
        Some(Scalar::Integer(value)) if value.unsigned_abs() > 100_000_000_000 => {
            Some(Scalar::Integer(value.saturating_sub(seconds.saturating_mul(1000))))
        }
        Some(Scalar::Integer(value)) => Some(Scalar::Integer(value.saturating_sub(seconds))),
        Some(Scalar::Real { real }) => Some(Scalar::Real { real: real - seconds as f64 }),
        // Without its offset, and with a space, which sorts before the `T`: at worst somewhat too early.
        Some(Scalar::Text(text)) => database
            .connection
            .query_row(
                "SELECT strftime('%Y-%m-%d %H:%M:%S', substr(?1, 1, 19), '-' || ?2 || ' seconds')",
                params_from_iter([Scalar::Text(text.clone()), Scalar::Integer(seconds)]),
                |row| row.get::<_, Option<String>>(0),
            )
            .map_err(|error| database.explain(error))?
            .map(Scalar::Text),
        _ => None,
    };
    match earlier {
        Some(earlier) => Ok(Bound { column: bound.column, values: vec![earlier], ties: None }),
        None => Err(Error::new(
            ErrorKind::Config,
            format!("`{}` holds no times, so there is nothing to look back by.", bound.column),
        )
        .fix("Remove `look_back_seconds`.")),
    }
}

impl Plan {
    /// Whether parts of this plan that are done are still worth something.
    fn still_holds(&self, database: &Database, read: &TableRead) -> bool {
        let cursor = match &read.mode {
            ReadMode::Full => None,
            ReadMode::Incremental { cursor, .. } => Some(cursor),
        };
        match self {
            Plan::Copy { state: Some(state), .. } => cursor.is_none() && *state == database.fingerprint(),
            Plan::Copy { state: None, upto, .. } => {
                upto.as_ref().is_none_or(|upto| Some(&upto.column) == cursor) && cursor.is_some()
            }
            Plan::Since { upto, .. } => upto.as_ref().is_some_and(|upto| Some(&upto.column) == cursor),
        }
    }

    fn parts(&self, read: &TableRead, table: &Table, continues: bool) -> ReadPlan {
        let mut parts = Vec::new();
        let mut add = |kind, rows_estimate| {
            parts.push(Part { index: parts.len() as u32, kind, payload: Value::Null, rows_estimate });
        };
        let (full, keys) = match self {
            Plan::Copy { span, empty, keys, .. } => {
                match span {
                    Some(span) => (0..span.count()).for_each(|at| {
                        let (first, last) = span.range(at);
                        add(PartKind::Changes, Some(last.abs_diff(first).saturating_add(1)));
                    }),
                    None if *empty => {}
                    None => add(PartKind::Changes, None),
                }
                (true, *keys)
            }
            Plan::Since { after, upto, keys } => {
                if after != upto {
                    add(PartKind::Changes, None);
                }
                (false, *keys)
            }
        };
        if keys {
            add(PartKind::Keys, None);
        }
        let own_key = !read.key.is_empty() && same_names(&read.key, &table.primary_key);
        let rows_estimate = match self {
            Plan::Copy { span: Some(span), .. } => Some(span.last.abs_diff(span.first).saturating_add(1)),
            Plan::Copy { empty: true, .. } => Some(0),
            _ => None,
        };
        ReadPlan {
            // The plan holds only numbers, texts and lists.
            plan: serde_json::to_value(self).unwrap_or_default(),
            continues,
            full,
            // A row that moved between two sessions can be read twice, unless its number is its key or nothing moved.
            disjoint: read.key.is_empty()
                || own_key
                    && (!continues
                        || matches!(self, Plan::Copy { state: Some(_), .. })
                        || (full && table.key_is_rowid())),
            follow_up: continues && full && !matches!(self, Plan::Copy { state: Some(_), .. }),
            parts,
            rows_estimate,
        }
    }
}

fn same_names(left: &[String], right: &[String]) -> bool {
    left.len() == right.len() && left.iter().all(|name| right.contains(name))
}

impl Span {
    fn count(&self) -> u64 {
        (self.last.abs_diff(self.first) / self.step.max(1)).saturating_add(1)
    }

    /// First and last row number of a range.
    pub(super) fn range(&self, at: u64) -> (i64, i64) {
        let first = self.first.saturating_add_unsigned(at.saturating_mul(self.step));
        let last = first.saturating_add_unsigned(self.step.saturating_sub(1)).min(self.last);
        (first, last)
    }
}
