//! How far each partition has been read, and all of them together.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_protocol::Result;

use super::point::Point;
use super::position::{Pending, Position};
use super::settings::{Seen, Settings, unreadable};
use crate::context::{Compatibility, Slice};
use crate::expression::datetime::{Duration, Moment};
use crate::{Json, Map};

/// More partitions than this, and only one position is kept for all of them.
const PARTITIONS_APART: usize = 10_000;
/// More partitions than this are not held in memory.
const PARTITIONS_HELD: usize = 25_000;
/// A state may be large: it is not handed out more often than this, in seconds, where the reference does not.
const STATE_INTERVAL_EXACT: i64 = 600;
const STATE_INTERVAL: i64 = 60;
/// Before that time a state is due when this part of the partitions has been read since the last one.
const STATE_SHARE: usize = 16;

/// The positions of all partitions.
pub(crate) struct Ledger {
    settings: Arc<Settings>,
    limits: Limits,
    /// In the order in which they came.
    entries: BTreeMap<u64, Entry>,
    places: HashMap<String, u64>,
    next_place: u64,
    /// How many partitions there were, also those that are no longer held.
    count: usize,
    is_global: bool,
    /// The saved state knew its partitions one by one: one that it does not know was never read.
    knew_partitions: bool,
    global: Option<String>,
    new_global: Option<String>,
    saw_records: bool,
    lookback_seconds: i64,
    began: Option<Instant>,
    parents: Parents,
    given: Given,
}

/// How many partitions are kept apart, and held at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) apart: usize,
    pub(crate) held: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { apart: PARTITIONS_APART, held: PARTITIONS_HELD }
    }
}

struct Entry {
    key: String,
    partition: Json,
    position: Position,
    /// While its windows are being read.
    active: Option<Active>,
    /// Whether this run has met it.
    was_met: bool,
}

struct Active {
    sequence: u64,
    open: usize,
    has_all_windows: bool,
}

/// What the parents' positions were when partitions came, until all partitions up to then are read.
#[derive(Default)]
struct Parents {
    state: Option<Arc<Json>>,
    candidates: VecDeque<(Option<Arc<Json>>, u64)>,
    reading: BTreeSet<u64>,
    next_sequence: u64,
}

/// When a state was handed out.
#[derive(Default)]
struct Given {
    at: Option<Timestamp>,
    closed_since: usize,
}

impl Ledger {
    /// From a saved state: per partition, for all together, or the bare value of a cursor.
    ///
    /// # Errors
    /// `PositionLost`, when it is not of the reference's form.
    pub(crate) fn new(
        settings: Arc<Settings>,
        forced_global: bool,
        limits: Limits,
        state: &Map,
    ) -> Result<Ledger> {
        let mut ledger = Ledger {
            is_global: forced_global || settings.is_global,
            settings,
            limits,
            entries: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            count: 0,
            knew_partitions: false,
            global: None,
            new_global: None,
            saw_records: false,
            lookback_seconds: 0,
            began: None,
            parents: Parents::default(),
            given: Given::default(),
        };
        if !state.contains_key("states") && !state.contains_key("state") {
            ledger.set_global(state)?;
        } else {
            ledger.load(state)?;
        }
        let parents = state.get("parent_state").filter(|parents| crate::expression::truthy(parents));
        ledger.parents.state = parents.cloned().map(Arc::new);
        Ok(ledger)
    }

    fn load(&mut self, state: &Map) -> Result<()> {
        self.is_global = state.get("use_global_cursor").and_then(Value::as_bool).unwrap_or_default();
        let lookback = state.get("lookback_window").map(|seconds| match seconds {
            Value::String(digits) => digits.trim().parse().ok(),
            seconds => seconds.as_f64().map(|seconds| seconds as i64),
        });
        self.lookback_seconds =
            lookback.unwrap_or(Some(0)).ok_or_else(|| unreadable("`lookback_window` is no number"))?;
        for known in state.get("states").and_then(Value::as_array).into_iter().flatten() {
            let (Some(partition), Some(cursor)) = (
                known.get("partition").and_then(Value::as_object),
                known.get("cursor").and_then(Value::as_object),
            ) else {
                return Err(unreadable("an entry of `states` lacks `partition` or `cursor`"));
            };
            let position = Position::new(&self.settings, cursor)?;
            let partition = sorted(&Json::Object(partition.clone()));
            self.add(partition, position);
            self.knew_partitions = !self.is_global;
        }
        match state.get("state").and_then(Value::as_object) {
            Some(global) => self.set_global(global),
            None => Ok(()),
        }
    }

