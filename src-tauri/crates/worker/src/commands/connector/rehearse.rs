//! The last recorded run on another version.

use std::sync::Arc;

use syncline_api::rehearse::{Stage, nothing_recorded, rehearse};
use syncline_api::types::{GridColumn, Rehearsal, RehearsedTable, TableComparison};
use syncline_engine::versions::uses;
use syncline_protocol::{Error, ErrorKind, Result, Traffic};
use syncline_store::{Recording, SystemKind};
use syncline_worker::host;

use crate::app::Context;
use crate::exit::Exit;
use crate::screen::{Column, Tone, paint, table};
use crate::text::{count, counted};

pub(super) fn run(
    context: &Context<'_>,
    name: &str,
    to: Option<&str>,
    only: &[String],
    json: bool,
) -> Result<Exit> {
    let to = match to {
        Some(to) => context.registry.get(&format!("{name}@{to}"))?.version().into_owned(),
        None => context.registry.get(name)?.version().into_owned(),
    };
    let users = uses(&context.project, &context.state, &context.registry, name)?;
    let users = users.iter().flat_map(|source| &source.connections).map(|user| &user.connection);
    let wanted: Vec<&String> = users.filter(|name| only.is_empty() || only.contains(name)).collect();
    if wanted.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("No connection uses `{name}`, or none of these.")));
    }
    let rehearsals = wanted
        .into_iter()
        .map(|connection| one(context, name, connection, &to))
        .collect::<Result<Vec<_>>>()?;
    if json {
        context.screen.print_json_pretty(&rehearsals);
        return Ok(Exit::Ok);
    }
    for rehearsal in &rehearsals {
        context.screen.print(text(rehearsal));
    }
    let same = rehearsals.iter().flat_map(|rehearsal| &rehearsal.tables).all(is_same);
    context.screen.say(match same {
        true => format!("Both versions give the same. Go on: `syncline connector upgrade {name} --to {to}`."),
        false => {
            format!("Go on with `syncline connector upgrade {name} --to {to}`, or stay: nothing was changed.")
        }
    });
    Ok(Exit::Ok)
}

fn one(context: &Context<'_>, name: &str, connection: &str, to: &str) -> Result<Rehearsal> {
    let recording = Recording::load(&context.project, &context.vault()?, connection)?;
    let recording = recording.ok_or_else(|| nothing_recorded(connection))?;
    let connection = context.connection(connection)?;
    let system = context.project.system(SystemKind::Source, &connection.config.source)?;
    let from = connection.origin.source.as_ref().map(|source| source.version.clone()).unwrap_or_default();
    let folder = tempfile::tempdir().map_err(|error| {
        Error::new(ErrorKind::DiskFull, "There is no room for a rehearsal.").caused_by(error)
    })?;
    let Recording { head, answers } = recording;
    let answers = Arc::new(answers);
    let sources = [from.as_str(), to].map(|version| {
        let tape = Traffic::Replay(Arc::clone(&answers));
        context.source_on(&format!("{name}@{version}"), &system, Some(tape))
    });
    context.runtime.block_on(rehearse(Stage {
        connection: &connection,
        head,
        connector: name,
        versions: [&from, to],
        sources,
        registry: &context.registry,
        analytics: host::analytics(),
        folder: folder.path(),
    }))
}

fn is_same(table: &RehearsedTable) -> bool {
    table.difference.as_ref().is_some_and(TableComparison::is_same)
}

fn text(rehearsal: &Rehearsal) -> String {
    let Rehearsal { connection, connector, run, from, to, tables } = rehearsal;
    let mut lines =
        vec![format!("{connection}: run {run} on version {to} of `{connector}` instead of {from}")];
    for table in tables {
        lines.extend(table_lines(table));
    }
    lines.join("\n")
}

fn table_lines(rehearsed: &RehearsedTable) -> Vec<String> {
    let name = &rehearsed.table;
    let Some(difference) = &rehearsed.difference else {
        let before = rehearsed.failed_before.iter().map(|why| format!("      now: {why}"));
        let after = rehearsed.failed_after.iter().map(|why| format!("      then: {why}"));
        let first = format!("  {} {name} cannot be rehearsed", paint(Tone::Bad, "✗"));
        return std::iter::once(first).chain(before).chain(after).collect();
    };
    if difference.is_same() {
        let rows = counted(difference.rows_after, "row");
        return vec![format!("  {} {name}: {rows}, the same", paint(Tone::Good, "="))];
    }
    let mut lines = vec![format!(
        "  {} {name}: {} → {} rows, {} only now, {} only then",
        paint(Tone::Warning, "~"),
        count(difference.rows_before),
        count(difference.rows_after),
        count(difference.only_before),
        count(difference.only_after)
    )];
    let column =
        |sign: &str, column: &GridColumn| format!("      {sign} {} {}", column.name, column.type_name);
    lines.extend(difference.columns_before.iter().map(|gone| column("-", gone)));
    lines.extend(difference.columns_after.iter().map(|new| column("+", new)));
    if !difference.examples.is_empty() {
        let columns: Vec<Column<'_>> =
            difference.example_columns.iter().map(|column| Column::Left(&column.name)).collect();
        let rows = difference.examples.iter();
        let rows = rows.map(|row| row.iter().map(|value| value.clone().unwrap_or_default()).collect());
        lines.push(format!("      {}", table(&columns, rows).replace('\n', "\n      ")));
    }
    lines
}
