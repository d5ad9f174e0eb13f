use serde_json::{Value, json};
use syncline_engine::{Receipt, TableReceipt, TableState};
use syncline_protocol::{Deletes, Error, ErrorKind, Result, TargetName, WriteMode};
use syncline_store::config::{ConnectionConfig, Mode, TableConfig};
use syncline_store::{Outcome, RunLock, RunTotals, SystemKind};

use super::runs::summary_of;
use super::systems::summary;
use crate::api::{Api, Open};
use crate::inbox;
use crate::left;
use crate::runs::Runs;
use crate::types::{
    Activity, ConnectionDetail, ConnectionRequest, ConnectionSummary, Health, PauseRequest, RunSummary,
    SaveConnectionRequest, Side, SystemRef, TableStatus,
};

/// Runs that the strip of a connection shows.
const RECENT: usize = 30;
/// How far back the last account of a table is looked for.
const RECEIPTS_MAX: usize = 10;

impl Open {
    /// Since when a connection is paused.
    pub(crate) fn paused_since(&self, connection: &str) -> Result<Option<String>> {
        self.state.setting(&format!("paused/{connection}"))
    }

    pub(crate) fn set_paused(&self, connection: &str, paused: bool) -> Result<()> {
        let name = format!("paused/{connection}");
        let was = self.paused_since(connection)?.is_some();
        if was == paused {
            return Ok(());
        }
        match paused {
            true => self.state.set_setting(&name, &self.now().to_string())?,
            false => self.state.remove_setting(&name).map(|_| ())?,
        }
        self.note(connection, "pause", None, json!({"paused": paused}))
    }

    /// Keeps how many rows of a connection are in quarantine, for its line in the list.
    pub(crate) fn keep_quarantined(&self, connection: &str, rows: u64) -> Result<()> {
        self.state.set_setting(&format!("quarantined/{connection}"), &rows)
    }

    fn summary(&self, runs: &Runs, name: &str) -> Result<ConnectionSummary> {
        let mut recent = self.state.runs_with_totals(Some(name), RECENT)?;
        let running = runs.of(name);
        // A run without an end is working elsewhere on this computer, or its process was killed.
        let held = recent.first().is_some_and(|last| last.run.ended_at.is_none())
            && RunLock::is_held(&self.project, name)?;
        let (mut activity, mut activity_text) = runs.activity(name);
        if held && activity == Activity::Idle {
            (activity, activity_text) = (Activity::Running, Some("by another program".to_owned()));
        }
        let (health, reason) = self.health(name, &recent)?;
        recent.reverse();
        let now = self.now();
        let newest = recent.len().saturating_sub(1);
        let recent: Vec<RunSummary> = recent
            .iter()
            .enumerate()
            .map(|(at, run)| {
                let working = running.as_ref() == Some(&run.run.id) || (held && at == newest);
                summary_of(run, working, now)
            })
            .collect();
        let config = self.project.connection(name);
        let (source, destination, tables, health, reason) = match &config {
            Ok(config) => (
                self.system_ref(SystemKind::Source, &config.source),
                self.system_ref(SystemKind::Destination, &config.destination),
                config.tables.iter().map(|table| table.name.clone()).collect(),
                health,
                reason,
            ),
            // A file that cannot be read is listed all the same, with what is wrong with it.
            Err(error) => {
                let unknown =
                    || SystemRef { name: String::new(), connector: String::new(), title: String::new() };
                (unknown(), unknown(), Vec::new(), Health::NeedsYou, Some(error.message().to_owned()))
            }
        };
        let inbox = inbox::of(self, name)?;
        Ok(ConnectionSummary {
            name: name.to_owned(),
            source,
            destination,
            health,
            reason,
            activity,
            activity_text,
            running,
            recent,
            tables,
            inbox: inbox.len(),
            quarantined: self.state.setting(&format!("quarantined/{name}"))?.unwrap_or(0),
            paused_since: self.paused_since(name)?,
        })
    }

