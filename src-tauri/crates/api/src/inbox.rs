//! Changes of sources that a person should know of or decide about, kept until somebody does.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use syncline_engine::{Drift, DriftKind, Receipt, TableState};
use syncline_protocol::{Catalog, Error, ErrorKind, Result, TableName, TableSchema};
use syncline_store::JournalEntry;
use syncline_store::config::{ColumnRule, DriftChoice, Mode};

use crate::api::{Api, Open};
use crate::select;
use crate::types::{DecideRequest, Decided, InboxEntry, UndoRequest};

/// How long "later" puts a decision off.
const LATER: SignedDuration = SignedDuration::from_hours(24);
/// Runs that are counted as having gone on without a decision.
const RUNS_MAX: usize = 1000;

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    drift: Drift,
    since: Timestamp,
    /// Nothing waits for it: it was followed already.
    followed: bool,
    #[serde(default)]
    hidden_until: Option<Timestamp>,
}

/// Names a change: the same one found again has the same name.
fn key(connection: &str, drift: &Drift) -> String {
    let kind = serde_json::to_value(drift.kind).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default();
    format!("inbox/{connection}/{}/{kind}/{}", drift.table, drift.column.as_deref().unwrap_or_default())
}

fn prefix(connection: &str) -> String {
    format!("inbox/{connection}/")
}

/// Keeps what a run found. What it found and followed is news; `waiting` is what it could not follow without a person.
pub(crate) fn after_run(open: &Open, receipt: &Receipt, waiting: &[Drift]) -> Result<()> {
    let finished: Vec<&TableName> = receipt
        .tables
        .iter()
        .filter(|table| matches!(table.state, TableState::Done | TableState::DoneWithRejected))
        .map(|table| &table.table)
        .collect();
    // A table that went through waits for nothing any more, whoever decided.
    for (id, kept) in open.state.settings::<Kept>(&prefix(&receipt.connection))? {
        let new_table = kept.drift.kind == DriftKind::NewTable;
        if !kept.followed && !new_table && finished.contains(&&kept.drift.table) {
            open.state.remove_setting(&format!("{}{id}", prefix(&receipt.connection)))?;
        }
    }
    let followed = receipt
        .tables
        .iter()
        .filter(|table| finished.contains(&&table.table))
        .flat_map(|table| &table.drift)
        .filter(|drift| drift.choice == DriftChoice::Apply);
    for drift in followed {
        keep(open, &receipt.connection, drift, true)?;
    }
    for drift in waiting.iter().filter(|drift| drift.choice == DriftChoice::Ask) {
        keep(open, &receipt.connection, drift, false)?;
    }
    Ok(())
}

fn keep(open: &Open, connection: &str, drift: &Drift, followed: bool) -> Result<()> {
    let name = key(connection, drift);
    let known = open.state.setting::<Kept>(&name)?;
    // Found again with other details ("widened to int64", then "to text"): the latest counts, since when stays.
    let since = known.as_ref().map_or_else(|| open.now(), |kept| kept.since);
    let hidden_until = known.and_then(|kept| kept.hidden_until).filter(|_| !followed);
    open.state.set_setting(&name, &Kept { drift: drift.clone(), since, followed, hidden_until })
}

/// Keeps tables that appeared in a source since it was last looked at, for the connections that want to know.
pub(crate) fn after_discovery(open: &Open, source: &str, before: &Catalog, now: &Catalog) -> Result<()> {
    let new: Vec<_> = now.tables.iter().filter(|info| before.table(&info.schema.table).is_none()).collect();
    if new.is_empty() {
        return Ok(());
    }
    for name in open.project.connections()? {
        let Ok(config) = open.project.connection(&name) else { continue };
        if config.source != source || config.drift.new_table == DriftChoice::Ignore {
            continue;
        }
        for info in &new {
            let table = &info.schema.table;
            if config.tables.iter().any(|known| known.name == *table) {
                continue;
            }
            let drift = Drift {
                table: table.clone(),
                kind: DriftKind::NewTable,
                column: None,
                what: format!("new table with {} columns", info.schema.columns.len()),
                choice: DriftChoice::Ask,
            };
            keep(open, &name, &drift, false)?;
        }
    }
    Ok(())
}

