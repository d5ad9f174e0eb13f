//! Discovery: tables and views, their columns and keys, and the types that the stored values allow.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use syncline_protocol::{
    Catalog, Column, CursorCandidate, DiscoverFilter, LogicalType, Result, TableInfo, TableKind, TableName,
    TableSchema,
};

use super::MixedTypes;
use super::database::Database;
use crate::rows::ColumnBuilder;

/// How many rows at each end of a table are looked at.
const SAMPLE_ROWS: u32 = 10_000;

/// What is needed to read a table, beside its columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) kind: TableKind,
    pub(super) columns: Vec<TableColumn>,
    /// The name under which the row number can be read; none for views and tables `WITHOUT ROWID`.
    pub(super) rowid: Option<&'static str>,
    /// The columns of the primary key, in its order.
    pub(super) primary_key: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct TableColumn {
    pub(super) name: String,
    declared: String,
    required: bool,
}

impl Table {
    /// The table called `name`, if there is one.
    pub(super) fn find(connection: &Connection, name: &TableName) -> rusqlite::Result<Option<Table>> {
        if name.namespace.as_ref().is_some_and(|namespace| namespace != "main") {
            return Ok(None);
        }
        let mut tables = connection.prepare(
            "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE BINARY",
        )?;
        let found = tables
            .query_row([&name.name], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))
            .optional()?;
        found
            .map(|(name, kind, without_rowid)| Table::load(connection, name, &kind, without_rowid))
            .transpose()
    }

    fn load(
        connection: &Connection,
        name: String,
        kind: &str,
        without_rowid: bool,
    ) -> rusqlite::Result<Table> {
        // `hidden`: 1 belongs to a virtual table's own use; 2 and 3 are generated columns.
        let mut statement = connection.prepare(
            "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid",
        )?;
        let rows = statement.query_map([&name], |row| {
            let column = TableColumn { name: row.get(0)?, declared: row.get(1)?, required: row.get(2)? };
            Ok((column, row.get::<_, i64>(3)?))
        })?;
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for row in rows {
            let (mut column, key_place) = row?;
            // What SQLite says of a column of a view that has no declared type.
            if kind == "view" && column.declared.eq_ignore_ascii_case("BLOB") {
                column.declared.clear();
            }
            if key_place > 0 {
                column.required |= without_rowid;
                key.push((key_place, column.name.clone()));
            }
            columns.push(column);
        }
        key.sort();
        let primary_key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        let is_table = kind == "table";
        let rowid = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|alias| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(alias)))
            .filter(|_| is_table && !without_rowid);
        let mut table = Table {
            name,
            kind: if kind == "view" { TableKind::View } else { TableKind::Table },
            columns,
            rowid,
            primary_key,
        };
        if table.key_is_rowid()
            && let Some(column) = table.columns.iter_mut().find(|column| column.name == table.primary_key[0])
        {
            column.required = true;
        }
        Ok(table)
    }

    /// Whether the primary key is another name of the row number.
    pub(super) fn key_is_rowid(&self) -> bool {
        let [key] = self.primary_key.as_slice() else { return false };
        self.rowid.is_some()
            && self
                .columns
                .iter()
                .any(|column| column.name == *key && column.declared.eq_ignore_ascii_case("INTEGER"))
    }

    /// The columns that give each row a place of its own: the row number, or the primary key. Empty for views, and
    /// for a table whose key may have nulls and whose columns hide the row number.
    pub(super) fn order(&self) -> Vec<String> {
        let required =
            |name: &String| self.columns.iter().any(|column| column.name == *name && column.required);
        match self.rowid {
            Some(rowid) => vec![rowid.to_owned()],
            None if self.primary_key.iter().all(required) => {
                self.primary_key.iter().map(|name| quote(name)).collect()
            }
            None => Vec::new(),
        }
    }

    /// `"name"`, ready for SQL.
    pub(super) fn quoted(&self) -> String {
        format!("main.{}", quote(&self.name))
    }
}

/// A name in double quotes.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Lists the tables.
pub(super) fn discover(database: &Database, filter: &DiscoverFilter, mixed: MixedTypes) -> Result<Catalog> {
    let connection = &database.connection;
    let mut statement = connection
        .prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name")
        .map_err(|error| database.explain(error))?;
    let listed = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<(String, String, bool)>>>)
        .map_err(|error| database.explain(error))?;
    let mut tables = Vec::new();
    for (name, kind, without_rowid) in listed {
        let of_system = name.starts_with("sqlite_") || kind == "shadow";
        let wanted = filter.tables.is_empty()
            || filter.tables.iter().any(|table| {
                table.name == name && table.namespace.as_deref().is_none_or(|namespace| namespace == "main")
            });
        if !wanted || (of_system && !filter.system) {
            continue;
        }
        let info = Table::load(connection, name.clone(), &kind, without_rowid)
            .and_then(|table| describe(connection, &table, mixed));
        tables.push(info.unwrap_or_else(|error| TableInfo {
            schema: TableSchema { table: TableName::bare(name), columns: Vec::new(), key: Vec::new() },
            kind: if kind == "view" { TableKind::View } else { TableKind::Table },
            rows_estimate: None,
            bytes_estimate: None,
            cursors: Vec::new(),
            unreadable: Some(database.explain(error).causes().join(": ")),
            comment: None,
            elements_of: None,
        }));
    }
    Ok(Catalog { tables })
}

