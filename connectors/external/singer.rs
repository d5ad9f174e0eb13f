//! Singer: taps.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_protocol::{Result, TableName};

use super::dialect::{Dialect, Message, Reading, Table, nonsense, texts};
use super::private::PrivateFiles;
use super::process::Program;

pub(super) struct SingerTap;

#[async_trait]
impl Dialect for SingerTap {
    fn title(&self) -> &'static str {
        "Singer tap"
    }

    async fn check(&self, _program: &Program) -> Result<bool> {
        Ok(false)
    }

    async fn tables(&self, program: &Program) -> Result<Vec<Table>> {
        let mut files = program.files()?;
        let arguments =
            vec!["--config".to_owned(), files.json("config", &program.settings)?, "--discover".to_owned()];
        let said = program.output(arguments, files).await?;
        let catalog: Value = serde_json::from_slice(&said).map_err(|error| {
            nonsense("did not answer with a catalog when it was asked for one").caused_by(error)
        })?;
        let streams = catalog.get("streams").and_then(Value::as_array);
        let streams = streams.ok_or_else(|| nonsense("answered with a catalog that lists no streams"))?;
        Ok(streams.iter().filter_map(table).collect())
    }

    fn read(&self, reading: &Reading<'_>, files: &mut PrivateFiles) -> Result<Vec<String>> {
        let catalog = json!({"streams": [selected(reading)]});
        let mut arguments = vec!["--config".to_owned(), files.json("config", reading.settings)?];
        arguments.extend(["--catalog".to_owned(), files.json("catalog", &catalog)?]);
        if let Some(state) = reading.state {
            arguments.extend(["--state".to_owned(), files.json("state", state)?]);
        }
        Ok(arguments)
    }

    fn message(&self, line: &Value, table: &Table) -> Result<Message> {
        let text = |field: &str| line.get(field).and_then(Value::as_str);
        Ok(match text("type") {
            Some("RECORD") if text("stream") == Some(&table.name.name) => {
                Message::Record(line.get("record").cloned().unwrap_or_default())
            }
            Some("STATE") => Message::State(line.get("value").cloned().unwrap_or_default()),
            _ => Message::Other,
        })
    }
}

fn table(entry: &Value) -> Option<Table> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    let name = text("stream").or_else(|| text("tap_stream_id"))?;
    let root = root_metadata(entry);
    let of_root = |field: &str| root.and_then(|root| root.get(field));
    let key = texts(entry.get("key_properties"));
    let key = if key.is_empty() { texts(of_root("table-key-properties")) } else { key };
    let valid = texts(of_root("valid-replication-keys")).into_iter().next();
    let own = text("replication_key").or_else(|| of_root("replication-key")?.as_str().map(str::to_owned));
    let cursor = own.or(valid).filter(|_| text("replication_method").as_deref() != Some("FULL_TABLE"));
    Some(Table {
        name: TableName::bare(name),
        schema: entry.get("schema").cloned().unwrap_or_default(),
        key,
        cursor,
        entry: entry.clone(),
    })
}

/// The part of the metadata that is about the stream as a whole.
fn root_metadata(entry: &Value) -> Option<&Value> {
    let all = entry.get("metadata")?.as_array()?;
    let root =
        all.iter().find(|one| one.get("breadcrumb").and_then(Value::as_array).is_some_and(Vec::is_empty));
    root?.get("metadata")
}

/// The stream's entry, selected with all its fields. Older taps look into the schema, newer ones into the metadata.
fn selected(reading: &Reading<'_>) -> Value {
    let mut entry = reading.table.entry.clone();
    let method = if reading.incremental { "INCREMENTAL" } else { "FULL_TABLE" };
    if let Some(schema) = entry.get_mut("schema").and_then(Value::as_object_mut) {
        schema.insert("selected".to_owned(), true.into());
    }
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("selected".to_owned(), true.into());
        fields.insert("replication_method".to_owned(), method.into());
        let metadata = fields.entry("metadata").or_insert_with(|| json!([]));
        let Some(all) = metadata.as_array_mut() else { return entry };
        if !all.iter().any(|one| one.get("breadcrumb") == Some(&json!([]))) {
            all.push(json!({"breadcrumb": [], "metadata": {}}));
        }
        for one in all {
            let is_root = one.get("breadcrumb") == Some(&json!([]));
            let Some(metadata) = one.get_mut("metadata").and_then(Value::as_object_mut) else { continue };
            if metadata.get("inclusion").and_then(Value::as_str) != Some("unsupported") {
                metadata.insert("selected".to_owned(), true.into());
            }
            if is_root {
                metadata.insert("replication-method".to_owned(), method.into());
                if let Some(cursor) = &reading.table.cursor {
                    metadata.insert("replication-key".to_owned(), cursor.clone().into());
                }
            }
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Value {
        json!({"tap_stream_id": "t-1", "stream": "users", "key_properties": ["id"],
        "schema": {"properties": {"id": {"type": "integer"}}},
        "metadata": [
            {"breadcrumb": [], "metadata": {"valid-replication-keys": ["at"]}},
            {"breadcrumb": ["properties", "odd"], "metadata": {"inclusion": "unsupported"}}
        ]})
    }

    #[test]
    fn a_stream_of_a_catalog_is_a_table_and_is_selected_as_its_tap_wants() {
        let table = table(&entry()).unwrap();
        assert_eq!((table.name.name.as_str(), table.cursor.as_deref()), ("users", Some("at")));
        assert_eq!(table.key, ["id"]);
        let chosen =
            selected(&Reading { settings: &Value::Null, table: &table, incremental: true, state: None });
        assert_eq!(chosen["metadata"][0]["metadata"]["selected"], true);
        assert_eq!(chosen["metadata"][0]["metadata"]["replication-method"], "INCREMENTAL");
        assert_eq!(chosen["metadata"][1]["metadata"].get("selected"), None, "it cannot be");
        assert_eq!((&chosen["schema"]["selected"], &chosen["tap_stream_id"]), (&json!(true), &json!("t-1")));
        let bare = super::table(&json!({"stream": "x"})).unwrap();
        let chosen =
            selected(&Reading { settings: &Value::Null, table: &bare, incremental: false, state: None });
        assert_eq!(chosen["metadata"][0]["metadata"]["replication-method"], "FULL_TABLE");
    }

    #[test]
    fn only_records_of_the_table_and_states_count() {
        let table = table(&entry()).unwrap();
        let of = |line: Value| SingerTap.message(&line, &table).unwrap();
        assert_eq!(
            of(json!({"type": "RECORD", "stream": "users", "record": {"id": 1}})),
            Message::Record(json!({"id": 1}))
        );
        assert_eq!(of(json!({"type": "RECORD", "stream": "others", "record": {}})), Message::Other);
        assert_eq!(of(json!({"type": "STATE", "value": {"a": 1}})), Message::State(json!({"a": 1})));
        assert_eq!(of(json!({"type": "BATCH"})), Message::Other);
    }
}
