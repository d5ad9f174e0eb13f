//! Connectors that are programs, real ones from PyPI, into DuckDB with the real program: read and followed. `kills` has
//! what becomes of them when somebody dies.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer};

/// A program that `cargo xtask test` has installed beside what Cargo builds.
pub(crate) fn installed(name: &str) -> Result<String> {
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).context("a test program lies in a folder")?;
    let place = if cfg!(windows) { format!("Scripts/{name}.exe") } else { format!("bin/{name}") };
    let program = target.join("external").join(name).join(place);
    ensure!(program.is_file(), "{} is not there; `cargo xtask test` installs it", program.display());
    Ok(program.to_string_lossy().into_owned())
}

/// A project with a source that is this program, with these settings.
pub(crate) fn project(connector: &str, command: &[&str], settings: &Value, tables: &str) -> Result<Project> {
    let config = json!({"connector": connector, "config": {"command": command, "settings": settings}});
    let project = Project::with_source(&built_program()?, &config.to_string(), "")?;
    project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
    project.write(
        "connections/main.yaml",
        &format!("source: source\ndestination: target\nschema: ext\ntables:\n{tables}"),
    )?;
    Ok(project)
}

pub(crate) async fn ok(project: &Project, arguments: &[&str]) -> Result<String> {
    let output = project.command(arguments).output().await?;
    ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, said(&output));
    Ok(said(&output))
}

pub(crate) fn number(project: &Project, query: &str) -> Result<i64> {
    let connection = Connection::open(project.folder().join("target.duckdb"))?;
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

/// Rows for a file of JSON lines.
pub(crate) fn lines(ids: std::ops::Range<u64>, version: u32) -> Result<String> {
    let mut text = String::new();
    for id in ids {
        let amount = if id.is_multiple_of(3) { Value::Null } else { json!(id as f64 / 4.0) };
        let row =
            json!({"id": id, "name": format!("näme {id} v{version}"), "amount": amount, "tags": [id, "x"]});
        writeln!(text, "{row}")?;
    }
    Ok(text)
}

const THINGS: &str = "  - name: things\n    mode: merge\n    cursor: _sdc_last_modified\n";

fn things(project: &Project) -> Value {
    let path = project.folder().join("data").join("*.jsonl");
    json!({"path": path.to_string_lossy(), "stream_name": "things", "primary_keys": ["id"]})
}

/// A project over files of JSON lines, read by tap-jsonl; `command` goes before the tap.
pub(crate) fn jsonl(command: &[&str]) -> Result<Project> {
    let tap = installed("tap-jsonl")?;
    let command: Vec<&str> = command.iter().copied().chain([tap.as_str()]).collect();
    let project = project("singer", &command, &json!({}), THINGS)?;
    std::fs::create_dir(project.folder().join("data"))?;
    let config = json!({"connector": "singer", "config": {"command": command, "settings": things(&project)}});
    project.write("sources/source.yaml", &config.to_string())?;
    Ok(project)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_singer_tap_is_read() -> Result<()> {
    let project = jsonl(&[])?;
    project.write("data/a.jsonl", &lines(1..1201, 0)?)?;
    let checked = ok(&project, &["check", "source"]).await?;
    ensure!(checked.contains("1 tables"), "{checked}");
    ok(&project, &["run", "main", "--yes"]).await?;
    let counted = "select count(*) from ext.things";
    ensure!(number(&project, counted)? == 1200);
    ensure!(number(&project, "select count(*) from ext.things where amount is null")? == 400);
    ensure!(number(&project, "select count(*) from ext.things where name = 'näme 7 v0'")? == 1);

    // A second file. What the tap gives once more is not there twice.
    project.write("data/b.jsonl", &lines(1201..1301, 0)?)?;
    ok(&project, &["run", "main", "--yes"]).await?;
    ensure!(number(&project, counted)? == 1300);

    // Nothing that was given to the tap lies about afterwards.
    let left = std::fs::read_dir(project.folder().join(".syncline/external"))?.count();
    ensure!(left == 0, "{left} folders are left");
    Ok(())
}

/// A tap in a few lines, which ends well only when it is given the state that it gave before.
#[cfg(unix)]
const SMALL_TAP: &str = r##"
case "$*" in
*--discover*)
  echo '{"streams": [{"stream": "t", "key_properties": ["id"], "replication_key": "id",
    "schema": {"properties": {"id": {"type": "integer"}}}}]}' ;;