fn describe(connection: &Connection, table: &Table, mixed: MixedTypes) -> rusqlite::Result<TableInfo> {
    let columns = columns(connection, table, mixed)?;
    let key = key(connection, table)?;
    Ok(TableInfo {
        cursors: cursors(table, &columns),
        rows_estimate: rows_estimate(connection, table)?,
        bytes_estimate: None,
        kind: table.kind,
        unreadable: None,
        comment: None,
        elements_of: None,
        schema: TableSchema { table: TableName::bare(&table.name), columns, key },
    })
}

/// The primary key when no row has a null in it (SQLite allows that), else the first unique index without nulls.
fn key(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let optional: Vec<String> = table
        .primary_key
        .iter()
        .filter(|name| table.columns.iter().any(|column| column.name == **name && !column.required))
        .map(|name| format!("{} IS NULL", quote(name)))
        .collect();
    if !table.primary_key.is_empty() {
        let null = format!("SELECT 1 FROM {} WHERE {} LIMIT 1", table.quoted(), optional.join(" OR "));
        if optional.is_empty() || connection.query_row(&null, [], |_| Ok(())).optional()?.is_none() {
            return Ok(table.primary_key.clone());
        }
    }
    let mut indexes = connection.prepare(
        "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND NOT partial ORDER BY seq DESC",
    )?;
    let names: Vec<String> = indexes.query_map([&table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        let mut columns = connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
        // An expression has no name.
        let columns: Vec<Option<String>> =
            columns.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let required =
            |name: &String| table.columns.iter().any(|column| column.name == *name && column.required);
        if let Some(columns) = columns.into_iter().collect::<Option<Vec<_>>>()
            && columns.iter().all(required)
        {
            return Ok(columns);
        }
    }
    Ok(Vec::new())
}

/// What `ANALYZE` has counted, or the span of row numbers, which is never too small.
fn rows_estimate(connection: &Connection, table: &Table) -> rusqlite::Result<Option<u64>> {
    let counted = "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE tbl = ?1 LIMIT 1";
    if let Ok(mut statement) = connection.prepare(counted)
        && let Some(rows) = statement.query_row([&table.name], |row| row.get::<_, i64>(0)).optional()?
    {
        return Ok(u64::try_from(rows).ok());
    }
    Ok(rowid_span(connection, table)?
        .map(|(first, last)| last.abs_diff(first).saturating_add(1))
        .or(table.rowid.map(|_| 0)))
}

/// The smallest and the largest row number; none when there is no row or no such number.
pub(super) fn rowid_span(connection: &Connection, table: &Table) -> rusqlite::Result<Option<(i64, i64)>> {
    let Some(rowid) = table.rowid else { return Ok(None) };
    let edge = |order| {
        let sql = format!("SELECT {rowid} FROM {} ORDER BY {rowid} {order} LIMIT 1", table.quoted());
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).optional()
    };
    Ok(edge("ASC")?.zip(edge("DESC")?))
}

fn cursors(table: &Table, columns: &[Column]) -> Vec<CursorCandidate> {
    let rank = |column: &Column| {
        let name = column.name.to_ascii_lowercase();
        let time =
            matches!(column.logical, LogicalType::Timestamp | LogicalType::TimestampTz | LogicalType::Date);
        let named = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if named(&["updat", "modif", "chang"]) && (time || column.logical == LogicalType::Int64) {
            Some((0, "named like an update time"))
        } else if table.key_is_rowid() && table.primary_key[0] == column.name {
            Some((2, "rising row number: finds new rows, not changed ones"))
        } else if time && named(&["creat", "insert", "added"]) {
            Some((1, "named like a creation time: finds new rows, not changed ones"))
        } else {
            None
        }
    };
    let mut found: Vec<_> = columns
        .iter()
        .filter_map(|column| rank(column).map(|(rank, reason)| (rank, column, reason)))
        .collect();
    found.sort_by_key(|(rank, ..)| *rank);
    found
        .into_iter()
        .map(|(_, column, reason)| CursorCandidate { column: column.name.clone(), reason: reason.to_owned() })
        .collect()
}

