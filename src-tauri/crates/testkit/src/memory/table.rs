//! A stored table and what the write modes do to it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use syncline_protocol::{BatchKind, Column, Deletes, Durable, TargetTable, WriteMode, system};

/// A row by column name. A column that is missing is null.
pub(super) type Row = Map<String, Value>;

/// One row or key of a segment, in the order it came.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) kind: BatchKind,
    pub(super) row: Row,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// What readers do not see depends on these.
    pub(super) soft_deletes: bool,
    pub(super) history: bool,
}

impl Table {
    pub(super) fn new(target: &TargetTable) -> Self {
        Table {
            columns: target.all_columns(),
            rows: Vec::new(),
            soft_deletes: target.mode == WriteMode::Merge { deletes: Deletes::Soft },
            history: target.mode == WriteMode::History,
        }
    }

    /// Whether a reader counts the row.
    pub(super) fn shows(&self, row: &Row) -> bool {
        !(self.soft_deletes && is_true(row, system::DELETED)
            || self.history && !is_true(row, system::CURRENT))
    }

    /// Applies a segment.
    pub(super) fn apply(
        &mut self,
        target: &TargetTable,
        steps: &[Step],
        sweep: bool,
        at_micros: i64,
    ) -> Durable {
        let mode = match target.mode {
            WriteMode::Append => Keep::All,
            WriteMode::Replace if target.key.is_empty() => Keep::All,
            WriteMode::Replace | WriteMode::Merge { .. } => Keep::Latest,
            WriteMode::History => Keep::Versions,
        };
        let mut index = self.live(&target.key);
        // The outcome of a segment counts, not the way there: only the last step of each key is done.
        let mut last: HashMap<String, usize> = HashMap::new();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.kind.is_counted()) {
            last.insert(key_of(&step.row, &target.key), at);
        }
        let mut durable = Durable::default();
        let told = Told::of(steps, &target.key);
        if !matches!(mode, Keep::All) {
            last.retain(|_, at| !told.anew_after(&steps[*at].row, *at));
            let live = self.rows.iter().filter(|row| !self.history || is_true(row, system::CURRENT));
            let gone: Vec<String> = live
                .filter(|row| told.anew(row))
                .map(|row| key_of(row, &target.key))
                .filter(|key| !last.contains_key(key))
                .collect();
            for key in gone {
                durable.deleted += u64::from(self.delete(&mut index, &key, at_micros));
            }
        }
        for (at, step) in steps.iter().enumerate() {
            let key = key_of(&step.row, &target.key);
            match (mode, step.kind) {
                (_, BatchKind::Keys | BatchKind::Parents) => {}
                (Keep::All, BatchKind::Rows) => {
                    self.rows.push(step.row.clone());
                    durable.written += 1;
                }
                (Keep::All, BatchKind::Deletes) => {}
                _ if last.get(&key) != Some(&at) => {}
                (Keep::Latest, BatchKind::Rows) => {
                    let mut row = step.row.clone();
                    if self.soft_deletes {
                        row.insert(system::DELETED.to_owned(), json!(false));
                    }
                    match index.get(&key) {
                        Some(place) => self.rows[*place] = row,
                        None => {
                            index.insert(key, self.rows.len());
                            self.rows.push(row);
                        }
                    }
                    durable.written += 1;
                }
                (Keep::Versions, BatchKind::Rows) => {
                    durable.written +=
                        u64::from(self.add_version(target, &mut index, key, &step.row, at_micros));
                }
                (_, BatchKind::Deletes) => {
                    durable.deleted += u64::from(self.delete(&mut index, &key, at_micros));
                }
            }
        }
        if sweep {
            let listed: HashSet<String> = steps
                .iter()
                .filter(|step| step.kind == BatchKind::Keys)
                .map(|step| key_of(&step.row, &target.key))
                .collect();
            let gone: Vec<String> = index.keys().filter(|key| !listed.contains(*key)).cloned().collect();
            for key in gone {
                durable.deleted += u64::from(self.delete(&mut index, &key, at_micros));
            }
        }
        // Removed rows left an empty one in their place.
        self.rows.retain(|row| !row.is_empty());
        durable
    }

    /// The place of each key: of its only row, in history of its current version.
    fn live(&self, key: &[String]) -> HashMap<String, usize> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !self.history || is_true(row, system::CURRENT))
            .map(|(place, row)| (key_of(row, key), place))
            .collect()
    }

    fn add_version(
        &mut self,
        target: &TargetTable,
        index: &mut HashMap<String, usize>,
        key: String,
        row: &Row,
        at_micros: i64,
    ) -> bool {
        if let Some(place) = index.get(&key) {
            let current = &mut self.rows[*place];
            let null = Value::Null;
            let same = |column: &Column| {
                current.get(&column.name).unwrap_or(&null) == row.get(&column.name).unwrap_or(&null)
            };
            if target.data_columns().all(same) {
                return false;
            }
            end_version(current, at_micros);
        }
        let mut version = row.clone();
        version.insert(system::VALID_FROM.to_owned(), json!(at_micros));
        version.insert(system::VALID_TO.to_owned(), Value::Null);
        version.insert(system::CURRENT.to_owned(), json!(true));
        index.insert(key, self.rows.len());
        self.rows.push(version);
        true
    }

    /// Whether there was something to delete.
    fn delete(&mut self, index: &mut HashMap<String, usize>, key: &str, at_micros: i64) -> bool {
        let Some(place) = index.get(key).copied() else { return false };
        let row = &mut self.rows[place];
        if self.soft_deletes {
            return row.insert(system::DELETED.to_owned(), json!(true)) != Some(json!(true));
        }
        if self.history {
            end_version(row, at_micros);
        } else {
            row.clear();
        }
        index.remove(key);
        true
    }
}

/// The parents whose rows a segment tells anew, each with the step that said so last.
struct Told<'a> {
    key: &'a [String],
    parents: HashMap<String, usize>,
}

impl<'a> Told<'a> {
    fn of(steps: &[Step], key: &'a [String]) -> Told<'a> {
        let parents = || steps.iter().enumerate().filter(|(_, step)| step.kind == BatchKind::Parents);
        let width = parents().map(|(_, step)| step.row.len()).max().unwrap_or_default();
        let key = &key[..width];
        Told { key, parents: parents().map(|(at, step)| (key_of(&step.row, key), at)).collect() }
    }

    fn anew(&self, row: &Row) -> bool {
        self.parents.contains_key(&key_of(row, self.key))
    }

    fn anew_after(&self, row: &Row, at: usize) -> bool {
        self.parents.get(&key_of(row, self.key)).is_some_and(|said| *said > at)
    }
}

#[derive(Clone, Copy)]
enum Keep {
    All,
    Latest,
    Versions,
}

fn end_version(row: &mut Row, at_micros: i64) {
    row.insert(system::VALID_TO.to_owned(), json!(at_micros));
    row.insert(system::CURRENT.to_owned(), json!(false));
}

fn is_true(row: &Row, column: &str) -> bool {
    row.get(column) == Some(&Value::Bool(true))
}

fn key_of(row: &Row, key: &[String]) -> String {
    let parts: Vec<&Value> = key.iter().map(|name| row.get(name).unwrap_or(&Value::Null)).collect();
    serde_json::to_string(&parts).unwrap_or_default()
}
