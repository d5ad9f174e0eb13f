//! What windows hear without asking, and what they hear first when they begin to listen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_engine::{Event, Observer, Receipt};
use syncline_protocol::TableName;
use tokio::sync::broadcast;

use crate::requests::{CacheTag, ServerEvent};
use crate::types::{Activity, CheckStep};

/// Events a slow window may be behind before it is told to ask for everything again.
const BEHIND_MAX: usize = 1024;

/// Hands events to all windows.
#[derive(Clone)]
pub(crate) struct Events {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    sender: broadcast::Sender<Arc<ServerEvent>>,
    /// Runs that are working, by id.
    live: BTreeMap<String, LiveRun>,
}

/// Where a run stands, so that a window that is opened in the middle of it can be told.
struct LiveRun {
    connection: String,
    started: Event,
    tables: BTreeMap<TableName, LiveTable>,
    progress: Option<Event>,
    retrying: Option<Event>,
    /// Commits that were not told yet: they are gathered between two figures of progress.
    commits: BTreeMap<TableName, (u64, u64)>,
    first_commit_told: bool,
}

#[derive(Default)]
struct LiveTable {
    started: Option<Event>,
    waiting: Option<Event>,
    ended: Option<Event>,
}

impl Default for Events {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(BEHIND_MAX);
        Events { shared: Arc::new(Mutex::new(Shared { sender, live: BTreeMap::new() })) }
    }
}

impl Events {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with these tags are out of date.
    pub(crate) fn changed(&self, tags: &[CacheTag]) {
        self.lock().send(ServerEvent::Changed { tags: tags.to_vec() });
    }

    /// A step of a test ended.
    pub(crate) fn check_step(&self, check: &str, step: CheckStep) {
        self.lock().send(ServerEvent::CheckStep { check: check.to_owned(), step });
    }

    /// The end of a run, once it is stored: what is asked about it now is answered.
    pub(crate) fn run_ended(&self, receipt: Receipt) {
        let mut shared = self.lock();
        let (run, connection) = (receipt.run.clone(), receipt.connection.clone());
        shared.tell_commits(&run);
        shared.live.remove(&run);
        let what = Event::RunEnded { receipt: Box::new(receipt) };
        shared.send(ServerEvent::Run { run, connection, what });
    }

    /// A run whose task is gone without an end.
    pub(crate) fn run_lost(&self, run: &str) {
        self.lock().live.remove(run);
    }

    /// What a connection does, as far as its run has told.
    pub(crate) fn activity(&self, run: &str) -> (Activity, Option<String>) {
        match self.lock().live.get(run) {
            Some(live) => live.activity(),
            None => (Activity::Running, None),
        }
    }

    /// Begins to listen. What is already going on comes first.
    pub(crate) fn listen(&self) -> Listener {
        let shared = self.lock();
        let first = shared.live.iter().flat_map(|(run, live)| live.so_far(run)).collect();
        Listener { first, receiver: shared.sender.subscribe() }
    }
}

impl Shared {
    fn send(&self, event: ServerEvent) {
        // Nobody has to listen.
        let _ = self.sender.send(Arc::new(event));
    }

    fn tell(&self, run: &str, connection: &str, what: Event) {
        self.send(ServerEvent::Run { run: run.to_owned(), connection: connection.to_owned(), what });
    }

    fn tell_commits(&mut self, run: &str) {
        let Some(live) = self.live.get_mut(run) else { return };
        let connection = live.connection.clone();
        for (table, (ordinal, rows)) in std::mem::take(&mut live.commits) {
            self.tell(run, &connection, Event::Committed { table, ordinal, rows });
        }
    }

    fn hear(&mut self, run: &str, event: &Event) {
        let Some(live) = self.live.get_mut(run) else { return };
        let connection = live.connection.clone();
        match event {
            Event::Committed { table, ordinal, rows } => {
                let told = live.commits.entry(table.clone()).or_default();
                *told = (*ordinal, told.1 + rows);
                // "First rows are in" should not wait for the next figures.
                if !live.first_commit_told && *rows > 0 {
                    live.first_commit_told = true;
                    self.tell_commits(run);
                }
                return;
            }
            // Told once it is stored.
            Event::RunEnded { .. } => return,
            _ => {}
        }
        live.remember(event);
        self.tell_commits(run);
        self.tell(run, &connection, event.clone());
    }
}

impl LiveRun {
    fn remember(&mut self, event: &Event) {
        match event {
            Event::TableStarted { table, .. } => {
                self.retrying = None;
                *self.tables.entry(table.clone()).or_default() =
                    LiveTable { started: Some(event.clone()), ..LiveTable::default() };
            }
            Event::Waiting { table, reason } => {
                self.tables.entry(table.clone()).or_default().waiting =
                    reason.is_some().then(|| event.clone());
            }
            Event::TableEnded { table, .. } => {
                self.tables.entry(table.clone()).or_default().ended = Some(event.clone());
            }
            Event::Progress { .. } => self.progress = Some(event.clone()),
            Event::Retrying { .. } => self.retrying = Some(event.clone()),
            Event::RunStarted { .. }
            | Event::Committed { .. }
            | Event::FellBack { .. }
            | Event::RunEnded { .. } => {}
        }
    }

    fn so_far(&self, run: &str) -> Vec<Arc<ServerEvent>> {
        let tables = self.tables.values();
        let events = std::iter::once(&self.started)
            .chain(tables.clone().filter_map(|table| table.started.as_ref()))
            .chain(&self.progress)
            .chain(tables.flat_map(|table| [&table.waiting, &table.ended]).flatten())
            .chain(&self.retrying);
        let told = |what: &Event| ServerEvent::Run {
            run: run.to_owned(),
            connection: self.connection.clone(),
            what: what.clone(),
        };
        events.map(|event| Arc::new(told(event))).collect()
    }

