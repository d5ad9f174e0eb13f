//! What a run of a connection would do, table by table. The plan that people read and the run itself both start here,
//! so that a run does exactly what its plan said.

use std::collections::HashMap;

use syncline_protocol::schema::{TableInfo, TableKind};
use syncline_protocol::{
    Catalog, Column, DestinationCapabilities, ElementsOf, Error, ErrorKind, Result, SchemaChange, Side,
    StoredCheckpoint, TableName, TableSchema, WriteMode, system,
};
use syncline_store::config::TableConfig;

use crate::connection::Connection;
use crate::drift::{self, Drift};
use crate::mapping::{Surroundings, TableMapping};

/// A table, ready to be loaded.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) mapping: TableMapping,
    /// What must change in the destination first.
    pub(crate) changes: Vec<SchemaChange>,
    pub(crate) drifts: Vec<Drift>,
    /// The shape to remember once the changes are applied.
    pub(crate) accepted: TableSchema,
    /// The columns of the destination table as they are; none when it is not there.
    pub(crate) existing: Option<Vec<Column>>,
    pub(crate) checkpoint: Option<StoredCheckpoint>,
    /// What is there cannot be continued: the table is loaded anew beside the old one.
    pub(crate) rebuild: bool,
    /// All rows are read again into the table as it is: what is missing comes in, what differs is replaced.
    pub(crate) reread: bool,
    /// Rows go into a copy that then takes the place of the table.
    pub(crate) beside: bool,
    pub(crate) rows_estimate: Option<u64>,
    pub(crate) bytes_estimate: Option<u64>,
    /// Set when the rows are the elements of a field of another table.
    pub(crate) elements_of: Option<ElementsOf>,
}

/// Prepares tables. A table that cannot be prepared has its error in place; the others are not affected.
pub(crate) async fn prepare(
    connection: &Connection,
    tables: &[TableConfig],
    catalog: &Catalog,
    mut checkpoints: HashMap<TableName, StoredCheckpoint>,
) -> Result<Vec<Result<Prepared>>> {
    let surroundings =
        Surroundings { config: &connection.config, destination: connection.destination.as_ref() };
    let targets: Vec<_> = tables.iter().map(|table| surroundings.target_name(table)).collect();
    let existing = connection.destination.inspect(&targets).await;
    let existing = existing.map_err(|error| error.at(Side::Destination))?;
    let prepared =
        tables.iter().zip(existing).zip(&targets).enumerate().map(|(at, ((table, existing), target))| {
            if let Some(other) = tables.iter().zip(&targets).take(at).find(|(_, name)| *name == target) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("`{}` and `{}` would both land in `{target}`.", other.0.name, table.name),
                )
                .fix("Give one of them another `target`."));
            }
            prepare_table(
                connection,
                &surroundings,
                table,
                catalog,
                existing,
                checkpoints.remove(&table.name),
            )
        });
    Ok(prepared.collect())
}

/// Has all rows of these tables read again, where a mode allows it.
pub(crate) fn reread(prepared: &mut [Result<Prepared>]) {
    for table in prepared {
        let Ok(ready) = table else { continue };
        match ready.mapping.target.mode {
            WriteMode::Merge { .. } | WriteMode::History => ready.reread = true,
            // It reads everything anyway.
            WriteMode::Replace => {}
            WriteMode::Append => {
                *table = Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("`{}` keeps every row that was ever read, so reading all of them again would double them.", ready.mapping.table()),
                )
                .meaning("This table is left as it is.")
                .fix("Give the table another `target`: it is loaded anew there."));
            }
        }
    }
}

fn prepare_table(
    connection: &Connection,
    surroundings: &Surroundings<'_>,
    table: &TableConfig,
    catalog: &Catalog,
    existing: Option<Vec<Column>>,
    checkpoint: Option<StoredCheckpoint>,
) -> Result<Prepared> {
    let info = catalog.table(&table.name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("The source has no table `{}`.", table.name))
            .with("table", &table.name)
    })?;
    if let Some(reason) = &info.unreadable {
        return Err(Error::new(ErrorKind::Permission, format!("`{}` cannot be read: {reason}", table.name))
            .with("table", &table.name));
    }
    let remembered = connection.memory.accepted_schema(&connection.name, &table.name)?;
    // A shape without a checkpoint belongs to a table that was never loaded: nothing depends on it.
    let inferred = connection.source.capabilities().inferred_types;
    let remembered = remembered.filter(|_| checkpoint.is_some() || inferred);
    let widened;
    let info = match &remembered {
        Some(before) if inferred => {
            let mut schema = drift::widest(before, &info.schema);
            if !matches!(info.kind, TableKind::Files | TableKind::Api) {
                // The columns of a table are listed by its system: one that is not there is gone, not just unseen.
                schema.columns.retain(|column| info.schema.column(&column.name).is_some());
            }
            widened = TableInfo { schema, ..info.clone() };
            &widened
        }
        _ => info,
    };
    let drifts = remembered
        .as_ref()
        .map(|before| drift::compare(before, &info.schema, &connection.config.drift))
        .unwrap_or_default();
    if let Some(question) = drift::question(&table.name, &drifts) {
        return Err(question);
    }
    let accepted = match &remembered {
        Some(before) => drift::accept(before, &info.schema, &drifts),
        None => info.schema.clone(),
    };
    let leave_out = info
        .schema
        .columns
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| accepted.column(name).is_none())
        .chain(drift::ignored_columns(&drifts))
        .collect();
    let mapping = surroundings.map(table, info, existing.as_deref(), &leave_out)?;
    refuse_foreign(&mapping, existing.as_deref())?;
    refuse_lasting_elements(&mapping, info, &connection.destination.capabilities())?;
    let rebuild = needs_rebuild(&mapping, checkpoint.as_ref(), existing.is_some())?;
    let beside =
        rebuild || mapping.target.mode == WriteMode::Replace || checkpoint.as_ref().is_some_and(is_building);
    let changes = schema_changes(surroundings, &mapping, existing.as_deref(), beside);
    Ok(Prepared {
        mapping,
        changes,
        drifts,
        accepted,
        existing,
        checkpoint,
        rebuild,
        reread: false,
        beside,
        rows_estimate: info.rows_estimate,
        bytes_estimate: info.bytes_estimate,
        elements_of: info.elements_of.clone(),
    })
}

