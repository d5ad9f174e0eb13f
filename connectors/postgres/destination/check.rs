//! The connection test of a Postgres destination: everything a run does, rolled back at the end.

use std::time::Instant;

use syncline_protocol::{CheckStep, Error, ErrorKind, Result, StepSink};

use super::{PostgresDestination, run};
use crate::postgres::client::Connection;
use crate::postgres::ddl::{ident, qualified};
use crate::postgres::error::while_doing;

/// A table that only ever exists inside a transaction that is rolled back.
const PROBE: &str = "_syncline_check";

pub(super) async fn check(destination: &PostgresDestination, steps: &dyn StepSink) {
    let config = &destination.config.server;
    let title = format!("Sign in to {} as {}", config.host, config.user);
    let Some(connection) = step(steps, &title, sign_in(destination)).await else { return };
    let schema = destination.tables.schema();
    let title = format!("Create and fill a table in the schema {schema}");
    if step(steps, &title, create_table(&connection, schema)).await.is_none() {
        return;
    }
    let title = "Create a temporary table";
    if step(steps, title, create_temporary(&connection)).await.is_none() {
        return;
    }
    let started = Instant::now();
    let title = "Create a schema";
    match may_create_schema(&connection).await {
        Ok(true) => steps.step(CheckStep::ok(title, started.elapsed())),
        Ok(false) => {
            let grant =
                format!("GRANT CREATE ON DATABASE {} TO {};", ident(&config.database), ident(&config.user));
            steps.step(
                CheckStep::ok(title, started.elapsed())
                    .limited("Tables can only go into schemas that are there already.")
                    .fix("Let the user create schemas, if tables should go into new ones.", Some(grant)),
            );
        }
        Err(error) => steps.step(CheckStep::failed(title, started.elapsed(), &error)),
    }
    connection.close().await;
}

/// Runs one step and tells how it ended; none when it failed. A step answers its result and what it found.
async fn step<T>(
    steps: &dyn StepSink,
    title: &str,
    work: impl Future<Output = Result<(T, Option<String>)>>,
) -> Option<T> {
    let started = Instant::now();
    match work.await {
        Ok((value, detail)) => {
            let step = CheckStep::ok(title, started.elapsed());
            steps.step(match detail {
                Some(detail) => step.detail(detail),
                None => step,
            });
            Some(value)
        }
        Err(error) => {
            steps.step(CheckStep::failed(title, started.elapsed(), &error));
            None
        }
    }
}

async fn sign_in(destination: &PostgresDestination) -> Result<(Connection, Option<String>)> {
    let server = destination.server().await?;
    let connection = server.connect().await?;
    let row = connection
        .query_one("SELECT pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery()", &[])
        .await
        .map_err(while_doing("ask for the version"))?;
    if row.get(1) {
        return Err(Error::new(
            ErrorKind::Permission,
            "This server is a standby; it only answers queries and takes no rows.",
        )
        .fix("Use the address of the primary server."));
    }
    let version = format!("PostgreSQL {}", row.get::<_, &str>(0));
    let detail = match server.tls_seen() {
        Some(tls) => format!("{version}, {tls}"),
        None => format!("{version}, not encrypted"),
    };
    Ok((connection, Some(detail)))
}

async fn create_table(connection: &Connection, schema: &str) -> Result<((), Option<String>)> {
    let found = connection
        .query_opt("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", &[&schema])
        .await
        .map_err(while_doing("look for the schema"))?;
    let create_schema = match found {
        Some(_) => String::new(),
        None => format!("CREATE SCHEMA {};", ident(schema)),
    };
    let probe = qualified(schema, PROBE);
    let statements = format!(
        "BEGIN; {create_schema} CREATE TABLE {probe} (id bigint); INSERT INTO {probe} VALUES (1);
         CREATE UNIQUE INDEX ON {probe} (id); DROP TABLE {probe}; ROLLBACK"
    );
    tried(connection, &statements, "create and fill a table").await?;
    Ok(((), found.is_none().then(|| format!("The first run creates the schema {schema}."))))
}

async fn create_temporary(connection: &Connection) -> Result<((), Option<String>)> {
    let statements = format!("BEGIN; CREATE TEMPORARY TABLE {PROBE} (id bigint) ON COMMIT DROP; ROLLBACK");
    tried(connection, &statements, "create a temporary table").await?;
    Ok(((), None))
}

/// Runs statements that end their own transaction, also when they fail.
async fn tried(connection: &Connection, statements: &str, doing: &str) -> Result<()> {
    let result = run(connection, statements, doing).await;
    if result.is_err() {
        run(connection, "ROLLBACK", doing).await?;
    }
    result
}

async fn may_create_schema(connection: &Connection) -> Result<bool> {
    let statement = "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";
    let row = connection.query_one(statement, &[]).await.map_err(while_doing("ask for permissions"))?;
    Ok(row.get(0))
}
