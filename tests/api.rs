//! An API that a manifest describes, into DuckDB with the real program: added, tested, synced, changed, killed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer, Request};

/// Users by pages and by what changed since; the orders of each user.
const MANIFEST: &str = r##"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [users]}
definitions:
  requester:
    type: HttpRequester
    url_base: "{{ config['url'] }}"
    http_method: GET
    authenticator: {type: BearerAuthenticator, api_token: "{{ config['token'] }}"}
  selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
  paginator:
    type: DefaultPaginator
    page_size_option: {type: RequestOption, inject_into: request_parameter, field_name: limit}
    page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
    pagination_strategy: {type: PageIncrement, page_size: 100, start_from_page: 1, inject_on_first_request: true}
  users:
    type: DeclarativeStream
    name: users
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {$ref: "#/definitions/requester", path: /users}
      record_selector: {$ref: "#/definitions/selector"}
      paginator: {$ref: "#/definitions/paginator"}
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: {type: MinMaxDatetime, datetime: "2024-01-01T00:00:00Z", datetime_format: "%Y-%m-%dT%H:%M:%SZ"}
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}
    schema_loader:
      type: InlineSchemaLoader
      schema:
        type: object
        properties:
          id: {type: integer}
          name: {type: string}
          updated_at: {type: string, format: date-time}
  orders:
    type: DeclarativeStream
    name: orders
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {$ref: "#/definitions/requester", path: "/users/{{ stream_partition.user }}/orders"}
      record_selector: {$ref: "#/definitions/selector"}
      paginator: {$ref: "#/definitions/paginator"}
      partition_router:
        type: SubstreamPartitionRouter
        parent_stream_configs:
          - {type: ParentStreamConfig, stream: "#/definitions/users", parent_key: id, partition_field: user}
    transformations:
      - type: AddFields
        fields: [{path: [user_id], value: "{{ stream_partition.user }}"}]
    schema_loader:
      type: InlineSchemaLoader
      schema: {type: object, properties: {id: {type: string}, amount: {type: number}, user_id: {type: integer}}}
streams: ["#/definitions/users", "#/definitions/orders"]
spec:
  type: Spec
  connection_specification:
    type: object
    required: [url, token]
    properties:
      url: {type: string, order: 0}
      token: {type: string, airbyte_secret: true, order: 1}
"##;

const TOKEN: &str = "sesame-open-please";

/// What the API knows.
#[derive(Default)]
struct Api {
    users: Mutex<Vec<Value>>,
    requests: AtomicUsize,
    /// Every so many requests the server fails.
    fails_every: AtomicUsize,
}

impl Api {
    fn with_users(count: u64) -> Arc<Api> {
        let api = Api::default();
        *api.users.lock().unwrap() = (1..=count).map(|id| user(id, 0)).collect();
        Arc::new(api)
    }

    fn answer(&self, request: &Request) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let fails = self.fails_every.load(Ordering::Relaxed);
        let refuse = |status, body| Answer { status, ..Answer::json(&body) };
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return refuse(
                401,
                json!({"error": {"message": format!("the token {TOKEN} or another is wrong")}}),
            );
        }
        if fails > 0 && number.is_multiple_of(fails) {
            return refuse(503, json!({"message": "busy"}));
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let parameter = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.unwrap_or_default().replace("%3A", ":")
        };
        let rows = match path.strip_prefix("/users/").and_then(|rest| rest.strip_suffix("/orders")) {
            Some(id) => (0..id.parse::<u64>().unwrap_or(0) % 4)
                .map(|at| json!({"id": format!("{id}-{at}"), "amount": at as f64 / 4.0}))
                .collect(),
            None => {
                let since = parameter("since");
                let users = self.users.lock().unwrap();
                users
                    .iter()
                    .filter(|user| user["updated_at"].as_str() >= Some(since.as_str()))
                    .cloned()
                    .collect::<Vec<_>>()
            }
        };
        let (page, limit) =
            (parameter("page").parse().unwrap_or(1), parameter("limit").parse().unwrap_or(100));
        let page: Vec<&Value> = rows.iter().skip((page - 1_usize) * limit).take(limit).collect();
        Answer::json(&json!({"data": page}))
    }
}