/// Forgets everything about a connection.
pub(crate) fn forget(open: &Open, connection: &str) -> Result<()> {
    for (id, _) in open.state.settings::<serde_json::Value>(&prefix(connection))? {
        open.state.remove_setting(&format!("{}{id}", prefix(connection)))?;
    }
    Ok(())
}

/// The entries of a connection that are not put off.
pub(crate) fn of(open: &Open, connection: &str) -> Result<Vec<InboxEntry>> {
    let now = open.now();
    let mut kept = open.state.settings::<Kept>(&prefix(connection))?;
    kept.retain(|(_, kept)| kept.hidden_until.is_none_or(|until| until <= now));
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let runs = open.state.runs(Some(connection), RUNS_MAX)?;
    kept.into_iter()
        .map(|(_, kept)| {
            let runs_since = runs.iter().filter(|run| run.started_at > kept.since).count();
            let accepted_at = open.state.accepted_at(connection, &kept.drift.table)?;
            Ok(InboxEntry {
                runs_since,
                accepted_at: accepted_at.map(|at| at.to_string()),
                ..entry(connection, kept)
            })
        })
        .collect()
}

fn entry(connection: &str, kept: Kept) -> InboxEntry {
    let drift = &kept.drift;
    let column = drift.column.as_deref().unwrap_or_default();
    let (effect, choices) = match (drift.kind, kept.followed) {
        (DriftKind::NewColumn, true) => {
            (format!("`{column}` was added to the destination, and is filled from now on."), vec![DriftChoice::Apply, DriftChoice::Ignore])
        }
        (DriftKind::WidenedType, true) => (format!("`{column}` has the wider type in the destination, too. Nothing breaks."), vec![DriftChoice::Apply]),
        (DriftKind::DroppedColumn, true) => {
            (format!("`{column}` stays in the destination and is null from now on."), vec![DriftChoice::Apply])
        }
        (_, true) => ("The destination follows it. Nothing breaks.".to_owned(), vec![DriftChoice::Apply]),
        (DriftKind::NewColumn, false) => {
            ("This table is paused until you decide.".to_owned(), vec![DriftChoice::Apply, DriftChoice::Ignore, DriftChoice::Ask])
        }
        (DriftKind::NewTable, false) => (
            "It is not synced unless you add it. Nothing breaks.".to_owned(),
            vec![DriftChoice::Apply, DriftChoice::Ignore, DriftChoice::Ask],
        ),
        (DriftKind::NarrowedType, false) => (
            format!("This table is paused. If you follow it, values of `{column}` that do not fit go to the rejected rows."),
            vec![DriftChoice::Apply, DriftChoice::Ask],
        ),
        (DriftKind::KeyChanged, false) => (
            "This table is paused. If you follow it, the table is built anew beside the old one, then swapped.".to_owned(),
            vec![DriftChoice::Apply, DriftChoice::Ask],
        ),
        (_, false) => ("This table is paused until you decide.".to_owned(), vec![DriftChoice::Apply, DriftChoice::Ask]),
    };
    InboxEntry {
        id: key(connection, drift),
        connection: connection.to_owned(),
        since: kept.since.to_string(),
        runs_since: 0,
        accepted_at: None,
        effect,
        harmless: kept.followed,
        choices,
        drift: kept.drift,
    }
}

impl Api {
    pub(crate) async fn inbox(&self, (): ()) -> Result<Vec<InboxEntry>> {
        self.blocking(|open| {
            let mut entries = Vec::new();
            for connection in open.project.connections()? {
                entries.extend(of(open, &connection)?);
            }
            // What somebody waits for first, then the latest.
            entries.sort_by(|a, b| (a.harmless, &b.since).cmp(&(b.harmless, &a.since)));
            Ok(entries)
        })
        .await
    }

    pub(crate) async fn decide(&self, request: DecideRequest) -> Result<Decided> {
        let several = request.ids.len() > 1;
        let mut entries = Vec::new();
        for id in request.ids {
            entries.extend(self.decide_one(id, request.choice, several).await?);
        }
        Ok(Decided { entries })
    }

