//! Which tables a connection gets, and how each is synced when nobody says otherwise.

use std::collections::BTreeMap;

use syncline_protocol::schema::TableInfo;
use syncline_protocol::{Catalog, Deletes, Error, ErrorKind, Result, TableName};
use syncline_store::config::{Mode, TableConfig};

/// What a connection gets.
#[derive(Default)]
pub struct Selection {
    /// The tables, with their modes and updated-at columns.
    pub tables: Vec<TableConfig>,
    /// Tables that cannot be read, with the reason.
    pub left_out: Vec<(TableName, String)>,
}

/// The wanted tables of a catalog. With `leave_out`, those that cannot be read are no error.
///
/// # Errors
/// `NotFound` for a table that was named and is not there or cannot be read.
pub fn select_tables(
    catalog: &Catalog,
    wanted: &[(TableName, Option<Mode>)],
    incremental: bool,
    leave_out: bool,
) -> Result<Selection> {
    let mut selection = Selection::default();
    for (name, mode) in wanted {
        let info = catalog.table(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The source has no table `{name}`."))
                .meaning("The connection was not added.")
                .fix("List its tables with `syncline discover SOURCE`.")
        })?;
        match &info.unreadable {
            None => selection.tables.push(table(info, *mode, incremental)),
            Some(reason) if leave_out => selection.left_out.push((name.clone(), reason.clone())),
            Some(reason) => {
                return Err(Error::new(ErrorKind::Permission, format!("`{name}` cannot be read: {reason}"))
                    .meaning("The connection was not added."));
            }
        }
    }
    if selection.tables.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "The source has no tables that can be read.")
            .meaning("The connection was not added."));
    }
    Ok(selection)
}

/// A table as it is synced when nobody says more than its mode.
pub fn table(info: &TableInfo, mode: Option<Mode>, incremental: bool) -> TableConfig {
    // An updated-at column is only of use where rows can be found again by their key, or are only ever added.
    let useful = match mode {
        Some(Mode::Replace) => false,
        Some(Mode::Append) => true,
        Some(Mode::Merge | Mode::History) | None => !info.schema.key.is_empty(),
    };
    let cursor =
        info.cursors.iter().find(|candidate| incremental && useful && tells_updates(&candidate.column));
    TableConfig {
        name: info.schema.table.clone(),
        target: None,
        mode,
        deletes: Deletes::default(),
        cursor: cursor.map(|candidate| candidate.column.clone()),
        look_back_seconds: 0,
        detect_deletes: false,
        key: Vec::new(),
        columns: Vec::new(),
        column_rules: BTreeMap::new(),
    }
}

/// Whether a column plainly says when a row was changed. A wrong guess would miss changes in silence, so that any other
/// candidate (a serial key, a date of shipping) is left for the person to choose.
fn tells_updates(column: &str) -> bool {
    let name = column.to_lowercase();
    ["updat", "modif", "chang"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::schema::CursorCandidate;
    use syncline_protocol::{Column, LogicalType, TableKind, TableSchema};

    fn info(name: &str, key: &[&str], unreadable: Option<&str>) -> TableInfo {
        TableInfo {
            schema: TableSchema {
                table: TableName::bare(name),
                columns: vec![Column::new("id", LogicalType::Int32)],
                key: key.iter().map(|key| (*key).to_owned()).collect(),
            },
            kind: TableKind::Table,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: vec![CursorCandidate { column: "updated_at".to_owned(), reason: String::new() }],
            unreadable: unreadable.map(str::to_owned),
            comment: None,
            elements_of: None,
        }
    }

    #[test]
    fn a_column_that_may_miss_changes_is_never_chosen() {
        assert!(["updated_at", "LastModified", "changed_on"].iter().all(|name| tells_updates(name)));
        assert!(["l_shipdate", "c_custkey", "created_at", "id"].iter().all(|name| !tells_updates(name)));
    }

    #[test]
    fn the_updated_at_column_is_used_where_it_helps() {
        let cursor = |key: &[&str], mode, incremental| table(&info("t", key, None), mode, incremental).cursor;
        assert_eq!(cursor(&["id"], None, true).as_deref(), Some("updated_at"));
        assert_eq!(cursor(&[], None, true), None);
        assert_eq!(cursor(&[], Some(Mode::Append), true).as_deref(), Some("updated_at"));
        assert_eq!(cursor(&["id"], Some(Mode::Replace), true), None);
        assert_eq!(cursor(&["id"], None, false), None);
    }

    #[test]
    fn unreadable_tables_are_left_out_of_all_and_refused_by_name() {
        let catalog =
            Catalog { tables: vec![info("a", &["id"], None), info("b", &[], Some("no permission"))] };
        let both = [(TableName::bare("a"), None), (TableName::bare("b"), None)];
        let selection = select_tables(&catalog, &both, true, true).unwrap();
        assert_eq!((selection.tables.len(), selection.left_out.len()), (1, 1));
        let kind = |wanted| select_tables(&catalog, wanted, true, false).err().map(|error| error.kind());
        assert_eq!(kind(&both[..]), Some(ErrorKind::Permission));
        let missing = [(TableName::bare("c"), None)];
        assert_eq!(kind(&missing[..]), Some(ErrorKind::NotFound));
    }
}
