//! Questions of people to a DuckDB file: rows as text, ready to be shown. Only reads, and can be cancelled.

use std::path::PathBuf;
use std::sync::Arc;

use syncline_protocol::{Config, ConnectorContext, Error, ErrorKind, Result, TargetName};

use crate::config::DuckDbConfig;
use crate::database::{Database, Settings};
use crate::destination::blocking;
use crate::raw::{Connection, Interrupt, Reads};
use crate::sql;

/// A DuckDB file that can be asked.
pub struct Queries {
    path: PathBuf,
    schema: String,
    settings: Settings,
}

/// What a query answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names and types of the columns, in DuckDB's words.
    pub columns: Vec<(String, String)>,
    /// Values as text; none is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows than were asked for.
    pub truncated: bool,
}

/// A window of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows to leave out at the beginning.
    pub offset: u64,
    /// At most this many rows.
    pub limit: usize,
}

impl Queries {
    /// The file of a DuckDB destination with these settings.
    ///
    /// # Errors
    /// `Config` when the settings are not valid.
    pub fn new(config: &Config, context: &ConnectorContext) -> Result<Queries> {
        let config: DuckDbConfig = config.parse("DuckDB")?;
        config.validate()?;
        Ok(Queries {
            path: context.resolve(&config.path),
            schema: config.schema.clone(),
            settings: config.settings()?,
        })
    }

    /// Runs one query that only reads. Dropping the future interrupts it.
    ///
    /// # Errors
    /// `Config` with DuckDB's own words when the text is wrong; `Unsupported` when it would change something;
    /// `NotFound` when there is no file yet; `Locked` naming the holder.
    pub async fn query(&self, text: &str, window: Window) -> Result<Answer> {
        let text = text.trim().trim_end_matches(';').to_owned();
        self.on_connection(move |connection| {
            let doing = "running the query";
            match connection.reads(doing, &text).map_err(in_words)? {
                Reads::Rows => {}
                Reads::Explanation => return explanation(connection, &text),
                Reads::No => return Err(writes()),
            }
            // The text alone was just taken for one statement that reads, so it cannot end the brackets.
            let columns = columns_of(connection, &format!("(\n{text}\n)")).map_err(in_words)?;
            let wrapped = format!(
                "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{text}\n) LIMIT {} OFFSET {}",
                window.limit.saturating_add(1),
                window.offset
            );
            let mut rows = connection.texts(doing, &wrapped, &[]).map_err(in_words)?;
            let truncated = rows.len() > window.limit;
            rows.truncate(window.limit);
            Ok(Answer { columns, rows, truncated })
        })
        .await
    }

    /// A window of a table, in the order in which its rows lie in the file, and how many rows there are.
    ///
    /// # Errors
    /// `NotFound` when there is no such table.
    pub async fn rows(&self, table: &TargetName, window: Window) -> Result<(Answer, u64)> {
        let name = sql::table(table, &self.schema);
        self.on_connection(move |connection| {
            let doing = "reading a table";
            let columns = columns_of(connection, &name)?;
            // Positions first, values then: only the rows of the window are read whole.
            let query = format!(
                "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT * FROM {name} WHERE rowid IN \
                 (SELECT rowid FROM {name} ORDER BY rowid LIMIT {} OFFSET {}) ORDER BY rowid)",
                window.limit, window.offset
            );
            let rows = connection.texts(doing, &query, &[])?;
            let count = connection.texts(doing, &format!("SELECT count(*)::VARCHAR FROM {name}"), &[])?;
            let total = count.first().and_then(|row| row.first()?.as_ref()?.parse().ok()).unwrap_or(0);
            let truncated = window.offset + (rows.len() as u64) < total;
            Ok((Answer { columns, rows, truncated }, total))
        })
        .await
    }

