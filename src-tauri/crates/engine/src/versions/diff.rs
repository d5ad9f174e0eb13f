//! What another version of a connector would change in the tables of a source.

use serde::{Deserialize, Serialize};
use syncline_protocol::{Catalog, DiscoverFilter, LogicalType, Result, Source, TableInfo, TableName};

use crate::receipt::Failure;

/// What an upgrade would change. Nothing is changed by making it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpgradePlan {
    /// The connector.
    pub connector: String,
    /// The version that it would be.
    pub to: String,
    /// The sources that would change, each with what that means for it.
    pub sources: Vec<SourceUpgrade>,
}

/// What an upgrade means for a source.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceUpgrade {
    /// The source.
    pub source: String,
    /// The version it is on.
    pub from: String,
    /// The connections that would run on the new version.
    pub connections: Vec<String>,
    /// What changes in its tables; none when that cannot be told.
    pub diff: Option<SchemaDiff>,
    /// Why it cannot be told: the new version cannot be used with the settings of the source, mostly.
    pub problem: Option<Failure>,
}

/// How the tables of two versions differ.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDiff {
    /// The tables that differ, sorted by name.
    pub tables: Vec<TableDiff>,
    /// How many tables are the same.
    pub same: usize,
}

/// How a table differs.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDiff {
    /// The table.
    pub table: TableName,
    /// What happens to it.
    pub change: TableChange,
    /// The columns that are added, removed or of another type. Empty for a table that is added or removed.
    pub columns: Vec<ColumnDiff>,
    /// The key before and after, when it changes.
    pub key: Option<(Vec<String>, Vec<String>)>,
    /// Why the new version cannot read it, when the old one could.
    pub unreadable: Option<String>,
}

/// What happens to a table.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its columns or its key change.
    Changed,
}

/// How a column differs.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDiff {
    /// Its name.
    pub column: String,
    /// Its type before; none when it is new.
    pub before: Option<LogicalType>,
    /// Its type after; none when it is gone.
    pub after: Option<LogicalType>,
}

impl SchemaDiff {
    /// What differs between what two versions list.
    pub fn of(before: &Catalog, after: &Catalog) -> SchemaDiff {
        let mut diff = SchemaDiff::default();
        let bare = |info: &TableInfo, change| TableDiff {
            table: info.schema.table.clone(),
            change,
            columns: Vec::new(),
            key: None,
            unreadable: info.unreadable.clone(),
        };
        for info in &before.tables {
            match after.table(&info.schema.table) {
                None => diff.tables.push(TableDiff { unreadable: None, ..bare(info, TableChange::Removed) }),
                Some(now) => match changed(info, now) {
                    Some(changed) => diff.tables.push(changed),
                    None => diff.same += 1,
                },
            }
        }
        let added = after.tables.iter().filter(|info| before.table(&info.schema.table).is_none());
        diff.tables.extend(added.map(|info| bare(info, TableChange::Added)));
        diff.tables.sort_by(|left, right| left.table.cmp(&right.table));
        diff
    }

    /// Whether something that is there today would be missing, or be something else.
    pub fn takes_away(&self) -> bool {
        self.tables.iter().any(|table| {
            table.change == TableChange::Removed
                || table.key.is_some()
                || table.unreadable.is_some()
                || table.columns.iter().any(|column| column.before.is_some())
        })
    }
}