*--state*)
  for state; do :; done
  echo '{"type": "RECORD", "stream": "t", "record": {"id": 2}}'
  echo '{"type": "RECORD", "stream": "other", "record": {"id": 3}}'
  echo '{"type": "STATE", "value": {"at": 1}}'
  test "$(cat "$state")" = '{"at":1}' ;;
*)
  echo 'hello'
  echo '{"type": "RECORD", "stream": "t", "record": {"id": 1}}'
  echo '{"type": "STATE", "value": {"at": 1}}' ;;
esac
"##;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_singer_tap_is_given_its_state_again() -> Result<()> {
    let tables = "  - name: t\n    mode: append\n    cursor: id\n";
    let project = project("singer", &["sh", "-c", SMALL_TAP, "tap"], &json!({}), tables)?;
    for rows in 1..4 {
        ok(&project, &["run", "main", "--yes"]).await?;
        ensure!(number(&project, "select count(*) from ext.t")? == rows);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_airbyte_source_is_read_and_followed_by_its_own_state() -> Result<()> {
    let faker = installed("source-faker")?;
    let settings =
        json!({"count": 300, "seed": 3, "always_updated": false, "records_per_slice": 50, "parallelism": 1});
    let tables =
        "  - name: users\n    mode: merge\n    cursor: updated_at\n  - name: products\n    mode: merge\n";
    let project = project("airbyte", &[&faker], &settings, tables)?;
    let checked = ok(&project, &["check", "source"]).await?;
    ensure!(checked.contains("Let it test its settings") && checked.contains("3 tables"), "{checked}");
    ok(&project, &["run", "main", "--yes"]).await?;
    ensure!(number(&project, "select count(*) from ext.users")? == 300);
    ensure!(number(&project, "select count(distinct id) from ext.users")? == 300);
    ensure!(number(&project, "select count(*) from ext.products")? == 100);
    // Its state says that all has been given.
    let again = ok(&project, &["run", "main", "--table", "users", "--yes"]).await?;
    ensure!(again.contains("Up to date"), "{again}");
    ensure!(number(&project, "select count(*) from ext.users")? == 300);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_taps_from_pypi_run_as_well() -> Result<()> {
    let tap = installed("tap-jsonfile")?;
    let jsonfile = project("singer", &[&tap], &json!({}), "  - name: records\n    mode: append\n")?;
    let rows: Vec<Value> = (0..40).map(|id| json!({"id": id, "name": format!("n{id}")})).collect();
    jsonfile.write("rows.json", &Value::Array(rows.clone()).to_string())?;
    let path = jsonfile.folder().join("rows.json");
    let settings = json!({"paths": [path.to_string_lossy()], "stream_name": "records"});
    let config = json!({"connector": "singer", "config": {"command": [tap], "settings": settings}});
    jsonfile.write("sources/source.yaml", &config.to_string())?;
    ok(&jsonfile, &["run", "main", "--yes"]).await?;
    ensure!(number(&jsonfile, "select count(*) from ext.records")? == 40);

    let server = HttpServer::start(move |_| Answer::json(&json!({"rows": rows}))).await?;
    let tap = installed("tap-rest-api-msdk")?;
    let settings = json!({"api_url": server.url(), "streams": [
        {"name": "people", "path": "/people", "records_path": "$.rows[*]", "primary_keys": ["id"]}]});
    let rest = project("singer", &[&tap], &settings, "  - name: people\n    mode: merge\n")?;
    ok(&rest, &["run", "main", "--yes"]).await?;
    ensure!(number(&rest, "select count(*) from ext.people")? == 40);
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fails_is_told_in_its_words_without_secrets() -> Result<()> {
    let settings = json!({"api_token": "a-very-secret-token"});
    let script = "cat \"$2\" >&2; echo 'the token a-very-secret-token is wrong' >&2; exit 1";
    let project = project("singer", &["sh", "-c", script, "tap"], &settings, "  - name: t\n")?;
    let failed = project.command(&["run", "main", "--yes", "--attempts", "1", "--verbose"]).output().await?;
    ensure!(!failed.status.success());
    let text = said(&failed);
    ensure!(text.contains("the token [secret] is wrong"), "{text}");
    let mut everything = text;
    for entry in std::fs::read_dir(project.folder().join(".syncline/logs"))?.flatten() {
        if entry.path().is_file() {
            everything.push_str(&std::fs::read_to_string(entry.path())?);
        }
    }
    ensure!(everything.contains("[secret]") && !everything.contains("a-very-secret-token"), "{everything}");
    Ok(())
}

/// A project that sends the sample to target-jsonl; `command` goes before the target.
pub(crate) fn to_target(command: &[&str]) -> Result<Project> {
    let project = Project::with_source(&built_program()?, "connector: sample\nconfig: {}\n", "")?;
    let settings = json!({"destination_path": project.folder().join("out").to_string_lossy(), "do_timestamp_file": false});
    let target = installed("target-jsonl")?;
    let command: Vec<&str> = command.iter().copied().chain([target.as_str()]).collect();
    let config = json!({"connector": "singer", "config": {"command": command, "settings": settings}});
    project.write("destinations/target.yaml", &config.to_string())?;
    project.write(
        "connections/main.yaml",
        "source: source\ndestination: target\ntables:\n  - name: products\n    mode: merge\n  - name: order_items\n    mode: append\n",
    )?;
    Ok(project)
}

/// The rows that a target has written.
fn sent(project: &Project, table: &str) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(project.folder().join("out").join(format!("{table}.jsonl")))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What identifies a row of either table.
pub(crate) fn key(row: &Value) -> String {
    format!("{} {} {}", row["id"], row["order_id"], row["line_no"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_singer_target_gets_every_row_and_the_plan_is_honest() -> Result<()> {
    let project = to_target(&[])?;
    let plan = ok(&project, &["plan", "main"]).await?;
    ensure!(plan.contains("at least once"), "{plan}");
    let text = ok(&project, &["run", "main", "--yes"]).await?;
    ensure!(text.contains("Every row accounted for"), "{text}");
    let receipt: Value = serde_json::from_str(&ok(&project, &["receipt", "last", "--json"]).await?)?;
    for table in receipt["tables"].as_array().context("tables")? {
        let rows = sent(&project, table["table"].as_str().context("a name")?)?;
        ensure!(Some(rows.len() as u64) == table["rows_read"].as_u64(), "{table}");
        ensure!(table["proof"]["count"].is_null() && table["rows_in_destination"].is_null(), "{table}");
        let keys: BTreeSet<String> = rows.iter().map(key).collect();
        ensure!(keys.len() == rows.len(), "nothing came twice in a run that nobody disturbed");
    }
    // A full copy cannot be swapped in: that is said before anything is sent.
    project.write(
        "connections/copy.yaml",
        "source: source\ndestination: target\ntables:\n  - name: customers\n    mode: replace\n",
    )?;
    let refused = project.command(&["run", "copy", "--yes"]).output().await?;
    ensure!(said(&refused).contains("cannot put a full copy"), "{}", said(&refused));
    ensure!(!project.folder().join("out/customers.jsonl").exists());
    Ok(())
}
