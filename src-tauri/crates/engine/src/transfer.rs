//! Moves positions from another program to this one, and back: a connection that was synced elsewhere goes on here.
//!
//! A state that is imported becomes the checkpoint of its table, by the same commit protocol as any other: the
//! destination stores it under the fence, and the next run goes on from it. The rows that the other program has loaded
//! are not moved.

use serde_json::Value;
use syncline_protocol::{
    Commit, DestinationSession, Error, ErrorKind, Finish, LoadInto, Opening, Result, SchemaChange, Side,
    TableName,
};

use crate::connection::Connection;
use crate::prepare::{Prepared, prepare};

/// What became of a table.
#[derive(Debug)]
pub struct Moved {
    /// The table of the source.
    pub table: TableName,
    /// Whether its position is stored now, or why not.
    pub outcome: Result<()>,
}

impl Connection {
    /// Stores states of another program as the positions of their tables. Tables that are missing in the destination
    /// are made, empty. `replace`: also for tables that have a position already. One table that cannot be moved does not
    /// keep the others.
    ///
    /// # Errors
    /// When a side cannot be reached, or another run has the destination.
    pub async fn import_states(
        &self,
        run: &str,
        states: &[(TableName, Value)],
        replace: bool,
    ) -> Result<Vec<Moved>> {
        let known = |name: &TableName| self.config.tables.iter().find(|table| table.name == *name);
        let (mut moved, mut wanted) = (Vec::new(), Vec::new());
        for (name, state) in states {
            match known(name) {
                Some(table) => wanted.push((table.clone(), state)),
                None => moved.push(Moved { table: name.clone(), outcome: Err(not_selected(self, name)) }),
            }
        }
        let tables: Vec<_> = wanted.iter().map(|(table, _)| table.clone()).collect();
        if tables.is_empty() {
            return Ok(moved);
        }
        let catalog = self.discover(&tables).await?;
        let opening = Opening { connection: self.id.clone(), run: run.to_owned() };
        let opened = self.destination.open(&opening).await.map_err(|error| error.at(Side::Destination))?;
        let checkpoints =
            opened.checkpoints.into_iter().map(|stored| (stored.table.clone(), stored)).collect();
        let session = opened.session;
        let result = async {
            let prepared = prepare(self, &tables, &catalog, checkpoints).await?;
            for ((table, state), prepared) in wanted.iter().zip(prepared) {
                let outcome = match prepared {
                    Ok(prepared) => self.import(session.as_ref(), run, prepared, state, replace).await,
                    Err(error) => Err(error),
                };
                moved.push(Moved { table: table.name.clone(), outcome });
            }
            Ok(moved)
        }
        .await;
        session.close().await;
        result
    }

    async fn import(
        &self,
        session: &dyn DestinationSession,
        run: &str,
        prepared: Prepared,
        state: &Value,
        replace: bool,
    ) -> Result<()> {
        let Prepared { mapping, mut changes, accepted, checkpoint, existing, rebuild, .. } = prepared;
        if checkpoint.is_some() && !replace {
            let message = format!("`{}` has been synced by Syncline already.", mapping.table());
            return Err(Error::new(ErrorKind::Conflict, message)
                .meaning("Its position was left as it is.")
                .fix("Add --replace to go on from the imported state instead."));
        }
        let position = self.source.position_of(&mapping.read, state).await;
        let mut position = position.map_err(|error| error.at(Side::Source))?;
        let before = checkpoint.as_ref().map(|stored| &stored.position);
        position.generation = before.map_or(0, |before| before.generation) + 1;
        position.shape = mapping.shape();
        match &existing {
            // It was dropped.
            None => changes = vec![SchemaChange::CreateTable { table: mapping.target.clone() }],
            Some(_) if rebuild => {
                let message =
                    format!("The mode or key of `{}` has changed since it was loaded.", mapping.table());
                return Err(Error::new(ErrorKind::Conflict, message)
                    .meaning("Its position was left as it is; the next run loads it anew.")
                    .fix("Give the table another `target`, and import the state again."));
            }
            Some(_) => {}
        }
        for change in &changes {
            session.apply(change).await?;
        }
        self.memory.accept_schema(&self.name, &accepted)?;
        let at = checkpoint.as_ref().and_then(|stored| stored.committed_at.parse::<jiff::Timestamp>().ok());
        let commit = Commit {
            table: mapping.table().clone(),
            run: run.to_owned(),
            ordinal: checkpoint.as_ref().map_or(0, |stored| stored.ordinal) + 1,
            position,
            rows: 0,
            bytes: 0,
            checksum: 0,
            at_micros: (self.clock)().as_microsecond().max(at.map_or(0, |at| at.as_microsecond() + 1)),
            rejected: Vec::new(),
            replayed: Vec::new(),
            finish: Finish::None,
        };
        session.begin(&mapping.target, LoadInto::Table, &commit).await?;
        Ok(())
    }

    /// The states from which another program can go on, of all tables that have one.
    ///
    /// # Errors
    /// When the destination cannot be asked.
    pub async fn export_states(&self) -> Result<Vec<(TableName, Value)>> {
        let mut states: Vec<_> = self
            .checkpoints()
            .await?
            .into_values()
            .filter_map(|stored| Some((stored.table, self.source.state_of(&stored.position)?)))
            .collect();
        states.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(states)
    }
}

fn not_selected(connection: &Connection, table: &TableName) -> Error {
    Error::new(ErrorKind::NotFound, format!("The connection `{}` has no table `{table}`.", connection.name))
        .meaning("Its state was left out.")
        .fix("Add the table to the connection first, if it should be synced.")
}