    /// The entry of the history; none when it was decided meanwhile, in another window or by a run.
    async fn decide_one(&self, id: String, choice: DriftChoice, several: bool) -> Result<Option<i64>> {
        let name = id.clone();
        let found = self.blocking(move |open| open.state.setting::<Kept>(&name)).await?;
        let connection = id.split('/').nth(1).unwrap_or_default().to_owned();
        let Some(kept) = found.filter(|_| id.starts_with("inbox/")) else { return Ok(None) };
        if several && choice == DriftChoice::Apply && !kept.followed {
            return Ok(None);
        }
        let drift = kept.drift.clone();
        let (name, table) = (connection.clone(), drift.table.clone());
        let accepted = self.blocking(move |open| open.state.accepted_schema(&name, &table)).await?;
        match (drift.kind, choice) {
            (_, DriftChoice::Ask) => {}
            (DriftKind::NewTable, DriftChoice::Apply) => self.add_table(&connection, &drift.table).await?,
            (DriftKind::NewTable, _) => {}
            (DriftKind::NewColumn, DriftChoice::Ignore) => {
                let (name, column) = (connection.clone(), drift.clone());
                self.blocking(move |open| set_excluded(open, &name, &column, true)).await?;
                if !kept.followed {
                    self.engine(&connection).await?.accept(&drift.table).await?;
                }
            }
            (_, DriftChoice::Ignore) if !kept.followed => {
                return Err(Error::new(ErrorKind::Unsupported, "This change cannot be left out.")
                    .meaning("Nothing was changed; the table stays paused.")
                    .fix("Follow it, or remove the table from the connection."));
            }
            _ if kept.followed => {}
            _ => self.engine(&connection).await?.accept(&drift.table).await?,
        }
        self.blocking(move |open| {
            let settled = match choice {
                DriftChoice::Ask => put_off(open, &id, &kept)?,
                _ => settle(open, &connection, &id, &kept)?,
            };
            let undo =
                Undo { settled, accepted: accepted.filter(|_| choice != DriftChoice::Ask && !kept.followed) };
            let detail = json!({
                "table": drift.table, "what": drift.what, "decision": choice, "kind": drift.kind,
                "column": drift.column, "undo": undo,
            });
            open.note(&connection, "decision", None, detail).map(Some)
        })
        .await
    }

    /// Puts entries back as they were before they were decided.
    pub(crate) async fn undo(&self, request: UndoRequest) -> Result<()> {
        self.blocking(move |open| {
            for id in request.entries {
                let Some(entry) = open.state.journal_entry(id)? else { continue };
                if !can_undo(open, id, &entry)? {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "This decision cannot be taken back any more: a sync has followed it.",
                    )
                    .meaning("Nothing was changed.")
                    .fix("Change the connection, or its tables, instead."));
                }
                take_back(open, id, &entry)?;
            }
            Ok(())
        })
        .await
    }

    async fn add_table(&self, connection: &str, table: &TableName) -> Result<()> {
        let (connection, table) = (connection.to_owned(), table.clone());
        self.blocking(move |open| {
            let mut config = open.project.connection(&connection)?;
            let known = open.state.catalog(&config.source)?;
            let info = known.as_ref().and_then(|known| known.catalog.table(&table)).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("The source has no table `{table}` any more."))
            })?;
            let incremental = open.source(&config.source)?.capabilities().incremental;
            if !config.tables.iter().any(|known| known.name == table) {
                config.tables.push(select::table(info, None::<Mode>, incremental));
            }
            open.save_connection(&connection, &config)
        })
        .await
    }
}

/// Leaves a column out from now on, or no longer.
fn set_excluded(open: &Open, connection: &str, drift: &Drift, exclude: bool) -> Result<()> {
    let mut config = open.project.connection(connection)?;
    let column = drift.column.clone().unwrap_or_default();
    for table in config.tables.iter_mut().filter(|table| table.name == drift.table) {
        let rule = table.column_rules.entry(column.clone()).or_default();
        rule.exclude = exclude;
        if *rule == ColumnRule::default() {
            table.column_rules.remove(&column);
        }
    }
    open.save_connection(connection, &config)
}

