//! What a position of a Postgres table remembers, and the parts that follow from it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Part, PartKind, Result};

/// [`TablePosition::plan`](syncline_protocol::TablePosition::plan) of a Postgres table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Plan {
    /// All rows, by ranges of pages.
    Snapshot(SnapshotPlan),
    /// The rows whose cursor is newer.
    Incremental(IncrementalPlan),
}

/// All rows of a table, as one snapshot sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SnapshotPlan {
    /// The first transaction that the snapshot does not surely see, in 64 bits.
    pub(super) xmin: i64,
    /// The table itself, or the leaves of a partitioned table.
    pub(super) leaves: Vec<Leaf>,
    /// For incremental reads: where the next one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Cursor>,
    /// Whether the list of keys is the last part.
    #[serde(default)]
    pub(super) keys: bool,
}

/// The rows after one mark, up to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct IncrementalPlan {
    /// The cursor with the last mark that the plan covers.
    pub(super) cursor: Cursor,
    /// Where it begins.
    pub(super) from: From,
    /// Whether there is anything to read but keys.
    pub(super) changes: bool,
    /// Whether the list of keys is the last part.
    #[serde(default)]
    pub(super) keys: bool,
}

/// A cursor column, and how far it has got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The column.
    pub(super) column: String,
    /// Its type; a mark of another type means nothing.
    pub(super) native_type: String,
    /// The key columns that break ties; may be empty.
    pub(super) key: Vec<String>,
    /// The last row under the snapshot of the plan, in the order of cursor and key; none when no row has a cursor value.
    pub(super) upper: Option<Mark>,
}

/// A row's place in the order of cursor and key, as texts of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The cursor value.
    pub(super) cursor: String,
    /// The key values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) key: Vec<String>,
    /// How many rows up to this one have the same cursor value. If there are more later, they came late.
    #[serde(default)]
    pub(super) ties: u64,
}

/// Where an incremental read begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum From {
    /// With the first row that has a cursor value.
    Start,
    /// After this row.
    After(Mark),
    /// With this cursor value, whatever the key.
    Value(String),
}

/// Stored rows: a table or a leaf of a partitioned one. Or something that can only be read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaf {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) oid: u32,
    /// The file that page numbers belong to; none when the rows are not read by pages.
    pub(super) filenode: Option<u32>,
    /// Pages when the plan was made; the last range goes on beyond.
    pub(super) pages: u32,
    /// Pages a part.
    pub(super) step: u32,
    /// Deleted and updated rows that the server had counted when the plan was made.
    #[serde(default)]
    pub(super) touched: i64,
    #[serde(default)]
    pub(super) rows: Option<u64>,
}

/// [`Part::payload`]: what a part reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Pages `first..end` of a leaf; without `end` all from `first` on.
    Pages { leaf: usize, first: u32, end: Option<u32> },
    /// Everything.
    Whole,
    /// What the incremental plan says.
    Newer,
    /// The keys of all rows.
    Keys,
}

impl Plan {
    pub(super) fn parse(value: &Value) -> Result<Plan> {
        serde_json::from_value(value.clone()).map_err(|error| {
            Error::new(
                ErrorKind::PositionLost,
                "The stored position was not made by this version of Syncline.",
            )
            .caused_by(error)
        })
    }

    pub(super) fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self)
            .map_err(|error| Error::internal("A plan could not be written down.").caused_by(error))
    }

    /// The parts, always the same ones for the same plan.
    pub(super) fn parts(&self) -> Vec<Part> {
        let (mut pieces, keys) = match self {
            Plan::Snapshot(plan) => (plan.pieces(), plan.keys),
            Plan::Incremental(plan) => {
                let piece = plan.changes.then_some((Piece::Newer, None));
                (piece.into_iter().collect::<Vec<_>>(), plan.keys)
            }
        };
        if keys {
            pieces.push((Piece::Keys, None));
        }
        pieces
            .into_iter()
            .zip(0..)
            .map(|((piece, rows_estimate), index)| Part {
                index,
                kind: if piece == Piece::Keys { PartKind::Keys } else { PartKind::Changes },
                payload: serde_json::to_value(&piece).unwrap_or_default(),
                rows_estimate,
            })
            .collect()
    }
}

