//! How a staged segment becomes part of its table.
//!
//! A segment that may replace or delete rows is staged in a temporary table of its columns plus two: the operation and
//! the number of the row in the segment. The latest row per key wins; what it replaces is deleted and the rest inserted,
//! all within the transaction of the commit. Keys are compared with `IS NOT DISTINCT FROM`, for which DuckDB has hash
//! joins as for `=`.

use syncline_protocol::{Column, Deletes, Durable, Error, ErrorKind, Result, TargetTable, WriteMode, system};

use crate::raw::Connection;
use crate::sql::{list, quoted, type_name};

/// Staged rows.
pub(crate) const STAGE: &str = "temp.main._syncline_stage";
/// The complete list of keys, for a sweep.
pub(crate) const KEYS: &str = "temp.main._syncline_keys";
/// Parents whose rows are told anew.
pub(crate) const PARENTS: &str = "temp.main._syncline_parents";
/// Column of the stage: 0 for a row, 1 for a delete.
pub(crate) const OPERATION: &str = "_syncline_op";
/// Column of the stage and of the parents: the number of the row in the segment.
pub(crate) const ARRIVAL: &str = "_syncline_seq";

const DOING: &str = "merging rows into the table";

/// The statement that makes the stage: the columns of the target's batches, then [`OPERATION`] and [`ARRIVAL`].
pub(crate) fn create_stage(target: &TargetTable) -> String {
    let columns: Vec<_> = target
        .columns
        .iter()
        .map(|column| format!("{} {}, ", quoted(&column.name), type_name(&column.logical)))
        .collect();
    format!(
        "CREATE OR REPLACE TEMP TABLE {STAGE} ({}{OPERATION} SMALLINT, {ARRIVAL} BIGINT)",
        columns.concat()
    )
}

/// The statement that makes the list of keys.
pub(crate) fn create_keys(target: &TargetTable) -> String {
    format!("CREATE OR REPLACE TEMP TABLE {KEYS} ({})", definitions(&target.key_columns()))
}

/// The statement that makes the list of parents, whose key has these columns.
pub(crate) fn create_parents(columns: &[Column]) -> String {
    format!("CREATE OR REPLACE TEMP TABLE {PARENTS} ({}, {ARRIVAL} BIGINT)", definitions(columns))
}

fn definitions(columns: &[Column]) -> String {
    let columns: Vec<_> = columns
        .iter()
        .map(|column| format!("{} {}", quoted(&column.name), type_name(&column.logical)))
        .collect();
    columns.join(", ")
}

