//! What is read of a service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use syncline_protocol::{
    Catalog, Change, CheckOutcome, CheckStep, DiscoverFilter, LogicalType, ReadMode, StepSink, TableInfo,
    TablePosition, TableRead,
};
use syncline_testkit::recorded::{Expected, World, keys, plain};
use syncline_testkit::{Collector, rows_as_text};

use super::Service;

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

async fn check(service: &Service) -> Vec<CheckStep> {
    let steps = Steps::default();
    service.source().check(&steps).await;
    steps.0.into_inner().unwrap()
}

pub(super) async fn signs_in(service: &Service) {
    let steps = check(service).await;
    assert_eq!(
        CheckOutcome::of(&steps),
        CheckOutcome::Ready,
        "{steps:#?}\n{:#?}",
        service.replay.unexpected()
    );
    assert!(steps.len() > 1, "the check asks the service for nothing");
}

pub(super) async fn says_who_may_not_come_in(service: &Service) {
    let refusal = service.recording.sign_in.clone();
    service.replay.enter(World::Closed(refusal.clone()));
    let steps = check(service).await;
    service.replay.enter(World::First);
    assert_eq!(CheckOutcome::of(&steps), CheckOutcome::NotReady);
    let told = format!("{steps:?}");
    assert!(told.contains(&refusal.says), "{told}");
}

async fn catalog(service: &Service) -> Catalog {
    service.source().discover(&DiscoverFilter::default()).await.unwrap()
}

fn table<'c>(catalog: &'c Catalog, name: &str) -> &'c TableInfo {
    catalog
        .tables
        .iter()
        .find(|info| info.schema.table.name == name)
        .unwrap_or_else(|| panic!("no table {name}"))
}

fn read_of(info: &TableInfo) -> TableRead {
    TableRead {
        table: info.schema.table.clone(),
        columns: info.schema.columns.clone(),
        key: info.schema.key.clone(),
        mode: match info.cursors.first() {
            Some(cursor) => {
                ReadMode::Incremental { cursor: cursor.column.clone(), look_back: Duration::ZERO }
            }
            None => ReadMode::Full,
        },
        key_list: false,
    }
}

/// What one sync of a table brought.
struct Brought {
    keys: Vec<String>,
    position: TablePosition,
    asked: BTreeSet<String>,
    waits: Vec<String>,
}

async fn sync(service: &Service, read: &TableRead, from: Option<&TablePosition>) -> Brought {
    let name = &read.table;
    service.replay.take_log();
    let session = service.source().open(std::slice::from_ref(read)).await.unwrap();
    let plan = session.plan(read, from).await.unwrap();
    let mut position = TablePosition::start(1, plan.plan.clone());
    let collector = Collector::new();
    for part in &plan.parts {
        let read_all = session.read(read, &plan, part, None, &collector).await;
        read_all.unwrap_or_else(|error| {
            panic!("{name}: {error} {:?}\nnot recorded: {:#?}", error.context(), service.replay.unexpected())
        });
        position.finish_part(part.index);
    }
    session.close().await;
    let mut batches = Vec::new();
    for change in collector.changes() {
        match change {
            Change::Batch(batch) => batches.push(batch.rows),
            Change::End(end) => drop(position.ends.insert(0, end)),
            Change::Checkpoint(_) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    position.complete = true;
    let places: Vec<usize> = read
        .key
        .iter()
        .map(|key| read.columns.iter().position(|column| column.name == *key).unwrap())
        .collect();
    // Rows without a key are told apart by their first column.
    let places = if places.is_empty() { vec![0] } else { places };
    let key = |row: String| {
        let row: Vec<Value> = serde_json::from_str(&row).unwrap();
        let part = |place: &usize| match (&read.columns[*place].logical, row[*place].as_i64()) {
            (LogicalType::Date, Some(days)) => day(days),
            _ => plain(&row[*place]),
        };
        places.iter().map(part).collect::<Vec<_>>().join("/")
    };
    let mut keys: Vec<String> = rows_as_text(&batches).into_iter().map(key).collect();
    keys.sort_unstable();
    let waits = collector.waits().into_iter().flatten().collect();
    Brought { keys, position, asked: service.replay.take_log(), waits }
}

/// A date as it is written, from the days since 1970.
fn day(days: i64) -> String {
    let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
    day.to_string()
}

/// Every table gives the rows that are expected, and the second time only those that are new.
pub(super) async fn gives_what_is_expected(service: &Service, expected: &BTreeMap<String, Expected>) {
    let catalog = catalog(service).await;
    let found: Vec<&str> = catalog.tables.iter().map(|info| info.schema.table.name.as_str()).collect();
    assert_eq!(found, expected.keys().collect::<Vec<_>>());
    let mut first = BTreeMap::new();
    for (name, wanted) in expected {
        let info = table(&catalog, name);
        assert_eq!(info.unreadable, None, "{name}");
        let brought = sync(service, &read_of(info), None).await;
        assert_eq!(brought.keys, keys(&wanted.keys).unwrap(), "{name}");
        assert_eq!(brought.asked.len(), wanted.requests, "{name}: {:#?}", brought.asked);
        first.insert(name, brought);
    }
    service.replay.enter(World::Later);
    for (name, wanted) in expected {
        let read = read_of(table(&catalog, name));
        assert_eq!(
            wanted.later.is_some(),
            read.mode != ReadMode::Full,
            "{name}: what is new the second time"
        );
        let Some(later) = &wanted.later else { continue };
        let before = &first[name];
        let brought = sync(service, &read, Some(&before.position)).await;
        assert_eq!(brought.keys, keys(later).unwrap(), "{name}, the second time: {:#?}", brought.asked);
        // What the table itself was asked for, and not its parents, is asked for otherwise: after what is known.
        let others = first.iter().filter(|(other, _)| *other != &name).flat_map(|(_, other)| &other.asked);
        let shared: BTreeSet<&String> = others.collect();
        let again = brought.asked.intersection(&before.asked);
        // A partition that had no rows has no position: it is read from the start again.
        let again: Vec<&String> =
            again.filter(|asked| !shared.contains(asked) && service.replay.gave_rows(asked)).collect();
        assert_eq!(!again.is_empty(), wanted.filtered_here, "{name} asks again for {again:#?}");
    }
    service.replay.enter(World::First);
}

/// The service's own word for "later" is understood.
pub(super) async fn waits_when_told(service: &Service, expected: &BTreeMap<String, Expected>) {
    let limit = service.recording.rate_limit.clone();
    let read = read_of(table(&catalog(service).await, &limit.table));
    let until = super::then() + jiff::SignedDuration::from_secs(limit.waits_seconds);
    let until = until.strftime("%H:%M:%S UTC").to_string();
    service.replay.enter(World::Busy(limit.clone()));
    let brought = sync(service, &read, None).await;
    assert_eq!(brought.keys, keys(&expected[&limit.table].keys).unwrap());
    assert!(brought.waits.iter().any(|wait| wait.contains(&until)), "until {until}: {:?}", brought.waits);
}