fn user(id: u64, version: u64) -> Value {
    let minutes = id + version * 100_000;
    let at = format!(
        "2024-{:02}-{:02}T{:02}:{:02}:00Z",
        1 + minutes / 40_320 % 12,
        1 + minutes / 1440 % 28,
        minutes / 60 % 24,
        minutes % 60
    );
    json!({"id": id, "name": format!("user {id} v{version}"), "updated_at": at})
}

async fn project(api: &Arc<Api>) -> Result<(HttpServer, Project)> {
    let served = Arc::clone(api);
    let server = HttpServer::start(move |request| served.answer(&request)).await?;
    let source =
        format!("connector: shop-api\nconfig:\n  url: {}\n  token: ${{env:API_TOKEN}}\n", server.url());
    let project = Project::with_source(&built_program()?, &source, "")?;
    project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
    project.write(
        "connections/main.yaml",
        "source: source\ndestination: target\nschema: api\ntables:\n  - name: users\n    mode: merge\n    cursor: updated_at\n  - name: orders\n    mode: merge\n",
    )?;
    project.write("shop-api.yaml", MANIFEST)?;
    let file = project.folder().join("shop-api.yaml");
    let file = file.to_str().context("a path that is text")?;
    let added = command(&project, &["connector", "add", file]).output().await?;
    ensure!(added.status.success(), "{}", said(&added));
    Ok((server, project))
}

fn command(project: &Project, arguments: &[&str]) -> tokio::process::Command {
    let mut command = project.command(arguments);
    command.env("API_TOKEN", TOKEN);
    command
}

async fn run(project: &Project) -> Result<()> {
    let output = command(project, &["run", "main", "--yes"]).output().await?;
    ensure!(output.status.success(), "{}: {}", output.status, said(&output));
    Ok(())
}

/// Counts, and how many users carry this version.
fn found(project: &Project, version: u64) -> Result<(i64, i64, i64, i64)> {
    let connection = Connection::open(project.folder().join("target.duckdb"))?;
    let one = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    Ok((
        one("select count(*) from api.users")?,
        one(&format!("select count(*) from api.users where name like '%v{version}'"))?,
        one("select count(*) from api.orders")?,
        one("select count(*) - count(distinct id) from api.orders")?,
    ))
}

