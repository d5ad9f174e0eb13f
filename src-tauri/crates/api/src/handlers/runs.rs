use jiff::Timestamp;
use serde_json::Value;
use syncline_engine::{Outcome, Plan, Receipt, RunOptions};
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::{JournalEntry, Outcome as Stored, RunLock, RunTotals};

use super::connections::text_of;
use crate::api::{Api, require_tables};
use crate::left;
use crate::types::{
    PlanRequest, RunRequest, RunSummary, RunsRequest, StartRequest, Started, TimelineEntry, TimelineRequest,
};

/// More than this nobody looks at, and more would make a window slow.
const LIST_MAX: usize = 10_000;

/// A run for a list. `working`: it is under way, so that it has no end yet for a good reason.
pub(super) fn summary_of(totals: &RunTotals, working: bool, now: Timestamp) -> RunSummary {
    let run = &totals.run;
    let until = run.ended_at.unwrap_or(if working { now } else { run.started_at });
    RunSummary {
        run: run.id.clone(),
        connection: run.connection.clone(),
        started_at: run.started_at.to_string(),
        ended_at: run.ended_at.map(|at| at.to_string()),
        duration_ms: u64::try_from(until.duration_since(run.started_at).as_millis()).unwrap_or(0),
        outcome: run.outcome.map(|outcome| match outcome {
            Stored::Succeeded => Outcome::Succeeded,
            Stored::SucceededWithRejected => Outcome::SucceededWithRejected,
            Stored::NeedsDecision => Outcome::NeedsDecision,
            Stored::Failed => Outcome::Failed,
            Stored::Stopped => Outcome::Stopped,
        }),
        rows_written: totals.rows_written,
        rows_rejected: totals.rows_rejected,
        interrupted: run.ended_at.is_none() && !working,
        failure: run.error.as_ref().map(|error| error.message.clone()),
    }
}

impl Api {
    pub(crate) async fn plan(&self, request: PlanRequest) -> Result<Plan> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, &request.tables)?;
        let mut plan = connection.plan_removing(&request.tables, &request.remove.unwrap_or_default()).await?;
        if !plan.left.is_empty() {
            let shared =
                self.blocking(move |open| left::targets_of_others(open, &request.connection)).await?;
            plan.left.retain(|table| !shared.contains(&table.target));
        }
        Ok(plan)
    }

    pub(crate) async fn start_run(&self, request: StartRequest) -> Result<Started> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, &request.tables)?;
        let mut options = RunOptions::new(String::new());
        options.tables = request.tables;
        options.approved = request.fingerprint;
        options.remove = request.remove.unwrap_or_default();
        if !options.remove.is_empty() {
            let (name, remove) = (request.connection.clone(), options.remove.clone());
            let plan = connection.plan_removing(&options.tables, &remove).await?;
            self.blocking(move |open| left::refuse_shared(open, &name, &plan)).await?;
        }
        let run = self.runs.start(connection, options).await?;
        // Whoever starts a connection does not want it to be paused.
        self.blocking(move |open| open.set_paused(&request.connection, false)).await?;
        Ok(Started { run })
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn pause_run(&self, request: RunRequest) -> Result<()> {
        self.runs.stop(&request.run, false)
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn stop_run(&self, request: RunRequest) -> Result<()> {
        self.runs.stop(&request.run, true)
    }

    pub(crate) async fn receipt(&self, request: RunRequest) -> Result<Receipt> {
        self.blocking(move |open| {
            let missing = |message: &str| Err(Error::new(ErrorKind::NotFound, message));
            let Some(run) = open.state.run(&request.run)? else {
                return missing("There is no such run on this computer.");
            };
            match open.state.receipt(&request.run)? {
                Some(receipt) => serde_json::from_value(receipt).map_err(|error| {
                    Error::new(ErrorKind::Unsupported, "This receipt was written by another version.")
                        .caused_by(error)
                }),
                None if RunLock::is_held(&open.project, &run.connection)? => {
                    missing("This run is still working; it has no receipt yet.")
                }
                None => {
                    Err(Error::new(ErrorKind::NotFound, "This run has no receipt: its process ended first.")
                        .meaning("Nothing is lost. The next run goes on from the last checkpoint.")
                        .fix("Run the connection again."))
                }
            }
        })
        .await
    }

    pub(crate) async fn runs(&self, request: RunsRequest) -> Result<Vec<RunSummary>> {
        let runs = std::sync::Arc::clone(&self.runs);
        self.blocking(move |open| {
            let found =
                open.state.runs_with_totals(request.connection.as_deref(), request.limit.min(LIST_MAX))?;
            let now = open.now();
            let mut newest_seen: Vec<String> = Vec::new();
            let mut summaries = Vec::with_capacity(found.len());
            for totals in &found {
                let connection = &totals.run.connection;
                // Only the newest run of a connection can be working.
                let newest = !newest_seen.contains(connection);
                if newest {
                    newest_seen.push(connection.clone());
                }
                let working = totals.run.ended_at.is_none()
                    && newest
                    && (runs.of(connection).is_some() || RunLock::is_held(&open.project, connection)?);
                summaries.push(summary_of(totals, working, now));
            }
            Ok(summaries)
        })
        .await
    }

    pub(crate) async fn timeline(&self, request: TimelineRequest) -> Result<Vec<TimelineEntry>> {
        self.blocking(move |open| {
            let mut entries = open.state.journal(&request.connection, request.limit.min(LIST_MAX))?;
            entries.reverse();
            Ok(entries.into_iter().map(timeline_entry).collect())
        })
        .await
    }
}

fn timeline_entry(entry: JournalEntry) -> TimelineEntry {
    let JournalEntry { run, at, kind, detail, .. } = entry;
    let table = text_of(&detail, "table");
    let number = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or(0);
    let yes = |name: &str| detail.get(name) == Some(&Value::Bool(true));
    let text = match kind.as_str() {
        "drift" => {
            let changes = detail.get("drift").and_then(Value::as_array).cloned().unwrap_or_default();
            let changes: Vec<_> = changes.iter().map(|drift| text_of(drift, "what").to_owned()).collect();
            format!("`{table}` changed in the source: {}.", changes.join("; "))
        }
        "decision" => {
            let what = text_of(&detail, "what");
            let what = if what.is_empty() { "its present shape" } else { what };
            let how = match text_of(&detail, "decision") {
                "ignore" => "left out",
                _ => "accepted",
            };
            format!("`{table}`: {what} {how}.")
        }
        "replay" => format!("`{table}`: {} rejected rows loaded, {} kept.", number("loaded"), number("kept")),
        "dismiss" => format!("`{table}`: {} rejected rows let go.", number("rows")),
        "pause" if yes("paused") => "Paused.".to_owned(),
        "pause" => "No longer paused.".to_owned(),
        "change" if yes("removed") => "The connection was removed.".to_owned(),
        "change" if yes("new") => format!("The connection was made, with {} tables.", number("tables")),
        "change" => format!("The connection was changed; it has {} tables.", number("tables")),
        other => other.to_owned(),
    };
    TimelineEntry { at: at.to_string(), kind, run, text }
}
