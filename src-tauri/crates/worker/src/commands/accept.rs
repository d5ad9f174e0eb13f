//! `syncline accept`

use jiff::Timestamp;
use serde_json::json;
use syncline_protocol::Result;
use syncline_store::JournalEntry;

use crate::app::Context;
use crate::cli::Accept;
use crate::exit::Exit;

pub(crate) fn run(context: &Context<'_>, arguments: &Accept) -> Result<Exit> {
    let connection = context.connection(&arguments.connection)?;
    super::run::require_tables(&connection, std::slice::from_ref(&arguments.table))?;
    context.runtime.block_on(connection.accept(&arguments.table))?;
    context.state.add_to_journal(&JournalEntry {
        run: None,
        connection: connection.name,
        at: Timestamp::now(),
        kind: "decision".to_owned(),
        detail: json!({"table": arguments.table, "decision": "accept the present shape"}),
    })?;
    context.screen.print(format!(
        "Accepted. The next run of {} follows the present shape of {}.",
        arguments.connection, arguments.table
    ));
    Ok(Exit::Ok)
}
