//! Samples of a table, read without a session.

use std::sync::Arc;

use syncline_protocol::{
    BatchKind, ChangeSink, Error, ErrorKind, Result, SamplePick, Sampling, TableKind, TableRead,
};

use super::catalog::Table;
use super::client::{Connection, Server};
use super::decode::BatchLimit;
use super::error::failed;
use super::reader::{Checkpoints, Reader};
use super::select;
use super::session::{BEGIN, PostgresSession, decoder, expressions, readings, server_version};
use crate::condition::{HAS_PARAMETERS, not_understood};

/// Rows of a batch: few, so that somebody who waits for a slow server sees them come.
const BATCH_ROWS: usize = 500;
/// How many times the wanted rows the picked pages hold, so that statistics that are out of date rarely leave too few.
const SPARE: f64 = 3.0;
/// As if at least so many were wanted: how many rows a few pages hold is too much a matter of chance.
const PICKED_MIN: usize = 10_000;

/// Reads a sample of a table.
///
/// # Errors
/// As for reading a part; `CorruptInput` when the database does not understand a condition.
pub(super) async fn sample(
    server: &Arc<Server>,
    read: &TableRead,
    sampling: &Sampling,
    sink: &dyn ChangeSink,
) -> Result<()> {
    let connection = server.connect().await?;
    let version = server_version(&connection).await?;
    let table = PostgresSession::table(&connection, version, &read.table).await?;
    let readings = readings(&table, &read.columns)?;
    let query = query(&table, &expressions(&read.columns, &readings), sampling);
    if let SamplePick::Where(_) = sampling.pick {
        understand(&connection, &query).await?;
    }
    connection.close().await;
    let limit = BatchLimit { rows: BATCH_ROWS, ..BatchLimit::default() };
    let mut reader = Reader {
        decoder: decoder(&read.columns, &readings, 0, limit),
        sink,
        kind: BatchKind::Rows,
        checkpoints: Checkpoints::None,
        rows_since: 0,
    };
    let mut lane = server.lane().await?;
    let copy = select::copy_of(&query);
    let read = reader.run(&mut lane, &format!("{BEGIN}; {copy}; COMMIT")).await;
    read.map_err(|error| match (&sampling.pick, error.kind()) {
        (SamplePick::Where(_), ErrorKind::CorruptInput) => failed_at_a_row(error),
        _ => error,
    })?;
    lane.close().await;
    Ok(())
}

/// What the server says of it may hold values of rows, so it stays behind the error.
fn failed_at_a_row(error: Error) -> Error {
    Error::new(ErrorKind::CorruptInput, "The database cannot work out this condition for every row.")
        .meaning("No row is shown.")
        .fix("Leave out the rows where it fails, for example by NULLIF or CASE.")
        .caused_by(error)
}

fn query(table: &Table, columns: &str, sampling: &Sampling) -> String {
    let mut source = select::from_table(table);
    let rows = sampling.rows;
    let rest = match &sampling.pick {
        SamplePick::First => format!(" LIMIT {rows}"),
        // The line ends after it: it may end in a comment.
        SamplePick::Where(condition) => format!(" WHERE ({condition}\n) LIMIT {rows}"),
        SamplePick::Random => {
            if let Some(percent) = percent_of_pages(table, rows) {
                source.push_str(&format!(" TABLESAMPLE SYSTEM ({percent})"));
            }
            format!(" ORDER BY pg_catalog.random() LIMIT {rows}")
        }
    };
    format!("SELECT {columns} FROM {source}{rest}")
}

/// Which part of the pages of a large table to pick rows from, in percent: picking from all of them would read all of
/// it. None for a small one, for one whose size nobody knows, and for what has no pages.
fn percent_of_pages(table: &Table, rows: usize) -> Option<f64> {
    if !matches!(table.kind, TableKind::Table | TableKind::Partitioned | TableKind::MaterializedView) {
        return None;
    }
    let estimate = table.rows_estimate.filter(|estimate| *estimate > 0)?;
    // Sizes are far below 2^52.
    #[expect(clippy::cast_precision_loss)]
    let percent = 100.0 * SPARE * rows.max(PICKED_MIN) as f64 / estimate as f64;
    (percent < 50.0).then_some(percent)
}

/// Has the database read a condition before it is run. A prepared statement is one statement, so that nothing else can
/// hide in the condition.
async fn understand(connection: &Connection, query: &str) -> Result<()> {
    let refused = |said: &str| not_understood("The database", said);
    match connection.prepare(query).await {
        Ok(statement) if statement.params().is_empty() => Ok(()),
        Ok(_) => Err(refused(HAS_PARAMETERS)),
        Err(error) => match error.as_db_error() {
            // Classes 22 and 42: bad values, bad SQL (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
            Some(said) if ["22", "42"].iter().any(|class| said.code().code().starts_with(class)) => {
                Err(refused(said.message()))
            }
            _ => Err(failed(error, "read a condition")),
        },
    }
}
