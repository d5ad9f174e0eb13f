//! Rows of a part, as changes.

use rusqlite::params_from_iter;
use rusqlite::types::ValueRef;
use serde_json::Value;
use syncline_protocol::{
    BatchKind, Column, Error, ErrorKind, LogicalType, Part, PartKind, RejectedRow, Result, SamplePick,
    Sampling, TableRead, TableSchema,
};

use super::MixedTypes;
use super::catalog::{Table, quote};
use super::database::Database;
use super::plan::{Plan, Scalar, table_of};
use crate::condition::{HAS_PARAMETERS, not_understood};
use crate::rows::{ColumnBuilder, RowBuffer};
use crate::stream::Outlet;

/// A query: what to select is added by the reader.
#[derive(Default)]
struct Query {
    /// Expressions that give a row its place; a checkpoint is their values.
    place: Vec<String>,
    conditions: Vec<String>,
    parameters: Vec<Scalar>,
    limit: Option<usize>,
}

impl Query {
    /// `(a, b) > (?1, ?2)`.
    fn compare(&mut self, columns: &[String], operator: &str, values: &[Scalar]) {
        let places: Vec<String> = values
            .iter()
            .map(|value| {
                self.parameters.push(value.clone());
                format!("?{}", self.parameters.len())
            })
            .collect();
        let columns = &columns[..columns.len().min(values.len())];
        self.conditions.push(format!("({}) {operator} ({})", columns.join(", "), places.join(", ")));
    }

    fn sql(&self, table: &Table, columns: &[Column]) -> String {
        let selected: Vec<String> =
            columns.iter().map(|column| quote(&column.name)).chain(self.place.iter().cloned()).collect();
        let mut sql = format!("SELECT {} FROM {}", selected.join(", "), table.quoted());
        for (at, condition) in self.conditions.iter().enumerate() {
            sql.push_str(if at == 0 { " WHERE " } else { " AND " });
            sql.push_str(condition);
        }
        if !self.place.is_empty() {
            sql.push_str(" ORDER BY ");
            sql.push_str(&self.place.join(", "));
        }
        if let Some(limit) = self.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        sql
    }
}

/// Reads one part to its end.
pub(super) fn part(
    database: &Database,
    read: &TableRead,
    plan: &Plan,
    part: &Part,
    from: Option<&Value>,
    mixed: MixedTypes,
    outlet: &Outlet,
) -> Result<()> {
    let table = table_of(database, read)?;
    let mut query = Query::default();
    if part.kind == PartKind::Keys {
        let reader = Reader { database, table: &table, read, columns: read.key_columns(), mixed, outlet };
        return reader.rows(BatchKind::Keys, &query);
    }
    match plan {
        Plan::Copy { span: Some(span), .. } => {
            query.place = table.order();
            let (first, last) = span.range(u64::from(part.index));
            let order = query.place.clone();
            query.compare(&order, ">=", &[Scalar::Integer(first)]);
            query.compare(&order, "<=", &[Scalar::Integer(last)]);
        }
        Plan::Copy { .. } => query.place = table.order(),
        Plan::Since { after, upto, .. } => {
            let Some(upto) = upto else { return Ok(()) };
            query.place = std::iter::once(quote(&upto.column)).chain(table.order()).collect();
            let order = query.place.clone();
            if let Some(after) = after {
                let operator = if after.ties.is_some() { ">" } else { ">=" };
                query.compare(&order, operator, &after.values);
            }
            query.compare(&order, "<=", &upto.values);
        }
    }
    if let Some(from) = from {
        let values: Vec<Scalar> = serde_json::from_value(from.clone())
            .map_err(|error| Error::internal("A checkpoint could not be read.").caused_by(error))?;
        let order = query.place.clone();
        query.compare(&order, ">", &values);
    }
    let reader = Reader { database, table: &table, read, columns: read.columns.clone(), mixed, outlet };
    reader.rows(BatchKind::Rows, &query)
}

/// A sample of a table.
///
/// # Errors
/// `CorruptInput` when SQLite does not understand a condition.
pub(super) fn sample(
    database: &Database,
    read: &TableRead,
    sampling: &Sampling,
    mixed: MixedTypes,
    outlet: &Outlet,
) -> Result<()> {
    let table = table_of(database, read)?;
    let mut query = Query { place: table.order(), limit: Some(sampling.rows), ..Query::default() };
    match &sampling.pick {
        SamplePick::First => {}
        SamplePick::Random => query.place = vec!["random()".to_owned()],
        SamplePick::Where(condition) => {
            // The line ends after it: it may end in a comment.
            query.conditions.push(format!("({condition}\n)"));
            understand(database, &query.sql(&table, &read.columns))?;
        }
    }
    let reader = Reader { database, table: &table, read, columns: read.columns.clone(), mixed, outlet };
    reader.rows(BatchKind::Rows, &query)
}

