//! From a sketch to the text of a manifest, with the place of every guess in it.

use serde_json::json;
use syncline_protocol::builder::{Draft, Evidence, Guess};
use syncline_protocol::{Error, Result};

use super::{Newer, Paging, SignIn, Sketch, TableSketch, words};
use crate::{Json, Map};

/// The version of the language that drafts are written in.
const VERSION: &str = "6.44.0";
/// What is read when nobody says how far back.
const START: &str = "2020-01-01T00:00:00Z";

/// The draft of a sketch. Without operations, sample and secrets.
///
/// # Errors
/// `Internal`, when it cannot be written.
pub(super) fn draft(sketch: &Sketch) -> Result<Draft> {
    let mut guesses = Vec::new();
    let manifest = manifest(sketch, &mut guesses);
    Ok(Draft {
        name: words::connector(if sketch.title.is_empty() { "my api" } else { &sketch.title }),
        title: sketch.title.clone(),
        yaml: yaml(&manifest)?,
        guesses,
        operations: Vec::new(),
        problems: Vec::new(),
        sample: None,
        secrets: Vec::new(),
    })
}

/// The text of a manifest.
pub(super) fn yaml(manifest: &Json) -> Result<String> {
    let mut options = serde_saphyr::SerializerOptions::default();
    // One edit is one line: nothing is folded.
    options.prefer_block_scalars = false;
    options.compact_list_indent = false;
    serde_saphyr::to_string_with_options(manifest, options)
        .map_err(|error| Error::internal("The manifest could not be written.").caused_by(error))
}

fn manifest(sketch: &Sketch, guesses: &mut Vec<Guess>) -> Json {
    let mut requester = Map::from_iter([
        ("type".to_owned(), json!("HttpRequester")),
        ("url_base".to_owned(), json!(sketch.base.as_ref().map_or("https://", |base| &base.value))),
    ]);
    let mut note = |path: &[&str], because: &Evidence| {
        guesses.push(Guess {
            path: path.iter().map(|step| (*step).to_owned()).collect(),
            because: because.clone(),
        });
    };
    if let Some(base) = &sketch.base {
        note(&["definitions", "requester", "url_base"], &base.because);
    }
    if let Some(sign_in) = &sketch.sign_in {
        requester.insert("authenticator".to_owned(), authenticator(&sign_in.value));
        note(&["definitions", "requester", "authenticator"], &sign_in.because);
    }
    let mut streams = Map::new();
    for table in &sketch.tables {
        streams.insert(table.name.clone(), stream(table, &mut note));
    }
    let listed =
        sketch.tables.iter().map(|table| json!({"$ref": format!("#/definitions/streams/{}", table.name)}));
    let mut root = Map::from_iter([
        ("version".to_owned(), json!(VERSION)),
        ("type".to_owned(), json!("DeclarativeSource")),
        ("check".to_owned(), json!({"type": "CheckStream", "stream_names": checked(sketch)})),
        ("definitions".to_owned(), json!({"requester": requester, "streams": streams})),
        ("streams".to_owned(), listed.collect()),
    ]);
    let schemas = sketch.tables.iter().map(|table| {
        (
            table.name.clone(),
            table.schema.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        )
    });
    root.insert("schemas".to_owned(), Json::Object(schemas.collect()));
    root.insert("spec".to_owned(), spec(sketch));
    root.insert("metadata".to_owned(), json!({"syncline": {"built": true, "version": 1}}));
    Json::Object(root)
}

/// A table that needs no other is asked first.
fn checked(sketch: &Sketch) -> Vec<&str> {
    let first = sketch.tables.iter().find(|table| table.parent.is_none()).or(sketch.tables.first());
    first.map(|table| table.name.as_str()).into_iter().collect()
}

