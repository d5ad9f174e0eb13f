//! Decides what remains to be read of a table, so that no row is lost and none is read twice without need.
//!
//! Parts of a snapshot that were read in earlier sessions were read under older snapshots, and an UPDATE moves a row,
//! maybe from a page that was not read yet into one that was. So an unfinished snapshot goes on only when
//! - the files are the same (no VACUUM FULL, CLUSTER, TRUNCATE, ALTER TABLE that rewrites), and
//! - every row version made since the first session's snapshot is one that the following incremental read finds (its
//!   cursor is past the mark), or, for full reads, there is none at all.
//!
//! Otherwise it begins again. Deleted rows leave no version; for full reads the server's count of deleted and updated
//! rows must be unchanged too. That count is kept outside of transactions and can miss the last second, so a row that
//! was deleted just then may stay until the next full read.

use syncline_protocol::{
    Error, ErrorKind, LogicalType, ReadMode, ReadPlan, Result, TablePosition, TableRead,
};

use super::catalog::{Table, is_time};
use super::client::Connection;
use super::error::while_doing;
use super::plan::{Cursor, From, IncrementalPlan, Leaf, Mark, Plan, SnapshotPlan, pages_per_part};
use super::select::{compare, from_leaf, from_table, is_finite, looking_back, lower_bound, marks, order};
use super::session::Snapshot;
use super::sql::{literal, quote};

/// Transaction numbers are compared in 31 bits; a position that is older than this starts again.
const TRANSACTIONS_MAX: i64 = 1_000_000_000;

/// Everything a plan is made from.
pub(super) struct Planner<'a> {
    pub(super) client: &'a Connection,
    pub(super) snapshot: &'a Snapshot,
    pub(super) table: &'a Table,
    pub(super) read: &'a TableRead,
}

