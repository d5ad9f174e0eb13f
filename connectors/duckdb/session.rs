//! A session: the fence, schema changes, and what every commit does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use syncline_protocol::{
    Commit, DestinationSession, Durable, Error, ErrorKind, LoadInto, Loader, LoaderOptions, Opened, Opening,
    Result, SchemaChange, TargetTable, system,
};
use tokio::sync::mpsc;

use crate::database::{Database, Totals};
use crate::destination::{Place, blocking, columns_of, stored};
use crate::loader::{Command, DuckDbLoader};
use crate::raw::{Connection, Param};
use crate::sql;

/// Who writes: what a commit must know besides its rows.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) place: Place,
    pub(crate) connection: String,
    pub(crate) fence: u64,
}

/// A loader's thread, as the session knows it.
type Running = (mpsc::WeakSender<Command>, JoinHandle<()>);

/// A run's right to write.
pub(crate) struct DuckDbSession {
    writer: Writer,
    /// None when the session is closed.
    database: Mutex<Option<Arc<Database>>>,
    loaders: Mutex<Vec<Running>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DuckDbSession {
    /// Raises the fence. Blocks.
    pub(crate) fn open(place: &Place, opening: &Opening) -> Result<Opened> {
        let database = place.open()?;
        let connection = database.connect()?;
        let doing = "opening the DuckDB file for a run";
        // Nobody commits while the fence rises, see `Ledger`.
        let mut ledger = database.ledger();
        for statement in sql::system_tables(&place.schema) {
            connection.execute(doing, &statement, &[])?;
        }
        let (fence, checkpoints) = stored(&connection, place, &opening.connection)?;
        let fence = fence.unwrap_or(0).max(ledger.fence(&opening.connection)) + 1;
        let table = place.system(system::CHECKPOINTS);
        let name = Param::from(&opening.connection);
        connection.execute(doing, "BEGIN", &[])?;
        connection.execute(
            doing,
            &format!("DELETE FROM {table} WHERE connection = ? AND \"table\" = ''"),
            &[name],
        )?;
        connection.execute(
            doing,
            &format!("INSERT INTO {table} VALUES (?, '', ?, 0, '{{}}', now(), 0, 0, 0)"),
            &[name, fence.into()],
        )?;
        connection.execute(doing, "COMMIT", &[])?;
        ledger.raise(&opening.connection, fence, &checkpoints);
        drop(ledger);
        tracing::debug!(connection = opening.connection, run = opening.run, fence, "opened");
        let writer = Writer { place: place.clone(), connection: opening.connection.clone(), fence };
        for checkpoint in &checkpoints {
            writer.forget_older(&connection, &checkpoint.table.to_string(), checkpoint.ordinal);
        }
        let session = DuckDbSession {
            writer,
            database: Mutex::new(Some(Arc::clone(connection.database()))),
            loaders: Mutex::default(),
        };
        Ok(Opened { session: Box::new(session), fence, checkpoints })
    }

    fn database(&self) -> Result<Arc<Database>> {
        lock(&self.database).clone().ok_or_else(|| Error::internal("The session is closed."))
    }
}

impl Writer {
    /// Fails early, before work is done that could not be committed. The last word is in [`commit`](Self::commit).
    pub(crate) fn check(&self, database: &Database, commit: &Commit) -> Result<Totals> {
        database.ledger().check(&self.connection, &commit.table.to_string(), self.fence, commit.ordinal)
    }

    /// Ends the open transaction of `connection` by storing the checkpoint and the quarantined rows in it.
    ///
    /// The checkpoint is *inserted*; the one before is removed afterwards. A bulk load reads a snapshot from before the
    /// commits of other loaders of its table, in which it could neither see nor replace the latest checkpoint.
    pub(crate) fn commit(&self, connection: &Connection, commit: &Commit) -> Result<()> {
        let doing = "storing the checkpoint";
        let table = commit.table.to_string();
        let mut ledger = connection.database().ledger();
        let before = ledger.check(&self.connection, &table, self.fence, commit.ordinal)?;
        let totals = Totals {
            ordinal: commit.ordinal,
            rows: before.rows.saturating_add(commit.rows),
            bytes: before.bytes.saturating_add(commit.bytes),
        };
        self.quarantine(connection, commit, &table)?;
        let position = serde_json::to_string(&commit.position)
            .map_err(|error| Error::internal("A position could not be written.").caused_by(error))?;
        connection.execute(
            doing,
            &format!(
                "INSERT INTO {} VALUES (?, ?, ?, ?, ?, make_timestamptz(?), ?, ?, ?)",
                self.place.system(system::CHECKPOINTS)
            ),
            &[
                (&self.connection).into(),
                (&table).into(),
                self.fence.into(),
                totals.ordinal.into(),
                (&position).into(),
                commit.at_micros.into(),
                totals.rows.into(),
                totals.bytes.into(),
                commit.checksum.into(),
            ],
        )?;
        connection.execute("committing", "COMMIT", &[])?;
        ledger.committed(&self.connection, &table, totals);
        self.forget_older(connection, &table, commit.ordinal);
        Ok(())
    }