    /// All tables and views with their columns, as they can be written in a query.
    ///
    /// # Errors
    /// `Locked` naming the holder. No file means no tables.
    pub async fn tables(&self) -> Result<Vec<(String, Vec<(String, String)>)>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let default = self.schema.clone();
        self.on_connection(move |connection| {
            let rows = connection.texts(
                "listing tables",
                "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() \
                 WHERE NOT internal AND database_name = current_database() \
                 ORDER BY schema_name, table_name, column_index",
                &[],
            )?;
            let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
            for row in rows {
                let Ok([schema, table, column, data_type]) = <[Option<String>; 4]>::try_from(row) else {
                    continue;
                };
                let (schema, table) = (schema.unwrap_or_default(), table.unwrap_or_default());
                let name = match schema == default && default == "main" {
                    true => sql::readable(&table),
                    false => format!("{}.{}", sql::readable(&schema), sql::readable(&table)),
                };
                let column = (column.unwrap_or_default(), data_type.unwrap_or_default());
                match tables.last_mut().filter(|(last, _)| *last == name) {
                    Some((_, columns)) => columns.push(column),
                    None => tables.push((name, vec![column])),
                }
            }
            Ok(tables)
        })
        .await
    }

    /// Runs blocking work on a connection of its own, in a transaction that cannot write. When the future is dropped, the
    /// work is interrupted.
    async fn on_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (path, settings) = (self.path.clone(), self.settings.clone());
        let connection = blocking(move || {
            let database = Database::existing(&path, &settings)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "The DuckDB file does not exist yet.")
                    .meaning("Nothing has been synced into it.")
                    .fix("Run a connection that writes to it first.")
                    .with("file", path.display())
            })?;
            database.connect()
        })
        .await?;
        let interrupt = Interrupt::of(&connection);
        let _cancel = OnDrop(Arc::clone(&interrupt));
        blocking(move || {
            // Dropped before the connection is: from then on nobody may interrupt it.
            let _disarm = Disarm(&interrupt);
            if interrupt.interrupted() {
                return Err(syncline_protocol::Stopped.into());
            }
            connection.execute("beginning to read", "BEGIN TRANSACTION READ ONLY", &[])?;
            work(&connection)
        })
        .await
    }
}

/// Interrupts what is running when it is dropped.
pub(crate) struct OnDrop(pub(crate) Arc<Interrupt>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// Lets nobody interrupt any more when it is dropped.
pub(crate) struct Disarm<'a>(pub(crate) &'a Interrupt);

impl Drop for Disarm<'_> {
    fn drop(&mut self) {
        self.0.disarm();
    }
}

/// Names and types of the columns of something that can stand after FROM.
fn columns_of(connection: &Connection, from: &str) -> Result<Vec<(String, String)>> {
    let rows = connection.texts("looking at columns", &format!("DESCRIBE SELECT * FROM {from}"), &[])?;
    let texts = rows.into_iter().map(|row| {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        (values.next().unwrap_or_default(), values.next().unwrap_or_default())
    });
    Ok(texts.collect())
}

/// `EXPLAIN …`: its answer is text already, and it cannot stand after FROM.
fn explanation(connection: &Connection, text: &str) -> Result<Answer> {
    let rows = connection.texts("explaining the query", text, &[]).map_err(in_words)?;
    let text_column = |name: &str| (name.to_owned(), "VARCHAR".to_owned());
    let columns = vec![text_column("explain_key"), text_column("explain_value")];
    Ok(Answer { columns, rows, truncated: false })
}

fn writes() -> Error {
    Error::new(ErrorKind::Unsupported, "Only queries that read can be run here.")
        .meaning("Nothing was changed.")
        .fix("Write a SELECT. To change the file, open it in DuckDB itself.")
}

/// What a person typed is wrong: DuckDB says best how.
fn in_words(error: Error) -> Error {
    const WRONG: [&str; 7] = [
        "Parser Error",
        "Binder Error",
        "Catalog Error",
        "Conversion Error",
        "Syntax Error",
        "Invalid Input Error",
        "Out of Range Error",
    ];
    let said = error.causes().into_iter().next().unwrap_or_default();
    // `EXPLAIN ANALYZE` runs what it explains; the transaction keeps it from writing.
    if said.contains("read-only mode") {
        return writes();
    }
    if !WRONG.iter().any(|kind| said.starts_with(kind)) {
        return error;
    }
    // The first line says what is wrong, the rest points into the text.
    let (headline, rest) = said.split_once('\n').unwrap_or((said.as_str(), ""));
    let error = Error::new(ErrorKind::Config, format!("DuckDB cannot run this: {headline}"))
        .meaning("Nothing was changed.")
        .fix("Correct the query.");
    if rest.trim().is_empty() { error } else { error.caused_by(rest.trim().to_owned()) }
}
