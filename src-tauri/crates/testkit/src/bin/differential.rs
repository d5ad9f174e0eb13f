//! Compares the interpreter of declarative connectors with the reference, on what the reference recorded.
//!
//! `testkit-differential --cases FOLDER --program FILE [--jobs N] [--seconds N] [--schemas FOLDER]` prints one JSON
//! object: `{"manifests", "loaded", "records", "equal", "different": [{"connector", "table", "what"}]}`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line program

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use syncline_testkit::reference::{Case, Difference, Outcome, Recorded, Tape, differences};
use tokio::process::Command;

struct Options {
    cases: PathBuf,
    program: PathBuf,
    schemas: Option<PathBuf>,
    jobs: usize,
    limit: Duration,
}

/// How one manifest went.
struct Verdict {
    connector: String,
    loaded: bool,
    records: usize,
    different: Vec<Difference>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = options(std::env::args().skip(1))?;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&options.cases)
        .with_context(|| format!("{} cannot be read", options.cases.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let count = paths.len();
    let verdicts: Vec<Verdict> = stream::iter(paths)
        .map(|path| examined(path, &options))
        .buffer_unordered(options.jobs)
        .inspect(|verdict| eprintln!("{}: {} differences", verdict.connector, verdict.different.len()))
        .collect()
        .await;
    println!("{:#}", summary(count, verdicts));
    Ok(())
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options> {
    let mut values = BTreeMap::new();
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} has no value"))?;
        values.insert(word, value);
    }
    let needed =
        |name: &str| values.get(name).map(PathBuf::from).with_context(|| format!("{name} is missing"));
    let number = |name: &str, normal: u64| values.get(name).map_or(Ok(normal), |text| text.parse());
    Ok(Options {
        cases: needed("--cases")?,
        program: needed("--program")?,
        schemas: values.get("--schemas").map(PathBuf::from),
        jobs: usize::try_from(number("--jobs", 2)?)?,
        limit: Duration::from_secs(number("--seconds", 60)?),
    })
}

fn summary(count: usize, mut verdicts: Vec<Verdict>) -> Value {
    verdicts.sort_by(|one, other| one.connector.cmp(&other.connector));
    let different: Vec<Value> = verdicts
        .iter()
        .flat_map(|verdict| {
            verdict.different.iter().map(|difference| {
                json!({"connector": verdict.connector, "table": difference.table, "what": difference.what})
            })
        })
        .collect();
    json!({
        "manifests": count,
        "loaded": verdicts.iter().filter(|verdict| verdict.loaded).count(),
        "records": verdicts.iter().filter(|verdict| verdict.records > 0).count(),
        "equal": verdicts.iter().filter(|verdict| verdict.different.is_empty()).count(),
        "different": different,
    })
}

async fn examined(path: PathBuf, options: &Options) -> Verdict {
    let connector = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut verdict = Verdict { connector, loaded: true, records: 0, different: Vec::new() };
    if let Err(error) = compare(&path, options, &mut verdict).await {
        verdict.different.push(Difference { table: String::new(), what: format!("{error:#}") });
    }
    verdict
}

async fn compare(path: &Path, options: &Options, verdict: &mut Verdict) -> Result<()> {
    let case: Case = serde_json::from_slice(&tokio::fs::read(path).await?)?;
    if case.runs.is_empty() {
        verdict.loaded = discovers(&case, options).await?;
        // Neither runs it: a configuration that does not fit, mostly.
        if let (Some(error), true) = (&case.error, verdict.loaded) {
            bail!("only the reference fails: {error}");
        }
        return Ok(());
    }
    for recorded in &case.runs {
        verdict.records += recorded.records.values().map(Vec::len).sum::<usize>();
        let outcome = run(&case, recorded, options).await?;
        verdict.loaded &= !outcome.failed.contains_key("");
        if let Some(why) = outcome.failed.get("") {
            bail!("does not load: {why}");
        }
        verdict.different.extend(differences(recorded, &outcome));
    }
    Ok(())
}

/// Whether our program finds tables.
async fn discovers(case: &Case, options: &Options) -> Result<bool> {
    let tape = Tape::play(&[]).await?;
    let folder = tempfile::tempdir()?;
    let output = started(&tape, case, "discover", folder.path(), options)?.output();
    let output = tokio::time::timeout(options.limit, output).await.context("discover does not end")??;
    Ok(String::from_utf8_lossy(&output.stdout).contains("\"CATALOG\""))
}

/// Our program, with manifest and configuration.
fn started(tape: &Tape, case: &Case, verb: &str, folder: &Path, options: &Options) -> Result<Command> {
    std::fs::write(folder.join("manifest.yaml"), tape.localised(&case.manifest))?;
    std::fs::write(folder.join("config.json"), tape.localised(&case.config.to_string()))?;
    let mut command = Command::new(&options.program);
    command.args([verb, "--exact", "--manifest-path", "manifest.yaml", "--config", "config.json"]);
    if let Some(schemas) = &options.schemas {
        command.arg("--schemas").arg(std::path::absolute(schemas.join(&case.connector))?);
    }
    command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

async fn run(case: &Case, recorded: &Recorded, options: &Options) -> Result<Outcome> {
    let tape = Tape::play(&recorded.exchanges).await?;
    let folder = tempfile::tempdir()?;
    let mut command = started(&tape, case, "read", folder.path(), options)?;
    let streams: Vec<Value> = recorded
        .streams
        .iter()
        .map(|(name, mode)| {
            let stream = json!({"name": name, "json_schema": {}, "supported_sync_modes": [mode]});
            json!({"stream": stream, "sync_mode": mode, "destination_sync_mode": "append"})
        })
        .collect();
    std::fs::write(folder.path().join("catalog.json"), json!({"streams": streams}).to_string())?;
    command.args(["--catalog", "catalog.json", "--now", &recorded.now]);
    if !recorded.state.is_empty() {
        let states = recorded.state.iter().map(|(name, state)| {
            json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}})
        });
        let text = Value::Array(states.collect()).to_string();
        std::fs::write(folder.path().join("state.json"), tape.localised(&text))?;
        command.args(["--state", "state.json"]);
    }
    let ended = tokio::time::timeout(options.limit, command.output()).await;
    let output = ended.with_context(|| format!("does not end within {} s", options.limit.as_secs()))??;
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("panicked at") {
        bail!("panics: {}", errors.lines().take(2).collect::<Vec<_>>().join(" "));
    }
    let mut outcome = heard(&tape.neutral(&String::from_utf8_lossy(&output.stdout)))?;
    outcome.asked = tape.asked();
    Ok(outcome)
}

/// What the messages of our program say.
fn heard(messages: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for line in messages.lines() {
        let mut message: Value = serde_json::from_str(line).context("a message is no JSON")?;
        match message["type"].as_str() {
            Some("RECORD") => {
                let stream = message["record"]["stream"].as_str().unwrap_or_default().to_owned();
                outcome.records.entry(stream).or_default().push(message["record"]["data"].take());
            }
            Some("STATE") => {
                let state = &mut message["state"]["stream"];
                let stream = state["stream_descriptor"]["name"].as_str().unwrap_or_default().to_owned();
                outcome.states.insert(stream, state["stream_state"].take());
            }
            Some("TRACE") if message["trace"]["type"] == "ERROR" => {
                let error = &message["trace"]["error"];
                let stream = error["stream_descriptor"]["name"].as_str().unwrap_or_default();
                let why = format!("{} {}", error["message"], error["internal_message"]);
                outcome.failed.insert(stream.to_owned(), why);
            }
            _ => {}
        }
    }
    Ok(outcome)
}