    fn quarantine(&self, connection: &Connection, commit: &Commit, table: &str) -> Result<()> {
        let doing = "writing to the quarantine";
        let quarantine = self.place.system(system::QUARANTINE);
        for rejected in &commit.rejected {
            let row = rejected.row.to_string();
            connection.execute(
                doing,
                &format!(
                    "INSERT INTO {quarantine} VALUES (uuid()::VARCHAR, ?, ?, ?, make_timestamptz(?), ?, ?, ?)"
                ),
                &[
                    (&self.connection).into(),
                    table.into(),
                    (&commit.run).into(),
                    commit.at_micros.into(),
                    Param::Text(rejected.column.as_deref()),
                    (&rejected.reason).into(),
                    (&row).into(),
                ],
            )?;
        }
        for id in &commit.replayed {
            connection.execute(
                doing,
                &format!("DELETE FROM {quarantine} WHERE connection = ? AND id = ?"),
                &[(&self.connection).into(), id.into()],
            )?;
        }
        Ok(())
    }

    /// Removes checkpoints that a newer one has replaced. Harmless when it fails or never happens: the highest ordinal
    /// counts, and the next commit removes what is left.
    fn forget_older(&self, connection: &Connection, table: &str, ordinal: u64) {
        let removed = connection.execute(
            "removing an old checkpoint",
            &format!(
                "DELETE FROM {} WHERE connection = ? AND \"table\" = ? AND ordinal < ?",
                self.place.system(system::CHECKPOINTS)
            ),
            &[(&self.connection).into(), table.into(), ordinal.into()],
        );
        if let Err(error) = removed {
            tracing::debug!(%error, table, "an old checkpoint stays for now");
        }
    }

    /// Runs `work` in a transaction that ends with `end`; rolls back when either fails.
    fn transaction<T>(
        connection: &Connection,
        work: impl FnOnce() -> Result<T>,
        end: impl FnOnce() -> Result<()>,
    ) -> Result<T> {
        connection.execute("beginning a transaction", "BEGIN", &[])?;
        let done = work().and_then(|done| end().map(|()| done));
        if done.is_err() {
            // Fails when a failed COMMIT has already rolled back.
            let _ = connection.execute("rolling back", "ROLLBACK", &[]);
        }
        done
    }

    fn apply(&self, database: &Arc<Database>, change: &SchemaChange) -> Result<()> {
        let connection = database.connect()?;
        // Held to the end: a newer session waits until this change is done, and none of ours comes after it.
        let ledger = database.ledger();
        ledger.check_fence(&self.connection, self.fence)?;
        let schema = &self.place.schema;
        if let SchemaChange::WidenColumn { table, column, .. } = change {
            let present = columns_of(&connection, sql::schema_of(table, schema), &table.name)?;
            let same = |known: &syncline_protocol::Column| {
                known.name.eq_ignore_ascii_case(&column.name)
                    && known.logical == sql::logical_type(&sql::type_name(&column.logical))
            };
            if present.iter().any(same) {
                return Ok(());
            }
        }
        let statements = sql::ddl(change, schema);
        Self::transaction(
            &connection,
            || {
                statements.iter().try_for_each(|statement| {
                    connection
                        .execute("changing a table", statement, &[])
                        .map(drop)
                        .map_err(|error| error.with("table", change.table()))
                })
            },
            || connection.execute("changing a table", "COMMIT", &[]).map(drop),
        )
    }

    fn begin(
        &self,
        database: &Arc<Database>,
        target: &TargetTable,
        into: LoadInto,
        commit: &Commit,
    ) -> Result<()> {
        self.check(database, commit)?;
        let connection = database.connect()?;
        let doing = "beginning a table";
        Self::transaction(
            &connection,
            || {
                if into == LoadInto::Beside {
                    let beside = sql::beside(&target.name);
                    let schema = &self.place.schema;
                    let name = sql::table(&beside, schema);
                    let create_schema = sql::quoted(sql::schema_of(&beside, schema));
                    connection.execute(
                        doing,
                        &format!("CREATE SCHEMA IF NOT EXISTS {create_schema}"),
                        &[],
                    )?;
                    connection.execute(doing, &format!("DROP TABLE IF EXISTS {name}"), &[])?;
                    connection.execute(doing, &sql::create_table(target, &beside, schema), &[])?;
                }
                Ok(())
            },
            || self.commit(&connection, commit),
        )
    }
}

#[async_trait]
impl DestinationSession for DuckDbSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        let (writer, database, change) = (self.writer.clone(), self.database()?, change.clone());
        blocking(move || writer.apply(&database, &change)).await
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        let (writer, database) = (self.writer.clone(), self.database()?);
        let (target, commit) = (target.clone(), commit.clone());
        if commit.rows != 0 {
            return Err(Error::new(ErrorKind::Mismatch, "The beginning of a plan cannot have rows."));
        }
        blocking(move || writer.begin(&database, &target, into, &commit)).await?;
        Ok(Durable::default())
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        let (writer, database, options) = (self.writer.clone(), self.database()?, options.clone());
        let (loader, thread) =
            blocking(move || DuckDbLoader::start(writer, database.connect()?, options)).await?;
        let mut loaders = lock(&self.loaders);
        loaders.retain(|(_, thread)| !thread.is_finished());
        loaders.push((loader.commands(), thread));
        Ok(Box::new(loader))
    }

    async fn close(&self) {
        let (loaders, database) = (std::mem::take(&mut *lock(&self.loaders)), lock(&self.database).take());
        let mut threads = Vec::with_capacity(loaders.len());
        for (commands, thread) in loaders {
            if let Some(commands) = commands.upgrade() {
                // Fails only when the thread has ended by itself.
                let _ = commands.send(Command::End).await;
            }
            threads.push(thread);
        }
        let closed = blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
            // The last one to let go writes what is in the log into the file and releases it.
            drop(database);
            Ok(())
        })
        .await;
        if let Err(error) = closed {
            tracing::warn!(%error, "the DuckDB file was not closed in order");
        }
    }
}
