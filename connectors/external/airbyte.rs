//! Airbyte's protocol: sources.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use super::dialect::{Dialect, Message, Reading, Table, nonsense, texts};
use super::private::PrivateFiles;
use super::process::Program;

pub(super) struct AirbyteSource;

impl AirbyteSource {
    /// Runs a command that answers with one message; gives what is in it.
    async fn ask(&self, program: &Program, command: &str, kind: &str, field: &str) -> Result<Value> {
        let mut files = program.files()?;
        let arguments =
            vec![command.to_owned(), "--config".to_owned(), files.json("config", &program.settings)?];
        let said = program.output(arguments, files).await;
        let (said, ended) = match said {
            Ok(said) => (said, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut found = None;
        for line in said.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Value>(line) else { continue };
            refuse_error(&line).map_err(|error| Error::new(error.kind(), program.clean(error.message())))?;
            if line.get("type").and_then(Value::as_str) == Some(kind) {
                found = line.get(field).cloned();
            }
        }
        found.ok_or_else(|| ended.unwrap_or_else(|| nonsense(&format!("did not answer to `{command}`"))))
    }
}

#[async_trait]
impl Dialect for AirbyteSource {
    fn title(&self) -> &'static str {
        "Airbyte source"
    }

    async fn check(&self, program: &Program) -> Result<bool> {
        let status = self.ask(program, "check", "CONNECTION_STATUS", "connectionStatus").await?;
        let text = |field: &str| status.get(field).and_then(Value::as_str);
        if text("status") == Some("SUCCEEDED") {
            return Ok(true);
        }
        let why = program.clean(text("message").unwrap_or("it does not say why"));
        Err(Error::new(ErrorKind::Config, format!("The connector does not accept its settings: {why}")))
    }

    async fn tables(&self, program: &Program) -> Result<Vec<Table>> {
        let catalog = self.ask(program, "discover", "CATALOG", "catalog").await?;
        let streams = catalog.get("streams").and_then(Value::as_array);
        let streams = streams.ok_or_else(|| nonsense("answered with a catalog that lists no streams"))?;
        Ok(streams.iter().filter_map(table).collect())
    }

    fn read(&self, reading: &Reading<'_>, files: &mut PrivateFiles) -> Result<Vec<String>> {
        let table = reading.table;
        let mode = if reading.incremental { "incremental" } else { "full_refresh" };
        let catalog = json!({"streams": [{
            "stream": table.entry,
            "sync_mode": mode,
            "destination_sync_mode": "append",
            "cursor_field": table.cursor.iter().collect::<Vec<_>>(),
            "primary_key": table.key.iter().map(|name| vec![name]).collect::<Vec<_>>(),
        }]});
        let mut arguments =
            vec!["read".to_owned(), "--config".to_owned(), files.json("config", reading.settings)?];
        arguments.extend(["--catalog".to_owned(), files.json("catalog", &catalog)?]);
        if let Some(state) = reading.state {
            // What older connectors keep is the bare state; newer ones keep messages.
            let state = match state.get("type").and_then(Value::as_str) {
                Some("STREAM" | "GLOBAL") => json!([state]),
                _ => state.get("data").cloned().unwrap_or_else(|| state.clone()),
            };
            arguments.extend(["--state".to_owned(), files.json("state", &state)?]);
        }
        Ok(arguments)
    }

    fn message(&self, line: &Value, table: &Table) -> Result<Message> {
        refuse_error(line)?;
        let of = |outer: &str, inner: &str| line.get(outer).and_then(|value| value.get(inner));
        Ok(match line.get("type").and_then(Value::as_str) {
            Some("RECORD") if is_of(line.get("record"), "stream", table) => {
                Message::Record(of("record", "data").cloned().unwrap_or_default())
            }
            Some("STATE") => {
                let state = line.get("state").cloned().unwrap_or_default();
                let of_stream = state.get("stream").and_then(|stream| stream.get("stream_descriptor"));
                match of_stream {
                    Some(descriptor) if !is_of(Some(descriptor), "name", table) => Message::Other,
                    _ => Message::State(state),
                }
            }
            _ => Message::Other,
        })
    }
}

