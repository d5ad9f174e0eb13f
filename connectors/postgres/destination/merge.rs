//! The statements that bring a staged segment into its table: pure text, one function a step.
//!
//! None needs an index, and all keep columns that somebody else has added to the table.

use syncline_protocol::{Column, Deletes, LoadInto, TargetTable, WriteMode, system};

use crate::postgres::ddl::{
    beside_name, ident, idents, is_compared_as_text, is_keyed, live, qualified, sql_type,
};

/// The staged rows of a segment: the columns of its batches, then [`STAGE_ORDINAL`] and [`STAGE_DELETE`].
pub(super) const STAGE: &str = "pg_temp._syncline_stage";
/// The staged keys of a segment.
pub(super) const KEYS: &str = "pg_temp._syncline_keys";
/// The parents of a segment whose rows are told anew.
pub(super) const PARENTS: &str = "pg_temp._syncline_parents";
/// The number of a staged row: a later one replaces an earlier one with the same key.
pub(super) const STAGE_ORDINAL: &str = "_syncline_ordinal";
/// Whether a staged row is a delete.
pub(super) const STAGE_DELETE: &str = "_syncline_is_delete";

/// Writes the statements for one table.
pub(super) struct Merge<'a> {
    target: &'a TargetTable,
    /// The table (or its copy beside), ready for SQL.
    pub(super) name: String,
    deletes: Deletes,
}

impl<'a> Merge<'a> {
    pub(super) fn new(target: &'a TargetTable, schema: &str, into: LoadInto) -> Self {
        let name = match into {
            LoadInto::Table => qualified(schema, &target.name.name),
            LoadInto::Beside => qualified(schema, &beside_name(&target.name.name)),
        };
        let deletes = match target.mode {
            WriteMode::Merge { deletes } => deletes,
            _ => Deletes::Hard,
        };
        Merge { target, name, deletes }
    }

    /// Makes the table that rows are staged in. It ends with the transaction.
    pub(super) fn create_stage(&self) -> String {
        format!(
            "CREATE TEMPORARY TABLE _syncline_stage ({}, {} bigint NOT NULL, {} boolean NOT NULL) ON COMMIT DROP",
            definitions(&self.target.columns),
            ident(STAGE_ORDINAL),
            ident(STAGE_DELETE)
        )
    }

    /// Makes the table that keys are staged in.
    pub(super) fn create_keys(&self) -> String {
        let columns = definitions(&self.target.key_columns());
        format!("CREATE TEMPORARY TABLE _syncline_keys ({columns}) ON COMMIT DROP")
    }

    /// Makes the table that parents, whose key has so many columns, are staged in.
    pub(super) fn create_parents(&self, width: usize) -> String {
        format!(
            "CREATE TEMPORARY TABLE _syncline_parents ({}, {} bigint NOT NULL) ON COMMIT DROP",
            definitions(&self.parent_columns(width)),
            ident(STAGE_ORDINAL)
        )
    }

    /// Drops what came before the last telling of its parent from the stage, and tells the planner how many there are.
    pub(super) fn forget_earlier(&self, width: usize) -> Vec<String> {
        let parents = self.parent_columns(width);
        let (key, ordinal) = (idents(names(&parents), ""), ident(STAGE_ORDINAL));
        vec![
            format!("ANALYZE {PARENTS}"),
            format!(
                "DELETE FROM {STAGE} s USING
                   (SELECT {key}, pg_catalog.max({ordinal}) AS _syncline_told FROM {PARENTS} GROUP BY {key}) p
                 WHERE {} AND s.{ordinal} < p._syncline_told",
                same(names(&parents), "s", "p")
            ),
        ]
    }

    /// Stages a delete for each row whose parent was told anew without it.
    pub(super) fn delete_untold(&self, width: usize) -> String {
        let parents = self.parent_columns(width);
        let live = live(self.target).map(|live| format!(" AND t.{live}")).unwrap_or_default();
        format!(
            "INSERT INTO {STAGE} ({}, {}, {}) SELECT {}, 0, true FROM {} t
             WHERE EXISTS (SELECT FROM {PARENTS} p WHERE {})
               AND NOT EXISTS (SELECT FROM {STAGE} s WHERE {}){live}",
            self.key_list(""),
            ident(STAGE_ORDINAL),
            ident(STAGE_DELETE),
            self.key_list("t."),
            self.name,
            same(names(&parents), "t", "p"),
            self.same_key("t", "s")
        )
    }

