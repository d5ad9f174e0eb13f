//! The interpreter behind the command line of the Airbyte protocol, so that it can be compared with the reference:
//!
//! ```text
//! airbyte spec     --manifest-path FILE
//! airbyte check    --manifest-path FILE --config FILE
//! airbyte discover --manifest-path FILE --config FILE
//! airbyte read     --manifest-path FILE --config FILE --catalog FILE [--state FILE]
//! ```
//!
//! One JSON message a line. `--exact` keeps faith with the reference also where it loses data; `--schemas FOLDER` has
//! the schema files that a manifest refers to; `--now TIME` sets the clock.

#![allow(clippy::print_stderr)] // a command line program

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Stdout, Write as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use syncline_manifest::connector::{Connector, Table};
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::stream::Stream;
use syncline_manifest::{Json, Output, Run};
use syncline_protocol::{Error, ErrorKind, Result};

static NOW: OnceLock<Timestamp> = OnceLock::new();

fn clock() -> Timestamp {
    NOW.get().copied().unwrap_or_else(Timestamp::now)
}

#[tokio::main]
async fn main() -> ExitCode {
    let messages = Messages::default();
    let outcome = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => obey(&arguments, &messages).await,
        Err(error) => Err(error),
    };
    let complete = outcome.unwrap_or_else(|error| {
        messages.say(&failure(None, &error));
        false
    });
    messages.flush();
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The command line: a verb, options with a file, and flags.
struct Arguments {
    verb: String,
    values: HashMap<String, String>,
    exact: bool,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
        let verb = words.next().ok_or_else(|| wrong("say one of: spec, check, discover, read"))?;
        let mut arguments = Arguments { verb, values: HashMap::new(), exact: false };
        while let Some(word) = words.next() {
            if word == "--exact" {
                arguments.exact = true;
                continue;
            }
            let value = words.next().ok_or_else(|| wrong(&format!("{word} has no value")))?;
            arguments.values.insert(word, value);
        }
        Ok(arguments)
    }

    /// The text of the file that an option names.
    fn text(&self, option: &str) -> Result<String> {
        let path = self.values.get(option).ok_or_else(|| wrong(&format!("{option} is missing")))?;
        fs::read_to_string(path).map_err(|error| wrong(&format!("{path} cannot be read")).caused_by(error))
    }

    fn json(&self, option: &str) -> Result<Json> {
        let text = self.text(option)?;
        serde_json::from_str(&text).map_err(|error| wrong(&format!("{option} is no JSON")).caused_by(error))
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// Does what is asked. False: something failed, and was told.
async fn obey(arguments: &Arguments, messages: &Messages) -> Result<bool> {
    if let Some(now) = arguments.values.get("--now") {
        let now =
            now.parse().map_err(|error| wrong("--now is no time").caused_by(Box::new(error) as Box<_>))?;
        NOW.get_or_init(|| now);
    }
    let folder = arguments.values.get("--schemas").map(PathBuf::from);
    let schema_file = |name: &str| {
        let text = fs::read_to_string(folder.as_ref()?.join(format!("{name}.json"))).ok()?;
        serde_json::from_str(&text).ok()
    };
    let connector = Connector::parse(&arguments.text("--manifest-path")?, &schema_file)?;
    if arguments.verb == "spec" {
        let specification = json!({"connectionSpecification": connector.specification()});
        messages.say(&json!({"type": "SPEC", "spec": specification}));
        return Ok(true);
    }
    let config = connector.configure(arguments.json("--config")?)?;
    let compatibility = if arguments.exact { Compatibility::Exact } else { Compatibility::Safe };
    let mut run = Run::new(config, client()?, compatibility, clock);
    connector.limit(&mut run)?;
    let run = Arc::new(run);
    match arguments.verb.as_str() {
        "check" => check(&connector, &run, messages).await,
        "discover" => discover(&connector, &run, messages).await,
        "read" => read(&connector, &run, arguments, messages).await,
        other => Err(wrong(&format!("there is no command {other:?}"))),
    }
}

/// A client that may reach this computer: the API is made up, and served here.
fn client() -> Result<Client> {
    Client::new(Limits { allow_private: true, ..Limits::default() })
}

async fn check(connector: &Connector, run: &Arc<Run>, messages: &Messages) -> Result<bool> {
    let tables = connector.tables(run).await?;
    let mut outcome = Ok(());
    for name in connector.check_streams() {
        let table = tables.iter().find(|table| table.name == name);
        let table = table.ok_or_else(|| wrong(&format!("the check reads {name}, which is no stream")))?;
        outcome = match &table.stream {
            Ok(stream) => {
                stream.check(run, &Told { stream: stream.name.clone(), messages }).await.map(|_| ())
            }
            Err(error) => Err(wrong(error.message())),
        };
        if outcome.is_err() {
            break;
        }
    }
    let status = match outcome {
        Ok(()) => json!({"status": "SUCCEEDED"}),
        Err(error) => json!({"status": "FAILED", "message": error.to_string()}),
    };
    messages.say(&json!({"type": "CONNECTION_STATUS", "connectionStatus": status}));
    Ok(true)
}

async fn discover(connector: &Connector, run: &Arc<Run>, messages: &Messages) -> Result<bool> {
    let mut streams = Vec::new();
    for table in connector.tables(run).await? {
        match &table.stream {
            Ok(stream) => streams.push(described(stream, run).await?),
            Err(error) => messages.say(&failure(Some(&table.name), error)),
        }
    }
    messages.say(&json!({"type": "CATALOG", "catalog": {"streams": streams}}));
    Ok(true)
}

async fn described(stream: &Stream, run: &Arc<Run>) -> Result<Json> {
    let incremental = stream.cursor_field.is_some();
    let modes = if incremental { json!(["full_refresh", "incremental"]) } else { json!(["full_refresh"]) };
    let cursor: Vec<&String> = stream.cursor_field.iter().collect();
    Ok(json!({
        "name": stream.name,
        "json_schema": stream.schema.load(run).await?,
        "supported_sync_modes": modes,
        "source_defined_cursor": incremental,
        "default_cursor_field": cursor,
        "source_defined_primary_key": stream.primary_key,
    }))
}

async fn read(
    connector: &Connector,
    run: &Arc<Run>,
    arguments: &Arguments,
    messages: &Messages,
) -> Result<bool> {
    let catalog = arguments.json("--catalog")?;
    let states = match arguments.values.contains_key("--state") {
        true => arguments.json("--state")?,
        false => Json::Null,
    };
    let streams = catalog["streams"].as_array().ok_or_else(|| wrong("the catalog has no streams"))?;
    let tables = connector.tables(run).await?;
    let mut complete = true;
    for name in streams.iter().filter_map(|stream| stream["stream"]["name"].as_str()) {
        let table = tables.iter().find(|table| table.name == name);
        let state = states.as_array().into_iter().flatten().find_map(|state| {
            let stream = &state["stream"];
            (stream["stream_descriptor"]["name"] == name).then_some(&stream["stream_state"])
        });
        messages.say(&status(name, "STARTED"));
        let outcome = match table {
            Some(table) => read_table(table, state, run, messages).await,
            None => Err(wrong("the manifest has no such stream")),
        };
        complete &= outcome.is_ok();
        match outcome {
            Ok(()) => messages.say(&status(name, "COMPLETE")),
            Err(error) => {
                messages.say(&failure(Some(name), &error));
                messages.say(&status(name, "INCOMPLETE"));
            }
        }
    }
    Ok(complete)
}

async fn read_table(table: &Table, state: Option<&Json>, run: &Arc<Run>, messages: &Messages) -> Result<()> {
    match &table.stream {
        Ok(stream) => stream.read(run, state, &Told { stream: table.name.clone(), messages }).await,
        Err(error) => Err(wrong(error.message())),
    }
}

fn status(stream: &str, status: &str) -> Json {
    let status = json!({"stream_descriptor": {"name": stream}, "status": status});
    json!({"type": "TRACE", "trace": {
        "type": "STREAM_STATUS", "emitted_at": emitted_at(), "stream_status": status,
    }})
}

fn failure(stream: Option<&str>, error: &Error) -> Json {
    let mut told = json!({"message": error.to_string(), "internal_message": error.causes().join(": ")});
    if let Some(stream) = stream {
        told["stream_descriptor"] = json!({"name": stream});
    }
    json!({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": emitted_at(), "error": told}})
}

fn emitted_at() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Standard output, one message a line.
struct Messages(Mutex<BufWriter<Stdout>>);

impl Default for Messages {
    fn default() -> Self {
        Messages(Mutex::new(BufWriter::with_capacity(1 << 16, stdout())))
    }
}

impl Messages {
    fn say(&self, message: &Json) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to be told that nobody listens.
        let _ = serde_json::to_writer(&mut *out, message);
        let _ = out.write_all(b"\n");
    }

    fn flush(&self) {
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

/// Takes the records of one stream.
struct Told<'a> {
    stream: String,
    messages: &'a Messages,
}

#[async_trait]
impl Output for Told<'_> {
    async fn records(&self, records: Vec<Json>) -> Result<()> {
        let head = format!("{{\"type\":\"RECORD\",\"record\":{{\"stream\":{},\"data\":", json!(self.stream));
        let tail = format!(",\"emitted_at\":{}}}}}\n", emitted_at());
        let mut out = self.messages.0.lock().unwrap_or_else(PoisonError::into_inner);
        for mut record in records {
            if let Json::Object(fields) = &mut record {
                // As the reference: a field that is null is not there.
                fields.retain(|_, value| !value.is_null());
            }
            let written = out.write_all(head.as_bytes()).and_then(|()| {
                serde_json::to_writer(&mut *out, &record)?;
                out.write_all(tail.as_bytes())
            });
            written.map_err(|error| Error::new(ErrorKind::Stopped, "nobody reads").caused_by(error))?;
        }
        Ok(())
    }

    async fn state(&self, state: &Json) -> Result<()> {
        let stream = json!({"stream_descriptor": {"name": self.stream}, "stream_state": state});
        self.messages.say(&json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}}));
        Ok(())
    }
}
