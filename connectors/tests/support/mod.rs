//! A Postgres server for these tests, and a sink that keeps what it gets.

pub(crate) mod cell;
pub(crate) mod desk;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Change, ChangeSink, Config, Connector, ConnectorContext, RejectedRow, Source, Stopped,
};
use tokio::sync::watch;

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
}

fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "SIGTERM"]);
    command.arg(format!("{BIN}/{program}"));
    command.current_dir("/tmp").stdin(Stdio::null());
    command
}

/// Starts a server with these lines added to `postgresql.conf` and this `pg_hba.conf`.
pub(crate) fn start(name: &str, prepare: impl FnOnce(&Path) + Send + 'static) -> Server {
    let folder = std::env::temp_dir().join(format!("syncline-pg-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    Command::new("chown").arg("postgres").arg(&folder).status().unwrap();
    let data = folder.join("data");
    let initdb = as_postgres("initdb")
        .args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(initdb.success());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let socket = folder;
    prepare(&data);
    // The server dies with the thread that started it: one that lives as long as the process.
    std::thread::spawn(move || {
        let mut server = as_postgres("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&socket);
        server.args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"]);
        let log = std::fs::File::create(socket.join("log")).unwrap();
        let _ = server.stderr(log).status();
    });
    loop {
        let ready = as_postgres("pg_isready")
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        if ready.success() {
            break;
        }
    }
    Server { port }
}

/// The server that most tests share.
pub(crate) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| start("shared", |_| {}))
}

/// A database of its own on the shared server.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) client: tokio_postgres::Client,
    pub(crate) server: &'static Server,
}

pub(crate) async fn connect(port: u16, database: &str) -> tokio_postgres::Client {
    let settings = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
    let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Database {
    pub(crate) async fn new(name: &str) -> Database {
        let server = tokio::task::spawn_blocking(shared).await.unwrap();
        let admin = connect(server.port, "postgres").await;
        admin.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await.unwrap();
        let client = connect(server.port, name).await;
        Database { name: name.to_owned(), client, server }
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub(crate) async fn text(&self, sql: &str) -> Option<String> {
        self.client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    pub(crate) async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let rows = self.client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(crate) fn config(&self) -> Value {
        json!({"host": "127.0.0.1", "port": self.server.port, "database": self.name, "user": "postgres"})
    }

    pub(crate) fn source(&self) -> Box<dyn Source> {
        source(self.config())
    }
}

pub(crate) fn source(config: Value) -> Box<dyn Source> {
    connectors::postgres::Postgres.source(&Config::new(config), &ConnectorContext::default()).unwrap()
}

/// Keeps what it gets; can be stopped.
pub(crate) struct Sink {
    changes: Mutex<Vec<Change>>,
    stop: watch::Sender<bool>,
}

impl Sink {
    pub(crate) fn new() -> Arc<Sink> {
        Arc::new(Sink { changes: Mutex::default(), stop: watch::Sender::new(false) })
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }
}

#[async_trait]
impl ChangeSink for Sink {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if *self.stop.borrow() {
            return Err(Stopped);
        }
        self.changes.lock().unwrap().push(change);
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        let mut stopped = self.stop.subscribe();
        Box::pin(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
    }
}

/// The changes of a read, sorted by what they are.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) rows: Vec<RecordBatch>,
    pub(crate) keys: Vec<RecordBatch>,
    pub(crate) rejected: Vec<RejectedRow>,
    pub(crate) checkpoints: Vec<Value>,
}

impl Got {
    pub(crate) fn of(changes: Vec<Change>) -> Got {
        let mut got = Got::default();
        for change in changes {
            match change {
                Change::Batch(batch) if batch.kind == BatchKind::Keys => got.keys.push(batch.rows),
                Change::Batch(batch) => got.rows.push(batch.rows),
                Change::Rejected(row) => got.rejected.push(row),
                Change::Checkpoint(value) => got.checkpoints.push(value),
                Change::End(_) => panic!("no end to go on from is expected"),
                Change::Schema(_) => panic!("no schema change is expected"),
            }
        }
        got
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }
}
