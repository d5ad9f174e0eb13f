//! How far one partition has been read: intervals of the cursor that are done.

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_protocol::Result;

use super::point::Point;
use super::settings::{Seen, Settings, unreadable};
use super::windows::{Gap, Windows};
use crate::context::{Compatibility, Slice};
use crate::expression::datetime::Moment;
use crate::stream::NO_CURSOR;
use crate::{Json, Map};

/// A stretch that has been read, and the greatest value that records in it had.
#[derive(Debug, Clone)]
struct Interval {
    start: Point,
    end: Point,
    latest: Option<Point>,
}

/// The position of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    /// From where this run reads, before any look-back.
    pub(crate) floor: Point,
    /// Ordered, and never touching each other.
    done: Vec<Interval>,
    /// What else was in the state: it stays.
    other: Map,
}

/// The next windows to read.
pub(crate) enum Pending {
    Times(Windows),
    /// A cursor that counts has one window without an end.
    Count(Option<Point>),
}

impl Position {
    /// From a saved state; an empty one begins at the cursor's start.
    ///
    /// # Errors
    /// `PositionLost`, when the state is not of the reference's form.
    pub(crate) fn new(settings: &Settings, state: &Map) -> Result<Position> {
        if matches!(state.get("state_type").and_then(Value::as_str), Some("date-range" | "integer")) {
            return Position::from_intervals(settings, state);
        }
        let start = settings.start.clone();
        let floor = match settings.read_state(state)? {
            Some(value) if !value.is_before(&start) => value,
            _ => start.clone(),
        };
        let done = vec![Interval { start, end: floor.clone(), latest: Some(floor.clone()) }];
        let mut other = state.clone();
        if settings.compatibility == Compatibility::Safe {
            // It would say for ever that the table was read without a cursor.
            other.remove(NO_CURSOR);
        }
        Ok(Position { floor, done, other })
    }

    /// From the form that keeps several intervals.
    fn from_intervals(settings: &Settings, state: &Map) -> Result<Position> {
        let point = |slice: &Json, key: &str| match slice.get(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => {
                settings.read(value).map(Some).ok_or_else(|| unreadable("an interval has no valid border"))
            }
        };
        let mut done = Vec::new();
        for slice in state.get("slices").and_then(Value::as_array).into_iter().flatten() {
            let border = |key| point(slice, key)?.ok_or_else(|| unreadable("an interval lacks a border"));
            done.push(Interval {
                start: border("start")?,
                end: border("end")?,
                latest: point(slice, "most_recent_cursor_value")?,
            });
        }
        let start = settings.start.clone();
        let floor = done.first().map(|first| first.latest.as_ref().unwrap_or(&first.end).clone());
        let floor = floor.unwrap_or_else(|| start.clone());
        if done.is_empty() {
            done.push(Interval { start, end: floor.clone(), latest: Some(floor.clone()) });
        }
        let other = state.get("legacy").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Position { floor, done: merged(settings, done), other })
    }

    /// What is still to be read, up to `end` (none for a cursor that counts).
    pub(crate) fn pending(&self, settings: &Arc<Settings>, end: Option<Moment>) -> Pending {
        let (Point::Time(start), Some(end)) = (&settings.start, end) else {
            return Pending::Count(self.done.last().map(|last| last.end.clone()));
        };
        let mut gaps = Vec::new();
        let times: Vec<(Moment, Moment)> = self
            .done
            .iter()
            .filter_map(|interval| Some((interval.start.moment()?, interval.end.moment()?)))
            .collect();
        if let Some((first, _)) = times.first().filter(|(first, _)| start.at < first.at) {
            gaps.push(Gap { lower: *start, upper: *first, is_last: false });
        }
        for pair in times.windows(2) {
            let lower = settings.granularity.and_then(|granule| pair[0].1.plus(granule)).unwrap_or(pair[0].1);
            gaps.push(Gap { lower, upper: pair[1].0, is_last: false });
        }
        if let Some((_, last)) = times.last() {
            gaps.push(Gap { lower: settings.looked_back(*last), upper: end, is_last: true });
        }
        Pending::Times(Windows::new(Arc::clone(settings), gaps, *start, end))
    }

    /// A window has been read to its end. False: that changes nothing.
    pub(crate) fn close(&mut self, settings: &Settings, slice: &Slice, seen: &Seen) -> bool {
        let border = |name: &str| slice.window.get(name).and_then(|value| settings.read(value));
        let interval = if settings.format.is_some() {
            // Borders count as they were sent: a format may be coarser than the moment.
            let (Some(start), Some(end)) = (border(&settings.borders.0), border(&settings.borders.1)) else {
                return false;
            };
            Interval { start, end, latest: seen.latest.clone() }
        } else {
            let Some(latest) = seen.latest.clone().filter(|latest| !latest.is_zero()) else { return false };
            Interval { start: self.floor.clone(), end: latest.clone(), latest: Some(latest) }
        };
        self.done.push(interval);
        self.done = merged(settings, std::mem::take(&mut self.done));
        true
    }

    /// The greatest value that everything before is known of.
    pub(crate) fn value(&self, settings: &Settings) -> Json {
        match self.done.first() {
            Some(first) => settings
                .show(first.latest.as_ref().filter(|latest| !latest.is_zero()).unwrap_or(&first.start)),
            None => settings.show(&self.floor),
        }
    }

    /// The state: `{"updated_at": "2024-01-31"}`.
    pub(crate) fn state(&self, settings: &Settings) -> Map {
        let mut state = self.other.clone();
        state.insert(settings.field.clone(), self.value(settings));
        state
    }
}

/// The name of a window's borders and their values, as slices have them.
pub(crate) fn window(settings: &Settings, start: Json, end: Json) -> Map {
    Map::from_iter([(settings.borders.0.clone(), start), (settings.borders.1.clone(), end)])
}

impl Pending {
    /// The next window, as slices have it.
    pub(crate) fn next(&mut self, settings: &Settings) -> Option<Map> {
        match self {
            Pending::Times(windows) => {
                let (start, end) = windows.next()?;
                Some(window(settings, settings.show(&Point::Time(start)), settings.show(&Point::Time(end))))
            }
            // The end is infinity, which templates show like this.
            Pending::Count(start) => Some(window(settings, settings.show(&start.take()?), json!("inf"))),
        }
    }
}

/// Joins intervals that overlap or touch.
fn merged(settings: &Settings, mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_by(|left, right| left.start.order(&right.start).then_with(|| left.end.order(&right.end)));
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match joined.last_mut() {
            Some(last) if !settings.after(&last.end).is_before(&interval.start) => {
                last.end = last.end.clone().later(interval.end);
                last.latest = match (interval.latest, last.latest.take()) {
                    (Some(new), Some(old)) => Some(new.later(old)),
                    (new, old) => new.or(old),
                };
            }
            _ => joined.push(interval),
        }
    }
    joined
}
