//! Refresh tokens that are worth nothing once they are used: the real program keeps each new one in its vault.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use serde_json::json;
use syncline_testkit::http::{Answer, HttpServer, Request};
use syncline_testkit::recorded::{Exchange, Recording, Replay};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const MANIFEST: &str = r##"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [users]}
definitions:
  stream:
    type: DeclarativeStream
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "{{ config['url'] }}"
        path: "/{{ parameters['name'] }}"
        authenticator:
          type: OAuthAuthenticator
          token_refresh_endpoint: "{{ config['url'] }}/token"
          client_id: "{{ config['credentials']['client_id'] }}"
          client_secret: "{{ config['credentials']['client_secret'] }}"
          refresh_token: "{{ config['credentials']['refresh_token'] }}"
          refresh_token_updater: {}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
    schema_loader:
      type: InlineSchemaLoader
      schema: {type: object, properties: {id: {type: integer}}}
streams:
  - {$ref: "#/definitions/stream", $parameters: {name: users}}
  - {$ref: "#/definitions/stream", $parameters: {name: orders}}
spec:
  type: Spec
  connection_specification:
    type: object
    required: [url, credentials]
    properties:
      url: {type: string}
      credentials:
        type: object
        required: [client_id, client_secret, refresh_token]
        properties:
          client_id: {type: string}
          client_secret: {type: string, airbyte_secret: true}
          refresh_token: {type: string, airbyte_secret: true}
"##;

/// A sign-in server whose tokens can be used once, with what it has seen.
#[derive(Default)]
struct SignIn {
    /// How many times it has given tokens.
    given: usize,
    refused: Vec<String>,
}

const FIRST: &str = "refresh-number-0";

fn answer(sign_in: &Mutex<SignIn>, request: &Request) -> Answer {
    let mut sign_in = sign_in.lock().unwrap();
    let refuse = |status| Answer { status, ..Answer::json(&json!({"error": "invalid_grant"})) };
    if request.target == "/token" {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if !body.contains(&format!("refresh_token=refresh-number-{}&", sign_in.given))
            && !body.ends_with(&format!("refresh_token=refresh-number-{}", sign_in.given))
        {
            sign_in.refused.push(body);
            return refuse(400);
        }
        sign_in.given += 1;
        return Answer::json(&json!({
            "access_token": format!("access-number-{}", sign_in.given),
            "refresh_token": format!("refresh-number-{}", sign_in.given),
            "expires_in": 3600,
        }));
    }
    let expected = format!("Bearer access-number-{}", sign_in.given);
    if request.header("authorization") != Some(&expected) {
        return refuse(401);
    }
    Answer::json(&json!([{"id": 1}, {"id": 2}]))
}

struct Case {
    project: Project,
    _server: Option<HttpServer>,
    sign_in: Arc<Mutex<SignIn>>,
}

impl Case {
    /// A project whose API is somewhere else.
    fn over(project: Project) -> Case {
        Case { project, _server: None, sign_in: Arc::default() }
    }

    async fn new(refresh_token: &str) -> Result<Case> {
        let sign_in: Arc<Mutex<SignIn>> = Arc::default();
        let served = Arc::clone(&sign_in);
        let server = HttpServer::start(move |request| answer(&served, &request)).await?;
        let source = format!(
            "connector: rotating\nconfig:\n  url: {}\n  credentials:\n    client_id: me\n    client_secret: ${{secret:client}}\n    refresh_token: {refresh_token}\n",
            server.url()
        );
        let project = Project::with_source(&built_program()?, &source, "")?;
        project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
        project.write(
            "connections/main.yaml",
            "source: source\ndestination: target\nschema: api\ntables:\n  - name: users\n  - name: orders\n",
        )?;
        project.write("rotating.yaml", MANIFEST)?;
        let case = Case { project, _server: Some(server), sign_in };
        let file = case.project.folder().join("rotating.yaml");
        case.ok(&["connector", "add", file.to_str().context("a path that is text")?]).await?;
        case.keep("client", "client-secret-of-ours").await?;
        Ok(case)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command
            .env("SYNCLINE_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("TOKEN", FIRST);
        command
    }

    async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().await?;
        ensure!(output.status.success(), "{arguments:?}: {}", said(&output));
        Ok(said(&output))
    }

