//! Asks a table for its first rows, and says what they prove.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use syncline_protocol::builder::{BuilderField, Found, Severity, Trial, TrialFinding, TrialResult};
use syncline_protocol::{Error, ErrorKind, Result};

use super::divided::divided;
use super::record::{Recorder, Said, stop};
use super::recordings::Recordings;
use super::shape;
use super::verdict::{self, Facts, Plan};
use crate::Json;
use crate::connector::Connector;
use crate::context::{Clock, Compatibility, Output, Run};
use crate::http::client::{Client, Limits, Relay};
use crate::stream::Stream;

/// So many rows are taken.
const ROWS_MAX: usize = 1000;
/// So many of them are sent to be shown.
const ROWS_SHOWN_MAX: usize = 200;

/// Asks a table for its first rows. What goes wrong is a finding.
pub async fn trial(recordings: &Arc<Recordings>, trial: &Trial, clock: Clock) -> TrialResult {
    let began = Instant::now();
    let mut result = match attempt(recordings, trial, clock).await {
        Ok(result) => result,
        Err(finding) => TrialResult { findings: vec![*finding], ..TrialResult::default() },
    };
    result.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    result.replayed = trial.replay && !result.exchanges.is_empty();
    result
}

async fn attempt(
    recordings: &Arc<Recordings>,
    trial: &Trial,
    clock: Clock,
) -> Result<TrialResult, Box<TrialFinding>> {
    let connector = Connector::parse(&trial.yaml, &|_| None).map_err(|error| not_loaded(&error))?;
    let plan = Plan::of(&trial.yaml, &trial.table).map_err(|error| not_loaded(&error))?;
    let mut secrets = secrets(connector.specification(), &trial.config);
    // Also those that this manifest does not call secrets.
    secrets.extend(trial.secrets.iter().map(|secret| secret.expose_secret().to_owned()));
    // For a replay it does not matter what the secrets are.
    let config =
        if trial.replay { filled(connector.specification(), &trial.config) } else { trial.config.clone() };
    let config = connector.configure(config).map_err(|error| failed(BuilderField::SignIn, &error))?;
    let bounds = trial.bounds.clone();
    let tape = Arc::new(Recorder::new(Arc::clone(recordings), trial.replay, bounds, secrets));
    let first = run(&connector, trial, &config, &tape, clock, None).await?;
    let since = if trial.twice && first.error.is_none() { plan.middle(&first.rows) } else { None };
    let second = match &since {
        None => None,
        Some(since) => {
            tape.begin_second();
            Some(run(&connector, trial, &config, &tape, clock, Some(&since.state)).await?)
        }
    };
    let said = tape.take();
    let facts = Facts {
        plan: &plan,
        said: &said,
        first: &first.rows,
        since: since.as_ref(),
        second: second.as_ref().map(|second| second.rows.as_slice()),
        error: first.error.as_ref().or_else(|| second.as_ref().and_then(|second| second.error.as_ref())),
        tape: &tape,
    };
    let mut findings = verdict::findings(&facts);
    findings.sort_by_key(|finding| (finding.severity, finding.field));
    let examined = said.iter().find(|said| plan.is_own(said)).and_then(Said::json);
    let examined = examined.map(|answer| shape::examine(&answer, Some(&plan.rows))).unwrap_or_default();
    let exchanges = said.iter().map(|said| {
        let rows = said
            .json()
            .filter(|_| plan.is_own(said) && said.is_good())
            .map(|json| shape::rows_at(&json, &plan.rows).len() as u64);
        tape.mask.exchange(said, rows, plan.is_token(said))
    });
    let columns = verdict::columns(&first.rows);
    let shown = first.rows.iter().take(ROWS_SHOWN_MAX).map(|row| {
        columns
            .iter()
            .map(|column| row.get(&column.name).and_then(cell).map(|cell| tape.mask.text(&cell)))
            .collect()
    });
    Ok(TrialResult {
        exchanges: exchanges.collect(),
        rows: shown.collect(),
        row_count: first.rows.len() as u64,
        limited: tape.enough.load(Ordering::Relaxed) || first.rows.len() >= ROWS_MAX,
        findings,
        examined,
        schema: verdict::schema(&first.rows),
        columns,
        duration_ms: 0,
        replayed: false,
        recording_ends: false,
        divided: divided(trial, &plan, &said, facts.error.is_some() || tape.enough.load(Ordering::Relaxed)),
    })
}