    fn parent_columns(&self, width: usize) -> Vec<Column> {
        self.target.key_columns().into_iter().take(width).collect()
    }

    /// Tells the planner how many keys are staged.
    pub(super) fn analyze_keys(&self) -> String {
        format!("ANALYZE {KEYS}")
    }

    /// Keeps only the last row of each key, and tells the planner how many keys there are.
    pub(super) fn keep_latest(&self) -> Vec<String> {
        let key = self.key_list("");
        let ordinal = ident(STAGE_ORDINAL);
        vec![
            format!("ANALYZE {STAGE} ({key})"),
            format!(
                "DELETE FROM {STAGE} s USING
                   (SELECT {key}, pg_catalog.max({ordinal}) AS last FROM {STAGE}
                    GROUP BY {key} HAVING pg_catalog.count(*) > 1) d
                 WHERE {} AND s.{ordinal} < d.last",
                self.same_key("s", "d")
            ),
        ]
    }

    /// Puts all staged rows into the table as they are.
    pub(super) fn insert_all(&self) -> String {
        self.insert("", &[], &[])
    }

    /// Merge: replaces the rows whose key is staged. What it counts was written.
    pub(super) fn update(&self) -> Option<String> {
        let mut sets: Vec<_> = self
            .columns()
            .filter(|name| !self.target.key.iter().any(|key| key == name))
            .map(|name| format!("{0} = s.{0}", ident(name)))
            .collect();
        if self.deletes == Deletes::Soft {
            sets.push(format!("{} = false", ident(system::DELETED)));
        }
        if sets.is_empty() {
            return None; // a table of nothing but keys: what is there is what came
        }
        Some(format!(
            "UPDATE {} t SET {} FROM {STAGE} s WHERE {} AND NOT s.{}",
            self.name,
            sets.join(", "),
            self.same_key("t", "s"),
            ident(STAGE_DELETE)
        ))
    }

    /// Merge: inserts the rows whose key is new. What it counts was written.
    pub(super) fn insert_new(&self) -> String {
        let missing =
            format!("AND NOT EXISTS (SELECT FROM {} t WHERE {})", self.name, self.same_key("t", "s"));
        match self.deletes {
            Deletes::Soft => self.insert(&missing, &[system::DELETED], &["false"]),
            Deletes::Hard => self.insert(&missing, &[], &[]),
        }
    }

    /// Merge: carries out the staged deletes. What it counts was deleted.
    pub(super) fn delete(&self, at: &str) -> String {
        let condition = format!("{} AND s.{}", self.same_key("t", "s"), ident(STAGE_DELETE));
        match self.deletes {
            Deletes::Hard => format!("DELETE FROM {} t USING {STAGE} s WHERE {condition}", self.name),
            Deletes::Soft => format!(
                "UPDATE {} t SET {} FROM {STAGE} s WHERE {condition} AND t.{} IS NOT TRUE",
                self.name,
                self.mark_deleted(at),
                ident(system::DELETED)
            ),
        }
    }

    /// History: ends the versions whose row was deleted. What it counts was deleted.
    pub(super) fn close_deleted(&self, at: &str) -> String {
        self.close(at, &format!("s.{}", ident(STAGE_DELETE)))
    }

    /// History: ends the versions that a different one follows.
    pub(super) fn close_changed(&self, at: &str) -> Option<String> {
        let differences: Vec<_> = self
            .target
            .data_columns()
            .filter(|column| !self.target.key.contains(&column.name))
            .map(|column| {
                let name = ident(&column.name);
                if is_compared_as_text(column) {
                    format!("t.{name}::text IS DISTINCT FROM s.{name}::text")
                } else {
                    format!("t.{name}::{} IS DISTINCT FROM s.{name}", sql_type(column))
                }
            })
            .collect();
        if differences.is_empty() {
            return None;
        }
        let condition = format!("NOT s.{} AND ({})", ident(STAGE_DELETE), differences.join(" OR "));
        Some(self.close(at, &condition))
    }

