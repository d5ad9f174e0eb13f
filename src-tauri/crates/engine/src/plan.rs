//! The plan: what running a connection now would change in the destination, before anything is written.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use syncline_protocol::{
    Column, Durability, ElementsOf, ReadMode, Result, SchemaChange, TableName, TargetName, WriteMode,
};

use crate::connection::Connection;
use crate::drift::Drift;
use crate::left::LeftTable;
use crate::prepare::{Prepared, prepare, reread};
use crate::receipt::Failure;

/// What a run would do.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The connection.
    pub connection: String,
    /// When it was made, RFC 3339 in UTC.
    pub made_at: String,
    /// Changes when the configuration, the source's shape or the destination's shape changes. A run that is given this
    /// fingerprint does exactly this plan or nothing.
    pub fingerprint: String,
    /// The tables, in the order of the connection.
    pub tables: Vec<TableEffect>,
    /// Tables that are no longer synced and still have rows in the destination, by name. They keep them unless the
    /// plan was asked to remove them.
    pub left: Vec<LeftTable>,
}

/// What happens to one table.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableEffect {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// What happens, in one word.
    pub verb: Verb,
    /// How rows are kept; none when the table cannot be planned.
    pub mode: Option<WriteMode>,
    /// Whether all rows are read, or only new and changed ones.
    pub full: bool,
    /// Whether later runs read all rows as well.
    pub always_full: bool,
    /// The changes of the destination's schema.
    pub changes: Vec<SchemaChange>,
    /// The same as statements.
    pub ddl: Vec<String>,
    /// All columns of the table in the destination, compared with what is there now.
    pub definition: Vec<DefinitionLine>,
    /// What the run does with rows, in sentences.
    pub effects: Vec<String>,
    /// About how many rows the source has.
    pub rows_estimate: Option<u64>,
    /// About how many bytes they take there.
    pub bytes_estimate: Option<u64>,
    /// Changes of the source's shape.
    pub drift: Vec<Drift>,
    /// Why the table cannot be synced as things are.
    pub blocked: Option<Failure>,
}

/// A column of a table in the destination: as it is now and as it will be.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionLine {
    /// What happens to it.
    pub sign: DefinitionSign,
    /// Name and type in the words of the destination; for a column that goes, as it is now.
    pub text: String,
    /// As it is now, when its type changes.
    pub before: Option<String>,
}

/// What happens to a column.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionSign {
    /// It is new.
    Add,
    /// Its type changes.
    Change,
    /// It goes.
    Remove,
    /// It stays.
    Same,
}

/// The four verbs of a plan, and none.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A new table.
    Add,
    /// The table gets columns or wider types.
    Change,
    /// The table is built anew beside the old one, then swapped.
    Rebuild,
    /// The shape stays; rows are loaded.
    Unchanged,
    /// Nothing happens before a person decides.
    Blocked,
}

impl Verb {
    /// The fixed sign of the verb.
    pub fn sign(self) -> char {
        match self {
            Verb::Add => '+',
            Verb::Change => '~',
            Verb::Rebuild => '↻',
            Verb::Unchanged => '=',
            Verb::Blocked => '!',
        }
    }
}

impl Connection {
    /// What a run would do now. Reads catalogs of both sides; writes nothing.
    ///
    /// # Errors
    /// When one of the systems cannot be asked. What concerns one table stands in that table's effect.
    pub async fn plan(&self, only: &[TableName]) -> Result<Plan> {
        self.plan_of(only, false, &[]).await
    }

    /// What a run would do that reads all rows again.
    ///
    /// # Errors
    /// As for [`Connection::plan`].
    pub async fn plan_reread(&self, only: &[TableName]) -> Result<Plan> {
        self.plan_of(only, true, &[]).await
    }

    /// As [`plan`](Self::plan), for a run that first removes the rows of tables that are no longer synced.
    ///
    /// # Errors
    /// As for `plan`; `NotFound` when one of `remove` has no rows in the destination, or is still synced.
    pub async fn plan_removing(&self, only: &[TableName], remove: &[TableName]) -> Result<Plan> {
        self.plan_of(only, false, remove).await
    }