fn authenticator(sign_in: &SignIn) -> Json {
    match sign_in {
        SignIn::Key { inject, name } => json!({
            "type": "ApiKeyAuthenticator",
            "api_token": "{{ config['api_key'] }}",
            "inject_into": {"type": "RequestOption", "inject_into": inject, "field_name": name},
        }),
        SignIn::Bearer => json!({"type": "BearerAuthenticator", "api_token": "{{ config['api_key'] }}"}),
        SignIn::Basic => json!({
            "type": "BasicHttpAuthenticator",
            "username": "{{ config['username'] }}",
            "password": "{{ config['password'] }}",
        }),
        SignIn::Client { token_url } => json!({
            "type": "OAuthAuthenticator",
            "token_refresh_endpoint": token_url,
            "grant_type": "client_credentials",
            "client_id": "{{ config['client_id'] }}",
            "client_secret": "{{ config['client_secret'] }}",
        }),
    }
}

fn stream(table: &TableSketch, note: &mut dyn FnMut(&[&str], &Evidence)) -> Json {
    let name = table.name.as_str();
    let mut place = |rest: &[&str], because: &Evidence| {
        let mut path = vec!["definitions", "streams", name];
        path.extend_from_slice(rest);
        note(&path, because);
    };
    let mut requester = Map::from_iter([
        ("$ref".to_owned(), json!("#/definitions/requester")),
        ("path".to_owned(), json!(path(table))),
        ("http_method".to_owned(), json!(if table.method.is_empty() { "GET" } else { &table.method })),
    ]);
    for (field, values) in [("request_parameters", &table.parameters), ("request_headers", &table.headers)] {
        if !values.is_empty() {
            requester.insert(field.to_owned(), Json::Object(values.clone()));
        }
    }
    let rows = table.rows.as_ref().map(|rows| rows.value.clone()).unwrap_or_default();
    if let Some(rows) = &table.rows {
        place(&["retriever", "record_selector", "extractor", "field_path"], &rows.because);
    }
    let mut retriever = Map::from_iter([
        ("type".to_owned(), json!("SimpleRetriever")),
        ("requester".to_owned(), Json::Object(requester)),
        (
            "record_selector".to_owned(),
            json!({"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": rows}}),
        ),
    ]);
    if let Some(paging) = &table.paging {
        retriever.insert("paginator".to_owned(), paginator(&paging.value));
        place(&["retriever", "paginator"], &paging.because);
    }
    if let Some(parent) = &table.parent {
        retriever.insert("partition_router".to_owned(), router(parent));
        place(&["retriever", "partition_router"], &parent.because);
    }
    let mut stream = Map::from_iter([
        ("type".to_owned(), json!("DeclarativeStream")),
        ("name".to_owned(), json!(name)),
        (
            "primary_key".to_owned(),
            json!(table.key.as_ref().map(|key| key.value.clone()).unwrap_or_default()),
        ),
        ("retriever".to_owned(), Json::Object(retriever)),
    ]);
    if let Some(key) = &table.key {
        place(&["primary_key"], &key.because);
    }
    if let Some(newer) = &table.newer {
        stream.insert("incremental_sync".to_owned(), cursor(&newer.value));
        place(&["incremental_sync"], &newer.because);
    }
    stream.insert(
        "schema_loader".to_owned(),
        json!({"type": "InlineSchemaLoader", "schema": {"$ref": format!("#/schemas/{name}")}}),
    );
    Json::Object(stream)
}

/// `/orders/{order_id}/items` with a parent → a template over the partition.
fn path(table: &TableSketch) -> String {
    match &table.parent {
        None => table.path.clone(),
        Some(parent) => table.path.replace(
            &format!("{{{}}}", parent.value.parameter),
            &format!("{{{{ stream_partition['{}'] }}}}", parent.value.parameter),
        ),
    }
}

fn router(parent: &super::Guessed<super::Parent>) -> Json {
    json!({
        "type": "SubstreamPartitionRouter",
        "parent_stream_configs": [{
            "type": "ParentStreamConfig",
            "stream": {"$ref": format!("#/definitions/streams/{}", parent.value.table)},
            "parent_key": parent.value.key,
            "partition_field": parent.value.parameter,
        }],
    })
}