/// What one run gave.
struct Ran {
    rows: Vec<Json>,
    error: Option<Error>,
}

async fn run(
    connector: &Connector,
    trial: &Trial,
    config: &Json,
    tape: &Arc<Recorder>,
    clock: Clock,
    state: Option<&Json>,
) -> Result<Ran, Box<TrialFinding>> {
    let limits = Limits { body_bytes: 32 << 20, ..Limits::default() };
    let client = Client::new(limits).map_err(|error| failed(BuilderField::Manifest, &error))?;
    let taped: Arc<dyn Relay> = Arc::<Recorder>::clone(tape);
    let mut run = Run::new(config.clone(), client.with_relay(taped), Compatibility::Safe, clock);
    // One after the other, so that what is shown has an order.
    run.concurrency = 1;
    let run = Arc::new(run);
    let stream = stream(connector, trial, &run).await?;
    let taken = Taken::default();
    let outcome = stream.read(&run, state, &taken).await;
    let rows = taken.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    if rows.len() >= ROWS_MAX {
        tape.enough.store(true, Ordering::Relaxed);
    }
    Ok(Ran { rows, error: outcome.err().filter(|error| error.kind() != ErrorKind::Stopped) })
}

async fn stream(
    connector: &Connector,
    trial: &Trial,
    run: &Arc<Run>,
) -> Result<Arc<Stream>, Box<TrialFinding>> {
    let tables = connector.tables(run).await.map_err(|error| failed(BuilderField::Manifest, &error))?;
    let table = tables.into_iter().find(|table| table.name == trial.table).ok_or_else(|| {
        failed(
            BuilderField::Manifest,
            &Error::new(ErrorKind::NotFound, format!("There is no table `{}`.", trial.table)),
        )
    })?;
    table.stream.map_err(|error| failed(BuilderField::Manifest, &error))
}

#[derive(Default)]
struct Taken {
    rows: Mutex<Vec<Json>>,
}

#[async_trait]
impl Output for Taken {
    async fn records(&self, records: Vec<Json>) -> Result<()> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let room = ROWS_MAX.saturating_sub(rows.len());
        rows.extend(records.into_iter().take(room));
        if rows.len() >= ROWS_MAX { Err(stop()) } else { Ok(()) }
    }

    async fn state(&self, _state: &Json) -> Result<()> {
        Ok(())
    }
}

fn not_loaded(error: &Error) -> Box<TrialFinding> {
    let problem = super::problem_of(error);
    let what = Found::NotLoaded { message: problem.message, line: problem.line };
    Box::new(TrialFinding { severity: Severity::Problem, field: BuilderField::Manifest, what })
}

pub(super) fn failed(field: BuilderField, error: &Error) -> Box<TrialFinding> {
    let fix = error.fixes().first().map(|fix| (*fix).to_owned()).unwrap_or_default();
    let what = Found::Failed { message: error.message().to_owned(), fix };
    Box::new(TrialFinding { severity: Severity::Problem, field, what })
}

/// The values of the secrets of a configuration.
fn secrets(specification: &Json, config: &Json) -> Vec<String> {
    fn collect(schema: &Json, value: &Json, into: &mut Vec<String>) {
        if schema["airbyte_secret"] == true {
            into.extend(value.as_str().map(str::to_owned));
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            collect(property, &value[name], into);
        }
        for branch in
            ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten()
        {
            collect(branch, value, into);
        }
    }
    let mut found = Vec::new();
    collect(&specification["connectionSpecification"], config, &mut found);
    found
}

/// A configuration with something at each required field.
fn filled(specification: &Json, config: &Json) -> Json {
    let schema = &specification["connectionSpecification"];
    let mut config = config.as_object().cloned().unwrap_or_default();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        config.entry(name.to_owned()).or_insert_with(|| Json::from("replayed"));
    }
    Json::Object(config)
}

/// A value as it is shown.
fn cell(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
