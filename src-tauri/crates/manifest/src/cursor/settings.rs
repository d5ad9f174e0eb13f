//! A cursor with one configuration: everything that its templates give, for all its partitions.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result};

use super::bound::Bound;
use super::clamp::Clamping;
use super::point::Point;
use crate::context::{Clock, Compatibility, Run};
use crate::expression::datetime::{Duration, Moment};
use crate::expression::{Scope, python_str};
use crate::stream::retriever::Freshness;
use crate::{Json, Map};

/// What a cursor is for one run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The field of records that holds the cursor's value.
    pub(crate) field: String,
    /// The names of a window's borders in slices.
    pub(crate) borders: (String, String),
    pub(crate) start: Point,
    /// The format of times in requests and states. None: the cursor counts.
    pub(super) format: Option<String>,
    /// The formats that records may have, the preferred one first.
    pub(super) inputs: Vec<String>,
    pub(super) step: Option<Duration>,
    pub(super) granularity: Option<Duration>,
    pub(super) lookback: Option<Duration>,
    pub(super) clamping: Option<Clamping>,
    pub(super) is_compare_strictly: bool,
    /// Where reading ends; now without one.
    pub(super) end: Option<Bound>,
    pub(crate) is_data_feed: bool,
    pub(crate) is_client_side: bool,
    pub(crate) is_global: bool,
    pub(super) compatibility: Compatibility,
}

impl Settings {
    /// The last moment to read in this run.
    pub(crate) fn end(&self, run: &Run) -> Result<Moment> {
        let config = run.config();
        let end = match &self.end {
            Some(bound) => bound.at(&Scope::new(&config, run.clock))?,
            None => Moment::utc((run.clock)()),
        };
        Ok(self.clamped_end(end))
    }

    /// Only whole periods are read.
    fn clamped_end(&self, end: Moment) -> Moment {
        let Some(clamping) = self.clamping else { return end };
        let granule = self.granularity.unwrap_or_else(|| clamping.gap());
        clamping.down(end).and_then(|end| end.minus(granule)).unwrap_or(end)
    }

    pub(super) fn clamped(&self, moment: Moment) -> Moment {
        self.clamping.and_then(|clamping| clamping.up(moment)).unwrap_or(moment)
    }

    /// The value of a cursor field or of a state. None: it is missing, or in no format that is known.
    pub(crate) fn read(&self, value: &Json) -> Option<Point> {
        if self.format.is_none() {
            return value.as_number().cloned().map(Point::Count);
        }
        if value.is_null() {
            return None;
        }
        self.inputs.iter().find_map(|format| Moment::parse(&text_of(value, format), format)).map(Point::Time)
    }

    /// How requests and states show a point.
    pub(crate) fn show(&self, point: &Point) -> Json {
        match (point, &self.format) {
            (Point::Time(moment), Some(format)) => Json::String(moment.format(format)),
            (Point::Time(moment), None) => Json::String(moment.iso('T')),
            (Point::Count(number), _) => Json::Number(number.clone()),
        }
    }

    /// The value of the cursor field in a state.
    ///
    /// # Errors
    /// `PositionLost`, when it is in no format that is known.
    pub(crate) fn read_state(&self, state: &Map) -> Result<Option<Point>> {
        match state.get(&self.field) {
            None => Ok(None),
            Some(Value::Null) if self.compatibility == Compatibility::Safe => Ok(None),
            Some(value) => self.read(value).map(Some).ok_or_else(|| {
                unreadable("the value of its cursor is in none of the cursor's formats")
                    .with("field", &self.field)
            }),
        }
    }

    /// One granule later: windows that leave no granule between them are one.
    pub(super) fn after(&self, point: &Point) -> Point {
        const MILLISECOND: Duration = Duration { months: 0, microseconds: 1000 };
        match point {
            Point::Time(moment) => {
                let granule = self.granularity.unwrap_or(MILLISECOND);
                Point::Time(moment.plus(granule).unwrap_or(*moment))
            }
            Point::Count(number) => match number.as_i64().and_then(|number| number.checked_add(1)) {
                Some(next) => Point::Count(next.into()),
                None => point.clone(),
            },
        }
    }

