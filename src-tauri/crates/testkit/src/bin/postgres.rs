//! A private PostgreSQL server for tests that are not written in Rust: the journeys of the window.
//!
//! Says where it listens in one JSON line. Then each line it gets is one command, answered by one line:
//! `{"sql": "…"}`, `{"hold": "…"}` (statements in a transaction that stays open, with its locks), `{"release": true}`,
//! `{"kill": true}` (as a crash), `{"restart": true}`. It ends with its input.

#![allow(clippy::print_stdout)] // how it answers

use std::io::{BufRead as _, Write as _, stdin, stdout};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use syncline_testkit::postgres::{Options, PASSWORD, USER};
use syncline_testkit::{Database, PostgresServer};
use tokio_postgres::Client;

#[tokio::main]
async fn main() -> Result<()> {
    let mut server = Options::default().password().start().await?;
    let database = server.create_database().await?;
    say(&json!({
        "host": "127.0.0.1", "port": server.port(), "database": database.name, "user": USER, "password": PASSWORD,
    }))?;
    let mut held = None;
    for line in stdin().lock().lines() {
        let answer = match obey(&mut server, &database, &mut held, &line?).await {
            Ok(()) => json!({"ok": true}),
            Err(error) => json!({"ok": false, "error": format!("{error:#}")}),
        };
        say(&answer)?;
    }
    Ok(())
}

async fn obey(
    server: &mut PostgresServer,
    database: &Database,
    held: &mut Option<Client>,
    line: &str,
) -> Result<()> {
    let command: Value = serde_json::from_str(line).context("a command is a JSON object")?;
    if let Some(sql) = command["sql"].as_str() {
        database.connect().await?.batch_execute(sql).await?;
    } else if let Some(sql) = command["hold"].as_str() {
        let client = database.connect().await?;
        client.batch_execute(&format!("begin; {sql}")).await?;
        *held = Some(client);
    } else if command["release"] == true {
        let client = held.take().context("nothing is held")?;
        client.batch_execute("rollback").await?;
    } else if command["kill"] == true {
        server.kill();
    } else if command["restart"] == true {
        server.restart().await?;
    } else {
        bail!("there is no such command: {line}");
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}