impl Planner<'_> {
    /// What is left to read.
    ///
    /// # Errors
    /// `Config` for a cursor that cannot be one; `Conflict` when the table was rewritten since the snapshot.
    pub(super) async fn plan(&self, position: Option<&TablePosition>) -> Result<ReadPlan> {
        self.check_mode()?;
        let Some(position) = position else { return self.snapshot_plan().await };
        let Ok(stored) = Plan::parse(&position.plan) else { return self.snapshot_plan().await };
        match stored {
            Plan::Snapshot(plan) if !position.complete => match self.still_valid(&plan).await? {
                true => self.continued(plan),
                false => self.snapshot_plan().await,
            },
            Plan::Snapshot(SnapshotPlan { cursor: Some(cursor), .. }) if self.same_cursor(&cursor) => {
                self.incremental_plan(cursor).await
            }
            Plan::Incremental(plan) if self.same_cursor(&plan.cursor) => {
                if position.complete {
                    self.incremental_plan(plan.cursor).await
                } else {
                    self.continued_incremental(plan, position).await
                }
            }
            _ => self.snapshot_plan().await,
        }
    }

    fn cursor_column(&self) -> Option<&str> {
        match &self.read.mode {
            ReadMode::Full => None,
            ReadMode::Incremental { cursor, .. } => Some(cursor),
        }
    }

    /// Refuses cursors that cannot work before anything is read.
    fn check_mode(&self) -> Result<()> {
        let ReadMode::Incremental { cursor, look_back } = &self.read.mode else { return Ok(()) };
        let refuse = |kind, message| Err(Error::new(kind, message).with("table", &self.table.name));
        let Some(column) = self.table.column(cursor) else {
            let message = format!("The updated-at column `{cursor}` of {} is not there.", self.table.name);
            return refuse(ErrorKind::SchemaChanged, message);
        };
        let logical = &column.reading.logical;
        let ordered = column.built_in
            && !logical.is_nested()
            && !matches!(logical, LogicalType::Json | LogicalType::Boolean)
            && !["xml", "point", "box", "path", "polygon", "circle", "line", "lseg"]
                .contains(&column.native_type.as_str());
        if !ordered {
            let message =
                format!("The column `{cursor}` is {} and cannot tell what is new.", column.native_type);
            return refuse(ErrorKind::Config, message);
        }
        if !look_back.is_zero() && !is_time(logical) {
            let message = format!("Looking back needs a date or time; `{cursor}` is {}.", column.native_type);
            return refuse(ErrorKind::Config, message);
        }
        Ok(())
    }

    fn same_cursor(&self, stored: &Cursor) -> bool {
        let column = self.cursor_column().and_then(|name| self.table.column(name));
        column.is_some_and(|c| c.name == stored.column && c.native_type == stored.native_type)
            && stored.key == self.read.key
    }

    fn keys(&self) -> bool {
        self.read.key_list && !self.read.key.is_empty()
    }

    // ---- snapshots

    async fn snapshot_plan(&self) -> Result<ReadPlan> {
        let leaves = self.leaves().await?;
        let cursor = match self.cursor_column() {
            Some(column) => {
                self.warn_about_nulls(column).await?;
                Some(self.cursor(column, None).await?)
            }
            None => None,
        };
        let plan = SnapshotPlan { xmin: self.snapshot.xmin, leaves, cursor, keys: self.keys() };
        let plan = Plan::Snapshot(plan);
        Ok(ReadPlan {
            plan: plan.to_value()?,
            continues: false,
            full: true,
            disjoint: true,
            parts: plan.parts(),
            follow_up: false,
            rows_estimate: self.table.rows_estimate,
        })
    }

    fn continued(&self, plan: SnapshotPlan) -> Result<ReadPlan> {
        let incremental = plan.cursor.is_some();
        let plan = Plan::Snapshot(plan);
        Ok(ReadPlan {
            plan: plan.to_value()?,
            continues: true,
            full: true,
            disjoint: !incremental,
            parts: plan.parts(),
            follow_up: incremental,
            rows_estimate: self.table.rows_estimate,
        })
    }

    /// Whether the finished parts of an unfinished snapshot still hold.
    async fn still_valid(&self, plan: &SnapshotPlan) -> Result<bool> {
        let same_mode = match (&plan.cursor, self.cursor_column()) {
            (None, None) => true,
            (Some(cursor), Some(_)) => self.same_cursor(cursor),
            _ => false,
        };
        if !same_mode || plan.keys != self.keys() {
            return Ok(false);
        }
        let age = self.snapshot.xmin - plan.xmin;
        if !(0..TRANSACTIONS_MAX).contains(&age) {
            return Ok(false);
        }
        let now = self.leaves().await?;
        let same_files = now.len() == plan.leaves.len()
            && now.iter().zip(&plan.leaves).all(|(now, then)| {
                (now.oid, now.filenode) == (then.oid, then.filenode) && now.pages >= then.pages
            });
        // What has no pages can hold rows of anywhere: nothing tells whether they are still the same.
        if !same_files || plan.leaves.iter().any(|leaf| leaf.filenode.is_none()) {
            return Ok(false);
        }
        if plan.cursor.is_none()
            && now.iter().zip(&plan.leaves).any(|(now, then)| now.touched != then.touched)
        {
            return Ok(false);
        }
        for leaf in &plan.leaves {
            if self.has_newer_rows(plan, leaf).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a leaf has row versions that the first session's snapshot did not surely see and that no later read
    /// would find.
    async fn has_newer_rows(&self, plan: &SnapshotPlan, leaf: &Leaf) -> Result<bool> {
        let missed = match &plan.cursor {
            None => String::new(),
            Some(cursor) => {
                let order = order(self.table, cursor);
                let finite = is_finite(self.table, &cursor.column);
                let later = match &cursor.upper {
                    Some(upper) => compare(&order, ">", upper),
                    None => format!("{} IS NOT NULL", quote(&cursor.column)),
                };
                format!(" AND ({later} AND {finite}) IS NOT TRUE")
            }
        };
        let since = plan.xmin & 0xffff_ffff;
        let statement = format!(
            "SELECT EXISTS (SELECT FROM {}
             WHERE pg_catalog.age(xmin) <= pg_catalog.age('{since}'::pg_catalog.xid){missed})",
            from_leaf(leaf)
        );
        let doing = || while_doing("look for changed rows");
        let row = self.client.query_one(&statement, &[]).await.map_err(doing())?;
        row.try_get(0).map_err(doing())
    }

    /// The leaves of the table with their files, as the snapshot sees them.
    async fn leaves(&self) -> Result<Vec<Leaf>> {
        let doing = || while_doing("look at the files of a table");
        let rows = self.client.query(LEAVES, &[&self.table.oid]).await.map_err(doing())?;
        let mut leaves = Vec::with_capacity(rows.len());
        let mut by_pages = self.snapshot.version >= 140_000 && !rows.is_empty();
        for row in &rows {
            let leaf = self.leaf(row).map_err(doing())?;
            let now: Option<u32> = row.try_get(4).map_err(doing())?;
            if leaf.filenode.is_some() && now != leaf.filenode {
                let message =
                    format!("The table {} was rewritten or emptied while this run began.", self.table.name);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            by_pages &= leaf.filenode.is_some() && row.try_get::<_, bool>(9).map_err(doing())?;
            leaves.push(leaf);
        }
        if by_pages {
            return Ok(leaves);
        }
        Ok(vec![Leaf {
            schema: self.table.name.namespace.clone().unwrap_or_default(),
            name: self.table.name.name.clone(),
            oid: self.table.oid,
            filenode: None,
            pages: 0,
            step: u32::MAX,
            touched: 0,
            rows: self.table.rows_estimate,
        }])
    }

    fn leaf(&self, row: &tokio_postgres::Row) -> Result<Leaf, tokio_postgres::Error> {
        let page_bytes = u64::try_from(self.snapshot.page_bytes).unwrap_or(8192).max(1);
        let unsigned = |at: usize| -> Result<u64, tokio_postgres::Error> {
            Ok(u64::try_from(row.try_get::<_, Option<i64>>(at)?.unwrap_or(0)).unwrap_or(0))
        };
        let pages = unsigned(5)? / page_bytes;
        let rows: f64 = row.try_get(7)?;
        Ok(Leaf {
            schema: row.try_get(1)?,
            name: row.try_get(2)?,
            oid: row.try_get(0)?,
            filenode: row.try_get::<_, Option<u32>>(3)?,
            pages: u32::try_from(pages).unwrap_or(u32::MAX),
            step: pages_per_part(pages, unsigned(6)?, page_bytes),
            touched: row.try_get::<_, Option<i64>>(8)?.unwrap_or(0),
            rows: (rows >= 0.0 && (rows > 0.0 || pages == 0)).then_some(rows as u64),
        })
    }

    /// Rows without a cursor value are in the first full read and in no later one. Says so, from statistics, as
    /// counting them would read the whole table.
    async fn warn_about_nulls(&self, column: &str) -> Result<()> {
        if self.table.column(column).is_none_or(|column| !column.nullable) {
            return Ok(());
        }
        let TableNames { schema, name } = TableNames::of(self.table);
        let doing = || while_doing("look for empty updated-at values");
        let row = self
            .client
            .query_opt(
                "SELECT null_frac FROM pg_catalog.pg_stats
                 WHERE schemaname = $1 AND tablename = $2 AND attname = $3 AND null_frac > 0
                 ORDER BY inherited DESC LIMIT 1",
                &[&schema, &name, &column],
            )
            .await
            .map_err(doing())?;
        if let Some(row) = row {
            let share: f32 = row.try_get(0).map_err(doing())?;
            let rows = self.table.rows_estimate.map(|rows| (rows as f64 * f64::from(share)) as u64);
            tracing::warn!(
                table = %self.table.name,
                column,
                rows,
                "rows without a value in the updated-at column are read by the first sync only"
            );
        }
        Ok(())
    }

    // ---- incremental

    /// Where the cursor stands under the snapshot. Never before `last`: when the newest rows were deleted, what was
    /// read once is not read again.
    async fn cursor(&self, column: &str, last: Option<&Mark>) -> Result<Cursor> {
        let native_type = self.table.column(column).map(|c| c.native_type.clone()).unwrap_or_default();
        let mut cursor = Cursor {
            column: column.to_owned(),
            native_type,
            key: self.read.key.clone(),
            upper: last.cloned(),
        };
        let order = order(self.table, &cursor);
        let from = last.map_or(From::Start, |mark| From::After(mark.clone()));
        let descending: Vec<_> = order.iter().map(|expression| format!("{expression} DESC")).collect();
        let statement = format!(
            "SELECT {} FROM {} WHERE {} AND {} ORDER BY {} LIMIT 1",
            marks(&cursor).join(", "),
            from_table(self.table),
            lower_bound(&order, &from, column),
            is_finite(self.table, column),
            descending.join(", ")
        );
        let doing = || while_doing("find the newest row");
        if let Some(row) = self.client.query_opt(&statement, &[]).await.map_err(doing())? {
            let mut texts = Vec::with_capacity(order.len());
            for index in 0..order.len() {
                texts.push(row.try_get::<_, String>(index).map_err(doing())?);
            }
            cursor.upper = Some(Mark { cursor: texts.remove(0), key: texts, ties: 0 });
        }
        if let Some(mark) = &mut cursor.upper {
            mark.ties = self.ties(&order, mark).await?;
        }
        Ok(cursor)
    }

    /// How many rows up to `mark` have its cursor value.
    async fn ties(&self, order: &[String], mark: &Mark) -> Result<u64> {
        let column = order.first().map_or("", String::as_str);
        let statement = format!(
            "SELECT pg_catalog.count(*) FROM {} WHERE {column} = {} AND {}",
            from_table(self.table),
            literal(&mark.cursor),
            compare(order, "<=", mark)
        );
        let doing = || while_doing("count rows of the same time");
        let row = self.client.query_one(&statement, &[]).await.map_err(doing())?;
        Ok(u64::try_from(row.try_get::<_, i64>(0).map_err(doing())?).unwrap_or(0))
    }

    /// What is newer than the last plan.
    async fn incremental_plan(&self, last: Cursor) -> Result<ReadPlan> {
        let look_back = match &self.read.mode {
            ReadMode::Incremental { look_back, .. } => *look_back,
            ReadMode::Full => return self.snapshot_plan().await,
        };
        let cursor = self.cursor(&last.column, last.upper.as_ref()).await?;
        let from = match &last.upper {
            None => From::Start,
            Some(mark) if !look_back.is_zero() => From::Value(self.before(mark, &last, look_back).await?),
            // More rows with the last value than there were: they came late, and nothing tells which they are.
            // Reading some again is the lesser evil.
            Some(mark) if self.ties(&order(self.table, &last), mark).await? > mark.ties => {
                From::Value(mark.cursor.clone())
            }
            Some(mark) => From::After(mark.clone()),
        };
        let changes = match (&from, &cursor.upper) {
            (_, None) => false,
            (From::After(mark), Some(upper)) => (&mark.cursor, &mark.key) != (&upper.cursor, &upper.key),
            _ => true,
        };
        self.incremental(IncrementalPlan { cursor, from, changes, keys: self.keys() }, false)
    }

    async fn before(&self, mark: &Mark, cursor: &Cursor, look_back: std::time::Duration) -> Result<String> {
        let statement = format!("SELECT {}", looking_back(&mark.cursor, &cursor.native_type, look_back));
        let doing = || while_doing("look back");
        let row = self.client.query_one(&statement, &[]).await.map_err(doing())?;
        row.try_get(0).map_err(doing())
    }

    /// Goes on with an unfinished incremental plan, up to what is newest now: rows that were changed since have moved
    /// on in the order, so nothing before the checkpoint is missed.
    async fn continued_incremental(
        &self,
        plan: IncrementalPlan,
        position: &TablePosition,
    ) -> Result<ReadPlan> {
        if plan.keys != self.keys() {
            return self.incremental_from(plan).await;
        }
        if !plan.changes || position.done.contains(0) {
            // Only the keys are left. What changed since the changes were read comes right after, so that a run that
            // ends well is up to date.
            return Ok(ReadPlan { follow_up: true, ..self.incremental(plan, true)? });
        }
        let cursor = self.cursor(&plan.cursor.column, plan.cursor.upper.as_ref()).await?;
        self.incremental(IncrementalPlan { cursor, ..plan }, true)
    }

    /// The same rows as an unfinished plan, as a new plan.
    async fn incremental_from(&self, plan: IncrementalPlan) -> Result<ReadPlan> {
        let cursor = self.cursor(&plan.cursor.column, plan.cursor.upper.as_ref()).await?;
        self.incremental(IncrementalPlan { cursor, keys: self.keys(), ..plan }, false)
    }

    fn incremental(&self, plan: IncrementalPlan, continues: bool) -> Result<ReadPlan> {
        let plan = Plan::Incremental(plan);
        Ok(ReadPlan {
            plan: plan.to_value()?,
            continues,
            full: false,
            disjoint: !continues,
            parts: plan.parts(),
            follow_up: false,
            rows_estimate: None,
        })
    }
}

struct TableNames {
    schema: String,
    name: String,
}

impl TableNames {
    fn of(table: &Table) -> TableNames {
        TableNames {
            schema: table.name.namespace.clone().unwrap_or_else(|| "public".to_owned()),
            name: table.name.name.clone(),
        }
    }
}

/// Leaves in a fixed order. `relfilenode` is what the snapshot sees, `pg_relation_filenode` what is there now. The
/// last column says whether the leaf may be read by pages: heap storage, allowed to be read itself, and no row
/// security that would apply to the parent only.
const LEAVES: &str = "
WITH RECURSIVE tree AS (
    SELECT $1::oid AS oid
    UNION ALL
    SELECT i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
)
SELECT c.oid, n.nspname::text, c.relname::text,
       CASE WHEN c.relkind IN ('r', 'm') AND c.relfilenode <> 0 THEN c.relfilenode END,
       CASE WHEN c.relkind IN ('r', 'm') AND c.relfilenode <> 0 THEN pg_catalog.pg_relation_filenode(c.oid) END,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) END,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid) END,
       c.reltuples::float8,
       pg_catalog.pg_stat_get_tuples_deleted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid),
       coalesce(m.amname = 'heap', false) AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
       AND (c.oid = $1 OR NOT c.relrowsecurity)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_class p WHERE p.oid = $1 AND p.relkind = 'p' AND p.relrowsecurity)
FROM tree t
JOIN pg_catalog.pg_class c ON c.oid = t.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.relkind <> 'p'
ORDER BY c.oid";
