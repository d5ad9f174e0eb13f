//! Changes of sources that a person should know of or decide about, kept until somebody does.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use syncline_engine::{Drift, DriftKind, Receipt, TableState};
use syncline_protocol::{Catalog, Error, ErrorKind, Result, TableName};
use syncline_store::config::{DriftChoice, Mode};

use crate::api::{Api, Open};
use crate::select;
use crate::types::{DecideRequest, InboxEntry};

/// How long "later" puts a decision off.
const LATER: SignedDuration = SignedDuration::from_hours(24);

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
    Ok(kept.into_iter().map(|(_, kept)| entry(connection, kept)).collect())
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

    pub(crate) async fn decide(&self, request: DecideRequest) -> Result<()> {
        for id in request.ids {
            self.decide_one(id, request.choice).await?;
        }
        Ok(())
    }

    async fn decide_one(&self, id: String, choice: DriftChoice) -> Result<()> {
        let name = id.clone();
        let found = self.blocking(move |open| open.state.setting::<Kept>(&name)).await?;
        let connection = id.split('/').nth(1).unwrap_or_default().to_owned();
        // Decided meanwhile, in another window or by a run.
        let Some(kept) = found.filter(|_| id.starts_with("inbox/")) else { return Ok(()) };
        if choice == DriftChoice::Ask {
            return self
                .blocking(move |open| {
                    let until = open.now().checked_add(LATER).unwrap_or(Timestamp::MAX);
                    open.state.set_setting(&id, &Kept { hidden_until: Some(until), ..kept })
                })
                .await;
        }
        let drift = kept.drift.clone();
        match (drift.kind, choice) {
            (DriftKind::NewTable, DriftChoice::Apply) => self.add_table(&connection, &drift.table).await?,
            (DriftKind::NewTable, _) => {}
            (DriftKind::NewColumn, DriftChoice::Ignore) => {
                let (name, column) = (connection.clone(), drift.clone());
                self.blocking(move |open| exclude(open, &name, &column)).await?;
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
            open.state.remove_setting(&id)?;
            if !kept.followed && drift.kind != DriftKind::NewTable {
                // The shape was accepted as a whole: nothing else waits for this table.
                for (rest, other) in open.state.settings::<Kept>(&prefix(&connection))? {
                    if !other.followed
                        && other.drift.table == drift.table
                        && other.drift.kind != DriftKind::NewTable
                    {
                        open.state.remove_setting(&format!("{}{rest}", prefix(&connection)))?;
                    }
                }
            }
            let detail = json!({"table": drift.table, "what": drift.what, "decision": choice});
            open.note(&connection, "decision", None, detail)
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
            open.project.save_connection(&connection, &config)
        })
        .await
    }
}

/// Leaves a column out from now on.
fn exclude(open: &Open, connection: &str, drift: &Drift) -> Result<()> {
    let mut config = open.project.connection(connection)?;
    let column = drift.column.clone().unwrap_or_default();
    for table in config.tables.iter_mut().filter(|table| table.name == drift.table) {
        table.column_rules.entry(column.clone()).or_default().exclude = true;
    }
    open.project.save_connection(connection, &config)
}
