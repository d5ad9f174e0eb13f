use super::*;
use crate::connector::Connector;
use proptest::proptest;
use serde_json::json;

const TICKETS: &str = r##"
openapi: 3.1.0
info: {title: Acme Tickets API, version: "2"}
servers: [{url: "https://{region}.acme.test/v2", variables: {region: {default: eu}}}]
security: [{key: []}]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Api-Key}
  parameters:
    page: {name: page, in: query, schema: {type: integer, default: 1}}
    size: {name: per_page, in: query, schema: {type: integer, maximum: 200}}
  schemas:
    Base: {type: object, properties: {id: {type: integer}}}
    Ticket:
      allOf:
        - {$ref: "#/components/schemas/Base"}
        - type: object
          properties:
            subject: {type: string}
            tags: {type: array, items: {type: string}}
            updated_at: {type: string, format: date-time}
paths:
  /tickets:
    parameters: [{$ref: "#/components/parameters/page"}]
    get:
      summary: All tickets
      parameters:
        - {$ref: "#/components/parameters/size"}
        - {name: updated_since, in: query, schema: {type: string}}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                properties:
                  data: {type: array, items: {$ref: "#/components/schemas/Ticket"}}
                  errors: {type: array, items: {type: string}}
  /tickets/{ticket_id}:
    get: {responses: {"200": {content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}}}
  /tickets/{ticket_id}/comments:
    get:
      responses:
        "200": {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Base"}}}}}
  /users:
    get:
      parameters: [{name: cursor, in: query, schema: {type: string}}]
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                properties:
                  users: {type: array, items: {$ref: "#/components/schemas/Base"}}
                  meta: {type: object, properties: {next_cursor: {type: string}}}
    post: {responses: {}}
  /lost:
    get: {responses: {"200": {$ref: "#/components/responses/None"}}, parameters: [{$ref: "#/components/parameters/none"}]}
"##;

fn plain(draft: &Draft) -> Json {
    crate::document::plain(&draft.yaml).unwrap()
}

#[test]
fn a_description_becomes_tables_with_evidence() {
    let draft = draft(TICKETS, None, None).unwrap();
    let manifest = plain(&draft);
    let requester = &manifest["definitions"]["requester"];
    assert_eq!(requester["url_base"], "https://eu.acme.test/v2");
    assert_eq!(requester["authenticator"]["inject_into"]["field_name"], "X-Api-Key");
    let streams = manifest["definitions"]["streams"].as_object().unwrap();
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["tickets", "users", "comments"]);
    let tickets = &streams["tickets"];
    assert_eq!(tickets["retriever"]["record_selector"]["extractor"]["field_path"], json!(["data"]));
    assert_eq!(tickets["retriever"]["paginator"]["pagination_strategy"]["page_size"], 200);
    assert_eq!(tickets["retriever"]["paginator"]["page_token_option"]["field_name"], "page");
    assert_eq!(tickets["primary_key"], json!(["id"]));
    assert_eq!(tickets["incremental_sync"]["start_time_option"]["field_name"], "updated_since");
    assert_eq!(manifest["schemas"]["tickets"]["properties"]["updated_at"]["format"], "date-time");
    let users = &streams["users"]["retriever"]["paginator"];
    assert_eq!(
        users["pagination_strategy"]["cursor_value"],
        "{{ response.get('meta', {}).get('next_cursor', '') }}"
    );
    let comments = &streams["comments"]["retriever"];
    assert_eq!(comments["requester"]["path"], "/tickets/{{ stream_partition['ticket_id'] }}/comments");
    assert_eq!(comments["partition_router"]["parent_stream_configs"][0]["parent_key"], "id");
    let connector = Connector::parse(&draft.yaml, &|_| None).unwrap();
    assert!(connector.declared_tables().iter().all(|table| table.stream.is_ok()));
    assert_eq!(draft.name, "acme-tickets");

    let why = |path: &[&str]| {
        draft.guesses.iter().find(|guess| guess.path == path).map(|guess| guess.because.clone())
    };
    let rows =
        ["definitions", "streams", "tickets", "retriever", "record_selector", "extractor", "field_path"];
    assert_eq!(why(&rows), Some(Evidence::Described { place: "200: data[]".to_owned() }));
    let pages = ["definitions", "streams", "tickets", "retriever", "paginator"];
    assert_eq!(
        why(&pages),
        Some(Evidence::Parameters { names: vec!["page".to_owned(), "per_page".to_owned()] })
    );
}

