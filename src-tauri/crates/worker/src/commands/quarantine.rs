//! `syncline quarantine`

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use syncline_engine::Repair;
use syncline_protocol::Result;
use syncline_store::{JournalEntry, RunLock, run_id};

use crate::app::Context;
use crate::cli::{QuarantineCommand, QuarantineList, QuarantineReplay};
use crate::exit::Exit;
use crate::screen::Column;
use crate::text::{counted, shorten};

pub(crate) fn run(context: &Context<'_>, command: QuarantineCommand) -> Result<Exit> {
    match command {
        QuarantineCommand::List(arguments) => list(context, &arguments),
        QuarantineCommand::Replay(arguments) => replay(context, arguments),
    }
}

fn list(context: &Context<'_>, arguments: &QuarantineList) -> Result<Exit> {
    let connection = context.connection(&arguments.connection)?;
    let rows = context.runtime.block_on(connection.quarantined(arguments.table.as_ref(), arguments.limit))?;
    if arguments.json {
        rows.iter().for_each(|row| context.screen.print_json(row));
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        context.screen.print("No rows in quarantine.");
        return Ok(Exit::Ok);
    }
    context.screen.print_table(
        &[
            Column::Left("ID"),
            Column::Left("TABLE"),
            Column::Left("COLUMN"),
            Column::Left("WHY"),
            Column::Left("ROW"),
        ],
        rows.iter().map(|row| {
            vec![
                row.id.clone(),
                row.table.to_string(),
                row.rejected.column.clone().unwrap_or_default(),
                row.rejected.reason.clone(),
                shorten(&row.rejected.row.to_string(), 100),
            ]
        }),
    );
    context.screen.say(format!(
        "\nLoad them again with `syncline quarantine replay {} TABLE`, repaired by --set COLUMN=VALUE or --null COLUMN.",
        arguments.connection
    ));
    Ok(Exit::Ok)
}

fn replay(context: &Context<'_>, arguments: QuarantineReplay) -> Result<Exit> {
    let connection = context.connection(&arguments.connection)?;
    super::run::require_tables(&connection, std::slice::from_ref(&arguments.table))?;
    // A replay writes: it must not meet a run.
    let _lock = RunLock::acquire(&context.project, &arguments.connection)?;
    let mut values: BTreeMap<String, Option<String>> =
        arguments.nulls.into_iter().map(|column| (column, None)).collect();
    values.extend(arguments.values.into_iter().map(|(column, value)| (column, Some(value))));
    let columns: Vec<String> = values.keys().cloned().collect();
    let repair = Repair { ids: arguments.rows, values };
    let run = run_id(Timestamp::now())?;
    let replayed = context.runtime.block_on(connection.replay(&arguments.table, &repair, &run))?;
    context.state.add_to_journal(&JournalEntry {
        run: Some(run),
        connection: arguments.connection,
        at: Timestamp::now(),
        kind: "replay".to_owned(),
        detail: json!({"table": arguments.table, "loaded": replayed.loaded, "kept": replayed.kept.len(), "repaired": columns}),
    })?;
    context.screen.print(format!(
        "Loaded {}; {} still in quarantine.",
        counted(replayed.loaded, "row"),
        counted(replayed.kept.len() as u64, "row")
    ));
    for (id, reason) in &replayed.kept {
        context.screen.print(format!("  {id}: {reason}"));
    }
    Ok(if replayed.kept.is_empty() { Exit::Ok } else { Exit::RowsRejected })
}
