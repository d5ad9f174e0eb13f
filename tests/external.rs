//! Connectors that are programs, real ones from PyPI, into DuckDB with the real program: read, followed, killed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use duckdb::Connection;
use e2e::program::{Project, built_program, said};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use syncline_testkit::http::{Answer, HttpServer};

/// A program that `cargo xtask test` has installed beside what Cargo builds.
fn installed(name: &str) -> Result<String> {
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).context("a test program lies in a folder")?;
    let place = if cfg!(windows) { format!("Scripts/{name}.exe") } else { format!("bin/{name}") };
    let program = target.join("external").join(name).join(place);
    ensure!(program.is_file(), "{} is not there; `cargo xtask test` installs it", program.display());
    Ok(program.to_string_lossy().into_owned())
}

/// A project with a source that is this program, with these settings.
fn project(connector: &str, command: &[&str], settings: &Value, tables: &str) -> Result<Project> {
    let config = json!({"connector": connector, "config": {"command": command, "settings": settings}});
    let project = Project::with_source(&built_program()?, &config.to_string(), "")?;
    project.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n")?;
    project.write(
        "connections/main.yaml",
        &format!("source: source\ndestination: target\nschema: ext\ntables:\n{tables}"),
    )?;
    Ok(project)
}

async fn ok(project: &Project, arguments: &[&str]) -> Result<String> {
    let output = project.command(arguments).output().await?;
    ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, said(&output));
    Ok(said(&output))
}

fn number(project: &Project, query: &str) -> Result<i64> {
    let connection = Connection::open(project.folder().join("target.duckdb"))?;
    Ok(connection.query_row(query, [], |row| row.get(0))?)
}

/// Rows for a file of JSON lines.
fn lines(ids: std::ops::Range<u64>, version: u32) -> Result<String> {
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
fn jsonl(command: &[&str]) -> Result<Project> {
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

/// A project that sends the sample to target-jsonl.
fn to_target() -> Result<Project> {
    let project = Project::with_source(&built_program()?, "connector: sample\nconfig: {}\n", "")?;
    let settings = json!({"destination_path": project.folder().join("out").to_string_lossy(), "do_timestamp_file": false});
    let config = json!({"connector": "singer", "config": {"command": [installed("target-jsonl")?], "settings": settings}});
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
fn key(row: &Value) -> String {
    format!("{} {} {}", row["id"], row["order_id"], row["line_no"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_singer_target_gets_every_row_and_the_plan_is_honest() -> Result<()> {
    let project = to_target()?;
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

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_singer_target_that_is_killed_with_its_program_loses_nothing() -> Result<()> {
    let seed = seed()?;
    println!("SYNCLINE_SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let whole = to_target()?;
    let begun = Instant::now();
    ok(&whole, &["run", "main", "--yes"]).await?;
    let length = begun.elapsed();
    let project = to_target()?;
    for _ in 0..6 {
        let mut child = project.command(&["run", "main", "--yes"]).spawn()?;
        let instant = length.mul_f64(random.random_range(0.05..1.0));
        if tokio::time::timeout(instant, child.wait()).await.is_err() {
            child.start_kill()?;
            child.wait().await?;
        }
    }
    let ended = project.command(&["run", "main", "--yes"]).status().await?;
    // Runs that came to their end have moved the sample on: its third sync has a row that is rejected on purpose.
    ensure!(matches!(ended.code(), Some(0 | 4)), "the last run ended with {ended}");
    for table in ["products", "order_items"] {
        let keys = |project: &Project| -> Result<BTreeSet<String>> {
            Ok(sent(project, table)?.iter().map(key).collect())
        };
        // Rows may come twice, and the sample changes from run to run: none may be missing.
        let missing: Vec<_> = keys(&whole)?.difference(&keys(&project)?).cloned().collect();
        ensure!(missing.is_empty(), "{table} lacks {missing:?}");
    }
    Ok(())
}

/// `SYNCLINE_SEED` repeats a run; otherwise each one is different.
fn seed() -> Result<u64> {
    match std::env::var("SYNCLINE_SEED") {
        Ok(seed) => Ok(seed.parse()?),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()),
    }
}

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Tap,
    Program,
    Both,
}

/// The processes of the tap, by what they wrote down when they began.
#[cfg(unix)]
fn taps(project: &Project) -> Vec<u32> {
    let path: PathBuf = project.folder().join("taps");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

#[cfg(unix)]
fn kill(process: u32) {
    // One that is gone already is no mistake.
    let _ = std::process::Command::new("kill").args(["-9", &process.to_string()]).output();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn tap_and_program_are_killed_at_random_and_the_destination_ends_right() -> Result<()> {
    const ROWS: u64 = 30_000;
    let seed = seed()?;
    println!("SYNCLINE_SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // The tap writes down who it is before it begins.
    let project = jsonl(&["sh", "-c", "echo $$ >> taps; exec \"$@\"", "sh"])?;
    project.write("data/a.jsonl", &lines(1..ROWS + 1, 0)?)?;
    let begun = Instant::now();
    ok(&project, &["run", "main", "--yes"]).await?;
    let length = begun.elapsed();

    for round in 1..=9_u32 {
        let victim = [Victim::Tap, Victim::Program, Victim::Both][round as usize % 3];
        std::fs::write(project.folder().join("taps"), "")?;
        // All rows come anew, with another name each.
        project.write("data/a.jsonl", &lines(1..ROWS + 1, round)?)?;
        let file = std::fs::File::options().write(true).open(project.folder().join("data/a.jsonl"))?;
        file.set_modified(SystemTime::now() + Duration::from_secs(u64::from(round) * 10))?;
        let mut child = project.command(&["run", "main", "--yes"]).spawn()?;
        let instant = length.mul_f64(random.random_range(0.05..1.1));
        let ended = tokio::time::timeout(instant, child.wait()).await.is_ok();
        if matches!(victim, Victim::Program | Victim::Both) {
            child.start_kill()?;
        }
        if matches!(victim, Victim::Tap | Victim::Both) {
            taps(&project).into_iter().for_each(kill);
        }
        let status = child.wait().await?;
        println!("round {round}: {victim:?} killed after {instant:.1?}, ended before: {ended}, {status}");
    }
    ok(&project, &["run", "main", "--yes"]).await?;
    let ids = "select count(distinct id) from ext.things";
    let right = "select count(*) from ext.things where name = 'näme ' || id || ' v9'";
    let rows = i64::try_from(ROWS)?;
    ensure!(number(&project, "select count(*) from ext.things")? == rows, "nothing is lost or doubled");
    ensure!((number(&project, ids)?, number(&project, right)?) == (rows, rows), "each row is the latest one");

    // Nothing of any tap lives on, and what they were given is gone.
    let alive: BTreeSet<u32> = taps(&project)
        .into_iter()
        .filter(|process| {
            let status = std::process::Command::new("kill").args(["-0", &process.to_string()]).output();
            status.is_ok_and(|status| status.status.success())
        })
        .collect();
    ensure!(alive.is_empty(), "{alive:?} live on");
    ensure!(std::fs::read_dir(project.folder().join(".syncline/external"))?.count() == 0);
    Ok(())
}