    fn set_global(&mut self, state: &Map) -> Result<()> {
        if let Some(point) = self.settings.read_state(state)? {
            self.global = self.settings.show(&point).as_str().map(str::to_owned);
            self.new_global.clone_from(&self.global);
        }
        Ok(())
    }

    fn add(&mut self, partition: Json, position: Position) -> u64 {
        self.count += 1;
        let key = partition.to_string();
        if let Some(place) = self.places.get(&key) {
            if let Some(entry) = self.entries.get_mut(place) {
                entry.position = position;
            }
            return *place;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.places.insert(key.clone(), place);
        self.entries.insert(place, Entry { key, partition, position, active: None, was_met: false });
        place
    }

    /// A partition came from the router. None: it came before, and is read already.
    pub(crate) fn open(
        &mut self,
        partition: &Map,
        parents: Option<Arc<Json>>,
        end: Moment,
    ) -> Result<Option<(u64, Pending)>> {
        self.began.get_or_insert_with(Instant::now);
        self.make_room();
        let partition = sorted(&Json::Object(partition.clone()));
        let place = match self.places.get(&partition.to_string()) {
            Some(place) => *place,
            None => {
                let position = self.position_of_new()?;
                self.add(partition, position)
            }
        };
        let Some(entry) = self.entries.get_mut(&place) else { return Ok(None) };
        if std::mem::replace(&mut entry.was_met, true) {
            return Ok(None);
        }
        let sequence = self.parents.next_sequence;
        self.parents.next_sequence += 1;
        self.parents.reading.insert(sequence);
        if self.parents.candidates.back().is_none_or(|(last, _)| !same(last, &parents)) {
            self.parents.candidates.push_back((parents, sequence));
        }
        entry.active = Some(Active { sequence, open: 0, has_all_windows: false });
        Ok(Some((place, entry.position.pending(&self.settings, Some(end)))))
    }

    /// Where a partition begins that no state knows.
    fn position_of_new(&self) -> Result<Position> {
        let was_never_read = self.knew_partitions && self.settings.compatibility == Compatibility::Safe;
        let state = match &self.global {
            Some(global) if !was_never_read => self.looked_back(global),
            _ => Map::new(),
        };
        Position::new(&self.settings, &state)
    }

    /// The common position, earlier by as long as the last run took.
    fn looked_back(&self, global: &str) -> Map {
        let value = Json::String(global.to_owned());
        let lookback = Duration { months: 0, microseconds: self.lookback_seconds.saturating_mul(1_000_000) };
        let earlier = self.settings.read(&value).and_then(|point| point.moment()?.minus(lookback));
        let value = earlier.map_or(value, |earlier| self.settings.show(&Point::Time(earlier)));
        Map::from_iter([(self.settings.field.clone(), value)])
    }

    fn make_room(&mut self) {
        if self.count > self.limits.apart {
            self.is_global = true;
        }
        while self.entries.len() >= self.limits.held {
            let idle = self.entries.iter().find(|(_, entry)| entry.active.is_none()).map(|(place, _)| *place);
            let Some(entry) = idle.and_then(|place| self.entries.remove(&place)) else { return };
            self.places.remove(&entry.key);
        }
    }

    /// From where a partition is read, for telling new records from old ones.
    pub(crate) fn floor(&self, place: u64) -> Result<Option<Point>> {
        if self.is_global {
            let state = self.global.as_deref().map(|global| self.looked_back(global)).unwrap_or_default();
            return Ok(Some(Position::new(&self.settings, &state)?.floor));
        }
        Ok(self.entries.get(&place).map(|entry| entry.position.floor.clone()))
    }

    /// A window of a partition was handed out to be read; `is_last`: there are no more.
    pub(crate) fn window_opened(&mut self, place: u64, is_last: bool) {
        if let Some(active) = self.active(place) {
            active.open += 1;
            active.has_all_windows = is_last;
        }
    }

    /// A partition has no window to read.
    pub(crate) fn nothing_to_read(&mut self, place: u64) {
        if let Some(active) = self.active(place) {
            active.has_all_windows = true;
        }
        self.settle(place);
    }

    fn active(&mut self, place: u64) -> Option<&mut Active> {
        self.entries.get_mut(&place)?.active.as_mut()
    }

    /// A window has been read to its end, all its records are handed over.
    pub(crate) fn close(&mut self, place: u64, slice: &Slice, seen: &Seen) {
        if let Some(text) = &seen.text {
            self.saw_records = true;
            self.advance_global(text.clone());
        }
        let settings = Arc::clone(&self.settings);
        let is_global = self.is_global;
        let Some(entry) = self.entries.get_mut(&place) else { return };
        if let Some(active) = &mut entry.active {
            active.open = active.open.saturating_sub(1);
        }
        if !is_global {
            entry.position.close(&settings, slice, seen);
        }
        self.given.closed_since += 1;
        let value = entry.position.value(&settings);
        if self.settle(place)
            && let (false, Some(text)) = (is_global, value.as_str())
        {
            self.advance_global(text.to_owned());
        }
    }

    /// When the last window of a partition is closed: frees it and lets the parents' position follow.
    fn settle(&mut self, place: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&place) else { return false };
        let is_done = |active: &mut Active| active.has_all_windows && active.open == 0;
        let Some(active) = entry.active.take_if(is_done) else { return false };
        self.parents.reading.remove(&active.sequence);
        self.parents.advance();
        true
    }

