//! How far a stream has been read, whatever kind of cursor it has.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::json;
use syncline_protocol::Result;

use super::ledger::{Ledger, Limits};
use super::position::{Pending, Position};
use super::settings::{Fresh, Seen, Settings};
use crate::context::{Compatibility, Run, Slice};
use crate::expression::datetime::Moment;
use crate::records::RawRecords;
use crate::stream::NO_CURSOR;
use crate::{Json, Map};

/// A partition as a router names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partition {
    pub(crate) values: Map,
    pub(crate) extra_fields: Map,
}

/// A slice that is to be read, and the place of its partition in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) slice: Slice,
    place: u64,
}

/// The progress of one read. Shared by the slices that are read side by side.
pub(crate) struct Progress {
    settings: Option<Arc<Settings>>,
    kept: Kept,
    /// The end of what this run reads.
    end: Option<Moment>,
    /// Changes with each state.
    version: AtomicU64,
}

enum Kept {
    Nothing,
    Position(Box<Mutex<Position>>),
    Ledger(Box<Mutex<Ledger>>),
}

/// How a stream's position is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Division {
    /// There is one partition.
    Whole,
    /// There are partitions with a position each.
    Partitions,
    /// There are partitions that are not the same the next time.
    Groups,
}

/// The windows of a partition that are still to be handed out.
pub(crate) struct Unread {
    partition: Partition,
    place: u64,
    /// None: a stream without a cursor has one window, which is empty.
    windows: Option<Pending>,
    next: Option<Map>,
}

impl Progress {
    /// From a saved state.
    ///
    /// # Errors
    /// `PositionLost`, when the state is not of the reference's form; `Config`.
    pub(crate) fn new(
        settings: Option<Arc<Settings>>,
        division: Division,
        run: &Run,
        state: Option<&Map>,
    ) -> Result<Progress> {
        let empty = Map::new();
        let state = state.unwrap_or(&empty);
        let end = match &settings {
            Some(settings) if settings.format.is_some() => Some(settings.end(run)?),
            _ => None,
        };
        let kept = match (&settings, division) {
            (None, _) => Kept::Nothing,
            (Some(settings), Division::Whole) => {
                Kept::Position(Box::new(Mutex::new(Position::new(settings, state)?)))
            }
            (Some(settings), division) => {
                let is_grouped = division == Division::Groups;
                let ledger = Ledger::new(Arc::clone(settings), is_grouped, Limits::default(), state)?;
                Kept::Ledger(Box::new(Mutex::new(ledger)))
            }
        };
        Ok(Progress { settings, kept, end, version: AtomicU64::new(0) })
    }

    pub(crate) fn settings(&self) -> Option<&Arc<Settings>> {
        self.settings.as_ref()
    }

    /// Changes when the state changes.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// A partition came. None: it came before.
    ///
    /// # Errors
    /// `PositionLost`, when the common position is not valid.
    pub(crate) fn open(&self, partition: Partition, parents: Option<Arc<Json>>) -> Result<Option<Unread>> {
        let (place, windows) = match (&self.kept, &self.settings) {
            (Kept::Position(position), Some(settings)) => {
                (0, Some(lock(position).pending(settings, self.end)))
            }
            (Kept::Ledger(ledger), Some(_)) => {
                let Some(end) = self.end else { return Ok(None) };
                match lock(ledger).open(&partition.values, parents, end)? {
                    Some((place, windows)) => (place, Some(windows)),
                    None => return Ok(None),
                }
            }
            _ => (0, None),
        };
        let mut unread = Unread { partition, place, windows, next: None };
        unread.next = match (&mut unread.windows, &self.settings) {
            (Some(windows), Some(settings)) => windows.next(settings),
            _ => Some(Map::new()),
        };
        if let (None, Kept::Ledger(ledger)) = (&unread.next, &self.kept) {
            lock(ledger).nothing_to_read(place);
        }
        Ok(Some(unread))
    }