/// A merge into one table, within an open transaction.
pub(crate) struct Merge<'a> {
    connection: &'a Connection,
    target: &'a TargetTable,
    /// The table that is written, quoted: the target or its copy beside.
    into: &'a str,
    /// The time that history counts from (µs since 1970-01-01, UTC).
    at_micros: i64,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        target: &'a TargetTable,
        into: &'a str,
        at_micros: i64,
    ) -> Self {
        Merge { connection, target, into, at_micros }
    }

    /// Merges the stage. `distinct` promises that no key comes twice or is there already; `parents` is the key of the
    /// parents that are told anew, empty when there are none.
    pub(crate) fn stage(&self, distinct: bool, parents: &[Column]) -> Result<Durable> {
        if self.target.key.is_empty() {
            return Err(Error::internal("A table without key cannot be merged."));
        }
        if !parents.is_empty() {
            self.forget_earlier(parents)?;
        }
        if !distinct {
            self.keep_latest()?;
        }
        if !parents.is_empty() {
            self.delete_untold(parents)?;
        }
        match self.target.mode {
            WriteMode::History => self.history(),
            WriteMode::Merge { deletes: Deletes::Soft } => self.current(Deletes::Soft),
            _ => self.current(Deletes::Hard),
        }
    }

    fn run(&self, sql: &str) -> Result<u64> {
        self.connection.execute(DOING, sql, &[]).map_err(|error| error.with("table", self.into))
    }

    /// `left.k IS NOT DISTINCT FROM right.k AND …` over the key.
    fn same_key(&self, left: &str, right: &str) -> String {
        same(self.target.key.iter().map(String::as_str), left, right)
    }

    /// Drops what came before the last telling of its parent from the stage.
    fn forget_earlier(&self, parents: &[Column]) -> Result<()> {
        let keys = list("", names(parents));
        self.run(&format!(
            "DELETE FROM {STAGE} AS s USING (SELECT {keys}, max({ARRIVAL}) AS _syncline_told FROM {PARENTS} GROUP BY {keys}) AS p \
             WHERE s.{ARRIVAL} < p._syncline_told AND {}",
            same(names(parents), "s", "p")
        ))?;
        Ok(())
    }

    /// Stages a delete for each row whose parent was told anew without it.
    fn delete_untold(&self, parents: &[Column]) -> Result<()> {
        let keys = || self.target.key.iter().map(String::as_str);
        let live = match self.target.mode {
            WriteMode::History => format!(" AND t.{}", quoted(system::CURRENT)),
            WriteMode::Merge { deletes: Deletes::Soft } => {
                format!(" AND t.{} IS NOT TRUE", quoted(system::DELETED))
            }
            _ => String::new(),
        };
        self.run(&format!(
            "INSERT INTO {STAGE} ({}, {OPERATION}, {ARRIVAL}) SELECT {}, 1, -1 FROM {} AS t \
             WHERE EXISTS (SELECT 1 FROM {PARENTS} AS p WHERE {}) \
             AND NOT EXISTS (SELECT 1 FROM {STAGE} AS s WHERE {}){live}",
            list("", keys()),
            list("t.", keys()),
            self.into,
            same(names(parents), "t", "p"),
            self.same_key("t", "s")
        ))?;
        Ok(())
    }

    /// Drops all but the last row of each key from the stage.
    fn keep_latest(&self) -> Result<()> {
        let keys = list("", self.target.key.iter().map(String::as_str));
        self.run(&format!(
            "DELETE FROM {STAGE} WHERE {ARRIVAL} NOT IN (SELECT max({ARRIVAL}) FROM {STAGE} GROUP BY {keys})"
        ))?;
        Ok(())
    }

    /// One row per key: replaces what is there.
    fn current(&self, deletes: Deletes) -> Result<Durable> {
        let same = self.same_key("t", "s");
        let deleted = match deletes {
            Deletes::Soft => self.run(&format!(
                "UPDATE {} AS t SET {deleted} = true FROM {STAGE} AS s WHERE s.{OPERATION} = 1 AND {same} \
                 AND t.{deleted} IS NOT TRUE",
                self.into,
                deleted = quoted(system::DELETED)
            ))?,
            Deletes::Hard => self.run(&format!(
                "DELETE FROM {} AS t USING {STAGE} AS s WHERE s.{OPERATION} = 1 AND {same}",
                self.into
            ))?,
        };
        self.run(&format!(
            "DELETE FROM {} AS t USING {STAGE} AS s WHERE s.{OPERATION} = 0 AND {same}",
            self.into
        ))?;
        let columns = self.columns("");
        let (kept, values) = match deletes {
            Deletes::Soft => (format!(", {}", quoted(system::DELETED)), ", false"),
            Deletes::Hard => (String::new(), ""),
        };
        let written = self.run(&format!(
            "INSERT INTO {} ({columns}{kept}) SELECT {columns}{values} FROM {STAGE} WHERE {OPERATION} = 0",
            self.into
        ))?;
        Ok(Durable { written, deleted })
    }

    /// One row per version: closes versions whose data changed or whose row is gone, and opens new ones.
    fn history(&self) -> Result<Durable> {
        let same = self.same_key("t", "s");
        let current = quoted(system::CURRENT);
        let unchanged: Vec<_> = self
            .target
            .data_columns()
            .map(|column| quoted(&column.name))
            .map(|name| format!(" AND t.{name} IS NOT DISTINCT FROM s.{name}"))
            .collect();
        // Rows that say nothing new leave the stage, which also makes a repeated segment harmless.
        self.run(&format!(
            "DELETE FROM {STAGE} AS s USING {} AS t WHERE s.{OPERATION} = 0 AND t.{current} AND {same}{}",
            self.into,
            unchanged.concat()
        ))?;
        let deleted = self.close(&format!("FROM {STAGE} AS s WHERE s.{OPERATION} = 1 AND {same}"))?;
        self.close(&format!("FROM {STAGE} AS s WHERE s.{OPERATION} = 0 AND {same}"))?;
        let columns = self.columns("");
        let kept = list("", [system::VALID_FROM, system::VALID_TO, system::CURRENT]);
        let written = self.run(&format!(
            "INSERT INTO {} ({columns}, {kept}) SELECT {columns}, {}, NULL, true FROM {STAGE} WHERE {OPERATION} = 0",
            self.into,
            self.instant()
        ))?;
        Ok(Durable { written, deleted })
    }

    /// Ends current versions of `t` that `from_where` (`FROM … WHERE …`) picks.
    fn close(&self, from_where: &str) -> Result<u64> {
        self.run(&format!(
            "UPDATE {} AS t SET {} = {}, {current} = false {from_where} AND t.{current}",
            self.into,
            quoted(system::VALID_TO),
            self.instant(),
            current = quoted(system::CURRENT)
        ))
    }

    fn instant(&self) -> String {
        // `make_timestamptz` of microseconds takes an instant as it is, whatever the time zone of the session.
        format!("make_timestamptz({})", self.at_micros)
    }

    fn columns(&self, prefix: &str) -> String {
        list(prefix, self.target.columns.iter().map(|column| column.name.as_str()))
    }

    /// Deletes rows whose key is not in the list of keys. Answers how many.
    pub(crate) fn sweep(&self) -> Result<u64> {
        if matches!(self.target.mode, WriteMode::Append) {
            return Ok(0); // deletes add nothing
        }
        if self.target.key.is_empty() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "Deleted rows can only be found in a table with a key.",
            ));
        }
        let gone = format!(
            "t.rowid IN (SELECT t.rowid FROM {} AS t ANTI JOIN {KEYS} AS s ON {})",
            self.into,
            self.same_key("t", "s")
        );
        match self.target.mode {
            WriteMode::History => self.close(&format!("WHERE {gone}")),
            WriteMode::Merge { deletes: Deletes::Soft } => self.run(&format!(
                "UPDATE {} AS t SET {deleted} = true WHERE {gone} AND t.{deleted} IS NOT TRUE",
                self.into,
                deleted = quoted(system::DELETED)
            )),
            _ => self.run(&format!("DELETE FROM {} AS t WHERE {gone}", self.into)),
        }
    }
}

fn names(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.name.as_str())
}

/// `left.a IS NOT DISTINCT FROM right.a AND …` over these columns.
fn same<'n>(names: impl Iterator<Item = &'n str>, left: &str, right: &str) -> String {
    let equal = |name: &str| {
        let name = quoted(name);
        format!("{left}.{name} IS NOT DISTINCT FROM {right}.{name}")
    };
    names.map(equal).collect::<Vec<_>>().join(" AND ")
}