    /// The one word on how a connection is, and why. `recent` begins with the newest run.
    fn health(&self, name: &str, recent: &[RunTotals]) -> Result<(Health, Option<String>)> {
        if self.paused_since(name)?.is_some() {
            return Ok((Health::Paused, None));
        }
        if let Some(entry) = inbox::of(self, name)?
            .into_iter()
            .find(|entry| !entry.harmless && entry.drift.kind != syncline_engine::DriftKind::NewTable)
        {
            let reason = format!("`{}`: {}.", entry.drift.table, entry.drift.what);
            return Ok((Health::NeedsYou, Some(reason)));
        }
        let Some(last) = recent.iter().find(|run| run.run.outcome.is_some()) else {
            return Ok((Health::New, None));
        };
        let error = last.run.error.as_ref();
        let reason = error.map(|error| error.message.clone());
        match last.run.outcome {
            Some(Outcome::Failed) => {
                let for_person = error.is_some_and(|error| needs_person(error.kind));
                Ok((if for_person { Health::NeedsYou } else { Health::Failing }, reason))
            }
            Some(Outcome::NeedsDecision) => Ok((Health::NeedsYou, reason)),
            _ => self.late(recent),
        }
    }

    fn late(&self, recent: &[RunTotals]) -> Result<(Health, Option<String>)> {
        let target = Open::settings(self)?.fresh_within_minutes;
        let complete = |run: &&RunTotals| {
            matches!(run.run.outcome, Some(Outcome::Succeeded | Outcome::SucceededWithRejected))
        };
        let (Some(minutes), Some(success)) = (target, recent.iter().find(complete)) else {
            return Ok((Health::Healthy, None));
        };
        let age = self.now().duration_since(success.run.started_at);
        if age.as_secs() <= i64::from(minutes) * 60 {
            return Ok((Health::Healthy, None));
        }
        let reason = format!(
            "The data is {} old; it should be at most {}.",
            span(age.as_secs() / 60),
            span(i64::from(minutes))
        );
        Ok((Health::Late, Some(reason)))
    }

    /// The last account of each table, newest first.
    fn last_receipts(&self, name: &str) -> Result<Vec<(String, TableReceipt)>> {
        let mut found: Vec<(String, TableReceipt)> = Vec::new();
        for run in self.state.runs(Some(name), RECEIPTS_MAX)? {
            let Some(receipt) = self.state.receipt(&run.id)? else { continue };
            // A receipt of another version that cannot be read any more says nothing.
            let Ok(receipt) = serde_json::from_value::<Receipt>(receipt) else { continue };
            for table in receipt.tables {
                if !found.iter().any(|(_, known)| known.table == table.table) {
                    found.push((receipt.started_at.clone(), table));
                }
            }
        }
        Ok(found)
    }

    fn detail(&self, runs: &Runs, name: &str) -> Result<ConnectionDetail> {
        let config = self.project.connection(name)?;
        let receipts = self.last_receipts(name)?;
        let mut tables = Vec::new();
        for table in &config.tables {
            let accepted = self.state.accepted_schema(name, &table.name)?;
            let last = receipts.iter().find(|(_, receipt)| receipt.table == table.name);
            let key = match table.key.is_empty() {
                true => accepted.map(|schema| schema.key).unwrap_or_default(),
                false => table.key.clone(),
            };
            tables.push(status(table, key, last));
        }
        let about = |kind: SystemKind, system: &str| {
            let config = self.project.system(kind, system).map(|system| system.config);
            config.ok().and_then(|config| summary(&config))
        };
        let of = |side: Side, system: &str| {
            about(side.into(), system).unwrap_or_else(|| self.system_ref(side.into(), system).title)
        };
        let path = self.project.system(SystemKind::Destination, &config.destination).ok();
        let path = path.and_then(|system| Some(system.config.get("path")?.as_str()?.to_owned()));
        Ok(ConnectionDetail {
            summary: self.summary(runs, name)?,
            tables,
            source_summary: of(Side::Source, &config.source),
            destination_summary: of(Side::Destination, &config.destination),
            path: path.map(|path| self.context().resolve(&path).display().to_string()),
            config: serde_json::to_value(&config).map_err(|error| {
                Error::internal("The connection could not be written as JSON.").caused_by(error)
            })?,
        })
    }
}

