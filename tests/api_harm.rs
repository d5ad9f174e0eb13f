//! APIs that do harm, into DuckDB with the real program: bodies that never end, pages that are none, servers that die and
//! tokens that run out in the middle. Nothing is lost, nothing comes twice, and what is said helps.

use std::io::Write as _;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, measured, said};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer, Request};

/// All rows by pages of 100, and the same rows by what changed.
const MANIFEST: &str = r##"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [rows]}
definitions:
  retriever:
    type: SimpleRetriever
    requester:
      type: HttpRequester
      url_base: "{{ config['url'] }}"
      path: /rows
      http_method: GET
      authenticator: AUTHENTICATOR
      error_handler:
        type: DefaultErrorHandler
        max_retries: 1
        backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: 0.01}]
    record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
    paginator:
      type: DefaultPaginator
      page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
      pagination_strategy: {type: PageIncrement, page_size: 100, start_from_page: 1, inject_on_first_request: true}
  schema_loader:
    type: InlineSchemaLoader
    schema:
      type: object
      properties: {id: {type: integer}, name: {type: string}, updated_at: {type: string, format: date-time}}
streams:
  - type: DeclarativeStream
    name: rows
    primary_key: [id]
    retriever: {$ref: "#/definitions/retriever"}
    schema_loader: {$ref: "#/definitions/schema_loader"}
  - type: DeclarativeStream
    name: changes
    primary_key: [id]
    retriever: {$ref: "#/definitions/retriever"}
    schema_loader: {$ref: "#/definitions/schema_loader"}
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: updated_at
      datetime_format: "%Y-%m-%dT%H:%M:%SZ"
      start_datetime: "2024-01-01T00:00:00Z"
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}
spec:
  type: Spec
  connection_specification: {type: object, properties: {url: {type: string}, secret: {type: string, airbyte_secret: true}}}
"##;

const OAUTH: &str = r#"{type: OAuthAuthenticator, grant_type: client_credentials, client_id: me,
        client_secret: "{{ config['secret'] }}", token_refresh_endpoint: "{{ config['url'] }}/token"}"#;
const SECRET: &str = "hush-hush-nobody-knows";
/// More memory than this the program never takes, whatever an API sends.
const PEAK_MAX: u64 = 512 << 20;

/// A row of the API; the later ones changed later.
fn row(id: u64) -> Value {
    let at = format!("2024-05-{:02}T{:02}:{:02}:00Z", 1 + id / 1440, id / 60 % 24, id % 60);
    json!({"id": id, "name": format!("row {id}"), "updated_at": at})
}

fn parameter<'r>(request: &'r Request, name: &str) -> &'r str {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

fn page_of(request: &Request) -> usize {
    parameter(request, "page").parse().unwrap_or(1)
}

/// The page that a request asks for, of so many rows.
fn page(request: &Request, rows: u64) -> Answer {
    let since = parameter(request, "since").replace("%3A", ":");
    let all = (1..=rows).map(row).filter(|row| row["updated_at"].as_str() >= Some(since.as_str()));
    let page: Vec<Value> = all.skip((page_of(request) - 1) * 100).take(100).collect();
    Answer::json(&json!({"data": page}))
}

/// A project whose tables come from an address.
struct Api {
    project: Project,
}

impl Api {
    async fn at(url: &str, authenticator: &str, settings: &str) -> Result<Api> {
        let source =
            format!("connector: harm-api\nconfig:\n  url: {url}\n  secret: ${{env:API_SECRET}}\n{settings}");
        let project = Project::with_source(&built_program()?, &source, "")?;
        project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
        project.write(
            "connections/main.yaml",
            "source: source\ndestination: target\nschema: api\ntables:\n  - name: rows\n  - name: changes\n    mode: merge\n    cursor: updated_at\n",
        )?;
        let api = Api { project };
        let added = api.add(&MANIFEST.replace("AUTHENTICATOR", authenticator)).await?;
        ensure!(added.status.success(), "{}", said(&added));
        Ok(api)
    }