    /// By text, as the reference compares: the greatest is always a value that some record or state had.
    fn advance_global(&mut self, text: String) {
        self.new_global = self.new_global.take().max(Some(text));
    }

    /// Whether a state should be handed out now.
    pub(crate) fn is_due(&mut self, now: Timestamp) -> bool {
        let elapsed = self.given.at.map(|at| now.as_second().saturating_sub(at.as_second()));
        let is_due = match self.settings.compatibility {
            Compatibility::Exact => elapsed.is_none_or(|elapsed| elapsed > STATE_INTERVAL_EXACT),
            Compatibility::Safe => {
                elapsed.is_none_or(|elapsed| elapsed > STATE_INTERVAL)
                    || self.given.closed_since > self.entries.len() / STATE_SHARE
            }
        };
        if is_due {
            self.given = Given { at: Some(now), closed_since: 0 };
        }
        // Without partitions in it, only the parents' position can have changed.
        let has_parents = self.parents.state.as_deref().is_some_and(crate::expression::truthy);
        is_due && (!self.is_global || has_parents)
    }

    /// The end of the read. `is_complete`: the router named all its partitions, and none failed.
    pub(crate) fn finish(&mut self, is_complete: bool, parents: Option<Arc<Json>>) {
        let is_open =
            self.entries.values().any(|entry| entry.active.as_ref().is_some_and(|active| active.open > 0));
        // The common position stands for partitions that nobody knows: it would pass over those that never came.
        if is_open || !(is_complete || self.settings.compatibility == Compatibility::Exact) {
            return;
        }
        if self.saw_records {
            self.global.clone_from(&self.new_global);
            self.lookback_seconds = self.began.map_or(1, |began| began.elapsed().as_secs() as i64 + 1);
        }
        self.parents.state = parents;
    }

    /// The state in the reference's form.
    pub(crate) fn state(&self) -> Json {
        let mut state = Map::new();
        state.insert("use_global_cursor".to_owned(), Json::Bool(self.is_global));
        if !self.is_global {
            let states = self.entries.values().map(|entry| {
                json!({ "partition": entry.partition, "cursor": entry.position.state(&self.settings) })
            });
            state.insert("states".to_owned(), Json::Array(states.collect()));
        }
        if let Some(global) = &self.global {
            let field = self.settings.field.clone();
            state.insert("state".to_owned(), Json::Object(Map::from_iter([(field, global.clone().into())])));
        }
        state.insert("lookback_window".to_owned(), json!(self.lookback_seconds));
        if let Some(parents) = &self.parents.state {
            state.insert("parent_state".to_owned(), Json::clone(parents));
        }
        Json::Object(state)
    }
}

impl Parents {
    /// Takes over what the parents' position was, as far as all partitions up to then have been read.
    fn advance(&mut self) {
        let mut reached = None;
        while let Some((_, sequence)) = self.candidates.front() {
            if self.reading.first().is_some_and(|first| first <= sequence) {
                break;
            }
            reached = self.candidates.pop_front().map(|(state, _)| state);
        }
        if let Some(Some(state)) = reached {
            self.state = Some(state);
        }
    }
}

fn same(left: &Option<Arc<Json>>, right: &Option<Arc<Json>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right) || left == right,
        (None, None) => true,
        _ => false,
    }
}

