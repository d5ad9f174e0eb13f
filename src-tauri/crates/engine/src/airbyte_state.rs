//! The states of streams as Airbyte writes them into files, and shows them in its settings and by its API.

use serde_json::{Value, json};
use syncline_protocol::{Error, ErrorKind, Result, TableName};

/// Reads the states of streams. Taken are a list of state messages (also one on each line), what Airbyte shows as the
/// state of a connection (`streamState`), and the old form of one object with a state for each name.
///
/// # Errors
/// `CorruptInput`, when the text is none of these.
pub fn parse(text: &str) -> Result<Vec<(TableName, Value)>> {
    let values = match serde_json::from_str::<Value>(text) {
        Ok(value) => vec![value],
        Err(error) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let lines: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
            lines.map_err(|_| wrong("it is no JSON").caused_by(error))?
        }
    };
    let mut states = Vec::new();
    for value in values {
        collect(value, &mut states)?;
    }
    if states.is_empty() {
        return Err(wrong("there is no state of a stream in it"));
    }
    Ok(states)
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("The file holds no state that can be read: {why}."))
        .meaning("Nothing was changed.")
        .fix("Export the state as JSON from the settings of the connection in Airbyte.")
}

fn collect(value: Value, into: &mut Vec<(TableName, Value)>) -> Result<()> {
    let mut fields = match value {
        Value::Array(items) => return items.into_iter().try_for_each(|item| collect(item, into)),
        Value::Object(fields) => fields,
        _ => return Err(wrong("a state is an object")),
    };
    // A message of the protocol around it.
    if let Some(state @ Value::Object(_)) = fields.remove("state").filter(|_| fields.contains_key("type")) {
        return collect(state, into);
    }
    if let Some(stream @ Value::Object(_)) = fields.remove("stream") {
        return collect(stream, into);
    }
    if let Some(Value::Object(mut global)) = fields.remove("global").or_else(|| fields.remove("globalState"))
    {
        let streams = global.remove("stream_states").or_else(|| global.remove("streamStates"));
        return collect(streams.unwrap_or_else(|| json!([])), into);
    }
    let descriptor = fields.remove("stream_descriptor").or_else(|| fields.remove("streamDescriptor"));
    let state = fields.remove("stream_state").or_else(|| fields.remove("streamState"));
    match (descriptor, state) {
        (Some(descriptor), Some(state)) => {
            into.push((name(&descriptor)?, state));
            Ok(())
        }
        // Known, and never read.
        (Some(_), None) => Ok(()),
        (None, Some(states @ Value::Array(_))) => collect(states, into),
        (None, Some(_)) => Err(wrong("a state without the name of its stream")),
        (None, None) => {
            for (stream, state) in fields {
                if !state.is_object() {
                    return Err(wrong(&format!("`{stream}` is no state")));
                }
                into.push((TableName::bare(stream), state));
            }
            Ok(())
        }
    }
}

fn name(descriptor: &Value) -> Result<TableName> {
    let text = |field: &str| descriptor.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").ok_or_else(|| wrong("a state without the name of its stream"))?;
    Ok(match text("namespace") {
        Some(namespace) => TableName::new(namespace, name),
        None => TableName::bare(name),
    })
}

/// Writes states as a list of state messages.
pub fn write(states: &[(TableName, Value)]) -> Value {
    let message = |(table, state): &(TableName, Value)| {
        let mut descriptor = json!({"name": table.name});
        if let Some(namespace) = &table.namespace {
            descriptor["namespace"] = Value::from(namespace.as_str());
        }
        json!({"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": state}})
    };
    states.iter().map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_states_are_read() {
        let (users, orders) = (json!({"updated_at": "2024-01-01"}), json!({"states": []}));
        let expected = vec![
            (TableName::bare("users"), users.clone()),
            (TableName::new("shop", "orders"), orders.clone()),
        ];
        let stream = |name: Value, state: &Value| json!({"type": "STREAM", "stream": {"stream_descriptor": name, "stream_state": state}});
        let messages = [
            stream(json!({"name": "users"}), &users),
            stream(json!({"name": "orders", "namespace": "shop"}), &orders),
        ];
        let shown = json!({"stateType": "stream", "connectionId": "x", "streamState": [
            {"streamDescriptor": {"name": "users"}, "streamState": users},
            {"streamDescriptor": {"name": "orders", "namespace": "shop"}, "streamState": orders},
            {"streamDescriptor": {"name": "never read"}},
        ]});
        let global = json!({"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": [
            {"stream_descriptor": {"name": "users"}, "stream_state": users},
            {"stream_descriptor": {"name": "orders", "namespace": "shop"}, "stream_state": orders},
        ]}});
        let lines = messages.iter().map(|state| json!({"type": "STATE", "state": state}).to_string());
        for text in [
            json!(messages).to_string(),
            lines.collect::<Vec<_>>().join("\n"),
            shown.to_string(),
            shown["streamState"].to_string(),
            global.to_string(),
            write(&expected).to_string(),
        ] {
            assert_eq!(parse(&text).unwrap(), expected, "{text}");
        }
        let legacy = json!({"users": users});
        assert_eq!(parse(&legacy.to_string()).unwrap(), expected[..1]);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for text in ["", "x", "[]", "{}", "3", r#"{"users": 5}"#, r#"[{"stream_state": {"a": 1}}]"#, "[[1]]"]
        {
            assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::CorruptInput, "{text}");
        }
    }
}
