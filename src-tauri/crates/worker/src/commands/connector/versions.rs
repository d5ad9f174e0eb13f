//! Versions of manifests: who uses which, what another one would change, forward and back.

use std::fs;
use std::sync::Arc;

use connectors::declarative::index::{Entry, Index};
use connectors::declarative::{Declarative, library};
use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_engine::versions::{
    ColumnDiff, Reach, SchemaDiff, SourceUpgrade, SourceUse, TableChange, TableDiff, UpgradePlan,
    apply_upgrade, uses,
};
use syncline_protocol::{Error, ErrorKind, Result, Source};
use syncline_store::SystemKind;
use syncline_store::config::SystemConfig;

use crate::app::Context;
use crate::exit::Exit;
use crate::prompt;
use crate::screen::{Column, Tone, failure_text, paint};
use crate::text::counted;

/// What `connector upgrade` was asked for.
pub(super) struct Upgrade {
    pub(super) name: String,
    pub(super) to: Option<String>,
    pub(super) only: Vec<String>,
    pub(super) yes: bool,
    pub(super) json: bool,
}

pub(super) fn list(context: &Context<'_>, json: bool) -> Result<Exit> {
    let project = context.project.root();
    let names = library::names(project)?;
    if names.is_empty() && !json {
        context.screen.say("This project has no manifests. Add one with `syncline connector add FILE`.");
        return Ok(Exit::Ok);
    }
    let (mut rows, mut values, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let users = uses(&context.project, &context.state, &context.registry, &name)?;
        for version in library::versions(project, &name)?.into_iter().rev() {
            let connector = library::open(project, &format!("{name}@{version}"))?;
            let (sources, connections) = users_of(&users, &version);
            let (tables, unreadable) = tables_of(&connector);
            values.push(json!({
                "name": name, "version": version, "broken": connector.broken(), "tables": tables,
                "unreadable": unreadable, "sources": sources, "connections": connections,
            }));
            let first = if rows.last().is_some_and(|row: &Vec<String>| row[0] == name) { "" } else { &name };
            let used = sources.iter().chain(&connections).cloned().collect::<Vec<_>>().join(", ");
            rows.push(vec![first.to_owned(), version, state_of(&connector), used]);
        }
        for user in users.iter().flat_map(|source| &source.connections) {
            if let Some(bad) = &user.bad {
                notes.push(format!(
                    "{} {}: version {} of `{name}` is bad for it, it runs on {}. {}",
                    paint(Tone::Warning, "!"),
                    user.connection,
                    user.version,
                    user.runs_on,
                    bad.because
                ));
            }
        }
    }
    if json {
        context.screen.print_json_pretty(&Value::Array(values));
        return Ok(Exit::Ok);
    }
    let columns =
        [Column::Left("NAME"), Column::Left("VERSION"), Column::Left("TABLES"), Column::Left("USED BY")];
    context.screen.print_table(&columns, rows);
    notes.iter().for_each(|note| context.screen.print(note));
    Ok(Exit::Ok)
}

/// The sources on a version, and the connections that are on it while their source is not.
fn users_of(users: &[SourceUse], version: &str) -> (Vec<String>, Vec<String>) {
    let sources = users.iter().filter(|user| user.version == version).map(|user| user.source.clone());
    let ahead = users.iter().filter(|user| user.version != version).flat_map(|user| &user.connections);
    let ahead = ahead.filter(|user| user.version == version).map(|user| user.connection.clone());
    (sources.collect(), ahead.collect())
}

/// How many tables a manifest names, and how many of them cannot be read.
fn tables_of(connector: &Declarative) -> (usize, usize) {
    let tables = connector.tables();
    (tables.len(), tables.iter().filter(|(_, why)| why.is_some()).count())
}

fn state_of(connector: &Declarative) -> String {
    if let Some(why) = connector.broken() {
        return format!("cannot be loaded: {why}");
    }
    let (tables, unreadable) = tables_of(connector);
    let all = counted(tables as u64, "table");
    if unreadable == 0 { all } else { format!("{all}, {unreadable} of them cannot be read") }
}

pub(super) fn upgrade(context: &Context<'_>, wanted: &Upgrade) -> Result<Exit> {
    let name = &wanted.name;
    let to = match &wanted.to {
        Some(to) => context.registry.get(&format!("{name}@{to}"))?.version().into_owned(),
        None => context.registry.get(name)?.version().into_owned(),
    };
    let plan = plan(context, name, &to, &wanted.only)?;
    if wanted.json {
        context.screen.print_json_pretty(&plan);
        return Ok(Exit::Ok);
    }
    if plan.sources.is_empty() {
        context.screen.print(format!("Everything that uses `{name}` is on version {to} already."));
        return Ok(Exit::Ok);
    }
    context.screen.print(plan_text(&plan));
    if !wanted.yes {
        if !context.screen.is_interactive() {
            context.screen.say("Nothing was changed. Apply it with --yes.");
            return Ok(Exit::Ok);
        }
        let takes_away =
            plan.sources.iter().any(|source| source.diff.as_ref().is_none_or(SchemaDiff::takes_away));
        if !prompt::confirm("Apply this upgrade?", !takes_away)? {
            context.screen.say("Nothing was changed.");
            return Ok(Exit::Stopped);
        }
    }
    let (project, registry) = (&context.project, &context.registry);
    let moved = apply_upgrade(project, &context.state, registry, name, &to, &wanted.only, Timestamp::now())?;
    let changed: Vec<String> = moved.changed.into_iter().map(|(what, _)| what).collect();
    context
        .screen
        .print(format!("{} on version {to} of `{name}` now. The next runs are watched.", are(&changed)));
    Ok(Exit::Ok)
}

