//! The plan of a table whose place in its source is a state: a value that only the connector understands, with which the
//! next read goes on.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{
    Error, ErrorKind, Part, PartKind, ReadMode, ReadPlan, Result, TablePosition, TableRead,
};

/// A checkpoint is worth it after this many rows, or this time, so that many small states do not make small batches.
const CHECKPOINT_ROWS: usize = 10_000;
const CHECKPOINT_AGE: Duration = Duration::from_secs(5);

/// The one part of such a plan.
const PART: u32 = 0;

/// What a plan remembers: the state it began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatePlan {
    pub(crate) incremental: bool,
    #[serde(default)]
    pub(crate) state: Option<Value>,
}

impl StatePlan {
    /// What is in the plan of a read or a position.
    ///
    /// # Errors
    /// `Internal`, when it is of another kind.
    pub(crate) fn of(plan: &Value) -> Result<StatePlan> {
        StatePlan::deserialize(plan)
            .map_err(|error| Error::internal("The position of a table could not be read.").caused_by(error))
    }

    /// The plan of a read after this position. `cursor`: the column by which the connector can tell what changed.
    ///
    /// # Errors
    /// `Unsupported`, when what changed is to be told by another column.
    pub(crate) fn after(
        position: Option<&TablePosition>,
        read: &TableRead,
        cursor: Option<&str>,
    ) -> Result<ReadPlan> {
        let incremental = is_incremental(read, cursor)?;
        let before = position.map(|position| StatePlan::of(&position.plan)).transpose()?;
        let (plan, continues) = match (position, before) {
            (Some(position), Some(before)) if !position.complete && before.incremental == incremental => {
                (before, true)
            }
            (Some(position), Some(before)) if incremental && before.incremental => {
                let state = position.ends.get(&PART).cloned().or(before.state);
                (StatePlan { incremental, state }, false)
            }
            _ => (StatePlan { incremental, state: None }, false),
        };
        Ok(ReadPlan {
            full: plan.state.is_none(),
            plan: serde_json::to_value(&plan).unwrap_or_default(),
            continues,
            // A row may come again whose time is that of the last one.
            disjoint: false,
            parts: vec![Part {
                index: PART,
                kind: PartKind::Changes,
                payload: Value::Null,
                rows_estimate: None,
            }],
            follow_up: false,
            rows_estimate: None,
        })
    }

    /// The position of a table that has been read as far as a state says.
    pub(crate) fn complete(state: &Value) -> TablePosition {
        let plan = StatePlan { incremental: true, state: Some(state.clone()) };
        let mut position = TablePosition::start(0, serde_json::to_value(&plan).unwrap_or_default());
        position.finish_part(PART);
        position.ends.insert(PART, state.clone());
        position.complete = true;
        position
    }

    /// The state that a position stands for; none for a table that is read whole each time.
    pub(crate) fn reached(position: &TablePosition) -> Option<Value> {
        let plan = StatePlan::of(&position.plan).ok().filter(|plan| plan.incremental)?;
        let reached = if position.complete { position.ends.get(&PART) } else { position.at.get(&PART) };
        reached.cloned().or(plan.state)
    }
}

fn is_incremental(read: &TableRead, cursor: Option<&str>) -> Result<bool> {
    match &read.mode {
        ReadMode::Full => Ok(false),
        ReadMode::Incremental { cursor: wanted, .. } if cursor == Some(wanted.as_str()) => Ok(true),
        ReadMode::Incremental { cursor: wanted, .. } => Err(Error::new(
            ErrorKind::Unsupported,
            format!("`{}` cannot be read by what changed in `{wanted}`.", read.table),
        )
        .fix(match cursor {
            Some(field) => format!("Use `{field}`, as the connector does."),
            None => "Read it whole each time.".to_owned(),
        })),
    }
}

/// Whether a checkpoint is worth it after so many rows, when the last one was then.
pub(crate) fn is_due(rows: usize, last: Instant) -> bool {
    rows >= CHECKPOINT_ROWS || last.elapsed() >= CHECKPOINT_AGE
}
