//! The destinations, and how to look into them without Syncline.

use std::fmt;

use anyhow::{Context as _, Result};
use duckdb::{AccessMode, Config, Connection};
use syncline_testkit::Database;
use syncline_testkit::oracle::postgres_rows;

use crate::program::{Project, postgres_yaml};

/// The name of the destination in its project.
pub const NAME: &str = "target";

/// A kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A DuckDB file in the project folder.
    DuckDb,
    /// A folder of Parquet files in the project folder.
    Parquet,
    /// A database on the server of the source.
    Postgres,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::DuckDb => "duckdb",
            Target::Parquet => "parquet",
            Target::Postgres => "postgres",
        })
    }
}

/// How a system writes SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// DuckDB, also for Parquet files.
    DuckDb,
}

impl Dialect {
    /// An instant as microseconds since 1970-01-01.
    pub fn micros(self, column: &str) -> String {
        match self {
            Dialect::Postgres => format!("cast(extract(epoch from {column}) * 1000000 as bigint)"),
            Dialect::DuckDb => format!("epoch_us({column})"),
        }
    }
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 3] = [Target::DuckDb, Target::Parquet, Target::Postgres];

    /// The project file of a new, empty destination. `database` is for those that need one.
    pub fn yaml(self, database: &Database) -> String {
        match self {
            Target::DuckDb => "connector: duckdb\nconfig:\n  path: target.duckdb\n".to_owned(),
            Target::Parquet => "connector: parquet\nconfig:\n  path: target\n".to_owned(),
            Target::Postgres => postgres_yaml(database),
        }
    }

    /// How to write SQL for it.
    pub fn dialect(self) -> Dialect {
        match self {
            Target::Postgres => Dialect::Postgres,
            Target::DuckDb | Target::Parquet => Dialect::DuckDb,
        }
    }

    /// Runs a query that has `{table}` where a table of this schema belongs; the result has one text column. Sorted.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn rows(
        self,
        project: &Project,
        database: &Database,
        (schema, table): (&str, &str),
        query: &str,
    ) -> Result<Vec<String>> {
        let query = |table: &str| query.replace("{table}", table);
        match self {
            Target::Postgres => {
                let client = database.connect().await?;
                postgres_rows(&client, &query(&format!("{schema}.{table}"))).await
            }
            Target::DuckDb => {
                let file = project.folder().join("target.duckdb");
                let config = Config::default().access_mode(AccessMode::ReadOnly)?;
                let connection = Connection::open_with_flags(file, config)?;
                duckdb_rows(&connection, &query(&format!("{schema}.{table}")))
            }
            Target::Parquet => {
                let files = project.folder().join("target").join(schema).join(table).join("*.parquet");
                let files = files.to_str().context("a path that is text")?.replace('\'', "''");
                let connection = Connection::open_in_memory()?;
                duckdb_rows(&connection, &query(&format!("read_parquet('{files}', union_by_name = true)")))
            }
        }
    }

    /// Removes what is there, and the position with it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn clear(self, project: &Project, database: &Database) -> Result<()> {
        let folder = project.folder();
        match self {
            Target::DuckDb => {
                for file in ["target.duckdb", "target.duckdb.wal"] {
                    let file = folder.join(file);
                    if file.exists() {
                        std::fs::remove_file(file)?;
                    }
                }
            }
            Target::Parquet => {
                if folder.join("target").exists() {
                    std::fs::remove_dir_all(folder.join("target"))?;
                }
            }
            Target::Postgres => {
                let client = database.connect().await?;
                let schemas = postgres_rows(
                    &client,
                    "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
                )
                .await?;
                for schema in schemas {
                    client.batch_execute(&format!("drop schema \"{schema}\" cascade")).await?;
                }
                client.batch_execute("create schema public").await?;
            }
        }
        Ok(())
    }
}

fn duckdb_rows(connection: &Connection, query: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(query).with_context(|| query.to_owned())?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut rows: Vec<String> = rows.collect::<Result<_, _>>().with_context(|| query.to_owned())?;
    rows.sort_unstable();
    Ok(rows)
}