    /// The next slice of a partition.
    pub(crate) fn next(&self, unread: &mut Unread) -> Option<Opened> {
        let window = unread.next.take()?;
        if let (Some(windows), Some(settings)) = (&mut unread.windows, &self.settings) {
            unread.next = windows.next(settings);
        }
        if let Kept::Ledger(ledger) = &self.kept {
            lock(ledger).window_opened(unread.place, unread.next.is_none());
        }
        let Partition { values, extra_fields } = match unread.next {
            Some(_) => unread.partition.clone(),
            None => std::mem::take(&mut unread.partition),
        };
        Some(Opened { slice: Slice { partition: values, window, extra_fields }, place: unread.place })
    }

    /// Which records of a slice are new. None: all of them.
    ///
    /// # Errors
    /// `Config`, when the end of reading is no date.
    pub(crate) fn fresh(&self, opened: &Opened, run: &Run) -> Result<Option<Fresh>> {
        let Some(settings) =
            self.settings.as_ref().filter(|settings| settings.is_data_feed || settings.is_client_side)
        else {
            return Ok(None);
        };
        let floor = match &self.kept {
            Kept::Nothing => None,
            Kept::Position(position) => Some(lock(position).floor.clone()),
            Kept::Ledger(ledger) => lock(ledger).floor(opened.place)?,
        };
        floor.map(|floor| settings.fresh(&floor, run)).transpose()
    }

    /// Takes note of records that are about to be handed over.
    pub(crate) fn note(&self, seen: &mut Seen, records: &[Json], run: &Run) {
        let Some(settings) = &self.settings else { return };
        let (with_text, limit) = (matches!(self.kept, Kept::Ledger(_)), self.limit(run));
        for value in records.iter().filter_map(|record| record.get(&settings.field)) {
            seen.note(settings, value, with_text, limit);
        }
    }

    /// The same for records as text.
    ///
    /// # Errors
    /// `CorruptInput`, when one cannot be read after all.
    pub(crate) fn note_raw(&self, seen: &mut Seen, records: &RawRecords, run: &Run) -> Result<()> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let (with_text, limit) = (matches!(self.kept, Kept::Ledger(_)), self.limit(run));
        for value in records.field(&settings.field) {
            seen.note(settings, &value?, with_text, limit);
        }
        Ok(())
    }

    /// Nothing after this moment is believed.
    fn limit(&self, run: &Run) -> Option<Timestamp> {
        match (run.compatibility, self.end) {
            (Compatibility::Safe, Some(end)) => Some(end.at.max((run.clock)())),
            _ => None,
        }
    }

    /// A slice has been read to its end, and its records are handed over. True: a state should be handed out.
    pub(crate) fn close(&self, opened: &Opened, seen: &Seen, run: &Run) -> bool {
        let Some(settings) = &self.settings else { return false };
        self.version.fetch_add(1, Ordering::AcqRel);
        match &self.kept {
            Kept::Nothing => false,
            Kept::Position(position) => lock(position).close(settings, &opened.slice, seen),
            Kept::Ledger(ledger) => {
                let mut ledger = lock(ledger);
                ledger.close(opened.place, &opened.slice, seen);
                ledger.is_due((run.clock)())
            }
        }
    }

    /// The end of the read. `is_complete`: every slice was named and closed.
    pub(crate) fn finish(&self, is_complete: bool, parents: Option<Arc<Json>>) {
        self.version.fetch_add(1, Ordering::AcqRel);
        if let Kept::Ledger(ledger) = &self.kept {
            lock(ledger).finish(is_complete, parents);
        }
    }

    /// The state in the reference's form; of a stream without a cursor the mark that says so.
    pub(crate) fn state(&self) -> Json {
        match (&self.kept, &self.settings) {
            (Kept::Position(position), Some(settings)) => Json::Object(lock(position).state(settings)),
            (Kept::Ledger(ledger), _) => lock(ledger).state(),
            _ => json!({ NO_CURSOR: true }),
        }
    }
}

/// No lock is held while anything else happens, and a panic in between would end the program.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
