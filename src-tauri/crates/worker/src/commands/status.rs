//! `syncline status`

use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_protocol::Result;
use syncline_store::{Outcome, RunLock, RunRecord};

use crate::app::Context;
use crate::cli::Status;
use crate::exit::Exit;
use crate::screen::{Column, Tone, paint};
use crate::text::{ago, count, duration};

const RUNS_SHOWN: usize = 20;

pub(crate) fn run(context: &Context<'_>, arguments: &Status) -> Result<Exit> {
    match &arguments.connection {
        Some(name) => one(context, name, arguments.json),
        None => all(context, arguments.json),
    }
}

/// Every connection with its last run.
fn all(context: &Context<'_>, json: bool) -> Result<Exit> {
    let now = Timestamp::now();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for name in context.project.connections()? {
        // A file with a mistake is shown as one; the others are still of interest.
        let config = context.project.connection(&name);
        let last = context.state.runs(Some(&name), 1)?.pop();
        let running = RunLock::is_held(&context.project, &name)?;
        let way = config.as_ref().map_or_else(
            |error| paint(Tone::Bad, error.message()),
            |config| format!("{} → {}", config.source, config.destination),
        );
        let tables = config.as_ref().map_or(0, |config| config.tables.len());
        let landed = last.as_ref().map(|run| landed_rows(context, &run.id)).transpose()?;
        values.push(json!({
            "connection": name, "running": running, "last_run": last,
            "source": config.as_ref().ok().map(|config| &config.source),
            "destination": config.as_ref().ok().map(|config| &config.destination),
            "tables": tables, "error": config.as_ref().err().map(ToString::to_string),
        }));
        let (state, when) = match &last {
            Some(run) => (state(run, running), ago(run.started_at, now)),
            None if running => (paint(Tone::Good, "running"), "just now".to_owned()),
            None => (paint(Tone::Subtle, "never run"), String::new()),
        };
        rows.push(vec![name, way, tables.to_string(), state, when, landed.map(count).unwrap_or_default()]);
    }
    if json {
        context.screen.print_json_pretty(&Value::Array(values));
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        context.screen.print("There are no connections yet. Add one with `syncline add connection NAME`.");
        return Ok(Exit::Ok);
    }
    context.screen.print_table(
        &[
            Column::Left("CONNECTION"),
            Column::Left("FROM → TO"),
            Column::Right("TABLES"),
            Column::Left("LAST RUN"),
            Column::Left("WHEN"),
            Column::Right("ROWS"),
        ],
        rows,
    );
    Ok(Exit::Ok)
}

/// The latest runs of a connection.
fn one(context: &Context<'_>, name: &str, json: bool) -> Result<Exit> {
    context.project.connection(name)?;
    let runs = context.state.runs(Some(name), RUNS_SHOWN)?;
    if json {
        context.screen.print_json_pretty(&runs);
        return Ok(Exit::Ok);
    }
    if runs.is_empty() {
        context.screen.print(format!("{name} was never run. Run it with `syncline run {name}`."));
        return Ok(Exit::Ok);
    }
    let (now, running) = (Timestamp::now(), RunLock::is_held(&context.project, name)?);
    let mut rows = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let took = run.ended_at.and_then(|ended| ended.duration_since(run.started_at).try_into().ok());
        rows.push(vec![
            run.id.clone(),
            state(run, running && at == 0),
            ago(run.started_at, now),
            took.map(duration).unwrap_or_default(),
            run.attempts.len().max(1).to_string(),
            count(landed_rows(context, &run.id)?),
            run.attempts.last().and_then(|attempt| attempt.version.clone()).unwrap_or_default(),
            why(run),
        ]);
    }
    context.screen.print_table(
        &[
            Column::Left("RUN"),
            Column::Left("RESULT"),
            Column::Left("WHEN"),
            Column::Right("TOOK"),
            Column::Right("ATTEMPTS"),
            Column::Right("ROWS"),
            Column::Left("VERSION"),
            Column::Left("WHY"),
        ],
        rows,
    );
    Ok(Exit::Ok)
}

/// What ended a run, or why it went on with another version of the source's connector than it began with.
fn why(run: &RunRecord) -> String {
    let changed = run.attempts.windows(2).find(|pair| pair[0].version != pair[1].version);
    if let (None, Some([before, after])) = (&run.error, changed)
        && let (Some(from), Some(to), Some(error)) = (&before.version, &after.version, &before.error)
    {
        return format!("version {from} → {to}: {}", error.message);
    }
    run.error.as_ref().map(|error| error.message.clone()).unwrap_or_default()
}

fn landed_rows(context: &Context<'_>, run: &str) -> Result<u64> {
    Ok(context.state.run_tables(run)?.iter().map(|table| table.rows_written).sum())
}

fn state(run: &RunRecord, running: bool) -> String {
    match run.outcome {
        Some(Outcome::Succeeded) => paint(Tone::Good, "✓ succeeded"),
        Some(Outcome::SucceededWithRejected) => paint(Tone::Warning, "! rejected rows"),
        Some(Outcome::NeedsDecision) => paint(Tone::Warning, "! needs you"),
        Some(Outcome::Failed) => paint(Tone::Bad, "✗ failed"),
        Some(Outcome::Stopped) => paint(Tone::Subtle, "· stopped"),
        None if running => paint(Tone::Good, "running"),
        // Its process is gone without a word: power cut, kill, crash.
        None => paint(Tone::Warning, "· interrupted"),
    }
}