/// "a is" or "a, b are".
fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// Asks the present and the wanted version of each source for their tables.
fn plan(context: &Context<'_>, name: &str, to: &str, only: &[String]) -> Result<UpgradePlan> {
    let mut sources = Vec::new();
    for user in uses(&context.project, &context.state, &context.registry, name)? {
        let Some((from, connections)) = user.moving(to, only) else { continue };
        let system = context.project.system(SystemKind::Source, &user.source)?;
        let at = |version: &str| -> Result<Arc<dyn Source>> {
            let config = system.config.clone();
            context.make_source(&SystemConfig { connector: format!("{name}@{version}"), config })
        };
        let compared = SourceUpgrade::compare(&user.source, &from, connections, at(&from), at(to));
        sources.push(context.runtime.block_on(compared));
    }
    Ok(UpgradePlan { connector: name.to_owned(), to: to.to_owned(), sources })
}

fn plan_text(plan: &UpgradePlan) -> String {
    let mut lines = Vec::new();
    for source in &plan.sources {
        let of = match source.connections.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        lines.push(format!("{}{of}: `{}` {} → {}", source.source, plan.connector, source.from, plan.to));
        if let Some(problem) = &source.problem {
            lines.push(format!("  {}", failure_text(problem, false).replace('\n', "\n  ")));
        }
        let Some(diff) = &source.diff else { continue };
        if diff.tables.is_empty() {
            lines.push(format!("  {} without a change.", counted(diff.same as u64, "table")));
        }
        diff.tables.iter().for_each(|table| lines.extend(table_lines(table)));
    }
    lines.join("\n")
}

fn table_lines(table: &TableDiff) -> Vec<String> {
    let sign = match table.change {
        TableChange::Added => paint(Tone::Good, "+"),
        TableChange::Removed => paint(Tone::Bad, "-"),
        TableChange::Changed => paint(Tone::Warning, "~"),
    };
    let mut lines = vec![format!("  {sign} {}", table.table)];
    if let Some(why) = &table.unreadable {
        lines.push(format!("      cannot be read: {why}"));
    }
    if let Some((before, after)) = &table.key {
        let words = |key: &[String]| if key.is_empty() { "none".to_owned() } else { key.join(", ") };
        lines.push(format!("      key: {} → {}", words(before), words(after)));
    }
    lines.extend(table.columns.iter().map(|ColumnDiff { column, before, after }| match (before, after) {
        (None, Some(after)) => format!("      {} {column} {after}", paint(Tone::Good, "+")),
        (Some(before), None) => format!("      {} {column} {before}", paint(Tone::Bad, "-")),
        (Some(before), Some(after)) => {
            format!("      {} {column} {before} → {after}", paint(Tone::Warning, "~"))
        }
        (None, None) => String::new(),
    }));
    lines
}

pub(super) fn roll_back(context: &Context<'_>, name: &str, only: &[String]) -> Result<Exit> {
    context.registry.get(name)?;
    let (project, registry) = (&context.project, &context.registry);
    let reach = if only.is_empty() { Reach::Everything } else { Reach::Connections(only) };
    let moved = syncline_engine::versions::roll_back(
        project,
        &context.state,
        registry,
        name,
        reach,
        Timestamp::now(),
    )?;
    for (what, version) in moved.changed {
        context.screen.print(format!("{what} is on version {version} of `{name}` again."));
    }
    Ok(Exit::Ok)
}

/// The file that keeps the index that was read last.
fn index_path(context: &Context<'_>) -> std::path::PathBuf {
    context.project.state_path().with_file_name("connector-index.json")
}

fn kept_index(context: &Context<'_>) -> Option<Index> {
    serde_json::from_slice(&fs::read(index_path(context)).ok()?).ok()
}

/// The entry of this name in the index; none when it is not there.
pub(super) fn indexed(context: &Context<'_>, name: &str) -> Result<Option<Entry>> {
    let Some(index) = kept_index(context) else { return Ok(None) };
    match index.entry(name) {
        Some(entry) => Ok(Some(entry.clone())),
        None if name.contains(['/', '\\', '.']) => Ok(None),
        None => Err(Error::new(ErrorKind::NotFound, format!("The index has no manifest called `{name}`."))
            .fix(format!("Search it with `syncline connector index --find {name}`."))),
    }
}

pub(super) fn index(context: &Context<'_>, from: Option<&str>, find: Option<&str>) -> Result<Exit> {
    let index = match from {
        Some(from) => {
            let index = context.runtime.block_on(Index::load(from))?;
            let text = serde_json::to_vec(&index)
                .map_err(|error| Error::internal("The index could not be written.").caused_by(error))?;
            fs::write(index_path(context), text).map_err(|error| {
                Error::new(ErrorKind::Permission, "The index could not be kept.").caused_by(error)
            })?;
            index
        }
        None => kept_index(context).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "No index has been read yet.")
                .fix("Read one: `syncline connector index ADDRESS`.")
        })?,
    };
    let find = find.unwrap_or_default().to_lowercase();
    let project = context.project.root();
    let mut rows = Vec::new();
    for entry in &index.entries {
        if !entry.name.contains(&find) && !entry.title.to_lowercase().contains(&find) {
            continue;
        }
        let here = library::versions(project, &entry.name)?.join(", ");
        rows.push(vec![entry.name.clone(), entry.title.clone(), entry.version.clone(), here]);
    }
    let (shown, all) = (rows.len(), index.entries.len());
    let columns = [Column::Left("NAME"), Column::Left("TITLE"), Column::Left("NEWEST"), Column::Left("HERE")];
    context.screen.print_table(&columns, rows);
    let programs = counted(index.programs as u64, "other connector");
    context.screen.say(format!(
        "{shown} of {all} manifests of {}. It lists {programs} that are programs, not manifests.",
        index.from
    ));
    Ok(Exit::Ok)
}