fn parameter(name: &str) -> Json {
    json!({"type": "RequestOption", "inject_into": "request_parameter", "field_name": name})
}

/// How pages are asked for.
fn paginator(paging: &Paging) -> Json {
    let mut fields = Map::from_iter([("type".to_owned(), json!("DefaultPaginator"))]);
    let mut strategy = Map::new();
    let mut size = |strategy: &mut Map, size: &Option<(String, u64)>| {
        if let Some((name, size)) = size {
            strategy.insert("page_size".to_owned(), json!(size));
            fields.insert("page_size_option".to_owned(), parameter(name));
        }
    };
    let token = match paging {
        Paging::Page { parameter: name, size: asked, first } => {
            strategy.insert("type".to_owned(), json!("PageIncrement"));
            strategy.insert("start_from_page".to_owned(), json!(first));
            strategy.insert("inject_on_first_request".to_owned(), json!(true));
            size(&mut strategy, asked);
            parameter(name)
        }
        Paging::Offset { parameter: name, size: asked } => {
            strategy.insert("type".to_owned(), json!("OffsetIncrement"));
            size(&mut strategy, &Some(asked.clone()));
            parameter(name)
        }
        Paging::Link { place } => {
            strategy.insert("type".to_owned(), json!("CursorPagination"));
            strategy.insert("cursor_value".to_owned(), json!(in_answer(place)));
            json!({"type": "RequestPath"})
        }
        Paging::LinkHeader { size: asked } => {
            strategy.insert("type".to_owned(), json!("CursorPagination"));
            strategy.insert(
                "cursor_value".to_owned(),
                json!("{{ headers['link'].get('next', {}).get('url', '') }}"),
            );
            size(&mut strategy, asked);
            json!({"type": "RequestPath"})
        }
        Paging::Cursor { parameter: name, place, size: asked } => {
            strategy.insert("type".to_owned(), json!("CursorPagination"));
            strategy.insert("cursor_value".to_owned(), json!(in_answer(place)));
            size(&mut strategy, asked);
            parameter(name)
        }
    };
    fields.insert("pagination_strategy".to_owned(), Json::Object(strategy));
    fields.insert("page_token_option".to_owned(), token);
    Json::Object(fields)
}

/// `meta`, `next` → a template that also bears their absence.
fn in_answer(place: &[String]) -> String {
    let (last, before) = place.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let before: String = before.iter().map(|step| format!(".get('{step}', {{}})")).collect();
    format!("{{{{ response{before}.get('{last}', '') }}}}")
}

/// How new rows are asked for; rows are compared here when the API has no parameter for it.
fn cursor(newer: &Newer) -> Json {
    let mut fields = Map::from_iter([
        ("type".to_owned(), json!("DatetimeBasedCursor")),
        ("cursor_field".to_owned(), json!(newer.field)),
        ("cursor_datetime_formats".to_owned(), json!([newer.format])),
        ("datetime_format".to_owned(), json!(newer.format)),
        (
            "start_datetime".to_owned(),
            json!({
                "type": "MinMaxDatetime",
                "datetime": format!("{{{{ config.get('start_date', '{START}') }}}}"),
                "datetime_format": "%Y-%m-%dT%H:%M:%SZ",
            }),
        ),
    ]);
    match &newer.parameter {
        Some(name) => fields.insert("start_time_option".to_owned(), parameter(name)),
        None => fields.insert("is_client_side_incremental".to_owned(), json!(true)),
    };
    Json::Object(fields)
}

