//! `syncline run`

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use syncline_engine::{Connection, Observer, Plan, Receipt, RunLog, RunOptions, Stop, Verb};
use syncline_protocol::{Error, ErrorKind, Result, TableName};
use syncline_store::{RunLock, RunRecord, run_id};

use crate::app::Context;
use crate::cli::Run;
use crate::commands::plan::plan_text;
use crate::commands::receipt::receipt_text;
use crate::exit::Exit;
use crate::prompt;

mod progress;

use progress::Progress;
pub(crate) use progress::{Interrupts, stop_on_interrupt};

pub(crate) fn run(context: &Context<'_>, arguments: &Run) -> Result<Exit> {
    let names = match arguments.all {
        true => context.project.connections()?,
        false => arguments.connections.clone(),
    };
    if names.is_empty() {
        return Err(Error::new(ErrorKind::Config, "The project has no connections.")
            .fix("Add one with `syncline add connection NAME`."));
    }
    // All of them are looked at before the first one begins: a typing mistake should not show after an hour.
    let connections = names.iter().map(|name| context.connection(name)).collect::<Result<Vec<_>>>()?;
    connections.iter().try_for_each(|connection| require_tables(connection, &arguments.tables))?;
    let stop = Stop::new();
    let _interrupts = stop_on_interrupt(context.runtime, &stop, arguments.json);
    let mut worst = Exit::Ok;
    for connection in connections {
        let ended = one(context, &connection, arguments, &stop);
        let exit = ended.unwrap_or_else(|error| {
            if arguments.json {
                let failure = syncline_engine::Failure::from(&error);
                context.screen.print_json(
                    &json!({"event": "error", "connection": connection.name, "failure": failure}),
                );
            }
            context.screen.error(&error);
            Exit::of(&error)
        });
        worst = worst.max(exit);
        if stop.requested() {
            break;
        }
    }
    Ok(worst)
}

/// Refuses tables that the connection does not have: a run of nothing would look like success.
pub(crate) fn require_tables(connection: &Connection, tables: &[TableName]) -> Result<()> {
    let known = |table: &TableName| connection.config.tables.iter().any(|known| known.name == *table);
    match tables.iter().find(|table| !known(table)) {
        None => Ok(()),
        Some(table) => Err(Error::new(
            ErrorKind::Config,
            format!("Connection `{}` has no table `{table}`.", connection.name),
        )
        .fix(format!("Its tables are listed in connections/{}.yaml.", connection.name))),
    }
}

fn one(context: &Context<'_>, connection: &Connection, arguments: &Run, stop: &Stop) -> Result<Exit> {
    let _lock = RunLock::acquire(&context.project, &connection.name)?;
    let mut options = RunOptions::new(run_id(Timestamp::now())?);
    options.tables.clone_from(&arguments.tables);
    options.verify = arguments.verify;
    options.attempts_max = arguments.attempts;
    if context.screen.is_interactive() && !arguments.yes && !arguments.json {
        let plan = context.runtime.block_on(connection.plan(&arguments.tables))?;
        if !approve(context, &plan)? {
            context.screen.say("Nothing was written.");
            return Ok(Exit::Stopped);
        }
        options.approved = Some(plan.fingerprint);
    }
    let receipt = record(context, connection, options, stop, arguments.json)?;
    if !arguments.json {
        context.screen.print(receipt_text(&receipt, context.screen.verbose));
    }
    Ok(receipt.outcome.into())
}

/// A run that only loads rows needs no approval; one that changes or rebuilds tables does.
fn approve(context: &Context<'_>, plan: &Plan) -> Result<bool> {
    let any = |verb| plan.tables.iter().any(|table| table.verb == verb);
    if !(any(Verb::Add) || any(Verb::Change) || any(Verb::Rebuild)) {
        return Ok(true);
    }
    context.screen.say(plan_text(plan));
    context.screen.say("");
    // Enter alone never rebuilds a table.
    prompt::confirm("Apply this plan?", !any(Verb::Rebuild))
}

/// Runs a connection, and keeps what happened.
pub(crate) fn record(
    context: &Context<'_>,
    connection: &Connection,
    options: RunOptions,
    stop: &Stop,
    json_events: bool,
) -> Result<Receipt> {
    let run = options.run.clone();
    let hash = context.project.config_hash(&connection.name)?;
    let started = RunRecord::begin(
        run.clone(),
        &connection.name,
        Timestamp::now(),
        versions(context, connection)?,
        hash,
    );
    context.state.begin_run(&started)?;
    let progress = Progress::begin(context.screen, json_events);
    // Moved into the run: the screen shows events until the last one who could tell some is gone.
    let log = RunLog::create(
        &context.project.run_log_path(&run),
        progress.observer(),
        context.screen.redaction.cleaner(),
    )?;
    let receipt = context.runtime.block_on(connection.run(options, stop.clone(), log as Arc<dyn Observer>));
    progress.end();
    tracing::info!(run, connection = connection.name, outcome = ?receipt.outcome, duration_ms = receipt.duration_ms, "run ended");
    context.state.end_run(&run, &receipt.ending()?)?;
    receipt.drift_entries(Timestamp::now()).try_for_each(|entry| context.state.add_to_journal(&entry))?;
    Ok(receipt)
}

fn versions(context: &Context<'_>, connection: &Connection) -> Result<BTreeMap<String, String>> {
    use syncline_store::SystemKind::{Destination, Source};
    let systems = [(Source, &connection.config.source), (Destination, &connection.config.destination)];
    systems
        .into_iter()
        .map(|(kind, name)| {
            let connector = context.project.system(kind, name)?.connector;
            let version = context.registry.get(&connector)?.listing().version.into_owned();
            Ok((connector, version))
        })
        .collect()
}