/// A table that Syncline did not make is never written to.
fn refuse_foreign(mapping: &TableMapping, existing: Option<&[Column]>) -> Result<()> {
    let Some(columns) = existing else { return Ok(()) };
    if columns.iter().any(|column| column.name == system::SYNCED_AT) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("`{}` is already in the destination, and Syncline did not make it.", mapping.target.name),
    )
    .meaning("Nothing was written; the table that is there is untouched.")
    .fix("Choose another `target` for this table, or another `schema` for the connection.")
    .fix("Rename the table that is there."))
}

/// Where rows are merged, the elements that a parent no longer has must go: by the key of the parent, in one step with
/// those that it has. What cannot do that would keep them for ever.
fn refuse_lasting_elements(
    mapping: &TableMapping,
    info: &TableInfo,
    capabilities: &DestinationCapabilities,
) -> Result<()> {
    let merges = matches!(mapping.target.mode, WriteMode::Merge { .. } | WriteMode::History);
    let Some(ElementsOf { table, field }) = info.elements_of.as_ref().filter(|_| merges) else {
        return Ok(());
    };
    let (name, own) = (mapping.table(), info.schema.key.join(", "));
    let (why, fix) = if !capabilities.replaces_children {
        let why = format!("the destination cannot replace all elements of a row of `{table}` at once");
        (why, "Use `mode: append` for it: elements are added each time their row is read.".to_owned())
    } else if mapping.read.key != info.schema.key {
        let why = format!("it is told apart by another key than its own, `{own}`");
        (why, "Remove its `key` from the connection, or use `mode: replace`.".to_owned())
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Unsupported, format!("`{name}` cannot be merged: {why}."))
        .meaning(format!("Elements that `{field}` no longer has would stay. Nothing was written."))
        .fix(fix)
        .fix(format!("Leave the table out, and read `{field}` as the column of `{table}` that it is."))
        .with("table", name))
}

/// Whether what was loaded under the last checkpoint cannot be continued under the present mapping.
fn needs_rebuild(
    mapping: &TableMapping,
    checkpoint: Option<&StoredCheckpoint>,
    exists: bool,
) -> Result<bool> {
    let Some(checkpoint) = checkpoint else { return Ok(false) };
    let before = base_shape(&checkpoint.position.shape);
    if !exists {
        // The table was dropped behind our back, unless its first copy is still being built beside.
        return Ok(!is_building(checkpoint));
    }
    if before == mapping.shape() {
        return Ok(false);
    }
    let keeps_versions = |shape: &str| shape.starts_with("append|") || shape.starts_with("history|");
    if keeps_versions(before) || matches!(mapping.target.mode, WriteMode::Append) {
        return Err(Error::new(
            ErrorKind::NeedsDecision,
            format!(
                "The mode or key of `{}` changed, and the rows in `{}` cannot be made again from the source.",
                mapping.table(),
                mapping.target.name
            ),
        )
        .with("before", before)
        .with("now", mapping.shape())
        .fix("Give the table another `target`: the old rows stay where they are.")
        .fix("Change the mode or key back."));
    }
    Ok(true)
}

/// Whether a copy is being built beside the table.
pub(crate) fn is_building(checkpoint: &StoredCheckpoint) -> bool {
    checkpoint.position.beside && !checkpoint.position.complete
}

/// While a copy is built, the fingerprint of its columns follows the shape after a `#`.
pub(crate) fn base_shape(shape: &str) -> &str {
    shape.split_once('#').map_or(shape, |(base, _)| base)
}

fn schema_changes(
    surroundings: &Surroundings<'_>,
    mapping: &TableMapping,
    existing: Option<&[Column]>,
    beside: bool,
) -> Vec<SchemaChange> {
    let target = &mapping.target;
    let Some(existing) = existing else {
        // The copy that is built beside becomes the table; readers never see an empty one.
        return if beside { Vec::new() } else { vec![SchemaChange::CreateTable { table: target.clone() }] };
    };
    if beside {
        return Vec::new();
    }
    let there = |name: &str| existing.iter().find(|column| surroundings.same_name(&column.name, name));
    target
        .all_columns()
        .into_iter()
        .filter_map(|column| match there(&column.name) {
            None => Some(SchemaChange::AddColumn {
                table: target.name.clone(),
                column: Column { nullable: true, ..column },
            }),
            Some(before) if before.logical != column.logical => Some(SchemaChange::WidenColumn {
                table: target.name.clone(),
                from: before.logical.clone(),
                column,
            }),
            Some(_) => None,
        })
        .collect()
}
