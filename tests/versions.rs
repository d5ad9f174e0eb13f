//! Versions of a manifest with the real program: a new one that fails, one that loses a column, one that goes to some
//! connections first, and the way back.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer, Request};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const PAGE: usize = 20;

/// A manifest with the table `users`, read from `path`, with what else belongs to the stream.
fn manifest(path: &str, more: &str) -> String {
    format!(
        r##"
version: 6.0.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [users]}}
streams:
  - type: DeclarativeStream
    name: users
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {{type: HttpRequester, url_base: "{{{{ config['url'] }}}}", path: {path}, http_method: GET}}
      record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: [data]}}}}
      paginator:
        type: DefaultPaginator
        page_size_option: {{type: RequestOption, inject_into: request_parameter, field_name: limit}}
        page_token_option: {{type: RequestOption, inject_into: request_parameter, field_name: page}}
        pagination_strategy: {{type: PageIncrement, page_size: {PAGE}, start_from_page: 1, inject_on_first_request: true}}
{more}
spec:
  type: Spec
  connection_specification: {{type: object, required: [url], properties: {{url: {{type: string}}}}}}
"##
    )
}

const INCREMENTAL: &str = r##"    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: {type: MinMaxDatetime, datetime: "2024-01-01T00:00:00Z", datetime_format: "%Y-%m-%dT%H:%M:%SZ"}
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}
"##;

fn schema(columns: &[&str]) -> String {
    let column = |name: &&str| match *name {
        "id" => "id: {type: integer}".to_owned(),
        "updated_at" => "updated_at: {type: string, format: date-time}".to_owned(),
        name => format!("{name}: {{type: string}}"),
    };
    let columns = columns.iter().map(column).collect::<Vec<_>>().join(", ");
    format!(
        "    schema_loader: {{type: InlineSchemaLoader, schema: {{type: object, properties: {{{columns}}}}}}}\n"
    )
}

fn good(path: &str) -> String {
    manifest(path, &format!("{INCREMENTAL}{}", schema(&["id", "name", "email", "updated_at"])))
}

/// A manifest that throws the mail address away and does not say so.
fn forgetful() -> String {
    let removed = "    transformations: [{type: RemoveFields, field_pointers: [[email]]}]\n";
    manifest("/users", &format!("{INCREMENTAL}{removed}{}", schema(&["id", "name", "updated_at"])))
}

/// What the API knows, and how it feels today.
#[derive(Default)]
struct Api {
    users: Mutex<Vec<Value>>,
    down: AtomicBool,
}

fn user(id: usize, round: usize) -> Value {
    json!({
        "id": id, "name": format!("user {id} round {round}"), "email": format!("u{id}r{round}@example.com"),
        "updated_at": format!("2024-0{}-01T00:00:00Z", round + 1),
    })
}

impl Api {
    fn with_users(count: usize) -> Arc<Api> {
        let api = Api::default();
        *api.users.lock().unwrap() = (1..=count).map(|id| user(id, 0)).collect();
        Arc::new(api)
    }

    /// Every second user is changed, and so many are new.
    fn change(&self, round: usize, new: usize) {
        let mut users = self.users.lock().unwrap();
        let count = users.len();
        for id in (2..=count).step_by(2) {
            users[id - 1] = user(id, round);
        }
        users.extend((count + 1..=count + new).map(|id| user(id, round)));
    }

    fn answer(&self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let parameter = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.unwrap_or_default().replace("%3A", ":")
        };
        let page: usize = parameter("page").parse().unwrap_or(1);
        // The newer address has forgotten what comes after its second page.
        if self.down.load(Ordering::Relaxed) || (path == "/v2/users" && page == 3) {
            return Answer { status: 404, ..Answer::json(&json!({"message": "no such page"})) };
        }
        let since = parameter("since");
        let users = self.users.lock().unwrap();
        let rows: Vec<&Value> = users
            .iter()
            .filter(|user| user["updated_at"].as_str().unwrap_or_default() >= since.as_str())
            .skip((page - 1) * PAGE)
            .take(PAGE)
            .collect();
        Answer::json(&json!({"data": rows}))
    }
}

/// A project with the first version of the manifest, which has run once.
struct Shop {
    api: Arc<Api>,
    project: Project,
    _server: HttpServer,
}