/// The settings: what the sign-in needs, and how far back to read.
fn spec(sketch: &Sketch) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut field = |name: &str, title: &str, secret: bool, needed: bool| {
        let order = properties.len();
        let mut property = json!({"type": "string", "title": title, "order": order});
        if secret {
            property["airbyte_secret"] = json!(true);
        }
        if name == "start_date" {
            property["format"] = json!("date-time");
            property["examples"] = json!([START]);
            property["pattern"] = json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");
        }
        properties.insert(name.to_owned(), property);
        if needed {
            required.push(json!(name));
        }
    };
    match sketch.sign_in.as_ref().map(|sign_in| &sign_in.value) {
        None => {}
        Some(SignIn::Key { .. } | SignIn::Bearer) => field("api_key", "API key", true, true),
        Some(SignIn::Basic) => {
            field("username", "User name", false, true);
            field("password", "Password", true, true);
        }
        Some(SignIn::Client { .. }) => {
            field("client_id", "Client id", false, true);
            field("client_secret", "Client secret", true, true);
        }
    }
    if sketch.tables.iter().any(|table| table.newer.is_some()) {
        field("start_date", "Read what changed since", false, false);
    }
    json!({
        "type": "Spec",
        "connection_specification": {"type": "object", "required": required, "properties": properties},
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Guessed, Parent};
    use super::*;
    use crate::connector::Connector;

    #[test]
    fn every_way_of_paging_gives_a_manifest_that_loads_and_reads_back_the_same() {
        let size = || Some(("per_page".to_owned(), 100));
        let place = || vec!["meta".to_owned(), "next".to_owned()];
        let ways = [
            Paging::Page { parameter: "page".to_owned(), size: size(), first: 1 },
            Paging::Offset { parameter: "offset".to_owned(), size: ("limit".to_owned(), 50) },
            Paging::Link { place: place() },
            Paging::LinkHeader { size: size() },
            Paging::Cursor { parameter: "cursor".to_owned(), place: place(), size: None },
        ];
        let signs = [
            SignIn::Bearer,
            SignIn::Basic,
            SignIn::Key { inject: "header", name: "X-Key".to_owned() },
            SignIn::Client { token_url: "https://x.test/token".to_owned() },
        ];
        for (at, way) in ways.into_iter().enumerate() {
            let newer = Newer { field: "on".to_owned(), format: "%Y-%m-%d".to_owned(), parameter: None };
            let parent = Parent { table: "yes".to_owned(), key: "id".to_owned(), parameter: "no".to_owned() };
            let sketch = Sketch {
                title: "The odd: API".to_owned(),
                base: Some(Guessed::new("https://x.test/v1".to_owned(), Evidence::Usual)),
                sign_in: signs.get(at).map(|sign| Guessed::new(sign.clone(), Evidence::Usual)),
                tables: vec![
                    // Words that YAML 1.1 takes for something else.
                    TableSketch {
                        name: "yes".to_owned(),
                        path: "/yes".to_owned(),
                        key: Some(Guessed::new(vec!["no".to_owned()], Evidence::Usual)),
                        paging: Some(Guessed::new(way, Evidence::Usual)),
                        newer: Some(Guessed::new(newer, Evidence::Usual)),
                        parameters: Map::from_iter([
                            ("day".to_owned(), json!("2026-01-01")),
                            ("n".to_owned(), json!("010")),
                        ]),
                        ..TableSketch::default()
                    },
                    TableSketch {
                        name: "parts".to_owned(),
                        path: "/yes/{no}/parts".to_owned(),
                        parent: Some(Guessed::new(parent, Evidence::Usual)),
                        ..TableSketch::default()
                    },
                ],
            };
            let draft = draft(&sketch).unwrap();
            let mut guesses = Vec::new();
            assert_eq!(
                crate::document::plain(&draft.yaml).unwrap(),
                manifest(&sketch, &mut guesses),
                "{}",
                draft.yaml
            );
            let connector = Connector::parse(&draft.yaml, &|_| None).unwrap();
            for table in connector.declared_tables() {
                assert!(table.stream.is_ok(), "{}: {:?}", table.name, table.stream.err());
            }
            assert_eq!(draft.name, "odd");
            for guess in &draft.guesses {
                let plain = crate::document::plain(&draft.yaml).unwrap();
                let there = guess.path.iter().try_fold(&plain, |value, step| value.get(step));
                assert!(there.is_some(), "{:?} is not there", guess.path);
            }
        }
    }
}