fn changed(before: &TableInfo, after: &TableInfo) -> Option<TableDiff> {
    let mut columns = Vec::new();
    for column in &before.schema.columns {
        let now = after.schema.column(&column.name).map(|now| &now.logical);
        if now != Some(&column.logical) {
            columns.push(ColumnDiff {
                column: column.name.clone(),
                before: Some(column.logical.clone()),
                after: now.cloned(),
            });
        }
    }
    let new = after.schema.columns.iter().filter(|column| before.schema.column(&column.name).is_none());
    columns.extend(new.map(|column| ColumnDiff {
        column: column.name.clone(),
        before: None,
        after: Some(column.logical.clone()),
    }));
    let key = (before.schema.key != after.schema.key)
        .then(|| (before.schema.key.clone(), after.schema.key.clone()));
    let unreadable = after.unreadable.clone().filter(|_| before.unreadable.is_none());
    if let Some(why) = unreadable {
        // Its columns are not known; that they are gone would be a guess.
        let table = before.schema.table.clone();
        return Some(TableDiff {
            table,
            change: TableChange::Changed,
            columns: Vec::new(),
            key: None,
            unreadable: Some(why),
        });
    }
    (!columns.is_empty() || key.is_some()).then(|| TableDiff {
        table: before.schema.table.clone(),
        change: TableChange::Changed,
        columns,
        key,
        unreadable: None,
    })
}

impl SourceUpgrade {
    /// Asks both versions for their tables. `before` and `after` are the source at either version, or why it could not be
    /// made.
    pub async fn compare(
        source: &str,
        from: &str,
        connections: Vec<String>,
        before: Result<std::sync::Arc<dyn Source>>,
        after: Result<std::sync::Arc<dyn Source>>,
    ) -> SourceUpgrade {
        let compared = async {
            let (before, after) = (before?, after?);
            let everything = DiscoverFilter::default();
            let before = before.discover(&everything).await?;
            Ok(SchemaDiff::of(&before, &after.discover(&everything).await?))
        };
        let compared: Result<SchemaDiff> = compared.await;
        let problem = compared.as_ref().err().map(Failure::from);
        let (source, from) = (source.to_owned(), from.to_owned());
        SourceUpgrade { source, from, connections, diff: compared.ok(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::{Column, TableKind, TableSchema};

    fn table(name: &str, columns: &[(&str, LogicalType)], key: &[&str]) -> TableInfo {
        TableInfo {
            schema: TableSchema {
                table: TableName::bare(name),
                columns: columns.iter().map(|(name, logical)| Column::new(*name, logical.clone())).collect(),
                key: key.iter().map(|name| (*name).to_owned()).collect(),
            },
            kind: TableKind::Api,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: Vec::new(),
            unreadable: None,
            comment: None,
            elements_of: None,
        }
    }

    #[test]
    fn tables_and_columns_that_come_go_and_change_are_told_apart() {
        use LogicalType::{Int64, Text, TimestampTz};
        let before = Catalog {
            tables: vec![
                table("gone", &[("id", Int64)], &["id"]),
                table("same", &[("id", Int64)], &[]),
                table("users", &[("id", Int64), ("email", Text), ("at", Text)], &["id"]),
            ],
        };
        let after = Catalog {
            tables: vec![
                table("same", &[("id", Int64)], &[]),
                table("users", &[("id", Int64), ("at", TimestampTz), ("name", Text)], &["id", "at"]),
                table("new", &[("id", Int64)], &[]),
            ],
        };
        let diff = SchemaDiff::of(&before, &after);
        let named: Vec<_> =
            diff.tables.iter().map(|table| (table.table.name.as_str(), table.change)).collect();
        assert_eq!(
            named,
            [("gone", TableChange::Removed), ("new", TableChange::Added), ("users", TableChange::Changed)]
        );
        let column = |column: &str, before, after| ColumnDiff { column: column.to_owned(), before, after };
        assert_eq!(
            diff.tables[2].columns,
            [
                column("email", Some(Text), None),
                column("at", Some(Text), Some(TimestampTz)),
                column("name", None, Some(Text)),
            ]
        );
        assert_eq!(diff.tables[2].key, Some((vec!["id".into()], vec!["id".into(), "at".into()])));
        assert!((diff.same, diff.takes_away()) == (1, true));
        assert!(!SchemaDiff::of(&before, &before).takes_away());

        let mut unreadable = before.clone();
        unreadable.tables[2] =
            TableInfo { unreadable: Some("a custom class".into()), ..table("users", &[], &[]) };
        let diff = SchemaDiff::of(&before, &unreadable);
        assert!(diff.tables[0].columns.is_empty() && diff.takes_away(), "{diff:?}");
    }
}
