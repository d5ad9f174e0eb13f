//! `syncline add connection`

use std::collections::BTreeMap;

use jiff::Timestamp;
use syncline_protocol::schema::TableInfo;
use syncline_protocol::{Catalog, Deletes, DiscoverFilter, Error, ErrorKind, Result, TableName};
use syncline_store::config::{ConnectionConfig, DriftPolicy, Mode, NameStyle, TableConfig};

use super::check_name;
use crate::app::Context;
use crate::cli::{AddConnection, TableMode};
use crate::exit::Exit;
use crate::text::counted;

/// The default of `rejected_rows_max`, which is then left out of the file.
const REJECTED_ROWS_MAX: u64 = 1000;

pub(super) fn add(context: &Context<'_>, arguments: &AddConnection) -> Result<Exit> {
    check_name(&arguments.name, "connection", &context.project.connections()?, arguments.replace)?;
    if arguments.tables.is_empty() && !arguments.all {
        return Err(Error::new(ErrorKind::Config, "It is not said which tables the connection has.")
            .fix("Take all of them with --all.")
            .fix(format!("Name them with --table; `syncline discover {}` lists them.", arguments.source)));
    }
    // Both ends must exist before the source is asked anything.
    context.destination(&arguments.destination)?;
    let source = context.source(&arguments.source)?;
    let incremental = source.capabilities().incremental && !arguments.full;
    let filter = DiscoverFilter {
        tables: arguments.tables.iter().map(|(name, _)| name.clone()).collect(),
        system: false,
    };
    let catalog = context.runtime.block_on(source.discover(&filter))?;
    if arguments.all {
        context.state.save_catalog(&arguments.source, Timestamp::now(), &catalog)?;
    }
    let wanted: Vec<(TableName, Option<TableMode>)> = match arguments.all {
        true => catalog.tables.iter().map(|info| (info.schema.table.clone(), None)).collect(),
        false => arguments.tables.clone(),
    };
    let selection = select_tables(&catalog, &wanted, incremental, arguments.all)?;
    let config = ConnectionConfig {
        source: arguments.source.clone(),
        destination: arguments.destination.clone(),
        schema: arguments.schema.clone(),
        names: NameStyle::default(),
        drift: DriftPolicy::default(),
        rejected_rows_max: REJECTED_ROWS_MAX,
        tables: selection.tables,
    };
    context.project.save_connection(&arguments.name, &config)?;
    for (table, reason) in &selection.left_out {
        context.screen.say(format!("Left out {table}: {reason}"));
    }
    context.screen.print(format!(
        "Added connections/{name}.yaml with {}.\nLook at what it would do with `syncline plan {name}`, then `syncline run {name}`.",
        counted(config.tables.len() as u64, "table"),
        name = arguments.name
    ));
    Ok(Exit::Ok)
}

/// What a connection gets.
#[derive(Default)]
pub(crate) struct Selection {
    /// The tables, with their modes and updated-at columns.
    pub(crate) tables: Vec<TableConfig>,
    /// Tables that cannot be read, with the reason.
    pub(crate) left_out: Vec<(TableName, String)>,
}

/// The wanted tables of a catalog. With `leave_out`, those that cannot be read are no error.
///
/// # Errors
/// `NotFound` for a table that was named and is not there or cannot be read.
pub(crate) fn select_tables(
    catalog: &Catalog,
    wanted: &[(TableName, Option<TableMode>)],
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

fn table(info: &TableInfo, mode: Option<TableMode>, incremental: bool) -> TableConfig {
    let mode = mode.map(|mode| match mode {
        TableMode::Merge => Mode::Merge,
        TableMode::Append => Mode::Append,
        TableMode::Replace => Mode::Replace,
        TableMode::History => Mode::History,
    });
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
        assert_eq!(cursor(&[], Some(TableMode::Append), true).as_deref(), Some("updated_at"));
        assert_eq!(cursor(&["id"], Some(TableMode::Replace), true), None);
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