fn status(table: &TableConfig, key: Vec<String>, last: Option<&(String, TableReceipt)>) -> TableStatus {
    let mode = table.mode.map(|mode| match mode {
        Mode::Merge => WriteMode::Merge { deletes: table.deletes },
        Mode::Append => WriteMode::Append,
        Mode::Replace => WriteMode::Replace,
        Mode::History => WriteMode::History,
    });
    let usual = (!key.is_empty() || table.cursor.is_some())
        .then_some(WriteMode::Merge { deletes: Deletes::default() });
    let receipt = last.map(|(_, receipt)| receipt);
    let complete = |state| matches!(state, TableState::Done | TableState::DoneWithRejected);
    TableStatus {
        table: table.name.clone(),
        target: receipt.map_or_else(
            || TargetName {
                schema: None,
                name: table.target.clone().unwrap_or_else(|| table.name.name.clone()),
            },
            |receipt| receipt.target.clone(),
        ),
        mode: receipt.and_then(|receipt| receipt.mode).or(mode).or(usual),
        cursor: table.cursor.clone(),
        key,
        rows: receipt.and_then(|receipt| receipt.rows_in_destination),
        fresh_at: last
            .filter(|(_, receipt)| complete(receipt.state))
            .map(|(started_at, _)| started_at.clone()),
        last: receipt.cloned(),
    }
}

/// Whether a failure waits for a person rather than for the world.
fn needs_person(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::HostKey
            | ErrorKind::Tls
            | ErrorKind::NeedsDecision
            | ErrorKind::PositionLost
            | ErrorKind::TooManyRejected
            | ErrorKind::Config
    )
}

/// `95` minutes → "1 h 35 min".
fn span(minutes: i64) -> String {
    match (minutes / 1440, minutes % 1440 / 60, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

impl Api {
    pub(crate) async fn connections(&self, (): ()) -> Result<Vec<ConnectionSummary>> {
        let runs = std::sync::Arc::clone(&self.runs);
        self.blocking(move |open| {
            let names = open.project.connections()?;
            let mut all = names.iter().map(|name| open.summary(&runs, name)).collect::<Result<Vec<_>>>()?;
            // Names are sorted already.
            all.sort_by_key(|connection| connection.health);
            Ok(all)
        })
        .await
    }

    pub(crate) async fn connection(&self, request: ConnectionRequest) -> Result<ConnectionDetail> {
        let runs = std::sync::Arc::clone(&self.runs);
        self.blocking(move |open| open.detail(&runs, &request.connection)).await
    }

    pub(crate) async fn save_connection(&self, request: SaveConnectionRequest) -> Result<()> {
        self.refuse_while_running(&request.connection, "changed")?;
        self.blocking(move |open| {
            let config: ConnectionConfig = serde_json::from_value(request.config).map_err(|error| {
                Error::new(ErrorKind::Config, format!("The connection is not valid: {error}."))
                    .meaning("Nothing was saved.")
            })?;
            if config.tables.is_empty() {
                return Err(Error::new(ErrorKind::Config, "The connection has no tables.")
                    .meaning("Nothing was saved.")
                    .fix("Choose at least one table."));
            }
            let is_new = !open.project.connections()?.contains(&request.connection);
            left::remember(open, &request.connection, &config)?;
            open.project.save_connection(&request.connection, &config)?;
            let detail = json!({"new": is_new, "tables": config.tables.len()});
            open.note(&request.connection, "change", None, detail)
        })
        .await
    }

    pub(crate) async fn pause_connection(&self, request: PauseRequest) -> Result<()> {
        if request.paused {
            self.runs.stop_connection(&request.connection);
        }
        self.blocking(move |open| {
            open.project.connection(&request.connection)?;
            open.set_paused(&request.connection, request.paused)
        })
        .await
    }

    pub(crate) async fn remove_connection(&self, request: ConnectionRequest) -> Result<()> {
        self.refuse_while_running(&request.connection, "removed")?;
        self.blocking(move |open| {
            let name = &request.connection;
            open.project.remove_connection(name)?;
            inbox::forget(open, name)?;
            left::forget(open, name)?;
            open.state.remove_setting(&format!("paused/{name}"))?;
            open.state.remove_setting(&format!("quarantined/{name}"))?;
            open.note(name, "change", None, json!({"removed": true}))
        })
        .await
    }

    /// A connection must not change under its run.
    pub(crate) fn refuse_while_running(&self, connection: &str, done: &str) -> Result<()> {
        match self.runs.of(connection) {
            None => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::Locked,
                format!("`{connection}` is syncing, so it cannot be {done} now."),
            )
            .meaning("Nothing was changed; the sync goes on.")
            .fix("Stop the sync first, or wait until it has finished.")),
        }
    }
}

/// The last entry of a list of values, for the reader of a journal.
pub(crate) fn text_of<'a>(detail: &'a Value, name: &str) -> &'a str {
    detail.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        assert_eq!([5, 60, 95, 1440, 1500].map(span), ["5 min", "1 h", "1 h 35 min", "1 d", "1 d 1 h"]);
    }
}
