//! Tables that a connection synced and no longer does. Their rows stay where they are, unless a person asks for their
//! removal: that is a line of its own in the plan, and never the consequence of another choice.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use syncline_protocol::{
    Column, Deletes, Error, ErrorKind, Result, SchemaChange, Side, StoredCheckpoint, TableName, TargetName,
    TargetTable, WriteMode, system,
};
use syncline_store::config::TableConfig;

use crate::connection::Connection;
use crate::mapping::Surroundings;
use crate::prepare::base_shape;

/// A table that is no longer synced and still has rows in the destination.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftTable {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// How many rows a reader finds there; none where counting takes long.
    pub rows: Option<u64>,
    /// When rows came last, RFC 3339 in UTC.
    pub synced_at: String,
    /// Whether syncing the table again would bring the same rows back. Not so where every version or every change is
    /// kept: what is older than the source remembers is nowhere else.
    pub restorable: bool,
    /// Whether the plan removes it. Only when a person asked for that.
    pub remove: bool,
    /// What removing it means, as statements.
    pub ddl: Vec<String>,
}

impl LeftTable {
    /// What happens to it, in one sentence.
    pub fn sentence(&self) -> String {
        let rows = self.rows.map_or_else(|| "its rows".to_owned(), |rows| format!("its {rows} rows"));
        match (self.remove, self.restorable) {
            (false, _) => format!("no longer synced; {rows} stay in the destination"),
            (true, true) => {
                format!("{rows} are removed from the destination; syncing it again brings them back")
            }
            (true, false) => format!("{rows} are removed from the destination and cannot be brought back"),
        }
    }
}

impl Connection {
    /// The tables that were left, with those of `remove` marked.
    ///
    /// # Errors
    /// `NotFound` when one of `remove` is not among them; whatever keeps the destination from being asked.
    pub(crate) async fn left(
        &self,
        checkpoints: &HashMap<TableName, StoredCheckpoint>,
        remove: &[TableName],
    ) -> Result<Vec<LeftTable>> {
        let surroundings = Surroundings { config: &self.config, destination: self.destination.as_ref() };
        let synced = |table: &TableName| self.config.tables.iter().any(|known| known.name == *table);
        let used: Vec<TargetName> =
            self.config.tables.iter().map(|table| surroundings.target_name(table)).collect();
        let mut found = Vec::new();
        for stored in checkpoints.values().filter(|stored| !synced(&stored.table)) {
            let known = self.memory.left_target(&self.name, &stored.table)?;
            let target = known.unwrap_or_else(|| surroundings.target_name(&usual(&stored.table)));
            // What another table now writes to is not left.
            if !used.contains(&target) {
                found.push((stored, target));
            }
        }
        found.sort_by(|left, right| left.0.table.cmp(&right.0.table));
        let targets: Vec<TargetName> = found.iter().map(|(_, target)| target.clone()).collect();
        let existing = match targets.is_empty() {
            true => Vec::new(),
            false => self.destination.inspect(&targets).await.map_err(|error| error.at(Side::Destination))?,
        };
        let mut tables = Vec::new();
        for ((stored, target), columns) in found.into_iter().zip(existing) {
            let Some(columns) = columns else { continue };
            // A table that Syncline did not make is never touched.
            if columns.iter().any(|column| column.name == system::SYNCED_AT) {
                tables.push(self.left_table(stored, target, columns, remove).await?);
            }
        }
        match remove.iter().find(|wanted| !tables.iter().any(|left| left.table == **wanted)) {
            None => Ok(tables),
            Some(missing) => Err(Error::new(
                ErrorKind::NotFound,
                format!("`{missing}` has no rows in the destination that could be removed."),
            )
            .meaning("Nothing was removed.")
            .fix("Make a new plan and look at it.")),
        }
    }

    async fn left_table(
        &self,
        stored: &StoredCheckpoint,
        target: TargetName,
        columns: Vec<Column>,
        remove: &[TableName],
    ) -> Result<LeftTable> {
        let shape = base_shape(&stored.position.shape);
        let mode = mode_of(shape, &columns);
        let restorable = !matches!(mode, WriteMode::Append | WriteMode::History);
        let ddl = self.destination.ddl(&SchemaChange::DropTable { table: target.clone() });
        let table = TargetTable { name: target.clone(), columns, key: Vec::new(), mode };
        let rows = match self.destination.capabilities().counts_fast {
            true => Some(self.destination.count(&table).await.map_err(|error| error.at(Side::Destination))?),
            false => None,
        };
        Ok(LeftTable {
            table: stored.table.clone(),
            target,
            rows,
            synced_at: stored.committed_at.clone(),
            restorable,
            remove: remove.contains(&stored.table),
            ddl,
        })
    }
}

/// How a table was kept, from what its checkpoint says and the columns it has.
fn mode_of(shape: &str, columns: &[Column]) -> WriteMode {
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    match shape.split('|').next() {
        Some("append") => WriteMode::Append,
        Some("history") => WriteMode::History,
        Some("replace") => WriteMode::Replace,
        _ if has(system::DELETED) => WriteMode::Merge { deletes: Deletes::Soft },
        _ => WriteMode::Merge { deletes: Deletes::Hard },
    }
}

/// A table about which nothing special is configured.
fn usual(table: &TableName) -> TableConfig {
    TableConfig {
        name: table.clone(),
        target: None,
        mode: None,
        deletes: Deletes::default(),
        cursor: None,
        look_back_seconds: 0,
        detect_deletes: false,
        key: Vec::new(),
        columns: Vec::new(),
        column_rules: std::collections::BTreeMap::new(),
    }
}
