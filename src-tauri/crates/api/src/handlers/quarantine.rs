use serde_json::{Value, json};
use syncline_engine::{Connection, Repair, Replayed};
use syncline_protocol::{QuarantinedRow, Result, TableName};
use syncline_store::{RunLock, run_id};

use crate::api::{Api, require_tables};
use crate::types::{AcceptRequest, Accepted, QuarantineRequest, QuarantineRow, ReplayRequest};

/// Rejected rows are counted up to here.
pub(crate) const QUARANTINE_COUNTED_MAX: usize = 10_000;

impl Api {
    pub(crate) async fn quarantine(&self, request: QuarantineRequest) -> Result<Vec<QuarantineRow>> {
        let connection = self.engine(&request.connection).await?;
        let limit = request.limit.min(QUARANTINE_COUNTED_MAX);
        let rows = connection.quarantined(None, limit).await?;
        if rows.len() < limit {
            let count = rows.len() as u64;
            self.blocking(move |open| open.keep_quarantined(&request.connection, count)).await?;
        }
        Ok(rows.into_iter().map(row).collect())
    }

    pub(crate) async fn replay(&self, request: ReplayRequest) -> Result<Replayed> {
        let repair = Repair { ids: request.ids, values: request.values };
        let columns: Vec<String> = repair.values.keys().cloned().collect();
        let (connection, lock) = self.to_write(&request.connection, &request.table).await?;
        let run = run_id(self.open.now())?;
        let replayed = connection.replay(&request.table, &repair, &run).await?;
        let detail = json!({"table": request.table, "loaded": replayed.loaded, "kept": replayed.kept.len(), "repaired": columns});
        self.written(&connection, lock, "replay", run, detail).await?;
        Ok(replayed)
    }

    pub(crate) async fn accept_rejected(&self, request: AcceptRequest) -> Result<Accepted> {
        let (connection, lock) = self.to_write(&request.connection, &request.table).await?;
        let run = run_id(self.open.now())?;
        let removed = connection.dismiss(&request.table, &request.ids, &run).await?;
        let detail = json!({"table": request.table, "rows": removed});
        self.written(&connection, lock, "dismiss", run, detail).await?;
        Ok(Accepted { removed })
    }

    /// The connection with its lock: what writes must not meet a run.
    async fn to_write(&self, name: &str, table: &TableName) -> Result<(Connection, RunLock)> {
        self.refuse_while_running(name, "changed")?;
        let connection = self.engine(name).await?;
        require_tables(&connection, std::slice::from_ref(table))?;
        let name = name.to_owned();
        let lock = self.blocking(move |open| RunLock::acquire(&open.project, &name)).await?;
        Ok((connection, lock))
    }

    /// Keeps what was done, and counts what is left.
    async fn written(
        &self,
        connection: &Connection,
        lock: RunLock,
        kind: &'static str,
        run: String,
        detail: Value,
    ) -> Result<()> {
        let left = connection.quarantined(None, QUARANTINE_COUNTED_MAX).await?.len() as u64;
        let name = connection.name.clone();
        self.blocking(move |open| {
            open.keep_quarantined(&name, left)?;
            open.note(&name, kind, Some(run), detail)?;
            drop(lock);
            Ok(())
        })
        .await
    }
}

fn row(row: QuarantinedRow) -> QuarantineRow {
    let QuarantinedRow { id, table, run, at, rejected } = row;
    let value = rejected.column.as_ref().and_then(|column| rejected.row.get(column));
    let value = value.and_then(|value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    QuarantineRow {
        id,
        table,
        run,
        at,
        value,
        column: rejected.column,
        reason: rejected.reason,
        row: rejected.row.to_string(),
    }
}