/// Whether something names this table.
fn is_of(value: Option<&Value>, name: &str, table: &Table) -> bool {
    let text = |field: &str| value.and_then(|value| value.get(field)).and_then(Value::as_str);
    text(name) == Some(&table.name.name) && text("namespace") == table.name.namespace.as_deref()
}

/// A trace of an error ends the read with the connector's own words.
fn refuse_error(line: &Value) -> Result<()> {
    let trace = line.get("trace").filter(|_| line.get("type").and_then(Value::as_str) == Some("TRACE"));
    let Some(error) = trace.and_then(|trace| trace.get("error")) else { return Ok(()) };
    let text = |field: &str| error.get(field).and_then(Value::as_str);
    let kind = match text("failure_type") {
        Some("config_error") => ErrorKind::Config,
        _ => ErrorKind::ConnectionLost,
    };
    let message = text("message").unwrap_or("it does not say what went wrong");
    let short: String = message.chars().take(500).collect();
    Err(Error::new(kind, format!("The connector failed: {short}")))
}

fn table(entry: &Value) -> Option<Table> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    let key = entry.get("source_defined_primary_key").and_then(Value::as_array);
    // A key inside a nested field is no column, so such a table has none.
    let key: Option<Vec<String>> = key
        .into_iter()
        .flatten()
        .map(|path| match path.as_array().map(Vec::as_slice) {
            Some([Value::String(name)]) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let incremental = texts(entry.get("supported_sync_modes")).iter().any(|mode| mode == "incremental");
    let cursor = match texts(entry.get("default_cursor_field")).as_slice() {
        [name] if incremental => Some(name.clone()),
        _ => None,
    };
    Some(Table {
        name: TableName { namespace: text("namespace"), name: text("name")? },
        schema: entry.get("json_schema").cloned().unwrap_or_default(),
        key: key.unwrap_or_default(),
        cursor,
        entry: entry.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Table {
        table(&json!({"name": "users", "json_schema": {"properties": {"id": {"type": "integer"}}},
            "supported_sync_modes": ["full_refresh", "incremental"], "default_cursor_field": ["at"],
            "source_defined_primary_key": [["id"]]}))
        .unwrap()
    }

    #[test]
    fn messages_of_the_table_count_and_errors_end_the_read() {
        let table = users();
        assert_eq!((table.key.as_slice(), table.cursor.as_deref()), (&["id".to_owned()][..], Some("at")));
        let of = |line: Value| AirbyteSource.message(&line, &table);
        let record =
            json!({"type": "RECORD", "record": {"stream": "users", "data": {"id": 1}, "emitted_at": 1}});
        assert_eq!(of(record).unwrap(), Message::Record(json!({"id": 1})));
        let state = |name: &str| json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": {"at": 3}}});
        assert_eq!(
            of(json!({"type": "STATE", "state": state("users")})).unwrap(),
            Message::State(state("users"))
        );
        assert_eq!(of(json!({"type": "STATE", "state": state("other")})).unwrap(), Message::Other);
        let error = of(json!({"type": "TRACE", "trace": {"type": "ERROR", "error":
            {"message": "The key is wrong.", "failure_type": "config_error"}}}))
        .unwrap_err();
        assert_eq!((error.kind(), error.message().contains("The key is wrong.")), (ErrorKind::Config, true));
    }

    #[test]
    fn a_nested_key_is_no_key_and_a_table_without_increments_has_no_cursor() {
        let table =
            table(&json!({"name": "t", "namespace": "n", "json_schema": {}, "default_cursor_field": ["at"],
            "supported_sync_modes": ["full_refresh"], "source_defined_primary_key": [["a", "b"]]}))
            .unwrap();
        assert!(table.key.is_empty() && table.cursor.is_none());
        assert_eq!(table.name.to_string(), "n.t");
    }
}