/// Has SQLite read a condition before it is run. The file is open for reading only, and one statement is prepared.
fn understand(database: &Database, sql: &str) -> Result<()> {
    let refused = |said: &str| not_understood("SQLite", said);
    match database.connection.prepare(sql) {
        Ok(statement) if statement.parameter_count() == 0 => Ok(()),
        Ok(_) => Err(refused(HAS_PARAMETERS)),
        Err(rusqlite::Error::SqlInputError { msg, .. }) => Err(refused(&msg)),
        Err(rusqlite::Error::MultipleStatement) => Err(refused("it is more than one statement")),
        Err(error) => Err(database.explain(error)),
    }
}

struct Reader<'a> {
    database: &'a Database,
    table: &'a Table,
    read: &'a TableRead,
    columns: Vec<Column>,
    mixed: MixedTypes,
    outlet: &'a Outlet,
}

impl Reader<'_> {
    fn rows(&self, kind: BatchKind, query: &Query) -> Result<()> {
        let explain = |error| self.database.explain(error);
        let sql = query.sql(self.table, &self.columns);
        let mut statement = self.database.connection.prepare(&sql).map_err(explain)?;
        let mut rows = statement.query(params_from_iter(&query.parameters)).map_err(explain)?;
        let mut buffer = RowBuffer::new(&self.columns)?;
        // A checkpoint must not lie between two rows that have the same place.
        let own_places = !self.table.order().is_empty();
        let resumable = kind == BatchKind::Rows && own_places && query.limit.is_none();
        while let Some(row) = rows.next().map_err(explain)? {
            match self.fill(&mut buffer, row).map_err(explain)? {
                None => buffer.keep(),
                Some(at) => {
                    buffer.discard();
                    self.misfit(kind, row, at)?;
                }
            }
            if buffer.is_full() {
                self.outlet.rows(kind, buffer.finish()?)?;
                if resumable {
                    self.outlet.checkpoint(self.place(query, row).map_err(explain)?)?;
                }
            }
        }
        self.outlet.rows(kind, buffer.finish()?)
    }

    /// Adds a row; returns the column whose value does not fit, if one does not.
    fn fill(&self, buffer: &mut RowBuffer, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<usize>> {
        for at in 0..self.columns.len() {
            let value = row.get_ref(at)?;
            let fits = match value {
                ValueRef::Null if !buffer.nullable(at) => false,
                value => put(buffer.column(at), value),
            };
            if !fits {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn place(&self, query: &Query, row: &rusqlite::Row<'_>) -> rusqlite::Result<Value> {
        let first = self.columns.len();
        let values: Vec<Scalar> = (first..first + query.place.len())
            .map(|at| row.get_ref(at).map(Scalar::from))
            .collect::<Result<_, _>>()?;
        Ok(serde_json::to_value(values).unwrap_or_default())
    }

    /// A value does not fit: the row goes to quarantine, or the column becomes text.
    fn misfit(&self, kind: BatchKind, row: &rusqlite::Row<'_>, at: usize) -> Result<()> {
        let explain = |error| self.database.explain(error);
        let Some(column) = self.columns.get(at) else { return Ok(()) };
        let value = row.get_ref(at).map_err(explain)?;
        let as_text = matches!(value, ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_));
        if self.mixed == MixedTypes::Text && column.logical != LogicalType::Text && as_text {
            let mut columns = self.read.columns.clone();
            columns
                .iter_mut()
                .filter(|known| known.name == column.name)
                .for_each(|known| known.logical = LogicalType::Text);
            let (table, key) = (self.read.table.clone(), self.read.key.clone());
            self.outlet.schema(TableSchema { table, columns, key })?;
            return Err(Error::new(
                ErrorKind::SchemaChanged,
                format!(
                    "Column `{}` of `{}` holds more than {}.",
                    column.name, self.read.table, column.logical
                ),
            ));
        }
        if kind == BatchKind::Keys {
            // A row that was never loaded has nothing that could be deleted.
            return Ok(());
        }
        let mut source = serde_json::Map::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            source.insert(column.name.clone(), text_of(row.get_ref(at).map_err(explain)?));
        }
        self.outlet.reject(RejectedRow {
            column: Some(column.name.clone()),
            reason: format!("{} does not fit {}.", describe(value), column.logical),
            row: Value::Object(source),
        })
    }
}

/// Adds a value; returns whether it fits.
pub(super) fn put(builder: &mut ColumnBuilder, value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => {
            builder.null();
            true
        }
        ValueRef::Integer(value) => builder.int(value),
        ValueRef::Real(value) => builder.float(value),
        ValueRef::Text(text) => std::str::from_utf8(text).is_ok_and(|text| builder.text(text)),
        ValueRef::Blob(bytes) => builder.bytes(bytes),
    }
}

fn describe(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "A missing value",
        ValueRef::Integer(_) => "A whole number",
        ValueRef::Real(_) => "A floating-point number",
        ValueRef::Text(_) => "A text",
        ValueRef::Blob(_) => "A binary value",
    }
}

fn text_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => value.to_string().into(),
        ValueRef::Real(value) => format!("{value:?}").into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => {
            let mut text = String::with_capacity(2 + bytes.len() * 2);
            text.push_str("\\x");
            bytes.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
            text.into()
        }
    }
}