/// What is needed to take a decision back: the entries as they were, and the shape that was accepted before.
#[derive(Serialize, Deserialize)]
struct Undo {
    settled: Vec<(String, Kept)>,
    accepted: Option<TableSchema>,
}

/// Puts an entry off until tomorrow.
fn put_off(open: &Open, id: &str, kept: &Kept) -> Result<Vec<(String, Kept)>> {
    let until = open.now().checked_add(LATER).unwrap_or(Timestamp::MAX);
    open.state.set_setting(id, &Kept { hidden_until: Some(until), ..kept.clone() })?;
    Ok(vec![(id.to_owned(), kept.clone())])
}

/// Removes an entry that was decided, and those that the decision answers, too. Returns them.
fn settle(open: &Open, connection: &str, id: &str, kept: &Kept) -> Result<Vec<(String, Kept)>> {
    let mut settled = vec![(id.to_owned(), kept.clone())];
    if !kept.followed && kept.drift.kind != DriftKind::NewTable {
        // The shape was accepted as a whole: nothing else waits for this table.
        for (rest, other) in open.state.settings::<Kept>(&prefix(connection))? {
            let name = format!("{}{rest}", prefix(connection));
            let same = other.drift.table == kept.drift.table && other.drift.kind != DriftKind::NewTable;
            if !other.followed && same && name != id {
                settled.push((name, other));
            }
        }
    }
    for (name, _) in &settled {
        open.state.remove_setting(name)?;
    }
    Ok(settled)
}

/// Whether a decision can be taken back: it was not yet, and no run has followed it. One that changes nothing but the
/// inbox always can.
pub(crate) fn can_undo(open: &Open, id: i64, entry: &JournalEntry) -> Result<bool> {
    if entry.kind != "decision" || entry.detail.get("undo").is_none() {
        return Ok(false);
    }
    if open.state.setting::<bool>(&undone(id))?.unwrap_or(false) {
        return Ok(false);
    }
    let Some((undo, kind, choice)) = parts(entry) else { return Ok(false) };
    let only_inbox = undo.settled.iter().all(|(_, kept)| kept.followed) || choice == DriftChoice::Ask;
    let changes_config = matches!(
        (kind, choice),
        (DriftKind::NewTable, DriftChoice::Apply) | (DriftKind::NewColumn, DriftChoice::Ignore)
    );
    let leaves_table = (kind, choice) == (DriftKind::NewTable, DriftChoice::Ignore);
    if leaves_table || (only_inbox && !changes_config) {
        return Ok(true);
    }
    let last = open.state.runs(Some(&entry.connection), 1)?.pop();
    Ok(last.is_none_or(|run| run.started_at < entry.at))
}

fn parts(entry: &JournalEntry) -> Option<(Undo, DriftKind, DriftChoice)> {
    let part = |name: &str| entry.detail.get(name).cloned();
    let undo = serde_json::from_value(part("undo")?).ok()?;
    let kind = serde_json::from_value(part("kind")?).ok()?;
    Some((undo, kind, serde_json::from_value(part("decision")?).ok()?))
}

fn undone(id: i64) -> String {
    format!("undone/{id}")
}

fn take_back(open: &Open, id: i64, entry: &JournalEntry) -> Result<()> {
    let Some((undo, kind, choice)) = parts(entry) else { return Ok(()) };
    let connection = &entry.connection;
    let Some((_, first)) = undo.settled.first() else { return Ok(()) };
    match (kind, choice) {
        (DriftKind::NewTable, DriftChoice::Apply) => {
            let mut config = open.project.connection(connection)?;
            config.tables.retain(|table| table.name != first.drift.table);
            open.save_connection(connection, &config)?;
        }
        (DriftKind::NewColumn, DriftChoice::Ignore) => {
            set_excluded(open, connection, &first.drift, false)?;
        }
        _ => {}
    }
    if let Some(accepted) = &undo.accepted {
        open.state.accept_schema(connection, accepted, open.now())?;
    }
    for (name, kept) in &undo.settled {
        open.state.set_setting(name, kept)?;
    }
    open.state.set_setting(&undone(id), &true)?;
    let detail = json!({"table": first.drift.table, "what": first.drift.what});
    open.note(connection, "undone", None, detail).map(drop)
}
