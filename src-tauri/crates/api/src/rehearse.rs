//! A rehearsal: the last recorded run of a connection on two versions of its source's connector, and how they differ.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use syncline_engine::Connection;
use syncline_engine::versions::{Rehearsed, Take, rehearse as perform};
use syncline_protocol::{Config, ConnectorContext, ConnectorRegistry, Error, ErrorKind, Result, Source};

use crate::host::{Analytics, Queried};
use crate::types::{Rehearsal, RehearsedTable};

/// The two performances, by their schemas.
const SIDES: [&str; 2] = ["before", "after"];

/// What a rehearsal needs.
pub struct Stage<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// What its recorded run begins with.
    pub head: Value,
    /// The connector of its source.
    pub connector: &'a str,
    /// The version of now and the other one.
    pub versions: [&'a str; 2],
    /// Its source at either version, on the tape of the run; or why there is none.
    pub sources: [Result<Arc<dyn Source>>; 2],
    /// All connectors.
    pub registry: &'a ConnectorRegistry,
    /// Where both performances land and are compared.
    pub analytics: &'a dyn Analytics,
    /// A folder that is thrown away afterwards.
    pub folder: &'a Path,
}

/// The error when nothing was recorded.
pub fn nothing_recorded(connection: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("No run of `{connection}` has been recorded yet."))
        .meaning("Nothing was changed.")
        .fix("Run it once: a run that succeeds is recorded, if the project has a vault with a key.")
        .fix("A project gets a key with its first secret: `syncline secret set NAME`.")
}

/// Performs the recorded run twice and compares what came of it.
///
/// # Errors
/// When the place for it cannot be made; what goes wrong on a version is part of the answer.
pub async fn rehearse(stage: Stage<'_>) -> Result<Rehearsal> {
    let connection = stage.connection;
    let scratch = stage.analytics.scratch(stage.folder);
    let connector = stage.registry.get(&scratch.connector)?;
    let config = Config::new(scratch.config);
    let context = ConnectorContext::of(stage.folder);
    let mut performed = Vec::new();
    for (source, schema) in stage.sources.into_iter().zip(SIDES) {
        performed.push(match source {
            Ok(source) => {
                let destination = Arc::from(connector.destination(&config, &context)?);
                let take = Take { source, destination, schema: schema.to_owned() };
                Box::pin(perform(connection, &stage.head, take)).await?
            }
            Err(error) => Rehearsed::failed(&error),
        });
    }
    let mut tables = Vec::new();
    for table in &connection.config.tables {
        let name = table.name.to_string();
        let failed = |side: &Rehearsed| side.failure_of(&name);
        let landed: Vec<_> = performed.iter().filter_map(|side| side.tables.get(&name)).collect();
        let difference = match landed.as_slice() {
            [(before, key), (after, _)] => {
                let on = Queried { connector: &scratch.connector, config: &config, context: &context };
                Some(stage.analytics.compare(on, before, after, key).await?)
            }
            _ => None,
        };
        tables.push(RehearsedTable {
            failed_before: performed.first().and_then(failed),
            failed_after: performed.get(1).and_then(failed),
            difference,
            table: name,
        });
    }
    let [from, to] = stage.versions.map(str::to_owned);
    Ok(Rehearsal {
        connection: connection.name.clone(),
        connector: stage.connector.to_owned(),
        run: stage.head.get("run").and_then(|run| run.as_str()).unwrap_or_default().to_owned(),
        from,
        to,
        tables,
    })
}
