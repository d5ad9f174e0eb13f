//! The SQL that a part is read with.

use std::time::Duration;

use syncline_protocol::TableKind;

use super::catalog::{Table, TableColumn, is_time};
use super::plan::{Cursor, From, Leaf, Mark, Piece, Plan};
use super::sql::{literal, quote, quote_table};
use super::types::Reading;

/// `"a", "b"::text, …`
pub(super) fn expressions<'a>(columns: impl Iterator<Item = (&'a str, &'a Reading)>) -> String {
    columns.map(|(name, reading)| reading.cast.expression(name)).collect::<Vec<_>>().join(", ")
}

/// What to write after FROM for the whole of `table`, as `t`. `ONLY`, because tables that merely inherit from it are
/// tables of their own; partitions belong to it.
pub(super) fn from_table(table: &Table) -> String {
    let only = if table.kind == TableKind::Table { "ONLY " } else { "" };
    format!("{only}{} AS t", quote_table(&table.name))
}

/// The same for one leaf.
pub(super) fn from_leaf(leaf: &Leaf) -> String {
    format!("ONLY {}.{} AS t", quote(&leaf.schema), quote(&leaf.name))
}

/// The expressions that order rows: cursor, then key. With `t`, because a bare name in ORDER BY means a column of the
/// result, which may be a text made of it. Types that are not built in are ordered by their text, because
/// their own operators are not in `search_path`.
pub(super) fn order(table: &Table, cursor: &Cursor) -> Vec<String> {
    std::iter::once(&cursor.column).chain(&cursor.key).map(|name| ordering(table, name)).collect()
}

fn ordering(table: &Table, name: &str) -> String {
    let column = format!("t.{}", quote(name));
    match table.column(name) {
        Some(TableColumn { built_in: false, .. }) => format!("{column}::pg_catalog.text COLLATE \"C\""),
        _ => column,
    }
}

/// The same expressions as texts, to be noted as marks.
pub(super) fn marks(cursor: &Cursor) -> Vec<String> {
    std::iter::once(&cursor.column)
        .chain(&cursor.key)
        .map(|name| format!("{}::pg_catalog.text", quote(name)))
        .collect()
}

/// `(a, b) OP ('x', 'y')`, or `a OP 'x'` when the mark has no key.
pub(super) fn compare(order: &[String], operator: &str, mark: &Mark) -> String {
    let values: Vec<_> = std::iter::once(&mark.cursor).chain(&mark.key).map(|value| literal(value)).collect();
    match (order, values.as_slice()) {
        ([cursor, ..], [value]) => format!("{cursor} {operator} {value}"),
        _ => format!("({}) {operator} ({})", order.join(", "), values.join(", ")),
    }
}

/// The condition for rows from `from` on. Rows without a cursor value never meet it.
pub(super) fn lower_bound(order: &[String], from: &From, cursor: &str) -> String {
    match from {
        From::Start => format!("{} IS NOT NULL", quote(cursor)),
        From::After(mark) => compare(order, ">", mark),
        From::Value(value) => {
            let first = order.first().map_or("", String::as_str);
            format!("{first} >= {}", literal(value))
        }
    }
}

/// Leaves ±infinity out of what can be the last cursor value: nothing would ever be newer.
pub(super) fn is_finite(table: &Table, cursor: &str) -> String {
    let name = quote(cursor);
    match table.column(cursor) {
        Some(column) if is_time(&column.reading.logical) => format!("pg_catalog.isfinite({name})"),
        _ => format!("{name} IS NOT NULL"),
    }
}

/// The value that lies `look_back` before `value`, as SQL.
pub(super) fn looking_back(value: &str, native_type: &str, look_back: Duration) -> String {
    // µs are exact; a date minus an interval is a timestamp, which compares with dates.
    let seconds = format!("{}.{:06}", look_back.as_secs(), look_back.subsec_micros());
    format!(
        "({}::{native_type} - pg_catalog.make_interval(secs => {seconds}))::pg_catalog.text",
        literal(value)
    )
}

/// A COPY that reads `piece`, and how many leading mark fields its rows have.
pub(super) fn copy(
    table: &Table,
    plan: &Plan,
    piece: &Piece,
    columns: &str,
    position: Option<&From>,
    later_session: bool,
) -> (String, usize) {
    let whole = from_table(table);
    match (plan, piece) {
        (Plan::Snapshot(plan), Piece::Pages { leaf, first, end }) => {
            let mut conditions = Vec::new();
            if *first > 0 {
                conditions.push(format!("ctid >= '({first},0)'"));
            }
            if let Some(end) = end {
                conditions.push(format!("ctid < '({end},0)'"));
            }
            conditions.extend(covered(table, plan.cursor.as_ref(), later_session));
            let source = plan.leaves.get(*leaf).map_or(whole, from_leaf);
            (copy_text(columns, &source, &conditions, ""), 0)
        }
        (Plan::Snapshot(plan), Piece::Whole) => {
            let conditions: Vec<_> =
                covered(table, plan.cursor.as_ref(), later_session).into_iter().collect();
            (copy_text(columns, &whole, &conditions, ""), 0)
        }
        (Plan::Incremental(plan), Piece::Newer) => {
            let order = order(table, &plan.cursor);
            let mut conditions =
                vec![lower_bound(&order, position.unwrap_or(&plan.from), &plan.cursor.column)];
            conditions.extend(plan.cursor.upper.as_ref().map(|upper| compare(&order, "<=", upper)));
            let marks = marks(&plan.cursor);
            let columns = format!("{}, {columns}", marks.join(", "));
            let order = format!(" ORDER BY {}", order.join(", "));
            (copy_text(&columns, &whole, &conditions, &order), marks.len())
        }
        _ => (copy_text(columns, &whole, &[], ""), 0),
    }
}

/// For parts that are read in a later session than the plan was made in: rows that are newer than the plan are left to
/// the incremental read that follows on, so that each is read once.
fn covered(table: &Table, cursor: Option<&Cursor>, later_session: bool) -> Option<String> {
    let cursor = cursor.filter(|_| later_session)?;
    let name = quote(&cursor.column);
    let order = order(table, cursor);
    let outside = format!("{name} IS NULL OR NOT {}", is_finite(table, &cursor.column));
    Some(match &cursor.upper {
        Some(upper) => format!("({} OR {outside})", compare(&order, "<=", upper)),
        None => format!("({outside})"),
    })
}

pub(super) fn copy_text(columns: &str, source: &str, conditions: &[String], order: &str) -> String {
    let condition =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    copy_of(&format!("SELECT {columns} FROM {source}{condition}{order}"))
}

/// A COPY that reads what `query` gives.
pub(super) fn copy_of(query: &str) -> String {
    format!("COPY ({query}) TO STDOUT (FORMAT BINARY)")
}