impl SnapshotPlan {
    fn pieces(&self) -> Vec<(Piece, Option<u64>)> {
        let mut pieces = Vec::new();
        for (leaf, facts) in self.leaves.iter().enumerate() {
            if facts.filenode.is_none() {
                pieces.push((Piece::Whole, facts.rows));
                continue;
            }
            let step = facts.step.max(1);
            let mut first = 0u32;
            loop {
                let next = first.saturating_add(step);
                let end = (next < facts.pages).then_some(next);
                let pages = u64::from(end.unwrap_or(facts.pages).saturating_sub(first));
                let rows = facts.rows.map(|rows| rows * pages / u64::from(facts.pages.max(1)));
                pieces.push((Piece::Pages { leaf, first, end }, rows));
                match end {
                    Some(end) => first = end,
                    None => break,
                }
            }
        }
        pieces
    }
}

/// How many pages a part should have: about 48 MB with what lies outside the pages (TOAST), so that a part makes one
/// good segment, and at least four parts for a table that is worth the trouble.
pub(super) fn pages_per_part(pages: u64, bytes_total: u64, page_bytes: u64) -> u32 {
    const TARGET: u64 = 48 << 20;
    const WORTH_DIVIDING: u64 = 16 << 20;
    let bytes_total = bytes_total.max(pages * page_bytes).max(1);
    if pages == 0 || bytes_total <= WORTH_DIVIDING {
        return u32::MAX;
    }
    let by_size = (u128::from(pages) * u128::from(TARGET) / u128::from(bytes_total)).max(1) as u64;
    u32::try_from(by_size.min(pages.div_ceil(4))).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(pages: u32, step: u32) -> Leaf {
        Leaf {
            schema: "s".into(),
            name: "t".into(),
            oid: 1,
            filenode: Some(1),
            pages,
            step,
            touched: 0,
            rows: Some(u64::from(pages) * 10),
        }
    }

    #[test]
    fn parts_cover_every_page_once_and_what_comes_later() {
        for (pages, step) in [(0, u32::MAX), (1, 1), (10, 3), (9, 3), (7, u32::MAX)] {
            let plan = SnapshotPlan { xmin: 1, leaves: vec![leaf(pages, step)], cursor: None, keys: true };
            let parts = Plan::Snapshot(plan).parts();
            let mut next = 0;
            for part in &parts[..parts.len() - 1] {
                let Piece::Pages { first, end, .. } = serde_json::from_value(part.payload.clone()).unwrap()
                else {
                    panic!("{part:?}");
                };
                assert_eq!(first, next);
                next = end.unwrap_or(u32::MAX);
            }
            assert_eq!(next, u32::MAX);
            assert_eq!(parts.last().unwrap().kind, PartKind::Keys);
            assert!(parts.iter().enumerate().all(|(at, part)| part.index as usize == at));
        }
    }

    #[test]
    fn parts_are_segments() {
        let page = 8192;
        assert_eq!(pages_per_part(100, 100 * page, page), u32::MAX);
        assert_eq!(pages_per_part(4096, 4096 * page, page), 1024);
        assert_eq!(pages_per_part(1_000_000, 1_000_000 * page, page), 6144);
        // Ten times as much in TOAST: a tenth of the pages.
        assert_eq!(pages_per_part(1_000_000, 10_000_000 * page, page), 614);
    }

    #[test]
    fn plans_survive_json() {
        let plan = Plan::Incremental(IncrementalPlan {
            cursor: Cursor {
                column: "at".into(),
                native_type: "date".into(),
                key: vec!["id".into()],
                upper: Some(Mark { cursor: "2024-01-01".into(), key: vec!["7".into()], ties: 2 }),
            },
            from: From::Start,
            changes: true,
            keys: false,
        });
        assert_eq!(Plan::parse(&plan.to_value().unwrap()).unwrap(), plan);
        assert_eq!(Plan::parse(&Value::Null).unwrap_err().kind(), ErrorKind::PositionLost);
    }
}
