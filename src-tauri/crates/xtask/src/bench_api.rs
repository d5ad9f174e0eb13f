//! Measures how fast an API is read: the reference and ours, one after the other, from the same server.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::reference;
use crate::shell::{self, Workspace};

const PAGES: usize = 200;
const RECORDS: usize = 1000;
/// Length of a record's JSON text.
const BYTES: usize = 218;

/// Ours is over in less than a second: the middle of so many reads counts.
const REPEATS: usize = 5;

/// What is done with each record, and the parts of the manifest that say so.
struct Case {
    name: &'static str,
    /// In the record selector.
    selector: &'static str,
    /// In the stream.
    stream: &'static str,
    /// Declared types that differ from what the API sends, or are of added fields.
    types: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case { name: "plain", selector: "", stream: "", types: &[] },
    Case {
        name: "filter",
        selector: r#"record_filter: {type: RecordFilter, condition: "{{ record['id'] % 2 == 0 }}"}"#,
        stream: "",
        types: &[],
    },
    Case {
        name: "normalisation",
        selector: "schema_normalization: Default",
        stream: "",
        types: &[("id", "string"), ("score", "integer")],
    },
    Case {
        name: "three AddFields",
        selector: "",
        stream: r#"transformations:
      - type: AddFields
        fields:
          - {path: [label], value: "{{ record['name'] }}-{{ record['id'] }}"}
          - {path: [shout], value: "{{ record['name'] | upper }}"}
          - {path: [double], value: "{{ record['id'] * 2 }}"}"#,
        types: &[("label", "string"), ("shout", "string"), ("double", "integer")],
    },
];

/// The fields of a record.
const FIELDS: &[(&str, &str)] = &[
    ("id", "integer"),
    ("name", "string"),
    ("email", "string"),
    ("active", "boolean"),
    ("score", "number"),
    ("created_at", "string"),
    ("address", "object"),
    ("note", "string"),
];

/// Runs all cases and prints a table, or JSON.
pub(crate) fn run(workspace: &Workspace, json: bool) -> Result<()> {
    let ours = built(workspace)?;
    let python = reference::python(workspace)?;
    let script = reference::scripts(workspace).join("command.py");
    let folder = tempfile::tempdir()?;
    let address = serve(Arc::new(pages()))?;
    let mut rows = Vec::new();
    for case in CASES {
        write_files(folder.path(), &manifest(&address, case))?;
        let theirs = measure_reference(&python, &script, folder.path())?;
        let mine = measure(&ours, folder.path())?;
        let name = case.name;
        ensure!(theirs.records == mine.records, "{name}: {} records and {}", theirs.records, mine.records);
        rows.push(json!({
            "case": name,
            "reference_per_s": theirs.per_second().round(),
            "syncline_per_s": mine.per_second().round(),
            "ratio": (mine.per_second() / theirs.per_second() * 10.0).round() / 10.0,
            "peak_mb": mine.peak_mb.round(),
        }));
    }
    if json {
        println!("{}", Value::Array(rows));
        return Ok(());
    }
    println!("{:<16} {:>14} {:>14} {:>7} {:>8}", "case", "reference/s", "syncline/s", "ratio", "peak MB");
    for row in rows {
        let case = row["case"].as_str().unwrap_or_default();
        println!(
            "{case:<16} {:>14} {:>14} {:>7} {:>8}",
            row["reference_per_s"], row["syncline_per_s"], row["ratio"], row["peak_mb"]
        );
    }
    Ok(())
}

/// Our program: the example `read_api` of the connectors, or the one that `SYNCLINE_READ_API` names.
fn built(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(program) = env::var_os("SYNCLINE_READ_API") {
        return Ok(program.into());
    }
    shell::run(workspace.cargo([
        "build",
        "--locked",
        "--release",
        "--package",
        "connectors",
        "--example",
        "read_api",
    ]))?;
    let program = format!("read_api{}", env::consts::EXE_SUFFIX);
    Ok(workspace.target.join("release").join("examples").join(program))
}

/// One read, without the time that a program needs to start.
struct Measured {
    seconds: f64,
    records: usize,
    peak_mb: f64,
}

impl Measured {
    /// Records that were read, also those that a filter left out.
    fn per_second(&self) -> f64 {
        (PAGES * RECORDS) as f64 / self.seconds
    }
}

/// Ours, into batches: the middle one of several reads, and the most memory that one of them took.
fn measure(program: &Path, folder: &Path) -> Result<Measured> {
    let mut all = Vec::new();
    for _ in 0..REPEATS {
        let mut command = Command::new(program);
        command.args(["manifest.yaml", "config.json", "people"]).current_dir(folder);
        let told: Value = serde_json::from_str(&shell::output(command)?)?;
        let number = |name: &str| told[name].as_f64().with_context(|| format!("no `{name}`: {told}"));
        all.push(Measured {
            seconds: number("seconds")?,
            records: number("rows")? as usize,
            peak_mb: number("peak_mb")?,
        });
    }
    let peak_mb = all.iter().map(|measured| measured.peak_mb).fold(0.0, f64::max);
    all.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    Ok(Measured { peak_mb, ..all.swap_remove(REPEATS / 2) })
}