fn orders(users: i64) -> i64 {
    (1..=users).map(|id| id % 4).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_is_added_tested_synced_and_followed() -> Result<()> {
    let api = Api::with_users(250);
    let (_server, project) = project(&api).await?;
    let tested = command(&project, &["connector", "test", "shop-api", "--source", "source"]).output().await?;
    ensure!(tested.status.success() && said(&tested).contains("orders: a row"), "{}", said(&tested));
    let checked = command(&project, &["check", "source"]).output().await?;
    ensure!(checked.status.success(), "{}", said(&checked));
    let preview = command(&project, &["preview", "main", "users"]).output().await?;
    ensure!(preview.status.success(), "{}", said(&preview));

    run(&project).await?;
    ensure!(found(&project, 0)? == (250, 250, orders(250), 0), "{:?}", found(&project, 0)?);

    // Three change, ten are new: only what is newer is asked for.
    {
        let mut users = api.users.lock().unwrap();
        for id in [3, 77, 250] {
            users[id as usize - 1] = user(id, 1);
        }
        users.extend((251..=260).map(|id| user(id, 1)));
    }
    run(&project).await?;
    ensure!(found(&project, 1)? == (260, 13, orders(260), 0), "{:?}", found(&project, 1)?);

    // A field that nobody declared becomes a column.
    api.users.lock().unwrap()[9] =
        json!({"id": 10, "name": "user 10 v2", "updated_at": "2024-12-24T00:00:00Z", "vip": true});
    run(&project).await?;
    let connection = Connection::open(project.folder().join("target.duckdb"))?;
    let vip: bool = connection.query_row("select vip from api.users where id = 10", [], |row| row.get(0))?;
    ensure!(vip);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_without_the_token() -> Result<()> {
    let api = Api::with_users(1);
    let (_server, project) = project(&api).await?;
    let mut refused = project.command(&["check", "source"]);
    let refused = refused.env("API_TOKEN", "a-wrong-and-secret-token").output().await?;
    ensure!(!refused.status.success(), "{}", said(&refused));
    ensure!(said(&refused).contains("401"), "{}", said(&refused));
    ensure!(!said(&refused).contains("a-wrong-and-secret-token"), "{}", said(&refused));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_goes_on_and_doubles_nothing() -> Result<()> {
    let api = Api::with_users(600);
    api.fails_every.store(97, Ordering::Relaxed);
    let (_server, project) = project(&api).await?;
    for kill in 1..=4_usize {
        let before = api.requests.load(Ordering::Relaxed);
        let mut child = command(&project, &["run", "main", "--yes"]).kill_on_drop(true).spawn()?;
        // Killed by what it has asked for, not by the clock.
        while api.requests.load(Ordering::Relaxed) < before + kill * 40 && child.try_wait()?.is_none() {
            tokio::task::yield_now().await;
        }
        child.kill().await.context("the program cannot be killed")?;
    }
    run(&project).await?;
    ensure!(found(&project, 0)? == (600, 600, orders(600), 0), "{:?}", found(&project, 0)?);
    Ok(())
}

/// Writes Airbyte's state of the users and reads it in.
async fn import(project: &Project, states: &Value, more: &[&str]) -> Result<std::process::Output> {
    project.write("state.json", &states.to_string())?;
    let file = project.folder().join("state.json");
    let arguments = ["state", "import", "main", file.to_str().context("a path that is text")?];
    Ok(command(project, &[&arguments, more].concat()).output().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_moves_from_airbyte_with_its_state_and_back() -> Result<()> {
    let api = Api::with_users(200);
    let (_server, project) = project(&api).await?;
    let users = |at: &str| json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "users"}, "stream_state": {"updated_at": at}}});
    let whole = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "orders"},
        "stream_state": {"__ab_no_cursor_state_message": true}}});
    let reached = "2024-01-01T02:30:00Z";
    // What is read whole has no position to move, and is told so; the other is moved all the same.
    let moved = import(&project, &json!([users(reached), whole]), &[]).await?;
    ensure!(moved.status.code() == Some(1), "{}", said(&moved));
    ensure!(
        said(&moved).contains("1 table of 2") && said(&moved).contains("read whole each time"),
        "{}",
        said(&moved)
    );
    let exported = command(&project, &["state", "export", "main"]).output().await?;
    let exported: Value = serde_json::from_slice(&exported.stdout)?;
    ensure!(exported == json!([users(reached)]), "{exported}");

    // The 150th user is of the last moment that the state knows; what is older stays with Airbyte.
    run(&project).await?;
    let (count, ..) = found(&project, 0)?;
    ensure!(count == 51, "{count} users were read after the state");
    let refused = import(&project, &json!([users(reached)]), &[]).await?;
    ensure!(!refused.status.success() && said(&refused).contains("--replace"), "{}", said(&refused));
    let replaced = import(&project, &json!([users("2024-01-01T02:00:00Z")]), &["--replace"]).await?;
    ensure!(replaced.status.success(), "{}", said(&replaced));
    run(&project).await?;
    let (count, _, _, doubled) = found(&project, 0)?;
    ensure!((count, doubled) == (81, 0), "{count} {doubled}");

    let exported = command(&project, &["state", "export", "main"]).output().await?;
    let exported: Value = serde_json::from_slice(&exported.stdout)?;
    let last = exported[0]["stream"]["stream_state"]["updated_at"].as_str();
    ensure!(last == Some("2024-01-01T03:20:00Z"), "{exported}");
    for broken in [json!([{"x": 1}]), json!([users("yesterday")]), json!({"nobody": {"a": "b"}})] {
        let refused = import(&project, &broken, &["--replace"]).await?;
        ensure!(!refused.status.success(), "{broken}: {}", said(&refused));
    }
    Ok(())
}