    async fn add(&self, manifest: &str) -> Result<Output> {
        self.project.write("harm-api.yaml", manifest)?;
        let file = self.project.folder().join("harm-api.yaml");
        let file = file.to_str().context("a path that is text")?;
        Ok(self.command(&["connector", "add", "--replace", file]).output().await?)
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = self.project.command(arguments);
        command.env("API_SECRET", SECRET);
        command
    }

    /// Runs the connection; what it said.
    async fn run(&self) -> Result<String> {
        let output = self.command(&["run", "main", "--yes"]).output().await?;
        ensure!(output.status.success(), "{}: {}", output.status, said(&output));
        Ok(said(&output))
    }

    /// Runs the connection, which must fail with all of this said, and without the secret; its peak memory.
    async fn fails(&self, wanted: &[&str]) -> Result<u64> {
        let (output, peak) = measured(self.command(&["run", "main", "--yes"])).await?;
        let said = said(&output);
        println!("{said}");
        ensure!(!output.status.success(), "it should fail: {said}");
        for wanted in wanted {
            ensure!(said.contains(wanted), "{wanted:?} is not said: {said}");
        }
        ensure!(!said.contains(SECRET) && !said.contains("panicked"), "{said}");
        Ok(peak)
    }

    /// How many rows a table has, and how many of them are there twice. None: there is no such table yet.
    fn found(&self, table: &str) -> Result<Option<(i64, i64)>> {
        let file = self.project.folder().join("target.duckdb");
        if !file.exists() {
            return Ok(None);
        }
        let connection = Connection::open(file)?;
        let query = format!("select count(*), count(*) - count(distinct id) from api.{table}");
        Ok(connection.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?))).ok())
    }

    /// Both tables have so many rows, each once.
    fn has(&self, rows: i64) -> Result<()> {
        for table in ["rows", "changes"] {
            let found = self.found(table)?;
            ensure!(found == Some((rows, 0)), "{table}: {found:?} instead of {rows} rows");
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_pages_loses_nothing() -> Result<()> {
    let server = HttpServer::start(|request| page(&request, 450)).await?;
    let url = server.url();
    let address = url.trim_start_matches("http://").to_owned();
    let api = Api::at(&url, "{type: NoAuth}", "").await?;
    api.run().await?;
    api.has(450)?;
    server.stop().await;

    // It comes back with more rows, and dies after three pages: from then on nobody answers.
    let life = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&life);
    let server = HttpServer::start_at(&address, move |request| {
        let is_alive = page_of(&request) <= 3 && counted.fetch_add(1, Ordering::Relaxed) < 8;
        let breaks_after = if is_alive { None } else { Some(0) };
        Answer { breaks_after, ..page(&request, 900) }
    })
    .await?;
    api.fails(&["rows", "changes"]).await?;
    let rows = api.found("rows")?;
    ensure!(rows == Some((450, 0)), "a copy that did not come to its end is not shown: {rows:?}");
    server.stop().await;
    api.fails(&["rows", "changes"]).await?;

    let _server = HttpServer::start_at(&address, |request| page(&request, 900)).await?;
    api.run().await?;
    api.has(900)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_breaks_off_is_asked_for_again() -> Result<()> {
    let (broken, times) = (Arc::new(AtomicUsize::new(3)), Arc::new(AtomicUsize::new(2)));
    let (breaks, left) = (Arc::clone(&broken), Arc::clone(&times));
    let server = HttpServer::start(move |request| {
        let is_page = page_of(&request) == breaks.load(Ordering::Relaxed);
        let spend = |left: usize| left.checked_sub(1);
        let is_broken = is_page && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok();
        Answer { breaks_after: is_broken.then_some(4000), ..page(&request, 450) }
    })
    .await?;
    let api = Api::at(&server.url(), "{type: NoAuth}", "").await?;
    // Once in each table, or twice in one.
    api.run().await?;
    api.has(450)?;
    ensure!(times.load(Ordering::Relaxed) == 0, "no page broke off");

    // One that always breaks off is an error, and what was there stays.
    times.store(usize::MAX, Ordering::Relaxed);
    broken.store(1, Ordering::Relaxed);
    api.fails(&["rows", "changes"]).await?;
    api.has(450)?;
    times.store(0, Ordering::Relaxed);
    api.run().await?;
    api.has(450)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_between_pages_is_renewed() -> Result<()> {
    let tokens = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&tokens);
    let used = Mutex::new(std::collections::HashMap::<String, usize>::new());
    let server = HttpServer::start(move |request| {
        if request.target == "/token" {
            let number = given.fetch_add(1, Ordering::Relaxed);
            return Answer::json(&json!({"access_token": format!("token-{number}"), "expires_in": 3600}));
        }
        let token = request.header("authorization").unwrap_or_default().to_owned();
        // Each token is good for three requests, whatever the server promised.
        let times = *used.lock().unwrap().entry(token.clone()).and_modify(|times| *times += 1).or_insert(1);
        if !token.starts_with("Bearer token-") || times > 3 {
            return Answer {
                status: 401,
                ..Answer::json(&json!({"message": format!("{token} has expired")}))
            };
        }
        page(&request, 950)
    })
    .await?;
    let api = Api::at(&server.url(), OAUTH, "").await?;
    let said = api.run().await?;
    ensure!(tokens.load(Ordering::Relaxed) >= 6, "{said}");
    ensure!(!said.contains("token-") && !said.contains(SECRET), "{said}");
    api.has(950)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_answer() -> Result<()> {
    let ill = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&ill);
    let server = HttpServer::start(move |request| {
        if page_of(&request) != state.load(Ordering::Relaxed) {
            return page(&request, 350);
        }
        let text = "<!DOCTYPE html><html><body>Please sign in</body></html>";
        Answer { body: text.as_bytes().into(), ..Answer::default() }.with("Content-Type", "text/html")
    })
    .await?;
    let api = Api::at(&server.url(), "{type: NoAuth}", "").await?;
    api.run().await?;
    ill.store(2, Ordering::Relaxed);
    api.fails(&["a web page instead of data", "sign-in page"]).await?;
    api.has(350)?;
    ill.store(0, Ordering::Relaxed);
    api.run().await?;
    api.has(350)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_gigabytes_are_refused() -> Result<()> {
    let mut piece = b"{\"data\": [".to_vec();
    piece.resize(1 << 20, b' ');
    let piece: Arc<[u8]> = piece.into();
    let server =
        HttpServer::start(move |_| Answer { body: Arc::clone(&piece), times: 5 << 10, ..Answer::default() })
            .await?;
    let api = Api::at(&server.url(), "{type: NoAuth}", "").await?;
    let peak = api.fails(&["more than 128 MB", "smaller pages"]).await?;
    ensure!(peak < PEAK_MAX, "{} MB", peak >> 20);
    ensure!(api.found("rows")?.is_none_or(|(rows, _)| rows == 0));
    Ok(())
}

/// 320 MB of spaces, packed.
fn bomb(packing: &str) -> Result<Vec<u8>> {
    let spaces = vec![b' '; 16 << 20];
    let mut packed = Vec::new();
    let mut writer: Box<dyn std::io::Write + '_> = match packing {
        "gzip" => Box::new(flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast())),
        "zstd" => Box::new(zstd::Encoder::new(&mut packed, 1)?.auto_finish()),
        _ => Box::new(brotli::CompressorWriter::new(&mut packed, 1 << 16, 1, 22)),
    };
    for _ in 0..20 {
        writer.write_all(&spaces)?;
    }
    drop(writer);
    Ok(packed)
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_bombs_are_refused() -> Result<()> {
    for packing in ["gzip", "zstd", "br"] {
        let body = bomb(packing)?;
        ensure!(body.len() < 16 << 20, "{packing} packs {} bytes", body.len());
        let body: Arc<[u8]> = body.into();
        let server = HttpServer::start(move |_| {
            Answer { body: Arc::clone(&body), ..Answer::default() }.with("Content-Encoding", packing)
        })
        .await?;
        let api = Api::at(&server.url(), "{type: NoAuth}", "").await?;
        let peak = api.fails(&["more than 128 MB"]).await?;
        ensure!(peak < PEAK_MAX, "{packing}: {} MB", peak >> 20);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_api_does_not_lead_into_the_local_network() -> Result<()> {
    // What is not public itself: it notes who comes.
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let inside = HttpServer::start(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        page(&request, 150)
    })
    .await?;
    // Stands for the internet: whoever is asked for, it sends on.
    let target = inside.url();
    let internet = HttpServer::start(move |request| {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        Answer { status: 302, ..Answer::default() }.with("Location", &format!("{target}/rows?{query}"))
    })
    .await?;
    let run = |api: &Api| {
        let mut command = api.command(&["run", "main", "--yes"]);
        command
            .env("HTTP_PROXY", internet.url())
            .env("http_proxy", internet.url())
            .env("NO_PROXY", "127.0.0.1");
        command
    };
    let public = "http://api.example.invalid";
    let api = Api::at(public, "{type: NoAuth}", "").await?;
    let refused = run(&api).output().await?;
    println!("{}", said(&refused));
    ensure!(!refused.status.success(), "{}", said(&refused));
    ensure!(said(&refused).contains("local network"), "{}", said(&refused));
    ensure!(visits.load(Ordering::Relaxed) == 0, "it was visited all the same");

    let allowed = "  syncline:\n    allow_private_addresses: true\n";
    let api = Api::at(public, "{type: NoAuth}", allowed).await?;
    let output = run(&api).output().await?;
    ensure!(output.status.success(), "{}", said(&output));
    api.has(150)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_who_it_is_is_not_asked() -> Result<()> {
    // A server that does not speak TLS at all, and one whose certificate nobody vouches for.
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let plain = HttpServer::start(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        page(&request, 100)
    })
    .await?;
    let api = Api::at(&plain.url().replace("http://", "https://"), "{type: NoAuth}", "").await?;
    api.fails(&["rows", "must speak TLS"]).await?;
    ensure!(asked.load(Ordering::Relaxed) == 0);

    let folder = tempfile::tempdir()?;
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let mut make = tokio::process::Command::new("openssl");
    make.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
    ])
    .arg("subjectAltName=IP:127.0.0.1")
    .arg("-keyout")
    .arg(&key)
    .arg("-out")
    .arg(&certificate);
    let made = make.output().await?;
    ensure!(made.status.success(), "{}", said(&made));
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut server = tokio::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}"), "-key"])
        .arg(&key)
        .arg("-cert")
        .arg(&certificate)
        .kill_on_drop(true)
        .spawn()?;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        ensure!(server.try_wait()?.is_none(), "openssl has ended");
        tokio::task::yield_now().await;
    }
    let api = Api::at(&format!("https://127.0.0.1:{port}"), "{type: NoAuth}", "").await?;
    api.fails(&["rows", "certificate has run out or is its own"]).await?;
    ensure!(api.found("rows")?.is_none_or(|(rows, _)| rows == 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_never_end_are_told_so() -> Result<()> {
    let server = HttpServer::start(|request| page(&request, 150)).await?;
    let api = Api::at(&server.url(), "{type: NoAuth}", "").await?;
    api.run().await?;
    let manifest = MANIFEST.replace("AUTHENTICATOR", "{type: NoAuth}");

    let cycle = manifest.replace(
        "definitions:\n",
        "definitions:\n  a: {$ref: \"#/definitions/b\"}\n  b: {$ref: \"#/definitions/a\"}\n",
    );
    let refused = api.add(&cycle).await?;
    println!("{}", said(&refused));
    ensure!(!refused.status.success() && said(&refused).contains("#/definitions/"), "{}", said(&refused));

    // Loops in loops in loops: a thousand million rounds for each row.
    let begin = "{% for a in 'x' * 1000 %}";
    let loops = format!("{}x{}", begin.repeat(3), "{% endfor %}".repeat(3));
    let added = format!(
        "    transformations:\n      - type: AddFields\n        fields: [{{path: [name], value: \"{loops}\"}}]\n"
    );
    let endless = manifest.replace("    name: rows\n", &format!("    name: rows\n{added}"));
    ensure!(endless != manifest);
    let replaced = api.add(&endless).await?;
    ensure!(replaced.status.success(), "{}", said(&replaced));
    api.fails(&["rows", "million steps"]).await?;
    api.has(150)
}
