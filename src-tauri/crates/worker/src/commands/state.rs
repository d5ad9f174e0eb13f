//! `syncline state`

use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use syncline_engine::airbyte_state;
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::{JournalEntry, RunLock, run_id};

use crate::app::Context;
use crate::cli::StateCommand;
use crate::exit::Exit;
use crate::text::counted;

/// The largest state there is has a few MB: 25,000 partitions.
const BYTES_MAX: u64 = 256 << 20;

pub(crate) fn run(context: &Context<'_>, command: StateCommand) -> Result<Exit> {
    match command {
        StateCommand::Import { connection, file, replace } => import(context, &connection, &file, replace),
        StateCommand::Export { connection } => export(context, &connection),
    }
}

fn import(context: &Context<'_>, name: &str, file: &Path, replace: bool) -> Result<Exit> {
    let states = airbyte_state::parse(&read(file)?)?;
    let connection = context.connection(name)?;
    let _lock = RunLock::acquire(&context.project, name)?;
    let run = run_id(Timestamp::now())?;
    let moved = context.runtime.block_on(connection.import_states(&run, &states, replace))?;
    let mut stored = Vec::new();
    for table in &moved {
        match &table.outcome {
            Ok(()) => stored.push(table.table.to_string()),
            Err(error) => context.screen.error(error),
        }
    }
    if !stored.is_empty() {
        context.state.add_to_journal(&JournalEntry {
            run: None,
            connection: name.to_owned(),
            at: Timestamp::now(),
            kind: "decision".to_owned(),
            detail: json!({"decision": "go on from an imported state", "tables": stored}),
        })?;
    }
    context.screen.print(format!(
        "{} of {} can go on from the imported state{}",
        counted(stored.len() as u64, "table"),
        states.len(),
        if stored.is_empty() { ".".to_owned() } else { format!(": {}.", stored.join(", ")) }
    ));
    Ok(if stored.len() == states.len() { Exit::Ok } else { Exit::Failed })
}

fn export(context: &Context<'_>, name: &str) -> Result<Exit> {
    let connection = context.connection(name)?;
    let states = context.runtime.block_on(connection.export_states())?;
    if states.is_empty() {
        context
            .screen
            .say("No table of this connection has a state yet that another program could go on from.");
    }
    context.screen.print_json_pretty(&airbyte_state::write(&states));
    Ok(Exit::Ok)
}

fn read(file: &Path) -> Result<String> {
    let unreadable = |error| {
        Error::new(ErrorKind::NotFound, format!("`{}` cannot be read.", file.display()))
            .caused_by(error)
            .meaning("Nothing was changed.")
    };
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(unreadable)?;
    Ok(text)
}