#[test]
fn lists_come_first_and_what_cannot_be_used_is_told_with_its_line() {
    let draft = draft(TICKETS, None, None).unwrap();
    let first: Vec<&str> = draft.operations.iter().take(3).map(|operation| operation.id.as_str()).collect();
    assert_eq!(first, ["GET /tickets", "GET /users", "GET /tickets/{ticket_id}/comments"]);
    let single =
        draft.operations.iter().find(|operation| operation.id == "GET /tickets/{ticket_id}").unwrap();
    assert!(!single.lists && !single.chosen);
    assert_eq!(single.needs, ["ticket_id"]);
    let problem = &draft.problems[0];
    assert!(problem.message.contains("#/components/parameters/none"), "{problem:?}");
    assert_eq!(problem.line, Some(59));
}

#[test]
fn only_chosen_operations_and_their_parents_are_tables() {
    let chosen = ["GET /tickets/{ticket_id}/comments".to_owned()];
    let draft = draft(TICKETS, None, Some(&chosen)).unwrap();
    let manifest = plain(&draft);
    let streams: Vec<&String> = manifest["definitions"]["streams"].as_object().unwrap().keys().collect();
    assert_eq!(streams, ["tickets", "comments"]);
}

#[test]
fn a_mistake_leaves_the_part_before_it() {
    let broken = TICKETS.replace("    post: {responses: {}}", "    post: {responses: {}");
    let draft = draft(&broken, None, None).unwrap();
    assert!(draft.problems[0].line == Some(58), "{:?}", draft.problems);
    assert!(draft.operations.iter().any(|operation| operation.id == "GET /tickets"));
    let error = super::draft("{\"openapi\": \"3.0.0\",\n \"paths\": {oops}}", None, None).unwrap_err();
    assert!(error.message().contains("line 2"), "{}", error.message());
    for text in
        ["", "a: 1", "<html></html>", "openapi: 4.0", "openapi: 3.0.0\npaths: {}", "[1]", "openapi: [\n"]
    {
        assert!(super::draft(text, None, None).is_err(), "{text}");
    }
}

#[test]
fn version_2_is_read_too() {
    let text = json!({
        "swagger": "2.0", "info": {"title": "Old"}, "host": "old.test", "basePath": "/api", "schemes": ["http", "https"],
        "securityDefinitions": {"who": {"type": "basic"}},
        "paths": {"/things": {"get": {
            "parameters": [{"name": "offset", "in": "query", "type": "integer"}, {"name": "limit", "in": "query", "type": "integer", "default": 25}],
            "responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/Thing"}}}}
        }}},
        "definitions": {"Thing": {"type": "object", "properties": {"uuid": {"type": "string"}, "self": {"$ref": "#/definitions/Thing"}}}}
    });
    let draft = draft(&text.to_string(), None, None).unwrap();
    let manifest = plain(&draft);
    assert_eq!(manifest["definitions"]["requester"]["url_base"], "https://old.test/api");
    assert_eq!(manifest["definitions"]["requester"]["authenticator"]["type"], "BasicHttpAuthenticator");
    let things = &manifest["definitions"]["streams"]["things"];
    assert_eq!(things["retriever"]["paginator"]["pagination_strategy"]["page_size"], 25);
    assert_eq!(things["primary_key"], json!(["uuid"]));
}

#[test]
fn an_address_without_host_begins_where_the_description_lies() {
    let text = "openapi: 3.0.0\nservers: [{url: /v1}]\npaths:\n  /a: {get: {responses: {default: {}}}}\n";
    let draft = draft(text, Some("https://docs.acme.test/spec/openapi.yaml"), None).unwrap();
    assert_eq!(plain(&draft)["definitions"]["requester"]["url_base"], "https://docs.acme.test/v1");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(openapi: 3.0.0\npaths:\n)?[a-c/:{}\\[\\]$ref\"' \n0-9-]{0,80}") {
        let _ = draft(&text, None, None);
        let _ = super::super::sample::draft(&text, None);
        let _ = super::super::curl::draft(&format!("curl {text}"));
    }
}
