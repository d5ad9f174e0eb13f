//! The connection test: each thing a run needs, tried by itself, with what to do when it fails.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use syncline_protocol::{
    CheckStep, ConnectorContext, DiscoverFilter, Error, ErrorKind, Result, StepSink, TableKind,
};

use super::catalog;
use super::client::{Connection, Server, connect_tcp, resolve};
use super::config::{PostgresConfig, SslMode};
use super::session::server_version;
use super::sql::{quote, quote_table};

/// The oldest version whose catalog the queries know.
const VERSION_MIN: i32 = 110_000;

/// Tests `config` as a source.
pub(super) async fn source(config: &PostgresConfig, context: &ConnectorContext, steps: &dyn StepSink) {
    if let Some(connection) = sign_in(config, context, steps).await {
        permissions(config, &connection, steps).await;
        connection.close().await;
    }
}

/// The steps up to a signed-in connection, for sources and destinations; none after a failed step.
pub(super) async fn sign_in(
    config: &PostgresConfig,
    context: &ConnectorContext,
    steps: &dyn StepSink,
) -> Option<Connection> {
    let (limit, host, port) = (config.connect_timeout(), &config.host, config.port);
    let hop = config.ssh.as_ref().map_or((host.as_str(), port), |ssh| (ssh.host.as_str(), ssh.port));
    if !config.is_socket() {
        let title = format!("Find {}", hop.0);
        let addresses = step(steps, title, resolve(hop.0, hop.1, limit), |addresses| {
            addresses.first().map(|address| address.ip().to_string())
        })
        .await?;
        let title = format!("Reach port {}", hop.1);
        step(steps, title, connect_tcp(hop.0, &addresses, limit), |_| None).await?;
    }
    let title = match &config.ssh {
        Some(ssh) => format!("Sign in to the SSH server as {}", ssh.user),
        None => "Read the certificates".to_owned(),
    };
    let server = if config.ssh.is_some() {
        step(steps, title, Server::reach(config, context), |_| None).await?
    } else {
        // Worth a line only when it fails.
        let began = Instant::now();
        match Server::reach(config, context).await {
            Ok(server) => server,
            Err(error) => {
                steps.step(CheckStep::failed(title, began.elapsed(), &error));
                return None;
            }
        }
    };
    let began = Instant::now();
    let wire = match secured(&server).await {
        Ok(wire) => wire,
        Err(error) => {
            steps.step(CheckStep::failed("Secure connection", began.elapsed(), &error));
            return None;
        }
    };
    steps.step(secure_step(config, &server, began));
    let title = format!("Sign in as {}", config.user);
    let connection = step(steps, title, server.sign_in(wire), |_| None).await?;
    let version = step(steps, "Server version", server_version(&connection), |version| {
        Some(format!("PostgreSQL {}.{}", version / 10_000, version % 10_000))
    })
    .await?;
    if version < VERSION_MIN {
        let message = "The server is older than PostgreSQL 11, the oldest version that is supported.";
        let error = Error::new(ErrorKind::Unsupported, message);
        steps.step(CheckStep::failed("Server version", began.elapsed(), &error));
        return None;
    }
    Some(connection)
}

async fn secured(server: &Arc<Server>) -> Result<super::client::Wire> {
    server.dial().await
}

fn secure_step(config: &PostgresConfig, server: &Server, began: Instant) -> CheckStep {
    let step = |title: String| CheckStep::ok(title, began.elapsed());
    match server.tls_seen() {
        Some(version) => {
            let verified = match config.ssl.mode {
                SslMode::VerifyFull => "certificate and name verified",
                SslMode::VerifyCa => "certificate verified",
                SslMode::Require if config.ssl.ca.is_some() => "certificate verified",
                _ => "certificate not verified",
            };
            step(format!("Secure connection ({version})")).detail(verified)
        }
        None if config.is_socket() => {
            step("Secure connection".to_owned()).detail("a socket on this computer")
        }
        None if config.ssh.is_some() => {
            step("Secure connection".to_owned()).detail("encrypted up to the SSH server, not beyond it")
        }
        None => step("Secure connection".to_owned())
            .limited("Whoever can listen to the network can read the data and the password's proof.")
            .detail("not encrypted")
            .fix("Turn on `ssl` in the server, and choose the mode `require` or `verify_full`.", None),
    }
}

/// Runs one step and reports it.
async fn step<T>(
    steps: &dyn StepSink,
    title: impl Into<String>,
    work: impl Future<Output = Result<T>>,
    detail: impl FnOnce(&T) -> Option<String>,
) -> Option<T> {
    let began = Instant::now();
    let outcome = work.await;
    let duration = began.elapsed();
    match outcome {
        Ok(value) => {
            let step = CheckStep::ok(title, duration);
            steps.step(match detail(&value) {
                Some(detail) => step.detail(detail),
                None => step,
            });
            Some(value)
        }
        Err(error) => {
            steps.step(CheckStep::failed(title, duration, &error));
            None
        }
    }
}

/// Which tables may be read, and what the owner must run for the others.
async fn permissions(config: &PostgresConfig, connection: &Connection, steps: &dyn StepSink) {
    const TITLE: &str = "Read permissions";
    const NAMED_MAX: usize = 5;
    let began = Instant::now();
    let found = async {
        let version = server_version(connection).await?;
        catalog::tables(connection, version, &DiscoverFilter::default()).await
    };
    let tables: Vec<_> = match found.await {
        Ok(tables) => tables.into_iter().map(catalog::Table::into_info).collect(),
        Err(error) => return steps.step(CheckStep::failed(TITLE, began.elapsed(), &error)),
    };
    let refused: Vec<_> = tables
        .iter()
        .filter(|table| table.unreadable.as_deref().is_some_and(|reason| reason.contains("may not")))
        .map(|table| &table.schema.table)
        .collect();
    let step = CheckStep::ok(TITLE, began.elapsed());
    if tables.is_empty() {
        return steps.step(
            step.limited("There is nothing to sync.")
                .detail("no tables or views")
                .fix(format!("Check that `{}` is the right database.", config.database), None),
        );
    }
    let readable = tables.len() - refused.len();
    if refused.is_empty() {
        let kinds = tables.iter().filter(|table| table.kind == TableKind::View).count();
        return steps.step(step.detail(format!("{readable} tables can be read, {kinds} of them views")));
    }
    let mut named: Vec<_> = refused.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if refused.len() > NAMED_MAX {
        named.push(format!("{} more", refused.len() - NAMED_MAX));
    }
    let detail = format!("{readable} of {} tables can be read; not {}", tables.len(), named.join(", "));
    let user = quote(&config.user);
    let mut grants: Vec<String> = Vec::new();
    for table in &refused {
        let schema = format!(
            "GRANT USAGE ON SCHEMA {} TO {user};",
            quote(table.namespace.as_deref().unwrap_or("public"))
        );
        if !grants.contains(&schema) {
            grants.push(schema);
        }
    }
    grants.extend(refused.iter().map(|table| format!("GRANT SELECT ON {} TO {user};", quote_table(table))));
    steps.step(
        step.limited(format!("{} tables cannot be synced.", refused.len()))
            .detail(detail)
            .fix("The owner of the database runs these statements.", Some(grants.join("\n")))
            .fix("Or leave these tables out.", None),
    );
}
