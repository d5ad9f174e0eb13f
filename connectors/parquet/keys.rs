//! Keys by their hash, and what a segment says about them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use arrow::record_batch::RecordBatch;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{Column, DigestHasher, Error, Result};

/// 128 bits over the values of some columns of a row: two independent hashes. Two different rows of a table of 10^12
/// rows share one with a probability of 10^-15.
pub(super) type RowHash = (u64, u64);

/// Takes the first word of a [`RowHash`] as it is: it is a hash already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct FirstWord(u64);

impl Hasher for FirstWord {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        // A pair hashes its words one after the other; the last one is as good as the first.
        self.0 = word;
    }
}

type Hashes<V> = HashMap<RowHash, V, BuildHasherDefault<FirstWord>>;

/// Computes row hashes over some columns.
pub(super) struct RowHasher {
    columns: Vec<Column>,
    words: [DigestHasher; 2],
}

impl RowHasher {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        RowHasher {
            columns,
            words: [DigestHasher::with_seed(0), DigestHasher::with_seed(0x5851_f42d_4c95_7f2d)],
        }
    }

    /// The hash of each row, over the columns by their names.
    pub(super) fn hashes(&mut self, batch: &RecordBatch) -> Result<Vec<RowHash>> {
        let arrays = self
            .columns
            .iter()
            .map(|column| {
                batch
                    .column_by_name(&column.name)
                    .cloned()
                    .ok_or_else(|| Error::internal(format!("Rows have no column `{}`.", column.name)))
            })
            .collect::<Result<Vec<_>>>()?;
        let nullable: Vec<_> =
            self.columns.iter().map(|column| Column { nullable: true, ..column.clone() }).collect();
        let picked = RecordBatch::try_new(arrow_schema(&nullable), arrays)?;
        let count = self.columns.len();
        let [first, second] = &mut self.words;
        let (first, second) = (first.row_hashes(&picked, count)?, second.row_hashes(&picked, count)?);
        Ok(first.iter().zip(second).map(|(first, second)| (*first, *second)).collect())
    }
}

/// The latest word of a segment about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Latest {
    /// The row with this number in the segment.
    Row(u64),
    /// Gone.
    Deleted,
}

/// What a segment says about keys.
#[derive(Debug, Default)]
pub(super) struct KeyChanges {
    latest: Hashes<Latest>,
    /// Rows so far.
    rows: u64,
    /// For history: the hash of the data of the latest row.
    data: Hashes<RowHash>,
    /// The complete list of keys, for a sweep.
    complete: Option<HashSet<RowHash, BuildHasherDefault<FirstWord>>>,
    /// How many columns the key of a parent has; 0 before one was told.
    parent_width: usize,
    /// Parents that are told anew, each with the number of the first row after its last telling.
    told: Hashes<u64>,
    /// Some row may be older than a telling of its parent.
    overtaken: bool,
    /// There are rows whose parent was not told before them.
    untold: bool,
}

impl KeyChanges {
    /// Rows arrived. `data` holds the hashes of their data where it matters, `parents` those of their parents' keys once
    /// a parent was told.
    pub(super) fn rows(&mut self, keys: &[RowHash], data: Option<&[RowHash]>, parents: Option<&[RowHash]>) {
        let told = |parents: &[RowHash]| parents.iter().all(|parent| self.told.contains_key(parent));
        self.untold |= !keys.is_empty() && !parents.is_some_and(told);
        for (index, key) in keys.iter().enumerate() {
            self.latest.insert(*key, Latest::Row(self.rows));
            self.rows += 1;
            if let Some(hash) = data.and_then(|data| data.get(index)) {
                self.data.insert(*key, *hash);
            }
        }
    }

    /// Deletes arrived.
    pub(super) fn deletes(&mut self, keys: &[RowHash]) {
        self.latest.extend(keys.iter().map(|key| (*key, Latest::Deleted)));
    }

    /// Parents arrived: what they had before is gone, also what came earlier in the segment.
    pub(super) fn parents(&mut self, width: usize, parents: &[RowHash]) {
        self.parent_width = width;
        for parent in parents {
            let again = self.told.insert(*parent, self.rows).is_some();
            self.overtaken |= again || self.untold;
        }
    }