fn columns(connection: &Connection, table: &Table, mixed: MixedTypes) -> rusqlite::Result<Vec<Column>> {
    let mut seen: Vec<Seen> = table.columns.iter().map(|column| Seen::new(&column.declared)).collect();
    let names: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
    let orders: &[&str] = if table.rowid.is_some() { &["ASC", "DESC"] } else { &[""] };
    for order in orders {
        let order = table.rowid.map(|rowid| format!("ORDER BY {rowid} {order}")).unwrap_or_default();
        let sql = format!("SELECT {} FROM {} {order} LIMIT {SAMPLE_ROWS}", names.join(", "), table.quoted());
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for (at, seen) in seen.iter_mut().enumerate() {
                seen.add(row.get_ref(at)?);
            }
        }
    }
    let typed = table.columns.iter().zip(seen).map(|(column, seen)| Column {
        name: column.name.clone(),
        logical: seen.logical(mixed),
        nullable: !column.required,
        native_type: Some(column.declared.clone()).filter(|declared| !declared.is_empty()),
    });
    Ok(typed.collect())
}

/// What the declared type of a column promises, most wanted first. Empty when it promises nothing.
fn promised(declared: &str) -> Vec<LogicalType> {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    // The rules of SQLite's column affinity (sqlite.org/datatype3.html), after the types SQLite has no affinity for.
    if has(&["BOOL"]) {
        vec![LogicalType::Boolean]
    } else if has(&["DECIMAL", "NUMERIC"]) {
        decimal(&declared).into_iter().collect()
    } else if has(&["TIMESTAMP", "DATETIME"]) {
        vec![LogicalType::Timestamp, LogicalType::TimestampTz]
    } else if has(&["DATE"]) {
        vec![LogicalType::Date, LogicalType::Timestamp, LogicalType::TimestampTz]
    } else if has(&["UUID", "GUID"]) {
        vec![LogicalType::Uuid]
    } else if has(&["JSON"]) {
        vec![LogicalType::Json]
    } else if has(&["INT"]) {
        vec![LogicalType::Int64]
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        vec![LogicalType::Text]
    } else if has(&["BLOB"]) {
        vec![LogicalType::Bytes]
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        vec![LogicalType::Float64]
    } else if has(&["TIME"]) {
        vec![LogicalType::Time]
    } else {
        Vec::new()
    }
}

/// `DECIMAL(10,2)`, `NUMERIC(8)`.
fn decimal(declared: &str) -> Option<LogicalType> {
    let (_, rest) = declared.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    let valid = (1..=syncline_protocol::types::DECIMAL_DIGITS_MAX).contains(&precision) && scale <= precision;
    valid.then_some(LogicalType::Decimal { precision, scale })
}

/// What was seen in one column.
struct Seen {
    promised: Vec<(LogicalType, Option<ColumnBuilder>)>,
    untyped: bool,
    integers: u64,
    exact_reals: bool,
    reals: u64,
    texts: u64,
    blobs: u64,
}

impl Seen {
    fn new(declared: &str) -> Self {
        let promised = promised(declared)
            .into_iter()
            .map(|logical| {
                let builder = crate::rows::builder(&Column::new("", logical.clone())).ok();
                (logical, builder)
            })
            .collect();
        Seen {
            promised,
            untyped: declared.is_empty(),
            integers: 0,
            exact_reals: true,
            reals: 0,
            texts: 0,
            blobs: 0,
        }
    }

    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => return,
            ValueRef::Integer(value) => {
                self.integers += 1;
                self.exact_reals &= value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS;
            }
            ValueRef::Real(_) => self.reals += 1,
            ValueRef::Text(_) => self.texts += 1,
            ValueRef::Blob(_) => self.blobs += 1,
        }
        for (_, builder) in &mut self.promised {
            let Some(trial) = builder else { continue };
            let fits = super::read::put(trial, value);
            trial.clear();
            // A type that did not hold one value is out.
            if !fits {
                *builder = None;
            }
        }
    }

    fn logical(mut self, mixed: MixedTypes) -> LogicalType {
        let first = self.promised.first().map(|(logical, _)| logical.clone());
        let kept = self.promised.iter_mut().find(|(_, builder)| builder.is_some());
        if let Some((logical, _)) = kept {
            return logical.clone();
        }
        let numbers = if self.reals == 0 {
            LogicalType::Int64
        } else if self.exact_reals {
            LogicalType::Float64
        } else {
            LogicalType::Numeric
        };
        match (self.integers + self.reals > 0, self.texts > 0, self.blobs > 0) {
            (true, false, false) => numbers,
            (false, _, false) => LogicalType::Text,
            (false, false, true) => LogicalType::Bytes,
            _ if mixed == MixedTypes::Text || self.untyped => LogicalType::Text,
            // What the declaration promises decides which values are the wrong ones.
            (_, _, _) => match first {
                Some(LogicalType::Int64 | LogicalType::Boolean) => LogicalType::Int64,
                Some(wanted @ (LogicalType::Float64 | LogicalType::Decimal { .. } | LogicalType::Bytes)) => {
                    wanted
                }
                None => numbers,
                Some(_) => LogicalType::Text,
            },
        }
    }
}
