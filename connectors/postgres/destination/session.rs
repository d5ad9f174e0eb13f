//! An open session: its fence, its connections, and the changes of schema it makes.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use syncline_protocol::{
    Commit, DestinationSession, Durable, Error, ErrorKind, LoadInto, Loader, LoaderOptions, Opening, Result,
    SchemaChange, TargetTable,
};

use super::loader::PostgresLoader;
use super::run;
use super::scan::found_columns;
use super::system::{SystemTables, ensure_schema, lock_schema};
use crate::postgres::client::{Connection, Server};
use crate::postgres::ddl::{beside_name, create_table, qualified, statements};

/// How long a change of a table waits for others who use it. All later readers queue behind it, so not for ever.
const SCHEMA_WAIT: &str = "SET LOCAL lock_timeout = '60s'";

/// What the session and its loaders have in common.
pub(super) struct Shared {
    server: Arc<Server>,
    pub(super) tables: SystemTables,
    pub(super) connection: String,
    pub(super) fence: u64,
    /// Connections that are in no transaction; none at all after the session was closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Shared {
    pub(super) fn new(server: Arc<Server>, tables: SystemTables, opening: &Opening, fence: u64) -> Arc<Self> {
        Arc::new(Shared {
            server,
            tables,
            connection: opening.connection.clone(),
            fence,
            idle: Mutex::new(Some(Vec::new())),
        })
    }

    /// A connection that is in no transaction: one that was given back, or a new one.
    pub(super) async fn take(&self) -> Result<Connection> {
        let idle = match self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            None => return Err(Error::new(ErrorKind::Stopped, "The session with the database was closed.")),
            Some(idle) => {
                idle.retain(|connection| !connection.is_closed());
                idle.pop()
            }
        };
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.server).await,
        }
    }

    /// Takes back a connection that is in no transaction.
    pub(super) fn give_back(&self, connection: Connection) {
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            idle.push(connection);
        }
    }

    async fn close(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        for connection in idle.into_iter().flatten() {
            connection.close().await;
        }
    }
}

/// A connection for writing.
pub(super) async fn connect(server: &Arc<Server>) -> Result<Connection> {
    let connection = server.connect().await?;
    // `Durable` must mean durable, whatever the user's default. Merging joins a segment with a table: some megabytes
    // of working memory keep that off the disk.
    run(
        &connection,
        "SELECT pg_catalog.set_config('synchronous_commit', 'on', false)
         WHERE pg_catalog.current_setting('synchronous_commit') = 'off';
         SET work_mem = '64MB'",
        "set up the connection",
    )
    .await?;
    Ok(connection)
}

/// The session of a Postgres destination.
pub(super) struct PostgresSession {
    shared: Arc<Shared>,
}

impl PostgresSession {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        PostgresSession { shared }
    }

    async fn change(&self, connection: &Connection, change: &SchemaChange) -> Result<()> {
        let shared = &self.shared;
        let begin = format!("BEGIN; {SCHEMA_WAIT}; {}", lock_schema());
        run(connection, &begin, "change the schema").await?;
        let default_schema = shared.tables.schema();
        let mut todo = statements(change, default_schema);
        match change {
            SchemaChange::CreateTable { table } => {
                todo.remove(0); // the schema: done below, where it is missing
                let schema = table.name.schema.as_deref().unwrap_or(default_schema);
                ensure_schema(connection, schema).await?;
            }
            SchemaChange::WidenColumn { table, column, .. } => {
                let found = found_columns(connection, std::slice::from_ref(table), default_schema).await?;
                let has_it =
                    found.iter().flatten().flatten().any(|found| {
                        found.column.name == column.name && found.column.logical == column.logical
                    });
                if has_it {
                    todo.clear(); // a change of type rewrites the table, also one to the same type
                }
            }
            SchemaChange::AddColumn { .. } | SchemaChange::DropTable { .. } => {}
        }
        for statement in todo {
            run(connection, &statement, "change the schema")
                .await
                .map_err(|error| error.with("table", change.table()))?;
        }
        shared.tables.hold_fence(connection, &shared.connection, shared.fence).await?;
        run(connection, "COMMIT", "change the schema").await
    }

    async fn begin_plan(
        &self,
        connection: &Connection,
        target: &TargetTable,
        into: LoadInto,
        commit: &Commit,
    ) -> Result<Durable> {
        let shared = &self.shared;
        let doing = "begin a table";
        run(connection, &format!("BEGIN; {SCHEMA_WAIT}"), doing).await?;
        if into == LoadInto::Beside {
            run(connection, &lock_schema(), doing).await?;
            let schema = target.name.schema.as_deref().unwrap_or(shared.tables.schema());
            ensure_schema(connection, schema).await?;
            let name = qualified(schema, &beside_name(&target.name.name));
            let statements = format!("DROP TABLE IF EXISTS {name}; {}", create_table(&name, target));
            run(connection, &statements, doing).await?;
        }
        shared.tables.record(connection, &shared.connection, shared.fence, commit).await?;
        run(connection, "COMMIT", doing).await?;
        Ok(Durable::default())
    }
}

#[async_trait]
impl DestinationSession for PostgresSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        let connection = self.shared.take().await?;
        // After an error the connection is dropped, and the server rolls back.
        self.change(&connection, change).await?;
        self.shared.give_back(connection);
        Ok(())
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        let connection = self.shared.take().await?;
        let durable = self.begin_plan(&connection, target, into, commit).await?;
        self.shared.give_back(connection);
        Ok(durable)
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        let connection = self.shared.take().await?;
        let loader = PostgresLoader::new(Arc::clone(&self.shared), connection, options.clone()).await?;
        Ok(Box::new(loader))
    }

    async fn close(&self) {
        self.shared.close().await;
    }
}
