//! A stream that is read in full the first time, and by other means from then on (`StateDelegatingStream`).

use jiff::Timestamp;
use serde_json::Value;
use syncline_protocol::Result;

use super::NO_CURSOR;
use super::reading::{Making, Plain};
use crate::Map;
use crate::context::{Compatibility, Run};
use crate::cursor::Cursor;
use crate::document::Node;
use crate::expression::datetime::{Duration, Moment};
use crate::expression::{Scope, Text};

/// Two ways to read the same stream.
pub(crate) struct Delegating {
    pub(super) full: Plain,
    pub(super) incremental: Plain,
    /// How long the API knows changes.
    retention: Option<Text>,
}

impl Delegating {
    pub(super) fn new(node: &Node<'_>, making: Making<'_>) -> Result<Delegating> {
        let full = node.require("full_refresh_stream")?;
        let incremental = node.require("incremental_stream")?;
        let name = node.text("name")?.unwrap_or_default();
        for stream in [&full, &incremental] {
            if stream.text("name")?.unwrap_or_default() != name {
                return Err(stream.error(format!("it must have the name of its stream, `{name}`")));
            }
        }
        let retention = Text::of(node, "api_retention_period")?.filter(|text| !text.source().is_empty());
        let (full, incremental) = (Plain::new(&full, making)?, Plain::new(&incremental, making)?);
        let counts = |plain: &Plain| plain.cursor.as_ref().is_some_and(Cursor::counts);
        if retention.is_some() && (counts(&full) || counts(&incremental)) {
            return Err(node.error("`api_retention_period` needs cursors of times"));
        }
        Ok(Delegating { full, incremental, retention })
    }

    pub(super) fn keep_answers(&mut self) {
        self.full.keep_answers();
        self.incremental.keep_answers();
    }

    /// The stream for a state, and the state to go on from: none when it is older than what the API knows.
    pub(super) fn chosen<'s>(&self, run: &Run, state: Option<&'s Map>) -> Result<(&Plain, Option<&'s Map>)> {
        match state.filter(|state| !state.is_empty()) {
            Some(state) if self.is_within_retention(run, state)? => Ok((&self.incremental, Some(state))),
            _ => Ok((&self.full, None)),
        }
    }

    fn is_within_retention(&self, run: &Run, state: &Map) -> Result<bool> {
        let Some(retention) = &self.retention else { return Ok(true) };
        let retention = retention.eval_text(&Scope::new(&run.config(), run.clock))?;
        if retention.is_empty() {
            return Ok(true);
        }
        let now = Moment::utc((run.clock)());
        let Some(oldest) = now.minus(Duration::parse(&retention)?) else { return Ok(true) };
        let full = || reached(&self.full, run, state);
        let incremental = || reached(&self.incremental, run, state);
        // The mark of a full read stays in the state: by it alone, changes would never be too old.
        let reached = match run.compatibility {
            Compatibility::Exact => full()?.map_or_else(incremental, |at| Ok(Some(at)))?,
            Compatibility::Safe => incremental()?.map_or_else(full, |at| Ok(Some(at)))?,
        };
        Ok(reached.is_some_and(|reached| reached >= oldest.at))
    }
}

/// How far a state says that a stream has been read.
fn reached(plain: &Plain, run: &Run, state: &Map) -> Result<Option<Timestamp>> {
    let Some(cursor) = &plain.cursor else {
        return Ok(state.get(NO_CURSOR).and_then(Value::as_bool).filter(|mark| *mark).map(|_| (run.clock)()));
    };
    let settings = cursor.settle(run)?;
    let state = if plain.is_divided() {
        match state.get("state").and_then(Value::as_object) {
            Some(state) => state,
            None => return Ok(None),
        }
    } else {
        state
    };
    let interval = state.get("slices").and_then(|slices| slices.get(0));
    let latest = |interval: &'_ Value| {
        let value = interval.get("most_recent_cursor_value").or_else(|| interval.get("end"));
        value.cloned()
    };
    let value = interval.and_then(latest).or_else(|| state.get(&settings.field).cloned());
    Ok(value.and_then(|value| settings.read(&value)?.moment()).map(|moment| moment.at))
}
