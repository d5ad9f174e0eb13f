//! `syncline add connection`

use jiff::Timestamp;
use syncline_api::select::select_tables;
use syncline_protocol::{DiscoverFilter, Error, ErrorKind, Result, TableName};
use syncline_store::config::{ConnectionConfig, DriftPolicy, Mode, NameStyle};

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
    let wanted: Vec<(TableName, Option<Mode>)> = match arguments.all {
        true => catalog.tables.iter().map(|info| (info.schema.table.clone(), None)).collect(),
        false => arguments.tables.iter().map(|(name, mode)| (name.clone(), mode.map(written))).collect(),
    };
    let selection = select_tables(&catalog, &wanted, incremental, arguments.all)?;
    let config = ConnectionConfig {
        source_version: None,
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

/// A mode as project files write it.
fn written(mode: TableMode) -> Mode {
    match mode {
        TableMode::Merge => Mode::Merge,
        TableMode::Append => Mode::Append,
        TableMode::Replace => Mode::Replace,
        TableMode::History => Mode::History,
    }
}