    fn activity(&self) -> (Activity, Option<String>) {
        if let Some(Event::Retrying { failure, .. }) = &self.retrying {
            return (Activity::Waiting, Some(failure.message.clone()));
        }
        let under_way = || self.tables.values().filter(|table| table.ended.is_none());
        let reason = under_way().find_map(|table| match &table.waiting {
            Some(Event::Waiting { reason, .. }) => reason.clone(),
            _ => None,
        });
        if let Some(reason) = reason.filter(|_| under_way().all(|table| table.waiting.is_some())) {
            return (Activity::Waiting, Some(reason));
        }
        let all = match &self.started {
            Event::RunStarted { tables, .. } => tables.len(),
            _ => 0,
        };
        let done = self.tables.values().filter(|table| table.ended.is_some()).count();
        (Activity::Running, Some(format!("{done} of {all} tables")))
    }
}

/// Hears the events of one run for all windows.
pub(crate) struct RunObserver {
    pub(crate) events: Events,
    pub(crate) run: String,
}

impl Observer for RunObserver {
    fn event(&self, event: &Event) {
        let mut shared = self.events.lock();
        if let Event::RunStarted { connection, .. } = event {
            let live = LiveRun {
                connection: connection.clone(),
                started: event.clone(),
                tables: BTreeMap::new(),
                progress: None,
                retrying: None,
                commits: BTreeMap::new(),
                first_commit_told: false,
            };
            shared.live.insert(self.run.clone(), live);
        }
        shared.hear(&self.run, event);
    }
}

/// One window's ear.
pub struct Listener {
    first: VecDeque<Arc<ServerEvent>>,
    receiver: broadcast::Receiver<Arc<ServerEvent>>,
}

impl Listener {
    /// The next event; none when the program ends. A window that was too slow is told that everything changed.
    pub async fn next(&mut self) -> Option<Arc<ServerEvent>> {
        if let Some(event) = self.first.pop_front() {
            return Some(event);
        }
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => {
                Some(Arc::new(ServerEvent::Changed { tags: CacheTag::ALL.to_vec() }))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_engine::{TableProgress, TableState};

    fn observer(events: &Events) -> RunObserver {
        let observer = RunObserver { events: events.clone(), run: "r".to_owned() };
        let tables = vec![TableName::bare("a"), TableName::bare("b")];
        observer.event(&Event::RunStarted { run: "r".to_owned(), connection: "c".to_owned(), tables });
        observer
    }

    fn started(table: &str) -> Event {
        let table = TableName::bare(table);
        Event::TableStarted { table, rows_estimate: None, full: true, resumed: false }
    }

    fn committed(rows: u64) -> Event {
        Event::Committed { table: TableName::bare("a"), ordinal: rows, rows }
    }

    fn progress() -> Event {
        let table = TableName::bare("a");
        let tables = vec![TableProgress {
            table,
            rows_read: 9,
            rows_committed: 6,
            rows_rejected: 0,
            bytes: 1,
            rows_prepared: 8,
            source_ms: 1,
            prepare_ms: 1,
            destination_ms: 1,
        }];
        Event::Progress { tables, elapsed_ms: 250 }
    }

    async fn heard(listener: &mut Listener, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..count {
            match &*listener.next().await.unwrap() {
                ServerEvent::Run { what, .. } => events.push(what.clone()),
                other => panic!("{other:?}"),
            }
        }
        events
    }

    #[tokio::test]
    async fn commits_are_gathered_but_the_first_rows_are_told_at_once() {
        let events = Events::default();
        let mut listener = events.listen();
        let observer = observer(&events);
        observer.event(&started("a"));
        (1..=3).for_each(|rows| observer.event(&committed(rows)));
        observer.event(&progress());
        let events = heard(&mut listener, 5).await;
        assert_eq!(events[2], committed(1));
        let together = Event::Committed { table: TableName::bare("a"), ordinal: 3, rows: 5 };
        assert_eq!(events[3..], [together, progress()]);
    }

    #[tokio::test]
    async fn who_comes_late_hears_where_the_run_stands() {
        let events = Events::default();
        let observer = observer(&events);
        observer.event(&started("a"));
        observer.event(&progress());
        let waits = |reason: Option<&str>| Event::Waiting {
            table: TableName::bare("a"),
            reason: reason.map(str::to_owned),
        };
        observer.event(&waits(Some("rate limited")));
        assert_eq!(events.activity("r"), (Activity::Waiting, Some("rate limited".to_owned())));
        observer.event(&waits(None));
        observer.event(&started("b"));
        let ended = Event::TableEnded {
            table: TableName::bare("b"),
            state: TableState::Done,
            rows: 2,
            failure: None,
        };
        observer.event(&ended);
        assert_eq!(events.activity("r"), (Activity::Running, Some("1 of 2 tables".to_owned())));
        let heard = heard(&mut events.listen(), 5).await;
        assert!(matches!(heard[0], Event::RunStarted { .. }));
        assert_eq!(heard[1..], [started("a"), started("b"), progress(), ended]);
    }

    #[tokio::test]
    async fn a_window_that_fell_behind_asks_for_everything() {
        let events = Events::default();
        let mut listener = events.listen();
        (0..BEHIND_MAX + 10).for_each(|_| events.changed(&[CacheTag::Runs]));
        let first = listener.next().await.unwrap();
        assert_eq!(*first, ServerEvent::Changed { tags: CacheTag::ALL.to_vec() });
    }
}