    /// Earlier by the look-back window, if there is one.
    pub(super) fn looked_back(&self, moment: Moment) -> Moment {
        self.lookback.and_then(|lookback| moment.minus(lookback)).unwrap_or(moment)
    }

    /// Which records are new for a cursor that begins at `floor`.
    pub(crate) fn fresh(self: &Arc<Self>, floor: &Point, run: &Run) -> Result<Fresh> {
        let lowest = match (floor, &self.start, self.lookback) {
            (Point::Time(floor), Point::Time(start), Some(_)) => {
                // The window is re-read, but never from before the start; a state before the start counts as one.
                let least = if floor.at < start.at { *floor } else { *start };
                Point::Time(self.looked_back(*floor)).later(Point::Time(least))
            }
            (floor, ..) => floor.clone(),
        };
        let until = match (&self.end, &self.format) {
            (_, None) => Until::Never,
            (None, _) => Until::Now(run.clock),
            (Some(_), _) => Until::At(self.end(run)?),
        };
        Ok(Fresh { settings: Arc::clone(self), lowest, until })
    }
}

/// What is in a value for a format: a whole number is read from a number with a fraction, too.
fn text_of<'a>(value: &'a Json, format: &str) -> Cow<'a, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) if matches!(format, "%s" | "%ms" | "%epoch_microseconds") => {
            match number.as_f64().filter(|_| number.is_f64()) {
                Some(float) => Cow::Owned(format!("{:.0}", float.trunc())),
                None => Cow::Owned(number.to_string()),
            }
        }
        other => Cow::Owned(python_str(other)),
    }
}

/// A state that cannot be gone on from.
pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::PositionLost, format!("The saved state of this table cannot be read: {what}."))
}

/// Records between where a partition begins and the end.
pub(crate) struct Fresh {
    settings: Arc<Settings>,
    lowest: Point,
    until: Until,
}

enum Until {
    Never,
    At(Moment),
    Now(Clock),
}

impl Fresh {
    /// The same without an end.
    pub(crate) fn endless(&self) -> Fresh {
        Fresh { settings: Arc::clone(&self.settings), lowest: self.lowest.clone(), until: Until::Never }
    }

    fn is_beyond(&self, point: &Point) -> bool {
        let end = match &self.until {
            Until::Never => return false,
            Until::At(end) => *end,
            Until::Now(clock) => self.settings.clamped_end(Moment::utc(clock())),
        };
        Point::Time(end).is_before(point)
    }
}

impl Freshness for Fresh {
    fn is_fresh(&self, record: &Json) -> bool {
        let value = record.get(&self.settings.field).and_then(|value| self.settings.read(value));
        // What cannot be compared is kept.
        value.is_none_or(|point| !point.is_before(&self.lowest) && !self.is_beyond(&point))
    }
}

/// What a reader has seen of the cursor field in one slice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The greatest value.
    pub(crate) latest: Option<Point>,
    /// The greatest value as text, which is what the position of all partitions together is compared by.
    pub(crate) text: Option<String>,
    last: Option<Moment>,
    /// The value that was noted last.
    value: Option<Json>,
}

impl Seen {
    /// Takes note of the cursor field of a record. `limit`: nothing after this moment is believed, because rows that are
    /// still to come would lie before it.
    pub(crate) fn note(
        &mut self,
        settings: &Settings,
        value: &Json,
        with_text: bool,
        limit: Option<Timestamp>,
    ) {
        // Records with the same value often follow each other.
        if self.value.as_ref() == Some(value) {
            return;
        }
        let Some(mut point) = settings.read(value) else { return };
        self.value = Some(value.clone());
        if let (Point::Time(moment), Some(limit)) = (&point, limit)
            && moment.at > limit
        {
            point = Point::Time(Moment::utc(limit));
        }
        if with_text && point.moment() != self.last {
            self.last = point.moment();
            if let Json::String(text) = settings.show(&point) {
                self.text = self.text.take().max(Some(text));
            }
        }
        match &self.latest {
            Some(latest) if !latest.is_before(&point) => {}
            _ => self.latest = Some(point),
        }
    }
}