    async fn plan_of(&self, only: &[TableName], again: bool, remove: &[TableName]) -> Result<Plan> {
        let tables = self.tables(only);
        let catalog = self.discover(&tables).await?;
        let checkpoints = self.checkpoints().await?;
        let left = self.left(&checkpoints, remove).await?;
        let mut prepared = prepare(self, &tables, &catalog, checkpoints).await?;
        if again {
            reread(&mut prepared);
        }
        let effects = tables.iter().zip(&prepared).map(|(table, prepared)| match prepared {
            Ok(prepared) => effect(self, prepared),
            Err(error) => TableEffect {
                table: table.name.clone(),
                target: TargetName { schema: None, name: table.name.name.clone() },
                verb: Verb::Blocked,
                mode: None,
                full: false,
                always_full: false,
                changes: Vec::new(),
                ddl: Vec::new(),
                definition: Vec::new(),
                effects: Vec::new(),
                rows_estimate: None,
                bytes_estimate: None,
                drift: Vec::new(),
                blocked: Some(Failure::from(error)),
            },
        });
        Ok(Plan {
            connection: self.name.clone(),
            made_at: (self.clock)().to_string(),
            fingerprint: fingerprint(&prepared, &left),
            tables: effects.collect(),
            left,
        })
    }
}

/// Hashes what a plan depends on: the mapping (configuration and source shape), what the destination has, and what is
/// removed.
pub(crate) fn fingerprint(prepared: &[Result<Prepared>], left: &[LeftTable]) -> String {
    let mut hasher = blake3::Hasher::new();
    for table in prepared {
        let text = match table {
            Ok(table) => {
                let reread = if table.reread { "reread" } else { "" };
                format!("{:?}{:?}{:?}{reread}", table.mapping, table.existing, table.rebuild)
            }
            Err(error) => format!("{:?}{error}", error.kind()),
        };
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    for table in left.iter().filter(|table| table.remove) {
        hasher.update(format!("remove {:?} {:?} {}", table.table, table.target, table.synced_at).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn effect(connection: &Connection, prepared: &Prepared) -> TableEffect {
    let mapping = &prepared.mapping;
    let resumes = prepared.checkpoint.as_ref().is_some_and(|checkpoint| !checkpoint.position.complete);
    let first = prepared.checkpoint.is_none() || prepared.rebuild;
    let full = first || resumes || prepared.reread || mapping.read.mode == ReadMode::Full;
    let verb = match (&prepared.existing, prepared.rebuild) {
        (Some(_), true) => Verb::Rebuild,
        (None, _) => Verb::Add,
        (Some(_), false) if prepared.changes.is_empty() => Verb::Unchanged,
        (Some(_), false) => Verb::Change,
    };
    let mut changes = prepared.changes.clone();
    if changes.is_empty() && (verb == Verb::Add || verb == Verb::Rebuild) {
        changes.push(SchemaChange::CreateTable { table: mapping.target.clone() });
    }
    TableEffect {
        table: mapping.table().clone(),
        target: mapping.target.name.clone(),
        verb,
        mode: Some(mapping.target.mode),
        full,
        always_full: mapping.read.mode == ReadMode::Full,
        ddl: changes.iter().flat_map(|change| connection.destination.ddl(change)).collect(),
        definition: definition(connection, prepared),
        changes,
        effects: row_effects(prepared, full, resumes, connection.destination.capabilities().durability),
        rows_estimate: prepared.rows_estimate,
        bytes_estimate: prepared.bytes_estimate,
        drift: prepared.drifts.clone(),
        blocked: None,
    }
}

/// The columns in the order of the plan, then those that only the destination has.
fn definition(connection: &Connection, prepared: &Prepared) -> Vec<DefinitionLine> {
    let destination = connection.destination.as_ref();
    let insensitive = !destination.capabilities().case_sensitive;
    let same = |left: &str, right: &str| {
        left == right || (insensitive && left.to_lowercase() == right.to_lowercase())
    };
    let line = |sign, column: &Column, before| DefinitionLine {
        sign,
        text: destination.column_text(column),
        before,
    };
    let existing = prepared.existing.as_deref().unwrap_or_default();
    let wanted = prepared.mapping.target.all_columns();
    let mut lines: Vec<DefinitionLine> = wanted
        .iter()
        .map(|column| match existing.iter().find(|known| same(&known.name, &column.name)) {
            None => line(DefinitionSign::Add, column, None),
            Some(known) if known.logical != column.logical => {
                line(DefinitionSign::Change, column, Some(destination.column_text(known)))
            }
            // With the nullability of the wanted one: that is not what is compared.
            Some(_) => line(DefinitionSign::Same, column, None),
        })
        .collect();
    // A table that is swapped is the new one alone; one that is changed in place keeps its other columns.
    let others = if prepared.beside { DefinitionSign::Remove } else { DefinitionSign::Same };
    let foreign = |known: &&Column| !wanted.iter().any(|column| same(&column.name, &known.name));
    lines.extend(existing.iter().filter(foreign).map(|known| line(others, known, None)));
    lines
}

fn row_effects(prepared: &Prepared, full: bool, resumes: bool, durability: Durability) -> Vec<String> {
    let mapping = &prepared.mapping;
    let mut effects = Vec::new();
    if prepared.rebuild && prepared.existing.is_some() {
        effects.push("all rows are read again into a copy beside the table, which then takes its place; readers keep the old rows until then".to_owned());
    } else if prepared.reread {
        effects.push("reads all rows again; rows that are missing come in, rows that differ are replaced, and nothing is removed".to_owned());
    } else {
        let reads = match (full, resumes) {
            (true, true) => "goes on with the load that was interrupted",
            (true, false) => "reads all rows",
            (false, _) => "reads new and changed rows",
        };
        let writes = match mapping.target.mode {
            WriteMode::Merge { .. } => "one row per key, the latest version",
            WriteMode::Append => "every row that is read is added",
            WriteMode::Replace => "a full copy takes the place of the old one in one step",
            WriteMode::History => "one row per version",
        };
        effects.push(format!("{reads}; {writes}"));
    }
    if durability == Durability::AtLeastOnce {
        effects.push(
            "at least once: the destination cannot be asked what it has, so rows of a segment may come twice after a crash, and counts are not proved"
                .to_owned(),
        );
    }
    if let Some(ElementsOf { table, field }) = &prepared.elements_of {
        effects.push(format!(
            "its rows are the elements of `{field}`: `{table}` is read once more for them, with all its requests"
        ));
    }
    if mapping.hashed_key {
        effects.push("has no key: a hash of the row serves as one, so equal rows count once".to_owned());
    }
    for column in &mapping.columns {
        if column.hash {
            effects
                .push(format!("`{}` becomes codes: they can be joined and counted, not read", column.target));
        } else if let Some(note) = &column.note {
            effects.push(format!("`{}`: {note}", column.target));
        }
    }
    effects
}

impl Plan {
    /// Whether some table waits for a decision.
    pub fn is_blocked(&self) -> bool {
        self.tables.iter().any(|table| table.verb == Verb::Blocked)
    }

    /// The plan as text: counts first, then tables, then what changes in them.
    pub fn to_text(&self) -> String {
        let removed = self.left.iter().filter(|table| table.remove).count();
        let count = |verb| self.tables.iter().filter(|table| table.verb == verb).count();
        let mut text =
            format!("Plan for {}   made {}, valid while nothing changes\n", self.connection, self.made_at);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "+ {} new   ~ {} changed   ↻ {} rebuilt   – {removed} removed   = {} unchanged   ! {} blocked",
            count(Verb::Add),
            count(Verb::Change),
            count(Verb::Rebuild),
            count(Verb::Unchanged),
            count(Verb::Blocked)
        );
        for table in &self.tables {
            let rows = table.rows_estimate.map(|rows| format!("   about {rows} rows")).unwrap_or_default();
            let _ = writeln!(text, "\n{} {} → {}{rows}", table.verb.sign(), table.table, table.target);
            for drift in &table.drift {
                let _ = writeln!(text, "    source: {}", drift.what);
            }
            for statement in &table.ddl {
                let _ = writeln!(text, "    {}", statement.replace('\n', "\n    "));
            }
            for effect in &table.effects {
                let _ = writeln!(text, "    {effect}");
            }
            if let Some(failure) = &table.blocked {
                let _ = writeln!(text, "    {}", failure.message);
                for (number, fix) in failure.fixes.iter().enumerate() {
                    let _ = writeln!(text, "    {}. {fix}", number + 1);
                }
            }
        }
        for table in &self.left {
            let sign = if table.remove { '–' } else { '·' };
            let _ = writeln!(text, "\n{sign} {} → {}   {}", table.table, table.target, table.sentence());
        }
        text
    }
}
