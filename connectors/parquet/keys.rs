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
}

impl KeyChanges {
    /// Rows arrived. `data` holds the hashes of their data where it matters.
    pub(super) fn rows(&mut self, keys: &[RowHash], data: Option<&[RowHash]>) {
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

    /// Part of the complete list of keys arrived.
    pub(super) fn keys(&mut self, keys: &[RowHash]) {
        self.complete.get_or_insert_default().extend(keys);
    }

    /// What the segment says about a key.
    pub(super) fn latest(&self, key: &RowHash) -> Option<Latest> {
        self.latest.get(key).copied()
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
        self.latest.is_empty()
    }

    /// Whether each row that arrived is the latest of its key.
    pub(super) fn all_latest(&self) -> bool {
        self.rows == self.latest.values().filter(|latest| matches!(latest, Latest::Row(_))).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let mut changes = KeyChanges::default();
        changes.rows(&[(1, 1), (2, 2)], None);
        assert!(changes.all_latest());
        changes.deletes(&[(2, 2), (3, 3)]);
        changes.rows(&[(1, 1)], None);
        assert_eq!(changes.latest(&(1, 1)), Some(Latest::Row(2)));
        assert_eq!(changes.latest(&(2, 2)), Some(Latest::Deleted));
        assert_eq!(changes.latest(&(1, 2)), None);
        assert!(!changes.all_latest());
        assert!(changes.gone(&(1, 1), true) && !changes.gone(&(1, 1), false));
        changes.keys(&[(1, 1)]);
        assert!(!changes.gone(&(1, 1), true) && changes.gone(&(2, 2), true));
    }
}