/// The reference. Start-up is what `discover` takes: it loads the same manifest and reads nothing.
fn measure_reference(python: &Path, script: &Path, folder: &Path) -> Result<Measured> {
    let command = |verb: &str| {
        let mut command = Command::new(python);
        command.arg(script).args([verb, "--config", "config.json", "--manifest-path", "manifest.yaml"]);
        if verb == "read" {
            command.args(["--catalog", "catalog.json"]);
        }
        command
    };
    let (startup, _) = timed(command("discover"), folder)?;
    let (seconds, records) = timed(command("read"), folder)?;
    Ok(Measured { seconds: (seconds - startup).max(0.001), records, peak_mb: 0.0 })
}

/// Seconds and records of a program that prints messages.
fn timed(mut command: Command, folder: &Path) -> Result<(f64, usize)> {
    let begun = Instant::now();
    let mut child = command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut out = BufReader::with_capacity(1 << 20, child.stdout.take().context("no output")?);
    let (mut records, mut line) = (0, Vec::new());
    loop {
        line.clear();
        if out.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let head = &line[..line.len().min(40)];
        records += usize::from(head.windows(8).any(|part| part == b"\"RECORD\""));
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{}` ended with {status}", command.get_program().to_string_lossy());
    Ok((begun.elapsed().as_secs_f64(), records))
}

fn write_files(folder: &Path, manifest: &str) -> Result<()> {
    std::fs::write(folder.join("manifest.yaml"), manifest)?;
    std::fs::write(folder.join("config.json"), "{}")?;
    let stream = json!({"name": "people", "json_schema": {}, "supported_sync_modes": ["full_refresh"]});
    let configured =
        json!({"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"});
    Ok(std::fs::write(folder.join("catalog.json"), json!({"streams": [configured]}).to_string())?)
}

fn manifest(address: &str, case: &Case) -> String {
    let declared = |name: &str| case.types.iter().any(|(known, _)| *known == name);
    let fields = FIELDS.iter().filter(|(name, _)| !declared(name)).chain(case.types);
    let properties: Vec<String> =
        fields.map(|(name, kind)| format!("{name}: {{type: [{kind}, \"null\"]}}")).collect();
    format!(
        r#"version: 6.44.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [people]}}
streams:
  - type: DeclarativeStream
    name: people
    primary_key: [id]
    schema_loader:
      type: InlineSchemaLoader
      schema: {{type: object, properties: {{{properties}}}}}
    retriever:
      type: SimpleRetriever
      requester: {{type: HttpRequester, url_base: "{address}", path: /people, http_method: GET}}
      paginator:
        type: DefaultPaginator
        pagination_strategy: {{type: PageIncrement, page_size: {RECORDS}}}
        page_token_option: {{type: RequestOption, inject_into: request_parameter, field_name: page}}
      record_selector:
        type: RecordSelector
        extractor: {{type: DpathExtractor, field_path: [data]}}
        {selector}
    {stream}
spec: {{type: Spec, connection_specification: {{type: object, properties: {{}}}}}}
"#,
        properties = properties.join(", "),
        selector = case.selector,
        stream = case.stream,
    )
}

/// The bodies of all pages, made beforehand. The one after the last is empty.
fn pages() -> Vec<Vec<u8>> {
    let mut pages: Vec<Vec<u8>> = (0..PAGES)
        .map(|page| {
            let records: Vec<String> = (0..RECORDS).map(|index| record(page * RECORDS + index)).collect();
            format!("{{\"data\": [{}]}}", records.join(",")).into_bytes()
        })
        .collect();
    pages.push(b"{\"data\": []}".to_vec());
    pages
}

fn record(id: usize) -> String {
    let mut record = json!({
        "id": id, "name": format!("person {}", id % 977), "email": format!("p{id}@example.com"), "active": id.is_multiple_of(3),
        "score": f64::from(u32::try_from(id % 1000).unwrap_or(0)) + 0.5, "created_at": "2024-01-05T10:11:12Z",
        "address": {"city": "Tallinn", "zip": "10111"}, "note": "",
    });
    let missing = BYTES.saturating_sub(record.to_string().len());
    record["note"] = Value::String("x".repeat(missing));
    record.to_string()
}

/// Serves the pages, each connection in a thread of its own. Lives as long as this program.
fn serve(pages: Arc<Vec<Vec<u8>>>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let pages = Arc::clone(&pages);
            // A client that goes away ends its thread.
            thread::spawn(move || answer(stream, &pages).ok());
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, pages: &[Vec<u8>]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?.take(u64::MAX));
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let number = first.split(['=', ' ', '&']).filter_map(|word| word.parse().ok()).next().unwrap_or(0);
        let body = pages.get(number).or(pages.last()).context("no page")?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
    }
}
