//! What changed in the shape of a source table since it was last accepted, and what the policy says about it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, TableName, TableSchema};
use syncline_store::config::{DriftChoice, DriftPolicy};

/// One change of a source table's shape.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The table.
    pub table: TableName,
    /// What changed.
    pub kind: DriftKind,
    /// The column, when it is one.
    pub column: Option<String>,
    /// In words: "new column `channel` (text)".
    pub what: String,
    /// What the policy says.
    pub choice: DriftChoice,
}

/// The kinds of drift.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// A column that was not there.
    NewColumn,
    /// Every old value fits the new type.
    WidenedType,
    /// Old values may not fit the new type.
    NarrowedType,
    /// A column is gone.
    DroppedColumn,
    /// Other columns identify a row.
    KeyChanged,
    /// A table that is not part of the connection appeared.
    NewTable,
}

/// Compares the shape that was accepted with the present one.
pub(crate) fn compare(accepted: &TableSchema, current: &TableSchema, policy: &DriftPolicy) -> Vec<Drift> {
    let table = &current.table;
    let drift = |kind, column: Option<&str>, what: String, choice| Drift {
        table: table.clone(),
        kind,
        column: column.map(str::to_owned),
        what,
        choice,
    };
    let mut drifts = Vec::new();
    for column in &current.columns {
        let name = &column.name;
        match accepted.column(name) {
            None => drifts.push(drift(
                DriftKind::NewColumn,
                Some(name),
                format!("new column `{name}` ({})", column.logical),
                policy.new_column,
            )),
            Some(before) if before.logical == column.logical => {}
            Some(before) if before.logical.fits(&column.logical) => drifts.push(drift(
                DriftKind::WidenedType,
                Some(name),
                format!("`{name}` widened from {} to {}", before.logical, column.logical),
                policy.widened_type,
            )),
            Some(before) => drifts.push(drift(
                DriftKind::NarrowedType,
                Some(name),
                format!("`{name}` changed from {} to {}", before.logical, column.logical),
                DriftChoice::Ask,
            )),
        }
    }
    for column in accepted.columns.iter().filter(|column| current.column(&column.name).is_none()) {
        let name = &column.name;
        drifts.push(drift(
            DriftKind::DroppedColumn,
            Some(name),
            format!("column `{name}` is gone"),
            policy.dropped_column,
        ));
    }
    if accepted.key != current.key {
        let words = |key: &[String]| if key.is_empty() { "none".to_owned() } else { key.join(", ") };
        drifts.push(drift(
            DriftKind::KeyChanged,
            None,
            format!("key changed from {} to {}", words(&accepted.key), words(&current.key)),
            DriftChoice::Ask,
        ));
    }
    drifts
}

/// The shape that is accepted once `drifts` are followed as their choices say: what is ignored stays as it was.
pub(crate) fn accept(accepted: &TableSchema, current: &TableSchema, drifts: &[Drift]) -> TableSchema {
    let ignored = ignored_columns(drifts);
    let mut schema = current.clone();
    schema
        .columns
        .retain(|column| accepted.column(&column.name).is_some() || !ignored.contains(&column.name));
    for column in &mut schema.columns {
        if let Some(before) = accepted.column(&column.name).filter(|_| ignored.contains(&column.name)) {
            column.logical = before.logical.clone();
        }
    }
    schema
}

/// What has been inferred stays: the widest type of each column that was ever seen, and columns that are not in the
/// part of the data that discovery looked at.
pub(crate) fn widest(before: &TableSchema, now: &TableSchema) -> TableSchema {
    let mut schema = now.clone();
    for column in &mut schema.columns {
        if let Some(known) = before.column(&column.name) {
            column.logical = known.logical.widen(&column.logical);
        }
    }
    let gone = before.columns.iter().filter(|column| now.column(&column.name).is_none());
    schema.columns.extend(gone.cloned());
    schema
}

/// New columns that the policy ignores.
pub(crate) fn ignored_columns(drifts: &[Drift]) -> HashSet<String> {
    drifts
        .iter()
        .filter(|drift| drift.choice == DriftChoice::Ignore && drift.kind == DriftKind::NewColumn)
        .filter_map(|drift| drift.column.clone())
        .collect()
}

/// The error that pauses a table until a person decides; `None` when nothing asks.
pub(crate) fn question(table: &TableName, drifts: &[Drift]) -> Option<Error> {
    let open: Vec<_> = drifts
        .iter()
        .filter(|drift| drift.choice == DriftChoice::Ask)
        .map(|drift| drift.what.as_str())
        .collect();
    if open.is_empty() {
        return None;
    }
    Some(
        Error::new(
            ErrorKind::NeedsDecision,
            format!("`{table}` changed in the source: {}.", open.join("; ")),
        )
        .with("table", table)
        .fix(format!("Accept the change: syncline accept CONNECTION {table}"))
        .fix("Leave the column out in the connection's `column_rules`, or change its `drift` policy."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::{Column, LogicalType};

    fn schema(columns: &[(&str, LogicalType)], key: &[&str]) -> TableSchema {
        TableSchema {
            table: TableName::bare("t"),
            columns: columns.iter().map(|(name, logical)| Column::new(*name, logical.clone())).collect(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn each_kind_is_told_apart() {
        let before =
            schema(&[("a", LogicalType::Int32), ("b", LogicalType::Text), ("c", LogicalType::Date)], &["a"]);
        let after = schema(
            &[("a", LogicalType::Int64), ("b", LogicalType::Int32), ("d", LogicalType::Text)],
            &["a", "b"],
        );
        let drifts = compare(&before, &after, &DriftPolicy::default());
        let found: Vec<_> = drifts.iter().map(|drift| (drift.kind, drift.choice)).collect();
        assert_eq!(
            found,
            [
                (DriftKind::WidenedType, DriftChoice::Apply),
                (DriftKind::NarrowedType, DriftChoice::Ask),
                (DriftKind::NewColumn, DriftChoice::Apply),
                (DriftKind::DroppedColumn, DriftChoice::Apply),
                (DriftKind::KeyChanged, DriftChoice::Ask),
            ]
        );
        let message = question(&after.table, &drifts).unwrap().to_string();
        assert!(
            message.contains("`b` changed") && message.contains("key changed") && !message.contains("`d`"),
            "{message}"
        );
    }

    #[test]
    fn nothing_changed_is_no_drift() {
        let schema = schema(&[("a", LogicalType::Int32)], &[]);
        assert!(compare(&schema, &schema, &DriftPolicy::default()).is_empty());
    }
}
