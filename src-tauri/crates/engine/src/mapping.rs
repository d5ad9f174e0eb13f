//! From a table of the source to a table of the destination: which columns, under which names, as which types.
//!
//! Pure: everything comes in as arguments, so that a plan, a preview and a run always agree.

use std::collections::HashSet;

use syncline_protocol::schema::TableInfo;
use syncline_protocol::{
    Column, Destination, Error, ErrorKind, LogicalType, ReadMode, Result, TableName, TableRead, TargetName,
    TargetTable, WriteMode, system,
};
use syncline_store::config::{ConnectionConfig, Mode, TableConfig};

use crate::names::NameRule;

/// How one table is read and where it lands.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMapping {
    /// What the source is asked for.
    pub read: TableRead,
    /// What the destination gets.
    pub target: TargetTable,
    /// One per column of `read`, in the same order.
    pub columns: Vec<ColumnMapping>,
    /// The rows get a hash as key, because the source has none.
    pub hashed_key: bool,
}

/// How one column lands.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMapping {
    /// Name in the source.
    pub source: String,
    /// Name in the destination.
    pub target: String,
    /// Type of the batches that the source sends.
    pub read_type: LogicalType,
    /// Type in the destination.
    pub landed_type: LogicalType,
    /// Whether values become codes.
    pub hash: bool,
    /// The rule of the destination, when values change their form.
    pub note: Option<String>,
}

impl TableMapping {
    /// The table of the source.
    pub fn table(&self) -> &TableName {
        &self.read.table
    }

    /// Fingerprint of what cannot change without loading the table anew.
    pub fn shape(&self) -> String {
        let hashed: Vec<_> = self.columns.iter().filter(|c| c.hash).map(|c| c.target.as_str()).collect();
        let mode = match self.target.mode {
            WriteMode::Merge { .. } => "merge",
            WriteMode::Append => "append",
            WriteMode::Replace => "replace",
            WriteMode::History => "history",
        };
        format!("{mode}|{}|{}", self.target.key.join(","), hashed.join(","))
    }
}

/// Where names and existing columns come from.
pub(crate) struct Surroundings<'a> {
    pub(crate) config: &'a ConnectionConfig,
    pub(crate) destination: &'a dyn Destination,
}

impl Surroundings<'_> {
    fn name_rule(&self) -> NameRule {
        NameRule::new(self.config.names, &self.destination.capabilities())
    }

    /// The name of a table in the destination. Does not depend on other tables, so that adding one renames none.
    pub(crate) fn target_name(&self, table: &TableConfig) -> TargetName {
        let capabilities = self.destination.capabilities();
        let rule = self.name_rule();
        let schema = if capabilities.schemas {
            let wanted = self.config.schema.as_deref().or(table.name.namespace.as_deref());
            wanted.map(|name| rule.name(name)).or(capabilities.default_schema)
        } else {
            None
        };
        let name = table.target.clone().unwrap_or_else(|| rule.name(&table.name.name));
        TargetName { schema, name }
    }

    /// The mapping of a table. `existing` are the columns of the destination table when it is there; `leave_out` are
    /// columns that a drift policy ignores.
    ///
    /// # Errors
    /// `Config` when the configuration names columns that are not there or settings that exclude each other.
    pub(crate) fn map(
        &self,
        table: &TableConfig,
        info: &TableInfo,
        existing: Option<&[Column]>,
        leave_out: &HashSet<String>,
    ) -> Result<TableMapping> {
        check_columns(table, info)?;
        let key = if table.key.is_empty() { info.schema.key.clone() } else { table.key.clone() };
        let read_columns = read_columns(table, info, &key, leave_out)?;
        let mode = write_mode(table, &key)?;
        let columns = self.columns(table, &read_columns, existing);
        let hashed_key = key.is_empty() && matches!(mode, WriteMode::Merge { .. } | WriteMode::History);
        let target_key = if hashed_key {
            vec![system::KEY.to_owned()]
        } else {
            key.iter()
                .filter_map(|name| columns.iter().find(|column| column.source == *name))
                .map(|column| column.target.clone())
                .collect()
        };
        let target = TargetTable {
            name: self.target_name(table),
            columns: self.target_columns(&columns, &read_columns, &target_key, hashed_key),
            key: target_key,
            mode,
        };
        let read = TableRead {
            table: table.name.clone(),
            columns: read_columns,
            key: if hashed_key { Vec::new() } else { key },
            mode: read_mode(table, info)?,
            key_list: table.detect_deletes,
        };
        if read.key_list && read.key.is_empty() {
            return Err(config_error(table, "has no key, so deleted rows cannot be noticed.")
                .fix("Name the columns that identify a row as `key`, or turn `detect_deletes` off."));
        }
        Ok(TableMapping { read, target, columns, hashed_key })
    }

    fn columns(
        &self,
        table: &TableConfig,
        read: &[Column],
        existing: Option<&[Column]>,
    ) -> Vec<ColumnMapping> {
        let system_names = [
            system::SYNCED_AT,
            system::KEY,
            system::DELETED,
            system::VALID_FROM,
            system::VALID_TO,
            system::CURRENT,
        ];
        let wanted = read.iter().map(|column| {
            table.column_rules.get(&column.name).and_then(|rule| rule.name.as_deref()).unwrap_or(&column.name)
        });
        let names = self.name_rule().names(wanted, &system_names);
        read.iter()
            .zip(names)
            .map(|(column, target)| {
                let hash = table.column_rules.get(&column.name).is_some_and(|rule| rule.hash);
                let logical = if hash { LogicalType::Text } else { column.logical.clone() };
                let landing = self.destination.landing(&logical);
                let landed_type = existing
                    .and_then(|columns| columns.iter().find(|there| self.same_name(&there.name, &target)))
                    .map_or_else(
                        || landing.logical.clone(),
                        |there| {
                            let wide = there.logical.widen(&landing.logical);
                            self.destination.landing(&wide).logical
                        },
                    );
                ColumnMapping {
                    source: column.name.clone(),
                    target,
                    read_type: column.logical.clone(),
                    landed_type,
                    hash,
                    note: landing.note,
                }
            })
            .collect()
    }

    pub(crate) fn same_name(&self, left: &str, right: &str) -> bool {
        left == right || (!self.destination.capabilities().case_sensitive && left.eq_ignore_ascii_case(right))
    }

    fn target_columns(
        &self,
        columns: &[ColumnMapping],
        read: &[Column],
        key: &[String],
        hashed_key: bool,
    ) -> Vec<Column> {
        let mut target: Vec<Column> = columns
            .iter()
            .zip(read)
            .map(|(mapping, source)| {
                let mut column = Column::new(&mapping.target, mapping.landed_type.clone());
                column.native_type =
                    source.native_type.clone().filter(|_| mapping.landed_type == source.logical);
                // Only keys promise anything: a column that has no nulls today may have one tomorrow.
                column.nullable = !key.contains(&mapping.target);
                column
            })
            .collect();
        let landed = |logical: LogicalType| self.destination.landing(&logical).logical;
        target.push(Column::new(system::SYNCED_AT, landed(LogicalType::TimestampTz)));
        if hashed_key {
            target.push(Column::new(system::KEY, landed(LogicalType::Text)).required());
        }
        target
    }
}