impl Shop {
    async fn new(users: usize) -> Result<Shop> {
        let api = Api::with_users(users);
        let served = Arc::clone(&api);
        let server = HttpServer::start(move |request| served.answer(&request)).await?;
        let source = format!("connector: shop\nconfig:\n  url: {}\n", server.url());
        let project = Project::with_source(&built_program()?, &source, "")?;
        project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
        for name in ["main", "other"] {
            let text = format!(
                "source: source\ndestination: target\nschema: {name}\ntables:\n  - name: users\n    mode: merge\n    cursor: updated_at\n"
            );
            project.write(&format!("connections/{name}.yaml"), &text)?;
        }
        let shop = Shop { api, project, _server: server };
        shop.set_secret().await?;
        let text = shop.add("1", &good("/users")).await?;
        ensure!(text.contains("version 1"), "{text}");
        shop.ok(&["run", "main", "--yes"]).await?;
        ensure!(shop.users("main")? == shop.expected(), "the first version works");
        Ok(shop)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.env("SYNCLINE_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        command
    }

    /// The vault gets its key with the first secret; runs are recorded from then on.
    async fn set_secret(&self) -> Result<()> {
        let mut child = self.command(&["secret", "set", "unused"]).stdin(Stdio::piped()).spawn()?;
        child.stdin.take().context("a pipe")?.write_all(b"sesame\n").await?;
        ensure!(child.wait().await?.success(), "a secret can be stored");
        Ok(())
    }

    /// Runs a command that must succeed; gives what it said.
    async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().await?;
        ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, said(&output));
        Ok(said(&output))
    }

    async fn add(&self, version: &str, manifest: &str) -> Result<String> {
        let file = format!("{version}.yaml");
        self.project.write(&file, manifest)?;
        let path = self.project.folder().join(&file);
        self.ok(&["connector", "add", path.to_str().context("a path that is text")?, "--name", "shop"]).await
    }

    async fn receipt(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.ok(&["receipt", "last", "--json"]).await?)?)
    }

    fn source(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.project.folder().join("sources/source.yaml"))?)
    }

    /// What stands in the destination.
    fn users(&self, schema: &str) -> Result<Vec<(i64, String, Option<String>)>> {
        let connection = Connection::open(self.project.folder().join("target.duckdb"))?;
        let mut rows =
            connection.prepare(&format!("select id, name, email from {schema}.users order by id, name"))?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What should: each user once, as the API has it.
    fn expected(&self) -> Vec<(i64, String, Option<String>)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let users = self.api.users.lock().unwrap();
        users
            .iter()
            .map(|user| (user["id"].as_i64().unwrap_or(0), text(&user["name"]), Some(text(&user["email"]))))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_at_page_three_is_left_and_nothing_is_lost() -> Result<()> {
    let shop = Shop::new(150).await?;
    let text = shop.add("2", &good("/v2/users")).await?;
    ensure!(
        text.contains("version 2") && shop.source()?.contains("shop@1"),
        "nothing moves by itself: {text}"
    );
    shop.api.change(1, 30);

    let text = shop.ok(&["connector", "upgrade", "shop"]).await?;
    ensure!(text.contains("1 → 2") && text.contains("Nothing was changed"), "{text}");
    ensure!(shop.source()?.contains("shop@1"), "a plan changes nothing");
    shop.ok(&["connector", "upgrade", "shop", "--yes"]).await?;
    ensure!(shop.source()?.contains("shop@2"));

    let text = shop.ok(&["run", "main", "--yes"]).await?;
    ensure!(text.contains("went on with version 1"), "{text}");
    ensure!(shop.users("main")? == shop.expected(), "nothing is lost or doubled");
    let receipt = shop.receipt().await?;
    let versions: Vec<_> =
        receipt["attempts"].as_array().unwrap().iter().map(|a| a["version"].clone()).collect();
    ensure!(versions == ["2", "1"], "{receipt}");
    ensure!(receipt["fell_back"]["bad"] == true && receipt["outcome"] == "succeeded", "{receipt}");
    ensure!(receipt["connectors"]["shop"] == "2" && receipt["config_hash"].is_string(), "{receipt}");

    // History tells the story, and the next run does not try again what is known to be bad.
    let text = shop.ok(&["status", "main"]).await?;
    ensure!(text.contains("version 2 → 1") && text.contains("no such page"), "{text}");
    let text = shop.ok(&["connector", "list"]).await?;
    ensure!(text.contains("version 2 of `shop` is bad for it, it runs on 1"), "{text}");
    shop.api.change(2, 10);
    shop.ok(&["run", "main", "--yes"]).await?;
    let receipt = shop.receipt().await?;
    ensure!(receipt["attempts"][0]["version"] == "1" && receipt["fell_back"].is_null(), "{receipt}");
    ensure!(shop.users("main")? == shop.expected());

    // Asked for again, it is tried again.
    shop.ok(&["connector", "upgrade", "shop", "--to", "2", "--yes"]).await?;
    shop.api.change(3, 10);
    shop.ok(&["run", "main", "--yes"]).await?;
    ensure!(shop.receipt().await?["fell_back"]["from"] == "2");
    let text = shop.ok(&["connector", "rollback", "shop"]).await?;
    ensure!(text.contains("version 1") && shop.source()?.contains("shop@1"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_drops_a_column_in_silence_is_left_before_it_writes() -> Result<()> {
    let shop = Shop::new(90).await?;
    shop.add("2", &forgetful()).await?;
    shop.api.change(1, 25);
    let text = shop.ok(&["connector", "upgrade", "shop", "--yes"]).await?;
    ensure!(text.contains("- email"), "the plan tells which column goes: {text}");
    shop.ok(&["run", "main", "--yes"]).await?;
    ensure!(shop.users("main")? == shop.expected(), "every value is there");
    let receipt = shop.receipt().await?;
    let because = receipt["fell_back"]["because"].as_str().unwrap_or_default();
    ensure!(
        because.contains("gives no value for `email`") && receipt["fell_back"]["bad"] == true,
        "{receipt}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_not_blamed_for_an_api_that_is_down() -> Result<()> {
    let shop = Shop::new(30).await?;
    shop.add("2", &good("/users")).await?;
    shop.ok(&["connector", "upgrade", "shop", "--yes"]).await?;
    shop.api.down.store(true, Ordering::Relaxed);
    let failed = shop.command(&["run", "main", "--yes"]).output().await?;
    ensure!(!failed.status.success(), "{}", said(&failed));
    let receipt = shop.receipt().await?;
    ensure!(receipt["fell_back"]["bad"] == false, "the earlier version did no better: {receipt}");

    shop.api.down.store(false, Ordering::Relaxed);
    shop.api.change(1, 5);
    shop.ok(&["run", "main", "--yes"]).await?;
    let receipt = shop.receipt().await?;
    ensure!(receipt["connectors"]["shop"] == "2" && receipt["fell_back"].is_null(), "{receipt}");
    ensure!(shop.users("main")? == shop.expected());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_can_go_to_one_connection_first() -> Result<()> {
    let shop = Shop::new(30).await?;
    shop.add("2", &good("/users?new=1")).await?;
    let versions = |receipt: &Value| receipt["connectors"]["shop"].clone();
    shop.ok(&["connector", "upgrade", "shop", "--only", "other", "--yes"]).await?;
    shop.ok(&["run", "other", "--yes"]).await?;
    ensure!(versions(&shop.receipt().await?) == "2");
    shop.ok(&["run", "main", "--yes"]).await?;
    ensure!(versions(&shop.receipt().await?) == "1", "the source and its other connections stay");
    let text = shop.ok(&["connector", "list"]).await?;
    ensure!(text.contains("other") && text.contains("source"), "{text}");
    let removed = shop.command(&["connector", "remove", "shop@2"]).output().await?;
    ensure!(!removed.status.success(), "a version in use is kept: {}", said(&removed));

    shop.ok(&["connector", "rollback", "shop", "--only", "other"]).await?;
    shop.ok(&["run", "other", "--yes"]).await?;
    ensure!(versions(&shop.receipt().await?) == "1");
    shop.ok(&["connector", "remove", "shop@2"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_shows_what_would_differ_and_asks_nobody() -> Result<()> {
    let shop = Shop::new(45).await?;
    let tape = std::fs::read(shop.project.folder().join(".syncline/recordings/main.tape"))?;
    let plain = |word: &[u8]| tape.windows(word.len()).any(|window| window == word);
    ensure!(tape.len() > 1000 && !plain(b"example.com") && !plain(b"users"), "answers are kept sealed");
    // From here on nobody answers.
    shop.api.down.store(true, Ordering::Relaxed);
    shop.add("2", &forgetful()).await?;
    let text = shop.ok(&["connector", "rehearse", "shop", "--to", "2", "--only", "main"]).await?;
    ensure!(text.contains("45 → 45 rows") && text.contains("- email"), "{text}");
    shop.add("3", &good("/users")).await?;
    let text = shop.ok(&["connector", "rehearse", "shop", "--only", "main"]).await?;
    ensure!(text.contains("users: 45 rows, the same"), "{text}");
    shop.add("4", &good("/v2/users")).await?;
    let text = shop.ok(&["connector", "rehearse", "shop", "--to", "4", "--only", "main"]).await?;
    ensure!(text.contains("did not ask for GET /v2/users"), "{text}");
    let upper = good("/users").replace(
        "    incremental_sync:",
        "    transformations: [{type: AddFields, fields: [{path: [name], value: \"{{ record.name | upper }}\"}]}]\n    incremental_sync:",
    );
    shop.add("5", &upper).await?;
    let json = shop.ok(&["connector", "rehearse", "shop", "--only", "main", "--json"]).await?;
    let rehearsed: Value = serde_json::from_str(&json)?;
    let difference = &rehearsed[0]["tables"][0]["difference"];
    ensure!(difference["only_before"] == 45 && difference["only_after"] == 45, "{json}");
    ensure!(json.contains("USER 1 ROUND 0"), "examples show both sides: {json}");
    ensure!(shop.source()?.contains("shop@1"), "nothing was changed");
    Ok(())
}
