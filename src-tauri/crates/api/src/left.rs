//! Where the rows of tables lie that a connection no longer syncs, and who else writes there.

use std::collections::{HashMap, HashSet};

use syncline_engine::{Plan, left_setting};
use syncline_protocol::{Error, ErrorKind, Result, TableName, TargetName};
use syncline_store::config::ConnectionConfig;

use crate::api::Open;

/// Before a connection is written: remembers where the tables land that it gives up.
pub(crate) fn remember(open: &Open, connection: &str, next: &ConnectionConfig) -> Result<()> {
    let Ok(before) = open.project.connection(connection) else { return Ok(()) };
    let stays = |table: &TableName| next.tables.iter().any(|known| known.name == *table);
    let setting = left_setting(connection);
    let mut left: HashMap<TableName, TargetName> = open.state.setting(&setting)?.unwrap_or_default();
    let known = left.len();
    left.retain(|table, _| !stays(table));
    let gone: Vec<&TableName> =
        before.tables.iter().map(|table| &table.name).filter(|table| !stays(table)).collect();
    if gone.is_empty() && left.len() == known {
        return Ok(());
    }
    // A connection that cannot be made now still has tables with their usual names.
    if let Ok(engine) = open.connection(connection) {
        left.extend(gone.into_iter().filter_map(|table| Some((table.clone(), engine.target_of(table)?))));
    }
    open.state.set_setting(&setting, &left)
}

pub(crate) fn forget(open: &Open, connection: &str) -> Result<()> {
    open.state.remove_setting(&left_setting(connection)).map(drop)
}

/// The tables of the same destination that other connections of the project write to.
pub(crate) fn targets_of_others(open: &Open, connection: &str) -> Result<HashSet<TargetName>> {
    let destination = open.project.connection(connection)?.destination;
    let mut targets = HashSet::new();
    for other in open.project.connections()?.into_iter().filter(|other| other != connection) {
        // A file that cannot be read has no tables that anybody syncs.
        let Ok(config) = open.project.connection(&other) else { continue };
        if config.destination == destination {
            let engine = open.connection(&other)?;
            targets.extend(config.tables.iter().filter_map(|table| engine.target_of(&table.name)));
        }
    }
    Ok(targets)
}

/// Refuses a plan that would remove what another connection writes.
pub(crate) fn refuse_shared(open: &Open, connection: &str, plan: &Plan) -> Result<()> {
    let shared = targets_of_others(open, connection)?;
    match plan.left.iter().find(|table| table.remove && shared.contains(&table.target)) {
        None => Ok(()),
        Some(table) => Err(Error::new(
            ErrorKind::Config,
            format!("Another connection writes to `{}`, so its rows are not removed.", table.target),
        )
        .meaning("Nothing was removed.")
        .fix("Make a new plan and look at it.")),
    }
}