fn config_error(table: &TableConfig, what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("Table `{}` {what}", table.name)).with("table", &table.name)
}

/// Every column that the configuration names must be there: a typing error must not change what is synced.
fn check_columns(table: &TableConfig, info: &TableInfo) -> Result<()> {
    let named = table.key.iter().chain(&table.columns).chain(table.column_rules.keys());
    for name in named {
        if info.schema.column(name).is_none() {
            let known: Vec<_> = info.schema.columns.iter().map(|column| column.name.as_str()).collect();
            return Err(config_error(table, &format!("has no column `{name}`."))
                .fix(format!("Use one of: {}.", known.join(", ")))
                .fix("Remove the column from the connection."));
        }
    }
    Ok(())
}

fn read_columns(
    table: &TableConfig,
    info: &TableInfo,
    key: &[String],
    leave_out: &HashSet<String>,
) -> Result<Vec<Column>> {
    let rule = |name: &str| table.column_rules.get(name);
    if let Some(name) = key.iter().find(|name| rule(name).is_some_and(|rule| rule.exclude)) {
        return Err(config_error(table, &format!("needs its key column `{name}`; it cannot be left out."))
            .fix("Hash it instead: codes can still be compared.")
            .fix("Choose other columns as key."));
    }
    let needed = |name: &str| key.iter().any(|part| part == name) || table.cursor.as_deref() == Some(name);
    let columns: Vec<Column> = info
        .schema
        .columns
        .iter()
        .filter(|column| {
            let named = table.columns.is_empty() || table.columns.contains(&column.name);
            let excluded =
                rule(&column.name).is_some_and(|rule| rule.exclude) || leave_out.contains(&column.name);
            needed(&column.name) || (named && !excluded)
        })
        .map(|column| {
            let mut column = column.clone();
            if let Some(logical) = rule(&column.name).and_then(|rule| rule.logical.clone()) {
                column.logical = logical;
            }
            column
        })
        .collect();
    if columns.is_empty() {
        return Err(config_error(table, "has no column left to sync.").fix("Choose at least one column."));
    }
    Ok(columns)
}

fn write_mode(table: &TableConfig, key: &[String]) -> Result<WriteMode> {
    let mode = table.mode.unwrap_or(if key.is_empty() && table.cursor.is_none() {
        Mode::Replace
    } else {
        Mode::Merge
    });
    if mode == Mode::Replace && table.cursor.is_some() {
        return Err(config_error(
            table,
            "is replaced as a whole, so it needs no updated-at column (cursor).",
        )
        .fix("Remove `cursor`, or choose another mode."));
    }
    if mode == Mode::Append && table.look_back_seconds > 0 {
        return Err(config_error(table, "adds every row it reads, so looking back would add rows twice.")
            .fix("Remove `look_back_seconds`, or choose merge or history."));
    }
    Ok(match mode {
        Mode::Merge => WriteMode::Merge { deletes: table.deletes },
        Mode::Append => WriteMode::Append,
        Mode::Replace => WriteMode::Replace,
        Mode::History => WriteMode::History,
    })
}

fn read_mode(table: &TableConfig, info: &TableInfo) -> Result<ReadMode> {
    let Some(cursor) = &table.cursor else { return Ok(ReadMode::Full) };
    if info.schema.column(cursor).is_none() {
        return Err(Error::new(
            ErrorKind::NeedsDecision,
            format!(
                "The updated-at column `{cursor}` of `{}` is gone, so changed rows cannot be found.",
                table.name
            ),
        )
        .with("table", &table.name)
        .fix("Choose another updated-at column as `cursor`.")
        .fix("Remove `cursor`: every sync then reads the whole table."));
    }
    let look_back = std::time::Duration::from_secs(table.look_back_seconds);
    Ok(ReadMode::Incremental { cursor: cursor.clone(), look_back })
}