    async fn keep(&self, name: &str, value: &str) -> Result<()> {
        let mut child = self.command(&["secret", "set", name]).stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        stdin.write_all(value.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_replaced_is_kept_for_the_next_run() -> Result<()> {
    let case = Case::new("${secret:token}").await?;
    case.keep("token", FIRST).await?;
    // Each is a program of its own: checks use up a token, too.
    let mut texts = vec![case.ok(&["check", "source"]).await?];
    for _ in 0..2 {
        texts.push(case.ok(&["run", "main", "--yes"]).await?);
    }
    {
        let sign_in = case.sign_in.lock().unwrap();
        ensure!(sign_in.refused.is_empty(), "{:?}", sign_in.refused);
        // Two tables share one token, and discovery and reading do.
        ensure!(sign_in.given == 3, "{} tokens were asked for by three programs", sign_in.given);
    }
    let connection = Connection::open(case.project.folder().join("target.duckdb"))?;
    let count = |table: &str| {
        connection.query_row(&format!("select count(*) from api.{table}"), [], |row| row.get::<_, i64>(0))
    };
    ensure!((count("users")?, count("orders")?) == (2, 2));
    drop(connection);
    // No token is in any file or on the screen.
    texts.extend(files_of(&case.project)?);
    for text in texts {
        ensure!(!text.contains("refresh-number-") && !text.contains("access-number-"), "{text}");
    }
    Ok(())
}

/// What all files of a project hold.
fn files_of(project: &Project) -> Result<Vec<String>> {
    let (mut texts, mut left) = (Vec::new(), vec![project.folder().to_owned()]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                left.push(entry?.path());
            }
            continue;
        }
        texts.push(String::from_utf8_lossy(&std::fs::read(&path)?).into_owned());
    }
    Ok(texts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_that_cannot_be_kept_is_told() -> Result<()> {
    let case = Case::new("${env:TOKEN}").await?;
    case.ok(&["run", "main", "--yes"]).await?;
    let again = case.command(&["run", "main", "--yes"]).output().await?;
    ensure!(!again.status.success(), "{}", said(&again));
    ensure!(said(&again).contains("Sign in again"), "{}", said(&again));
    let logs = std::fs::read_dir(case.project.folder().join(".syncline/logs"))?;
    let logs: String = logs.filter_map(|log| std::fs::read_to_string(log.ok()?.path()).ok()).collect();
    ensure!(logs.contains("cannot be kept") && !logs.contains("refresh-number-"), "{logs}");
    Ok(())
}

/// What the sign-in server of a recording gives for the token that somebody has entered.
const SECOND: &str = "rotated-refresh-token";

/// A recording whose sign-in server gives another refresh token for the one that was entered, and takes that one next.
fn rotating(mut recording: Recording) -> Result<Recording> {
    let of_token =
        |exchange: &Exchange| exchange.form.as_ref().is_some_and(|form| form.contains_key("refresh_token"));
    let first = recording
        .exchanges
        .iter_mut()
        .find(|exchange| of_token(exchange))
        .context("an exchange of a token")?;
    let answer = first.answer.as_mut().context("an answer")?;
    answer["refresh_token"] = SECOND.into();
    let mut second = first.clone();
    second.form.as_mut().context("a form")?.insert("refresh_token".to_owned(), SECOND.to_owned());
    recording.exchanges.push(second);
    Ok(recording)
}

/// A service of the catalogue, by its own manifest and its own recording, over three programs.
async fn keeps_its_tokens(service: &str, recording: &Recording, at: &[&str], table: &str) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/manifests").join(service);
    let replay = Replay::start(&rotating(recording.clone())?).await?;
    let mut settings = recording.settings.clone();
    let credentials = at.iter().fold(&mut settings, |value, step| &mut value[*step]);
    (credentials["client_secret"], credentials["refresh_token"]) =
        ("${secret:client}".into(), "${secret:token}".into());
    let source = json!({"connector": "service", "config": settings});
    let project = Project::with_source(&built_program()?, &replay.localised(&source.to_string()), "")?;
    project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
    let tables = format!("  - name: {table}\n    mode: merge\n");
    project.write(
        "connections/main.yaml",
        &format!("source: source\ndestination: target\nschema: api\ntables:\n{tables}"),
    )?;
    let manifest = std::fs::read_to_string(folder.join("manifest.yaml"))?;
    project.write("service.yaml", &replay.localised(&manifest))?;
    let case = Case::over(project);
    let file = case.project.folder().join("service.yaml");
    case.ok(&["connector", "add", file.to_str().context("a path that is text")?]).await?;
    case.keep("client", "shh").await?;
    case.keep("token", "again").await?;
    let mut texts = Vec::new();
    for sent in ["again", SECOND, SECOND] {
        texts.push(case.ok(&["run", "main", "--yes"]).await?);
        let log = replay.take_log();
        let tokens: Vec<&String> = log.iter().filter(|asked| asked.contains("refresh_token=")).collect();
        ensure!(
            tokens.len() == 1 && tokens[0].contains(&format!("refresh_token={sent}")),
            "{service} sent {tokens:?} instead of {sent}"
        );
    }
    ensure!(replay.unexpected().is_empty(), "{service}: {:?}", replay.unexpected());
    let connection = Connection::open(case.project.folder().join("target.duckdb"))?;
    let rows: i64 =
        connection.query_row(&format!("select count(*) from api.{table}"), [], |row| row.get(0))?;
    ensure!(rows > 0, "{service} gave no rows");
    drop(connection);
    texts.extend(files_of(&case.project)?);
    ensure!(!texts.iter().any(|text| text.contains(SECOND)), "{service}: a token lies in the open");
    Ok(())
}

fn recording(service: &str) -> Result<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/manifests").join(service);
    Recording::parse(&std::fs::read_to_string(folder.join("fixtures/exchanges.yaml"))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn services_whose_tokens_rotate_are_asked_with_the_one_that_they_gave_last() -> Result<()> {
    keeps_its_tokens("quickbooks", &recording("quickbooks")?, &[], "accounts").await?;
    for (service, table) in [("xero", "accounts"), ("salesforce", "salesforce_objects")] {
        let recording = recording(service)?;
        let signed_in = recording.signed_in(recording.also.first().context("a sign-in with tokens")?);
        keeps_its_tokens(service, &signed_in, &["credentials"], table).await?;
    }
    Ok(())
}