    /// History: inserts the versions that now hold. What it counts was written.
    pub(super) fn insert_versions(&self, at: &str) -> String {
        let missing = format!(
            "AND NOT EXISTS (SELECT FROM {} t WHERE t.{} AND {})",
            self.name,
            ident(system::CURRENT),
            self.same_key("t", "s")
        );
        self.insert(
            &missing,
            &[system::VALID_FROM, system::VALID_TO, system::CURRENT],
            &[at, "NULL::timestamptz", "true"],
        )
    }

    /// Removes (marks, ends) the rows whose key is not staged. What it counts was deleted. None in append mode, where
    /// deletes add nothing.
    pub(super) fn sweep(&self, at: &str) -> Option<String> {
        if !is_keyed(self.target) {
            return None;
        }
        let gone = format!("NOT EXISTS (SELECT FROM {KEYS} s WHERE {})", self.same_key("t", "s"));
        Some(match (self.target.mode, self.deletes) {
            (WriteMode::History, _) => format!(
                "UPDATE {} t SET {} WHERE t.{} AND {gone}",
                self.name,
                end_version(at),
                ident(system::CURRENT)
            ),
            (_, Deletes::Soft) => format!(
                "UPDATE {} t SET {} WHERE t.{} IS NOT TRUE AND {gone}",
                self.name,
                self.mark_deleted(at),
                ident(system::DELETED)
            ),
            (_, Deletes::Hard) => format!("DELETE FROM {} t WHERE {gone}", self.name),
        })
    }

    /// The unique index that keeps later merges fast.
    pub(super) fn create_index(&self) -> String {
        let rule = match self.target.mode {
            WriteMode::History => format!(" WHERE {}", ident(system::CURRENT)),
            _ => String::new(),
        };
        format!("CREATE UNIQUE INDEX ON {} ({}){rule}", self.name, self.key_list(""))
    }

    fn columns(&self) -> impl Iterator<Item = &'a str> {
        self.target.columns.iter().map(|column| column.name.as_str())
    }

    fn key_list(&self, prefix: &str) -> String {
        idents(self.target.key.iter().map(String::as_str), prefix)
    }

    fn same_key(&self, left: &str, right: &str) -> String {
        same(self.target.key.iter().map(String::as_str), left, right)
    }

    fn insert(&self, condition: &str, extra: &[&str], values: &[&str]) -> String {
        let names: Vec<_> = self.columns().chain(extra.iter().copied()).collect();
        let staged = self.columns().map(|name| format!("s.{}", ident(name)));
        let values: Vec<_> = staged.chain(values.iter().map(|value| (*value).to_owned())).collect();
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM {STAGE} s WHERE NOT s.{} {condition}",
            self.name,
            idents(names, ""),
            values.join(", "),
            ident(STAGE_DELETE)
        )
    }

    fn close(&self, at: &str, condition: &str) -> String {
        format!(
            "UPDATE {} t SET {} FROM {STAGE} s WHERE t.{} AND {} AND {condition}",
            self.name,
            end_version(at),
            ident(system::CURRENT),
            self.same_key("t", "s")
        )
    }

    /// A delete is a write too: who follows the table by `_syncline_synced_at` must see it.
    fn mark_deleted(&self, at: &str) -> String {
        let mark = format!("{} = true", ident(system::DELETED));
        if self.columns().any(|name| name == system::SYNCED_AT) {
            format!("{mark}, {} = {at}", ident(system::SYNCED_AT))
        } else {
            mark
        }
    }
}

fn names(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.name.as_str())
}

/// `left.a = right.a AND …` over these columns.
fn same<'n>(names: impl Iterator<Item = &'n str>, left: &str, right: &str) -> String {
    let pairs: Vec<_> = names
        .map(|name| {
            let name = ident(name);
            format!("{left}.{name} = {right}.{name}")
        })
        .collect();
    pairs.join(" AND ")
}

fn end_version(at: &str) -> String {
    format!("{} = {at}, {} = false", ident(system::VALID_TO), ident(system::CURRENT))
}

fn definitions(columns: &[Column]) -> String {
    let columns: Vec<_> =
        columns.iter().map(|column| format!("{} {}", ident(&column.name), sql_type(column))).collect();
    columns.join(", ")
}
