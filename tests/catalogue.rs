//! Manifests from elsewhere with the real program: an index that a server gives out in the form of Airbyte's registry,
//! connectors added from it by name, wheels and folders; each is synced, or refused in words.

use std::io::{Cursor, Write as _};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer, Request};

/// A manifest with the table `things`, read from `path`; its columns are in a file beside it where `beside`.
fn manifest(path: &str, beside: bool) -> String {
    let schema = match beside {
        true => {
            "{type: JsonFileSchemaLoader, file_path: \"./source_things/schemas/{{ parameters['name'] }}.json\"}"
        }
        false => "{type: InlineSchemaLoader, schema: {type: object, properties: {id: {type: integer}}}}",
    };
    format!(
        r##"
version: 6.0.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [things]}}
streams:
  - type: DeclarativeStream
    name: things
    $parameters: {{name: things}}
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {{type: HttpRequester, url_base: "{{{{ config['url'] }}}}", path: {path}, http_method: GET}}
      record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: []}}}}
    schema_loader: {schema}
spec:
  type: Spec
  connection_specification: {{type: object, required: [url], properties: {{url: {{type: string}}}}}}
"##
    )
}

fn text(body: String) -> Answer {
    Answer { body: body.into_bytes().into(), ..Answer::default() }
}

fn gone() -> Answer {
    Answer { status: 404, ..text("nothing here".to_owned()) }
}

/// A registry as Airbyte publishes it, and the API that its connectors read.
struct Published {
    /// The newest version of `things`.
    version: Mutex<&'static str>,
}

impl Published {
    fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let version = *self.version.lock().unwrap();
        match path {
            "/files/registries/v0/oss_registry.json" => Answer::json(&json!({
                "sources": [
                    {"name": "Things of Acme", "dockerRepository": "airbyte/source-things", "dockerImageTag": version,
                     "language": "manifest-only", "spec": {"connectionSpecification": {"type": "object"}}},
                    {"name": "Gone", "dockerRepository": "airbyte/source-gone", "dockerImageTag": "0.0.1",
                     "tags": ["language:manifest-only"]},
                    {"name": "Postgres", "dockerRepository": "airbyte/source-postgres", "dockerImageTag": "3.6.1",
                     "language": "java"},
                ],
                "destinations": [],
            })),
            "/files/metadata/airbyte/source-things/0.3.1/manifest.yaml" => text(manifest("/one", false)),
            "/files/metadata/airbyte/source-things/0.4.0/manifest.yaml" => text(manifest("/two", false)),
            "/wheels/airbyte_source_things-1.4.0-py3-none-any.whl" => {
                Answer { body: wheel().into(), ..Answer::default() }
            }
            "/page" => text("<!doctype html><html><body>Hello</body></html>".to_owned()),
            "/one" => Answer::json(&json!([{"id": 1}, {"id": 2}])),
            "/two" => Answer::json(&json!([{"id": 1}, {"id": 2}, {"id": 3}])),
            _ => gone(),
        }
    }
}