/// With the keys of all objects in order: what a partition is known by, and how states show it.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let ordered: BTreeMap<&String, &Json> = fields.iter().collect();
            Json::Object(ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Cursor;
    use crate::cursor::settings::Seen;
    use crate::document::{Document, Node};

    fn now() -> Timestamp {
        "2024-03-15T00:00:00Z".parse().unwrap()
    }

    fn ledger(compatibility: Compatibility, limits: Limits, state: &Json) -> Ledger {
        let cursor = json!({ "streams": [{ "type": "DatetimeBasedCursor", "cursor_field": "t", "datetime_format": "%Y-%m-%d",
            "start_datetime": "2024-01-01" }] });
        let document = Document::parse(&cursor.to_string()).unwrap();
        let cursor = Cursor::new(&Node::root(&document).list("streams")[0]).unwrap();
        let client = crate::http::client::Client::new(crate::http::client::Limits::default()).unwrap();
        let run = crate::context::Run::new(json!({}), client, compatibility, now);
        Ledger::new(cursor.settle(&run).unwrap(), false, limits, state.as_object().unwrap()).unwrap()
    }

    /// Reads a partition that has one window and one record.
    fn read(ledger: &mut Ledger, partition: usize, value: &str) -> bool {
        let values = Map::from_iter([("id".to_owned(), json!(partition))]);
        let settings = Arc::clone(&ledger.settings);
        let Some((place, mut pending)) = ledger.open(&values, None, Moment::utc(now())).unwrap() else {
            return false;
        };
        let window = pending.next(&settings).unwrap();
        ledger.window_opened(place, true);
        let mut seen = Seen::default();
        seen.note(&settings, &json!(value), true, None);
        ledger.close(place, &Slice { partition: values, window, extra_fields: Map::new() }, &seen);
        true
    }

    #[test]
    fn many_partitions_have_one_position_and_bounded_memory() {
        let limits = Limits { apart: 10, held: 20 };
        let mut ledger = ledger(Compatibility::Safe, limits, &json!({}));
        for partition in 0..10 {
            assert!(read(&mut ledger, partition, "2024-02-02"));
        }
        assert_eq!(ledger.state()["states"].as_array().unwrap().len(), 10);
        for partition in 10..100 {
            assert!(read(&mut ledger, partition, "2024-02-03"));
            assert!(ledger.entries.len() <= limits.held && ledger.places.len() == ledger.entries.len());
        }
        assert!(ledger.state().get("state").is_none(), "it is known at the end only");
        ledger.finish(true, None);
        let state =
            json!({ "use_global_cursor": true, "state": { "t": "2024-02-03" }, "lookback_window": 1 });
        assert_eq!(ledger.state(), state);
    }

    #[test]
    fn a_partition_that_comes_again_is_read_once() {
        let mut ledger = ledger(Compatibility::Safe, Limits::default(), &json!({}));
        assert!(read(&mut ledger, 1, "2024-02-02"));
        assert!(!read(&mut ledger, 1, "2024-02-02"));
        assert!(read(&mut ledger, 2, "2024-02-02"));
    }

    #[test]
    fn large_states_are_handed_out_now_and_then() {
        let count = |compatibility| {
            let mut ledger = ledger(compatibility, Limits::default(), &json!({}));
            let mut read_one = |partition| read(&mut ledger, partition, "2024-02-02") && ledger.is_due(now());
            (0..2000).filter(|partition| read_one(*partition)).count()
        };
        assert_eq!(count(Compatibility::Exact), 1);
        let safe = count(Compatibility::Safe);
        assert!((20..300).contains(&safe), "{safe}");
    }

    #[test]
    fn states_of_another_form_are_told_as_such() {
        for state in [
            json!({ "states": [{ "partition": { "id": 1 } }] }),
            json!({ "states": [{ "cursor": { "t": "2024-01-01" } }] }),
            json!({ "states": [{ "partition": { "id": 1 }, "cursor": { "t": "yesterday" } }] }),
            json!({ "state": { "t": 5.5 } }),
            json!({ "states": [], "lookback_window": "long" }),
            json!({ "t": true }),
        ] {
            let settings = Arc::clone(&ledger(Compatibility::Safe, Limits::default(), &json!({})).settings);
            let outcome = Ledger::new(settings, false, Limits::default(), state.as_object().unwrap());
            let error = outcome.err().unwrap_or_else(|| panic!("{state} is taken"));
            assert_eq!(error.kind(), syncline_protocol::ErrorKind::PositionLost, "{state}");
        }
    }
}
