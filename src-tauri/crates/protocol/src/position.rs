//! How far a table has been read, and proved to be in the destination.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The position of one table: which *plan* is being worked off, which of its parts are done, and where in the
/// unfinished ones the last checkpoint lies.
///
/// `plan` and the values of `at` and `ends` belong to the source and are opaque to everybody else. All other fields belong to
/// the engine. A destination stores the whole as one JSON text, in the same transaction as the rows it covers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TablePosition {
    /// Rises by one whenever the source starts a new plan. Makes two plans distinguishable in the journal.
    #[serde(default)]
    pub generation: u64,
    /// How the source divided the table: page ranges, a cursor bound, a list of files.
    pub plan: Value,
    /// The parts that are read to their end and durable.
    #[serde(default, skip_serializing_if = "PartSet::is_empty")]
    pub done: PartSet,
    /// For parts that are begun: the last checkpoint inside them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at: BTreeMap<u32, Value>,
    /// What parts that are done said of their end, for the next plan to follow on from
    /// ([`Change::End`](crate::Change::End)).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ends: BTreeMap<u32, Value>,
    /// Rows that this plan has committed so far.
    #[serde(default)]
    pub rows: u64,
    /// Whether the plan is loaded into a copy beside the table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Whether what the plan is loaded into was empty when it began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// Fingerprint of what cannot change without loading the table anew: mode, key, hashed columns.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shape: String,
    /// All parts are done; the next read starts a new plan that follows on from this one.
    #[serde(default)]
    pub complete: bool,
}

impl TablePosition {
    /// The beginning of a new plan.
    pub fn start(generation: u64, plan: Value) -> Self {
        TablePosition { generation, plan, ..TablePosition::default() }
    }

    /// Records that `part` is durable up to its end.
    pub fn finish_part(&mut self, part: u32) {
        self.at.remove(&part);
        self.done.insert(part);
    }
}

/// A set of part numbers, kept as ranges so that a position with 100,000 finished parts stays a few bytes long.
///
/// As JSON: a list of inclusive ranges, `[[0, 41], [43, 43]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartSet {
    ranges: Vec<(u32, u32)>,
}

impl PartSet {
    /// Whether no part is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many parts are in the set.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|(first, last)| (last - first) as usize + 1).sum()
    }

    /// Whether `part` is in the set.
    pub fn contains(&self, part: u32) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&part))
    }

    /// Adds `part`; adding it twice changes nothing.
    pub fn insert(&mut self, part: u32) {
        if self.contains(part) {
            return;
        }
        let at = self.ranges.partition_point(|(first, _)| *first < part);
        self.ranges.insert(at, (part, part));
        if at + 1 < self.ranges.len() && self.ranges[at].1.checked_add(1) == Some(self.ranges[at + 1].0) {
            self.ranges[at].1 = self.ranges[at + 1].1;
            self.ranges.remove(at + 1);
        }
        if at > 0 && self.ranges[at - 1].1.checked_add(1) == Some(self.ranges[at].0) {
            self.ranges[at - 1].1 = self.ranges[at].1;
            self.ranges.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn part_set_is_a_set(parts in proptest::collection::vec(0u32..60, 0..80)) {
            let mut set = PartSet::default();
            parts.iter().for_each(|part| set.insert(*part));
            let model: BTreeSet<u32> = parts.into_iter().collect();
            prop_assert_eq!(set.len(), model.len());
            prop_assert!((0..60).all(|part| set.contains(part) == model.contains(&part)));
            prop_assert!(set.ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }

    #[test]
    fn a_position_survives_json() {
        let mut position = TablePosition::start(3, serde_json::json!({"pages": 40}));
        position.at.insert(2, serde_json::json!([1, "x"]));
        position.finish_part(0);
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(serde_json::from_str::<TablePosition>(&text).unwrap(), position);
    }
}