/// A Python package with a manifest in it, as they lie on PyPI.
fn wheel() -> Vec<u8> {
    let schema =
        json!({"type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}});
    let files = [
        ("source_things/__init__.py", String::new()),
        ("source_things/manifest.yaml", manifest("/one", true)),
        ("source_things/schemas/things.json", schema.to_string()),
        (
            "airbyte_source_things-1.4.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: airbyte-source-things\nVersion: 1.4.0\n".to_owned(),
        ),
    ];
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

struct Case {
    project: Project,
    published: Arc<Published>,
    server: HttpServer,
}

impl Case {
    async fn new() -> Result<Case> {
        let published = Arc::new(Published { version: Mutex::new("0.3.1") });
        let served = Arc::clone(&published);
        let server = HttpServer::start(move |request| served.answer(&request)).await?;
        let source = format!("connector: things\nconfig:\n  url: {}\n", server.url());
        let project = Project::with_source(&built_program()?, &source, "")?;
        project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
        project.write(
            "connections/main.yaml",
            "source: source\ndestination: target\nschema: api\ntables:\n  - name: things\n    mode: merge\n",
        )?;
        Ok(Case { project, published, server })
    }

    fn registry(&self) -> String {
        format!("{}/files/registries/v0/oss_registry.json", self.server.url())
    }

    async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let output = self.project.command(arguments).output().await?;
        ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, said(&output));
        Ok(said(&output))
    }

    /// Runs a command that must fail; gives what it said.
    async fn refused(&self, arguments: &[&str]) -> Result<String> {
        let output = self.project.command(arguments).output().await?;
        ensure!(!output.status.success(), "{arguments:?} succeeded: {}", said(&output));
        Ok(said(&output))
    }

    /// Syncs, and counts what has landed.
    async fn rows(&self) -> Result<i64> {
        self.ok(&["run", "main", "--yes"]).await?;
        let connection = Connection::open(self.project.folder().join("target.duckdb"))?;
        Ok(connection.query_row("select count(*) from api.things", [], |row| row.get(0))?)
    }

    fn source(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.project.folder().join("sources/source.yaml"))?)
    }

    fn path(&self, name: &str) -> Result<String> {
        let path = self.project.folder().join(name);
        Ok(path.to_str().context("a path that is text")?.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_of_a_registry_are_added_by_name_and_upgraded_from_it() -> Result<()> {
    let case = Case::new().await?;
    let text = case.refused(&["connector", "index"]).await?;
    ensure!(text.contains("No index has been read yet"), "{text}");
    let text = case.ok(&["connector", "index", &case.registry()]).await?;
    ensure!(text.contains("Things of Acme") && text.contains("0.3.1"), "{text}");
    ensure!(text.contains("2 of 2 manifests") && text.contains("1 other connector"), "{text}");
    let text = case.ok(&["connector", "index", "--find", "acme"]).await?;
    ensure!(text.contains("things") && !text.contains("gone"), "{text}");

    let text = case.ok(&["connector", "add", "things"]).await?;
    ensure!(text.contains("Added connectors/things, version 0.3.1."), "{text}");
    ensure!(case.rows().await? == 2);
    let text = case.ok(&["connector", "index", "--find", "things"]).await?;
    ensure!(text.matches("0.3.1").count() == 2, "the index tells which version is here: {text}");

    // The same again changes nothing; a newer one stands beside it until somebody wants it.
    let text = case.refused(&["connector", "add", "things"]).await?;
    ensure!(text.contains("There is already a version 0.3.1"), "{text}");
    *case.published.version.lock().unwrap() = "0.4.0";
    case.ok(&["connector", "index", &case.registry()]).await?;
    let text = case.ok(&["connector", "add", "things"]).await?;
    ensure!(text.contains("version 0.4.0") && case.source()?.contains("things@0.3.1"), "{text}");
    ensure!(case.rows().await? == 2);
    case.ok(&["connector", "upgrade", "things", "--yes"]).await?;
    ensure!(case.rows().await? == 3);
    let listed: Value = serde_json::from_str(&case.ok(&["connector", "list", "--json"]).await?)?;
    let versions: Vec<&str> =
        listed.as_array().context("a list")?.iter().filter_map(|one| one["version"].as_str()).collect();
    ensure!(versions == ["0.4.0", "0.3.1"], "{listed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_none_and_names_that_lead_nowhere_are_refused_in_words() -> Result<()> {
    let case = Case::new().await?;
    let page = format!("{}/page", case.server.url());
    let text = case.refused(&["connector", "index", &page]).await?;
    ensure!(text.contains("This is no index of connectors"), "{text}");
    let text = case.refused(&["connector", "index", &format!("{}/nothing", case.server.url())]).await?;
    ensure!(text.contains("404"), "{text}");
    let text = case.refused(&["connector", "index"]).await?;
    ensure!(text.contains("No index has been read yet"), "nothing was kept of either: {text}");

    // From a file: its manifests lie where Airbyte publishes them, which is not asked here.
    case.project.write("registry.json", &json!({"sources": [], "destinations": []}).to_string())?;
    let text = case.ok(&["connector", "index", &case.path("registry.json")?]).await?;
    ensure!(text.contains("0 of 0 manifests"), "{text}");

    case.ok(&["connector", "index", &case.registry()]).await?;
    let text = case.refused(&["connector", "add", "nowhere"]).await?;
    ensure!(text.contains("The index has no manifest called `nowhere`"), "{text}");
    let text = case.refused(&["connector", "add", "gone"]).await?;
    ensure!(text.contains("404") && text.contains("Nothing was changed"), "{text}");
    let text = case.refused(&["connector", "add", &page, "--name", "page"]).await?;
    ensure!(!case.project.folder().join("connectors/page").exists(), "{text}");
    ensure!(!case.project.folder().join("connectors").join("gone").exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wheels_and_folders_bring_their_schemas_name_and_version() -> Result<()> {
    let case = Case::new().await?;
    let wheel_at = format!("{}/wheels/airbyte_source_things-1.4.0-py3-none-any.whl", case.server.url());
    let text = case.ok(&["connector", "add", &wheel_at]).await?;
    ensure!(text.contains("Added connectors/things, version 1.4.0."), "{text}");
    ensure!(case.rows().await? == 2);
    let connection = Connection::open(case.project.folder().join("target.duckdb"))?;
    let columns = "select count(*) from information_schema.columns where table_name = 'things' and column_name in ('id', 'note')";
    ensure!(
        connection.query_row(columns, [], |row| row.get::<_, i64>(0))? == 2,
        "the schema beside it counts"
    );
    drop(connection);

    // The same from the disk, and a folder as it lies in a repository.
    std::fs::write(case.project.folder().join("again.whl"), wheel())?;
    let text = case.refused(&["connector", "add", &case.path("again.whl")?]).await?;
    ensure!(text.contains("There is already a version 1.4.0"), "{text}");
    std::fs::create_dir_all(case.project.folder().join("source-things/schemas"))?;
    case.project.write("source-things/manifest.yaml", &manifest("/two", true))?;
    case.project.write(
        "source-things/schemas/things.json",
        r#"{"type": "object", "properties": {"id": {"type": "integer"}}}"#,
    )?;
    case.project.write("source-things/metadata.yaml", "data:\n  dockerImageTag: 1.5.0\n")?;
    let text = case.ok(&["connector", "add", &case.path("source-things")?]).await?;
    ensure!(text.contains("Added connectors/things, version 1.5.0."), "{text}");
    case.ok(&["connector", "upgrade", "things", "--yes"]).await?;
    ensure!(case.rows().await? == 3);

    std::fs::write(case.project.folder().join("broken.whl"), &wheel()[..200])?;
    let text = case.refused(&["connector", "add", &case.path("broken.whl")?]).await?;
    ensure!(text.contains("damaged") && text.contains("Nothing was added"), "{text}");
    Ok(())
}