    /// How many columns the key of a parent has; 0 where no parent was told.
    pub(super) fn parent_width(&self) -> usize {
        self.parent_width
    }

    /// Part of the complete list of keys arrived.
    pub(super) fn keys(&mut self, keys: &[RowHash]) {
        self.complete.get_or_insert_default().extend(keys);
    }

    /// What the segment says about a key, given the hash of the parent's where one was told.
    pub(super) fn latest(&self, key: &RowHash, parent: Option<&RowHash>) -> Option<Latest> {
        let latest = self.latest.get(key).copied();
        match (latest, parent.and_then(|parent| self.told.get(parent))) {
            (Some(Latest::Row(number)), Some(told)) if number < *told => Some(Latest::Deleted),
            (None, Some(_)) => Some(Latest::Deleted),
            _ => latest,
        }
    }

    /// The data of the latest row of a key.
    pub(super) fn data(&self, key: &RowHash) -> Option<&RowHash> {
        self.data.get(key)
    }

    /// Whether the source no longer has a key. `sweep` says whether the list of keys is complete.
    pub(super) fn gone(&self, key: &RowHash, sweep: bool) -> bool {
        sweep && !self.complete.as_ref().is_some_and(|keys| keys.contains(key))
    }

    /// Whether it says anything about rows.
    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_empty() && self.told.is_empty()
    }

    /// Whether each row that arrived is the latest of its key.
    pub(super) fn all_latest(&self) -> bool {
        !self.overtaken
            && self.rows
                == self.latest.values().filter(|latest| matches!(latest, Latest::Row(_))).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let mut changes = KeyChanges::default();
        changes.rows(&[(1, 1), (2, 2)], None, None);
        assert!(changes.all_latest());
        changes.deletes(&[(2, 2), (3, 3)]);
        changes.rows(&[(1, 1)], None, None);
        assert_eq!(changes.latest(&(1, 1), None), Some(Latest::Row(2)));
        assert_eq!(changes.latest(&(2, 2), None), Some(Latest::Deleted));
        assert_eq!(changes.latest(&(1, 2), None), None);
        assert!(!changes.all_latest());
        assert!(changes.gone(&(1, 1), true) && !changes.gone(&(1, 1), false));
        changes.keys(&[(1, 1)]);
        assert!(!changes.gone(&(1, 1), true) && changes.gone(&(2, 2), true));
    }

    #[test]
    fn a_telling_hides_what_came_before_it() {
        let (first, second) = ((9, 1), (9, 2));
        let mut changes = KeyChanges::default();
        changes.parents(1, &[first]);
        changes.rows(&[(1, 1), (2, 2)], None, Some(&[first, first]));
        changes.parents(1, &[second]);
        changes.rows(&[(3, 3)], None, Some(&[second]));
        assert!(changes.all_latest(), "each row is the latest of its key, and newer than its parent");
        assert_eq!(
            changes.latest(&(7, 7), Some(&first)),
            Some(Latest::Deleted),
            "a row that was not told again"
        );
        assert_eq!(changes.latest(&(7, 7), Some(&(9, 3))), None, "of a parent that was not told");
        changes.parents(1, &[first]);
        changes.rows(&[(1, 1)], None, Some(&[first]));
        assert!(!changes.all_latest());
        assert_eq!(changes.latest(&(1, 1), Some(&first)), Some(Latest::Row(3)));
        assert_eq!(changes.latest(&(2, 2), Some(&first)), Some(Latest::Deleted));
        assert_eq!(changes.latest(&(3, 3), Some(&second)), Some(Latest::Row(2)));
        // A row before its parent, which may hide it.
        let mut changes = KeyChanges::default();
        changes.rows(&[(1, 1)], None, None);
        changes.parents(1, &[first]);
        assert!(!changes.all_latest());
        assert_eq!(changes.latest(&(1, 1), Some(&first)), Some(Latest::Deleted));
    }
}
